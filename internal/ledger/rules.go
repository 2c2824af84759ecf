package ledger

import (
	"fmt"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Keys of a sale's transfers, order:<order>:<what>:<line or part>: what is one of these.
const (
	KeyPaid       = "paid"
	KeyShipped    = "shipped"
	KeyLabel      = "label"
	KeyDelivered  = "delivered"
	KeyReleased   = "released"
	KeyCancelled  = "cancelled"
	KeyAttributed = "attributed"
)

// Paid returns the postings of captured sales: what the provider now holds is owed to brand,
// creator (or suspense, while undecided), platform, tax and shipping.
func Paid(sales ...Sale) ([]Transfer, error) {
	var out []Transfer
	for _, s := range sales {
		t, err := s.build(KeyPaid, KindPaid, func(l SaleLine) []Leg {
			return append(s.taxLegs(l.Taxes, 1),
				Debit(Clearing(s.Provider), l.Goods-l.Voucher+all(l.Taxes)),
				Debit(PromoPlatform, l.Voucher),
				Credit(BrandPending(s.Brand), l.BrandShare()),
				Credit(l.earner(), l.Commission),
				Credit(FeeDeferred, l.Fee))
		}, func() []Leg {
			return append(s.taxLegs(s.Shipping.Taxes, 1),
				Debit(Clearing(s.Provider), s.Shipping.Amount+all(s.Shipping.Taxes)),
				Credit(ShippingPayable, s.Shipping.Amount))
		})
		if err != nil {
			return nil, err
		}
		out = append(out, t...)
	}
	return out, nil
}

// ShippedByBrand returns the posting of a part that its brand has sent itself: the buyer's
// shipping money is the brand's, held like the rest. What a lost dispute took of it the platform makes up:
// the brand has sent the parcel. None when there is nothing to pay.
func ShippedByBrand(s Sale) ([]Transfer, error) {
	if !s.Shipping.ByBrand {
		return nil, fmt.Errorf("ledger: %s is not shipped by its brand", s.Part)
	}
	return s.build(KeyShipped, KindShipped, nil, func() []Leg {
		return []Leg{Debit(ShippingPayable, s.Shipping.Amount), Debit(DisputeLoss, s.Shipping.Lost), Credit(BrandPending(s.Brand), s.Shipping.Amount+s.Shipping.Lost)}
	})
}

// Delivered returns the postings of a delivered part: the platform has earned its fee.
func Delivered(s Sale) ([]Transfer, error) {
	return s.build(KeyDelivered, KindDelivered, func(l SaleLine) []Leg {
		return []Leg{Debit(FeeDeferred, l.Fee), Credit(FeeIncome, l.Fee)}
	}, nil)
}

// HoldReleased returns the postings of a part whose hold has passed: exactly what it brought
// into pending becomes available, but for the reserve kept back from the brand's share of the
// goods. An error while a line is undecided.
func HoldReleased(s Sale, reserve money.Bps) ([]Transfer, error) {
	for _, l := range s.Lines {
		if l.Undecided {
			return nil, fmt.Errorf("ledger: %s is released before its attribution is decided", l.Line)
		}
	}
	if reserve < 0 || reserve > money.Whole {
		return nil, fmt.Errorf("ledger: a reserve of %s", reserve)
	}
	return s.build(KeyReleased, KindReleased, func(l SaleLine) []Leg {
		own, kept := l.BrandShare()+byBrand(l.Taxes), reserve.Of(l.BrandShare())
		legs := []Leg{
			Debit(BrandPending(s.Brand), own),
			Credit(BrandAvailable(s.Brand), own-kept),
			Credit(BrandReserve(s.Brand), kept),
		}
		if l.Creator != "" {
			legs = append(legs, Debit(CreatorPending(l.Creator), l.Commission), Credit(CreatorAvailable(l.Creator), l.Commission))
		}
		return legs
	}, func() []Leg {
		own := s.shippingOfBrand()
		return []Leg{Debit(BrandPending(s.Brand), own), Credit(BrandAvailable(s.Brand), own)}
	})
}

// CancelledBeforeShipment returns the postings that give a paid part back in full: what was
// credited is taken out again and owed to the buyer, the platform's voucher to itself.
func CancelledBeforeShipment(s Sale) ([]Transfer, error) {
	return s.build(KeyCancelled, KindCancelled, func(l SaleLine) []Leg {
		return append(s.taxLegs(l.Taxes, -1),
			Debit(BrandPending(s.Brand), l.BrandShare()),
			Debit(l.earner(), l.Commission),
			Debit(FeeDeferred, l.Fee),
			Credit(PromoPlatform, l.Voucher),
			Credit(RefundsPayable(s.Provider), l.Goods-l.Voucher+all(l.Taxes)))
	}, func() []Leg {
		return append(s.taxLegs(s.Shipping.Taxes, -1),
			Debit(ShippingPayable, s.Shipping.Amount),
			Credit(RefundsPayable(s.Provider), s.Shipping.Amount+all(s.Shipping.Taxes)))
	})
}

// SuspenseDecided returns the posting that ends a line's wait: of what was suspended the
// commission goes to the creator and the rest to the brand; all of it when nobody earned.
// None when nothing was suspended.
func SuspenseDecided(order id.Order, line id.Line, brand id.Brand, c money.Currency, suspended int64, creator id.Creator, commission int64) ([]Transfer, error) {
	s := Sale{Order: order, Brand: brand, Currency: c}
	if commission < 0 || commission > suspended || (creator == "" && commission != 0) {
		return nil, fmt.Errorf("ledger: %s: %d of the suspended %d cannot be a commission", line, commission, suspended)
	}
	s.Lines = []SaleLine{{Line: line}}
	return s.build(KeyAttributed, KindAttributed, func(SaleLine) []Leg {
		legs := []Leg{Debit(SuspenseAttribution, suspended), Credit(BrandPending(brand), suspended-commission)}
		if creator != "" {
			legs = append(legs, Credit(CreatorPending(creator), commission))
		}
		return legs
	}, nil)
}

// RefundConfirmed returns the posting of a refund that the provider has confirmed; ref is what
// names it (a refund's or payment's id).
func RefundConfirmed(ref, provider string, amount money.Amount) Transfer {
	return Transfer{Key: "refund:" + ref + ":confirmed", Kind: KindRefunded, Currency: amount.Currency,
		Legs: []Leg{Debit(RefundsPayable(provider), amount.Minor), Credit(Clearing(provider), amount.Minor)}}
}

// ProviderFee returns the posting of what the provider keeps for a payment; ref names it.
func ProviderFee(ref, provider string, amount money.Amount) Transfer {
	return Transfer{Key: "psp:" + ref + ":fee", Kind: KindProviderFee, Currency: amount.Currency,
		Legs: []Leg{Debit(ProviderFees, amount.Minor), Credit(Clearing(provider), amount.Minor)}}
}

// ReserveReleased returns the posting that makes what was kept back of a part available to its brand.
func ReserveReleased(part id.Part, brand id.Brand, amount money.Amount) Transfer {
	return Transfer{Key: "reserve:" + string(part) + ":released", Kind: KindReserve, Currency: amount.Currency,
		Legs: []Leg{Debit(BrandReserve(brand), amount.Minor), Credit(BrandAvailable(brand), amount.Minor)}}
}

// ReserveDrawn returns the posting that pays a brand's debt from what was kept back of a part; cause names
// what made the debt.
func ReserveDrawn(cause string, part id.Part, brand id.Brand, amount money.Amount) Transfer {
	return Transfer{Key: "recovered:" + cause + ":reserve:" + string(part), Kind: KindRecovered, Currency: amount.Currency,
		Legs: []Leg{Debit(BrandReserve(brand), amount.Minor), Credit(BrandOwes(brand), amount.Minor)}}
}
