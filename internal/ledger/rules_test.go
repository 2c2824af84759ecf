package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

func raw(n byte) [16]byte { return [16]byte{15: n} }

var (
	order   = id.Order("").From(raw(1))
	part    = id.Part("").From(raw(1))
	line    = id.Line("").From(raw(1))
	brand   = id.Brand("").From(raw(1))
	creator = id.Creator("").From(raw(1))
)

// worked is the example of the reference: goods 100.00, brand's voucher 10.00, platform's 5.00,
// tax 8 % on 90.00, shipping 4.99; 15 % of 85.00 to the creator, 6 % of 90.00 to the platform.
func worked() ledger.Sale {
	return ledger.Sale{Order: order, Part: part, Brand: brand, Provider: "sandbox", Currency: "USD",
		Lines:    []ledger.SaleLine{{Line: line, Goods: 9000, Voucher: 500, Creator: creator, Commission: 1275, Fee: 540, Taxes: []ledger.Tax{{Jurisdiction: "US-CA", Amount: 720}}}},
		Shipping: ledger.Shipping{Amount: 499, ByBrand: true}}
}

// text writes postings as one line per leg with readable names, the amounts of one account together.
func text(t testing.TB, transfers []ledger.Transfer, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, tr := range transfers {
		for _, l := range tr.Legs {
			side := "credit"
			if l.Amount < 0 {
				side = "debit"
			}
			if l.Amount != 0 {
				sums[side+" "+strings.NewReplacer(string(brand), "b", string(creator), "c").Replace(string(l.Account))] += max(l.Amount, -l.Amount)
			}
		}
	}
	var out []string
	for k, v := range sums {
		side, account, _ := strings.Cut(k, " ")
		out = append(out, fmt.Sprintf("%s %s %s", side, money.Of(v, "USD").Decimal(), account))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func same(t *testing.T, got string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if w := strings.Join(want, "\n"); got != w {
		t.Errorf("posted\n%s\nwant\n%s", got, w)
	}
}

func TestWorkedExample(t *testing.T) {
	s := worked()
	if s.Total() != 9719 {
		t.Errorf("the buyer pays %d", s.Total())
	}
	paid, err := ledger.Paid(s)
	same(t, text(t, paid, err), "debit 97.19 psp:sandbox:clearing", "debit 5.00 promo:platform", "credit 71.85 brand:b:pending",
		"credit 12.75 creator:c:pending", "credit 5.40 fee:deferred", "credit 7.20 tax:US-CA", "credit 4.99 shipping:payable")
	shipped, err := ledger.ShippedByBrand(s)
	same(t, text(t, shipped, err), "debit 4.99 shipping:payable", "credit 4.99 brand:b:pending")
	delivered, err := ledger.Delivered(s)
	same(t, text(t, delivered, err), "debit 5.40 fee:deferred", "credit 5.40 fee:income")
	released, err := ledger.HoldReleased(s, 0)
	same(t, text(t, released, err), "debit 76.84 brand:b:pending", "credit 76.84 brand:b:available",
		"debit 12.75 creator:c:pending", "credit 12.75 creator:c:available")
	if s.BrandPending() != 7684 {
		t.Errorf("the brand has %d pending", s.BrandPending())
	}
	released, err = ledger.HoldReleased(s, 1000)
	same(t, text(t, released, err), "debit 76.84 brand:b:pending", "credit 69.65 brand:b:available", "credit 7.19 brand:b:reserve",
		"debit 12.75 creator:c:pending", "credit 12.75 creator:c:available")
	cancelled, err := ledger.CancelledBeforeShipment(s)
	same(t, text(t, cancelled, err), "debit 71.85 brand:b:pending", "debit 12.75 creator:c:pending", "debit 5.40 fee:deferred",
		"debit 7.20 tax:US-CA", "debit 4.99 shipping:payable", "credit 5.00 promo:platform", "credit 97.19 refunds:sandbox:payable")
	same(t, text(t, []ledger.Transfer{ledger.RefundConfirmed("rfd_1", "sandbox", money.Of(9719, "USD"))}, nil),
		"debit 97.19 refunds:sandbox:payable", "credit 97.19 psp:sandbox:clearing")
	same(t, text(t, []ledger.Transfer{ledger.ProviderFee("pay_1", "sandbox", money.Of(312, "USD"))}, nil),
		"debit 3.12 psp:fees", "credit 3.12 psp:sandbox:clearing")
}

// The line of DESIGN §2: 19.99 at 15 % and 6 %.
func TestSplitOfOneLine(t *testing.T) {
	shares, err := money.Share(1999, money.Part{Base: 1999, Rate: 1500}, money.Part{Base: 1999, Rate: 600})
	if err != nil {
		t.Fatal(err)
	}
	s := ledger.Sale{Order: order, Part: part, Brand: brand, Provider: "sandbox", Currency: "USD",
		Lines: []ledger.SaleLine{{Line: line, Goods: 1999, Creator: creator, Commission: shares[1], Fee: shares[2]}}}
	paid, err := ledger.Paid(s)
	same(t, text(t, paid, err), "debit 19.99 psp:sandbox:clearing", "credit 15.79 brand:b:pending", "credit 3.00 creator:c:pending", "credit 1.20 fee:deferred")
}

func TestTaxCollectedByTheBrand(t *testing.T) {
	s := worked()
	s.Lines[0].Taxes[0].ByBrand = true
	s.Shipping.Taxes = []ledger.Tax{{Jurisdiction: "US-CA", Amount: 40, ByBrand: true}}
	paid, err := ledger.Paid(s)
	same(t, text(t, paid, err), "debit 97.59 psp:sandbox:clearing", "debit 5.00 promo:platform", "credit 79.45 brand:b:pending",
		"credit 12.75 creator:c:pending", "credit 5.40 fee:deferred", "credit 4.99 shipping:payable")
	released, err := ledger.HoldReleased(s, 0)
	same(t, text(t, released, err), "debit 84.44 brand:b:pending", "credit 84.44 brand:b:available",
		"debit 12.75 creator:c:pending", "credit 12.75 creator:c:available")
}

func TestSuspense(t *testing.T) {
	s := worked()
	s.Lines[0].Creator, s.Lines[0].Undecided = "", true
	paid, err := ledger.Paid(s)
	if got := text(t, paid, err); !strings.Contains(got, "credit 12.75 suspense:attribution") || strings.Contains(got, "creator") {
		t.Errorf("posted\n%s", got)
	}
	if _, err := ledger.HoldReleased(s, 0); err == nil {
		t.Error("an undecided line was released")
	}
	decided, err := ledger.SuspenseDecided(order, line, brand, "USD", 1275, creator, 850)
	same(t, text(t, decided, err), "debit 12.75 suspense:attribution", "credit 8.50 creator:c:pending", "credit 4.25 brand:b:pending")
	decided, err = ledger.SuspenseDecided(order, line, brand, "USD", 1275, "", 0)
	same(t, text(t, decided, err), "debit 12.75 suspense:attribution", "credit 12.75 brand:b:pending")
	if _, err := ledger.SuspenseDecided(order, line, brand, "USD", 1275, creator, 1276); err == nil {
		t.Error("more than was suspended was paid")
	}
	cancelled, err := ledger.CancelledBeforeShipment(s)
	if got := text(t, cancelled, err); !strings.Contains(got, "debit 12.75 suspense:attribution") {
		t.Errorf("posted\n%s", got)
	}
}

func TestImpossibleSales(t *testing.T) {
	for name, change := range map[string]func(*ledger.Sale){
		"negative goods":        func(s *ledger.Sale) { s.Lines[0].Goods = -1 },
		"negative tax":          func(s *ledger.Sale) { s.Lines[0].Taxes[0].Amount = -1 },
		"negative shipping":     func(s *ledger.Sale) { s.Shipping.Amount = -1 },
		"commission too high":   func(s *ledger.Sale) { s.Lines[0].Commission = 9000 },
		"voucher over price":    func(s *ledger.Sale) { s.Lines[0].Voucher = 9721 }, // goods 90.00 and tax 7.20
		"commission for nobody": func(s *ledger.Sale) { s.Lines[0].Creator = "" },
		"decided and undecided": func(s *ledger.Sale) { s.Lines[0].Undecided = true },
	} {
		s := worked()
		change(&s)
		if _, err := ledger.Paid(s); err == nil {
			t.Errorf("%s: posted", name)
		}
	}
	free := ledger.Sale{Order: order, Part: part, Brand: brand, Provider: "sandbox", Currency: "USD", Lines: []ledger.SaleLine{{Line: line}}}
	if got, err := ledger.Paid(free); err != nil || len(got) != 0 {
		t.Errorf("a free order is posted as %v, %v", got, err)
	}
}

func someSale(t *rapid.T, n byte) ledger.Sale {
	s := ledger.Sale{Order: id.Order("").From(raw(n)), Part: id.Part("").From(raw(n)), Brand: id.Brand("").From(raw(rapid.ByteRange(1, 3).Draw(t, "brand"))),
		Provider: "sandbox", Currency: rapid.SampledFrom([]money.Currency{"USD", "JPY"}).Draw(t, "currency")}
	taxes := func(of int64) []ledger.Tax {
		return []ledger.Tax{{Jurisdiction: "DE", Amount: money.Bps(rapid.IntRange(0, 2500).Draw(t, "tax")).Of(of), ByBrand: rapid.Bool().Draw(t, "by brand")}}
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "lines") {
		l := ledger.SaleLine{Line: id.Line("").From([16]byte{14: n, 15: byte(i)}), Goods: rapid.Int64Range(0, 1_000_000).Draw(t, "goods")}
		l.Voucher = rapid.Int64Range(0, l.Goods).Draw(t, "voucher")
		rate := money.Bps(0)
		switch rapid.IntRange(0, 2).Draw(t, "attribution") {
		case 1:
			l.Creator, rate = id.Creator("").From(raw(rapid.ByteRange(1, 3).Draw(t, "creator"))), 1500
		case 2:
			l.Undecided, rate = true, 2000
		}
		shares, err := money.Share(l.Goods, money.Part{Base: l.Goods - l.Voucher, Rate: rate}, money.Part{Base: l.Goods, Rate: 600})
		if err != nil {
			t.Fatal(err)
		}
		l.Commission, l.Fee, l.Taxes = shares[1], shares[2], taxes(l.Goods)
		s.Lines = append(s.Lines, l)
	}
	s.Shipping = ledger.Shipping{Amount: rapid.Int64Range(0, 2000).Draw(t, "shipping"), ByBrand: rapid.Bool().Draw(t, "brand ships")}
	s.Shipping.Taxes = taxes(s.Shipping.Amount)
	return s
}

// Whatever is sold, cancelling it leaves no trace but what the buyer is owed; delivering and
// releasing it leaves nothing in pending.
func TestSalesComeOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := someSale(t, 1)
		add := func(sums map[ledger.Account]int64, transfers []ledger.Transfer, err error) {
			if err != nil {
				t.Fatal(err)
			}
			for _, tr := range transfers {
				var sum int64
				for _, l := range tr.Legs {
					sums[l.Account] += l.Amount
					sum += l.Amount
				}
				if sum != 0 {
					t.Fatalf("%s sums to %d", tr.Key, sum)
				}
			}
		}
		cancelled := map[ledger.Account]int64{}
		paid, err := ledger.Paid(s)
		add(cancelled, paid, err)
		if got := -cancelled[ledger.Clearing("sandbox")]; got != s.Total() {
			t.Fatalf("the provider holds %d of %d", got, s.Total())
		}
		back, err := ledger.CancelledBeforeShipment(s)
		add(cancelled, back, err)
		for a, sum := range cancelled {
			if sum != 0 && a != ledger.Clearing("sandbox") && a != ledger.RefundsPayable("sandbox") {
				t.Fatalf("after a cancel %s holds %d", a, sum)
			}
		}

		done := map[ledger.Account]int64{}
		add(done, paid, nil)
		for i, l := range s.Lines {
			if l.Undecided {
				d, err := ledger.SuspenseDecided(s.Order, l.Line, s.Brand, s.Currency, l.Commission, creator, l.Commission/2)
				add(done, d, err)
				s.Lines[i].Undecided, s.Lines[i].Creator, s.Lines[i].Commission = false, creator, l.Commission/2
			}
		}
		if s.Shipping.ByBrand {
			shipped, err := ledger.ShippedByBrand(s)
			add(done, shipped, err)
		}
		delivered, err := ledger.Delivered(s)
		add(done, delivered, err)
		if got := done[ledger.BrandPending(s.Brand)]; got != s.BrandPending() {
			t.Fatalf("%d pending, said to be %d", got, s.BrandPending())
		}
		released, err := ledger.HoldReleased(s, 500)
		add(done, released, err)
		for a, sum := range done {
			if sum != 0 && (strings.HasSuffix(string(a), ":pending") || a == ledger.FeeDeferred || a == ledger.SuspenseAttribution) {
				t.Fatalf("after release %s holds %d", a, sum)
			}
		}
	})
}
