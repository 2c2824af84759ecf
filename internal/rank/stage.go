package rank

import (
	"fmt"
	"math"
	"time"
)

// MaxStages is how many stages a policy may have before a video is open.
const MaxStages = 8

// Evidence is what a video did in the impressions it was tested with. Watch is a sum of percentiles,
// Clicked counts clicks that had time to become orders, and is at least Orders.
type Evidence struct {
	Impressions, Watch, Clicks, Clicked, Orders float64
}

// Category is what is known of the active videos of one category: what the next one will be like, as
// far as anybody can say, and what a bought order leaves.
type Category struct {
	Watch, Click, Buy Beta
	Margin            float64 // of an order, minor units, after returns
}

// Record is what a creator's newest other videos did, as counts. It helps at most Policy.Record impressions.
type Record struct{ Watch, Click, Buy Count }

// Decision is what becomes of a video at the end of a stage.
type Decision uint8

// The decisions; their numbers are part of snapshots and never change.
const (
	Wait    Decision = iota // the stage's budget is not used up
	Promote                 // on to the next stage
	Extend                  // once more the same budget: neither good nor bad enough
	Stop                    // no more reserved impressions; the open competition stays
)

var decisionNames = [...]string{"wait", "promote", "extend", "stop"}

// String returns the decision's name.
func (d Decision) String() string { return decisionNames[min(int(d), len(decisionNames)-1)] }

// Step is a decision with its reason: everything it was made of.
type Step struct {
	At          time.Time `json:"at"`
	Stage       int       `json:"stage"` // 1 is the first
	Decision    Decision  `json:"-"`
	Name        string    `json:"decision"`
	Impressions int       `json:"impressions"`
	Click       float64   `json:"click_rate"` // with what the category says of few impressions
	Watch       float64   `json:"watch_percentile"`
	Orders      int       `json:"orders"`
	Better      float64   `json:"clicks_better_than"` // the part of the category whose click rate lies below
	Bar         float64   `json:"bar"`                // the part of the category it had to beat
	Chance      float64   `json:"chance"`             // that it does
	Promote     float64   `json:"promote_from"`
	Stop        float64   `json:"stop_below"`
}

// beliefs returns what is known of a video's three rates: the category's, what the creator's record
// adds, which is worth at most Record impressions, then the video's own. Orders count from the second
// stage on: 200 impressions bring a quarter of one.
func (p *Policy) beliefs(stage int, e Evidence, c Category, r Record) (watch, click, buy Beta) {
	watch = c.Watch.with(r.Watch, p.Record).See(e.Watch, e.Impressions)
	click = c.Click.with(r.Click, p.Record).See(e.Clicks, e.Impressions)
	buy = c.Buy.with(r.Buy, p.Record*c.Click.Mean())
	if stage > 1 {
		buy = buy.See(e.Orders, math.Max(e.Clicked, e.Orders))
	}
	return watch, click, buy
}

// with returns the belief after a record that counts as at most so many observations.
func (b Beta) with(record Count, most float64) Beta {
	if record.N <= 0 {
		return b
	}
	worth := min(record.N, most)
	return b.See(worth*record.Y/record.N, worth)
}

// money returns mean and variance of w_t·watch + w_s·click·buy·margin when the rates are independent.
// In the first stage it takes the buying rate for known: what cannot have been seen decides nothing.
func (p *Policy) money(stage int, watch, click, buy Beta, margin float64) (mean, variance float64) {
	c, b, doubt := click.Mean(), buy.Mean(), buy.Variance()
	if stage == 1 {
		doubt = 0
	}
	product := (click.Variance()+c*c)*(doubt+b*b) - c*c*b*b
	w := p.Sale * margin
	return p.Watch*watch.Mean() + w*c*b, p.Watch*p.Watch*watch.Variance() + w*w*product
}

// Judge decides about a video that was shown so often in its stage (1 is the first): the chance that
// it is worth more than the stage's quantile of its category. extended says that it had a second
// budget already. The rule is the same for every creator.
func (p *Policy) Judge(stage int, extended bool, e Evidence, c Category, r Record) Step {
	at := min(max(stage, 1), len(p.Stages)) - 1
	watch, click, buy := p.beliefs(at+1, e, c, r)
	mean, variance := p.money(at+1, watch, click, buy, c.Margin)
	middle, between := p.money(at+1, c.Watch, c.Click, c.Buy, c.Margin)
	bar := middle + normalQuantile(p.Quantiles[at])*math.Sqrt(between)
	s := Step{
		Stage: at + 1, Impressions: int(e.Impressions), Orders: int(e.Orders), Click: click.Mean(), Watch: watch.Mean(),
		Better: c.Click.Below(click.Mean()), Bar: p.Quantiles[at], Promote: p.Promote, Stop: p.Stop,
		Chance: 1 - normalBelow((bar-mean)/math.Sqrt(max(variance, 1e-18))),
	}
	switch {
	case s.Chance >= p.Promote:
		s.Decision = Promote
	case s.Chance < p.Stop || extended:
		s.Decision = Stop
	default:
		s.Decision = Extend
	}
	s.Name = s.Decision.String()
	return s
}

// Budget returns how many impressions lie before the decision of a stage, all stages before it
// included; an extended stage has its own budget twice.
func (p *Policy) Budget(stage int, extended bool) int {
	at := min(max(stage, 1), len(p.Stages)) - 1
	budget := p.Stages[at]
	if extended {
		before := 0.0
		if at > 0 {
			before = p.Stages[at-1]
		}
		budget += budget - before
	}
	return int(budget)
}

// Words says a step to the creator in plain words; category is the name of the category.
func (s Step) Words(category string, stages int) string {
	what := fmt.Sprintf("Stage %d of %d, after %d impressions: clicks %.1f %%, better than %.0f %% of %s; watched longer than %.0f %% of videos of its length",
		s.Stage, stages+1, s.Impressions, 100*s.Click, 100*s.Better, category, 100*s.Watch)
	if s.Orders > 0 {
		what += fmt.Sprintf("; %d orders", s.Orders)
	}
	why := fmt.Sprintf("The chance that it earns more per impression than %.0f %% of the category is %.0f %%", 100*s.Bar, 100*s.Chance)
	switch s.Decision {
	case Promote:
		next := "it goes on to the next stage"
		if s.Stage == stages {
			next = "it is open: it competes with everything"
		}
		return fmt.Sprintf("%s. %s; %.0f %% was enough, and %s.", what, why, 100*s.Promote, next)
	case Extend:
		return fmt.Sprintf("%s. %s: too little to promote it (%.0f %%), too much to stop, so it gets the same number of impressions once more.", what, why, 100*s.Promote)
	case Stop:
		return fmt.Sprintf("%s. %s, and that is the end of its tested impressions; it can still win places by itself. A first second that shows the product, and a product that fits the clip, help the next one most.", what, why)
	}
	return what + "."
}
