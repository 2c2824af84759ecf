package order

// returnProofs hold returns against their refunds, parts and timers.
var returnProofs = []proof{
	{says: "return %s says other than its refund what became of it", query: `SELECT r.id FROM returns r WHERE r.refund_id <> ''
		AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.id = r.refund_id AND f.part_id = r.part_id AND (r.state = 'refunded') = (f.state <> 'failed'))`},
	{says: "return %s gave back more units than were asked", query: `SELECT DISTINCT r.id FROM returns r JOIN refund_lines f ON f.refund_id = r.refund_id
		LEFT JOIN return_lines l ON l.return_id = r.id AND l.line_id = f.line_id WHERE COALESCE(l.quantity, 0) < f.quantity`},
	{says: "return %s is of a line of another part", query: `SELECT r.id FROM returns r JOIN return_lines x ON x.return_id = r.id JOIN order_lines l ON l.id = x.line_id WHERE l.part_id <> r.part_id`},
	{says: "return %s is open, and its part is released", query: `SELECT r.id FROM returns r JOIN order_parts p ON p.id = r.part_id WHERE r.state IN ('requested','approved') AND p.state = 'completed'`},
	{says: "return %s is settled and waits all the same, or waits without a timer", query: `SELECT r.id FROM returns r WHERE (r.state IN ('requested','approved')) <> (r.due_at > 0)`},
	{says: "nobody has answered return %s in time", since: true, query: `SELECT r.id FROM returns r WHERE r.state IN ('requested','approved') AND r.due_at < $1 AND` + undisputedSince("r.order_id")},
}
