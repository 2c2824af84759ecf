package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
)

const (
	// MaxConnections is how many connections one process holds to PostgreSQL
	// unless its URL says otherwise by pool_max_conns.
	MaxConnections = 32
	// MaxAttempts is how often a body is run before a conflict of transactions is given up.
	MaxAttempts = 8
)

// server is the PostgreSQL store: ordinary concurrent transactions over a pool.
type server struct {
	d       *DB
	pool    *sql.DB
	queue   atomic.Int64
	running sync.WaitGroup
	mu      sync.RWMutex // held to add to running, and to close
	closed  bool
}

func openPostgres(ctx context.Context, d *DB, url string) (store, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("db: read the URL of the PostgreSQL database: %w", err)
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "mezzo"
	}
	size := MaxConnections
	if text, ok := config.RuntimeParams["pool_max_conns"]; ok {
		if size, err = strconv.Atoi(text); err != nil || size < 1 {
			return nil, fmt.Errorf("db: pool_max_conns=%s in the URL of the PostgreSQL database is not a number of connections", text)
		}
		delete(config.RuntimeParams, "pool_max_conns")
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("db: reach PostgreSQL: %w", err), pool.Close())
	}
	return &server{d: d, pool: pool}, nil
}

func (s *server) migrate(ctx context.Context) error { return migrate(ctx, Postgres, s.pool) }
func (s *server) ping(ctx context.Context) error    { return s.pool.PingContext(ctx) }
func (s *server) waiting() int                      { return int(s.queue.Load()) }

// pgRunner runs statements of a PostgreSQL transaction; pgx keeps them prepared per connection.
type pgRunner struct{ tx *sql.Tx }

func (r pgRunner) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	return r.tx.ExecContext(ctx, q, args...)
}

func (r pgRunner) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	return r.tx.QueryContext(ctx, q, args...)
}

func (r pgRunner) row(ctx context.Context, q string, args []any) *sql.Row {
	return r.tx.QueryRowContext(ctx, q, args...)
}

// close waits for the bodies under way.
func (s *server) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	return s.pool.Close()
}

// enter counts a transaction as under way; leave must follow when it says so.
func (s *server) enter() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return fault.New(fault.Unavailable, sayClosed).After(RetryAfter)
	}
	s.running.Add(1)
	return nil
}

// connection waits for a free connection, while the caller still wants it.
func (s *server) connection(ctx context.Context) (*sql.Conn, error) {
	s.queue.Add(1)
	defer s.queue.Add(-1)
	wait, cancel := context.WithTimeout(ctx, WaitLimit)
	defer cancel()
	c, err := s.pool.Conn(wait)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case wait.Err() != nil:
		return nil, unavailable(err, sayBusy)
	}
	return nil, unavailable(err, sayFailed)
}

// begun is a transaction on a connection of its own.
type begun struct {
	conn   *sql.Conn
	sql    *sql.Tx
	tx     *Tx
	cancel context.CancelFunc
}

// end undoes what was not committed and gives the connection back.
func (b *begun) end() {
	b.tx.lost = errEnded
	b.sql.Rollback()
	b.cancel()
	b.conn.Close()
}

// begin begins a transaction that lives under what bound makes of ctx. A connection that broke
// while it was idle is only noticed here; nothing has happened yet, so another one is taken.
func (s *server) begin(ctx context.Context, bound func() (context.Context, context.CancelFunc), o *sql.TxOptions) (*begun, error) {
	for try := 1; ; try++ {
		c, err := s.connection(ctx)
		if err != nil {
			return nil, err
		}
		body, cancel := bound()
		t, err := c.BeginTx(body, o)
		if err == nil {
			tx := &Tx{ctx: body, d: s.d, run: pgRunner{t}, now: s.d.clock.Now(), fault: faultOf(body)}
			return &begun{c, t, tx, cancel}, nil
		}
		cancel()
		c.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if try == MaxAttempts {
			return nil, unavailable(err, sayFailed)
		}
	}
}

func (s *server) write(ctx context.Context, fn func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	for attempt := 1; ; attempt++ {
		err := s.attempt(ctx, fn)
		if !conflicting(err) {
			return err
		}
		if attempt == MaxAttempts {
			return unavailable(err, sayBusy)
		}
		s.d.stats.retried.Add(1)
		// Those who met each other come back apart.
		_ = clock.Rest(ctx, nil, time.Duration(rand.Int64N(int64(attempt)*int64(4*time.Millisecond))))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// attempt runs fn in one READ COMMITTED transaction.
func (s *server) attempt(ctx context.Context, fn func(*Tx) error) error {
	began := clock.StartWatch()
	b, err := s.begin(ctx, func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), inside{}, true), PostgresBodyLimit)
	}, nil)
	if err != nil {
		return err
	}
	defer b.end() // also when fn panics or ends its goroutine
	s.d.stats.bodies.Add(1)
	if err := b.run(fn); err != nil {
		s.d.stats.failed.Add(1)
		return err
	}
	ready := clock.StartWatch()
	if err := b.sql.Commit(); err != nil {
		s.d.stats.failed.Add(1)
		return commitFailure(err)
	}
	s.d.stats.committed(1, began.Passed(), ready.Passed())
	s.d.announce(b.tx.emitted, b.tx.queued)
	return nil
}

// run runs a writing body and says why it may not be committed.
func (b *begun) run(fn func(*Tx) error) error {
	err := fn(b.tx)
	if b.tx.rows != nil {
		b.tx.rows.Close()
	}
	if err == nil && b.tx.lost == nil {
		err = b.tx.tell()
	}
	switch {
	case conflicting(b.tx.lost):
		return b.tx.lost // whatever fn made of it
	case b.tx.ctx.Err() != nil:
		return unavailable(b.tx.ctx.Err(), saySlow)
	case err == nil:
		return b.tx.lost
	}
	return err
}

// commitFailure tells a refusal by the server, after which nothing was changed,
// from a broken connection, after which nobody knows.
func commitFailure(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		if conflicting(err) {
			return err
		}
		return unavailable(err, sayFailed)
	}
	return unavailable(err, sayUnsure)
}

// conflicting reports whether another try may settle it: 40001 serialization_failure,
// 40P01 deadlock_detected, or a prepared statement older than the schema.
func conflicting(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	return refused.Code == "40001" || refused.Code == "40P01" ||
		refused.Code == "0A000" && strings.Contains(refused.Message, "cached plan")
}

func (s *server) read(ctx context.Context, fn func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	s.d.stats.reads.Add(1)
	b, err := s.begin(ctx, func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, readLimitOf(ctx))
	}, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer b.end()
	b.tx.reading = true
	err = fn(b.tx)
	if b.tx.rows != nil {
		b.tx.rows.Close()
	}
	return readFailure(ctx, b.tx.ctx, err)
}
