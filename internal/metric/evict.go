package metric

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mezzo/internal/stream"
)

// What leaves memory, and when; times but for EvictAfter are the machine's.
const (
	// MemoryMost is about how many bytes the states of entities may take before those that were touched first
	// leave memory.
	MemoryMost = 1 << 30
	// EvictAfter is for how much log time nothing must have happened to what leaves.
	EvictAfter = time.Hour
	// EvictEvery is how often it is looked at.
	EvictEvery = 5 * time.Second
	// evictSlice is how many leave at once, and evictSlices how often that is done before others have their turn.
	evictSlice  = 512
	evictSlices = 32
	// prunedEvery is how much log time passes between two looks at what other nodes left behind.
	prunedEvery = 24 * time.Hour
)

// evict lets states leave memory until ctx ends, and deletes those in SQL that nothing needs. What fails is
// tried again.
func (k *Keeper) evict(ctx context.Context) {
	var pruned time.Time
	for ctx.Err() == nil {
		wait(ctx, k.opt.EvictEvery)
		if ctx.Err() != nil {
			return
		}
		err := errors.Join(k.evictOnce(ctx), k.forget(ctx))
		if stamp := k.fold.Stamp(); err == nil && stamp.Sub(pruned) >= prunedEvery {
			if err = k.cold.prune(ctx, stamp); err == nil {
				pruned = stamp
			}
		}
		if err != nil && ctx.Err() == nil {
			k.opt.Logger.Warn("what nothing happens to stays in memory, or in SQL what nothing needs", "error", err)
		}
	}
}

// evictOnce lets states leave until what is here fits, in the order in which they were touched. Their rows are
// in SQL by then.
func (k *Keeper) evictOnce(ctx context.Context) error {
	f := k.opt.Fold
	for range evictSlices {
		if ctx.Err() != nil || f.Weight() <= k.opt.MemoryMost {
			break
		}
		begun := k.opt.Clock.Now()
		before := f.Stamp().Add(-k.opt.EvictAfter)
		if rows := k.past.at().Stamp(); rows.Before(before) {
			before = rows
		}
		gone := f.Cold(before, evictSlice)
		if len(gone) == 0 {
			return nil
		}
		k.opt.Step("evict begun")
		if err := k.cold.put(ctx, gone, f.Stamp()); err != nil {
			return err
		}
		for i := range gone {
			delete(k.stale, staleKey{gone[i].Entity, gone[i].Sum}) // the same state as one that came back unchanged
		}
		k.opt.Step("evict written")
		f.Away(gone)
		k.opt.Step("evict done")
		k.opt.Observe("evict", k.opt.Clock.Now().Sub(begun).Seconds())
	}
	return ctx.Err()
}

// staleKey names a state in SQL.
type staleKey struct {
	Entity
	sum uint64
}

// forget deletes the states that no kept snapshot needs, nor the fold.
func (k *Keeper) forget(ctx context.Context) error {
	for _, g := range k.opt.Fold.Stale() {
		k.stale[staleKey{g.Entity, g.Sum}] = g.pos
	}
	k.mu.Lock()
	var oldest stream.Position
	if len(k.kept) == KeepSnapshots {
		oldest = k.kept[0].Position
	}
	k.mu.Unlock()
	var gone []Gone
	for key, pos := range k.stale {
		if pos.Before(oldest) {
			gone = append(gone, Gone{Entity: key.Entity, Sum: key.sum})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if err := k.cold.forget(ctx, gone); err != nil {
		return err
	}
	for i := range gone {
		delete(k.stale, staleKey{gone[i].Entity, gone[i].Sum})
	}
	k.opt.Step("evict forgotten")
	return nil
}

// errCold says that SQL has not all that a snapshot needs.
var errCold = errors.New("metric: the database is older than the snapshot")

// complete checks that SQL has the state of everything that is away, and notes what nothing in the fold needs.
func (k *Keeper) complete(ctx context.Context) error {
	f := k.opt.Fold
	away := map[staleKey]bool{}
	f.Absent(func(g Gone) { away[staleKey{g.Entity, g.Sum}] = true })
	k.stale = map[staleKey]stream.Position{}
	pos := f.Position()
	err := k.cold.each(ctx, func(g Gone) {
		key := staleKey{g.Entity, g.Sum}
		if away[key] {
			delete(away, key)
		} else {
			k.stale[key] = pos
		}
	})
	if err == nil && len(away) > 0 {
		err = fmt.Errorf("%w: of %d entities that were not in memory it has no state", errCold, len(away))
	}
	return err
}
