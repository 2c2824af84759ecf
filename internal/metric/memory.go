package metric

import (
	"cmp"
	"maps"
	"slices"

	"mezzo/internal/money"
	"mezzo/internal/stream"
)

// fields returns what a state holds of the stats.
func (s *Stats) fields() []*int64 {
	return []*int64{&s.Records, &s.Events, &s.Counted, &s.Repeats, &s.Spent, &s.Unshown, &s.Late, &s.Own, &s.Flagged, &s.Forged, &s.Foreign,
		&s.Robots, &s.Told, &s.Lost, &s.Facts, &s.FactRepeats, &s.Unread}
}

func compareIDs(a, b [16]byte) int { return slices.Compare(a[:], b[:]) }

func (c *catalogue) write(w *writer) {
	w.uint(uint64(len(c.films)))
	for _, video := range slices.SortedFunc(maps.Keys(c.films), compareIDs) {
		film := c.films[video]
		w.id(video)
		w.id(film.creator)
		w.int(film.duration)
		w.ids(film.products)
		w.ids(film.brands)
	}
	w.uint(uint64(len(c.brands)))
	for _, product := range slices.SortedFunc(maps.Keys(c.brands), compareIDs) {
		w.id(product)
		w.id(c.brands[product])
	}
	w.uint(uint64(len(c.programs)))
	for _, name := range slices.SortedFunc(maps.Keys(c.programs), compareIDs) {
		p := c.programs[name]
		w.id(name)
		w.id(p.brand)
		w.int(p.from)
		w.int(p.to)
		all := uint64(0)
		if p.all {
			all = 1
		}
		w.uint(all)
		w.ids(p.products)
	}
	w.uint(uint64(len(c.groups)))
	for _, g := range slices.SortedFunc(maps.Keys(c.groups), compareGroups) {
		w.id(g.within)
		w.b = append(w.b, byte(g.whose), byte(g.which))
		w.ids(c.groups[g].list)
	}
}

func compareGroups(a, b group) int {
	return cmp.Or(compareIDs(a.within, b.within), cmp.Compare(a.whose, b.whose), cmp.Compare(a.which, b.which))
}

func (c *catalogue) read(r *reader) {
	for range r.count(48) {
		video := r.id()
		film := &film{creator: r.id(), duration: r.int(), products: r.ids(), brands: r.ids()}
		if len(film.products) != len(film.brands) {
			r.fail()
		}
		c.films[video] = film
	}
	for range r.count(32) {
		product := r.id()
		c.brands[product] = r.id()
	}
	for range r.count(32) {
		name := r.id()
		p := &program{brand: r.id(), from: r.int(), to: r.int(), all: r.uint() == 1, products: r.ids()}
		c.programs[name] = p
		c.offer(name, p, true)
	}
	for range r.count(19) {
		within, whose, which := r.id(), Kind(r.byte()), Kind(r.byte())
		for _, id := range r.ids() {
			c.join(whose, within, which, id)
		}
	}
}

func (c *cohorts) write(w *writer) {
	w.uint(uint64(c.since))
	for _, h := range []*half{&c.old, &c.young} {
		w.uint(uint64(h.begun))
		w.uint(uint64(len(h.list)))
		for i := range h.list {
			v := &h.list[i]
			w.uint(v.key)
			w.uint(uint64(v.at))
			w.b = append(w.b, v.flags, byte(v.kind))
			w.id(v.content)
			w.id(v.creator)
			w.id(v.product)
		}
	}
}

func (c *cohorts) read(r *reader) {
	c.since = r.second()
	for _, h := range []*half{&c.old, &c.young} {
		h.begun = r.second()
		for i := range r.count(52) {
			v := cohort{key: r.uint(), at: r.second(), flags: r.byte(), kind: Kind(r.byte()), content: r.id(), creator: r.id(), product: r.id()}
			h.index[v.key] = uint32(i)
			h.list = append(h.list, v)
		}
	}
}

// writeOrders writes what is remembered of orders and people.
func (f *Fold) writeOrders(w *writer) {
	w.uint(uint64(len(f.waiting)))
	for _, order := range slices.SortedFunc(maps.Keys(f.waiting), compareIDs) {
		o := f.waiting[order]
		w.id(order)
		w.uint(uint64(o.second))
		w.int(o.micros)
		w.id(o.viewer)
		w.text(string(o.currency))
		w.uint(uint64(len(o.lines)))
		for _, l := range o.lines {
			w.id(l.line)
			w.id(l.product)
			w.int(l.quantity)
			w.int(l.gmv)
		}
		w.uint(uint64(len(o.counted)))
		for _, e := range o.counted {
			w.entity(e)
		}
	}
	w.uint(uint64(len(f.joined)))
	for _, viewer := range slices.SortedFunc(maps.Keys(f.joined), compareIDs) {
		w.id(viewer)
		w.id(f.joined[viewer])
	}
	w.uint(uint64(len(f.restated)))
	for i := range f.restated {
		r := &f.restated[i]
		w.entity(r.entity)
		w.text(string(r.currency))
		w.uint(uint64(r.grain))
		w.uint(uint64(r.start))
		w.uint(uint64(r.field))
		w.int(r.n)
		w.uint(uint64(r.at))
		w.text(r.pos.String())
	}
}

func (f *Fold) readOrders(r *reader) {
	for range r.count(37) {
		order := r.id()
		o := &waiting{second: r.second(), micros: r.int(), viewer: r.id(), currency: money.Currency(r.text())}
		for range r.count(34) {
			o.lines = append(o.lines, waitingLine{r.id(), r.id(), r.int(), r.int()})
		}
		for range r.count(17) {
			o.counted = append(o.counted, r.entity(0))
		}
		f.waiting[order] = o
	}
	for range r.count(32) {
		viewer := r.id()
		f.joined[viewer] = r.id()
	}
	for range r.count(24) {
		s := restated{entity: r.entity(0), currency: money.Currency(r.text()), grain: Grain(r.uint()), start: r.second(), field: uint(r.uint()), n: r.int(), at: r.second()}
		pos, err := stream.ParsePosition(r.text())
		if most := uint(fields); err != nil || s.grain.Span() == 0 || s.currency == "" && s.field >= most || s.currency != "" && s.field >= moneyFields {
			r.fail()
		}
		s.pos = pos
		f.restated = append(f.restated, s)
	}
}
