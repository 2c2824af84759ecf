package metric

import (
	"context"
	"errors"
	"testing"
	"time"

	"mezzo/internal/db/dbtest"
	"mezzo/internal/stream"
)

// A log that ends before the snapshot, since it was restored from an older copy, is said to; nobody waits for
// records that will never come.
func TestReplayOfALogThatEndsTooSoonSaysSo(t *testing.T) {
	d, c := dbtest.SQLite(t)
	r := newRig(t, d, c)
	k := r.start()
	for range 15 {
		r.reached(k, r.append("a"))
	}
	r.eventually("a snapshot is kept", func() bool { return len(r.snapshots()) > 0 })
	k.stop()
	older, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { older.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = Replay(ctx, KeeperOptions{Fold: New(Options{}), Log: older, Dir: r.dir, Clock: c}, true)
	if !errors.Is(err, ErrReplay) {
		t.Errorf("%v", err)
	}
}
