package lab

import (
	"math"
	"sort"
)

// report returns the metrics of predictions by their textbook definitions; equal predictions are taken
// together, so that no order among them flatters.
func report(judged []prediction) *HeadReport {
	r := &HeadReport{N: len(judged)}
	sort.SliceStable(judged, func(a, b int) bool { return judged[a].p > judged[b].p })
	yes := 0.0
	for _, j := range judged {
		q := min(max(j.p, 1e-12), 1-1e-12)
		if j.yes {
			yes++
			r.LogLoss -= math.Log(q)
		} else {
			r.LogLoss -= math.Log(1 - q)
		}
	}
	n := float64(len(judged))
	if n == 0 {
		return r
	}
	r.LogLoss, r.Rate = r.LogLoss/n, yes/n
	r.ECE = expectedError(judged)
	r.AUC = 0.5
	above, hits, wins := 0.0, 0.0, 0.0 // noes and yeses above, and pairs in the right order
	for i := 0; i < len(judged); {
		y, all := 0.0, 0.0
		p := judged[i].p
		for ; i < len(judged) && judged[i].p == p; i++ {
			all++
			if judged[i].yes {
				y++
			}
		}
		no := all - y
		wins += y * (n - yes - above - no/2)
		above, hits = above+no, hits+y
		precision, recall := hits/(hits+above), hits/max(yes, 1)
		r.PRAUC += precision * y / max(yes, 1)
		f1 := 0.0
		if hits > 0 {
			f1 = 2 * precision * recall / (precision + recall)
		}
		if f1 > r.BestF1 {
			r.BestF1, r.BestAt = f1, p
		}
		if p >= 0.5 {
			r.F1 = f1
		}
	}
	if yes > 0 && yes < n {
		r.AUC = wins / (yes * (n - yes))
	}
	return r
}

// expectedError returns Σ |mean prediction - rate| · size/n over 20 groups of equal size.
func expectedError(sorted []prediction) float64 {
	const groups = 20
	sum := 0.0
	for g := range groups {
		gap := 0.0
		for _, j := range sorted[g*len(sorted)/groups : (g+1)*len(sorted)/groups] {
			gap += j.p
			if j.yes {
				gap--
			}
		}
		sum += math.Abs(gap)
	}
	return sum / float64(len(sorted))
}
