package rank

import (
	"math"
	"testing"
)

// world is a table with known weights: what a head must find.
type world struct {
	r     random
	truth [][]float64
	cells [][]Cell
}

func newWorld(seed uint64, sizes ...int) *world {
	w := &world{r: seeded(seed)}
	for _, n := range sizes {
		t := make([]float64, n)
		for i := range t {
			t[i] = 0.6 * w.r.gauss()
		}
		w.truth, w.cells = append(w.truth, t), append(w.cells, make([]Cell, n))
	}
	return w
}

func (w *world) draw(base float64) (terms []Term, p float64) {
	s := base
	for f := range w.truth {
		i := w.r.below(uint64(len(w.truth[f])))
		s += w.truth[f][i]
		terms = append(terms, ofMain.term(&w.cells[f][i], 1))
	}
	return terms, sigmoid(s)
}

func TestHeadLearnsAndKnowsHowSureItIs(t *testing.T) {
	w := newWorld(1, 1, 10, 40, 200)
	var g Progress
	for n := range 120_000 {
		terms, p := w.draw(-3)
		y := 0.0
		if w.r.float() < p {
			y = 1
		}
		s := learn(Click, -3, terms, y, 1)
		if n > 60_000 {
			g.add(s.Mean, s.P(), y)
		}
	}
	r := g.Report()
	if r.ECE > 0.01 || r.NormalisedEntropy > 0.93 || r.AUC < 0.72 {
		t.Errorf("after 60,000 impressions: %+v", r)
	}
	// Of the logits of fresh draws about 95 % lie within two standard deviations.
	within, n := 0.0, 4_000
	for range n {
		terms, p := w.draw(-3)
		s := score(Click, -3, terms)
		if math.Abs(s.Mean-logit(p)) < 2*math.Sqrt(s.Variance) {
			within++
		}
	}
	if share := within / float64(n); share < 0.85 {
		t.Errorf("%.3f of the true logits lie within two standard deviations", share)
	}
}

// A label told in parts ends where the same label told at once does.
func TestLabelsMayComeInParts(t *testing.T) {
	whole, parts := newWorld(2, 1, 10, 40), newWorld(2, 1, 10, 40)
	worst := 0.0
	for range 40_000 {
		a, p := whole.draw(-2)
		b, _ := parts.draw(-2)
		y := math.Round(p + 0.5 - whole.r.float())
		parts.r = whole.r
		y = min(max(y, 0), 1)
		learn(Watch, -2, a, y, 1)
		learn(Watch, -2, b, 0, 1)
		if y > 0 {
			relabel(Watch, -2, b, y/2, 1)
			relabel(Watch, -2, b, y/2, 1)
		}
	}
	for f := range whole.cells {
		for i := range whole.cells[f] {
			a := []Term{ofMain.term(&whole.cells[f][i], 1)}
			b := []Term{ofMain.term(&parts.cells[f][i], 1)}
			worst = max(worst, math.Abs(score(Watch, 0, a).Mean-score(Watch, 0, b).Mean))
		}
	}
	if worst > 0.15 {
		t.Errorf("a weight differs by %.3f", worst)
	}
}

func TestOneSurpriseDoesNotOvershoot(t *testing.T) {
	for _, variance := range []float64{0.01, 0.5, 4, 40} {
		for _, mean := range []float64{-8, -3, 0, 3} {
			s := Score{mean, variance}
			for _, y := range []float64{0, 0.5, 1} {
				r, p := residual(s, y, 1)
				at := mean + variance*r
				if math.Abs(sigmoid(at)-p) > 0.02 || (y-p)*(y-s.P()) < -1e-9 {
					t.Errorf("mean %v variance %v label %v: moved to %v, which says %v and was meant to say %v", mean, variance, y, at, sigmoid(at), p)
				}
			}
		}
	}
}

func TestCalibrationMendsWhatIsOff(t *testing.T) {
	r := seeded(3)
	var raw, mended Progress
	for range 50_000 {
		s := -3 + r.gauss()
		y := 0.0
		if r.float() < sigmoid(0.6*s-0.5) { // the head shouts: its logits are too far out and shifted
			y = 1
		}
		raw.add(s, sigmoid(s), y)
	}
	c := raw.Fit()
	if math.Abs(c.Stretch+0.4) > 0.1 || math.Abs(c.Shift+0.5) > 0.25 {
		t.Errorf("the fit is %+v", c)
	}
	for range 50_000 {
		s := -3 + r.gauss()
		y := 0.0
		if r.float() < sigmoid(0.6*s-0.5) {
			y = 1
		}
		mended.add(c.Logit(s), sigmoid(c.Logit(s)), y)
	}
	if e := mended.Report().ECE; e > 0.008 {
		t.Errorf("the calibration error is still %v, it was %v", e, raw.Report().ECE)
	}
	var none Progress
	if none.Fit() != (Calibration{}) || none.Report().AUC != 0.5 {
		t.Error("nothing seen is not nothing changed")
	}
}

// The binned AUC is the textbook's on few, well separated predictions.
func TestProgressCountsPairs(t *testing.T) {
	var g Progress
	for _, c := range []struct{ s, y float64 }{{-2, 0}, {-1, 0}, {0, 1}, {1, 0}, {2, 1}} {
		g.add(c.s, sigmoid(c.s), c.y)
	}
	if got := g.Report().AUC; math.Abs(got-5.0/6) > 1e-12 {
		t.Errorf("AUC %v, five of six pairs stand right", got)
	}
}
