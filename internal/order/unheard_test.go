package order_test

import (
	"context"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// heard holds what the books say of the provider against the provider.
func (w *world) heard() {
	w.t.Helper()
	w.sound()
	held, err := w.sandbox.Balance(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if books := w.balance(ledger.Clearing("sandbox")); books != held["USD"] {
		w.t.Fatalf("the provider holds %d, by the books %d", held["USD"], books)
	}
}

// A cancelled order's money was given back, and the answer was lost; before anybody asks again a bank disputes
// the payment too, and takes it. The buyer has it twice, and the books say so.
func TestALostDisputeOfWhatWasGivenBackUnheard(t *testing.T) {
	for _, done := range []bool{false, true} {
		dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
			w, ctx := newWorld(t, d, c, 10), context.Background()
			p := &shaky{Sandbox: w.sandbox, done: done}
			w.over(p)
			who, sold := w.boughtUnits(2, payment.MethodVisa)
			p.lost = 1
			if _, err := w.orders.Cancel(ctx, who, sold.ID); err != nil {
				t.Fatal(err)
			}
			ref := w.disputed(sold, 0)
			w.sweep()
			w.decided(ref, false)
			w.sweep()
			w.heard()
			want := int64(0)
			if done {
				want = sold.Total.Minor
			}
			w.balances(map[ledger.Account]int64{ledger.DisputeLoss: want, ledger.RefundsPayable("sandbox"): 0})
		})
	}
}

// A refund was asked for and not heard of; then the bank is found to have taken the payment. What the provider
// says of the refund is asked for before the loss is booked: the brand does not keep what the buyer has got.
func TestALostDisputeAfterARefundUnheard(t *testing.T) {
	for _, done := range []bool{false, true} {
		dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
			w, ctx := newWorld(t, d, c, 10), context.Background()
			p := &shaky{Sandbox: w.sandbox, done: done}
			w.over(p)
			_, sold := w.boughtUnits(2, payment.MethodVisa)
			w.bringTo(sold, "delivered")
			p.lost = 1
			w.refunds(sold, units(sold, 1, false))
			ref, err := w.sandbox.OpenDispute(ctx, w.paymentOf(sold.ID), money.Of(0, "USD"), "general")
			if err != nil {
				t.Fatal(err)
			}
			w.decided(ref, false)
			for range 2 {
				c.Advance(order.PaymentPatience)
				w.sweep()
			}
			w.heard()
			want := sold.Shipping.Minor
			if done {
				want += 1999
			}
			w.balances(map[ledger.Account]int64{ledger.BrandPending(w.brand): sold.Shipping.Minor, ledger.BrandHeld(w.brand): 0, ledger.DisputeLoss: want})
		})
	}
}
