package rank

import (
	"math"
	"math/bits"
)

// random is SplitMix64 (Steele, Lea and Flood 2014). It is written out because what is in the log
// must be drawn again alike by every later version of this program.
type random uint64

// seeded returns the generator of one purpose: all randomness of a page comes from its request and
// policy, all randomness of learning from how many records were applied.
func seeded(parts ...uint64) random {
	h := uint64(0x6d657a7a6f) // any constant; it keeps an empty list from being zero
	for _, p := range parts {
		h = mix(h ^ mix(p+0x9e3779b97f4a7c15))
	}
	return random(h)
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r))
}

// mix is SplitMix64's output function: a permutation of the 64-bit numbers without visible pattern.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float returns a number in [0, 1) with 53 random bits.
func (r *random) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// below returns a number in [0, n), each equally likely (Lemire 2019); 0 when n is 0.
func (r *random) below(n uint64) uint64 {
	hi, lo := bits.Mul64(r.next(), n)
	if lo < n {
		for least := -n % n; lo < least; {
			hi, lo = bits.Mul64(r.next(), n)
		}
	}
	return hi
}

// gauss returns a standard normal number (Box and Muller 1958; the second one is thrown away, so that
// the generator has no state beside its number).
func (r *random) gauss() float64 {
	u := 1 - r.float() // never 0
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*r.float())
}
