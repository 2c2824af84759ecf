package rank

import (
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// many returns a fold of many videos and a few thousand viewers with a past, made without pages.
func many(b *testing.B, videos, viewers, events int) *mill {
	b.Helper()
	m := newMill(b, 31, viewers, 1_000, 0)
	for k := range videos {
		m.add(k%len(slugs), m.creators[k%len(m.creators)], 1)
	}
	m.flush()
	m.log, m.taken = m.log[:0], 0
	m.log = append(m.log, m.stir(events)...)
	m.flush()
	return m
}

// stir returns records of viewers who are shown videos at random, watch them and open some.
func (m *mill) stir(events int) []stream.Record {
	before := len(m.log)
	for len(m.log)-before < events {
		v := m.viewers[m.random.below(uint64(len(m.viewers)))]
		request := id.Request("").From(m.uuid())
		for slot := range 8 {
			video := bare(m.videos[m.random.below(uint64(len(m.videos)))])
			m.now = m.now.Add(10 * time.Millisecond)
			m.tell(v, request, slot, video, event.Impression, 0, 0)
			m.tell(v, request, slot, video, event.View, 0, 0)
			m.tell(v, request, slot, video, event.Watch, time.Duration(m.random.below(uint64(20*time.Second))), 0)
			if slot%4 == 0 {
				m.tell(v, request, slot, video, event.ProductClick, 0, 0)
			}
		}
	}
	records := append([]stream.Record(nil), m.log[before:]...)
	m.log = m.log[:before]
	return records
}

// BenchmarkApply takes in events as they come from shoppers: impressions, views, watches, clicks.
func BenchmarkApply(b *testing.B) {
	m := many(b, 20_000, 2_000, 20_000)
	records := m.stir(60_000)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		part := records[:min(len(records), b.N-n, 1_000)]
		if len(part) == 0 {
			b.StopTimer()
			records = m.stir(60_000)
			b.StartTimer()
			continue
		}
		if err := m.fold.Apply(part); err != nil {
			b.Fatal(err)
		}
		records = records[len(part):]
		n += len(part)
	}
}

// BenchmarkPage draws pages of eight, freshly scored, among 100,000 videos.
func BenchmarkPage(b *testing.B) {
	m := many(b, 100_000, 2_000, 40_000)
	candidates := 0
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		p := m.fold.Page(Request{ID: [16]byte{byte(n), byte(n >> 8), byte(n >> 16)}, Viewer: bare(m.viewers[n%len(m.viewers)]), Surface: id.SurfaceHome, Personal: true, N: 8})
		if len(p.Slots) != 8 {
			b.Fatal("no page")
		}
		candidates += len(p.Candidates)
	}
	b.ReportMetric(float64(candidates)/float64(b.N), "candidates")
}

// BenchmarkScore predicts and prices one candidate.
func BenchmarkScore(b *testing.B) {
	m := many(b, 2_000, 200, 20_000)
	v := m.fold.viewers.at(0)
	g := &gathering{Fold: m.fold, viewer: v}
	for i := range uint32(500) {
		g.list = append(g.list, from{item: i, sources: FromChance})
	}
	p := Value()
	b.ResetTimer()
	for range b.N {
		if c, _ := m.fold.value(&Request{}, g, &p); len(c) != 500 {
			b.Fatal("no candidates")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/candidate")
}
