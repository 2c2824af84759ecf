package order_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/order"
	"mezzo/internal/voucher"
)

// gone is what the log was told of a sale: what was sold, and what of it was taken back again.
type gone struct {
	sold, back        []event.SaleLine
	base, commission  int64 // of the commissions that were taken back
	gmv, units, soldC int64
}

// taken reads everything the log was told so far.
func (w *world) taken() (g gone) {
	w.t.Helper()
	err := w.d.Read(context.Background(), func(tx *db.Tx) error {
		_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
			var topic, body string
			if err := r.Scan(&topic, &body); err != nil {
				return struct{}{}, err
			}
			read := func(to any) error { return json.Unmarshal([]byte(body), to) }
			switch topic {
			case event.TopicOrderPaid:
				var b event.OrderPaid
				err := read(&b)
				g.sold = append(g.sold, b.Lines...)
				return struct{}{}, err
			case event.TopicOrderRefunded:
				var b event.OrderRefunded
				err := read(&b)
				g.back = append(g.back, b.Lines...)
				return struct{}{}, err
			case event.TopicOrderCancelled:
				var b event.OrderCancelled
				err := read(&b)
				if !b.PaidAt.IsZero() {
					g.back = append(g.back, b.Lines...)
				}
				return struct{}{}, err
			case event.TopicDisputeLost:
				var b event.DisputeLost
				err := read(&b)
				if b.PaidAt.IsZero() || b.Currency != "USD" {
					w.t.Errorf("a lost dispute does not say when and in what was paid: %s", body)
				}
				g.back = append(g.back, b.Lines...)
				return struct{}{}, err
			case event.TopicCommissionReversed:
				var b event.CommissionReversed
				err := read(&b)
				g.base, g.commission = g.base+b.Base.Minor, g.commission+b.Amount.Minor
				return struct{}{}, err
			}
			return struct{}{}, nil
		}, `SELECT topic, body FROM outbox ORDER BY id`)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range g.sold {
		g.soldC += l.Commission
	}
	for _, l := range g.back {
		g.gmv, g.units = g.gmv+l.GMV, g.units+l.Quantity
		if l.Touch == nil || l.Creator != w.creator {
			w.t.Errorf("what was taken back does not say whose sale it was: %+v", l)
		}
	}
	return g
}

// With the tax inside the price and a platform's voucher on it, what a lost dispute takes is told as what it takes
// of the sale: bases, commissions, GMV and units of a whole series come to exactly what was sold.
func TestALostDisputeTakesWhatWasSold(t *testing.T) {
	lose := func(minor int64) func(*world, order.Order) {
		return func(w *world, o order.Order) { w.decided(w.disputed(o, minor), false) }
	}
	loseRest := func(w *world, o order.Order) { w.decided(w.disputed(o, w.undisputed(o)), false) }
	back := func(w *world, o order.Order) { w.refunds(w.look(o.ID), units(o, 1, false)) }
	for name, series := range map[string][]func(*world, order.Order){
		"whole":                    {lose(0)},
		"a part, then the rest":    {lose(3333), back, back, back},
		"after a refund":           {back, lose(2777), back, back},
		"in parts":                 {lose(101), lose(4999), loseRest},
		"in parts around a refund": {lose(1), back, lose(7001), loseRest},
		"won between":              {lose(2500), func(w *world, o order.Order) { w.decided(w.disputed(o, 3000), true) }, back, loseRest},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
				w := newWorld(t, d, c, 100)
				sold := w.taxedWithVoucher()
				w.bringTo(sold, "delivered")
				for _, step := range series {
					step(w, sold)
					w.sound()
				}
				g, line := w.taken(), sold.Lines[0]
				if line.Base.Minor == 0 || g.soldC == 0 {
					t.Fatalf("nothing was earned: %+v", line)
				}
				if g.base != line.Base.Minor || g.commission != g.soldC {
					t.Errorf("commissions taken back: %d of a base of %d, sold were %d of %d", g.commission, g.base, g.soldC, line.Base.Minor)
				}
				if g.gmv != g.sold[0].GMV || g.units != line.Quantity {
					t.Errorf("taken back: GMV %d and %d units, sold were %d and %d", g.gmv, g.units, g.sold[0].GMV, line.Quantity)
				}
			})
		})
	}
}

// undisputed is what refunds and disputes have left of an order's payment.
func (w *world) undisputed(o order.Order) int64 {
	return w.count(`SELECT amount_minor - refunded_minor - disputed_minor FROM payments WHERE id = $1`, w.paymentOf(o.ID))
}

// taxedWithVoucher is a sale of three at 119.00 with 19 % inside, a quarter of it paid by the platform's voucher.
func (w *world) taxedWithVoucher() order.Order {
	w.costs(11900)
	w.taxed(order.Tax{Rate: 1900, Inclusive: true, CollectedBy: order.ByBrand})
	w.gives(voucher.Platform, voucher.New{Code: "QUARTER", Kind: voucher.Percent, Rate: 2500})
	who := w.shopper()
	w.click(who)
	return w.buys(who, 3, "quarter")
}

// A dispute whose shares were frozen before their bases were kept is lost like any other, and what is taken after it
// comes to exactly what was sold.
func TestALostDisputeOfSharesWithoutBases(t *testing.T) {
	for name, minor := range map[string]int64{"a part, then refunds": 3333, "all of it": 0} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
				w := newWorld(t, d, c, 100)
				sold := w.taxedWithVoucher()
				w.bringTo(sold, "delivered")
				ref := w.disputed(sold, minor)
				w.forgetBases()
				w.decided(ref, false)
				w.sound()
				for minor > 0 && w.look(sold.ID).Lines[0].Left() > 0 {
					w.refunds(w.look(sold.ID), units(sold, 1, false))
					w.sound()
				}
				g, line := w.taken(), sold.Lines[0]
				if g.base != line.Base.Minor || g.commission != g.soldC || g.gmv != g.sold[0].GMV || g.units != line.Quantity {
					t.Errorf("taken back: %d of a base of %d, commission %d of %d, GMV %d of %d, units %d", g.base, line.Base.Minor, g.commission, g.soldC, g.gmv, g.sold[0].GMV, g.units)
				}
			})
		})
	}
}

// forgetBases has the shares of disputes be as they were stored before their bases were. The trigger that keeps them as
// they are is back when it returns: databases of tests are used again.
func (w *world) forgetBases() {
	w.t.Helper()
	const forget = `UPDATE dispute_shares SET base_minor = -1`
	if w.d.Engine() == db.SQLite {
		w.exec(`DROP TRIGGER dispute_shares_no_update`)
		w.exec(forget)
		return
	}
	if err := w.d.Write(context.Background(), func(tx *db.Tx) error {
		for _, q := range []string{`ALTER TABLE dispute_shares DISABLE TRIGGER dispute_shares_no_update`, forget, `ALTER TABLE dispute_shares ENABLE TRIGGER dispute_shares_no_update`} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}
