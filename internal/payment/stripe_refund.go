package payment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// What has become of a refund or a transfer at Stripe.
const (
	moveAsking    = "asking"    // asked for; the answer is not stored
	movePending   = "pending"   // of a refund: Stripe has not moved the money yet
	moveSucceeded = "succeeded" // of a refund
	movePaid      = "paid"      // of a transfer
	moveFailed    = "failed"
	moveReversed  = "reversed" // of a transfer: all of it came back
)

// pendingPause is how long a pending refund rests before Stripe is asked again; its webhook is faster.
const pendingPause = 10 * time.Minute

// refundRow is a refund that was asked for.
type refundRow struct {
	key, id, state, reason string
	session                id.Payment
	amount                 money.Amount
	tries                  int64 // how often Stripe held too little for it
	askAt, created         time.Time
}

// refundObject is a refund as Stripe tells of it.
type refundObject struct {
	ID       string
	Status   string // pending, requires_action, succeeded, failed, canceled
	Amount   int64
	Currency string
	Why      string            `json:"failure_reason"`
	Metadata map[string]string `json:"metadata"`
}

func refundRowOf(tx *db.Tx, where string, arg any) (r refundRow, err error) {
	var askAt, created int64
	err = tx.Row(`SELECT key, session_key, amount_minor, currency, state, refund_id, reason, tries, ask_at, created_at FROM stripe_refunds WHERE `+where, arg).
		Scan(&r.key, &r.session, &r.amount.Minor, &r.amount.Currency, &r.state, &r.id, &r.reason, &r.tries, &askAt, &created)
	r.askAt, r.created = db.Time(askAt), db.Time(created)
	return r, err
}

// answer tells a refund as the contract of providers does.
func (r refundRow) answer() error {
	switch r.state {
	case moveSucceeded:
		return nil
	case moveFailed:
		return fault.New(fault.Conflict, "The payment provider could not give it back (%s).", r.reason)
	}
	return fault.New(fault.Unavailable, "The payment provider has the refund and has not made it yet.").WithType(order.RefundPending).After(pendingPause)
}

// Refund gives an amount of a captured payment back, once for each refund key. Conflict: Stripe refuses it for good;
// Unavailable of type order.RefundPending: Stripe has it and has not moved the money yet.
func (s *Stripe) Refund(ctx context.Context, key id.Payment, refund string, amount money.Amount) error {
	var r refundRow
	var x hostedPage
	var now time.Time
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		now = tx.Now()
		if x, err = sessionOf(tx, key); err != nil {
			return err
		}
		if x.intent == "" {
			return sql.ErrNoRows
		}
		if _, err = tx.Exec(`INSERT INTO stripe_refunds (key, session_key, amount_minor, currency, state, created_at, updated_at)
			VALUES ($1, $2, $3, $4, 'asking', $5, $5) ON CONFLICT (key) DO NOTHING`, refund, key, amount.Minor, amount.Currency, db.Micros(now)); err != nil {
			return err
		}
		r, err = refundRowOf(tx, `key = $1`, refund)
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.New(fault.Conflict, "Stripe has captured nothing under this payment.")
	case err != nil:
		return err
	case r.amount != amount || r.session != key:
		return fault.New(fault.Conflict, "This refund was asked for before, with another amount.")
	case r.state == movePending && now.Before(r.askAt), r.state == moveSucceeded, r.state == moveFailed:
		return r.answer()
	case r.state == movePending:
		return s.lookRefund(ctx, r)
	}
	return s.askRefund(ctx, r, x.intent, now)
}

// askRefund asks for a refund whose answer is not stored.
func (s *Stripe) askRefund(ctx context.Context, r refundRow, intent string, now time.Time) error {
	if now.Sub(r.created) > keyLife || r.tries > 0 { // its idempotency key may be forgotten, or is another one: asking could give back twice
		got, ok, err := find(ctx, s, "/v1/refunds", newForm("payment_intent", intent), func(x refundObject) (string, bool) { return x.ID, x.Metadata["mezzo_refund"] == r.key })
		if err != nil {
			return err
		}
		if ok {
			return s.noteRefund(ctx, r, got)
		}
	}
	minor, err := toStripe(r.amount)
	if err != nil {
		return err
	}
	var got refundObject
	err = s.post(ctx, "/v1/refunds", again(r.key, r.tries), newForm("payment_intent", intent, "metadata[mezzo_refund]", r.key).number("amount", minor), &got)
	if why := refused(err); why != nil {
		return s.noteRefund(ctx, r, refundObject{Status: "failed", Amount: minor, Currency: string(r.amount.Currency), Why: said(why)})
	}
	if short(err) != nil {
		err = errors.Join(err, s.rekey(ctx, `UPDATE stripe_refunds SET tries = tries + 1, updated_at = $1 WHERE key = $2 AND state = 'asking' AND tries = $3`, r.key, r.tries))
	}
	if err != nil {
		return err
	}
	return s.noteRefund(ctx, r, got)
}

// said is what Stripe says of a refusal, as a code.
func said(e *stripeError) string {
	if e.Code != "" {
		return e.Code
	}
	return e.Type
}

func (s *Stripe) lookRefund(ctx context.Context, r refundRow) error {
	var got refundObject
	if err := s.get(ctx, "/v1/refunds/"+url.PathEscape(r.id), form{}, &got); err != nil {
		return unknown(err)
	}
	return s.noteRefund(ctx, r, got)
}

// noteRefund stores what Stripe says of a refund, and answers it. One that failed after it was taken for made is
// noted too: the books learn of it by the comparison with Stripe's report.
func (s *Stripe) noteRefund(ctx context.Context, r refundRow, got refundObject) error {
	if back := fromStripe(got.Amount, got.Currency); back != r.amount || r.id != "" && got.ID != r.id {
		return unknown(fmt.Errorf("stripe told of the refund %q of %s where %s was asked for under %s", got.ID, back, r.amount, r.key))
	}
	state := movePending
	switch got.Status {
	case "succeeded":
		state = moveSucceeded
	case "failed", "canceled":
		state = moveFailed
	}
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		_, err = tx.Exec(`UPDATE stripe_refunds SET state = $1, refund_id = CASE WHEN CAST($2 AS TEXT) = '' THEN refund_id ELSE CAST($2 AS TEXT) END, reason = $3, ask_at = $4, updated_at = $5
			WHERE key = $6 AND state <> 'failed'`, state, got.ID, got.Why, db.Micros(tx.Now().Add(pendingPause)), db.Micros(tx.Now()), r.key)
		if err == nil {
			r, err = refundRowOf(tx, `key = $1`, r.key)
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.answer()
}
