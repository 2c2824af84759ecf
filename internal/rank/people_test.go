package rank

import (
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

// Returns lower what a sale is expected to leave.
func TestReturnsCost(t *testing.T) {
	m := newMill(t, 52, 2, 1, 4)
	v, video := m.viewers[0], bare(m.videos[0])
	m.buy(v, video)
	m.flush()
	p := m.fold.products.at(m.fold.productOf[bare(m.products[0])])
	before := p.goods()
	line := event.SaleLine{Product: m.products[0], Quantity: 1, GMV: 2_000, Touch: &event.SaleTouch{At: m.now, Surface: "home", Video: m.videos[0]}}
	m.fact(event.OrderRefunded{Order: id.Order("").From(m.uuid()), Viewer: v, Currency: "USD", Full: true, PaidAt: m.now, Lines: []event.SaleLine{line}})
	m.flush()
	if after := p.goods(); after.Return <= before.Return || p.returned != 1 {
		t.Errorf("the return rate went from %v to %v", before.Return, after.Return)
	}
	if d := m.fold.viewers.at(m.fold.viewerOf[bare(v)]).find(m.fold.itemOf[video]); d == nil || past(d.what)&PastReturned == 0 {
		t.Error("the viewer's own past does not know it")
	}
	// An order that was never paid takes nothing back.
	m.fact(event.OrderCancelled{Order: id.Order("").From(m.uuid()), Viewer: v, Currency: "USD", Lines: []event.SaleLine{line}})
	m.flush()
	if p.returned != 1 {
		t.Errorf("%v returns", p.returned)
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
	if _, known := m.fold.viewerOf[bare(v)]; known || *m.fold.viewers.at(n) != (viewer{}) || len(m.fold.follows[n]) != 0 {
		t.Error("something is left of an erased viewer")
	}
	for _, o := range m.fold.opens[m.fold.openAt:] {
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
	if _, known := m.fold.viewerOf[bare(other)]; known || len(m.fold.follows[m.fold.viewerOf[bare(person)]]) != 1 {
		t.Error("of two with a past, the second's follows must be the first's, and no more is left of them")
	}
}
