package feed

import (
	"context"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Policy is how the items of a page were chosen.
type Policy struct {
	ID      id.Policy
	Name    string
	Version uint32
}

// Uniform is the control for all other policies: whatever may be shown is as likely as anything
// else that may. Its rule is Draw.
func Uniform() Policy { return Policy{policyID(1), "uniform", 1} }

// Newest is not drawn at all: everything, the newest first.
func Newest() Policy { return Policy{policyID(2), "newest", 1} }

// Declare tells the log of the policies that stand in the code and of whom each is for, once for each
// version, so that folds know them from the log alone. Every node may call it at its start.
func Declare(ctx context.Context, d *db.DB) error {
	shares := []struct {
		Policy
		share money.Bps // of viewers, on surfaces that are drawn
	}{{Uniform(), money.Whole}, {Newest(), 0}}
	return d.Write(ctx, func(tx *db.Tx) error {
		for _, p := range shares {
			n, err := tx.Exec(`INSERT INTO policies (id, version, name, share_bps, in_force_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id, version) DO NOTHING`,
				p.ID, int64(p.Version), p.Name, int64(p.share), db.Micros(tx.Now()))
			if err == nil && n == 1 {
				err = event.Emit(tx, event.PolicyChanged{Policy: p.ID, Name: p.Name, Version: int64(p.Version), Share: p.share})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// policyID is the id of a policy that is written in code; it is the same in every Mezzo.
func policyID(number byte) id.Policy { return id.Policy("").From([16]byte{15: number}) }

// Why an item is on a page, in words for the people who see it.
const (
	whyUniform   = "drawn at random, as for everybody"
	whyCategory  = "from the category you chose"
	whyFollowing = "you follow this creator"
	whyNewest    = "newest first"
)
