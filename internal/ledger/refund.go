package ledger

import (
	"fmt"
	"slices"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// maxUnits bounds the units of one line, so that a share of it is reckoned without overflow.
const maxUnits = 100

// Back returns what giving the buyer units more of a line's of units takes back, when taken was taken
// back before for done units: the line's shares of done+units by largest remainder (brand, creator,
// platform, taxes in this order), less what was taken. So each party's series ends at exactly what it
// got, whatever the steps. An error when so many units are not left.
func (l SaleLine) Back(taken SaleLine, done, units, of int64) (SaleLine, error) {
	if units < 1 || done < 0 || of > maxUnits || done+units > of {
		return SaleLine{}, fmt.Errorf("ledger: %d of %d units of %s cannot be taken back after %d", units, of, l.Line, done)
	}
	now := done + units
	voucher := share(l.Voucher, now, of)
	paid := share(l.Goods-l.Voucher+all(l.Taxes), now, of)
	weights, before := l.parties(), taken.parties()
	shares := make([]int64, len(weights))
	if slices.Max(weights) > 0 {
		var err error
		if shares, err = money.Split(voucher+paid, weights); err != nil {
			return SaleLine{}, err
		}
	}
	if len(before) != len(weights) {
		before = append(before, make([]int64, max(0, len(weights)-len(before)))...)
	}
	for i := range shares {
		shares[i] -= before[i]
	}
	level(shares)
	var given int64
	for _, s := range shares {
		given += s
	}
	// Refunds that failed may have left a cent more or less taken than so many units come to: nothing is paid by a refund.
	back := SaleLine{Line: l.Line, Voucher: min(max(0, voucher-taken.Voucher), given), Creator: l.Creator, Undecided: l.Undecided, Commission: shares[1], Fee: shares[2]}
	back.Goods = shares[0] + shares[1] + shares[2]
	for i, t := range l.Taxes {
		back.Taxes = append(back.Taxes, Tax{Jurisdiction: t.Jurisdiction, Amount: shares[3+i], ByBrand: t.ByBrand})
	}
	return back, nil
}

// Less returns the line without what was taken back of it.
func (l SaleLine) Less(taken SaleLine) SaleLine {
	l.Goods, l.Voucher, l.Fee, l.Commission = l.Goods-taken.Goods, l.Voucher-taken.Voucher, l.Fee-taken.Fee, l.Commission-taken.Commission
	left := slices.Clone(l.Taxes)
	for i := range taken.Taxes {
		left[i].Amount -= taken.Taxes[i].Amount
	}
	l.Taxes = left
	return l
}

// Paid returns what the buyer paid for the line, or gets back of it.
func (l SaleLine) Paid() int64 { return l.Goods - l.Voucher + all(l.Taxes) }

// parties are what each party has of a line, in the order ties go by.
func (l SaleLine) parties() []int64 {
	p := []int64{l.BrandShare(), l.Commission, l.Fee}
	for _, t := range l.Taxes {
		p = append(p, t.Amount)
	}
	return p
}

// share returns n/of of an amount, half a unit rounded up.
func share(minor, n, of int64) int64 {
	return minor/of*n + (minor%of*n*2+of)/(2*of)
}

// level takes what largest remainder gave a party before and not any more (a cent, where a unit is worth
// less than one to it) from those who give most now: nobody is paid by a refund.
func level(shares []int64) {
	for i := range shares {
		for shares[i] < 0 {
			most := 0
			for j := range shares {
				if shares[j] > shares[most] {
					most = j
				}
			}
			give := min(-shares[i], shares[most])
			if give <= 0 {
				return // cannot be: the shares sum to what the buyer gets
			}
			shares[i] += give
			shares[most] -= give
		}
	}
}

// Refund is money given back to a buyer of one part. Of Sale, Lines and Shipping are what is taken back,
// as Back reckons it, and nothing else.
type Refund struct {
	ID   id.Refund
	Sale Sale
	// How far the part has come says where the money is.
	Shipped   bool // the brand is owed the shipping
	Delivered bool // the platform has earned its fee
	Released  bool // brand and creators have it available
	// Available is what stands in the available accounts of a released part's people, and of a brand that gives back
	// what labels cost: what it does not suffice for, they owe.
	Available map[Account]int64
}

// Keys returns the keys of the refund's transfers, of which those that move nothing are not in the book.
func (r Refund) Keys() []string {
	keys := make([]string, 0, len(r.Sale.Lines)+1)
	for _, l := range r.Sale.Lines {
		keys = append(keys, r.key(string(l.Line)))
	}
	return append(keys, r.key("shipping"))
}

func (r Refund) key(of string) string { return "refund:" + string(r.ID) + ":" + of }

// Amount returns what the buyer gets.
func (r Refund) Amount() int64 {
	sum := r.Sale.Shipping.Amount + all(r.Sale.Shipping.Taxes)
	for _, l := range r.Sale.Lines {
		sum += l.Paid()
	}
	return sum
}

// Refunded returns the postings of a refund: each line's and the shipping by itself, taken from where the
// money is and owed to the buyer. An error while a line is undecided, or when an amount is negative.
func Refunded(r Refund) ([]Transfer, error) {
	s, left := r.Sale, make(map[Account]int64, len(r.Available))
	for a, minor := range r.Available {
		left[a] = max(0, minor)
	}
	purse := func(minor int64, available, owes Account) []Leg {
		from := min(minor, left[available])
		left[available] -= from
		return []Leg{Debit(available, from), Debit(owes, minor-from)}
	}
	take := func(minor int64, pending, available, owes Account) []Leg {
		if !r.Released {
			return []Leg{Debit(pending, minor)}
		}
		return purse(minor, available, owes)
	}
	brand := func(minor int64) []Leg {
		return take(minor, BrandPending(s.Brand), BrandAvailable(s.Brand), BrandOwes(s.Brand))
	}
	fee := FeeDeferred
	if r.Delivered {
		fee = FeeIncome
	}
	var out []Transfer
	for _, l := range s.Lines {
		if l.Undecided {
			return nil, fmt.Errorf("ledger: %s is refunded before its attribution is decided", l.Line)
		}
		if min(l.BrandShare(), l.Commission, l.Fee, l.Voucher, l.Paid()) < 0 || negative(l.Taxes) {
			return nil, fmt.Errorf("ledger: a refund of %s takes back a negative amount", l.Line)
		}
		legs := append(taxBack(l.Taxes), brand(l.BrandShare()+byBrand(l.Taxes))...)
		if l.Creator != "" {
			legs = append(legs, take(l.Commission, CreatorPending(l.Creator), CreatorAvailable(l.Creator), CreatorOwes(l.Creator))...)
		}
		out = r.add(out, string(l.Line), append(legs, Debit(fee, l.Fee), Credit(PromoPlatform, l.Voucher), Credit(RefundsPayable(s.Provider), l.Paid())))
	}
	if s.Shipping.Amount < 0 || negative(s.Shipping.Taxes) {
		return nil, fmt.Errorf("ledger: a refund of the shipping of %s takes back a negative amount", s.Part)
	}
	legs := append(taxBack(s.Shipping.Taxes), brand(byBrand(s.Shipping.Taxes))...)
	switch {
	case !r.Shipped:
		legs = append(legs, Debit(ShippingPayable, s.Shipping.Amount))
	case s.Shipping.ByBrand:
		legs = append(legs, brand(s.Shipping.Amount)...)
	default: // the labels are spent, as a brand's own carriage is: it bears them, and the platform what it made by them
		spent := min(s.Shipping.Amount, s.Shipping.Label)
		legs = append(append(legs, purse(spent, BrandAvailable(s.Brand), BrandOwes(s.Brand))...), Debit(ShippingMargin, s.Shipping.Amount-spent))
	}
	return r.add(out, "shipping", append(legs, Credit(RefundsPayable(s.Provider), s.Shipping.Amount+all(s.Shipping.Taxes)))), nil
}

// taxBack takes the platform's taxes back; a brand's are part of its own money.
func taxBack(taxes []Tax) (legs []Leg) {
	for _, t := range taxes {
		if !t.ByBrand {
			legs = append(legs, Debit(TaxOwed(t.Jurisdiction), t.Amount))
		}
	}
	return legs
}

func (r Refund) add(out []Transfer, of string, legs []Leg) []Transfer {
	for _, l := range legs {
		if l.Amount != 0 {
			return append(out, Transfer{Key: r.key(of), Kind: KindRefund, Currency: r.Sale.Currency, Legs: legs})
		}
	}
	return out
}

// RefundReturned returns the postings that bring the money of a refund, once its transfers are reversed,
// to where the part has come meanwhile: r as it was posted, shipped and delivered as the part is now. A part that was
// sent while its shipping was refunded has all of it then, with what a dispute had taken before.
func RefundReturned(r Refund, shipped, delivered bool) []Transfer {
	var out []Transfer
	if s := r.Sale.Shipping; shipped && !r.Shipped && s.Amount+s.Lost > 0 {
		legs := []Leg{Debit(ShippingPayable, s.Amount), Debit(DisputeLoss, s.Lost)}
		if s.ByBrand {
			legs = append(legs, Credit(BrandPending(r.Sale.Brand), s.Amount+s.Lost))
		} else { // the brand has paid for the labels alone
			spent := min(s.Amount+s.Lost, s.Label)
			legs = append(legs, Credit(BrandAvailable(r.Sale.Brand), spent), Credit(ShippingMargin, s.Amount+s.Lost-spent))
		}
		out = append(out, Transfer{Key: r.key("shipping") + ":shipped", Kind: KindShipped, Currency: r.Sale.Currency, Legs: legs})
	}
	if !delivered || r.Delivered {
		return out
	}
	for _, l := range r.Sale.Lines {
		if l.Fee > 0 {
			out = append(out, Transfer{Key: r.key(string(l.Line)) + ":delivered", Kind: KindDelivered, Currency: r.Sale.Currency,
				Legs: []Leg{Debit(FeeDeferred, l.Fee), Credit(FeeIncome, l.Fee)}})
		}
	}
	return out
}
