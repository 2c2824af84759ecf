package main

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/stream"
)

func TestLeasedTaskRunsOnOneNodeAtATime(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	const ttl = 30 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began, end := make(chan string), map[string]context.CancelFunc{}
	for _, name := range []string{"first", "second"} {
		node := &server{name: name, stores: &stores{db: d}}
		var life context.Context
		life, end[name] = context.WithCancel(ctx)
		go node.leased("ticks", ttl, func(ctx context.Context) error {
			began <- name
			<-ctx.Done()
			return ctx.Err()
		})(life)
	}
	var one string
	select {
	case one = <-began:
	case <-ctx.Done():
		t.Fatal("no node began")
	}
	select {
	case other := <-began:
		t.Fatalf("%s began while %s holds the lease", other, one)
	case <-time.After(5 * ttl):
	}
	end[one]()
	select {
	case other := <-began:
		if other == one {
			t.Errorf("%s began again after its end", one)
		}
	case <-ctx.Done():
		t.Error("nobody took over")
	}
}

func TestLeasedTaskEndsWhenItsLeaseIsLost(t *testing.T) {
	d, c := dbtest.SQLite(t)
	const ttl = 30 * time.Millisecond
	node := &server{name: "node", stores: &stores{db: d}}
	began, lost := make(chan struct{}, 1), make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go node.leased("ticks", ttl, func(ctx context.Context) error {
		began <- struct{}{}
		<-ctx.Done()
		lost <- struct{}{}
		return ctx.Err()
	})(ctx)
	<-began
	// The holder seems dead for longer than its lease, and another node takes it.
	for ok := false; !ok; {
		c.Advance(2 * ttl)
		var err error
		if ok, err = d.Lease(t.Context(), "ticks", "other", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-lost:
	case <-time.After(20 * time.Second):
		t.Error("it went on without the lease")
	}
}

func TestFactsReachTheLogOnce(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC))
	log, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	sink := factLog{log}
	facts := []db.Fact{
		{Seq: 1, Topic: "order.paid", Body: json.RawMessage(`{"total":1999}`), At: c.Now()},
		{Seq: 2, Topic: "order.shipped", Body: json.RawMessage(`{}`), At: c.Now().Add(time.Second)},
	}
	for _, batch := range [][]db.Fact{facts[:1], facts, facts[1:], nil} {
		if err := sink.AppendRelay(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.AppendRelay(t.Context(), []db.Fact{{Seq: 4, Topic: "late", Body: json.RawMessage(`{}`), At: c.Now()}}); err == nil {
		t.Error("a gap in the numbers was accepted")
	}
	if last, err := sink.LastRelay(t.Context()); err != nil || last != 2 {
		t.Errorf("the last number in the log is %d, %v", last, err)
	}
	var seen []event.Fact
	done := errors.New("read enough")
	err = log.Follow(t.Context(), stream.Position{}, 10, func(records []stream.Record) error {
		for _, r := range records {
			var f event.Fact
			if err := f.Decode(r.Data); err != nil || r.Kind != stream.KindFact {
				t.Errorf("record of kind %d: %v", r.Kind, err)
			}
			seen = append(seen, f)
		}
		if len(seen) >= len(facts) {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) || len(seen) != len(facts) {
		t.Fatalf("%d facts in the log, %v", len(seen), err)
	}
	for i, f := range seen {
		want := facts[i]
		if f.Seq != want.Seq || f.Topic != want.Topic || string(f.Body) != string(want.Body) || !f.At.Equal(want.At) {
			t.Errorf("fact %d came back as %+v", i, f)
		}
	}
}
