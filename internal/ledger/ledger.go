// Package ledger keeps the books: accounts, balanced transfers between them and holds, added to and never changed.
//
// A transfer moves one currency between two or more accounts; its debits equal its credits. Its
// key is what of the business it is (order:…:paid:…), so that posting it twice is one posting.
// Accounts with a limit cannot fall below zero: their balance row is part of the transaction
// that moves them. All other accounts (clearing, fees, tax) have no row in it; the sealer
// sums what was posted to them and chains every transfer into a hash.
package ledger

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"mezzo/internal/money"
)

// Limits of what is posted at once.
const (
	MaxLegs      = 64 // of a transfer; also the spacing of entry ids
	MaxTransfers = 1000
	MaxKey       = 200 // bytes
)

// Leg is one side of a transfer: a debit or a credit of an account.
type Leg struct {
	Account Account
	Amount  int64 // minor units: credits positive, debits negative
}

// Debit returns a leg that takes minor units out of what the account owes, or adds to what it holds.
func Debit(a Account, minor int64) Leg { return Leg{a, -minor} }

// Credit returns a leg that adds minor units to what the account owes, or takes them from what it holds.
func Credit(a Account, minor int64) Leg { return Leg{a, minor} }

// Transfer is one balanced movement of money.
type Transfer struct {
	Key      string // unique in the book, and the same whenever this is told again
	Kind     Kind
	Currency money.Currency
	Legs     []Leg
	Reverses string // key of the transfer this takes back; of a reversal only
}

// draft is a transfer as it will stand in the book.
type draft struct {
	Transfer
	limited [MaxLegs]bool // of each leg, whether its account has a limit
	hash    [sha256.Size]byte
	seq     int64 // once inserted
}

// prepare checks a transfer and puts its legs into the order of the book: debits, then
// credits, each by account, those of one account and side joined, zeros left out.
func prepare(t Transfer) (draft, error) {
	if t.Key == "" || len(t.Key) > MaxKey {
		return draft{}, fmt.Errorf("ledger: the key %.40q has %d bytes, not 1 to %d", t.Key, len(t.Key), MaxKey)
	}
	if !t.Currency.Known() {
		return draft{}, fmt.Errorf("ledger: %s: %q is not a currency Mezzo knows", t.Key, t.Currency)
	}
	if (t.Kind == KindReversal) != (t.Reverses != "") {
		return draft{}, fmt.Errorf("ledger: %s: a reversal, and nothing else, names what it reverses", t.Key)
	}
	legs, err := join(t.Legs)
	if err != nil {
		return draft{}, fmt.Errorf("ledger: %s: %w", t.Key, err)
	}
	t.Legs = legs
	if t.Kind == KindExchangeOut || t.Kind == KindExchangeIn {
		if err := t.meets(); err != nil {
			return draft{}, fmt.Errorf("ledger: %s: %w", t.Key, err)
		}
	}
	d := draft{Transfer: t}
	var sum int64
	for i, l := range legs {
		f, err := t.Kind.allows(l)
		if err != nil {
			return draft{}, fmt.Errorf("ledger: %s: %w", t.Key, err)
		}
		d.limited[i] = f.limited
		sum += l.Amount // at most MaxLegs × money.Max: no overflow
	}
	if sum != 0 || len(legs) < 2 {
		return draft{}, fmt.Errorf("ledger: %s: %d legs sum to %d; debits and credits must be equal", t.Key, len(legs), sum)
	}
	d.hash = d.contentHash()
	return d, nil
}

func side(amount int64) int { return cmp.Compare(amount, 0) }

func join(legs []Leg) ([]Leg, error) {
	out := make([]Leg, 0, len(legs))
	for _, l := range legs {
		if l.Amount > money.Max || l.Amount < -money.Max {
			return nil, fmt.Errorf("a leg of %d is beyond %d minor units", l.Amount, int64(money.Max))
		}
		if l.Amount != 0 {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b Leg) int {
		return cmp.Or(cmp.Compare(side(a.Amount), side(b.Amount)), cmp.Compare(a.Account, b.Account))
	})
	n := 0
	for i, l := range out {
		if i > 0 && out[n-1].Account == l.Account && side(out[n-1].Amount) == side(l.Amount) {
			out[n-1].Amount += l.Amount
			if out[n-1].Amount > money.Max || out[n-1].Amount < -money.Max {
				return nil, fmt.Errorf("legs of %s are together beyond %d minor units", l.Account, int64(money.Max))
			}
			continue
		}
		out[n] = l
		n++
	}
	out = out[:n]
	if n > MaxLegs {
		return nil, fmt.Errorf("%d legs, over %d", n, MaxLegs)
	}
	for i, l := range out {
		for _, other := range out[i+1:] {
			if other.Account == l.Account {
				return nil, fmt.Errorf("%s is debited and credited at once", l.Account)
			}
		}
	}
	return out, nil
}

// contentHash is sha256 over a version, key, kind, currency and reversed key, then each leg's
// account and amount, all with their lengths: what a transfer says, wherever it is told.
func (t *Transfer) contentHash() [sha256.Size]byte {
	return sha256.Sum256(t.appendContent(make([]byte, 0, 512)))
}

func (t *Transfer) appendContent(b []byte) []byte {
	b = append(b, 1)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(t.Key)
	text(string(t.Kind))
	text(string(t.Currency))
	text(t.Reverses)
	b = binary.AppendUvarint(b, uint64(len(t.Legs)))
	for _, l := range t.Legs {
		text(string(l.Account))
		b = binary.BigEndian.AppendUint64(b, uint64(l.Amount))
	}
	return b
}
