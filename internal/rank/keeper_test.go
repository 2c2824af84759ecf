package rank

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

// tape is a log that is all there; who follows it to its end is told so.
type tape struct {
	records []stream.Record
	until   int // records that are there by now
	oldest  int // records trimmed
	after   func()
}

var errEnd = errors.New("the tape ends")

func newTape(t *testing.T, m *mill) *tape {
	t.Helper()
	l := &tape{records: append([]stream.Record(nil), m.log...), until: len(m.log)}
	for k := range l.records {
		pos, err := stream.ParsePosition(fmt.Sprintf("%d.0.%d", k+2, l.records[k].At.UnixMicro()))
		if err != nil {
			t.Fatal(err)
		}
		l.records[k].Pos = pos
	}
	return l
}

func (l *tape) at(n int) stream.Position {
	if n == 0 {
		return stream.Position{}
	}
	return l.records[n-1].Pos
}

func (l *tape) Oldest(context.Context) (stream.Position, error) { return l.at(l.oldest), nil }
func (l *tape) End(context.Context) (stream.Position, error)    { return l.at(l.until), nil }

func (l *tape) Follow(_ context.Context, from stream.Position, batch int, fn func([]stream.Record) error) error {
	n := 0
	for n < l.until && !from.Before(l.records[n].Pos) {
		n++
	}
	if n < l.oldest {
		return stream.ErrTrimmed
	}
	for n < l.until {
		part := l.records[n:min(n+batch, n+100, l.until)]
		if err := fn(part); err != nil {
			return err
		}
		if l.after != nil {
			l.after()
		}
		n += len(part)
	}
	return errEnd
}

func newTestKeeper(t *testing.T, l *tape, dir string, every int) *Keeper {
	t.Helper()
	f, err := New(Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	return NewKeeper(KeeperOptions{Fold: f, Log: l, Dir: dir, Build: "test", Clock: clock.NewManual(l.records[0].At), SnapshotEvery: time.Hour, SnapshotRecords: every})
}

func run(t *testing.T, k *Keeper) {
	t.Helper()
	k.opt.Log.(*tape).after = func() { // every snapshot is written before the next is due
		k.saving <- struct{}{}
		<-k.saving
	}
	if err := k.Run(t.Context()); !errors.Is(err, errEnd) {
		t.Fatal(err)
	}
}

// Stopped anywhere, with or without a last snapshot, the next keeper goes on to the same state; a damaged
// snapshot is passed over; what was kept from before a position can be opened beside it.
func TestAKeeperGoesOnWhereItWas(t *testing.T) {
	m := newMill(t, 71, 30, 6, 200)
	m.run(6)
	l, dir := newTape(t, m), t.TempDir()
	whole := len(l.records)
	l.until = whole / 2
	k := newTestKeeper(t, l, dir, 300)
	run(t, k)
	if !k.Ready() || k.At() != l.at(l.until) {
		t.Fatalf("at the end of the log it is at %v and not ready", k.At())
	}
	if safe := k.Safe(); safe.IsZero() || l.at(l.until).Before(safe) {
		t.Errorf("the log may be trimmed up to %v", safe)
	}
	// Without Close, as after a kill. The newest snapshot is damaged.
	names, err := k.shelf.list()
	if err != nil || len(names) < 2 || len(names) > KeepSnapshots {
		t.Fatalf("%d snapshots are kept: %v", len(names), err)
	}
	newest := filepath.Join(dir, names[len(names)-1])
	data, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 8
	if err := os.WriteFile(newest, data, 0o600); err != nil {
		t.Fatal(err)
	}
	l.oldest = 10 // trimmed: it cannot begin anew
	l.until = whole
	k = newTestKeeper(t, l, dir, 300)
	run(t, k)
	if a, b := sum(t, k.Fold()), sum(t, mirrored(t, l)); a != b {
		t.Errorf("restarted behind a kill the state is %x, never stopped it is %x", a, b)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	last := newTestKeeper(t, l, dir, 300)
	run(t, last)
	if last.behind != 0 || sum(t, last.Fold()) != sum(t, k.Fold()) {
		t.Errorf("after Close %d records were read again", last.behind)
	}
	// What a page was drawn from.
	f, head, err := OpenBefore(dir, l.at(whole-5), Options{Size: 14})
	if err != nil || l.at(whole-5).Before(head.Position) || head.Build != "test" || f.Position() != head.Position {
		t.Fatalf("before %v there is %+v: %v", l.at(whole-5), head, err)
	}
	if _, _, err := OpenBefore(dir, l.at(1), Options{Size: 14}); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("from before any snapshot: %v", err)
	}
}

// mirrored is the fold of the whole tape.
func mirrored(t *testing.T, l *tape) *Fold {
	t.Helper()
	f, err := New(Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Apply(l.records); err != nil {
		t.Fatal(err)
	}
	return f
}

// An acknowledged event is measured until the next page knows it, and only then.
func TestTheWayIntoTheNextPageIsMeasured(t *testing.T) {
	m := newMill(t, 72, 4, 2, 20)
	m.run(1)
	l := newTape(t, m)
	k := newTestKeeper(t, l, t.TempDir(), 1<<20)
	var took []float64
	k.opt.Observe = func(kind string, seconds float64) {
		if kind == "visible" {
			took = append(took, seconds)
		}
	}
	l.until = 10
	k.Acknowledged(l.at(len(l.records)))
	run(t, k)
	if len(took) != 0 {
		t.Fatalf("measured before it was visible: %v", took)
	}
	l.until = len(l.records)
	run(t, k)
	k.Acknowledged(l.at(3))
	if len(took) != 2 {
		t.Errorf("measured %v", took)
	}
}

// Learning takes at once what comes at once, and rests once it took more than its part.
func TestLearningRestsOnlyWhenItTookTooMuch(t *testing.T) {
	m := newMill(t, 73, 4, 2, 20)
	k := newTestKeeper(t, newTape(t, m), t.TempDir(), 1<<20)
	if due := k.tired(busyFor / 2); due != 0 {
		t.Errorf("it rests for %v after half of what it may take", due)
	}
	if due := k.tired(2 * busyFor); due <= 0 {
		t.Error("it does not rest after twice what it may take")
	}
	k.tired(time.Hour) // of catching up, say
	if due := k.tired(0); due > 2*restMost {
		t.Errorf("it is to rest for %v", due)
	}
}
