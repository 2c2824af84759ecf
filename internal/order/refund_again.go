package order

import (
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// reopen brings a claim or a return back whose refund the provider has refused: its part is not released, and
// whoever gave the money back is to do it again, in the time an answer may take; then the platform does. It keeps
// the name of the refund that failed: by that it is known as one that is only about the money.
func (r *Refund) reopen(tx *db.Tx) error {
	_, err := tx.Exec(claimIsOpenAgain.update(`due_at = $1, settled_at = 0`)+`refund_id = $2`, db.Micros(tx.Now().Add(ProofWithin)), r.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(returnIsOpenAgain.update(`due_at = $1`)+`refund_id = $2`, db.Micros(tx.Now().Add(AnswerWithin)), r.ID)
	return err
}

// errUnderWay is the answer while a refund made otherwise may still take the place of one that failed.
func errUnderWay() error {
	return fault.New(fault.Conflict, "Another refund of this part is waiting for the payment provider. Ask again when it has answered.").WithType("wrong_state")
}

// askAgain is what is still to be given back of a return whose refund has failed: the refund's units, less those
// that refunds which no return asked for have given back since it failed. Conflict while one of them waits.
func (r *Return) askAgain(tx *db.Tx) ([]ReturnUnits, error) {
	if waiting, err := refunding(tx, r.Order, r.Part); err != nil || waiting {
		if waiting {
			err = errUnderWay()
		}
		return nil, err
	}
	var left []ReturnUnits
	for _, u := range r.Lines {
		if err := tx.Row(`SELECT CAST(COALESCE((SELECT quantity FROM refund_lines WHERE refund_id = $2 AND line_id = $1), 0)
			- COALESCE((SELECT SUM(x.quantity) FROM refund_lines x JOIN refunds f ON f.id = x.refund_id WHERE x.line_id = $1 AND f.state <> 'failed'
				AND f.created_at >= (SELECT settled_at FROM refunds WHERE id = $2) AND NOT EXISTS (SELECT 1 FROM returns o WHERE o.refund_id = f.id)), 0) AS BIGINT)`,
			u.Line, r.Refund).Scan(&u.Quantity); err != nil {
			return nil, err
		}
		if u.Quantity > 0 {
			left = append(left, u)
		}
	}
	return left, nil
}

// later puts the time of a claim or a return off whose refund has failed, while another refund of its part waits
// for the provider; it reports whether it did.
func later(tx *db.Tx, table string, name string, failed id.Refund, ord id.Order, part id.Part, by time.Duration) (bool, error) {
	if failed == "" {
		return false, nil
	}
	waiting, err := refunding(tx, ord, part)
	if err != nil || !waiting {
		return false, err
	}
	_, err = tx.Exec(`UPDATE `+table+` SET due_at = $1 WHERE id = $2`, db.Micros(tx.Now().Add(by)), name)
	return true, err
}
