package metric

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/stream"
)

// rig is a log, a database and a folder of snapshots that outlive the keepers on them.
type rig struct {
	t     *testing.T
	clock *clock.Turned
	log   *stream.Log
	db    *db.DB
	dir   string
	said  *said
	step  func(string)
	cold  Cold
}

// said is what keepers have logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.text.Write(b) }
func (s *said) has(part string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), part)
}

func newRig(t *testing.T, d *db.DB, c *clock.Turned) *rig {
	t.Helper()
	log, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &rig{t: t, clock: c, log: log, db: d, dir: t.TempDir(), said: &said{}}
}

func (r *rig) append(records ...string) stream.Position {
	r.t.Helper()
	var data [][]byte
	for _, text := range records {
		data = append(data, []byte(text))
	}
	pos, err := r.log.Append(r.t.Context(), stream.KindEvent, data...)
	if err != nil {
		r.t.Fatal(err)
	}
	return pos
}

// running is a keeper at work on a tally.
type running struct {
	*Keeper
	fold *tally
	stop func() error
}

// start runs a keeper until stop or the test's end, which is as sudden as a crash can be within a process:
// nothing is kept at the end.
func (r *rig) start() *running {
	fold := newTally()
	k := newKeeper(KeeperOptions{Log: r.log, Cold: r.cold, DB: r.db, Dir: r.dir, Build: "test", Holder: "one", Clock: r.clock, Step: r.step,
		Logger: slog.New(slog.NewTextHandler(r.said, nil)), SnapshotRecords: 10, RollupEvery: 5 * time.Millisecond}, fold)
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	r.t.Cleanup(func() { stop() })
	return &running{k, fold, stop}
}

func (r *rig) reached(k *running, pos stream.Position) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	if err := k.Reached(ctx, pos); err != nil {
		r.t.Fatalf("the fold did not reach %v: %v", pos, err)
	}
}

func (r *rig) eventually(what string, holds func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		wait(ctx, 2*time.Millisecond)
		if ctx.Err() != nil {
			r.t.Fatalf("it did not come to pass that %s; it said:\n%s", what, r.said.text.String())
		}
	}
}

func (r *rig) snapshots() []string {
	r.t.Helper()
	names, err := shelf{r.dir}.list()
	if err != nil {
		r.t.Fatal(err)
	}
	return names
}

func TestKeeperGoesOnFromItsSnapshot(t *testing.T) {
	d, c := dbtest.SQLite(t)
	r := newRig(t, d, c)
	k := r.start()
	for i := range 25 {
		r.append("a", "b")
		if i == 10 { // all of it at once would make one snapshot only
			r.eventually("a snapshot is kept", func() bool { return len(r.snapshots()) > 0 })
		}
	}
	r.reached(k, r.append("a"))
	r.eventually("two snapshots are kept", func() bool { return len(r.snapshots()) == KeepSnapshots })
	if err := k.stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	before := k.fold.Checksum()
	k = r.start()
	r.eventually("it is loaded", k.Caught)
	if !r.said.has("go on from a snapshot") || k.fold.Checksum() != before || k.fold.count('a') != 26 || k.fold.count('b') != 25 {
		t.Errorf("after the restart: a %d, b %d, checksum %x, before it %x", k.fold.count('a'), k.fold.count('b'), k.fold.Checksum(), before)
	}
	r.reached(k, r.append("b"))
	if n := k.fold.count('b'); n != 26 {
		t.Errorf("b counts %d, 26 were appended", n)
	}
	if got := len(r.snapshots()); got > KeepSnapshots {
		t.Errorf("%d snapshots are kept", got)
	}
}

func TestKeeperPassesOverWhatItCannotUse(t *testing.T) {
	damage := func(t *testing.T, name string) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, newest, older string)
		said   string
	}{
		{"a flipped bit", func(t *testing.T, newest, _ string) { damage(t, newest) }, "checksum is wrong"},
		{"a torn end", func(t *testing.T, newest, _ string) {
			if err := os.Truncate(newest, 100); err != nil {
				t.Fatal(err)
			}
		}, "ends early"},
		{"nothing in it", func(t *testing.T, newest, _ string) {
			if err := os.Truncate(newest, 0); err != nil {
				t.Fatal(err)
			}
		}, "does not begin as one"},
		{"another version", func(t *testing.T, newest, _ string) { rewrite(t, newest, func(s *Snapshot) { s.Version++ }) }, "made again from the records"},
		{"another machine", func(t *testing.T, newest, _ string) { rewrite(t, newest, func(s *Snapshot) { s.Arch = "abacus" }) }, "made on abacus"},
		{"both", func(t *testing.T, newest, older string) { damage(t, newest); damage(t, older) }, "checksum is wrong"},
		{"all gone", func(t *testing.T, newest, older string) { os.Remove(newest); os.Remove(older) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, turned := dbtest.SQLite(t)
			r := newRig(t, d, turned)
			k := r.start()
			told := int64(0)
			for told < 30 || told < 3000 && len(r.snapshots()) < KeepSnapshots { // a disk may be slow, and one is written at a time
				r.reached(k, r.append("a", "b"))
				told++
			}
			k.stop()
			names := r.snapshots()
			c.damage(t, filepath.Join(r.dir, names[len(names)-1]), filepath.Join(r.dir, names[0]))
			end := r.append("b")
			k = r.start()
			r.reached(k, end)
			if a, b := k.fold.count('a'), k.fold.count('b'); a != told || b != told+1 {
				t.Errorf("it counts %d of a and %d of b, %d and one more were appended", a, b, told)
			}
			if !r.said.has(c.said) {
				t.Errorf("nothing was said of %q:\n%s", c.said, r.said.text.String())
			}
		})
	}
}

// rewrite changes what a snapshot says of itself and keeps it whole.
func rewrite(t *testing.T, name string, change func(*Snapshot)) {
	t.Helper()
	s := shelf{filepath.Dir(name)}
	head, data, err := s.read(filepath.Base(name))
	if err != nil {
		t.Fatal(err)
	}
	change(&head)
	var b bytes.Buffer
	if err := encodeSnapshot(&b, head, func(w io.Writer) (uint64, error) { _, err := w.Write(data); return head.sum, err }); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Without a snapshot on a trimmed log the numbers begin at the oldest record, say so, and leave the hours
// before in SQL as they are.
func TestKeeperBeginsAtTheOldestRecord(t *testing.T) {
	d, turned := dbtest.SQLite(t)
	r := newRig(t, d, turned)
	k := r.start()
	for range 30 {
		r.reached(k, r.append("a"))
	}
	r.eventually("the rows have everything", func() bool { return k.past.at() == k.At() })
	turned.Advance(2 * time.Hour)
	cut := r.append("b")
	for range 5 {
		r.reached(k, r.append("a"))
	}
	r.eventually("the rows have everything", func() bool { return k.past.at() == k.At() })
	k.stop()
	for _, name := range r.snapshots() {
		os.Remove(filepath.Join(r.dir, name))
	}
	if err := r.log.Trim(t.Context(), cut); err != nil {
		t.Fatal(err)
	}
	k = r.start()
	r.reached(k, r.append("a"))
	r.eventually("the rows have everything", func() bool { return k.past.at() == k.At() })
	if since := k.Since(); since.Before(dbtest.Start.Add(2*time.Hour)) || !r.said.has("restore the folder of snapshots from a backup") {
		t.Errorf("it knows everything since %v; it said:\n%s", since, r.said.text.String())
	}
	points, err := k.Series(t.Context(), videoNamed('a'), GrainHour, dbtest.Start, dbtest.Start.Add(5*time.Hour))
	if err != nil || len(points) != 2 || points[0].Impressions != 30 || points[0].Money[0].GMV != 3000 {
		t.Fatalf("the series is %+v, %v", points, err)
	}
}

// A keeper that stops anywhere goes on with rows that are as if it never had: absolute ones over those that
// are there, and what is added exactly once.
func TestRowsAreThoseOfOneUnbrokenRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		r := newRig(t, d, c)
		appended := int64(0)
		for n := range 12 {
			// The process stops dead where the steps are counted to: it does nothing more.
			stopAt := int64(3*n + 1)
			dead := make(chan struct{})
			var once sync.Once
			var steps atomic.Int64
			r.step = func(string) {
				if steps.Add(1) >= stopAt {
					once.Do(func() { close(dead) })
				}
			}
			k := r.start()
			for alive := true; alive; appended++ {
				r.reached(k, r.append("a", "+a", "b"))
				select {
				case <-dead:
					alive = false
				default:
				}
			}
			k.stop()
			c.Advance(20 * time.Minute)
		}
		r.step = nil
		k := r.start()
		r.reached(k, r.append("b"))
		r.eventually("the rows have everything", func() bool { return k.past.at() == k.At() })
		var refunds, net int64
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			p, err := pointsOf(tx, videoNamed('a'), GrainHour, longGone, longGone.Add(time.Hour))
			if err == nil && len(p) == 1 {
				refunds, net = p[0].Refunds, p[0].Money[0].Net
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if refunds != appended || net != -5*appended {
			t.Errorf("%d refunds and %d of net were added, %d and %d were told of", refunds, net, appended, -5*appended)
		}
		var sum int64
		points, err := k.past.series(t.Context(), videoNamed('a'), GrainHour, dbtest.Start, dbtest.Start.Add(24*time.Hour))
		for _, p := range points {
			sum += p.Impressions
		}
		if err != nil || sum != appended || len(points) != 4 {
			t.Errorf("the rows count %d in %d hours: %v", sum, len(points), err)
		}
	})
}

func TestSafeNeverRunsAhead(t *testing.T) {
	d, c := dbtest.SQLite(t)
	r := newRig(t, d, c)
	k := r.start()
	if !k.Safe().IsZero() {
		t.Fatal("nothing is kept and the log may be trimmed")
	}
	for range 40 {
		r.reached(k, r.append("a"))
		safe := k.Safe()
		if safe.IsZero() {
			continue
		}
		k.mu.Lock()
		oldest := k.kept[0]
		k.mu.Unlock()
		if oldest.Position.Before(safe) && k.Safe() == safe || k.past.at().Before(safe) {
			t.Fatalf("safe up to %v, the older snapshot is at %v and the rows at %v", safe, oldest.Position, k.past.at())
		}
	}
	r.eventually("something may be trimmed", func() bool { return !k.Safe().IsZero() })
}

func TestFreshnessIsMeasured(t *testing.T) {
	d, c := dbtest.SQLite(t)
	r := newRig(t, d, c)
	k := r.start()
	r.eventually("it is loaded", k.Caught)
	var mu sync.Mutex
	got := map[string]int{}
	k.opt.Observe = nil
	k.stop()
	fold := newTally()
	k2 := newKeeper(KeeperOptions{Log: r.log, Dir: r.dir, Clock: c, Observe: func(kind string, _ float64) {
		mu.Lock()
		defer mu.Unlock()
		got[kind]++
	}}, fold)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go k2.Run(ctx)
	r.eventually("it is loaded", k2.Caught)
	k2.Acknowledged(r.append("a"))
	k2.Acknowledged(r.append("b"))
	r.eventually("both are measured", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return got["visible"] == 2 && got["applied"] == 2
	})
}
