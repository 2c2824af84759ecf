package account

import (
	"context"
	"database/sql"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// WriteKey lets an event SDK on a brand's own site send that brand's events. It opens nothing else.
type WriteKey struct {
	ID        id.WriteKey `json:"id"`
	Name      string      `json:"name"`
	Secret    string      `json:"write_key,omitempty" doc:"For the SDK's writeKey. Shown once"`
	MadeBy    id.Account  `json:"made_by"`
	CreatedAt time.Time   `json:"created_at"`
}

// Redacted is what a repeat of the call that made it is answered with.
func (k WriteKey) Redacted() any { k.Secret = ""; return k }

// CreateWriteKey makes a write key of a brand; its owners may.
func (a *Accounts) CreateWriteKey(ctx context.Context, who Asker, brand id.Brand, name string) (WriteKey, error) {
	if err := who.ownerOf(brand); err != nil {
		return WriteKey{}, err
	}
	name, err := checkText("body.name", name, 1, tokenNameMax, false)
	if err != nil {
		return WriteKey{}, err
	}
	return db.Do(ctx, a.d, func(tx *db.Tx) (WriteKey, error) {
		var live int64
		if err := tx.Row(`SELECT COUNT(*) FROM write_keys WHERE brand_id = $1 AND revoked_at = 0`, brand).Scan(&live); err != nil {
			return WriteKey{}, err
		}
		if live >= tokensMax {
			return WriteKey{}, fault.New(fault.Conflict, "There are %d live write keys already. Revoke one first.", live)
		}
		k := WriteKey{Name: name, MadeBy: who.Account, CreatedAt: tx.Now()}
		k.ID = k.ID.Next(tx.Now())
		secret, hash := newSecret(writeKeyPrefix)
		k.Secret = secret
		_, err := tx.Exec(`INSERT INTO write_keys (id, secret_hash, brand_id, name, made_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			k.ID, hash, brand, name, who.Account, db.Micros(tx.Now()))
		return k, err
	})
}

// WriteKeys lists a brand's live write keys.
func (a *Accounts) WriteKeys(ctx context.Context, who Asker, brand id.Brand) ([]WriteKey, error) {
	if err := who.ownerOf(brand); err != nil {
		return nil, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]WriteKey, error) {
		return db.All(tx, func(r *sql.Rows) (k WriteKey, err error) {
			var created int64
			err = r.Scan(&k.ID, &k.Name, &k.MadeBy, &created)
			k.CreatedAt = db.Time(created)
			return k, err
		}, `SELECT id, name, made_by, created_at FROM write_keys WHERE brand_id = $1 AND revoked_at = 0 ORDER BY id LIMIT $2`, brand, tokensMax)
	})
}

// RevokeWriteKey ends a write key of the brand.
func (a *Accounts) RevokeWriteKey(ctx context.Context, who Asker, brand id.Brand, key id.WriteKey) error {
	if err := who.ownerOf(brand); err != nil {
		return err
	}
	defer a.cache.forget(func(_ string, known Asker) bool { return known.writeKey == key })
	return a.d.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE write_keys SET revoked_at = $3 WHERE id = $1 AND brand_id = $2 AND revoked_at = 0`, key, brand, db.Micros(tx.Now()))
		if err == nil && n == 0 {
			err = fault.New(fault.Missing, "There is no such write key among the brand's.")
		}
		return err
	})
}

// OpenWriteKey returns the key and the brand whose events it may write; Unauthorized when it is
// nobody's or was revoked. It is cached like Authenticate.
func (a *Accounts) OpenWriteKey(ctx context.Context, secret string) (id.WriteKey, id.Brand, error) {
	unknown := fault.New(fault.Unauthorized, "This write key is not known, or was revoked.")
	if kindOfSecret(secret) != writeKeyPrefix {
		return "", "", unknown
	}
	hash := hashSecret(secret)
	known, ok, turn := a.cache.get(hash)
	if ok {
		return known.writeKey, known.TokenBrand, nil
	}
	err := a.d.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT id, brand_id FROM write_keys WHERE secret_hash = $1 AND revoked_at = 0`, hash).Scan(&known.writeKey, &known.TokenBrand)
	})
	if err == sql.ErrNoRows {
		return "", "", unknown
	}
	if err != nil {
		return "", "", err
	}
	a.cache.put(hash, known, time.Time{}, turn)
	return known.writeKey, known.TokenBrand, nil
}
