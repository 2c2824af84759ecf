package sample

import (
	"context"
	"database/sql"
	"fmt"

	"mezzo/internal/db"
	"mezzo/internal/ledger"
)

// maxBreaks bounds how many breaks of one sort are named.
const maxBreaks = 20

// breaks are queries whose rows are samples with something wrong.
var breaks = []struct{ says, query string }{
	{"sample %s was charged and the book says otherwise", `SELECT s.id FROM samples s WHERE s.charged_minor <> COALESCE((SELECT SUM(e.amount) FROM ledger_transfers t
		JOIN ledger_entries e ON e.id / 64 = t.seq AND e.account = 'brand:' || s.brand_id || ':available' WHERE t.key = 'sample:' || s.id || ':charged' AND t.currency = s.currency), 0)`},
	{"sample %s is charged and its content was not overdue", `SELECT id FROM samples WHERE charged_minor > 0 AND state <> 'overdue'`},
	{"the label of sample %s and the book differ", `SELECT s.id FROM samples s WHERE s.label_minor <> COALESCE((SELECT SUM(e.amount) FROM ledger_transfers t
		JOIN ledger_entries e ON e.id / 64 = t.seq AND e.account = 'carrier:' || s.label_account WHERE t.key = 'sample:' || s.id || ':sent' AND t.currency = s.currency), 0)`},
	{"sample %s has a unit set aside, or none, against its state", `SELECT s.id FROM samples s WHERE (s.state = 'approved') <> EXISTS
		(SELECT 1 FROM reservations r WHERE r.order_id = s.id AND r.state = 'held' AND r.quantity = 1 AND r.variant_id = s.variant_id)`},
	{"sample %s was sent and its unit did not leave the stock", `SELECT s.id FROM samples s WHERE s.state IN ('shipped','delivered','lost','fulfilled','overdue') AND NOT EXISTS
		(SELECT 1 FROM reservations r WHERE r.order_id = s.id AND r.state = 'sold' AND r.quantity = 1 AND r.variant_id = s.variant_id)`},
	{"the unit of sample %s is not where its state says", `SELECT s.id FROM samples s WHERE
		(SELECT COALESCE(SUM(CASE WHEN m.to_place = 'creator:' || s.creator_id || ':samples' THEN 1 ELSE 0 END) - SUM(CASE WHEN m.from_place = 'creator:' || s.creator_id || ':samples' THEN 1 ELSE 0 END), 0)
			FROM sample_moves m WHERE m.sample_id = s.id) <> CASE WHEN s.state IN ('shipped','delivered','fulfilled','overdue') THEN 1 ELSE 0 END
		OR (SELECT COALESCE(SUM(CASE WHEN m.to_place = 'brand:' || s.brand_id || ':stock' THEN 1 ELSE 0 END) - SUM(CASE WHEN m.from_place = 'brand:' || s.brand_id || ':stock' THEN 1 ELSE 0 END), 0)
			FROM sample_moves m WHERE m.sample_id = s.id) <> -CASE WHEN EXISTS (SELECT 1 FROM reservations r WHERE r.order_id = s.id AND r.state = 'sold') THEN 1 ELSE 0 END`},
	{"program %s counts other samples than it gave", `SELECT p.program_id FROM program_samples p WHERE p.given <>
		(SELECT COUNT(*) FROM samples s WHERE s.program_id = p.program_id AND s.state IN ('approved','shipped','delivered','lost','fulfilled','overdue'))`},
	{"sample %s has ended and keeps an address, or a time", `SELECT id FROM samples WHERE (ended_at > 0) <> (due_at = 0) OR ended_at > 0 AND address <> ''`},
}

// Check holds samples against the book, the stock and their programs. It returns what is wrong, in sentences, and how many
// samples it looked at.
func (s *Samples) Check(ctx context.Context) (problems []string, looked int64, err error) {
	err = s.db.Read(db.WithReadLimit(ctx, ledger.CheckLimit), func(tx *db.Tx) error {
		if problems, err = broken(tx); err != nil {
			return fmt.Errorf("sample: check: %w", err)
		}
		return tx.Row(`SELECT COUNT(*) FROM samples`).Scan(&looked)
	})
	return problems, looked, err
}

func broken(tx *db.Tx) (problems []string, err error) {
	for _, b := range breaks {
		found, err := db.All(tx, func(r *sql.Rows) (v string, err error) { return v, r.Scan(&v) }, b.query+fmt.Sprintf(` LIMIT %d`, maxBreaks))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			problems = append(problems, fmt.Sprintf(b.says, f))
		}
	}
	return problems, nil
}
