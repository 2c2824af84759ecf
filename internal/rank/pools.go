package rank

import (
	"math"
	"slices"
)

// category is one branch of the tree and what is known of its videos.
type category struct {
	name            string
	top             uint16
	active, testing []uint32 // videos that may be shown, and of them those with reserved places
	best            []uint32 // of the active, those worth most
	centre          [Dim]float32
	watch           Beta
	click           Beta
	buy             Beta
	margin          float64
	closed          uint64
	turn            uint64 // where the next look at the active ones begins
}

// Sizes of a look at a category.
const (
	refreshEvery = 256   // impressions closed
	lookMost     = 1_000 // videos looked at each time, taking turns
	lookLeast    = 30    // impressions a video has before it says something of its category
	bestMost     = 32
)

// forget sets what is assumed of a category of which nothing is known: the literature's rates, worth
// 50 impressions.
func (c *category) forget() {
	c.watch, c.click, c.buy, c.margin = Beta{10, 10}, Beta{1.5, 48.5}, Beta{1.5, 48.5}, 2_000
}

// known returns what a category says of its next video.
func (c *category) known() Category {
	return Category{Watch: c.watch, Click: c.click, Buy: c.buy, Margin: c.margin}
}

// refresh looks at a part of a category's videos: what they are like, and which are best.
func (f *Fold) refresh(number uint16) {
	c := &f.categories[number]
	n := min(len(c.active), lookMost)
	var watch, click, buy []Count
	var centre [Dim]float32
	worth, priced := 0.0, 0.0
	candidates := slices.Clone(c.best)
	now := f.seconds()
	for k := range n {
		i := c.active[(c.turn+uint64(k))%uint64(len(c.active))]
		it := f.items.look(i)
		for d := range centre {
			centre[d] += it.taste.at[d] / float32(n)
		}
		if it.facts.Product != 0 {
			g := f.products.look(it.facts.Product - 1).goods()
			worth += g.Order * (1 - g.Return)
			priced++
		}
		if it.shown >= lookLeast {
			e := it.evidence(now)
			watch, click = append(watch, Count{e.Watch, e.Impressions}), append(click, Count{e.Clicks, e.Impressions})
			buy = append(buy, Count{e.Orders, e.Clicked})
			candidates = append(candidates, i)
		}
	}
	c.turn += uint64(n)
	c.watch, c.click, c.buy = FitBeta(watch, 0.5), FitBeta(click, 0.03), FitBeta(buy, 0.03)
	if priced > 0 {
		c.margin = worth / priced
	}
	if n > 0 {
		c.centre = centre
	}
	f.rankBest(c, candidates, now)
}

// rankBest keeps the candidates that are worth most by what they did, shrunk to the category.
func (f *Fold) rankBest(c *category, candidates []uint32, now uint32) {
	p := &f.policies[0].policy
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	value := make(map[uint32]float64, len(candidates))
	kept := candidates[:0]
	for _, i := range candidates {
		it := f.items.look(i)
		if it.activeAt == 0 || f.categoryAt(it.facts.Category) != c {
			continue
		}
		watch, click, buy := p.beliefs(2, it.evidence(now), c.known(), Record{})
		value[i], _ = p.money(2, watch, click, buy, c.margin)
		kept = append(kept, i)
	}
	slices.SortFunc(kept, func(a, b uint32) int {
		switch {
		case value[a] > value[b]:
			return -1
		case value[a] < value[b]:
			return 1
		}
		return int(a) - int(b)
	})
	c.best = slices.Clone(kept[:min(len(kept), bestMost)])
}

func (f *Fold) categoryAt(n uint16) *category { return &f.categories[n] }

// leave takes a video out of its category's lists and the inverted file.
func (f *Fold) leave(i uint32) {
	it := f.items.at(i)
	c := &f.categories[it.facts.Category]
	if it.activeAt != 0 {
		at := it.activeAt - 1
		last := c.active[len(c.active)-1]
		c.active[at] = last
		f.items.at(last).activeAt = at + 1
		c.active, it.activeAt = c.active[:len(c.active)-1], 0
	}
	if it.testingAt != 0 {
		at := it.testingAt - 1
		last := c.testing[len(c.testing)-1]
		c.testing[at] = last
		f.items.at(last).testingAt = at + 1
		c.testing, it.testingAt = c.testing[:len(c.testing)-1], 0
	}
	f.unassign(i)
}

// pool puts a video into the lists it belongs to.
func (f *Fold) pool(i uint32) {
	f.leave(i)
	it := f.items.at(i)
	if it.state != stateReady {
		return
	}
	c := &f.categories[it.facts.Category]
	c.active = append(c.active, i)
	it.activeAt = uint32(len(c.active))
	if f.tested(it) {
		c.testing = append(c.testing, i)
		it.testingAt = uint32(len(c.testing))
	}
	f.assign(i)
}

// tested reports whether a video has reserved impressions left.
func (f *Fold) tested(it *item) bool {
	p := &f.policies[0].policy
	return it.stopped == 0 && int(it.stage) <= len(p.Stages) && int(it.served) < p.Budget(int(it.stage), it.extended != 0)
}

// cluster is a part of the inverted file: videos near one centre.
type cluster struct {
	centre [Dim]float32
	n      float32
	items  []uint32
}

// Sizes of the inverted file.
const (
	clusterCount = 256
	reassign     = 8 // steps of a video between two looks for a nearer centre
	clusterKeeps = 2_000
)

// newClusters returns empty clusters around points drawn like tastes.
func newClusters() []cluster {
	r := seeded(0x636c7573746572)
	list := make([]cluster, clusterCount)
	for k := range list {
		for d := range list[k].centre {
			list[k].centre[d] = float32(0.3 * r.gauss())
		}
	}
	return list
}

// assign puts an active video into the nearest cluster and draws that cluster a little to it (online
// k-means, MacQueen 1967): a pure function of the log, with no retraining to wait for.
func (f *Fold) assign(i uint32) {
	it := f.items.at(i)
	if it.activeAt == 0 || (it.cluster != 0 && uint32(it.taste.sum*4)%reassign != 0) {
		return
	}
	best, nearest := 0, float32(math.Inf(1))
	for k := range f.clusters {
		c, d := &f.clusters[k], float32(0)
		for x := range c.centre {
			e := c.centre[x] - it.taste.at[x]
			d += e * e
		}
		if d < nearest {
			best, nearest = k, d
		}
	}
	c := &f.clusters[best]
	c.n = min(c.n+1, clusterKeeps)
	for x := range c.centre {
		c.centre[x] += (it.taste.at[x] - c.centre[x]) / (c.n + 1)
	}
	if it.cluster == uint32(best)+1 {
		return
	}
	f.unassign(i)
	c.items = append(c.items, i)
	it.cluster, it.clusterAt = uint32(best)+1, uint32(len(c.items))
}

func (f *Fold) unassign(i uint32) {
	it := f.items.at(i)
	if it.cluster == 0 {
		return
	}
	c, at := &f.clusters[it.cluster-1], it.clusterAt-1
	last := c.items[len(c.items)-1]
	c.items[at] = last
	f.items.at(last).clusterAt = at + 1
	c.items, it.cluster, it.clusterAt = c.items[:len(c.items)-1], 0, 0
}
