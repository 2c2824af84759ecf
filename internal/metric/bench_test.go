package metric_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// crowd is a log of a busy hour: many viewers scrolling through many videos, some far more than others.
type crowd struct {
	log     *log
	world   *world
	rand    *rand.Rand
	videos  *rand.Zipf
	buffer  []byte
	viewers []id.Viewer
}

func newCrowd(tb testing.TB, videos, products, creators, viewers int) *crowd {
	c := &crowd{log: newLog(tb), rand: rand.New(rand.NewPCG(1, 2))}
	c.world = newWorld(c.log, max(1, products/40), products, creators, videos, 0)
	c.videos = rand.NewZipf(c.rand, 1.1, 8, uint64(videos-1))
	for range viewers {
		c.viewers = append(c.viewers, id.Viewer("").Next(c.log.now))
	}
	return c
}

// scroll logs at least n events of pages that viewers were shown, at 20,000 a second of log time.
func (c *crowd) scroll(n int) {
	for until := len(c.log.records) + n; len(c.log.records) < until; {
		viewer := c.viewers[c.rand.IntN(len(c.viewers))]
		request := id.Request("").Next(c.log.now)
		for slot := range 8 {
			v := c.world.list[c.videos.Uint64()]
			f := c.world.videos[v]
			shown := id.Impression{Request: request, SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome, Slot: uint8(slot + 1), Issued: c.log.now.Add(-20 * time.Second)}
			shown.Subject, _ = v.UUID()
			e := event.Event{Type: event.Impression, Viewer: viewer, Shown: shown, Video: v, Creator: f.creator}
			c.tell(e)
			if c.rand.IntN(2) == 0 {
				e.Type = event.View
				c.tell(e)
				e.Type, e.WatchMS = event.Watch, 4000
				c.tell(e)
			}
			if c.rand.IntN(16) == 0 {
				e.Product = f.products[c.rand.IntN(len(f.products))]
				e.Brand, e.Type = c.world.brandOf[e.Product], event.ProductClick
				c.tell(e)
				e.Type = event.ProductView
				c.tell(e)
				if c.rand.IntN(4) == 0 {
					e.Type = event.AddToCart
					c.tell(e)
				}
			}
		}
	}
}

func (c *crowd) tell(e event.Event) {
	c.log.now = c.log.now.Add(50 * time.Microsecond)
	e.ID = uuidOf(c.rand.Uint64())
	e.At = c.log.now.Add(-time.Duration(c.rand.IntN(4000)) * time.Millisecond)
	e.Received = c.log.now
	begin := len(c.buffer)
	data, err := e.AppendEncode(c.buffer)
	if err != nil {
		c.log.t.Fatal(err)
	}
	c.buffer = data
	if len(data) > 1<<20 {
		c.buffer = nil
	}
	c.log.records = append(c.log.records, stream.Record{At: c.log.now, Kind: event.KindEvent, Data: data[begin:]})
}

// worked returns the processor time this process has used: on a machine that others use as well it says
// more than the clock does.
func worked(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Replay of a log into every number, decoding and repeats included.
func BenchmarkReplay(b *testing.B) {
	for _, videos := range []int{1000, 50_000} {
		b.Run(fmt.Sprintf("videos=%d", videos), func(b *testing.B) {
			c := newCrowd(b, videos, videos/5, videos/10, 200_000)
			facts := len(c.log.records)
			c.scroll(300_000)
			var f *metric.Fold
			var spent time.Duration
			done := len(c.log.records)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if done == len(c.log.records) {
					b.StopTimer()
					f, done = metric.New(metric.Options{}), facts
					if err := f.Apply(c.log.records[:facts]); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				n := min(1000, len(c.log.records)-done)
				before := worked(b)
				if err := f.Apply(c.log.records[done : done+n]); err != nil {
					b.Fatal(err)
				}
				spent += worked(b) - before
				done += n
			}
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(b.N)*1000/spent.Seconds(), "events/core-s")
		})
	}
}
