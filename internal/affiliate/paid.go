package affiliate

import (
	"errors"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// PaidUpTo says which of a creator's released commissions have been paid out, where left of their money has not:
// the oldest are, the newest that make up left are not; one of which a part is left is not yet.
func PaidUpTo(tx *db.Tx, creator id.Creator, c money.Currency, left int64) error {
	at, last, err := firstPaid(tx, creator, c, left)
	if err != nil {
		return err
	}
	for _, q := range []string{
		`UPDATE commissions SET state = 'paid' WHERE creator_id = $1 AND currency = $2 AND state = 'available' AND (released_at < $3 OR (released_at = $3 AND id <= $4))`,
		`UPDATE commissions SET state = 'available' WHERE creator_id = $1 AND currency = $2 AND state = 'paid' AND (released_at > $3 OR (released_at = $3 AND id > $4))`,
	} {
		if _, err := tx.Exec(q, string(creator), string(c), at, last); err != nil {
			return err
		}
	}
	return nil
}

// firstPaid finds the newest commission of which nothing is left: it and all before it are paid. Zero when none is.
func firstPaid(tx *db.Tx, creator id.Creator, c money.Currency, left int64) (at int64, last string, err error) {
	rows, err := tx.Query(`SELECT id, released_at, amount_minor - reversed_minor - disputed_minor FROM commissions
		WHERE creator_id = $1 AND currency = $2 AND state IN ('available','paid') AND released_at > 0 ORDER BY released_at DESC, id DESC`, string(creator), string(c))
	if err != nil {
		return 0, "", err
	}
	for rows.Next() {
		var one string
		var released, amount int64
		if err := rows.Scan(&one, &released, &amount); err != nil {
			return 0, "", errors.Join(err, rows.Close())
		}
		if left <= 0 {
			at, last = released, one
			break
		}
		left -= amount
	}
	return at, last, errors.Join(rows.Err(), rows.Close())
}
