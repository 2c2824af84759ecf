package rank

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

// errFirst says that the first records were read.
var errFirst = errors.New("rank: the first records were read")

// load brings the ranking to the newest whole snapshot that the log goes on from, or else to the beginning of
// what is still held, cold files first.
func (k *Keeper) load(ctx context.Context) error {
	k.mu.Lock()
	loaded := k.loaded
	k.mu.Unlock()
	if loaded {
		return nil
	}
	if err := k.shelf.clean(); err != nil {
		return err
	}
	oldest, err := k.opt.Log.Oldest(ctx)
	if err != nil {
		return err
	}
	end, err := k.opt.Log.End(ctx)
	if err != nil {
		return err
	}
	found, kept, err := k.restore(oldest, end)
	if err != nil {
		return err
	}
	since := found.Since
	if found.name == "" {
		if since, err = k.begin(ctx, oldest, len(kept) > 0); err != nil {
			return err
		}
	}
	k.mu.Lock()
	k.loaded, k.since, k.kept, k.caught, k.horizon = true, since, kept, false, end
	k.mu.Unlock()
	k.saved, k.behind = k.opt.Clock.Now(), 0
	k.moved()
	return nil
}

// restore tries the snapshots, newest first, and returns the one the ranking now is at and those that can be
// gone on from, oldest first. What cannot be used is passed over and named in the log.
func (k *Keeper) restore(oldest, end stream.Position) (found Snapshot, kept []Snapshot, err error) {
	names, err := k.shelf.list()
	if err != nil {
		return found, nil, err
	}
	for i := len(names) - 1; i >= 0; i-- {
		head, err := k.shelf.head(names[i])
		if err == nil {
			err = usable(head)
		}
		switch {
		case err != nil:
		case head.Position.Before(oldest):
			err = fmt.Errorf("the log no longer holds what came behind %v", head.Position)
		case end.Before(head.Position):
			err = errors.New("it lies behind the end of the log: the log was restored from an older copy")
		case found.name == "":
			if head, err = k.shelf.restore(names[i], k.opt.Fold); err == nil {
				found = head
				k.opt.Logger.Info("the ranking goes on from a snapshot", "file", head.name, "position", head.Position, "stamp", head.Stamp, "build", head.Build)
			}
		}
		if err != nil {
			k.opt.Logger.Warn("a snapshot of the ranking is passed over", "file", names[i], "reason", err.Error())
			continue
		}
		kept = append([]Snapshot{head}, kept...)
	}
	return found, kept, nil
}

// begin learns again from the oldest records there are, and returns the log time from which it knows
// everything, zero for the beginning.
func (k *Keeper) begin(ctx context.Context, oldest stream.Position, had bool) (time.Time, error) {
	if err := k.opt.Fold.Restore(nil); err != nil {
		return time.Time{}, err
	}
	if oldest.IsZero() {
		return time.Time{}, nil // the log still holds everything
	}
	if k.opt.Cold != nil {
		from, at, ok, err := k.opt.Cold.Oldest(ctx)
		if err != nil {
			return time.Time{}, fmt.Errorf("rank: the cold files cannot be read: %w", err)
		}
		if ok && from.Before(oldest) {
			return k.thaw(ctx, from, at, oldest)
		}
	}
	var at time.Time
	err := k.opt.Log.Follow(ctx, oldest, FollowBatch, func(records []stream.Record) error {
		at = records[0].At
		if err := k.opt.Fold.Apply(records); err != nil {
			return err
		}
		return errFirst
	})
	if err != nil && !errors.Is(err, errFirst) {
		return at, err
	}
	k.opt.Logger.Warn("no snapshot of the ranking can be used and the log has been trimmed: it learns from the oldest record kept, and does not know videos told of before; restore the folder of snapshots from a backup to have them",
		"since", at, "damaged", had)
	return at, nil
}

// thaw learns again from cold files up to where the log goes on.
func (k *Keeper) thaw(ctx context.Context, from stream.Position, at time.Time, oldest stream.Position) (time.Time, error) {
	if from.IsZero() {
		at = time.Time{}
	}
	k.opt.Logger.Info("the ranking learns again from cold files", "from", from, "since", at)
	until, err := k.opt.Cold.Replay(ctx, from, FollowBatch, k.opt.Fold.Apply)
	if err != nil {
		return at, fmt.Errorf("rank: the ranking cannot be learned again from cold files: %w", err)
	}
	if until.Before(oldest) {
		return at, fmt.Errorf("rank: the cold files end at %v and the log begins at %v: restore the records between from a backup, or a snapshot of the ranking", until, oldest)
	}
	return at, nil
}

// maxAcks is how many acknowledgements are remembered until their records are applied; more are not measured.
// They are those of several seconds at the most requests that were ever taken in.
const maxAcks = 1 << 16

// acks are the acknowledgements whose records have not been applied yet.
type acks struct {
	mu   sync.Mutex
	list []ack
}

// ack is when an append was acknowledged, and the position behind its records.
type ack struct {
	pos stream.Position
	at  clock.Stopwatch
}

// Acknowledged notes that the append which ended at pos was acknowledged just now, so that the time until the
// next page knows of it is measured.
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
	if !k.Caught() || k.offset != offset {
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

// At returns the position up to which every record is in the ranking.
func (k *Keeper) At() stream.Position {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pos
}

// Since returns the log time from which the ranking knows everything; zero means from the beginning.
func (k *Keeper) Since() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.since
}

// Lag returns how far the ranking is behind the clock: not more than the second between two ticks when it has
// caught up.
func (k *Keeper) Lag() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stamp.IsZero() {
		return 0
	}
	return max(0, k.opt.Clock.Now().Sub(k.stamp))
}

// Caught reports whether the ranking has reached where the log ended when it was loaded; what came since is
// followed live.
func (k *Keeper) Caught() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.loaded && k.caught
}

// Ready reports whether pages should be drawn by the ranking: it has caught up with the log and is near it.
func (k *Keeper) Ready() bool { return k.Caught() && k.Lag() <= readyLag }

// Reached waits until the records before the position are in the ranking; the error is ctx's.
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
