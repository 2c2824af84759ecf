package order_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// meet runs the functions at the same moment and fails on an answer that is neither success nor a
// conflict that says so.
func (w *world) meet(fns ...func() error) {
	w.t.Helper()
	var begin, done sync.WaitGroup
	begin.Add(1)
	errs := make([]error, len(fns))
	for i, fn := range fns {
		done.Go(func() {
			begin.Wait()
			errs[i] = fn()
		})
	}
	begin.Done()
	done.Wait()
	for _, err := range errs {
		if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Declined) {
			w.t.Errorf("refused with %v, not a conflict", err)
		}
	}
}

// count is the number a query gives.
func (w *world) count(q string, args ...any) (n int64) {
	w.t.Helper()
	err := w.d.Read(context.Background(), func(tx *db.Tx) error { return tx.Row(q, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// oncePerOrder fails when an order's timeline or the outbox tells of one thing twice.
func (w *world) oncePerOrder() {
	w.t.Helper()
	for _, kind := range []string{"paid", "cancelled", "expired", "refunded", "completed"} {
		if n := w.count(`SELECT COUNT(*) FROM (SELECT order_id FROM order_steps WHERE kind = $1 GROUP BY order_id, part_id HAVING COUNT(*) > 1) x`, kind); n > 0 {
			w.t.Errorf("%d orders were %s twice", n, kind)
		}
	}
}

// settled is the check after the sweep has asked about everything that was left open.
func (w *world) settled() {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	w.sweep()
	w.clock.Advance(time.Hour)
	w.sweep()
	w.sweep()
	w.sound()
	w.oncePerOrder()
}

const meetings = 24

func (w *world) placed(who func() (order.Order, error)) order.Order {
	w.t.Helper()
	o, err := who()
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

func TestCancelMeetsPay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		var all sync.WaitGroup
		for range meetings {
			who := w.shopper()
			placed := w.placed(func() (order.Order, error) { return w.checkout(who, 1) })
			all.Go(func() {
				w.meet(
					func() error { _, err := w.pay(who, placed, payment.MethodVisa); return err },
					func() error { _, err := w.orders.Cancel(context.Background(), who, placed.ID); return err },
					func() error { _, err := w.orders.Cancel(context.Background(), who, placed.ID); return err },
				)
			})
		}
		all.Wait()
		w.settled()
	})
}

func TestTwoSettlementsOfOnePayment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		for range meetings {
			who := w.shopper()
			placed := w.placed(func() (order.Order, error) { return w.checkout(who, 1) })
			out, err := w.pay(who, placed, payment.MethodAuthentication)
			if err != nil {
				t.Fatal(err)
			}
			charge, secret := parseSession(t, out.Redirect)
			page, err := w.sandbox.Answer(context.Background(), charge, secret, true)
			if err != nil {
				t.Fatal(err)
			}
			settle := func() error {
				told, err := w.sandbox.Status(context.Background(), page.Key)
				if err == nil {
					_, err = w.orders.Settle(context.Background(), page.Key, told)
				}
				if fault.Is(err, fault.Conflict) {
					return errors.New("a paid order was answered with a conflict: " + err.Error())
				}
				return err
			}
			w.meet(settle, settle, settle)
		}
		w.settled()
		if n := w.count(`SELECT COUNT(*) FROM orders WHERE state = 'paid'`); n != meetings {
			t.Errorf("%d of %d orders are paid", n, meetings)
		}
	})
}

// twoLines buys two variants in one part, so that two parcels can carry it.
func (w *world) twoLines(other id.Variant) order.Order {
	w.t.Helper()
	ctx, who := context.Background(), w.shopper()
	cart, err := w.orders.CreateCart(ctx, who)
	for _, v := range []id.Variant{w.variant, other} {
		if err == nil {
			_, err = w.orders.AddLine(ctx, who, cart.ID, order.NewLine{Variant: v, Quantity: 1})
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	placed := w.placed(func() (order.Order, error) {
		return w.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: "ada@example.com", Address: home})
	})
	if _, err := w.pay(who, placed, payment.MethodVisa); err != nil {
		w.t.Fatal(err)
	}
	placed.Viewer = who.Viewer
	return placed
}

func (w *world) otherVariant() id.Variant {
	var v id.Variant
	v = v.Next(w.clock.Now())
	at := db.Micros(w.clock.Now())
	w.exec(`INSERT INTO variants(id, product_id, brand_id, sku, title, price_minor, currency, created_at, updated_at) VALUES ($1,$2,$3,'SK30','30 cm',2999,'USD',$4,$4)`, v, w.product, w.brand, at)
	w.exec(`INSERT INTO stock(variant_id, brand_id, on_hand, updated_at) VALUES ($1,$2,1000,$3)`, v, w.brand, at)
	return v
}

func TestParcelsOfOnePartMeet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		other := w.otherVariant()
		for range meetings {
			o := w.twoLines(other)
			var parcels [2]order.Shipment
			send := func(i int) func() error {
				return func() (err error) {
					parcels[i], err = w.orders.Ship(ctx, w.member, o.ID, order.NewShipment{Lines: []id.Line{o.Lines[i].ID}, Carrier: "Post"})
					return err
				}
			}
			w.meet(send(0), send(1))
			arrive := func(i int) func() error {
				return func() error { _, err := w.orders.Delivered(ctx, w.member, parcels[i].ID); return err }
			}
			w.meet(arrive(0), arrive(1))
		}
		if n := w.count(`SELECT COUNT(*) FROM order_parts WHERE state = 'delivered'`); n != meetings {
			t.Errorf("%d of %d parts are delivered; both parcels of each arrived", n, meetings)
		}
		w.clock.Advance(16 * 24 * time.Hour)
		w.meet(func() error { return w.orders.Sweep(ctx) }, func() error { return w.orders.Sweep(ctx) })
		w.settled()
	})
}

func TestShippingMeetsCancelling(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		for range meetings {
			who := w.shopper()
			w.click(who)
			sold := w.bought(who)
			ship := func() error {
				_, err := w.orders.Ship(ctx, w.member, sold.ID, order.NewShipment{Carrier: "Post"})
				return err
			}
			cancel := func() error { _, err := w.orders.Cancel(ctx, who, sold.ID); return err }
			w.meet(ship, cancel, cancel, ship)
		}
		if n := w.count(`SELECT COUNT(*) FROM orders o JOIN shipments s ON s.order_id = o.id WHERE o.state = 'cancelled'`); n > 0 {
			t.Errorf("%d orders were both sent and called off", n)
		}
		w.settled()
	})
}

func TestPayMeetsExpiry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		for range meetings / 2 {
			who := w.shopper()
			placed := w.placed(func() (order.Order, error) { return w.checkout(who, 1) })
			c.Advance(order.ReserveFor)
			w.meet(
				func() error { _, err := w.pay(who, placed, payment.MethodVisa); return err },
				func() error { return w.orders.Sweep(ctx) },
				func() error { return w.orders.Sweep(ctx) },
			)
		}
		w.settled()
	})
}

func TestOneCartIsBoughtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		who := w.shopper()
		first := w.placed(func() (order.Order, error) { return w.checkout(who, 1) })
		out, err := w.pay(who, first, payment.MethodAuthentication)
		if err != nil {
			t.Fatal(err)
		}
		// Back from the bank's page without an answer, and to the till again.
		again := w.placed(func() (order.Order, error) {
			return w.orders.Checkout(ctx, who, order.NewCheckout{Cart: first.Cart, Email: "ada@example.com", Address: home})
		})
		if _, err := w.pay(who, again, payment.MethodVisa); err != nil {
			t.Fatal(err)
		}
		charge, secret := parseSession(t, out.Redirect)
		page, err := w.sandbox.Answer(ctx, charge, secret, true) // the page left open in another tab
		if err != nil {
			t.Fatal(err)
		}
		if page.State == order.ChargeSucceeded {
			t.Error("the page of the checkout that was replaced still takes money")
		}
		told, err := w.sandbox.Status(ctx, page.Key)
		if err == nil {
			_, err = w.orders.Settle(ctx, page.Key, told)
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := w.count(`SELECT COUNT(*) FROM orders WHERE state = 'paid'`); n != 1 {
			t.Errorf("one cart was bought %d times", n)
		}
		w.settled()
	})
}

// A brand may ask any price, also for what stands in carts already: the cart must open, or the shopper
// could never take it out again.
func TestACartBeyondAllMoneyStillOpens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		who := w.shopper()
		cart, err := w.orders.CreateCart(ctx, who)
		if err == nil {
			cart, err = w.orders.AddLine(ctx, who, cart.ID, order.NewLine{Variant: w.variant, Quantity: 2})
		}
		if err != nil {
			t.Fatal(err)
		}
		w.exec(`UPDATE variants SET price_minor = 9000000000000000 WHERE id = $1`, w.variant)
		if cart, err = w.orders.Cart(ctx, who, cart.ID); err != nil || !cart.Lines[0].Gone {
			t.Fatalf("%+v %v", cart, err)
		}
		if _, err := w.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: "ada@example.com", Address: home}); !fault.Is(err, fault.Conflict) {
			t.Errorf("checkout: %v", err)
		}
		if cart, err = w.orders.SetQuantity(ctx, who, cart.ID, cart.Lines[0].ID, 0); err != nil || len(cart.Lines) != 0 {
			t.Errorf("%+v %v", cart, err)
		}
	})
}

// One brand's part was called off by a refund that the provider refused; the buyer calls off what is left of the
// order, and every number says that everything goes back.
func TestCancelAfterARefusedRefundOfAPart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		m, ctx := newMortal(t, d, c), context.Background()
		who, placed := m.order()
		if out, err := m.pay(who, placed, payment.MethodRefundFails); err != nil || out.State != order.PaySucceeded {
			t.Fatalf("pay: %+v %v", out, err)
		}
		o := m.look(placed.ID)
		in := order.NewRefund{Reason: "Out of stock", Lines: []order.Units{{Line: o.Lines[0].ID, Quantity: 2}}}
		if r, err := m.orders.Refund(ctx, account.Asker{Account: m.member.Account, Operator: true}, o.ID, in); err != nil || r.State != order.RefundFailed {
			t.Fatalf("refund: %+v %v", r, err)
		}
		m.sound()
		if _, err := m.orders.Cancel(ctx, who, o.ID); err != nil {
			t.Fatal(err)
		}
		m.sound()
		for _, p := range m.look(o.ID).Parts {
			if p.Refunded != p.Total {
				t.Errorf("of part %s %s went back", p.ID, p.Refunded)
			}
		}
		if n := m.count(`SELECT CAST(SUM(brand_pending_minor) AS BIGINT) FROM order_parts`); n != 0 {
			t.Errorf("%d are pending of a cancelled order", n)
		}
	})
}
