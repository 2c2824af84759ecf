package affiliate_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/affiliate"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// told is a log in memory: records that followers read, and go on reading as more come.
type told struct {
	t       testing.TB
	real    *stream.Log
	clock   clock.Clock
	mu      sync.Mutex
	applied int   // batches handed to followers
	broken  error // what the next batch fails with, after it was applied
}

func newLog(t testing.TB, c clock.Clock) *told {
	t.Helper()
	l, err := stream.Open(ctx, stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &told{t: t, real: l, clock: c}
}

// Follow passes on to the log, and breaks off after a batch when it has been told to.
func (l *told) Follow(ctx context.Context, from stream.Position, batch int, fn func([]stream.Record) error) error {
	return l.real.Follow(ctx, from, min(batch, 3), func(r []stream.Record) error {
		err := fn(r)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.applied++
		if err == nil {
			err, l.broken = l.broken, nil
		}
		return err
	})
}

func (l *told) breakOnce(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

// tell appends events and returns the end of the log.
func (l *told) tell(events ...event.Event) stream.Position {
	l.t.Helper()
	records := make([][]byte, len(events))
	for i := range events {
		events[i].ID = uuid.New()
		events[i].Received = l.clock.Now()
		if events[i].At.IsZero() {
			events[i].At = l.clock.Now()
		}
		b, err := events[i].AppendEncode(nil)
		if err != nil {
			l.t.Fatal(err)
		}
		records[i] = b
	}
	pos, err := l.real.Append(ctx, event.KindEvent, records...)
	if err != nil {
		l.t.Fatal(err)
	}
	return pos
}

// following runs a follower until stop is called.
func following(t testing.TB, a *affiliate.Affiliate, l affiliate.Log, holder string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Follow(ctx, l, holder, nil) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func reached(t testing.TB, a *affiliate.Affiliate, pos stream.Position) {
	t.Helper()
	if !a.Reached(ctx, pos.String(), 20*time.Second) {
		t.Fatal("the follower did not get there")
	}
}

func TestFollow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w := newWorld(t, d, k, 1, 2)
		a, l := affiliate.New(d), newLog(t, k)
		following(t, a, l, "one")
		click := func(change func(*event.Event)) event.Event {
			e := event.Event{Type: event.ProductClick, Viewer: w.viewer, Product: w.products[0]}
			e.Attach(w.shown(0))
			if change != nil {
				change(&e)
			}
			return e
		}
		thousand := make([]event.Event, 1000)
		same := click(nil)
		for i := range thousand {
			thousand[i] = same // tell gives each its own event id
		}
		reached(t, a, l.tell(thousand...))
		if n := w.count(`SELECT COUNT(*) FROM touches`); n != 1 {
			t.Fatalf("one token and a thousand fresh ids made %d touches", n)
		}
		flag := func(f event.Flags) func(*event.Event) { return func(e *event.Event) { e.Flags = f } }
		reached(t, a, l.tell(
			click(flag(event.Forged)), click(flag(event.Expired)), click(flag(event.Bot)), click(flag(event.Late)), click(flag(event.Foreign)),
			click(func(e *event.Event) { e.Viewer = "" }), click(func(e *event.Event) { e.Shown = id.Impression{} }),
			click(func(e *event.Event) { e.Type = event.View }), click(func(e *event.Event) { e.Product = "" })))
		if n := w.count(`SELECT COUNT(*) FROM touches`); n != 1 {
			t.Fatalf("what may not earn made %d touches", n-1)
		}
		reached(t, a, l.tell(click(flag(event.Own)), click(func(e *event.Event) { e.Viewer = w.creators[0].Viewer })))
		if n := w.count(`SELECT COUNT(*) FROM touches WHERE flag = 'own'`); n != 2 {
			t.Fatalf("%d own visits are marked", n)
		}
		ahead := click(func(e *event.Event) { e.At, e.Type = k.Now().Add(5*time.Second), event.AddToCart })
		reached(t, a, l.tell(ahead))
		if at := w.count(`SELECT MAX(at) FROM touches WHERE kind = 'cart'`); at > db.Micros(k.Now().Add(time.Second)) { // the log's stamps may run a little ahead
			t.Fatal("a touch from the future")
		}
	})
}

// TestFollowRestart stops, breaks and replaces followers amid traffic: every click becomes one touch.
func TestFollowRestart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w := newWorld(t, d, k, 1, 1)
		l := newLog(t, k)
		var end stream.Position
		clicks := 0
		for round := range 6 {
			a := affiliate.New(d)
			stop := following(t, a, l, fmt.Sprint("process ", round))
			for range 7 {
				e := event.Event{Type: event.ProductClick, Viewer: w.viewer, Product: w.products[0]}
				e.Attach(w.shown(0))
				end = l.tell(e, event.Event{Type: event.View, Viewer: w.viewer})
				clicks++
			}
			switch round % 3 {
			case 0:
				reached(t, a, end)
			case 1:
				l.breakOnce(errors.New("the log went away"))
			}
			stop()
		}
		a := affiliate.New(d)
		following(t, a, l, "last")
		reached(t, a, end)
		if n := w.count(`SELECT COUNT(*) FROM touches`); n != int64(clicks) {
			t.Fatalf("%d clicks made %d touches", clicks, n)
		}
	})
}

// TestTwoFollowers: of two processes one follows; the other sees by SQL how far it is.
func TestTwoFollowers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w := newWorld(t, d, k, 1, 1)
		l := newLog(t, k)
		a, b := affiliate.New(d), affiliate.New(d)
		stopA, _ := following(t, a, l, "a"), following(t, b, l, "b")
		say := func() stream.Position {
			e := event.Event{Type: event.ProductClick, Viewer: w.viewer, Product: w.products[0]}
			e.Attach(w.shown(0))
			return l.tell(e, event.Event{Type: event.View, Viewer: w.viewer})
		}
		pos := say()
		reached(t, a, pos)
		reached(t, b, pos)
		if n := w.count(`SELECT COUNT(*) FROM leases WHERE name = 'touches'`); n != 1 {
			t.Fatalf("%d leases", n)
		}
		stopA()
		reached(t, b, say())
		if n := w.count(`SELECT COUNT(*) FROM touches`); n != 2 {
			t.Fatalf("two clicks made %d touches", n)
		}
		behind := affiliate.New(d)
		if behind.Reached(ctx, say().String(), 0) && w.count(`SELECT COUNT(*) FROM touches`) != 3 {
			t.Fatal("reached before the touches are rows")
		}
		if behind.Reached(ctx, "nonsense", 0) || !behind.Reached(ctx, "", 0) {
			t.Fatal("a horizon that is none")
		}
	})
}
