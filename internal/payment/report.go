package payment

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/money"
)

// Movement is one line of a provider's balance report: captures positive, refunds, payouts and fees negative.
type Movement struct {
	Key    string // the idempotency key it was asked with; the provider's name of a dispute; else Ref
	Kind   string // charge, refund, refund_failed, payout, payout_return, fee, dispute, dispute_fee, dispute_won, settlement (to our bank), other
	Ref    string // the provider's own name of the line
	Charge string // of a refund, the charge it is of
	Amount money.Amount
	At     time.Time
}

// Movements returns the report of a time: from inclusive, to exclusive.
func (s *Sandbox) Movements(ctx context.Context, from, to time.Time) ([]Movement, error) {
	return db.Get(db.WithReadLimit(ctx, reportLimit), s.db, func(tx *db.Tx) ([]Movement, error) {
		return db.All(tx, func(r *sql.Rows) (m Movement, err error) {
			var at int64
			err = r.Scan(&m.Kind, &m.Key, &m.Charge, &m.Amount.Minor, &m.Amount.Currency, &at)
			m.Key, m.At = strings.TrimSpace(m.Key), db.Time(at)
			m.Ref = m.Key
			return m, err
		}, `SELECT 'charge', key, '', amount_minor, currency, updated_at FROM sandbox_charges WHERE state = 'succeeded' AND updated_at >= $1 AND updated_at < $2
			UNION ALL SELECT 'fee', key, '', -fee_minor, currency, updated_at FROM sandbox_charges WHERE state = 'succeeded' AND fee_minor <> 0 AND updated_at >= $1 AND updated_at < $2
			UNION ALL SELECT 'refund', key, charge_key, -amount_minor, currency, created_at FROM sandbox_refunds WHERE created_at >= $1 AND created_at < $2
			UNION ALL SELECT 'dispute', ref, charge_key, -amount_minor - fee_minor, currency, created_at FROM sandbox_disputes WHERE created_at >= $1 AND created_at < $2
			UNION ALL SELECT 'dispute_won', ref, charge_key, amount_minor, currency, closed_at FROM sandbox_disputes WHERE state = 'won' AND closed_at >= $1 AND closed_at < $2
			UNION ALL SELECT 'payout', key, '', -amount_minor, currency, created_at FROM sandbox_payouts WHERE state IN ('paid','returned') AND created_at >= $1 AND created_at < $2
			UNION ALL SELECT 'payout_return', key, '', amount_minor, currency, returned_at FROM sandbox_payouts WHERE state = 'returned' AND returned_at >= $1 AND returned_at < $2
			ORDER BY 6`, db.Micros(from), db.Micros(to))
	})
}

// reportLimit is how long a report may take to be read.
const reportLimit = 5 * time.Minute
