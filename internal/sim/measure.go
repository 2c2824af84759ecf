package sim

import (
	"math"

	"mezzo/internal/opportunity"
)

// What the world holds things for, in minor units; the watch, hide, skip and return values are those of the
// design's reference, not of the policy in force.
const (
	worthWatch   = 2.0  // a video of 15 s seen to its end
	worthLike    = 10.0 // in a video's true worth, not in the viewer's own
	costHide     = 50.0
	costSkip     = 10.0
	costReturn   = 600.0
	surplusShare = 0.25 // what a kept purchase is worth to its buyer beyond its price, as a part of it
)

// Tally is what came of a run from a day on. Amounts are minor units. Expected sums go by the world's own
// equations for what was shown; the others are what happened, orders counted where their click was.
type Tally struct {
	Impressions, Clicks, Orders, Refunds int
	GMV                                  float64 // net of refunds, as it happened
	Expected                             float64 // net of refunds, expected
	Watch, Surplus, Annoyance            float64 // of the viewers, expected
	exposure, income, expected           []float64
	daily                                []float64 // expected net GMV
	dailyShown                           []float64
}

func newTally(w *World, days int) Tally {
	n := len(w.creators)
	return Tally{exposure: make([]float64, n), income: make([]float64, n), expected: make([]float64, n), daily: make([]float64, max(days, 1)), dailyShown: make([]float64, max(days, 1))}
}

// watchValue is what watching is worth to a viewer.
func watchValue(t *truth, i *item) float64 { return worthWatch * t.watch * min(i.seconds, 60) / 15 }

// annoyance is what a viewer would rather not have seen.
func annoyance(t *truth) float64 {
	return costHide*t.hide + costSkip*t.skip + costReturn*t.click*t.buy*t.refund
}

// worthOf is the true worth of an impression by the reference's weights.
func worthOf(t *truth, i *item) float64 {
	return watchValue(t, i) + worthLike*t.like + t.click*t.buy*i.price*(1-t.refund) - annoyance(t)
}

// add takes in one impression.
func (y *Tally) add(number int, i *item, t *truth, a *response) {
	y.Impressions++
	net := t.click * t.buy * (1 - t.refund) * i.price
	y.Expected += net
	y.Watch += watchValue(t, i)
	y.Surplus += surplusShare * net
	y.Annoyance += annoyance(t)
	y.exposure[i.creator]++
	y.expected[i.creator] += commission * net
	y.daily[number] += net
	y.dailyShown[number]++
	if !a.click {
		return
	}
	y.Clicks++
	switch {
	case a.buy && a.refund:
		y.Orders++
		y.Refunds++
	case a.buy:
		y.Orders++
		y.GMV += i.price
		y.income[i.creator] += commission * i.price
	}
}

// Measures are the figures of a run, by name.
type Measures map[string]float64

// The measures, in the order they are reported.
const (
	GMV         = "gmv"          // net of refunds for 1,000 impressions, expected, minor units
	GMVHappened = "gmv_happened" // the same as it happened
	Utility     = "utility"      // of viewers for 1,000 impressions, expected, minor units
	UtilWatch   = "utility_watch"
	UtilSurplus = "utility_surplus"
	UtilAnnoyed = "utility_annoyance"
	Gini        = "gini" // of creators' expected income
	Top         = "top_1_percent"
	Middle      = "middle_share"
	Living      = "above_living_line"
	Followers   = "exposure_follows_followers" // Spearman, given true worth
	FollowRaw   = "exposure_with_followers"    // Spearman
	Merit       = "exposure_follows_worth"     // Spearman
	ClickRate   = "click_rate"
	OrderRate   = "order_rate" // of clicks
	RefundRate  = "refund_rate"
)

// Measures returns the figures of a finished run, the calibration error of every head among them.
func (r *Run) Measures() Measures {
	y := &r.Tally
	n := max(float64(y.Impressions), 1) / 1000
	income := opportunity.Of(y.expected)
	m := Measures{
		GMV: y.Expected / n, GMVHappened: y.GMV / n, Utility: (y.Watch + y.Surplus - y.Annoyance) / n,
		UtilWatch: y.Watch / n, UtilSurplus: y.Surplus / n, UtilAnnoyed: y.Annoyance / n,
		Gini: income.Gini(), Top: income.Top(0.01), Middle: income.Middle(),
		ClickRate: float64(y.Clicks) / (1000 * n), OrderRate: float64(y.Orders) / max(float64(y.Clicks), 1), RefundRate: float64(y.Refunds) / max(float64(y.Orders), 1),
	}
	days := float64(len(y.daily))
	perCreator := r.Impressions() / float64(r.Days) * days / float64(len(r.creators)) / (fullViewers * fullTraffic / fullCreators * days)
	m[Living] = income.Above(livingLine * days / 30 * perCreator)
	size, worth := make([]float64, len(r.creators)), r.worths()
	for k := range r.creators {
		size[k] = r.creators[k].followers
	}
	m[FollowRaw] = opportunity.Spearman(y.exposure, size)
	m[Followers] = opportunity.Partial(y.exposure, size, worth)
	m[Merit] = opportunity.Spearman(y.exposure, worth)
	for head, report := range r.fold.Report() {
		m["calibration_"+head] = report.ECE
	}
	return m
}

// worths returns the true worth of an impression of every creator's videos, over a sample of viewers.
func (r *Run) worths() []float64 {
	sum, n := make([]float64, len(r.creators)), make([]float64, len(r.creators))
	step := max(len(r.viewers)/100, 1)
	for k := range r.items {
		i := &r.items[k]
		for v := 0; v < len(r.viewers); v += step {
			t := r.truth(&r.viewers[v], i)
			sum[i.creator] += worthOf(&t, i)
			n[i.creator]++
		}
	}
	for k := range sum {
		sum[k] /= math.Max(n[k], 1)
	}
	return sum
}
