package order

import (
	"context"
	"errors"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// settleRefund asks the provider for a refund that waits for it, under the refund's own key, and stores
// the answer. It may be called any number of times, by anybody.
func (o *Orders) settleRefund(ctx context.Context, rid id.Refund) error {
	r, err := db.Get(ctx, o.db, func(tx *db.Tx) (Refund, error) { return refundOf(tx, rid) })
	if err != nil || r.State != RefundRequested {
		return err
	}
	asked := o.provider.Refund(ctx, r.payment, "refund:"+string(rid), r.Amount)
	return o.db.Write(ctx, func(tx *db.Tx) error {
		if err := lock(tx, r.Order); err != nil {
			return err
		}
		if asked == nil {
			return o.confirmRefund(tx, r)
		}
		switch fault.KindOf(asked) {
		case fault.Conflict, fault.Invalid, fault.Declined:
			return o.failRefund(tx, r, asked)
		}
		// What came of it is not known: the sweep asks again in a while.
		_, err := tx.Exec(`UPDATE refunds SET updated_at = $1 WHERE id = $2 AND state = 'requested'`, db.Micros(tx.Now()), rid)
		return err
	})
}

// confirmRefund notes that the provider gives the money back, and tells the log.
func (o *Orders) confirmRefund(tx *db.Tx, r Refund) error {
	if done, err := r.settled(tx, refundIsMade, ""); done || err != nil {
		return err
	}
	if err := post(tx, []ledger.Transfer{ledger.RefundConfirmed(string(r.ID), o.provider.Name(), r.Amount)}, nil); err != nil {
		return err
	}
	full, err := loadOrder(tx, r.Order)
	if err != nil {
		return err
	}
	won, err := affiliate.Won(tx, r.lines())
	if err != nil {
		return err
	}
	fact := event.OrderRefunded{Order: r.Order, Refund: r.ID, Part: r.Part, Brand: r.Brand, Viewer: full.Viewer, Currency: full.Currency,
		Refunded: r.Amount, Full: r.full, PaidAt: full.PaidAt, Lines: []event.SaleLine{}, Gone: []event.SaleLine{}}
	for _, l := range r.Lines {
		line := full.line(l.Line).fact(l.back)
		line.Touch = won[l.Line]
		fact.Lines = append(fact.Lines, line)
		gone, err := goneBack(tx, full.line(l.Line))
		if err != nil {
			return err
		}
		if gone {
			line = full.line(l.Line).fact(full.line(l.Line).whole())
			line.Touch = won[l.Line]
			fact.Gone = append(fact.Gone, line)
		}
	}
	if err := event.Emit(tx, fact); err != nil {
		return err
	}
	return affiliate.TellTakenBack(tx, r.commissions(), r.wasReleased)
}

// goneBack reports whether refunds that are confirmed have given every piece of the line back. What a lost dispute took
// whole is told by that.
func goneBack(tx *db.Tx, l *Line) (bool, error) {
	if l.Back.Quantity < l.Quantity {
		return false, nil
	}
	var waiting int64
	err := tx.Row(`SELECT COUNT(*) FROM refund_lines x JOIN refunds r ON r.id = x.refund_id WHERE x.line_id = $1 AND r.state = 'requested'`, l.ID).Scan(&waiting)
	return waiting == 0, err
}

// failRefund books a refund back that the provider refuses: each of its transfers is reversed by a new one,
// and what the part has come to since is done again with the money.
func (o *Orders) failRefund(tx *db.Tx, r Refund, why error) error {
	if done, err := r.settled(tx, refundIsRefused, saidOf(why)); done || err != nil {
		return err
	}
	full, err := loadOrder(tx, r.Order)
	if err != nil {
		return err
	}
	part := full.part(r.Part)
	p := o.posting(&full, part, &r)
	absent, err := ledger.Missing(tx, p.Keys()...)
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	for _, k := range absent {
		gone[k] = true
	}
	for _, k := range p.Keys() {
		if gone[k] {
			continue
		}
		if _, err := ledger.Reverse(tx, k, k+":failed"); err != nil {
			return err
		}
	}
	if r.withShipping {
		p.Sale.Shipping.Lost = part.ShippingLost.Shipping
	}
	if err := post(tx, ledger.RefundReturned(p, !part.ShippedAt.IsZero(), !part.DeliveredAt.IsZero()), nil); err != nil {
		return err
	}
	if r.wasReleased || r.withShipping && part.Label > 0 {
		if err := ledger.Recover(tx, string(r.ID), full.Currency, r.purses(&full)...); err != nil {
			return err
		}
	}
	if err := r.apply(tx, -1); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE payments SET refunded_minor = refunded_minor - $1, updated_at = $2 WHERE id = $3`, r.Amount.Minor, db.Micros(tx.Now()), r.payment); err != nil {
		return err
	}
	if err := addStep(tx, r.Order, r.Part, "refund_failed", r.Amount.String()+": the payment provider refused it.", "provider"); err != nil {
		return err
	}
	if err := o.moveOn(tx, r.Order, r.Part, ""); err != nil {
		return err
	}
	if err := r.reopen(tx); err != nil {
		return err
	}
	return o.coverMore(tx, r.Order)
}

// saidOf is what a fault tells people.
func saidOf(err error) string {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f.Detail
	}
	return "The payment provider refused it."
}

// settled moves a refund out of waiting; done says that somebody was faster.
func (r *Refund) settled(tx *db.Tx, how move[RefundState], failure string) (done bool, err error) {
	n, err := tx.Exec(how.update(`failure = $1, settled_at = $2, updated_at = $2`)+`id = $3`,
		failure, db.Micros(tx.Now()), r.ID)
	return n == 0, err
}

// settleRefunds asks again for refunds whose answer was never stored.
func (o *Orders) settleRefunds(ctx context.Context) error {
	list, err := due[id.Refund](ctx, o, o.clock.Now().Add(-PaymentPatience), `SELECT id FROM refunds WHERE state = 'requested' AND updated_at <= $1 ORDER BY updated_at LIMIT $2`)
	for _, r := range list {
		err = errors.Join(err, o.settleRefund(ctx, r))
	}
	return err
}

// refunding reports whether a refund of the order, or of the part when one is given, waits for the provider.
func refunding(tx *db.Tx, ord id.Order, part id.Part) (bool, error) {
	var n int64
	err := tx.Row(`SELECT COUNT(*) FROM refunds WHERE order_id = $1 AND (CAST($2 AS TEXT) = '' OR part_id = $2) AND state = 'requested'`, ord, part).Scan(&n)
	return n > 0, err
}
