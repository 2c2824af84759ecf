package order_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/voucher"
)

// complaint is what people have complained of elsewhere (docs/money.md lists where), as it must not happen
// here.
type complaint struct {
	says string
	left int64 // units on hand at first
	goes func(*world)
}

var complaints = []complaint{
	{"the last unit is sold to two, and the one who comes second keeps an order without a payment", 1, theLastUnit},
	{"what is reserved drifts from the reservations", 6, nothingDrifts},
	{"two lines of one thing are each held against the whole stock", 3, oneThingTwice},
	{"paid for, and sold to somebody else meanwhile: the order hangs", 1, paidAndGone},
	{"the shop and the provider both complete an order, and a good one is refunded", 10, completedTwice},
	{"a total with parts of a cent is stored and another is charged, so that it cannot be refunded", 10, noPartsOfCents},
	{"a refund leaves the sellers what it took from the platform", 10, everybodyGivesBack},
	{"a seller's balance is added to twice", 10, toldTwice},
	{"a refund after the pay-day is first not taken back, then twice", 10, takenBackOnce},
	{"a partial refund goes by today's or a mixed rate, not by the line's own", 10, theLinesOwnRate},
	{"commission is reckoned in parts of a cent", 100, centsAdd},
	{"two requests under one key are both carried out", 10, oneKeyTwoBodies},
	{"a code at the till hides who brought the buyer", 10, aCodeHidesNobody},
}

func TestComplaints(t *testing.T) {
	for _, c := range complaints {
		t.Run(c.says, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *clock.Turned) {
				w := newWorld(t, d, clock, c.left)
				c.goes(w)
				w.sound()
			})
		})
	}
}

func theLastUnit(w *world) {
	var all sync.WaitGroup
	for range 12 {
		who := w.shopper()
		all.Go(func() {
			placed, err := w.checkout(who, 1)
			if err == nil {
				_, err = w.pay(who, placed, payment.MethodVisa)
			}
			if err != nil && !fault.Is(err, fault.Conflict) {
				w.t.Errorf("refused with %v", err)
			}
		})
	}
	all.Wait()
	for what, q := range map[string]string{"orders": `SELECT COUNT(*) FROM orders`, "paid orders": `SELECT COUNT(*) FROM orders WHERE state = 'paid'`,
		"orders with a payment": `SELECT COUNT(DISTINCT order_id) FROM payments WHERE state = 'succeeded'`} {
		if n := w.count(q); n != 1 {
			w.t.Errorf("%d %s of one unit", n, what)
		}
	}
}

func nothingDrifts(w *world) {
	ctx, who := context.Background(), w.shopper()
	for range 3 { // left lying, called off, and bought
		if _, err := w.checkout(w.shopper(), 2); err != nil {
			w.t.Fatal(err)
		}
		w.clock.Advance(order.ReserveFor)
		w.sweep()
		let, err := w.checkout(who, 2)
		if err == nil {
			_, err = w.orders.Cancel(ctx, who, let.ID)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if n := w.count(`SELECT reserved FROM stock`); n != 0 {
			w.t.Fatalf("%d units are reserved by nobody", n)
		}
		w.bought(w.shopper())
	}
	if n := w.count(`SELECT on_hand FROM stock`); n != 3 {
		w.t.Errorf("%d of 6 units are on hand after 3 were sold", n)
	}
}

func oneThingTwice(w *world) {
	ctx, who := context.Background(), w.shopper()
	cart, err := w.orders.CreateCart(ctx, who)
	for range 2 {
		if err == nil {
			cart, err = w.orders.AddLine(ctx, who, cart.ID, order.NewLine{Variant: w.variant, Quantity: 2})
		}
	}
	if err != nil && !fault.Is(err, fault.Conflict) {
		w.t.Fatal(err)
	}
	if err == nil {
		if len(cart.Lines) != 1 || cart.Lines[0].Quantity != 4 {
			w.t.Errorf("%+v", cart.Lines)
		}
		_, err = w.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: "ada@example.com", Address: home})
	}
	if !fault.Is(err, fault.Conflict) {
		w.t.Errorf("four of three are promised: %v", err)
	}
}

func paidAndGone(w *world) {
	ctx, who := context.Background(), w.shopper()
	placed, err := w.checkout(who, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.pay(who, placed, payment.MethodAuthentication)
	if err != nil {
		w.t.Fatal(err)
	}
	charge, secret := parseSession(w.t, out.Redirect)
	page, err := w.sandbox.Answer(ctx, charge, secret, true)
	if err != nil {
		w.t.Fatal(err)
	}
	told, err := w.sandbox.Status(ctx, page.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	// Nobody tells the shop. Its own books say that the time is over, and another buys the unit.
	w.exec(`UPDATE orders SET state = 'expired', closed_at = 1, closed_reason = 'expired' WHERE id = $1`, placed.ID)
	w.exec(`UPDATE order_parts SET state = 'cancelled', cancelled_at = 1 WHERE order_id = $1`, placed.ID)
	w.exec(`UPDATE payments SET state = 'cancelled' WHERE order_id = $1`, placed.ID)
	w.exec(`UPDATE reservations SET state = 'expired' WHERE order_id = $1`, placed.ID)
	w.exec(`UPDATE stock SET reserved = 0`)
	w.bought(w.shopper())
	if _, err := w.orders.Settle(ctx, page.Key, told); err != nil {
		w.t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	w.sweep()
	if n := w.count(`SELECT COUNT(*) FROM payments WHERE order_id = $1 AND state = 'refunded'`, placed.ID); n != 1 {
		w.t.Error("the money that came too late is kept")
	}
}

func completedTwice(w *world) {
	ctx, who := context.Background(), w.shopper()
	placed, err := w.checkout(who, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.pay(who, placed, payment.MethodAuthentication)
	if err != nil {
		w.t.Fatal(err)
	}
	charge, secret := parseSession(w.t, out.Redirect)
	page, err := w.sandbox.Answer(ctx, charge, secret, true)
	if err != nil {
		w.t.Fatal(err)
	}
	told, err := w.sandbox.Status(ctx, page.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	settle := func() error { _, err := w.orders.Settle(ctx, page.Key, told); return err }
	w.meet(settle, settle, settle, func() error { return w.orders.Sweep(ctx) })
	w.clock.Advance(time.Hour)
	w.sweep()
	if got := w.look(placed.ID); got.State != order.Paid || len(got.Refunds) != 0 {
		w.t.Errorf("%s with %d refunds", got.State, len(got.Refunds))
	}
	w.balances(map[ledger.Account]int64{ledger.Clearing("sandbox"): placed.Total.Minor})
}

func noPartsOfCents(w *world) {
	at := db.Micros(w.clock.Now())
	w.exec(`INSERT INTO tax_rates(id, country, region, category, name, rate_bps, inclusive, collected_by, on_shipping, made_by, made_at)
		VALUES ('tax_1','US','TX','','Sales tax',825,0,'platform',1,'test',$1)`, at)
	_, sold := w.boughtUnits(3, payment.MethodVisa)
	var sum int64
	for _, l := range sold.Lines {
		sum += l.Goods.Minor + l.Tax.Added()
	}
	sum += sold.Parts[0].Shipping.Minor + sold.Parts[0].ShippingTax.Added()
	if sum != sold.Total.Minor || w.balance(ledger.Clearing("sandbox")) != sum {
		w.t.Errorf("the lines are %d, the total %s, charged was %d", sum, sold.Total, w.balance(ledger.Clearing("sandbox")))
	}
	w.refunds(sold, units(sold, 1, true))
	w.refunds(sold, units(sold, 2, false))
	w.zero()
	w.balances(map[ledger.Account]int64{"tax:US-TX": 0})
}

func everybodyGivesBack(w *world) {
	_, sold := w.boughtUnits(1, payment.MethodVisa)
	w.bringTo(sold, "released")
	w.balances(map[ledger.Account]int64{ledger.BrandAvailable(w.brand): 1579 + 499, ledger.CreatorAvailable(w.creator): 300, ledger.FeeIncome: 120})
	w.refunds(sold, units(sold, 1, true))
	w.zero()
}

func toldTwice(w *world) {
	ctx := context.Background()
	_, sold := w.boughtUnits(1, payment.MethodVisa)
	w.bringTo(sold, "delivered")
	var pay id.Payment
	if err := w.d.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT id FROM payments WHERE order_id = $1`, sold.ID).Scan(&pay)
	}); err != nil {
		w.t.Fatal(err)
	}
	told, err := w.sandbox.Status(ctx, pay)
	if err != nil {
		w.t.Fatal(err)
	}
	before := w.posted()
	for range 3 {
		if _, err := w.orders.Settle(ctx, pay, told); err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.orders.Delivered(ctx, w.member, w.look(sold.ID).Shipments[0].ID); err != nil {
			w.t.Fatal(err)
		}
	}
	if after := w.posted(); after != before {
		w.t.Errorf("told again, the books say\n%s", after)
	}
}

func takenBackOnce(w *world) {
	_, sold := w.boughtUnits(1, payment.MethodVisa)
	w.bringTo(sold, "released")
	w.paidOut()
	key := db.Key{Actor: "brand", Route: "refund", Value: "once", Hash: [32]byte{1}}
	for range 3 {
		if _, err := w.orders.Refund(db.WithKey(context.Background(), key), w.member, sold.ID, units(sold, 1, true)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.balances(map[ledger.Account]int64{ledger.BrandOwes(w.brand): 1579 + 499, ledger.BrandAvailable(w.brand): 0})
	w.bringTo(func() order.Order { _, o := w.boughtUnits(2, payment.MethodVisa); return o }(), "released")
	w.balances(map[ledger.Account]int64{ledger.BrandOwes(w.brand): 0, ledger.BrandAvailable(w.brand): 2*1579 + 499 - 1579 - 499})
}

func theLinesOwnRate(w *world) {
	_, cheap := w.boughtUnits(2, payment.MethodVisa)
	w.exec(`UPDATE programs SET commission_bps = 4000`)
	w.exec(`INSERT INTO program_terms(program_id, from_at, commission_bps, window_hours) SELECT id, CAST($1 AS BIGINT), commission_bps, window_hours FROM programs`, db.Micros(w.clock.Now()))
	w.clock.Advance(time.Minute)
	_, dear := w.boughtUnits(2, payment.MethodVisa)
	for _, x := range []struct {
		sold order.Order
		rate int64
	}{{cheap, 15}, {dear, 40}} {
		whole := x.sold.Lines[0].Frozen.Commission.Minor
		if whole != (3998*x.rate+50)/100 {
			w.t.Errorf("at %d %% the commission is %d", x.rate, whole)
		}
		if got := w.refunds(x.sold, units(x.sold, 1, false)).Commission.Minor; got != whole/2 && got != whole-whole/2 {
			w.t.Errorf("at %d %% half of %d is %d", x.rate, whole, got)
		}
	}
}

func centsAdd(w *world) {
	for _, n := range []int64{3, 7, 13} {
		_, sold := w.boughtUnits(n, payment.MethodVisa)
		var sum order.Back
		for range n {
			r := w.refunds(sold, units(sold, 1, false))
			sum.Commission, sum.Fee, sum.Brand = sum.Commission+r.Commission.Minor, sum.Fee+r.Fee.Minor, sum.Brand+r.FromBrand.Minor-r.Shipping.Minor
		}
		if f := sold.Lines[0].Frozen; sum.Commission != f.Commission.Minor || sum.Fee != f.Fee.Minor || sum.Brand != f.Brand.Minor {
			w.t.Errorf("one by one %d units gave back %+v, of %+v", n, sum, f)
		}
	}
	w.zero()
}

func oneKeyTwoBodies(w *world) {
	_, sold := w.boughtUnits(4, payment.MethodVisa)
	ask := func(n byte) func() error {
		key := db.Key{Actor: "brand", Route: "refund", Value: "the same", Hash: [32]byte{n}}
		return func() error {
			_, err := w.orders.Refund(db.WithKey(context.Background(), key), w.member, sold.ID, units(sold, int64(n), false))
			if fault.Is(err, fault.Invalid) {
				return nil // the same key with another body
			}
			return err
		}
	}
	w.meet(ask(1), ask(2), ask(1), ask(2))
	if n := w.count(`SELECT COUNT(*) FROM refunds`); n != 1 {
		w.t.Errorf("%d refunds under one key", n)
	}
}

func aCodeHidesNobody(w *world) {
	ctx, who := context.Background(), w.shopper()
	w.gives(w.brand, voucher.New{Code: "SAVE10", Kind: voucher.Percent, Rate: 1000})
	w.click(who)
	cart, err := w.basket(who, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.orders.AddCode(ctx, who, cart.ID, "NOTHING"); !fault.Is(err, fault.Invalid) { // one that nobody gave
		w.t.Errorf("a code from nowhere: %v", err)
	}
	if cart, err = w.orders.AddCode(ctx, who, cart.ID, "save10"); err != nil || cart.Discounts.Minor != 200 {
		w.t.Fatalf("%+v %v", cart.Discounts, err)
	}
	placed, err := w.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: "ada@example.com", Address: home})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.pay(who, placed, payment.MethodVisa); err != nil {
		w.t.Fatal(err)
	}
	if got := w.look(placed.ID).Lines[0]; got.Creator != w.creator || got.Off.Brand != 200 || got.Frozen.Commission.Minor != 270 {
		w.t.Errorf("earned by %q: %+v", got.Creator, got.Frozen)
	}
}

// Gumroad #4372: a dispute and a refund both took the money. Of the same moment they never take more together than was captured, whoever wins.
func TestARefundAndADisputeMeet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		for range 8 {
			_, sold := w.boughtUnits(2, payment.MethodVisa)
			ref, err := w.sandbox.OpenDispute(ctx, w.paymentOf(sold.ID), money.Of(2500, "USD"), "fraudulent")
			if err != nil {
				t.Fatal(err)
			}
			w.meet(func() error { return w.orders.Disputed(ctx, ref) },
				func() error {
					_, err := w.orders.Refund(ctx, w.member, sold.ID, units(sold, 2, true))
					return err
				},
				func() error { return w.orders.Disputed(ctx, ref) })
			w.sound()
			w.decided(ref, false)
			w.settled()
			if n := w.count(`SELECT refunded_minor + disputed_minor - amount_minor FROM payments WHERE order_id = $1`, sold.ID); n > 0 {
				t.Fatalf("%d more than was captured", n)
			}
			w.sound()
		}
	})
}
