package ledger

import (
	"fmt"

	"mezzo/internal/money"
)

// Paying is a payout as the books see it.
type Paying struct {
	Ref          string // the payout's id
	From         Account
	Rail         string
	Source       Account // what the money is taken from once it has arrived: the provider's clearing, or a bank
	Amount       money.Amount
	Withheld     int64 // of it, tax kept back
	Jurisdiction string
}

func (p Paying) key(what string) string { return "payout:" + p.Ref + ":" + what }

// PayoutSent returns the posting of money that leaves what is available and is on its way: it cannot be
// asked for twice. What is withheld is owed to the tax office.
func PayoutSent(p Paying) (Transfer, error) {
	if p.Withheld < 0 || p.Withheld >= p.Amount.Minor || (p.Withheld > 0) != (p.Jurisdiction != "") {
		return Transfer{}, fmt.Errorf("ledger: payout %s withholds %d of %s for %q", p.Ref, p.Withheld, p.Amount, p.Jurisdiction)
	}
	legs := []Leg{Debit(p.From, p.Amount.Minor), Credit(Transit(p.Rail), p.Amount.Minor-p.Withheld)}
	if p.Withheld > 0 {
		legs = append(legs, Credit(Withheld(p.Jurisdiction), p.Withheld))
	}
	return Transfer{Key: p.key("sent"), Kind: KindPayout, Currency: p.Amount.Currency, Legs: legs}, nil
}

// PayoutConfirmed returns the posting of a payout that has arrived: who held the money for us holds less.
func PayoutConfirmed(p Paying) Transfer {
	net := p.Amount.Minor - p.Withheld
	return Transfer{Key: p.key("confirmed"), Kind: KindPaidOut, Currency: p.Amount.Currency,
		Legs: []Leg{Debit(Transit(p.Rail), net), Credit(p.Source, net)}}
}

// PayoutUndone names the transfers of a payout that did not arrive, or came back after it had, each with the
// key of its reversal, in the order to reverse them in.
func PayoutUndone(p Paying, confirmed bool) [][2]string {
	if !confirmed {
		return [][2]string{{p.key("sent"), p.key("failed")}}
	}
	return [][2]string{{p.key("confirmed"), p.key("confirmed:returned")}, {p.key("sent"), p.key("sent:returned")}}
}

// PayoutPart returns the posting of a part of a payout that came back after it had arrived: who held the money holds
// it again, and its owner may have it paid out anew. total is all that has come back with this part.
func PayoutPart(p Paying, part, total int64) Transfer {
	return Transfer{Key: p.key(fmt.Sprintf("back:%d", total)), Kind: KindPaidBack, Currency: p.Amount.Currency,
		Legs: []Leg{Debit(p.Source, part), Credit(p.From, part)}}
}

// PayoutRest returns the posting of the rest of a payout of which back has come back and is booked: of what is
// withheld too, for nothing was paid in the end.
func PayoutRest(p Paying, back int64) Transfer {
	net := p.Amount.Minor - p.Withheld
	t := PayoutPart(p, net-back, net)
	if p.Withheld > 0 {
		t.Legs[1].Amount += Credit(p.From, p.Withheld).Amount
		t.Legs = append(t.Legs, Debit(Withheld(p.Jurisdiction), p.Withheld))
	}
	return t
}

// Settled is money that a provider has paid to a bank of ours, as the books see it: what the bank pays out by
// hand comes from there.
type Settled struct {
	Ref      string // the settlement's id
	Provider string
	Bank     string
	Amount   money.Amount
}

// SettledKey is the key of a settlement's transfer.
func SettledKey(provider, ref string) string { return "settled:" + provider + ":" + ref }

// ProviderSettled returns the posting of money that a provider paid to our bank.
func ProviderSettled(s Settled) Transfer {
	return Transfer{Key: SettledKey(s.Provider, s.Ref), Kind: KindSettled, Currency: s.Amount.Currency,
		Legs: []Leg{Debit(Bank(s.Bank), s.Amount.Minor), Credit(Clearing(s.Provider), s.Amount.Minor)}}
}
