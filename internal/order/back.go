package order

import (
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// Back is what refunds took back of a line, in minor units: Brand + Commission + Fee of its goods, Off of what
// the platform's voucher paid of them, and Base of the commission base.
type Back struct{ Quantity, Tax, Brand, Commission, Fee, Off, Base int64 }

// Net returns what of the line's goods was taken back.
func (b Back) Net() int64 { return b.Brand + b.Commission + b.Fee }

// base returns what of the commission base goes with so much of a line's goods and of what the platform's voucher
// paid of them, after all that refunds and disputes took: the goods less what of them the voucher paid without the tax
// in it, so that a whole series comes to all of the base.
func (l Line) base(net, off int64) int64 {
	net += l.Back.Net() + l.Lost.net() + l.Held.net()
	off += l.Back.Off + l.Lost.Voucher + l.Held.Voucher
	less := l.Net().Minor - l.Base.Minor
	if l.Off.Platform > 0 {
		less = money.Portion(less, off, l.Off.Platform)
	}
	return max(0, min(net-less, l.Base.Minor)-l.Back.Base-l.Lost.Base-l.Held.Base)
}

// Open reports whether something of the line is still to be sent.
func (l Line) Open() bool { return !l.Shipped && l.Left() > 0 }

// sold is a line as the ledger knows it, as it was frozen at its sale.
func (ord *Order) sold(l Line) ledger.SaleLine {
	return ledger.SaleLine{Line: l.ID, Goods: l.Net().Minor, Voucher: l.Off.Platform, Fee: l.Frozen.Fee.Minor, Creator: l.Creator,
		Commission: l.Frozen.Commission.Minor, Undecided: l.undecided(), Taxes: ord.taxes(l.Tax)}
}

// taken is what refunds took back of a line, as the ledger knows it.
func (ord *Order) taken(l Line, b Back) ledger.SaleLine {
	taken := ledger.SaleLine{Line: l.ID, Goods: b.Net(), Voucher: b.Off, Fee: b.Fee, Creator: l.Creator, Commission: b.Commission}
	if taken.Taxes = ord.taxes(l.Tax); len(taken.Taxes) > 0 {
		taken.Taxes[0].Amount = b.Tax
	}
	return taken
}

// reckon works out what a refund takes back, from the frozen lines and what was taken of them before.
func (o *Orders) reckon(full *Order, part *Part, in NewRefund) (Refund, error) {
	r := Refund{Order: full.ID, Part: part.ID, Brand: part.Brand, State: RefundRequested, wasShipped: !part.ShippedAt.IsZero(),
		wasEarned: !part.DeliveredAt.IsZero(), wasReleased: part.State == Completed}
	for _, m := range []*money.Amount{&r.Amount, &r.Shipping, &r.FromBrand, &r.Commission, &r.Fee, &r.Tax, &r.Owed} {
		*m = money.Of(0, full.Currency)
	}
	for _, u := range in.Lines {
		l := full.line(u.Line)
		if l.undecided() {
			return r, fault.New(fault.Conflict, "Who earns by %s is still being decided. Ask again in a moment.", l.Title).WithType("attribution_waiting").After(2 * time.Second)
		}
		if u.Quantity > l.Left() {
			return r, fault.New(fault.Conflict, "Of %s, %d of %d are left to refund. Nothing was refunded.", l.Title, l.Left(), l.Quantity).WithType("over_refund")
		}
		got, err := full.backOf(*l, u.Quantity)
		if err != nil {
			return r, err
		}
		back := Back{Quantity: u.Quantity, Brand: got.BrandShare(), Commission: got.Commission, Fee: got.Fee, Off: got.Voucher}
		for _, t := range got.Taxes {
			back.Tax += t.Amount
		}
		back.Base = l.base(back.Net(), back.Off)
		r.Lines = append(r.Lines, RefundLine{Line: l.ID, Quantity: u.Quantity, Amount: money.Of(got.Paid(), full.Currency), back: back})
		r.Amount.Minor += got.Paid()
		r.FromBrand.Minor, r.Commission.Minor = r.FromBrand.Minor+back.Brand, r.Commission.Minor+back.Commission
		r.Fee.Minor, r.Tax.Minor = r.Fee.Minor+back.Fee, r.Tax.Minor+back.Tax
		l.Back.add(back, 1)
	}
	r.full = true
	for _, l := range full.linesOf(part.ID) {
		r.full = r.full && l.Left() == 0
	}
	if err := r.takeShipping(full, part, in); err != nil {
		return r, err
	}
	if r.Amount.Minor == 0 {
		return r, fault.New(fault.Conflict, "Nothing was paid for this, so there is nothing to give back.").WithType("over_refund")
	}
	return r, nil
}

// takeShipping adds the shipping to a refund that asks for it, once for each part. Where nothing was sent
// and nothing is left to send, it goes back unasked: nobody ships an empty parcel.
func (r *Refund) takeShipping(full *Order, part *Part, in NewRefund) error {
	unsent := part.State == Paid && r.full
	for _, l := range full.linesOf(part.ID) {
		unsent = unsent && !l.Shipped
	}
	if in.Shipping && part.ShippingBack {
		return fault.New(fault.Conflict, "The shipping of this part was refunded already. Nothing was refunded now.").WithType("over_refund")
	}
	if (!in.Shipping && !unsent) || part.ShippingBack || part.Shipping.Minor+part.ShippingTax.Added() == 0 {
		return nil
	}
	if !part.shippingRefundable() {
		if !in.Shipping {
			return nil
		}
		return fault.New(fault.Conflict, "The buyer's bank has taken back what it decided of this shipping. Nothing was refunded now.").WithType("over_refund")
	}
	r.withShipping = true
	r.shippingNet, r.shippingTax = part.shippingLeft()
	r.Shipping.Minor = r.shippingNet + r.shippingTax
	r.Amount.Minor += r.Shipping.Minor
	if r.wasShipped && part.Label > 0 {
		r.fromPurse, r.shippingMargin = true, max(0, r.shippingNet-part.Label)
	}
	r.FromBrand.Minor, r.Fee.Minor = r.FromBrand.Minor+r.shippingNet-r.shippingMargin, r.Fee.Minor+r.shippingMargin
	r.Tax.Minor += r.shippingTax
	return nil
}

// backOf reckons what units of a line give back: by the line as it was sold, or, where a lost dispute has
// taken some of it, by what is left for the units that are left.
func (ord *Order) backOf(l Line, units int64) (ledger.SaleLine, error) {
	if l.Lost == (Portion{}) {
		return ord.sold(l).Back(ord.taken(l, l.Back), l.Back.Quantity, units, l.Quantity)
	}
	return ord.unlost(l).Less(ord.taken(l, l.Back)).Back(ledger.SaleLine{}, 0, units, l.Left())
}

func (b *Back) add(more Back, sign int64) {
	b.Quantity, b.Tax, b.Brand = b.Quantity+sign*more.Quantity, b.Tax+sign*more.Tax, b.Brand+sign*more.Brand
	b.Commission, b.Fee = b.Commission+sign*more.Commission, b.Fee+sign*more.Fee
	b.Off, b.Base = b.Off+sign*more.Off, b.Base+sign*more.Base
}

func (ord *Order) line(lid id.Line) *Line {
	for i := range ord.Lines {
		if ord.Lines[i].ID == lid {
			return &ord.Lines[i]
		}
	}
	return nil
}

// posting is the refund as the ledger posts it.
func (o *Orders) posting(full *Order, part *Part, r *Refund) ledger.Refund {
	s := o.emptySale(full, part)
	for _, l := range r.Lines {
		s.Lines = append(s.Lines, full.taken(*full.line(l.Line), l.back))
	}
	if r.withShipping {
		s.Shipping = o.soldShipping(full, part)
		s.Shipping.Lost = 0
	}
	return ledger.Refund{ID: r.ID, Sale: s, Shipped: r.wasShipped, Delivered: r.wasEarned, Released: r.wasReleased}
}

// purses are those of the brand and of the creators who earned on the refund's lines.
func (r *Refund) purses(full *Order) []ledger.Purse {
	purses := []ledger.Purse{ledger.BrandPurse(r.Brand)}
	seen := map[id.Creator]bool{"": true}
	for _, l := range r.Lines {
		if c := full.line(l.Line).Creator; !seen[c] {
			purses, seen[c] = append(purses, ledger.CreatorPurse(c)), true
		}
	}
	return purses
}

// refundTransfers are the postings of a refund; what is not available any more is noted as owed.
func (o *Orders) refundTransfers(tx *db.Tx, full *Order, part *Part, r *Refund) ([]ledger.Transfer, error) {
	p := o.posting(full, part, r)
	if r.wasReleased || r.fromPurse {
		var err error
		if p.Available, err = ledger.Take(tx, full.Currency, r.purses(full)...); err != nil {
			return nil, err
		}
	}
	transfers, err := ledger.Refunded(p)
	for _, t := range transfers {
		for _, leg := range t.Legs {
			for _, purse := range r.purses(full) {
				if leg.Account == purse.Owes {
					r.Owed.Minor -= leg.Amount
				}
			}
		}
	}
	return transfers, err
}

// restock puts units back on the shelf as asked, never more than were refunded: a refund that failed may
// have put them there already.
func restock(tx *db.Tx, full *Order, l *RefundLine, asked *bool) error {
	line := full.line(l.Line)
	if asked != nil && !*asked || asked == nil && line.Shipped {
		return nil
	}
	var before int64
	if err := tx.Row(`SELECT CAST(COALESCE(SUM(restocked), 0) AS BIGINT) FROM refund_lines WHERE line_id = $1`, l.Line).Scan(&before); err != nil {
		return err
	}
	n := min(l.Quantity, line.Back.Quantity-before)
	if n <= 0 {
		return nil
	}
	var err error
	l.Restocked, err = catalog.PutBack(tx, full.ID, catalog.Item{Variant: line.Variant, Quantity: n})
	return err
}

// commissions are what a refund takes back of the creators' commissions.
func (r *Refund) commissions() []affiliate.Taken {
	var taken []affiliate.Taken
	for _, l := range r.Lines {
		taken = append(taken, affiliate.Taken{Line: l.Line, Base: money.Of(l.back.Base, r.Amount.Currency), Amount: money.Of(l.back.Commission, r.Amount.Currency)})
	}
	return taken
}
