package order_test

import (
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/voucher"
)

// bought is an order, who bought it and who led them there.
type bought struct {
	who   account.Asker
	order id.Order
	at    order.Order
	stuck bool // the card takes nothing back: a cancellation would be asked of the provider for ever
}

// sold is a line as the machine itself reckons it, in minor units.
type sold struct {
	brand     id.Brand
	quantity  int64
	paid      int64 // by the buyer, taxes included
	voucher   int64 // by the platform
	net, base int64 // without tax: of all that is paid for it, and what the commission is of
	tax       order.Tax
	taxes     int64
	led       []id.Creator // who may earn by it
	sure      id.Creator   // who does, if anybody
}

// sent is a part's shipping as the machine reckons it.
type sent struct {
	brand    id.Brand
	net, tax int64
	byBrand  bool
}

// reckoned is what the machine expects of everything that was put through the till.
type reckoned struct {
	lines map[id.Line]sold
	parts map[id.Part]sent
}

// basketful puts one to three things into a bag; the shopper has come to some of them by a creator.
func (m *sales) basketful(t *rapid.T, who account.Asker) (lines []order.NewLine, led map[id.Product][]id.Creator) {
	led = map[id.Product][]id.Creator{}
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(m.goods)-1), 1, 3, rapid.ID[int]).Draw(t, "goods") {
		g := m.goods[i]
		lines = append(lines, order.NewLine{Variant: g.variant, Quantity: rapid.Int64Range(1, 4).Draw(t, "units")})
		if by := rapid.IntRange(-1, len(m.stars)-1).Draw(t, "by"); by >= 0 {
			if shelf := m.stars[by].shelf[g.product]; shelf != "" {
				m.opened(who, g.product, shelf)
				led[g.product] = append(led[g.product], m.stars[by].who.Creator)
			}
		}
	}
	return lines, led
}

// rings goes to the till with a full bag.
func (m *sales) rings(t *rapid.T, who account.Asker) (order.Order, error) {
	ctx := context.Background()
	lines, led := m.basketful(t, who)
	cart, err := m.world.orders.CreateCart(ctx, who)
	for _, l := range lines {
		if err == nil {
			_, err = m.world.orders.AddLine(ctx, who, cart.ID, l)
		}
	}
	codes := m.typed(t, lines)
	if err == nil && len(codes) > 0 {
		_, err = m.world.orders.SetCodes(ctx, who, cart.ID, codes)
	}
	if err != nil {
		return order.Order{}, err
	}
	placed, err := m.world.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: string(who.Viewer) + "@example.com", Address: home})
	if err == nil {
		m.reckons(t, placed, led, codes)
	}
	return placed, err
}

func (m *sales) buy(t *rapid.T) {
	who := m.shopper()
	placed, err := m.rings(t, who)
	if m.fine(t, "checkout", err); err != nil {
		return
	}
	b := bought{who: who, order: placed.ID, at: placed}
	method := rapid.SampledFrom([]string{payment.MethodVisa, payment.MethodVisa, payment.MethodSlow, payment.MethodRefundFails, payment.MethodDeclined, ""}).Draw(t, "method")
	if method == "" {
		m.placed = append(m.placed, b)
		return
	}
	b.stuck = method == payment.MethodRefundFails
	out, err := m.pay(who, placed, method)
	if m.fine(t, "pay", err); err == nil && (out.State == order.PaySucceeded || out.State == order.PayStarted) {
		m.orders = append(m.orders, b) // one whose bank has not answered may be paid yet
	}
}

// typed are codes that a shopper types for what is in the bag, spent and ended ones too.
func (m *sales) typed(t *rapid.T, lines []order.NewLine) []string {
	var list []string
	if len(m.codes) == 0 {
		return nil
	}
	for range rapid.IntRange(0, 2).Draw(t, "codes") {
		v := m.codes[rapid.IntRange(0, len(m.codes)-1).Draw(t, "code")]
		of := func(l order.NewLine) bool {
			return v.Brand == voucher.Platform || slices.ContainsFunc(m.goods, func(g good) bool { return g.variant == l.Variant && g.brand == v.Brand })
		}
		if slices.ContainsFunc(lines, of) && !slices.Contains(list, v.Code) {
			list = append(list, v.Code)
		}
	}
	return list
}

// give makes a voucher, of a brand or of the platform, perhaps as a creator's code.
func (m *sales) give(t *rapid.T) {
	if len(m.codes) > 8 {
		t.Skip("there are enough")
	}
	giver := rapid.SampledFrom([]id.Brand{m.shops[0].id, m.shops[1].id, voucher.Platform, voucher.Platform}).Draw(t, "giver")
	in := voucher.New{Code: fmt.Sprint("CODE", len(m.codes)), Listed: rapid.Bool().Draw(t, "listed"), Total: rapid.Int64Range(0, 3).Draw(t, "uses"),
		Kind: voucher.Percent, Rate: money.Bps(rapid.SampledFrom([]int{333, 1000, 10_000}).Draw(t, "rate"))}
	if rapid.Bool().Draw(t, "fixed") {
		in.Kind, in.Rate, in.Off = voucher.Fixed, 0, cents(rapid.Int64Range(1, 5000).Draw(t, "off"))
	}
	who := m.house()
	if giver == voucher.Platform {
		in.Currency = "USD"
	} else {
		who = m.shopOf(giver).who
		if rapid.IntRange(0, 2).Draw(t, "a creator's") == 0 {
			in.Handle, in.Listed = "two", false // who promotes the first brand alone
		}
	}
	in.Title = "Less"
	v, err := voucher.Open(m.d).Create(context.Background(), who, giver, in)
	if err != nil {
		t.Fatal(err)
	}
	m.codes = append(m.codes, v)
}

// endVoucher ends one.
func (m *sales) endVoucher(t *rapid.T) {
	if len(m.codes) == 0 {
		t.Skip("there are none")
	}
	v := m.codes[rapid.IntRange(0, len(m.codes)-1).Draw(t, "voucher")]
	_, err := voucher.Open(m.d).Change(context.Background(), m.house(), v.Brand, v.ID, 0, voucher.Change{End: true})
	m.fine(t, "end a voucher", err)
}

// payLate pays a checkout that was left lying, perhaps too late.
func (m *sales) payLate(t *rapid.T) {
	if len(m.placed) == 0 {
		t.Skip("nothing is placed")
	}
	b := m.placed[rapid.IntRange(0, len(m.placed)-1).Draw(t, "checkout")]
	out, err := m.pay(b.who, b.at, payment.MethodVisa)
	if m.fine(t, "pay late", err); err == nil && out.State == order.PaySucceeded {
		m.orders = append(m.orders, b)
	}
}

// of is a share of an amount, half away from zero.
func of(minor, n, d int64) int64 { return (2*minor*n + d) / (2 * d) }

// on is a tax on an amount, and what of it the amount contains.
func on(minor int64, x order.Tax) (tax, contained int64) {
	if x.Inclusive {
		tax = of(minor, int64(x.Rate), 10_000+int64(x.Rate))
		return tax, tax
	}
	return of(minor, int64(x.Rate), 10_000), 0
}

// reckons prices an order by itself, from what things cost and what vouchers took off, and keeps it for later.
func (m *sales) reckons(t *rapid.T, o order.Order, led map[id.Product][]id.Creator, codes []string) {
	if m.lines == nil {
		m.reckoned = reckoned{map[id.Line]sold{}, map[id.Part]sent{}}
	}
	var total int64
	price := map[id.Brand]int64{}
	for _, l := range o.Lines {
		x := m.taxes[l.Brand]
		cost := m.prices[l.Variant] * l.Quantity
		price[l.Brand] += cost
		goods := cost - l.Off.Brand - l.Off.Platform
		tax, contained := on(cost-l.Off.Brand, x)
		_, inBase := on(goods, x)
		s := sold{brand: l.Brand, quantity: l.Quantity, paid: goods + tax - contained, voucher: l.Off.Platform, net: cost - l.Off.Brand - contained, base: goods - inBase, tax: x, taxes: tax}
		if l.Tax.Amount.Minor != tax || l.Goods.Minor != goods || l.Base.Minor != s.base || goods < l.Quantity {
			t.Fatalf("%d of %d with %+v off and %+v are sold as %+v", l.Quantity, m.prices[l.Variant], l.Off, x, l)
		}
		s.led = m.led(l, led, codes)
		if by := led[l.Product]; len(s.led) == 1 && len(by) > 0 {
			s.sure = by[len(by)-1]
		}
		m.lines[l.ID] = s
		total += s.paid
	}
	for _, p := range o.Parts {
		s := m.shopOf(p.Brand)
		fee := s.shipping
		if s.freeAt > 0 && price[p.Brand] >= s.freeAt {
			fee = 0
		}
		tax, contained := on(fee, m.onward)
		if p.Shipping.Minor != fee || p.ShippingTax.Amount.Minor != tax {
			t.Fatalf("the shipping of %d with %+v is sold as %+v", fee, m.onward, p)
		}
		m.parts[p.ID] = sent{p.Brand, fee - contained, tax, m.onward.CollectedBy == order.ByBrand}
		total += fee + tax - contained
	}
	if o.Total.Minor != total {
		t.Fatalf("%+v costs %d, not %d", o, o.Total.Minor, total)
	}
	m.divided(t, o)
}

// led are those by whom a shopper may have come to a line: to it, to another product of its brand, or by a code.
func (m *sales) led(l order.Line, led map[id.Product][]id.Creator, codes []string) (list []id.Creator) {
	for _, g := range m.goods {
		if g.brand != l.Brand {
			continue
		}
		for _, c := range led[g.product] {
			if !slices.Contains(list, c) {
				list = append(list, c)
			}
		}
	}
	for _, v := range m.codes {
		if v.Creator != "" && v.Brand == l.Brand && slices.Contains(codes, v.Code) && !slices.Contains(list, v.Creator) {
			list = append(list, v.Creator)
		}
	}
	return list
}

// divided holds what a voucher took off against the prices of the lines it covers: each line has its part to the cent, but
// where that would make it cost nothing.
func (m *sales) divided(t *rapid.T, o order.Order) {
	off := map[id.Voucher][][2]int64{}
	tight := map[id.Voucher]bool{}
	for _, l := range o.Lines {
		cost := m.prices[l.Variant] * l.Quantity
		for v, x := range map[id.Voucher][2]int64{l.ByBrand: {l.Off.Brand, cost}, l.ByPlatform: {l.Off.Platform, cost - l.Off.Brand}} {
			off[v] = append(off[v], x)
			tight[v] = tight[v] || x[1]-x[0] <= l.Quantity
		}
	}
	for v, list := range off {
		var all, costs int64
		for _, x := range list {
			all, costs = all+x[0], costs+x[1]
		}
		for _, x := range list {
			if v != "" && !tight[v] && max(x[0]*costs-all*x[1], all*x[1]-x[0]*costs) >= costs {
				t.Fatalf("of %d off %d, %d are off %d: %v", all, costs, x[0], x[1], list)
			}
		}
	}
}
