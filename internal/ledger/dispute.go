package ledger

import (
	"fmt"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Portion returns what of a line is worth so much of what its buyer paid: the platform's voucher in
// proportion, then every party by largest remainder. No party's portion exceeds what it has of the line.
func (l SaleLine) Portion(paid int64) (SaleLine, error) {
	if paid < 0 || paid > l.Paid() {
		return SaleLine{}, fmt.Errorf("ledger: %d of the %d paid for %s cannot be disputed", paid, l.Paid(), l.Line)
	}
	p := SaleLine{Line: l.Line, Creator: l.Creator, Undecided: l.Undecided}
	shares := make([]int64, 3+len(l.Taxes))
	if paid > 0 {
		voucher, err := money.Split(l.Voucher, []int64{paid, l.Paid() - paid})
		if err != nil {
			return SaleLine{}, err
		}
		p.Voucher = voucher[0]
		if shares, err = money.Split(paid+p.Voucher, l.parties()); err != nil {
			return SaleLine{}, err
		}
	}
	p.Commission, p.Fee, p.Goods = shares[1], shares[2], shares[0]+shares[1]+shares[2]
	for i, t := range l.Taxes {
		p.Taxes = append(p.Taxes, Tax{Jurisdiction: t.Jurisdiction, Amount: shares[3+i], ByBrand: t.ByBrand})
	}
	return p, nil
}

// Dispute is what a bank disputes of one part. Of Sale, Lines and Shipping are the disputed portions of what
// was left of it, and nothing else.
type Dispute struct {
	ID    id.Dispute
	Round int64
	Sale  Sale
	// How far the part has come says where the money is.
	Shipped   bool // the brand is owed the shipping
	Delivered bool // the platform has earned its fee
	Released  bool // brand and creators have it available
	// Available is what stands in the available accounts of a released part's people.
	Available map[Account]int64
}

func disputeKey(d id.Dispute, what string) string { return "dispute:" + string(d) + ":" + what }

func (d Dispute) key(what, of string) string {
	return disputeKey(d.ID, fmt.Sprintf("%s:%d:%s", what, d.Round, of))
}

// DisputeOpened returns the posting of money that the provider withholds, and of its fee, which is the
// platform's to pay.
func DisputeOpened(d id.Dispute, provider string, amount money.Amount, fee int64) Transfer {
	return Transfer{Key: disputeKey(d, "opened"), Kind: KindDisputed, Currency: amount.Currency,
		Legs: []Leg{Debit(Disputes(provider), amount.Minor), Debit(DisputeFees, fee), Credit(Clearing(provider), amount.Minor+fee)}}
}

// DisputeWon returns the posting of money that the provider gives back, and what it gives back of its fee.
func DisputeWon(d id.Dispute, provider string, amount money.Amount, fee int64) Transfer {
	return Transfer{Key: disputeKey(d, "won"), Kind: KindDisputeWon, Currency: amount.Currency,
		Legs: []Leg{Debit(Clearing(provider), amount.Minor+fee), Credit(Disputes(provider), amount.Minor), Credit(DisputeFees, fee)}}
}

// Keys returns the keys of the transfers that freeze a part's disputed shares, of which those that move
// nothing are not in the book.
func (d Dispute) Keys() []string {
	keys := make([]string, 0, len(d.Sale.Lines)+1)
	for _, l := range d.Sale.Lines {
		keys = append(keys, d.key("frozen", string(l.Line)))
	}
	return append(keys, d.key("frozen", string(d.Sale.Part)))
}

// Frozen returns the postings that freeze the disputed shares of brand and creators: from where the money
// is, and what is not there any more becomes a debt. The platform's fee and the taxes it collects stay where
// they are: nobody can be paid them. An error while a line is undecided.
func (d Dispute) Frozen() ([]Transfer, error) {
	s, left := d.Sale, make(map[Account]int64, len(d.Available))
	for a, minor := range d.Available {
		left[a] = max(0, minor)
	}
	take := func(minor int64, pending, available, owes, held Account) []Leg {
		if !d.Released {
			return []Leg{Debit(pending, minor), Credit(held, minor)}
		}
		from := min(minor, left[available])
		left[available] -= from
		return []Leg{Debit(available, from), Debit(owes, minor-from), Credit(held, minor)}
	}
	brand := func(minor int64) []Leg {
		return take(minor, BrandPending(s.Brand), BrandAvailable(s.Brand), BrandOwes(s.Brand), BrandHeld(s.Brand))
	}
	var out []Transfer
	for _, l := range s.Lines {
		if l.Undecided {
			return nil, fmt.Errorf("ledger: %s is frozen before its attribution is decided", l.Line)
		}
		legs := brand(l.BrandShare() + byBrand(l.Taxes))
		if l.Creator != "" {
			legs = append(legs, take(l.Commission, CreatorPending(l.Creator), CreatorAvailable(l.Creator), CreatorOwes(l.Creator), CreatorHeld(l.Creator))...)
		}
		out = d.add(out, KindFrozen, "frozen", string(l.Line), legs)
	}
	return d.add(out, KindFrozen, "frozen", string(s.Part), brand(byBrand(s.Shipping.Taxes))), nil
}

// Lost returns the postings of disputed shares that the bank has given to the buyer: from what was frozen,
// the platform's fee and taxes from where they are, its voucher back to it. Shipping that the brand was paid
// for is spent, and the platform's loss.
func (d Dispute) Lost() []Transfer {
	s, fee := d.Sale, FeeDeferred
	if d.Delivered {
		fee = FeeIncome
	}
	var out []Transfer
	for _, l := range s.Lines {
		legs := append(taxBack(l.Taxes), Debit(BrandHeld(s.Brand), l.BrandShare()+byBrand(l.Taxes)), Debit(fee, l.Fee),
			Credit(PromoPlatform, l.Voucher), Credit(Disputes(s.Provider), l.Paid()))
		if l.Creator != "" {
			legs = append(legs, Debit(CreatorHeld(l.Creator), l.Commission))
		}
		out = d.add(out, KindDisputeLost, "lost", string(l.Line), legs)
	}
	shipping := ShippingPayable
	if d.Shipped {
		shipping = DisputeLoss
	}
	legs := append(taxBack(s.Shipping.Taxes), Debit(BrandHeld(s.Brand), byBrand(s.Shipping.Taxes)), Debit(shipping, s.Shipping.Amount),
		Credit(Disputes(s.Provider), s.Shipping.Amount+all(s.Shipping.Taxes)))
	return d.add(out, KindDisputeLost, "lost", string(s.Part), legs)
}

// DisputeLostBeyond returns the posting of what a bank took that the buyer had been given back already, from
// what it is taken: the platform's loss, money promised back that the provider had not given yet, or, of a
// payment that never stood in the books, the provider's own account.
func DisputeLostBeyond(d id.Dispute, provider string, from Account, amount money.Amount) Transfer {
	return Transfer{Key: disputeKey(d, "lost:"+string(from)), Kind: KindDisputeLost, Currency: amount.Currency,
		Legs: []Leg{Debit(from, amount.Minor), Credit(Disputes(provider), amount.Minor)}}
}

func (d Dispute) add(out []Transfer, kind Kind, what, of string, legs []Leg) []Transfer {
	for _, l := range legs {
		if l.Amount != 0 {
			return append(out, Transfer{Key: d.key(what, of), Kind: kind, Currency: d.Sale.Currency, Legs: legs})
		}
	}
	return out
}
