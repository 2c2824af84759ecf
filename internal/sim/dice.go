package sim

import "math"

// dice is a generator of random numbers that is named by what it is for: what a viewer does with a video
// is thrown from the two of them, so that it is the same under every policy (common random numbers).
type dice uint64

// roll returns the dice of one purpose.
func roll(parts ...uint64) dice {
	h := uint64(0x73696d)
	for _, p := range parts {
		h = scramble(h ^ scramble(p+0x9e3779b97f4a7c15))
	}
	return dice(h)
}

// scramble is SplitMix64's output function (Steele, Lea and Flood 2014).
func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	return scramble(uint64(*d))
}

// float returns a number in (0, 1).
func (d *dice) float() float64 { return (float64(d.next()>>11) + 0.5) / (1 << 53) }

// below returns a number in [0, n).
func (d *dice) below(n int) int { return min(int(d.float()*float64(n)), n-1) }

// gauss returns a standard normal number.
func (d *dice) gauss() float64 {
	u, v := d.float(), d.float()
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// exponential returns an exponential number with mean 1.
func (d *dice) exponential() float64 { return -math.Log(d.float()) }

// gumbel returns a Gumbel number: the largest of weights' logarithms with one added each is a draw by
// the weights.
func (d *dice) gumbel() float64 { return -math.Log(-math.Log(d.float())) }

// gamma returns a gamma number of a shape below 1 (Ahrens and Dieter 1974).
func (d *dice) gamma(shape float64) float64 {
	for {
		p := (1 + shape/math.E) * d.float()
		if p <= 1 {
			if x := math.Pow(p, 1/shape); d.float() <= math.Exp(-x) {
				return x
			}
		} else if x := -math.Log((1 + shape/math.E - p) / shape); d.float() <= math.Pow(x, shape-1) {
			return x
		}
	}
}

// id returns 16 bytes in the form of a time-ordered public id.
func (d *dice) id() (u [16]byte) {
	for k := 0; k < 16; k += 8 {
		n := d.next()
		for i := range 8 {
			u[k+i] = byte(n >> (8 * i))
		}
	}
	u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
	return u
}

func sigmoid(s float64) float64 { return 1 / (1 + math.Exp(-s)) }
