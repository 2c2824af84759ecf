package metric

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"mezzo/internal/stream"
)

// errThere says that a position was reached.
var errThere = errors.New("metric: the position was reached")

// followTo calls fn with the records between two positions and returns behind the last. ErrReplay: the log ends
// before that.
func followTo(ctx context.Context, log Log, from, to stream.Position, fn func([]stream.Record) error) error {
	if !from.Before(to) {
		return nil
	}
	end, err := log.End(ctx)
	if err != nil {
		return err
	}
	if end.Before(to) {
		return fmt.Errorf("%w: the log ends at %v, before %v: it was restored from an older copy; restore both from one backup", ErrReplay, end, to)
	}
	err = log.Follow(ctx, from, FollowBatch, func(records []stream.Record) error {
		n := len(records)
		for n > 0 && to.Before(records[n-1].Pos) {
			n--
		}
		if n > 0 {
			if err := fn(records[:n]); err != nil {
				return err
			}
		}
		if n < len(records) || !records[n-1].Pos.Before(to) {
			return errThere
		}
		return nil
	})
	if errors.Is(err, errThere) {
		return nil
	}
	return err
}

// Replayed is what a replay came to.
type Replayed struct {
	From, To  stream.Position
	Snapshot  string // the file it began at; "": the beginning
	Records   int64
	Took      time.Duration // of the records alone
	Sum, Want string        // of the state made again, and of the snapshot at the same position
}

// Equal reports whether the state made again is the kept one.
func (r Replayed) Equal() bool { return r.Sum == r.Want }

// ErrReplay says that there is nothing to replay from, or to compare with.
var ErrReplay = errors.New("metric: nothing can be replayed")

// Replay makes the numbers again in opt.Fold, which must be fresh, up to where the newest whole snapshot stands: from
// the one before it, or, asked for beginning, from the first record there ever was, cold files included. The
// snapshots stay as they are.
func Replay(ctx context.Context, opt KeeperOptions, beginning bool) (Replayed, error) {
	k := NewKeeper(opt)
	if err := k.openCold(); err != nil {
		return Replayed{}, err
	}
	whole, err := k.whole()
	if err != nil {
		return Replayed{}, err
	}
	if len(whole) == 0 {
		return Replayed{}, fmt.Errorf("%w: no whole snapshot of this version is kept; run the server for half a minute first", ErrReplay)
	}
	newest := whole[len(whole)-1]
	r := Replayed{To: newest.Position, Want: sumText(newest.sum)}
	if beginning || len(whole) == 1 {
		err = k.again(ctx, &r)
	} else {
		err = k.onwards(ctx, &r, whole[len(whole)-2])
	}
	if err == nil {
		r.Sum = sumText(k.fold.Checksum())
	}
	return r, err
}

func sumText(sum uint64) string { return fmt.Sprintf("%016x", sum) }

// whole returns the snapshots that this program can read, oldest first.
func (k *Keeper) whole() ([]Snapshot, error) {
	names, err := k.shelf.list()
	if err != nil {
		return nil, err
	}
	var whole []Snapshot
	for _, name := range names {
		if head, _, err := k.shelf.read(name); err == nil && head.Version == SnapshotVersion && head.Arch == runtime.GOARCH {
			whole = append(whole, head)
		}
	}
	return whole, nil
}

// onwards replays from a snapshot through the log.
func (k *Keeper) onwards(ctx context.Context, r *Replayed, from Snapshot) error {
	_, data, err := k.shelf.read(from.name)
	if err == nil {
		err = k.fold.Restore(data)
	}
	if err != nil {
		return fmt.Errorf("metric: %s cannot be gone on from: %w", from.name, err)
	}
	k.knowsSince(from.Since)
	r.From, r.Snapshot = from.Position, from.name
	return k.timed(r, func(apply func([]stream.Record) error) error {
		return followTo(ctx, k.opt.Log, r.From, r.To, apply)
	})
}

// again replays everything there ever was.
func (k *Keeper) again(ctx context.Context, r *Replayed) error {
	oldest, err := k.opt.Log.Oldest(ctx)
	if err != nil {
		return err
	}
	if oldest.IsZero() {
		return k.timed(r, func(apply func([]stream.Record) error) error { return followTo(ctx, k.opt.Log, oldest, r.To, apply) })
	}
	var cold stream.Position
	held := false
	if k.opt.Cold != nil {
		if cold, _, held, err = k.opt.Cold.Oldest(ctx); err != nil {
			return err
		}
	}
	if !held || !cold.IsZero() {
		return fmt.Errorf("%w: the first records are held neither by the log nor by the archive; replay from a snapshot", ErrReplay)
	}
	return k.timed(r, func(apply func([]stream.Record) error) error {
		until, err := k.opt.Cold.Replay(ctx, cold, FollowBatch, func(records []stream.Record) error {
			n := len(records)
			for n > 0 && r.To.Before(records[n-1].Pos) {
				n--
			}
			if n > 0 {
				if err := apply(records[:n]); err != nil {
					return err
				}
			}
			if n < len(records) {
				return errThere
			}
			return nil
		})
		if errors.Is(err, errThere) {
			return nil
		}
		if err != nil {
			return err
		}
		return followTo(ctx, k.opt.Log, until, r.To, apply)
	})
}

// timed counts the records and the time they take.
func (k *Keeper) timed(r *Replayed, run func(apply func([]stream.Record) error) error) error {
	begun := k.opt.Clock.Now()
	err := run(func(records []stream.Record) error {
		r.Records += int64(len(records))
		return k.fold.Apply(records)
	})
	r.Took = k.opt.Clock.Now().Sub(begun)
	return err
}

// Proof is what Prove has looked at, and every break it found.
type Proof struct {
	Snapshots int
	Records   int64 // of the log behind the newest
	Away      int   // entities of the newest whose state lies in SQL, each read and found to be the one that left
	Rows      int64 // compared
	Breaks    []string
}

// Prove restores each kept snapshot in opt.Fold, which must be fresh, and compares its checksum; then it follows
// the log to its end and compares the hours and days in SQL with what the fold holds.
func Prove(ctx context.Context, opt KeeperOptions) (p Proof, err error) {
	k := NewKeeper(opt)
	if err := k.openCold(); err != nil {
		return p, err
	}
	names, err := k.shelf.list()
	if err != nil {
		return p, err
	}
	var newest Snapshot
	for _, name := range names {
		head, data, err := k.shelf.read(name)
		if err == nil && head.Version != SnapshotVersion {
			continue // of another program: it is passed over at the next start
		}
		if err == nil {
			err = k.fold.Restore(data)
		}
		if err == nil && k.fold.Checksum() != head.sum {
			err = fmt.Errorf("its state has the checksum %s, it was kept with %s", sumText(k.fold.Checksum()), sumText(head.sum))
		}
		if err == nil && k.cold != nil {
			p.Away, err = k.proveAway()
		}
		if err != nil {
			p.Breaks = append(p.Breaks, fmt.Sprintf("snapshot %s: %v", name, err))
			continue
		}
		p.Snapshots++
		newest = head
	}
	if newest.name == "" || k.past == nil {
		return p, nil
	}
	end, err := k.opt.Log.End(ctx)
	if err != nil {
		return p, err
	}
	if end.Before(newest.Position) {
		p.Breaks = append(p.Breaks, fmt.Sprintf("the newest snapshot is at %v and the log ends at %v: the log is older; restore both from one backup", newest.Position, end))
		return p, nil
	}
	k.knowsSince(newest.Since)
	if err := followTo(ctx, k.opt.Log, newest.Position, end, func(records []stream.Record) error {
		p.Records += int64(len(records))
		return k.fold.Apply(records)
	}); err != nil {
		return p, err
	}
	return p, k.compare(ctx, newest.Since, &p)
}

// proveAway reads the state of everything that is away.
func (k *Keeper) proveAway() (n int, err error) {
	var gone []Gone
	k.opt.Fold.Absent(func(g Gone) { gone = append(gone, g) })
	for ; n < len(gone); n += recallMost {
		some := gone[n:min(n+recallMost, len(gone))]
		if err := k.opt.Fold.recall(some); err != nil {
			return n, err
		}
		for i := range some {
			if _, err := some[i].thing(); err != nil {
				return n, err
			}
			some[i].State = nil
		}
	}
	return len(gone), nil
}

func (k *Keeper) openCold() error {
	if k.cold == nil {
		return nil
	}
	return k.cold.open()
}

// maxBreaks is how many differing rows are named.
const maxBreaks = 20

// compare compares the rows that have not changed since the position SQL stands at with those of the fold.
func (k *Keeper) compare(ctx context.Context, since time.Time, p *Proof) error {
	if err := k.past.load(ctx); err != nil {
		return err
	}
	stored := k.past.at()
	if k.fold.Position().Before(stored) {
		p.Breaks = append(p.Breaks, fmt.Sprintf("the rows stand at %v and the log ends at %v: the log is older than the database; restore both from one backup", stored, k.fold.Position()))
		return nil
	}
	newer := map[bucket]bool{}
	if err := k.fold.Rows(stored.Stamp(), func(r Row) error {
		newer[bucket{r.Entity, r.Grain, r.Start.Unix()}] = true
		return nil
	}); err != nil || stored.IsZero() {
		return err
	}
	return k.fold.Rows(time.Time{}, func(r Row) error {
		if r.Add || r.Grain == GrainMinute || r.Start.Before(since) || newer[bucket{r.Entity, r.Grain, r.Start.Unix()}] {
			return nil
		}
		kept, err := k.past.series(ctx, r.Entity, r.Grain, r.Start, r.Start.Add(time.Microsecond))
		if err != nil {
			return err
		}
		p.Rows++
		if (len(kept) != 1 || !same(kept[0], r.Point)) && len(p.Breaks) < maxBreaks {
			p.Breaks = append(p.Breaks, fmt.Sprintf("the %s of %s that begins at %v is kept as %+v, it was %+v", r.Grain, r.Entity, r.Start, kept, r.Point))
		}
		return nil
	})
}

// same reports whether two points say the same, whatever the order of their currencies.
func same(a, b Point) bool {
	if !a.Start.Equal(b.Start) || a.Counts != b.Counts || a.Uniques != b.Uniques || len(a.Money) != len(b.Money) {
		return false
	}
	for _, m := range a.Money {
		if !slices.Contains(b.Money, m) {
			return false
		}
	}
	return true
}
