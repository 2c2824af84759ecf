package payout

import (
	"context"
	"slices"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// Solvency is what is owed to whom and who holds the money for it, in one currency.
type Solvency struct {
	Currency money.Currency `json:"currency"`
	Holds    []Stake        `json:"holds" nullable:"false" doc:"Providers, banks, and what people owe us"`
	Owes     []Stake        `json:"owes" nullable:"false"`
	Held     money.Amount   `json:"held"`
	Owed     money.Amount   `json:"owed"`
	Own      money.Amount   `json:"own" doc:"Held less owed: what is the platform's own. It equals its income less its expenses, less what was exchanged"`
	Result   money.Amount   `json:"result" doc:"Income less expenses, from the books"`
	Changed  money.Amount   `json:"exchanged" doc:"Own money that went into other currencies, less what came of them"`
	Provider *money.Amount  `json:"provider_says,omitempty" doc:"What the provider itself says it holds"`
	Clearing money.Amount   `json:"books_say" doc:"What the books say it holds"`
	Silent   bool           `json:"provider_silent,omitempty" doc:"The provider did not answer: only the books are told"`
}

// Stake is one kind of account, all of its kind together.
type Stake struct {
	Name   string       `json:"name"`
	Amount money.Amount `json:"amount"`
	Count  int          `json:"accounts"`
}

// stakeNames are what the forms of the chart are to the operator, the longest prefix first.
var stakeNames = []struct{ prefix, suffix, name string }{
	{"brand:", ":pending", "Brands, held"}, {"brand:", ":available", "Brands, ready to pay out"}, {"brand:", ":held", "Brands, under dispute"}, {"brand:", ":reserve", "Brands, reserve"},
	{"creator:", ":pending", "Creators, held"}, {"creator:", ":available", "Creators, ready to pay out"}, {"creator:", ":held", "Creators, under dispute"},
	{"payouts:", ":transit", "Payouts on their way"}, {"wht:", "", "Tax withheld from payouts"}, {"tax:", "", "Sales tax collected"}, {"refunds:", ":payable", "Refunds on their way"},
	{"fee:deferred", "", "Fees of what is not delivered yet"}, {"shipping:payable", "", "Shipping not sent yet"}, {"carrier:", "", "Carriers"}, {"giftcard", "", "Gift cards"},
	{"suspense:", "", "Not decided or not matched yet"}, {"psp:", ":clearing", "At the payment provider"}, {"bank:", "", "At the bank"}, {"disputes:", "", "Withheld for disputes"},
	{"recv:brand:", "", "Owed to us by brands"}, {"recv:creator:", "", "Owed to us by creators"},
}

func stakeOf(a ledger.Account) string {
	for _, s := range stakeNames {
		if strings.HasPrefix(string(a), s.prefix) && strings.HasSuffix(string(a), s.suffix) {
			return s.name
		}
	}
	return string(a)
}

// Solvency adds the book up for the operator, one answer for each currency.
func (p *Payouts) Solvency(ctx context.Context, who account.Asker) ([]Solvency, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	if err := who.May(account.MoneyRead); err != nil {
		return nil, err
	}
	held, silent := map[money.Currency]int64{}, false
	if p.report != nil {
		var err error
		if held, err = p.report.Balance(ctx); fault.Is(err, fault.Unavailable) {
			silent = true // the books stand without it
		} else if err != nil {
			return nil, err
		}
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Solvency, error) {
		by := map[money.Currency]*Solvency{}
		err := ledger.Each(tx, func(b ledger.Balance) {
			c := b.Balance.Currency
			s := by[c]
			if s == nil {
				s = &Solvency{Currency: c, Holds: []Stake{}, Owes: []Stake{}, Held: money.Of(0, c), Owed: money.Of(0, c), Own: money.Of(0, c), Result: money.Of(0, c), Changed: money.Of(0, c), Clearing: money.Of(0, c)}
				by[c] = s
			}
			s.add(b, p.report)
		})
		if err != nil {
			return nil, err
		}
		list := []Solvency{}
		for c, s := range by {
			s.Own.Minor = s.Held.Minor - s.Owed.Minor
			s.Silent = silent
			if p.report != nil && !silent {
				says := money.Of(held[c], c)
				s.Provider = &says
			}
			for _, side := range [][]Stake{s.Holds, s.Owes} { // the book comes in no order
				slices.SortFunc(side, func(a, b Stake) int { return strings.Compare(a.Name, b.Name) })
			}
			list = append(list, *s)
		}
		slices.SortFunc(list, func(a, b Solvency) int {
			return strings.Compare(string(a.Currency), string(b.Currency))
		})
		return list, nil
	})
}

// add adds one account.
func (s *Solvency) add(b ledger.Balance, r Reporter) {
	if r != nil && b.Account == ledger.Clearing(r.Name()) {
		s.Clearing = b.Balance
	}
	switch b.Class {
	case ledger.Asset:
		s.Held.Minor += b.Balance.Minor
		stake(&s.Holds, b)
	case ledger.Liability:
		s.Owed.Minor += b.Balance.Minor
		stake(&s.Owes, b)
	case ledger.Income:
		s.Result.Minor += b.Balance.Minor
	case ledger.Expense:
		s.Result.Minor -= b.Balance.Minor
	case ledger.Position:
		s.Changed.Minor += b.Balance.Minor
	}
}

func stake(list *[]Stake, b ledger.Balance) {
	if b.Balance.IsZero() {
		return
	}
	name := stakeOf(b.Account)
	for i := range *list {
		if x := &(*list)[i]; x.Name == name {
			x.Amount.Minor += b.Balance.Minor
			x.Count++
			return
		}
	}
	*list = append(*list, Stake{Name: name, Amount: b.Balance, Count: 1})
}
