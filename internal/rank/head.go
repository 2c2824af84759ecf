package rank

import "math"

// Head is one thing that is predicted of an impression.
type Head uint8

// The heads; their numbers are part of snapshots and never change.
const (
	Watch    Head = iota // the percentile of the time watched among videos of that duration
	Click                // opens a product
	Buy                  // buys, given a click
	Engage               // likes, comments, shares, or follows from the video
	Negative             // hides or reports; a skip within two seconds is a fifth of one
	Heads                // how many there are
)

// String returns the head's name as reports spell it.
func (h Head) String() string {
	return [...]string{"watch", "click", "buy", "engage", "negative", "?"}[min(h, Heads)]
}

// Cell is what was learned of one feature, for every head: the mean of its weight and how far its
// variance has come down, both in units of the prior's standard deviation. The zero Cell is the
// prior: mean 0, variance 1. It is 40 bytes and holds no pointer.
type Cell struct {
	mean [Heads]float32
	down [Heads]float32 // 1 - variance
}

// Term is a feature that is present: the weight it goes by, how strongly it is there (its value times
// the standard deviation of its prior) and the least variance its weight keeps, so that it can
// always be learned anew.
type Term struct {
	cell  *Cell
	x     float32
	floor float32
}

// class is a kind of feature: how far its weights may lie from zero before anything is known, in
// logits, and the floor of their variance relative to that. A floor f lets a weight forget with a
// memory of about 1/(f·sd²·p(1-p)) impressions.
type class struct{ sd, floor float32 }

// The classes of features. Main effects are few and seen often; crosses are many and mostly small;
// ids differ more between each other than anything that is known of them says; a slope is one weight for a number.
var (
	ofBias  = class{1, 1e-3}
	ofMain  = class{0.4, 1e-3}
	ofCross = class{0.25, 1e-3}
	ofID    = class{0.6, 2e-3}
	ofSlope = class{1, 1e-3}
)

// narrow is by how much each head's weights lie closer to zero than their classes say. Orders are one in
// some twenty clicks and hardly differ by what is known of a click: with the width of the other heads a
// single order moved predictions by three logits, and those above 12 % came true in 5 % of the cases.
var narrow = [Heads]float64{Watch: 1, Click: 1, Buy: 0.5, Engage: 1, Negative: 1}

// term returns the term of a feature that is there with the value x.
func (c class) term(cell *Cell, x float32) Term { return Term{cell, c.sd * x, c.floor} }

// Score is a prediction before calibration: the mean and variance of the logit.
type Score struct{ Mean, Variance float64 }

// P returns the probability of the mean logit.
func (s Score) P() float64 { return sigmoid(s.Mean) }

// score returns the prediction of one head; base is the logit that the weights are deviations from.
func score(h Head, base float64, terms []Term) Score {
	var mean, variance float32
	for i := range terms {
		t := &terms[i]
		mean += t.cell.mean[h] * t.x
		variance += (1 - t.cell.down[h]) * t.x * t.x
	}
	return Score{base + narrow[h]*float64(mean), narrow[h] * narrow[h] * float64(variance)}
}

// scores returns the predictions of all heads in one pass.
func scores(terms []Term) (all Predictions) {
	var mean, variance [Heads]float32
	for i := range terms {
		t := &terms[i]
		x, c := t.x, t.cell
		for h := range Heads {
			mean[h] += c.mean[h] * x
			variance[h] += (1 - c.down[h]) * x * x
		}
	}
	for h := range Heads {
		all[h] = Score{base[h] + narrow[h]*float64(mean[h]), narrow[h] * narrow[h] * float64(variance[h])}
	}
	return all
}

// learn takes in one impression whose label is y so far, with a weight in (0, 1], and returns the
// prediction it made before. It is the Laplace step of a logistic observation on a diagonal Gaussian
// belief (Chapelle and Li 2011; adPredictor, Graepel and others 2010, with the logit in the probit's
// place): with S the variance of the logit before, r = w(y-σ(s)) at the s that solves s = mean + S·r,
// and λ = w·σ(s)(1-σ(s)),
//
//	mean_i += v_i x_i r,   v_i -= v_i² x_i² λ / (1+λS).
//
// What is least known moves most, and all weights together never move further than the observation
// says, however many features share it.
func learn(h Head, base float64, terms []Term, y, weight float64) Score {
	s := score(h, base, terms)
	r, p := residual(s, y, weight)
	lambda := weight * p * (1 - p)
	step, drop := float32(narrow[h]*r), float32(narrow[h]*narrow[h]*lambda/(1+lambda*s.Variance))
	for i := range terms {
		t := &terms[i]
		v := 1 - t.cell.down[h]
		t.cell.mean[h] += v * t.x * step
		t.cell.down[h] = min(t.cell.down[h]+v*v*t.x*t.x*drop, 1-t.floor)
	}
	return s
}

// relabel takes in that the label of a learned impression turned out higher by dy. The logistic loss
// is linear in its label, so a label that comes in parts is learned in parts, each at the moment it is
// known: no window to wait for, and no bias, since no is counted that its yes does not make up for.
func relabel(h Head, base float64, terms []Term, dy, weight float64) {
	s := score(h, base, terms)
	r, _ := residual(s, dy+s.P(), weight)
	step := float32(narrow[h] * r)
	for i := range terms {
		t := &terms[i]
		t.cell.mean[h] += (1 - t.cell.down[h]) * t.x * step
	}
}

// residual returns r = w(y-σ(s*)) and σ(s*) where s* = mean + variance·r: how far off the prediction
// is once the belief has moved. Steps that hardly bend take one Newton step; the others are bracketed
// between where they start and where a straight line would end, so that nothing overshoots.
func residual(s Score, y, weight float64) (r, p float64) {
	p = s.P()
	r = weight * (y - p)
	reach := s.Variance * r
	if math.Abs(reach) < 0.05 {
		r /= 1 + weight*s.Variance*p*(1-p)
		return r, p
	}
	lo, hi := s.Mean, s.Mean+reach
	if lo > hi {
		lo, hi = hi, lo
	}
	at := s.Mean + reach/(1+weight*s.Variance*p*(1-p))
	for range 10 {
		p = sigmoid(at)
		off := at - s.Mean - s.Variance*weight*(y-p)
		if math.Abs(off) < 1e-3 {
			break
		}
		if off > 0 {
			hi = at
		} else {
			lo = at
		}
		at -= off / (1 + s.Variance*weight*p*(1-p))
		if at <= lo || at >= hi {
			at = (lo + hi) / 2
		}
	}
	return (at - s.Mean) / s.Variance, sigmoid(at)
}

func sigmoid(s float64) float64 { return 1 / (1 + math.Exp(-s)) }

func logit(p float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return math.Log(p / (1 - p))
}
