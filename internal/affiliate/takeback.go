package affiliate

import (
	"database/sql"
	"fmt"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Taken is what a refund takes back of the commission on one line.
type Taken struct {
	Line   id.Line
	Base   money.Amount // what of its base
	Amount money.Amount
}

// TakeBack takes part of the lines' commissions back, or, with a sign of -1, gives back what a refund that
// failed has taken. One of which nothing is left is reversed; one that was paid out stays paid: what is
// taken of it is owed. The log is told by TellTakenBack, once the refund is certain.
func TakeBack(tx *db.Tx, taken []Taken, sign int64) error {
	var changed []Commission
	for _, t := range taken {
		if t.Amount.Minor == 0 {
			continue
		}
		list, err := db.All(tx, scanCommission, `UPDATE commissions SET reversed_minor = reversed_minor + $1
			WHERE line_id = $2 AND reversed_minor + $1 BETWEEN 0 AND amount_minor RETURNING `+commissionColumns, sign*t.Amount.Minor, string(t.Line))
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return fmt.Errorf("affiliate: the commission of %s has less than %s to take back or give again", t.Line, t.Amount)
		}
		c := list[0]
		if err := turn(tx, c); err != nil {
			return err
		}
		c.Amount = t.Amount
		changed = append(changed, c)
	}
	return unspend(tx, changed, sign)
}

// HoldDisputed holds parts of the lines' commissions while a bank disputes what was paid; with a sign of -1 it
// lets them go.
func HoldDisputed(tx *db.Tx, parts []Taken, sign int64) error {
	for _, t := range parts {
		n, err := tx.Exec(`UPDATE commissions SET disputed_minor = disputed_minor + $1 WHERE line_id = $2 AND disputed_minor + $1 BETWEEN 0 AND amount_minor - reversed_minor`,
			sign*t.Amount.Minor, string(t.Line))
		if err == nil && n != 1 && t.Amount.Minor != 0 {
			err = fmt.Errorf("affiliate: the commission of %s has less than %s to hold or let go", t.Line, t.Amount)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// turn brings a commission's state in line with what is left of it.
func turn(tx *db.Tx, c Commission) error {
	var err error
	switch {
	case c.Reversed == c.Amount && (c.State == Pending || c.State == Available):
		_, err = tx.Exec(`UPDATE commissions SET state = 'reversed', reason = $1, reversed_at = $2 WHERE id = $3`,
			OrderRefunded.Sentence(), db.Micros(tx.Now()), string(c.ID))
	case c.Reversed != c.Amount && c.State == Reversed:
		_, err = tx.Exec(`UPDATE commissions SET state = CASE WHEN released_at > 0 THEN 'available' ELSE 'pending' END, reason = '', reversed_at = 0 WHERE id = $1`, string(c.ID))
	}
	return err
}

// BrandCancelled notes of the lines' commissions that they were lost because their brand did not send, or
// called the order off: its programs show how often (CancelRate).
func BrandCancelled(tx *db.Tx, lines []id.Line) error {
	if len(lines) == 0 {
		return nil
	}
	in, args := db.In(1, lines)
	_, err := tx.Exec(`UPDATE commissions SET brand_cancelled = 1 WHERE line_id IN `+in, args...)
	return err
}

// TellTakenBack tells the log what a confirmed refund took back, before or after the release.
func TellTakenBack(tx *db.Tx, taken []Taken, released bool) error {
	for _, t := range taken {
		if t.Amount.Minor == 0 && t.Base.Minor == 0 {
			continue
		}
		list, err := db.All(tx, scanCommission, `SELECT `+commissionColumns+` FROM commissions WHERE line_id = $1`, string(t.Line))
		if err != nil {
			return err
		}
		clicked, err := clickedAt(tx, list)
		if err != nil {
			return err
		}
		for _, c := range list {
			state := c.fact()
			state.Base, state.Amount, state.ClickedAt = t.Base, t.Amount, clicked[t.Line]
			if err := event.Emit(tx, event.CommissionReversed{CommissionState: state, Released: released, Reason: string(OrderRefunded)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Won returns the touches that won the lines, as the log knows them; lines nobody won are left out.
func Won(tx *db.Tx, lines []id.Line) (map[id.Line]*event.SaleTouch, error) {
	won := make(map[id.Line]*event.SaleTouch, len(lines))
	if len(lines) == 0 {
		return won, nil
	}
	in, args := db.In(1, lines)
	return won, each(tx, func(rows *sql.Rows) error {
		var line id.Line
		var t event.SaleTouch
		var at, slot int64
		if err := rows.Scan(&line, &t.Touch, &at, &t.Request, &slot, &t.Surface, &t.Video, &t.Showcase); err != nil {
			return err
		}
		t.At, t.Slot = db.Time(at), uint8(slot)
		won[line] = &t
		return nil
	}, `SELECT a.line_id, t.id, t.at, t.request_id, t.slot, t.surface, t.video_id, t.showcase_id FROM attributions a JOIN touches t ON t.id = a.touch_id
		WHERE a.line_id IN `+in, args...)
}
