package order_test

import (
	"context"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/voucher"
)

// works lets the card take refunds from now on.
func (w *world) works() { w.exec(`UPDATE sandbox_charges SET method = $1`, payment.MethodVisa) }

// A claim whose refund the provider refuses is open again: its part is not released, the brand cannot prove a
// delivery any more, and the refund is asked for anew when the brand says nothing.
func TestAClaimWhoseRefundIsRefusedIsOpenAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		who, sold := w.boughtUnits(2, payment.MethodRefundFails)
		w.bringTo(sold, "delivered")
		cl := w.claims(who, sold)
		if _, err := w.orders.AnswerClaim(ctx, w.member, cl.ID, "", true); err != nil {
			t.Fatal(err)
		}
		got := w.look(sold.ID)
		if cl = got.Claims[0]; cl.State != order.ClaimOpen || len(got.Refunds) != 1 || cl.Refund != got.Refunds[0].ID || !cl.SettledAt.IsZero() || !cl.DueAt.Equal(c.Now().Add(order.ProofWithin)) {
			t.Fatalf("%+v after %d refunds", cl, len(got.Refunds))
		}
		w.sound()
		if _, err := w.orders.AnswerClaim(ctx, w.member, cl.ID, "It was signed for.", false); !fault.Is(err, fault.Conflict) {
			t.Errorf("a proof after the money was to go back: %v", err)
		}
		c.Advance(order.ProofWithin) // refused once more, and then long past the hold
		w.sweep()
		c.Advance(40 * day)
		w.works()
		w.sweep()
		got = w.look(sold.ID)
		if cl := got.Claims[0]; cl.State != order.ClaimRefunded || len(got.Refunds) != 3 || cl.Refund != got.Refunds[2].ID || got.Refunded != got.Total {
			t.Errorf("%+v after %d refunds: %s of %s", cl, len(got.Refunds), got.Refunded, got.Total)
		}
		w.sweep()
		w.zero()
		w.sound()
	})
}

// One command asks again: the brand's; and the operator ends it who knows that the buyer was paid another way.
func TestWhoAnswersAClaimAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		ends := func() (order.Order, order.Claim) {
			who, sold := w.boughtUnits(1, payment.MethodRefundFails)
			w.bringTo(sold, "delivered")
			cl := w.claims(who, sold)
			if _, err := w.orders.AnswerClaim(ctx, w.house(), cl.ID, "", true); err != nil {
				t.Fatal(err)
			}
			return sold, w.look(sold.ID).Claims[0]
		}
		sold, cl := ends()
		if _, err := w.orders.AnswerClaim(ctx, w.house(), cl.ID, "The buyer was paid by bank transfer.", false); err != nil {
			t.Error(err)
		}
		c.Advance(40 * day)
		w.sweep()
		if got := w.look(sold.ID); got.Parts[0].State != order.Completed || got.Claims[0].State != order.ClaimProven {
			t.Errorf("%s, %+v", got.Parts[0].State, got.Claims[0])
		}
		w.sound()
		sold, cl = ends()
		w.works()
		if _, err := w.orders.AnswerClaim(ctx, w.member, cl.ID, "", true); err != nil {
			t.Error(err)
		}
		if got := w.look(sold.ID); got.Claims[0].State != order.ClaimRefunded || got.Refunded != got.Total {
			t.Errorf("%+v: %s", got.Claims[0], got.Refunded)
		}
		w.sound()
	})
}

// A return whose refund the provider refuses waits for its money again, kept or sent back: its part is not
// released, nobody but the operator can decline it any more, and silence asks for the refund anew.
func TestAReturnWhoseRefundIsRefusedIsOpenAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		for _, keeps := range []bool{true, false} {
			who, sold := w.boughtUnits(3, payment.MethodRefundFails)
			w.bringTo(sold, "delivered")
			r := w.wishes(who, sold, wish(sold, 2, keeps))
			if _, err := w.orders.DecideReturn(ctx, w.member, r.ID, order.Decision{Verdict: order.GiveBack}); err != nil {
				t.Fatal(err)
			}
			got := w.look(sold.ID)
			if r = got.Returns[0]; r.State != order.ReturnApproved || r.Refund != got.Refunds[0].ID || !r.DueAt.Equal(c.Now().Add(order.AnswerWithin)) {
				t.Fatalf("%+v", r)
			}
			w.sound()
			if _, err := w.orders.DecideReturn(ctx, w.member, r.ID, order.Decision{Verdict: order.Decline, Note: "No"}); !fault.Is(err, fault.Conflict) {
				t.Errorf("declined by the brand: %v", err)
			}
			if _, err := w.orders.SendReturn(ctx, who, r.ID, "Post", "R1"); !fault.Is(err, fault.Conflict) {
				t.Errorf("sent: %v", err)
			}
			c.Advance(40 * day)
			w.sweep() // refused once more
			if got := w.look(sold.ID); got.Parts[0].State != order.Delivered || len(got.Refunds) != 2 {
				t.Fatalf("%s after %d refunds", got.Parts[0].State, len(got.Refunds))
			}
			// One of the two by hand, refused once more of the other: the return gives back the other alone.
			w.works()
			c.Advance(time.Second)
			w.refunds(sold, units(sold, 1, false))
			w.exec(`UPDATE sandbox_charges SET method = $1`, payment.MethodRefundFails)
			c.Advance(order.AnswerWithin)
			w.sweep()
			w.works()
			c.Advance(order.AnswerWithin)
			w.sweep()
			got = w.look(sold.ID)
			if r := got.Returns[0]; r.State != order.ReturnRefunded || len(got.Refunds) != 5 || r.Refund != got.Refunds[4].ID || got.Lines[0].Left() != 1 {
				t.Errorf("%+v after %d refunds, %d left", r, len(got.Refunds), got.Lines[0].Left())
			}
			w.sweep()
			if got := w.look(sold.ID); got.Parts[0].State != order.Completed {
				t.Errorf("the part is %s", got.Parts[0].State)
			}
			w.sound()
		}
	})
}

// What was refunded by hand in place of a return's refund is not given back again; the operator ends a return
// whose buyer was paid another way.
func TestHowAReturnEndsWithoutItsRefund(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		for _, byHand := range []bool{true, false} {
			who, sold := w.boughtUnits(3, payment.MethodRefundFails)
			w.bringTo(sold, "delivered")
			r := w.wishes(who, sold, wish(sold, 1, true))
			if _, err := w.orders.DecideReturn(ctx, w.member, r.ID, order.Decision{Verdict: order.Approve}); err != nil {
				t.Fatal(err)
			}
			want := order.ReturnDeclined
			if byHand {
				w.works()
				c.Advance(time.Second)
				w.refunds(sold, units(sold, 1, false))
				want = order.ReturnRefunded
			} else if _, err := w.orders.DecideReturn(ctx, w.house(), r.ID, order.Decision{Verdict: order.Decline, Note: "Paid by bank transfer."}); err != nil {
				t.Fatal(err)
			}
			c.Advance(40 * day)
			w.sweep()
			w.sweep()
			if got := w.look(sold.ID); got.Returns[0].State != want || got.Parts[0].State != order.Completed || byHand && got.Lines[0].Left() != 2 {
				t.Errorf("%+v, %s", got.Returns[0], got.Parts[0].State)
			}
			w.sound()
		}
	})
}

// An order that a refund called off stays called off when the provider refuses the refund: nothing of it can be
// sent or released, all that was paid is still the buyer's, and so the voucher's use is rightly free again, once.
func TestACalledOffOrderKeepsNoVoucher(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		v := w.gives("", voucher.New{Code: "HOUSE", Kind: voucher.Fixed, Off: cents(100), Total: 1})
		who := w.shopper()
		placed, err := w.till(who, 1, "house")
		if err != nil {
			t.Fatal(err)
		}
		if out, err := w.pay(who, placed, payment.MethodRefundFails); err != nil || out.State != order.PaySucceeded {
			t.Fatalf("%+v %v", out, err)
		}
		sold := w.look(placed.ID)
		if r := w.refunds(sold, units(sold, 1, true)); r.State != order.RefundFailed {
			t.Fatalf("%+v", r)
		}
		c.Advance(40 * day)
		w.sweep()
		got := w.look(sold.ID)
		if got.State != order.Cancelled || got.Parts[0].State != order.Cancelled {
			t.Errorf("the order is %s, its part %s", got.State, got.Parts[0].State)
		}
		if _, err := w.orders.Ship(ctx, w.member, sold.ID, order.NewShipment{Carrier: "Post", Tracking: "1"}); !fault.Is(err, fault.Conflict) {
			t.Errorf("sent: %v", err)
		}
		if n := w.balance(ledger.BrandAvailable(w.brand)); n != 0 {
			t.Errorf("%d were released", n)
		}
		if n := w.count(`SELECT taken FROM vouchers WHERE id = $1`, v.ID); n != 0 {
			t.Errorf("%d uses are taken", n)
		}
		w.sound()
		w.works()
		if r := w.refunds(sold, units(sold, 1, true)); r.State != order.RefundConfirmed {
			t.Fatalf("%+v", r)
		}
		if n := w.count(`SELECT taken FROM vouchers WHERE id = $1`, v.ID); n != 0 {
			t.Errorf("%d uses are taken after the second refund", n)
		}
		w.zero()
		w.sound()
	})
}
