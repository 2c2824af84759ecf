package affiliate

import (
	"context"
	"database/sql"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// Promoters returns creators who have a brand's goods on their shelf, by name, at most limit of them, to the brand:
// whom it may choose for a program by name. How many follow them plays no part.
func (a *Affiliate) Promoters(ctx context.Context, who account.Asker, brand id.Brand, limit int) ([]Creator, error) {
	if err := who.OfBrand(brand, account.ProgramsRead); err != nil {
		return nil, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Creator, error) {
		return db.All(tx, func(r *sql.Rows) (c Creator, err error) {
			return c, r.Scan(&c.ID, &c.Handle, &c.DisplayName)
		}, `SELECT c.id, c.handle, c.display_name FROM creators c
			WHERE c.id IN (SELECT s.creator_id FROM showcase s WHERE s.brand_id = $1 AND s.removed_at = 0) ORDER BY c.handle LIMIT $2`, string(brand), limit)
	})
}
