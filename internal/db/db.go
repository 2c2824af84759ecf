// Package db opens SQLite or PostgreSQL and owns what every room's SQL stands on:
// transactions, grouped commits, migrations, the outbox, idempotency keys, leases and jobs.
//
// One SQL text serves both engines: $1 parameters, times as BIGINT microseconds, flags as 0 or 1,
// JSON as TEXT, ON CONFLICT and RETURNING. A Tx behaves alike on both: once a statement has failed,
// the transaction is lost and every later statement says so; rows must be read to their end or
// closed before the next statement.
package db

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
)

// Engine names the database behind a DB.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Bounds of a transaction. They are machine time, whatever the clock of the house says.
const (
	// BodyLimit is how long a body may run on SQLite, where all others wait behind it.
	BodyLimit = 2 * time.Second
	// PostgresBodyLimit is how long a body may run on PostgreSQL, waits for row locks included.
	PostgresBodyLimit = 10 * time.Second
	// ReadLimit is how long a Read may hold its snapshot, unless WithReadLimit says otherwise.
	ReadLimit = 30 * time.Second
	// WaitLimit is how long a transaction may wait for its turn or its connection.
	WaitLimit = 10 * time.Second
	// RetryAfter is what a client is told to wait when the database is too busy.
	RetryAfter = time.Second
)

// Options say which database to open.
type Options struct {
	URL   string       // postgres://…; "" means SQLite
	Dir   string       // SQLite: the folder of the file mezzo.db
	Clock clock.Clock  // required
	Log   *slog.Logger // nil: nothing is logged
}

// DB is an open database. Its methods may be called from many goroutines.
type DB struct {
	engine Engine
	clock  clock.Clock
	log    *slog.Logger
	store  store
	facts  bell // rung when a commit in this process left a fact in the outbox
	jobs   bell // rung when a commit in this process left a job
	stats  counters
}

// store is what the engines do differently.
type store interface {
	write(ctx context.Context, fn func(*Tx) error) error
	read(ctx context.Context, fn func(*Tx) error) error
	migrate(ctx context.Context) error
	ping(ctx context.Context) error
	waiting() int
	close() error
}

// Open opens the database and brings its schema up to date. It refuses a schema newer
// than this program knows.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Clock == nil {
		return nil, errors.New("db: a clock is needed to open a database")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &DB{engine: SQLite, clock: o.Clock, log: o.Log}
	var err error
	if o.URL != "" {
		d.engine = Postgres
		d.store, err = openPostgres(ctx, d, o.URL)
	} else {
		d.store, err = openSQLite(ctx, d, o.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err := d.store.migrate(ctx); err != nil {
		return nil, errors.Join(err, d.store.close())
	}
	return d, nil
}

// Engine returns which database this is.
func (d *DB) Engine() Engine { return d.engine }

// Clock returns the clock that dates what is written.
func (d *DB) Clock() clock.Clock { return d.clock }

// Close waits for the bodies already running and closes the database.
// Bodies still waiting are told that it is unavailable.
func (d *DB) Close() error { return d.store.close() }

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.store.ping(ctx) }

// errInside is a mistake of the program: on SQLite an inner Write would wait for the outer for ever.
var errInside = errors.New("db: a transaction was begun inside the body of another; pass the *Tx down instead")

// inside marks the context of a body, so that a transaction begun within it is refused.
type inside struct{}

// Write runs fn in one transaction. Its error rolls back just what it did and is returned as is.
// fn does SQL only and may be run again when a commit fails: it assigns to captured variables and
// does not append to them. The caller's cancellation counts until fn starts. fault.Unavailable says
// that fn did not take effect because too many wait, it took too long, or the database failed.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	if ctx.Value(inside{}) != nil {
		return errInside
	}
	return d.store.write(ctx, fn)
}

// Read runs fn on one snapshot that holds every commit acknowledged before it.
// It runs beside writers and other readers; writing in it fails. It is refused inside the body of
// a Write, whose changes it would not see.
func (d *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	if ctx.Value(inside{}) != nil {
		return errInside
	}
	return d.store.read(ctx, fn)
}

// Get is a Read that returns a value.
func Get[T any](ctx context.Context, d *DB, fn func(tx *Tx) (T, error)) (T, error) {
	var out T
	err := d.Read(ctx, func(tx *Tx) error {
		v, err := fn(tx)
		out = v
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

// unavailable wraps what the engine said in what a client is told.
func unavailable(cause error, detail string) error {
	return fault.Wrap(fault.Unavailable, cause, detail).After(RetryAfter)
}

const (
	sayBusy   = "Too many changes are waiting to be stored. Nothing was changed; try again in a moment."
	saySlow   = "Storing this took too long and was given up. Nothing was changed; try again in a moment."
	sayFailed = "The database could not store this. Nothing was changed; try again in a moment."
	sayClosed = "The server is stopping. Nothing was changed; try again in a moment."
	sayUnsure = "The connection to the database broke while this was being stored. Repeat the request with the same Idempotency-Key to learn the outcome."
)

type readLimit struct{}

// WithReadLimit returns a context under which a Read may hold its snapshot for d: for proofs
// and exports that read everything. On SQLite the write-ahead log grows meanwhile.
func WithReadLimit(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, readLimit{}, d)
}

func readLimitOf(ctx context.Context) time.Duration {
	if d, ok := ctx.Value(readLimit{}).(time.Duration); ok {
		return d
	}
	return ReadLimit
}
