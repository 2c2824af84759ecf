package metric_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// lossRig is a log, a database and a folder of snapshots that outlive the keepers on them.
type lossRig struct {
	t       *testing.T
	ctx     context.Context
	clock   *clock.Turned
	db      *db.DB
	log     *stream.Log
	dir     string
	seq     int64
	sold    time.Time
	product id.Product
	last    string // in what a row differs
}

func (r *lossRig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *lossRig) tell(b event.Body) {
	r.t.Helper()
	body, err := json.Marshal(b)
	r.ok(err)
	r.seq++
	fact := event.Fact{Seq: r.seq, Topic: b.Topic(), Body: body, At: r.clock.Now()}
	data, err := fact.AppendEncode(nil)
	r.ok(err)
	r.ok(r.log.AppendRelay(r.ctx, r.seq, stream.KindFact, [][]byte{data}))
}

// keep keeps the numbers until the rows of the sale have so many net units, and then a snapshot.
func (r *lossRig) keep(net int64) {
	r.t.Helper()
	end, err := r.log.End(r.ctx)
	r.ok(err)
	k := metric.NewKeeper(metric.KeeperOptions{Fold: metric.New(metric.Options{}), Log: r.log, DB: r.db, Dir: r.dir, Holder: "one", Clock: r.clock, RollupEvery: 5 * time.Millisecond})
	running, stop := context.WithCancel(r.ctx)
	ended := make(chan error, 1)
	go func() { ended <- k.Run(running) }()
	r.ok(k.Reached(r.ctx, end))
	for !r.restated(net) {
		select {
		case <-r.ctx.Done():
			r.t.Fatalf("the rows do not come to what was told: %s", r.last)
		case <-time.After(5 * time.Millisecond):
		}
	}
	stop()
	<-ended
	r.ok(k.Close())
}

// restated reports whether hour and day of the sale have five units and so many net; fewer are an error.
func (r *lossRig) restated(net int64) bool {
	r.t.Helper()
	for _, g := range []metric.Grain{metric.GrainHour, metric.GrainDay} {
		got, err := db.Get(r.ctx, r.db, func(tx *db.Tx) (got [2]int64, err error) {
			err = tx.Row(`SELECT CAST(COALESCE(SUM(units), 0) AS BIGINT), CAST(COALESCE(SUM(net_units), 0) AS BIGINT) FROM metric_rows
				WHERE entity = $1 AND grain = $2 AND start_at = $3`, metric.OfProduct(r.product).String(), int64(g), db.Micros(r.sold.Truncate(g.Span()))).Scan(&got[0], &got[1])
			return got, err
		})
		r.ok(err)
		if got[0] != 0 && got[1] < net {
			r.t.Fatalf("the %s has %d net units, less than %d", g, got[1], net)
		}
		if got != [2]int64{5, net} {
			r.last = fmt.Sprintf("the %s has %d units and %d net, not %d", g, got[0], got[1], net)
			return false
		}
	}
	return true
}

// Where all snapshots are lost and the log goes back to a time after a sale, a refund of it still restates the hour and
// the day of the sale in SQL, once, however often the keeper is begun again.
func TestRefundsOfBeforeALossRestateTheirRows(t *testing.T) {
	d, c := dbtest.SQLite(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	log, err := stream.Open(ctx, stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	sold := c.Now()
	r := &lossRig{t: t, ctx: ctx, clock: c, db: d, log: log, dir: t.TempDir(), sold: sold, product: id.Product("").Next(sold)}
	product, brand := r.product, id.Brand("").Next(sold)
	line := event.SaleLine{Product: product, Brand: brand, Quantity: 5, GMV: 5000}
	r.tell(event.ProductCreated{ProductState: event.ProductState{Product: product, Brand: brand}})
	r.tell(event.OrderPaid{Order: id.Order("").Next(sold), Currency: "EUR", Lines: []event.SaleLine{line}})
	r.keep(5)

	c.Advance(50 * time.Hour)
	cut, err := log.End(ctx)
	r.ok(err)
	r.ok(log.Trim(ctx, cut))
	names, err := filepath.Glob(filepath.Join(r.dir, "*.snap"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d snapshots: %v", len(names), err)
	}
	for _, name := range names {
		r.ok(os.Remove(name))
	}
	r.tell(event.ProductUpdated{ProductState: event.ProductState{Product: product, Brand: brand}})
	for left := int64(4); left >= 2; left-- {
		back := line
		back.Quantity, back.GMV = 1, 1000
		r.tell(event.OrderRefunded{Order: id.Order("").Next(sold), Currency: "EUR", PaidAt: sold, Lines: []event.SaleLine{back}})
		r.keep(left)
		c.Advance(time.Hour)
	}
}
