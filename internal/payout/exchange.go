package payout

import (
	"context"
	"database/sql"
	"math/big"
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

// Exchange is own money that a bank of ours has changed from one currency into another.
type Exchange struct {
	ID        id.Exchange  `json:"id"`
	Bank      string       `json:"bank"`
	Out       money.Amount `json:"out"`
	In        money.Amount `json:"in"`
	Rate      string       `json:"rate" doc:"What one of the currency that went out brought, to six decimals: in by out"`
	Reference string       `json:"reference" doc:"The bank's own name for it"`
	On        string       `json:"on" doc:"The day on the bank's statement, such as 2026-11-23"`
	MadeBy    string       `json:"made_by"`
	CreatedAt time.Time    `json:"created_at"`
}

// rateOf is what one unit of the money that went out brought, to six decimals.
func rateOf(out, in money.Amount) string {
	a, ok := new(big.Rat).SetString(out.Decimal())
	b, fine := new(big.Rat).SetString(in.Decimal())
	if !ok || !fine || a.Sign() == 0 {
		return ""
	}
	return b.Quo(b, a).FloatString(6)
}

func scanExchange(r *sql.Rows) (x Exchange, err error) {
	var at int64
	err = r.Scan(&x.ID, &x.Bank, &x.Out.Minor, &x.Out.Currency, &x.In.Minor, &x.In.Currency, &x.Reference, &x.On, &x.MadeBy, &at)
	x.CreatedAt, x.Rate = db.Time(at), rateOf(x.Out, x.In)
	return x, err
}

// Exchange notes that our bank has changed own money into another currency, on a day and under the bank's reference, and books
// both sides of it or neither. Conflict "insufficient_balance": more than the bank holds by the books beside the payouts that leave
// it, or more than is our own; "reference_known": it is noted already.
func (p *Payouts) Exchange(ctx context.Context, who account.Asker, out, in money.Amount, on, reference string) (Exchange, error) {
	if err := operatorInPerson(who); err != nil {
		return Exchange{}, err
	}
	for _, a := range []struct {
		name   string
		amount money.Amount
	}{{"out", out}, {"in", in}} {
		if err := a.amount.Check(); err != nil || a.amount.Minor < 1 {
			return Exchange{}, fault.InvalidField("body."+a.name, "Give an amount of 1 minor unit or more, and its currency: {\"amount\": 5000, \"currency\": \"USD\"}.")
		}
	}
	if out.Currency == in.Currency {
		return Exchange{}, fault.InvalidField("body.in", "An exchange is between two currencies.")
	}
	reference = strings.Join(strings.Fields(reference), " ")
	if n := utf8.RuneCountInString(reference); n == 0 || n > 100 || !utf8.ValidString(reference) || strings.ContainsRune(reference, 0) {
		return Exchange{}, fault.InvalidField("body.reference", "Give the bank's own reference of it, in at most 100 characters.")
	}
	day, err := time.Parse(time.DateOnly, on)
	if now := p.clock.Now(); err != nil || day.After(now.AddDate(0, 0, 1)) || day.Before(now.AddDate(-1, 0, 0)) {
		return Exchange{}, fault.InvalidField("body.on", "Give the day on the bank's statement as 2026-11-23, within the last year.")
	}
	if p.bank() == "" {
		return Exchange{}, fault.New(fault.Conflict, "There is no bank of ours.")
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (Exchange, error) {
		return exchange(tx, Exchange{Bank: p.bank(), Out: out, In: in, Rate: rateOf(out, in), Reference: reference, On: on, MadeBy: who.Actor()})
	})
}

func exchange(tx *db.Tx, x Exchange) (Exchange, error) {
	if tx.Engine() != db.SQLite { // which has one writer; elsewhere those who exchange take turns
		if _, err := tx.Exec(`LOCK TABLE exchanges IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return x, err
		}
	}
	if err := mayLeave(tx, x); err != nil {
		return x, err
	}
	x.ID, x.CreatedAt = x.ID.Next(tx.Now()), tx.Now()
	_, err := tx.Exec(`INSERT INTO exchanges (id, bank, out_minor, out_currency, in_minor, in_currency, reference, done_on, made_by, created_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`,
		string(x.ID), x.Bank, x.Out.Minor, string(x.Out.Currency), x.In.Minor, string(x.In.Currency), x.Reference, x.On, x.MadeBy, db.Micros(x.CreatedAt))
	if db.IsUnique(err) {
		return x, fault.New(fault.Conflict, "An exchange with this reference is noted already.").WithType("reference_known")
	}
	if err != nil {
		return x, err
	}
	transfers, err := ledger.Exchanged(ledger.Exchanging{Ref: x.ID, Bank: x.Bank, Out: x.Out, In: x.In})
	if err != nil {
		return x, err
	}
	_, err = ledger.Post(tx, transfers...)
	return x, err
}

// mayLeave refuses what the bank has not got, and what is not our own: the rest is owed to somebody.
func mayLeave(tx *db.Tx, x Exchange) error {
	c := x.Out.Currency
	s := Solvency{Currency: c}
	if err := ledger.Each(tx, func(b ledger.Balance) {
		if b.Balance.Currency == c && !onPaper(b.Account) {
			s.add(b, nil)
		}
	}); err != nil {
		return err
	}
	free, err := ledger.BalanceOf(tx, ledger.Bank(x.Bank), c)
	if err != nil {
		return err
	}
	due, err := ledger.BalanceOf(tx, ledger.Transit(manualRail), c)
	if err != nil {
		return err
	}
	free.Minor -= due.Minor
	own := money.Of(s.Held.Minor-s.Owed.Minor, c)
	short := func(f *fault.Fault) error { return f.WithType("insufficient_balance") }
	switch {
	case x.Out.Minor > free.Minor:
		return short(fault.New(fault.Conflict, "By the books the bank holds %s beside the payouts that leave it. It cannot have changed %s.", free, x.Out))
	case x.Out.Minor > own.Minor:
		return short(fault.New(fault.Conflict, "Of what is held, %s is our own; the rest is owed. It must not be changed.", own))
	}
	return nil
}

// onPaper reports whether an account holds no money that could be changed: what people owe us, and what a provider withholds
// for disputes, with the shares that are owed only if it comes back.
func onPaper(a ledger.Account) bool {
	name := string(a)
	return strings.HasPrefix(name, "recv:") || strings.HasPrefix(name, "disputes:") || strings.HasSuffix(name, ":held")
}

// Exchanges lists them, newest first after the one named, to the operator.
func (p *Payouts) Exchanges(ctx context.Context, who account.Asker, after id.Exchange, limit int) ([]Exchange, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	list, err := db.Get(ctx, p.db, func(tx *db.Tx) ([]Exchange, error) {
		return db.All(tx, scanExchange, `SELECT id, bank, out_minor, out_currency, in_minor, in_currency, reference, done_on, made_by, created_at FROM exchanges
			WHERE $1 = '' OR id < $1 ORDER BY id DESC LIMIT CAST($2 AS INTEGER)`, string(after), limit)
	})
	if list == nil {
		list = []Exchange{}
	}
	return list, err
}
