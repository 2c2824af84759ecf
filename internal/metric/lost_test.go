package metric_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// Where all snapshots are lost and the log goes back to a time after a sale, a refund of it still restates the hour and
// the day of the sale in SQL, once, however often the keeper is begun again.
func TestRefundsOfBeforeALossRestateTheirRows(t *testing.T) {
	d, c := dbtest.SQLite(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log, err := stream.Open(ctx, stream.Options{Dir: t.TempDir(), Clock: c})
	ok(err)
	defer log.Close()
	dir, seq, last := t.TempDir(), int64(0), ""
	tell := func(b event.Body) {
		t.Helper()
		body, err := json.Marshal(b)
		ok(err)
		seq++
		fact := event.Fact{Seq: seq, Topic: b.Topic(), Body: body, At: c.Now()}
		data, err := fact.AppendEncode(nil)
		ok(err)
		ok(log.AppendRelay(ctx, seq, stream.KindFact, [][]byte{data}))
	}
	// whole keeps the numbers until the rows have everything, and then a snapshot.
	whole := func(until func() bool) {
		t.Helper()
		end, err := log.End(ctx)
		ok(err)
		k := metric.NewKeeper(metric.KeeperOptions{Fold: metric.New(metric.Options{}), Log: log, DB: d, Dir: dir, Holder: "one", Clock: c, RollupEvery: 5 * time.Millisecond})
		running, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- k.Run(running) }()
		ok(k.Reached(ctx, end))
		for !until() {
			select {
			case <-ctx.Done():
				t.Fatalf("the rows do not come to what was told: %s", last)
			case <-time.After(5 * time.Millisecond):
			}
		}
		stop()
		<-ended
		ok(k.Close())
	}
	sold := c.Now()
	product, brand := id.Product("").Next(sold), id.Brand("").Next(sold)
	line := event.SaleLine{Product: product, Brand: brand, Quantity: 5, GMV: 5000}
	net := func(want int64) func() bool {
		return func() bool {
			right := 0
			for _, g := range []metric.Grain{metric.GrainHour, metric.GrainDay} {
				got, err := db.Get(ctx, d, func(tx *db.Tx) (got [2]int64, err error) {
					err = tx.Row(`SELECT CAST(COALESCE(SUM(units), 0) AS BIGINT), CAST(COALESCE(SUM(net_units), 0) AS BIGINT) FROM metric_rows
						WHERE entity = $1 AND grain = $2 AND start_at = $3`, metric.OfProduct(product).String(), int64(g), db.Micros(sold.Truncate(g.Span()))).Scan(&got[0], &got[1])
					return got, err
				})
				ok(err)
				if got[0] != 0 && got[1] < want {
					t.Fatalf("the %s has %d net units, less than %d", g, got[1], want)
				}
				if got == [2]int64{5, want} {
					right++
				} else {
					last = fmt.Sprintf("the %s has %d units and %d net, not %d", g, got[0], got[1], want)
				}
			}
			return right == 2
		}
	}
	tell(event.ProductCreated{ProductState: event.ProductState{Product: product, Brand: brand}})
	tell(event.OrderPaid{Order: id.Order("").Next(sold), Currency: "EUR", Lines: []event.SaleLine{line}})
	whole(net(5))

	c.Advance(50 * time.Hour)
	cut, err := log.End(ctx)
	ok(err)
	ok(log.Trim(ctx, cut))
	names, err := filepath.Glob(filepath.Join(dir, "*.snap"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d snapshots: %v", len(names), err)
	}
	for _, name := range names {
		ok(os.Remove(name))
	}
	tell(event.ProductUpdated{ProductState: event.ProductState{Product: product, Brand: brand}})
	for left := int64(4); left >= 2; left-- {
		back := line
		back.Quantity, back.GMV = 1, 1000
		tell(event.OrderRefunded{Order: id.Order("").Next(sold), Currency: "EUR", PaidAt: sold, Lines: []event.SaleLine{back}})
		whole(net(left))
		c.Advance(time.Hour)
	}
}
