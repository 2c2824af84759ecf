package metric

import (
	"cmp"
	"slices"
)

// MembersMost is how many members of one kind are known of a thing; of more, those that came last.
const MembersMost = 4096

// group is what of one kind belongs to something.
type group struct {
	within Entity
	kind   Kind
}

// members is a group's things, in the order in which the log told of them first.
type members struct {
	list []Entity
	have map[Entity]struct{} // nil while there are few
}

const membersFew = 16

func (m *members) has(e Entity) bool {
	if m.have != nil {
		_, ok := m.have[e]
		return ok
	}
	return slices.Contains(m.list, e)
}

// join notes that a thing belongs to another.
func (c *catalogue) join(within, e Entity) {
	var none [16]byte
	if within.A == none || e.A == none {
		return
	}
	g := group{within, e.Kind}
	m := c.groups[g]
	if m == nil {
		m = &members{}
		c.groups[g] = m
	}
	if m.has(e) {
		return
	}
	if len(m.list) >= MembersMost {
		delete(m.have, m.list[0])
		m.list = append(m.list[:0], m.list[1:]...)
	}
	m.list = append(m.list, e)
	switch {
	case m.have != nil:
		m.have[e] = struct{}{}
	case len(m.list) > membersFew:
		m.have = make(map[Entity]struct{}, 2*len(m.list))
		for _, e := range m.list {
			m.have[e] = struct{}{}
		}
	}
}

// belonging returns what of a kind belongs to something, in no order. Pairs are kept with the product or
// creator, and videos' with the video; a brand's are those of its products.
func (c *catalogue) belonging(within Entity, kind Kind) (list []Entity) {
	listed := func(of Entity, kind Kind) []Entity {
		if m := c.groups[group{of, kind}]; m != nil {
			return m.list
		}
		return nil
	}
	switch {
	case within.Kind == Video && (kind == Product || kind == VideoProduct):
		if film := c.films[within.A]; film != nil {
			for _, p := range film.products {
				list = append(list, pairOr(kind, within.A, p))
			}
		}
	case within.Kind == Creator && kind == Product:
		for _, both := range listed(within, CreatorProduct) {
			list = append(list, Entity{Kind: Product, A: both.B})
		}
	case within.Kind == Product && kind == Creator:
		for _, both := range listed(within, CreatorProduct) {
			list = append(list, Entity{Kind: Creator, A: both.A})
		}
	case within.Kind == Product && kind == VideoProduct:
		for _, v := range listed(within, Video) {
			list = append(list, Entity{VideoProduct, v.A, within.A})
		}
	case within.Kind == Brand && (kind == CreatorProduct || kind == VideoProduct):
		for _, p := range listed(within, Product) {
			if list = append(list, c.belonging(p, kind)...); len(list) >= MembersMost {
				return list[:MembersMost]
			}
		}
	default:
		list = append(list, listed(within, kind)...)
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
	type scored struct {
		Entity
		gmv, clicks, views int64
	}
	all := make([]scored, len(list))
	for i, e := range list {
		all[i].Entity = e
		if r, ok := f.Read(e, FourWeeks); ok {
			all[i].clicks, all[i].views = r.ProductClicks, r.Views
			if len(r.Money) > 0 {
				all[i].gmv = r.Money[0].GMV
			}
		}
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

func compareEntities(a, b Entity) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), slices.Compare(a.A[:], b.A[:]), slices.Compare(a.B[:], b.B[:]))
}
