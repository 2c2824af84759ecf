package lab

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"mezzo/internal/rank"
)

// HeadOptions says what a head is judged on. Columns are named by the file's first line.
type HeadOptions struct {
	File                 string
	Separator            rune
	Label, Positive      string
	Numeric, Categorical []string
	TestFraction         float64 // of the rows, drawn by seed; 0 when Progressive
	Progressive          bool    // every row is predicted before it is learned
	Seed                 uint64
}

// HeadReport is the judgement.
type HeadReport struct {
	N       int     `json:"n"`       // rows judged
	Learned int     `json:"learned"` // rows learned from
	Rate    float64 `json:"rate"`    // positives among the judged
	AUC     float64 `json:"auc"`
	PRAUC   float64 `json:"pr_auc"`
	LogLoss float64 `json:"logloss"`
	ECE     float64 `json:"ece"` // 20 groups of equal size
	F1      float64 `json:"f1"`  // at 0.5
	BestF1  float64 `json:"best_f1"`
	BestAt  float64 `json:"best_f1_at"`
}

// Head teaches the production head the rows of a table and judges its calibrated predictions.
func Head(o HeadOptions) (*HeadReport, error) {
	if o.Progressive == (o.TestFraction > 0) || o.TestFraction < 0 || o.TestFraction >= 1 {
		return nil, errors.New("it takes --progressive or a --test-fraction between 0 and 1")
	}
	if len(o.Numeric)+len(o.Categorical) == 0 {
		return nil, errors.New("it takes at least one column in --numeric or --categorical")
	}
	t, err := ReadTable(o.File, o.Separator, nil, true)
	if err != nil {
		return nil, err
	}
	h, err := newHead(t, &o)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(t.Rows))
	for i := range order {
		order[i] = i
	}
	held := 0
	if !o.Progressive {
		rand.New(rand.NewPCG(o.Seed, 0x68656164)).Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
		held = int(math.Round(o.TestFraction * float64(len(order))))
	}
	learned := order[:len(order)-held]
	if len(learned) == 0 || (!o.Progressive && held == 0) {
		return nil, fmt.Errorf("%s has %d rows: too few to learn from some and be judged on others", o.File, len(order))
	}
	if !slices.ContainsFunc(t.Rows, func(row []string) bool { return row[h.label] == o.Positive }) {
		return nil, fmt.Errorf("no row of %s has %q as its %s: there is nothing to predict", o.File, o.Positive, o.Label)
	}
	if err := h.cut(t, learned[:min(len(learned), cutRows)]); err != nil {
		return nil, err
	}
	var judged []prediction
	for _, row := range learned {
		p, err := h.learn(t, row)
		if err != nil {
			return nil, err
		}
		if o.Progressive {
			judged = append(judged, p)
		}
	}
	for _, row := range order[len(learned):] {
		p, err := h.predict(t, row)
		if err != nil {
			return nil, err
		}
		judged = append(judged, p)
	}
	r := report(judged)
	r.Learned = len(learned)
	return r, nil
}

// prediction is a probability and what it was about.
type prediction struct {
	p   float64
	yes bool
}

// Sizes of what a table is turned into.
const (
	cutRows   = 20_000 // rows whose numbers say where the cuts lie; their labels are not looked at
	cuts      = 32
	tableSize = 20 // 1 << 20 cells
	refit     = 2_000
)

// head is a production head over the columns of a table.
type head struct {
	weights     *rank.Weights
	progress    rank.Progress
	calibration rank.Calibration
	seen        float64
	label       int
	positive    string
	numeric     []int
	categorical []int
	cuts        [][]float64 // of each numeric column
	terms       []rank.Term
}

func newHead(t *Table, o *HeadOptions) (*head, error) {
	h := &head{weights: rank.NewWeights(tableSize), positive: o.Positive}
	var err error
	if h.label, err = t.Column(o.Label); err != nil {
		return nil, err
	}
	for _, names := range []struct {
		from []string
		into *[]int
	}{{o.Numeric, &h.numeric}, {o.Categorical, &h.categorical}} {
		for _, name := range names.from {
			at, err := t.Column(strings.TrimSpace(name))
			if err != nil {
				return nil, err
			}
			if at == h.label {
				return nil, fmt.Errorf("%q is the label: predicting it from itself says nothing", name)
			}
			*names.into = append(*names.into, at)
		}
	}
	return h, nil
}

// cut finds where numeric columns are cut: at quantiles of the rows given.
func (h *head) cut(t *Table, rows []int) error {
	for _, column := range h.numeric {
		var values []float64
		for _, row := range rows {
			if blank(t.Rows[row][column]) {
				continue
			}
			v, err := t.Number(row, column)
			if err != nil {
				return err
			}
			values = append(values, v)
		}
		sort.Float64s(values)
		var at []float64
		for k := 1; k < cuts && len(values) > 0; k++ {
			at = append(at, values[k*len(values)/cuts])
		}
		h.cuts = append(h.cuts, slices.Compact(at))
	}
	return nil
}

func blank(text string) bool {
	text = strings.TrimSpace(text)
	return text == "" || strings.EqualFold(text, "nan") || text == "?"
}

// row returns the terms of a row: a weight for each value of a categorical column, and for each
// numeric one a weight of its part of the cuts, fine and coarse, and a slope over the parts.
func (h *head) row(t *Table, row int) ([]rank.Term, error) {
	terms := append(h.terms[:0], h.weights.Term(0, 0, 2.5))
	column := uint8(1)
	for i, at := range h.numeric {
		if blank(t.Rows[row][at]) {
			terms = append(terms, h.weights.Term(column, 1<<40, 1))
		} else {
			v, err := t.Number(row, at)
			if err != nil {
				return nil, err
			}
			part := sort.SearchFloat64s(h.cuts[i], math.Nextafter(v, math.Inf(1)))
			slope := float64(part)/float64(max(len(h.cuts[i]), 1)) - 0.5
			terms = append(terms, h.weights.Term(column, uint64(part), 0.7), h.weights.Term(column, 1<<20+uint64(part)/4, 1), h.weights.Term(column, 1<<30, 2*slope))
		}
		column++
	}
	for _, at := range h.categorical {
		f := fnv.New64a()
		f.Write([]byte(t.Rows[row][at]))
		terms = append(terms, h.weights.Term(column, f.Sum64(), 1.5))
		column++
	}
	h.terms = terms
	return terms, nil
}

func (h *head) predict(t *Table, row int) (prediction, error) {
	terms, err := h.row(t, row)
	if err != nil {
		return prediction{}, err
	}
	s := h.weights.Score(rank.Click, 0, terms)
	s.Mean = h.calibration.Logit(s.Mean)
	return prediction{s.P(), t.Rows[row][h.label] == h.positive}, nil
}

// learn predicts a row, then learns it, and now and then calibrates.
func (h *head) learn(t *Table, row int) (prediction, error) {
	p, err := h.predict(t, row)
	if err != nil {
		return p, err
	}
	y := 0.0
	if p.yes {
		y = 1
	}
	s := h.weights.Learn(rank.Click, 0, h.terms, y)
	h.progress.Add(s, y)
	if h.seen++; int(h.seen)%refit == 0 {
		h.calibration = h.progress.Fit()
	}
	return p, nil
}
