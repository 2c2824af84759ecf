package metric_test

import (
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
)

// A script that posts visits and additions without a token makes no more than a person on a day: by each product and
// viewer, whatever viewers turn out to be one person, and however the fold came here.
func TestSoManyVisitsWithoutATokenCountADay(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	other := id.Product("").Next(l.now)
	l.fact(event.ProductCreated{ProductState: event.ProductState{Product: other, Brand: s.brand}})
	viewer, second := id.Viewer("").Next(l.now), id.Viewer("").Next(l.now)
	post := func(viewer id.Viewer, product id.Product, n int) {
		for range n {
			for _, kind := range []event.Type{event.ProductView, event.AddToCart} {
				e := s.of(kind, viewer, id.Impression{})
				e.Product = product
				l.tell(e)
			}
			l.pass(time.Second)
		}
	}
	post(viewer, s.product, 100)
	f := l.fold()
	expect := func(product id.Product, n int64) {
		t.Helper()
		if r := read(t, f, metric.OfProduct(product), metric.FourWeeks); r.ProductViews != n || r.AddToCarts != n {
			t.Errorf("%d visits and %d carts, not %d", r.ProductViews, r.AddToCarts, n)
		}
	}
	expect(s.product, metric.OpenMost)
	if n := f.Stats().Spent; n != 2*(100-metric.OpenMost) {
		t.Errorf("%d events were one too many", n)
	}
	state, err := f.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	f = metric.New(metric.Options{})
	if err := f.Restore(state); err != nil {
		t.Fatal(err)
	}
	l.records = nil
	l.fact(event.ViewerJoined{Viewer: second, Into: viewer})
	post(second, s.product, 3) // the same person
	post(viewer, other, 5)
	post(id.Viewer("").Next(l.now), s.product, 7)
	l.pass(24 * time.Hour)
	post(viewer, s.product, 30) // another day
	if err := f.Apply(l.records); err != nil {
		t.Fatal(err)
	}
	expect(s.product, metric.OpenMost+7+metric.OpenMost)
	expect(other, 5)
}

// One token and many fresh ids make nothing: what it shows is visited once and put into a bag once, by each
// product that it shows, however often that is told and by whatever way the fold came here.
func TestATokenAllowsOneVisitAndOneCartOfAProduct(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	other := id.Product("").Next(l.now)
	l.fact(event.ProductCreated{ProductState: event.ProductState{Product: other, Brand: s.brand}})
	l.fact(event.VideoUpdated{VideoState: event.VideoState{Video: s.video, Creator: s.creator, DurationMS: 10_000,
		Products: []id.Product{s.product, other}, Brands: []id.Brand{s.brand, s.brand}}})
	viewer, token := id.Viewer("").Next(l.now), l.shown(s)
	tell := func(token id.Impression, product id.Product, flags event.Flags) {
		for _, kind := range []event.Type{event.ProductView, event.AddToCart} {
			e := s.of(kind, viewer, token)
			e.Product, e.Flags = product, flags
			l.tell(e)
		}
	}
	for range 50 {
		tell(token, s.product, 0)
		tell(token, other, 0)
		l.pass(time.Minute)
	}
	f := l.fold()
	expect := func(e metric.Entity, n int64) {
		t.Helper()
		if r := read(t, f, e, metric.FourWeeks); r.ProductViews != n || r.AddToCarts != n {
			t.Errorf("%s: %d visits and %d carts, not %d", e.Kind, r.ProductViews, r.AddToCarts, n)
		}
	}
	expect(metric.OfVideo(s.video), 2) // one of each product
	expect(metric.OfProduct(s.product), 1)
	expect(metric.OfProduct(other), 1)
	if n := f.Stats().Spent; n != 196 {
		t.Errorf("%d events found their token spent, not 196", n)
	}

	state, err := f.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	f = metric.New(metric.Options{})
	if err := f.Restore(state); err != nil {
		t.Fatal(err)
	}
	l.records = nil
	l.pass(30 * time.Hour)
	tell(token, s.product, event.Expired) // a token that ran out is not a new one
	tell(l.shown(s), s.product, 0)        // shown again, opened again
	tell(id.Impression{}, s.product, 0)   // off its page, as often as that is opened
	tell(id.Impression{}, s.product, 0)
	if err := f.Apply(l.records); err != nil {
		t.Fatal(err)
	}
	expect(metric.OfProduct(s.product), 4)
	expect(metric.OfVideo(s.video), 3)
}

// A click counts for CTR where its impression counted and nowhere else: a shelf or room that was seen with one
// product, or with none named, is no impression of another, and a link shows nothing by itself.
func TestAClickCountsForCTRWhereItsImpressionDid(t *testing.T) {
	for _, c := range []struct {
		name             string
		kind             id.SubjectKind
		shown            bool // the impression named the product
		first            event.Type
		creator, product metric.Counts
	}{
		{"shelf", id.SubjectShowcase, true, event.Impression, metric.Counts{Impressions: 1, ClicksOfImpressions: 1}, metric.Counts{Impressions: 1, ClicksOfImpressions: 1}},
		{"shelf, clicked first", id.SubjectShowcase, true, event.ProductClick, metric.Counts{Impressions: 1, ClicksOfImpressions: 1}, metric.Counts{Impressions: 1, ClicksOfImpressions: 1}},
		{"nothing named", id.SubjectShowcase, false, event.Impression, metric.Counts{Impressions: 1, ClicksOfImpressions: 1}, metric.Counts{}},
		{"nothing named, clicked first", id.SubjectShowcase, false, event.ProductClick, metric.Counts{Impressions: 1, ClicksOfImpressions: 1}, metric.Counts{}},
		{"link", id.SubjectLink, true, event.Impression, metric.Counts{}, metric.Counts{}},
		{"link, clicked first", id.SubjectLink, true, event.ProductClick, metric.Counts{}, metric.Counts{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLog(t)
			s := openShop(l)
			viewer, token := id.Viewer("").Next(l.now), l.shown(s)
			token.SubjectKind = c.kind
			order := []event.Type{event.Impression, event.ProductClick}
			if c.first == event.ProductClick {
				order = []event.Type{event.ProductClick, event.Impression}
			}
			for _, kind := range order {
				e := s.of(kind, viewer, token)
				if e.Video = ""; kind == event.Impression && !c.shown {
					e.Product, e.Brand = "", ""
				}
				l.pass(time.Second)
				l.tell(e)
			}
			f := l.fold()
			for e, want := range map[metric.Entity]metric.Counts{metric.OfCreator(s.creator): c.creator, metric.OfProduct(s.product): c.product,
				metric.OfCreatorProduct(s.creator, s.product): c.product, metric.OfBrand(s.brand): c.product} {
				want.ProductClicks = 1
				if r := read(t, f, e, metric.Hour); r.Counts != want {
					t.Errorf("%s: %+v, not %+v", e.Kind, r.Counts, want)
				}
			}
		})
	}
}

// A click that won several orders weeks later still counts once, and a cart filled without a click counts none.
func TestAClickOfWeeksAgoWinsOnce(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	viewer, clicked, carted := id.Viewer("").Next(l.now), l.shown(s), l.shown(s)
	l.tell(s.of(event.ProductClick, viewer, clicked))
	l.tell(s.of(event.AddToCart, viewer, carted))
	at := l.now
	for range 2 {
		for range 12 {
			l.pass(24 * time.Hour)
		}
		for _, token := range []id.Impression{clicked, clicked, carted} {
			line := event.SaleLine{Line: id.Line("").Next(l.now), Product: s.product, Brand: s.brand, Quantity: 1, GMV: 1999, Creator: s.creator, Program: s.program,
				Touch: &event.SaleTouch{At: at, Request: token.Request, Slot: token.Slot, Video: s.video}}
			l.fact(event.OrderPaid{Order: id.Order("").Next(l.now), Viewer: viewer, Currency: "USD", Lines: []event.SaleLine{line}})
		}
	}
	f := l.fold()
	for _, e := range s.everything() {
		if r := read(t, f, e, metric.FourWeeks); r.OrdersOfClicks != 1 || r.ProductClicks != 1 || r.Orders != 6 {
			t.Errorf("%s: %d of %d clicks won one of %d orders", e.Kind, r.OrdersOfClicks, r.ProductClicks, r.Orders)
		}
	}
}
