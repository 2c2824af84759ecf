package rank

import "math"

// Predictions are the calibrated logits of every head for one viewer, video and moment.
type Predictions [Heads]Score

// Goods is what is expected of a sale.
type Goods struct {
	Order  float64 // what an order is worth: price × expected quantity, in minor units
	Return float64 // the part of orders that comes back
}

// Worth is what an impression is expected to be worth, in minor units, by what it is worth it.
type Worth struct {
	Watch, Engage, Sale, Negative float64
	Total                         float64
	SD                            float64 // of Total, from how unsure the predictions are
}

// Lengths of a video between which watching it to the end is worth in proportion.
const (
	unitSeconds = 15.0
	mostSeconds = 60.0
)

// Worth returns
//
//	V = w_t·ŷ·min(d, 60 s)/15 s + w_e·p_e + w_s·p_c·p_b·[v̂(1-r̂) - c_r·r̂] - w_n·p_n
//
// with the standard deviation by the delta method over all heads, which are taken for independent:
// dV/dlogit = (term)·(1-p) for every factor of a term.
func (p *Policy) Worth(seconds float64, of *Predictions, g Goods) Worth {
	var w Worth
	var spread float64
	watch, click, buy := of[Watch].P(), of[Click].P(), of[Buy].P()
	engage, negative := of[Engage].P(), of[Negative].P()
	w.Watch = p.Watch * watch * min(max(seconds, 0), mostSeconds) / unitSeconds
	w.Engage = p.Engage * engage
	w.Sale = p.Sale * click * buy * (g.Order*(1-g.Return) - p.ReturnCost*g.Return)
	w.Negative = -p.Negative * negative
	w.Total = w.Watch + w.Engage + w.Sale + w.Negative
	for _, d := range [...]struct{ term, p, variance float64 }{
		{w.Watch, watch, of[Watch].Variance}, {w.Engage, engage, of[Engage].Variance},
		{w.Sale, click, of[Click].Variance}, {w.Sale, buy, of[Buy].Variance}, {w.Negative, negative, of[Negative].Variance},
	} {
		slope := d.term * (1 - d.p)
		spread += slope * slope * d.variance
	}
	w.SD = math.Sqrt(spread)
	return w
}
