package metric

import (
	"mezzo/internal/event"
	"mezzo/internal/id"
)

// applyStep counts one judged record.
func (f *Fold) applyStep(s *step) {
	f.stats.Lost += s.lost
	switch s.verdict {
	case unread:
		f.stats.Unread++
	case repeated:
		f.stats.Repeats++
	case spent:
		f.stats.Spent++
	case unshown:
		f.stats.Unshown++
	case late:
		f.stats.Late++
		f.aside(&s.event, fLate)
	case own:
		f.stats.Own++
		f.aside(&s.event, fOwn)
	case flagged:
		f.flag(&s.event)
	case counts:
		f.stats.Counted++
		f.countEvent(s)
	case fact:
		f.stats.Facts++
		f.lastFact = max(f.lastFact, s.fact.Seq)
		f.countFact(s)
	case factAgain:
		f.stats.FactRepeats++
	}
	switch s.verdict {
	case spent, unshown, late, own, flagged, counts:
		f.stats.Events++
	}
}

func (f *Fold) flag(b *event.Bare) {
	f.stats.Flagged++
	switch {
	case b.Flags.Has(event.Forged):
		f.stats.Forged++
	case b.Flags.Has(event.Foreign):
		f.stats.Foreign++
	case b.Flags.Has(event.Bot):
		f.stats.Robots++
	case b.Flags.Has(event.ClientPurchase):
		f.stats.Told++
	}
	f.aside(b, fFlagged)
}

// aside counts what counts nowhere else, when it arrived, for what it claims to be about; only for what
// something is known of, so that claims fill no memory.
func (f *Fold) aside(b *event.Bare, field uint) {
	f.aimAside(b)
	for _, t := range f.aims {
		f.add(t, f.reach.now, field, 1)
	}
}

func (f *Fold) aimAside(b *event.Bare) {
	f.aims = f.aims[:0]
	known := func(kind Kind, a [16]byte) {
		if a == ([16]byte{}) {
			return
		}
		t := f.find(Entity{Kind: kind, A: a})
		switch {
		case t == nil || f.idle(t):
		case f.looking:
			f.want(t)
		default:
			f.aims = append(f.aims, t)
		}
	}
	if b.Namespace != ([16]byte{}) {
		known(BrandSite, b.Brand)
		known(ProductSite, b.Product)
	} else {
		known(Video, b.Video)
		known(Room, b.Room)
		known(Creator, b.Creator)
		known(Product, b.Product)
		known(Brand, b.Brand)
	}
}

// add counts n of the field for the thing.
func (f *Fold) add(t *thing, second uint32, field uint, n int64) {
	f.touch(t)
	t.counts.add(&f.reach, second, field, n)
	if second < f.aged {
		f.restate(t, "", second, field, n)
	}
}

// aim adds the thing of an entity to those that what happened moves; while looking only to those to be fetched.
func (f *Fold) aim(kind Kind, a, b [16]byte) {
	if a == ([16]byte{}) || (kind == CreatorProduct || kind == VideoProduct) && b == ([16]byte{}) {
		return
	}
	e := Entity{Kind: kind, A: a, B: b}
	if f.looking {
		f.want(f.find(e))
		return
	}
	f.aims = append(f.aims, f.held(e))
}

func (f *Fold) countEvent(s *step) {
	b := &s.event
	if b.Namespace != ([16]byte{}) {
		f.countSite(s)
		return
	}
	switch b.Type {
	case event.Impression:
		f.each(f.watchers(b), s.second, fImpressions, 1)
		key := keyOfClick(b.Request, b.Slot)
		if click := f.clicks.find(key); click != nil && click.flags&cohortUnshown != 0 {
			click = f.clicks.change(key)
			click.flags &^= cohortUnshown
			f.each(f.impressed(s, click.product, b.Product == click.product), s.second, fClicksOfImpressions, 1)
		}
	case event.View:
		aims := f.watchers(b)
		f.each(aims, s.second, fViews, 1)
		f.viewers(aims, s)
	case event.Watch:
		if s.watch > 0 {
			f.each(f.watchers(b), s.second, fWatch, s.watch)
		}
	case event.ProductClick:
		f.countClick(s)
	case event.ProductView:
		f.aimProduct(s, b.Product)
		f.each(f.aims, s.second, fVisits, 1)
		f.viewers(f.aims, s)
		f.visit(s)
	case event.AddToCart:
		f.aimProduct(s, b.Product)
		f.each(f.aims, s.second, fCarts, 1)
	}
}

func (f *Fold) each(aims []*thing, second uint32, field uint, n int64) {
	for _, t := range aims {
		f.add(t, second, field, n)
	}
}

// countClick counts a product click, for CTR in the bucket of its impression if that was told already.
func (f *Fold) countClick(s *step) {
	b := &s.event
	if b.Product == ([16]byte{}) {
		return
	}
	f.aimProduct(s, b.Product)
	f.each(f.aims, s.second, fClicks, 1)
	f.viewers(f.aims, s)
	if !s.shown {
		return
	}
	c := cohort{key: keyOfClick(b.Request, b.Slot), at: s.second, product: b.Product}
	if s.first != 0 {
		f.each(f.impressed(s, b.Product, s.pinned), s.first, fClicksOfImpressions, 1)
	} else {
		c.flags = cohortUnshown
	}
	f.clicks.put(f.reach.now, c)
}

// impressed gathers the things for which an impression counted that was clicked: those that opening the product
// moves, but of a room or a shelf only the content and its creator unless the impression showed that product.
// A link shows nothing by itself.
func (f *Fold) impressed(s *step, product [16]byte, pinned bool) []*thing {
	var none [16]byte
	b := &s.event
	switch {
	case b.SubjectKind == id.SubjectLink:
		return nil
	case b.SubjectKind == id.SubjectVideo || pinned:
		f.aimProduct(s, product)
	default:
		f.aims = f.aims[:0]
		f.aim(Creator, b.Creator, none)
		if b.SubjectKind == id.SubjectRoom {
			f.aim(Room, b.Room, none)
		}
	}
	return f.aims
}

// visit remembers a visit of a product's page for the order that may follow.
func (f *Fold) visit(s *step) {
	b := &s.event
	if b.Product == ([16]byte{}) {
		return
	}
	c := cohort{key: keyOfVisit(s.viewer, b.Product), at: s.second, product: b.Product}
	if s.shown {
		c.creator = b.Creator
		switch b.SubjectKind {
		case id.SubjectVideo:
			c.kind, c.content = Video, b.Video
		case id.SubjectRoom:
			c.kind, c.content = Room, b.Room
		}
	}
	if old := f.visits.find(c.key); old == nil || old.at <= c.at {
		f.visits.put(f.reach.now, c)
	}
}

// watchers returns the things that impressions, views and watching of content move.
func (f *Fold) watchers(b *event.Bare) []*thing {
	if b.SubjectKind == id.SubjectVideo {
		if film := f.films.get(b.Video); film != nil {
			return f.filmAims(b.Video, film)
		}
	}
	var none [16]byte
	f.aims = f.aims[:0]
	switch b.SubjectKind {
	case id.SubjectVideo:
		f.aim(Video, b.Video, none)
	case id.SubjectRoom:
		f.aim(Room, b.Room, none)
	case id.SubjectShowcase:
	default:
		return nil // a link shows nothing by itself
	}
	f.aim(Creator, b.Creator, none)
	if b.Product != none { // what was on the shelf or pinned in the room
		f.aim(Product, b.Product, none)
		f.aim(Brand, f.brandOf(b), none)
		f.aim(CreatorProduct, b.Creator, b.Product)
		if b.SubjectKind == id.SubjectVideo {
			f.aim(VideoProduct, b.Video, b.Product)
		}
	}
	return f.aims
}

func (f *Fold) brandOf(b *event.Bare) [16]byte {
	if brand, ok := f.brands.look(b.Product); ok {
		return brand
	}
	return b.Brand
}

// filmAims returns the things that watching the video moves: it, its creator, each of its products and
// their brands, and the pairs. They are found once.
func (f *Fold) filmAims(video [16]byte, film *film) []*thing {
	if film.aims != nil && film.layout == f.layout {
		if f.looking {
			for _, t := range film.aims {
				f.want(t)
			}
		}
		return film.aims
	}
	var none [16]byte
	f.aims = f.aims[:0]
	f.aim(Video, video, none)
	f.aim(Creator, film.creator, none)
	for i, product := range film.products {
		f.aim(Product, product, none)
		f.aim(CreatorProduct, film.creator, product)
		f.aim(VideoProduct, video, product)
		if brand := film.brands[i]; brand != none && !seenBefore(film.brands[:i], brand) {
			f.aim(Brand, brand, none)
		}
	}
	if f.looking {
		return nil
	}
	film.aims, film.layout = append(film.aims[:0], f.aims...), f.layout
	return film.aims
}

func seenBefore(list [][16]byte, b [16]byte) bool {
	for _, a := range list {
		if a == b {
			return true
		}
	}
	return false
}

// aimProduct gathers the things that what was done with a product moves: it, its brand, the programs that
// cover it, and, if its token is good, the content it was found in, and the pairs.
func (f *Fold) aimProduct(s *step, product [16]byte) {
	b, content := &s.event, cohort{product: product}
	if s.shown {
		content.creator = b.Creator
		switch b.SubjectKind {
		case id.SubjectVideo:
			content.kind, content.content = Video, b.Video
		case id.SubjectRoom:
			content.kind, content.content = Room, b.Room
		}
	}
	brand := f.brands.get(product)
	if brand == ([16]byte{}) && product == b.Product {
		brand = b.Brand
	}
	f.aimCohort(&content, brand, s.second)
}

func (f *Fold) aimCohort(c *cohort, brand [16]byte, second uint32) {
	var none [16]byte
	f.aims = f.aims[:0]
	if c.product == none {
		return
	}
	f.aim(Product, c.product, none)
	f.aim(Brand, brand, none)
	f.covering(c.product, brand, second, func(program [16]byte) { f.aim(Program, program, none) })
	f.aim(Creator, c.creator, none)
	f.aim(CreatorProduct, c.creator, c.product)
	if c.kind != 0 {
		f.aim(c.kind, c.content, none)
	}
	if c.kind == Video {
		f.aim(VideoProduct, c.content, c.product)
	}
}

// viewers notes who it was for the things that count people: content by its viewers, products, brands and
// programs by who opened them.
func (f *Fold) viewers(aims []*thing, s *step) {
	hash := viewerHash(s.viewer)
	for _, t := range aims {
		switch t.Kind {
		case Video, Room, Creator:
			if s.event.Type == event.View {
				f.see(t, hash, s.second)
			}
		default:
			if s.event.Type != event.View {
				f.see(t, hash, s.second)
			}
		}
	}
}

// see counts a viewer of the thing. Before the first of another hour of log time the last one's number is
// put down, since later only who was seen last then would be known.
func (f *Fold) see(t *thing, hash uint64, second uint32) {
	f.keepBefore(t)
	if t.people == nil {
		t.people = &uniques{purged: f.reach.now / day, ended: f.reach.now / hour}
	}
	u := t.people
	if this := f.reach.now / hour; this != u.ended {
		begun := u.ended * hour
		t.counts.add(&f.reach, begun+hour-1, fHourUniques, u.count(f.reach.now, begun))
		if today := begun / day * day; f.reach.now/day*day != today {
			t.counts.add(&f.reach, begun+hour-1, fDayUniques, u.count(f.reach.now, today))
		}
		u.ended = this
	}
	u.see(&f.reach, hash, second)
}

func (f *Fold) aimSite(b *event.Bare) {
	f.aims = f.aims[:0]
	f.aim(BrandSite, b.Brand, [16]byte{})
	f.aim(ProductSite, b.Product, [16]byte{})
}

// countSite counts what a brand's own site or app told under its write key: in that brand's own numbers.
func (f *Fold) countSite(s *step) {
	var none [16]byte
	b := &s.event
	f.aimSite(b)
	field, n := uint(0), int64(1)
	switch b.Type {
	case event.Impression:
		field = fImpressions
	case event.View:
		field = fViews
	case event.Watch:
		field, n = fWatch, s.watch
	case event.ProductClick:
		field = fClicks
	case event.ProductView:
		field = fVisits
	case event.AddToCart:
		field = fCarts
	default:
		return
	}
	hash := viewerHash(s.viewer)
	for _, t := range f.aims {
		f.add(t, s.second, field, n)
		if field != fWatch && field != fCarts && b.Anonymous != none { // without consent nobody is counted as somebody
			f.see(t, hash, s.second)
		}
	}
}
