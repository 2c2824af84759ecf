package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	uuid1   = "0192f0c1-2222-7abc-8def-0123456789ab"
	product = "prd_01h455vb4pex5vsknk084sn02r"
	room    = "rom_01h455vb4pex5vsknk084sn02r"
)

func one(members string) string {
	return `{"events":[{"id":"` + uuid1 + `","at":"2026-11-22T11:59:59.5Z",` + members + `}]}`
}

func TestVerdicts(t *testing.T) {
	long := strings.Repeat("x", event.MaxEvent)
	for name, c := range map[string]struct{ body, reason string }{
		"impression":           {one(`"type":"impression","impression":"tok"`), ""},
		"view of a room":       {one(`"type":"view","room_id":"` + room + `"`), ""},
		"watch":                {one(`"type":"watch","impression":"tok","watch_ms":4000,"position_ms":9000,"seq":7`), ""},
		"click":                {one(`"type":"product_click","impression":"tok","product_id":"` + product + `"`), ""},
		"unknown members":      {one(`"type":"search","query":"red \"shoes\"","more":{"a":[1,-2.5e3,null,true,false,{}]}`), ""},
		"nulls":                {one(`"type":"search","room_id":null,"watch_ms":null`), ""},
		"escaped name":         {one(`"ty\u0070e":"search"`), ""},
		"purchase":             {one(`"type":"purchase"`), ""},
		"no type":              {one(`"x":1`), "type is missing."},
		"unknown type":         {one(`"type":"teleport"`), "type is not one of"},
		"empty type":           {one(`"type":""`), "type is not one of"},
		"server's type":        {one(`"type":"link_click"`), "told by the server only"},
		"type is no string":    {one(`"type":{"a":1}`), "type must be a string"},
		"impression, no token": {one(`"type":"impression"`), "needs the impression token"},
		"watch, no time":       {one(`"type":"watch","impression":"t"`), "watch needs watch_ms"},
		"watch too long":       {one(`"type":"watch","impression":"t","watch_ms":3600001`), "watch_ms must be a whole number from 0 to 3600000"},
		"watch negative":       {one(`"type":"watch","impression":"t","watch_ms":-1`), "watch_ms must be a whole number"},
		"watch fraction":       {one(`"type":"watch","impression":"t","watch_ms":1.5`), "watch_ms must be a whole number"},
		"watch huge":           {one(`"type":"watch","impression":"t","watch_ms":99999999999999999999`), "watch_ms must be a whole number"},
		"watch text":           {one(`"type":"watch","impression":"t","watch_ms":"5"`), "watch_ms must be a whole number"},
		"another kind of id":   {one(`"type":"product_view","product_id":"` + room + `"`), "product_id: "},
		"quantity":             {one(`"type":"add_to_cart","product_id":"` + product + `","quantity":21`), "quantity must be"},
		"long token":           {one(`"type":"view","impression":"` + long[:300] + `"`), "impression has more than"},
		"long event":           {one(`"type":"search","query":"` + long + `"`), "The event has more than 32768 bytes"},
		"bad id":               {`{"events":[{"id":"7","type":"search","at":"2026-11-22T11:59:59Z"}]}`, "id must be a UUID."},
		"nil id":               {`{"events":[{"id":"00000000-0000-0000-0000-000000000000","type":"search","at":"2026-11-22T11:59:59Z"}]}`, "id must be a UUID."},
		"no id":                {`{"events":[{"type":"search","at":"2026-11-22T11:59:59Z"}]}`, "id is missing"},
		"no time":              {`{"events":[{"id":"` + uuid1 + `","type":"search"}]}`, "at is missing"},
		"bad time":             {`{"events":[{"id":"` + uuid1 + `","type":"search","at":"yesterday"}]}`, "at must be a time"},
		"no object":            {`{"events":["hello"]}`, "An event must be an object."},
	} {
		t.Run(name, func(t *testing.T) {
			var b event.Batch
			if err := b.Parse([]byte(c.body), noon); err != nil {
				t.Fatal(err)
			}
			switch {
			case c.reason == "" && (len(b.Events) != 1 || len(b.Rejected) != 0):
				t.Fatalf("rejected: %+v", b.Rejected)
			case c.reason != "" && (len(b.Events) != 0 || len(b.Rejected) != 1):
				t.Fatalf("accepted: %+v", b.Events)
			case c.reason != "" && !strings.Contains(b.Rejected[0].Reason, c.reason):
				t.Fatalf("reason is %q, want %q", b.Rejected[0].Reason, c.reason)
			}
		})
	}
}

func TestFieldsAreRead(t *testing.T) {
	var b event.Batch
	body := `{"sent_at":"2026-11-22T11:00:00Z","events":[{"id":"` + uuid1 + `","type":"watch","at":"2026-11-22T10:59:58.25Z",
		"impression":"tok","room_id":"` + room + `","product_id":"` + product + `","watch_ms":4000,"position_ms":9000,"seq":7,
		"session_id":"` + uuid1 + `","quantity":2,"text":"never kept"}]}`
	if err := b.Parse([]byte(body), noon); err != nil || len(b.Events) != 1 {
		t.Fatal(err, b.Rejected)
	}
	want := event.Event{ID: uuid.MustParse(uuid1), Type: event.Watch, At: noon.Add(-1750 * time.Millisecond),
		ClientAt: time.Date(2026, 11, 22, 10, 59, 58, 250_000_000, time.UTC), Received: noon, Token: "tok",
		Room: room, Product: product, WatchMS: 4000, PositionMS: 9000, Seq: 7, Session: uuid.MustParse(uuid1), Quantity: 2}
	if b.Events[0] != want {
		t.Errorf("read %+v\nwant %+v", b.Events[0], want)
	}
}

func TestWholeRequestFaults(t *testing.T) {
	many := strings.Repeat(`{},`, event.MaxEvents) + `{}`
	for name, c := range map[string]struct {
		body string
		kind fault.Kind
	}{
		"empty":           {``, fault.Malformed},
		"not JSON":        {`hello`, fault.Malformed},
		"an array":        {`[]`, fault.Malformed},
		"no events":       {`{"sent_at":"2026-11-22T11:00:00Z"}`, fault.Malformed},
		"events null":     {`{"events":null}`, fault.Malformed},
		"cut":             {`{"events":[{"id":"` + uuid1 + `"`, fault.Malformed},
		"tail":            {`{"events":[]} x`, fault.Malformed},
		"NUL tail":        {"{\"events\":[]}\x00", fault.Malformed},
		"comma":           {`{"events":[{},]}`, fault.Malformed},
		"bad number":      {`{"events":[{"x":01}]}`, fault.Malformed},
		"bad escape":      {`{"events":[{"x":"\q"}]}`, fault.Malformed},
		"control":         {"{\"events\":[{\"x\":\"\n\"}]}", fault.Malformed},
		"too deep":        {`{"events":[{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}]}`, fault.Malformed},
		"twice":           {`{"events":[{}],"events":[{}]}`, fault.Malformed},
		"too many":        {`{"events":[` + many + `]}`, fault.TooLarge},
		"too long":        {`{"events":[],"x":"` + strings.Repeat("x", event.MaxBody) + `"}`, fault.TooLarge},
		"sent_at no time": {`{"events":[],"sent_at":"now"}`, fault.Invalid},
		"sent_at number":  {`{"sent_at":5,"events":[]}`, fault.Invalid},
	} {
		var b event.Batch
		if err := b.Parse([]byte(c.body), noon); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v, want %s", name, err, c.kind)
		}
	}
}

func TestOneBadEventDoesNotSinkItsBatch(t *testing.T) {
	var b event.Batch
	good := `{"id":"` + uuid1 + `","at":"2026-11-22T11:59:59Z","type":"search"}`
	if err := b.Parse([]byte(`{"events":[`+good+`,{"id":"x\u0000y"},7,`+good+`]}`), noon); err != nil {
		t.Fatal(err)
	}
	if len(b.Events) != 2 || len(b.Rejected) != 2 || b.Rejected[0].ID != "x\x00y" {
		t.Errorf("%d accepted, rejected %+v", len(b.Events), b.Rejected)
	}
}

func TestClockSkew(t *testing.T) {
	for name, c := range map[string]struct {
		at, sentAt, want time.Time
		late             bool
	}{
		"right clock":          {noon.Add(-2 * time.Second), noon, noon.Add(-2 * time.Second), false},
		"three years fast":     {noon.AddDate(3, 0, -1), noon.AddDate(3, 0, 0), noon.AddDate(0, 0, -1), false},
		"an hour slow":         {noon.Add(-time.Hour), noon.Add(-time.Hour), noon, false},
		"no sent_at":           {noon.Add(-time.Hour), time.Time{}, noon.Add(-time.Hour), false},
		"no sent_at, fast":     {noon.Add(time.Hour), time.Time{}, noon.Add(event.MaxFuture), false},
		"after it was sent":    {noon.Add(time.Minute), noon, noon.Add(event.MaxFuture), false},
		"exactly 72 hours ago": {noon.Add(-event.MaxPast), noon, noon.Add(-event.MaxPast), false},
		"older":                {noon.Add(-event.MaxPast - time.Microsecond), noon, noon.Add(-event.MaxPast), true},
		"the year 1":           {time.Date(1, 1, 1, 1, 0, 0, 0, time.UTC), noon, noon.Add(-event.MaxPast), true},
	} {
		if got, late := event.Corrected(c.at, c.sentAt, noon); !got.Equal(c.want) || late != c.late {
			t.Errorf("%s: %v late=%v, want %v late=%v", name, got, late, c.want, c.late)
		}
	}
}

func TestFlags(t *testing.T) {
	for flags, want := range map[event.Flags][2]bool{
		0: {true, true}, event.Forged: {false, false}, event.Foreign: {false, false}, event.Expired: {true, false},
		event.Bot: {false, false}, event.Late: {false, false}, event.ClientPurchase: {false, false}, event.Own: {true, false},
	} {
		if flags.Counted() != want[0] || flags.Earns() != want[1] {
			t.Errorf("flags %b: counted %v, earns %v", flags, flags.Counted(), flags.Earns())
		}
	}
}

// What the scanner takes for JSON is what encoding/json takes for it.
func sameVerdict(t interface {
	Fatalf(string, ...any)
}, value string) {
	body := `{"events":[],"x":` + value + `}`
	var b event.Batch
	err := b.Parse([]byte(body), noon)
	if want := json.Valid([]byte(body)); (err == nil) != want {
		t.Fatalf("%q: %v, but encoding/json says %v", body, err, want)
	}
}

func TestScannerAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sameVerdict(t, rapid.StringOfN(rapid.SampledFrom([]rune(`{}[]":,\ntrufalse0123456789eE+-.u `+"\x00\x01\té")), 0, 20, -1).Draw(t, "value"))
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(one(`"type":"watch","impression":"t","watch_ms":5`)))
	f.Add([]byte(`{"sent_at":"2026-11-22T11:00:00Z","events":[{}],"x":[1,{"a":"\u00e9"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var b event.Batch
		err := b.Parse(body, noon)
		if err == nil && !json.Valid(body) {
			t.Fatalf("%q was read", body)
		}
		if fault.Is(err, fault.Malformed) && json.Valid(body) {
			var shape struct{ Events []json.RawMessage }
			if json.Unmarshal(body, &shape) == nil && len(shape.Events) > 0 && strings.Count(string(body), "vents") == 1 &&
				!strings.ContainsAny(string(body), `\`) && strings.Count(string(body), "[") < 30 && strings.Count(string(body), "{") < 30 &&
				strings.Contains(string(body), `"events"`) {
				t.Fatalf("%q was refused: %v", body, err)
			}
		}
		for i := range b.Events {
			e := &b.Events[i]
			if e.At.Before(noon.Add(-event.MaxPast)) || e.At.After(noon.Add(event.MaxFuture)) {
				t.Fatalf("at %v is outside the clamp", e.At)
			}
			if _, err := e.AppendEncode(nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func batchOf(n int) []byte {
	token := strings.Repeat("A", id.ImpressionTokenLength)
	var events []string
	for i := range n {
		events = append(events, fmt.Sprintf(`{"id":"%s","type":"watch","at":"2026-11-22T11:59:58.250Z","impression":"%s","product_id":"%s","watch_ms":4000,"position_ms":%d,"session_id":"%s","seq":%d}`,
			uuid.New(), token, product, i*1000, uuid1, i))
	}
	return []byte(`{"sent_at":"2026-11-22T12:00:00Z","events":[` + strings.Join(events, ",") + `]}`)
}

func BenchmarkParse50(b *testing.B) {
	body := batchOf(50)
	var batch event.Batch
	b.ReportAllocs()
	for b.Loop() {
		if err := batch.Parse(body, noon); err != nil || len(batch.Events) != 50 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(50*b.N)/b.Elapsed().Seconds(), "events/s")
}
