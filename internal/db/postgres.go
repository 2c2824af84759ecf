package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// MaxConnections is how many connections one process holds to PostgreSQL.
	MaxConnections = 32
	// MaxAttempts is how often a body is run before a conflict of transactions is given up.
	MaxAttempts = 8
)

// server is the PostgreSQL store: ordinary concurrent transactions over a pool.
type server struct {
	d     *DB
	pool  *sql.DB
	queue atomic.Int64
}

func openPostgres(ctx context.Context, d *DB, url string) (store, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("db: read the URL of the PostgreSQL database: %w", err)
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "mezzo"
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(MaxConnections)
	pool.SetMaxIdleConns(MaxConnections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("db: reach PostgreSQL: %w", err), pool.Close())
	}
	return &server{d: d, pool: pool}, nil
}

func (s *server) migrate(ctx context.Context) error { return migrate(ctx, Postgres, s.pool) }
func (s *server) ping(ctx context.Context) error    { return s.pool.PingContext(ctx) }
func (s *server) close() error                      { return s.pool.Close() }
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

func (s *server) write(ctx context.Context, fn func(*Tx) error) error {
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
		pause := time.NewTimer(time.Duration(rand.Int64N(int64(attempt) * int64(4*time.Millisecond))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
}

// attempt runs fn in one READ COMMITTED transaction.
func (s *server) attempt(ctx context.Context, fn func(*Tx) error) (err error) {
	c, err := s.connection(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	began := s.d.clock.Now()
	ctx, cancel := context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), inside{}, true), PostgresBodyLimit)
	defer cancel()
	t, err := c.BeginTx(ctx, nil)
	if err != nil {
		return unavailable(err, sayFailed)
	}
	defer t.Rollback() // undoes a body that fails, panics or ends its goroutine; nothing after a commit
	s.d.stats.bodies.Add(1)
	tx := &Tx{ctx: ctx, d: s.d, run: pgRunner{t}, now: s.d.clock.Now()}
	defer func() { tx.lost = errEnded }()
	err = fn(tx)
	if tx.rows != nil {
		tx.rows.Close()
	}
	if err == nil {
		err = tx.lost
	}
	switch {
	case conflicting(tx.lost):
		err = tx.lost // whatever fn made of it
	case ctx.Err() != nil:
		err = unavailable(ctx.Err(), saySlow)
	}
	if err != nil {
		s.d.stats.failed.Add(1)
		return err
	}
	ready := s.d.clock.Now()
	if err := t.Commit(); err != nil {
		s.d.stats.failed.Add(1)
		return commitFailure(err)
	}
	end := s.d.clock.Now()
	s.d.stats.committed(1, end.Sub(began), end.Sub(ready))
	s.d.announce(tx.emitted, tx.queued)
	return nil
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

// conflicting reports whether transactions met in a way that another try may settle:
// 40001 serialization_failure, 40P01 deadlock_detected.
func conflicting(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == "40001" || refused.Code == "40P01")
}

func (s *server) read(ctx context.Context, fn func(*Tx) error) error {
	c, err := s.connection(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	s.d.stats.reads.Add(1)
	body, cancel := context.WithTimeout(ctx, readLimitOf(ctx))
	defer cancel()
	t, err := c.BeginTx(body, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return unavailable(err, sayFailed)
	}
	defer t.Rollback()
	tx := &Tx{ctx: body, d: s.d, run: pgRunner{t}, now: s.d.clock.Now()}
	defer func() { tx.lost = errEnded }()
	err = fn(tx)
	if tx.rows != nil {
		tx.rows.Close()
	}
	return readFailure(ctx, body, err)
}
