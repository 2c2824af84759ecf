package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"math"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/money"
)

// CheckLimit is how long Check may hold its snapshot.
const CheckLimit = 30 * time.Minute

// maxProblems bounds a report; what is beyond is counted.
const maxProblems = 100

// checkPage is how many transfers are read at a time.
const checkPage = 1000

// Report is what Check found.
type Report struct {
	Balanced         bool     `json:"balanced"` // no problem at all
	CheckedTransfers int64    `json:"checked_transfers"`
	CheckedEntries   int64    `json:"checked_entries"`
	CheckedSeals     int64    `json:"checked_seals"`
	Problems         []string `json:"problems"`
}

// Check proves the book in one snapshot of it: each transfer's debits equal its credits, in one
// currency, between accounts its kind allows, and its content has its hash (I1); every
// currency sums to zero (I2); cached balances are the sums of their entries, versions have no
// gaps and each balance_after follows from the one before (I3); no account with a limit is
// below zero (I4); nothing was rounded away (I10); reversals mirror what they reverse; each
// transfer is sealed once or waits for it, and the chain of seals holds. The whole book is
// read; only its accounts are held in memory.
func Check(ctx context.Context, d *db.DB) (Report, error) {
	return db.Get(db.WithReadLimit(ctx, CheckLimit), d, func(tx *db.Tx) (Report, error) {
		c := checker{tx: tx, accounts: map[held]*tally{}, halves: map[string]half{}, sums: map[money.Currency]int64{}, seals: map[int64]*closing{}}
		c.report.Problems = []string{}
		for _, step := range []func() error{c.beginSeals, c.transfers, c.currencies, c.exchanges, c.cached, c.versions, c.reversals, c.endSeals} {
			if err := step(); err != nil {
				return Report{}, fmt.Errorf("ledger: check: %w", err)
			}
		}
		c.report.Balanced = c.found == 0
		if c.found > maxProblems {
			c.report.Problems = append(c.report.Problems, fmt.Sprintf("and %d more", c.found-maxProblems))
		}
		return c.report, nil
	})
}

// held names an account in a currency.
type held struct {
	account  Account
	currency money.Currency
}

// tally is what entries say of an account: all of them for one with a limit, the sealed ones otherwise.
type tally struct {
	form         form
	wrong        error // why it is no account of the chart
	sum, entries int64
	cached       bool // its row was seen

	version, after int64          // of an account with a limit: the last version in a row without gaps, and what it left
	early          map[int64]step // versions met before those they follow
}

// step is one change of an account with a limit.
type step struct{ amount, after int64 }

type checker struct {
	tx       *db.Tx
	report   Report
	found    int
	accounts map[held]*tally
	sums     map[money.Currency]int64
	seals    map[int64]*closing
	sealed   int64           // transfers seen that are sealed
	halves   map[string]half // of exchanges whose other half was not met yet
	buffer   []byte
}

func (c *checker) problem(format string, args ...any) {
	c.found++
	if c.found <= maxProblems {
		c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
	}
}

func (c *checker) tally(a Account, currency money.Currency) *tally {
	k := held{a, currency}
	t := c.accounts[k]
	if t == nil {
		t = &tally{}
		t.form, t.wrong = a.form()
		c.accounts[k] = t
	}
	return t
}

// row is a transfer as stored.
type row struct {
	Transfer
	seq            int64
	hash           []byte
	seal           int64
	sealed, queued bool
}

func scanRow(r *sql.Rows) (t row, err error) {
	var kind, currency string
	var reverses, seal, queued any
	err = r.Scan(&t.seq, &t.Key, &kind, &currency, &reverses, &t.hash, &seal, &queued)
	t.Kind, t.Currency = Kind(kind), money.Currency(currency)
	t.Reverses, _ = reverses.(string)
	t.seal, t.sealed = seal.(int64)
	_, t.queued = queued.(int64)
	return t, err
}

// entry is an entry as stored.
type entry struct {
	id       int64
	account  Account
	currency money.Currency
	amount   int64
	version  int64
	after    int64

	hasVersion, hasAfter bool
}

func scanStored(r *sql.Rows) (e entry, err error) {
	var account, currency string
	var version, after any
	err = r.Scan(&e.id, &account, &currency, &e.amount, &version, &after)
	e.account, e.currency = Account(account), money.Currency(currency)
	e.version, e.hasVersion = version.(int64)
	e.after, e.hasAfter = after.(int64)
	return e, err
}

// page is a run of transfers in order of seq, with all entries up to the end of the last; without transfers it
// is the last page.
type page struct {
	rows    []row
	entries []entry
	err     error
}

// transfers walks the book in order of seq: one goroutine reads, this one checks.
func (c *checker) transfers() error {
	pages, stop := make(chan page, 2), make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.read(pages, stop)
	}()
	defer func() { close(stop); <-ended }() // nobody reads any more when this returns
	for p := range pages {
		if p.err != nil {
			return p.err
		}
		c.page(p)
	}
	return nil
}

// read reads the book page by page.
func (c *checker) read(pages chan<- page, stop <-chan struct{}) {
	defer close(pages)
	from := int64(math.MinInt64) // ids below the first transfer's would be nobody's
	for last := int64(0); ; {
		var p page
		p.rows, p.err = db.All(c.tx, scanRow, `SELECT t.seq, t.key, t.kind, t.currency, t.reverses, t.hash, s.seal, u.seq FROM ledger_transfers t
			LEFT JOIN ledger_sealed s ON s.seq = t.seq LEFT JOIN ledger_unsealed u ON u.seq = t.seq
			WHERE t.seq > $1 ORDER BY t.seq LIMIT CAST($2 AS INTEGER)`, last, checkPage)
		upTo := int64(1<<63 - 1)
		if len(p.rows) > 0 {
			last = p.rows[len(p.rows)-1].seq
			upTo = (last + 1) * MaxLegs
		}
		if p.err == nil {
			p.entries, p.err = db.All(c.tx, scanStored, `SELECT id, account, currency, amount, version, balance_after FROM ledger_entries
				WHERE id >= $1 AND id < $2 ORDER BY id`, from, upTo)
		}
		from = upTo
		select {
		case pages <- p:
		case <-stop:
			return
		}
		if p.err != nil || len(p.rows) == 0 {
			return
		}
	}
}

// page checks a page.
func (c *checker) page(p page) {
	c.report.CheckedTransfers += int64(len(p.rows))
	c.report.CheckedEntries += int64(len(p.entries))
	entries := p.entries
	for i := range p.rows {
		n := 0
		for n < len(entries) && entries[n].id < (p.rows[i].seq+1)*MaxLegs {
			n++
		}
		c.transfer(&p.rows[i], entries[:n])
		entries = entries[n:]
	}
	for _, e := range entries {
		c.problem("entry %d of %s belongs to no transfer", e.id, e.account)
	}
}

func (c *checker) transfer(t *row, entries []entry) {
	if t.sealed == t.queued {
		c.problem("%s is %s", t.Key, map[bool]string{true: "sealed and waits for its seal", false: "neither sealed nor waiting for it"}[t.sealed])
	}
	if t.sealed {
		c.link(t)
	}
	var sum int64
	t.Legs = make([]Leg, 0, len(entries))
	for i, e := range entries {
		if e.id/MaxLegs != t.seq {
			c.problem("entry %d of %s belongs to no transfer", e.id, e.account)
			continue
		}
		leg := Leg{e.account, e.amount}
		t.Legs = append(t.Legs, leg)
		sum += e.amount
		if e.id != t.seq*MaxLegs+int64(i) || e.currency != t.Currency {
			c.problem("%s: entry %d in %s is out of place", t.Key, e.id, e.currency)
		}
		k := c.tally(e.account, e.currency)
		f, err := k.form, k.wrong
		if err == nil {
			err = t.Kind.allowsForm(leg, f)
		}
		if err != nil {
			c.problem("%s: %v", t.Key, err)
		}
		if f.limited != e.hasVersion || f.limited != e.hasAfter {
			c.problem("%s: the entry of %s has the wrong form", t.Key, e.account)
		}
		if f.limited || t.sealed {
			k.sum += e.amount
			k.entries++
		}
		if e.hasVersion {
			c.met(held{e.account, e.currency}, k, e)
		}
		c.sums[e.currency] += e.amount
		if e.account == Rounding {
			c.problem("%s rounds %d minor units away", t.Key, e.amount)
		}
	}
	c.exchange(t)
	if sum != 0 || len(t.Legs) < 2 {
		c.problem("%s: its %d entries sum to %d", t.Key, len(t.Legs), sum)
	}
	c.buffer = t.appendContent(c.buffer[:0])
	if hash := sha256.Sum256(c.buffer); !bytes.Equal(hash[:], t.hash) {
		c.problem("%s does not have the content it was posted with", t.Key)
	}
}

func (c *checker) currencies() error {
	for currency, sum := range c.sums {
		if sum != 0 {
			c.problem("all entries in %s sum to %d", currency, sum)
		}
	}
	return nil
}

// cached compares every account's row with its entries.
func (c *checker) cached() error {
	rows, err := c.tx.Query(`SELECT name, currency, limited, balance, version FROM ledger_accounts ORDER BY name, currency`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k held
		var limited, balance, version int64
		if err := rows.Scan(&k.account, &k.currency, &limited, &balance, &version); err != nil {
			return err
		}
		t := c.tally(k.account, k.currency)
		t.cached = true
		switch {
		case balance != t.sum || version != t.entries:
			c.problem("%s in %s holds %d after %d entries; its entries sum to %d after %d", k.account, k.currency, balance, version, t.sum, t.entries)
		case (limited == 1) != k.account.Limited():
			c.problem("%s in %s is kept as if its limit were another", k.account, k.currency)
		case limited == 1 && balance < 0:
			c.problem("%s in %s is below zero: %d", k.account, k.currency, balance)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for k, t := range c.accounts {
		if !t.cached && t.entries > 0 {
			c.problem("%s in %s has %d entries and no balance", k.account, k.currency, t.entries)
		}
	}
	return nil
}

// reversals looks for reversals that are not the mirror of what they reverse.
func (c *checker) reversals() error {
	bad, err := db.All(c.tx, func(r *sql.Rows) (key string, err error) { return key, r.Scan(&key) },
		`SELECT r.key FROM ledger_transfers r LEFT JOIN ledger_transfers t ON t.key = r.reverses
		 WHERE r.reverses IS NOT NULL AND (t.seq IS NULL OR t.seq >= r.seq OR t.currency <> r.currency OR t.reverses IS NOT NULL
		   OR (SELECT COUNT(*) FROM ledger_entries e WHERE e.id >= t.seq * 64 AND e.id < t.seq * 64 + 64)
		   <> (SELECT COUNT(*) FROM ledger_entries m WHERE m.id >= r.seq * 64 AND m.id < r.seq * 64 + 64)
		   OR (SELECT COUNT(*) FROM ledger_entries e WHERE e.id >= t.seq * 64 AND e.id < t.seq * 64 + 64)
		   <> (SELECT COUNT(*) FROM ledger_entries e JOIN ledger_entries m ON m.account = e.account AND m.amount = -e.amount
		       WHERE e.id >= t.seq * 64 AND e.id < t.seq * 64 + 64 AND m.id >= r.seq * 64 AND m.id < r.seq * 64 + 64))
		 ORDER BY r.seq`)
	for _, key := range bad {
		c.problem("%s is not the mirror of what it reverses", key)
	}
	return err
}
