package order_test

import (
	"context"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// Orders whose sale no account could hold are refused before anything is charged, counting what is
// placed and may be paid any moment.
func TestOrdersBeyondTheBooksAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		w.exec(`UPDATE variants SET price_minor = 4000000000000000 WHERE id = $1`, w.variant)
		first, err := w.checkout(w.shopper(), 1)
		if err != nil {
			t.Fatal(err)
		}
		who := w.shopper()
		second, err := w.checkout(who, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.checkout(w.shopper(), 1); !fault.Is(err, fault.Invalid) {
			t.Errorf("a third beside two that are placed: %v", err)
		}
		if out, err := w.pay(who, second, payment.MethodVisa); err != nil || out.State != order.PaySucceeded {
			t.Fatalf("the second: %+v, %v", out, err)
		}
		if _, err := w.checkout(w.shopper(), 1); !fault.Is(err, fault.Invalid) {
			t.Errorf("a third beside one that is placed and one that is paid: %v", err)
		}
		c.Advance(order.ReserveFor)
		w.sweep() // the first is let go
		if again, err := w.checkout(w.shopper(), 1); err != nil || again.Total != first.Total {
			t.Errorf("when the first has run out: %v", err)
		}
		w.sound()
	})
}

// Where a creator's account is nearly full nobody can know before the sale is attributed: then the
// money goes back, once, and nothing is tried for ever.
func TestASaleNoCreatorsAccountCanHoldIsGivenBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		var ord id.Order
		var part id.Part
		var line id.Line
		var brand id.Brand
		err := d.Write(ctx, func(tx *db.Tx) error {
			full, err := ledger.Paid(ledger.Sale{Order: ord.Next(c.Now()), Part: part.Next(c.Now()), Brand: brand.Next(c.Now()), Provider: "elsewhere", Currency: "USD",
				Lines: []ledger.SaleLine{{Line: line.Next(c.Now()), Goods: 9_000_000_000_000_000, Creator: w.creator, Commission: 8_999_999_999_999_900}}})
			if err == nil {
				_, err = ledger.Post(tx, full...)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		who := w.shopper()
		w.click(who)
		placed, err := w.checkout(who, 1)
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.pay(who, placed, payment.MethodVisa)
		if err != nil || out.State != order.PayReturning {
			t.Fatalf("paying: %+v, %v", out, err)
		}
		w.sweep()
		seen, err := w.orders.Order(ctx, who, placed.ID, "")
		if err != nil || seen.State != order.Cancelled || seen.ClosedReason != "beyond_books" {
			t.Errorf("the order is %s (%s), %v", seen.State, seen.ClosedReason, err)
		}
		if n := w.count(`SELECT COUNT(*) FROM payments WHERE order_id = $1 AND state = 'refunded'`, placed.ID); n != 1 {
			t.Errorf("%d payments were given back", n)
		}
		if n := w.count(`SELECT reserved FROM stock WHERE variant_id = $1`, w.variant); n != 0 {
			t.Errorf("%d units are still held", n)
		}
	})
}

func TestLinesFromNowhereAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		who := w.shopper()
		cart, err := w.orders.CreateCart(ctx, who)
		if err != nil {
			t.Fatal(err)
		}
		for name, in := range map[string]order.NewLine{"a room": {Variant: w.variant, Quantity: 1, Room: "rom_x"}, "an offer": {Variant: w.variant, Quantity: 1, Offer: "ofr_x"}} {
			if _, err := w.orders.AddLine(ctx, who, cart.ID, in); !fault.Is(err, fault.Missing) {
				t.Errorf("%s that is not there: %v", name, err)
			}
		}
		if cart, err = w.orders.Cart(ctx, who, cart.ID); err != nil || len(cart.Lines) != 0 {
			t.Errorf("%+v, %v", cart, err)
		}
	})
}
