package ledger

import (
	"fmt"
	"strings"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Exchanging is own money that was changed from one currency into another, as the books see it.
type Exchanging struct {
	Ref     id.Exchange
	Bank    string
	Out, In money.Amount
}

// Exchanged returns the two postings of an exchange, one in each currency: they are one matter, and posted together or not
// at all. The currencies meet in nothing but the name of the account between them.
func Exchanged(x Exchanging) ([]Transfer, error) {
	if x.Out.Minor <= 0 || x.In.Minor <= 0 || x.Out.Currency == x.In.Currency {
		return nil, fmt.Errorf("ledger: exchange %s of %s for %s", x.Ref, x.Out, x.In)
	}
	between, key := Exchange(x.Out.Currency, x.In.Currency), "exchange:"+string(x.Ref)
	return []Transfer{
		{Key: key + ":out", Kind: KindExchangeOut, Currency: x.Out.Currency, Legs: []Leg{Debit(between, x.Out.Minor), Credit(Bank(x.Bank), x.Out.Minor)}},
		{Key: key + ":in", Kind: KindExchangeIn, Currency: x.In.Currency, Legs: []Leg{Debit(Bank(x.Bank), x.In.Minor), Credit(between, x.In.Minor)}},
	}, nil
}

// meets says why a transfer may not touch an account between currencies: its own is neither of the two.
func (t *Transfer) meets() error {
	for _, l := range t.Legs {
		pair, ok := strings.CutPrefix(string(l.Account), "fx:")
		if !ok {
			continue
		}
		a, b, _ := strings.Cut(pair, "-")
		if a >= b || string(t.Currency) != a && string(t.Currency) != b {
			return fmt.Errorf("%s is no account between %s and another currency", l.Account, t.Currency)
		}
	}
	return nil
}

// half is one posting of an exchange, as Check has met it.
type half struct {
	currency money.Currency
	between  Account
}

// exchange notes a half of an exchange.
func (c *checker) exchange(t *row) {
	if t.Kind != KindExchangeOut && t.Kind != KindExchangeIn {
		return
	}
	if err := t.meets(); err != nil {
		c.problem("%s: %v", t.Key, err)
	}
	h := half{currency: t.Currency}
	for _, l := range t.Legs {
		if strings.HasPrefix(string(l.Account), "fx:") {
			h.between = l.Account
		}
	}
	key := strings.TrimSuffix(strings.TrimSuffix(t.Key, ":out"), ":in")
	other, met := c.halves[key]
	switch {
	case !met:
		c.halves[key] = h
	case other.currency == h.currency || other.between != h.between:
		c.problem("%s exchanges nothing into another currency", key)
		fallthrough
	default:
		delete(c.halves, key)
	}
}

// exchanges looks for halves of exchanges without the other.
func (c *checker) exchanges() error {
	for key := range c.halves {
		c.problem("%s is in the book in one currency only", key)
	}
	return nil
}
