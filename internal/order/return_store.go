package order

import (
	"database/sql"

	"mezzo/internal/db"
	"mezzo/internal/id"
)

func (r *Return) insert(tx *db.Tx) error {
	_, err := tx.Exec(`INSERT INTO returns(id, order_id, part_id, brand_id, keeps, state, due_at, created_at) VALUES ($1,$2,$3,$4,$5,'requested',$6,$7)`,
		r.ID, r.Order, r.Part, r.Brand, db.Flag(r.Keeps), db.Micros(r.DueAt), db.Micros(r.CreatedAt))
	if err != nil {
		return err
	}
	var rows db.Values
	for _, l := range r.Lines {
		rows.Row(r.ID, l.Line, l.Quantity, l.Reason)
	}
	_, err = tx.Exec(`INSERT INTO return_lines(return_id, line_id, quantity, reason) VALUES `+rows.Text(), rows.Args()...)
	return err
}

// store writes how a return was settled.
func (r *Return) store(tx *db.Tx, to move[ReturnState]) error {
	_, err := tx.Exec(to.update(`note = $1, decided_by = $2, decided_at = $3, refund_id = $4, due_at = $5`)+`id = $6`,
		r.Note, r.DecidedBy, db.Micros(r.DecidedAt), r.Refund, db.Micros(r.DueAt), r.ID)
	return err
}

// returnLocked takes the order of a return and reads both; Missing when there is none.
func returnLocked(tx *db.Tx, rid id.Return) (Return, Order, error) {
	r, err := returnOf(tx, rid)
	if err != nil {
		return Return{}, Order{}, err
	}
	full, err := loadLocked(tx, r.Order)
	if err != nil {
		return Return{}, Order{}, err
	}
	r, err = returnOf(tx, rid) // as the lock found it
	return r, full, err
}

// returnOf reads a return; Missing when there is none.
func returnOf(tx *db.Tx, rid id.Return) (Return, error) {
	list, err := returnsWhere(tx, `r.id = $1`, string(rid))
	if err == nil && len(list) == 0 {
		err = missing("return")
	}
	if err != nil {
		return Return{}, err
	}
	return list[0], nil
}

// returnsWhere reads the returns of a condition with their lines.
func returnsWhere(tx *db.Tx, where string, args ...any) ([]Return, error) {
	list, err := db.All(tx, func(rows *sql.Rows) (Return, error) {
		var r Return
		var sent, due, created, decided int64
		err := rows.Scan(&r.ID, &r.Order, &r.Part, &r.Brand, &r.Keeps, &r.State, &r.Note, &r.DecidedBy, &r.Carrier, &r.Tracking, &sent, &r.Refund, &due, &created, &decided)
		r.SentAt, r.CreatedAt, r.DecidedAt, r.DueAt = db.Time(sent), db.Time(created), db.Time(decided), db.Time(due)
		return r, err
	}, `SELECT r.id, r.order_id, r.part_id, r.brand_id, r.keeps, r.state, r.note, r.decided_by, r.carrier, r.tracking, r.sent_at, r.refund_id, r.due_at, r.created_at, r.decided_at
		FROM returns r WHERE `+where, args...)
	for i := range list {
		if err != nil {
			break
		}
		list[i].Lines, err = db.All(tx, func(rows *sql.Rows) (ReturnUnits, error) {
			var u ReturnUnits
			return u, rows.Scan(&u.Line, &u.Quantity, &u.Reason)
		}, `SELECT line_id, quantity, reason FROM return_lines WHERE return_id = $1 ORDER BY line_id`, list[i].ID)
	}
	return list, err
}

// returning returns how many units of a line are asked back by returns not settled yet.
func returning(tx *db.Tx, line id.Line) (n int64, err error) {
	err = tx.Row(`SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) FROM return_lines l JOIN returns r ON r.id = l.return_id
		WHERE l.line_id = $1 AND r.state IN ('requested','approved')`, line).Scan(&n)
	return n, err
}

// returned reports whether a return of the part is not settled yet.
func returned(tx *db.Tx, part id.Part) (bool, error) {
	var n int64
	err := tx.Row(`SELECT COUNT(*) FROM returns WHERE part_id = $1 AND state IN ('requested','approved')`, part).Scan(&n)
	return n > 0, err
}
