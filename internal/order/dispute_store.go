package order

import (
	"database/sql"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// claimDispute takes for a dispute what is left of a captured payment, at most an amount: with claimRefund
// the one place that keeps refunds and disputes together from exceeding it. What the buyer has been given
// back already it does not cover.
func claimDispute(tx *db.Tx, pay payment, minor int64) (money.Amount, error) {
	var left int64
	covered := money.Of(0, pay.amount.Currency)
	if pay.state != PaySucceeded {
		return covered, nil
	}
	if err := tx.Row(`SELECT amount_minor - refunded_minor - disputed_minor FROM payments WHERE id = $1`, pay.id).Scan(&left); err != nil {
		return covered, err
	}
	covered.Minor = min(left, minor)
	n, err := tx.Exec(`UPDATE payments SET disputed_minor = disputed_minor + $1, updated_at = $2
		WHERE id = $3 AND state = 'succeeded' AND refunded_minor + disputed_minor + $1 <= amount_minor`, covered.Minor, db.Micros(tx.Now()), pay.id)
	if err == nil && n != 1 {
		err = fault.New(fault.Conflict, "This payment was refunded in this very moment. Ask again.").WithType("payment_running")
	}
	return covered, err
}

// returnDue is what of a payment that is given back whole the provider has not given back by refunds, nor
// taken by a dispute.
func returnDue(tx *db.Tx, pay payment) (int64, error) {
	var gone int64
	err := tx.Row(`SELECT CAST(p.disputed_minor + COALESCE((SELECT SUM(r.amount_minor) FROM refunds r WHERE r.payment_id = p.id AND r.state <> 'failed'), 0) AS BIGINT)
		FROM payments p WHERE p.id = $1`, pay.id).Scan(&gone)
	return pay.amount.Minor - gone, err
}

// takeReturned notes that a bank has taken what the provider was to give back.
func (d *Dispute) takeReturned(tx *db.Tx, minor int64) error {
	d.Covered.Minor += minor
	if _, err := tx.Exec(`UPDATE disputes SET covered_minor = $1 WHERE id = $2`, d.Covered.Minor, d.ID); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE payments SET disputed_minor = disputed_minor + $1, refunded_minor = CASE WHEN refunded_minor > $1 THEN refunded_minor - $1 ELSE 0 END WHERE id = $2`, minor, d.payment)
	return err
}

func (d *Dispute) insert(tx *db.Tx) error {
	now := db.Micros(tx.Now())
	_, err := tx.Exec(`INSERT INTO disputes(id, order_id, payment_id, provider, provider_ref, currency, amount_minor, covered_minor, fee_minor, reason, state,
		due_at, opened_at, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,'open',$11,$12,$13,$13)`,
		d.ID, d.Order, d.payment, d.provider, d.ref, d.Amount.Currency, d.Amount.Minor, d.Covered.Minor, d.Fee.Minor, d.Reason, db.Micros(d.DueBy), db.Micros(d.OpenedAt), now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE orders SET disputed = disputed + 1, version = version + 1 WHERE id = $1`, d.Order)
	return err
}

// close moves an open dispute to its end.
func (d *Dispute) close(tx *db.Tx, how move[DisputeState]) error {
	n, err := tx.Exec(how.update(`fee_back_minor = $1, closed_at = $2, updated_at = $2`)+`id = $3`, d.feeBack, db.Micros(tx.Now()), d.ID)
	if err == nil && n != 1 {
		err = fault.New(fault.Conflict, "This dispute is closed already.").WithType("wrong_state")
	}
	d.State, d.ClosedAt = how.to, tx.Now()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE orders SET version = version + 1 WHERE id = $1`, d.Order)
	return err
}

func insertShares(tx *db.Tx, did id.Dispute, shares []DisputeShare) error {
	var rows db.Values
	for _, s := range shares {
		rows.Row(did, s.round, s.Part, s.Line, s.Brand, s.Creator, s.Amount, s.Voucher, s.Tax, s.BrandTax, s.Portion.Brand, s.Commission, s.Fee, s.Shipping, db.Flag(s.Released), s.Owed, s.Base)
	}
	_, err := tx.Exec(`INSERT INTO dispute_shares(dispute_id, round, part_id, line_id, brand_id, creator_id, amount_minor, voucher_minor, tax_minor, brand_tax_minor,
		brand_minor, commission_minor, fee_minor, shipping_minor, was_released, owed_minor, base_minor) VALUES `+rows.Text(), rows.Args()...)
	return err
}

const disputeColumns = `d.id, d.order_id, d.payment_id, d.provider, d.provider_ref, d.currency, d.amount_minor, d.covered_minor, d.fee_minor, d.fee_back_minor, d.reason,
	d.state, d.frozen, d.due_at, d.evidence_at, d.evidence_sent_at, d.opened_at, d.closed_at`

func scanDispute(r *sql.Rows) (Dispute, error) {
	var d Dispute
	var c money.Currency
	var due, opened, closed int64
	err := r.Scan(&d.ID, &d.Order, &d.payment, &d.provider, &d.ref, &c, &d.Amount.Minor, &d.Covered.Minor, &d.Fee.Minor, &d.feeBack, &d.Reason,
		&d.State, &d.frozen, &due, &d.saidAt, &d.evidenceSent, &opened, &closed)
	d.Amount.Currency, d.Covered.Currency, d.Fee.Currency = c, c, c
	d.DueBy, d.OpenedAt, d.ClosedAt = db.Time(due), db.Time(opened), db.Time(closed)
	return d, err
}

// disputesWhere reads disputes with their shares.
func disputesWhere(tx *db.Tx, where string, args ...any) ([]Dispute, error) {
	list, err := db.All(tx, scanDispute, `SELECT `+disputeColumns+` FROM disputes d WHERE `+where, args...)
	for i := range list {
		if err == nil {
			list[i].Shares, err = sharesOf(tx, list[i].ID)
		}
	}
	return list, err
}

func sharesOf(tx *db.Tx, did id.Dispute) ([]DisputeShare, error) {
	list, err := db.All(tx, func(r *sql.Rows) (s DisputeShare, err error) {
		err = r.Scan(&s.round, &s.Part, &s.Line, &s.Brand, &s.Creator, &s.Amount, &s.Voucher, &s.Tax, &s.BrandTax, &s.Portion.Brand, &s.Commission, &s.Fee, &s.Shipping, &s.Released, &s.Owed, &s.Base)
		return s, err
	}, `SELECT round, part_id, line_id, brand_id, creator_id, amount_minor, voucher_minor, tax_minor, brand_tax_minor, brand_minor, commission_minor, fee_minor,
		shipping_minor, was_released, owed_minor, base_minor FROM dispute_shares WHERE dispute_id = $1 ORDER BY round, part_id, line_id`, did)
	if err != nil {
		return nil, err
	}
	return list, baseless(tx, list)
}

// baseless reckons the bases of shares older than their column: of each what it alone takes, whatever was taken
// of its line before or since.
func baseless(tx *db.Tx, list []DisputeShare) error {
	var of []id.Line
	var old []*DisputeShare
	for i := range list {
		if list[i].Base < 0 {
			list[i].Base = 0 // all there is of shipping
			of, old = append(of, list[i].Line), append(old, &list[i])
		}
	}
	if len(of) == 0 {
		return nil
	}
	in, args := db.In(1, of)
	lines, err := db.All(tx, scanLine, `SELECT `+lineColumns+` FROM order_lines l LEFT JOIN shipment_lines s ON s.line_id = l.id WHERE l.id IN `+in, args...)
	for _, l := range lines {
		l.Back = Back{}
		for _, s := range old {
			if s.Line == l.ID {
				s.Base = l.base(s.net(), s.Voucher)
			}
		}
	}
	return err
}

// disputeLocked takes the order of a dispute and reads the dispute; Missing when there is none.
func disputeLocked(tx *db.Tx, did id.Dispute) (Dispute, error) {
	d, err := disputeOf(tx, did)
	if err != nil || tx.Engine() == db.SQLite {
		return d, err
	}
	if err := lock(tx, d.Order); err != nil {
		return d, err
	}
	return disputeOf(tx, did)
}

func disputeOf(tx *db.Tx, did id.Dispute) (Dispute, error) {
	list, err := disputesWhere(tx, `d.id = $1`, did)
	if err == nil && len(list) == 0 {
		err = missing("dispute")
	}
	if err != nil {
		return Dispute{}, err
	}
	return list[0], nil
}

// loadDisputes adds an order's disputes to it: what open ones hold of its lines and what lost ones took.
func loadDisputes(tx *db.Tx, o *Order) (err error) {
	if o.Disputes, err = disputesWhere(tx, `d.order_id = $1 ORDER BY d.id`, o.ID); err != nil {
		return err
	}
	for _, d := range o.Disputes {
		if d.State == DisputeWon {
			continue
		}
		for _, s := range d.Shares {
			to := &o.part(s.Part).ShippingHeld
			switch l := o.line(s.Line); {
			case l != nil && d.State == DisputeOpen:
				to = &l.Held
			case l != nil:
				to = &l.Lost
			case d.State == DisputeLost:
				to = &o.part(s.Part).ShippingLost
			}
			to.add(s.Portion)
		}
	}
	return nil
}
