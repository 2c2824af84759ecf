package rank

import (
	"encoding/json"
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/stream"
)

// mill is a small world that makes a log: creators, products and videos in four categories, viewers
// who each like one of them, and pages drawn by the fold under test.
type mill struct {
	t        testing.TB
	fold     *Fold
	log      []stream.Record
	now      time.Time
	random   random
	relay    int64
	viewers  []id.Viewer
	videos   []id.Video
	creators []id.Creator
	products []id.Product
	category map[[16]byte]int
	quality  map[[16]byte]float64
	click    float64
	requests int
	taken    int // records the fold has
	pages    []Page
}

var slugs = []string{"home.kitchen", "beauty.hair", "food.snacks", "fashion.shoes"}

func newMill(t testing.TB, seed uint64, viewers, creators, videos int) *mill {
	t.Helper()
	f, err := New(Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	m := &mill{t: t, fold: f, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), random: seeded(seed), category: map[[16]byte]int{}, quality: map[[16]byte]float64{}, click: 0.15}
	for range viewers {
		m.viewers = append(m.viewers, m.viewer())
	}
	for range creators {
		m.creators = append(m.creators, id.Creator("").From(m.uuid()))
	}
	for k := range videos {
		m.add(k%len(slugs), m.creators[k%creators], 2*m.random.float())
	}
	m.flush()
	return m
}

func (m *mill) uuid() (u [16]byte) {
	for k := range u {
		u[k] = byte(m.random.next() >> 13)
	}
	u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
	return u
}

func (m *mill) viewer() id.Viewer { return id.Viewer("").From(m.uuid()) }

// add lists a product and a video of it.
func (m *mill) add(category int, by id.Creator, quality float64) id.Video {
	product, video := id.Product("").From(m.uuid()), id.Video("").From(m.uuid())
	m.fact(event.ProductCreated{ProductState: event.ProductState{
		Product: product, Brand: id.Brand("").From([16]byte{6: 0x70, 8: 0x80, 15: 9}), Category: slugs[category], PriceFrom: money.Amount{Minor: 1_000 + int64(m.random.below(4_000)), Currency: "USD"}, Available: true, Active: true,
	}})
	m.fact(event.VideoReady{VideoState: event.VideoState{
		Video: video, Creator: by, Products: []id.Product{product}, Category: slugs[category], DurationMS: 8_000 + int64(m.random.below(30_000)), CreatedAt: m.now,
	}})
	m.videos, m.products = append(m.videos, video), append(m.products, product)
	m.category[bare(video)], m.quality[bare(video)] = category, quality
	return video
}

func (m *mill) fact(b event.Body) {
	m.t.Helper()
	body, err := json.Marshal(b)
	if err != nil {
		m.t.Fatal(err)
	}
	m.relay++
	f := event.Fact{Seq: m.relay, Topic: b.Topic(), Body: body, At: m.now}
	data, err := f.AppendEncode(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	m.log = append(m.log, stream.Record{At: m.now, Kind: event.KindFact, Data: data, Relay: m.relay})
}

// flush hands the fold what it has not seen yet.
func (m *mill) flush() {
	m.t.Helper()
	if err := m.fold.Apply(m.log[m.taken:]); err != nil {
		m.t.Fatal(err)
	}
	m.taken = len(m.log)
}

// page serves a page to a viewer and returns it; nothing is seen of it yet.
func (m *mill) page(v id.Viewer, n int) (Page, id.Request) {
	m.t.Helper()
	m.requests++
	request := id.Request("").From(m.uuid())
	ask := Request{ID: bare(request), Viewer: bare(v), Surface: id.SurfaceHome, Personal: true, Way: idSeed(bare(v)), N: n}
	page := m.fold.Page(ask)
	s := event.Served{Request: request, Viewer: v, At: m.now}
	page.Record(&ask, &s)
	data, err := s.AppendEncode(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	m.log = append(m.log, stream.Record{At: m.now, Kind: event.KindServed, Data: data})
	return page, request
}

// tell logs what a viewer did with a slot of a page.
func (m *mill) tell(v id.Viewer, request id.Request, slot int, video [16]byte, what event.Type, watched time.Duration, flags event.Flags) {
	m.t.Helper()
	e := event.Event{ID: m.uuid(), Type: what, At: m.now, Viewer: v, Received: m.now, Flags: flags, WatchMS: watched.Milliseconds()}
	e.Attach(id.Impression{Request: request, Subject: video, SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome, Slot: uint8(slot + 1), Propensity: 0.5, Issued: m.now.Add(-time.Minute)})
	data, err := e.AppendEncode(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	m.log = append(m.log, stream.Record{At: m.now, Kind: event.KindEvent, Data: data})
}

// scroll lets a viewer go through a page: they watch and click what is of their category and good.
func (m *mill) scroll(u int) {
	v := m.viewers[u]
	page, request := m.page(v, 8)
	m.pages = append(m.pages, page)
	for k, slot := range page.Slots {
		video := page.Candidates[slot.Candidate].Video
		m.now = m.now.Add(time.Second)
		m.tell(v, request, k, video, event.Impression, 0, 0)
		fits := 0.15
		if m.category[video] == u%len(slugs) {
			fits = 0.8
		}
		if m.random.float() < fits {
			m.tell(v, request, k, video, event.View, 0, 0)
			m.tell(v, request, k, video, event.Watch, time.Duration(float64(5*time.Second)*(1+m.random.float())), 0)
		}
		if m.random.float() < fits*m.click*m.quality[video] {
			m.tell(v, request, k, video, event.ProductClick, 0, 0)
			if m.random.float() < 0.3 {
				m.buy(v, video)
			}
		}
		if m.random.float() < 0.05*fits {
			m.tell(v, request, k, video, event.Like, 0, 0)
		}
	}
	m.flush()
}

func (m *mill) buy(v id.Viewer, video [16]byte) {
	for k := range m.videos {
		if bare(m.videos[k]) == video {
			m.fact(event.OrderPaid{Order: id.Order("").From(m.uuid()), Viewer: v, Currency: "USD", PlacedAt: m.now, Lines: []event.SaleLine{{
				Product: m.products[k], Quantity: 1, GMV: 2_000, Touch: &event.SaleTouch{At: m.now, Surface: "home", Video: m.videos[k]},
			}}})
		}
	}
}

// tick lets time pass.
func (m *mill) tick(d time.Duration) {
	m.now = m.now.Add(d)
	m.log = append(m.log, stream.Record{At: m.now, Kind: event.KindTick})
	m.flush()
}

// run lets every viewer scroll so many pages.
func (m *mill) run(pages int) {
	for range pages {
		for u := range m.viewers {
			m.scroll(u)
		}
		m.tick(20 * time.Minute)
	}
}

func sum(t testing.TB, f *Fold) uint64 {
	t.Helper()
	s, err := f.Checksum()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAFoldIsWhatItsLogSays(t *testing.T) {
	m := newMill(t, 1, 40, 6, 80)
	m.run(4)
	half := len(m.log)
	state, err := m.fold.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	m.run(3)
	m.fact(event.ViewerErased{Viewer: m.viewers[3]})
	m.fact(event.ViewerJoined{Viewer: m.viewers[4], Into: m.viewers[5]})
	m.flush()
	want := sum(t, m.fold)
	// All at once, and record by record.
	for _, batch := range []int{1 << 20, 1, 7} {
		f, err := New(Options{Size: 14})
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < len(m.log); from += batch {
			if err := f.Apply(m.log[from:min(from+batch, len(m.log))]); err != nil {
				t.Fatal(err)
			}
		}
		if got := sum(t, f); got != want {
			t.Errorf("in batches of %d the state is %x, live it was %x", batch, got, want)
		}
	}
	// From the snapshot.
	f, err := New(Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Restore(state); err != nil {
		t.Fatal(err)
	}
	if again, err := f.AppendState(nil); err != nil || string(again) != string(state) {
		t.Errorf("a state restored is written otherwise: %v", err)
	}
	if err := f.Apply(m.log[half:]); err != nil {
		t.Fatal(err)
	}
	if got := sum(t, f); got != want {
		t.Errorf("from the snapshot the state is %x, live it was %x", got, want)
	}
	for part := range 50 {
		at := len(state) * part / 50
		if f.Restore(state[:at]) == nil {
			t.Fatalf("a state cut at %d of 50 was taken", part)
		}
		state[at] ^= 0x40
		if f.Restore(state) == nil {
			t.Fatalf("a state with a bit turned at %d of 50 was taken", part)
		}
		state[at] ^= 0x40
	}
}

func TestViewersAreGivenWhatTheyLike(t *testing.T) {
	m := newMill(t, 2, 40, 8, 400)
	m.run(16)
	own, all := 0.0, 0.0
	for u := range m.viewers {
		page, _ := m.page(m.viewers[u], 8)
		for _, s := range page.Slots {
			if s.Kind == Sampled && !page.Control {
				all++
				if m.category[page.Candidates[s.Candidate].Video] == u%len(slugs) {
					own++
				}
			}
		}
	}
	if own/all < 0.4 {
		t.Errorf("%.2f of what is shown is of the viewer's own category; chance gives 0.25", own/all)
	}
	for head, r := range m.fold.Report() {
		if head != "buy" && (r.N < 3_000 || r.ECE > 0.05) {
			t.Errorf("%s: %+v", head, r)
		}
		t.Logf("%s: %+v", head, r)
	}
}

func TestStagesAreDecidedAndSaid(t *testing.T) {
	m := newMill(t, 3, 60, 6, 40)
	weights := Value()
	weights.Stages = []float64{30, 60, 120, 240}
	text, err := json.Marshal(weights)
	if err != nil {
		t.Fatal(err)
	}
	m.fact(event.PolicyChanged{Policy: id.Policy("").From([16]byte{6: 0x70, 8: 0x80, 15: 1}), Name: "value", Version: 2, Share: 10_000, Weights: text})
	m.flush()
	m.click = 0.5 // how good a video is can be seen in few impressions
	m.run(10)
	decided := map[string]int{}
	for _, v := range m.videos {
		steps, stage, served, budget, ok := m.fold.Steps(bare(v))
		if !ok {
			t.Fatal("a video is not known")
		}
		at := 1
		for _, s := range steps {
			decided[s.Name]++
			if s.Stage != at || s.Chance < 0 || s.Chance > 1 || s.Words("Kitchen", 4) == "" {
				t.Errorf("step %+v while in stage %d", s, at)
			}
			if s.Decision == Promote {
				at++
			}
		}
		if stage != at || served == 0 || budget == 0 {
			t.Errorf("stage %d after %d steps, served %d, budget %d", stage, len(steps), served, budget)
		}
	}
	if decided["promote"] == 0 || decided["stop"] == 0 {
		t.Errorf("decisions: %v", decided)
	}
}

func TestPagesAreAlwaysValid(t *testing.T) {
	empty, err := New(Options{Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	if p := empty.Page(Request{N: 8, Personal: true}); len(p.Slots) != 0 {
		t.Errorf("an empty catalogue gave %+v", p)
	}
	m := newMill(t, 4, 3, 1, 12)
	seen := m.viewers[0]
	for range 6 {
		m.scroll(0)
	}
	page, _ := m.page(seen, 8)
	if len(page.Slots) != 8 {
		t.Errorf("who has seen everything is shown %d of 12 videos", len(page.Slots))
	}
	hidden := bare(m.videos[0])
	for n := range 40 {
		p := m.fold.Page(Request{ID: [16]byte{byte(n)}, Viewer: bare(seen), N: 20, Surface: id.SurfaceCategory, Category: "home", Skip: func(v [16]byte) bool { return v == hidden }})
		for _, s := range p.Slots {
			if c := p.Candidates[s.Candidate]; c.Video == hidden || m.category[c.Video] != 0 {
				t.Fatalf("a page of home holds %x", c.Video)
			}
		}
	}
	// Sold out, limited and deleted videos leave at once; what comes back is there again.
	m.fact(event.StandingChanged{Kind: "video", Subject: string(m.videos[1]), Standing: "removed", Before: "visible"})
	m.fact(event.VideoDeleted{Video: m.videos[2], Creator: m.creators[0]})
	m.fact(event.ProductUpdated{ProductState: event.ProductState{Product: m.products[3], Category: slugs[3], Active: true}})
	m.flush()
	if n := m.active(); n != 9 {
		t.Errorf("%d of 12 videos may be shown, 3 were taken away", n)
	}
	m.fact(event.StandingChanged{Kind: "video", Subject: string(m.videos[1]), Standing: "visible", Before: "removed"})
	m.flush()
	if n := m.active(); n != 10 {
		t.Errorf("%d of 12 videos may be shown after one came back", n)
	}
}

func (m *mill) active() int {
	n := 0
	for k := range m.fold.categories {
		n += len(m.fold.categories[k].active)
	}
	return n
}

// What does not earn moves nothing: flagged events, repeats, and a token that did it before.
func TestOnlyWhatEarnsMovesAnything(t *testing.T) {
	m := newMill(t, 5, 4, 2, 20)
	v := m.viewers[0]
	page, request := m.page(v, 1)
	video := page.Candidates[page.Slots[0].Candidate].Video
	m.tell(v, request, 0, video, event.Impression, 0, 0)
	m.flush()
	it := m.fold.items.at(m.fold.itemOf[video])
	before := *it
	for _, flag := range []event.Flags{event.Forged, event.Foreign, event.Bot, event.Late, event.Own, event.Expired} {
		m.tell(v, request, 0, video, event.ProductClick, 0, flag)
	}
	m.tell(v, request, 0, video, event.Impression, 0, 0)
	m.flush()
	if *it != before {
		t.Error("events that earn nothing moved a video")
	}
	m.tell(v, request, 0, video, event.ProductClick, 0, 0)
	last := m.log[len(m.log)-1]
	m.flush()
	after := *it
	if after.clicks <= before.clicks {
		t.Fatal("a click that earns moved nothing")
	}
	m.log = append(m.log, last)
	m.tell(v, request, 0, video, event.ProductClick, 0, 0)
	m.flush()
	if *it != after {
		t.Error("a repeated click, or a second one of a token, moved a video")
	}
}

// A new video that 40 % of viewers like is among the hundred best for those who never saw it.
func TestANewVideoReachesUntouchedViewers(t *testing.T) {
	m := newMill(t, 6, 100, 8, 600)
	m.run(3)
	hit := m.add(0, m.creators[0], 2)
	m.flush()
	for u := range 40 {
		request := id.Request("").From(m.uuid())
		m.tell(m.viewers[u], request, 0, bare(hit), event.Impression, 0, 0)
		m.tell(m.viewers[u], request, 0, bare(hit), event.Watch, 30*time.Second, 0)
		m.tell(m.viewers[u], request, 0, bare(hit), event.Like, 0, 0)
		m.tell(m.viewers[u], request, 0, bare(hit), event.ProductClick, 0, 0)
	}
	m.flush() // no time has passed
	reached := 0
	for u := 40; u < 100; u++ {
		page, _ := m.page(m.viewers[u], 8)
		mine, better := -1.0, 0
		for _, c := range page.Candidates {
			if c.Video == bare(hit) {
				mine = c.Worth.Total
			}
		}
		for _, c := range page.Candidates {
			if c.Worth.Total > mine {
				better++
			}
		}
		if mine >= 0 && better < 100 {
			reached++
		}
	}
	if reached < 54 {
		t.Errorf("%d of 60 untouched viewers have it among their hundred best", reached)
	}
}

// Pages are drawn while the log is taken in: each is whole, and the state does not know that it was read.
func TestPagesBesideTheWriter(t *testing.T) {
	m := newMill(t, 8, 30, 6, 100)
	m.run(2)
	before, rest := m.log[:len(m.log)-400], m.log[len(m.log)-400:]
	fold, err := New(Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	if err := fold.Apply(before); err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	stop := make(chan struct{})
	for range 2 {
		go func() {
			n := 0
			for {
				p := fold.Page(Request{ID: [16]byte{byte(n)}, Viewer: bare(m.viewers[n%30]), Surface: id.SurfaceHome, Personal: true, N: 8})
				fold.Report()
				if len(p.Slots) == 8 {
					n++
				}
				select {
				case <-stop:
					done <- n
					return
				default:
				}
			}
		}()
	}
	for k := range rest {
		if err := fold.Apply(rest[k : k+1]); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if n := <-done + <-done; n == 0 {
		t.Error("no page was drawn beside the writer")
	}
	if a, b := sum(t, fold), sum(t, m.fold); a != b {
		t.Errorf("read beside, the state is %x; unread it is %x", a, b)
	}
}

func TestLogsAreOfThisWorld(t *testing.T) {
	m := newMill(t, 7, 2, 1, 4)
	for name, record := range map[string]stream.Record{
		"an event": {At: m.now, Kind: event.KindEvent, Data: []byte{1, 2, 3}}, "a fact": {At: m.now, Kind: event.KindFact, Data: []byte("x")}, "a page": {At: m.now, Kind: event.KindServed, Data: []byte{9}},
	} {
		if err := m.fold.Apply([]stream.Record{record}); err == nil {
			t.Errorf("%s that cannot be read was taken", name)
		}
	}
	if err := m.fold.Apply([]stream.Record{{At: m.now, Kind: 200, Data: []byte("of a later build")}}); err != nil {
		t.Errorf("a kind of record it does not know: %v", err)
	}
}
