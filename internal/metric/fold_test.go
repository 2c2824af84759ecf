package metric_test

import (
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

func read(t *testing.T, f *metric.Fold, e metric.Entity, w metric.Window) metric.Reading {
	t.Helper()
	r, ok := f.Read(e, w)
	if !ok {
		t.Fatalf("nothing is known of %s", e)
	}
	return r
}

// One tap and one order move each number of everything they belong to.
func TestOneTapAndOneOrder(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	viewer := id.Viewer("").Next(l.now)
	token := l.shown(s)
	l.pass(time.Second)
	click := s.of(event.ProductClick, viewer, token)
	click.At = l.now.Add(400 * time.Millisecond)
	l.pass(500 * time.Millisecond)
	l.tell(click) // clicks come at once, impressions with the next batch
	shown := s.of(event.Impression, viewer, token)
	shown.At = noon.Add(time.Second)
	l.pass(time.Second)
	l.tell(shown)
	l.tell(s.of(event.View, viewer, token))
	watch := s.of(event.Watch, viewer, token)
	watch.WatchMS = 2000
	l.tell(watch)
	l.tell(s.of(event.ProductView, viewer, token))
	l.tell(s.of(event.AddToCart, viewer, token))
	l.pass(10 * time.Second)
	line := event.SaleLine{Line: id.Line("").Next(l.now), Product: s.product, Brand: s.brand, Quantity: 2, GMV: 3998, Creator: s.creator, Program: s.program,
		Commission: 600, Touch: &event.SaleTouch{At: click.At, Request: token.Request, Slot: 1, Video: s.video}}
	l.fact(event.OrderPaid{Order: id.Order("").Next(l.now), Viewer: viewer, Currency: "USD", Lines: []event.SaleLine{line}})
	l.fact(event.CommissionCreated{CommissionState: event.CommissionState{Line: line.Line, Creator: s.creator, Brand: s.brand, Program: s.program,
		Product: s.product, Video: s.video, Amount: money.Of(600, "USD"), EarnedAt: l.now}})
	f := l.fold()
	for _, e := range s.everything() {
		for _, w := range metric.Windows {
			r := read(t, f, e, w)
			want := metric.Counts{Impressions: 1, Views: 1, WatchMS: 2000, ProductClicks: 1, ProductViews: 1, AddToCarts: 1, Orders: 1, SKUOrders: 1,
				Units: 2, NetUnits: 2, ClicksOfImpressions: 1, OrdersOfClicks: 1, OrdersOfVisits: 1}
			if e.Kind == metric.Program { // it is not watched
				want.Impressions, want.Views, want.WatchMS, want.ClicksOfImpressions = 0, 0, 0, 1
			}
			if r.Counts != want {
				t.Errorf("%s in %s: %+v\nwant %+v", e.Kind, w, r.Counts, want)
			}
			if r.Uniques != 1 {
				t.Errorf("%s in %s: %d uniques", e.Kind, w, r.Uniques)
			}
			if want := (metric.Money{Currency: "USD", Orders: 1, GMV: 3998, Net: 3998, Commission: 600}); len(r.Money) != 1 || r.Money[0] != want {
				t.Errorf("%s in %s: %+v", e.Kind, w, r.Money)
			}
		}
	}
}
