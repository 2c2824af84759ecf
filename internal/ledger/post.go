package ledger

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/money"
)

// Posted says what Post did.
type Posted struct {
	New      int // transfers that entered the book
	Replayed int // transfers that stood there already, with the same content
}

// ErrBeyond means that an account would stand beyond money.Max: nothing was posted.
var ErrBeyond = errors.New("a balance would be beyond what the book can hold")

// ErrDifferent means that a key stands in the book with other content: two parts of the
// program tell one thing differently.
var ErrDifferent = errors.New("the key is in the book with other content")

// Overdraft is the cause of a refusal for lack of balance.
type Overdraft struct {
	Account  Account
	Currency money.Currency
}

// Error names the account, for the log.
func (o *Overdraft) Error() string {
	return fmt.Sprintf("%s in %s would fall below zero", o.Account, o.Currency)
}

func overdraft(a Account, c money.Currency) error {
	return fault.Wrap(fault.Conflict, &Overdraft{a, c}, "The balance is lower than this amount. Look at the balance and ask for less.").WithType("insufficient_balance")
}

// Post enters transfers into the book, in the caller's transaction and in the order given: all
// of them, or none and an error. A transfer whose key is in the book already is passed over if
// it says the same, and an error (ErrDifferent) if not. Each must leave every account with a
// limit at zero or above: a Conflict of type insufficient_balance, caused by *Overdraft.
// Balance rows are locked in order of their names; post late in a transaction.
func Post(tx *db.Tx, transfers ...Transfer) (Posted, error) {
	if err := postable(transfers); err != nil {
		return Posted{}, err
	}
	return post(tx, transfers)
}

func post(tx *db.Tx, transfers []Transfer) (Posted, error) {
	fresh, err := enter(tx, transfers)
	if err != nil {
		return Posted{}, err
	}
	return Posted{New: len(fresh), Replayed: len(transfers) - len(fresh)}, nil
}

// enter posts transfers and returns the keys of those that are new in the book.
func enter(tx *db.Tx, transfers []Transfer) (map[string]bool, error) {
	drafts := make([]draft, len(transfers))
	for i, t := range transfers {
		d, err := prepare(t)
		if err != nil {
			return nil, err
		}
		drafts[i] = d
	}
	fresh, err := insertTransfers(tx, drafts)
	if err != nil {
		return nil, err
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	b, err := moveBalances(tx, fresh)
	if err != nil {
		return nil, err
	}
	if err := insertEntries(tx, fresh, b); err != nil {
		return nil, err
	}
	if err := insertRows(tx, "INSERT INTO ledger_unsealed (seq) VALUES ", "", len(fresh), 1, func(args []any, i int) []any {
		return append(args, fresh[i].seq)
	}); err != nil {
		return nil, err
	}
	keys := make(map[string]bool, len(fresh))
	for _, d := range fresh {
		keys[d.Key] = true
	}
	return keys, nil
}

// insertTransfers inserts those that are not in the book and returns them with their seq, in
// the order given. The unique key makes racing callers wait for one another here.
func insertTransfers(tx *db.Tx, drafts []draft) ([]*draft, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	byKey := make(map[string]*draft, len(drafts))
	distinct := make([]*draft, 0, len(drafts))
	for i := range drafts {
		d := &drafts[i]
		if same := byKey[d.Key]; same != nil {
			if same.hash != d.hash {
				return nil, fmt.Errorf("ledger: %s: %w", d.Key, ErrDifferent)
			}
			continue
		}
		byKey[d.Key] = d
		distinct = append(distinct, d)
	}
	now := db.Micros(tx.Now())
	for _, c := range chunks(len(distinct)) {
		part := distinct[c.from:c.to]
		args := make([]any, 0, 6*len(part))
		for _, d := range part {
			var reverses any
			if d.Reverses != "" {
				reverses = d.Reverses
			}
			args = append(args, d.Key, string(d.Kind), string(d.Currency), reverses, d.hash[:], now)
		}
		rows, err := tx.Query(values("INSERT INTO ledger_transfers (key, kind, currency, reverses, hash, created_at) VALUES ", len(part), 6)+
			" ON CONFLICT (key) DO NOTHING RETURNING key, seq", args...)
		if err != nil {
			return nil, alreadyReversed(err)
		}
		for rows.Next() {
			var key string
			var seq int64
			if err := rows.Scan(&key, &seq); err != nil {
				rows.Close()
				return nil, err
			}
			byKey[key].seq = seq
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, alreadyReversed(err)
		}
	}
	fresh := slices.DeleteFunc(slices.Clone(distinct), func(d *draft) bool { return d.seq == 0 })
	if len(fresh) == len(distinct) {
		return fresh, nil
	}
	return fresh, compareReplayed(tx, distinct)
}

// alreadyReversed turns the breach of ledger_transfers' unique reverses into what it means.
func alreadyReversed(err error) error {
	if db.IsUnique(err) {
		return fault.Wrap(fault.Conflict, err, "This was taken back already.").WithType("already_reversed")
	}
	return err
}

// compareReplayed checks that what stands in the book under the keys of transfers not
// inserted says the same as they do.
func compareReplayed(tx *db.Tx, drafts []*draft) error {
	for _, d := range drafts {
		if d.seq != 0 {
			continue
		}
		var hash []byte
		if err := tx.Row(`SELECT hash FROM ledger_transfers WHERE key = $1`, d.Key).Scan(&hash); err != nil {
			return fmt.Errorf("ledger: read %s: %w", d.Key, err)
		}
		if !bytes.Equal(hash, d.hash[:]) {
			return fmt.Errorf("ledger: %s: %w", d.Key, ErrDifferent)
		}
	}
	return nil
}

// moved is what a post does to one account with a limit.
type moved struct {
	account  Account
	currency money.Currency
	net      int64
	lowest   int64 // of the running net after each transfer
	entries  int64
	read     bool // its row was moved; then balance and version run from before the first entry
	balance  int64
	version  int64
}

// moveBalances adds the net of all transfers to the rows of accounts with a limit: one
// statement, in order of names, so that concurrent posts wait instead of deadlocking.
func moveBalances(tx *db.Tx, fresh []*draft) ([]*moved, error) {
	var all []*moved
	for _, d := range fresh {
		for i, l := range d.Legs {
			if !d.limited[i] {
				continue
			}
			m := find(all, l.Account, d.Currency)
			if m == nil {
				m = &moved{account: l.Account, currency: d.Currency}
				at, _ := slices.BinarySearchFunc(all, m, (*moved).compare)
				all = slices.Insert(all, at, m)
			}
			m.net += l.Amount
			m.lowest = min(m.lowest, m.net)
			m.entries++
			if m.net > money.Max || m.net < -money.Max {
				return nil, fmt.Errorf("ledger: what is posted to %s: %w", l.Account, ErrBeyond)
			}
		}
	}
	now := db.Micros(tx.Now())
	for _, c := range chunks(len(all)) {
		if err := moveRows(tx, all[c.from:c.to], now); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (m *moved) compare(o *moved) int {
	return cmp.Or(cmp.Compare(m.account, o.account), cmp.Compare(m.currency, o.currency))
}

func find(all []*moved, a Account, c money.Currency) *moved {
	at, found := slices.BinarySearchFunc(all, &moved{account: a, currency: c}, (*moved).compare)
	if !found {
		return nil
	}
	return all[at]
}

func moveRows(tx *db.Tx, part []*moved, now int64) error {
	args := make([]any, 0, 6*len(part))
	for _, m := range part {
		args = append(args, string(m.account), string(m.currency), 1, m.net, m.entries, now)
	}
	rows, err := tx.Query(values("INSERT INTO ledger_accounts (name, currency, limited, balance, version, updated_at) VALUES ", len(part), 6)+
		` ON CONFLICT (name, currency) DO UPDATE SET balance = ledger_accounts.balance + excluded.balance,
		  version = ledger_accounts.version + excluded.version, updated_at = excluded.updated_at
		  WHERE ledger_accounts.balance + excluded.balance BETWEEN 0 AND 9000000000000000
		  RETURNING name, currency, balance, version`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var name, currency string
		var balance, version int64
		if err := rows.Scan(&name, &currency, &balance, &version); err != nil {
			return err
		}
		m := find(part, Account(name), money.Currency(currency))
		m.read, m.balance, m.version = true, balance-m.net, version-m.entries
		seen++
		if m.balance+m.lowest < 0 {
			return overdraft(m.account, m.currency)
		}
	}
	if err := rows.Err(); err != nil || seen == len(part) {
		return err
	}
	for _, m := range part {
		if !m.read && m.net < 0 { // the row that the condition kept back
			return overdraft(m.account, m.currency)
		}
	}
	return fmt.Errorf("ledger: %w", ErrBeyond)
}

// insertEntries writes each leg, with the balance and version it left on an account with a limit.
func insertEntries(tx *db.Tx, fresh []*draft, accounts []*moved) error {
	type place struct {
		d   *draft
		leg int
	}
	places := make([]place, 0, 6*len(fresh))
	for _, d := range fresh {
		for i := range d.Legs {
			places = append(places, place{d, i})
		}
	}
	return insertRows(tx, "INSERT INTO ledger_entries (id, account, currency, amount, version, balance_after) VALUES ", "", len(places), 6,
		func(args []any, i int) []any {
			p := places[i]
			l := p.d.Legs[p.leg]
			args = append(args, p.d.seq*MaxLegs+int64(p.leg), string(l.Account), string(p.d.Currency), l.Amount)
			if !p.d.limited[p.leg] {
				return append(args, nil, nil)
			}
			m := find(accounts, l.Account, p.d.Currency)
			m.balance += l.Amount
			m.version++
			return append(args, m.version, m.balance)
		})
}
