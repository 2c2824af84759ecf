package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"time"

	"mezzo/internal/id"
)

const (
	// KeyTurn is how old the newest signing key may grow before another takes its place.
	KeyTurn = 30 * 24 * time.Hour
	// keysKept is how many signing keys stay stored: the two in force, and one to look back on.
	keysKept = 3
)

// SigningKeys returns the keys in force for an id.Keyring, newest first and at most two. It makes
// the first one, and a new one when the newest is older than KeyTurn; every node calls it at start
// and now and then. Two nodes that meet agree, because the number of a key is unique.
func (d *DB) SigningKeys(ctx context.Context) ([]id.Key, error) {
	type stored struct {
		key  id.Key
		made time.Time
		at   int64
	}
	return Do(WithoutKey(ctx), d, func(tx *Tx) ([]id.Key, error) {
		read := func() ([]stored, error) {
			return All(tx, func(rows *sql.Rows) (s stored, err error) {
				var made int64
				var secret []byte
				if err := rows.Scan(&s.at, &secret, &made); err != nil {
					return s, err
				}
				if len(secret) != id.KeyBytes {
					return s, fmt.Errorf("db: signing key %d has %d bytes", s.at, len(secret))
				}
				s.key, s.made = id.Key{Number: uint8(s.at), Secret: [id.KeyBytes]byte(secret)}, Time(made)
				return s, nil
			}, `SELECT serial, secret, created_at FROM signing_keys ORDER BY serial DESC LIMIT 2`)
		}
		keys, err := read()
		if err != nil {
			return nil, err
		}
		if len(keys) == 0 || tx.Now().Sub(keys[0].made) >= KeyTurn {
			serial := int64(1)
			if len(keys) > 0 {
				serial = keys[0].at + 1
			}
			var secret [id.KeyBytes]byte
			rand.Read(secret[:])
			if _, err := tx.Exec(`INSERT INTO signing_keys (serial, secret, created_at) VALUES ($1, $2, $3)
				ON CONFLICT (serial) DO NOTHING`, serial, secret[:], Micros(tx.Now())); err != nil {
				return nil, err
			}
			if _, err := tx.Exec(`DELETE FROM signing_keys WHERE serial <= $1`, serial-keysKept); err != nil {
				return nil, err
			}
			if keys, err = read(); err != nil {
				return nil, err
			}
		}
		out := make([]id.Key, len(keys))
		for i, k := range keys {
			out[i] = k.key
		}
		return out, nil
	})
}
