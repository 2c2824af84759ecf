package order_test

import (
	"context"
	"database/sql"

	"pgregory.net/rapid"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// invariants are I1 to I8 and I10 of the books, that each page's number is the ledger's, and that the machine's own books
// say the same.
func (m *sales) invariants(t *rapid.T) {
	m.sound()
	if n := m.count(`SELECT COUNT(*) FROM stock s WHERE s.on_hand < s.reserved OR s.reserved < 0 OR s.on_hand + COALESCE((SELECT SUM(r.quantity) FROM reservations r WHERE r.variant_id = s.variant_id AND r.state = 'sold'), 0) <> $1`, unitsOfEach); n > 0 {
		t.Fatalf("of %d things more is reserved than is there, or another number of units is on hand or sold than there was", n)
	}
	if len(m.given) > 0 {
		if problems, _, err := m.samples.Check(context.Background()); err != nil || len(problems) > 0 {
			t.Fatalf("samples: %v %v", problems, err)
		}
	}
	if m.looks++; m.looks%5 == 0 { // it takes long
		if problems, _, err := affiliateOf(m.world).Check(context.Background()); err != nil || len(problems) > 0 {
			t.Fatalf("commissions: %v %v", problems, err)
		}
	}
	now := m.stands(t)
	for _, s := range m.stars {
		m.pageAgrees(t, s, now)
	}
	m.owing(t, now)
	pending := m.pending()
	for _, s := range m.shops {
		if got := now.has[ledger.BrandPending(s.id)]; got != pending[s.id] {
			t.Fatalf("%d is pending for %s in the books and %d by its parts", got, s.id, pending[s.id])
		}
	}
	m.booksAgree(t, now)
}

// pageAgrees holds a creator's page against the book.
func (m *sales) pageAgrees(t *rapid.T, s star, now standing) {
	sums, err := affiliateOf(m.world).Earnings(context.Background(), s.who)
	if err != nil {
		t.Fatal(err)
	}
	c, has := s.who.Creator, now.has
	if got := has[ledger.CreatorPending(c)]; got != sums.Pending.Minor {
		t.Fatalf("%d is pending in the books and %d on the page", got, sums.Pending.Minor)
	}
	if got := has[ledger.CreatorHeld(c)]; got != sums.Held.Minor {
		t.Fatalf("%d is held in the books and %d on the page", got, sums.Held.Minor)
	}
	if got := has[ledger.CreatorAvailable(c)] - has[ledger.CreatorOwes(c)]; got != sums.Available.Minor {
		t.Fatalf("%d is available in the books, less debts, and %d on the page", got, sums.Available.Minor)
	}
	if gone := now.paid[string(c)]; gone != sums.Paid.Minor {
		t.Fatalf("%d was paid out, and %d on the page", gone, sums.Paid.Minor)
	}
}

// pending is what each brand's parts say of what is pending, with what stands there of parts that a refund called off before
// the provider refused it.
func (m *sales) pending() map[id.Brand]int64 {
	const fought = ` - COALESCE((SELECT SUM(s.brand_minor + s.brand_tax_minor) FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id WHERE d.state <> 'won' AND `
	sums := map[id.Brand]int64{}
	err := m.d.Read(context.Background(), func(tx *db.Tx) error {
		_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
			var b id.Brand
			var minor int64
			err := r.Scan(&b, &minor)
			sums[b] += minor
			return struct{}{}, err
		}, `SELECT brand_id, CAST(COALESCE(SUM(brand_pending_minor), 0) AS BIGINT) FROM order_parts WHERE paid_at > 0 AND state NOT IN ('completed','cancelled') GROUP BY brand_id UNION ALL
			SELECT p.brand_id, CAST(COALESCE(SUM(x.minor), 0) AS BIGINT) FROM (SELECT l.part_id, l.brand_minor - l.back_brand_minor + CASE WHEN l.tax_collected_by = 'brand' THEN l.tax_minor - l.back_tax_minor ELSE 0 END`+fought+`s.line_id = l.id), 0) AS minor FROM order_lines l
			UNION ALL SELECT p.id, p.shipping_tax_minor`+fought+`s.line_id = '' AND s.part_id = p.id), 0) FROM order_parts p WHERE p.shipping_tax_collected_by = 'brand' AND p.shipping_back = 0) x
			JOIN order_parts p ON p.id = x.part_id JOIN orders o ON o.id = p.order_id WHERE p.state = 'cancelled' AND o.paid_at > 0 AND o.closed_reason <> 'cancelled' GROUP BY p.brand_id`)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return sums
}
