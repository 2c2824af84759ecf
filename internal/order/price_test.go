package order

import (
	"testing"

	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"

	"pgregory.net/rapid"
)

func usd(minor int64) money.Amount { return money.Of(minor, "USD") }

func TestReckonWorkedExamples(t *testing.T) {
	brandA, brandB := id.Brand("brd_a"), id.Brand("brd_b")
	taxes := []Tax{
		{Country: "US", Region: "NY", Name: "NY sales tax", Rate: 888, CollectedBy: ByPlatform},
		{Country: "US", Name: "Sales tax", Rate: 700, CollectedBy: ByPlatform},
		{Country: "DE", Name: "USt", Rate: 1900, Inclusive: true, CollectedBy: ByBrand, OnShipping: true},
		{Country: "DE", Category: "media", Name: "USt", Rate: 1600, Inclusive: true, CollectedBy: ByBrand},
		{Country: "DE", Category: "media.books", Name: "USt", Rate: 700, Inclusive: true, CollectedBy: ByBrand},
	}
	cases := []struct {
		name                                     string
		lines                                    []PriceLine
		country, region                          string
		subtotal, shipping, tax, taxAdded, total int64
		base                                     []int64
	}{
		{"exclusive, most specific region", []PriceLine{{brandA, "kitchen", usd(1999), 2, voucher.Off{}}}, "US", "NY",
			3998, 499, 355, 355, 4852, []int64{3998}},
		{"exclusive, country only", []PriceLine{{brandA, "kitchen", usd(1999), 1, voucher.Off{}}}, "US", "TX",
			1999, 499, 140, 140, 2638, []int64{1999}},
		{"inclusive, with tax on shipping", []PriceLine{{brandA, "kitchen", usd(11900), 1, voucher.Off{}}}, "DE", "",
			11900, 499, 1980, 0, 12399, []int64{10000}},
		{"inclusive, category rate", []PriceLine{{brandA, "media.books", usd(10700), 1, voucher.Off{}}}, "DE", "",
			10700, 499, 780, 0, 11199, []int64{10000}},
		{"inclusive, rate of the category above", []PriceLine{{brandA, "media.music", usd(11600), 1, voucher.Off{}}}, "DE", "",
			11600, 499, 1680, 0, 12099, []int64{10000}},
		{"exclusive, a region in small letters", []PriceLine{{brandA, "mediator", usd(1000), 1, voucher.Off{}}}, "US", "ny",
			1000, 499, 89, 89, 1588, []int64{1000}},
		{"two brands, free shipping over a threshold", []PriceLine{{brandA, "kitchen", usd(5000), 1, voucher.Off{}}, {brandB, "kitchen", usd(1000), 1, voucher.Off{}}}, "FR", "",
			6000, 300, 0, 0, 6300, []int64{5000, 1000}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			shipping := map[id.Brand]PriceShipping{brandA: {Price: usd(499)}, brandB: {Price: usd(300)}}
			if len(c.lines) == 2 {
				shipping[brandA] = PriceShipping{Price: usd(499), FreeOver: 5000}
			}
			p, err := Reckon("USD", c.lines, shipping, taxes, c.country, c.region)
			if err != nil {
				t.Fatal(err)
			}
			got := []int64{p.Subtotal.Minor, p.Shipping.Minor, p.Tax.Minor, p.TaxAdded.Minor, p.Total.Minor}
			want := []int64{c.subtotal, c.shipping, c.tax, c.taxAdded, c.total}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("subtotal, shipping, tax, added, total = %v, want %v", got, want)
				}
			}
			for i, b := range c.base {
				if p.Lines[i].Base.Minor != b {
					t.Errorf("base of line %d = %d, want %d", i, p.Lines[i].Base.Minor, b)
				}
			}
		})
	}
}

func TestReckonRefuses(t *testing.T) {
	brand := id.Brand("brd_a")
	shipping := map[id.Brand]PriceShipping{brand: {Price: usd(0)}}
	for name, lines := range map[string][]PriceLine{
		"another currency": {{brand, "", money.Of(1, "EUR"), 1, voucher.Off{}}},
		"no quantity":      {{brand, "", usd(1), 0, voucher.Off{}}},
		"negative":         {{brand, "", usd(1), -3, voucher.Off{}}},
		"beyond the limit": {{brand, "", usd(money.Max), 2, voucher.Off{}}},
		"sum beyond":       {{brand, "", usd(money.Max), 1, voucher.Off{}}, {brand, "", usd(money.Max), 1, voucher.Off{}}},
		"no shipping":      {{"brd_b", "", usd(1), 1, voucher.Off{}}},
	} {
		if _, err := Reckon("USD", lines, shipping, nil, "US", ""); err == nil {
			t.Errorf("%s: a price was made", name)
		}
	}
}

// Whatever is bought, the parts a buyer sees sum to what is charged, and each frozen
// line divides its base without a cent left over.
func TestReckonSumsExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		brands := []id.Brand{"brd_a", "brd_b", "brd_c"}
		shipping := map[id.Brand]PriceShipping{}
		for _, b := range brands {
			shipping[b] = PriceShipping{Price: usd(rapid.Int64Range(0, 5000).Draw(t, "shipping")), FreeOver: rapid.Int64Range(0, 100_000).Draw(t, "free")}
		}
		tax := Tax{Country: "US", Rate: money.Bps(rapid.Int64Range(0, 3000).Draw(t, "rate")),
			Inclusive: rapid.Bool().Draw(t, "inclusive"), OnShipping: rapid.Bool().Draw(t, "on shipping"), CollectedBy: ByPlatform}
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) PriceLine {
			return PriceLine{rapid.SampledFrom(brands).Draw(t, "brand"), "", usd(rapid.Int64Range(0, 9_999_999).Draw(t, "unit")), rapid.Int64Range(1, 20).Draw(t, "quantity"), voucher.Off{}}
		}), 1, 12).Draw(t, "lines")
		p, err := Reckon("USD", lines, shipping, []Tax{tax}, "US", "")
		if err != nil {
			t.Fatal(err)
		}
		var parts int64
		for _, part := range p.Parts {
			parts += part.Total.Minor
		}
		if parts != p.Total.Minor || p.Total.Minor != p.Subtotal.Minor+p.Shipping.Minor+p.TaxAdded.Minor {
			t.Fatalf("parts sum to %d, total %d", parts, p.Total.Minor)
		}
		commission := money.Bps(rapid.Int64Range(0, 8000).Draw(t, "commission"))
		fee := money.Bps(rapid.Int64Range(0, 2000).Draw(t, "fee"))
		for _, l := range p.Lines {
			f, err := Freeze(l.Base, l.Base, commission, fee)
			if err != nil {
				t.Fatal(err)
			}
			if f.Brand.Minor+f.Commission.Minor+f.Fee.Minor != l.Base.Minor || f.Brand.Minor < 0 || f.Fee.Minor < 0 || f.Commission.Minor < 0 {
				t.Fatalf("%d splits into %+v", l.Base.Minor, f)
			}
		}
	})
}

func TestFreezeOfTheDesign(t *testing.T) {
	f, err := Freeze(usd(1999), usd(1999), 1500, 600)
	if err != nil || f.Commission.Minor != 300 || f.Fee.Minor != 120 || f.Brand.Minor != 1579 {
		t.Fatalf("19.99 at 15 %% and 6 %% = %+v, %v; want 3.00, 1.20, 15.79", f, err)
	}
	if _, err := Freeze(usd(100), usd(100), 8000, 2001); err == nil {
		t.Fatal("rates beyond the whole were accepted")
	}
}
