package catalog

import (
	"database/sql"
	"errors"

	"mezzo/internal/db"
	"mezzo/internal/id"
)

// PutBack puts units that an order bought back on the shelf, at most as many as it still has, and returns
// how many went. A reservation whose units have all gone back is released.
func PutBack(tx *db.Tx, order id.Order, item Item) (int64, error) {
	var row string
	var sold int64
	err := tx.Row(`SELECT id, quantity FROM reservations WHERE order_id = $1 AND variant_id = $2 AND state = 'sold'`, string(order), string(item.Variant)).Scan(&row, &sold)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	back := min(item.Quantity, sold)
	if back == sold { // the row keeps its quantity: a reservation is never of nothing
		_, err = tx.Exec(`UPDATE reservations SET state = 'released' WHERE id = $1`, row)
	} else {
		_, err = tx.Exec(`UPDATE reservations SET quantity = quantity - $1 WHERE id = $2`, back, row)
	}
	if err != nil {
		return 0, err
	}
	return back, put(tx, taken{item.Variant, back}, `on_hand = on_hand + $1, version = version + 1`)
}
