package opportunity

import (
	"math"
	"slices"
)

// ranks returns the place of every amount, from 1; equals share the mean of their places.
func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case v[a] < v[b]:
			return -1
		case v[a] > v[b]:
			return 1
		}
		return 0
	})
	places := make([]float64, len(v))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && v[order[to]] == v[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			places[i] = float64(from+to+1) / 2
		}
		from = to
	}
	return places
}

// pearson returns the correlation of two lists of one length, 0 when either does not vary.
func pearson(a, b []float64) float64 {
	n := float64(len(a))
	if len(a) != len(b) || len(a) < 2 {
		return 0
	}
	meanA, meanB := 0.0, 0.0
	for i := range a {
		meanA, meanB = meanA+a[i]/n, meanB+b[i]/n
	}
	ab, aa, bb := 0.0, 0.0, 0.0
	for i := range a {
		x, y := a[i]-meanA, b[i]-meanB
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa <= 0 || bb <= 0 {
		return 0
	}
	return min(max(ab/math.Sqrt(aa*bb), -1), 1)
}

// Spearman returns the rank correlation of two lists, in [-1, 1]: how far one follows the other, whatever
// the shape. Lists of different length, of fewer than two, or without any difference give 0.
func Spearman(a, b []float64) float64 {
	if len(a) != len(b) {
		return 0
	}
	return pearson(ranks(a), ranks(b))
}

// Partial returns the rank correlation of a and b among those who are alike in given:
// (r_ab - r_ag·r_bg) / √((1-r_ag²)(1-r_bg²)). Where given says all, it is 0.
func Partial(a, b, given []float64) float64 {
	ab, ag, bg := Spearman(a, b), Spearman(a, given), Spearman(b, given)
	left := (1 - ag*ag) * (1 - bg*bg)
	if left < 1e-12 {
		return 0
	}
	return min(max((ab-ag*bg)/math.Sqrt(left), -1), 1)
}

// Mobility returns how far people changed places between two periods: 1 - Spearman, 0 when everybody
// keeps their place, 1 when the places of before say nothing of those after.
func Mobility(before, after []float64) float64 { return 1 - Spearman(before, after) }
