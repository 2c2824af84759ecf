package metric

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/stream"
)

// How a fold is kept; times are the machine's.
const (
	// FollowBatch is how many records of the log are applied at once.
	FollowBatch = 2000
	// SnapshotEvery and SnapshotRecords are what may pass, whichever comes first, before the next snapshot.
	SnapshotEvery   = 30 * time.Second
	SnapshotRecords = 200_000
	// RollupEvery is how often changed hours and days go to SQL.
	RollupEvery = 5 * time.Second
	// rollupAhead is how much log time may pass before what was counted in it is in SQL: when log time runs ahead of
	// the machine's, as it does while a past is made up or read again, the rows are written first.
	rollupAhead = 24 * time.Hour
	// rollupLease is how long a node that died keeps the others from writing rows.
	rollupLease = 15 * time.Second
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

// state is what a keeper does with a fold.
type state interface {
	Apply(records []stream.Record) error
	Position() stream.Position
	Stamp() time.Time
	Cut() (*Cut, error)
	Restore(data []byte) error   // nil: the state before the first record
	Forget(files []string) error // but for those named, which kept snapshots need
	Checksum() uint64
	Rows(since time.Time, fn func(Row) error) error // fn is called without any lock
	RowsBehind(stored stream.Position, fn func(Row) error) error
	Series(e Entity, g Grain, from, to time.Time) []Point
}

// KeeperOptions say what is kept, and where.
type KeeperOptions struct {
	Fold   *Fold
	Log    Log
	Cold   Cold   // nil: nothing older than the log
	DB     *db.DB // of the rows; nil: none are written
	Dir    string // of the snapshots
	Build  string
	Holder string // this process, in leases
	Clock  clock.Clock
	Logger *slog.Logger
	// Observe is told how many seconds something took: "visible" from an append's acknowledgement to its last
	// record in the fold, "applied" the same from each message's stamp, which is set before the disk has it;
	// "pause" for which a snapshot held the writer up; "snapshot", "rollup" and "evict" the whole of each.
	Observe func(kind string, seconds float64)
	// Step is told the name of each step that a crash could fall on, just before or after it. For proofs.
	Step func(name string)

	// What may pass before the next snapshot and rollup; 0: the constants above.
	SnapshotEvery, RollupEvery time.Duration
	SnapshotRecords            int

	// What leaves memory, and when; 0: the constants of these names. Without a DB nothing does.
	MemoryMost             int64
	EvictAfter, EvictEvery time.Duration
}

// Keeper runs a fold: it begins at the newest whole snapshot, follows the log, keeps snapshots and writes
// the past to SQL, so that a process may die at any instant and the next one goes on with nothing lost and
// nothing twice.
type Keeper struct {
	opt   KeeperOptions
	fold  state
	shelf shelf
	past  *past
	cold  *cold                        // nil: nothing leaves memory
	stale map[staleKey]stream.Position // states in SQL that the fold does not need behind a position; of one goroutine

	mu      sync.Mutex
	loaded  bool
	since   time.Time  // log time from which the fold knows everything; zero: from the beginning
	kept    []Snapshot // whole and on disk, oldest first
	changed bool       // since the fold's files were tidied
	coming  []string   // files of the snapshot that is being written
	pos     stream.Position
	stamp   time.Time
	caught  bool // the fold has once been at the log's end since it was loaded
	horizon stream.Position
	turned  chan struct{}      // closed and replaced when pos moves
	oldest  time.Time          // stamp of the first record applied that the rows have not; zero: they have all
	newer   time.Time          // the same of those applied since rows are being written
	asked   chan chan struct{} // asks for rows now, and hears when that was tried

	applying sync.Mutex // of the fold's place, while rows of the day in which its knowledge begins are made
	part     partial

	saving  chan struct{} // holds one token while a snapshot is being written
	saved   time.Time     // when the last snapshot was begun, by the clock
	behind  int           // records applied since
	offset  time.Duration // of a clock that can be turned, when records were applied last
	waited  time.Time     // log time when rows were waited for last
	waiting acks
}

// NewKeeper returns a keeper that Run sets to work.
func NewKeeper(opt KeeperOptions) *Keeper { return newKeeper(opt, opt.Fold) }

func newKeeper(opt KeeperOptions, fold state) *Keeper {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Observe == nil {
		opt.Observe = func(string, float64) {}
	}
	if opt.Step == nil {
		opt.Step = func(string) {}
	}
	if opt.SnapshotEvery == 0 {
		opt.SnapshotEvery = SnapshotEvery
	}
	if opt.SnapshotRecords == 0 {
		opt.SnapshotRecords = SnapshotRecords
	}
	if opt.RollupEvery == 0 {
		opt.RollupEvery = RollupEvery
	}
	if opt.MemoryMost == 0 {
		opt.MemoryMost = MemoryMost
	}
	if opt.EvictAfter == 0 {
		opt.EvictAfter = EvictAfter
	}
	if opt.EvictEvery == 0 {
		opt.EvictEvery = EvictEvery
	}
	k := &Keeper{opt: opt, fold: fold, shelf: shelf{opt.Dir}, turned: make(chan struct{}), saving: make(chan struct{}, 1), asked: make(chan chan struct{})}
	if opt.DB != nil {
		k.past = &past{d: opt.DB}
	}
	if opt.DB != nil && opt.Fold != nil {
		k.cold = &cold{d: opt.DB, dir: opt.Dir}
		opt.Fold.opt.Load = k.cold.load
	}
	return k
}

// Fold returns the fold. Before Run has loaded it, it knows nothing.
func (k *Keeper) Fold() *Fold { return k.opt.Fold }

// Run loads the fold and keeps it until ctx ends. After an error it may be called again.
func (k *Keeper) Run(ctx context.Context) error {
	if err := k.load(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel(nil)
	if k.past != nil {
		beside.Go(func() { k.rollUp(ctx) })
	}
	if k.cold != nil {
		beside.Go(func() { k.evict(ctx) })
	}
	err := k.opt.Log.Follow(ctx, k.fold.Position(), FollowBatch, func(records []stream.Record) error { return k.apply(ctx, records) })
	cancel(err)
	if errors.Is(err, stream.ErrTrimmed) || errors.Is(err, stream.ErrBeyond) {
		k.unload()
	}
	k.saving <- struct{}{} // a snapshot under way is finished first
	<-k.saving
	return err
}

// Close keeps a last snapshot, so that the next start has nothing to read again. It is called after Run.
func (k *Keeper) Close() error {
	k.mu.Lock()
	due := k.loaded && (len(k.kept) == 0 || k.kept[len(k.kept)-1].Position.Before(k.pos))
	k.mu.Unlock()
	if !due {
		return nil
	}
	head, encode, err := k.cut()
	if err != nil {
		return err
	}
	return k.save(head, encode)
}

func (k *Keeper) unload() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loaded, k.caught, k.horizon = false, false, stream.Position{}
}

// apply brings the fold forward by a batch, no further ahead of the rows than they can follow.
func (k *Keeper) apply(ctx context.Context, records []stream.Record) error {
	for len(records) > 0 {
		n := k.room(ctx, records)
		if !k.part.known && k.part.on {
			n = min(n, k.untilRows(records))
		}
		if err := k.applySome(records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// applySome brings the fold forward and keeps a snapshot when one is due.
func (k *Keeper) applySome(records []stream.Record) error {
	k.applying.Lock()
	defer k.applying.Unlock()
	if err := k.fold.Apply(records); err != nil {
		k.unload() // what it holds now is not known: the next Run begins at a snapshot again
		return fmt.Errorf("metric: the fold stopped behind %v: %w", k.fold.Position(), err)
	}
	now := k.opt.Clock.Now()
	k.observe(records, now)
	k.unwritten(records)
	k.moved()
	if !k.part.known && k.part.on && k.fold.Position() == k.past.at() {
		if err := k.tellPart(); err != nil {
			return err
		}
	}
	k.seen()
	k.opt.Step("applied")
	if err := k.tidy(); err != nil {
		return err
	}
	k.behind += len(records)
	if k.behind >= k.opt.SnapshotRecords || now.Sub(k.saved) >= k.opt.SnapshotEvery {
		return k.snapshot(now)
	}
	return nil
}

// snapshot begins one, unless the last is still being written.
func (k *Keeper) snapshot(now time.Time) error {
	select {
	case k.saving <- struct{}{}:
	default:
		return nil
	}
	head, encode, err := k.cut()
	if err != nil {
		<-k.saving
		return err
	}
	k.saved, k.behind = now, 0
	go func() {
		defer func() { <-k.saving }()
		if err := k.save(head, encode); err != nil {
			k.opt.Logger.Error("a snapshot of the numbers was not kept; the one before it still is", "error", err)
		}
	}()
	return nil
}

// cut begins a snapshot at this position. The writer waits for it, and goes on while the rest is encoded.
func (k *Keeper) cut() (Snapshot, func(io.Writer) (uint64, error), error) {
	begun := clock.StartWatch()
	cut, err := k.fold.Cut()
	if err != nil {
		return Snapshot{}, nil, fmt.Errorf("metric: the fold cannot be kept: %w", err)
	}
	k.mu.Lock()
	head := Snapshot{Version: SnapshotVersion, Build: k.opt.Build, Arch: runtime.GOARCH, Since: k.since,
		Position: k.fold.Position(), Stamp: k.fold.Stamp(), Files: cut.Files}
	k.coming = cut.Files
	k.mu.Unlock()
	k.opt.Observe("pause", begun.Passed().Seconds())
	return head, cut.Encode, nil
}

// tidy lets go of the fold's files that no kept snapshot needs, after the kept ones have changed. What was seen
// belongs to the goroutine that applies.
func (k *Keeper) tidy() error {
	k.mu.Lock()
	needed := append([]string(nil), k.coming...)
	for _, s := range k.kept {
		needed = append(needed, s.Files...)
	}
	changed := k.changed
	k.changed = false
	k.mu.Unlock()
	if !changed {
		return nil
	}
	return k.fold.Forget(needed)
}

// save writes a snapshot and lets go of those that are one too many.
func (k *Keeper) save(head Snapshot, encode func(io.Writer) (uint64, error)) error {
	begun := clock.StartWatch()
	head, err := k.shelf.write(head, encode, k.opt.Step)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.kept = append(k.kept, head)
	k.kept = append([]Snapshot(nil), k.kept[max(0, len(k.kept)-KeepSnapshots):]...)
	oldest, enough := k.kept[0].name, len(k.kept) == KeepSnapshots
	k.changed, k.coming = k.changed || enough, nil
	k.mu.Unlock()
	if enough {
		err = k.shelf.prune(oldest)
	}
	k.opt.Observe("snapshot", begun.Passed().Seconds())
	return err
}

// moved notes where the fold is and wakes who waits for that.
func (k *Keeper) moved() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pos, k.stamp = k.fold.Position(), k.fold.Stamp()
	if !k.caught && !k.pos.Before(k.horizon) {
		k.caught = true
	}
	close(k.turned)
	k.turned = make(chan struct{})
}

// Safe returns the position up to which all kept snapshots and the rows in SQL have everything: the log may
// be trimmed up to there. It is the zero Position until there are two snapshots.
func (k *Keeper) Safe() stream.Position {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) < KeepSnapshots {
		return stream.Position{}
	}
	safe := k.kept[0].Position
	if k.past != nil {
		if stored := k.past.at(); stored.Before(safe) {
			safe = stored
		}
	}
	return safe
}
