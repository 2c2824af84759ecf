package rank

import "math"

// progressBins divide predictions by their logit, from -progressSpan to +progressSpan.
const (
	progressBins = 240
	progressSpan = 12.0
	// progressKept is how many impressions the picture goes by: past twice as many all counts are
	// halved, so that old ones fade.
	progressKept = 200_000
)

// Progress is progressive validation (Blum, Kalai and Langford 1999): every prediction is judged by
// what happened after it was made, before it was learned from. The zero Progress has seen nothing.
type Progress struct {
	n, p, y [progressBins]float64 // by logit: how many, the sum of predictions, the sum of labels
	loss    float64
	count   float64
}

// add takes in a prediction and its label in [0, 1].
func (g *Progress) add(logit, p, y float64) {
	bin := int((logit + progressSpan) * (progressBins / (2 * progressSpan)))
	bin = min(max(bin, 0), progressBins-1)
	g.n[bin]++
	g.p[bin] += p
	g.y[bin] += y
	q := min(max(p, 1e-9), 1-1e-9)
	g.loss -= y*math.Log(q) + (1-y)*math.Log(1-q)
	g.count++
	if g.count < 2*progressKept {
		return
	}
	for i := range g.n {
		g.n[i], g.p[i], g.y[i] = g.n[i]/2, g.p[i]/2, g.y[i]/2
	}
	g.loss, g.count = g.loss/2, g.count/2
}

// Add takes in a prediction before calibration and its label in [0, 1].
func (g *Progress) Add(s Score, y float64) { g.add(s.Mean, s.P(), y) }

// Report is how good the predictions of a head are.
type Report struct {
	N                 float64 `json:"n"`                  // impressions judged; older ones count less
	Rate              float64 `json:"rate"`               // mean label
	LogLoss           float64 `json:"logloss"`            // mean, in nats
	NormalisedEntropy float64 `json:"normalised_entropy"` // of always saying the rate: 1; better: less. 1 too while every label was the same
	AUC               float64 `json:"auc"`                // of a pair's higher label, the chance of the higher prediction; 0.5 without pairs
	ECE               float64 `json:"ece"`                // mean |prediction - label| over 20 groups of equal size
}

// Report returns how good the predictions were.
func (g *Progress) Report() Report {
	r := Report{N: g.count, AUC: 0.5}
	if g.count == 0 {
		return r
	}
	y := 0.0
	for i := range g.y {
		y += g.y[i]
	}
	r.Rate, r.LogLoss = y/g.count, g.loss/g.count
	q := min(max(r.Rate, 1e-9), 1-1e-9)
	r.NormalisedEntropy = 1
	if y > 0 && y < g.count {
		r.NormalisedEntropy = r.LogLoss / -(q*math.Log(q) + (1-q)*math.Log(1-q))
	}
	// The chance that a random yes stands above a random no, ties half; labels between count as both in part.
	below, wins, yes, no := 0.0, 0.0, y, g.count-y
	for i := range g.n {
		wins += g.y[i] * (below + (g.n[i]-g.y[i])/2)
		below += g.n[i] - g.y[i]
	}
	if yes > 0 && no > 0 {
		r.AUC = wins / (yes * no)
	}
	r.ECE = g.calibrationError(20)
	return r
}

// calibrationError returns Σ |Σp-Σy| / n over groups of neighbouring bins of about equal size.
func (g *Progress) calibrationError(groups float64) float64 {
	most, n, gap, sum := g.count/groups, 0.0, 0.0, 0.0
	for i := range g.n {
		n += g.n[i]
		gap += g.p[i] - g.y[i]
		if n >= most || i == len(g.n)-1 {
			sum += math.Abs(gap)
			n, gap = 0, 0
		}
	}
	return sum / g.count
}

// Calibration turns a head's logit into the probability that is served: σ(a·logit + b), a and b fitted
// to what happened (Platt 1999). The zero Calibration leaves the logit as it is.
type Calibration struct{ Stretch, Shift float64 } // a-1 and b

// Logit returns the calibrated logit.
func (c Calibration) Logit(s float64) float64 { return s + c.Stretch*s + c.Shift }

// calibrationLeast is how many impressions a calibration takes; calibrationPrior is how many it takes
// to outweigh the wish to change nothing.
const (
	calibrationLeast = 2_000
	calibrationPrior = 500
)

// Fit returns the calibration that fits the raw predictions seen so far best: Newton's method on the
// bins, with a quadratic pull towards no change. It is a pure function of what was added.
func (g *Progress) Fit() Calibration {
	if g.count < calibrationLeast {
		return Calibration{}
	}
	a, b := 1.0, 0.0
	for range 12 {
		prior := calibrationPrior * 0.1
		ga, gb := prior*(1-a), -prior*b
		haa, hab, hbb := prior, 0.0, prior
		for i := range g.n {
			if g.n[i] == 0 {
				continue
			}
			s := logit(g.p[i] / g.n[i]) // the bin's mean prediction
			p := sigmoid(a*s + b)
			off, h := g.y[i]-g.n[i]*p, g.n[i]*p*(1-p)
			ga, gb = ga+off*s, gb+off
			haa, hab, hbb = haa+h*s*s, hab+h*s, hbb+h
		}
		det := haa*hbb - hab*hab
		if !(det > 1e-9) {
			break
		}
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		a, b = a+min(max(da, -0.5), 0.5), b+min(max(db, -2), 2)
		if math.Abs(da)+math.Abs(db) < 1e-6 {
			break
		}
	}
	return Calibration{Stretch: min(max(a, 0.2), 3) - 1, Shift: min(max(b, -3), 3)}
}
