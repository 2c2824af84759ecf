package ledger

import (
	"fmt"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// SampleCharge is the price of a sample whose content did not come in time, where that was agreed on.
type SampleCharge struct {
	Sample    id.Sample
	Brand     id.Brand
	Creator   id.Creator
	Price     money.Amount
	Available int64 // what stands in the creator's available account: what it does not suffice for, they owe
}

// SampleCharged returns the posting of a sample's price: from the creator to the brand, whole. It is no sale:
// no fee, no commission and no tax come of it.
func SampleCharged(c SampleCharge) (Transfer, error) {
	if c.Price.Minor <= 0 {
		return Transfer{}, fmt.Errorf("ledger: sample %s is charged %s", c.Sample, c.Price)
	}
	from := min(c.Price.Minor, max(0, c.Available))
	return Transfer{Key: "sample:" + string(c.Sample) + ":charged", Kind: KindSample, Currency: c.Price.Currency,
		Legs: []Leg{Debit(CreatorAvailable(c.Creator), from), Debit(CreatorOwes(c.Creator), c.Price.Minor-from), Credit(BrandAvailable(c.Brand), c.Price.Minor)}}, nil
}

// SampleSent returns the posting of a sample that goes with the platform's label: the brand pays for it from what is
// available to it, and owes what is missing.
func SampleSent(sample id.Sample, brand id.Brand, l Label, c money.Currency, available int64) Transfer {
	from := min(l.Price, max(0, available))
	return Transfer{Key: "sample:" + string(sample) + ":sent", Kind: KindSampleSent, Currency: c,
		Legs: []Leg{Debit(BrandAvailable(brand), from), Debit(BrandOwes(brand), l.Price-from), Credit(CarrierOwed(l.Carrier), l.Price)}}
}
