package order

// refundProofs hold refunds against their lines, payments, commissions and transfers.
var refundProofs = []proof{
	{says: "line %s says other than its refunds what was taken back of it", query: `SELECT l.id FROM order_lines l LEFT JOIN (
		SELECT rl.line_id, SUM(rl.quantity) AS q, SUM(rl.tax_minor) AS t, SUM(rl.brand_minor) AS b, SUM(rl.commission_minor) AS c, SUM(rl.fee_minor) AS f, SUM(rl.platform_off_minor) AS v, SUM(rl.base_minor) AS s
		FROM refund_lines rl JOIN refunds r ON r.id = rl.refund_id WHERE r.state <> 'failed' GROUP BY rl.line_id) x ON x.line_id = l.id
		WHERE l.back_quantity <> COALESCE(x.q, 0) OR l.back_tax_minor <> COALESCE(x.t, 0) OR l.back_brand_minor <> COALESCE(x.b, 0)
		OR l.back_commission_minor <> COALESCE(x.c, 0) OR l.back_fee_minor <> COALESCE(x.f, 0)
		OR l.back_platform_off_minor <> COALESCE(x.v, 0) OR l.back_base_minor <> COALESCE(x.s, 0)`},
	{says: "of line %s more was taken back than it brought, or a refund of all its units left something", query: `SELECT l.id FROM order_lines l` + lostOf + `WHERE l.back_quantity > l.quantity
		OR l.back_tax_minor NOT BETWEEN 0 AND l.tax_minor OR l.back_brand_minor NOT BETWEEN 0 AND l.brand_minor
		OR l.back_commission_minor NOT BETWEEN 0 AND l.commission_minor OR l.back_fee_minor NOT BETWEEN 0 AND l.fee_minor
		OR l.back_platform_off_minor NOT BETWEEN 0 AND l.platform_off_minor OR l.back_base_minor NOT BETWEEN 0 AND l.base_minor
		OR (l.back_quantity = l.quantity AND (l.back_tax_minor + COALESCE(z.t, 0) <> l.tax_minor OR l.back_brand_minor + COALESCE(z.b, 0) <> l.brand_minor
			OR l.back_commission_minor + COALESCE(z.c, 0) <> l.commission_minor OR l.back_fee_minor + COALESCE(z.f, 0) <> l.fee_minor
			OR l.back_platform_off_minor + COALESCE(z.v, 0) <> l.platform_off_minor OR (z.line_id IS NULL AND l.back_base_minor <> l.base_minor)))`},
	{says: "refund %s is not the sum of what it takes back", query: `SELECT r.id FROM refunds r WHERE r.amount_minor <> r.shipping_minor + r.shipping_tax_minor
		+ COALESCE((SELECT SUM(l.amount_minor) FROM refund_lines l WHERE l.refund_id = r.id), 0)
		OR EXISTS (SELECT 1 FROM refund_lines l WHERE l.refund_id = r.id AND l.amount_minor <> l.tax_minor + l.brand_minor + l.commission_minor + l.fee_minor - l.platform_off_minor)`},
	{says: "payment %s says other than its refunds how much was given back", query: `SELECT p.id FROM payments p WHERE p.state = 'succeeded' AND p.refunded_minor <>
		COALESCE((SELECT SUM(r.amount_minor) FROM refunds r WHERE r.payment_id = p.id AND r.state <> 'failed'), 0)`},
	{says: "order %s says other than its parts how much was refunded", query: `SELECT o.id FROM orders o WHERE o.refunded_minor <>
		(SELECT SUM(p.refunded_minor) FROM order_parts p WHERE p.order_id = o.id) OR o.refunded_minor > o.total_minor`},
	{says: "refund %s has no transfer in the book", query: `SELECT r.id FROM refunds r
		WHERE NOT EXISTS (SELECT 1 FROM refund_lines l JOIN ledger_transfers t ON t.key = 'refund:' || r.id || ':' || l.line_id WHERE l.refund_id = r.id)
		AND NOT EXISTS (SELECT 1 FROM ledger_transfers t WHERE t.key = 'refund:' || r.id || ':shipping')`},
	{says: "refund %s is confirmed in one place and not in the other", query: `SELECT r.id FROM refunds r LEFT JOIN ledger_transfers t ON t.key = 'refund:' || r.id || ':confirmed'
		WHERE (r.state = 'confirmed') <> (t.key IS NOT NULL)`},
	{says: "commission %s says other than its line how much was taken back", query: `SELECT c.id FROM commissions c JOIN order_lines l ON l.id = c.line_id JOIN orders o ON o.id = c.order_id` + lostOf + `
		WHERE c.reversed_minor <> l.back_commission_minor + COALESCE(z.c, 0) AND NOT (o.state = 'cancelled' AND c.reversed_minor = c.amount_minor)`},
	{says: "commission %s stands in the wrong state for what is left of it", query: `SELECT c.id FROM commissions c
		WHERE (c.state = 'reversed' AND c.reversed_minor <> c.amount_minor) OR (c.state IN ('pending','available') AND c.amount_minor > 0 AND c.reversed_minor = c.amount_minor)`},
}
