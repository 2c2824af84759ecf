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

// sell tells of a sale of so many units at this moment.
func (r *lossRig) sell(brand id.Brand, units int64) {
	r.t.Helper()
	r.tell(event.OrderPaid{Order: id.Order("").Next(r.clock.Now()), Currency: "EUR", Lines: []event.SaleLine{{Product: r.product, Brand: brand, Quantity: units, GMV: 1000 * units}}})
}

// row returns units and GMV of the grain's bucket of the first sale.
func (r *lossRig) row(g metric.Grain) (got [2]int64) {
	r.t.Helper()
	got, err := db.Get(r.ctx, r.db, func(tx *db.Tx) (got [2]int64, err error) {
		start := db.Micros(r.sold.Truncate(g.Span()))
		err = tx.Row(`SELECT (SELECT CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM metric_rows WHERE entity = $1 AND grain = $2 AND start_at = $3),
			(SELECT CAST(COALESCE(SUM(gmv_minor), 0) AS BIGINT) FROM metric_money WHERE entity = $1 AND grain = $2 AND start_at = $3)`,
			metric.OfProduct(r.product).String(), int64(g), start).Scan(&got[0], &got[1])
		return got, err
	})
	r.ok(err)
	return got
}

// Where all snapshots are lost and the log goes back to earlier in the same hour, that hour and its day are right at once:
// what SQL knew before, and what is counted since, in whatever part the kept log tells of it again.
func TestTheHourOfALossIsRightAtOnce(t *testing.T) {
	for _, overlap := range []int{0, 1, 2} { // sales in the rows that the kept log tells again
		t.Run(fmt.Sprint(overlap), func(t *testing.T) { lossWithinAnHour(t, overlap) })
	}
}

func lossWithinAnHour(t *testing.T, overlap int) {
	d, c := dbtest.SQLite(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	log, err := stream.Open(ctx, stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.Advance(time.Hour - time.Duration(c.Now().Minute())*time.Minute) // an hour begins
	r := &lossRig{t: t, ctx: ctx, clock: c, db: d, log: log, dir: t.TempDir(), sold: c.Now(), product: id.Product("").Next(c.Now())}
	brand := id.Brand("").Next(c.Now())
	want := int64(0)
	kept := func(snapshot bool) {
		t.Helper()
		r.run(snapshot, func() bool {
			return r.row(metric.GrainHour) == [2]int64{want, 1000 * want} && r.row(metric.GrainDay) == [2]int64{want, 1000 * want}
		})
	}
	var cuts []stream.Position
	for n := range 4 {
		cut, err := log.End(ctx)
		r.ok(err)
		cuts = append(cuts, cut)
		r.sell(brand, int64(1)<<n)
		want += 1 << n
		kept(true)
		c.Advance(time.Minute)
	}
	end, err := log.End(ctx)
	r.ok(err)
	cuts = append(cuts, end)
	r.ok(log.Trim(ctx, cuts[4-overlap]))
	names, err := filepath.Glob(filepath.Join(r.dir, "*.snap"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d snapshots: %v", len(names), err)
	}
	for _, name := range names {
		r.ok(os.Remove(name))
	}
	for n := 4; n < 9; n++ {
		r.sell(brand, int64(1)<<n)
		want += 1 << n
		kept(n%2 == 0) // with no snapshot of the last run it goes on from an older one, or from the log
		c.Advance(time.Minute)
	}
	c.Advance(90 * time.Minute)
	r.sell(brand, 1024) // when the hour is over, and the day is not
	r.run(true, func() bool {
		return r.row(metric.GrainHour) == [2]int64{want, 1000 * want} && r.row(metric.GrainDay) == [2]int64{want + 1024, 1000 * (want + 1024)}
	})
}

// run keeps the numbers until the rows are as they should, and a snapshot at the end if wanted.
func (r *lossRig) run(snapshot bool, right func() bool) {
	r.t.Helper()
	end, err := r.log.End(r.ctx)
	r.ok(err)
	k := metric.NewKeeper(metric.KeeperOptions{Fold: metric.New(metric.Options{}), Log: r.log, DB: r.db, Dir: r.dir, Holder: "one", Clock: r.clock, RollupEvery: 5 * time.Millisecond})
	running, stop := context.WithCancel(r.ctx)
	ended := make(chan error, 1)
	go func() { ended <- k.Run(running) }()
	r.ok(k.Reached(r.ctx, end))
	for !right() {
		select {
		case <-r.ctx.Done():
			r.t.Fatalf("the hour has %v, the day %v", r.row(metric.GrainHour), r.row(metric.GrainDay))
		case err := <-ended:
			r.t.Fatal(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	stop()
	<-ended
	if snapshot {
		r.ok(k.Close())
	}
}
