package feed

import "math/bits"

// Slot is one place of a drawn slate.
type Slot struct {
	Candidate  int     // index among the candidates
	Propensity float64 // of this candidate in this slot, given the candidates and the slots before
}

// Draw fills n slots with candidates 0 … candidates-1, none twice and every order equally likely.
// It is the whole of the policy "uniform", version 1, the control for all others: it knows how
// many candidates there are and nothing about them. The same arguments give the same slots for
// ever, and a longer slate begins with the shorter one. The propensity of slot k is 1/(candidates-k+1).
func Draw(seed uint64, candidates, n int) []Slot {
	n = min(n, candidates)
	if n <= 0 {
		return nil
	}
	order := make([]int, candidates)
	for i := range order {
		order[i] = i
	}
	slots := make([]Slot, n)
	g := generator(seed)
	for k := range slots { // Fisher and Yates's shuffle, as far as it is needed
		left := candidates - k
		j := k + int(g.below(uint64(left)))
		order[k], order[j] = order[j], order[k]
		slots[k] = Slot{order[k], 1 / float64(left)}
	}
	return slots
}

// generator is SplitMix64 (Steele, Lea and Flood 2014). It is written out because what is in the
// log must be drawn again alike by every later version of this program.
type generator uint64

func (g *generator) next() uint64 {
	*g += 0x9e3779b97f4a7c15
	return mix(uint64(*g))
}

// mix is SplitMix64's output function: a permutation of the 64-bit numbers without visible pattern.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n), each equally likely (Lemire 2019).
func (g *generator) below(n uint64) uint64 {
	hi, lo := bits.Mul64(g.next(), n)
	if lo < n {
		for least := -n % n; lo < least; {
			hi, lo = bits.Mul64(g.next(), n)
		}
	}
	return hi
}
