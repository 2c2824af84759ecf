package payment

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/money"
)

// PaidState is where a payout of the sandbox stands.
type PaidState string

// The states of a sandbox payout.
const (
	PaidNone     PaidState = "none" // the sandbox knows none under this key
	PaidPending  PaidState = "pending"
	PaidOut      PaidState = "paid"
	PaidFailed   PaidState = "failed"
	PaidReturned PaidState = "returned"
)

// What the sandbox does by the name of where to.
const (
	slowFor   = time.Hour          // "slow…": arrives then
	returnsIn = 2 * 24 * time.Hour // "return…": comes back then
)

// Paid is a sandbox payout.
type Paid struct {
	Ref    string
	State  PaidState
	Reason string
	Back   int64   // of a payout that has arrived: what has been taken back of it so far, in minor units
	Marks  []int64 // of Back: how much it was after each time, rising; left out where the provider does not tell the times
}

// PayOut pays once for each key: at once, unless the destination's name begins with fail, slow or return. It
// does not ask what it holds: cards paid today bring money tomorrow, as with other providers.
func (s *Sandbox) PayOut(ctx context.Context, key, destination string, amount money.Amount) (Paid, error) {
	state, reason, due := PaidOut, "", int64(0)
	return db.Do(db.WithoutKey(ctx), s.db, func(tx *db.Tx) (Paid, error) {
		switch {
		case strings.HasPrefix(destination, "fail"):
			state, reason = PaidFailed, "The bank knows no such account."
		case strings.HasPrefix(destination, "slow"):
			state, due = PaidPending, db.Micros(tx.Now().Add(slowFor))
		case strings.HasPrefix(destination, "return"):
			due = db.Micros(tx.Now().Add(returnsIn))
		}
		_, err := tx.Exec(`INSERT INTO sandbox_payouts (key, destination, amount_minor, currency, state, reason, due_at, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (key) DO NOTHING`, key, destination, amount.Minor, amount.Currency, string(state), reason, due, db.Micros(tx.Now()))
		if err != nil {
			return Paid{}, err
		}
		var had money.Amount
		if err := tx.Row(`SELECT amount_minor, currency FROM sandbox_payouts WHERE key = $1`, key).Scan(&had.Minor, &had.Currency); err != nil {
			return Paid{}, err
		}
		if had != amount {
			return Paid{}, fault.New(fault.Conflict, "This payout was asked for before, with another amount.")
		}
		return paid(tx, key)
	})
}

// PaidOut says where the payout of the key stands.
func (s *Sandbox) PaidOut(ctx context.Context, key string) (Paid, error) {
	return db.Do(db.WithoutKey(ctx), s.db, func(tx *db.Tx) (Paid, error) { return paid(tx, key) })
}

// ReturnPayout makes a bank send a payout back, as banks do days later.
func (s *Sandbox) ReturnPayout(ctx context.Context, key, reason string) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE sandbox_payouts SET state = 'returned', reason = $1, returned_at = $2, updated_at = $2 WHERE key = $3 AND state = 'paid'`, reason, db.Micros(tx.Now()), key)
		return err
	})
}

// paid brings a payout to where it is by now, and returns it.
func paid(tx *db.Tx, key string) (Paid, error) {
	now := db.Micros(tx.Now())
	for _, q := range []string{
		`UPDATE sandbox_payouts SET state = 'paid', due_at = 0, updated_at = $1 WHERE key = $2 AND state = 'pending' AND due_at <= $1`,
		`UPDATE sandbox_payouts SET state = 'returned', reason = 'The account was closed.', due_at = 0, updated_at = $1, returned_at = $1 WHERE key = $2 AND state = 'paid' AND due_at > 0 AND due_at <= $1`,
	} {
		if _, err := tx.Exec(q, now, key); err != nil {
			return Paid{}, err
		}
	}
	p := Paid{Ref: "spo_" + strings.TrimPrefix(key, "pot_")}
	err := tx.Row(`SELECT state, reason FROM sandbox_payouts WHERE key = $1`, key).Scan(&p.State, &p.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return Paid{State: PaidNone}, nil
	}
	return p, err
}
