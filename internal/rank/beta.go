package rank

import "math"

// Beta is a belief about a rate: as if A yeses and B noes had been seen.
type Beta struct{ A, B float64 }

// Mean returns the expected rate.
func (b Beta) Mean() float64 { return b.A / (b.A + b.B) }

// Variance returns the variance of the rate.
func (b Beta) Variance() float64 {
	n := b.A + b.B
	return b.A * b.B / (n * n * (n + 1))
}

// See returns the belief after y yeses among n; n below y counts as y.
func (b Beta) See(y, n float64) Beta { return Beta{b.A + y, b.B + max(n-y, 0)} }

// Below returns the chance that the rate is at most x: the regularised incomplete beta function.
func (b Beta) Below(x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	}
	la, _ := math.Lgamma(b.A)
	lb, _ := math.Lgamma(b.B)
	lab, _ := math.Lgamma(b.A + b.B)
	front := math.Exp(lab - la - lb + b.A*math.Log(x) + b.B*math.Log1p(-x))
	if x < (b.A+1)/(b.A+b.B+2) {
		return min(front*fraction(b.A, b.B, x)/b.A, 1)
	}
	return max(1-front*fraction(b.B, b.A, 1-x)/b.B, 0)
}

// fraction is the continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method.
func fraction(a, b, x float64) float64 {
	const tiny = 1e-300
	guard := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/guard(1-(a+b)*x/(a+1))
	h := d
	for m := 1.0; m < 500; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / guard(1+even*d)
		c = guard(1 + even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / guard(1+odd*d)
		c = guard(1 + odd/c)
		h *= d * c
		if math.Abs(d*c-1) < 1e-12 {
			break
		}
	}
	return h
}

// Quantile returns the rate below which a part q of the belief lies.
func (b Beta) Quantile(q float64) float64 {
	lo, hi := 0.0, 1.0
	for range 60 {
		mid := (lo + hi) / 2
		if b.Below(mid) < q {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// Count is how often something happened among how many.
type Count struct{ Y, N float64 }

// priorLeast is how many of a group it takes to say how much they differ, and priorWorth how many
// observations a group's mean is worth until then.
const (
	priorLeast = 8
	priorWorth = 50
)

// FitBeta returns the belief about the next of a group before anything is seen of it: empirical Bayes by
// moments. With the pooled mean m and the variance v between the members, which is their rates'
// variance less what chance alone would make, a = m(m(1-m)/v - 1) and b = a(1-m)/m. The belief is worth
// 10 to 1,000 observations, whatever the moments say. fallback is the mean of an empty group.
func FitBeta(group []Count, fallback float64) Beta {
	y, n, members := 0.0, 0.0, 0.0
	for _, c := range group {
		if c.N > 0 {
			y, n, members = y+c.Y, n+c.N, members+1
		}
	}
	// The fallback counts as priorWorth observations, so that one lucky member is no group.
	m := min(max((y+fallback*priorWorth)/(n+priorWorth), 1e-5), 1-1e-5)
	worth := float64(priorWorth)
	if members >= priorLeast {
		squares, chance, weights := 0.0, 0.0, 0.0
		for _, c := range group {
			if c.N > 0 {
				d := c.Y/c.N - m
				squares, chance, weights = squares+c.N*d*d, chance+m*(1-m), weights+c.N
			}
		}
		v := max((squares-chance)/weights, m*(1-m)/1_001)
		worth = min(max(m*(1-m)/v-1, 10), 1_000)
	}
	return Beta{m * worth, (1 - m) * worth}
}

// normalBelow returns the chance that a normal number lies below x.
func normalBelow(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// normalQuantile returns the number below which a part q of the normal distribution lies.
func normalQuantile(q float64) float64 {
	return -math.Sqrt2 * math.Erfcinv(2*min(max(q, 1e-12), 1-1e-12))
}
