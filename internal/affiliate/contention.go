package affiliate

import (
	"context"
	"database/sql"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Contended narrows a creator's contentions.
type Contended string

// The outcomes, for the creator who asks.
const (
	ContendedWon  Contended = "won"
	ContendedLost Contended = "lost"
)

// Contention is a sold line that a touch of the creator led to, won or lost. It says nothing of who bought.
type Contention struct {
	Line    id.Line            `json:"line_id"`
	Order   id.Order           `json:"order_id"`
	Product id.Product         `json:"product_id"`
	Title   string             `json:"title"`
	Won     bool               `json:"won"`
	Lost    attribution.Reason `json:"lost,omitempty"`
	Says    string             `json:"says"`
	Day     time.Time          `json:"day" doc:"Of the decision"`
}

// Contentions returns a page of the lines that the asker's touches led to, newest first after the line after;
// an outcome of "" is both.
func (a *Affiliate) Contentions(ctx context.Context, who account.Asker, outcome Contended, after id.Line, limit int) ([]Contention, error) {
	if err := earner(who); err != nil {
		return nil, err
	}
	where, args := `c.creator_id = $1`, []any{string(who.Creator)}
	switch outcome {
	case "":
	case ContendedWon:
		where += ` AND c.lost = ''`
	case ContendedLost:
		where += ` AND c.lost <> ''`
	default:
		return nil, fault.InvalidField("query.outcome", "Ask for won or lost.")
	}
	if after != "" {
		where, args = where+` AND c.line_id < $2`, append(args, string(after))
	}
	args = append(args, int64(limit))
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Contention, error) {
		return db.All(tx, func(r *sql.Rows) (c Contention, err error) {
			var at int64
			err = r.Scan(&c.Line, &c.Order, &c.Product, &c.Title, &c.Lost, &at)
			c.Won, c.Day, c.Says = c.Lost == "", db.Time(at).Truncate(24*time.Hour), "It won: you earn by it."
			if !c.Won {
				c.Says = c.Lost.Sentence()
			}
			return c, err
		}, `SELECT c.line_id, c.order_id, c.product_id, COALESCE(p.title, ''), c.lost, c.decided_at FROM attribution_candidates c
			LEFT JOIN products p ON p.id = c.product_id WHERE `+where+` ORDER BY c.line_id DESC LIMIT $`+nth(len(args)), args...)
	})
}
