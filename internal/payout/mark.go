package payout

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// place is an account to be paid on, as far as people are known by it.
type place struct {
	id    string
	owner Owner
	mark  string
}

// homeOf is the mark of where a payee lives.
func homeOf(in Payee) (account.Mark, bool) {
	if in.Line1 == "" {
		return account.Mark{}, false
	}
	return account.NewMark(account.MarkAddress, in.Line1, in.Line2, in.PostalCode, in.Country)
}

// noteMarks notes what payees and their places are known by, for the question whether a creator buys from themselves:
// of those that were stored before it was asked, too. Records wait until their keys are here.
func (p *Payouts) noteMarks(ctx context.Context) error {
	var places []place
	var payees []Owner
	err := p.db.Read(ctx, func(tx *db.Tx) (err error) {
		if places, err = db.All(tx, func(r *sql.Rows) (x place, err error) { return x, r.Scan(&x.id, &x.owner, &x.mark) },
			`SELECT id, owner, mark FROM destinations WHERE noted = 0 ORDER BY id LIMIT CAST($1 AS INTEGER)`, sweepBatch); err != nil || p.vault.ready() != nil {
			return err
		}
		payees, err = db.All(tx, func(r *sql.Rows) (o Owner, err error) { return o, r.Scan(&o) },
			`SELECT owner FROM payees WHERE noted = 0 ORDER BY owner LIMIT CAST($1 AS INTEGER)`, sweepBatch)
		return err
	})
	for _, x := range places {
		err = errors.Join(err, p.db.Write(ctx, func(tx *db.Tx) error {
			known, ok := account.NewMark(account.MarkInstrument, x.mark)
			if x.mark != "" && ok {
				if err := know(tx, x.owner, known); err != nil {
					return err
				}
			}
			_, err := tx.Exec(`UPDATE destinations SET noted = 1 WHERE id = $1`, x.id)
			return err
		}))
	}
	for _, o := range payees {
		err = errors.Join(err, p.db.Write(ctx, func(tx *db.Tx) error {
			s, _, err := p.payeeOf(tx, o)
			if err != nil {
				return fmt.Errorf("what the payee %s is known by: %w", o, err)
			}
			if home, ok := homeOf(s.Payee); ok {
				if err := know(tx, o, home); err != nil {
					return err
				}
			}
			_, err = tx.Exec(`UPDATE payees SET noted = 1 WHERE owner = $1`, string(o))
			return err
		}))
	}
	return err
}

// know notes a mark of the people whose money an owner's is: the creator, or the owners of the brand.
func know(tx *db.Tx, o Owner, mark account.Mark) error {
	people, err := db.All(tx, func(r *sql.Rows) (a id.Account, err error) { return a, r.Scan(&a) },
		`SELECT id FROM accounts WHERE erased_at = 0 AND id IN (SELECT account_id FROM creators WHERE id = $1
			UNION SELECT account_id FROM brand_members WHERE brand_id = $1 AND role = 'owner') ORDER BY id`, string(o))
	for _, person := range people {
		if err == nil {
			err = account.AddMarks(tx, person, mark)
		}
	}
	return err
}
