package ledger_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

// twoUnits is the worked example sold as two units, and what of it one refund of one unit takes back.
func twoUnits(t *testing.T) (ledger.Sale, ledger.SaleLine, ledger.SaleLine) {
	t.Helper()
	s := worked()
	first, err := s.Lines[0].Back(ledger.SaleLine{}, 0, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Lines[0].Back(first, 1, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	return s, first, second
}

// refundOf is a refund of lines, and of the shipping if it says so.
func refundOf(s ledger.Sale, shipping bool, lines ...ledger.SaleLine) ledger.Refund {
	r := ledger.Refund{ID: id.Refund("").From(raw(1)), Sale: s}
	r.Sale.Lines = lines
	if !shipping {
		r.Sale.Shipping = ledger.Shipping{ByBrand: s.Shipping.ByBrand}
	}
	return r
}

// Every refund case of the worked example (goods 100.00, the brand's voucher 10.00, the platform's 5.00, tax
// 7.20, shipping 4.99: the buyer pays 97.19), leg by leg.
func TestGoldenRefunds(t *testing.T) {
	s, first, second := twoUnits(t)
	whole := s.Lines[0]
	byBrand := worked()
	byBrand.Lines[0].Taxes[0].ByBrand = true
	rich := map[ledger.Account]int64{ledger.BrandAvailable(brand): 100_000, ledger.CreatorAvailable(creator): 100_000}
	var out strings.Builder
	for _, c := range []struct {
		name   string
		refund ledger.Refund
		change func(*ledger.Refund)
	}{
		{"half the goods, before shipment", refundOf(s, false, first), nil},
		{"the other half, before shipment", refundOf(s, false, second), nil},
		{"half the goods and the shipping, before shipment", refundOf(s, true, first), nil},
		{"everything, before shipment", refundOf(s, true, whole), nil},
		{"everything, shipped and not delivered", refundOf(s, true, whole), func(r *ledger.Refund) { r.Shipped = true }},
		{"half the goods, delivered and held", refundOf(s, false, first), func(r *ledger.Refund) { r.Shipped, r.Delivered = true, true }},
		{"everything, delivered and held", refundOf(s, true, whole), func(r *ledger.Refund) { r.Shipped, r.Delivered = true, true }},
		{"half the goods, released", refundOf(s, false, first), func(r *ledger.Refund) {
			r.Shipped, r.Delivered, r.Released, r.Available = true, true, true, rich
		}},
		{"everything, released", refundOf(s, true, whole), func(r *ledger.Refund) {
			r.Shipped, r.Delivered, r.Released, r.Available = true, true, true, rich
		}},
		{"everything, paid out: nothing is available", refundOf(s, true, whole), func(r *ledger.Refund) { r.Shipped, r.Delivered, r.Released = true, true, true }},
		{"everything, part of it paid out", refundOf(s, true, whole), func(r *ledger.Refund) {
			r.Shipped, r.Delivered, r.Released = true, true, true
			r.Available = map[ledger.Account]int64{ledger.BrandAvailable(brand): 5000, ledger.CreatorAvailable(creator): 275}
		}},
		{"everything, released, the tax being the brand's", refundOf(byBrand, true, byBrand.Lines[0]), func(r *ledger.Refund) {
			r.Shipped, r.Delivered, r.Released, r.Available = true, true, true, rich
		}},
		{"the shipping alone, delivered and held", refundOf(s, true), func(r *ledger.Refund) { r.Shipped, r.Delivered = true, true }},
	} {
		if c.change != nil {
			c.change(&c.refund)
		}
		transfers, err := ledger.Refunded(c.refund)
		out.WriteString("# " + c.name + "\n" + text(t, transfers, err) + "\n\n")
	}
	const file = "testdata/refunds.golden"
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("posted\n%s\nwant\n%s", out.String(), want)
	}
}
