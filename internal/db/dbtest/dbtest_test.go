package dbtest

import (
	"context"
	"maps"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
)

// snapshot is how many rows each table has, and what the next fact's id and the relay's row are.
func snapshot(t *testing.T, d *db.DB) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(tablesSQL)
		if err != nil {
			return err
		}
		var names []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, name := range names {
			var n int64
			if err := tx.Row(`SELECT COUNT(*) FROM ` + name).Scan(&n); err != nil {
				return err
			}
			out[name] = n
		}
		var next int64
		if err := tx.Row(`SELECT COALESCE(SUM(COALESCE(last_value, 0)), 0) FROM pg_sequences`).Scan(&next); err != nil {
			return err
		}
		out["(sequences)"] = next
		var numbered int64
		err = tx.Row(`SELECT numbered FROM relay`).Scan(&numbered)
		out["(relay)"] = numbered
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLentDatabasesAreFresh(t *testing.T) {
	url := NewPostgresURL(t)
	d := Open(t, db.Options{URL: url, Clock: clock.NewManual(Start)})
	before := snapshot(t, d)
	if before["relay"] != 1 || before["outbox"] != 0 {
		t.Fatalf("a fresh database holds %v", before)
	}
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		for _, q := range []string{
			`CREATE TABLE left_behind (n BIGINT REFERENCES relay (one))`,
			`INSERT INTO left_behind VALUES (1)`,
			`UPDATE relay SET numbered = 7`,
			`CREATE TRIGGER outbox_no_delete BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION mezzo_append_only()`,
		} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return tx.Emit("test", 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, d); maps.Equal(after, before) {
		t.Fatal("nothing was changed")
	}
	if err := empty(context.Background(), url); err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, d); !maps.Equal(after, before) {
		t.Errorf("emptied, it holds %v where a fresh one holds %v", after, before)
	}
	err = d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(`DROP TRIGGER outbox_no_delete ON outbox`); return err })
	if err != nil {
		t.Error(err)
	}
}

func TestNoTwoTestsShareADatabase(t *testing.T) {
	if a, b := NewPostgresURL(t), NewPostgresURL(t); a == b {
		t.Errorf("two tests got %s", a)
	}
}
