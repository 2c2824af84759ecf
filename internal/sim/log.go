package sim

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/rank"
	"mezzo/internal/stream"
)

// book writes the log of a run as the server would: the ranking reads nothing else.
type book struct {
	seed    uint64
	records []stream.Record // since they were last taken
	arena   []byte
	relay   int64
	events  uint64
	err     error
}

const currency = money.Currency("USD")

// moment is a time of the world as a log has it.
func moment(at int64) time.Time { return begins().Add(time.Duration(at) * time.Microsecond) }

// take returns what was written and begins anew.
func (b *book) take() ([]stream.Record, error) {
	records := b.records
	b.records, b.arena = b.records[:0], b.arena[:0]
	return records, b.err
}

// add puts a record in, whose data is what was appended to the arena behind from.
func (b *book) add(at int64, kind byte, from int, err error, relay int64) {
	if err != nil {
		b.err = err
		return
	}
	b.records = append(b.records, stream.Record{At: moment(at), Kind: kind, Data: b.arena[from:len(b.arena):len(b.arena)], Relay: relay})
}

// fact writes what a transaction would have put into the outbox.
func (b *book) fact(at int64, body event.Body) {
	text, err := json.Marshal(body)
	if err != nil {
		b.err = err
		return
	}
	b.relay++
	from := len(b.arena)
	f := event.Fact{Seq: b.relay, Topic: body.Topic(), Body: text, At: moment(at)}
	b.arena, err = f.AppendEncode(b.arena)
	b.add(at, event.KindFact, from, err, b.relay)
}

// shown is one place of a page on a viewer's screen.
type shown struct {
	viewer  [16]byte
	request [16]byte
	video   [16]byte
	slot    int // 0 is the first
	odds    float64
}

// event writes what a viewer did with what was shown.
func (b *book) event(at int64, s *shown, what event.Type, watched float64, flags event.Flags) {
	b.events++
	d := roll(b.seed, forEvent, fold(s.viewer), fold(s.request), uint64(s.slot)<<32|uint64(what)<<16|uint64(flags))
	e := event.Event{
		ID: d.id(), Type: what, At: moment(at), Received: moment(at), Viewer: id.Viewer("").From(s.viewer), Flags: flags, WatchMS: int64(1000 * watched),
	}
	e.Attach(id.Impression{
		Request: id.Request("").From(s.request), Subject: s.video, SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome,
		Slot: uint8(s.slot + 1), Propensity: float32(s.odds), Issued: moment(at - int64(5*time.Minute/time.Microsecond)),
	})
	from := len(b.arena)
	var err error
	b.arena, err = e.AppendEncode(b.arena)
	b.add(at, event.KindEvent, from, err, 0)
}

// fold makes a number of an id.
func fold(u [16]byte) uint64 {
	return binary.LittleEndian.Uint64(u[:8]) ^ scramble(binary.LittleEndian.Uint64(u[8:]))
}

// served writes a page: its places, and of the candidates those that filled them.
func (b *book) served(at int64, s *shown, page *rank.Page, slots []rank.Slot) {
	p := event.Served{
		Request: id.Request("").From(s.request), Viewer: id.Viewer("").From(s.viewer), Policy: id.Policy("").From(page.Policy), PolicyVersion: page.Version,
		Surface: id.SurfaceHome, Profiling: true, At: moment(at), Seed: page.Seed,
	}
	for k, slot := range slots {
		p.Candidates = append(p.Candidates, page.Candidates[slot.Candidate].Video)
		p.Slots = append(p.Slots, event.Slot{Candidate: uint16(k), Kind: event.SlotKind(slot.Kind), Propensity: min(slot.Propensity, 1)})
	}
	from := len(b.arena)
	var err error
	b.arena, err = p.AppendEncode(b.arena)
	b.add(at, event.KindServed, from, err, 0)
}

// posted writes that a video and its product are there.
func (b *book) posted(at int64, i *item, by [16]byte) {
	product, brand := id.Product("").From(i.product), roll(uint64(i.creator), 0x6272616e64)
	b.fact(at, event.ProductCreated{ProductState: event.ProductState{
		Product: product, Brand: id.Brand("").From(brand.id()), Category: slug(i.kind), PriceFrom: money.Amount{Minor: int64(i.price), Currency: currency}, Available: true, Active: true,
	}})
	b.fact(at, event.VideoReady{VideoState: event.VideoState{
		Video: id.Video("").From(i.id), Creator: creatorID(by), Products: []id.Product{product}, Category: slug(i.kind), DurationMS: int64(1000 * i.seconds), CreatedAt: moment(at),
	}})
}

// sale is an order of one line, won by a click.
type sale struct {
	viewer, item int
	request      [16]byte
	slot         uint8
	clicked      int64
	paid         int64
	refunds      bool
	back         int64
}

func (s *sale) lines(w *World) []event.SaleLine {
	i := &w.items[s.item]
	return []event.SaleLine{{
		Product: id.Product("").From(i.product), Quantity: 1, GMV: int64(i.price), Creator: creatorID(w.creators[i.creator].id),
		Touch: &event.SaleTouch{At: moment(s.clicked), Request: id.Request("").From(s.request), Slot: s.slot, Surface: id.SurfaceHome.String(), Video: id.Video("").From(i.id)},
	}}
}

func (b *book) paid(at int64, w *World, s *sale) {
	b.fact(at, event.OrderPaid{Viewer: id.Viewer("").From(w.viewers[s.viewer].id), Currency: currency, PlacedAt: moment(at), Lines: s.lines(w)})
}

func (b *book) refunded(at int64, w *World, s *sale) {
	b.fact(at, event.OrderRefunded{Viewer: id.Viewer("").From(w.viewers[s.viewer].id), Currency: currency, Full: true, PaidAt: moment(s.paid), Lines: s.lines(w)})
}

// tell writes the beginning of every log of the world once: who follows whom.
func (w *World) tell() error {
	b := book{seed: w.Seed}
	for v := range w.viewers {
		for _, c := range w.viewers[v].follow {
			b.fact(0, event.CreatorFollowed{Creator: creatorID(w.creators[c].id), Viewer: id.Viewer("").From(w.viewers[v].id)})
		}
	}
	w.prologue = b.records
	return b.err
}

// inForce writes the policy whose candidates, stages and tests all policies share.
func (b *book) inForce(p rank.Policy) {
	text, err := json.Marshal(p)
	if err != nil {
		b.err = fmt.Errorf("sim: the policy %s: %w", p.Name, err)
		return
	}
	b.fact(0, event.PolicySplit{Number: 1, Policies: []event.PolicyShare{
		{Policy: id.Policy("").From([16]byte{6: 0x70, 8: 0x80, 15: 3}), Name: p.Name, Version: 2, Share: 10_000, Weights: text},
	}})
}
