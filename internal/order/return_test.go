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
		c.Advance(order.SendWithin - time.Second)
		w.sweep()
		if got := w.look(sold.ID); got.Parts[0].State != order.Delivered {
			t.Errorf("the part is %s while something of it comes back", got.Parts[0].State)
		}
		if _, err := w.orders.SendReturn(ctx, who, sent.ID, "Post", "R1"); err != nil {
			t.Fatal(err)
		}
		c.Advance(2 * 24 * time.Hour)
		w.sweep()
		if got := w.look(sold.ID); got.Parts[0].State != order.Delivered {
			t.Errorf("the part is %s while something of it comes back", got.Parts[0].State)
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
		w.told(map[string]int64{"return.requested": 2, "return.approved": 1, "return.sent": 1, "return.received": 1, "return.refunded": 2, "return.declined": 0, "return.withdrawn": 0})
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

// An approved return that the buyer never sends stays sold once its time is over, and the money of the part
// is released: a buyer's silence does not hold a brand's money for ever.
func TestReturnsThatAreNeverSent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		who, sold := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		r := w.wishes(who, sold, wish(sold, 1, false))
		if _, err := w.orders.DecideReturn(ctx, w.member, r.ID, order.Decision{Verdict: order.Approve}); err != nil {
			t.Fatal(err)
		}
		c.Advance(order.SendWithin - time.Second)
		w.sweep()
		if got := w.look(sold.ID).Returns[0]; got.State != order.ReturnApproved || got.DueAt.IsZero() {
			t.Fatalf("%+v", got)
		}
		c.Advance(time.Second)
		w.sweep()
		if got := w.look(sold.ID).Returns[0]; got.State != order.ReturnWithdrawn || got.DecidedBy != "platform" {
			t.Fatalf("%+v", got)
		}
		if _, err := w.orders.SendReturn(ctx, who, r.ID, "Post", ""); !fault.Is(err, fault.Conflict) {
			t.Errorf("sent after its time: %v", err)
		}
		c.Advance(48 * time.Hour)
		w.sweep()
		if got := w.look(sold.ID).Parts[0].State; got != order.Completed {
			t.Errorf("the part is %s", got)
		}
		w.sound()
	})
}

// What the brand refunds by itself while a return of it is open is not given back twice, and the return
// still comes to its end.
func TestReturnsOfWhatWasRefundedOtherwise(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		who, sold := w.boughtUnits(3, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		two := w.wishes(who, sold, wish(sold, 2, true))
		c.Advance(time.Second)
		last := w.wishes(who, sold, wish(sold, 1, true))
		w.refunds(sold, units(sold, 2, false))
		got, err := w.orders.DecideReturn(ctx, w.member, two.ID, order.Decision{Verdict: order.Approve})
		if err != nil || got.State != order.ReturnRefunded {
			t.Fatalf("%+v %v", got, err)
		}
		c.Advance(order.AnswerWithin)
		w.sweep()
		full := w.look(sold.ID)
		if r := full.Returns[1]; r.ID != last.ID || r.State != order.ReturnRefunded || r.Refund != "" {
			t.Errorf("%+v", r)
		}
		if full.Lines[0].Left() != 0 || len(full.Refunds) != 2 {
			t.Errorf("%d units are left after %d refunds", full.Lines[0].Left(), len(full.Refunds))
		}
		w.sound()
	})
}

// Who brings the token of an order is its buyer; another's or a forged one opens nothing.
func TestAGuestComesBackWithTheToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		_, sold := w.boughtUnits(1, payment.MethodVisa)
		_, other := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		of := string(sold.ID)
		bearer := func(token string) account.Asker {
			who, err := w.orders.Bearer(ctx, w.shopper(), of, token)
			if err != nil {
				t.Fatal(err)
			}
			return who
		}
		r := w.wishes(bearer(w.orders.Token(sold.ID)), sold, wish(sold, 1, false))
		of = string(r.ID)
		for name, token := range map[string]string{"none": "", "another's": w.orders.Token(other.ID), "forged": w.orders.Token(sold.ID) + "x"} {
			if _, err := w.orders.WithdrawReturn(ctx, bearer(token), r.ID); !fault.Is(err, fault.Missing) {
				t.Errorf("withdrawn with %s: %v", name, err)
			}
			if _, err := w.orders.MyReturn(ctx, bearer(token), r.ID); !fault.Is(err, fault.Missing) {
				t.Errorf("read with %s: %v", name, err)
			}
		}
		if got, err := w.orders.WithdrawReturn(ctx, bearer(w.orders.Token(sold.ID)), r.ID); err != nil || got.State != order.ReturnWithdrawn {
			t.Errorf("%+v %v", got, err)
		}
	})
}

// The token of one order opens no other order of its buyer's, nor what was said of it.
func TestATokenIsOfOneOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		guest, shared := w.boughtUnits(1, payment.MethodVisa)
		buys := func() order.Order {
			placed, err := w.checkout(guest, 1)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := w.pay(guest, placed, payment.MethodVisa); err != nil || out.State != order.PaySucceeded {
				t.Fatalf("%+v %v", out, err)
			}
			return w.look(placed.ID)
		}
		back, lost, open := buys(), buys(), buys()
		w.bringTo(back, "delivered")
		w.bringTo(lost, "delivered")
		r := w.wishes(guest, back, wish(back, 1, false))
		claim, err := w.orders.Claim(ctx, guest, lost.ID, order.NewClaim{Says: "It never came."})
		if err != nil {
			t.Fatal(err)
		}
		tries := map[string]func(account.Asker) error{
			string(open.ID):  func(who account.Asker) error { return over(w.orders.Cancel(ctx, who, open.ID)) },
			string(r.ID):     func(who account.Asker) error { return over(w.orders.WithdrawReturn(ctx, who, r.ID)) },
			string(claim.ID): func(who account.Asker) error { return over(w.orders.WithdrawClaim(ctx, who, claim.ID)) },
		}
		own := map[string]order.Order{string(open.ID): open, string(r.ID): back, string(claim.ID): lost}
		for of, try := range tries {
			for _, x := range []struct {
				token string
				opens bool
			}{{w.orders.Token(shared.ID), false}, {w.orders.Token(own[of].ID), true}} {
				who, err := w.orders.Bearer(ctx, w.shopper(), of, x.token)
				if err == nil {
					err = try(who)
				}
				if x.opens && err != nil || !x.opens && !fault.Is(err, fault.Missing) {
					t.Errorf("%s, by the token of its order %v: %v", of, x.opens, err)
				}
			}
		}
	})
}

// A brand lists its own returns, by state and page; nobody else's.
func TestABrandListsItsReturns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		who, sold := w.boughtUnits(3, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		first := w.wishes(who, sold, wish(sold, 1, false))
		c.Advance(time.Second)
		second := w.wishes(who, sold, wish(sold, 1, true))
		if _, err := w.orders.DecideReturn(ctx, w.member, first.ID, order.Decision{Verdict: order.Decline, Note: "Worn"}); err != nil {
			t.Fatal(err)
		}
		list := func(state order.ReturnState, after id.Return, limit int) []order.Return {
			got, err := w.orders.BrandReturns(ctx, w.member, w.brand, state, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := list("", "", 10); len(got) != 2 || got[0].ID != second.ID || got[1].Note != "Worn" || len(got[1].Lines) != 1 {
			t.Errorf("%+v", got)
		}
		if got := list("", "", 1); len(got) != 1 || got[0].ID != second.ID {
			t.Errorf("%+v", got)
		}
		if got := list("", second.ID, 10); len(got) != 1 || got[0].ID != first.ID {
			t.Errorf("%+v", got)
		}
		if got := list(order.ReturnRequested, "", 10); len(got) != 1 || got[0].ID != second.ID {
			t.Errorf("%+v", got)
		}
		counts, err := w.orders.BrandReturnCounts(ctx, w.member, w.brand)
		if err != nil || counts[order.ReturnDeclined] != 1 || counts[order.ReturnRequested] != 1 {
			t.Errorf("%v %v", counts, err)
		}
		if _, err := w.orders.BrandReturns(ctx, w.member, w.brand, "lost", "", 10); !fault.Is(err, fault.Invalid) {
			t.Errorf("an unknown state: %v", err)
		}
		if _, err := w.orders.BrandReturns(ctx, account.Asker{Account: w.person("rival")}, w.brand, "", "", 10); !fault.Is(err, fault.Missing) {
			t.Errorf("the buyer lists: %v", err)
		}
		if _, err := w.orders.WithdrawReturn(ctx, who, second.ID); err != nil {
			t.Fatal(err)
		}
		w.told(map[string]int64{"return.requested": 2, "return.declined": 1, "return.withdrawn": 1, "return.approved": 0, "return.refunded": 0})
	})
}

// told checks how often the log is told of each.
func (w *world) told(want map[string]int64) {
	w.t.Helper()
	for topic, n := range want {
		if got := w.count(`SELECT COUNT(*) FROM outbox WHERE topic = $1`, topic); got != n {
			w.t.Errorf("%s was told %d times, want %d", topic, got, n)
		}
	}
}

// What each return posts, leg by leg, the same on both engines.
func TestGoldenReturns(t *testing.T) {
	ctx := context.Background()
	decided := func(keeps bool, d order.Decision) func(*world) {
		return func(w *world) {
			who, sold := w.boughtUnits(3, payment.MethodVisa)
			w.bringTo(sold, "delivered")
			r := w.wishes(who, sold, wish(sold, 1, keeps))
			if _, err := w.orders.DecideReturn(ctx, w.member, r.ID, d); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	golden(t, "testdata/returns.golden", []story{
		{"one of three, agreed and kept by the buyer", decided(true, order.Decision{Verdict: order.Approve})},
		{"one of three, agreed and not sent yet", decided(false, order.Decision{Verdict: order.Approve})},
		{"one of three, given back at once", decided(false, order.Decision{Verdict: order.GiveBack})},
		{"one of three, declined", decided(false, order.Decision{Verdict: order.Decline, Note: "Worn"})},
		{"one of three, sent back to a brand that says nothing, and the rest released", func(w *world) {
			who, sold := w.boughtUnits(3, payment.MethodVisa)
			w.bringTo(sold, "delivered")
			r := w.wishes(who, sold, wish(sold, 1, false))
			w.clock.Advance(order.AnswerWithin)
			w.sweep()
			if _, err := w.orders.SendReturn(ctx, who, r.ID, "Post", "R1"); err != nil {
				w.t.Fatal(err)
			}
			w.clock.Advance(order.ReceiveWithin)
			w.sweep()
			w.sweep()
		}},
		{"all, by a card that takes nothing back", func(w *world) {
			who, sold := w.boughtUnits(2, payment.MethodRefundFails)
			w.bringTo(sold, "delivered")
			r := w.wishes(who, sold, wish(sold, 2, true))
			if _, err := w.orders.DecideReturn(ctx, w.member, r.ID, order.Decision{Verdict: order.Approve}); err != nil {
				w.t.Fatal(err)
			}
		}},
	})
}
