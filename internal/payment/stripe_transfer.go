package payment

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/money"
)

// transferRow is a transfer to a connected account that was asked for.
type transferRow struct {
	key, account, state, id, reason string
	amount                          money.Amount
	tries                           int64 // how often Stripe held too little for it
	backTries                       int64 // how often it refused to take it back
	created                         time.Time
}

// transferObject is a transfer as Stripe tells of it.
type transferObject struct {
	ID       string
	Amount   int64
	Currency string
	Reversed bool  // all of it
	Back     int64 `json:"amount_reversed"`
	Times    struct {
		Data []struct{ Amount int64 }
	} `json:"reversals"` // the last of them, the newest first
	Metadata map[string]string `json:"metadata"`
}

// marks are what had come back of a transfer after each of its reversals that Stripe lists, and before the first of them.
func (t transferObject) marks() (marks []int64) {
	back := t.Back
	for _, r := range t.Times.Data {
		marks = append(marks, fromStripe(max(0, back), t.Currency).Minor)
		back -= r.Amount
	}
	marks = append(marks, fromStripe(max(0, back), t.Currency).Minor)
	slices.Reverse(marks)
	return marks
}

func transferOf(tx *db.Tx, where string, arg any) (t transferRow, err error) {
	var created int64
	err = tx.Row(`SELECT key, account_id, amount_minor, currency, state, transfer_id, reason, tries, back_tries, created_at FROM stripe_transfers WHERE `+where, arg).
		Scan(&t.key, &t.account, &t.amount.Minor, &t.amount.Currency, &t.state, &t.id, &t.reason, &t.tries, &t.backTries, &created)
	t.created = db.Time(created)
	return t, err
}

// paid tells a transfer as a payout.
func (t transferRow) paid() Paid {
	p := Paid{Ref: t.id, State: PaidPending, Reason: t.reason}
	switch t.state {
	case movePaid:
		p.State = PaidOut
	case moveFailed:
		p.State = PaidFailed
	case moveReversed:
		p.State, p.Reason = PaidReturned, "The transfer was taken back at Stripe."
	}
	return p
}

// Transfer moves money to a connected account, once for each key. It is there when Stripe says so; what Stripe then
// pays to the account's bank is between the two.
func (s *Stripe) Transfer(ctx context.Context, key, to string, amount money.Amount) (Paid, error) {
	if _, err := toStripe(amount); err != nil {
		return Paid{State: PaidFailed, Reason: "Stripe cannot move " + amount.String() + "."}, nil
	}
	var t transferRow
	var now time.Time
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		now = tx.Now()
		if _, err = tx.Exec(`INSERT INTO stripe_transfers (key, account_id, amount_minor, currency, state, created_at, updated_at)
			VALUES ($1, $2, $3, $4, 'asking', $5, $5) ON CONFLICT (key) DO NOTHING`, key, to, amount.Minor, amount.Currency, db.Micros(now)); err != nil {
			return err
		}
		t, err = transferOf(tx, `key = $1`, key)
		return err
	})
	switch {
	case err != nil:
		return Paid{}, err
	case t.amount != amount || t.account != to:
		return Paid{}, fault.New(fault.Conflict, "This payout was asked for before, with another amount or for another account.")
	case t.state != moveAsking:
		return s.lookTransfer(ctx, t)
	}
	return s.askTransfer(ctx, t, now)
}

// askTransfer asks for a transfer whose answer is not stored.
func (s *Stripe) askTransfer(ctx context.Context, t transferRow, now time.Time) (Paid, error) {
	if now.Sub(t.created) > keyLife || t.tries > 0 { // its idempotency key may be forgotten, or is another one: asking could pay twice
		got, ok, err := find(ctx, s, "/v1/transfers", newForm("transfer_group", t.key), func(x transferObject) (string, bool) { return x.ID, x.Metadata["mezzo_payout"] == t.key })
		if err != nil {
			return Paid{}, err
		}
		if ok {
			return s.noteTransfer(ctx, t, got)
		}
	}
	minor, err := toStripe(t.amount)
	if err != nil {
		return Paid{}, err
	}
	in := newForm("currency", string(t.amount.Currency), "destination", t.account, "transfer_group", t.key, "metadata[mezzo_payout]", t.key).number("amount", minor)
	var got transferObject
	err = s.post(ctx, "/v1/transfers", again("payout:"+t.key, t.tries), in, &got)
	if why := refused(err); why != nil {
		return s.failTransfer(ctx, t, "Stripe refused it ("+said(why)+").")
	}
	if short(err) != nil {
		err = errors.Join(err, s.rekey(ctx, `UPDATE stripe_transfers SET tries = tries + 1, updated_at = $1 WHERE key = $2 AND state = 'asking' AND tries = $3`, t.key, t.tries))
	}
	if err != nil {
		return Paid{}, err
	}
	return s.noteTransfer(ctx, t, got)
}

func (s *Stripe) failTransfer(ctx context.Context, t transferRow, reason string) (Paid, error) {
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err = tx.Exec(`UPDATE stripe_transfers SET state = 'failed', reason = $1, updated_at = $2 WHERE key = $3 AND state = 'asking'`, reason, db.Micros(tx.Now()), t.key); err == nil {
			t, err = transferOf(tx, `key = $1`, t.key)
		}
		return err
	})
	return t.paid(), err
}

// lookTransfer asks Stripe where a transfer stands.
func (s *Stripe) lookTransfer(ctx context.Context, t transferRow) (Paid, error) {
	if t.state != movePaid {
		return t.paid(), nil
	}
	var got transferObject
	if err := s.get(ctx, "/v1/transfers/"+url.PathEscape(t.id), form{}, &got); err != nil {
		return Paid{}, unknown(err)
	}
	return s.noteTransfer(ctx, t, got)
}

// noteTransfer stores what Stripe says of a transfer, and answers it.
func (s *Stripe) noteTransfer(ctx context.Context, t transferRow, got transferObject) (Paid, error) {
	if sent := fromStripe(got.Amount, got.Currency); sent != t.amount || got.ID == "" || t.id != "" && got.ID != t.id {
		return Paid{}, unknown(fmt.Errorf("stripe told of the transfer %q of %s where %s was asked for under %s", got.ID, sent, t.amount, t.key))
	}
	state := movePaid
	if got.Reversed {
		state = moveReversed
	}
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err = tx.Exec(`UPDATE stripe_transfers SET state = $1, transfer_id = $2, updated_at = $3 WHERE key = $4 AND state IN ('asking','paid')`, state, got.ID, db.Micros(tx.Now()), t.key); err == nil {
			t, err = transferOf(tx, `key = $1`, t.key)
		}
		return err
	})
	p := t.paid()
	if p.State == PaidOut { // a part alone: the whole is another state
		p.Back = fromStripe(max(0, got.Back), got.Currency).Minor
		p.Marks = got.marks()
	}
	return p, err
}

// Transferred says where the transfer of the key stands.
func (s *Stripe) Transferred(ctx context.Context, key string) (Paid, error) {
	t, err := db.Get(ctx, s.db, func(tx *db.Tx) (transferRow, error) { return transferOf(tx, `key = $1`, key) })
	if errors.Is(err, sql.ErrNoRows) || err == nil && t.state == moveAsking {
		return Paid{State: PaidNone}, nil // asking again under its key does nothing twice
	}
	if err != nil {
		return Paid{}, err
	}
	return s.lookTransfer(ctx, t)
}

// TakeBack reverses a whole transfer: the money comes back from the connected account, as far as Stripe lets it go
// below nothing. Conflict: Stripe refuses, as when the account has paid it on to its bank; later it may not.
func (s *Stripe) TakeBack(ctx context.Context, key string) (Paid, error) {
	t, err := db.Get(ctx, s.db, func(tx *db.Tx) (transferRow, error) { return transferOf(tx, `key = $1`, key) })
	if errors.Is(err, sql.ErrNoRows) {
		return Paid{}, fault.New(fault.Missing, "Stripe was asked for no such payout.")
	}
	if err != nil || t.state == moveReversed {
		return t.paid(), err
	}
	if t.state != movePaid {
		return Paid{}, fault.New(fault.Conflict, "This payout has not arrived: there is nothing to take back.")
	}
	var got struct{ ID string }
	err = s.post(ctx, "/v1/transfers/"+url.PathEscape(t.id)+"/reversals", again("reversal:"+t.key, t.backTries), newForm("metadata[mezzo_payout]", t.key), &got)
	why := cmp.Or(refused(err), short(err))
	switch {
	case err == nil, why != nil && why.Code == "transfer_already_reversed":
		return s.lookTransfer(ctx, t)
	case why == nil:
		return Paid{}, err // under the same key, for it may have been carried out
	}
	// All of a transfer is asked back: what another key asked for is not there to be taken again.
	if err := s.rekey(ctx, `UPDATE stripe_transfers SET back_tries = back_tries + 1, updated_at = $1 WHERE key = $2 AND state = 'paid' AND back_tries = $3`, t.key, t.backTries); err != nil {
		return Paid{}, err
	}
	return Paid{}, fault.Wrap(fault.Conflict, err, "Stripe does not take the transfer back ("+said(why)+"). Its owner owes nothing by that; settle it with them, or ask again later.")
}
