package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
)

// sink is a Sink in memory that insists on consecutive numbers, as the log does.
type sink struct {
	mu    sync.Mutex
	facts []db.Fact
	fail  func(facts []db.Fact) error // before storing
	after func() error                // after storing
}

func (s *sink) LastRelay(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last(), nil
}

func (s *sink) last() int64 {
	if len(s.facts) == 0 {
		return 0
	}
	return s.facts[len(s.facts)-1].Seq
}

func (s *sink) AppendRelay(_ context.Context, facts []db.Fact) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(facts); err != nil {
			return err
		}
	}
	for _, f := range facts {
		if f.Seq != s.last()+1 {
			return fmt.Errorf("fact %d after %d", f.Seq, s.last())
		}
		s.facts = append(s.facts, f)
	}
	if s.after != nil {
		return s.after()
	}
	return nil
}

func (s *sink) bodies() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.facts {
		out = append(out, string(f.Body))
	}
	return out
}

func (s *sink) count() int { return len(s.bodies()) }

func emit(t testing.TB, d *db.DB, n int) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error { return tx.Emit("test", n) })
	if err != nil {
		t.Error(err)
	}
}

// startRelay runs the relay until the returned function is called, which waits for its end.
func startRelay(t testing.TB, d *db.DB, holder string, s db.Sink) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.RunRelay(ctx, holder, s) }()
	once := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the relay %s: %v", holder, err)
		}
	})
	t.Cleanup(once)
	return once
}

// A fact the log could not hold is refused where it is written, and nothing of it stays.
func TestFactsTooLargeForTheLogAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		s := &sink{}
		startRelay(t, d, "a", s)
		text := func(n int) string { return strings.Repeat("x", n-len(`""`)) }
		for topic, n := range map[string]int{"test": db.MaxFact + 1, "": 10, strings.Repeat("t", db.MaxTopic+1): 10} {
			err := d.Write(t.Context(), func(tx *db.Tx) error { return tx.Emit(topic, text(n)) })
			if err == nil || topic == "test" && !fault.Is(err, fault.TooLarge) {
				t.Errorf("%q with %d bytes: %v", topic, n, err)
			}
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return tx.Emit("test", text(db.MaxFact)) }); err != nil {
			t.Error(err)
		}
		waitFor(t, "the largest fact is published", func() bool { return s.count() == 1 })
	})
}

func TestRelayPublishesInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		s := &sink{}
		emit(t, d, 0)
		startRelay(t, d, "a", s)
		for i := range 600 {
			emit(t, d, i+1)
		}
		refused := errors.New("refused")
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.Emit("test", "never"); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Error(err)
		}
		emit(t, d, 601)
		waitFor(t, "all facts are published", func() bool { return s.count() == 602 })
		for i, body := range s.bodies() {
			if body != strconv.Itoa(i) {
				t.Fatalf("fact %d is %s", i, body)
			}
		}
		if f := s.facts[0]; f.Topic != "test" || !f.At.Equal(dbtest.Start) {
			t.Errorf("the first fact is %+v", f)
		}
	})
}

// A transaction that takes its row's id early and commits late must not be passed over.
func TestRelayWaitsForNobodyAndLosesNothing(t *testing.T) {
	d, _ := dbtest.Postgres(t)
	s := &sink{}
	startRelay(t, d, "a", s)
	inside, free, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- d.Write(context.Background(), func(tx *db.Tx) error {
			// Emit itself writes at the end of a body; between its statement and the commit there is time too.
			if _, err := tx.Exec(`INSERT INTO outbox (topic, body, created_at) VALUES ('test', '-1', $1)`, db.Micros(tx.Now())); err != nil {
				return err
			}
			close(inside)
			<-free
			return nil
		})
	}()
	<-inside
	for i := range 20 {
		emit(t, d, i)
	}
	waitFor(t, "the quick ones are published", func() bool { return s.count() == 20 })
	close(free)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the slow one is published", func() bool { return s.count() == 21 })
	if last := s.bodies()[20]; last != "-1" {
		t.Errorf("the last fact is %s", last)
	}
	facts := dbtest.Facts(t, d, "")
	if facts[0].Seq != 21 || string(facts[0].Body) != "-1" {
		t.Errorf("the first row of the outbox is %+v", facts[0])
	}
}

// A relay that dies after the log has stored facts and before it could note so
// is followed by one that asks the log.
func TestRelayResumesFromTheLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		dead := make(chan struct{})
		s := &sink{}
		died := make(chan struct{})
		s.after = func() error {
			if len(s.facts) == 3 {
				close(died)
				s.mu.Unlock() // the log lives on while this relay hangs for ever
				<-dead
				s.mu.Lock()
				return errors.New("the process is gone")
			}
			return nil
		}
		emit(t, d, 1)
		emit(t, d, 2)
		emit(t, d, 3)
		startRelay(t, d, "a", s)
		<-died
		s.mu.Lock()
		s.after = nil
		s.mu.Unlock()
		emit(t, d, 4)
		startRelay(t, d, "b", s)
		if got := s.count(); got != 3 {
			t.Errorf("while the lease is the dead one's, %d facts are published", got)
		}
		c.Advance(db.RelayLease)
		waitFor(t, "the second relay has taken over", func() bool { return s.count() == 4 })
		emit(t, d, 5)
		waitFor(t, "all facts are published", func() bool { return s.count() == 5 })
		close(dead)
		if want := []string{"1", "2", "3", "4", "5"}; !slices.Equal(s.bodies(), want) {
			t.Errorf("the log holds %v", s.bodies())
		}
	})
}

// A relay whose lease somebody else has taken publishes nothing more until it is free again.
func TestRelayStopsWithItsLease(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		s := &sink{}
		startRelay(t, d, "a", s)
		emit(t, d, 1)
		waitFor(t, "the first fact is published", func() bool { return s.count() == 1 })
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE leases SET holder = 'thief', until_at = $1`, db.Micros(tx.Now().Add(db.RelayLease)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		emit(t, d, 2)
		before := d.Stats().Bodies
		waitFor(t, "the relay has tried for its lease again", func() bool { return d.Stats().Bodies >= before+3 })
		if s.count() != 1 {
			t.Error("it published without its lease")
		}
		c.Advance(db.RelayLease)
		waitFor(t, "it goes on when the lease has ended", func() bool { return s.count() == 2 })
	})
}

func TestRelayTriesAgain(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	s := &sink{}
	tries := 0
	s.fail = func([]db.Fact) error {
		if tries++; tries <= 2 {
			return errors.New("the log is full")
		}
		return nil
	}
	startRelay(t, d, "a", s)
	emit(t, d, 1)
	waitFor(t, "the fact is published", func() bool { return s.count() == 1 })
}

// A log that is ahead of the database (which was restored from an older backup) is never
// written over: new facts are numbered behind it.
func TestRelayNumbersBehindTheLog(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	s := &sink{facts: []db.Fact{{Seq: 41}}}
	emit(t, d, 1)
	startRelay(t, d, "a", s)
	waitFor(t, "the fact is published", func() bool { return s.count() == 2 })
	if s.last() != 42 {
		t.Errorf("the new fact is number %d", s.last())
	}
}

func TestOneRelayOfMany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		s := &sink{}
		stops := []func(){startRelay(t, d, "a", s), startRelay(t, d, "b", s), startRelay(t, d, "c", s)}
		sent := 0
		for _, stop := range stops {
			for range 10 {
				sent++
				emit(t, d, sent)
			}
			waitFor(t, "the facts are published", func() bool { return s.count() == sent })
			stop()
		}
	})
}

func TestOutboxIsPruned(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		s := &sink{}
		for i := range 3 {
			emit(t, d, i)
		}
		stop := startRelay(t, d, "a", s)
		waitFor(t, "the facts are published and noted", func() bool {
			c.Advance(db.RelayLease / 3) // which makes the relay note how far it has come
			state, err := d.Outbox(t.Context())
			return err == nil && state.Delivered == 3
		})
		stop()
		emit(t, d, 3)
		if n, err := d.PruneOutbox(t.Context()); n != 0 || err != nil {
			t.Errorf("young facts: %d pruned, %v", n, err)
		}
		c.Advance(db.OutboxLife + 1e9)
		if n, err := d.PruneOutbox(t.Context()); n != 3 || err != nil {
			t.Errorf("old facts: %d pruned, %v", n, err)
		}
		state, err := d.Outbox(t.Context())
		if err != nil || state.Waiting != 1 || state.Delivered != 3 {
			t.Errorf("the outbox is %+v, %v", state, err)
		}
		startRelay(t, d, "a", s)
		waitFor(t, "the last fact is published", func() bool { return s.count() == 4 })
	})
}
