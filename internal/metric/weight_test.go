package metric_test

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/seen"
)

// scale is a fold weighed as things are put into it.
type scale struct {
	tb   testing.TB
	log  *log
	fold *metric.Fold
}

func newScale(tb testing.TB) *scale {
	tb.Helper()
	known, err := seen.Open(seen.Options{Dir: tb.TempDir(), Exact: time.Minute, ExactIDs: 1 << 10, Segment: 1 << 10, ExactTokens: 1 << 10, Horizon: time.Hour, TokenLife: time.Hour})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = known.Close() })
	return &scale{tb: tb, log: newLog(tb), fold: metric.New(metric.Options{Seen: known})}
}

// apply applies what was logged since.
func (s *scale) apply() {
	s.tb.Helper()
	if err := s.fold.Apply(s.log.records); err != nil {
		s.tb.Fatal(err)
	}
	s.log.records = s.log.records[:0]
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// shops opens n shops and returns them; each has five entities of its own and shares its brand with 99 others.
func (s *scale) shops(n int) []shop {
	var all []shop
	for i := range n {
		var one shop
		if i%100 == 0 {
			one = openShop(s.log)
		} else {
			one = shop{brand: all[i-1].brand, program: all[i-1].program, product: id.Product("").Next(s.log.now), creator: id.Creator("").Next(s.log.now), video: id.Video("").Next(s.log.now)}
			s.log.fact(event.ProductCreated{ProductState: event.ProductState{Product: one.product, Brand: one.brand}})
			s.log.fact(event.VideoReady{VideoState: event.VideoState{Video: one.video, Creator: one.creator, Products: []id.Product{one.product}, Brands: []id.Brand{one.brand}, DurationMS: 9000}})
		}
		all = append(all, one)
		s.apply()
	}
	return all
}

// cold has something happen to each shop now and then: shown, watched, clicked.
func (s *scale) cold(shops []shop) {
	for round := range 3 {
		s.log.pass(40 * time.Hour)
		for _, one := range shops {
			viewer := id.Viewer("").Next(s.log.now)
			token := s.log.shown(one)
			s.log.tell(one.of(event.Impression, viewer, token))
			if round > 0 {
				s.log.tell(one.of(event.View, viewer, token))
			}
			if round > 1 {
				s.log.tell(one.of(event.ProductClick, viewer, token))
			}
			s.apply()
		}
	}
}

// hot has something happen to each shop in every bucket of every window, and sells.
func (s *scale) hot(shops []shop) {
	for _, leg := range []struct {
		step time.Duration
		n    int
	}{{6 * time.Hour, 84}, {time.Hour, 144}, {15 * time.Minute, 92}, {time.Minute, 60}, {time.Second, 60}} {
		for i := range leg.n {
			s.log.pass(leg.step)
			for _, one := range shops {
				viewer := id.Viewer("").Next(s.log.now)
				token := s.log.shown(one)
				s.log.tell(one.of(event.View, viewer, token))
				s.log.tell(one.of(event.ProductClick, viewer, token))
				if i%8 == 0 {
					s.log.fact(event.OrderPaid{Order: id.Order("").Next(s.log.now), Viewer: viewer, Currency: "USD", Lines: []event.SaleLine{{Product: one.product, Brand: one.brand,
						Creator: one.creator, Program: one.program, Quantity: 1, GMV: 900, Touch: &event.SaleTouch{At: s.log.now, Request: token.Request, Slot: 1, Video: one.video}}}})
				}
			}
			s.apply()
		}
	}
}

// weigh returns the bytes and entities that fn added.
func (s *scale) weigh(fn func()) (bytes, entities float64) {
	before, had := heap(), s.fold.Stats().Entities
	fn()
	s.log.records = nil
	bytes = float64(int64(heap()) - int64(before))
	return bytes, float64(s.fold.Stats().Entities - had)
}

// A million entities of which 20,000 are busy fit into 3 GB: a cold one takes less than 1 KB, all told.
func TestWeight(t *testing.T) {
	s := newScale(t)
	var shops []shop
	few, entities := s.weigh(func() { shops = s.shops(20); s.hot(shops) })
	hot := few / entities
	s2 := newScale(t)
	many, entities := s2.weigh(func() { shops = s2.shops(2500); s2.cold(shops) })
	cold := many / entities
	runtime.KeepAlive(s.fold)
	runtime.KeepAlive(s2.fold)
	t.Logf("a cold entity takes %.0f bytes, a hot one %.0f: a million of which 20,000 are hot %.2f GB", cold, hot, (980_000*cold+20_000*hot)/1e9)
	if cold > 1024 {
		t.Errorf("a cold entity takes %.0f bytes", cold)
	}
	if total := 980_000*cold + 20_000*hot; total > 3e9 {
		t.Errorf("a million entities would take %.2f GB", total/1e9)
	}
}

// leave has what is over the budget leave, as a keeper does; nothing that left comes back here.
func (s *scale) leave() {
	for s.fold.Weight() > metric.MemoryMost {
		if s.fold.Away(s.fold.Cold(s.log.now.Add(-metric.EvictAfter), 4096)) == 0 {
			return
		}
	}
}

// The whole of it, weighed: a million entities, 20,000 of them hot, all in memory and with the cold ones let go. It
// takes some minutes.
func BenchmarkWeight(b *testing.B) {
	for range b.N {
		s := newScale(b)
		bytes, entities := s.weigh(func() {
			shops := s.shops(200_000)
			s.cold(shops[4000:])
			s.hot(shops[:4000])
		})
		b.ReportMetric(bytes/1e9, "GB")
		b.ReportMetric(entities, "entities")
		rest, _ := s.weigh(s.leave)
		b.ReportMetric((bytes+rest)/1e9, "GB-left")
		b.ReportMetric(float64(s.fold.Stats().Away), "away")
		b.ReportMetric(float64(resident())/1e9, "GB-resident")
		runtime.KeepAlive(s.fold)
	}
}

// resident returns the memory that the runtime has of the system.
func resident() uint64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}
