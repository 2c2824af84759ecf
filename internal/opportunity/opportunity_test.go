package opportunity

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// Values worked out by hand.
func TestKnownSpreads(t *testing.T) {
	hundred := make([]float64, 100)
	hundred[7] = 50
	for name, c := range map[string]struct {
		amounts           []float64
		gini, top, middle float64 // top is that of the richest quarter
	}{
		"nobody":                    {nil, 0, 0.25, 0.5},
		"nothing to have":           {[]float64{0, 0, 0}, 0, 0.25, 0.5},
		"all the same":              {[]float64{3, 3, 3, 3}, 0, 0.25, 0.5},
		"one has all":               {[]float64{0, 0, 0, 9}, 0.75, 1, 0.6},
		"one to four":               {[]float64{4, 1, 3, 2}, 0.25, 0.4, (3 + 0.6*4 - 0.6*2) / 10.0},
		"one of a hundred":          {hundred, 0.99, 1, 0},
		"debts and noise count not": {[]float64{-5, math.NaN(), 0, 9}, 0.75, 1, 0.6},
	} {
		s := Of(c.amounts)
		if name == "one to four" { // 40 % is 1 + 0.6·2, 90 % is 6 + 0.6·4
			c.middle = (6 + 0.6*4 - (1 + 0.6*2)) / 10
		}
		if g := s.Gini(); !near(g, c.gini) {
			t.Errorf("%s: Gini %v, want %v", name, g, c.gini)
		}
		if g := s.Top(0.25); !near(g, c.top) {
			t.Errorf("%s: top quarter %v, want %v", name, g, c.top)
		}
		if g := s.Middle(); !near(g, c.middle) {
			t.Errorf("%s: middle %v, want %v", name, g, c.middle)
		}
	}
	if a := Of([]float64{1, 2, 3, 4}).Above(3); a != 0.5 {
		t.Errorf("two of four have 3 or more, not %v", a)
	}
	// Of a uniform spread the Gini is 1/3, of an exponential one 1/2.
	even, falling := make([]float64, 10_000), make([]float64, 10_000)
	for i := range even {
		even[i] = (float64(i) + 0.5) / 10_000
		falling[i] = -math.Log(1 - even[i])
	}
	if g := Of(even).Gini(); math.Abs(g-1.0/3) > 1e-3 {
		t.Errorf("of a uniform spread the Gini is %v", g)
	}
	if g := Of(falling).Gini(); math.Abs(g-0.5) > 1e-3 {
		t.Errorf("of an exponential spread the Gini is %v", g)
	}
}

func TestSpreadsKeepTheirLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 60).Draw(t, "amounts")
		s := Of(amounts)
		n := float64(len(amounts))
		if g := s.Gini(); g < -1e-12 || g > (n-1)/n+1e-9 {
			t.Fatalf("Gini %v of %v people", g, n)
		}
		points := s.Points(20)
		for i := range points {
			if points[i] > float64(i)/20+1e-9 || (i > 0 && points[i] < points[i-1]-1e-12) {
				t.Fatalf("the Lorenz curve %v leaves its half", points)
			}
		}
		if parts := s.Lorenz(0.4) + s.Middle() + s.Top(0.1); !near(parts, 1) {
			t.Fatalf("the parts add up to %v", parts)
		}
		// Scaling changes nothing; a gift from the richest to the poorest never widens the gap.
		scaled := make([]float64, len(amounts))
		for i := range amounts {
			scaled[i] = 7 * amounts[i]
		}
		if math.Abs(Of(scaled).Gini()-s.Gini()) > 1e-9 {
			t.Fatal("the Gini depends on the unit")
		}
		given := append([]float64(nil), s.sorted...)
		gift := (given[len(given)-1] - given[0]) / 4
		given[0], given[len(given)-1] = given[0]+gift, given[len(given)-1]-gift
		if Of(given).Gini() > s.Gini()+1e-9 {
			t.Fatal("a gift from the richest to the poorest widened the gap")
		}
	})
}

func TestCorrelations(t *testing.T) {
	a := []float64{1, 2, 3, 4, 5}
	for name, c := range map[string]struct {
		b    []float64
		want float64
	}{
		"the same order, another shape": {[]float64{1, 10, 100, 1000, 1e9}, 1},
		"the reverse":                   {[]float64{5, 4, 3, 2, 1}, -1},
		"one swap":                      {[]float64{2, 1, 3, 4, 5}, 0.9},
		"no difference":                 {[]float64{4, 4, 4, 4, 4}, 0},
		"equals share their place":      {[]float64{1, 1, 2, 3, 3}, 9 / math.Sqrt(90)},
		"another length":                {[]float64{1}, 0},
	} {
		if r := Spearman(a, c.b); !near(r, c.want) {
			t.Errorf("%s: %v, want %v", name, r, c.want)
		}
	}
	// What follows only because both follow a third thing is nothing once that is given.
	var x, y, z []float64
	for i := range 2_000 {
		h := float64(i*7919%2_000) / 2_000
		x, y, z = append(x, h+0.2*float64(i*104_729%997)/997), append(y, h+0.2*float64(i*31_337%991)/991), append(z, h)
	}
	if r, p := Spearman(x, y), Partial(x, y, z); r < 0.8 || math.Abs(p) > 0.1 {
		t.Errorf("correlation %v, given the cause %v", r, p)
	}
	if p := Partial(a, a, a); p != 0 {
		t.Errorf("given itself nothing is left, not %v", p)
	}
	if m := Mobility(a, a); m != 0 {
		t.Errorf("nobody moved, and mobility is %v", m)
	}
}
