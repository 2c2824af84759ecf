package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mezzo/internal/db"
)

// MaxSeal is how many transfers one seal takes: it keeps each transaction short.
const MaxSeal = 500

// Seal takes the transfers not yet sealed, in seals of at most MaxSeal: it adds what they
// posted to accounts without a limit to those accounts' cached balances, and extends the
// hash chain. It returns how many it took, and stops when none is left. Two that meet do no
// harm: one of them starts again.
func Seal(ctx context.Context, d *db.DB) (sealed int, err error) {
	for lost := 0; ; {
		n, err := db.Do(db.WithoutKey(ctx), d, sealOnce)
		switch {
		case err == nil:
			sealed += n
			if n < MaxSeal {
				return sealed, nil
			}
		case db.IsUnique(err) && lost < 3: // another sealer made the seal of this number
			lost++
		default:
			return sealed, fmt.Errorf("ledger: seal: %w", err)
		}
	}
}

// link is a transfer as the chain sees it.
type link struct {
	seq  int64
	hash []byte
}

func scanLink(r *sql.Rows) (l link, err error) { return l, r.Scan(&l.seq, &l.hash) }

func sealOnce(tx *db.Tx) (int, error) {
	taken, err := db.All(tx, func(r *sql.Rows) (seq int64, err error) { return seq, r.Scan(&seq) },
		`DELETE FROM ledger_unsealed WHERE seq IN (SELECT seq FROM ledger_unsealed ORDER BY seq LIMIT 500) RETURNING seq`)
	if err != nil || len(taken) == 0 {
		return 0, err
	}
	var number int64
	var before []byte
	err = tx.Row(`SELECT number, hash FROM ledger_seals ORDER BY number DESC LIMIT 1`).Scan(&number, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	number++
	err = insertRows(tx, "INSERT INTO ledger_sealed (seq, seal) VALUES ", "", len(taken), 2, func(args []any, i int) []any {
		return append(args, taken[i], number)
	})
	if err != nil {
		return 0, err
	}
	first, last := taken[0], taken[0]
	for _, seq := range taken {
		first, last = min(first, seq), max(last, seq)
	}
	links, err := db.All(tx, scanLink, `SELECT t.seq, t.hash FROM ledger_sealed s JOIN ledger_transfers t ON t.seq = s.seq
		WHERE s.seq BETWEEN $1 AND $2 AND s.seal = $3 ORDER BY s.seq`, first, last, number)
	if err != nil {
		return 0, err
	}
	if len(links) != len(taken) {
		return 0, fmt.Errorf("%d of %d transfers to seal are in the book", len(links), len(taken))
	}
	if err := addSealed(tx, first, last, number); err != nil {
		return 0, err
	}
	_, err = tx.Exec(`INSERT INTO ledger_seals (number, transfers, hash, created_at) VALUES ($1, $2, $3, $4)`,
		number, len(links), chain(before, number, links), db.Micros(tx.Now()))
	return len(links), err
}

// addSealed adds what the seal's transfers posted to accounts without a limit to their rows.
func addSealed(tx *db.Tx, first, last, number int64) error {
	type sum struct {
		name, currency string
		amount, count  int64
	}
	sums, err := db.All(tx, func(r *sql.Rows) (s sum, err error) {
		return s, r.Scan(&s.name, &s.currency, &s.amount, &s.count)
	}, `SELECT e.account, e.currency, CAST(SUM(e.amount) AS BIGINT), COUNT(*) FROM ledger_sealed s
		CROSS JOIN ledger_entries e -- from the few to the many: SQLite keeps the order of a cross join
		WHERE s.seq BETWEEN $1 AND $2 AND s.seal = $3 AND e.id >= s.seq * 64 AND e.id < s.seq * 64 + 64 AND e.version IS NULL
		GROUP BY e.account, e.currency ORDER BY e.account, e.currency`, first, last, number)
	if err != nil {
		return err
	}
	now := db.Micros(tx.Now())
	return insertRows(tx, "INSERT INTO ledger_accounts (name, currency, limited, balance, version, updated_at) VALUES ",
		` ON CONFLICT (name, currency) DO UPDATE SET balance = ledger_accounts.balance + excluded.balance,
		  version = ledger_accounts.version + excluded.version, updated_at = excluded.updated_at`, len(sums), 6,
		func(args []any, i int) []any {
			return append(args, sums[i].name, sums[i].currency, 0, sums[i].amount, sums[i].count, now)
		})
}

// chain is sha256 over the seal before it (nothing for the first), the seal's number, how many
// transfers it holds, and each one's seq and hash in order of seq.
func chain(before []byte, number int64, links []link) []byte {
	h := openChain(before, number, int64(len(links)))
	for _, l := range links {
		linkTo(h, l)
	}
	return h.Sum(nil)
}
