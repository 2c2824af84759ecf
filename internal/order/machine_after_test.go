package order_test

import (
	"context"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// again is a refund that was asked for under a key, to be asked for once more.
type again struct {
	order id.Order
	key   db.Key
	who   account.Asker
	in    order.NewRefund
	made  id.Refund
}

// asking is a return and who asked for it.
type asking struct {
	who account.Asker
	id  id.Return
	of  shop
}

// claiming is a claim and whose it is.
type claiming struct {
	who account.Asker
	id  id.Claim
	of  shop
}

// part is one of an order's parts and whose brand it is.
func (m *sales) part(t *rapid.T, o order.Order) (order.Part, shop) {
	p := o.Parts[rapid.IntRange(0, len(o.Parts)-1).Draw(t, "part")]
	return p, m.shopOf(p.Brand)
}

// some draws some of a part's lines: all, or each by chance.
func (m *sales) some(t *rapid.T, o order.Order, p order.Part) (lines []order.Line) {
	all := rapid.Bool().Draw(t, "all lines")
	for _, l := range o.Lines {
		if l.Part == p.ID && (all || rapid.Bool().Draw(t, "this line")) {
			lines = append(lines, l)
		}
	}
	return lines
}

// ship hands over a parcel with all that is left of a part, or with some of its lines.
func (m *sales) ship(t *rapid.T) {
	o := m.look(m.pick(t).order)
	p, s := m.part(t, o)
	in := order.NewShipment{Carrier: "Post"}
	if n := rapid.IntRange(0, len(m.labels)).Draw(t, "label"); n > 0 {
		in = order.NewShipment{Label: m.labels[n-1]}
	}
	if rapid.Bool().Draw(t, "part of it") {
		for _, l := range m.some(t, o, p) {
			in.Lines = append(in.Lines, l.ID)
		}
	}
	_, err := m.world.orders.Ship(context.Background(), s.who, o.ID, in)
	m.fine(t, "ship", err)
}

// deliver has one parcel of an order arrive, or all of them.
func (m *sales) deliver(t *rapid.T) {
	list := m.look(m.pick(t).order).Shipments
	if len(list) == 0 {
		t.Skip("nothing is sent")
	}
	if i := rapid.IntRange(-1, len(list)-1).Draw(t, "parcel"); i >= 0 {
		list = list[i : i+1]
	}
	for _, s := range list {
		_, err := m.world.orders.Delivered(context.Background(), m.shopOf(s.Brand).who, s.ID)
		m.fine(t, "deliver", err)
	}
}

// refund gives back units of some lines of a part, its shipping, or both.
func (m *sales) refund(t *rapid.T) {
	o := m.look(m.pick(t).order)
	p, s := m.part(t, o)
	in := order.NewRefund{Part: p.ID, Shipping: rapid.Bool().Draw(t, "shipping"), Reason: "Scratched"}
	for _, l := range m.some(t, o, p) {
		if n := rapid.Int64Range(0, 4).Draw(t, "units"); n > 0 {
			in.Lines = append(in.Lines, order.Units{Line: l.ID, Quantity: min(n, max(1, l.Left()))})
		}
	}
	if n := rapid.IntRange(0, 2).Draw(t, "restock"); n > 0 {
		back := n == 1
		in.Restock = &back
	}
	who := s.who
	if rapid.IntRange(0, 3).Draw(t, "the house") == 0 {
		who = m.house()
	}
	m.asksBack(t, who, o.ID, in)
}

// callOff gives everything of a part back that is left of it.
func (m *sales) callOff(t *rapid.T) {
	o := m.look(m.pick(t).order)
	p, s := m.part(t, o)
	in := order.NewRefund{Part: p.ID, Shipping: !p.ShippingBack && p.Shipping.Minor > 0, Reason: "Sold out"}
	for _, l := range o.Lines {
		if l.Part == p.ID && l.Left() > 0 {
			in.Lines = append(in.Lines, order.Units{Line: l.ID, Quantity: l.Left()})
		}
	}
	m.asksBack(t, s.who, o.ID, in)
}

func (m *sales) asksBack(t *rapid.T, who account.Asker, ord id.Order, in order.NewRefund) {
	m.n++
	a := again{order: ord, who: who, in: in, key: db.Key{Actor: "machine", Route: "refund", Value: id.Refund("").Next(m.clock.Now()).String(), Hash: [32]byte{byte(m.n)}}}
	r, err := m.world.orders.Refund(db.WithKey(context.Background(), a.key), who, ord, in)
	if m.fine(t, "refund", err); err == nil {
		a.made = r.ID
		m.asked = append(m.asked, a)
	}
}

func (m *sales) repeat(t *rapid.T) {
	if len(m.asked) == 0 {
		t.Skip("nothing was refunded")
	}
	a := m.asked[rapid.IntRange(0, len(m.asked)-1).Draw(t, "refund")]
	before := m.count(`SELECT COUNT(*) FROM refunds`)
	r, err := m.world.orders.Refund(db.WithKey(context.Background(), a.key), a.who, a.order, a.in)
	if err != nil || r.ID != a.made || m.count(`SELECT COUNT(*) FROM refunds`) != before {
		t.Fatalf("a refund asked for again: %+v %v", r, err)
	}
}

// askReturn asks for units of some of a part's lines back.
func (m *sales) askReturn(t *rapid.T) {
	b := m.pick(t)
	o := m.look(b.order)
	p, _ := m.part(t, o)
	in := order.NewReturn{Keeps: rapid.Bool().Draw(t, "keeps")}
	for _, l := range m.some(t, o, p) {
		in.Lines = append(in.Lines, order.ReturnUnits{Line: l.ID, Quantity: rapid.Int64Range(1, min(3, max(1, l.Left()))).Draw(t, "units"), Reason: "Too small"})
	}
	r, err := m.world.orders.Return(context.Background(), b.who, b.order, in)
	if m.fine(t, "return", err); err == nil {
		m.returns = append(m.returns, asking{b.who, r.ID, m.shopOf(r.Brand)})
	}
}

func (m *sales) pickReturn(t *rapid.T) asking {
	if len(m.returns) == 0 {
		t.Skip("nothing comes back")
	}
	return m.returns[rapid.IntRange(0, len(m.returns)-1).Draw(t, "return")]
}

func (m *sales) answerReturn(t *rapid.T) {
	a := m.pickReturn(t)
	in := order.Decision{Verdict: rapid.SampledFrom([]order.Verdict{order.Approve, order.Decline, order.GiveBack}).Draw(t, "verdict"), Note: "Well", Restock: rapid.Bool().Draw(t, "restock")}
	_, err := m.world.orders.DecideReturn(context.Background(), a.of.who, a.id, in)
	m.fine(t, "answer", err)
}

// sendReturn sends an approved return back, or takes it back.
func (m *sales) sendReturn(t *rapid.T) {
	a := m.pickReturn(t)
	var err error
	if rapid.Bool().Draw(t, "keeps it after all") {
		_, err = m.world.orders.WithdrawReturn(context.Background(), a.who, a.id)
	} else {
		_, err = m.world.orders.SendReturn(context.Background(), a.who, a.id, "Post", "")
	}
	m.fine(t, "send back", err)
}

// claim says that an order has not come.
func (m *sales) claim(t *rapid.T) {
	b := m.pick(t)
	p, s := m.part(t, b.at)
	c, err := m.world.orders.Claim(context.Background(), b.who, b.order, order.NewClaim{Part: p.ID, Says: "Nothing came."})
	if m.fine(t, "claim", err); err == nil {
		m.claimed = append(m.claimed, claiming{b.who, c.ID, s})
	}
}

// answerClaim proves a delivery, gives in, or finds the parcel after all.
func (m *sales) answerClaim(t *rapid.T) {
	if len(m.claimed) == 0 {
		t.Skip("everything has come")
	}
	c := m.claimed[rapid.IntRange(0, len(m.claimed)-1).Draw(t, "claim")]
	var err error
	switch rapid.IntRange(0, 3).Draw(t, "answer") {
	case 0:
		_, err = m.world.orders.AnswerClaim(context.Background(), c.of.who, c.id, "Signed for by Ada.", false)
	case 1:
		_, err = m.world.orders.AnswerClaim(context.Background(), c.of.who, c.id, "", true)
	case 2:
		_, err = m.world.orders.AnswerClaim(context.Background(), m.house(), c.id, "", true)
	default:
		_, err = m.world.orders.WithdrawClaim(context.Background(), c.who, c.id)
	}
	m.fine(t, "answer a claim", err)
}

// dispute makes a bank dispute a payment, or part of it, whatever has become of the order. Its word arrives,
// twice perhaps, or is lost and looked for.
func (m *sales) dispute(t *rapid.T) {
	b := m.pick(t)
	minor := int64(0)
	if rapid.Bool().Draw(t, "part of it") {
		minor = rapid.Int64Range(1, b.at.Total.Minor).Draw(t, "disputed")
	}
	ref, err := m.sandbox.OpenDispute(context.Background(), m.paymentOf(b.order), money.Of(minor, "USD"), "fraudulent")
	if m.fine(t, "dispute", err); err != nil {
		return
	}
	m.refs = append(m.refs, ref)
	m.heard(t, ref)
}

// bankDecides lets a bank decide on a dispute; one that is decided stays so.
func (m *sales) bankDecides(t *rapid.T) {
	if len(m.refs) == 0 {
		t.Skip("nothing is disputed")
	}
	ref := m.refs[rapid.IntRange(0, len(m.refs)-1).Draw(t, "dispute")]
	if _, err := m.sandbox.CloseDispute(context.Background(), ref, rapid.Bool().Draw(t, "won")); err != nil {
		t.Fatal(err)
	}
	m.heard(t, ref)
}

// heard is the word of a dispute: it comes once or more, or is lost and the next look finds it.
func (m *sales) heard(t *rapid.T, ref string) {
	for range rapid.IntRange(0, 2).Draw(t, "times") {
		m.fine(t, "hear of a dispute", m.world.orders.Disputed(context.Background(), ref))
	}
	m.fine(t, "look for disputes", m.world.orders.LookForDisputes(context.Background(), time.Unix(0, 0)))
}

// evidence answers a dispute, perhaps with what decides it at once.
func (m *sales) evidence(t *rapid.T) {
	of := rapid.SampledFrom(m.shops).Draw(t, "brand")
	list, err := m.world.orders.BrandDisputes(context.Background(), of.who, of.id, "", "", 20)
	if err != nil || len(list) == 0 {
		t.Skip("nothing is disputed")
	}
	d := list[rapid.IntRange(0, len(list)-1).Draw(t, "dispute")]
	says := rapid.SampledFrom([]string{"It was sent.", payment.EvidenceWins, payment.EvidenceLoses}).Draw(t, "evidence")
	_, err = m.world.orders.SubmitEvidence(context.Background(), of.who, of.id, d.ID, says)
	m.fine(t, "evidence", err)
	m.fine(t, "look for disputes", m.world.orders.LookForDisputes(context.Background(), time.Unix(0, 0)))
}

// words delivers what the sandbox tells by itself: it repeats, reorders, delays and loses, and nothing of it
// changes what is right.
func (m *sales) words(t *rapid.T) {
	if err := m.sandbox.Deliver(context.Background(), m.sandbox.Hear(m.world.orders, func(ctx context.Context, key string) error { return m.payouts.Told(ctx, id.Payout(key)) })); err != nil {
		t.Fatal(err)
	}
	m.fine(t, "look for disputes", m.world.orders.LookForDisputes(context.Background(), time.Unix(0, 0)))
}
