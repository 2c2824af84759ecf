package rank

import (
	"math"
	"slices"
)

// Candidate is a video that may be drawn, with all that the draw goes by.
type Candidate struct {
	Item     uint32 // number of the video: decides between equals, and nothing else
	Creator  uint32
	Product  uint32 // 0: it shows none
	Category uint32
	Value    float64 // expected worth of an impression
	SD       float64
	Exposure float64 // what its creator was shown lately, decayed
	Testing  bool    // it has reserved impressions left
	Followed bool    // it is here only because the viewer follows its creator
	Need     float64 // of a tested video: how much is learned by showing it
}

// SlotKind is how a slot was filled; a propensity is conditional on it.
type SlotKind uint8

// The kinds, numbered as in the log.
const (
	Sampled SlotKind = 1 // drawn among all candidates
	Explore SlotKind = 2 // drawn among those being tested
)

// Slot is one place of a drawn slate.
type Slot struct {
	Candidate  int // index among the candidates
	Kind       SlotKind
	Propensity float64 // of this candidate here, given the candidates, the kind and the slots before
}

// Draw is everything a slate depends on.
type Draw struct {
	Policy     *Policy
	Seed       uint64 // of the request and the policy
	Way        uint64 // of the viewer's way through the feed: where its reserved slots lie
	Offset     int    // how many slots of the way lie before this page
	Home       bool   // the followed may fill a share only
	Control    bool   // by chance alone
	Candidates []Candidate
}

// slotsApart is the stretch within which creators and products repeat only so often.
const slotsApart = 10

// Slate fills n slots, fewer only when there are not as many candidates. Slot by slot it draws among
// the remaining candidates with the probability
//
//	(1-ε)·exp(s_i/τ) / Σ exp(s_j/τ) + ε/m,   s_i = (V_i + lift_i)·d_i + κ·SD_i
//
// where d_i is what diversity leaves, m how many may be drawn at all, and τ a part of the values'
// interquartile range. A hard limit makes the probability 0; where nothing else is left the limits
// of creator and product do not hold. The same Draw gives the same slots for ever.
func (d *Draw) Slate(n int) []Slot {
	s := d.begin()
	slots := make([]Slot, 0, max(min(n, len(d.Candidates)), 0))
	for len(slots) < n && len(slots) < len(d.Candidates) {
		kind := Sampled
		if !d.Control && d.reserved(d.Offset+len(slots)) && s.weigh(Explore) {
			kind = Explore
		} else if !s.weigh(Sampled) {
			break
		}
		i := s.pick()
		slots = append(slots, Slot{i, kind, s.odds[i]})
		s.take(i)
	}
	return slots
}

// FirstOdds returns the probability of every candidate in the first slot, which add up to 1, and the
// slot's kind.
func (d *Draw) FirstOdds() ([]float64, SlotKind) {
	s := d.begin()
	if !d.Control && d.reserved(d.Offset) && s.weigh(Explore) {
		return s.odds, Explore
	}
	s.weigh(Sampled)
	return s.odds, Sampled
}

// reserved reports whether a place of the way is kept for tests: one in every ExploreEvery, in the
// middle of its stretch and moved by up to one place, so that it can be neither learned nor skipped.
func (d *Draw) reserved(place int) bool {
	every := int(d.Policy.ExploreEvery)
	if every == 0 {
		return false
	}
	at := every / 2
	if every >= 4 {
		r := seeded(d.Way, uint64(place/every), 0x6578706c6f7265)
		at += int(r.below(3)) - 1
	}
	return place%every == at
}

// state is a slate in the making.
type state struct {
	*Draw
	random   random
	base     []float64 // value with its lift
	tau      float64
	odds     []float64
	scores   []float64
	drawn    []int // in order
	followed int   // of them
	taken    []bool
	// Of every candidate, how many drawn so far share its creator, and among the last ones its
	// creator or its product.
	repeats, nearCreator, nearProduct []uint8
}

func (d *Draw) begin() *state {
	n := len(d.Candidates)
	s := &state{
		Draw: d, random: seeded(d.Seed, uint64(d.Offset)),
		base: make([]float64, n), odds: make([]float64, n), scores: make([]float64, n), taken: make([]bool, n),
		repeats: make([]uint8, n), nearCreator: make([]uint8, n), nearProduct: make([]uint8, n),
	}
	values := make([]float64, n)
	for i := range d.Candidates {
		values[i] = d.Candidates[i].Value
	}
	s.lift()
	slices.Sort(values)
	if n > 0 {
		spread := values[n*3/4] - values[n/4]
		s.tau = max(d.Policy.Temperature*spread, 1e-3*math.Abs(values[n/2]), 1e-9)
	}
	return s
}

// lift sets the candidates' values, raised for creators who were shown less than their part: with M a
// creator's part of the candidates' value and E of their exposure, by Lift·V̄·clip(1-E/M, 0, 1) (after
// FairCo, Morik and others 2020). It is a part of the mean value and never takes anything away.
func (s *state) lift() {
	type part struct{ merit, exposure float64 }
	parts := map[uint32]part{}
	merit, exposure := 0.0, 0.0
	for i := range s.Candidates {
		c := &s.Candidates[i]
		s.base[i] = c.Value
		p, known := parts[c.Creator]
		p.merit += max(c.Value, 0)
		merit += max(c.Value, 0)
		if !known {
			p.exposure = c.Exposure
			exposure += c.Exposure
		}
		parts[c.Creator] = p
	}
	if merit <= 0 || exposure <= 0 {
		return
	}
	mean := merit / float64(len(s.Candidates))
	for i := range s.Candidates {
		p := parts[s.Candidates[i].Creator]
		if p.merit > 0 {
			s.base[i] += s.Policy.Lift * mean * min(max(1-(p.exposure/exposure)/(p.merit/merit), 0), 1)
		}
	}
}

// weigh sets the odds of the next slot; false when nothing can be drawn for this kind.
func (s *state) weigh(kind SlotKind) bool {
	if s.allow(kind, true) == 0 && (kind == Explore || s.allow(kind, false) == 0) {
		return false
	}
	if s.Control {
		s.spread(1)
		return true
	}
	top := math.Inf(-1)
	for i, odds := range s.odds {
		if odds > 0 {
			s.scores[i] = s.scoreOf(i, kind)
			top = max(top, s.scores[i])
		}
	}
	sum := 0.0
	for i, odds := range s.odds {
		if odds > 0 {
			s.scores[i] = math.Exp((s.scores[i] - top) / s.tau)
			sum += s.scores[i]
		}
	}
	for i, odds := range s.odds {
		if odds > 0 {
			s.odds[i] = s.scores[i] / sum
		}
	}
	s.spread(s.Policy.Floor)
	return true
}

// spread mixes the odds with chance: a floor is a mixture, never a clip.
func (s *state) spread(epsilon float64) {
	m := 0.0
	for _, odds := range s.odds {
		if odds > 0 {
			m++
		}
	}
	for i, odds := range s.odds {
		if odds > 0 {
			s.odds[i] = (1-epsilon)*odds + epsilon/m
		}
	}
}

// allow marks what may be drawn next with odds of 1, the rest with 0, and returns how many. Without
// limits, creators and products may repeat; the share of the followed always holds on a home page
// that anything else can fill.
func (s *state) allow(kind SlotKind, limits bool) int {
	n, full := 0, s.pastShare()
	for i := range s.Candidates {
		c := &s.Candidates[i]
		s.odds[i] = 0
		if s.taken[i] || (kind == Explore && !c.Testing) || (limits && (s.crowded(i) || (full && c.Followed))) {
			continue
		}
		s.odds[i] = 1
		n++
	}
	return n
}

// crowded reports whether a candidate's creator or product had its slots among the last ones.
func (s *state) crowded(i int) bool {
	return s.nearCreator[i] >= uint8(s.Policy.CreatorMost) || s.nearProduct[i] >= uint8(s.Policy.ProductMost)
}

// pastShare reports whether one more followed creator would be over their share of a home page. A
// share above 0 allows the first at once.
func (s *state) pastShare() bool {
	share, followed := s.Policy.FollowedShare, float64(s.followed+1)
	return s.Home && followed > share*float64(len(s.drawn)+1) && (followed > 1 || share == 0)
}

// scoreOf returns what a candidate goes into the draw with.
func (s *state) scoreOf(i int, kind SlotKind) float64 {
	c := &s.Candidates[i]
	if kind == Explore {
		return s.base[i] + c.Need
	}
	value, left := s.base[i], s.left(i)
	if value > 0 {
		value *= left
	} else {
		value /= left
	}
	return value + s.Policy.Optimism*c.SD
}

// left returns what diversity leaves of a value: (1-floor)·fade^k + floor for the k-th repeat of a
// creator on this page, and CategoryThird for the third video of a category in a row.
func (s *state) left(i int) float64 {
	left := 1.0
	if s.repeats[i] > 0 {
		left = (1-s.Policy.RepeatFloor)*math.Pow(s.Policy.RepeatFade, float64(s.repeats[i])) + s.Policy.RepeatFloor
	}
	if k := len(s.drawn); k >= 2 {
		category := s.Candidates[i].Category
		if s.Candidates[s.drawn[k-1]].Category == category && s.Candidates[s.drawn[k-2]].Category == category {
			left *= s.Policy.CategoryThird
		}
	}
	return max(left, 0.01)
}

// pick draws by the odds. What rounding leaves over falls to the last that can be drawn.
func (s *state) pick() int {
	u, last := s.random.float(), -1
	for i, odds := range s.odds {
		if odds <= 0 {
			continue
		}
		last = i
		if u -= odds; u < 0 {
			return i
		}
	}
	return last
}

// take puts a candidate into the next slot and lets the others know.
func (s *state) take(i int) {
	s.taken[i] = true
	s.drawn = append(s.drawn, i)
	s.note(&s.Candidates[i], 1)
	for j := range s.Candidates {
		if s.Candidates[j].Creator == s.Candidates[i].Creator {
			s.repeats[j]++
		}
	}
	if gone := len(s.drawn) - slotsApart; gone >= 0 {
		s.note(&s.Candidates[s.drawn[gone]], ^uint8(0))
	}
	if s.Candidates[i].Followed {
		s.followed++
	}
}

// note adds to what stands near, or with 255 takes it away, for all who share a creator or product.
func (s *state) note(c *Candidate, by uint8) {
	for j := range s.Candidates {
		o := &s.Candidates[j]
		if o.Creator == c.Creator {
			s.nearCreator[j] += by
		}
		if c.Product != 0 && o.Product == c.Product {
			s.nearProduct[j] += by
		}
	}
}
