package order

import (
	"fmt"
	"sort"
	"strings"

	"mezzo/internal/catalog"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// Collector is who owes a tax to the authority once the buyer has paid it.
type Collector string

// The collectors a tax line names.
const (
	ByPlatform Collector = "platform" // the operator, as marketplace facilitator
	ByBrand    Collector = "brand"    // the brand; the tax is part of its pending money
)

// Tax is what a row of the tax table says.
type Tax struct {
	Country     string    `json:"country" maxLength:"10" doc:"ISO 3166-1 alpha-2"`
	Region      string    `json:"region,omitempty" maxLength:"40" doc:"Empty: the whole country"`
	Category    string    `json:"category,omitempty" maxLength:"100" doc:"With all that is under it; empty: every category"`
	Name        string    `json:"name" maxLength:"400" doc:"As buyers read it: VAT, Sales tax"`
	Rate        money.Bps `json:"rate_bps" minimum:"0" maximum:"10000"`
	Inclusive   bool      `json:"inclusive" doc:"Contained in the prices, else added to them"`
	CollectedBy Collector `json:"collected_by" enum:"platform,brand" doc:"Who owes it to the authority"`
	OnShipping  bool      `json:"on_shipping,omitempty" doc:"Shipping is taxed too; only on a rate for every category"`
}

// PriceLine is what a price is made from: one variant of one brand.
type PriceLine struct {
	Brand    id.Brand
	Category string
	Unit     money.Amount
	Quantity int64
	Off      voucher.Off // what vouchers take off
}

// PriceShipping is the shipping option chosen for one brand's part.
type PriceShipping struct {
	Price    money.Amount
	FreeOver int64 // minor units of goods from which it is free; 0 never
}

// TaxLine is the tax on one line or on a part's shipping. Zero value: no tax.
type TaxLine struct {
	Name        string       `json:"name,omitempty"`
	Rate        money.Bps    `json:"rate_bps"`
	Amount      money.Amount `json:"amount"`
	Inclusive   bool         `json:"inclusive"`
	CollectedBy Collector    `json:"collected_by"`
	// Jurisdiction is whose tax it is, as its rate says: DE, or US-TX. "" on lines older than it.
	Jurisdiction string `json:"jurisdiction,omitempty"`
}

// Added returns what the tax adds to the total: nothing when it is contained in the price.
func (t TaxLine) Added() int64 {
	if t.Inclusive {
		return 0
	}
	return t.Amount.Minor
}

// Contained returns what of the price is tax: nothing when it is added to it.
func (t TaxLine) Contained() int64 { return t.Amount.Minor - t.Added() }

// PricedLine is the outcome for one line, in the order the lines were given.
type PricedLine struct {
	Price money.Amount // unit × quantity
	Goods money.Amount // what of it vouchers have left, as the buyer pays it
	Tax   TaxLine
	Base  money.Amount // commission base: goods without the tax contained in them
}

// PricedPart is the outcome for one brand.
type PricedPart struct {
	Brand       id.Brand
	Lines       []int // indexes of its lines
	Goods       money.Amount
	Shipping    money.Amount
	ShippingTax TaxLine
	Total       money.Amount // what the buyer pays for this part, all taxes included
	price       money.Amount // of its goods before vouchers
}

// Price is an order's price, every part of it shown before the button.
// Total = Subtotal − Discounts + Shipping + TaxAdded.
type Price struct {
	Lines     []PricedLine
	Parts     []PricedPart // by brand id
	Subtotal  money.Amount
	Discounts money.Amount
	Shipping  money.Amount
	Tax       money.Amount // all of it
	TaxAdded  money.Amount // the part of it that the prices do not contain
	Total     money.Amount
}

// Reckon computes the price of the lines from scratch, in a fixed order: goods, what vouchers take off, shipping,
// tax per line, tax on shipping, totals. A brand's voucher lowers the price and with it the tax; the platform's
// pays a part of the price in the buyer's stead, so that the tax is on all of it. Each tax line is rounded once, half away from zero,
// so that the lines a buyer sees sum to the total. shipping has an entry for every brand.
// An error when currencies differ, a quantity is not positive or an amount is beyond money.Max.
func Reckon(currency money.Currency, lines []PriceLine, shipping map[id.Brand]PriceShipping, taxes []Tax, country, region string) (Price, error) {
	p := Price{Lines: make([]PricedLine, len(lines))}
	parts := map[id.Brand]*PricedPart{}
	for i, l := range lines {
		if l.Unit.Currency != currency {
			return Price{}, fmt.Errorf("a line in %s cannot stand in an order in %s", l.Unit.Currency, currency)
		}
		if l.Quantity < 1 || l.Unit.Minor < 0 {
			return Price{}, fmt.Errorf("line %d has quantity %d at %s", i+1, l.Quantity, l.Unit)
		}
		line, err := l.reckon(pickTax(taxes, country, region, l.Category))
		if err != nil {
			return Price{}, err
		}
		p.Lines[i] = line
		part := parts[l.Brand]
		if part == nil {
			part = &PricedPart{Brand: l.Brand, price: money.Of(0, currency), Goods: money.Of(0, currency), Shipping: money.Of(0, currency), Total: money.Of(0, currency)}
			parts[l.Brand] = part
		}
		part.Lines = append(part.Lines, i)
		if part.price, err = part.price.Add(line.Price); err != nil {
			return Price{}, err
		}
		part.Goods.Minor += line.Goods.Minor
		part.Total.Minor += line.Goods.Minor + line.Tax.Added()
	}
	for brand, part := range parts {
		option, ok := shipping[brand]
		if !ok || option.Price.Currency != currency {
			return Price{}, fmt.Errorf("brand %s has no shipping in %s", brand, currency)
		}
		part.ship(option, pickTax(taxes, country, region, ""))
		p.Parts = append(p.Parts, *part)
	}
	sort.Slice(p.Parts, func(i, j int) bool { return p.Parts[i].Brand < p.Parts[j].Brand })
	return p.sum(currency)
}

// reckon prices one line: its tax, and what creators' commissions go by.
func (l PriceLine) reckon(t Tax) (PricedLine, error) {
	price, err := l.Unit.Times(l.Quantity)
	if err != nil {
		return PricedLine{}, err
	}
	if min(l.Off.Brand, l.Off.Platform) < 0 || l.Off.Brand > price.Minor || l.Off.Platform > price.Minor-l.Off.Brand {
		return PricedLine{}, fmt.Errorf("vouchers take %d and %d off a line of %s", l.Off.Brand, l.Off.Platform, price)
	}
	p := PricedLine{Price: price, Goods: money.Of(price.Minor-l.Off.Brand-l.Off.Platform, price.Currency)}
	p.Tax = taxOn(money.Of(price.Minor-l.Off.Brand, price.Currency), t)
	p.Base = money.Of(p.Goods.Minor-taxOn(p.Goods, t).Contained(), price.Currency)
	return p, nil
}

// ship adds shipping, free above the option's threshold, and the tax on it. The threshold is of the goods before
// vouchers: none costs its shopper the free shipping.
func (part *PricedPart) ship(option PriceShipping, tax Tax) {
	if option.FreeOver == 0 || part.price.Minor < option.FreeOver {
		part.Shipping = option.Price
	}
	if tax.OnShipping {
		part.ShippingTax = taxOn(part.Shipping, tax)
	} else {
		part.ShippingTax = TaxLine{Amount: money.Of(0, part.Shipping.Currency), CollectedBy: ByPlatform}
	}
	part.Total.Minor += part.Shipping.Minor + part.ShippingTax.Added()
}

// sum adds the lines and parts up.
func (p Price) sum(currency money.Currency) (Price, error) {
	var subtotal, off, shipping, tax, added int64
	for _, l := range p.Lines {
		subtotal += l.Price.Minor
		off += l.Price.Minor - l.Goods.Minor
		tax += l.Tax.Amount.Minor
		added += l.Tax.Added()
	}
	for _, part := range p.Parts {
		shipping += part.Shipping.Minor
		tax += part.ShippingTax.Amount.Minor
		added += part.ShippingTax.Added()
	}
	p.Subtotal, p.Discounts = money.Of(subtotal, currency), money.Of(off, currency)
	p.Shipping, p.Tax, p.TaxAdded = money.Of(shipping, currency), money.Of(tax, currency), money.Of(added, currency)
	p.Total = money.Of(subtotal-off+shipping+added, currency)
	for _, a := range []money.Amount{p.Subtotal, p.Shipping, p.Tax, p.Total} {
		if err := a.Check(); err != nil {
			return Price{}, err
		}
	}
	return p, nil
}

// taxOn returns the tax line of a row on an amount, rounded once.
func taxOn(a money.Amount, t Tax) TaxLine {
	line := TaxLine{Name: t.Name, Rate: t.Rate, Inclusive: t.Inclusive, CollectedBy: t.CollectedBy, Jurisdiction: t.Jurisdiction()}
	if line.CollectedBy == "" {
		line.CollectedBy = ByPlatform
	}
	if t.Inclusive {
		line.Amount = money.Of(t.Rate.Within(a.Minor), a.Currency)
	} else {
		line.Amount = money.Of(t.Rate.Of(a.Minor), a.Currency)
	}
	return line
}

// pickTax returns the most specific row for the place and category: a region beats none,
// then a category beats the one it is under, and that beats none. No row means no tax.
func pickTax(taxes []Tax, country, region, category string) Tax {
	best, points := Tax{}, -1
	for _, t := range taxes {
		if t.Country != country || (t.Region != "" && !strings.EqualFold(t.Region, region)) || !under(category, t.Category) {
			continue
		}
		score := len(t.Category)
		if t.Region != "" {
			score += 2 * catalog.MaxCategory
		}
		if score > points {
			best, points = t, score
		}
	}
	return best
}

// under reports whether a category is another, or under it: "food.snacks" is under "food", and all
// are under "".
func under(category, top string) bool {
	return top == "" || category == top || strings.HasPrefix(category, top+".")
}

// Frozen is how one sold line is divided, for ever: Brand + Commission + Fee is its goods without tax, after the
// brand's voucher and before the platform's, which the brand gets in full.
type Frozen struct {
	Commission money.Amount
	Fee        money.Amount
	Brand      money.Amount
}

// Freeze divides a line's goods among creator, platform and brand, rounding once by largest remainder, ties to
// the brand, then the creator (DESIGN.md §2: 19.99 at 15 % and 6 % is 3.00, 1.20 and 15.79). The commission is
// of the base, what the buyer paid; the fee is of the goods. An error when the two exceed the whole.
func Freeze(goods, base money.Amount, commission, fee money.Bps) (Frozen, error) {
	shares, err := money.Share(goods.Minor, money.Part{Base: base.Minor, Rate: commission}, money.Part{Base: goods.Minor, Rate: fee})
	if err != nil {
		return Frozen{}, err
	}
	return Frozen{
		Brand:      money.Of(shares[0], goods.Currency),
		Commission: money.Of(shares[1], goods.Currency),
		Fee:        money.Of(shares[2], goods.Currency),
	}, nil
}
