package order_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// boughtUnits is a paid order of some units, won by the creator, with a method of paying.
func (w *world) boughtUnits(quantity int64, method string) (account.Asker, order.Order) {
	w.t.Helper()
	who := w.shopper()
	w.click(who)
	placed, err := w.checkout(who, quantity)
	if err != nil {
		w.t.Fatal(err)
	}
	if out, err := w.pay(who, placed, method); err != nil || out.State != order.PaySucceeded {
		w.t.Fatalf("pay: %+v %v", out, err)
	}
	return who, w.look(placed.ID)
}

// look is an order as the operator sees it.
func (w *world) look(ord id.Order) order.Order {
	w.t.Helper()
	full, err := w.orders.Order(context.Background(), account.Asker{Operator: true}, ord, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return full
}

// units asks for some units of an order's first line.
func units(o order.Order, quantity int64, shipping bool) order.NewRefund {
	in := order.NewRefund{Shipping: shipping, Reason: "Scratched"}
	if quantity > 0 {
		in.Lines = []order.Units{{Line: o.Lines[0].ID, Quantity: quantity}}
	}
	return in
}

func (w *world) refunds(o order.Order, in order.NewRefund) order.Refund {
	w.t.Helper()
	r, err := w.orders.Refund(context.Background(), w.member, o.ID, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// The stages a part goes through, in order; each brings a paid part there.
var stages = []string{"paid", "shipped", "delivered", "released"}

func (w *world) bringTo(o order.Order, stage string) {
	w.t.Helper()
	if stage == "paid" {
		return
	}
	s, err := w.orders.Ship(context.Background(), w.member, o.ID, order.NewShipment{Carrier: "Post"})
	if err == nil && stage != "shipped" {
		_, err = w.orders.Delivered(context.Background(), w.member, s.ID)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if stage == "released" {
		w.clock.Advance(16 * 24 * time.Hour)
		w.sweep()
	}
}

// zero checks that a fully refunded sale has left nothing with anybody.
func (w *world) zero() {
	w.t.Helper()
	w.balances(map[ledger.Account]int64{ledger.CreatorPending(w.creator): 0, ledger.CreatorAvailable(w.creator): 0, ledger.CreatorOwes(w.creator): 0,
		ledger.BrandPending(w.brand): 0, ledger.BrandAvailable(w.brand): 0, ledger.BrandOwes(w.brand): 0, ledger.FeeDeferred: 0, ledger.FeeIncome: 0,
		ledger.ShippingPayable: 0, ledger.Clearing("sandbox"): 0, ledger.RefundsPayable("sandbox"): 0, ledger.PromoPlatform: 0})
}

// A series of partial refunds that begins at one stage and ends at another gives everything back to the
// cent, whatever the stages.
func TestRefundsAtEveryStage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		for i, first := range stages {
			_, sold := w.boughtUnits(3, payment.MethodVisa)
			w.bringTo(sold, first)
			one := w.refunds(sold, units(sold, 1, false))
			if one.State != order.RefundConfirmed || one.Amount.Minor != 1999 || one.Commission.Minor+one.Fee.Minor+one.FromBrand.Minor != 1999 {
				t.Fatalf("%s: %+v", first, one)
			}
			w.sound()
			if i+1 < len(stages) && first == "paid" {
				w.bringTo(sold, stages[i+1])
			}
			w.refunds(sold, units(sold, 0, true))
			w.refunds(sold, units(sold, 2, false))
			w.zero()
			w.sound()
			got := w.look(sold.ID)
			if got.Refunded != got.Total || len(got.Refunds) != 3 || got.Lines[0].Left() != 0 {
				t.Errorf("%s: refunded %s of %s by %d", first, got.Refunded, got.Total, len(got.Refunds))
			}
		}
	})
}

// A part that was refunded in part goes its way with the rest: what is released is what is left.
func TestWhatIsLeftIsReleased(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		_, sold := w.boughtUnits(2, payment.MethodVisa)
		w.refunds(sold, units(sold, 1, true))
		if n := w.count(`SELECT on_hand FROM stock`); n != 9 {
			t.Errorf("%d units are on hand; the one not sent goes back", n)
		}
		w.bringTo(sold, "released")
		w.balances(map[ledger.Account]int64{ledger.CreatorAvailable(w.creator): 300, ledger.BrandAvailable(w.brand): 1579, ledger.FeeIncome: 120, ledger.ShippingPayable: 0,
			ledger.CreatorPending(w.creator): 0, ledger.BrandPending(w.brand): 0})
		sums, err := affiliateOf(w).Earnings(context.Background(), w.earner)
		if err != nil || sums.Available.Minor != 300 || sums.Reversed.Minor != 300 || sums.Pending.Minor != 0 {
			t.Errorf("earnings %+v %v", sums.Sums, err)
		}
		w.sound()
	})
}

func TestRefundOfEverythingBeforeShipment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		who, sold := w.boughtUnits(2, payment.MethodVisa)
		r := w.refunds(sold, units(sold, 2, false)) // the shipping goes back unasked: nothing is sent
		if r.Amount != sold.Total || r.Shipping.Minor != 499 {
			t.Errorf("refunded %s of %s", r.Amount, sold.Total)
		}
		got := w.look(sold.ID)
		if got.State != order.Cancelled || got.Parts[0].State != order.Cancelled {
			t.Errorf("the order is %s, its part %s", got.State, got.Parts[0].State)
		}
		if n := w.count(`SELECT on_hand FROM stock`); n != 10 {
			t.Errorf("%d units are on hand", n)
		}
		if _, err := w.orders.Ship(context.Background(), w.member, sold.ID, order.NewShipment{Carrier: "Post"}); !fault.Is(err, fault.Conflict) {
			t.Errorf("shipped after all was refunded: %v", err)
		}
		if _, err := w.orders.Cancel(context.Background(), who, sold.ID); err != nil {
			t.Errorf("cancelling what is cancelled: %v", err)
		}
		w.zero()
		w.sound()
	})
}

// A part of two lines of which one was sent moves on when the other is refunded.
func TestRefundOfTheLineNotSentMovesThePartOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		o := w.twoLines(w.otherVariant())
		s, err := w.orders.Ship(ctx, w.member, o.ID, order.NewShipment{Lines: []id.Line{o.Lines[0].ID}, Carrier: "Post"})
		if err == nil {
			_, err = w.orders.Delivered(ctx, w.member, s.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.refunds(o, order.NewRefund{Lines: []order.Units{{Line: o.Lines[1].ID, Quantity: 1}}, Reason: "Sold out"})
		if got := w.look(o.ID); got.Parts[0].State != order.Delivered || got.Parts[0].ReleaseAt.IsZero() {
			t.Errorf("the part is %s", got.Parts[0].State)
		}
		w.sound()
		c.Advance(16 * 24 * time.Hour)
		w.sweep()
		if got := w.look(o.ID); got.Parts[0].State != order.Completed {
			t.Errorf("the part is %s", got.Parts[0].State)
		}
		w.sound()
	})
}

func TestCancelAfterAPartialRefund(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		who, sold := w.boughtUnits(3, payment.MethodVisa)
		no := false
		in := units(sold, 1, true)
		in.Restock = &no // it was broken
		w.refunds(sold, in)
		got, err := w.orders.Cancel(context.Background(), who, sold.ID)
		if err != nil || got.Refunded != got.Total {
			t.Fatalf("%v: %s of %s", err, got.Refunded, got.Total)
		}
		if n := w.count(`SELECT on_hand FROM stock`); n != 9 {
			t.Errorf("%d units are on hand; the broken one stays away", n)
		}
		if _, err := w.orders.Refund(context.Background(), w.member, sold.ID, units(sold, 1, false)); !fault.Is(err, fault.Conflict) {
			t.Errorf("refunded after the cancellation gave everything back: %v", err)
		}
		w.zero()
		w.sound()
	})
}

func TestRefundsThatAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		who, sold := w.boughtUnits(2, payment.MethodVisa)
		_, other := w.boughtUnits(1, payment.MethodVisa)
		w.refunds(sold, units(sold, 1, true))
		with := func(change func(*order.NewRefund)) order.NewRefund {
			in := units(sold, 1, false)
			change(&in)
			return in
		}
		rival := account.Asker{Account: w.person("rival"), Brands: map[id.Brand]account.Role{id.Brand("").Next(c.Now()): account.Owner}}
		for name, x := range map[string]struct {
			who  account.Asker
			in   order.NewRefund
			want fault.Kind
		}{
			"the buyer":               {who, units(sold, 1, false), fault.Missing},
			"another brand":           {rival, units(sold, 1, false), fault.Missing},
			"nobody":                  {account.Asker{}, units(sold, 1, false), fault.Missing},
			"more than is left":       {w.member, units(sold, 2, false), fault.Conflict},
			"shipping twice":          {w.member, units(sold, 0, true), fault.Conflict},
			"nothing":                 {w.member, order.NewRefund{Reason: "x"}, fault.Invalid},
			"no units":                {w.member, with(func(in *order.NewRefund) { in.Lines[0].Quantity = 0 }), fault.Invalid},
			"fewer than none":         {w.member, with(func(in *order.NewRefund) { in.Lines[0].Quantity = -1 }), fault.Invalid},
			"more than any number":    {w.member, with(func(in *order.NewRefund) { in.Lines[0].Quantity = 1<<63 - 1 }), fault.Conflict},
			"a line twice":            {w.member, with(func(in *order.NewRefund) { in.Lines = append(in.Lines, in.Lines[0]) }), fault.Invalid},
			"no reason":               {w.member, with(func(in *order.NewRefund) { in.Reason = "  " }), fault.Invalid},
			"a line of another order": {w.member, with(func(in *order.NewRefund) { in.Lines[0].Line = other.Lines[0].ID }), fault.Missing},
			"a part of another order": {w.member, order.NewRefund{Part: other.Parts[0].ID, Shipping: true, Reason: "x"}, fault.Missing},
		} {
			if _, err := w.orders.Refund(ctx, x.who, sold.ID, x.in); !fault.Is(err, x.want) {
				t.Errorf("%s: %v, want %s", name, err, x.want)
			}
		}
		placed, err := w.checkout(who, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.orders.Refund(ctx, w.member, placed.ID, units(placed, 1, false)); !fault.Is(err, fault.Missing) {
			t.Errorf("an order not paid: %v", err)
		}
		if n := w.count(`SELECT COUNT(*) FROM refunds`); n != 1 {
			t.Errorf("%d refunds were made", n)
		}
		w.sound()
	})
}

// A refund that the provider refuses is booked back by new transfers, to where the part has come, and can
// be tried again.
func TestFailedRefundsAreBookedBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		for _, stage := range stages {
			_, sold := w.boughtUnits(2, payment.MethodRefundFails)
			w.bringTo(sold, stage)
			before := w.all()
			for _, in := range []order.NewRefund{units(sold, 1, true), units(sold, 2, true), units(sold, 1, false)} {
				if r := w.refunds(sold, in); r.State != order.RefundFailed || r.Failure == "" {
					t.Fatalf("%s: %+v", stage, r)
				}
				if got := w.all(); got != before {
					t.Errorf("%s: the books stand at\n%s\nnot at\n%s", stage, got, before)
				}
				w.sound()
			}
			if got := w.look(sold.ID); !got.Refunded.IsZero() || got.Lines[0].Left() != 2 || got.Parts[0].ShippingBack {
				t.Errorf("%s: %+v", stage, got.Refunded)
			}
		}
		if n := w.count(`SELECT on_hand FROM stock`); n > 1000-8+2 {
			t.Errorf("%d units are on hand: a failed refund put more back than it took", n)
		}
		w.sound()
	})
}

// all is every account of people and the platform that is not empty, as text.
func (w *world) all() string {
	w.t.Helper()
	list, err := db.Get(context.Background(), w.d, func(tx *db.Tx) ([]ledger.Balance, error) {
		list, _, err := ledger.List(tx, "", "", ledger.MaxPage)
		return list, err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	text := ""
	for _, b := range list {
		if b.Balance.Minor != 0 {
			text += string(b.Account) + " " + b.Balance.String() + "\n"
		}
	}
	return text
}

// shaky is a provider that now and then does not answer, after or before it did what was asked.
type shaky struct {
	*payment.Sandbox
	lost int // how many refunds get no answer
	done bool
}

func (s *shaky) Refund(ctx context.Context, key id.Payment, refund string, amount money.Amount) error {
	if s.lost > 0 {
		s.lost--
		if s.done {
			if err := s.Sandbox.Refund(ctx, key, refund, amount); err != nil {
				return err
			}
		}
		return context.DeadlineExceeded
	}
	return s.Sandbox.Refund(ctx, key, refund, amount)
}

// What the provider did not answer stays booked and asked for, whether it did it or not; the part is not
// released and the order not cancelled meanwhile; the sweep finishes it once.
func TestSweepFinishesRefunds(t *testing.T) {
	for _, done := range []bool{false, true} {
		dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
			w, ctx := newWorld(t, d, c, 10), context.Background()
			p := &shaky{Sandbox: w.sandbox, done: done}
			w.orders = order.New(order.Parts{DB: d, Keys: w.keys, Provider: p, Log: w.log, Logger: slog.New(slog.DiscardHandler)},
				order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
			who, sold := w.boughtUnits(2, payment.MethodVisa)
			p.lost = 2
			if r := w.refunds(sold, units(sold, 1, false)); r.State != order.RefundRequested {
				t.Fatalf("%+v", r)
			}
			w.sound()
			if _, err := w.orders.Cancel(ctx, who, sold.ID); !fault.Is(err, fault.Conflict) {
				t.Errorf("cancelled while a refund is under way: %v", err)
			}
			w.bringTo(sold, "delivered")
			c.Advance(16 * 24 * time.Hour)
			w.sweep() // asks, and hears nothing again
			if got := w.look(sold.ID); got.Parts[0].State != order.Delivered || got.Refunds[0].State != order.RefundRequested {
				t.Errorf("released while a refund is under way: %s, %s", got.Parts[0].State, got.Refunds[0].State)
			}
			w.sound()
			c.Advance(time.Minute)
			w.sweep()
			w.sweep()
			if got := w.look(sold.ID); got.Parts[0].State != order.Completed || got.Refunds[0].State != order.RefundConfirmed {
				t.Errorf("%s, %s", got.Parts[0].State, got.Refunds[0].State)
			}
			w.balances(map[ledger.Account]int64{ledger.RefundsPayable("sandbox"): 0, ledger.Clearing("sandbox"): 1999 + 499, ledger.CreatorAvailable(w.creator): 300})
			w.sound()
		})
	}
}

func TestOneKeyRefundsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		_, sold := w.boughtUnits(3, payment.MethodVisa)
		key := db.Key{Actor: w.member.Actor(), Route: "refund", Value: "k", Hash: [32]byte{1}}
		for range 3 {
			if _, err := w.orders.Refund(db.WithKey(context.Background(), key), w.member, sold.ID, units(sold, 1, false)); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM refunds`); n != 1 {
			t.Errorf("%d refunds under one key", n)
		}
		w.sound()
	})
}

// Refunds, shipping, cancelling and release at the same moment: never more than was paid, never a break.
func TestRefundsMeet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		for range meetings / 2 {
			who, sold := w.boughtUnits(2, payment.MethodVisa)
			refund := func() error {
				_, err := w.orders.Refund(ctx, w.member, sold.ID, units(sold, 1, true))
				return err
			}
			w.meet(refund, refund, refund,
				func() error {
					_, err := w.orders.Ship(ctx, w.member, sold.ID, order.NewShipment{Carrier: "Post"})
					return err
				},
				func() error { _, err := w.orders.Cancel(ctx, who, sold.ID); return err },
				func() error { return w.orders.Sweep(ctx) })
		}
		w.settled()
		_, sold := w.boughtUnits(2, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		c.Advance(16 * 24 * time.Hour)
		refund := func() error {
			_, err := w.orders.Refund(ctx, w.member, sold.ID, units(sold, 1, false))
			return err
		}
		w.meet(refund, refund, func() error { return w.orders.Sweep(ctx) }, func() error { return w.orders.Sweep(ctx) })
		w.settled()
	})
}

func affiliateOf(w *world) *affiliate.Affiliate { return affiliate.New(w.d) }

// A program's budget gets back what refunds take of its commissions, and loses it again when the provider
// refuses; units go back on the shelf once, however often a refund of them fails.
func TestFailedRefundsLeaveBudgetAndShelfAsTheyWere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 100)
		w.exec(`UPDATE programs SET budget_minor = 100000`)
		spent := func(want int64) {
			t.Helper()
			if n := w.count(`SELECT spent_minor FROM programs`); n != want {
				t.Errorf("%d of the budget is spent, want %d", n, want)
			}
		}
		_, good := w.boughtUnits(3, payment.MethodVisa)
		of := good.Lines[0].Frozen.Commission.Minor
		spent(of)
		left := of - w.refunds(good, units(good, 1, false)).Commission.Minor
		spent(left)
		_, stuck := w.boughtUnits(3, payment.MethodRefundFails)
		spent(left + of)
		for range 3 {
			w.refunds(stuck, units(stuck, 1, false))
			spent(left + of)
		}
		if n := w.count(`SELECT on_hand FROM stock`); n != 100-6+1+1 {
			t.Errorf("%d units are on hand: one of each order came back", n)
		}
		w.sound()
	})
}

// Part of an order is lost to a bank before it was sent; the shipping that is left is refunded, the order is
// sent, and the refund is refused: the brand has all of its shipping, as others that sent after a loss.
func TestShippingRefundRefusedAfterALoss(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		p := &shaky{Sandbox: w.sandbox}
		w.over(p)
		_, sold := w.boughtUnits(2, payment.MethodRefundFails)
		w.decided(w.disputed(sold, 1000), false)
		p.lost = 1
		w.refunds(w.look(sold.ID), units(sold, 0, true))
		w.bringTo(sold, "delivered")
		c.Advance(order.PaymentPatience)
		w.sweep()
		w.heard()
		c.Advance(30 * day)
		w.sweep()
		w.heard()
		if got := w.look(sold.ID); got.Parts[0].State != order.Completed {
			t.Fatalf("the part is %s", got.Parts[0].State)
		}
	})
}
