package order_test

import (
	"database/sql"
	"strings"
	"testing"

	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

// What runs at every checkout or every few seconds is answered from an index, however many orders
// and payments there have been.
func TestHotQueriesScanNothing(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	for name, q := range map[string]string{
		"earlier checkouts of a cart": `SELECT id FROM orders WHERE cart_id = $1 AND state = 'placed' ORDER BY id`,
		"charges without an answer":   `SELECT id FROM payments WHERE state IN ('started','redirected','returning') AND state <> 'returning' AND updated_at <= $1 ORDER BY updated_at LIMIT 10`,
		"money to give back":          `SELECT order_id FROM payments WHERE state IN ('started','redirected','returning') AND state = 'returning' AND updated_at <= $1 ORDER BY updated_at LIMIT 10`,
		"reservations that are over":  `SELECT id FROM orders WHERE state = 'placed' AND reserved_until <= $1 ORDER BY reserved_until LIMIT 10`,
	} {
		plan, err := db.Get(t.Context(), d, func(tx *db.Tx) ([]string, error) {
			return db.All(tx, func(r *sql.Rows) (string, error) {
				var id, parent, unused int
				var detail string
				err := r.Scan(&id, &parent, &unused, &detail)
				return detail, err
			}, "EXPLAIN QUERY PLAN "+q, "x")
		})
		if err != nil || len(plan) == 0 {
			t.Fatal(err)
		}
		for _, step := range plan {
			if strings.HasPrefix(step, "SCAN") {
				t.Errorf("%s: %q", name, plan)
			}
		}
	}
}
