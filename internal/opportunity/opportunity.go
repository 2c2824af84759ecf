// Package opportunity owns how evenly exposure and income are spread and how they follow merit: Gini,
// Lorenz curve, shares of the top and of the middle, living line, rank correlation. Pure functions.
package opportunity

import (
	"math"
	"slices"
)

// Spread is a distribution that was put in order once, to be asked many things. A negative amount counts
// as nothing: who owes has no share.
type Spread struct {
	sorted []float64 // ascending
	sums   []float64 // sums[i] is the sum of the i least
}

// Of returns the spread of amounts, one for each person, those who have nothing included. What is not a
// number counts as nothing.
func Of(amounts []float64) Spread {
	s := Spread{sorted: make([]float64, len(amounts)), sums: make([]float64, len(amounts)+1)}
	for i, a := range amounts {
		if a > 0 && !math.IsInf(a, 0) {
			s.sorted[i] = a
		}
	}
	slices.Sort(s.sorted)
	for i, a := range s.sorted {
		s.sums[i+1] = s.sums[i] + a
	}
	return s
}

// Total returns the sum of all amounts.
func (s Spread) Total() float64 { return s.sums[len(s.sums)-1] }

// Lorenz returns the part of the total that the poorest part p of the people have, in [0, 1]: straight
// between person and person (Lorenz 1905). Of nothing, everybody has an equal part.
func (s Spread) Lorenz(p float64) float64 {
	n, total := len(s.sorted), s.Total()
	p = min(max(p, 0), 1)
	if n == 0 || total <= 0 {
		return p
	}
	at := p * float64(n)
	k := min(int(at), n)
	held := s.sums[k]
	if k < n {
		held += (at - float64(k)) * s.sorted[k]
	}
	return min(held/total, 1)
}

// Gini returns the Gini coefficient: 0 when all have the same, (n-1)/n when one of n has everything,
// Σ(2i-n-1)x_i / (nΣx) with the amounts in ascending order. Of nothing it is 0.
func (s Spread) Gini() float64 {
	n, total := len(s.sorted), s.Total()
	if total <= 0 {
		return 0
	}
	sum := 0.0
	for i, x := range s.sorted {
		sum += float64(2*(i+1)-n-1) * x
	}
	return sum / (float64(n) * total)
}

// Top returns the part of the total that the richest part p of the people have; 0.01 asks for the top 1 %.
func (s Spread) Top(p float64) float64 { return 1 - s.Lorenz(1-p) }

// Between returns the part of the total of the people between two percentiles, both in [0, 1].
func (s Spread) Between(from, to float64) float64 {
	return max(s.Lorenz(to)-s.Lorenz(from), 0)
}

// Middle returns the share of the middle: of those between the 40th and the 90th percentile.
func (s Spread) Middle() float64 { return s.Between(0.4, 0.9) }

// Above returns the part of the people who have at least the living line; 0 of nobody.
func (s Spread) Above(line float64) float64 {
	if len(s.sorted) == 0 {
		return 0
	}
	at, _ := slices.BinarySearch(s.sorted, line)
	return float64(len(s.sorted)-at) / float64(len(s.sorted))
}

// Points returns n+1 points of the Lorenz curve, the first at 0 and the last at 1.
func (s Spread) Points(n int) []float64 {
	points := make([]float64, n+1)
	for i := range points {
		points[i] = s.Lorenz(float64(i) / float64(n))
	}
	return points
}
