package money_test

import (
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"mezzo/internal/money"

	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name    string
		total   int64
		weights []int64
		want    []int64
	}{
		{"a cent over goes to the earlier", 100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{"two over go to the first two", 101, []int64{1, 1, 1}, []int64{34, 34, 33}},
		{"the largest remainder wins before the order", 10, []int64{1, 2, 4}, []int64{1, 3, 6}},
		{"without weight, nothing", 100, []int64{0, 1, 0, 1}, []int64{0, 50, 0, 50}},
		{"less than one each", 2, []int64{1, 1, 1, 1, 1}, []int64{1, 1, 0, 0, 0}},
		{"a refund mirrors its payment", -101, []int64{1, 1, 1}, []int64{-34, -34, -33}},
		{"nothing", 0, []int64{3, 4}, []int64{0, 0}},
		{"the largest total and weights", money.Max, []int64{1 << 62, 1 << 62, 1 << 62}, []int64{3_000_000_000_000_000, 3_000_000_000_000_000, 3_000_000_000_000_000}},
	} {
		got, err := money.Split(c.total, c.weights)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: Split(%d, %v) = %v, %v; want %v", c.name, c.total, c.weights, got, err, c.want)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		total   int64
		weights []int64
	}{
		"nobody":          {1, nil},
		"no weight":       {1, []int64{0, 0}},
		"negative weight": {1, []int64{2, -1}},
		"beyond Max":      {money.Max + 1, []int64{1}},
		"beyond -Max":     {-money.Max - 1, []int64{1}},
	} {
		if got, err := money.Split(c.total, c.weights); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

// splitHolds is what must be true of every split: it sums exactly, nobody is further than one
// unit from the exact share, equal weights differ by one at most with the earlier not behind,
// and no weight gets nothing.
func splitHolds(t interface{ Fatalf(string, ...any) }, total int64, weights, shares []int64) {
	sum, weight := new(big.Int), new(big.Int)
	for i, w := range weights {
		sum.Add(sum, big.NewInt(shares[i]))
		weight.Add(weight, big.NewInt(w))
	}
	if len(shares) != len(weights) || sum.Cmp(big.NewInt(total)) != 0 {
		t.Fatalf("Split(%d, %v) = %v sums to %v", total, weights, shares, sum)
	}
	for i, w := range weights {
		// |share·weight − total·w| < weight
		off := new(big.Int).Mul(big.NewInt(shares[i]), weight)
		off.Sub(off, new(big.Int).Mul(big.NewInt(total), big.NewInt(w)))
		if off.CmpAbs(weight) >= 0 {
			t.Fatalf("Split(%d, %v) = %v: share %d is a unit or more from exact", total, weights, shares, i)
		}
		if w == 0 && shares[i] != 0 {
			t.Fatalf("Split(%d, %v) = %v: party %d has no weight", total, weights, shares, i)
		}
		for j := range i {
			if first, second := magnitude(shares[j]), magnitude(shares[i]); weights[j] == w && (first < second || first > second+1) {
				t.Fatalf("Split(%d, %v) = %v: equals %d and %d are not served in order", total, weights, shares, j, i)
			}
		}
	}
}

func magnitude(n int64) int64 { return max(n, -n) }

func TestSplitIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(-money.Max, money.Max).Draw(t, "total")
		// Few distinct small weights make ties; the full range makes long remainders.
		one := rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, money.Max))
		weights := rapid.SliceOfN(one, 1, 12).Draw(t, "weights")
		shares, err := money.Split(total, weights)
		if err != nil {
			if slices.Max(weights) != 0 {
				t.Fatal(err)
			}
			return
		}
		splitHolds(t, total, weights, shares)
		mirror, err := money.Split(-total, weights)
		if err != nil {
			t.Fatal(err)
		}
		for i := range mirror {
			if mirror[i] != -shares[i] {
				t.Fatalf("Split(%d) = %v, and its mirror %v", total, shares, mirror)
			}
		}
	})
}

// An amount of any exponent splits in its own minor units, and the parts print back to the whole.
func TestSplitInEveryExponent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]money.Currency{"JPY", "USD", "KWD"}).Draw(t, "currency")
		total := amounts(c).Draw(t, "total")
		shares, err := money.Split(total.Minor, rapid.SliceOfN(rapid.Int64Range(1, money.Max), 1, 8).Draw(t, "weights"))
		if err != nil {
			t.Fatal(err)
		}
		sum := money.Of(0, c)
		for _, s := range shares {
			part, err := money.Parse(money.Of(s, c).Decimal(), c)
			if err != nil {
				t.Fatal(err)
			}
			if sum, err = sum.Add(part); err != nil {
				t.Fatal(err)
			}
		}
		if sum != total {
			t.Fatalf("%v came back as %v", total, sum)
		}
	})
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		name   string
		total  int64
		claims []money.Part
		want   []int64 // the rest first
	}{
		{"19.99 at 15 % and 6 %", 1999, []money.Part{{1999, 1500}, {1999, 600}}, []int64{1579, 300, 120}},
		{"no claim", 1999, nil, []int64{1999}},
		{"a claim on part of it", 2599, []money.Part{{1999, 1500}}, []int64{2299, 300}},
		{"all of it", 500, []money.Part{{500, 10_000}}, []int64{0, 500}},
		{"a tie goes to the rest", 1, []money.Part{{1, 5000}}, []int64{1, 0}},
		{"a tie goes to the earlier claim", 3, []money.Part{{1, 5000}, {1, 5000}}, []int64{2, 1, 0}},
		{"nothing", 0, []money.Part{{0, 1500}}, []int64{0, 0}},
	} {
		got, err := money.Share(c.total, c.claims...)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

func TestShareRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		total  int64
		claims []money.Part
	}{
		"claims beyond the total": {100, []money.Part{{100, 6000}, {100, 4001}}},
		"a negative total":        {-1, nil},
		"a total beyond Max":      {money.Max + 1, nil},
		"a negative base":         {100, []money.Part{{-1, 100}}},
		"a negative rate":         {100, []money.Part{{1, -100}}},
	} {
		if got, err := money.Share(c.total, c.claims...); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

func TestShareIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, money.Max).Draw(t, "total")
		var claims []money.Part
		left := int64(money.Whole)
		for range rapid.IntRange(0, 5).Draw(t, "claims") {
			rate := rapid.Int64Range(0, left).Draw(t, "rate")
			left -= rate
			claims = append(claims, money.Part{Base: rapid.Int64Range(0, total).Draw(t, "base"), Rate: money.Bps(rate)})
		}
		shares, err := money.Share(total, claims...)
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for i, s := range shares {
			sum += s
			if s < 0 {
				t.Fatalf("Share(%d, %v) = %v: a negative share", total, claims, shares)
			}
			if i == 0 {
				continue
			}
			exact := new(big.Int).Mul(big.NewInt(claims[i-1].Base), big.NewInt(int64(claims[i-1].Rate)))
			off := exact.Sub(exact, new(big.Int).Mul(big.NewInt(s), big.NewInt(int64(money.Whole))))
			if off.CmpAbs(big.NewInt(int64(money.Whole))) >= 0 {
				t.Fatalf("Share(%d, %v) = %v: claim %d is a unit or more from exact", total, claims, shares, i)
			}
		}
		if sum != total {
			t.Fatalf("Share(%d, %v) = %v sums to %d", total, claims, shares, sum)
		}
	})
}

func TestRates(t *testing.T) {
	for _, c := range []struct {
		rate          money.Bps
		minor         int64
		of, contained int64
		text          string
	}{
		{1500, 1999, 300, 261, "15 %"},
		{725, 10_000, 725, 676, "7.25 %"},
		{2000, 120, 24, 20, "20 %"},
		{1, 5000, 1, 0, "0.01 %"},     // 0.5 is rounded away from zero
		{1, -5000, -1, 0, "0.01 %"},   // and so is its mirror
		{5000, 3, 2, 1, "50 %"},       // 1.5
		{10_000, 77, 77, 39, "100 %"}, // 38.5
		{10_000, -77, -77, -39, "100 %"},
		{0, 1999, 0, 0, "0 %"},
		{2000, money.Max, 1_800_000_000_000_000, 1_500_000_000_000_000, "20 %"},
	} {
		if got := c.rate.Of(c.minor); got != c.of {
			t.Errorf("%v of %d is %d, want %d", c.rate, c.minor, got, c.of)
		}
		if got := c.rate.Within(c.minor); got != c.contained {
			t.Errorf("%v within %d is %d, want %d", c.rate, c.minor, got, c.contained)
		}
		if got := c.rate.String(); got != c.text {
			t.Errorf("String: %q, want %q", got, c.text)
		}
	}
}

// The tax found within a gross price is the tax on the net that is left, to the unit.
func TestRateWithinMatchesRateOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gross := rapid.Int64Range(-money.Max, money.Max).Draw(t, "gross")
		rate := money.Bps(rapid.Int64Range(0, 10_000).Draw(t, "rate"))
		tax := rate.Within(gross)
		if again := rate.Of(gross - tax); magnitude(again-tax) > 1 {
			t.Fatalf("%v within %d is %d, but on the net it is %d", rate, gross, tax, again)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(int64(100), []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Add(int64(-money.Max), []byte{255, 255, 255, 255, 255, 255, 255, 127, 3})
	f.Fuzz(func(t *testing.T, total int64, raw []byte) {
		var weights []int64
		for len(raw) > 0 && len(weights) < 40 {
			var b [8]byte
			n := copy(b[:], raw)
			raw = raw[n:]
			weights = append(weights, int64(binary.LittleEndian.Uint64(b[:])))
		}
		shares, err := money.Split(total, weights)
		if err != nil {
			return
		}
		splitHolds(t, total, weights, shares)
	})
}
