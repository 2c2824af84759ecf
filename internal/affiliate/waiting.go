package affiliate

import (
	"database/sql"
	"encoding/json"

	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// postpone stores the sale's lines undecided, each with the most it can come to, so that the ledger can
// keep that much aside.
func postpone(tx *db.Tx, s Sale) (map[id.Line]Decision, error) {
	decisions := make(map[id.Line]Decision, len(s.Lines))
	if len(s.Lines) == 0 {
		return decisions, nil
	}
	programs, err := loadPrograms(tx, brandsOf(s), nil, nil, true) // of another product of the brand, too
	if err != nil {
		return nil, err
	}
	sale, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var rows db.Values
	for _, l := range s.Lines {
		d := Decision{Waiting: true}
		for _, p := range programs {
			if p.brand != l.Brand || (!p.all && !p.holds(l.Product) && len(p.indirect) == 0) {
				continue
			}
			d.HoldDays, d.Most = max(d.HoldDays, p.hold), max(d.Most, p.most())
		}
		decisions[l.Line] = d
		addAttribution(&rows, tx, s, l, Decision{}, "waiting", string(sale), "")
	}
	return decisions, insertAttributions(tx, &rows)
}

// Undecided returns orders with waiting lines, oldest first, at most limit.
func Undecided(tx *db.Tx, limit int) ([]id.Order, error) {
	return db.All(tx, func(rows *sql.Rows) (o id.Order, err error) {
		err = rows.Scan(&o)
		return o, err
	}, `SELECT DISTINCT order_id FROM attributions WHERE state = 'waiting' ORDER BY order_id LIMIT $1`, int64(limit))
}

// Waiting returns the parts of the orders of which a line is not decided yet.
func Waiting(tx *db.Tx, orders []id.Order) ([]id.Part, error) {
	in, args := db.In(1, orders)
	return db.All(tx, func(rows *sql.Rows) (p id.Part, err error) { return p, rows.Scan(&p) },
		`SELECT DISTINCT part_id FROM attributions WHERE state = 'waiting' AND order_id IN `+in, args...)
}

// DecideWaiting settles the waiting lines of an order as they would have been at the sale, once the
// follower has reached the order's horizon: that is for the caller to see to. It returns what it decided,
// nothing when no line waits, so that each line's money moves once.
func DecideWaiting(tx *db.Tx, order id.Order) (map[id.Line]Decision, error) {
	sales, err := db.All(tx, func(rows *sql.Rows) (s Sale, err error) {
		var text string
		if err = rows.Scan(&text); err == nil {
			err = json.Unmarshal([]byte(text), &s)
		}
		return s, err
	}, `SELECT receipt FROM attributions WHERE order_id = $1 AND state = 'waiting' ORDER BY line_id LIMIT 1`, string(order))
	if err != nil || len(sales) == 0 {
		return nil, err
	}
	s := sales[0]
	made, err := decide(tx, s)
	if err != nil {
		return nil, err
	}
	settled := make(map[id.Line]Decision, len(made.decisions))
	for _, l := range s.Lines {
		d := made.decisions[l.Line]
		receipt, facts, err := made.texts(l.Line)
		if err != nil {
			return nil, err
		}
		n, err := tx.Exec(`UPDATE attributions SET state = 'decided', creator_id = $1, program_id = $2, touch_id = $3, receipt = $4, facts = $5, rule = $6, rule_version = $7, decided_at = $8
			WHERE line_id = $9 AND state = 'waiting'`, string(d.Creator), string(d.Program), string(d.Touch), receipt, facts, attribution.RuleName, int64(attribution.RuleVersion), db.Micros(tx.Now()), string(l.Line))
		if err != nil {
			return nil, err
		}
		if n == 1 {
			settled[l.Line] = d
		}
	}
	if len(settled) == 0 {
		return settled, nil
	}
	return settled, insertCandidates(tx, s, made)
}
