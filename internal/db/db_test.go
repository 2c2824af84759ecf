package db_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
)

// table makes a table of names and numbers in d.
func table(t testing.TB, d *db.DB) {
	t.Helper()
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`CREATE TABLE numbers (name TEXT PRIMARY KEY, n BIGINT NOT NULL CHECK (n >= 0))`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func number(t testing.TB, d *db.DB, name string) int64 {
	t.Helper()
	n, err := db.Get(context.Background(), d, func(tx *db.Tx) (n int64, err error) {
		err = tx.Row(`SELECT n FROM numbers WHERE name = $1`, name).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return -1, nil
		}
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func add(tx *db.Tx, name string, n int64) error {
	_, err := tx.Exec(`INSERT INTO numbers (name, n) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET n = numbers.n + excluded.n`, name, n)
	return err
}

func TestWriteIsSeenByTheNextRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		for i := range int64(50) {
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return add(tx, "a", 1) }); err != nil {
				t.Fatal(err)
			}
			if got := number(t, d, "a"); got != i+1 {
				t.Fatalf("after write %d a read sees %d", i+1, got)
			}
		}
	})
}

func TestErrorRollsBackItsOwnBodyOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		refused := errors.New("refused")
		var callers sync.WaitGroup
		for i := range 200 {
			callers.Go(func() {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					if err := add(tx, "a", 1); err != nil {
						return err
					}
					if i%2 == 0 {
						return refused
					}
					return nil
				})
				if want := i%2 == 0; errors.Is(err, refused) != want || (err == nil) == want {
					t.Errorf("body %d: %v", i, err)
				}
			})
		}
		callers.Wait()
		if got := number(t, d, "a"); got != 100 {
			t.Errorf("100 bodies of 200 succeeded and %d are stored", got)
		}
	})
}

func TestUnique(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		insert := func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO numbers (name, n) VALUES ('a', 1)`)
			return err
		}
		if err := d.Write(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), insert); !db.IsUnique(err) {
			t.Errorf("a second row of the same key gives %v", err)
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO numbers (name, n) VALUES ('b', -1)`)
			return err
		})
		if err == nil || db.IsUnique(err) {
			t.Errorf("a failed CHECK gives %v", err)
		}
	})
}

func TestFailedStatementLosesTheTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := add(tx, "a", 1); err != nil {
				return err
			}
			tx.Exec(`INSERT INTO numbers (name, n) VALUES ('a', 1)`)
			if err := add(tx, "b", 1); err == nil {
				t.Error("a statement ran after a failed one")
			}
			return nil
		})
		if !db.IsUnique(err) {
			t.Errorf("the body that swallowed a failure gives %v", err)
		}
		if a := number(t, d, "a"); a != -1 {
			t.Errorf("a is %d", a)
		}
	})
}

func TestReadCannotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		table(t, d)
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return add(tx, "a", 1) }); err == nil {
			t.Error("a Read wrote")
		}
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Emit("a", 1) }); err == nil {
			t.Error("a Read emitted")
		}
		if a := number(t, d, "a"); a != -1 {
			t.Errorf("a is %d", a)
		}
	})
}

func TestDoWithKeyHasOneEffect(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		table(t, d)
		type answer struct{ N int64 }
		do := func(hash byte) (answer, bool, error) {
			ctx := db.WithKey(t.Context(), db.Key{Actor: "acc", Route: "POST /x", Value: "k", Hash: [32]byte{hash}})
			a, err := db.Do(ctx, d, func(tx *db.Tx) (a answer, err error) {
				err = tx.Row(`INSERT INTO numbers (name, n) VALUES ('a', 7)
					ON CONFLICT (name) DO UPDATE SET n = numbers.n + 1 RETURNING n`).Scan(&a.N)
				return a, err
			})
			return a, db.Replayed(ctx), err
		}
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if a, _, err := do(1); err != nil || a.N != 7 {
					t.Errorf("got %v, %v", a, err)
				}
			})
		}
		callers.Wait()
		if got := number(t, d, "a"); got != 7 {
			t.Errorf("20 requests of one key had %d effects", got-6)
		}
		if _, replayed, err := do(1); !replayed || err != nil {
			t.Errorf("a repeat: replayed %v, %v", replayed, err)
		}
		if _, _, err := do(2); !fault.Is(err, fault.Invalid) {
			t.Errorf("another body under the same key gives %v", err)
		}
		c.Advance(db.KeyLife + 1e9)
		if n, err := d.PruneIdempotency(t.Context()); n != 1 || err != nil {
			t.Errorf("pruned %d, %v", n, err)
		}
		if a, replayed, err := do(2); a.N != 8 || replayed || err != nil {
			t.Errorf("after the key's life: %v, %v, %v", a, replayed, err)
		}
	})
}

func TestLease(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		take := func(holder string, want bool) {
			t.Helper()
			if ok, err := d.Lease(t.Context(), "sweep", holder, 10e9); ok != want || err != nil {
				t.Errorf("%s takes the lease: %v, %v", holder, ok, err)
			}
		}
		take("a", true)
		take("b", false)
		c.Advance(9e9)
		take("a", true)
		c.Advance(9e9)
		take("b", false)
		c.Advance(1e9)
		take("b", true)
		take("a", false)
		if err := d.Release(t.Context(), "sweep", "b"); err != nil {
			t.Fatal(err)
		}
		take("a", true)
	})
}

type secretive struct {
	Name   string
	Secret string `json:",omitempty"`
}

func (s secretive) Redacted() any {
	s.Secret = ""
	return s
}

func TestStoredAnswersHoldNoSecrets(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	do := func() secretive {
		ctx := db.WithKey(t.Context(), db.Key{Actor: "a", Route: "r", Value: "k"})
		s, err := db.Do(ctx, d, func(*db.Tx) (secretive, error) { return secretive{"n", "hush"}, nil })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if first, second := do(), do(); first != (secretive{"n", "hush"}) || second != (secretive{"n", ""}) {
		t.Errorf("the answers are %v and %v", first, second)
	}
}

func TestFailureLeavesTheKeyFree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		ctx := db.WithKey(t.Context(), db.Key{Actor: "a", Route: "r", Value: "k"})
		do := func(out string, err error) (string, error) {
			return db.Do(ctx, d, func(*db.Tx) (string, error) { return out, err })
		}
		if _, err := do("", fault.New(fault.Conflict, "Not now.")); !fault.Is(err, fault.Conflict) {
			t.Errorf("the failure is %v", err)
		}
		if s, err := do("first", nil); s != "first" || err != nil {
			t.Errorf("after a failure: %q, %v", s, err)
		}
		// The key belongs to the first Do of a request, and to nothing else in it.
		if s, err := do("second", nil); s != "second" || err != nil {
			t.Errorf("the next Do of the request: %q, %v", s, err)
		}
		ctx = db.WithKey(t.Context(), db.Key{Actor: "b", Route: "r", Value: "k"})
		if s, err := do("other", nil); s != "other" || err != nil {
			t.Errorf("the same key of somebody else: %q, %v", s, err)
		}
	})
}
