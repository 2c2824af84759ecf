package metric

import (
	"math"
	"math/bits"
)

// z95 is the quantile of the normal distribution that leaves 2.5 % on either side.
const z95 = 1.959963984540054

// RateOf returns hits out of n with the 95 % interval of Wilson (Probable inference, the law of succession,
// and statistical inference, JASA 22, 1927), which holds for few n and for shares near 0 and 1. Hits are held
// to [0, n].
func RateOf(hits, n int64) Rate {
	if n <= 0 {
		return Rate{}
	}
	hits = min(max(hits, 0), n)
	count := float64(n)
	p := float64(hits) / count
	z2 := z95 * z95
	middle := p + z2/(2*count)
	reach := z95 * math.Sqrt(p*(1-p)/count+z2/(4*count*count))
	under := 1 + z2/count
	r := Rate{Value: p, Low: (middle - reach) / under, High: (middle + reach) / under, Hits: hits, N: n}
	if hits == 0 {
		r.Low = 0 // exactly, whatever rounding says
	}
	if hits == n {
		r.High = 1
	}
	return r
}

// per returns times·minor/n, rounded half away from zero.
func per(minor, times, n int64) MoneyPer {
	if n <= 0 {
		return MoneyPer{}
	}
	negative := minor < 0
	size := uint64(minor)
	if negative {
		size = -size
	}
	high, low := bits.Mul64(size, uint64(times))
	low, carry := bits.Add64(low, uint64(n)/2, 0)
	high += carry
	if high >= uint64(n) {
		return MoneyPer{N: n} // more than money can count
	}
	q, _ := bits.Div64(high, low, uint64(n))
	if q > math.MaxInt64 {
		return MoneyPer{N: n}
	}
	if negative {
		return MoneyPer{Minor: -int64(q), N: n, Known: true}
	}
	return MoneyPer{Minor: int64(q), N: n, Known: true}
}

// AOV is the average order value: GMV over the orders of its currency.
func (m Money) AOV() MoneyPer { return per(m.GMV, 1, m.Orders) }

// GPM is GMV in the money's currency per 1,000 views.
func (r *Reading) GPM(m Money) MoneyPer { return per(m.GMV, 1000, r.Views) }

// ShowGPM is GMV in the money's currency per 1,000 impressions.
func (r *Reading) ShowGPM(m Money) MoneyPer { return per(m.GMV, 1000, r.Impressions) }

// EPC is what creators earned per product click, in the money's currency: commission that has been
// released, of the clicks of the window, over all of its clicks.
func (r *Reading) EPC(m Money) MoneyPer { return per(m.Settled, 1, r.ProductClicks) }
