package rank

import "math"

// Dim is how many numbers a taste or a video is described by: with 24 a video stays under 400 bytes, and
// ranks MovieLens-100K a little better than with 16.
const Dim = 24

// Vector is a place in taste space: of a viewer, or of a video with its bias. It is 104 bytes.
type Vector struct {
	at   [Dim]float32
	bias float32
	sum  float32 // of a video its squared gradients, of a viewer its steps: what slows learning down
}

// Rates of factor learning, found on MovieLens-100K (docs/ranking.md has the table).
const (
	factorRate     = 0.2 // of a vector that nothing is known of; it falls as 1/√(1+sum)
	factorBiasRate = 0.02
	factorDecay    = 0.02 // pull to zero, relative to the rate
	factorBiasPull = 0.01 // of a bias
	factorSteps    = 10   // steps of a viewer that slow it down as one squared gradient of a video
	factorSpread   = 0.05 // standard deviation of a vector before it has learned
	// Negatives is how many other videos each liked one is held against.
	Negatives = 32
)

// newVector returns the vector of something new: near a centre, apart from all others.
func newVector(seed uint64, centre *[Dim]float32) Vector {
	var v Vector
	r := seeded(seed)
	for k := range v.at {
		v.at[k] = centre[k] + float32(factorSpread*r.gauss())
	}
	return v
}

// dot returns how well a video suits a viewer, in logits of being preferred.
func dot(viewer, item *Vector) float32 {
	s := item.bias
	for k := range viewer.at {
		s += viewer.at[k] * item.at[k]
	}
	return s
}

// prefer takes one step of the sampled softmax: of the videos given, the viewer liked the first. With p
// the softmax of the scores, the gradient of log p_0 moves the viewer by Σ(1{j=0}-p_j)·q_j and each
// video by (1{j=0}-p_j)·u. One negative makes it BPR (Rendle 2009), which needs several times the
// steps for the same ranking. weight scales the step.
func prefer(viewer *Vector, items []*Vector, weight float32) {
	var scores [Negatives + 1]float32
	items = items[:min(len(items), len(scores))]
	top := float32(math.Inf(-1))
	for j, q := range items {
		scores[j] = dot(viewer, q)
		top = max(top, scores[j])
	}
	sum := float32(0)
	for j := range items {
		scores[j] = float32(math.Exp(float64(scores[j] - top)))
		sum += scores[j]
	}
	var move [Dim]float32
	for j, q := range items {
		g := -scores[j] / sum
		if j == 0 {
			g++
		}
		g *= weight
		q.sum += g * g
		rate := factorRate / float32(math.Sqrt(float64(1+q.sum)))
		q.bias += factorBiasRate * (g - factorBiasPull*q.bias)
		for k := range q.at {
			move[k] += g * q.at[k]
			q.at[k] += rate * (g*viewer.at[k] - factorDecay*q.at[k])
		}
	}
	viewer.sum += weight
	rate := factorRate / float32(math.Sqrt(float64(1+viewer.sum/factorSteps)))
	for k := range viewer.at {
		viewer.at[k] += rate * (move[k] - factorDecay*viewer.at[k])
	}
}

// Factors is the factorisation alone, for judges of it: viewers and videos by number.
type Factors struct {
	viewers, items []Vector
	random         random
}

// NewFactors returns the factors of so many viewers and videos before anything is known.
func NewFactors(viewers, items int, seed uint64) *Factors {
	f := &Factors{make([]Vector, viewers), make([]Vector, items), seeded(seed)}
	var centre [Dim]float32
	for i := range f.viewers {
		f.viewers[i] = newVector(mix(seed)+uint64(i), &centre)
	}
	for i := range f.items {
		f.items[i] = newVector(^mix(seed)+uint64(i), &centre)
	}
	return f
}

// Like takes in that a viewer liked a video, against others drawn at random for which known is false.
func (f *Factors) Like(viewer, item int, known func(item int) bool) {
	var items [Negatives + 1]*Vector
	items[0] = &f.items[item]
	n := 1
	for tries := 0; n < len(items) && tries < 4*Negatives; tries++ {
		if j := int(f.random.below(uint64(len(f.items)))); j != item && !known(j) {
			items[n] = &f.items[j]
			n++
		}
	}
	prefer(&f.viewers[viewer], items[:n], 1)
}

// Scores writes how well every video suits the viewer.
func (f *Factors) Scores(viewer int, into []float64) {
	for i := range f.items {
		into[i] = float64(dot(&f.viewers[viewer], &f.items[i]))
	}
}
