package metric_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// noon is when the logs of these tests begin.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// log is a log in memory, as a fold is given it.
type log struct {
	t       testing.TB
	now     time.Time     // the stamp of the next record
	behind  time.Duration // how far the machine's clock was turned back behind the stamps, which never go back
	seq     int64
	records []stream.Record
}

func newLog(t testing.TB) *log { return &log{t: t, now: noon} }

// pass lets time pass, with its tick.
func (l *log) pass(d time.Duration) {
	if d < l.behind { // the log waits for the machine's clock
		l.behind -= d
		l.now = l.now.Add(time.Microsecond)
	} else {
		l.now, l.behind = l.now.Add(d-l.behind), 0
	}
	l.add(event.KindTick, nil)
}

// machine is the time of the machine's clock: what clients and the database are told by.
func (l *log) machine() time.Time { return l.now.Add(-l.behind) }

func (l *log) add(kind byte, data []byte) {
	l.records = append(l.records, stream.Record{At: l.now, Kind: kind, Data: data})
}

// tell logs an event, with an id and a time if it has none.
func (l *log) tell(e event.Event) event.Event {
	l.t.Helper()
	if e.ID == (uuid.UUID{}) {
		e.ID = uuid.New()
	}
	if e.At.IsZero() {
		e.At = l.machine()
	}
	e.Received = l.machine()
	data, err := e.AppendEncode(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.add(event.KindEvent, data)
	return e
}

// fact logs a fact of now.
func (l *log) fact(b event.Body) {
	l.seq++
	l.factNumbered(l.seq, l.machine(), b)
}

func (l *log) factNumbered(seq int64, at time.Time, b event.Body) {
	l.t.Helper()
	body, err := json.Marshal(b)
	if err != nil {
		l.t.Fatal(err)
	}
	f := event.Fact{Seq: seq, Topic: b.Topic(), Body: body, At: at}
	data, err := f.AppendEncode(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.add(event.KindFact, data)
}

// fold returns the fold of the log so far.
func (l *log) fold() *metric.Fold {
	l.t.Helper()
	f := metric.New(metric.Options{})
	if err := f.Apply(l.records); err != nil {
		l.t.Fatal(err)
	}
	return f
}

// shop is a brand with a product and a program, and a creator who shows it in a video.
type shop struct {
	brand   id.Brand
	product id.Product
	program id.Program
	creator id.Creator
	video   id.Video
}

func openShop(l *log) shop {
	var s shop
	s.brand, s.product, s.program = s.brand.Next(l.now), s.product.Next(l.now), s.program.Next(l.now)
	s.creator, s.video = s.creator.Next(l.now), s.video.Next(l.now)
	l.fact(event.ProductCreated{ProductState: event.ProductState{Product: s.product, Brand: s.brand}})
	l.fact(event.ProgramCreated{ProgramState: event.ProgramState{Program: s.program, Brand: s.brand, AllProducts: true}})
	l.fact(event.VideoReady{VideoState: event.VideoState{Video: s.video, Creator: s.creator, Products: []id.Product{s.product}, Brands: []id.Brand{s.brand}, DurationMS: 10_000}})
	return s
}

// everything of a shop: all that a sale out of its video moves.
func (s shop) everything() []metric.Entity {
	return []metric.Entity{metric.OfVideo(s.video), metric.OfCreator(s.creator), metric.OfProduct(s.product), metric.OfBrand(s.brand),
		metric.OfProgram(s.program), metric.OfCreatorProduct(s.creator, s.product), metric.OfVideoProduct(s.video, s.product)}
}

// shown is the token of a video, handed to a viewer now.
func (l *log) shown(s shop) id.Impression {
	u, _ := s.video.UUID()
	return id.Impression{Request: id.Request("").Next(l.now), Subject: u, SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome, Slot: 1, Issued: l.now}
}

// of is an event of a viewer about the shop's video and product.
func (s shop) of(kind event.Type, viewer id.Viewer, shown id.Impression) event.Event {
	return event.Event{Type: kind, Viewer: viewer, Shown: shown, Video: s.video, Creator: s.creator, Product: s.product, Brand: s.brand}
}
