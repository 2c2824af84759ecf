package order_test

import (
	"context"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// A checkout told again under its key is the same checkout, and what has begun of paying it goes on.
func TestACheckoutToldAgainIsStillPaid(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		who := w.shopper()
		basket, err := w.basket(who, 1)
		if err != nil {
			t.Fatal(err)
		}
		told := func() order.Order {
			ctx := db.WithKey(context.Background(), db.Key{Actor: who.Actor(), Route: "POST /checkouts", Value: "k1"})
			o, err := w.orders.Checkout(ctx, who, order.NewCheckout{Cart: basket.ID, Email: "ada@example.com", Address: home})
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		placed := told()
		if out, err := w.pay(who, placed, payment.MethodAuthentication); err != nil || out.State != order.PayRedirected {
			t.Fatalf("pay: %+v %v", out, err)
		}
		if o := told(); o.ID != placed.ID {
			t.Fatalf("told again it is %s, not %s", o.ID, placed.ID)
		}
		if n := w.count(`SELECT COUNT(*) FROM payments WHERE state = 'redirected'`); n != 1 {
			t.Fatal("the bank's page was closed on its shopper")
		}
	})
}
