package order

// voucherProofs hold vouchers against their limits, their orders and the book.
var voucherProofs = []proof{
	{says: "voucher %s says other than its orders how often it is used", query: `SELECT v.id FROM vouchers v WHERE v.taken <>
		(SELECT COUNT(*) FROM voucher_uses u WHERE u.voucher_id = v.id AND u.state IN ('held','used'))`},
	{says: "voucher %s is used more often than it may be", query: `SELECT v.id FROM vouchers v WHERE (v.total_limit > 0 AND v.taken > v.total_limit)
		OR (v.person_limit > 0 AND EXISTS (SELECT 1 FROM voucher_people p WHERE p.voucher_id = v.id AND p.taken > v.person_limit))`},
	{says: "voucher %s says other than its orders how often one person uses it", query: `SELECT DISTINCT p.voucher_id FROM voucher_people p WHERE p.taken <>
		(SELECT COUNT(*) FROM voucher_use_people x JOIN voucher_uses u ON u.order_id = x.order_id AND u.voucher_id = x.voucher_id
			WHERE x.voucher_id = p.voucher_id AND x.person = p.person AND u.state IN ('held','used'))`},
	{says: "order %s says other than its lines what vouchers take off", query: `SELECT o.id FROM orders o WHERE o.discount_minor <>
		(SELECT SUM(l.brand_off_minor + l.platform_off_minor) FROM order_lines l WHERE l.order_id = o.id)
		OR o.subtotal_minor <> (SELECT SUM(l.unit_minor * l.quantity) FROM order_lines l WHERE l.order_id = o.id)`},
	{says: "line %s is sold at another price than its own less its vouchers", query: `SELECT l.id FROM order_lines l WHERE l.goods_minor <> l.unit_minor * l.quantity - l.brand_off_minor - l.platform_off_minor
		OR l.brand_off_minor < 0 OR l.platform_off_minor < 0 OR (l.brand_off_minor > 0) <> (l.brand_voucher_id <> '') OR (l.platform_off_minor > 0) <> (l.platform_voucher_id <> '')`},
	{says: "order %s took something off by a voucher it does not have, or another amount", query: `SELECT u.order_id FROM voucher_uses u JOIN vouchers v ON v.id = u.voucher_id WHERE u.amount_minor <>
		COALESCE((SELECT SUM(CASE WHEN v.brand_id = '' THEN l.platform_off_minor ELSE l.brand_off_minor END) FROM order_lines l
			WHERE l.order_id = u.order_id AND u.voucher_id = CASE WHEN v.brand_id = '' THEN l.platform_voucher_id ELSE l.brand_voucher_id END), 0)
		UNION SELECT o.id FROM orders o WHERE o.discount_minor <> COALESCE((SELECT SUM(u.amount_minor) FROM voucher_uses u WHERE u.order_id = o.id), 0)`},
	{says: "order %s holds a voucher it should have used or given back, or the other way round", query: `SELECT DISTINCT o.id FROM orders o JOIN voucher_uses u ON u.order_id = o.id
		WHERE u.state <> 'noted' AND u.state <> CASE o.state WHEN 'placed' THEN 'held' WHEN 'paid' THEN 'used' ELSE 'back' END`},
	{says: "line %s is posted with another share of the platform's voucher than it was sold with", query: `SELECT l.id FROM order_lines l JOIN orders o ON o.id = l.order_id
		WHERE o.paid_at > 0 AND l.platform_off_minor > 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfers t JOIN ledger_entries e ON e.id >= t.seq * 64 AND e.id < t.seq * 64 + 64
			WHERE t.key = 'order:' || o.id || ':paid:' || l.id AND e.account = 'promo:platform' AND e.amount = -l.platform_off_minor)`},
}
