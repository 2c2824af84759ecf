package order

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
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

// giveBackAll asks the provider again for refunds it has not confirmed.
func (o *Orders) giveBackAll(ctx context.Context) error {
	list, err := due[id.Order](ctx, o, o.clock.Now(), `SELECT order_id FROM payments WHERE `+payWaiting+` AND state = 'returning' AND updated_at <= $1 AND`+notDisputed("payments.order_id")+`ORDER BY updated_at LIMIT $2`)
	for _, ord := range list {
		if e := o.giveBackDue(ctx, ord); !slow(e) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// slow reports whether the provider has a refund and has not made it yet: nothing is wrong.
func slow(err error) bool {
	var f *fault.Fault
	return errors.As(err, &f) && f.Type == RefundPending
}

// RefundTold asks the provider again about the refund of a key, when it has told of it. Missing: no such refund.
func (o *Orders) RefundTold(ctx context.Context, key string) error {
	ctx = db.WithoutKey(ctx)
	if rid, ok := strings.CutPrefix(key, "refund:"); ok {
		return o.settleRefund(ctx, id.Refund(rid))
	}
	pay, ok := strings.CutPrefix(key, "return:")
	if !ok {
		return missing("refund")
	}
	ord, err := db.Get(ctx, o.db, func(tx *db.Tx) (id.Order, error) {
		p, err := scanPayment(tx.Row(`SELECT `+paymentColumns+` FROM payments WHERE id = $1`, pay))
		if errors.Is(err, sql.ErrNoRows) {
			err = missing("payment")
		}
		return p.order, err
	})
	if err != nil {
		return err
	}
	if err := o.giveBackDue(ctx, ord); err != nil && !slow(err) {
		return err
	}
	return nil
}

// giveBackDue returns what refunds have left of what was captured for an order that was cancelled, or
// closed before the money came. The provider is asked under one key, so that asking again gives nothing twice.
func (o *Orders) giveBackDue(ctx context.Context, ord id.Order) error {
	p, err := db.Get(ctx, o.db, func(tx *db.Tx) (payment, error) {
		p, err := scanPayment(tx.Row(`SELECT `+paymentColumns+` FROM payments WHERE order_id = $1 AND state = 'returning' ORDER BY attempt DESC LIMIT 1`, ord))
		if errors.Is(err, sql.ErrNoRows) {
			return payment{}, nil
		}
		if err != nil {
			return payment{}, err
		}
		due, err := returnDue(tx, p)
		p.refunded = p.amount.Minor - due
		return p, err
	})
	if err != nil || p.id == "" {
		return err
	}
	if p.due().Minor > 0 {
		if err := o.provider.Refund(ctx, p.id, "return:"+string(p.id), p.due()); err != nil {
			return err
		}
	}
	return o.db.Write(ctx, func(tx *db.Tx) error {
		full, err := loadLocked(tx, p.order)
		if err != nil {
			return err
		}
		n, err := tx.Exec(payIsRefunded.update(`updated_at = $1`)+`id = $2`, db.Micros(tx.Now()), p.id)
		if err != nil || n == 0 {
			return err
		}
		if p.reason != tooLate && p.due().Minor > 0 { // money that never reached the books has nothing to leave there
			if err := o.bookRefunded(tx, &full, p); err != nil {
				return err
			}
		}
		if err := addStep(tx, p.order, "", "refunded", p.due().String(), "provider"); err != nil {
			return err
		}
		return event.Emit(tx, event.PaymentReturned{Order: p.order, Payment: p.id, Amount: p.due()})
	})
}
