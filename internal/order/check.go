package order

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// SuspensePatience is how long a commission may wait in suspense before Check names it.
const SuspensePatience = 10 * time.Minute

// maxCheckRows bounds how many offenders one proof names.
const maxCheckRows = 20

// Balancer is a provider that can say what it holds for us, by currency. The sandbox can.
type Balancer interface {
	Balance(ctx context.Context) (map[money.Currency]int64, error)
}

// proof is a query whose rows are breaks, and the sentence for one of them.
type proof struct {
	says  string
	query string
	since bool // the query takes a moment as $1
}

// proofs hold the orders against the books, the receipts and the stock.
var proofs = []proof{
	{says: "line %s was paid and has no transfer", query: `SELECT l.id FROM order_lines l JOIN orders o ON o.id = l.order_id
		LEFT JOIN ledger_transfers t ON t.key = 'order:' || o.id || ':paid:' || l.id
		WHERE o.paid_at > 0 AND l.base_minor + l.tax_minor > 0 AND t.key IS NULL`},
	{says: "order %s was never paid and has a transfer", query: `SELECT DISTINCT o.id FROM orders o JOIN order_lines l ON l.order_id = o.id
		JOIN ledger_transfers t ON t.key = 'order:' || o.id || ':paid:' || l.id WHERE o.paid_at = 0`},
	{says: "line %s does not divide into commission, fee and the brand's share", query: `SELECT l.id FROM order_lines l JOIN orders o ON o.id = l.order_id
		WHERE o.paid_at > 0 AND l.goods_minor + l.platform_off_minor - CASE WHEN l.tax_inclusive = 1 THEN l.tax_minor ELSE 0 END <> l.commission_minor + l.fee_minor + l.brand_minor`},
	{says: "order %s does not sum to its total", query: `SELECT o.id FROM orders o WHERE o.total_minor <> o.subtotal_minor - o.discount_minor + o.shipping_minor + o.tax_added_minor
		OR o.total_minor <> (SELECT SUM(p.total_minor) FROM order_parts p WHERE p.order_id = o.id)`},
	{says: "paid line %s has no attribution", query: `SELECT l.id FROM order_lines l JOIN orders o ON o.id = l.order_id
		LEFT JOIN attributions a ON a.line_id = l.id WHERE o.paid_at > 0 AND a.line_id IS NULL`},
	{says: "commission %s has no receipt that names its creator", query: `SELECT c.id FROM commissions c
		LEFT JOIN attributions a ON a.line_id = c.line_id AND a.creator_id = c.creator_id AND a.state = 'decided' WHERE a.line_id IS NULL`},
	{says: "commission %s differs from its line", query: `SELECT c.id FROM commissions c JOIN order_lines l ON l.id = c.line_id
		WHERE c.amount_minor <> l.commission_minor OR c.creator_id <> l.creator_id`},
	{says: "line %s owes a creator and has no commission", query: `SELECT l.id FROM order_lines l JOIN orders o ON o.id = l.order_id LEFT JOIN commissions c ON c.line_id = l.id
		WHERE o.paid_at > 0 AND l.creator_id <> '' AND c.id IS NULL`},
	{says: "completed part %s has no released money", query: `SELECT p.id FROM order_parts p WHERE p.state = 'completed' AND p.brand_pending_minor > 0
		AND NOT EXISTS (SELECT 1 FROM order_lines l JOIN ledger_transfers t ON t.key = 'order:' || l.order_id || ':released:' || l.id WHERE l.part_id = p.id)
		AND NOT EXISTS (SELECT 1 FROM ledger_transfers t WHERE t.key = 'order:' || p.order_id || ':released:' || p.id)`},
	{says: "line %s has waited too long for its creator", since: true, query: `SELECT a.line_id FROM attributions a WHERE a.state = 'waiting' AND a.decided_at < $1`},
	{says: "stock of %s does not equal its reservations", query: `SELECT s.variant_id FROM stock s WHERE s.reserved <> COALESCE((SELECT SUM(r.quantity) FROM reservations r
		WHERE r.variant_id = s.variant_id AND r.state = 'held'), 0)`},
	{says: "paid order %s has no sold reservation, and none of it came back", query: `SELECT o.id FROM orders o WHERE o.state = 'paid' AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.order_id = o.id AND r.state = 'sold')
		AND NOT EXISTS (SELECT 1 FROM refunds f JOIN refund_lines l ON l.refund_id = f.id WHERE f.order_id = o.id AND l.restocked > 0)`},
	{says: "exchange %s is not in the book as it was noted", query: `SELECT x.id FROM exchanges x WHERE 2 <> (SELECT COUNT(*) FROM ledger_transfers t JOIN ledger_entries e ON e.id / 64 = t.seq AND e.account = 'bank:' || x.bank
		WHERE t.key = 'exchange:' || x.id || ':out' AND t.currency = x.out_currency AND e.amount = x.out_minor OR t.key = 'exchange:' || x.id || ':in' AND t.currency = x.in_currency AND e.amount = -x.in_minor)`},
	{says: "order %s has more than one successful payment", query: `SELECT p.order_id FROM payments p WHERE p.state = 'succeeded' GROUP BY p.order_id HAVING COUNT(*) > 1`},
}

// Check proves the books (ledger.Check) and holds the orders against them: every paid line has its
// transfer and its receipt, shares sum to their bases, refunds take back what they say and no more, each commission its receipt, vouchers are used
// as often as they say and may be, nothing waits in
// suspense for longer than SuspensePatience, stock equals its reservations, and the provider holds
// what the clearing account says.
func (o *Orders) Check(ctx context.Context) (ledger.Report, error) {
	report, err := ledger.Check(ctx, o.db)
	if err != nil {
		return ledger.Report{}, err
	}
	err = o.db.Read(db.WithReadLimit(ctx, ledger.CheckLimit), func(tx *db.Tx) error {
		for _, p := range slices.Concat(proofs, refundProofs, returnProofs, claimProofs, reserveProofs, voucherProofs, disputeProofs, labelProofs) {
			broken, err := p.run(tx)
			if err != nil {
				return fmt.Errorf("order: check: %w", err)
			}
			for _, b := range broken {
				report.Problems = append(report.Problems, fmt.Sprintf(p.says, b))
			}
		}
		return nil
	})
	if err != nil {
		return ledger.Report{}, err
	}
	if err := o.checkClearing(ctx, &report); err != nil {
		return ledger.Report{}, err
	}
	report.Balanced = len(report.Problems) == 0
	return report, nil
}

func (p proof) run(tx *db.Tx) ([]string, error) {
	var args []any
	if p.since {
		args = append(args, db.Micros(tx.Now().Add(-SuspensePatience)))
	}
	return db.All(tx, func(r *sql.Rows) (string, error) {
		var s string
		return s, r.Scan(&s)
	}, p.query+fmt.Sprintf(" LIMIT %d", maxCheckRows), args...)
}

// clearing is what the books say a provider holds, and what payments under way may make it differ by.
type clearing struct{ books, open map[money.Currency]int64 }

// checkClearing compares psp:<provider>:clearing with the provider's own balance (I9). The provider is
// asked between two looks at the books: what was settled meanwhile lies between them, and payments that
// are under way are allowed for by their amounts.
func (o *Orders) checkClearing(ctx context.Context, report *ledger.Report) error {
	if p, ok := o.provider.(interface{ KeepsFees() bool }); ok && p.KeepsFees() {
		return nil // what it keeps is booked from its report: payout compares the two
	}
	balancer, ok := o.provider.(Balancer)
	if !ok {
		return nil
	}
	before, err := o.clearing(ctx)
	if err != nil {
		return err
	}
	held, err := balancer.Balance(ctx)
	if err != nil {
		return err
	}
	after, err := o.clearing(ctx)
	if err != nil {
		return err
	}
	for _, c := range slices.Sorted(maps.Keys(union(held, before.books, after.books))) {
		least := min(before.books[c]-before.open[c], after.books[c]-after.open[c])
		most := max(before.books[c]+before.open[c], after.books[c]+after.open[c])
		if held[c] < least || held[c] > most {
			report.Problems = append(report.Problems, fmt.Sprintf("the provider %s holds %s and the books say %s",
				o.provider.Name(), money.Of(held[c], c), money.Of(after.books[c], c)))
		}
	}
	return nil
}

// clearing reads both sides in one snapshot.
func (o *Orders) clearing(ctx context.Context) (clearing, error) {
	return db.Get(ctx, o.db, func(tx *db.Tx) (clearing, error) {
		c := clearing{books: map[money.Currency]int64{}}
		balances, err := ledger.Balances(tx, ledger.Clearing(o.provider.Name()))
		if err != nil {
			return c, err
		}
		for _, b := range balances {
			c.books[b.Balance.Currency] = b.Balance.Minor
		}
		c.open, err = counted(tx, func(s string) money.Currency { return money.Currency(s) },
			`SELECT currency, CAST(SUM(amount_minor) AS BIGINT) FROM (SELECT currency, amount_minor FROM payments WHERE state IN ('started','redirected','returning')
				UNION ALL SELECT currency, amount_minor FROM refunds WHERE state = 'requested'
				UNION ALL SELECT currency, amount_minor FROM payouts WHERE state IN ('created','sent')) x GROUP BY currency`)
		return c, err
	})
}

func union(all ...map[money.Currency]int64) map[money.Currency]bool {
	keys := map[money.Currency]bool{}
	for _, m := range all {
		for c := range m {
			keys[c] = true
		}
	}
	return keys
}
