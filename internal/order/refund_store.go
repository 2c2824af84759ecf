package order

import (
	"database/sql"
	"errors"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// claimRefund takes an amount of what was captured for an order and not given back yet: the one place that
// keeps all refunds and disputes together from exceeding it. It returns the payment.
func claimRefund(tx *db.Tx, ord id.Order, minor int64) (id.Payment, error) {
	var pay id.Payment
	err := tx.Row(`UPDATE payments SET refunded_minor = refunded_minor + $1, updated_at = $2
		WHERE order_id = $3 AND state = 'succeeded' AND refunded_minor + disputed_minor + $1 <= amount_minor RETURNING id`, minor, db.Micros(tx.Now()), ord).Scan(&pay)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fault.New(fault.Conflict, "This is more than is left of what the buyer paid. Nothing was refunded.").WithType("over_refund")
	}
	return pay, err
}

func (r *Refund) insert(tx *db.Tx, actor string) error {
	_, err := tx.Exec(`INSERT INTO refunds(id, order_id, part_id, brand_id, payment_id, currency, amount_minor, shipping_minor, shipping_tax_minor, with_shipping, shipping_margin_minor,
		reason, actor, by_operator, was_shipped, was_delivered, was_released, owed_minor, full_goods, state, created_at, updated_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,'requested',$20,$20)`,
		r.ID, r.Order, r.Part, r.Brand, r.payment, r.Amount.Currency, r.Amount.Minor, r.shippingNet, r.shippingTax, db.Flag(r.withShipping), r.shippingMargin,
		r.Reason, actor, db.Flag(r.ByOperator), db.Flag(r.wasShipped), db.Flag(r.wasEarned), db.Flag(r.wasReleased), r.Owed.Minor, db.Flag(r.full), db.Micros(r.CreatedAt))
	if db.IsUnique(err) {
		return fault.Wrap(fault.Conflict, err, "The shipping of this part was refunded already. Nothing was refunded now.").WithType("over_refund")
	}
	if err != nil || len(r.Lines) == 0 {
		return err
	}
	var rows db.Values
	for _, l := range r.Lines {
		rows.Row(r.ID, l.Line, l.Quantity, l.Restocked, l.Amount.Minor, l.back.Base, l.back.Tax, l.back.Brand, l.back.Commission, l.back.Fee, l.back.Off)
	}
	_, err = tx.Exec(`INSERT INTO refund_lines(refund_id, line_id, quantity, restocked, amount_minor, base_minor, tax_minor, brand_minor, commission_minor, fee_minor, platform_off_minor)
		VALUES `+rows.Text(), rows.Args()...)
	return err
}

// apply adds a refund to what was taken back of its lines, part, order and commissions; with a sign of -1
// it takes a failed one off again.
func (r *Refund) apply(tx *db.Tx, sign int64) error {
	for _, l := range r.Lines {
		n, err := tx.Exec(`UPDATE order_lines SET back_quantity = back_quantity + $1, back_tax_minor = back_tax_minor + $2, back_brand_minor = back_brand_minor + $3,
			back_commission_minor = back_commission_minor + $4, back_fee_minor = back_fee_minor + $5, back_platform_off_minor = back_platform_off_minor + $6, back_base_minor = back_base_minor + $7
			WHERE id = $8 AND back_quantity + $1 BETWEEN 0 AND quantity`,
			sign*l.back.Quantity, sign*l.back.Tax, sign*l.back.Brand, sign*l.back.Commission, sign*l.back.Fee, sign*l.back.Off, sign*l.back.Base, l.Line)
		if err == nil && n != 1 {
			err = fault.New(fault.Conflict, "This line was refunded in this very moment. Look again.").WithType("over_refund")
		}
		if err != nil {
			return err
		}
	}
	shipping := int64(0)
	if r.withShipping {
		shipping = sign
	}
	if _, err := tx.Exec(`UPDATE order_parts SET refunded_minor = refunded_minor + $1, shipping_back = shipping_back + $2, version = version + 1 WHERE id = $3`,
		sign*r.Amount.Minor, shipping, r.Part); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE orders SET refunded_minor = refunded_minor + $1, version = version + 1 WHERE id = $2`, sign*r.Amount.Minor, r.Order); err != nil {
		return err
	}
	return affiliate.TakeBack(tx, r.commissions(), sign)
}

// moveOn brings a part to where a refund leaves it: called off when nothing of it was sent and nothing is
// left to send, shipped or delivered when what was left to send has been refunded.
func (o *Orders) moveOn(tx *db.Tx, ord id.Order, pid id.Part, by canceller) error {
	full, err := loadOrder(tx, ord)
	if err != nil {
		return err
	}
	part := full.part(pid)
	if err := storePending(tx, &full, part); err != nil || part.State != Paid {
		return err
	}
	sent := false
	for _, l := range full.linesOf(pid) {
		if l.Open() {
			return nil
		}
		sent = sent || l.Shipped
	}
	if !sent {
		return o.callOff(tx, &full, part, by)
	}
	if err := o.partShipped(tx, &full, part, ledger.Label{}); err != nil {
		return err
	}
	part.State, part.ShippedAt = Shipped, tx.Now()
	return o.allArrived(tx, &full, part, "")
}

// storePending notes what the ledger holds for the brand of a part.
func storePending(tx *db.Tx, full *Order, part *Part) error {
	pending := brandPending(full, part)
	if !part.ShippedAt.IsZero() {
		pending.Minor += part.carried()
	}
	_, err := tx.Exec(`UPDATE order_parts SET brand_pending_minor = $1 WHERE id = $2`, pending.Minor, part.ID)
	return err
}

// callOff ends a part that was refunded whole before anything of it was sent, and the order with its last.
func (o *Orders) callOff(tx *db.Tx, full *Order, part *Part, by canceller) error {
	now := db.Micros(tx.Now())
	if _, err := tx.Exec(partRecalls.update(`cancelled_at = $1, cancelled_by = $2, version = version + 1`)+`id = $3`, now, by, part.ID); err != nil {
		return err
	}
	if by == byTheBrand {
		var lines []id.Line
		for _, l := range full.linesOf(part.ID) {
			lines = append(lines, l.ID)
		}
		if err := affiliate.BrandCancelled(tx, lines); err != nil {
			return err
		}
	}
	says := "All of it was refunded before it was sent."
	if by == byTheBank {
		says = "The buyer's bank took back all that was paid before it was sent."
	}
	if err := addStep(tx, full.ID, part.ID, "cancelled", says, "platform"); err != nil {
		return err
	}
	n, err := tx.Exec(orderRecalls.update(`closed_at = $1, closed_reason = 'refunded', version = version + 1`)+`id = $2
		AND NOT EXISTS (SELECT 1 FROM order_parts p WHERE p.order_id = orders.id AND p.state <> 'cancelled')`, now, full.ID)
	if err != nil || n == 0 {
		return err
	}
	return voucher.GiveBack(tx, full.ID)
}

// refundOf reads a refund; Missing when there is none.
func refundOf(tx *db.Tx, rid id.Refund) (Refund, error) {
	list, err := refundsWhere(tx, `r.id = $1`, string(rid))
	if err == nil && len(list) == 0 {
		err = missing("refund")
	}
	if err != nil {
		return Refund{}, err
	}
	return list[0], nil
}

// refundsWhere reads refunds with their lines, oldest first.
func refundsWhere(tx *db.Tx, where, arg string) ([]Refund, error) {
	list, err := db.All(tx, scanRefund, `SELECT `+refundColumns+` FROM refunds r WHERE `+where+` ORDER BY r.id`, arg)
	for i := range list {
		if err == nil {
			err = list[i].loadLines(tx)
		}
	}
	return list, err
}

const refundColumns = `r.id, r.order_id, r.part_id, r.brand_id, r.payment_id, r.currency, r.amount_minor, r.shipping_minor, r.shipping_tax_minor,
	r.with_shipping, r.shipping_margin_minor, r.reason, r.by_operator, r.was_shipped, r.was_delivered, r.was_released, r.owed_minor, r.full_goods, r.state, r.failure, r.created_at, r.settled_at`

func scanRefund(rows *sql.Rows) (Refund, error) {
	var r Refund
	var c money.Currency
	var amount, owed, created, settled int64
	err := rows.Scan(&r.ID, &r.Order, &r.Part, &r.Brand, &r.payment, &c, &amount, &r.shippingNet, &r.shippingTax, &r.withShipping, &r.shippingMargin, &r.Reason, &r.ByOperator,
		&r.wasShipped, &r.wasEarned, &r.wasReleased, &owed, &r.full, &r.State, &r.Failure, &created, &settled)
	r.Amount, r.Shipping, r.Owed = money.Of(amount, c), money.Of(r.shippingNet+r.shippingTax, c), money.Of(owed, c)
	r.FromBrand, r.Tax = money.Of(r.shippingNet-r.shippingMargin, c), money.Of(r.shippingTax, c)
	r.Commission, r.Fee = money.Of(0, c), money.Of(r.shippingMargin, c)
	r.CreatedAt, r.SettledAt = db.Time(created), db.Time(settled)
	return r, err
}

func (r *Refund) loadLines(tx *db.Tx) (err error) {
	r.Lines, err = db.All(tx, func(rows *sql.Rows) (RefundLine, error) {
		var l RefundLine
		err := rows.Scan(&l.Line, &l.Quantity, &l.Restocked, &l.Amount.Minor, &l.back.Tax, &l.back.Brand, &l.back.Commission, &l.back.Fee, &l.back.Off, &l.back.Base)
		l.Amount.Currency, l.back.Quantity = r.Amount.Currency, l.Quantity
		return l, err
	}, `SELECT line_id, quantity, restocked, amount_minor, tax_minor, brand_minor, commission_minor, fee_minor, platform_off_minor, base_minor FROM refund_lines WHERE refund_id = $1 ORDER BY line_id`, r.ID)
	for _, l := range r.Lines {
		r.FromBrand.Minor, r.Commission.Minor = r.FromBrand.Minor+l.back.Brand, r.Commission.Minor+l.back.Commission
		r.Fee.Minor, r.Tax.Minor = r.Fee.Minor+l.back.Fee, r.Tax.Minor+l.back.Tax
	}
	return err
}
