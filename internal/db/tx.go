package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Tx is one transaction, or one snapshot in a Read. It belongs to its body: no other goroutine
// may use it, and it ends when the body returns.
type Tx struct {
	ctx     context.Context
	d       *DB
	run     runner
	now     time.Time
	rows    *sql.Rows // the last ones handed out by Query
	lost    error     // the first failure of a statement
	fault   func() error
	reading bool // of a Read
	emitted bool
	queued  bool
	told    []string // topic and body of facts that are written when the body has ended
}

// runner runs statements on the connection of a transaction.
type runner interface {
	exec(ctx context.Context, q string, args []any) (sql.Result, error)
	query(ctx context.Context, q string, args []any) (*sql.Rows, error)
	row(ctx context.Context, q string, args []any) *sql.Row
}

// Now returns the moment the body started, by the clock of the house; it stands still within it.
func (t *Tx) Now() time.Time { return t.now }

// Context returns the body's context: the caller's values, and a deadline of its own.
func (t *Tx) Context() context.Context { return t.ctx }

// Engine returns which database this is.
func (t *Tx) Engine() Engine { return t.d.engine }

// ready says why no further statement may run.
func (t *Tx) ready() error {
	if t.lost != nil {
		return fmt.Errorf("db: the transaction is already lost: %w", t.lost)
	}
	if err := t.ctx.Err(); err != nil {
		return t.fail(err)
	}
	if t.rows != nil {
		if _, err := t.rows.Columns(); err == nil {
			return errors.New("db: rows of the statement before are still open; read them to the end or close them first")
		}
		t.rows = nil
	}
	if t.fault != nil {
		return t.fail(t.fault())
	}
	return nil
}

// fail notes the first error of a statement: PostgreSQL takes nothing more after it,
// and SQLite must not behave otherwise.
func (t *Tx) fail(err error) error {
	if err != nil && t.lost == nil {
		t.lost = err
	}
	return err
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(q string, args ...any) (rows int64, err error) {
	if err := t.ready(); err != nil {
		return 0, err
	}
	r, err := t.run.exec(t.ctx, q, args)
	if err != nil {
		return 0, t.fail(err)
	}
	return r.RowsAffected()
}

// Query runs a statement and returns its rows, to be closed before the next statement.
// All is the easier way.
func (t *Tx) Query(q string, args ...any) (*sql.Rows, error) {
	rows, err := t.open(q, args)
	t.rows = rows
	return rows, err
}

func (t *Tx) open(q string, args []any) (*sql.Rows, error) {
	if err := t.ready(); err != nil {
		return nil, err
	}
	rows, err := t.run.query(t.ctx, q, args)
	if err != nil {
		return nil, t.fail(err)
	}
	return rows, nil
}

// Row runs a statement of at most one row; its Scan gives sql.ErrNoRows when there is none.
// It must be scanned.
func (t *Tx) Row(q string, args ...any) *sql.Row {
	if err := t.ready(); err != nil {
		return lostRow(err)
	}
	row := t.run.row(t.ctx, q, args)
	t.fail(row.Err())
	return row
}

// All runs a statement and returns what scan makes of each of its rows, nil when there are none.
func All[T any](t *Tx, scan func(*sql.Rows) (T, error), q string, args ...any) ([]T, error) {
	rows, err := t.open(q, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, t.fail(err)
	}
	return out, nil
}

// IsUnique reports whether err says that a UNIQUE or PRIMARY KEY constraint was violated.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
			return true
		}
	}
	return false
}

// Micros returns a moment as databases keep it: microseconds since 1970; 0 is the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time returns the moment that Micros made; 0 is the zero time.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Flag returns a truth as databases keep it: 1 or 0.
func Flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// lostRow is a row whose Scan gives err.
func lostRow(err error) *sql.Row {
	never := sql.OpenDB(lostConnector{err})
	defer never.Close()
	return never.QueryRow("")
}

type lostConnector struct{ err error }

func (l lostConnector) Connect(context.Context) (driver.Conn, error) { return nil, l.err }
func (l lostConnector) Driver() driver.Driver                        { return nil }
