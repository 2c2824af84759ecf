package ledger

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"mezzo/internal/db"
	"mezzo/internal/fault"
)

// Reverse takes the transfer of the key back by a new one, under the key as, with its legs
// turned round. Done twice under one key it is done once; under another key, or of a reversal,
// it is a Conflict. The money must still be where the transfer put it.
func Reverse(tx *db.Tx, key, as string) (Posted, error) {
	t, err := Get(tx, key)
	if err != nil {
		return Posted{}, err
	}
	if t.Kind == KindReversal {
		return Posted{}, fault.New(fault.Conflict, "A reversal cannot be taken back; post the movement anew.")
	}
	legs := slices.Clone(t.Legs)
	for i := range legs {
		legs[i].Amount = -legs[i].Amount
	}
	return post(tx, []Transfer{{Key: as, Kind: KindReversal, Currency: t.Currency, Legs: legs, Reverses: t.Key}})
}

// Get returns the transfer of the key as it stands in the book; Missing when there is none.
func Get(tx *db.Tx, key string) (Transfer, error) {
	t := Transfer{Key: key}
	var seq int64
	var reverses sql.NullString
	err := tx.Row(`SELECT seq, kind, currency, reverses FROM ledger_transfers WHERE key = $1`, key).Scan(&seq, &t.Kind, &t.Currency, &reverses)
	if errors.Is(err, sql.ErrNoRows) {
		return Transfer{}, fault.New(fault.Missing, "There is no such transfer in the book.")
	}
	if err != nil {
		return Transfer{}, fmt.Errorf("ledger: read %s: %w", key, err)
	}
	t.Reverses = reverses.String
	t.Legs, err = db.All(tx, func(r *sql.Rows) (l Leg, err error) {
		return l, r.Scan(&l.Account, &l.Amount)
	}, `SELECT account, amount FROM ledger_entries WHERE id >= $1 AND id < $2 ORDER BY id`, seq*MaxLegs, (seq+1)*MaxLegs)
	return t, err
}

// Missing returns those of the keys under which nothing stands in the book.
func Missing(tx *db.Tx, keys ...string) ([]string, error) {
	left := make(map[string]bool, len(keys))
	for _, k := range keys {
		left[k] = true
	}
	for _, c := range chunks(len(keys)) {
		args := make([]any, 0, c.to-c.from)
		for _, k := range keys[c.from:c.to] {
			args = append(args, k)
		}
		found, err := db.All(tx, func(r *sql.Rows) (k string, err error) { return k, r.Scan(&k) },
			values("SELECT key FROM ledger_transfers WHERE key IN ", 1, len(args)), args...)
		if err != nil {
			return nil, err
		}
		for _, k := range found {
			delete(left, k)
		}
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !left[k] }), nil
}
