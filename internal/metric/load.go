package metric

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"mezzo/internal/stream"
)

// errFirst says that the first records were read.
var errFirst = errors.New("metric: the first records were read")

// load brings the fold to the newest whole snapshot that the log goes on from, or else to the beginning of what
// is still held, cold files first.
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
	if err := k.openCold(); err != nil {
		return err
	}
	if k.past != nil {
		if err := k.past.load(ctx); err != nil {
			return err
		}
	}
	found, kept, err := k.restore(ctx, oldest, end)
	if err != nil {
		return err
	}
	since, thawed := found.Since, false
	if found.name == "" {
		if since, thawed, err = k.begin(ctx, oldest, len(kept) > 0); err == nil && k.cold != nil {
			err = k.complete(ctx)
		}
		if err != nil {
			return err
		}
	}
	k.mu.Lock()
	k.loaded, k.since, k.kept, k.caught, k.horizon = true, since, kept, false, end
	k.mu.Unlock()
	k.saved, k.behind = k.opt.Clock.Now(), 0
	k.moved()
	if k.past == nil {
		return nil
	}
	from := oldest
	if thawed {
		from = stream.Position{}
	}
	if err := k.startPart(from, found.name == ""); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.oldest, k.waited = time.Time{}, time.Time{}
	if stored := k.past.at(); !stored.IsZero() && stored.Before(k.pos) {
		k.oldest = stored.Stamp() // or later: what came first behind it is in the snapshot
	}
	return nil
}

func (k *Keeper) knowsSince(since time.Time) {
	if k.opt.Fold != nil {
		k.opt.Fold.knowsSince(since)
	}
}

// restore tries the snapshots, newest first, and returns the one the fold now is at and those that are whole,
// oldest first. What cannot be used is passed over and named in the log; it stays where it is.
func (k *Keeper) restore(ctx context.Context, oldest, end stream.Position) (found Snapshot, kept []Snapshot, err error) {
	names, err := k.shelf.list()
	if err != nil {
		return found, nil, err
	}
	for i := len(names) - 1; i >= 0; i-- {
		head, data, err := k.shelf.read(names[i])
		if err == nil {
			err = usable(head, oldest, end)
		}
		if err == nil && k.past != nil && k.past.at().Before(head.Position) && !k.over(head.Since, k.past.at()) {
			err = fmt.Errorf("the hours and days in SQL stand before it, on the day its numbers begin")
		}
		if err == nil && found.name == "" {
			if err = k.fold.Restore(data); err == nil && k.cold != nil {
				if err = k.complete(ctx); err != nil && !errors.Is(err, errCold) {
					return found, nil, err // SQL cannot be asked now
				}
			}
			if err == nil {
				k.knowsSince(head.Since)
				found = head
				k.opt.Logger.Info("the numbers go on from a snapshot", "file", head.name, "position", head.Position, "stamp", head.Stamp, "build", head.Build)
			}
		}
		if err != nil {
			k.opt.Logger.Warn("a snapshot of the numbers is passed over", "file", names[i], "reason", err.Error())
			continue
		}
		kept = append([]Snapshot{head}, kept...)
	}
	return found, kept, nil
}

// usable says why a whole snapshot cannot be gone on from, nil when it can.
func usable(head Snapshot, oldest, end stream.Position) error {
	switch {
	case !readable(head.Version):
		return fmt.Errorf("it is of version %d and this program keeps version %d: the numbers are made again from the records", head.Version, SnapshotVersion)
	case head.Arch != runtime.GOARCH:
		return fmt.Errorf("it was made on %s and this is %s: the numbers are made again from the records", head.Arch, runtime.GOARCH)
	case head.Position.Before(oldest):
		return fmt.Errorf("the log no longer holds what came behind %v", head.Position)
	case end.Before(head.Position):
		return fmt.Errorf("it lies behind the end of the log: the log was restored from an older copy")
	}
	return nil
}

// begin makes the fold again from the oldest records there are, and returns the log time from which it knows
// everything, zero for the beginning; thawed says that there were cold files.
func (k *Keeper) begin(ctx context.Context, oldest stream.Position, had bool) (since time.Time, thawed bool, err error) {
	if err := k.fold.Restore(nil); err != nil {
		return time.Time{}, false, err
	}
	if oldest.IsZero() {
		return time.Time{}, false, nil // the log still holds everything
	}
	if k.opt.Cold != nil {
		from, at, ok, err := k.opt.Cold.Oldest(ctx)
		if err != nil {
			return time.Time{}, false, fmt.Errorf("metric: the cold files cannot be read: %w", err)
		}
		if ok && from.Before(oldest) {
			since, err = k.thaw(ctx, from, at, oldest)
			return since, true, err
		}
	}
	var at time.Time
	err = k.opt.Log.Follow(ctx, oldest, FollowBatch, func(records []stream.Record) error {
		at = records[0].At
		k.knowsSince(at)
		if err := k.fold.Apply(records[:1]); err != nil { // the rows may stand right behind it
			return err
		}
		return errFirst
	})
	if err != nil && !errors.Is(err, errFirst) {
		return at, false, err
	}
	k.opt.Logger.Warn("no snapshot of the numbers can be used and the log has been trimmed: they count from the oldest record kept; restore the folder of snapshots from a backup to have those before it",
		"since", at, "damaged", had)
	return at, false, nil
}

// thaw makes the fold again from cold files up to where the log goes on.
func (k *Keeper) thaw(ctx context.Context, from stream.Position, at time.Time, oldest stream.Position) (time.Time, error) {
	if from.IsZero() {
		at = time.Time{}
	}
	k.opt.Logger.Info("the numbers are made again from cold files", "from", from, "since", at)
	k.knowsSince(at)
	until, err := k.opt.Cold.Replay(ctx, from, FollowBatch, k.fold.Apply)
	if err != nil {
		return at, fmt.Errorf("metric: the numbers cannot be made again from cold files: %w", err)
	}
	if until.Before(oldest) {
		return at, fmt.Errorf("metric: the cold files end at %v and the log begins at %v: restore the records between from a backup, or a snapshot of the numbers", until, oldest)
	}
	return at, nil
}
