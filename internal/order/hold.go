package order

import (
	"context"
	"errors"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Times of a hold.
const (
	// UnprovenFor is how long after it was sent a part is held at least whose delivery is only the brand's
	// word: a parcel said to have come at once must leave its buyer the time to say that it has not.
	UnprovenFor = 14 * 24 * time.Hour
	// LateAfter is how long after the promised handling time a brand may still send; then what it has not
	// sent cancels itself.
	LateAfter = 3 * 24 * time.Hour
)

// shipBy returns until when a part paid at a moment must be sent.
func shipBy(paid time.Time, handlingDays int64) time.Time {
	return paid.AddDate(0, 0, int(handlingDays)).Add(LateAfter)
}

// releaseAt returns when the money of a delivered part becomes available: the latest of the hold after its
// delivery, the end of the time to return it, and, where delivery is not proven, UnprovenFor after it was sent.
func releaseAt(shipped, delivered time.Time, holdDays int64, window time.Duration, proven bool) time.Time {
	at := delivered.AddDate(0, 0, int(holdDays))
	if end := delivered.Add(window); end.After(at) {
		at = end
	}
	if end := shipped.Add(UnprovenFor); !proven && end.After(at) {
		at = end
	}
	return at
}

// schedule notes when a delivered part is released, not before a moment.
func schedule(tx *db.Tx, part *Part, least time.Time) (time.Time, error) {
	at := releaseAt(part.ShippedAt, part.DeliveredAt, part.HoldDays, ReturnWindow, part.Proven)
	if at.Before(least) {
		at = least
	}
	if _, err := tx.Exec(`UPDATE order_parts SET release_at = $1, version = version + 1 WHERE id = $2 AND state = 'delivered'`, db.Micros(at), part.ID); err != nil {
		return at, err
	}
	return at, affiliate.ScheduleCommissions(tx, part.ID, at)
}

// cancelLate cancels what brands have not sent in time.
func (o *Orders) cancelLate(ctx context.Context) error {
	list, err := due[id.Part](ctx, o, o.clock.Now(), `SELECT id FROM order_parts WHERE state = 'paid' AND ship_by > 0 AND ship_by <= $1 AND`+notDisputed("order_parts.order_id")+`ORDER BY ship_by LIMIT $2`)
	for _, part := range list {
		err = errors.Join(err, o.cancelLatePart(ctx, part))
	}
	return err
}

// cancelLatePart gives back what of a part was not sent in time, with its shipping where nothing was. One
// that cannot be refunded at this moment, because its commission is undecided, is tried again.
func (o *Orders) cancelLatePart(ctx context.Context, pid id.Part) error {
	var made id.Refund
	err := o.db.Write(ctx, func(tx *db.Tx) error {
		made = "" // of a run before, which was undone
		full, err := lockedOfPart(tx, pid)
		if err != nil {
			return err
		}
		part := full.part(pid)
		if part.State != Paid || part.ShipBy.IsZero() || part.ShipBy.After(tx.Now()) {
			return nil
		}
		in := NewRefund{Part: pid, Reason: "It was not sent within the promised time."}
		for _, l := range full.linesOf(pid) {
			if l.Open() {
				in.Lines = append(in.Lines, Units{Line: l.ID, Quantity: l.Left()})
			}
		}
		made, err = o.bookRefund(tx, &full, part, in, refunder{actor: "platform", by: byLateness})
		return err
	})
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	if err != nil || made == "" {
		return err
	}
	return o.settleRefund(ctx, made)
}

// lockedOfPart takes the order of a part and reads it.
func lockedOfPart(tx *db.Tx, part id.Part) (Order, error) {
	var ord id.Order
	if err := tx.Row(`SELECT order_id FROM order_parts WHERE id = $1`, part).Scan(&ord); err != nil {
		return Order{}, err
	}
	return loadLocked(tx, ord)
}
