package rank

import (
	"slices"
)

// How many candidates each source gives.
const (
	tasteMost    = 200
	tasteLook    = 3_000 // videos whose taste is compared
	bestEach     = 15
	bestOf       = 8  // categories that the viewer leans to
	bestFew      = 60 // of all categories, for somebody who leans to none
	bestRest     = 30 // of all categories, for others
	intentMost   = 60
	intentWithin = 24 * 3600 // seconds
	followedMost = 40
	testsMost    = 60
	chanceMost   = 10
	togetherLast = 10
	againLook    = 20_000 // videos gone through for somebody who has seen nearly everything
	skippedMost  = 2_500  // of them refused, before no more is looked through: a record holds which
)

// from is a candidate with where it came from.
type from struct {
	item    uint32
	sources Source
	because uint32 // number + 1 of the video whose deed brought it; 0: none did
}

// gathering is the candidates of a page in the making.
type gathering struct {
	*Fold
	request *Request
	viewer  *viewer // nil when the page does not go by the viewer
	random  random
	in      []bool // the categories wanted; nil: all
	list    []from
	at      map[uint32]int
	again   bool // what was seen before may come again
	skipped [][16]byte
	refused map[uint32]struct{} // the same by number
}

// gather collects candidates from all sources, each video once with all the sources it came from.
func (f *Fold) gather(r *Request, seed random) *gathering {
	g := &gathering{Fold: f, request: r, random: seeded(uint64(seed), 0x736f7572636573), in: f.within(r.Category), list: make([]from, 0, 512), at: make(map[uint32]int, 512)}
	if n, known := f.viewerOf[r.Viewer]; known && r.Personal {
		g.viewer = f.viewers.look(n)
	}
	if g.viewer != nil {
		g.taste()
		g.together()
		g.intent()
		g.ofFollowed()
	}
	g.best()
	g.tests()
	g.chance(chanceMost)
	if len(g.list) < r.N {
		g.chance(10 * r.N)
	}
	if len(g.list) < r.N {
		g.again = true
		g.everything(4 * r.N)
	}
	return g
}

// add takes a video in, if it may be shown to this viewer.
func (g *gathering) add(i uint32, source Source) bool {
	if at, there := g.at[i]; there {
		g.list[at].sources |= source
		return true
	}
	it := g.items.look(i)
	if it.activeAt == 0 || (g.in != nil && !g.in[it.facts.Category]) || len(g.list) >= 1_000 {
		return false
	}
	if (g.viewer != nil && !g.again && g.viewer.saw(i)) || g.skip(i) {
		return false
	}
	g.at[i] = len(g.list)
	g.list = append(g.list, from{item: i, sources: source})
	return true
}

// because notes by which of the viewer's own deeds a video came in; the first one found is the latest.
func (g *gathering) because(i uint32, d *deed) {
	if at, there := g.at[i]; there && g.list[at].because == 0 && d.item != i+1 {
		g.list[at].because = d.item
	}
}

// skip reports whether the caller refuses a video, and keeps which it refused: the page can be drawn
// again from that alone.
func (g *gathering) skip(i uint32) bool {
	if g.request.Skip == nil {
		return false
	}
	if _, refused := g.refused[i]; refused {
		return true
	}
	if !g.request.Skip(g.items.at(i).id) {
		return false
	}
	if g.refused == nil {
		g.refused = map[uint32]struct{}{}
	}
	g.refused[i] = struct{}{}
	g.skipped = append(g.skipped, g.items.at(i).id)
	return true
}

// near is a video or cluster with how well it suits.
type near struct {
	score float32
	at    uint32
}

// keep holds the best of what it is shown, the worst in front (a heap).
type keep struct {
	list []near
	most int
}

func (k *keep) offer(n near) {
	if len(k.list) < k.most {
		k.list = append(k.list, n)
		for at := len(k.list) - 1; at > 0 && k.list[at].score < k.list[(at-1)/2].score; at = (at - 1) / 2 {
			k.list[at], k.list[(at-1)/2] = k.list[(at-1)/2], k.list[at]
		}
		return
	}
	if n.score <= k.list[0].score {
		return
	}
	k.list[0] = n
	for at := 0; ; {
		least := at
		for _, child := range [2]int{2*at + 1, 2*at + 2} {
			if child < len(k.list) && k.list[child].score < k.list[least].score {
				least = child
			}
		}
		if least == at {
			return
		}
		k.list[at], k.list[least] = k.list[least], k.list[at]
		at = least
	}
}

// taste looks through the clusters nearest to the viewer's taste.
func (g *gathering) taste() {
	order := make([]near, 0, len(g.clusters))
	for k := range g.clusters {
		c := &g.clusters[k]
		if len(c.items) == 0 {
			continue
		}
		s := float32(0)
		for d := range c.centre {
			s += c.centre[d] * g.viewer.taste.at[d]
		}
		order = append(order, near{s, uint32(k)})
	}
	slices.SortFunc(order, func(a, b near) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return int(a.at) - int(b.at)
	})
	leans := make([]float32, len(g.categories))
	for k := range g.viewer.leanings {
		if l := &g.viewer.leanings[k]; l.category != 0 {
			leans[l.category-1] = leanLogits * l.value()
		}
	}
	best, left := keep{most: tasteMost}, tasteLook
	for _, c := range order {
		items := g.clusters[c.at].items
		start := g.random.below(uint64(len(items)))
		for k := range min(len(items), left) {
			i := items[(start+uint64(k))%uint64(len(items))]
			it := g.items.look(i)
			best.offer(near{dot(&g.viewer.taste, &it.taste) + leans[it.facts.Category], i})
		}
		if left -= len(items); left <= 0 {
			break
		}
	}
	for _, n := range best.list {
		g.add(n.at, FromTaste)
	}
}

// last calls with for the viewer's last deeds, the newest first, until it returns false.
func (g *gathering) last(n uint32, with func(d *deed) bool) {
	for k := uint32(1); k <= n; k++ {
		d := &g.viewer.deeds[(g.viewer.deedAt-k)%deeds]
		if d.item == 0 || !with(d) {
			return
		}
	}
}

func (g *gathering) together() {
	g.last(togetherLast, func(d *deed) bool {
		for _, t := range g.items.look(d.item - 1).together {
			if t.item != 0 && g.add(t.item-1, FromTogether) {
				g.because(t.item-1, d)
			}
		}
		return true
	})
}

// intent looks for what the viewer lately opened or put into the cart: others who show it, and the
// best of its category.
func (g *gathering) intent() {
	found := 0
	g.last(deeds, func(d *deed) bool {
		if d.what&(didClick|didCart) == 0 || d.at+intentWithin < g.seconds() || found >= intentMost {
			return found < intentMost
		}
		it := g.items.look(d.item - 1)
		if it.facts.Product != 0 {
			for _, i := range g.showing[it.facts.Product-1] {
				if found < intentMost && g.add(i, FromIntent) {
					g.because(i, d)
					found++
				}
			}
		}
		for k, i := range g.categories[it.facts.Category].best {
			if k < bestEach && found < intentMost && g.add(i, FromIntent) {
				g.because(i, d)
				found++
			}
		}
		return true
	})
}

// ofFollowed takes the newest of the creators whom the viewer follows, in random order of creators.
func (g *gathering) ofFollowed() {
	list := g.Fold.followed(g.viewer)
	for k := range min(len(list), followedMost) {
		j := k + int(g.random.below(uint64(len(list)-k)))
		list[k], list[j] = list[j], list[k]
	}
	found := 0
	for _, c := range list {
		for _, i := range g.creators.look(c).newest {
			if i != 0 && found < followedMost && g.add(i-1, FromFollowed) {
				found++
			}
		}
		if found >= followedMost {
			return
		}
	}
}

// best takes the best of the categories the viewer leans to, and some of every one: what is liked everywhere comes to
// those who were never shown its like.
func (g *gathering) best() {
	few := bestFew
	if g.viewer != nil && g.viewer.likes(0) != 0 && g.in == nil {
		few = bestRest
		for k := range bestOf {
			if category := g.viewer.likes(k); category != 0 {
				for k, i := range g.categories[category-1].best {
					if k < bestEach {
						g.add(i, FromBest)
					}
				}
			}
		}
	}
	found := 0
	for rank := range bestMost {
		for k := range g.categories {
			if best := g.categories[k].best; rank < len(best) && found < few && (g.in == nil || g.in[k]) && g.add(best[rank], FromBest) {
				found++
			}
		}
	}
}

// tests draws among the videos being tested: two of three from the viewer's categories.
func (g *gathering) tests() {
	if len(g.categories) == 0 {
		return
	}
	for try := range 2 * testsMost {
		k := int(g.random.below(uint64(len(g.categories))))
		if g.viewer != nil && try%3 != 0 {
			if category := g.viewer.likes(int(g.random.below(bestOf))); category != 0 {
				k = int(category - 1)
			}
		}
		if pool := g.categories[k].testing; len(pool) > 0 {
			g.add(pool[g.random.below(uint64(len(pool)))], FromTests)
		}
	}
}

// chance draws among everything, so that everything can be shown.
func (g *gathering) chance(most int) {
	if g.items.n == 0 {
		return
	}
	for found, try := 0, 0; found < most && try < 4*most; try++ {
		if g.add(uint32(g.random.below(g.items.n)), FromChance) {
			found++
		}
	}
}

// everything goes through all videos from a random one on until so many are found.
func (g *gathering) everything(most int) {
	if g.items.n == 0 {
		return
	}
	start := g.random.below(g.items.n)
	for k := uint64(0); k < min(g.items.n, againLook) && len(g.list) < most && len(g.skipped) < skippedMost; k++ {
		g.add(uint32((start+k)%g.items.n), FromAgain)
	}
}
