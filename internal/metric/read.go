package metric

import (
	"cmp"
	"slices"
	"time"
)

// Read returns an entity's numbers in a window, as of the fold's position and log time; false when nothing
// is known of it, or it is away and cannot be read back. It adds up at most some 500 buckets.
func (f *Fold) Read(e Entity, w Window) (Reading, bool) {
	r := Reading{Entity: e, Window: w}
	if w >= windows {
		return r, false
	}
	known := f.view(e, func(t *thing) { f.reading(&r, t) })
	return r, known
}

func (f *Fold) reading(r *Reading, t *thing) {
	r.Position, r.AsOf = f.pos, f.stamp
	from := f.reach.low[r.Window]
	var sums [fields]int64
	t.counts.sum(from, 0, sums[:])
	r.Counts.set(&sums)
	if t.people != nil {
		r.Uniques = t.people.count(f.reach.now, from)
	}
	for i := range t.purses {
		var sums [moneyFields]int64
		if t.purses[i].sum(from, 0, sums[:]); sums != [moneyFields]int64{} {
			r.Money = append(r.Money, t.purses[i].money(&sums))
		}
	}
	slices.SortStableFunc(r.Money, func(a, b Money) int { return cmp.Compare(b.Orders, a.Orders) })
	r.CTR = RateOf(r.ClicksOfImpressions, r.Impressions)
	r.CTOR = RateOf(r.OrdersOfClicks, r.ProductClicks)
	r.CVR = RateOf(r.OrdersOfVisits, r.ProductViews)
	r.RefundRate = RateOf(r.Units-r.NetUnits, r.Units)
	if t.speed != nil {
		r.Velocity = t.speed.read(f.now)
	}
}

func (c *Counts) set(s *[fields]int64) {
	*c = Counts{Impressions: s[fImpressions], Views: s[fViews], WatchMS: s[fWatch], ProductClicks: s[fClicks], ProductViews: s[fVisits],
		AddToCarts: s[fCarts], Orders: s[fOrders], SKUOrders: s[fSKUOrders], Units: s[fUnits], NetUnits: s[fNetUnits],
		Refunds: s[fRefunds], UnitsBack: s[fUnitsBack], ClicksOfImpressions: s[fClicksOfImpressions],
		OrdersOfClicks: s[fOrdersOfClicks], OrdersOfVisits: s[fOrdersOfVisits], Late: s[fLate], Flagged: s[fFlagged], Own: s[fOwn]}
}

func (p *purse) money(s *[moneyFields]int64) Money {
	return Money{Currency: p.currency, Orders: s[mOrders], GMV: s[mGMV], Refunded: s[mRefunded], Net: s[mNet], Commission: s[mCommission], Settled: s[mSettled]}
}

// Series returns the whole buckets of the grain that start in [from, to), oldest first, as far as the fold
// holds them apart: minutes of the last hour, hours of the last week, days of four weeks. Empty ones are
// left out.
func (f *Fold) Series(e Entity, g Grain, from, to time.Time) []Point {
	if g.Span() == 0 {
		return nil
	}
	var out []Point
	f.view(e, func(t *thing) {
		for _, b := range f.buckets(t, g, 0) {
			if at := time.Unix(int64(b), 0); !at.Before(from) && at.Before(to) {
				out = append(out, f.point(t, g, b))
			}
		}
	})
	return out
}

// buckets returns the starts of the thing's buckets of the grain that are held apart and whole, and have
// changed at the log second since or later; oldest first.
func (f *Fold) buckets(t *thing, g Grain, since uint32) []uint32 {
	span := uint32(g.Span() / time.Second)
	var out []uint32
	gather := func(t *table) {
		stride := t.stride()
		for at := len(t.rows) - stride; at >= 0; at -= stride {
			b := t.start(at) / span * span
			if !f.reach.holds(g, b) {
				return
			}
			if t.changed(at) >= since && (len(out) == 0 || out[len(out)-1] != b) {
				out = append(out, b)
			}
		}
	}
	gather(&t.counts)
	for i := range t.purses {
		gather(&t.purses[i].table)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// point adds up a bucket of the grain.
func (f *Fold) point(t *thing, g Grain, start uint32) Point {
	until := start + uint32(g.Span()/time.Second)
	p := Point{Start: time.Unix(int64(start), 0).UTC()}
	var sums [fields]int64
	t.counts.sum(start, until, sums[:])
	p.Counts.set(&sums)
	switch {
	case t.people == nil || g == GrainMinute:
	case t.people.ended*hour < until && g == GrainHour, t.people.ended*hour/day*day < until && g == GrainDay:
		p.Uniques = t.people.count(f.reach.now, start)
	case g == GrainHour:
		p.Uniques = sums[fHourUniques]
	case g == GrainDay:
		p.Uniques = sums[fDayUniques]
	}
	for i := range t.purses {
		var sums [moneyFields]int64
		if t.purses[i].sum(start, until, sums[:]) != 0 { // what came to nothing again is told too: rows must be written over
			p.Money = append(p.Money, t.purses[i].money(&sums))
		}
	}
	return p
}
