package account

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"mezzo/internal/db"
	"mezzo/internal/id"
)

// LoadKeys returns the ring of the signing keys kept in d, and makes the first one when there is
// none. Nodes that share a database share the ring.
func LoadKeys(ctx context.Context, d *db.DB) (*id.Keyring, error) {
	keys, err := signingKeys(ctx, d)
	if err == nil && len(keys) == 0 {
		err = addKey(ctx, d, 0)
		if err != nil && !db.IsUnique(err) { // another node was first: its key is as good
			return nil, err
		}
		keys, err = signingKeys(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("account: there is no signing key and none could be made")
	}
	return id.NewKeyring(keys...), nil
}

// RotateKeys puts a new signing key in force. Tokens signed with the one before stay valid until
// the next rotation, those signed earlier do not. The other nodes learn of it by ReloadKeys.
func RotateKeys(ctx context.Context, d *db.DB, ring *id.Keyring) error {
	var newest int64
	err := d.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT COALESCE(MAX(serial), 0) FROM signing_keys`).Scan(&newest)
	})
	if err != nil {
		return err
	}
	if err := addKey(ctx, d, newest); err != nil {
		return err
	}
	return ReloadKeys(ctx, d, ring)
}

// ReloadKeys puts the keys kept in d in force. A node calls it now and then, more often than keys
// are rotated.
func ReloadKeys(ctx context.Context, d *db.DB, ring *id.Keyring) error {
	keys, err := signingKeys(ctx, d)
	if err == nil && len(keys) > 0 {
		ring.Replace(keys...)
	}
	return err
}

// addKey stores the key after the newest; two nodes that do so at once make one key.
func addKey(ctx context.Context, d *db.DB, newest int64) error {
	secret := make([]byte, id.KeyBytes)
	rand.Read(secret)
	return d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO signing_keys (serial, secret, created_at) VALUES ($1, $2, $3)`, newest+1, secret, db.Micros(tx.Now()))
		return err
	})
}

// signingKeys returns the newest two. A token names its key by the serial's last byte.
func signingKeys(ctx context.Context, d *db.DB) ([]id.Key, error) {
	return db.Get(ctx, d, func(tx *db.Tx) ([]id.Key, error) {
		return db.All(tx, func(r *sql.Rows) (k id.Key, err error) {
			var serial int64
			var secret []byte
			if err := r.Scan(&serial, &secret); err != nil {
				return k, err
			}
			k.Number = uint8(serial)
			if copy(k.Secret[:], secret) != id.KeyBytes || len(secret) != id.KeyBytes {
				err = errors.New("account: a signing key has another length than it must")
			}
			return k, err
		}, `SELECT serial, secret FROM signing_keys ORDER BY serial DESC LIMIT 2`)
	})
}
