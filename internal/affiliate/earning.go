package affiliate

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// Earnings are a creator's commissions added up by where they stand. The amounts beside ByCurrency are
// those of the currency with the most commissions.
type Earnings struct {
	Sums
	ByCurrency    []Sums     `json:"by_currency" nullable:"false"`
	NextReleaseAt *time.Time `json:"next_release_at" doc:"When the next held commission becomes available; null when no delivery has set one"`
}

// Sums are commissions of one currency.
type Sums struct {
	Pending   money.Amount `json:"pending"`
	Available money.Amount `json:"available" doc:"Released and not paid out, less what samples cost whose content did not come; below zero it is owed"`
	Paid      money.Amount `json:"paid" doc:"Paid out, or on its way"`
	Reversed  money.Amount `json:"reversed"`
	Held      money.Amount `json:"held" doc:"Under dispute: a bank decides whether the buyer gets it back"`
	count     int64
}

func earner(who account.Asker) error {
	if err := who.IsCreator(); err != nil {
		return err
	}
	return who.May(account.MoneyRead)
}

// Earnings returns the asker's commissions added up.
func (a *Affiliate) Earnings(ctx context.Context, who account.Asker) (Earnings, error) {
	if err := earner(who); err != nil {
		return Earnings{}, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) (Earnings, error) {
		sums := map[money.Currency]*Sums{}
		var next int64
		err := each(tx, func(rows *sql.Rows) error {
			var currency money.Currency
			var state CommissionState
			var amount, back, held, n, release int64
			if err := rows.Scan(&currency, &state, &amount, &back, &held, &n, &release); err != nil {
				return err
			}
			if sums[currency] == nil {
				none := money.Of(0, currency)
				sums[currency] = &Sums{none, none, none, none, none, 0}
			}
			sums[currency].add(state, amount, back, held, n)
			if state == Pending && release > 0 && (next == 0 || release < next) {
				next = release
			}
			return nil
		}, `SELECT currency, state, CAST(SUM(amount_minor - reversed_minor - disputed_minor) AS BIGINT), CAST(SUM(reversed_minor) AS BIGINT), CAST(SUM(disputed_minor) AS BIGINT), COUNT(*), COALESCE(MIN(CASE WHEN release_at > 0 THEN release_at END), 0)
			FROM commissions WHERE creator_id = $1 GROUP BY currency, state`, string(who.Creator))
		if err != nil {
			return Earnings{}, err
		}
		for _, takes := range []func(*db.Tx, id.Creator, map[money.Currency]*Sums) error{paidOut, charged} {
			if err := takes(tx, who.Creator, sums); err != nil {
				return Earnings{}, err
			}
		}
		given, err := ledger.GivenUp(tx, ledger.CreatorPurse(who.Creator)) // what is owed no more is not below zero any more
		if err != nil {
			return Earnings{}, err
		}
		for c, s := range sums {
			s.Available.Minor += given[c]
		}
		e := Earnings{ByCurrency: []Sums{}, NextReleaseAt: timeOf(next)}
		for _, s := range sums {
			e.ByCurrency = append(e.ByCurrency, *s)
		}
		slices.SortFunc(e.ByCurrency, func(a, b Sums) int {
			return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.Pending.Currency, b.Pending.Currency))
		})
		if len(e.ByCurrency) > 0 {
			e.Sums = e.ByCurrency[0]
		} else if e.Sums, err = a.nothing(tx, who); err != nil {
			return Earnings{}, err
		}
		return e, nil
	})
}

// paidOut parts what was released by what payouts took of it: a commission is paid as a whole or not, and a payout may
// take a part of one. What has come back of a payout is not gone, and what a sample took was not paid out.
func paidOut(tx *db.Tx, creator id.Creator, sums map[money.Currency]*Sums) error {
	gone := map[money.Currency]int64{}
	err := each(tx, func(rows *sql.Rows) error {
		var currency money.Currency
		var minor int64
		err := rows.Scan(&currency, &minor)
		gone[currency] = minor
		return err
	}, `SELECT currency, CAST(SUM(amount_minor - back_minor) AS BIGINT) FROM payouts WHERE owner = $1 AND state IN ('created','sent','confirmed') GROUP BY currency`, string(creator))
	for c, s := range sums {
		s.Available.Minor += s.Paid.Minor - gone[c]
		s.Paid.Minor = gone[c]
	}
	return err
}

// charged takes what samples cost whose content did not come in time from what is available: who has earned nothing yet owes it.
func charged(tx *db.Tx, creator id.Creator, sums map[money.Currency]*Sums) error {
	return each(tx, func(rows *sql.Rows) error {
		var currency money.Currency
		var minor int64
		err := rows.Scan(&currency, &minor)
		if sums[currency] == nil {
			none := money.Of(0, currency)
			sums[currency] = &Sums{none, none, none, none, none, 0}
		}
		sums[currency].Available.Minor -= minor
		return err
	}, `SELECT currency, CAST(SUM(charged_minor) AS BIGINT) FROM samples WHERE creator_id = $1 AND charged_minor > 0 GROUP BY currency`, string(creator))
}

// add adds n commissions in a state: what is left of them, what was taken back, and what a dispute holds.
func (s *Sums) add(state CommissionState, amount, back, held, n int64) {
	s.count += n
	s.Reversed.Minor += back
	s.Held.Minor += held
	switch state {
	case Pending:
		s.Pending.Minor += amount
	case Available:
		s.Available.Minor += amount
	case PaidOut:
		s.Paid.Minor += amount
	}
}

// nothing is the earnings of who has none yet, in the currency of a brand here: of the one whose products
// the creator promotes, else the first.
func (a *Affiliate) nothing(tx *db.Tx, who account.Asker) (Sums, error) {
	found, err := db.All(tx, func(rows *sql.Rows) (c money.Currency, err error) { err = rows.Scan(&c); return c, err },
		`SELECT b.currency FROM brands b LEFT JOIN showcase s ON s.brand_id = b.id AND s.creator_id = $1 ORDER BY CASE WHEN s.id IS NULL THEN 1 ELSE 0 END, b.id LIMIT 1`, string(who.Creator))
	currency := money.Currency("USD")
	if len(found) > 0 {
		currency = found[0]
	}
	none := money.Of(0, currency)
	return Sums{none, none, none, none, none, 0}, err
}

// Earned is a commission with what it was earned by.
type Earned struct {
	Commission
	ProductTitle string `json:"product_title"`
	BrandName    string `json:"brand_name"`
}

// Commissions returns a page of the asker's commissions, newest first after the one named; state narrows
// it unless it is "".
func (a *Affiliate) Commissions(ctx context.Context, who account.Asker, state CommissionState, after id.Commission, limit int) ([]Earned, error) {
	if err := earner(who); err != nil {
		return nil, err
	}
	if state != "" && !slices.Contains([]CommissionState{Pending, Available, PaidOut, Reversed}, state) {
		return nil, fault.InvalidField("query.state", "The state is pending, available, paid or reversed.")
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Earned, error) {
		where, args := `creator_id = $1`, []any{string(who.Creator)}
		if state != "" {
			args = append(args, string(state))
			where += ` AND state = $` + nth(len(args))
		}
		if after != "" {
			args = append(args, string(after))
			where += ` AND id < $` + nth(len(args))
		}
		list, err := db.All(tx, scanCommission, `SELECT `+commissionColumns+` FROM commissions WHERE `+where+` ORDER BY id DESC LIMIT `+nth(limit), args...)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		return titled(tx, list)
	})
}

func titled(tx *db.Tx, list []Commission) ([]Earned, error) {
	ids := make([]id.Product, len(list))
	for i, c := range list {
		ids[i] = c.Product
	}
	type names struct{ product, brand string }
	byID := map[id.Product]names{}
	in, args := db.In(1, ids)
	err := each(tx, func(rows *sql.Rows) error {
		var p id.Product
		var n names
		err := rows.Scan(&p, &n.product, &n.brand)
		byID[p] = n
		return err
	}, `SELECT p.id, p.title, b.name FROM products p JOIN brands b ON b.id = p.brand_id WHERE p.id IN `+in, args...)
	earned := make([]Earned, len(list))
	for i, c := range list {
		earned[i] = Earned{c, byID[c.Product].product, byID[c.Product].brand}
	}
	return earned, err
}
