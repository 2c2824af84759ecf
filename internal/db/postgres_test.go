package db_test

import (
	"context"
	"sync"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
)

// Bodies that take the same rows in opposite order deadlock; all succeed in the end.
func TestDeadlocksAreTriedAgain(t *testing.T) {
	d, _ := dbtest.Postgres(t)
	table(t, d)
	if err := d.Write(t.Context(), func(tx *db.Tx) error {
		if err := add(tx, "a", 0); err != nil {
			return err
		}
		return add(tx, "b", 0)
	}); err != nil {
		t.Fatal(err)
	}
	// Two bodies meet for certain: each waits until the other holds its first row.
	var met sync.WaitGroup
	met.Add(2)
	var callers sync.WaitGroup
	for i, names := range [][2]string{{"a", "b"}, {"b", "a"}} {
		callers.Go(func() {
			first := true
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				if err := add(tx, names[0], 1); err != nil {
					return err
				}
				if first {
					first = false
					met.Done()
					met.Wait()
				}
				return add(tx, names[1], 1)
			})
			if err != nil {
				t.Errorf("body %d: %v", i, err)
			}
		})
	}
	callers.Wait()
	if a, b := number(t, d, "a"), number(t, d, "b"); a != 2 || b != 2 {
		t.Errorf("a is %d, b is %d", a, b)
	}
	if d.Stats().Retried == 0 {
		t.Error("they never met")
	}
}

func TestBrokenConnectionsAreReplaced(t *testing.T) {
	url := dbtest.NewPostgresURL(t)
	open := func() *db.DB {
		return dbtest.Open(t, db.Options{URL: url, Clock: clock.NewManual(dbtest.Start)})
	}
	d, other := open(), open()
	table(t, d)
	var callers sync.WaitGroup
	for range 8 { // several connections
		callers.Go(func() { number(t, d, "a") })
	}
	callers.Wait()
	if err := other.Read(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return add(tx, "a", 1) }); err != nil {
			t.Errorf("write %d after the connections broke: %v", i, err)
		}
	}
	if a := number(t, d, "a"); a != 10 {
		t.Errorf("a is %d", a)
	}
}

// A statement prepared before another node changed the schema is prepared anew.
func TestSchemaChangesBeneathPreparedStatements(t *testing.T) {
	url := dbtest.NewPostgresURL(t)
	d := dbtest.Open(t, db.Options{URL: url + "&pool_max_conns=1", Clock: clock.NewManual(dbtest.Start)})
	table(t, d)
	star := func() (columns int) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			rows, err := tx.Query(`SELECT * FROM numbers`)
			if err != nil {
				return err
			}
			names, err := rows.Columns()
			columns = len(names)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return columns
	}
	if n := star(); n != 2 {
		t.Errorf("%d columns", n)
	}
	if err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`ALTER TABLE numbers ADD COLUMN more TEXT`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := star(); n != 3 {
		t.Errorf("after the change %d columns", n)
	}
}

func TestCloseWaitsForBodies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		inside, free := make(chan struct{}), make(chan struct{})
		wrote, closed := make(chan error, 1), make(chan error, 1)
		go func() {
			wrote <- d.Write(context.Background(), func(tx *db.Tx) error {
				close(inside)
				<-free
				return add(tx, "a", 1)
			})
		}()
		<-inside
		go func() { closed <- d.Close() }()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		waitFor(t, "the database is closing", func() bool {
			return fault.Is(d.Write(ctx, adds("x", 1)), fault.Unavailable)
		})
		close(free)
		if err := <-wrote; err != nil {
			t.Errorf("the body under way: %v", err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

func TestPoolSize(t *testing.T) {
	url := dbtest.NewPostgresURL(t)
	for _, size := range []string{"0", "many"} {
		if _, err := db.Open(t.Context(), db.Options{URL: url + "&pool_max_conns=" + size, Clock: clock.NewManual(dbtest.Start)}); err == nil {
			t.Errorf("pool_max_conns=%s is taken", size)
		}
	}
}
