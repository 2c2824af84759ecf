package metric

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sort"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/stream"
)

const (
	// rowsName is the follower whose position the rows stand at.
	rowsName = "metric"
	// rowsLease is the lease of the node that writes them.
	rowsLease = "metric rows"
	// rowsPerWrite is how many rows one transaction writes: others wait for it.
	rowsPerWrite = 256
	// HourLife is how long hours are kept in SQL; days are kept for good.
	HourLife = 90 * 24 * time.Hour
	// pruneStep is how much of what is too old one transaction deletes, in time.
	pruneStep = 24 * time.Hour
	pruneRest = time.Hour
)

// errMoved says that another process has written rows from the position this one knew.
var errMoved = errors.New("metric: the rows are being written by another process")

// past is the numbers by hour and day in SQL, and the position they stand at.
type past struct {
	d    *db.DB
	mark int64 // of the last write to them that this process knows; of the goroutine that writes

	mu     sync.Mutex
	stored stream.Position
}

// at returns the position up to which everything is in the rows, as this process knows it.
func (p *past) at() stream.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stored
}

func (p *past) moveTo(pos stream.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stored = pos
}

// rollUp writes what changed until ctx ends, while this process has the lease. What fails is tried again.
func (k *Keeper) rollUp(ctx context.Context) {
	var pruned time.Time
	for {
		asked := k.awaitRows(ctx)
		if ctx.Err() != nil {
			break
		}
		ok, err := k.opt.DB.Lease(ctx, rowsLease, k.opt.Holder, rollupLease)
		if ok {
			err = k.roll(ctx)
		} else if err == nil {
			if err = k.past.load(ctx); err == nil { // somebody else writes: see how far
				k.due()
			}
		}
		if stamp := k.fold.Stamp(); ok && err == nil && stamp.Sub(pruned) >= pruneRest {
			pruned = stamp
			err = k.past.prune(ctx, stamp.Add(-HourLife))
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, errMoved) {
			k.opt.Logger.Warn("the numbers by hour and day wait to be written", "error", err)
		}
		if asked != nil {
			close(asked)
		}
	}
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := k.opt.DB.Release(free, rowsLease, k.opt.Holder); err != nil {
		k.opt.Logger.Warn("the lease on the numbers by hour and day runs out by itself", "error", err)
	}
}

// awaitRows waits until rows are to be written, and returns who asked for them, nil when nobody did.
func (k *Keeper) awaitRows(ctx context.Context) chan struct{} {
	t := time.NewTimer(k.opt.RollupEvery)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case asked := <-k.asked:
		return asked
	}
	return nil
}

// room returns how many of the records may be applied next: those that move log time no further than rollupAhead
// from what the rows have not. If that is none, rows are written first, or that is tried once: SQL may be away, and
// the numbers go on.
func (k *Keeper) room(ctx context.Context, records []stream.Record) int {
	if k.past == nil {
		return len(records)
	}
	next := records[0].At
	if k.beyond(next) {
		done := make(chan struct{})
		select {
		case k.asked <- done:
			select {
			case <-done:
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
		k.waited = next
	}
	return max(1, sort.Search(len(records), func(i int) bool { return records[i].At.Sub(next) > rollupAhead || k.beyond(records[i].At) }))
}

// beyond reports whether a moment lies too far ahead of what the rows have not.
func (k *Keeper) beyond(at time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.oldest.IsZero() && at.Sub(k.oldest) > rollupAhead && at.Sub(k.waited) > rollupAhead
}

// unwritten notes records that were applied and are not in the rows.
func (k *Keeper) unwritten(records []stream.Record) {
	if k.past == nil || !k.past.at().Before(records[len(records)-1].Pos) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, at := range []*time.Time{&k.oldest, &k.newer} {
		if at.IsZero() {
			*at = records[0].At
		}
	}
}

// due returns the position up to which rows are to be written, and the stamp of the first record that they have
// not; ok is false when they have all.
func (k *Keeper) due() (pos stream.Position, oldest time.Time, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.newer = time.Time{}
	if !k.past.at().Before(k.pos) {
		k.oldest = time.Time{}
		return k.pos, k.oldest, false
	}
	return k.pos, k.oldest, true
}

// written notes that the rows have everything up to what was due.
func (k *Keeper) written() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.oldest = k.newer
}

// inDays writes a long time as people say it.
func inDays(d time.Duration) string {
	d = d.Round(time.Hour)
	return fmt.Sprintf("%d days and %d hours", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// roll writes every row that changed since the stored position. The rows are those of now, absolute, so it
// does no harm to write them ahead of the position: only the last transaction moves that, and with it goes
// what is added.
func (k *Keeper) roll(ctx context.Context) error {
	if err := k.past.load(ctx); err != nil {
		return err
	}
	stored := k.past.at()
	since := k.Since()
	part := k.part.on && !k.over(since, stored)
	still := func() {}
	if part { // what is added must be what is counted up to a position, and no more
		k.applying.Lock()
		still = sync.OnceFunc(k.applying.Unlock)
		defer still()
	}
	pos, oldest, ok := k.due()
	if !ok || part && !k.part.known {
		return nil // nothing new, or the fold is still reading what is in the rows already
	}
	if part && k.part.at != stored { // another process wrote rows
		k.leavePart()
		part = false
	}
	begun := clock.StartWatch()
	k.opt.Step("rollup begun")
	if lag := pos.Stamp().Sub(oldest); !oldest.IsZero() && lag > edgeWidth*time.Second {
		k.opt.Logger.Error("the hours and days in SQL were not written for too long: of refunds and commissions of old sales some may be missing in them for good",
			"since", oldest, "behind", inDays(lag))
	}
	w := rolling{k: k, stored: stored, pos: pos, since: since, part: part}
	err := k.fold.RowsBehind(stored, func(r Row) error { return w.take(ctx, r) })
	var told map[bucket]*Row
	if err == nil && part {
		told = map[bucket]*Row{}
		err = k.countPart(told, stored.Stamp().Truncate(time.Second))
	}
	still()
	if err == nil {
		err = k.past.commit(ctx, stored, pos, w.rows, w.add, k.opt.Step)
	}
	if err == nil {
		if part {
			maps.Copy(k.part.told, told) // of those that did not change it stays
			k.part.at = pos
		}
		k.written()
		k.opt.Step("rollup committed")
		k.opt.Observe("rollup", begun.Passed().Seconds())
	}
	return err
}

// rolling is one writing of the rows.
type rolling struct {
	k           *Keeper
	stored, pos stream.Position // of the rows, and where they will stand
	since       time.Time
	part        bool // rows of the hour and the day in which knowledge begins are added to
	rows, add   []Row
}

// take writes a row, or keeps it for the last transaction.
func (w *rolling) take(ctx context.Context, r Row) error {
	switch {
	case r.Add:
		if w.stored.Before(r.Pos) && !w.pos.Before(r.Pos) {
			w.add = append(w.add, r)
		}
		return nil
	case r.Grain == GrainMinute:
		return nil
	case r.Start.Before(w.since): // of a bucket the fold knows in part only, SQL knows more
		if !w.part || !w.k.partly(&r, w.since) {
			return nil
		}
		if lacks, some := w.k.part.missing(&r); some {
			w.add = append(w.add, lacks)
		}
		return nil
	}
	if w.rows = append(w.rows, r); len(w.rows) < rowsPerWrite {
		return nil
	}
	err := w.k.past.put(ctx, w.stored, w.rows)
	w.rows = w.rows[:0]
	w.k.opt.Step("rollup rows")
	return err
}

// Series returns what happened to the entity in each bucket of the grain that begins in [from, to), oldest
// first; buckets in which nothing did are left out. It joins what SQL keeps with what the fold knows since.
// Minutes are known for an hour. The error is ErrSeries when the span has too many buckets.
func (k *Keeper) Series(ctx context.Context, e Entity, grain Grain, from, to time.Time) ([]Point, error) {
	if grain.Span() == 0 || to.Sub(from) > MaxPoints*grain.Span() {
		return nil, ErrSeries
	}
	from, to = from.UTC().Truncate(grain.Span()), to.UTC()
	var points []Point
	if grain != GrainMinute && k.past != nil {
		var err error
		if points, err = k.past.series(ctx, e, grain, from, to); err != nil {
			return nil, err
		}
	}
	return joined(points, k.fold.Series(e, grain, from, to), k.Since()), nil
}

// MaxPoints is the most buckets one series has.
const MaxPoints = 2000

// ErrSeries says that a series would have too many points, or is of no grain.
var ErrSeries = errors.New("metric: a series has a grain of minute, hour or day and at most 2000 points")

// joined puts live points in the place of kept ones, but for those before since, of which the fold knows a
// part only. Both are in order.
func joined(kept, live []Point, since time.Time) []Point {
	out := make([]Point, 0, len(kept)+len(live))
	for len(kept) > 0 || len(live) > 0 {
		switch {
		case len(live) == 0 || len(kept) > 0 && kept[0].Start.Before(live[0].Start):
			out, kept = append(out, kept[0]), kept[1:]
		case len(kept) == 0 || live[0].Start.Before(kept[0].Start):
			out, live = append(out, live[0]), live[1:]
		default:
			better := live[0]
			if better.Start.Before(since) {
				better = kept[0]
			}
			out, kept, live = append(out, better), kept[1:], live[1:]
		}
	}
	return out
}

// wait waits for d of machine time, or the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
