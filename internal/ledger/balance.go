package ledger

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// MaxPage is how many rows a list returns at most.
const MaxPage = 100

// Balance is what stands in an account in one currency, in the account's own sense: what an
// asset holds, a liability owes, an income earned, an expense spent.
type Balance struct {
	Account Account      `json:"account"`
	Class   Class        `json:"class"`
	Balance money.Amount `json:"balance"`
}

// standing is every account's cached balance and, for those without a limit, what the sealer
// has not come by yet. SQLite keeps the order of a cross join: from the few to the many.
const standing = `SELECT name, currency, CAST(SUM(balance) AS BIGINT) FROM (
	SELECT name, currency, balance FROM ledger_accounts
	UNION ALL
	SELECT e.account AS name, e.currency, e.amount AS balance FROM ledger_unsealed u
	CROSS JOIN ledger_entries e WHERE e.id >= u.seq * 64 AND e.id < u.seq * 64 + 64 AND e.version IS NULL
) standing `

func scanBalance(r *sql.Rows) (b Balance, err error) {
	var minor int64
	var currency money.Currency
	err = r.Scan(&b.Account, &currency, &minor)
	b.Class, b.Balance = b.Account.Class(), amountOf(b.Account, minor, currency)
	return b, err
}

// Balances returns what stands in the accounts, one row for each currency they ever held;
// accounts never posted to have none.
func Balances(tx *db.Tx, accounts ...Account) ([]Balance, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	args := make([]any, len(accounts))
	limited := true
	for i, a := range accounts {
		args[i] = string(a)
		limited = limited && a.Limited()
	}
	in := values("", 1, len(args))
	if limited { // these rows are whole by themselves
		return db.All(tx, scanBalance, `SELECT name, currency, balance FROM ledger_accounts WHERE name IN `+in+` ORDER BY name, currency`, args...)
	}
	return db.All(tx, scanBalance, standing+`WHERE name IN `+in+` GROUP BY name, currency ORDER BY name, currency`, args...)
}

// BalanceOf returns what stands in one account in one currency, zero if it was never posted to.
func BalanceOf(tx *db.Tx, a Account, c money.Currency) (money.Amount, error) {
	all, err := Balances(tx, a)
	for _, b := range all {
		if b.Balance.Currency == c {
			return b.Balance, err
		}
	}
	return money.Of(0, c), err
}

// List returns the accounts whose names begin with prefix, in order of name and currency, at
// most limit of them after the cursor; next is "" at the end.
func List(tx *db.Tx, prefix, cursor string, limit int) (page []Balance, next string, err error) {
	limit = min(max(limit, 1), MaxPage)
	name, currency, _ := strings.Cut(cursor, " ")
	page, err = db.All(tx, scanBalance, standing+`WHERE substr(name, 1, CAST($1 AS INTEGER)) = $2 AND (name > $3 OR (name = $3 AND currency > $4))
		GROUP BY name, currency ORDER BY name, currency LIMIT CAST($5 AS INTEGER)`, len(prefix), prefix, name, currency, limit+1)
	if err != nil || len(page) <= limit {
		return page, "", err
	}
	last := page[limit-1]
	return page[:limit], string(last.Account) + " " + string(last.Balance.Currency), nil
}

// Entry is one line of an account's statement.
type Entry struct {
	Transfer id.Transfer   `json:"transfer"`
	Key      string        `json:"key"`
	Kind     Kind          `json:"kind"`
	At       time.Time     `json:"at"`
	Side     string        `json:"side"` // debit or credit
	Amount   money.Amount  `json:"amount"`
	After    *money.Amount `json:"balance_after,omitempty"` // of accounts with a limit
	Version  int64         `json:"version,omitempty"`
	Reverses string        `json:"reverses,omitempty"`
	id       int64
}

// Entries returns an account's entries, newest first, at most limit of them before the cursor;
// next is "" at the end.
func Entries(tx *db.Tx, a Account, cursor string, limit int) (page []Entry, next string, err error) {
	limit = min(max(limit, 1), MaxPage)
	before := int64(1<<63 - 1)
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 36, 64); err != nil {
			return nil, "", fault.InvalidField("query.cursor", "This cursor was not handed out here; start without one.")
		}
	}
	page, err = db.All(tx, func(r *sql.Rows) (Entry, error) { return scanEntry(r, a) },
		`SELECT e.id, t.key, t.kind, t.reverses, t.created_at, e.currency, e.amount, e.version, e.balance_after
		 FROM ledger_entries e JOIN ledger_transfers t ON t.seq = e.id / 64
		 WHERE e.account = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT CAST($3 AS INTEGER)`, string(a), before, limit+1)
	if err != nil || len(page) <= limit {
		return page, "", err
	}
	return page[:limit], strconv.FormatInt(page[limit-1].id, 36), nil
}

func scanEntry(r *sql.Rows, a Account) (e Entry, err error) {
	var reverses sql.NullString
	var at, amount int64
	var version, after sql.NullInt64
	var currency money.Currency
	if err := r.Scan(&e.id, &e.Key, &e.Kind, &reverses, &at, &currency, &amount, &version, &after); err != nil {
		return Entry{}, err
	}
	e.At, e.Reverses, e.Version = db.Time(at), reverses.String, version.Int64
	e.Transfer = TransferID(at, e.id/MaxLegs)
	e.Side, e.Amount = "credit", money.Of(amount, currency)
	if amount < 0 {
		e.Side, e.Amount = "debit", e.Amount.Neg()
	}
	if after.Valid {
		left := amountOf(a, after.Int64, currency)
		e.After = &left
	}
	return e, nil
}

// TransferID is the public id of a transfer: a UUID version 7 of its time and its seq, so that
// none needs to be stored.
func TransferID(micros, seq int64) id.Transfer {
	var u [16]byte
	binary.BigEndian.PutUint64(u[:], uint64(micros/1000)<<16|0x7000)
	binary.BigEndian.PutUint64(u[8:], 1<<63|uint64(seq))
	return id.Transfer("").From(u)
}

// amountOf returns credits − debits in the account's own sense.
func amountOf(a Account, minor int64, c money.Currency) money.Amount {
	return money.Of(a.natural(minor), c)
}

// Each calls fn with what stands in every account, in no order.
func Each(tx *db.Tx, fn func(Balance)) error {
	rows, err := tx.Query(standing + `GROUP BY name, currency`)
	if err != nil {
		return err
	}
	for rows.Next() {
		b, err := scanBalance(rows)
		if err != nil {
			return errors.Join(err, rows.Close())
		}
		fn(b)
	}
	return errors.Join(rows.Err(), rows.Close())
}
