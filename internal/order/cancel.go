package order

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// Cancel calls an order off before anything of it has shipped: the stock goes back on the shelf,
// every share is reversed and the money is given back. A placed order is just let go, after its
// payment can no longer succeed.
func (o *Orders) Cancel(ctx context.Context, who account.Asker, ord id.Order) (Order, error) {
	pay, err := db.Get(ctx, o.db, func(tx *db.Tx) (payment, error) {
		if _, err := orderOfBuyer(tx, who, ord); err != nil {
			return payment{}, err
		}
		return latestPayment(tx, ord)
	})
	if err != nil {
		return Order{}, err
	}
	if pay.state == PayStarted || pay.state == PayRedirected {
		if err := o.endCharge(ctx, pay); err != nil {
			return Order{}, err
		}
	}
	out, err := db.Do(ctx, o.db, func(tx *db.Tx) (Order, error) {
		if err := lock(tx, ord); err != nil {
			return Order{}, err
		}
		full, err := orderOfBuyer(tx, who, ord)
		if err != nil {
			return Order{}, err
		}
		switch full.State {
		case Placed:
			if err = notPaying(tx, ord); err == nil {
				err = o.close(tx, ord, orderLetGo, "cancelled", "Cancelled by the buyer before it was paid.")
			}
		case Paid:
			err = o.cancelPaid(tx, who, &full)
		}
		if err != nil {
			return Order{}, err
		}
		return loadWhole(tx, ord)
	})
	if err != nil {
		return Order{}, err
	}
	if err := o.giveBackDue(ctx, ord); err != nil {
		o.logger.Warn("a refund waits for the provider", "order", ord, "error", err) // the sweep asks again
	}
	return out, nil
}

// endCharge makes an open charge unable to succeed, or settles it when it has succeeded already.
func (o *Orders) endCharge(ctx context.Context, pay payment) error {
	charge, err := o.provider.Cancel(ctx, pay.id)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "The payment provider did not answer. Nothing was changed; try again in a moment.").After(PaymentPatience)
	}
	if charge.State == ChargeNone {
		charge.State = ChargeCancelled
	}
	_, err = o.Settle(db.WithoutKey(ctx), pay.id, charge)
	return err
}

func orderOfBuyer(tx *db.Tx, who account.Asker, ord id.Order) (Order, error) {
	full, err := loadOrder(tx, ord)
	if err != nil {
		return Order{}, err
	}
	if !owns(who, full.Viewer, full.Account) && !who.Operator {
		return Order{}, missing("order")
	}
	return full, nil
}

// cancelPaid reverses a paid order of which nothing has shipped.
func (o *Orders) cancelPaid(tx *db.Tx, who account.Asker, full *Order) error {
	var variants []id.Variant
	if err := full.undisputed(); err != nil {
		return err
	}
	for _, d := range full.Disputes {
		if d.State == DisputeLost {
			return fault.New(fault.Conflict, "The bank has given part of the money for this order back. Ask the seller for the rest.").WithType("wrong_state")
		}
	}
	waiting, err := refunding(tx, full.ID, "")
	if err == nil && waiting {
		err = fault.New(fault.Conflict, "A refund of this order is under way. Ask again in a moment.").WithType("refund_running").After(2 * time.Second)
	}
	if err != nil {
		return err
	}
	for i := range full.Parts {
		part := &full.Parts[i]
		if part.State == Cancelled { // by refunds; the rest may still be called off
			continue
		}
		if !partRecalls.allows(part.State) {
			return fault.New(fault.Conflict, "Part of this order is %s already, so it cannot be cancelled. You can send it back when it arrives.", part.State).WithType("wrong_state")
		}
	}
	for _, l := range full.Lines {
		if l.Shipped {
			return fault.New(fault.Conflict, "Part of this order is on its way already, so it cannot be cancelled. You can send it back when it arrives.").WithType("wrong_state")
		}
		if l.Back.Quantity == 0 {
			variants = append(variants, l.Variant)
			continue
		}
		if l.Left() == 0 {
			continue // what was refunded went back on the shelf then, if it was to
		}
		if _, err := catalog.PutBack(tx, full.ID, catalog.Item{Variant: l.Variant, Quantity: l.Left()}); err != nil {
			return err
		}
	}
	if err := catalog.Restock(tx, full.ID, variants); err != nil {
		return err
	}
	now := db.Micros(tx.Now())
	if _, err := tx.Exec(partRecalls.update(`cancelled_at = $1, cancelled_by = $2, brand_pending_minor = 0, refunded_minor = total_minor, version = version + 1`)+`order_id = $3`, now, byBuyer, full.ID); err != nil {
		return err
	}
	// Of a part that a refused refund had called off, too, everything goes back now.
	if _, err := tx.Exec(`UPDATE order_parts SET brand_pending_minor = 0, refunded_minor = total_minor, version = version + 1 WHERE order_id = $1 AND refunded_minor < total_minor`, full.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(orderRecalls.update(`closed_at = $1, closed_reason = 'cancelled', refunded_minor = total_minor, version = version + 1`)+`id = $2`, now, full.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(payReturns.update(`refunded_minor = amount_minor, updated_at = $1`)+`order_id = $2`, now, full.ID); err != nil {
		return err
	}
	if err := o.bookCancelled(tx, full); err != nil {
		return err
	}
	if err := voucher.GiveBack(tx, full.ID); err != nil {
		return err
	}
	if err := addStep(tx, full.ID, "", "cancelled", "Everything paid is given back.", who.Actor()); err != nil {
		return err
	}
	return o.tellCancelled(tx, full)
}

// tellCancelled tells the log of a paid order that was called off, each line with the touch it was won by: it
// is taken from whom it counted for. A line that nobody had won yet has none, whatever was decided since.
func (o *Orders) tellCancelled(tx *db.Tx, full *Order) error {
	var won []id.Line
	for _, l := range full.Lines {
		if l.Creator != "" {
			won = append(won, l.ID)
		}
	}
	touches, err := affiliate.Won(tx, won)
	if err != nil {
		return err
	}
	lines := saleLines(full, nil)
	for i := range lines {
		lines[i].Touch = touches[lines[i].Line]
	}
	return event.Emit(tx, event.OrderCancelled{Order: full.ID, Viewer: full.Viewer, Currency: full.Currency,
		Refunded: money.Of(full.Total.Minor-full.Refunded.Minor, full.Currency), PaidAt: full.PaidAt, Lines: lines})
}

// close ends a placed order and lets its stock go.
func (o *Orders) close(tx *db.Tx, ord id.Order, how move[State], reason, detail string) error {
	var viewer id.Viewer
	err := tx.Row(how.update(`closed_at = $1, closed_reason = $2, version = version + 1`)+`id = $3 RETURNING viewer_id`,
		db.Micros(tx.Now()), reason, ord).Scan(&viewer)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // paid or closed already
	}
	if err != nil {
		return err
	}
	let := catalog.Expired
	if how.to == Cancelled {
		let = catalog.Released
	}
	if err := catalog.Release(tx, ord, let); err != nil {
		return err
	}
	if err := voucher.GiveBack(tx, ord); err != nil {
		return err
	}
	if _, err := tx.Exec(partLetGo.update(`cancelled_at = $1, version = version + 1`)+`order_id = $2`, db.Micros(tx.Now()), ord); err != nil {
		return err
	}
	if _, err := tx.Exec(payIsCancelled.update(`reason = $1, updated_at = $2`)+`order_id = $3`, reason, db.Micros(tx.Now()), ord); err != nil {
		return err
	}
	if err := addStep(tx, ord, "", string(how.to), detail, "platform"); err != nil {
		return err
	}
	return event.Emit(tx, event.OrderExpired{Order: ord, Viewer: viewer})
}
