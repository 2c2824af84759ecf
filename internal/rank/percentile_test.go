package rank

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// In every bin of durations the percentiles of what is watched are spread evenly: long videos are not
// better for being long.
func TestPercentilesForgetTheDuration(t *testing.T) {
	r := seeded(21)
	var d Durations
	draw := func() (duration, watched time.Duration) {
		seconds := 5 * math.Exp2(5*r.float())
		return time.Duration(seconds * 1e9), time.Duration(seconds * r.float() * r.float() * 1e9)
	}
	for range 60_000 {
		d.Add(draw())
	}
	var sum, n [2]float64
	for range 20_000 {
		duration, watched := draw()
		long := 0
		if duration > 30*time.Second {
			long = 1
		}
		sum[long] += d.Percentile(duration, watched)
		n[long]++
	}
	for long, s := range sum {
		if mean := s / n[long]; math.Abs(mean-0.5) > 0.02 {
			t.Errorf("long %d: the mean percentile is %.3f", long, mean)
		}
	}
}

func TestPercentileIsOneAndGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Durations
		r := seeded(rapid.Uint64().Draw(t, "seed"))
		for range rapid.IntRange(0, 200).Draw(t, "seen") {
			d.Add(time.Duration(r.below(uint64(2*time.Minute))), time.Duration(r.below(uint64(2*time.Minute))))
		}
		duration := time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "duration"))
		a := time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "watched"))
		b := a + time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "more"))
		x, y := d.Percentile(duration, a), d.Percentile(duration, b)
		if !(x >= 0 && y <= 1+1e-6 && x <= y+1e-6) {
			t.Fatalf("%v is %v, %v is %v", a, x, b, y)
		}
	})
}

func TestDurationsFade(t *testing.T) {
	var d Durations
	start := time.Unix(1_800_000_000, 0)
	d.Advance(start)
	for range 100 {
		d.Add(20*time.Second, time.Second)
	}
	d.Advance(start.Add(durationHalf))
	d.Advance(start) // a clock that jumps back changes nothing
	if n := d.total[durationBin(20*time.Second)]; math.Abs(float64(n)-50) > 0.1 {
		t.Errorf("%v of 100 are left after a half-life", n)
	}
}

func TestSituationsKeepTheirBits(t *testing.T) {
	total := uint(0)
	for _, w := range widths {
		total += w
	}
	if total > 64 {
		t.Fatalf("%d bits", total)
	}
	rapid.Check(t, func(t *rapid.T) {
		var s Situation
		for i, f := range s.fields() {
			*f = rapid.Uint8Max(1<<widths[i]-1).Draw(t, "field")
		}
		if got := Unpack(s.Pack()); got != s {
			t.Fatalf("%+v became %+v", s, got)
		}
	})
	if got := Unpack(Situation{Slot: 200}.Pack()); got != (Situation{Slot: 7}) {
		t.Errorf("a slot of 200 became %+v", got)
	}
}

// A creator's weight fades as 200/(200+n).
func TestACreatorsWeightFades(t *testing.T) {
	w := NewWeights(10)
	creator := Cell{mean: [Heads]float32{Click: 2}}
	at := func(own float64) float64 {
		return score(Click, 0, w.terms(nil, &Facts{}, &Situation{}, nil, &creator, nil, own, 200)).Mean
	}
	full := at(0)
	for _, n := range []float64{100, 200, 1_000, 25_000} {
		if got, want := at(n)/full, 200/(200+n); math.Abs(got-want) > 1e-6 {
			t.Errorf("after %v impressions %v of the weight is left, want %v", n, got, want)
		}
	}
}

func TestFactorsLearnATaste(t *testing.T) {
	// Two tastes and two kinds of videos: everybody comes to prefer their own kind, even those never seen.
	f := NewFactors(40, 60, 1)
	r := seeded(2)
	for range 6_000 {
		u := int(r.below(40))
		i := 2*int(r.below(25)) + u%2
		f.Like(u, i, func(j int) bool { return j%2 == u%2 && j < 50 })
	}
	scores := make([]float64, 60)
	right := 0
	for u := range 40 {
		f.Scores(u, scores)
		own, other := 0.0, 0.0
		for i, s := range scores[:50] {
			if i%2 == u%2 {
				own += s
			} else {
				other += s
			}
		}
		if own > other {
			right++
		}
	}
	if right < 40 {
		t.Errorf("%d of 40 viewers are given their own kind", right)
	}
}
