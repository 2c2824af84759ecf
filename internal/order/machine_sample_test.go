package order_test

import (
	"context"

	"pgregory.net/rapid"

	"mezzo/internal/id"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/sample"
)

// given is a sample and who asked for it.
type given struct {
	star star
	id   id.Sample
}

// askSample asks the second brand for a sample, and agrees to its price.
func (m *sales) askSample(t *rapid.T) {
	s := m.stars[rapid.IntRange(0, 1).Draw(t, "creator")]
	g := m.goods[rapid.IntRange(2, 3).Draw(t, "good")]
	got, err := m.samples.Request(context.Background(), s.who, sample.Ask{Program: m.shops[1].program, Variant: g.variant, Address: home, Charge: cents(m.prices[g.variant])})
	if m.fine(t, "ask for a sample", err); err == nil {
		m.given = append(m.given, given{s, got.ID})
	}
}

// sampleGoes does something with a sample: its brand answers, sends or takes it back, its creator has it or not.
func (m *sales) sampleGoes(t *rapid.T) {
	if len(m.given) == 0 {
		t.Skip("nobody has asked for one")
	}
	ctx, boss := context.Background(), m.shops[1].who
	g := m.given[rapid.IntRange(0, len(m.given)-1).Draw(t, "sample")]
	now, err := m.samples.Sample(ctx, boss, g.id)
	if err != nil {
		t.Fatal(err)
	}
	other := rapid.IntRange(0, 4).Draw(t, "otherwise") == 0
	switch {
	case now.State == sample.Requested:
		_, err = m.samples.Decide(ctx, boss, g.id, !other, "No")
	case now.State == sample.Approved && other:
		_, err = m.samples.Withdraw(ctx, g.star.who, g.id, "Well")
	case now.State == sample.Approved:
		in := sample.Parcel{Carrier: "Post"}
		if n := rapid.IntRange(0, len(m.labels)).Draw(t, "label"); n > 0 {
			in = sample.Parcel{Label: m.labels[n-1]}
		}
		_, err = m.samples.Ship(ctx, boss, g.id, in)
	case now.State == sample.Shipped && other:
		_, err = m.samples.Missing(ctx, g.star.who, g.id)
	case now.State == sample.Shipped:
		_, err = m.samples.Receive(ctx, g.star.who, g.id)
	default:
		_, err = m.samples.TakeBack(ctx, boss, g.id, other)
	}
	m.fine(t, "go on with a sample", err)
}

// soldBefore gives everybody something: an order of a thing of each brand, its money released.
func (m *sales) soldBefore(t *rapid.T) {
	who := m.shopper()
	placed, err := m.rings(t, who)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.pay(who, placed, payment.MethodVisa); err != nil {
		t.Fatal(err)
	}
	o := m.look(placed.ID)
	for _, p := range o.Parts {
		m.bringPart(o, p)
	}
	m.clock.Advance(16 * day)
	m.sweep()
	m.orders = append(m.orders, bought{who: who, order: placed.ID, at: m.look(placed.ID)})
}

// bringPart has a part arrive in one parcel.
func (m *sales) bringPart(o order.Order, p order.Part) {
	m.t.Helper()
	var lines []id.Line
	for _, l := range o.Lines {
		if l.Part == p.ID {
			lines = append(lines, l.ID)
		}
	}
	who := m.shopOf(p.Brand).who
	s, err := m.world.orders.Ship(context.Background(), who, o.ID, order.NewShipment{Carrier: "Post", Lines: lines})
	if err == nil {
		_, err = m.world.orders.Delivered(context.Background(), who, s.ID)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}
