package order

import (
	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// paid turns a placed order into a paid one, in the caller's transaction: states, stock, attribution
// with its receipts, frozen shares, commissions, ledger transfers, timeline and fact commit together.
// late says that the order was closed before the money came: it must be given back.
func (o *Orders) paid(tx *db.Tx, p payment, charge Charge, caughtUp bool) (late bool, err error) {
	ord, err := loadOrder(tx, p.order)
	if err != nil {
		return false, err
	}
	switch {
	case orderPays.allows(ord.State):
	case p.state == PaySucceeded || p.state == PayRefunded:
		return false, nil // told again
	default:
		// Whatever the attempt was taken for meanwhile, the provider has the money.
		_, err := tx.Exec(payComesLate.update(`provider_ref = $1, reason = $2, updated_at = $3`)+`id = $4`, charge.Ref, tooLate, db.Micros(tx.Now()), p.id)
		return true, err
	}
	if err := notePayment(tx, p, paySucceeds, charge); err != nil {
		return false, err
	}
	if err := catalog.Sell(tx, ord.ID); err != nil {
		return false, err
	}
	if ord.Discounts.Minor > 0 { // nothing else is held
		if err := voucher.MarkUsed(tx, ord.ID); err != nil {
			return false, err
		}
	}
	sale := o.sale(&ord, tx, caughtUp)
	if err := addCodes(tx, &ord, &sale); err != nil {
		return false, err
	}
	sale.Marks = ord.Address.marks(charge.Fingerprint)
	decisions, err := affiliate.Decide(tx, sale)
	if err != nil {
		return false, err
	}
	if err := o.freeze(&ord, decisions); err != nil {
		return false, err
	}
	if err := storePaid(tx, &ord); err != nil {
		return false, err
	}
	if err := o.bookPaid(tx, &ord, decisions); err != nil {
		return false, err
	}
	if err := account.AddMarks(tx, ord.Account, sale.Marks...); err != nil {
		return false, err
	}
	if err := addStep(tx, ord.ID, "", "paid", "", string(AsBuyer)); err != nil {
		return false, err
	}
	return false, event.Emit(tx, paidFact(&ord, decisions))
}

// sale is what attribution needs of an order.
func (o *Orders) sale(ord *Order, tx *db.Tx, caughtUp bool) affiliate.Sale {
	s := affiliate.Sale{Order: ord.ID, Viewer: ord.Viewer, Account: ord.Account, Email: ord.Email, PlacedAt: ord.PlacedAt, At: tx.Now(), CaughtUp: caughtUp}
	for _, l := range ord.Lines {
		s.Lines = append(s.Lines, affiliate.SaleLine{Line: l.ID, Part: l.Part, Brand: l.Brand, Product: l.Product, Base: l.Base})
	}
	return s
}

// freeze divides every line by the decision made for it and gives each part its hold: the longest
// its programs ask for, the house's own where none does.
func (o *Orders) freeze(ord *Order, decisions map[id.Line]affiliate.Decision) error {
	for i := range ord.Lines {
		l := &ord.Lines[i]
		d := decisions[l.ID]
		l.Creator, l.Program, l.Rate, l.FeeRate = d.Creator, d.Program, d.Rate, o.options.Fee
		rate := d.Rate
		if d.Waiting {
			rate = d.Most // kept in suspense until the creator is known
		}
		frozen, err := Freeze(l.Net(), l.Base, rate, o.options.Fee)
		if err != nil {
			return err
		}
		l.Frozen = frozen
	}
	for i := range ord.Parts {
		part := &ord.Parts[i]
		asked := false
		for _, l := range ord.linesOf(part.ID) {
			if d := decisions[l.ID]; d.Program != "" || d.Most > 0 {
				part.HoldDays, asked = max(part.HoldDays, d.HoldDays), true
			}
		}
		if !asked {
			part.HoldDays = o.options.HoldDays
		}
	}
	return nil
}

// storePaid writes what freezing and paying changed.
func storePaid(tx *db.Tx, ord *Order) error {
	now := db.Micros(tx.Now())
	ord.State, ord.PaidAt = Paid, tx.Now()
	if _, err := tx.Exec(orderPays.update(`paid_at = $1, version = version + 1`)+`id = $2`, now, ord.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE carts SET state = 'ordered', updated_at = $1 WHERE id = $2`, now, ord.Cart); err != nil {
		return err
	}
	for i := range ord.Parts {
		part := &ord.Parts[i]
		part.State, part.PaidAt = Paid, tx.Now()
		part.ShipBy = shipBy(tx.Now(), part.HandlingDays)
		_, err := tx.Exec(partPays.update(`paid_at = $1, hold_days = $2, brand_pending_minor = $3, ship_by = $4, version = version + 1`)+`id = $5`,
			now, part.HoldDays, brandPending(ord, part).Minor, db.Micros(part.ShipBy), part.ID)
		if err != nil {
			return err
		}
	}
	for _, l := range ord.Lines {
		_, err := tx.Exec(`UPDATE order_lines SET creator_id = $1, program_id = $2, commission_bps = $3, commission_minor = $4, fee_bps = $5, fee_minor = $6, brand_minor = $7 WHERE id = $8`,
			l.Creator, l.Program, int64(l.Rate), l.Frozen.Commission.Minor, int64(l.FeeRate), l.Frozen.Fee.Minor, l.Frozen.Brand.Minor, l.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

// brandPending is what the ledger holds for the brand of a paid part: what refunds and disputes left of its shares of
// the goods and of the taxes it collects itself. Its shipping follows when it ships.
func brandPending(ord *Order, part *Part) money.Amount {
	sum := money.Of(0, ord.Currency)
	for _, l := range ord.linesOf(part.ID) {
		sum.Minor += l.Frozen.Brand.Minor - l.Back.Brand - l.Held.Brand - l.Lost.Brand
		if l.Tax.CollectedBy == ByBrand {
			sum.Minor += l.Tax.Amount.Minor - l.Back.Tax - l.Held.Tax - l.Lost.Tax
		}
	}
	if part.ShippingTax.CollectedBy == ByBrand && !part.ShippingBack {
		sum.Minor += part.ShippingTax.Amount.Minor - part.ShippingHeld.Tax - part.ShippingLost.Tax
	}
	return sum
}

// paidFact is what the log is told of a paid order.
func paidFact(ord *Order, decisions map[id.Line]affiliate.Decision) event.OrderPaid {
	return event.OrderPaid{Order: ord.ID, Viewer: ord.Viewer, Currency: ord.Currency, Total: ord.Total, PlacedAt: ord.PlacedAt, Lines: saleLines(ord, decisions)}
}

// saleLines are what refunds have left of the lines, as the log knows them; without decisions they carry no
// winning touch.
func saleLines(ord *Order, decisions map[id.Line]affiliate.Decision) []event.SaleLine {
	lines := make([]event.SaleLine, 0, len(ord.Lines))
	for _, l := range ord.Lines {
		if l.Left() == 0 {
			continue
		}
		line := l.fact(Back{Quantity: l.Left(), Brand: l.Frozen.Brand.Minor - l.Back.Brand - l.Lost.Brand,
			Commission: l.Frozen.Commission.Minor - l.Back.Commission - l.Lost.Commission, Fee: l.Frozen.Fee.Minor - l.Back.Fee - l.Lost.Fee,
			Base: max(0, l.Base.Minor-l.Back.Base-l.Lost.Base)})
		line.Touch, line.Waiting = wonBy(decisions[l.ID]), l.undecided()
		lines = append(lines, line)
	}
	return lines
}

// fact is so much of a line as the log knows it.
func (l Line) fact(of Back) event.SaleLine {
	return event.SaleLine{Line: l.ID, Part: l.Part, Variant: l.Variant, Product: l.Product, Brand: l.Brand, Quantity: of.Quantity,
		GMV: of.Base, Fee: of.Fee, Creator: l.Creator, Program: l.Program, Rate: l.Rate, Commission: of.Commission}
}

// whole is all that the line was sold for.
func (l Line) whole() Back {
	return Back{Quantity: l.Quantity, Brand: l.Frozen.Brand.Minor, Commission: l.Frozen.Commission.Minor, Fee: l.Frozen.Fee.Minor, Base: l.Base.Minor}
}

// wonBy is the winning touch as the log knows it; nil when nobody won.
func wonBy(d affiliate.Decision) *event.SaleTouch {
	if d.Touch == "" {
		return nil
	}
	return &event.SaleTouch{Touch: d.Touch, At: d.ClickedAt, Request: d.Request, Slot: uint8(d.Slot), Surface: d.Surface, Video: d.Video, Showcase: d.Showcase}
}
