package payout

import (
	"database/sql"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/money"
)

// LimitWindow is how long what an owner was paid without an operator's look counts against the limit.
const LimitWindow = 24 * time.Hour

// watch says of payouts how many operators must look at them first: of one above the limit, and of one with which
// what its owner is paid unseen within LimitWindow would come above it, so that many small ones are no way around it.
// Their purses must have been taken: of two that are asked for at once the second sees the first.
func watch(tx *db.Tx, pots []Payout) error {
	set, err := settingsOf(tx)
	if err != nil || set.Approvals == 0 {
		return err
	}
	type purse struct {
		owner    Owner
		currency money.Currency
	}
	owners := make([]Owner, len(pots))
	for i, pot := range pots {
		owners[i] = pot.Owner
	}
	in, args := db.In(2, owners)
	unseen := map[purse]int64{}
	if _, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var of purse
		var minor int64
		err := r.Scan(&of.owner, &of.currency, &minor)
		unseen[of] = minor
		return struct{}{}, err
	}, `SELECT owner, currency, CAST(SUM(amount_minor) AS BIGINT) FROM payouts
		WHERE created_at > $1 AND approvals = 0 AND state NOT IN ('failed','returned') AND owner IN `+in+` GROUP BY owner, currency`,
		append([]any{db.Micros(tx.Now().Add(-LimitWindow))}, args...)...); err != nil {
		return err
	}
	for i := range pots {
		pot, of := &pots[i], purse{pots[i].Owner, pots[i].Amount.Currency}
		if unseen[of]+pot.Amount.Minor > set.Limit(pot.Amount.Currency).Minor {
			pot.Approvals = set.Approvals
			continue
		}
		unseen[of] += pot.Amount.Minor
	}
	return nil
}
