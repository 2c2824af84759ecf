package db_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

// callers64 shares b.N calls of one among 64 callers.
func callers64(b *testing.B, d *db.DB, one func(ctx context.Context, n int64) error) {
	b.Helper()
	before := d.Stats()
	var n atomic.Int64
	var callers sync.WaitGroup
	took := make([]time.Duration, b.N)
	cpu := processorTime(b)
	b.ResetTimer()
	for range 64 {
		callers.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				began := time.Now()
				if err := one(context.Background(), i); err != nil {
					b.Error(err)
					return
				}
				took[i-1] = time.Since(began)
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	after := d.Stats()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
	b.ReportMetric(float64((processorTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/tx")
	if groups := after.Groups - before.Groups; groups > 0 {
		b.ReportMetric(float64(after.Bodies-before.Bodies)/float64(groups), "tx/commit")
	}
}

// processorTime is what this process has used: it says more than the clock on a busy machine.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func bothEngines(b *testing.B, f func(b *testing.B, d *db.DB)) {
	b.Run("sqlite", func(b *testing.B) {
		f(b, dbtest.Open(b, db.Options{Dir: b.TempDir(), Clock: clock.System{}}))
	})
	b.Run("postgres", func(b *testing.B) {
		f(b, dbtest.Open(b, db.Options{URL: dbtest.NewPostgresURL(b), Clock: clock.System{}}))
	})
}

// BenchmarkWrite64 is one row by each of 64 callers.
func BenchmarkWrite64(b *testing.B) {
	bothEngines(b, func(b *testing.B, d *db.DB) {
		table(b, d)
		callers64(b, d, func(ctx context.Context, i int64) error {
			return d.Write(ctx, func(tx *db.Tx) error { return add(tx, fmt.Sprint("row", i), i) })
		})
	})
}

// bookkeeping makes the tables of an order: stock, transfers, entries, accounts.
func bookkeeping(b *testing.B, d *db.DB) {
	b.Helper()
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		for _, q := range []string{
			`CREATE TABLE b_stock (sku TEXT PRIMARY KEY, on_hand BIGINT NOT NULL, reserved BIGINT NOT NULL)`,
			`CREATE TABLE b_orders (id TEXT PRIMARY KEY, buyer TEXT NOT NULL, body TEXT NOT NULL, created_at BIGINT NOT NULL)`,
			`CREATE INDEX b_orders_buyer ON b_orders (buyer, created_at)`,
			`CREATE TABLE b_transfers (id TEXT PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT NOT NULL, created_at BIGINT NOT NULL)`,
			`CREATE TABLE b_accounts (id TEXT PRIMARY KEY, debits BIGINT NOT NULL, credits BIGINT NOT NULL)`,
			`CREATE TABLE b_entries (transfer_id TEXT NOT NULL, leg BIGINT NOT NULL, account_id TEXT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (transfer_id, leg))`,
			`CREATE INDEX b_entries_account ON b_entries (account_id, transfer_id)`,
		} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		for i := range 100 {
			if _, err := tx.Exec(`INSERT INTO b_stock VALUES ($1, 1000000000, 0)`, fmt.Sprint("sku", i)); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO b_accounts VALUES ($1, 0, 0)`, fmt.Sprint("account", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

const orderBody = `{"lines":[{"variant":"var_01jc0000000000000000000000","quantity":2,"price":1999,"commission":300}],"shipping":490,"tax":319}`

// order is a transaction of the size of a paid order: 13 statements.
func order(tx *db.Tx, i int64) error {
	id := fmt.Sprintf("ord_%026d", i)
	var left int64
	if err := tx.Row(`UPDATE b_stock SET reserved = reserved + $1 WHERE sku = $2 AND on_hand - reserved >= $1 RETURNING on_hand - reserved`,
		int64(1), fmt.Sprint("sku", i%100)).Scan(&left); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO b_orders VALUES ($1, $2, $3, $4)`, id, fmt.Sprint("buyer", i%1000), orderBody, db.Micros(tx.Now())); err != nil {
		return err
	}
	for leg := range int64(3) {
		transfer := fmt.Sprintf("trf_%d_%026d", leg, i)
		if _, err := tx.Exec(`INSERT INTO b_transfers VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`, transfer, "sale", id, db.Micros(tx.Now())); err != nil {
			return err
		}
		for side := range int64(2) {
			if _, err := tx.Exec(`INSERT INTO b_entries VALUES ($1, $2, $3, $4)`, transfer, side, fmt.Sprint("account", (i+leg)%100), 1-2*side); err != nil {
				return err
			}
		}
	}
	if err := tx.Row(`UPDATE b_accounts SET credits = credits + $1 WHERE id = $2 AND credits + $1 >= debits RETURNING credits - debits`,
		int64(300), fmt.Sprint("account", i%100)).Scan(&left); err != nil {
		return err
	}
	return tx.Emit("order.paid", map[string]any{"order": id, "total": 4488})
}

// BenchmarkOrder64 is an order by each of 64 callers.
func BenchmarkOrder64(b *testing.B) {
	bothEngines(b, func(b *testing.B, d *db.DB) {
		bookkeeping(b, d)
		callers64(b, d, func(ctx context.Context, i int64) error {
			return d.Write(ctx, func(tx *db.Tx) error { return order(tx, i) })
		})
	})
}

// BenchmarkReadBeside is one point read by each of 64 callers, while orders are written beside them.
func BenchmarkReadBeside(b *testing.B) {
	bothEngines(b, func(b *testing.B, d *db.DB) {
		bookkeeping(b, d)
		ctx, stop := context.WithCancel(context.Background())
		var writers sync.WaitGroup
		var n atomic.Int64
		for range 8 {
			writers.Go(func() {
				for ctx.Err() == nil {
					i := n.Add(1)
					d.Write(context.Background(), func(tx *db.Tx) error { return order(tx, i) })
				}
			})
		}
		callers64(b, d, func(ctx context.Context, i int64) error {
			return d.Read(ctx, func(tx *db.Tx) error {
				var hand int64
				return tx.Row(`SELECT on_hand FROM b_stock WHERE sku = $1`, fmt.Sprint("sku", i%100)).Scan(&hand)
			})
		})
		stop()
		writers.Wait()
		b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "writes/s")
	})
}

// BenchmarkOpen is opening an empty folder, migrations included, and one that was there before.
func BenchmarkOpen(b *testing.B) {
	open := func(dir string) {
		d, err := db.Open(context.Background(), db.Options{Dir: dir, Clock: clock.System{}})
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("fresh", func(b *testing.B) {
		for b.Loop() {
			open(b.TempDir())
		}
	})
	b.Run("again", func(b *testing.B) {
		dir := b.TempDir()
		for b.Loop() {
			open(dir)
		}
	})
}

// BenchmarkMixed64 is what a checkout does to the database: three reads and then an order,
// by each of 64 callers.
func BenchmarkMixed64(b *testing.B) {
	bothEngines(b, func(b *testing.B, d *db.DB) {
		bookkeeping(b, d)
		callers64(b, d, func(ctx context.Context, i int64) error {
			for k := range int64(3) {
				err := d.Read(ctx, func(tx *db.Tx) error {
					var hand int64
					return tx.Row(`SELECT on_hand FROM b_stock WHERE sku = $1`, fmt.Sprint("sku", (i+k)%100)).Scan(&hand)
				})
				if err != nil {
					return err
				}
			}
			return d.Write(ctx, func(tx *db.Tx) error { return order(tx, i) })
		})
	})
}
