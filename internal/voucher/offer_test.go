package voucher

import (
	"testing"

	"pgregory.net/rapid"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

func usd(minor int64) money.Amount { return money.Of(minor, "USD") }

// rows are lines of one brand, of so many units of 10.00.
func rows(brand id.Brand, units ...int64) (lines []Line) {
	for _, n := range units {
		lines = append(lines, Line{Brand: brand, Product: id.Product("prd_" + string(brand)), Price: 1000 * n, Units: n})
	}
	return lines
}

// The stacking table of docs/money.md, row by row.
func TestStacking(t *testing.T) {
	of := func(brand id.Brand, name string, off int64) Candidate {
		return Candidate{Voucher: Voucher{ID: id.Voucher(name), Brand: brand, Kind: Fixed, Off: usd(off), Currency: "USD", All: true}}
	}
	for _, c := range []struct {
		name       string
		lines      []Line
		candidates []Candidate
		want       map[id.Voucher]int64
	}{
		{"two of one brand: the better", rows("a", 3), []Candidate{of("a", "five", 500), of("a", "six", 600)}, map[id.Voucher]int64{"six": 600}},
		{"one of each brand, each on its own lines", append(rows("a", 1), rows("b", 1)...), []Candidate{of("a", "a5", 500), of("b", "b6", 600)}, map[id.Voucher]int64{"a5": 500, "b6": 600}},
		{"a brand's and the platform's", rows("a", 2), []Candidate{of("a", "a5", 500), of("", "p6", 600)}, map[id.Voucher]int64{"a5": 500, "p6": 600}},
		{"two of the platform: the better", rows("a", 2), []Candidate{of("", "p5", 500), of("", "p6", 600)}, map[id.Voucher]int64{"p6": 600}},
		{"another brand's: none", rows("a", 2), []Candidate{of("b", "b5", 500)}, nil},
		{"more than the goods: all but a cent a unit", rows("a", 2), []Candidate{of("a", "a99", 9900), of("", "p", 100)}, map[id.Voucher]int64{"a99": 1998}},
		{"equal: the code that was typed", rows("a", 2), []Candidate{of("a", "a1", 500), {Voucher: of("a", "a2", 500).Voucher, Typed: 1}}, map[id.Voucher]int64{"a2": 500}},
		{"not usable", rows("a", 2), []Candidate{{Voucher: of("a", "a1", 500).Voucher, Why: "It has ended."}}, nil},
	} {
		got := Choose(c.lines, c.candidates, nil)
		for _, o := range got.Offers {
			if o.Chosen != c.want[o.Voucher.ID] {
				t.Errorf("%s: %s takes off %d, want %d", c.name, o.Voucher.ID, o.Chosen, c.want[o.Voucher.ID])
			}
		}
	}
}

// A least basket of the platform's that a brand's voucher would undercut: the pair that saves most is found all
// the same.
func TestABrandsVoucherGivesWay(t *testing.T) {
	small := Candidate{Voucher: Voucher{ID: "small", Brand: "a", Kind: Fixed, Off: usd(100), Currency: "USD", All: true}}
	big := Candidate{Voucher: Voucher{ID: "big", Kind: Fixed, Off: usd(900), Least: usd(2000), Currency: "USD", All: true}}
	if got := Choose(rows("a", 2), []Candidate{small, big}, nil); got.Saved() != 900 {
		t.Errorf("%d saved, want 9.00", got.Saved())
	}
	if got := Choose(rows("a", 2), []Candidate{small, big}, Wishes{"a": "small"}); got.Saved() != 100 || got.Wished["a"] != "small" {
		t.Errorf("%d saved by the wish, want 1.00", got.Saved())
	}
}

// drawn are a basket and vouchers by chance.
func drawn(t *rapid.T) ([]Line, []Candidate) {
	brands := []id.Brand{"a", "b"}
	products := []id.Product{"p", "q", "r"}
	lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Line {
		units := rapid.Int64Range(1, 20).Draw(t, "units")
		return Line{Brand: rapid.SampledFrom(brands).Draw(t, "brand"), Product: rapid.SampledFrom(products).Draw(t, "product"),
			Price: units * rapid.Int64Range(0, 3000).Draw(t, "price"), Units: units}
	}), 1, 6).Draw(t, "lines")
	n := 0
	candidates := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Candidate {
		n++
		v := Voucher{ID: id.Voucher(rune('A' + n)), Brand: rapid.SampledFrom([]id.Brand{"a", "b", Platform}).Draw(t, "giver"), Currency: "USD",
			All: rapid.Bool().Draw(t, "all"), Least: usd(rapid.Int64Range(0, 5000).Draw(t, "least"))}
		v.Products = rapid.SliceOfNDistinct(rapid.SampledFrom(products), 1, 2, func(p id.Product) id.Product { return p }).Draw(t, "products")
		if v.Kind = rapid.SampledFrom([]Kind{Fixed, Percent}).Draw(t, "kind"); v.Kind == Fixed {
			v.Off = usd(rapid.Int64Range(1, 60_000).Draw(t, "off"))
		} else {
			v.Rate, v.Most = money.Bps(rapid.Int64Range(1, 10_000).Draw(t, "rate")), usd(rapid.Int64Range(0, 2000).Draw(t, "most"))
		}
		return Candidate{Voucher: v, Typed: rapid.IntRange(0, 2).Draw(t, "typed")}
	}), 0, 5).Draw(t, "vouchers")
	return lines, candidates
}

// Whatever is bought and offered: what is taken off a line is never more than it costs less a cent a unit, what
// each voucher takes off is the sum of its lines' shares and within its terms, and no other choice saves more.
func TestSharesAreExactAndTheChoiceBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, candidates := drawn(t)
		got := Choose(lines, candidates, nil)
		var brand, platform, chosen int64
		for i, off := range got.Lines {
			if off.Brand < 0 || off.Platform < 0 || off.Brand+off.Platform > max(0, lines[i].Price-lines[i].Units) {
				t.Fatalf("%+v taken off %+v", off, lines[i])
			}
			brand, platform = brand+off.Brand, platform+off.Platform
		}
		givers := map[id.Brand]int64{}
		for _, o := range got.Offers {
			chosen += o.Chosen
			if v := o.Voucher; o.Chosen > 0 {
				if givers[v.Brand]++; givers[v.Brand] > 1 {
					t.Fatalf("two vouchers of %q", v.Brand)
				}
				if v.Kind == Fixed && o.Chosen > v.Off.Minor || v.Most.Minor > 0 && o.Chosen > v.Most.Minor {
					t.Fatalf("%+v takes off %d", v, o.Chosen)
				}
			}
		}
		if chosen != brand+platform || chosen != got.Saved() {
			t.Fatalf("vouchers take off %d, lines say %d and %d", chosen, brand, platform)
		}
		if best := bruteForce(lines, candidates); got.Saved() != best {
			t.Fatalf("saved %d, and %d is possible", got.Saved(), best)
		}
	})
}

// bruteForce is the most that any choice of at most one voucher a giver saves.
func bruteForce(lines []Line, candidates []Candidate) (best int64) {
	for set := range 1 << len(candidates) {
		before, taken, seen, fits := make([]int64, len(lines)), int64(0), map[id.Brand]bool{}, true
		for _, ofPlatform := range []bool{false, true} {
			for i := range candidates {
				v := &candidates[i].Voucher
				if set>>i&1 == 0 || (v.Brand == Platform) != ofPlatform {
					continue
				}
				off, why := v.takeOff(lines, before)
				if fits = fits && why == "" && !seen[v.Brand]; !fits {
					break
				}
				seen[v.Brand] = true
				for j := range off {
					before[j] += off[j]
					taken += off[j]
				}
			}
		}
		if fits {
			best = max(best, taken)
		}
	}
	return best
}
