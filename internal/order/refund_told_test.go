package order_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// toldRefunds are the refunds that the log was told of.
func toldRefunds(t *testing.T, w *world) (list []event.OrderRefunded) {
	t.Helper()
	for _, f := range dbtest.Facts(t, w.d, event.TopicOrderRefunded) {
		var b event.OrderRefunded
		if err := json.Unmarshal(f.Body, &b); err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

// Of a series of refunds each tells what it took back, and of which lines it leaves nothing: as those were sold, once,
// with the click that won them.
func TestEachRefundTellsItsOwnLines(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 100)
		who := w.shopper()
		w.click(who)
		o := w.buysBoth(who, 3, w.otherVariant(), 1)
		var sold event.OrderPaid
		facts := dbtest.Facts(t, d, event.TopicOrderPaid)
		if err := json.Unmarshal(facts[len(facts)-1].Body, &sold); err != nil || len(sold.Lines) != 2 || sold.Lines[0].Touch == nil {
			t.Fatalf("sold: %+v %v", sold, err)
		}
		three, one := sold.Lines[0], sold.Lines[1]
		if three.Quantity == 1 {
			three, one = one, three
		}
		before := len(toldRefunds(t, w))
		for i, step := range []struct {
			line     event.SaleLine
			quantity int64
			gone     bool
		}{{three, 1, false}, {one, 1, true}, {three, 2, true}} {
			w.refunds(o, order.NewRefund{Lines: []order.Units{{Line: step.line.Line, Quantity: step.quantity}}, Reason: "Broken"})
			told := toldRefunds(t, w)[before:]
			if len(told) != i+1 {
				t.Fatalf("%d refunds are told after %d", len(told), i+1)
			}
			last := told[i]
			if len(last.Lines) != 1 || last.Lines[0].Line != step.line.Line || last.Lines[0].Quantity != step.quantity || last.Full != (i == 2) {
				t.Errorf("refund %d is told as %+v", i, last)
			}
			var want []event.SaleLine
			if step.gone {
				want = append(want, step.line)
			}
			same := slices.EqualFunc(last.Gone, want, func(a, b event.SaleLine) bool {
				return a.Line == b.Line && a.Quantity == b.Quantity && a.GMV == b.GMV && a.Commission == b.Commission && a.Fee == b.Fee && a.Product == b.Product && *a.Touch == *b.Touch
			})
			if !same || last.Gone == nil {
				t.Errorf("with refund %d nothing is left of %+v, want %+v", i, last.Gone, want)
			}
		}
	})
}

// A line of which two refunds are under way is gone with the one that is confirmed last.
func TestALineIsGoneWithItsLastConfirmedRefund(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 100)
		who := w.shopper()
		w.click(who)
		o := w.buysBoth(who, 2, "", 0)
		w.over(&shaky{Sandbox: w.sandbox, lost: 2}) // the provider does not answer: both wait
		for range 2 {
			w.refunds(o, units(o, 1, false))
		}
		if told := toldRefunds(t, w); len(told) != 0 {
			t.Fatalf("told before the provider has answered: %+v", told)
		}
		w.over(w.sandbox)
		c.Advance(time.Hour)
		w.sweep()
		told := toldRefunds(t, w)
		if len(told) != 2 || len(told[0].Gone) != 0 || told[0].Gone == nil || len(told[1].Gone) != 1 || told[1].Gone[0].Quantity != 2 {
			t.Errorf("told are %+v", told)
		}
	})
}

// buysBoth buys so many of the world's variant and of another.
func (w *world) buysBoth(who account.Asker, quantity int64, other id.Variant, more int64) order.Order {
	w.t.Helper()
	ctx := context.Background()
	cart, err := w.orders.CreateCart(ctx, who)
	for v, n := range map[id.Variant]int64{w.variant: quantity, other: more} {
		if err == nil && n > 0 {
			_, err = w.orders.AddLine(ctx, who, cart.ID, order.NewLine{Variant: v, Quantity: n})
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
	return w.look(placed.ID)
}
