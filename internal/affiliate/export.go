package affiliate

import (
	"database/sql"
	"errors"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/id"
)

// Exported is what a person takes home of what they promote and earn.
type Exported struct {
	Showcase    []ExportedItem `json:"showcase"`
	Commissions []Commission   `json:"commissions"`
}

// ExportedItem is a product the person promotes or has promoted.
type ExportedItem struct {
	Product    id.Product `json:"product_id"`
	Title      string     `json:"title"`
	AcceptedAt time.Time  `json:"accepted_at"`
	RemovedAt  *time.Time `json:"removed_at,omitempty"`
}

// Export returns what a person has on their shelf, had on it, and earns, oldest first; nothing for who
// is no creator.
func Export(tx *db.Tx, person id.Account) (any, error) {
	out := Exported{Showcase: []ExportedItem{}, Commissions: []Commission{}}
	var creator id.Creator
	err := tx.Row(`SELECT id FROM creators WHERE account_id = $1`, person).Scan(&creator)
	if errors.Is(err, sql.ErrNoRows) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	items, err := db.All(tx, func(r *sql.Rows) (ExportedItem, error) {
		var i ExportedItem
		var accepted, removed int64
		err := r.Scan(&i.Product, &i.Title, &accepted, &removed)
		i.AcceptedAt, i.RemovedAt = db.Time(accepted), timeOf(removed)
		return i, err
	}, `SELECT s.product_id, p.title, s.accepted_at, s.removed_at FROM showcase s JOIN products p ON p.id = s.product_id WHERE s.creator_id = $1 ORDER BY s.id`, creator)
	if err != nil {
		return nil, err
	}
	earned, err := db.All(tx, scanCommission, `SELECT `+commissionColumns+` FROM commissions WHERE creator_id = $1 ORDER BY id`, creator)
	out.Showcase, out.Commissions = append(out.Showcase, items...), append(out.Commissions, earned...)
	return out, err
}
