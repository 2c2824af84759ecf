package order

import (
	"fmt"
	"slices"

	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

func (p *Portion) add(more Portion) {
	p.Amount, p.Voucher, p.Brand, p.Commission = p.Amount+more.Amount, p.Voucher+more.Voucher, p.Brand+more.Brand, p.Commission+more.Commission
	p.Fee, p.Tax, p.BrandTax, p.Shipping = p.Fee+more.Fee, p.Tax+more.Tax, p.BrandTax+more.BrandTax, p.Shipping+more.Shipping
	p.Base += more.Base
}

// net is what of the line's goods a portion is, without tax and before what the platform's voucher paid.
func (p Portion) net() int64 { return p.Brand + p.Commission + p.Fee }

// Left returns how many units of the line were not refunded, none when a lost dispute took all they brought.
func (l Line) Left() int64 {
	if l.Lost.Amount > 0 && l.rest() == 0 {
		return 0
	}
	return l.Quantity - l.Back.Quantity
}

// rest is what refunds and lost disputes have left of what the line brought everybody.
func (l Line) rest() int64 {
	return l.Frozen.Brand.Minor + l.Frozen.Commission.Minor + l.Frozen.Fee.Minor + l.Tax.Amount.Minor -
		l.Back.Net() - l.Back.Tax - l.Lost.Brand - l.Lost.Commission - l.Lost.Fee - l.Lost.Tax
}

// portion is a disputed portion of a line as the ledger knows it.
func (ord *Order) portion(l Line, p Portion) ledger.SaleLine {
	s := ledger.SaleLine{Line: l.ID, Goods: p.Brand + p.Commission + p.Fee, Voucher: p.Voucher, Fee: p.Fee, Creator: l.Creator, Commission: p.Commission}
	if s.Taxes = ord.taxes(l.Tax); len(s.Taxes) > 0 {
		s.Taxes[0].Amount = p.Tax
	}
	return s
}

// unlost is a line as it was sold, without what lost disputes took of it.
func (ord *Order) unlost(l Line) ledger.SaleLine {
	if l.Lost == (Portion{}) {
		return ord.sold(l)
	}
	return ord.sold(l).Less(ord.portion(l, l.Lost))
}

// shippingLeft is what lost disputes have left of a part's shipping, without its tax, and of the tax.
func (p *Part) shippingLeft() (net, tax int64) {
	return shippingNet(p) - p.ShippingLost.Shipping, p.ShippingTax.Amount.Minor - p.ShippingLost.Tax
}

// shippingRefundable reports whether the part's shipping can be given back. Once it was sent, what a lost
// dispute took of its shipping is the platform's loss, and nobody reckons the rest.
func (p *Part) shippingRefundable() bool {
	net, tax := p.shippingLeft()
	return !p.ShippingBack && net+tax > 0 && (p.ShippingLost.Amount == 0 || p.ShippedAt.IsZero())
}

// cell is something of an order that a dispute takes its portion of: a line, or a part's shipping.
type cell struct {
	part *Part
	line *Line
	left ledger.SaleLine // of a line
	paid int64
}

// cells are what is left of an order, undisputed.
func (ord *Order) cells() []cell {
	var list []cell
	for i := range ord.Parts {
		p := &ord.Parts[i]
		for j := range ord.Lines {
			if l := &ord.Lines[j]; l.Part == p.ID {
				left := ord.unlost(*l).Less(ord.taken(*l, l.Back)).Less(ord.portion(*l, l.Held))
				list = append(list, cell{p, l, left, left.Paid()})
			}
		}
		if net, tax := p.shippingLeft(); !p.ShippingBack {
			list = append(list, cell{part: p, paid: net + tax - p.ShippingHeld.Amount})
		}
	}
	return list
}

// share is the portion of a cell that so much of what was paid is worth.
func (c cell) share(minor int64) (DisputeShare, error) {
	s := DisputeShare{Part: c.part.ID, Brand: c.part.Brand, Released: c.part.State == Completed, Portion: Portion{Amount: minor}}
	if c.line == nil {
		net, tax := c.part.shippingLeft()
		halves, err := money.Split(minor, []int64{net - c.part.ShippingHeld.Shipping, tax - c.part.ShippingHeld.Tax})
		if err != nil {
			return s, err
		}
		s.Shipping, s.Tax = halves[0], halves[1]
		if c.part.ShippingTax.CollectedBy == ByBrand {
			s.BrandTax = s.Tax
		}
		return s, nil
	}
	got, err := c.left.Portion(minor)
	s.Line, s.Creator = c.line.ID, c.line.Creator
	s.Voucher, s.Brand, s.Portion.Brand = got.Voucher, c.part.Brand, got.BrandShare()
	s.Commission, s.Fee = got.Commission, got.Fee
	for _, t := range got.Taxes {
		s.Tax += t.Amount
		if t.ByBrand {
			s.BrandTax += t.Amount
		}
	}
	s.Base = c.line.base(s.net(), s.Voucher)
	return s, err
}

// freezeDispute shares what a dispute covers out over everything left of the order, in proportion to what
// was paid, and freezes each one's part. It waits while a commission of the order is undecided.
func (o *Orders) freezeDispute(tx *db.Tx, d *Dispute) error {
	full, err := loadOrder(tx, d.Order)
	if err != nil {
		return err
	}
	need, round := d.Covered.Minor, int64(1)
	for _, s := range d.Shares {
		need, round = need-s.Amount, max(round, s.round+1)
	}
	for _, l := range full.Lines {
		if need > 0 && l.undecided() {
			return nil
		}
	}
	fresh, err := full.shareOut(need, round)
	if err != nil {
		return err
	}
	d.Shares, d.frozen = append(d.Shares, fresh...), true
	if _, err := tx.Exec(`UPDATE disputes SET frozen = 1, updated_at = $1 WHERE id = $2`, db.Micros(tx.Now()), d.ID); err != nil || len(fresh) == 0 {
		return err
	}
	transfers, err := o.freezeTransfers(tx, d, &full, fresh)
	if err != nil {
		return err
	}
	if err := insertShares(tx, d.ID, fresh); err != nil {
		return err
	}
	if err := post(tx, transfers, nil); err != nil {
		return err
	}
	for _, s := range fresh {
		if s.Owed > 0 {
			if err := DrawReserve(tx, fmt.Sprintf("%s:%d", d.ID, round), s.Brand, full.Currency); err != nil {
				return err
			}
		}
	}
	held := Dispute{Shares: fresh}
	if err := affiliate.HoldDisputed(tx, held.commissions(), 1); err != nil {
		return err
	}
	if full, err = loadOrder(tx, d.Order); err != nil {
		return err
	}
	for i := range full.Parts {
		if err := storePending(tx, &full, &full.Parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// shareOut divides an amount over what is left of the order.
func (ord *Order) shareOut(minor, round int64) ([]DisputeShare, error) {
	if minor == 0 {
		return nil, nil
	}
	cells := ord.cells()
	weights := make([]int64, len(cells))
	for i, c := range cells {
		weights[i] = c.paid
	}
	amounts, err := money.Split(minor, weights)
	if err != nil {
		return nil, err
	}
	var shares []DisputeShare
	for i, c := range cells {
		if amounts[i] == 0 {
			continue
		}
		s, err := c.share(amounts[i])
		if err != nil {
			return nil, err
		}
		s.round = round
		shares = append(shares, s)
	}
	return shares, nil
}

// disputePostings are the dispute's portions as the ledger posts them, one for each part and round.
func (o *Orders) disputePostings(d *Dispute, full *Order) []ledger.Dispute {
	var list []ledger.Dispute
	for _, s := range d.Shares {
		part := full.part(s.Part)
		i := slices.IndexFunc(list, func(p ledger.Dispute) bool { return p.Round == s.round && p.Sale.Part == s.Part })
		if i < 0 {
			i = len(list)
			list = append(list, ledger.Dispute{ID: d.ID, Round: s.round, Sale: o.emptySale(full, part),
				Shipped: !part.ShippedAt.IsZero(), Delivered: !part.DeliveredAt.IsZero(), Released: s.Released})
		}
		if s.Line != "" {
			list[i].Sale.Lines = append(list[i].Sale.Lines, full.portion(*full.line(s.Line), s.Portion))
			continue
		}
		list[i].Sale.Shipping.Amount, list[i].Sale.Shipping.Taxes = s.Shipping, full.taxes(part.ShippingTax)
		if len(list[i].Sale.Shipping.Taxes) > 0 {
			list[i].Sale.Shipping.Taxes[0].Amount = s.Tax
		}
	}
	return list
}

// freezeTransfers are the postings of fresh shares; what is not available any more is noted as owed.
func (o *Orders) freezeTransfers(tx *db.Tx, d *Dispute, full *Order, fresh []DisputeShare) ([]ledger.Transfer, error) {
	var available map[ledger.Account]int64
	purses := (&Dispute{Shares: fresh}).purses()
	if len(purses) > 0 {
		var err error
		if available, err = ledger.Take(tx, full.Currency, purses...); err != nil {
			return nil, err
		}
	}
	var out []ledger.Transfer
	for _, p := range o.disputePostings(&Dispute{ID: d.ID, Shares: fresh}, full) {
		p.Available = available
		transfers, err := p.Frozen()
		if err != nil {
			return nil, err
		}
		out = append(out, transfers...)
		for _, t := range transfers {
			for _, leg := range t.Legs {
				if _, known := available[leg.Account]; known {
					available[leg.Account] += leg.Amount
				}
				if slices.ContainsFunc(purses, func(x ledger.Purse) bool { return x.Owes == leg.Account }) {
					i := slices.IndexFunc(fresh, func(s DisputeShare) bool { return s.Part == p.Sale.Part })
					fresh[i].Owed -= leg.Amount
				}
			}
		}
	}
	return out, nil
}

// purses are those of everybody whose money was available when it was frozen.
func (d *Dispute) purses() []ledger.Purse {
	var list []ledger.Purse
	for _, s := range d.Shares {
		if !s.Released {
			continue
		}
		if p := ledger.BrandPurse(s.Brand); !slices.Contains(list, p) {
			list = append(list, p)
		}
		if p := ledger.CreatorPurse(s.Creator); s.Creator != "" && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// thaw reverses what was frozen; what was paid meanwhile for a debt that is none becomes available.
func (o *Orders) thaw(tx *db.Tx, d *Dispute, full *Order) error {
	var keys []string
	for _, p := range o.disputePostings(d, full) {
		keys = append(keys, p.Keys()...)
	}
	absent, err := ledger.Missing(tx, keys...)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if slices.Contains(absent, k) {
			continue
		}
		if _, err := ledger.Reverse(tx, k, k+":thawed"); err != nil {
			return err
		}
	}
	if purses := d.purses(); len(purses) > 0 {
		return ledger.Recover(tx, string(d.ID), full.Currency, purses...)
	}
	return nil
}

// commissions are what a dispute is about of the creators' commissions.
func (d *Dispute) commissions() []affiliate.Taken {
	return append(d.commissionsOf(false), d.commissionsOf(true)...)
}

func (d *Dispute) commissionsOf(released bool) []affiliate.Taken {
	var taken []affiliate.Taken
	for _, s := range d.Shares {
		if s.Creator != "" && s.Released == released {
			c := d.Amount.Currency
			taken = append(taken, affiliate.Taken{Line: s.Line, Base: money.Of(s.Base, c), Amount: money.Of(s.Commission, c)})
		}
	}
	return taken
}

// restockLost puts back on the shelf what was never sent and is not sold any more.
func restockLost(tx *db.Tx, before, after *Order) error {
	for i, l := range before.Lines {
		n := l.Left() - after.Lines[i].Left()
		if n <= 0 || l.Shipped {
			continue
		}
		var put int64
		if err := tx.Row(`SELECT CAST(COALESCE(SUM(restocked), 0) AS BIGINT) FROM refund_lines WHERE line_id = $1`, l.ID).Scan(&put); err != nil {
			return err
		}
		if n = min(n, l.Quantity-put); n <= 0 {
			continue
		}
		if _, err := catalog.PutBack(tx, before.ID, catalog.Item{Variant: l.Variant, Quantity: n}); err != nil {
			return err
		}
	}
	return nil
}

// DisputeSums are what a dispute is about for one brand.
type DisputeSums struct {
	Amount    money.Amount // of what the buyer paid for its part
	Own       money.Amount // of it, the brand's own money, with the taxes it collects
	Creators  money.Amount
	Platform  money.Amount // its fee, taxes and the shipping
	Owed      money.Amount // what was paid out already
	Available bool         // the money was available when it was frozen
}

// Of returns the sums of one brand.
func (d *Dispute) Of(brand id.Brand) DisputeSums {
	return d.sums(func(s DisputeShare) bool { return s.Brand == brand })
}

// All returns the sums of everybody.
func (d *Dispute) All() DisputeSums { return d.sums(func(DisputeShare) bool { return true }) }

func (d *Dispute) sums(of func(DisputeShare) bool) DisputeSums {
	zero := money.Of(0, d.Amount.Currency)
	sums := DisputeSums{Amount: zero, Own: zero, Creators: zero, Platform: zero, Owed: zero}
	for _, s := range d.Shares {
		if !of(s) {
			continue
		}
		sums.Amount.Minor += s.Amount
		sums.Own.Minor += s.Portion.Brand + s.BrandTax
		sums.Creators.Minor += s.Commission
		sums.Owed.Minor += s.Owed
		sums.Available = sums.Available || s.Released
	}
	sums.Platform.Minor = sums.Amount.Minor - sums.Own.Minor - sums.Creators.Minor
	return sums
}
