package metric_test

import (
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
)

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
