package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"mezzo/internal/fault"
)

// File is the name of the SQLite database in the data folder.
const File = "mezzo.db"

// Pages kept in memory: the writer touches everything, a reader little (KiB, so negative).
const (
	writerCache = -64 << 10
	readerCache = -8 << 10
)

// lite is the SQLite store: one writer that commits waiting bodies together, and readers beside it.
type lite struct {
	d       *DB
	writing *sql.DB
	reading *sql.DB
	copying *sql.DB
	writer  *writer
	copier  *checkpointer
	readers chan *conn // free connections; nil stands for one not opened yet
	once    sync.Once
}

func openSQLite(ctx context.Context, d *DB, dir string) (store, error) {
	if dir == "" {
		return nil, errors.New("db: neither the URL of a PostgreSQL database nor a folder for SQLite was given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("db: make the data folder: %w", err)
	}
	path := filepath.Join(dir, File)
	n := min(max(4, 2*runtime.GOMAXPROCS(0)), 16)
	s := &lite{d: d, readers: make(chan *conn, n)}
	for _, pool := range []struct {
		into    **sql.DB
		size    int
		pragmas []string
	}{
		{&s.writing, 1, []string{"journal_mode(WAL)", "synchronous(FULL)",
			fmt.Sprintf("wal_autocheckpoint(%d)", writerCheckpoint), fmt.Sprintf("cache_size(%d)", writerCache)}},
		{&s.reading, n, []string{"query_only(1)", fmt.Sprintf("cache_size(%d)", readerCache)}},
		{&s.copying, 1, []string{"synchronous(FULL)"}},
	} {
		opened, err := sql.Open("sqlite", dsn(path, pool.pragmas...))
		if err != nil {
			return nil, err
		}
		opened.SetMaxOpenConns(pool.size)
		*pool.into = opened
	}
	for range n {
		s.readers <- nil
	}
	return s, nil
}

// dsn names the file with its pragmas; busy_timeout matters when another process has the file open,
// fullfsync where fsync alone leaves data in the disk's cache (macOS).
func dsn(path string, pragmas ...string) string {
	v := url.Values{"_txlock": {"immediate"}}
	v["_pragma"] = append([]string{"busy_timeout(5000)", "foreign_keys(1)", "temp_store(2)",
		"fullfsync(1)", "checkpoint_fullfsync(1)"}, pragmas...)
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode()
}

// migrate runs before the writer takes the one writing connection for itself.
func (s *lite) migrate(ctx context.Context) error {
	if err := migrate(ctx, SQLite, s.writing); err != nil {
		return err
	}
	c, err := newConn(ctx, s.writing)
	if err != nil {
		return err
	}
	s.copier = startCheckpointer(s.d, s.copying)
	s.writer = startWriter(s.d, c, s.copier.committed)
	return nil
}

func (s *lite) write(ctx context.Context, fn func(*Tx) error) error {
	return s.writer.write(ctx, fn)
}

func (s *lite) read(ctx context.Context, fn func(*Tx) error) (err error) {
	c, err := s.reader(ctx)
	if err != nil {
		return err
	}
	s.d.stats.reads.Add(1)
	body, cancel := context.WithTimeout(ctx, readLimitOf(ctx))
	defer cancel()
	if err := c.command("BEGIN"); err != nil {
		s.drop(c)
		return unavailable(err, sayFailed)
	}
	tx := &Tx{ctx: body, d: s.d, run: c, now: s.d.clock.Now(), fault: faultOf(body), reading: true}
	release := c.watch(body)
	defer func() {
		release()
		tx.lost = errEnded
		if tx.rows != nil {
			tx.rows.Close()
		}
		if c.command("ROLLBACK") != nil { // an interrupt may have broken the connection
			s.drop(c)
			return
		}
		s.readers <- c
	}()
	return readFailure(ctx, body, fn(tx))
}

// readFailure says in a caller's words why a read whose time was over failed.
func readFailure(caller, body context.Context, err error) error {
	switch {
	case err == nil || body.Err() == nil:
		return err
	case caller.Err() != nil:
		return caller.Err()
	}
	return unavailable(err, "Reading this took too long and was given up. Ask for less, or try again in a moment.")
}

// errEnded is what a Tx answers when it is used after its body returned.
var errEnded = errors.New("db: the transaction has ended")

func (s *lite) reader(ctx context.Context) (*conn, error) {
	wait, cancel := context.WithTimeout(ctx, WaitLimit)
	defer cancel()
	select {
	case c, open := <-s.readers:
		if !open {
			return nil, fault.New(fault.Unavailable, sayClosed).After(RetryAfter)
		}
		if c != nil {
			return c, nil
		}
		c, err := newConn(ctx, s.reading)
		if err != nil {
			s.readers <- nil
			return nil, unavailable(err, sayFailed)
		}
		return c, nil
	case <-wait.Done():
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fault.New(fault.Unavailable, "Too many reads are waiting. Try again in a moment.").After(RetryAfter)
	}
}

// drop closes a reader that can no longer be trusted and leaves its place to a fresh one.
func (s *lite) drop(c *conn) {
	c.close()
	s.readers <- nil
}

func (s *lite) ping(ctx context.Context) error {
	return s.read(ctx, func(tx *Tx) error {
		var one int
		return tx.Row("SELECT 1").Scan(&one)
	})
}

func (s *lite) waiting() int {
	if s.writer == nil {
		return 0
	}
	return len(s.writer.queue)
}

// close lets running readers and the writer end, in that order.
func (s *lite) close() (err error) {
	s.once.Do(func() {
		if s.writer != nil {
			s.writer.stop()
		}
		for range cap(s.readers) {
			if c := <-s.readers; c != nil {
				c.close()
			}
		}
		close(s.readers)
		if s.copier != nil {
			err = s.copier.close()
		}
		err = errors.Join(err, s.copying.Close(), s.reading.Close(), s.writing.Close())
	})
	return err
}
