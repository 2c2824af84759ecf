package rank

import (
	"slices"
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// An order that comes days after its click makes up for the click's no at the very weights that had
// learned it; a second one of the same viewer, and one that no click here won, move nothing.
func TestOrdersComeLate(t *testing.T) {
	m := newMill(t, 51, 3, 1, 12)
	m.click = 0
	v := m.viewers[0]
	page, request := m.page(v, 1)
	video := page.Candidates[page.Slots[0].Candidate].Video
	m.tell(v, request, 0, video, event.Impression, 0, 0)
	m.tell(v, request, 0, video, event.ProductClick, 0, 0)
	m.flush()
	it := m.fold.items.at(m.fold.itemOf[video])
	clicked := it.cell.mean[Buy]
	if clicked >= 0 {
		t.Errorf("a click without an order moved the weight to %v", clicked)
	}
	m.tick(3 * 24 * time.Hour)
	if matured := it.clicked(m.fold.seconds()); matured <= 0.3*float64(it.clicks) || matured >= float64(it.clicks) {
		t.Errorf("after three days %v of %v clicks count as decided", matured, it.clicks)
	}
	m.buy(v, video)
	m.flush()
	bought := it.cell.mean[Buy]
	if bought <= 0 || it.orders != 1 {
		t.Errorf("the order moved the weight from %v to %v, orders %v", clicked, bought, it.orders)
	}
	m.buy(v, video)
	m.buy(m.viewers[1], video)
	m.flush()
	if it.cell.mean[Buy] != bought || it.orders != 1 {
		t.Errorf("a second order of the viewer, or a stranger's, moved the weight to %v, orders %v", it.cell.mean[Buy], it.orders)
	}
	m.tick(8 * 24 * time.Hour)
	if r := m.fold.Report()["buy"]; r.N != 1 || r.Rate != 1 {
		t.Errorf("the click was judged as %+v", r)
	}
}

// A returned order carries no weight: what it had moved is as before it, but for the return that is
// remembered. What nobody clicked here, the own things one buys, and a line of a thousand pieces move
// nothing, or no more than a few pieces would.
func TestReturnedOrdersCarryNoWeight(t *testing.T) {
	m := newMill(t, 52, 3, 1, 4)
	m.click = 0
	v := m.viewers[0]
	page, request := m.page(v, 1)
	video := page.Candidates[page.Slots[0].Candidate].Video
	it := m.fold.items.at(m.fold.itemOf[video])
	p := m.fold.products.at(it.products[0] - 1)
	untouched := *p
	m.tell(v, request, 0, video, event.Impression, 0, 0)
	m.tell(v, request, 0, video, event.ProductClick, 0, event.Own)
	m.buy(v, video)
	m.flush()
	if *p != untouched || it.orders != 0 || it.cell.mean[Buy] != 0 {
		t.Errorf("a purchase of the own moved the product to %+v, the video to %v orders", *p, it.orders)
	}
	v = m.viewers[1]
	page, request = m.page(v, 4)
	for slot := range page.Slots {
		if page.Candidates[page.Slots[slot].Candidate].Video == video {
			m.tell(v, request, slot, video, event.Impression, 0, 0)
			m.tell(v, request, slot, video, event.ProductClick, 0, 0)
		}
	}
	m.flush()
	clicked, before := it.cell.mean[Buy], p.goods()
	m.buy(v, video)
	m.flush()
	if it.orders != 1 || p.orders != 1 || !(it.cell.mean[Buy] > clicked) {
		t.Fatalf("an order that counts: video %v, product %v, weight %v after %v", it.orders, p.orders, it.cell.mean[Buy], clicked)
	}
	back := func(full bool) {
		product := id.Product("").From(p.id)
		line := event.SaleLine{Product: product, Quantity: 1, GMV: 2_000, Touch: &event.SaleTouch{At: m.now, Surface: "home", Video: id.Video("").From(video)}}
		m.fact(event.OrderRefunded{Order: id.Order("").From(m.uuid()), Viewer: v, Currency: "USD", Full: full, PaidAt: m.now, Lines: []event.SaleLine{line}})
		m.flush()
	}
	back(false)
	if it.orders != 1 || p.returned != 0 {
		t.Error("a refund of a part took the order back")
	}
	back(true)
	back(true) // twice says nothing more
	if it.orders != 0 || p.orders != 0 || p.returned != 1 || p.value != 0 || p.units != 0 {
		t.Errorf("after the return: video %v, product %+v", it.orders, *p)
	}
	if left := float64(it.cell.mean[Buy] - clicked); left > 0.02 || left < -0.05 {
		t.Errorf("of the weight %v is left", left)
	}
	if after := p.goods(); after.Return <= before.Return || after.Order != before.Order {
		t.Errorf("of a sale %+v is expected, before it was %+v", after, before)
	}
	if d := m.fold.viewers.at(m.fold.viewerOf[bare(v)]).find(m.fold.itemOf[video]); d == nil || past(d.what)&PastReturned == 0 {
		t.Error("the viewer's own past does not know it")
	}
}

// A lost dispute carries no weight either: of the line the bank took whole nothing is left, of one it took a part
// of everything is.
func TestLostDisputesCarryNoWeight(t *testing.T) {
	m := newMill(t, 52, 3, 1, 4)
	m.click = 0
	v := m.viewers[1]
	page, request := m.page(v, 1)
	video := page.Candidates[page.Slots[0].Candidate].Video
	it := m.fold.items.at(m.fold.itemOf[video])
	p := m.fold.products.at(it.products[0] - 1)
	m.tell(v, request, 0, video, event.Impression, 0, 0)
	m.tell(v, request, 0, video, event.ProductClick, 0, 0)
	m.flush()
	clicked := it.cell.mean[Buy]
	m.buy(v, video)
	m.flush()
	if it.orders != 1 || p.orders != 1 || !(it.cell.mean[Buy] > clicked) {
		t.Fatalf("an order that counts: video %v, product %v, weight %v after %v", it.orders, p.orders, it.cell.mean[Buy], clicked)
	}
	take := func(quantity int64) {
		line := event.SaleLine{Product: id.Product("").From(p.id), Quantity: quantity, GMV: 2_000, Touch: &event.SaleTouch{At: m.now, Surface: "home", Video: id.Video("").From(video)}}
		m.fact(event.DisputeLost{DisputeState: event.DisputeState{Order: id.Order("").From(m.uuid())}, Viewer: v, Currency: "USD", PaidAt: m.now, Lines: []event.SaleLine{line}})
		m.flush()
	}
	take(0)
	if it.orders != 1 || p.returned != 0 {
		t.Error("a dispute about a part took the order back")
	}
	take(1)
	take(1) // told twice it says nothing more
	if it.orders != 0 || p.orders != 0 || p.returned != 1 || p.value != 0 {
		t.Errorf("after the loss: video %v, product %+v", it.orders, *p)
	}
	if left := float64(it.cell.mean[Buy] - clicked); left > 0.02 || left < -0.05 {
		t.Errorf("of the weight %v is left", left)
	}
}

// A series of refunds, line by line and piece by piece, comes to what one refund of everything comes to: each line leaves
// the records when the last of it has come back, once, with what it was sold for.
func TestRefundsLineByLineComeToAReturn(t *testing.T) {
	type sold struct {
		it *item
		p  *product
	}
	back := func(t *testing.T, tell func(m *mill, v id.Viewer, lines []event.SaleLine, whole func(i int, is bool))) (left [][4]float32) {
		m := newMill(t, 57, 3, 2, 6)
		m.click = 0
		v := m.viewers[1]
		var lines []event.SaleLine
		var all []sold
		for len(all) < 2 {
			page, request := m.page(v, 1)
			video := page.Candidates[page.Slots[0].Candidate].Video
			it := m.fold.items.at(m.fold.itemOf[video])
			p := m.fold.products.at(it.products[0] - 1)
			if slices.ContainsFunc(all, func(s sold) bool { return s.p == p }) {
				continue
			}
			m.tell(v, request, 0, video, event.Impression, 0, 0)
			m.tell(v, request, 0, video, event.ProductClick, 0, 0)
			m.flush()
			all = append(all, sold{it, p})
			lines = append(lines, event.SaleLine{Product: id.Product("").From(p.id), Quantity: 3, GMV: 6_000, Touch: &event.SaleTouch{At: m.now, Surface: "home", Video: id.Video("").From(video)}})
		}
		m.fact(event.OrderPaid{Order: id.Order("").From(m.uuid()), Viewer: v, Currency: "USD", PlacedAt: m.now, Lines: lines})
		m.flush()
		whole := func(i int, is bool) {
			t.Helper()
			m.flush()
			if s := all[i]; (s.it.orders == 0) != is || (s.p.orders == 0) != is || (s.p.returned == 1) != is {
				t.Errorf("line %d has come back: %v, and of it there are video %v, product %+v", i, is, s.it.orders, *s.p)
			}
		}
		whole(0, false)
		whole(1, false)
		tell(m, v, lines, whole)
		for i, s := range all {
			whole(i, true)
			left = append(left, [4]float32{s.it.orders, s.p.orders, s.p.units, s.p.value})
		}
		return left
	}
	refund := func(m *mill, v id.Viewer, full bool, line event.SaleLine, quantity int64, gone ...event.SaleLine) {
		line.Quantity, line.GMV = quantity, 2_000*quantity
		m.fact(event.OrderRefunded{Order: id.Order("").From(m.uuid()), Viewer: v, Currency: "USD", Full: full, PaidAt: m.now, Lines: []event.SaleLine{line}, Gone: append([]event.SaleLine{}, gone...)})
	}
	once := back(t, func(m *mill, v id.Viewer, lines []event.SaleLine, _ func(int, bool)) {
		m.fact(event.OrderRefunded{Order: id.Order("").From(m.uuid()), Viewer: v, Currency: "USD", Full: true, PaidAt: m.now, Lines: lines}) // as it was told before
	})
	series := back(t, func(m *mill, v id.Viewer, lines []event.SaleLine, whole func(int, bool)) {
		refund(m, v, false, lines[0], 2)
		whole(0, false)
		refund(m, v, false, lines[0], 1, lines[0])
		refund(m, v, false, lines[0], 1, lines[0]) // told twice it says nothing more
		whole(0, true)
		whole(1, false)
		refund(m, v, false, lines[1], 1)
		refund(m, v, true, lines[1], 2, lines[1])
	})
	if !slices.Equal(once, series) || series[0] != [4]float32{} || series[1] != [4]float32{} {
		t.Errorf("of one refund %v is left, of a series %v", once, series)
	}
}

// A line of a thousand pieces says no more of the next order than one of a few.
func TestOneLargeOrderSaysLittle(t *testing.T) {
	p := product{price: 1_000}
	p.sold(&event.SaleLine{Quantity: 1_000, GMV: 1_000_000}, 1)
	if g := p.goods(); g.Order > mostUnits*1_000 {
		t.Errorf("the next order is expected to bring %v", g.Order)
	}
	p.sold(&event.SaleLine{Quantity: 1_000, GMV: 1_000_000}, -1)
	if g := p.goods(); g.Order != 1_000 {
		t.Errorf("after its return %v", g.Order)
	}
}

// Who is erased is gone from the state: their place is empty, their id unknown, their next event that
// of somebody new.
func TestErasedIsGone(t *testing.T) {
	m := newMill(t, 53, 4, 2, 20)
	m.run(2)
	v := m.viewers[1]
	page, request := m.page(v, 2)
	video := page.Candidates[page.Slots[0].Candidate].Video
	m.tell(v, request, 0, video, event.Impression, 0, 0)
	m.tell(v, request, 0, video, event.ProductClick, 0, 0)
	m.fact(event.CreatorFollowed{Viewer: v, Creator: m.creators[0]})
	m.flush()
	n := m.fold.viewerOf[bare(v)]
	m.fact(event.ViewerErased{Viewer: v})
	m.flush()
	if _, known := m.fold.viewerOf[bare(v)]; known || *m.fold.viewers.at(n) != (viewer{}) || len(m.fold.followed(m.fold.viewers.at(n))) != 0 {
		t.Error("something is left of an erased viewer")
	}
	for _, o := range openOnes(m.fold) {
		if o.viewer == n && o.gone == 0 {
			t.Error("an impression still names the erased viewer")
		}
	}
	m.tick(time.Hour)
	m.tick(9 * 24 * time.Hour)
	if page, _ := m.page(v, 4); len(page.Slots) != 4 {
		t.Error("who comes back is shown nothing")
	}
}

// What a viewer did before signing in is theirs afterwards.
func TestJoinedViewersKeepTheirPast(t *testing.T) {
	m := newMill(t, 54, 2, 2, 40)
	m.run(3)
	guest, person := m.viewers[0], m.viewer()
	was := *m.fold.viewers.at(m.fold.viewerOf[bare(guest)])
	m.fact(event.ViewerJoined{Viewer: guest, Into: person})
	m.flush()
	is := *m.fold.viewers.at(m.fold.viewerOf[bare(person)])
	was.id = bare(person)
	if is != was {
		t.Error("the person is somebody else than the guest was")
	}
	other := m.viewers[1]
	m.fact(event.CreatorFollowed{Viewer: other, Creator: m.creators[1]})
	m.fact(event.ViewerJoined{Viewer: other, Into: person})
	m.flush()
	if _, known := m.fold.viewerOf[bare(other)]; known || len(m.fold.followed(m.fold.viewers.at(m.fold.viewerOf[bare(person)]))) != 1 {
		t.Error("of two with a past, the second's follows must be the first's, and no more is left of them")
	}
}

// openOnes returns the impressions that may still be answered.
func openOnes(f *Fold) (all []open) {
	f.opens.each(func(o *open) { all = append(all, *o) })
	return all
}

// A click is remembered until its order may no longer come, whatever else a viewer does; and the rest as
// long as there is room.
func TestAClickOutlivesOtherDeeds(t *testing.T) {
	const now = 1_800_000_000
	var v viewer
	last := func(n int) (items []uint32) {
		for k := uint32(1); k <= deeds && len(items) < n; k++ {
			items = append(items, v.deeds[(v.deedAt-k)%deeds].item-1)
		}
		return items
	}
	v.do(7, now, 3, didClick)
	v.do(8, now, 0, didWatch)
	for k := range uint32(500) {
		v.do(100+k, now+k, 0, didWatch)
	}
	if d := v.find(7); d == nil || d.what != didClick|3 || d.at != now {
		t.Fatalf("of the click there is %+v", d)
	}
	if v.find(8) != nil || !slices.Equal(last(3), []uint32{599, 598, 597}) || v.find(600-(deeds-1)) == nil {
		t.Errorf("the last deeds are %v", last(deeds))
	}
	v.do(7, now+3600, 5, didWatch) // its order is counted from its click
	if d := v.find(7); d.at != now || d.what != didClick|didWatch|3 {
		t.Errorf("watched again it is %+v", d)
	}
	for k := range uint32(500) { // of clicks the newest, and room is left for other deeds
		v.do(1_000+k, now+k, 0, didClick)
		v.do(2_000+k, now+k, 0, didEngage)
	}
	clicks := 0
	for k := range v.deeds {
		if v.deeds[k].what&didClick != 0 {
			clicks++
		}
	}
	if v.find(7) != nil || v.find(1_499) == nil || v.find(1_499-clicksKept+1) == nil || clicks > clicksKept+1 {
		t.Errorf("%d clicks are kept: %v", clicks, last(deeds))
	}
	for k := range uint32(deeds) {
		v.do(3_000+k, now+clickKept+600, 0, didWatch)
	}
	if v.find(1_499) != nil {
		t.Error("a click of long ago is kept")
	}
}
