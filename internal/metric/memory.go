package metric

import (
	"mezzo/internal/money"
	"mezzo/internal/stream"
)

// fields returns what a state holds of the stats.
func (s *Stats) fields() []*int64 {
	return []*int64{&s.Records, &s.Events, &s.Counted, &s.Repeats, &s.Spent, &s.Unshown, &s.Late, &s.Own, &s.Flagged, &s.Forged, &s.Foreign,
		&s.Robots, &s.Told, &s.Lost, &s.Facts, &s.FactRepeats, &s.Unread}
}

// sources are what is kept in pieces, as of now.
func (f *Fold) sources() []source {
	return []source{f.films, f.brands, f.programs, f.groups, f.clicks.young, f.clicks.old, f.visits.young, f.visits.old,
		f.waiting, f.joins.young.into, f.joins.old.into, view(f.restated)}
}

// parts write the same in one go; each returns what it adds to the checksum.
func (f *Fold) parts() []func(*writer) uint64 {
	return []func(*writer) uint64{f.films.write, f.brands.write, f.programs.write, f.groups.write, f.clicks.write, f.visits.write,
		f.waiting.write, f.joins.young.into.write, f.joins.old.into.write, view(f.restated).write}
}

func (w *writer) film(v *film) {
	w.id(v.creator)
	w.int(v.duration)
	w.ids(v.products)
	w.ids(v.brands)
}

func (c *catalogue) readFilm(r *reader) {
	video := r.id()
	v := &film{creator: r.id(), duration: r.int(), products: r.ids(), brands: r.ids()}
	if len(v.products) != len(v.brands) {
		r.fail()
	}
	c.films.set(video, v)
}

func (c *catalogue) readBrand(r *reader) {
	product := r.id()
	c.brands.set(product, r.id())
}

func (w *writer) program(p *program) {
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

func (c *catalogue) readProgram(r *reader) {
	name := r.id()
	p := &program{brand: r.id(), from: r.int(), to: r.int(), all: r.uint() == 1, products: r.ids()}
	c.programs.set(name, p)
	c.offer(name, p, true)
}

func (w *writer) group(g group, m members) uint64 {
	return w.item(itemGroup, func() {
		w.id(g.within)
		w.b = append(w.b, byte(g.whose), byte(g.which))
		w.ids(m.list)
	})
}

func (c *catalogue) readGroup(r *reader) {
	within, whose, which := r.id(), Kind(r.byte()), Kind(r.byte())
	for _, id := range r.ids() {
		c.join(whose, within, which, id)
	}
}

// read reads what versions before the fourth wrote in one go.
func (c *catalogue) read(r *reader) {
	for range r.count(48) {
		c.readFilm(r)
	}
	for range r.count(32) {
		c.readBrand(r)
	}
	for range r.count(32) {
		c.readProgram(r)
	}
	for range r.count(19) {
		c.readGroup(r)
	}
}

// writeHead writes what is not in the items.
func (c *cohorts) writeHead(w *writer) {
	for _, second := range [...]uint32{c.since, c.old.begun, c.young.begun} {
		w.uint(uint64(second))
	}
}

func (c *cohorts) readHead(r *reader) {
	c.since, c.old.begun, c.young.begun = r.second(), r.second(), r.second()
}

func (w *writer) cohorts(sort byte, list []cohort) (sum uint64) {
	for i := range list {
		v := &list[i]
		sum += w.item(sort, func() {
			w.uint(v.key)
			w.uint(uint64(v.at))
			w.b = append(w.b, v.flags, byte(v.kind))
			w.id(v.content)
			w.id(v.creator)
			w.id(v.product)
		})
	}
	return sum
}

func (c *cohorts) write(w *writer) (sum uint64) {
	for i, h := range [...]*half{c.young, c.old} {
		for _, list := range h.list {
			sum += w.cohorts(c.sorts[i], list)
		}
	}
	return sum
}

func (h *half) readOne(r *reader) {
	h.add(nil, cohort{key: r.uint(), at: r.second(), flags: r.byte(), kind: Kind(r.byte()), content: r.id(), creator: r.id(), product: r.id()})
}

// read reads what versions before the fourth wrote in one go.
func (c *cohorts) read(r *reader) {
	c.since = r.second()
	for _, h := range []*half{c.old, c.young} {
		h.begun = r.second()
		for range r.count(52) {
			h.readOne(r)
		}
	}
}

func (w *writer) waiting(o *waiting) {
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

func (f *Fold) readWaiting(r *reader) {
	order := r.id()
	o := &waiting{second: r.second(), micros: r.int(), viewer: r.id(), currency: money.Currency(r.text())}
	for range r.count(34) {
		o.lines = append(o.lines, waitingLine{r.id(), r.id(), r.int(), r.int()})
	}
	for range r.count(17) {
		o.counted = append(o.counted, r.entity(0))
	}
	f.waiting.set(order, o)
}

// writeHead writes what is not in the items.
func (j *joins) writeHead(w *writer) {
	w.b = append(w.b, j.young.sort)
	for _, second := range [...]uint32{j.since, j.old.begun, j.young.begun} {
		w.uint(uint64(second))
	}
}

func (j *joins) readHead(r *reader) {
	if j.young.sort != r.byte() {
		j.young, j.old = j.old, j.young
	}
	j.since, j.old.begun, j.young.begun = r.second(), r.second(), r.second()
}

// readOne reads one of either half.
func (j *joins) readOne(r *reader, sort byte) {
	h := j.young
	if h.sort != sort {
		h = j.old
	}
	if viewer, into := r.id(), r.id(); r.err == nil {
		h.add(viewer, into)
	}
}

func (w *writer) restated(r *restated) {
	w.entity(r.entity)
	w.text(string(r.currency))
	w.uint(uint64(r.grain))
	w.uint(uint64(r.start))
	w.uint(uint64(r.field))
	w.int(r.n)
	w.uint(uint64(r.at))
	w.text(r.pos.String())
}

func (f *Fold) readRestated(r *reader) {
	s := restated{entity: r.entity(0), currency: money.Currency(r.text()), grain: Grain(r.uint()), start: r.second(), field: uint(r.uint()), n: r.int(), at: r.second()}
	pos, err := stream.ParsePosition(r.text())
	if most := uint(fields); err != nil || s.grain.Span() == 0 || s.currency == "" && s.field >= most || s.currency != "" && s.field >= moneyFields {
		r.fail()
	}
	s.pos = pos
	f.restated = append(f.restated, s)
}

// readOrders reads what versions before the fourth wrote of orders and people.
func (f *Fold) readOrders(r *reader) {
	for range r.count(37) {
		f.readWaiting(r)
	}
	for range r.count(32) {
		f.joins.readOne(r, itemJoined)
	}
	for range r.count(24) {
		f.readRestated(r)
	}
}

// items reads items to their end.
func (f *Fold) items(r *reader) {
	for r.err == nil {
		switch sort := r.byte(); sort {
		case 0:
			return
		case itemThing:
			f.readThing(r)
		case itemFilm:
			f.readFilm(r)
		case itemBrand:
			f.readBrand(r)
		case itemProgram:
			f.readProgram(r)
		case itemGroup:
			f.readGroup(r)
		case itemYoungClick:
			f.clicks.young.readOne(r)
		case itemOldClick:
			f.clicks.old.readOne(r)
		case itemYoungVisit:
			f.visits.young.readOne(r)
		case itemOldVisit:
			f.visits.old.readOne(r)
		case itemWaiting:
			f.readWaiting(r)
		case itemJoined, itemJoinedBeside:
			f.joins.readOne(r, sort)
		case itemRestated:
			f.readRestated(r)
		default:
			r.fail()
		}
	}
}

func (f *Fold) readThing(r *reader) {
	var t thing
	if r.held(&t); r.err != nil {
		return
	}
	if f.find(t.Entity) != nil {
		r.fail()
		return
	}
	f.take(&t)
}
