package affiliate

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"

	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// addCodes stores the codes of a sale as touches of their lines' products, made when the order was placed,
// and puts them before the others. One code makes one touch for a product, whatever is repeated.
func addCodes(tx *db.Tx, s Sale, touches map[id.Product][]touch) error {
	var rows db.Values
	var list []touch
	seen := map[string]bool{}
	for _, l := range s.Lines {
		for _, c := range l.Codes {
			t := touch{code: c, Touch: attribution.Touch{Kind: string(TouchCode), At: s.PlacedAt, Creator: c.Creator, Product: l.Product, Brand: l.Brand, Code: c.Code}}
			sum := sha256.Sum256([]byte("code\x00" + string(s.Order) + "\x00" + string(l.Product) + "\x00" + string(c.Creator) + "\x00" + c.Code))
			once := hex.EncodeToString(sum[:16])
			if seen[once] {
				continue
			}
			seen[once] = true
			t.Touch.Touch = t.Touch.Touch.Next(s.PlacedAt)
			list = append(list, t)
			rows.Row(string(t.Touch.Touch), string(s.Viewer), string(c.Creator), string(l.Product), string(l.Brand), string(TouchCode),
				"", "", "", "", int64(0), "", db.Micros(s.PlacedAt), once)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if _, err := tx.Exec(`INSERT INTO touches (id, viewer_id, creator_id, product_id, brand_id, kind, video_id, showcase_id, surface, request_id, slot, flag, at, once)
		VALUES `+rows.Text()+` ON CONFLICT (once) DO NOTHING`, rows.Args()...); err != nil {
		return err
	}
	for i := range list {
		if err := list[i].promoter(tx); err != nil {
			return err
		}
		touches[list[i].Product] = append([]touch{list[i]}, touches[list[i].Product]...)
	}
	return nil
}

// promoter reads what is true of a code's creator. The code is an acceptance as a shelf is, and counts from
// the earlier of the two.
func (t *touch) promoter(tx *db.Tx) error {
	var accepted, dropped int64
	err := tx.Row(`SELECT a.id, CASE WHEN a.standing = 'removed' OR a.erased_at > 0 THEN 1 ELSE 0 END, COALESCE(s.accepted_at, 0), COALESCE(s.removed_at, 0)
		FROM creators c JOIN accounts a ON a.id = c.account_id LEFT JOIN showcase s ON s.creator_id = c.id AND s.product_id = $2 WHERE c.id = $1`,
		string(t.Creator), string(t.Product)).Scan(&t.account, &t.CreatorRemoved, &accepted, &dropped)
	if err == sql.ErrNoRows {
		t.CreatorRemoved = true
		return nil
	}
	t.PromotingSince = t.code.At
	if shelved := db.Time(accepted); accepted > 0 && dropped == 0 && (t.PromotingSince.IsZero() || shelved.Before(t.PromotingSince)) {
		t.PromotingSince = shelved
	}
	return err
}
