package db_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOpenMigratesAndOpensAgain(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		d, err := db.Open(t.Context(), db.Options{Dir: dir, Clock: clock.NewManual(dbtest.Start)})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBackup(t *testing.T) {
	d, c := dbtest.SQLite(t)
	table(t, d)
	if err := d.Write(t.Context(), adds("a", 7)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, db.File)
	if err := d.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), adds("a", 1)); err != nil {
		t.Fatal(err)
	}
	if a := number(t, dbtest.Open(t, db.Options{Dir: dir, Clock: c}), "a"); a != 7 {
		t.Errorf("in the copy a is %d", a)
	}
	if err := d.Backup(t.Context(), file); err == nil {
		t.Error("a backup was written over")
	}
	p, _ := dbtest.Postgres(t)
	if err := p.Backup(t.Context(), file+"2"); !errors.Is(err, db.ErrNoBackup) {
		t.Errorf("on PostgreSQL it gives %v", err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	open := map[string]func(t *testing.T) db.Options{
		"sqlite":   func(t *testing.T) db.Options { return db.Options{Dir: t.TempDir()} },
		"postgres": func(t *testing.T) db.Options { return db.Options{URL: dbtest.NewPostgresURL(t)} },
	}
	for name, options := range open {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			o.Clock = clock.NewManual(dbtest.Start)
			d, err := db.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			err = d.Write(t.Context(), func(tx *db.Tx) error {
				q := `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`
				if tx.Engine() == db.Postgres {
					q = strings.Replace(q, ", 1)", ", true)", 1)
				}
				_, err := tx.Exec(q)
				return err
			})
			if err := errors.Join(err, d.Close()); err != nil {
				t.Fatal(err)
			}
			d, err = db.Open(t.Context(), o)
			if !errors.Is(err, db.ErrNewer) || !strings.Contains(err.Error(), "start the newer mezzo") {
				t.Errorf("a newer schema gives %v", err)
			}
			if err == nil {
				d.Close()
			}
		})
	}
}

// Several nodes that start at once on an empty PostgreSQL take turns at migrating it.
func TestNodesMigrateTogether(t *testing.T) {
	url := dbtest.EmptyPostgresURL(t)
	var nodes sync.WaitGroup
	for range 3 {
		nodes.Go(func() {
			d, err := db.Open(context.Background(), db.Options{URL: url, Clock: clock.NewManual(dbtest.Start)})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			if _, err := d.Outbox(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
}

func TestStandInsAreReplaced(t *testing.T) {
	left := regexp.MustCompile(`\$\{|ENVSUB`)
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		files, err := db.Migrations(e)
		if err != nil {
			t.Fatal(err)
		}
		names, err := fs.Glob(files, "*.sql")
		if err != nil || len(names) == 0 {
			t.Fatalf("%d migrations, %v", len(names), err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				t.Errorf("%s: %v", e, err)
			}
			if at := left.FindIndex(text); at != nil {
				t.Errorf("%s: %s keeps %q", e, name, text[at[0]:min(at[0]+30, len(text))])
			}
		}
	}
}

func TestKeptRowsCannotBeChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		write := func(q string) error {
			return d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(q); return err })
		}
		for _, q := range append([]string{`CREATE TABLE added (n BIGINT)`, `CREATE TABLE kept (n BIGINT, state TEXT)`},
			append(db.KeepSQL(d.Engine(), "added", ""), db.KeepSQL(d.Engine(), "kept", "n")...)...) {
			if err := write(q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
		for q, allowed := range map[string]bool{
			`INSERT INTO added VALUES (1)`:       true,
			`UPDATE added SET n = 2`:             false,
			`DELETE FROM added`:                  false,
			`INSERT INTO kept VALUES (1, 'new')`: true,
			`UPDATE kept SET state = 'old'`:      true,
			`UPDATE kept SET n = 2`:              false,
			`DELETE FROM kept`:                   false,
		} {
			if !strings.HasPrefix(q, "INSERT") {
				if err := write(`INSERT INTO ` + regexp.MustCompile(`added|kept`).FindString(q) + ` (n) VALUES (9)`); err != nil {
					t.Fatal(err)
				}
			}
			err := write(q)
			if (err == nil) != allowed || err != nil && !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
}
