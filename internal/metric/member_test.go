package metric_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// Members come in the order of what a read of each says, at every moment: what is remembered of the time before
// does not show.
func TestMembersAreInTheOrderOfTheirNumbers(t *testing.T) {
	l := newLog(t)
	f := metric.New(metric.Options{})
	random := rand.New(rand.NewPCG(5, 2))
	brand, viewer := id.Brand("").Next(l.now), id.Viewer("").Next(l.now)
	var products []metric.Entity
	names := map[metric.Entity]id.Product{}
	for range 40 {
		p := id.Product("").Next(l.now)
		l.fact(event.ProductCreated{ProductState: event.ProductState{Product: p, Brand: brand}})
		products, names[metric.OfProduct(p)] = append(products, metric.OfProduct(p)), p
	}
	type rank struct {
		metric.Entity
		gmv, clicks, views int64
	}
	for range 30 {
		for range 20 {
			p := names[products[random.IntN(len(products))]]
			l.tell(event.Event{Type: event.ProductView, Viewer: viewer, Product: p, Brand: brand})
			if random.IntN(3) == 0 {
				l.fact(event.OrderPaid{Order: id.Order("").Next(l.now), Viewer: viewer, Currency: []money.Currency{"EUR", "USD"}[random.IntN(2)],
					Lines: []event.SaleLine{{Product: p, Brand: brand, Quantity: 1, GMV: int64(random.IntN(5)) * 100}}})
			}
		}
		l.pass(time.Duration(random.IntN(50)) * time.Hour)
		if err := f.Apply(l.records); err != nil {
			t.Fatal(err)
		}
		l.records = l.records[:0]
		if random.IntN(3) == 0 {
			f.Members(metric.OfBrand(brand), metric.Product, 5)
		}
		var want []rank
		for _, e := range products {
			r, _ := f.Read(e, metric.FourWeeks)
			k := rank{Entity: e, clicks: r.ProductClicks, views: r.Views}
			if len(r.Money) > 0 {
				k.gmv = r.Money[0].GMV
			}
			want = append(want, k)
		}
		slices.SortFunc(want, func(a, b rank) int {
			return cmp.Or(cmp.Compare(b.gmv, a.gmv), cmp.Compare(b.clicks, a.clicks), cmp.Compare(b.views, a.views), slices.Compare(a.A[:], b.A[:]))
		})
		for i, e := range f.Members(metric.OfBrand(brand), metric.Product, len(products)) {
			if e != want[i].Entity {
				t.Fatalf("member %d is %s; by what is read it is %s with %+v", i, e, want[i].Entity, want[i])
			}
		}
	}
}

// The members of a large brand, as a page asks for them again and again.
func BenchmarkMembers(b *testing.B) {
	l := newLog(b)
	f := metric.New(metric.Options{})
	brand := id.Brand("").Next(l.now)
	name := func(kind byte, n int) uuid.UUID { return uuid.UUID{0: kind, 1: byte(n >> 8), 2: byte(n), 15: 1} }
	for n := range 10_000 {
		p, v, c := id.Product("").From(name(1, n)), id.Video("").From(name(3, n)), id.Creator("").From(name(4, n%5000))
		l.fact(event.ProductCreated{ProductState: event.ProductState{Product: p, Brand: brand}})
		l.fact(event.VideoReady{VideoState: event.VideoState{Video: v, Creator: c, Products: []id.Product{p}, Brands: []id.Brand{brand}, DurationMS: 9000}})
		token := id.Impression{Request: id.Request("").Next(l.now), Subject: name(3, n), SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome, Slot: 1, Issued: l.now}
		l.tell(event.Event{Type: event.View, Viewer: id.Viewer("").From(name(5, n)), Shown: token, Video: v, Creator: c, Product: p, Brand: brand})
		if err := f.Apply(l.records); err != nil {
			b.Fatal(err)
		}
		l.records = l.records[:0]
	}
	for _, kind := range []metric.Kind{metric.Product, metric.Creator, metric.CreatorProduct} {
		b.Run(kind.String(), func(b *testing.B) {
			for b.Loop() {
				f.Members(metric.OfBrand(brand), kind, 2000)
			}
		})
	}
}
