package order

import (
	"context"
	"database/sql"
	"errors"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

func knownDispute(state DisputeState) error {
	if _, known := disputeStates[state]; state != "" && !known {
		return fault.InvalidField("query.state", "A dispute is open, won or lost.")
	}
	return nil
}

// BrandDisputes returns the disputes of a brand's orders in the state ("" any), newest first, from after one
// of them. Of each it sees its own shares and its own evidence.
func (o *Orders) BrandDisputes(ctx context.Context, who account.Asker, brand id.Brand, state DisputeState, after id.Dispute, limit int) ([]Dispute, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return nil, err
	}
	if err := knownDispute(state); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Dispute, error) {
		list, err := disputesWhere(tx, `EXISTS (SELECT 1 FROM order_parts p WHERE p.order_id = d.order_id AND p.brand_id = $1) AND ($2 = '' OR d.state = $2) AND ($3 = '' OR d.id < $3)
			ORDER BY d.id DESC LIMIT $4`, string(brand), string(state), string(after), int64(min(max(limit, 1), MaxPage+1)))
		for i := range list {
			if err == nil {
				err = list[i].seenBy(tx, brand)
			}
		}
		return list, err
	})
}

// BrandDispute returns one dispute of a brand's order; Missing for any other.
func (o *Orders) BrandDispute(ctx context.Context, who account.Asker, brand id.Brand, did id.Dispute) (Dispute, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return Dispute{}, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (Dispute, error) {
		d, err := disputeOf(tx, did)
		if err != nil {
			return Dispute{}, err
		}
		full, err := loadOrder(tx, d.Order)
		if err == nil && !full.hasBrand(brand) {
			err = missing("dispute")
		}
		if err != nil {
			return Dispute{}, err
		}
		return d, d.seenBy(tx, brand)
	})
}

// seenBy leaves of a dispute what one brand may see: not what the buyer paid to others.
func (d *Dispute) seenBy(tx *db.Tx, brand id.Brand) (err error) {
	var own []DisputeShare
	for _, s := range d.Shares {
		if s.Brand == brand {
			own = append(own, s)
		}
	}
	d.Shares = own
	d.Amount = d.All().Amount
	d.Covered, d.Fee = d.Amount, money.Of(0, d.Amount.Currency)
	all, err := evidenceOf(tx, d.ID)
	for _, e := range all {
		if e.Brand == brand {
			d.Evidence = append(d.Evidence, e)
		}
	}
	return err
}

// OperatorDisputes returns all disputes in the state ("" any), newest first, from after one of them.
func (o *Orders) OperatorDisputes(ctx context.Context, who account.Asker, state DisputeState, after id.Dispute, limit int) ([]Dispute, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	if err := knownDispute(state); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Dispute, error) {
		list, err := disputesWhere(tx, `($1 = '' OR d.state = $1) AND ($2 = '' OR d.id < $2) ORDER BY d.id DESC LIMIT $3`,
			string(state), string(after), int64(min(max(limit, 1), MaxPage+1)))
		for i := range list {
			if err == nil {
				list[i].Evidence, err = evidenceOf(tx, list[i].ID)
			}
		}
		return list, err
	})
}

// PaymentOf names the payment that paid an order, or was to; for the operator.
func (o *Orders) PaymentOf(ctx context.Context, who account.Asker, ord id.Order) (id.Payment, error) {
	if err := who.IsOperator(); err != nil {
		return "", err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (id.Payment, error) {
		p, err := latestPayment(tx, ord)
		if errors.Is(err, sql.ErrNoRows) {
			err = missing("order")
		}
		return p.id, err
	})
}

// Frozen reports whether everybody's share is known and held.
func (d *Dispute) Frozen() bool { return d.frozen }

// Ref is the provider's name for the dispute.
func (d *Dispute) Ref() string { return d.ref }
