package ledger

import (
	"fmt"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Label is what a carrier is owed for one parcel.
type Label struct {
	Carrier string // names its account
	Price   int64  // in minor units of the sale's currency
}

// LabelBought returns the posting of a platform's label for a parcel with which its part is not all sent yet: the
// platform owes it to the carrier, and what the buyer paid for shipping pays for it with the last parcel.
func LabelBought(s Sale, shipment id.Shipment, l Label) Transfer {
	return Transfer{Key: s.key(KeyLabel, string(shipment)), Kind: KindShipped, Currency: s.Currency,
		Legs: []Leg{Debit(ShippingMargin, l.Price), Credit(CarrierOwed(l.Carrier), l.Price)}}
}

// Beyond returns what the part's labels cost beyond what its buyer paid for shipping.
func (s Shipping) Beyond() int64 { return max(0, s.Label-s.Amount-s.Lost) }

// ShippedByLabel returns the posting of a part that is all sent, with the platform's labels: what the buyer paid for
// shipping pays for them, and the rest is the platform's. What they cost beyond it the brand pays, which has set the
// price of shipping: from what is available to it, and what is missing it owes. last is the label of the last parcel;
// none where a refund left nothing to send.
func ShippedByLabel(s Sale, last Label, available int64) ([]Transfer, error) {
	if s.Shipping.ByBrand || last.Price > s.Shipping.Label {
		return nil, fmt.Errorf("ledger: %s is not shipped with labels of %d", s.Part, s.Shipping.Label)
	}
	beyond := s.Shipping.Beyond()
	from := min(beyond, max(0, available))
	return s.build(KeyShipped, KindShipped, nil, func() []Leg {
		legs := []Leg{Debit(ShippingPayable, s.Shipping.Amount), Debit(DisputeLoss, s.Shipping.Lost), Debit(BrandAvailable(s.Brand), from), Debit(BrandOwes(s.Brand), beyond-from)}
		if last.Price > 0 {
			legs = append(legs, Credit(CarrierOwed(last.Carrier), last.Price))
		}
		return append(legs, Credit(ShippingMargin, s.Shipping.Amount+s.Shipping.Lost+beyond-last.Price))
	})
}

// CarrierPaid returns the posting of money that left our bank for a carrier; ref names the payment.
func CarrierPaid(ref, carrier, bank string, amount money.Amount) Transfer {
	return Transfer{Key: "carrier:" + ref + ":paid", Kind: KindCarrierPaid, Currency: amount.Currency,
		Legs: []Leg{Debit(CarrierOwed(carrier), amount.Minor), Credit(Bank(bank), amount.Minor)}}
}
