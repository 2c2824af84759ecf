package order_test

import (
	"context"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// wish asks for units of an order's first line to be returned.
func wish(o order.Order, quantity int64, keeps bool) order.NewReturn {
	return order.NewReturn{Keeps: keeps, Lines: []order.ReturnUnits{{Line: o.Lines[0].ID, Quantity: quantity, Reason: "Too small"}}}
}

func (w *world) wishes(who account.Asker, o order.Order, in order.NewReturn) order.Return {
	w.t.Helper()
	r, err := w.orders.Return(context.Background(), who, o.ID, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// What is kept is refunded when the brand agrees; what is sent back once it has come. Until then nothing
// of the part is released.
func TestReturnsByDecision(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		who, sold := w.boughtUnits(3, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		keeps := w.wishes(who, sold, wish(sold, 1, true))
		got, err := w.orders.DecideReturn(ctx, w.member, keeps.ID, order.Decision{Verdict: order.Approve, Note: "Sorry"})
		if err != nil || got.State != order.ReturnRefunded || got.Refund == "" {
			t.Fatalf("%+v %v", got, err)
		}
		sent := w.wishes(who, sold, wish(sold, 1, false))
		if got, err = w.orders.DecideReturn(ctx, w.member, sent.ID, order.Decision{Verdict: order.Approve}); err != nil || got.State != order.ReturnApproved {
			t.Fatalf("%+v %v", got, err)
		}
		c.Advance(16 * 24 * time.Hour)
		w.sweep()
		if got := w.look(sold.ID); got.Parts[0].State != order.Delivered {
			t.Errorf("the part is %s while something of it comes back", got.Parts[0].State)
		}
		if _, err := w.orders.SendReturn(ctx, who, sent.ID, "Post", "R1"); err != nil {
			t.Fatal(err)
		}
		before := w.count(`SELECT on_hand FROM stock`)
		if got, err = w.orders.DecideReturn(ctx, w.member, sent.ID, order.Decision{Verdict: order.GiveBack, Restock: true}); err != nil || got.State != order.ReturnRefunded {
			t.Fatalf("%+v %v", got, err)
		}
		if n := w.count(`SELECT on_hand FROM stock`); n != before+1 {
			t.Errorf("%d units are on hand, want %d", n, before+1)
		}
		w.sweep()
		w.balances(map[ledger.Account]int64{ledger.BrandPending(w.brand): 0, ledger.CreatorPending(w.creator): 0})
		if got := w.look(sold.ID); got.Parts[0].State != order.Completed || len(got.Refunds) != 2 {
			t.Errorf("the part is %s after %d refunds", got.Parts[0].State, len(got.Refunds))
		}
		w.sound()
	})
}

// A silent brand is answered for after 48 hours: agreed; and 14 days after the goods were sent: they came.
func TestSilentBrandsAreAnsweredFor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		who, sold := w.boughtUnits(2, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		w.wishes(who, sold, wish(sold, 1, true))
		sent := w.wishes(who, sold, wish(sold, 1, false))
		c.Advance(order.AnswerWithin - time.Second)
		w.sweep()
		if got := w.look(sold.ID); len(got.Refunds) != 0 {
			t.Fatal("answered too early")
		}
		c.Advance(time.Second)
		w.sweep()
		if got := w.look(sold.ID); len(got.Refunds) != 1 || got.Refunds[0].State != order.RefundConfirmed || !got.Refunds[0].ByOperator {
			t.Fatalf("%+v", got.Refunds)
		}
		if _, err := w.orders.SendReturn(ctx, who, sent.ID, "Post", ""); err != nil {
			t.Fatal(err)
		}
		c.Advance(order.ReceiveWithin)
		w.sweep()
		w.sweep()
		if got := w.look(sold.ID); len(got.Refunds) != 2 || got.Lines[0].Left() != 0 {
			t.Errorf("%+v", got.Refunds)
		}
		w.sound()
	})
}

func TestReturnsThatAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		who, sold := w.boughtUnits(2, payment.MethodVisa)
		ask := func(who account.Asker, in order.NewReturn) error {
			_, err := w.orders.Return(ctx, who, sold.ID, in)
			return err
		}
		if err := ask(who, wish(sold, 1, false)); !fault.Is(err, fault.Conflict) {
			t.Errorf("not delivered: %v", err)
		}
		w.bringTo(sold, "delivered")
		first := w.wishes(who, sold, wish(sold, 1, false))
		rival := account.Asker{Account: w.person("rival"), Brands: map[id.Brand]account.Role{id.Brand("").Next(c.Now()): account.Owner}}
		for name, x := range map[string]struct {
			err  error
			want fault.Kind
		}{
			"a stranger asks":       {ask(w.shopper(), wish(sold, 1, false)), fault.Missing},
			"more than is left":     {ask(who, wish(sold, 2, false)), fault.Conflict},
			"none":                  {ask(who, wish(sold, 0, false)), fault.Invalid},
			"no lines":              {ask(who, order.NewReturn{}), fault.Invalid},
			"no reason":             {ask(who, order.NewReturn{Lines: []order.ReturnUnits{{Line: sold.Lines[0].ID, Quantity: 1}}}), fault.Invalid},
			"the buyer decides":     {over(w.orders.DecideReturn(ctx, who, first.ID, order.Decision{Verdict: order.GiveBack})), fault.Missing},
			"a rival decides":       {over(w.orders.DecideReturn(ctx, rival, first.ID, order.Decision{Verdict: order.GiveBack})), fault.Missing},
			"declined without why":  {over(w.orders.DecideReturn(ctx, w.member, first.ID, order.Decision{Verdict: order.Decline})), fault.Invalid},
			"no verdict":            {over(w.orders.DecideReturn(ctx, w.member, first.ID, order.Decision{Verdict: "perhaps"})), fault.Invalid},
			"sent before approval":  {over(w.orders.SendReturn(ctx, who, first.ID, "Post", "")), fault.Conflict},
			"the brand withdraws":   {over(w.orders.WithdrawReturn(ctx, w.member, first.ID)), fault.Missing},
			"of nothing that there": {over(w.orders.DecideReturn(ctx, w.member, "ret_nothing", order.Decision{Verdict: order.Approve})), fault.Missing},
		} {
			if !fault.Is(x.err, x.want) {
				t.Errorf("%s: %v, want %s", name, x.err, x.want)
			}
		}
		if _, err := w.orders.WithdrawReturn(ctx, who, first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.orders.DecideReturn(ctx, w.member, first.ID, order.Decision{Verdict: order.GiveBack}); !fault.Is(err, fault.Conflict) {
			t.Errorf("decided after it was withdrawn: %v", err)
		}
		if n := w.count(`SELECT COUNT(*) FROM refunds`); n != 0 {
			t.Errorf("%d refunds were made by what was refused", n)
		}
		c.Advance(order.ReturnWindow + time.Hour)
		if err := ask(who, wish(sold, 1, false)); !fault.Is(err, fault.Conflict) {
			t.Errorf("too late: %v", err)
		}
		w.sound()
	})
}

func over[T any](_ T, err error) error { return err }
