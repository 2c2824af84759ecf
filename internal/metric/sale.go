package metric

import (
	"slices"

	"mezzo/internal/event"
	"mezzo/internal/money"
)

// waitingMost is how long an order is remembered whose lines wait for their creator.
const waitingMost = 7 * day

// waiting is a paid order some of whose lines were not attributed yet.
type waiting struct {
	second   uint32 // when it was paid
	micros   int64
	viewer   [16]byte
	currency money.Currency
	lines    []waitingLine
	counted  []Entity // for which the order counted already
}

type waitingLine struct {
	line     [16]byte
	product  [16]byte
	quantity int64
	gmv      int64
}

// sold is one line of an order and whose sale it was.
type sold struct {
	product, brand, creator, program [16]byte
	video, room                      [16]byte
}

func soldOf(l *event.SaleLine) sold {
	s := sold{product: bytesOf(l.Product), brand: bytesOf(l.Brand), creator: bytesOf(l.Creator), program: bytesOf(l.Program)}
	if l.Touch != nil {
		s.video, s.room = bytesOf(l.Touch.Video), bytesOf(l.Touch.Room)
	}
	return s
}

// aimSale gathers the things that a line's sale moves; goods says whether its product and brand are among
// them, or only those whose content won it.
func (f *Fold) aimSale(s *sold, goods bool) {
	var none [16]byte
	f.aims = f.aims[:0]
	if goods {
		f.aim(Product, s.product, none)
		f.aim(Brand, s.brand, none)
	}
	f.aim(Creator, s.creator, none)
	if s.creator != none {
		f.aim(CreatorProduct, s.creator, s.product)
	}
	f.aim(Program, s.program, none)
	f.aim(Video, s.video, none)
	if s.video != none {
		f.aim(VideoProduct, s.video, s.product)
	}
	f.aim(Room, s.room, none)
}

// countFact applies a fact.
func (f *Fold) countFact(s *step) {
	switch b := s.body.(type) {
	case event.ProductCreated:
		f.setProduct(b.ProductState)
	case event.ProductUpdated:
		f.setProduct(b.ProductState)
	case event.VideoReady:
		f.setFilm(b.VideoState)
	case event.VideoUpdated:
		f.setFilm(b.VideoState)
	case event.ProgramCreated:
		f.setProgram(b.ProgramState)
	case event.ProgramChanged:
		f.setProgram(b.ProgramState)
	case event.ShowcaseAdded:
		f.meet(bytesOf(b.Creator), bytesOf(b.Product), bytesOf(b.Brand))
	case event.OrderPaid:
		f.countPaid(s, &b)
	case event.OrderCancelled:
		if !b.PaidAt.IsZero() {
			f.waiting.remove(bytesOf(b.Order))
			f.countBack(s, b.Currency, f.moment(b.PaidAt.UnixMicro()), b.Lines)
		}
	case event.OrderRefunded:
		f.countBack(s, b.Currency, f.moment(b.PaidAt.UnixMicro()), b.Lines)
	case event.DisputeLost:
		f.countBack(s, b.Currency, f.moment(b.PaidAt.UnixMicro()), b.Lines)
	case event.CommissionCreated:
		f.attribute(s, &b.CommissionState)
		f.countCommission(s, &b.CommissionState, mCommission, f.earned(s, &b.CommissionState), 1)
	case event.CommissionReleased:
		f.countCommission(s, &b.CommissionState, mSettled, f.clicked(s, &b.CommissionState), 1)
	case event.CommissionReversed:
		f.countCommission(s, &b.CommissionState, mCommission, f.earned(s, &b.CommissionState), -1)
		if b.Released {
			f.countCommission(s, &b.CommissionState, mSettled, f.clicked(s, &b.CommissionState), -1)
		}
	case event.ViewerJoined:
		f.joinViewers(bytesOf(b.Viewer), bytesOf(b.Into))
	case event.ViewerErased:
		f.eraseViewer(bytesOf(b.Viewer))
	}
}

// moment holds a time to log time.
func (f *Fold) moment(micros int64) int64 { return max(0, min(micros, f.now)) }

func (f *Fold) earned(s *step, c *event.CommissionState) uint32 {
	if c.EarnedAt.IsZero() {
		return s.second
	}
	return uint32(f.moment(c.EarnedAt.UnixMicro()) / 1e6)
}

func (f *Fold) clicked(s *step, c *event.CommissionState) uint32 {
	if c.ClickedAt.IsZero() {
		return f.earned(s, c)
	}
	return uint32(f.moment(c.ClickedAt.UnixMicro()) / 1e6)
}

// countPaid counts an order that was paid.
func (f *Fold) countPaid(s *step, o *event.OrderPaid) {
	at := s.fact.At.UnixMicro()
	w := &waiting{second: s.second, micros: at, viewer: f.person(bytesOf(o.Viewer)), currency: o.Currency}
	for i := range o.Lines {
		l := &o.Lines[i]
		sale := soldOf(l)
		f.meet(sale.creator, sale.product, sale.brand)
		f.aimSale(&sale, true)
		w.sell(f, l.Quantity, l.GMV)
		f.orderOfClick(&sale, l.Touch)
		f.orderOfVisit(w.viewer, &sale, s.second)
		if l.Waiting {
			w.lines = append(w.lines, waitingLine{bytesOf(l.Line), sale.product, l.Quantity, l.GMV})
		}
	}
	if len(w.lines) > 0 {
		f.waiting.set(bytesOf(o.Order), w)
	}
}

// sell counts a line of the order for the things that were gathered.
func (w *waiting) sell(f *Fold, quantity, gmv int64) {
	for _, t := range f.aims {
		if !slices.Contains(w.counted, t.Entity) {
			w.counted = append(w.counted, t.Entity)
			f.add(t, w.second, fOrders, 1)
			f.pay(t, w.currency, w.second, mOrders, 1)
		}
		f.add(t, w.second, fSKUOrders, 1)
		f.add(t, w.second, fUnits, quantity)
		f.add(t, w.second, fNetUnits, quantity)
		f.pay(t, w.currency, w.second, mGMV, gmv)
		f.pay(t, w.currency, w.second, mNet, gmv)
		if t.speed == nil {
			t.speed = &speed{}
		}
		t.speed.add(f.now, w.micros, quantity)
	}
}

// attribute counts a line of a paid order for the creator who turned out to have won it.
func (f *Fold) attribute(s *step, c *event.CommissionState) {
	if c.Touch == nil {
		return
	}
	order := bytesOf(c.Order)
	w := f.waiting.change(order)
	if w == nil {
		return
	}
	line := bytesOf(c.Line)
	at := slices.IndexFunc(w.lines, func(l waitingLine) bool { return l.line == line })
	if at < 0 {
		return
	}
	sale := sold{product: w.lines[at].product, brand: bytesOf(c.Brand), creator: bytesOf(c.Creator), program: bytesOf(c.Program),
		video: bytesOf(c.Touch.Video), room: bytesOf(c.Touch.Room)}
	f.meet(sale.creator, sale.product, sale.brand)
	f.aimSale(&sale, false)
	w.sell(f, w.lines[at].quantity, w.lines[at].gmv)
	f.orderOfClick(&sale, c.Touch)
	if w.lines = slices.Delete(w.lines, at, at+1); len(w.lines) == 0 {
		f.waiting.remove(order)
	}
}

// orderOfClick counts an order for CTOR where the click lies that won it: for its content once a click, and
// for its product if that was clicked. A click too old to be remembered is taken at the fact's word.
func (f *Fold) orderOfClick(s *sold, touch *event.SaleTouch) {
	if touch == nil || touch.Link != "" || touch.Request == "" {
		return
	}
	second, done := uint32(f.moment(touch.At.UnixMicro())/1e6), uint8(0)
	if f.reach.now-second <= clickLife && second >= f.clicks.since {
		click := f.clicks.change(keyOfClick(bytesOf(touch.Request), touch.Slot))
		if click == nil {
			return // there was none: the cart was filled without one
		}
		second, done = click.at, click.flags
		click.flags |= cohortUsed
		if click.product == s.product {
			click.flags |= cohortBought
		} else {
			done |= cohortBought
		}
	}
	f.aimSale(s, true)
	for _, t := range f.aims {
		skip := uint8(cohortBought)
		if t.Kind == Creator || t.Kind == Video || t.Kind == Room {
			skip = cohortUsed
		}
		if t.Kind == Program && !f.covered(s.product, s.brand, second, t.A) {
			continue
		}
		if done&skip == 0 {
			f.add(t, second, fOrdersOfClicks, 1)
		}
	}
}

// orderOfVisit counts an order for CVR where the buyer's last visit of the product before it lies, once a
// visit, for all that the visit counted for.
func (f *Fold) orderOfVisit(viewer [16]byte, s *sold, paid uint32) {
	visit := f.visits.find(keyOfVisit(viewer, s.product))
	if visit == nil || visit.flags&cohortUsed != 0 || visit.at > paid || paid-visit.at > visitLife {
		return
	}
	visit = f.visits.change(visit.key)
	visit.flags |= cohortUsed
	f.aimCohort(visit, s.brand, visit.at)
	for _, t := range f.aims {
		f.add(t, visit.at, fOrdersOfVisits, 1)
	}
}

// countBack counts lines that were called off or given back: refunds now, net numbers and velocity where
// the sale was.
func (f *Fold) countBack(s *step, c money.Currency, paid int64, lines []event.SaleLine) {
	second := uint32(paid / 1e6)
	for i := range lines {
		l := &lines[i]
		sale := soldOf(l)
		f.aimSale(&sale, true)
		for _, t := range f.aims {
			f.add(t, s.second, fRefunds, 1)
			f.add(t, s.second, fUnitsBack, l.Quantity)
			f.pay(t, c, s.second, mRefunded, l.GMV)
			f.add(t, second, fNetUnits, -l.Quantity)
			f.pay(t, c, second, mNet, -l.GMV)
			if t.speed != nil {
				t.speed.add(f.now, paid, -l.Quantity)
			}
		}
	}
}

// countCommission counts what a line earned its creator, for all whose sale it was.
func (f *Fold) countCommission(s *step, c *event.CommissionState, field uint, second uint32, sign int64) {
	sale := sold{product: bytesOf(c.Product), brand: bytesOf(c.Brand), creator: bytesOf(c.Creator), program: bytesOf(c.Program),
		video: bytesOf(c.Video), room: bytesOf(c.Room)}
	f.aimSale(&sale, true)
	for _, t := range f.aims {
		f.pay(t, c.Amount.Currency, second, field, sign*c.Amount.Minor)
	}
}

// pay counts money of the thing.
func (f *Fold) pay(t *thing, c money.Currency, second uint32, field uint, n int64) {
	f.touch(t)
	t.purse(c).add(&f.reach, second, field, n)
	if second < f.aged {
		f.restate(t, c, second, field, n)
	}
}

func (f *Fold) dropWaiting() {
	f.waiting.each(func(order [16]byte, w *waiting) {
		if f.reach.now-w.second > waitingMost {
			f.waiting.remove(order)
		}
	})
}

// joinViewers makes what a viewer does from here count as the first viewer's of that person.
func (f *Fold) joinViewers(viewer, into [16]byte) {
	into = f.person(into)
	if viewer == into || viewer == ([16]byte{}) || into == ([16]byte{}) {
		return
	}
	f.joins.join(f.reach.now, viewer, into)
}

// eraseViewer forgets who the viewer was: which person's, and whose an order was that waits for its creator.
// What it was counted in stays: a number names nobody, nor do the 40 bits of a hash that a sketch holds until
// they slide out of the longest window, nor the 64 that stand for its clicks and visits until they are too old.
func (f *Fold) eraseViewer(viewer [16]byte) {
	f.joins.erase(viewer)
	f.waiting.each(func(order [16]byte, w *waiting) {
		if w.viewer == viewer {
			f.waiting.change(order).viewer = [16]byte{}
		}
	})
}
