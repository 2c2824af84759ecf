package order

import (
	"context"
	"database/sql"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/money"
)

// Waiting is how much of what buyers said to brands is open, over the whole house.
type Waiting struct {
	Claims  int64 // "it never came": open, or proven and not yet released
	Returns int64 // not settled
	Overdue int64 // of them, past the time in which somebody had to answer
}

// openClaims are those the operator can still decide.
const openClaims = `(c.state = 'open' OR c.state = 'proven' AND EXISTS (SELECT 1 FROM order_parts p WHERE p.id = c.part_id AND p.state = 'delivered'))`

// Waiting counts it, for the operator.
func (o *Orders) Waiting(ctx context.Context, who account.Asker) (Waiting, error) {
	if err := who.IsOperator(); err != nil {
		return Waiting{}, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (w Waiting, err error) {
		if err = tx.Row(`SELECT COUNT(*) FROM claims c WHERE ` + openClaims).Scan(&w.Claims); err != nil {
			return w, err
		}
		err = tx.Row(`SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN due_at > 0 AND due_at <= $1 THEN 1 ELSE 0 END), 0) AS BIGINT) FROM returns WHERE state IN ('requested','approved')`,
			db.Micros(tx.Now())).Scan(&w.Returns, &w.Overdue)
		return w, err
	})
}

// OpenClaims lists the claims the operator can still decide, the most urgent first.
func (o *Orders) OpenClaims(ctx context.Context, who account.Asker, limit int) ([]Claim, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Claim, error) {
		return claimsWhere(tx, openClaims+` ORDER BY CASE WHEN c.state = 'open' THEN 0 ELSE 1 END, c.due_at, c.id LIMIT CAST($1 AS INTEGER)`, min(max(limit, 1), MaxPage+1))
	})
}

// OpenReturns lists the returns not settled, the most urgent first.
func (o *Orders) OpenReturns(ctx context.Context, who account.Asker, limit int) ([]Return, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Return, error) {
		return returnsWhere(tx, `r.state IN ('requested','approved') ORDER BY r.due_at, r.id LIMIT CAST($1 AS INTEGER)`, min(max(limit, 1), MaxPage+1))
	})
}

// Held is what is kept back of a brand, and by which terms.
type Held struct {
	Terms  ReserveTerms
	Name   string
	Amount money.Amount // zero when nothing is kept back now
	Parts  int64
	NextAt time.Time // when the first of it is released
}

// Reserves lists the brands of which something is kept back or for whom terms were set; with words, the brands whose
// names hold them, whether or not. In order of names, for the operator.
func (o *Orders) Reserves(ctx context.Context, who account.Asker, words string, limit int) ([]Held, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Held, error) {
		list, err := db.All(tx, func(r *sql.Rows) (h Held, err error) {
			var next int64
			err = r.Scan(&h.Terms.Brand, &h.Name, &h.Amount.Currency, &h.Amount.Minor, &h.Parts, &next)
			h.NextAt = db.Time(next)
			return h, err
		}, `SELECT b.id, b.name, COALESCE(k.currency, b.currency), COALESCE(k.amount, 0), COALESCE(k.parts, 0), COALESCE(k.next, 0) FROM brands b LEFT JOIN (
				SELECT brand_id, currency, CAST(SUM(left_minor) AS BIGINT) AS amount, COUNT(*) AS parts, MIN(release_at) AS next FROM reserves
				WHERE released_at = 0 AND left_minor > 0 GROUP BY brand_id, currency) k ON k.brand_id = b.id
			WHERE CASE WHEN CAST($1 AS TEXT) <> '' THEN LOWER(b.name) LIKE '%' || LOWER(CAST($1 AS TEXT)) || '%'
				ELSE k.brand_id IS NOT NULL OR EXISTS (SELECT 1 FROM reserve_terms t WHERE t.brand_id = b.id) END
			ORDER BY b.name, b.id LIMIT CAST($2 AS INTEGER)`, words, min(max(limit, 1), MaxPage+1))
		if err != nil {
			return nil, err
		}
		for i := range list {
			if list[i].Terms, err = o.termsOf(tx, list[i].Terms.Brand); err != nil {
				return nil, err
			}
		}
		return list, nil
	})
}
