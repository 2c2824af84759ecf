package metric

import (
	"cmp"
	"slices"
	"sync"
)

// MembersMost is how many members of one kind are known of a thing; of more, those that came last.
const MembersMost = 1 << 14

// group is what of one kind belongs to something. Of pairs the other half is listed.
type group struct {
	within       [16]byte
	whose, which Kind
}

func (g group) hash() uint64 { return mix(hashOf(g.within) + uint64(g.whose)<<8 + uint64(g.which)) }

// members is a group's things, in the order in which the log told of them first.
type members struct {
	list [][16]byte
	have map[[16]byte]struct{} // nil while there are few
}

const membersFew = 16

func (m *members) has(id [16]byte) bool {
	if m.have != nil {
		_, ok := m.have[id]
		return ok
	}
	return slices.Contains(m.list, id)
}

// join notes that a thing belongs to another.
func (c *catalogue) join(whose Kind, within [16]byte, which Kind, id [16]byte) {
	var none [16]byte
	if within == none || id == none {
		return
	}
	g := group{within, whose, which}
	if m := c.groups.get(g); m.has(id) {
		return
	}
	if _, known := c.groups.look(g); c.full(known, c.groups.n, c.most.groups) {
		return
	}
	m := c.groups.change(g)
	if len(m.list) >= MembersMost {
		delete(m.have, m.list[0])
		m.list = append(m.list[:0], m.list[1:]...)
	}
	if len(m.list) == 0 {
		m.list = make([][16]byte, 0, 1)
	}
	m.list = append(m.list, id)
	switch {
	case m.have != nil:
		m.have[id] = struct{}{}
	case len(m.list) > membersFew:
		m.have = make(map[[16]byte]struct{}, 2*len(m.list))
		for _, id := range m.list {
			m.have[id] = struct{}{}
		}
	}
	c.groups.set(g, m)
}

// belonging returns what of a kind belongs to something, in no order. Pairs are kept with the product and
// the creator, and videos' with the video; a brand's are those of its products.
func (c *catalogue) belonging(within Entity, kind Kind) (list []Entity) {
	listed := func(which Kind, entity func(id [16]byte) Entity) {
		for _, id := range c.groups.get(group{within.A, within.Kind, which}).list {
			list = append(list, entity(id))
		}
	}
	single := func(id [16]byte) Entity { return Entity{Kind: kind, A: id} }
	switch {
	case within.Kind == Video && (kind == Product || kind == VideoProduct):
		if film := c.films.get(within.A); film != nil {
			for _, p := range film.products {
				list = append(list, pairOr(kind, within.A, p))
			}
		}
	case within.Kind == Creator && kind == Product:
		listed(CreatorProduct, single)
	case within.Kind == Creator && kind == CreatorProduct:
		listed(CreatorProduct, func(id [16]byte) Entity { return Entity{CreatorProduct, within.A, id} })
	case within.Kind == Product && kind == Creator:
		listed(CreatorProduct, single)
	case within.Kind == Product && kind == CreatorProduct:
		listed(CreatorProduct, func(id [16]byte) Entity { return Entity{CreatorProduct, id, within.A} })
	case within.Kind == Product && kind == VideoProduct:
		listed(Video, func(id [16]byte) Entity { return Entity{VideoProduct, id, within.A} })
	case within.Kind == Brand && (kind == CreatorProduct || kind == VideoProduct):
		for _, p := range c.groups.get(group{within.A, Brand, Product}).list {
			if list = append(list, c.belonging(Entity{Kind: Product, A: p}, kind)...); len(list) >= MembersMost {
				return list[:MembersMost]
			}
		}
	default:
		listed(kind, single)
	}
	return list
}

func pairOr(kind Kind, video, product [16]byte) Entity {
	if kind == Product {
		return Entity{Kind: Product, A: product}
	}
	return Entity{VideoProduct, video, product}
}

// Members returns what of a kind belongs to something, at most so many, best first: by GMV of four weeks in
// the currency of most of its orders, then by product clicks, then by views, then by name. Known are a
// brand's products, programs, creators, videos and pairs; a creator's videos, products and pairs; a product's
// creators, videos and pairs; a video's products and pairs.
func (f *Fold) Members(within Entity, kind Kind, most int) []Entity {
	f.mu.RLock()
	list := f.belonging(within, kind)
	f.mu.RUnlock()
	all := make([]scored, 0, len(list))
	for part := range slices.Chunk(list, scoreSlice) {
		all = f.scoreAll(part, all)
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.gmv, a.gmv), cmp.Compare(b.clicks, a.clicks), cmp.Compare(b.views, a.views), compareEntities(a.Entity, b.Entity))
	})
	out := make([]Entity, 0, max(0, min(most, len(all))))
	for _, s := range all[:cap(out)] {
		out = append(out, s.Entity)
	}
	return out
}

const (
	// scoreSlice is how many members are scored under one lock.
	scoreSlice = 512
	// scoresMost is how many scores are remembered at most: some 100 bytes each.
	scoresMost = 1 << 18
)

// score is what a member is ranked by, as of a version of it and the beginning of four weeks.
type score struct {
	version            uint64
	from               uint32
	gmv, clicks, views int64
}

type scored struct {
	Entity
	score
}

// scores remembers what members were ranked by: adding up a thing's buckets takes far longer than to see that
// nothing has happened to it. It is no part of the state.
type scores struct {
	mu   sync.Mutex
	held map[Entity]score
}

// scoreAll appends members with their scores. What is away is read back together; what cannot be counts as nothing.
func (f *Fold) scoreAll(list []Entity, all []scored) []scored {
	l := &f.ranked
	l.mu.Lock()
	if l.held == nil || len(l.held)+len(list) > scoresMost {
		l.held = map[Entity]score{}
	}
	var far []Entity
	f.mu.RLock()
	for _, e := range list {
		t, from := f.find(e), f.reach.low[FourWeeks]
		s, known := l.held[e]
		switch {
		case t == nil || f.idle(t):
			s = score{}
		case known && s.version == t.version && s.from == from:
		case t.away:
			far = append(far, e)
			continue
		default:
			s = t.score(from)
			l.held[e] = s
		}
		all = append(all, scored{e, s})
	}
	f.mu.RUnlock()
	l.mu.Unlock()
	if len(far) == 0 {
		return all
	}
	met := map[Entity]score{}
	_ = f.viewAll(far, func(t *thing) { met[t.Entity] = t.score(f.reach.low[FourWeeks]) })
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range far {
		if s, ok := met[e]; ok && l.held != nil {
			l.held[e] = s
		}
		all = append(all, scored{e, met[e]})
	}
	return all
}

func (t *thing) score(from uint32) score {
	s := score{version: t.version, from: from}
	var sums [fields]int64
	t.counts.sum(from, 0, sums[:])
	s.clicks, s.views = sums[fClicks], sums[fViews]
	most := int64(-1) << 62
	for i := range t.purses { // the first of those with most orders, as a reading has it
		var sums [moneyFields]int64
		if t.purses[i].sum(from, 0, sums[:]); sums != [moneyFields]int64{} && sums[mOrders] > most {
			s.gmv, most = sums[mGMV], sums[mOrders]
		}
	}
	return s
}

func compareEntities(a, b Entity) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), slices.Compare(a.A[:], b.A[:]), slices.Compare(a.B[:], b.B[:]))
}
