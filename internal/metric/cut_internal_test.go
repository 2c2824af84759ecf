package metric

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// What a snapshot encodes while the writer waits is as much for a fold that knows a hundred times as many products,
// videos, programs, people, orders, clicks and visits.
func TestCutBeginsWithAsMuchForAnySize(t *testing.T) {
	few, many := begun(t, 50), begun(t, 5000)
	if many > few+few/2 {
		t.Errorf("with 50 of each a cut begins with %d bytes, with 5000 with %d", few, many)
	}
}

func begun(t *testing.T, size int) int {
	t.Helper()
	f, at := New(Options{}), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	seq := int64(0)
	tell := func(b event.Body) {
		seq++
		body, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		fact := event.Fact{Seq: seq, Topic: b.Topic(), Body: body, At: at}
		data, err := fact.AppendEncode(nil)
		if err == nil {
			err = f.Apply([]stream.Record{{At: at, Kind: event.KindFact, Data: data}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	name := func(kind byte, n int) uuid.UUID { return uuid.UUID{0: kind, 1: byte(n >> 8), 2: byte(n)} }
	for n := range size {
		product, brand, video := id.Product("").From(name(1, n)), id.Brand("").From(name(2, n%10)), id.Video("").From(name(3, n))
		tell(event.ProductCreated{ProductState: event.ProductState{Product: product, Brand: brand}})
		tell(event.VideoReady{VideoState: event.VideoState{Video: video, Creator: id.Creator("").From(name(4, n)), Products: []id.Product{product}, DurationMS: 9000}})
		tell(event.ProgramCreated{ProgramState: event.ProgramState{Program: id.Program("").From(name(5, n)), Brand: brand, Products: []id.Product{product}}})
		tell(event.ViewerJoined{Viewer: id.Viewer("").From(name(6, n)), Into: id.Viewer("").From(name(7, n))})
		tell(event.OrderPaid{Order: id.Order("").From(name(8, n)), Currency: "EUR", Lines: []event.SaleLine{{Product: product, Brand: brand, Quantity: 1, GMV: 1, Waiting: true}}})
		f.clicks.put(f.reach.now, cohort{key: uint64(n)})
		f.visits.put(f.reach.now, cohort{key: uint64(n)})
	}
	cut, err := f.Cut()
	if err != nil {
		t.Fatal(err)
	}
	return len(cut.out)
}
