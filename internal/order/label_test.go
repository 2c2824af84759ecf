package order_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
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

// label puts a label of DHL's on sale.
func (w *world) label(service string, minor int64) id.LabelRate {
	w.t.Helper()
	r, err := w.orders.AddLabel(context.Background(), w.house(), order.NewLabelRate{Carrier: "DHL", Service: service, Price: *cents(minor)})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.ID
}

// sends ships lines of an order, all when none are named, with a label.
func (w *world) sends(o order.Order, rate id.LabelRate, lines ...id.Line) order.Shipment {
	w.t.Helper()
	s, err := w.orders.Ship(context.Background(), w.member, o.ID, order.NewShipment{Lines: lines, Label: rate})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// keptBack brings the order to its release, has a tenth of it kept back, and all that is available paid out.
func (w *world) keptBack(o order.Order) {
	w.t.Helper()
	w.reserved(order.Reserve{Bps: 1000, Days: 30})
	w.bringTo(o, "released")
	w.paidOut()
}

// twins buys two things of one price in one part, so that either may be sent first.
func (w *world) twins() order.Order {
	w.t.Helper()
	other := w.otherVariant()
	w.exec(`UPDATE variants SET price_minor = 1999 WHERE id = $1`, other)
	return w.look(w.twoLines(other).ID)
}

// Shipping of 4.99 and labels of 4.20 and 6.20, leg by leg: what they are paid from, partial shipments, and every way in
// which the shipping goes back.
func TestPostingsOfLabels(t *testing.T) {
	bought := func(w *world) order.Order { _, o := w.boughtUnits(2, payment.MethodVisa); return o }
	golden(t, "testdata/labels.golden", []story{
		{"a label of 4.20", func(w *world) { w.sends(bought(w), w.label("Small", 420)) }},
		{"a label of 6.20, of a brand that has nothing available", func(w *world) { w.sends(bought(w), w.label("Large", 620)) }},
		{"a label of 6.20, of a brand that has something, and the release", func(w *world) {
			w.bringTo(bought(w), "released")
			o := bought(w)
			s := w.sends(o, w.label("Large", 620))
			if _, err := w.orders.Delivered(context.Background(), w.member, s.ID); err != nil {
				w.t.Fatal(err)
			}
			w.clock.Advance(16 * day)
			w.sweep()
		}},
		{"a label of 6.20, of a brand of which something is kept back", func(w *world) {
			w.keptBack(bought(w))
			w.sends(bought(w), w.label("Large", 620))
		}},
		{"a label of 6.20, of a brand of which less is kept back", func(w *world) {
			w.keptBack(bought(w))
			w.sends(bought(w), w.label("Larger", 1500))
			w.sends(bought(w), w.label("Large", 620))
		}},
		{"two parcels", func(w *world) {
			o := w.twins()
			rate := w.label("Small", 420)
			w.sends(o, rate, o.Lines[0].ID)
			w.sends(o, rate)
		}},
		{"one parcel, and the rest is refunded", func(w *world) {
			o := w.twins()
			w.sends(o, w.label("Small", 420), o.Lines[0].ID)
			w.refunds(o, order.NewRefund{Lines: []order.Units{{Line: o.Lines[1].ID, Quantity: 1}}, Reason: "Sold out"})
		}},
		{"a label of 4.20, then the shipping is refunded", func(w *world) {
			o := bought(w)
			w.sends(o, w.label("Small", 420))
			w.refunds(o, units(o, 0, true))
		}},
		{"a label of 6.20, then all is refunded", func(w *world) {
			o := bought(w)
			w.sends(o, w.label("Large", 620))
			w.refunds(o, units(o, 2, true))
		}},
		{"one parcel, the shipping is refunded, the other parcel", func(w *world) {
			o := w.twins()
			rate := w.label("Small", 420)
			w.sends(o, rate, o.Lines[0].ID)
			w.refunds(o, units(o, 0, true))
			w.sends(o, rate)
		}},
		{"the shipping is refunded after the payout", func(w *world) {
			o := bought(w)
			s := w.sends(o, w.label("Small", 420))
			if _, err := w.orders.Delivered(context.Background(), w.member, s.ID); err != nil {
				w.t.Fatal(err)
			}
			w.clock.Advance(16 * day)
			w.sweep()
			w.paidOut()
			w.refunds(o, units(o, 0, true))
		}},
		{"a lost dispute", func(w *world) {
			o := bought(w)
			w.sends(o, w.label("Small", 420))
			w.decided(w.disputed(o, 0), false)
		}},
		{"a dispute is lost between two parcels", func(w *world) {
			o := w.twins()
			rate := w.label("Small", 420)
			w.sends(o, rate, o.Lines[0].ID)
			w.decided(w.disputed(o, 1000), false)
			w.sends(o, rate)
		}},
	})
}

// A refund of the shipping that the provider refuses, asked for before or after the label, is as if it never was.
func TestAShippingRefundFailsBesideALabel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 100)
		w.bringTo(func() order.Order { _, o := w.boughtUnits(1, payment.MethodVisa); return o }(), "released")
		for _, price := range []int64{420, 620} {
			rate := w.label(fmt.Sprint("Parcel ", price), price)
			for _, before := range []bool{false, true} {
				margin := w.balance(ledger.ShippingMargin)
				has := func() int64 {
					return w.balance(ledger.BrandAvailable(w.brand)) - w.balance(ledger.BrandOwes(w.brand))
				}
				had := has()
				w.over(&shaky{Sandbox: w.sandbox, lost: 1000})
				_, o := w.boughtUnits(1, payment.MethodRefundFails)
				if before {
					w.refunds(o, units(o, 0, true))
				}
				w.sends(o, rate)
				if !before {
					w.refunds(o, units(o, 0, true))
				}
				w.over(w.sandbox)
				c.Advance(time.Hour)
				w.sweep()
				if got := w.look(o.ID).Refunds[0].State; got != order.RefundFailed {
					t.Fatalf("the refund is %s", got)
				}
				beyond := max(0, price-499)
				if got, kept := has(), w.balance(ledger.ShippingMargin)-margin; got != had-beyond || kept != max(0, 499-price) {
					t.Errorf("with a label of %d, refunded before it (%v), the brand has %d of %d, and %d is kept", price, before, got, had, kept)
				}
				w.sound()
			}
		}
	})
}

// What the house sells, and what it refuses.
func TestLabelsRefuseNonsense(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		fine := order.NewLabelRate{Carrier: "DHL", Service: "Small", Price: *cents(420)}
		for name, change := range map[string]func(*order.NewLabelRate){
			"free": func(r *order.NewLabelRate) { r.Price.Minor = 0 }, "less": func(r *order.NewLabelRate) { r.Price.Minor = -1 }, "more than there is": func(r *order.NewLabelRate) { r.Price.Minor = money.Max },
			"no currency": func(r *order.NewLabelRate) { r.Price.Currency = "XYZ" }, "nobody": func(r *order.NewLabelRate) { r.Carrier = " " }, "a colon": func(r *order.NewLabelRate) { r.Carrier = "a:b" },
			"letters that make no account": func(r *order.NewLabelRate) { r.Carrier = "日本郵便" }, "long": func(r *order.NewLabelRate) { r.Service = strings.Repeat("x", 41) }, "a line break": func(r *order.NewLabelRate) { r.Service = "a\x00b" },
		} {
			in := fine
			change(&in)
			if _, err := w.orders.AddLabel(ctx, w.house(), in); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.orders.AddLabel(ctx, w.member, fine); err == nil {
			t.Error("a brand has put a label on sale")
		}
		small := w.label("Small", 420)
		refusal(t, "twice", second(w.orders.AddLabel(ctx, w.house(), order.NewLabelRate{Carrier: "dhl", Service: "Small", Price: *cents(500)})), "label_on_sale")
		dear, euro := w.label("Pallet", 9900), func() id.LabelRate {
			r, err := w.orders.AddLabel(ctx, w.house(), order.NewLabelRate{Carrier: "DHL", Service: "Small", Price: money.Of(420, "EUR")})
			if err != nil {
				t.Fatal(err)
			}
			return r.ID
		}()
		changed, err := w.orders.ChangeLabel(ctx, w.house(), small, 1, order.NewLabelRate{Carrier: "DHL", Service: "Small", Price: *cents(450)})
		if err != nil || changed.Replaces != small {
			t.Fatalf("%+v %v", changed, err)
		}
		refusal(t, "an ended one is changed", second(w.orders.ChangeLabel(ctx, w.house(), small, 0, fine)), "wrong_state")
		if list, err := w.orders.LabelsFor(ctx, w.member, w.brand); err != nil || len(list) != 2 {
			t.Errorf("the brand sees %+v %v", list, err)
		}
		if _, err := w.orders.LabelsFor(ctx, account.Asker{Account: w.earner.Account}, w.brand); !fault.Is(err, fault.Missing) {
			t.Errorf("a stranger reads them: %v", err)
		}

		o := w.twins()
		ship := func(in order.NewShipment) error {
			_, err := w.orders.Ship(ctx, w.member, o.ID, in)
			return err
		}
		for name, in := range map[string]order.NewShipment{"neither": {}, "both": {Carrier: "Post", Label: changed.ID}, "another currency": {Label: euro}} {
			if err := ship(in); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := ship(order.NewShipment{Label: "lbr_nonsense"}); !fault.Is(err, fault.Missing) {
			t.Errorf("no such label: %v", err)
		}
		refusal(t, "an ended one", ship(order.NewShipment{Label: small}), "label_ended")
		refusal(t, "a dear one", ship(order.NewShipment{Label: dear}), "label_too_dear")
		w.sends(o, changed.ID, o.Lines[0].ID)
		refusal(t, "the rest another way", ship(order.NewShipment{Carrier: "Post"}), "wrong_state")
		s := w.sends(o, changed.ID)
		full := w.look(o.ID)
		if s.Carrier != "DHL" || s.Label.Price != *cents(450) || full.Parts[0].Label != 900 || len(full.Shipments) != 2 || full.Shipments[0].Label.Service != "Small" {
			t.Errorf("%+v, part %+v", s, full.Parts[0])
		}
		w.sound()
	})
}

func second[T any](_ T, err error) error { return err }

// refusal holds what a conflict is called.
func refusal(t *testing.T, what string, err error, typ string) {
	t.Helper()
	f, _ := err.(*fault.Fault)
	if f == nil || f.Type != typ || f.Kind != fault.Conflict {
		t.Errorf("%s: want %s, got %v", what, typ, err)
	}
}

// told is what happened to an order of a year.
type told struct {
	what    string
	happens func() order.Order
}

// labelYear is what may happen to an order that goes with labels.
func (w *world) labelYear(sold func(stage string) (account.Asker, order.Order), lose func(order.Order, int64)) []told {
	cheap, dear := w.label("Small", 300), w.label("Large", 900)
	sent := func(rate id.LabelRate) order.Order {
		_, o := sold("paid")
		w.sends(o, rate)
		return o
	}
	return []told{
		{"sent with a label", func() order.Order { return sent(cheap) }},
		{"sent with a dear one", func() order.Order { return sent(dear) }},
		{"sent with a label, its shipping refunded", func() order.Order { o := sent(cheap); w.refunds(o, units(o, 0, true)); return o }},
		{"sent with a dear one and refunded", func() order.Order { o := sent(dear); w.refunds(o, units(o, 3, true)); return o }},
		{"refunded its shipping, then sent with a label", func() order.Order {
			_, o := sold("paid")
			w.refunds(o, units(o, 0, true))
			w.sends(o, cheap)
			return o
		}},
		{"sent with a label and lost", func() order.Order { o := sent(cheap); lose(o, 0); return o }},
	}
}
