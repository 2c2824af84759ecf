package insight

import (
	"database/sql"
	"errors"

	"mezzo/internal/db"
)

const brandOfProduct = `SELECT brand_id FROM products WHERE id = $1`

// one returns the text a query finds for an id, "" when it finds nothing.
func one(tx *db.Tx, query, id string) (string, error) {
	var out string
	err := tx.Row(query, id).Scan(&out)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return out, err
}
