package ledger_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// benchSale is an order of one line, as most are: two transfers, eight entries, two balances.
func benchSale(n int64, brands int64) ledger.Sale {
	s := worked()
	var u [16]byte
	for i := range 8 {
		u[15-i] = byte(n >> (8 * i))
	}
	s.Order, s.Part, s.Lines[0].Line = s.Order.From(u), s.Part.From(u), s.Lines[0].Line.From(u)
	s.Brand = id.Brand("").From([16]byte{15: byte(n % brands)})
	s.Lines[0].Creator = id.Creator("").From([16]byte{14: byte(n % 2000 / 200), 15: byte(n % 200)})
	return s
}

func benchDB(b *testing.B, engine string) *db.DB {
	if engine == "postgres" {
		return dbtest.Open(b, db.Options{URL: dbtest.NewPostgresURL(b), Clock: clock.System{}})
	}
	return dbtest.Open(b, db.Options{Dir: b.TempDir(), Clock: clock.System{}})
}

// BenchmarkPostGrouped posts paid orders: 64 callers with a transaction each (what checkout
// does; SQLite joins them in commits), and one caller with a hundred orders in each post (what
// a bulk posting does). The goal is 20,000 transfers a second grouped.
func BenchmarkPostGrouped(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine+"/64 callers", func(b *testing.B) {
			d := benchDB(b, engine)
			var n atomic.Int64
			b.SetParallelism(32)
			b.ResetTimer() // making the database is not what is measured
			began := time.Now()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					transfers, err := ledger.Paid(benchSale(n.Add(1), 20))
					if err != nil {
						b.Fatal(err)
					}
					if _, err := post(d, transfers...); err != nil {
						b.Fatal(err)
					}
				}
			})
			report(b, d, 2*n.Load(), time.Since(began))
		})
		b.Run(engine+"/bulk of 100 of two legs", func(b *testing.B) {
			d := benchDB(b, engine)
			var n int64
			began := time.Now()
			for b.Loop() {
				transfers := make([]ledger.Transfer, 100)
				for i := range transfers {
					n++
					transfers[i] = paid(fmt.Sprintf("payout:%012d", n), id.Brand("").From([16]byte{14: byte(n % 1000 / 200), 15: byte(n % 200)}), 100)
				}
				if _, err := post(d, transfers...); err != nil {
					b.Fatal(err)
				}
			}
			report(b, d, n, time.Since(began))
		})
		b.Run(engine+"/bulk of 100 orders", func(b *testing.B) {
			d := benchDB(b, engine)
			var n int64
			began := time.Now()
			for b.Loop() {
				sales := make([]ledger.Sale, 100)
				for i := range sales {
					n++
					sales[i] = benchSale(n, 20)
				}
				transfers, err := ledger.Paid(sales...)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := post(d, transfers...); err != nil {
					b.Fatal(err)
				}
			}
			report(b, d, 2*n, time.Since(began))
		})
	}
}

func report(b *testing.B, d *db.DB, transfers int64, took time.Duration) {
	b.StopTimer()
	b.ReportMetric(float64(transfers)/took.Seconds(), "transfers/s")
	began := time.Now()
	n, err := ledger.Seal(ctx, d)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "sealed/s")
	began = time.Now()
	r := mustBalance(b, d)
	b.ReportMetric(float64(r.CheckedTransfers)/time.Since(began).Seconds(), "checked/s")
	if r.CheckedTransfers != transfers {
		b.Fatalf("%d of %d transfers are in the book", r.CheckedTransfers, transfers)
	}
}
