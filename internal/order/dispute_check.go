package order

// disputeProofs hold disputes against their payments, shares, commissions and transfers.
var disputeProofs = []proof{
	{says: "dispute %s has no transfer that withholds its money", query: `SELECT d.id FROM disputes d LEFT JOIN ledger_transfers t ON t.key = 'dispute:' || d.id || ':opened' WHERE t.key IS NULL`},
	{says: "dispute %s is won in one place and not in the other", query: `SELECT d.id FROM disputes d LEFT JOIN ledger_transfers t ON t.key = 'dispute:' || d.id || ':won'
		WHERE (d.state = 'won') <> (t.key IS NOT NULL)`},
	{says: "of dispute %s somebody's money is not frozen", query: `SELECT DISTINCT s.dispute_id FROM dispute_shares s
		LEFT JOIN ledger_transfers t ON t.key = 'dispute:' || s.dispute_id || ':frozen:' || CAST(s.round AS TEXT) || ':' || CASE WHEN s.line_id = '' THEN s.part_id ELSE s.line_id END
		WHERE s.brand_minor + s.commission_minor + s.brand_tax_minor > 0 AND t.key IS NULL`},
	{says: "of dispute %s something is thawed in one place and not in the other", query: `SELECT DISTINCT s.dispute_id FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id
		LEFT JOIN ledger_transfers t ON t.key = 'dispute:' || s.dispute_id || ':frozen:' || CAST(s.round AS TEXT) || ':' || CASE WHEN s.line_id = '' THEN s.part_id ELSE s.line_id END || ':thawed'
		WHERE s.brand_minor + s.commission_minor + s.brand_tax_minor > 0 AND (d.state = 'won') <> (t.key IS NOT NULL)`},
	{says: "of dispute %s something is lost in one place and not in the other", query: `SELECT DISTINCT s.dispute_id FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id
		LEFT JOIN ledger_transfers t ON t.key = 'dispute:' || s.dispute_id || ':lost:' || CAST(s.round AS TEXT) || ':' || CASE WHEN s.line_id = '' THEN s.part_id ELSE s.line_id END
		WHERE s.amount_minor > 0 AND (d.state = 'lost') <> (t.key IS NOT NULL)`},
	{says: "dispute %s is lost, and what it took beyond the order is booked nowhere", query: `SELECT d.id FROM disputes d JOIN payments p ON p.id = d.payment_id
		WHERE d.state = 'lost' AND d.covered_minor < d.amount_minor AND NOT EXISTS (SELECT 1 FROM ledger_transfers t WHERE t.key = 'dispute:' || d.id || ':lost:dispute:loss')`},
	{says: "dispute %s is not the sum of its shares", query: `SELECT d.id FROM disputes d JOIN payments p ON p.id = d.payment_id WHERE d.frozen = 1 AND p.state = 'succeeded'
		AND d.covered_minor <> COALESCE((SELECT SUM(s.amount_minor) FROM dispute_shares s WHERE s.dispute_id = d.id), 0)`},
	{says: "share of dispute %s is not the sum of what it takes", query: `SELECT s.dispute_id FROM dispute_shares s
		WHERE s.amount_minor <> s.brand_minor + s.commission_minor + s.fee_minor + s.tax_minor + s.shipping_minor - s.voucher_minor`},
	{says: "payment %s says other than its disputes how much is disputed", query: `SELECT p.id FROM payments p WHERE p.disputed_minor <>
		COALESCE((SELECT SUM(d.covered_minor) FROM disputes d WHERE d.payment_id = p.id AND d.state <> 'won'), 0)`},
	{says: "payment %s has more refunded and disputed than was captured", query: `SELECT p.id FROM payments p WHERE p.refunded_minor + p.disputed_minor > p.amount_minor`},
	{says: "what is held of %s is not the sum of the open disputes", query: `SELECT a.name FROM ledger_accounts a WHERE a.name LIKE 'brand:%:held' AND a.balance <>
		COALESCE((SELECT SUM(s.brand_minor + s.brand_tax_minor) FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id
			WHERE 'brand:' || s.brand_id || ':held' = a.name AND d.currency = a.currency AND d.state = 'open'), 0)`},
	{says: "what is held of %s is not the sum of the open disputes", query: `SELECT a.name FROM ledger_accounts a WHERE a.name LIKE 'creator:%:held' AND a.balance <>
		COALESCE((SELECT SUM(s.commission_minor) FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id
			WHERE 'creator:' || s.creator_id || ':held' = a.name AND d.currency = a.currency AND d.state = 'open'), 0)`},
	{says: "commission %s says other than the open disputes how much is held of it", query: `SELECT c.id FROM commissions c WHERE c.disputed_minor <>
		COALESCE((SELECT SUM(s.commission_minor) FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id WHERE s.line_id = c.line_id AND d.state = 'open'), 0)`},
	{says: "of line %s refunds and disputes took more than it brought", query: `SELECT l.id FROM order_lines l JOIN (SELECT s.line_id, SUM(s.brand_minor) AS b, SUM(s.commission_minor) AS c, SUM(s.fee_minor) AS f, SUM(s.tax_minor) AS t
		FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id WHERE d.state <> 'won' AND s.line_id <> '' GROUP BY s.line_id) x ON x.line_id = l.id
		WHERE l.back_brand_minor + x.b > l.brand_minor OR l.back_commission_minor + x.c > l.commission_minor OR l.back_fee_minor + x.f > l.fee_minor OR l.back_tax_minor + x.t > l.tax_minor`},
	{says: "order %s says other than its disputes that it was disputed", query: `SELECT o.id FROM orders o WHERE o.disputed <> (SELECT COUNT(*) FROM disputes d WHERE d.order_id = o.id)`},
}

// lostOf joins what lost disputes took of each line.
const lostOf = ` LEFT JOIN (SELECT s.line_id, SUM(s.brand_minor) AS b, SUM(s.commission_minor) AS c, SUM(s.fee_minor) AS f, SUM(s.tax_minor) AS t, SUM(s.voucher_minor) AS v
	FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id WHERE d.state = 'lost' GROUP BY s.line_id) z ON z.line_id = l.id `
