package db

import (
	"context"
	"time"
)

// Lease makes holder the owner of name for ttl, by the clock of the house, or prolongs its
// ownership; false says that somebody else owns it.
func (d *DB) Lease(ctx context.Context, name, holder string, ttl time.Duration) (ok bool, err error) {
	err = d.Write(ctx, func(tx *Tx) error {
		var err error
		ok, err = lease(tx, name, holder, ttl)
		return err
	})
	return ok && err == nil, err
}

func lease(tx *Tx, name, holder string, ttl time.Duration) (bool, error) {
	n, err := tx.Exec(`INSERT INTO leases (name, holder, until_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at
		WHERE leases.holder = excluded.holder OR leases.until_at <= $4`,
		name, holder, Micros(tx.Now().Add(ttl)), Micros(tx.Now()))
	return n == 1, err
}

// Release gives name up if holder owns it, so that the next need not wait for its end.
func (d *DB) Release(ctx context.Context, name, holder string) error {
	return d.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(`DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder)
		return err
	})
}
