package metric

import (
	"context"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

// maxAcks is how many acknowledgements are remembered until their records are applied; more are not measured.
const maxAcks = 4096

// ack is when an append was acknowledged, and the position behind its records.
type ack struct {
	pos stream.Position
	at  clock.Stopwatch
}

// acks are the acknowledgements whose records have not been applied yet.
type acks struct {
	mu   sync.Mutex
	list []ack
}

// Acknowledged notes that the append which ended at pos was acknowledged just now, so that the time until it is
// visible in the numbers can be measured.
func (k *Keeper) Acknowledged(pos stream.Position) {
	now := clock.StartWatch()
	k.waiting.mu.Lock()
	defer k.waiting.mu.Unlock()
	// Looked at within the lock, which the writer takes after it has moved on: none is left lying.
	if !k.At().Before(pos) {
		k.opt.Observe("visible", 0)
		return
	}
	if len(k.waiting.list) < maxAcks {
		k.waiting.list = append(k.waiting.list, ack{pos, now})
	}
}

// seen measures the acknowledgements whose records are applied now.
func (k *Keeper) seen() {
	at := k.At()
	k.waiting.mu.Lock()
	defer k.waiting.mu.Unlock()
	left := k.waiting.list[:0]
	for _, a := range k.waiting.list {
		if at.Before(a.pos) {
			left = append(left, a)
			continue
		}
		k.opt.Observe("visible", a.at.Passed().Seconds())
	}
	k.waiting.list = left
}

// observe measures each message of the log from its stamp. What was written before this process followed live
// waited for its start, not for the fold: it is not measured, nor is what was written before a sandbox's clock was
// turned and is applied after it.
func (k *Keeper) observe(records []stream.Record, now time.Time) {
	offset := k.offset
	if turnable, ok := k.opt.Clock.(interface{ Offset() time.Duration }); ok {
		k.offset = turnable.Offset()
	}
	k.mu.Lock()
	caught := k.caught
	k.mu.Unlock()
	if !caught || k.offset != offset {
		return
	}
	var last time.Time
	for _, r := range records {
		if r.Kind != stream.KindTick && !r.At.Equal(last) {
			last = r.At
			k.opt.Observe("applied", max(0, now.Sub(r.At).Seconds()))
		}
	}
}

// At returns the position up to which every record is in the fold.
func (k *Keeper) At() stream.Position {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pos
}

// Since returns the log time from which the fold knows everything; zero means from the beginning.
func (k *Keeper) Since() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.since
}

// Lag returns how far the fold is behind the clock: not more than the second between two ticks when it has caught up.
func (k *Keeper) Lag() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stamp.IsZero() {
		return 0
	}
	return max(0, k.opt.Clock.Now().Sub(k.stamp))
}

// Caught reports whether the fold has reached where the log ended when it was loaded; what came since is
// followed live.
func (k *Keeper) Caught() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.loaded && k.caught
}

// Reached waits until the records before the position are in the fold; the error is ctx's.
func (k *Keeper) Reached(ctx context.Context, pos stream.Position) error {
	for {
		k.mu.Lock()
		at, turned := k.pos, k.turned
		k.mu.Unlock()
		if !at.Before(pos) {
			return nil
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
