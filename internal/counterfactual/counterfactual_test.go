package counterfactual

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// The textbook on four actions, by hand.
func TestEvaluateIsTheTextbooks(t *testing.T) {
	samples := []Sample{
		{Reward: 1, Propensity: 0.5, Target: 0.25, Modelled: 0.8, ModelTarget: 0.5, Cluster: 1},
		{Reward: 0, Propensity: 0.25, Target: 0.5, Modelled: 0.1, ModelTarget: 0.5, Cluster: 2},
		{Reward: 2, Propensity: 0.5, Target: 0.5, Modelled: 1.5, ModelTarget: 0.5, Cluster: 3},
		{Reward: 1, Propensity: 1, Target: 0, Modelled: 0, ModelTarget: 0.25, Cluster: 3},
	}
	r := Evaluate(samples, true, 1)
	// Weights 0.5, 2, 1, 0.
	for name, c := range map[string][2]float64{
		"ips": {r.IPS.Value, 2.5 / 4}, "snips": {r.SNIPS.Value, 2.5 / 3.5},
		"dr":  {r.DR.Value, (1.75 + 0.5*0.2 + 2*-0.1 + 1*0.5) / 4},
		"ess": {r.EffectiveSize, 3.5 * 3.5 / 5.25}, "mean": {r.MeanWeight, 0.875}, "share": {r.MaxWeightShare, 2 / 3.5}, "logged": {r.Logged, 1},
	} {
		if math.Abs(c[0]-c[1]) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
	if r.Usable || len(r.Reasons) != 3 || r.Clusters != 3 {
		t.Errorf("usable %v: %v", r.Usable, r.Reasons)
	}
}

// A log of a known world: the estimators find what the other policy earns, and their intervals hold it.
func TestEstimatorsFindTheTruth(t *testing.T) {
	const arms, n, worlds = 10, 8_000, 20
	held := map[string]int{}
	for world := range uint64(worlds) {
		r := rand.New(rand.NewPCG(world, 5))
		var rate, logging, target [arms]float64
		a, b := 0.0, 0.0
		for k := range arms {
			rate[k], logging[k], target[k] = r.Float64(), 0.5+r.Float64(), 0.2+r.Float64()
			a, b = a+logging[k], b+target[k]
		}
		truth, model := 0.0, 0.0
		for k := range arms {
			logging[k], target[k] = logging[k]/a, target[k]/b
			truth += target[k] * rate[k]
			model += target[k] * (rate[k] + 0.1) // a biased model: the correction must mend it
		}
		var samples []Sample
		for i := range n {
			k, u := 0, r.Float64()
			for u > logging[k] && k < arms-1 {
				u -= logging[k]
				k++
			}
			s := Sample{Propensity: logging[k], Target: target[k], Modelled: rate[k] + 0.1, ModelTarget: model, Cluster: i}
			if r.Float64() < rate[k] {
				s.Reward = 1
			}
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			samples = append(samples, s)
		}
		result := Evaluate(samples, true, world)
		if !result.Usable {
			t.Fatalf("not usable: %v", result.Reasons)
		}
		for name, e := range map[string]Estimate{"ips": result.IPS, "snips": result.SNIPS, "dr": *result.DR} {
			if e.Low <= truth && truth <= e.High {
				held[name]++
			}
			if math.Abs(e.Value-truth) > 0.05 {
				t.Errorf("%s says %.3f, the truth is %.3f", name, e.Value, truth)
			}
		}
	}
	for name, times := range held {
		if times < worlds*8/10 {
			t.Errorf("%s: %d of %d intervals hold the truth", name, times, worlds)
		}
	}
}

func TestGateSaysWhatIsWrong(t *testing.T) {
	even := func(n int, propensity, target float64) []Sample {
		s := make([]Sample, n)
		for i := range s {
			s[i] = Sample{Reward: 1, Propensity: propensity, Target: target, Cluster: i}
		}
		return s
	}
	heavy := even(3_000, 0.5, 0.5)
	heavy[7] = Sample{Reward: 1, Propensity: 0.001, Target: 1}
	for name, c := range map[string]struct {
		samples []Sample
		reason  string
	}{
		"nothing":   {nil, "effective sample size"},
		"few":       {even(999, 0.5, 0.5), "effective sample size"},
		"off":       {even(2_000, 0.5, 0.6), "mean weight"},
		"one heavy": {heavy, "of all weight"},
		"fine":      {even(1_000, 0.5, 0.5), ""},
	} {
		r := Evaluate(c.samples, false, 1)
		told := strings.Join(r.Reasons, "; ")
		if r.Usable != (c.reason == "") || !strings.Contains(told, c.reason) {
			t.Errorf("%s: usable %v, %q", name, r.Usable, told)
		}
		if r.DR != nil {
			t.Errorf("%s: a doubly robust estimate without a model", name)
		}
	}
	for _, bad := range []Sample{{Propensity: 0}, {Propensity: math.NaN()}, {Propensity: 0.5, Target: 2}, {Propensity: 1, Reward: math.Inf(1)}} {
		if bad.Check() == nil {
			t.Errorf("%+v passed", bad)
		}
	}
}
