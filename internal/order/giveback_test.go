package order_test

import (
	"context"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// A cancelled order whose refund Stripe refused because a bank was faster: whatever the bank decides, the rest goes back
// to the buyer, though the provider remembers what it was asked before.
func TestStripeGivesTheRestBackAfterADispute(t *testing.T) {
	for _, is := range []struct {
		name string
		ends []string // of the disputes that follow one another, each of 10.00
	}{{"lost", []string{"lost"}}, {"won", []string{"won"}}, {"lost twice", []string{"lost", "lost"}}, {"won, then lost", []string{"won", "lost"}}} {
		t.Run(is.name, func(t *testing.T) {
			stripes(t, func(t *testing.T, w *till) {
				ctx := context.Background()
				who, ord := w.boughtThere()
				intent := w.there.All("payment_intent")[0].Text("id")
				next := w.there.DisputePart(intent, 1000) // nobody has heard of it
				if _, err := w.orders.Cancel(ctx, who, ord.ID); err != nil {
					t.Fatal(err)
				}
				taken := int64(0)
				for i, end := range is.ends {
					ref := next
					w.sweepQuietly()
					w.there.EndDispute(ref, end)
					if end == "lost" {
						taken += 1000
					}
					if i+1 < len(is.ends) { // before it is asked for again
						next = w.there.DisputePart(intent, 1000)
					}
					if err := w.orders.Disputed(ctx, ref); err != nil {
						t.Fatal(err)
					}
				}
				w.sweep()
				w.tellRest()
				var back int64
				for _, r := range w.there.All("refund") {
					back += r.Number("amount")
				}
				if back != ord.Total.Minor-taken {
					t.Errorf("of %d the bank took %d, and %d were given back", ord.Total.Minor, taken, back)
				}
				if n := w.count(`SELECT COUNT(*) FROM payments WHERE state = 'refunded'`); n != 1 {
					t.Errorf("the payment still waits to be given back")
				}
				w.balances(map[ledger.Account]int64{ledger.RefundsPayable("stripe"): 0, ledger.Disputes("stripe"): 0})
				w.world.sound()
			})
		})
	}
}

// sweepQuietly is a sweep that may find that a refund is refused.
func (w *till) sweepQuietly() { _ = w.orders.Sweep(context.Background()) }

// Every payment of an order that is to be given back is, whatever the provider says of another.
func TestEveryPaymentIsGivenBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		who := w.shopper()
		placed, err := w.checkout(who, 1)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := w.pay(who, placed, payment.MethodAuthentication); err != nil || out.State != order.PayRedirected {
			t.Fatalf("%+v %v", out, err)
		}
		first := w.paymentOf(placed.ID)
		if _, err := w.orders.Settle(ctx, first, order.Charge{State: order.ChargeDeclined, Reason: "authentication_failed"}); err != nil {
			t.Fatal(err)
		}
		if out, err := w.pay(who, placed, payment.MethodRefundFails); err != nil || out.State != order.PaySucceeded {
			t.Fatalf("%+v %v", out, err)
		}
		if _, err := w.orders.Cancel(ctx, who, placed.ID); err != nil {
			t.Fatal(err)
		}
		w.approve(first) // the first page was paid even so
		charge, err := w.sandbox.Status(ctx, first)
		if err == nil {
			_, _ = w.orders.Settle(ctx, first, charge)
		}
		if err != nil || charge.State != order.ChargeSucceeded {
			t.Fatalf("%+v %v", charge, err)
		}
		_ = w.orders.Sweep(ctx)
		if n := w.count(`SELECT COUNT(*) FROM payments WHERE id = $1 AND state = 'refunded'`, first); n != 1 {
			t.Error("the payment that came late was not given back")
		}
		if n := w.count(`SELECT COUNT(*) FROM payments WHERE state = 'returning'`); n != 1 {
			t.Errorf("%d payments wait, of one that takes nothing back", n)
		}
		w.sound()
	})
}

// approve says yes on the sandbox's page of a payment.
func (w *world) approve(pay id.Payment) {
	w.t.Helper()
	w.exec(`UPDATE sandbox_charges SET state = 'succeeded' WHERE key = $1`, pay)
}

// A message of money that came too late and is disputed already is dealt with: what Stripe refuses to give back is
// stored, and asked for again by the sweep, not by the message.
func TestStripeMessageOfLateMoneyThatIsDisputed(t *testing.T) {
	stripes(t, func(t *testing.T, w *till) {
		who, placed := w.place()
		page := w.goes(who, placed)
		w.clock.Advance(payment.StripeLife + time.Second)
		w.sweep()
		if !w.there.Pay(page.Text("id"), true) {
			t.Fatal("the page takes no money")
		}
		ref := w.there.DisputePart(w.there.All("payment_intent")[0].Text("id"), 100)
		for _, body := range w.there.Events()[:len(w.there.Events())-1] { // of the dispute nothing is heard
			w.tell(body)
		}
		if out, err := w.orders.ComeBack(context.Background(), who, placed.Checkout); err != nil || out.State != order.PayReturning {
			t.Errorf("its buyer comes back to %+v %v", out, err)
		}
		w.there.EndDispute(ref, "lost")
		w.tellRest()
		w.sweep()
		if back := w.there.All("refund"); len(back) != 1 || back[0].Number("amount") != placed.Total.Minor-100 {
			t.Errorf("given back: %v", back)
		}
		w.world.sound()
	})
}

// What the provider refused stays refused where a bank took everything meanwhile: nothing was given back.
func TestWhatABankTookWholeWasNotGivenBack(t *testing.T) {
	stripes(t, func(t *testing.T, w *till) {
		ctx := context.Background()
		who, ord := w.boughtThere()
		ref := w.there.DisputePart(w.there.All("payment_intent")[0].Text("id"), ord.Total.Minor) // nobody has heard of it
		if _, err := w.orders.Cancel(ctx, who, ord.ID); err != nil {
			t.Fatal(err)
		}
		w.sweepQuietly()
		w.there.EndDispute(ref, "lost")
		if err := w.orders.Disputed(ctx, ref); err != nil {
			t.Fatal(err)
		}
		w.sweep()
		if n := w.count(`SELECT COUNT(*) FROM payments WHERE state = 'refunded'`); n != 1 {
			t.Error("the payment still waits to be given back")
		}
		if n := w.count(`SELECT COUNT(*) FROM payment_returns WHERE state = 'refused'`); n != 1 || len(w.there.All("refund")) != 0 {
			t.Errorf("%d askings are refused, and %d refunds were made", n, len(w.there.All("refund")))
		}
		w.world.sound()
	})
}
