package order

import (
	"context"
	"regexp"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// regionWord is a region that may name a tax account; what else was typed there is left out of it.
var regionWord = regexp.MustCompile(`^[A-Za-z0-9-]{1,10}$`)

// ledgerSale returns what is left of a part, as the ledger knows it: the frozen numbers of its lines less
// what refunds and lost disputes took of them.
func (o *Orders) ledgerSale(ord *Order, part *Part) ledger.Sale {
	s := o.emptySale(ord, part)
	if !part.ShippingBack {
		s.Shipping = o.soldShipping(ord, part)
	}
	for _, l := range ord.linesOf(part.ID) {
		s.Lines = append(s.Lines, ord.unlost(l).Less(ord.taken(l, l.Back)))
	}
	return s
}

// emptySale returns a part's sale without lines and shipping.
func (o *Orders) emptySale(ord *Order, part *Part) ledger.Sale {
	return ledger.Sale{Order: ord.ID, Part: part.ID, Brand: part.Brand, Provider: o.provider.Name(), Currency: ord.Currency, Shipping: ledger.Shipping{ByBrand: part.Label == 0, Label: part.Label}}
}

func (o *Orders) soldShipping(ord *Order, part *Part) ledger.Shipping {
	net, tax := part.shippingLeft()
	s := ledger.Shipping{Amount: net, Lost: part.ShippingLost.Shipping, ByBrand: part.Label == 0, Label: part.Label, Taxes: ord.taxes(part.ShippingTax)}
	if len(s.Taxes) > 0 {
		s.Taxes[0].Amount = tax
	}
	return s
}

// taxes returns a tax as the ledger knows it, none when nothing was paid.
func (ord *Order) taxes(t TaxLine) []ledger.Tax {
	if t.Amount.Minor == 0 {
		return nil
	}
	jurisdiction := t.Jurisdiction
	if jurisdiction == "" { // a line of before rates said it: by the address, as it was booked
		jurisdiction = ord.Address.Country
		if regionWord.MatchString(ord.Address.Region) {
			jurisdiction += "-" + ord.Address.Region
		}
	}
	return []ledger.Tax{{Jurisdiction: jurisdiction, Amount: t.Amount.Minor, ByBrand: t.CollectedBy == ByBrand}}
}

// undecided reports whether the line's commission waits in suspense for its creator.
func (l Line) undecided() bool { return l.Creator == "" && l.Frozen.Commission.Minor > 0 }

// bookPaid posts every part and creates the commissions.
func (o *Orders) bookPaid(tx *db.Tx, ord *Order, decisions map[id.Line]affiliate.Decision) error {
	sales := make([]ledger.Sale, len(ord.Parts))
	for i := range ord.Parts {
		sales[i] = o.ledgerSale(ord, &ord.Parts[i])
	}
	transfers, err := ledger.Paid(sales...)
	if err != nil {
		return err
	}
	if _, err := ledger.Post(tx, transfers...); err != nil {
		return err
	}
	var earned []affiliate.NewCommission
	for _, l := range ord.Lines {
		if l.Creator != "" {
			earned = append(earned, newCommission(ord.ID, l, decisions[l.ID]))
		}
	}
	_, err = affiliate.CreateCommissions(tx, earned)
	return err
}

func newCommission(ord id.Order, l Line, d affiliate.Decision) affiliate.NewCommission {
	return affiliate.NewCommission{Order: ord, Part: l.Part, Line: l.ID, Creator: l.Creator, Brand: l.Brand, Program: l.Program, Product: l.Product,
		Video: d.Video, Base: l.Base, Rate: l.Rate, Amount: l.Frozen.Commission}
}

// bookDelivered makes the fee the platform's own and says when the hold ends.
func (o *Orders) bookDelivered(tx *db.Tx, ord *Order, part *Part, release time.Time) error {
	transfers, err := ledger.Delivered(o.ledgerSale(ord, part))
	if err := post(tx, transfers, err); err != nil {
		return err
	}
	return affiliate.ScheduleCommissions(tx, part.ID, release)
}

// bookCancelled owes the buyer everything back and reverses what was earned.
func (o *Orders) bookCancelled(tx *db.Tx, ord *Order) error {
	var lines []id.Line
	for i := range ord.Parts {
		transfers, err := ledger.CancelledBeforeShipment(o.ledgerSale(ord, &ord.Parts[i]))
		if err := post(tx, transfers, err); err != nil {
			return err
		}
	}
	for _, l := range ord.Lines {
		lines = append(lines, l.ID)
	}
	if _, err := affiliate.ReverseCommissions(tx, lines, affiliate.OrderCancelled); err != nil {
		return err
	}
	_, err := affiliate.DecideWaiting(tx, ord.ID) // a line that waited has nothing left to earn
	return err
}

func post(tx *db.Tx, transfers []ledger.Transfer, err error) error {
	if err != nil || len(transfers) == 0 {
		return err
	}
	_, err = ledger.Post(tx, transfers...)
	return err
}

// shippingNet is a part's shipping without the tax contained in it.
func shippingNet(part *Part) int64 { return part.Shipping.Minor - part.ShippingTax.Contained() }

// decideWaiting decides the lines whose touches were not all stored when their order was paid.
func (o *Orders) decideWaiting(ctx context.Context) error {
	waiting, err := db.Get(ctx, o.db, func(tx *db.Tx) ([]Order, error) {
		ids, err := affiliate.Undecided(tx, SweepBatch)
		if err != nil {
			return nil, err
		}
		orders := make([]Order, 0, len(ids))
		for _, ord := range ids {
			full, err := loadOrder(tx, ord)
			if err != nil {
				return nil, err
			}
			orders = append(orders, full)
		}
		return orders, nil
	})
	for i := range waiting {
		if !o.log.Reached(ctx, waiting[i].Horizon, 0) {
			continue
		}
		if err := o.db.Write(ctx, func(tx *db.Tx) error { return o.decideOne(tx, waiting[i].ID) }); err != nil {
			return err
		}
	}
	return err
}

// decideOne settles the waiting lines of one order: what was suspended goes to the creator who won,
// and the rest to the brand.
func (o *Orders) decideOne(tx *db.Tx, ord id.Order) error {
	full, err := loadLocked(tx, ord)
	if err != nil {
		return err
	}
	decided, err := affiliate.DecideWaiting(tx, ord)
	if err != nil || full.State != Paid {
		return err
	}
	for i := range full.Lines {
		l := &full.Lines[i]
		d, ok := decided[l.ID]
		if !ok || !l.undecided() {
			continue
		}
		if err := o.unsuspend(tx, &full, l, d); err != nil {
			return err
		}
	}
	return nil
}

func (o *Orders) unsuspend(tx *db.Tx, full *Order, l *Line, d affiliate.Decision) error {
	suspended := l.Frozen.Commission.Minor
	frozen, err := Freeze(l.Net(), l.Base, d.Rate, l.FeeRate)
	if err != nil {
		return err
	}
	commission := min(frozen.Commission.Minor, suspended) // the fee was rounded with the suspended share
	if d.Creator == "" {
		commission = 0
	}
	transfers, err := ledger.SuspenseDecided(full.ID, l.ID, l.Brand, full.Currency, suspended, d.Creator, commission)
	if err := post(tx, transfers, err); err != nil {
		return err
	}
	l.Creator, l.Program, l.Rate = d.Creator, d.Program, d.Rate
	l.Frozen.Commission = money.Of(commission, full.Currency)
	l.Frozen.Brand.Minor += suspended - commission
	if _, err := tx.Exec(`UPDATE order_lines SET creator_id = $1, program_id = $2, commission_bps = $3, commission_minor = $4, brand_minor = $5 WHERE id = $6`,
		l.Creator, l.Program, int64(l.Rate), commission, l.Frozen.Brand.Minor, l.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE order_parts SET brand_pending_minor = brand_pending_minor + $1, version = version + 1 WHERE id = $2`, suspended-commission, l.Part); err != nil {
		return err
	}
	if d.Creator == "" {
		return nil
	}
	late := newCommission(full.ID, *l, d)
	late.Touch = wonBy(d) // the fact of the sale did not know it yet
	if _, err := affiliate.CreateCommissions(tx, []affiliate.NewCommission{late}); err != nil {
		return err
	}
	if part := full.part(l.Part); !part.ReleaseAt.IsZero() {
		return affiliate.ScheduleCommissions(tx, l.Part, part.ReleaseAt)
	}
	return nil
}
