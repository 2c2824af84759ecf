// Package counterfactual estimates what another policy would have earned from what this one showed,
// by the probabilities that were logged with it, and says when it cannot be told.
package counterfactual

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

// Sample is one logged action: what came of it, how likely it was, and how likely the judged policy
// would have made it. With a model, Modelled is its value of the logged action and ModelTarget its
// value of what the judged policy would do.
type Sample struct {
	Reward, Propensity, Target float64
	Modelled, ModelTarget      float64
	Cluster                    int // samples that are not independent, such as a viewer's, share a number
}

// Estimate is a value with its 95 % interval by bootstrap over clusters.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Result is what can be told.
type Result struct {
	N              int       `json:"n"`
	Clusters       int       `json:"clusters"`
	IPS            Estimate  `json:"ips"`
	SNIPS          Estimate  `json:"snips"`
	DR             *Estimate `json:"dr,omitempty"` // only with a model
	Logged         float64   `json:"logged"`       // mean reward as it was
	EffectiveSize  float64   `json:"effective_sample_size"`
	MeanWeight     float64   `json:"mean_weight"`
	MaxWeightShare float64   `json:"max_weight_share"`
	Usable         bool      `json:"usable"`
	Reasons        []string  `json:"reasons,omitempty"` // why it is not
}

// What a log must hold before its estimates are to be believed.
const (
	LeastEffective      = 1_000
	LeastEffectiveShare = 0.01
	MeanWeightOff       = 0.05
	MostWeightShare     = 0.05
	resamples           = 500
)

// Check returns an error that says what is wrong with a sample, nil when it can be used.
func (s *Sample) Check() error {
	switch {
	case !finite(s.Reward) || !finite(s.Modelled) || !finite(s.ModelTarget):
		return fmt.Errorf("a reward is not a number")
	case !(s.Propensity > 0 && s.Propensity <= 1):
		return fmt.Errorf("the propensity %v is not in (0, 1]: what was logged must have been possible", s.Propensity)
	case !(s.Target >= 0 && s.Target <= 1):
		return fmt.Errorf("the target's probability %v is not in [0, 1]", s.Target)
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// sums are what the estimators are made of, over some samples.
type sums struct{ n, weight, weighted, doubly float64 }

func (a *sums) add(b sums, times float64) {
	a.n += times * b.n
	a.weight += times * b.weight
	a.weighted += times * b.weighted
	a.doubly += times * b.doubly
}

func (a *sums) ips() float64 { return ratio(a.weighted, a.n) }

func (a *sums) snips() float64 { return ratio(a.weighted, a.weight) }

func (a *sums) dr() float64 { return ratio(a.doubly, a.n) }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Evaluate returns, with w = Target/Propensity,
//
//	IPS = Σ w·r / n,  SNIPS = Σ w·r / Σ w,  DR = Σ [q̂(x,π) + w·(r - q̂(x,a))] / n,
//
// unclipped, with intervals from 500 resamples of whole clusters. Samples must have passed Check;
// without any the result is not usable.
func Evaluate(samples []Sample, model bool, seed uint64) Result {
	result := Result{N: len(samples)}
	var all sums
	squares, most, reward := 0.0, 0.0, 0.0
	numbers := map[int]int{}
	var clusters []sums
	for _, s := range samples {
		w := s.Target / s.Propensity
		one := sums{1, w, w * s.Reward, s.ModelTarget + w*(s.Reward-s.Modelled)}
		all.add(one, 1)
		squares, most, reward = squares+w*w, max(most, w), reward+s.Reward
		at, known := numbers[s.Cluster]
		if !known {
			at = len(clusters)
			numbers[s.Cluster] = at
			clusters = append(clusters, sums{})
		}
		clusters[at].add(one, 1)
	}
	result.Clusters = len(clusters)
	result.Logged = ratio(reward, all.n)
	result.EffectiveSize = ratio(all.weight*all.weight, squares)
	result.MeanWeight, result.MaxWeightShare = ratio(all.weight, all.n), ratio(most, all.weight)
	ips, snips, dr := bootstrap(clusters, seed)
	result.IPS, result.SNIPS = interval(all.ips(), ips), interval(all.snips(), snips)
	if model {
		e := interval(all.dr(), dr)
		result.DR = &e
	}
	result.gate()
	return result
}

// gate says whether the log can tell anything about the judged policy, and why not.
func (r *Result) gate() {
	no := func(format string, args ...any) { r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...)) }
	if r.EffectiveSize < LeastEffective {
		no("the effective sample size is %.1f, under %d: too few logged actions are ones the policy would take", r.EffectiveSize, LeastEffective)
	}
	if r.EffectiveSize < LeastEffectiveShare*float64(r.N) {
		no("the effective sample size is %.2f %% of n, under %.0f %%", 100*r.EffectiveSize/float64(r.N), 100*LeastEffectiveShare)
	}
	if math.Abs(r.MeanWeight-1) > MeanWeightOff {
		no("the mean weight is %.4f, outside [%.2f, %.2f]: propensities or targets are wrong, or the log never does what the policy would", r.MeanWeight, 1-MeanWeightOff, 1+MeanWeightOff)
	}
	if r.MaxWeightShare > MostWeightShare {
		no("one action holds %.1f %% of all weight, over %.0f %%", 100*r.MaxWeightShare, 100*MostWeightShare)
	}
	r.Usable = len(r.Reasons) == 0
}

// bootstrap returns the estimates of resamples of the clusters, each with replacement.
func bootstrap(clusters []sums, seed uint64) (ips, snips, dr []float64) {
	if len(clusters) == 0 {
		return nil, nil, nil
	}
	r := rand.New(rand.NewPCG(seed, 0x6f7065))
	for range resamples {
		var s sums
		for range clusters {
			s.add(clusters[r.IntN(len(clusters))], 1)
		}
		ips, snips, dr = append(ips, s.ips()), append(snips, s.snips()), append(dr, s.dr())
	}
	return ips, snips, dr
}

// interval returns a value with the 2.5th and 97.5th percentile of its resamples.
func interval(value float64, resampled []float64) Estimate {
	if len(resampled) == 0 {
		return Estimate{value, value, value}
	}
	sort.Float64s(resampled)
	at := func(q float64) float64 { return resampled[int(q*float64(len(resampled)-1)+0.5)] }
	return Estimate{value, at(0.025), at(0.975)}
}
