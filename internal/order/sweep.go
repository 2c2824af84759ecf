package order

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/id"
)

// SweepEvery is how often the sweep looks for work that time or a crash has left.
const SweepEvery = 2 * time.Second

// Sweep settles what time or a crash has left: charges without an answer, checkouts whose time is
// over, refunds the provider has not answered, commissions undecided, disputes not frozen or answered, parts not sent in time, returns and
// claims nobody has answered, and holds and reserves that have passed.
// Each step is safe to repeat and one that fails does not keep the others from running.
func (o *Orders) Sweep(ctx context.Context) error {
	ctx = db.WithoutKey(ctx)
	return errors.Join(o.settleStarted(ctx), o.expire(ctx), o.giveBackAll(ctx), o.settleRefunds(ctx), o.decideWaiting(ctx), o.freezeLate(ctx), o.sendEvidence(ctx),
		o.cancelLate(ctx), o.answerReturns(ctx), o.answerClaims(ctx), o.releaseHolds(ctx), o.releaseReserves(ctx))
}

// due reads up to SweepBatch values of a query with the moment as $1.
func due[T ~string](ctx context.Context, o *Orders, moment time.Time, q string) ([]T, error) {
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]T, error) {
		return db.All(tx, func(r *sql.Rows) (T, error) {
			var v T
			err := r.Scan(&v)
			return v, err
		}, q, db.Micros(moment), int64(SweepBatch))
	})
}

// settleStarted asks the provider how charges ended whose answer was never stored.
func (o *Orders) settleStarted(ctx context.Context) error {
	list, err := due[id.Payment](ctx, o, o.clock.Now().Add(-PaymentPatience), `SELECT id FROM payments WHERE `+payWaiting+` AND state <> 'returning' AND updated_at <= $1 ORDER BY updated_at LIMIT $2`)
	for _, pay := range list {
		charge, e := o.provider.Status(ctx, pay)
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		switch charge.State {
		case ChargeSucceeded, ChargeDeclined, ChargeCancelled, ChargeAction: // expire ends one that waits for the buyer
			_, e = o.Settle(ctx, pay, charge)
		case ChargeNone:
			e = o.unbegin(ctx, payment{id: pay})
		case ChargePending: // the bank has not answered; expire ends it in time
		}
		err = errors.Join(err, e)
	}
	return err
}

// expire closes checkouts whose reservation is over, after their charge can no longer succeed.
func (o *Orders) expire(ctx context.Context) error {
	list, err := due[id.Order](ctx, o, o.clock.Now(), `SELECT id FROM orders WHERE state = 'placed' AND reserved_until <= $1 ORDER BY reserved_until LIMIT $2`)
	for _, ord := range list {
		err = errors.Join(err, o.expireOne(ctx, ord))
	}
	return err
}

func (o *Orders) expireOne(ctx context.Context, ord id.Order) error {
	pay, err := db.Get(ctx, o.db, func(tx *db.Tx) (payment, error) { return latestPayment(tx, ord) })
	if err != nil {
		return err
	}
	if pay.state == PayStarted || pay.state == PayRedirected {
		if err := o.endCharge(ctx, pay); err != nil {
			return err
		}
	}
	return o.db.Write(ctx, func(tx *db.Tx) error {
		if err := lock(tx, ord); err != nil {
			return err
		}
		var open int64
		err := tx.Row(`SELECT COUNT(*) FROM orders o WHERE o.id = $1 AND o.state = 'placed' AND o.reserved_until <= $2
			AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id AND p.state IN ('started','redirected'))`, ord, db.Micros(tx.Now())).Scan(&open)
		if err != nil || open == 0 {
			return err
		}
		return o.close(tx, ord, orderRunsOut, "expired", "It was not paid in time; its items are for sale again.")
	})
}
