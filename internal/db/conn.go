package db

import (
	"context"
	"database/sql"
)

// maxStatements bounds the prepared statements kept by one connection.
const maxStatements = 1000

// conn is one SQLite connection with its prepared statements. One goroutine uses it at a time.
type conn struct {
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

func newConn(ctx context.Context, pool *sql.DB) (*conn, error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{sql: c, stmts: map[string]*sql.Stmt{}}, nil
}

func (c *conn) prepared(ctx context.Context, q string) (*sql.Stmt, error) {
	if s := c.stmts[q]; s != nil {
		return s, nil
	}
	s, err := c.sql.PrepareContext(ctx, q)
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
	return s.ExecContext(ctx, args...)
}

func (c *conn) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	s, err := c.prepared(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (c *conn) row(ctx context.Context, q string, args []any) *sql.Row {
	s, err := c.prepared(ctx, q)
	if err != nil {
		return lostRow(err)
	}
	return s.QueryRowContext(ctx, args...)
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
