package metric

import (
	"math"
	"time"
)

// halves are the half-lives of velocity.
var halves = [...]time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour}

// landmarks is how many half-lives lie between two landmarks.
const landmarks = 16

// speed is units sold, decayed forwards (Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay, ICDE 2009):
// a unit sold at time t weighs 2^((t−L)/h) for good, where L is a landmark common to all entities, and what
// all of them are worth at any later time is the sum of their weights times one factor that is the same for
// all. So their order never changes between two sales, late sales need nothing special, and nothing is
// recomputed as time passes. L moves on by whole 16 half-lives of log time; the weights then shrink by 2^16,
// a power of two, which rounds nothing.
type speed struct {
	sum  [len(halves)]float64
	mark [len(halves)]int64 // the landmark of each sum, counted in 16 half-lives since 1970
}

func markOf(half int, at int64) int64 {
	return at / (landmarks * halves[half].Microseconds())
}

// at returns the sum as of a landmark that is not before its own.
func (s *speed) at(half int, mark int64) float64 {
	return math.Ldexp(s.sum[half], int(max(-landmarks*(mark-s.mark[half]), -2000)))
}

// add counts units (negative: takes them back) sold at a time, both times in microseconds; now is log time.
func (s *speed) add(now, at, units int64) {
	for half := range halves {
		mark := markOf(half, now)
		span := halves[half].Microseconds()
		weight := float64(units) * math.Exp2(float64(at-mark*landmarks*span)/float64(span))
		sum := s.at(half, mark) + weight
		if units < 0 && sum < -weight*1e-12 {
			sum = 0 // what is left of taking back all there was is rounding
		}
		s.sum[half], s.mark[half] = sum, mark
	}
}

// read returns units an hour at a time: the decayed sum V falls by ln 2/h of itself, which is the rate of
// steady sales that would keep it up.
func (s *speed) read(now int64) Velocity {
	var v [len(halves)]float64
	for half, h := range halves {
		mark := markOf(half, now)
		span := h.Microseconds()
		v[half] = s.at(half, mark) * math.Exp2(-float64(now-mark*landmarks*span)/float64(span)) * math.Ln2 / h.Hours()
	}
	return Velocity{FiveMinutes: v[0], Hour: v[1], Day: v[2]}
}
