package rank

import (
	"math"
	"os"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// crowd makes candidates of a few creators, products and categories.
func crowd(r *random, n int) []Candidate {
	c := make([]Candidate, n)
	for i := range c {
		c[i] = Candidate{
			Item: uint32(i), Creator: uint32(r.below(uint64(n/2 + 1))), Product: uint32(r.below(uint64(n))), Category: uint32(r.below(3)),
			Value: 4 * r.float() * r.float(), SD: r.float() / 4, Exposure: float64(r.below(1_000)),
			Testing: r.below(4) == 0, Followed: r.below(6) == 0, Need: r.float(),
		}
	}
	return c
}

func drawOf(c []Candidate, seed uint64) Draw {
	p := Value()
	p.Temperature = 0.5
	return Draw{Policy: &p, Seed: seed, Way: 7, Home: true, Candidates: c}
}

// chiSquare returns Σ (seen-expected)²/expected over cells, rare ones together, and the value that a
// right count stays below but once in a million (Wilson and Hilferty 1931).
func chiSquare(seen map[int]int, odds []float64, n int) (sum, most float64) {
	df, rareSeen, rare := -1.0, 0.0, 0.0
	add := func(s, e float64) {
		if e > 0 {
			sum += (s - e) * (s - e) / e
			df++
		}
	}
	for i, p := range odds {
		if e := p * float64(n); e < 10 {
			rareSeen, rare = rareSeen+float64(seen[i]), rare+e
		} else {
			add(float64(seen[i]), e)
		}
	}
	add(rareSeen, rare)
	df = max(df, 1)
	return sum, df * math.Pow(1-2/(9*df)+4.75*math.Sqrt(2/(9*df)), 3)
}

// What is drawn is drawn as often as its logged propensity says: in the first slot, and in the second
// given the first.
func TestFrequenciesAreThePropensities(t *testing.T) {
	r := seeded(11)
	n := 60_000
	if os.Getenv("MEZZO_PROOF") != "" {
		n = 1_000_000
	}
	for _, control := range []bool{false, true} {
		d := drawOf(crowd(&r, 40), 0)
		d.Control = control
		odds, _ := d.FirstOdds()
		first, second := map[int]int{}, map[int]int{}
		var after []float64
		favourite, times := 0, 0
		for i, p := range odds {
			if p > odds[favourite] {
				favourite = i
			}
		}
		for seed := range uint64(n) {
			d.Seed = seed
			slots := d.Slate(2)
			first[slots[0].Candidate]++
			if slots[0].Propensity != odds[slots[0].Candidate] {
				t.Fatalf("the propensity of a slot is %v, its odds were %v", slots[0].Propensity, odds[slots[0].Candidate])
			}
			if slots[0].Candidate == favourite {
				second[slots[1].Candidate]++
				times++
				if after == nil {
					after = make([]float64, len(odds))
				}
				after[slots[1].Candidate] = slots[1].Propensity
			}
		}
		if sum, most := chiSquare(first, odds, n); sum > most {
			t.Errorf("control %v, first slot: χ² = %.1f, over %.1f", control, sum, most)
		}
		if sum, most := chiSquare(second, after, times); sum > most {
			t.Errorf("control %v, second slot: χ² = %.1f, over %.1f", control, sum, most)
		}
	}
}

// A wrong propensity is caught by the test above.
func TestChiSquareCatches(t *testing.T) {
	r := seeded(12)
	d := drawOf(crowd(&r, 40), 0)
	odds, _ := d.FirstOdds()
	seen := map[int]int{}
	for seed := range uint64(40_000) {
		d.Seed = seed
		seen[d.Slate(1)[0].Candidate]++
	}
	best, worst := 0, 0
	for i := range odds {
		if odds[i] > odds[best] {
			best = i
		}
		if odds[i] < odds[worst] {
			worst = i
		}
	}
	odds[best], odds[worst] = odds[best]*0.9, odds[worst]+odds[best]*0.1
	if sum, most := chiSquare(seen, odds, 40_000); sum < most {
		t.Errorf("a tenth of the best odds was moved and χ² = %.1f stays below %.1f", sum, most)
	}
}

func TestSlatesKeepTheirRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := seeded(rapid.Uint64().Draw(t, "crowd"))
		d := drawOf(crowd(&r, rapid.IntRange(0, 120).Draw(t, "candidates")), rapid.Uint64().Draw(t, "seed"))
		d.Way, d.Offset = rapid.Uint64().Draw(t, "way"), rapid.IntRange(0, 50).Draw(t, "offset")
		d.Control, d.Home = rapid.Bool().Draw(t, "control"), rapid.Bool().Draw(t, "home")
		n := rapid.IntRange(0, 20).Draw(t, "slots")
		slots := d.Slate(n)
		if len(slots) != min(n, len(d.Candidates)) {
			t.Fatalf("%d slots of %d candidates, %d wanted", len(slots), len(d.Candidates), n)
		}
		if again := d.Slate(n); !reflect.DeepEqual(again, slots) {
			t.Fatal("drawn again it is another slate")
		}
		if n > 1 {
			if short := d.Slate(n - 1); !reflect.DeepEqual(short, slots[:len(short)]) {
				t.Fatal("a longer slate does not begin with the shorter one")
			}
		}
		seen := map[int]bool{}
		for k, s := range slots {
			if seen[s.Candidate] || !(s.Propensity > 0 && s.Propensity <= 1+1e-12) {
				t.Fatalf("slot %d: %+v", k, s)
			}
			seen[s.Candidate] = true
			if s.Kind == Explore && (!d.Candidates[s.Candidate].Testing || !d.reserved(d.Offset+k)) {
				t.Fatalf("slot %d is no test: %+v", k, s)
			}
		}
		if len(d.Candidates) == 0 {
			return
		}
		odds, _ := d.FirstOdds()
		sum := 0.0
		for _, p := range odds {
			sum += p
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("the odds of the first slot add up to %v", sum)
		}
	})
}

// While there is a choice, a creator has two of ten places, a product one, the followed a fifth.
func TestLimitsHold(t *testing.T) {
	r := seeded(13)
	for seed := range uint64(300) {
		c := crowd(&r, 200)
		for i := range c {
			c[i].Creator = uint32(i / 5)
			c[i].Product = uint32(1 + i/4)
			if c[i].Followed {
				c[i].Value += 50 // worth far more than all others: the share must hold all the same
			}
		}
		d := drawOf(c, seed)
		creators, products, followed := map[uint32]int{}, map[uint32]int{}, 0
		for k, s := range d.Slate(10) {
			x := c[s.Candidate]
			creators[x.Creator]++
			products[x.Product]++
			if x.Followed {
				followed++
			}
			if creators[x.Creator] > 2 || products[x.Product] > 1 || float64(followed) > max(1, 0.2*float64(k+1)) {
				t.Fatalf("seed %d slot %d: creators %v, %d followed", seed, k, creators, followed)
			}
		}
	}
}

func TestOneCreatorOnlyStillFillsThePage(t *testing.T) {
	c := make([]Candidate, 9)
	for i := range c {
		c[i] = Candidate{Creator: 1, Product: 1, Value: float64(i), Followed: true}
	}
	d := drawOf(c, 5)
	if slots := d.Slate(8); len(slots) != 8 {
		t.Errorf("%d slots", len(slots))
	}
}

// One place in eight is reserved, wherever pages are cut.
func TestReservedPlaces(t *testing.T) {
	p := Value()
	for way := range uint64(50) {
		d := Draw{Policy: &p, Way: way}
		for block := range 20 {
			n := 0
			for place := range 8 {
				if d.reserved(block*8 + place) {
					n++
					if place < 3 || place > 5 {
						t.Errorf("way %d: place %d of a stretch", way, place)
					}
				}
			}
			if n != 1 {
				t.Errorf("way %d stretch %d has %d reserved places", way, block, n)
			}
		}
	}
}

func TestLiftNeverTaxes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := seeded(rapid.Uint64().Draw(t, "crowd"))
		d := drawOf(crowd(&r, 50), 1)
		s, mean := d.begin(), 0.0
		for _, c := range d.Candidates {
			mean += c.Value / float64(len(d.Candidates))
		}
		for i, c := range d.Candidates {
			if s.base[i] < c.Value || s.base[i] > c.Value+0.1*mean+1e-9 {
				t.Fatalf("%v became %v at a mean of %v", c.Value, s.base[i], mean)
			}
		}
	})
}

// Better is shown more often, and everything can be shown.
func TestBetterIsLikelier(t *testing.T) {
	p := Value()
	c := make([]Candidate, 40)
	for i := range c {
		c[i] = Candidate{Item: uint32(i), Creator: uint32(i), Value: float64(i)}
	}
	d := Draw{Policy: &p, Candidates: c}
	odds, _ := d.FirstOdds()
	for i := 1; i < len(odds); i++ {
		if odds[i] < odds[i-1] || odds[i] < p.Floor/40-1e-12 {
			t.Fatalf("odds %v", odds)
		}
	}
}

func BenchmarkSlate(b *testing.B) {
	r := seeded(14)
	d := drawOf(crowd(&r, 500), 1)
	b.ReportAllocs()
	for b.Loop() {
		d.Seed++
		if len(d.Slate(8)) != 8 {
			b.Fatal("no page")
		}
	}
}
