package event_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

func someUUID(t *rapid.T, name string) (u uuid.UUID) {
	if rapid.Bool().Draw(t, name+"?") {
		copy(u[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
	}
	return u
}

func some[K id.Kind](t *rapid.T, name string, to *id.ID[K]) {
	if u := someUUID(t, name); u != uuid.Nil {
		*to = to.From(u)
	}
}

func someTime(t *rapid.T, name string) time.Time {
	us := rapid.Int64Range(0, 4_000_000_000_000_000).Draw(t, name)
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func someEvent(t *rapid.T) event.Event {
	e := event.Event{ID: someUUID(t, "id"), Type: event.Type(rapid.IntRange(1, int(event.Custom)).Draw(t, "type")), At: someTime(t, "at"),
		ClientAt: someTime(t, "client"), Received: someTime(t, "received"), Flags: event.Flags(rapid.Uint16().Draw(t, "flags")),
		Quantity: rapid.Int64Range(0, math.MaxInt64).Draw(t, "quantity"), WatchMS: rapid.Int64Range(0, 1e7).Draw(t, "watch"),
		PositionMS: rapid.Int64Range(0, 1e9).Draw(t, "position"), Session: someUUID(t, "session"), Seq: rapid.Int64Range(0, 1e12).Draw(t, "seq"),
		Agent: event.Agent(rapid.IntRange(0, 5).Draw(t, "agent")), Anonymous: someUUID(t, "anonymous"), Name: someUUID(t, "name")}
	some(t, "viewer", &e.Viewer)
	some(t, "video", &e.Video)
	some(t, "room", &e.Room)
	some(t, "product", &e.Product)
	some(t, "variant", &e.Variant)
	some(t, "offer", &e.Offer)
	some(t, "creator", &e.Creator)
	some(t, "brand", &e.Brand)
	some(t, "link", &e.Link)
	some(t, "namespace", &e.Namespace)
	if rapid.Bool().Draw(t, "shown") {
		e.Shown = id.Impression{Subject: someUUID(t, "subject"), SubjectKind: id.SubjectKind(rapid.IntRange(1, 4).Draw(t, "kind")),
			Surface: id.Surface(rapid.Byte().Draw(t, "surface")), Slot: rapid.Byte().Draw(t, "slot"), Exploration: rapid.Bool().Draw(t, "explore"),
			Propensity: rapid.Float32Range(0, 1).Draw(t, "p"), Issued: someTime(t, "issued")}
		some(t, "request", &e.Shown.Request)
	}
	switch rapid.IntRange(0, 2).Draw(t, "net") {
	case 1:
		e.Net = event.NetOf(netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4"))))
	case 2:
		e.Net = event.NetOf(netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v6"))))
	}
	return e
}

func TestEventRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := someEvent(t)
		want.Token = "never logged"
		data, err := want.AppendEncode([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		want.Token = ""
		data = bytes.TrimPrefix(data, []byte("before"))
		var got event.Event
		if err := got.Decode(data); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		if len(data) > event.MaxRecord {
			t.Fatalf("the record has %d bytes", len(data))
		}
		for cut := range data { // every true prefix is either refused or another, smaller event
			_ = got.Decode(data[:cut])
		}
	})
}

// A record written by a later version, with a field this one does not know, is still read.
func TestUnknownFieldsArePassedOver(t *testing.T) {
	e := event.Event{ID: uuid.New(), Type: event.View, At: noon}
	data, err := e.AppendEncode(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, later := range [][]byte{{0x90, 0x03, 5}, {0x91, 0x03, 2, 'h', 'i'}, append([]byte{0x92, 0x03}, make([]byte, 16)...), append([]byte{0x93, 0x03}, make([]byte, 8)...)} {
		var got event.Event
		if err := got.Decode(append(bytes.Clone(data), later...)); err != nil || got != e {
			t.Errorf("field %x: %v, %+v", later, err, got)
		}
	}
}

// The bytes of a record are a promise to every log already written.
func TestEventGolden(t *testing.T) {
	e := event.Event{ID: uuid.MustParse(uuid1), Type: event.Watch, At: noon, Product: product, WatchMS: 4000, Flags: event.Expired | event.Own,
		Net: event.NetOf(netip.MustParseAddr("203.0.113.77")), Agent: event.AgentPhone}
	data, err := e.AppendEncode(nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "01060192f0c122227abc8def0123456789ab08030c80c0c6f786b7b00618443e006242976b259dd2ef33acc08266a01658a01f690518cb0071006c01"
	if hex.EncodeToString(data) != want {
		t.Errorf("the record is %x", data)
	}
	var got event.Event
	if err := got.Decode(data); err != nil || got != e || got.Net.String() != "203.0.113.0/24" {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestBadEventsAreNotEncoded(t *testing.T) {
	for name, e := range map[string]event.Event{
		"no type": {}, "unknown type": {Type: 200}, "bad id": {Type: event.View, Product: "prd_1"}, "other kind": {Type: event.View, Video: id.Video(product)},
		"negative": {Type: event.View, WatchMS: -1},
	} {
		if data, err := e.AppendEncode(nil); err == nil {
			t.Errorf("%s: encoded as %x", name, data)
		}
	}
}

func FuzzDecode(f *testing.F) {
	e := event.Event{ID: uuid.New(), Type: event.View, At: noon, Product: product, Net: event.NetOf(netip.MustParseAddr("2001:db8::1"))}
	data, _ := e.AppendEncode(nil)
	f.Add(data)
	fact := event.Fact{Seq: 4, Topic: "order.paid", Body: json.RawMessage(`{"a":1}`), At: noon}
	data, _ = fact.AppendEncode(nil)
	f.Add(data)
	served := event.Served{Candidates: []uuid.UUID{uuid.New()}, Slots: []event.Slot{{0, event.SlotSampled, 0.5}}, At: noon}
	data, _ = served.AppendEncode(nil)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var e, again event.Event
		if e.Decode(data) == nil {
			out, err := e.AppendEncode(nil)
			if err == nil && (again.Decode(out) != nil || again.ID != e.ID) {
				t.Fatalf("%x does not read back", out)
			}
		}
		var fact event.Fact
		_ = fact.Decode(data)
		var s event.Served
		if s.Decode(data) == nil {
			if _, err := s.AppendEncode(nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestServedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := event.Served{PolicyVersion: rapid.Uint32().Draw(t, "version"), Surface: id.SurfaceHome, Profiling: rapid.Bool().Draw(t, "profiling"),
			At: someTime(t, "at"), Position: rapid.StringN(0, 20, 20).Draw(t, "position"), Seed: rapid.Uint64().Draw(t, "seed")}
		some(t, "request", &want.Request)
		some(t, "viewer", &want.Viewer)
		some(t, "policy", &want.Policy)
		n := rapid.IntRange(0, 40).Draw(t, "candidates")
		for range n {
			want.Candidates = append(want.Candidates, uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "candidate")))
		}
		if n > 0 {
			for range rapid.IntRange(0, 8).Draw(t, "slots") {
				want.Slots = append(want.Slots, event.Slot{Candidate: uint16(rapid.IntRange(0, n-1).Draw(t, "item")),
					Kind: event.SlotKind(rapid.IntRange(1, 3).Draw(t, "kind")), Propensity: rapid.Float64Range(0, 1).Draw(t, "p")})
			}
			if rapid.Bool().Draw(t, "sources") {
				want.Sources = rapid.SliceOfN(rapid.Uint16(), n, n).Draw(t, "mask")
			}
			want.Skipped = want.Candidates[: n/2 : n/2]
			if n < 2 {
				want.Skipped = nil
			}
		}
		want.Category, want.Device, want.Way, want.Offset = rapid.StringMatching(`[a-z.]{0,20}`).Draw(t, "category"), rapid.Uint8().Draw(t, "device"), rapid.Uint64().Draw(t, "way"), rapid.Uint32().Draw(t, "offset")
		want.Wanted, want.PolicyHash = rapid.Uint16().Draw(t, "wanted"), rapid.Uint64().Draw(t, "hash")
		want.Sum = uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "sum"))
		if detail := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "detail"); len(detail) > 0 {
			want.Detail = detail
		} else if n := len(want.Candidates); n > 0 {
			want.Among = uint16(rapid.IntRange(n, event.MaxCandidates).Draw(t, "among"))
		}
		data, err := want.AppendEncode(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got event.Served
		if err := got.Decode(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
	})
}

func TestServedBounds(t *testing.T) {
	one := []uuid.UUID{uuid.New()}
	for name, s := range map[string]event.Served{
		"too many candidates":  {Candidates: make([]uuid.UUID, event.MaxCandidates+1)},
		"too many slots":       {Candidates: one, Slots: make([]event.Slot, event.MaxSlots+1)},
		"slot of no candidate": {Candidates: one, Slots: []event.Slot{{1, event.SlotSampled, 1}}},
		"slot of no kind":      {Candidates: one, Slots: []event.Slot{{0, 0, 1}}},
		"propensity over 1":    {Candidates: one, Slots: []event.Slot{{0, event.SlotSampled, 1.01}}},
		"propensity NaN":       {Candidates: one, Slots: []event.Slot{{0, event.SlotSampled, math.NaN()}}},
		"sources":              {Candidates: one, Sources: []uint16{1, 2}},
		"too many refused":     {Skipped: make([]uuid.UUID, event.MaxCandidates+1)},
		"fewer than it names":  {Candidates: make([]uuid.UUID, 3), Among: 2},
		"among too many":       {Candidates: one, Among: event.MaxCandidates + 1},
		"too much in full":     {Detail: make([]byte, event.MaxDetail+1)},
	} {
		if _, err := s.AppendEncode(nil); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

func TestTypeOfReadsWhatDecodeReads(t *testing.T) {
	for kind := event.Impression; kind.String() != ""; kind++ {
		for _, e := range []event.Event{{Type: kind}, {ID: uuid.New(), Type: kind}, {ID: uuid.New(), Type: kind, At: noon, Seq: 3}} {
			data, err := e.AppendEncode(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := event.TypeOf(data); got != kind {
				t.Errorf("%s is read as %s", kind, got)
			}
			for end := range data {
				var whole event.Event
				if got := event.TypeOf(data[:end]); got != 0 && got != kind || whole.Decode(data[:end]) == nil && got != whole.Type {
					t.Errorf("%s cut at %d is read as %s", kind, end, got)
				}
			}
		}
	}
	for _, data := range [][]byte{nil, {9}, {1}, make([]byte, event.MaxRecord+1), {1, 4 | 3, 1}} {
		if got := event.TypeOf(data); got != 0 {
			t.Errorf("%v is read as %s", data[:min(9, len(data))], got)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	e := benchEvent()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = e.AppendEncode(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}

func BenchmarkDecode(b *testing.B) {
	e := benchEvent()
	data, _ := e.AppendEncode(nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := e.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func benchEvent() event.Event {
	u := uuid.New()
	e := event.Event{ID: u, Type: event.Watch, At: noon, Received: noon, WatchMS: 4000, PositionMS: 8000, Session: u, Seq: 7, Agent: event.AgentPhone,
		Net: event.NetOf(netip.MustParseAddr("203.0.113.77")), Product: product, Viewer: id.Viewer("").From(u), Creator: id.Creator("").From(u)}
	e.Attach(id.Impression{Request: id.Request("").From(u), Subject: u, SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome, Slot: 3, Propensity: .1, Issued: noon})
	return e
}
