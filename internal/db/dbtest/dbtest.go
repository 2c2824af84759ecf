// Package dbtest opens fresh databases for tests, on SQLite and on PostgreSQL.
package dbtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
)

// Start is where the clocks of tests stand at first.
var Start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Each runs f as a subtest on a fresh SQLite and on a fresh PostgreSQL database, with a clock that
// stands still until it is turned.
func Each(t *testing.T, f func(t *testing.T, d *db.DB, c *clock.Turned)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		d, c := SQLite(t)
		f(t, d, c)
	})
	t.Run("postgres", func(t *testing.T) {
		d, c := Postgres(t)
		f(t, d, c)
	})
}

// SQLite returns a fresh SQLite database in a folder of the test, and its clock.
func SQLite(t testing.TB) (*db.DB, *clock.Turned) {
	t.Helper()
	c := clock.NewManual(Start)
	dir := t.TempDir()
	if err := copyTemplate(filepath.Join(dir, db.File)); err != nil {
		t.Fatalf("make the template database: %v", err)
	}
	return Open(t, db.Options{Dir: dir, Clock: c}), c
}

// copyTemplate copies a migrated SQLite file to path. The file is made once per machine and schema,
// because opening it is far quicker than migrating for each test.
func copyTemplate(path string) error {
	sum, err := schemaSum(db.SQLite)
	if err != nil {
		return err
	}
	template := filepath.Join(os.TempDir(), "mezzo_template_"+sum+".db")
	content, err := os.ReadFile(template)
	if errors.Is(err, fs.ErrNotExist) {
		content, err = makeTemplate(template)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// makeTemplate migrates a fresh file and puts it in place whole: others see all of it or nothing.
func makeTemplate(template string) ([]byte, error) {
	dir, err := os.MkdirTemp(filepath.Dir(template), "mezzo_template_*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	d, err := db.Open(context.Background(), db.Options{Dir: dir, Clock: clock.NewManual(Start)})
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	fresh := filepath.Join(dir, db.File)
	content, err := os.ReadFile(fresh)
	if err != nil {
		return nil, err
	}
	return content, os.Rename(fresh, template)
}

// Postgres returns a fresh PostgreSQL database, and its clock. Without a server the test is skipped,
// or fails where CI=true.
func Postgres(t testing.TB) (*db.DB, *clock.Turned) {
	t.Helper()
	c := clock.NewManual(Start)
	return Open(t, db.Options{URL: NewPostgresURL(t), Clock: c}), c
}

// Open opens a database that is closed at the end of the test. Its warnings are part of the
// test's output unless o.Log says otherwise.
func Open(t testing.TB, o db.Options) *db.DB {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	d, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return d
}

// schemaSum is a short hash of the migrations as the engine runs them.
func schemaSum(e db.Engine) (string, error) {
	files, err := db.Migrations(e)
	if err != nil {
		return "", err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s\n%s\n", filepath.Base(name), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// Facts returns what was emitted to the outbox under the topic ("" means any), in order of writing.
func Facts(t testing.TB, d *db.DB, topic string) []db.Fact {
	t.Helper()
	facts, err := db.Get(context.Background(), d, func(tx *db.Tx) ([]db.Fact, error) {
		return db.All(tx, func(rows *sql.Rows) (f db.Fact, err error) {
			var body string
			var at int64
			err = rows.Scan(&f.Seq, &f.Topic, &body, &at)
			f.Body, f.At = json.RawMessage(body), db.Time(at)
			return f, err
		}, `SELECT COALESCE(relay_seq, 0), topic, body, created_at FROM outbox
			WHERE CAST($1 AS TEXT) IN ('', topic) ORDER BY id`, topic)
	})
	if err != nil {
		t.Fatalf("read the outbox: %v", err)
	}
	return facts
}
