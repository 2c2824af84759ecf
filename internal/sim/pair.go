package sim

import (
	"math"
	"slices"
)

// Interval is a mean over seeds with its 95 % interval (Student).
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	N    int     `json:"n"`
}

// over returns the mean of numbers, one for each seed, and its interval; of one number there is none, and
// both ends are the number.
func over(v []float64) Interval {
	n := float64(len(v))
	if n == 0 {
		return Interval{}
	}
	mean, squares := 0.0, 0.0
	for _, x := range v {
		mean += x / n
	}
	for _, x := range v {
		squares += (x - mean) * (x - mean)
	}
	i := Interval{Mean: mean, Low: mean, High: mean, N: len(v)}
	if n > 1 {
		half := student(n-1) * math.Sqrt(squares/(n-1)/n)
		i.Low, i.High = mean-half, mean+half
	}
	return i
}

// student returns the 97.5 % point of Student's distribution by its expansion around the normal one
// (Abramowitz and Stegun 26.7.5); within 1 % from 3 degrees on.
func student(df float64) float64 {
	if df < 3 {
		return [...]float64{12.706, 12.706, 4.303}[int(df)]
	}
	const z = 1.959964
	z3, z5, z7 := z*z*z, z*z*z*z*z, z*z*z*z*z*z*z
	return z + (z3+z)/(4*df) + (5*z5+16*z3+3*z)/(96*df*df) + (3*z7+19*z5+17*z3-15*z)/(384*df*df*df)
}

// differences returns a-b for every seed.
func differences(a, b []float64) []float64 {
	d := make([]float64, min(len(a), len(b)))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	return d
}

// quartiles returns the three numbers that part a list in four; infinite ones stand at the end.
func quartiles(v []float64) [3]float64 {
	if len(v) == 0 {
		return [3]float64{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Clone(v)
	slices.Sort(sorted)
	at := func(q float64) float64 {
		x := q * float64(len(sorted)-1)
		k := int(x)
		if k+1 >= len(sorted) || x == float64(k) {
			return sorted[k]
		}
		return sorted[k] + (x-float64(k))*(sorted[k+1]-sorted[k])
	}
	return [3]float64{at(0.25), at(0.5), at(0.75)}
}
