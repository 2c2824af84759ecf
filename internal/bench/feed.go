package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/rank"
	"mezzo/internal/stream"
)

// Bounds of a run of the ranking.
const (
	MaxFeed = 4_000_000 // videos, viewers
	// feedMemory is what the process should stay under, in bytes: the collector is told.
	feedMemory = 4 << 30
	pageSize   = 8
	pagesOf    = 20 // videos of one product
)

// FeedOptions say how large a ranking is loaded, and how hard.
type FeedOptions struct {
	Videos, Viewers, Rate, Seconds, Clients int
	Command                                 []string
	Note                                    func(format string, args ...any)
}

// Validate refuses what has no bound.
func (o *FeedOptions) Validate() error {
	for _, b := range []struct {
		name     string
		is, most int
	}{{"videos", o.Videos, MaxFeed}, {"viewers", o.Viewers, MaxFeed}, {"rate", o.Rate + 1, MaxRate + 1}, {"seconds", o.Seconds, MaxSeconds}, {"clients", o.Clients, MaxClients}} {
		if b.is < 1 || b.is > b.most {
			return fmt.Errorf("--%s must be 1 to %d", b.name, b.most)
		}
	}
	return nil
}

// ranking is a world in a ranking's memory: videos that show products, viewers with a past.
type ranking struct {
	fold     *rank.Fold
	random   *rand.Rand
	now      time.Time
	relay    int64
	videos   [][16]byte
	viewers  []id.Viewer
	creators []id.Creator
	learned  atomic.Int64
}

// Feed measures how fast pages are drawn, freshly scored, while events are learned beside: the ranking in this
// process, with the record of each page encoded for the log, and without HTTP, SQL or disk.
func Feed(ctx context.Context, o FeedOptions) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	debug.SetMemoryLimit(feedMemory)
	r := &Report{Bench: "feed", Command: strings.Join(o.Command, " "), Machine: thisMachine(), Clients: o.Clients, Batch: pageSize, Errors: map[string]int{}, Server: Server{URL: "in process", Own: true, Engine: "none"}}
	r.Machine.note(os.TempDir())
	w, err := newRanking(ctx, o)
	if err != nil {
		return nil, err
	}
	o.Note("drawing pages of %d with %d clients for %d s while %d events a second are learned", pageSize, o.Clients, o.Seconds, o.Rate)
	learning, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	failed := make(chan error, 1)
	beside.Go(func() {
		if err := w.learn(learning, o.Rate); err != nil {
			failed <- err
		}
	})
	t, seconds, learned := w.draw(ctx, o)
	stop()
	beside.Wait()
	select {
	case err := <-failed:
		return nil, err
	default:
	}
	r.fill("pages", t, seconds, "page")
	stats := w.fold.Stats()
	r.Notes = append(r.Notes,
		fmt.Sprintf("meanwhile %.0f events/s were learned", learned),
		fmt.Sprintf("%d videos, %d viewers, %d open impressions; numbers beside the heap %d MB, resident %s", stats.Videos, stats.Viewers, stats.Open, stats.Bytes>>20, resident()))
	r.Machine.note(os.TempDir())
	return r, nil
}

func newRanking(ctx context.Context, o FeedOptions) (*ranking, error) {
	f, err := rank.New(rank.Options{})
	if err != nil {
		return nil, err
	}
	w := &ranking{fold: f, random: rand.New(rand.NewPCG(1, 2)), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for range max(1, o.Videos/100) {
		w.creators = append(w.creators, id.Creator("").From(w.uuid()))
	}
	begun := time.Now()
	if err := w.list(ctx, o.Videos); err != nil {
		return nil, err
	}
	o.Note("%d videos in %v", o.Videos, time.Since(begun).Round(time.Second))
	for range o.Viewers {
		w.viewers = append(w.viewers, id.Viewer("").From(w.uuid()))
	}
	for from := 0; from < o.Viewers; from += 1_000 { // every viewer was here once
		var records []stream.Record
		for _, v := range w.viewers[from:min(from+1_000, o.Viewers)] {
			if records, err = w.visit(records, v, 1); err != nil {
				return nil, err
			}
		}
		if err := errorsOf(ctx, w.fold.Apply(records)); err != nil {
			return nil, err
		}
	}
	o.Note("%d viewers after %v; resident %s", o.Viewers, time.Since(begun).Round(time.Second), resident())
	for range 200 { // and some came back
		var records []stream.Record
		for range 50 {
			if records, err = w.visit(records, w.viewers[w.random.IntN(len(w.viewers))], pageSize); err != nil {
				return nil, err
			}
		}
		if err := errorsOf(ctx, w.fold.Apply(records)); err != nil {
			return nil, err
		}
	}
	runtime.GC()
	return w, nil
}

func errorsOf(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return ctx.Err()
}

func (w *ranking) uuid() (u [16]byte) {
	for k := range u {
		u[k] = byte(w.random.Uint32())
	}
	u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
	return u
}

// benchSlugs are the categories of the bench's videos.
var benchSlugs = [...]string{"home.kitchen", "home.garden", "beauty.hair", "beauty.skin", "food.snacks", "food.tea", "fashion.shoes", "fashion.bags", "sport.run", "sport.yoga", "toys.games", "electronics.audio"}

// list tells of videos, and of a product for every twenty of them.
func (w *ranking) list(ctx context.Context, videos int) error {
	var records []stream.Record
	var product id.Product
	for k := range videos {
		slug := benchSlugs[k/pagesOf%len(benchSlugs)]
		if k%pagesOf == 0 {
			product = product.From(w.uuid())
			records = append(records, w.fact(event.ProductCreated{ProductState: event.ProductState{Product: product, Brand: id.Brand("").From([16]byte{6: 0x70, 8: 0x80, 15: byte(k)}),
				Category: slug, PriceFrom: money.Amount{Minor: 500 + int64(w.random.IntN(9_500)), Currency: "EUR"}, Available: true, Active: true}}))
		}
		v := id.Video("").From(w.uuid())
		u, err := v.UUID()
		if err != nil {
			return err
		}
		w.videos = append(w.videos, u)
		records = append(records, w.fact(event.VideoReady{VideoState: event.VideoState{Video: v, Creator: w.creators[w.random.IntN(len(w.creators))], Products: []id.Product{product},
			Category: slug, DurationMS: 6_000 + int64(w.random.IntN(40_000)), CreatedAt: w.now.Add(-time.Duration(w.random.IntN(90*24)) * time.Hour)}}))
		if len(records) >= 2_000 || k == videos-1 {
			if err := errorsOf(ctx, w.fold.Apply(records)); err != nil {
				return err
			}
			records = records[:0]
		}
	}
	return nil
}

func (w *ranking) fact(b event.Body) stream.Record {
	w.relay++
	body, _ := json.Marshal(b) // plain values: it cannot fail
	f := event.Fact{Seq: w.relay, Topic: b.Topic(), Body: body, At: w.now}
	data, _ := f.AppendEncode(nil)
	return stream.Record{At: w.now, Kind: event.KindFact, Data: data, Relay: w.relay}
}

// visit lets a viewer watch some videos and open a product now and then.
func (w *ranking) visit(records []stream.Record, v id.Viewer, videos int) ([]stream.Record, error) {
	request := id.Request("").From(w.uuid())
	for slot := range videos {
		video := w.videos[w.random.IntN(len(w.videos))]
		shown := id.Impression{Request: request, Subject: video, SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome, Slot: uint8(slot + 1), Propensity: 0.1, Issued: w.now.Add(-time.Minute)}
		deeds := []event.Type{event.Impression, event.View, event.Watch}
		if w.random.IntN(10) == 0 {
			deeds = append(deeds, event.ProductClick)
		}
		for _, what := range deeds {
			e := event.Event{ID: w.uuid(), Type: what, At: w.now, Viewer: v, Received: w.now}
			if what == event.Watch {
				e.WatchMS = int64(w.random.IntN(20_000))
			}
			e.Attach(shown)
			data, err := e.AppendEncode(nil)
			if err != nil {
				return nil, err
			}
			records = append(records, stream.Record{At: w.now, Kind: event.KindEvent, Data: data})
		}
	}
	return records, nil
}

// learn takes in events at a rate until ctx ends, log time going as the machine's does.
func (w *ranking) learn(ctx context.Context, rate int) error {
	const step = 10 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	begun, offset := time.Now(), w.now
	var ready []stream.Record
	for done := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		w.now = offset.Add(time.Since(begun))
		due := int(time.Since(begun).Seconds()*float64(rate)) - done
		for len(ready) < due {
			var err error
			if ready, err = w.visit(ready, w.viewers[w.random.IntN(len(w.viewers))], pageSize); err != nil {
				return err
			}
		}
		due = max(0, min(due, len(ready)))
		if err := w.fold.Apply(ready[:due]); err != nil {
			return err
		}
		ready = append(ready[:0:0], ready[due:]...)
		done += due
		w.learned.Add(int64(due))
	}
}

// draw lets clients ask for pages without a pause.
func (w *ranking) draw(ctx context.Context, o FeedOptions) (*tally, float64, float64) {
	randoms := make([]*rand.Rand, o.Clients)
	records := make([][]byte, o.Clients)
	for k := range randoms {
		randoms[k] = rand.New(rand.NewPCG(3, uint64(k)))
	}
	begun := time.Now()
	t, took := run(ctx, Options{Seconds: o.Seconds, Clients: o.Clients}, func(_ context.Context, client int, t *tally) error {
		v := w.viewers[randoms[client].IntN(len(w.viewers))]
		begun := time.Now()
		var err error
		records[client], err = w.one(v, randoms[client], records[client][:0])
		t.took("page", time.Since(begun))
		t.count(1)
		return err
	})
	return t, took.Seconds(), float64(w.learned.Load()) / time.Since(begun).Seconds()
}

// one draws a page and encodes its record.
func (w *ranking) one(v id.Viewer, random *rand.Rand, record []byte) ([]byte, error) {
	viewer, err := v.UUID()
	if err != nil {
		return record, err
	}
	var request [16]byte
	for k := range request {
		request[k] = byte(random.Uint32())
	}
	request[6], request[8] = request[6]&0x0f|0x70, request[8]&0x3f|0x80
	ask := rank.Request{ID: request, Viewer: viewer, Surface: id.SurfaceHome, Personal: true, Way: random.Uint64(), N: pageSize, Skip: func([16]byte) bool { return false }}
	page := w.fold.Page(ask)
	if len(page.Slots) != pageSize {
		return record, fmt.Errorf("a page of %d", len(page.Slots))
	}
	s := event.Served{Request: id.Request("").From(request), Viewer: v, At: time.Now()}
	page.Record(&ask, &s)
	return s.AppendEncode(record)
}

// resident returns the memory this process has in use, as the machine counts it; "unknown" where it does not say.
func resident() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err == nil {
				return fmt.Sprintf("%d MB", kb>>10)
			}
		}
	}
	return "unknown"
}
