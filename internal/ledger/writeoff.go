package ledger

import (
	"database/sql"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/money"
)

// WrittenOff returns the posting of a debt that nobody will pay: it is the platform's loss. ref names the decision.
func WrittenOff(ref string, p Purse, amount money.Amount) Transfer {
	return Transfer{Key: "writeoff:" + ref, Kind: KindWrittenOff, Currency: amount.Currency,
		Legs: []Leg{Debit(BadDebt, amount.Minor), Credit(p.Owes, amount.Minor)}}
}

// WriteOff writes an amount of what is owed off. Conflict of type over_debt: more than is owed at this moment. The
// purse is held for the rest of the transaction, so that nothing is recovered of what is written off.
func WriteOff(tx *db.Tx, ref string, p Purse, amount money.Amount) error {
	owed, err := Debt(tx, p, amount.Currency)
	if err != nil {
		return err
	}
	if amount.Minor > owed.Minor {
		return fault.New(fault.Conflict, "%s is owed: no more than that can be written off.", owed).WithType("over_debt")
	}
	_, err = Post(tx, WrittenOff(ref, p, amount))
	return err
}

// Debt returns what the purse's owner owes, and holds the purse for the rest of the transaction. Somebody who has never
// had anything available has no row there yet, and gets one to hold.
func Debt(tx *db.Tx, p Purse, c money.Currency) (money.Amount, error) {
	_, err := tx.Exec(`INSERT INTO ledger_accounts (name, currency, limited, balance, version, updated_at) VALUES ($1, $2, 1, 0, 0, $3)
		ON CONFLICT (name, currency) DO UPDATE SET updated_at = ledger_accounts.updated_at`, string(p.Available), string(c), db.Micros(tx.Now()))
	if err != nil {
		return money.Of(0, c), err
	}
	return BalanceOf(tx, p.Owes, c)
}

// GivenUp returns what of a purse's debts was written off and not taken back since, in minor units by currency.
func GivenUp(tx *db.Tx, p Purse) (map[money.Currency]int64, error) {
	sums := map[money.Currency]int64{}
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var c money.Currency
		var minor int64
		err := r.Scan(&c, &minor)
		sums[c] = minor
		return struct{}{}, err
	}, `SELECT e.currency, CAST(SUM(e.amount) AS BIGINT) FROM ledger_entries e JOIN ledger_transfers t ON t.seq = e.id / 64
		WHERE e.account = $1 AND t.kind = $2 GROUP BY e.currency`, string(p.Owes), string(KindWrittenOff))
	return sums, err
}

// undone returns what of a purse's write-offs may be of the debt that has just been taken back, in minor units: what was
// written off since that debt was made, and not restored. What was written off before it is another debt's, and stays.
func undone(tx *db.Tx, p Purse, c money.Currency) (int64, error) {
	type reversal struct{ at, of int64 }
	list, err := db.All(tx, func(r *sql.Rows) (v reversal, err error) { return v, r.Scan(&v.at, &v.of) },
		`SELECT r.created_at, o.seq FROM ledger_entries e JOIN ledger_transfers r ON r.seq = e.id / 64 JOIN ledger_transfers o ON o.key = r.reverses
		WHERE e.account = $1 AND e.currency = $2 AND r.kind = $3 ORDER BY e.id DESC LIMIT 100`, string(p.Owes), string(c), string(KindReversal))
	if err != nil {
		return 0, err
	}
	var since int64
	for i, v := range list { // those of this moment, which may have been made one after the other
		if v.at != list[0].at {
			break
		}
		if i == 0 || v.of < since {
			since = v.of
		}
	}
	var all, later int64
	err = tx.Row(`SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN e.amount > 0 AND t.seq > $1 THEN e.amount ELSE 0 END), 0) AS BIGINT)
		FROM ledger_entries e JOIN ledger_transfers t ON t.seq = e.id / 64 WHERE e.account = $2 AND e.currency = $3 AND t.kind = $4`,
		since, string(p.Owes), string(c), string(KindWrittenOff)).Scan(&all, &later)
	return min(all, later), err
}

// restored takes write-offs back of debts that were taken back since: whoever got the money has it, and what the
// platform lost by it was no loss. It changes debts to what is left of them, for recovery.
func restored(tx *db.Tx, list []Came, debts map[pocket]int64) ([]Transfer, error) {
	var out []Transfer
	for _, c := range list {
		debt := pocket{c.Purse.Owes, c.Currency}
		if debts[debt] >= 0 {
			continue
		}
		written, err := undone(tx, c.Purse, c.Currency)
		if err != nil {
			return nil, err
		}
		for _, t := range out { // of this debt already
			for _, l := range t.Legs {
				if l.Account == debt.account && t.Currency == c.Currency {
					written += l.Amount
				}
			}
		}
		if x := min(written, -debts[debt]); x > 0 {
			debts[debt] += x
			out = append(out, Transfer{Key: "restored:" + c.Cause + ":" + string(c.Purse.Owes), Kind: KindWrittenOff, Currency: c.Currency,
				Legs: []Leg{Debit(c.Purse.Owes, x), Credit(BadDebt, x)}})
		}
	}
	return out, nil
}
