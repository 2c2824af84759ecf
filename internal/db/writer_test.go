package db_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
)

// hold makes the SQLite writer wait inside a body until the returned function is called, so that
// the bodies that come meanwhile share the next commit.
func hold(t testing.TB, d *db.DB) (release func()) {
	t.Helper()
	inside, free, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- d.Write(context.Background(), func(*db.Tx) error {
			close(inside)
			<-free
			return nil
		})
	}()
	<-inside
	return func() {
		close(free)
		if err := <-ended; err != nil {
			t.Errorf("the held body: %v", err)
		}
	}
}

// waitFor lets other goroutines run until the condition holds.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-limit.C:
			t.Fatalf("it never came that %s", what)
		case <-look.C:
		}
	}
}

// together runs the bodies in one group, in order, and returns their errors.
func together(t testing.TB, d *db.DB, bodies ...func(*db.Tx) error) []error {
	t.Helper()
	release := hold(t, d)
	errs := make([]error, len(bodies))
	var callers sync.WaitGroup
	for i, fn := range bodies {
		callers.Go(func() { errs[i] = d.Write(context.Background(), fn) })
		waitFor(t, "the body waits", func() bool { return d.Stats().Waiting == int64(i+1) })
	}
	release()
	callers.Wait()
	return errs
}

func adds(name string, n int64) func(*db.Tx) error {
	return func(tx *db.Tx) error { return add(tx, name, n) }
}

func TestBodiesShareACommit(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	table(t, d)
	before := d.Stats()
	bodies := slices.Repeat([]func(*db.Tx) error{adds("a", 1)}, 2*db.MaxGroup)
	for i, err := range together(t, d, bodies...) {
		if err != nil {
			t.Errorf("body %d: %v", i, err)
		}
	}
	after := d.Stats()
	if commits := after.Groups - before.Groups; commits != 3 { // the one held, and two groups
		t.Errorf("%d bodies took %d commits", 2*db.MaxGroup+1, commits)
	}
	if after.Largest != db.MaxGroup {
		t.Errorf("the largest group held %d", after.Largest)
	}
	if a := number(t, d, "a"); a != 2*db.MaxGroup {
		t.Errorf("a is %d", a)
	}
}

// Whatever bodies do and however they fail, a group leaves what the same bodies leave one by one,
// and each caller hears the same.
func TestGroupEqualsSerial(t *testing.T) {
	grouped, _ := dbtest.SQLite(t)
	table(t, grouped)
	refused := errors.New("refused")
	type step struct {
		Name string
		N    int64
	}
	type plan struct {
		Steps  []step
		Refuse bool
	}
	step1 := rapid.Custom(func(t *rapid.T) step {
		return step{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), rapid.Int64Range(-4, 5).Draw(t, "n")}
	})
	plans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plan {
		return plan{rapid.SliceOfN(step1, 0, 4).Draw(t, "steps"), rapid.IntRange(0, 3).Draw(t, "refuse") == 0}
	}), 1, 20)
	rapid.Check(t, func(rt *rapid.T) {
		bodies := plans.Draw(rt, "bodies")
		if err := grouped.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM numbers`); return err }); err != nil {
			rt.Fatal(err)
		}
		// The model: apply one by one; a number below zero breaks its CHECK.
		want, failed := map[string]int64{}, make([]bool, len(bodies))
		fns := make([]func(*db.Tx) error, len(bodies))
		for i, p := range bodies {
			next := maps.Clone(want)
			for _, s := range p.Steps {
				next[s.Name] += s.N
				failed[i] = failed[i] || next[s.Name] < 0
			}
			if failed[i] = failed[i] || p.Refuse; !failed[i] {
				want = next
			}
			fns[i] = func(tx *db.Tx) error {
				for _, s := range p.Steps {
					if err := add(tx, s.Name, 0); err != nil {
						return err
					}
					if _, err := tx.Exec(`UPDATE numbers SET n = n + $2 WHERE name = $1`, s.Name, s.N); err != nil {
						return err
					}
				}
				if p.Refuse {
					return refused
				}
				return nil
			}
		}
		for i, err := range together(t, grouped, fns...) {
			if (err != nil) != failed[i] {
				rt.Fatalf("body %d of %v gives %v", i, bodies, err)
			}
		}
		for _, name := range []string{"a", "b", "c"} {
			w, ok := want[name]
			if !ok {
				w = -1
			}
			if got := number(t, grouped, name); got != w {
				rt.Fatalf("%s is %d, one by one it is %d: %v", name, got, w, bodies)
			}
		}
	})
}

func TestPanicFailsItsBodyOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		write := func(fn func(*db.Tx) error) (v any, err error) {
			defer func() { v = recover() }()
			return nil, d.Write(t.Context(), fn)
		}
		var callers sync.WaitGroup
		for i := range 40 {
			callers.Go(func() {
				v, err := write(func(tx *db.Tx) error {
					if err := add(tx, "a", 1); err != nil {
						return err
					}
					if i%4 == 0 {
						panic(i)
					}
					return nil
				})
				if i%4 == 0 && v != any(i) || i%4 != 0 && (v != nil || err != nil) {
					t.Errorf("body %d: panic %v, error %v", i, v, err)
				}
			})
		}
		callers.Wait()
		if a := number(t, d, "a"); a != 30 {
			t.Errorf("a is %d", a)
		}
	})
}

func TestBodyThatEndsItsGoroutine(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		var callers sync.WaitGroup
		for i := range 20 {
			callers.Go(func() {
				returned := false
				defer func() {
					if returned != (i != 7) {
						t.Errorf("body %d returned: %v", i, returned)
					}
				}()
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					if err := add(tx, "a", 1); err != nil {
						return err
					}
					if i == 7 {
						runtime.Goexit()
					}
					return nil
				})
				if err != nil {
					t.Errorf("body %d: %v", i, err)
				}
				returned = true
			})
		}
		callers.Wait()
		if a := number(t, d, "a"); a != 19 {
			t.Errorf("a is %d", a)
		}
	})
}

// A commit that fails (here for a constraint checked at commit) acknowledges nothing;
// the innocent are run again and only the culprit fails.
func TestCommitFailureRunsBodiesAgain(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	table(t, d)
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`CREATE TABLE parts (whole TEXT NOT NULL REFERENCES numbers (name) DEFERRABLE INITIALLY DEFERRED)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	orphan := func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO parts (whole) VALUES ('nothing')`)
		return err
	}
	for i, err := range together(t, d, adds("a", 1), orphan, adds("a", 2), adds("a", 4)) {
		if want := i == 1; (err != nil) != want {
			t.Errorf("body %d gives %v", i, err)
		}
	}
	if a := number(t, d, "a"); a != 7 {
		t.Errorf("a is %d", a)
	}
	if alone := d.Stats().Alone; alone != 4 {
		t.Errorf("%d bodies ran by themselves", alone)
	}
}

// A body that fails after it has changed something takes its group with it, whose bodies are run again; one that has
// changed nothing does not, and neither does any in the groups that follow, whose bodies have savepoints.
func TestAFailureInAGroup(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	table(t, d)
	refused := errors.New("refused")
	looks := func(tx *db.Tx) error {
		var n int64
		if err := tx.Row(`
			SELECT COUNT(*) FROM numbers`).Scan(&n); err != nil {
			return err
		}
		return refused
	}
	writes := func(tx *db.Tx) error {
		if err := add(tx, "a", 1000); err != nil {
			return err
		}
		return refused
	}
	for i, group := range []struct {
		bad   func(*db.Tx) error
		alone int64 // bodies run by themselves, up to now
	}{{looks, 0}, {writes, 2}, {writes, 2}, {adds("a", -100_000), 2}, {looks, 2}} {
		errs := together(t, d, adds("a", 1), group.bad, adds("a", 2))
		if errs[0] != nil || errs[1] == nil || errs[2] != nil {
			t.Errorf("group %d gives %v", i, errs)
		}
		if a := number(t, d, "a"); a != int64(3*(i+1)) {
			t.Errorf("after group %d a is %d", i, a)
		}
		if alone := d.Stats().Alone; alone != group.alone {
			t.Errorf("after group %d %d bodies ran by themselves, want %d", i, alone, group.alone)
		}
	}
}

// A body that does not end is interrupted, which on SQLite takes the whole transaction with it.
func TestSlowBodyIsGivenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		if d.Engine() == db.Postgres && testing.Short() {
			t.Skip("it takes as long as the limit")
		}
		table(t, d)
		endless := func(tx *db.Tx) error {
			if err := add(tx, "a", 100); err != nil {
				return err
			}
			_, err := tx.Exec(`INSERT INTO numbers (name, n) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c)
				SELECT 'x' || CAST(i AS TEXT), i FROM c WHERE i < 0`)
			return err
		}
		var errs []error
		if d.Engine() == db.SQLite {
			errs = together(t, d, adds("a", 1), endless, adds("a", 2))
		} else {
			errs = []error{d.Write(t.Context(), adds("a", 1)), d.Write(t.Context(), endless), d.Write(t.Context(), adds("a", 2))}
		}
		if errs[0] != nil || errs[2] != nil || !fault.Is(errs[1], fault.Unavailable) {
			t.Errorf("got %v", errs)
		}
		if a := number(t, d, "a"); a != 3 {
			t.Errorf("a is %d", a)
		}
	})
}

func TestCancelledBeforeItsTurn(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	table(t, d)
	release := hold(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	gave := make(chan error, 1)
	go func() { gave <- d.Write(ctx, adds("a", 1)) }()
	waitFor(t, "the body waits", func() bool { return d.Stats().Waiting == 1 })
	cancel()
	if err := <-gave; !errors.Is(err, context.Canceled) {
		t.Errorf("the body cancelled while it waited gives %v", err)
	}
	release()

	// Once it has started, it is carried to its end.
	ctx, cancel = context.WithCancel(t.Context())
	err := d.Write(ctx, func(tx *db.Tx) error {
		cancel()
		return add(tx, "b", 1)
	})
	if err != nil {
		t.Errorf("the body cancelled while it ran gives %v", err)
	}
	if a, b := number(t, d, "a"), number(t, d, "b"); a != -1 || b != 1 {
		t.Errorf("a is %d, b is %d", a, b)
	}
}

func TestWaitingIsBounded(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	table(t, d)
	release := hold(t, d)
	var callers sync.WaitGroup
	for range db.MaxWaiting {
		callers.Go(func() {
			if err := d.Write(context.Background(), adds("a", 1)); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(t, "the queue is full", func() bool { return d.Stats().Waiting == db.MaxWaiting })
	err := d.Write(t.Context(), adds("a", 1))
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
		t.Errorf("one more gives %v", err)
	}
	release()
	callers.Wait()
	if a := number(t, d, "a"); a != db.MaxWaiting {
		t.Errorf("a is %d", a)
	}
}

func TestClose(t *testing.T) {
	dir := t.TempDir()
	open := func() *db.DB {
		d, err := db.Open(t.Context(), db.Options{Dir: dir, Clock: clock.NewManual(dbtest.Start)})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	table(t, d)
	release := hold(t, d)
	closed := make(chan error, 1)
	waiting := make(chan error, 1)
	go func() { waiting <- d.Write(context.Background(), adds("a", 1)) }()
	waitFor(t, "the body waits", func() bool { return d.Stats().Waiting == 1 })
	go func() { closed <- d.Close() }()
	waitFor(t, "the database is closing", func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return fault.Is(d.Write(ctx, adds("x", 1)), fault.Unavailable)
	})
	release()
	if err := <-closed; err != nil {
		t.Errorf("closing gives %v", err)
	}
	if err := <-waiting; err != nil && !fault.Is(err, fault.Unavailable) {
		t.Errorf("the body that waited gives %v", err)
	}
	if err := d.Read(t.Context(), func(*db.Tx) error { return nil }); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a read after closing gives %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("closing again gives %v", err)
	}
	d = open()
	defer d.Close()
	if err := d.Write(t.Context(), adds("a", 1)); err != nil {
		t.Error(err)
	}
}

func TestTransactionsDoNotNest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			return d.Write(tx.Context(), func(*db.Tx) error { return nil })
		})
		if err == nil || !strings.Contains(err.Error(), "inside the body of another") {
			t.Errorf("a transaction within another gives %v", err)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			return d.Read(tx.Context(), func(*db.Tx) error { return nil })
		})
		if err == nil || !strings.Contains(err.Error(), "inside the body of another") {
			t.Errorf("a read within a transaction gives %v", err)
		}
	})
}

func TestRowsMustBeClosed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for i := range 3 {
				if err := add(tx, fmt.Sprint(i), 1); err != nil {
					return err
				}
			}
			rows, err := tx.Query(`SELECT n FROM numbers`)
			if err != nil {
				return err
			}
			if err := add(tx, "a", 1); err == nil {
				t.Error("a statement ran while rows of another were open")
			}
			rows.Close()
			return add(tx, "b", 1)
		})
		if b := number(t, d, "b"); err != nil || b != 1 {
			t.Errorf("after closing them: %v, b is %d", err, b)
		}
	})
}

func TestNowStandsStill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			before := tx.Now()
			c.Advance(1e9)
			if !tx.Now().Equal(before) {
				t.Errorf("within a body the time went from %v to %v", before, tx.Now())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Reading too long is ended by the caller's context, also in the middle of one statement.
func TestReadEndsWithItsCaller(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		if d.Engine() == db.SQLite && !d.WatchesWholeBodies() {
			t.Error("the driver hides its handle: every statement costs a goroutine")
		}
		for range 3 { // the connection stays good
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			err := d.Read(ctx, func(tx *db.Tx) error {
				var n int64
				return tx.Row(`WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT COUNT(*) FROM c WHERE i < 0`).Scan(&n)
			})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the read gives %v", err)
			}
			if err := d.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// A caller of a group waits for its slowest; a group that has taken long begins no further body.
func TestSlowGroupTakesNoMore(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	table(t, d)
	before := d.Stats().Groups
	slow := func(tx *db.Tx) error {
		<-time.After(db.GroupTime + 20*time.Millisecond)
		return add(tx, "a", 1)
	}
	for i, err := range together(t, d, slow, slow, adds("a", 1)) {
		if err != nil {
			t.Errorf("body %d: %v", i, err)
		}
	}
	if groups := d.Stats().Groups - before; groups != 4 { // the one held, and each by itself
		t.Errorf("they took %d commits", groups)
	}
}

// Two requests with one key, in a group whose bodies are run again since another of it failed: one effect, one answer.
func TestAKeyTwiceInAGroupThatIsLost(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	table(t, d)
	release := hold(t, d)
	var callers sync.WaitGroup
	var answers [2]int64
	var replayed [2]bool
	queued := int64(0)
	queue := func(call func()) {
		callers.Go(call)
		queued++
		waitFor(t, "the body waits", func() bool { return d.Stats().Waiting == queued })
	}
	for i := range answers {
		queue(func() {
			ctx := db.WithKey(context.Background(), db.Key{Actor: "a", Route: "r", Value: "k"})
			var err error
			answers[i], err = db.Do(ctx, d, func(tx *db.Tx) (n int64, err error) {
				err = tx.Row(`INSERT INTO numbers (name, n) VALUES ('a', 7) ON CONFLICT (name) DO UPDATE SET n = numbers.n + 1 RETURNING n`).Scan(&n)
				return n, errors.Join(err, tx.Emit("test", n))
			})
			if replayed[i] = db.Replayed(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	queue(func() {
		if err := d.Write(context.Background(), adds("a", -1000)); err == nil {
			t.Error("what must not be was done")
		}
	})
	release()
	callers.Wait()
	if a := number(t, d, "a"); a != 7 || answers != [2]int64{7, 7} || replayed != [2]bool{false, true} {
		t.Errorf("a is %d, the answers %v, replayed %v", a, answers, replayed)
	}
	if facts := dbtest.Facts(t, d, "test"); len(facts) != 1 {
		t.Errorf("%d facts were told", len(facts))
	}
	if n := d.Stats().Alone; n != 3 {
		t.Errorf("%d bodies ran by themselves", n)
	}
}
