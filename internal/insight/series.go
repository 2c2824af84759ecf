package insight

import (
	"context"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// MaxPoints is how many buckets one answer may have.
const MaxPoints = 1500

// grain is a step of a series, and how far back it is kept and asked for when nobody says.
type grain struct {
	name        string
	grain       metric.Grain
	step, usual time.Duration
	most        time.Duration
	inWords     string
}

// The grains: one table for the answers and the words of refusals. Minutes are kept for an hour, hours for
// metric.HourLife, days for good.
var grains = [...]grain{
	{"minute", metric.GrainMinute, time.Minute, time.Hour, time.Hour, "an hour"},
	{"hour", metric.GrainHour, time.Hour, 24 * time.Hour, 28 * 24 * time.Hour, "28 days"},
	{"day", metric.GrainDay, 24 * time.Hour, 28 * 24 * time.Hour, 400 * 24 * time.Hour, "400 days"},
}

// Point is what happened in one bucket.
type Point struct {
	Start       time.Time     `json:"start"`
	Impressions int64         `json:"impressions"`
	Views       int64         `json:"views"`
	Clicks      int64         `json:"product_clicks"`
	Visits      int64         `json:"product_views"`
	Carts       int64         `json:"add_to_carts"`
	Orders      int64         `json:"orders"`
	Units       int64         `json:"units"`
	GMV         *money.Amount `json:"gmv" doc:"In the series' currency; null when nothing was sold in it"`
	NetGMV      *money.Amount `json:"net_gmv"`
	Commission  *money.Amount `json:"commission"`
}

// Series is an entity's buckets, oldest first, without gaps.
type Series struct {
	Entity   string         `json:"entity"`
	Grain    string         `json:"grain" enum:"minute,hour,day"`
	From     time.Time      `json:"from"`
	To       time.Time      `json:"to"`
	AsOf     time.Time      `json:"as_of"`
	Currency money.Currency `json:"currency" doc:"The main one within the span; empty before the first sale"`
	Points   []Point        `json:"points" nullable:"false"`
}

// Span is what part of a series is asked for; zero times are the usual span up to now.
type Span struct {
	From, To time.Time
	Grain    string // minute, hour, day; "": what suits the span
}

// Series returns an entity's history. Errors are those of Numbers; Invalid names the bounds.
func (i *Insight) Series(ctx context.Context, who account.Asker, e metric.Entity, s Span) (Series, error) {
	g, s, err := s.whole(i.clock.Now())
	if err != nil {
		return Series{}, err
	}
	if err := i.allow(ctx, who, e); err != nil {
		return Series{}, err
	}
	return i.series(e, g, s), nil
}

func (i *Insight) series(e metric.Entity, g grain, s Span) Series {
	out := Series{Entity: e.String(), Grain: g.name, From: s.From, To: s.To, AsOf: i.source.Stamp(), Points: []Point{}}
	found := i.source.Series(e, g.grain, s.From, s.To)
	out.Currency = mainOf(found)
	at := s.From
	for _, p := range found {
		if p.Start.Before(at) || !p.Start.Before(s.To) {
			continue
		}
		for ; at.Before(p.Start); at = at.Add(g.step) {
			out.Points = append(out.Points, Point{Start: at})
		}
		out.Points = append(out.Points, pointOf(p, out.Currency))
		at = p.Start.Add(g.step)
	}
	for ; at.Before(s.To); at = at.Add(g.step) {
		out.Points = append(out.Points, Point{Start: at})
	}
	return out
}

func pointOf(p metric.Point, c money.Currency) Point {
	out := Point{Start: p.Start, Impressions: p.Impressions, Views: p.Views, Clicks: p.ProductClicks, Visits: p.ProductViews, Carts: p.AddToCarts, Orders: p.Orders, Units: p.Units}
	for _, m := range p.Money {
		if m.Currency == c {
			out.GMV, out.NetGMV, out.Commission = &money.Amount{Minor: m.GMV, Currency: c}, &money.Amount{Minor: m.Net, Currency: c}, &money.Amount{Minor: m.Commission, Currency: c}
		}
	}
	return out
}

// mainOf is the currency of most orders of a span; of two alike the one met first.
func mainOf(points []metric.Point) (c money.Currency) {
	orders := map[money.Currency]int64{}
	var order []money.Currency
	for _, p := range points {
		for _, m := range p.Money {
			if _, met := orders[m.Currency]; !met {
				order = append(order, m.Currency)
			}
			orders[m.Currency] += m.Orders
		}
	}
	for _, o := range order {
		if c == "" || orders[o] > orders[c] {
			c = o
		}
	}
	return c
}

// whole fills in what was not said, on whole buckets, and refuses what is too much.
func (s Span) whole(now time.Time) (grain, Span, error) {
	g, err := s.grain(now)
	if err != nil {
		return g, s, err
	}
	if s.To.IsZero() {
		s.To = now
	}
	if s.From.IsZero() {
		s.From = s.To.Add(-g.usual)
	}
	s.From, s.To = s.From.UTC().Truncate(g.step), ceil(s.To.UTC(), g.step)
	switch span := s.To.Sub(s.From); {
	case g.grain == metric.GrainMinute && now.Sub(s.From) > g.most+2*g.step:
		return g, s, fault.InvalidField("query.from", "Minutes are kept for an hour. Ask by the hour for what was before.")
	case g.grain == metric.GrainHour && now.Sub(s.From) > metric.HourLife:
		return g, s, fault.InvalidField("query.from", "Hours are kept for %d days. Ask by the day for what was before.", metric.HourLife/(24*time.Hour))
	case !s.From.Before(s.To):
		return g, s, fault.InvalidField("query.from", "from must lie before to.")
	case span > g.most+g.step || span/g.step > MaxPoints:
		return g, s, fault.InvalidField("query.from", "By the %s, ask for at most %s at once.", g.name, g.inWords)
	}
	return g, s, nil
}

func ceil(t time.Time, step time.Duration) time.Time {
	if cut := t.Truncate(step); !cut.Equal(t) {
		return cut.Add(step)
	}
	return t
}

func (s Span) grain(now time.Time) (grain, error) {
	for _, g := range grains {
		if g.name == s.Grain {
			return g, nil
		}
	}
	if s.Grain != "" {
		return grain{}, fault.InvalidField("query.grain", "Ask by the minute, hour or day.")
	}
	to := s.To
	if to.IsZero() {
		to = now
	}
	switch span := to.Sub(s.From); {
	case s.From.IsZero(), span > 7*24*time.Hour && span < 401*24*time.Hour, span > time.Hour && now.Sub(s.From) > metric.HourLife:
		return grains[2], nil
	case span > time.Hour:
		return grains[1], nil
	}
	return grains[0], nil
}
