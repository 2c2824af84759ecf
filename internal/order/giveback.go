package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

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

// denied reports whether the provider has refused a refund for good.
func denied(err error) bool {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid, fault.Declined:
		return true
	}
	return false
}

// returnKey begins the keys under which payments are given back.
const returnKey = "return:"

// RefundTold asks the provider again about the refund of a key, when it has told of it. Missing: no such refund.
func (o *Orders) RefundTold(ctx context.Context, key string) error {
	ctx = db.WithoutKey(ctx)
	if rid, ok := strings.CutPrefix(key, "refund:"); ok {
		return o.settleRefund(ctx, id.Refund(rid))
	}
	pay, ok := strings.CutPrefix(key, returnKey)
	if !ok {
		return missing("refund")
	}
	pay, _, _ = strings.Cut(pay, ":")
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
	if err := o.giveBackDue(ctx, ord); err != nil && !slow(err) && !denied(err) {
		return err
	}
	return nil
}

// giveBackDue returns what refunds and banks have left of every payment that was captured for an order which was
// cancelled, or closed before the money came. Of several errors it answers the one that leaves something unknown.
func (o *Orders) giveBackDue(ctx context.Context, ord id.Order) error {
	list, err := db.Get(ctx, o.db, func(tx *db.Tx) ([]id.Payment, error) {
		return db.All(tx, func(r *sql.Rows) (pay id.Payment, err error) { return pay, r.Scan(&pay) },
			`SELECT id FROM payments WHERE order_id = $1 AND state = 'returning' ORDER BY attempt`, ord)
	})
	if err != nil {
		return err
	}
	var refusal, open error
	for _, pay := range list {
		switch err := o.giveBack(ctx, pay); {
		case denied(err):
			refusal = err
		case err != nil && (open == nil || slow(open)):
			open = err
		}
	}
	if open != nil {
		return open
	}
	return refusal
}

// asking is one time of asking the provider to give a payment back.
type asking struct {
	payment
	nth  int64
	back money.Amount // zero: nothing is left to give back
}

// key is the asking's own, for the provider: one key is for one amount.
func (a asking) key() string {
	if a.nth == 0 {
		return returnKey + string(a.id)
	}
	return fmt.Sprintf("%s%s:%d", returnKey, a.id, a.nth)
}

// giveBack asks the provider for what is due of one payment, under a key that is stored before: asking again gives
// nothing twice. It is asked for anew, under another key, only when it has refused, and a bank has decided since.
func (o *Orders) giveBack(ctx context.Context, pay id.Payment) error {
	var a asking
	err := o.db.Write(ctx, func(tx *db.Tx) (err error) { a, err = ask(tx, pay); return err })
	if err != nil || a.state != PayReturning {
		return err
	}
	if a.back.Minor > 0 {
		err = o.provider.Refund(ctx, a.id, a.key(), a.back)
	}
	if denied(err) {
		return errors.Join(err, o.db.Write(ctx, func(tx *db.Tx) error { return a.note(tx, "refused") }))
	}
	if err != nil {
		return err
	}
	return o.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := loadLocked(tx, a.order); err != nil {
			return err
		}
		n, err := tx.Exec(payIsRefunded.update(`updated_at = $1`)+`id = $2`, db.Micros(tx.Now()), a.id)
		if err != nil || n == 0 {
			return err
		}
		if a.back.Minor > 0 { // else nothing was asked for, and what was refused before stays so
			if err := a.note(tx, "made"); err != nil {
				return err
			}
		}
		if a.reason != tooLate && a.back.Minor > 0 { // money that never reached the books has nothing to leave there
			if err := post(tx, []ledger.Transfer{ledger.RefundConfirmed(string(a.id), o.provider.Name(), a.back)}, nil); err != nil {
				return err
			}
		}
		if err := addStep(tx, a.order, "", "refunded", a.back.String(), "provider"); err != nil {
			return err
		}
		return event.Emit(tx, event.PaymentReturned{Order: a.order, Payment: a.id, Amount: a.back})
	})
}

// ask is the asking that is open of a payment, or the next one.
func ask(tx *db.Tx, pay id.Payment) (asking, error) {
	p, err := paymentLocked(tx, pay)
	if err != nil || p.state != PayReturning {
		return asking{payment: p}, err
	}
	minor, err := returnDue(tx, p)
	if err != nil || minor <= 0 {
		return asking{payment: p, back: money.Of(0, p.amount.Currency)}, err
	}
	var ended int64
	if err := tx.Row(`SELECT COUNT(*) FROM disputes WHERE payment_id = $1 AND state <> 'open'`, p.id).Scan(&ended); err != nil {
		return asking{}, err
	}
	var last struct {
		nth, minor, ended int64
		state             string
	}
	err = tx.Row(`SELECT nth, amount_minor, disputes, state FROM payment_returns WHERE payment_id = $1 ORDER BY nth DESC LIMIT 1`, p.id).Scan(&last.nth, &last.minor, &last.ended, &last.state)
	next := errors.Is(err, sql.ErrNoRows)
	switch {
	case next:
	case err != nil:
		return asking{}, err
	case last.state != "refused" || last.ended == ended && last.minor == minor:
		return asking{p, last.nth, money.Of(last.minor, p.amount.Currency)}, nil
	default:
		last.nth++
	}
	_, err = tx.Exec(`INSERT INTO payment_returns(payment_id, nth, amount_minor, disputes, state, asked_at, updated_at) VALUES ($1,$2,$3,$4,'asked',$5,$5)`,
		p.id, last.nth, minor, ended, db.Micros(tx.Now()))
	return asking{p, last.nth, money.Of(minor, p.amount.Currency)}, err
}

// note stores what the provider said.
func (a asking) note(tx *db.Tx, state string) error {
	_, err := tx.Exec(`UPDATE payment_returns SET state = $1, updated_at = $2 WHERE payment_id = $3 AND nth = $4 AND state <> 'made'`, state, db.Micros(tx.Now()), a.id, a.nth)
	return err
}
