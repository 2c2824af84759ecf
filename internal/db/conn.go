package db

import (
	"context"
	"database/sql"
	"reflect"
	"strings"
	"sync"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// maxStatements bounds the prepared statements kept by one connection.
const maxStatements = 1000

// conn is one SQLite connection with its prepared statements. One goroutine uses it at a time.
type conn struct {
	sql    *sql.Conn
	stmts  map[string]*sql.Stmt
	handle uintptr // SQLite's own, 0 when the driver hides it
	wrote  bool    // a statement may have changed something since this was put down

	mu   sync.Mutex
	busy bool // a body is using it, and may be interrupted
}

func newConn(ctx context.Context, pool *sql.DB) (*conn, error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{sql: c, stmts: map[string]*sql.Stmt{}, handle: handleOf(c)}, nil
}

// handleOf returns the sqlite3* of a connection. Given a context that can end, the driver starts
// a goroutine for each statement to watch it, which costs as much as the statement (an order-sized
// body took 400 µs of processor time in place of 240). So statements run under no context, one
// watch stands over the whole body, and it must be able to interrupt by itself. Should the driver
// change, 0 is returned and statements are watched one by one again.
func handleOf(c *sql.Conn) (handle uintptr) {
	c.Raw(func(driver any) error {
		v := reflect.ValueOf(driver)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return nil
		}
		if f := v.Elem().FieldByName("db"); f.IsValid() && f.Kind() == reflect.Uintptr {
			handle = uintptr(f.Uint())
		}
		return nil
	})
	return handle
}

// interruptEvery is how often an interrupt is repeated: SQLite drops one that comes between statements.
const interruptEvery = 10 * time.Millisecond

// watch interrupts what runs on the connection once ctx ends, until release is called.
func (c *conn) watch(ctx context.Context) (release func()) {
	if c.handle == 0 {
		return func() {}
	}
	c.mu.Lock()
	c.busy = true
	c.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		again := time.NewTicker(interruptEvery)
		defer again.Stop()
		for c.interrupt() {
			<-again.C
		}
	})
	return func() {
		stop()
		c.mu.Lock()
		c.busy = false
		c.mu.Unlock()
	}
}

// interrupt stops the statement that a body is running; false when there is no body any more.
func (c *conn) interrupt() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		sqlite3.Xsqlite3_interrupt(nil, c.handle)
	}
	return c.busy
}

// under returns the context to run a statement under.
func (c *conn) under(ctx context.Context) context.Context {
	if c.handle == 0 {
		return ctx
	}
	return context.Background()
}

func (c *conn) prepared(ctx context.Context, q string) (*sql.Stmt, error) {
	c.wrote = c.wrote || !strings.HasPrefix(strings.TrimLeft(q, " \t\n"), "SELECT")
	if s := c.stmts[q]; s != nil {
		return s, nil
	}
	s, err := c.sql.PrepareContext(c.under(ctx), positional(q))
	if err != nil {
		return nil, err
	}
	for old, stmt := range c.stmts {
		if len(c.stmts) < maxStatements {
			break
		}
		stmt.Close()
		delete(c.stmts, old)
	}
	c.stmts[q] = s
	return s, nil
}

func (c *conn) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	s, err := c.prepared(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(c.under(ctx), args...)
}

func (c *conn) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	s, err := c.prepared(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(c.under(ctx), args...)
}

func (c *conn) row(ctx context.Context, q string, args []any) *sql.Row {
	s, err := c.prepared(ctx, q)
	if err != nil {
		return lostRow(err)
	}
	return s.QueryRowContext(c.under(ctx), args...)
}

// command runs BEGIN, COMMIT and their kin, which no caller's context may stop half-way.
func (c *conn) command(q string) error {
	_, err := c.exec(context.Background(), q, nil)
	return err
}

func (c *conn) close() {
	for _, s := range c.stmts {
		s.Close()
	}
	c.sql.Close()
}
