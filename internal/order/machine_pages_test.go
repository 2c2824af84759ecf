package order_test

import (
	"context"

	"pgregory.net/rapid"

	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// invariants are I1 to I8 and I10 of the books, that each page's number is the ledger's, and that the machine's own books
// say the same.
func (m *sales) invariants(t *rapid.T) {
	m.sound()
	if n := m.count(`SELECT COUNT(*) FROM stock s WHERE s.on_hand + COALESCE((SELECT SUM(r.quantity) FROM reservations r WHERE r.variant_id = s.variant_id AND r.state = 'sold'), 0) <> $1`, unitsOfEach); n > 0 {
		t.Fatalf("of %d things other numbers of units are on hand or sold than there were", n)
	}
	if n := m.count(`SELECT COUNT(*) FROM stock WHERE on_hand < reserved OR reserved < 0`); n > 0 {
		t.Fatal("more is reserved than is there")
	}
	if problems, _, err := m.samples.Check(context.Background()); err != nil || len(problems) > 0 {
		t.Fatalf("samples: %v %v", problems, err)
	}
	if problems, _, err := affiliateOf(m.world).Check(context.Background()); err != nil || len(problems) > 0 {
		t.Fatalf("commissions: %v %v", problems, err)
	}
	has := m.held()
	for _, s := range m.stars {
		m.pageAgrees(t, s, has)
	}
	m.owing(t, has)
	for _, s := range m.shops {
		pending := m.count(`SELECT CAST(COALESCE(SUM(brand_pending_minor), 0) AS BIGINT) FROM order_parts WHERE brand_id = $1 AND paid_at > 0 AND state NOT IN ('completed','cancelled')`, s.id)
		if got := has[ledger.BrandPending(s.id)]; got != pending+m.stranded(s.id) {
			t.Fatalf("%d is pending for %s in the books and %d by its parts", got, s.id, pending)
		}
	}
	m.booksAgree(t, has)
}

// pageAgrees holds a creator's page against the book.
func (m *sales) pageAgrees(t *rapid.T, s star, has map[ledger.Account]int64) {
	sums, err := affiliateOf(m.world).Earnings(context.Background(), s.who)
	if err != nil {
		t.Fatal(err)
	}
	c := s.who.Creator
	if got := has[ledger.CreatorPending(c)]; got != sums.Pending.Minor {
		t.Fatalf("%d is pending in the books and %d on the page", got, sums.Pending.Minor)
	}
	if got := has[ledger.CreatorHeld(c)]; got != sums.Held.Minor {
		t.Fatalf("%d is held in the books and %d on the page", got, sums.Held.Minor)
	}
	if got := has[ledger.CreatorAvailable(c)] - has[ledger.CreatorOwes(c)]; got != sums.Available.Minor {
		t.Fatalf("%d is available in the books, less debts, and %d on the page", got, sums.Available.Minor)
	}
	gone := m.count(`SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM payouts WHERE owner = $1 AND state IN ('created','sent','confirmed')`, string(c))
	if gone != sums.Paid.Minor {
		t.Fatalf("%d was paid out, and %d on the page", gone, sums.Paid.Minor)
	}
}

// stranded is what stands in pending of a brand's parts that a refund called off before the provider refused it.
func (m *sales) stranded(b id.Brand) int64 {
	const fought = ` - COALESCE((SELECT SUM(s.brand_minor + s.brand_tax_minor) FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id WHERE d.state <> 'won' AND `
	return m.count(`SELECT CAST(COALESCE(SUM(x.minor), 0) AS BIGINT) FROM (SELECT l.part_id, l.brand_minor - l.back_brand_minor + CASE WHEN l.tax_collected_by = 'brand' THEN l.tax_minor - l.back_tax_minor ELSE 0 END`+fought+`s.line_id = l.id), 0) AS minor FROM order_lines l
		UNION ALL SELECT p.id, CASE WHEN p.shipping_tax_collected_by = 'brand' AND p.shipping_back = 0 THEN p.shipping_tax_minor ELSE 0 END`+fought+`s.line_id = '' AND s.part_id = p.id), 0) FROM order_parts p) x
		JOIN order_parts p ON p.id = x.part_id JOIN orders o ON o.id = p.order_id WHERE p.brand_id = $1 AND p.state = 'cancelled' AND o.paid_at > 0 AND o.closed_reason <> 'cancelled'`, b)
}
