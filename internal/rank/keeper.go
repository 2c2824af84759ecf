package rank

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

// How the ranking is kept; times are the machine's.
const (
	// FollowBatch is how many records of the log are taken in at once.
	FollowBatch = 1000
	// SnapshotEvery and SnapshotRecords are what may pass, whichever comes first, before the next snapshot.
	SnapshotEvery   = time.Minute
	SnapshotRecords = 200_000
	// readyLag is how far behind the clock the ranking may be and still serve pages.
	readyLag = 30 * time.Second
	// busiest is the part of a core that learning takes for longer than busyFor: pages and events come first.
	busiest = 0.6
	// busyFor is how much of a core's time learning may take before it rests: what has to be learned at once is.
	busyFor = 100 * time.Millisecond
	// restMost bounds a rest, however the clock was turned meanwhile.
	restMost = 100 * time.Millisecond
)

// Log is what a keeper needs of the event log: *stream.Log.
type Log interface {
	Follow(ctx context.Context, from stream.Position, batch int, fn func([]stream.Record) error) error
	Oldest(ctx context.Context) (stream.Position, error)
	End(ctx context.Context) (stream.Position, error)
}

// Cold is where records are read that the log no longer holds.
type Cold interface {
	// Oldest returns the position just before the oldest record, and its stamp; ok is false when there is none.
	Oldest(ctx context.Context) (pos stream.Position, at time.Time, ok bool, err error)
	// Replay calls fn with the records after from, in order and without a gap, until it has no more, and
	// returns the position behind the last.
	Replay(ctx context.Context, from stream.Position, batch int, fn func([]stream.Record) error) (stream.Position, error)
}

// KeeperOptions say what is kept, and where.
type KeeperOptions struct {
	Fold   *Fold
	Log    Log
	Cold   Cold   // nil: nothing older than the log
	Dir    string // of the snapshots
	Build  string
	Clock  clock.Clock
	Logger *slog.Logger
	// Observe is told how many seconds something took: "visible" from an append's acknowledgement until the
	// next page knows its last record, "applied" the same from each message's stamp, which is set before the
	// disk; "learn" a batch, "pause" for which a snapshot held the writer up, "snapshot" the whole of one.
	Observe func(kind string, seconds float64)

	// What may pass before the next snapshot; 0: the constants above.
	SnapshotEvery   time.Duration
	SnapshotRecords int
}

// Keeper runs a ranking: it begins at the newest whole snapshot, follows the log and keeps snapshots, so that
// a process may die at any instant and the next one goes on with nothing lost and nothing twice.
type Keeper struct {
	opt   KeeperOptions
	shelf shelf

	mu      sync.Mutex
	loaded  bool
	since   time.Time  // log time from which it knows everything; zero: from the beginning
	kept    []Snapshot // on disk, oldest first
	changed bool       // since the files of what was seen were tidied
	coming  []string   // files of the snapshot that is being written
	pos     stream.Position
	stamp   time.Time
	caught  bool // it has once been at the log's end since it was loaded
	horizon stream.Position
	turned  chan struct{} // closed and replaced when pos moves

	saving  chan struct{} // holds one token while a snapshot is being written
	saved   time.Time     // when the last snapshot was begun, by the clock
	behind  int           // records applied since
	waiting acks
	rested  clock.Stopwatch // since learning last asked whether it must rest
	spare   time.Duration   // of a core, that it may still take
	offset  time.Duration   // by which a sandbox's clock was turned when records were last measured
}

// NewKeeper returns a keeper that Run sets to work.
func NewKeeper(opt KeeperOptions) *Keeper {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Observe == nil {
		opt.Observe = func(string, float64) {}
	}
	if opt.SnapshotEvery == 0 {
		opt.SnapshotEvery = SnapshotEvery
	}
	if opt.SnapshotRecords == 0 {
		opt.SnapshotRecords = SnapshotRecords
	}
	return &Keeper{opt: opt, shelf: shelf{opt.Dir}, turned: make(chan struct{}), saving: make(chan struct{}, 1), rested: clock.StartWatch(), spare: busyFor}
}

// Fold returns the ranking. Before Run has loaded it, it knows nothing.
func (k *Keeper) Fold() *Fold { return k.opt.Fold }

// Page draws a page by what the log says so far.
func (k *Keeper) Page(r Request) Page { return k.opt.Fold.Page(r) }

// Run loads the ranking and keeps it until ctx ends. After an error it may be called again.
func (k *Keeper) Run(ctx context.Context) error {
	if err := k.load(ctx); err != nil {
		return err
	}
	err := k.opt.Log.Follow(ctx, k.opt.Fold.Position(), FollowBatch, func(records []stream.Record) error { return k.apply(ctx, records) })
	if errors.Is(err, stream.ErrTrimmed) || errors.Is(err, stream.ErrBeyond) {
		k.unload()
	}
	k.saving <- struct{}{} // a snapshot under way is finished first
	<-k.saving
	return err
}

// Close keeps a last snapshot, so that the next start has nothing to learn again. It is called after Run.
func (k *Keeper) Close() error {
	k.mu.Lock()
	due := k.loaded && (len(k.kept) == 0 || k.kept[len(k.kept)-1].Position.Before(k.pos))
	k.mu.Unlock()
	if !due {
		return nil
	}
	head, cut, err := k.cut()
	if err != nil {
		return err
	}
	return k.save(head, cut)
}

func (k *Keeper) unload() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loaded, k.caught, k.horizon = false, false, stream.Position{}
}

// apply brings the ranking forward by a batch and keeps a snapshot when one is due.
func (k *Keeper) apply(ctx context.Context, records []stream.Record) error {
	begun := clock.StartWatch()
	if err := k.opt.Fold.Apply(records); err != nil {
		k.unload() // what it holds now is not known: the next Run begins at a snapshot again
		return fmt.Errorf("rank: learning stopped behind %v: %w", k.opt.Fold.Position(), err)
	}
	took, now := begun.Passed(), k.opt.Clock.Now()
	k.opt.Observe("learn", took.Seconds())
	k.moved()
	k.seen()
	k.observe(records, now)
	if err := k.tidy(); err != nil {
		return err
	}
	k.behind += len(records)
	if k.behind >= k.opt.SnapshotRecords || now.Sub(k.saved) >= k.opt.SnapshotEvery {
		if err := k.snapshot(now); err != nil {
			return err
		}
	}
	if due := k.tired(took); due > 0 && len(records) == FollowBatch && k.Caught() {
		k.rest(ctx, min(due, restMost))
	}
	return nil
}

// tired takes down that learning took so long, and returns how long it must rest: not at all while it took no more
// than its part of a core, whatever came at once.
func (k *Keeper) tired(took time.Duration) time.Duration {
	k.spare = max(min(k.spare+time.Duration(busiest*float64(k.rested.Passed())), busyFor)-took, -restMost)
	k.rested = clock.StartWatch()
	if k.spare >= 0 {
		return 0
	}
	return time.Duration(float64(-k.spare) / busiest)
}

// rest leaves the processor to others while more is told than can be learned: acknowledgements hold, the lag
// grows and is shown, and nothing is skipped.
func (k *Keeper) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// snapshot begins one, unless the last is still being written.
func (k *Keeper) snapshot(now time.Time) error {
	select {
	case k.saving <- struct{}{}:
	default:
		return nil
	}
	head, cut, err := k.cut()
	if err != nil {
		<-k.saving
		return err
	}
	k.saved, k.behind = now, 0
	go func() {
		defer func() { <-k.saving }()
		if err := k.save(head, cut); err != nil {
			k.opt.Logger.Error("a snapshot of the ranking was not kept; the one before it still is", "error", err)
		}
	}()
	return nil
}

// cut begins a snapshot at this position. The writer waits for it, and goes on while the rest is written.
func (k *Keeper) cut() (Snapshot, *Cut, error) {
	begun := clock.StartWatch()
	cut, err := k.opt.Fold.Cut()
	if err != nil {
		return Snapshot{}, nil, fmt.Errorf("rank: the state cannot be kept: %w", err)
	}
	k.mu.Lock()
	head := Snapshot{Version: StateVersion, Build: k.opt.Build, Arch: runtime.GOARCH, Since: k.since,
		Position: k.opt.Fold.Position(), Stamp: k.opt.Fold.Stamp(), Files: cut.Files}
	k.coming = cut.Files
	k.mu.Unlock()
	k.opt.Observe("pause", begun.Passed().Seconds())
	return head, cut, nil
}

// tidy lets go of the files of what was seen that no kept snapshot needs, after the kept ones have changed.
// They belong to the goroutine that applies.
func (k *Keeper) tidy() error {
	k.mu.Lock()
	needed := slices.Clone(k.coming)
	for _, s := range k.kept {
		needed = append(needed, s.Files...)
	}
	changed := k.changed
	k.changed = false
	k.mu.Unlock()
	if !changed {
		return nil
	}
	return k.opt.Fold.seen.Keep(needed)
}

// save writes a snapshot and lets go of those that are one too many.
func (k *Keeper) save(head Snapshot, cut *Cut) error {
	begun := clock.StartWatch()
	head, err := k.shelf.write(head, cut.Encode)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.kept = append(k.kept, head)
	gone := slices.Clone(k.kept[:max(0, len(k.kept)-KeepSnapshots)])
	k.kept = slices.Clone(k.kept[len(gone):])
	k.changed, k.coming = true, nil
	k.mu.Unlock()
	for _, s := range gone {
		err = errors.Join(err, os.Remove(filepath.Join(k.opt.Dir, s.name)))
	}
	k.opt.Observe("snapshot", begun.Passed().Seconds())
	return err
}

// moved notes where the ranking is and wakes who waits for that.
func (k *Keeper) moved() {
	pos, stamp := k.opt.Fold.Position(), k.opt.Fold.Stamp()
	if pos.IsZero() {
		stamp = time.Time{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pos, k.stamp = pos, stamp
	if !k.caught && !k.pos.Before(k.horizon) {
		k.caught = true
	}
	close(k.turned)
	k.turned = make(chan struct{})
}

// Safe returns the position up to which two kept snapshots have everything: the log may be trimmed up to
// there. It is the zero Position until there are two.
func (k *Keeper) Safe() stream.Position {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) < 2 {
		return stream.Position{}
	}
	return k.kept[len(k.kept)-2].Position
}
