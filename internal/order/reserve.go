package order

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// MaxReserveDays is the longest time money can be kept back: a chargeback can come for so long, hardly longer.
const MaxReserveDays = 365

// Reserve is what is kept back of a brand's share of the goods when it is released, for refunds and
// chargebacks that come later.
type Reserve struct {
	Bps  money.Bps `json:"bps" minimum:"0" maximum:"10000" doc:"Of the brand's share of the goods, when it is released"`
	Days int64     `json:"days" minimum:"0" maximum:"365" doc:"How long it is kept back"`
}

// ReserveTerms are a brand's reserve, who set it and why.
type ReserveTerms struct {
	Reserve
	Brand  id.Brand  `json:"brand_id"`
	Own    bool      `json:"own" doc:"Set for this brand; otherwise the house's own, which hold where nothing was set"`
	Reason string    `json:"reason,omitempty"`
	From   time.Time `json:"from,omitzero"`
	actor  string
}

// reserveOf returns the reserve of a brand: the last that was set, else the house's own.
func (o *Orders) reserveOf(tx *db.Tx, brand id.Brand) (Reserve, error) {
	terms, err := o.termsOf(tx, brand)
	return terms.Reserve, err
}

func (o *Orders) termsOf(tx *db.Tx, brand id.Brand) (ReserveTerms, error) {
	t := ReserveTerms{Brand: brand, Own: true}
	var from int64
	err := tx.Row(`SELECT bps, days, reason, actor, from_at FROM reserve_terms WHERE brand_id = $1 ORDER BY from_at DESC LIMIT 1`, brand).Scan(&t.Bps, &t.Days, &t.Reason, &t.actor, &from)
	t.From = db.Time(from)
	if errors.Is(err, sql.ErrNoRows) {
		return ReserveTerms{Brand: brand, Reserve: o.options.Reserve}, nil
	}
	return t, err
}

// ReserveTerms returns the reserve of a brand, to its members and the operator.
func (o *Orders) ReserveTerms(ctx context.Context, who account.Asker, brand id.Brand) (ReserveTerms, error) {
	if !who.Operator {
		if err := who.OfBrand(brand, account.MoneyRead); err != nil {
			return ReserveTerms{}, err
		}
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (ReserveTerms, error) {
		if _, err := account.BrandOf(tx, brand); err != nil {
			return ReserveTerms{}, err
		}
		return o.termsOf(tx, brand)
	})
}

// SetReserve sets what is kept back of a brand from now on, by the operator, with a reason. What is kept back
// already stays as it was promised.
func (o *Orders) SetReserve(ctx context.Context, who account.Asker, brand id.Brand, in Reserve, reason string) (ReserveTerms, error) {
	if err := who.IsOperator(); err != nil {
		return ReserveTerms{}, err
	}
	reason = strings.Join(strings.Fields(reason), " ")
	switch n := utf8.RuneCountInString(reason); {
	case n == 0 || n > MaxReason:
		return ReserveTerms{}, fault.InvalidField("body.reason", "Say why, in 1 to %d characters: the brand reads it.", MaxReason)
	case in.Bps < 0 || in.Bps > money.Whole:
		return ReserveTerms{}, fault.InvalidField("body.bps", "Keep back between 0 and 10000 basis points.")
	case in.Days < 0 || in.Days > MaxReserveDays:
		return ReserveTerms{}, fault.InvalidField("body.days", "Keep it back for 0 to %d days.", MaxReserveDays)
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (ReserveTerms, error) {
		if _, err := account.BrandOf(tx, brand); err != nil {
			return ReserveTerms{}, err
		}
		_, err := tx.Exec(`INSERT INTO reserve_terms(brand_id, from_at, bps, days, reason, actor) VALUES ($1,$2,$3,$4,$5,$6)`,
			brand, db.Micros(tx.Now()), int64(in.Bps), in.Days, reason, who.Actor())
		if db.IsUnique(err) {
			return ReserveTerms{}, fault.Wrap(fault.Conflict, err, "The reserve was set in this very moment. Look again.")
		}
		if err != nil {
			return ReserveTerms{}, err
		}
		return o.termsOf(tx, brand)
	})
}

// keepBack notes what a release has put into the brand's reserve, and until when.
func keepBack(rows *db.Values, tx *db.Tx, part *Part, c money.Currency, released []ledger.Transfer, r Reserve) {
	var kept int64
	for _, t := range released {
		for _, l := range t.Legs {
			if l.Account == ledger.BrandReserve(part.Brand) {
				kept += l.Amount
			}
		}
	}
	if kept != 0 {
		rows.Row(part.ID, part.Brand, c, kept, kept, db.Micros(tx.Now().AddDate(0, 0, int(r.Days))), db.Micros(tx.Now()))
	}
}

func insertKept(tx *db.Tx, rows *db.Values) error {
	if rows.Empty() {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO reserves(part_id, brand_id, currency, amount_minor, left_minor, release_at, created_at) VALUES `+rows.Text(), rows.Args()...)
	return err
}

// kept is what is left of what was kept back of one part.
type kept struct {
	part  id.Part
	brand id.Brand
	left  money.Amount
}

func scanKept(r *sql.Rows) (k kept, err error) {
	err = r.Scan(&k.part, &k.brand, &k.left.Currency, &k.left.Minor)
	return k, err
}

// keptOf returns the reserves of parts, those released first that were due first.
func keptOf(tx *db.Tx, parts []id.Part) ([]kept, error) {
	in, args := db.In(1, parts)
	return db.All(tx, scanKept, `SELECT part_id, brand_id, currency, left_minor FROM reserves WHERE part_id IN `+in+` ORDER BY release_at, part_id`, args...)
}

// DrawReserve pays what a refund, a dispute or a label made the brand owe from what was kept back of it, the oldest first:
// that is what it was kept back for. cause names what made the debt, once for each.
func DrawReserve(tx *db.Tx, cause string, brand id.Brand, c money.Currency) error {
	debt, err := ledger.Debt(tx, ledger.BrandPurse(brand), c) // nobody else draws it now
	if err != nil || debt.Minor <= 0 {
		return err
	}
	list, err := db.All(tx, scanKept, `SELECT part_id, brand_id, currency, left_minor FROM reserves WHERE brand_id = $1 AND currency = $2 AND released_at = 0 AND left_minor > 0
		ORDER BY release_at, part_id`, brand, c)
	if err != nil {
		return err
	}
	var transfers []ledger.Transfer
	var spent []id.Part
	for _, k := range list {
		x := min(k.left.Minor, debt.Minor)
		if x == 0 {
			break
		}
		debt.Minor -= x
		if x == k.left.Minor {
			spent = append(spent, k.part)
		} else if _, err := tx.Exec(`UPDATE reserves SET left_minor = left_minor - $1 WHERE part_id = $2`, x, k.part); err != nil {
			return err
		}
		transfers = append(transfers, ledger.ReserveDrawn(cause, k.part, brand, money.Of(x, c)))
	}
	for some := range slices.Chunk(spent, ledger.MaxTransfers) { // there may be many, of a cent each
		in, args := db.In(1, some)
		if _, err := tx.Exec(`UPDATE reserves SET left_minor = 0 WHERE part_id IN `+in, args...); err != nil {
			return err
		}
	}
	return postAll(tx, transfers)
}

// reserveProofs hold what was kept back against the books.
var reserveProofs = []proof{
	{says: "the reserve of %s is not the sum of what was kept back of its parts", query: `SELECT a.name FROM ledger_accounts a WHERE a.name LIKE 'brand:%:reserve' AND a.balance <>
		COALESCE((SELECT SUM(r.left_minor) FROM reserves r WHERE 'brand:' || r.brand_id || ':reserve' = a.name AND r.currency = a.currency AND r.released_at = 0), 0)`},
	{says: "of part %s something was kept back, and it is not released", query: `SELECT r.part_id FROM reserves r JOIN order_parts p ON p.id = r.part_id WHERE p.state <> 'completed'`},
	{says: "what was kept back of part %s should have been released", since: true, query: `SELECT r.part_id FROM reserves r WHERE r.released_at = 0 AND r.release_at < $1`},
}
