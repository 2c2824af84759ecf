package ledger

import (
	"fmt"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Tax is one tax on a line or on shipping, as the buyer paid it.
type Tax struct {
	Jurisdiction string // US-CA, DE: names the account
	Amount       int64
	ByBrand      bool // the brand owes it to the authority, so that it is part of the brand's money
}

// SaleLine is one order line as it was frozen at its sale, in minor units of the sale's currency.
type SaleLine struct {
	Line       id.Line
	Goods      int64 // after the brand's vouchers, without tax
	Voucher    int64 // of Goods with the tax in their price, what the platform pays in the buyer's stead
	Fee        int64 // the platform's, of Goods
	Creator    id.Creator
	Commission int64 // the creator's, of Goods
	// Undecided says that the creator is not known yet: Commission is the most it can be,
	// and waits in suspense.
	Undecided bool
	Taxes     []Tax
}

// Shipping is what the buyer paid for sending a part.
type Shipping struct {
	Amount  int64 // without tax
	Lost    int64 // more of it, which a dispute has taken before the part was sent
	ByBrand bool  // the brand ships and is paid for it
	Label   int64 // what the platform's labels for its parcels cost, where the brand does not ship
	Taxes   []Tax
}

// Sale is one brand's part of an order, from which every posting about it is made. Each line is
// posted by itself, and shipping by the part: so each can be released, cancelled or refunded
// by itself, always from these numbers.
type Sale struct {
	Order    id.Order
	Part     id.Part
	Brand    id.Brand
	Provider string // of the payment
	Currency money.Currency
	Lines    []SaleLine
	Shipping Shipping
}

// BrandShare returns what of the goods is the brand's: what creator and platform leave.
func (l SaleLine) BrandShare() int64 { return l.Goods - l.Commission - l.Fee }

// Total returns what the buyer pays for the part.
func (s Sale) Total() int64 {
	total := s.Shipping.Amount + all(s.Shipping.Taxes)
	for _, l := range s.Lines {
		total += l.Goods - l.Voucher + all(l.Taxes)
	}
	return total
}

// BrandPending returns what is held for the brand once the part is shipped: its share of the
// lines, the taxes it collects, and shipping where it ships.
func (s Sale) BrandPending() int64 {
	total := s.shippingOfBrand()
	for _, l := range s.Lines {
		total += l.BrandShare() + byBrand(l.Taxes)
	}
	return total
}

func (s Sale) shippingOfBrand() int64 {
	own := byBrand(s.Shipping.Taxes)
	if s.Shipping.ByBrand {
		own += s.Shipping.Amount + s.Shipping.Lost
	}
	return own
}

func all(taxes []Tax) (sum int64) {
	for _, t := range taxes {
		sum += t.Amount
	}
	return sum
}

func byBrand(taxes []Tax) (sum int64) {
	for _, t := range taxes {
		if t.ByBrand {
			sum += t.Amount
		}
	}
	return sum
}

// check refuses a breakdown that no sale can have.
func (s Sale) check() error {
	if s.Shipping.Amount < 0 || s.Shipping.Label < 0 || negative(s.Shipping.Taxes) {
		return fmt.Errorf("ledger: the shipping of %s is negative", s.Part)
	}
	for _, l := range s.Lines {
		switch {
		case min(l.Goods, l.Voucher, l.Fee, l.Commission) < 0 || negative(l.Taxes):
			return fmt.Errorf("ledger: an amount of %s is negative", l.Line)
		case l.Paid() < 0 || l.BrandShare() < 0:
			return fmt.Errorf("ledger: %s gives away more than its goods", l.Line)
		case l.Undecided && l.Creator != "":
			return fmt.Errorf("ledger: %s has a creator and waits for one", l.Line)
		case !l.Undecided && (l.Creator == "") && l.Commission != 0:
			return fmt.Errorf("ledger: %s has a commission for nobody", l.Line)
		}
	}
	return nil
}

func negative(taxes []Tax) bool {
	for _, t := range taxes {
		if t.Amount < 0 {
			return true
		}
	}
	return false
}

// earner returns the account a line's commission waits in.
func (l SaleLine) earner() Account {
	if l.Undecided || l.Creator == "" {
		return SuspenseAttribution
	}
	return CreatorPending(l.Creator)
}

// taxLegs returns the taxes with the sign: credits when paid, debits when given back.
func (s Sale) taxLegs(taxes []Tax, sign int64) []Leg {
	var legs []Leg
	for _, t := range taxes {
		to := TaxOwed(t.Jurisdiction)
		if t.ByBrand {
			to = BrandPending(s.Brand)
		}
		legs = append(legs, Leg{to, sign * t.Amount})
	}
	return legs
}

// key is order:<order>:<what>:<line or part>.
func (s Sale) key(what string, of string) string {
	return "order:" + string(s.Order) + ":" + what + ":" + of
}

// build makes a transfer for each line and one for the part, leaving out those that move nothing.
func (s Sale) build(what string, kind Kind, line func(SaleLine) []Leg, part func() []Leg) ([]Transfer, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var out []Transfer
	add := func(of string, legs []Leg) {
		for _, l := range legs {
			if l.Amount != 0 {
				out = append(out, Transfer{Key: s.key(what, of), Kind: kind, Currency: s.Currency, Legs: legs})
				return
			}
		}
	}
	for _, l := range s.Lines {
		if line != nil {
			add(string(l.Line), line(l))
		}
	}
	if part != nil {
		add(string(s.Part), part())
	}
	return out, nil
}
