package event_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

var (
	writeKey  = id.WriteKey("").From(uuid.MustParse("01900000-0000-7000-8000-0000000000a1"))
	otherKey  = id.WriteKey("").From(uuid.MustParse("01900000-0000-7000-8000-0000000000a2"))
	shopBrand = id.Brand("").From(uuid.MustParse("01900000-0000-7000-8000-0000000000b1"))
	browser   = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
	somewhere = netip.MustParseAddr("203.0.113.77")
)

// messages reads a batch of messages, each given by its members.
func messages(t testing.TB, members ...string) *event.Messages {
	t.Helper()
	var m event.Messages
	body := `{"writeKey":"k","sentAt":"2026-11-22T12:00:00Z","batch":[{` + strings.Join(members, `},{`) + `}]}`
	if err := m.Parse(event.CallBatch, []byte(body), noon); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return &m
}

// bound reads one message and binds it to the write key, as a browser's.
func bound(t testing.TB, members string) event.Message {
	t.Helper()
	m := messages(t, members)
	if len(m.List) != 1 {
		t.Fatalf("%s: %d rejected, %d denied", members, m.Rejected, m.Denied)
	}
	m.List[0].Bind(writeKey, shopBrand, browser, somewhere, false)
	return m.List[0]
}

func TestSegmentNames(t *testing.T) {
	for name, want := range map[string]event.Type{
		"Product Clicked": event.ProductClick, "product_clicked": event.ProductClick, "select_item": event.ProductClick, "product_click": event.ProductClick,
		"Product Viewed": event.ProductView, "view_item": event.ProductView, "Product Added": event.AddToCart, "add_to_cart": event.AddToCart,
		"Product List Viewed": event.Impression, "view_item_list": event.Impression, "Checkout Started": event.BeginCheckout, "begin_checkout": event.BeginCheckout,
		"Video Content Started": event.View, "video_start": event.View, "Video Content Playing": event.Watch, "video_progress": event.Watch,
		"Products Searched": event.Search, "Product Shared": event.Share, "Order Completed": event.Purchase, "purchase": event.Purchase,
		"Order Refunded": event.Refund, "refund": event.Refund, "link_click": event.Custom, "follow": event.Custom,
		"Wishlist Opened": event.Custom, "identify": event.Custom, strings.Repeat("Product Clicked", 999): event.Custom,
	} {
		e := bound(t, fmt.Sprintf(`"type":"track","anonymousId":"a","event":%q`, name)).Event
		if e.Type != want {
			t.Errorf("%.40s: %s, want %s", name, e.Type, want)
		}
		if has := e.Flags.Has(event.ClientPurchase); has != (want == event.Purchase || want == event.Refund) || has == e.Flags.Counted() {
			t.Errorf("%.40s: flags %b", name, e.Flags)
		}
		if (e.Name != [16]byte{}) != (want == event.Custom) {
			t.Errorf("%.40s: its name is kept as %x", name, e.Name)
		}
	}
	for call, want := range map[string]event.Type{"page": event.Page, "screen": event.Screen, "identify": event.Identify, "group": event.Group, "alias": event.Alias} {
		if e := bound(t, fmt.Sprintf(`"type":%q,"userId":"u","name":"Home"`, call)).Event; e.Type != want || e.Type.FromClients() {
			t.Errorf("%s: %s, from clients %v", call, e.Type, e.Type.FromClients())
		}
	}
}

// No viewer's client may tell what only a brand's own site tells.
func TestViewersTellNoSegmentTypes(t *testing.T) {
	for _, name := range []string{"page", "screen", "identify", "group", "alias", "custom"} {
		var b event.Batch
		if err := b.Parse([]byte(one(`"type":"`+name+`","video_id":"x"`)), noon); err != nil || len(b.Events) != 0 || len(b.Rejected) != 1 {
			t.Errorf("%s: %v, %+v", name, err, b)
		}
	}
}

func TestSegmentIdentity(t *testing.T) {
	track := `"type":"track","event":"Product Viewed",`
	m := bound(t, track+`"anonymousId":"jane@example.com","userId":"u1","messageId":"node-next-1"`)
	if m.Event.Viewer != "" || m.Event.Namespace != writeKey || m.Event.Brand != shopBrand || m.Event.Earns() {
		t.Errorf("the event is %+v", m.Event)
	}
	if m.Event.Anonymous != event.AnonymousOf(writeKey, "jane@example.com") || m.Event.Anonymous == event.AnonymousOf(otherKey, "jane@example.com") {
		t.Error("the visitor is not the key's own")
	}
	if u := bound(t, track+`"userId":"jane@example.com"`); u.Event.Anonymous == m.Event.Anonymous || u.Event.Anonymous == [16]byte{} {
		t.Error("a user and an anonymous visitor of one name are one")
	}
	if n := bound(t, track+`"userId":42`); n.Event.Anonymous != event.UserOf(writeKey, "42") {
		t.Error("a number names another user than its text")
	}

	// Repeats have one id, others their own.
	again := bound(t, track+`"anonymousId":"jane@example.com","messageId":"node-next-1","x":1`)
	if m.Event.ID != again.Event.ID || m.Event.ID == uuid.Nil || m.Event.ID.Version() != 8 {
		t.Errorf("ids %s and %s", m.Event.ID, again.Event.ID)
	}
	again.Bind(otherKey, shopBrand, browser, somewhere, false)
	if m.Event.ID == again.Event.ID {
		t.Error("one messageId under two keys is one event")
	}
	own := "0190a000-0000-7000-8000-0000000000cc"
	if e := bound(t, track+`"anonymousId":"a","messageId":"`+own+`"`).Event; e.ID.String() != own {
		t.Errorf("a UUID became %s", e.ID)
	}
	dated, other := track+`"anonymousId":"a","timestamp":"2026-11-22T11:59:00Z"`, track+`"anonymousId":"a","timestamp":"2026-11-22T11:59:01Z"`
	if first, again := bound(t, dated), bound(t, dated); first.Event.ID != again.Event.ID || first.Event.ID == bound(t, other).Event.ID {
		t.Error("a dated message without an id is not known by what it says")
	}
	bare := track + `"anonymousId":"a"`
	if first, again := bound(t, bare), bound(t, bare); first.Event.ID == again.Event.ID {
		t.Error("two messages without id or time are one")
	}
}

// Nothing a person or a site wrote is in the record: not an id, a name, an address or a search.
func TestSegmentTextsStayOutOfTheLog(t *testing.T) {
	secret := "Secret7"
	m := messages(t, `"type":"track","event":"Secret7 Opened","anonymousId":"Secret7","userId":"Secret7","messageId":"Secret7",
		"properties":{"product_id":"Secret7","sku":"Secret7","query":"Secret7","video_id":"Secret7","products":[{"name":"Secret7"}]},
		"context":{"ip":"198.51.100.9","userAgent":"Secret7","locale":"Secret7","traits":{"email":"Secret7"},"page":{"url":"Secret7"}}`)
	m.List[0].Bind(writeKey, shopBrand, "curl/8", somewhere, false)
	record, err := m.List[0].Event.AppendEncode(nil)
	if err != nil || strings.Contains(string(record), secret) {
		t.Fatalf("%v: %q", err, record)
	}
	if got := m.List[0].Event.Net.String(); got != "198.51.100.0/24" {
		t.Errorf("the visitor's address is kept as %s", got)
	}
}

func TestSegmentTimes(t *testing.T) {
	track := `"type":"track","event":"Product Viewed","anonymousId":"a",`
	for name, c := range map[string]struct {
		members string
		at      time.Time
		flags   event.Flags
	}{
		"said":                {`"timestamp":"2026-11-22T11:59:00.5Z"`, noon.Add(-59500 * time.Millisecond), 0},
		"original wins":       {`"originalTimestamp":"2026-11-22T11:59:00Z","timestamp":"2026-11-20T00:00:00Z"`, noon.Add(-time.Minute), 0},
		"original wins after": {`"timestamp":"2026-11-20T00:00:00Z","originalTimestamp":"2026-11-22T11:59:00Z"`, noon.Add(-time.Minute), 0},
		"not said":            {`"x":1`, noon, 0},
		"nonsense":            {`"timestamp":"yesterday"`, noon, 0},
		"another sort":        {`"timestamp":[1]`, noon, 0},
		"the future":          {`"timestamp":"2026-11-23T12:00:00Z"`, noon.Add(event.MaxFuture), 0},
		"long ago":            {`"timestamp":"2020-01-01T00:00:00Z"`, noon.Add(-event.MaxPast), event.Late},
	} {
		if e := bound(t, track+c.members).Event; !e.At.Equal(c.at) || e.Flags != c.flags || !e.Received.Equal(noon) {
			t.Errorf("%s: at %v with flags %b, want %v with %b", name, e.At, e.Flags, c.at, c.flags)
		}
	}
	// A clock that is an hour ahead says so by sentAt.
	var m event.Messages
	body := `{"type":"track","event":"x","userId":"u","timestamp":"2026-11-22T12:59:00Z","sentAt":"2026-11-22T13:00:00Z","writeKey":"key"}`
	if err := m.Parse(event.CallTrack, []byte(body), noon); err != nil || m.WriteKey != "key" || !m.List[0].Event.At.Equal(noon.Add(-time.Minute)) {
		t.Errorf("%v: %+v", err, m)
	}
}

func TestSegmentGoods(t *testing.T) {
	track := `"type":"track","anonymousId":"a","event":`
	for members, want := range map[string]event.Goods{
		`"Product Viewed","properties":{"product_id":"p1","sku":"S","variant":"v"}`:                     {Product: "p1", SKU: "S", Variant: "v"},
		`"Product Viewed","properties":{"product_id":7}`:                                                {Product: "7"},
		`"Product List Viewed","properties":{"products":[{"product_id":"p1","sku":"S"}]}`:               {Product: "p1", SKU: "S"},
		`"Product List Viewed","properties":{"products":[{"product_id":"p1"},{"product_id":"p2"}]}`:     {},
		`"view_item","properties":{"items":[{"item_id":"p1","items":[{"item_id":"p2"}]}],"position":1}`: {Product: "p1"},
		`"Order Completed","properties":{"product_id":"outer","products":[{"product_id":"p1"}]}`:        {Product: "outer"},
		`"Product Viewed","properties":{"products":["p1"]}`:                                             {},
		`"Product Viewed","properties":"p1"`:                                                            {},
		`"Product Viewed","properties":[{"product_id":"p1"}]`:                                           {},
		`"Product Viewed","properties":null`:                                                            {},
	} {
		if got := bound(t, track+members).Goods; got != want {
			t.Errorf("%s: %+v, want %+v", members, got, want)
		}
	}
	if e := bound(t, track+`"Product Added","properties":{"quantity":3,"position":2}`).Event; e.Quantity != 3 || e.PositionMS != 0 {
		t.Errorf("a cart of %d at %d", e.Quantity, e.PositionMS)
	}
	if e := bound(t, track+`"Product Added","properties":{"quantity":9e99}`).Event; e.Quantity != 0 {
		t.Errorf("a cart of %d", e.Quantity)
	}
	if e := bound(t, track+`"Video Content Playing","properties":{"position":12.5,"watch_ms":10000}`).Event; e.PositionMS != 12500 || e.WatchMS != 10000 {
		t.Errorf("watched %d at %d", e.WatchMS, e.PositionMS)
	}
}

func TestSegmentConsent(t *testing.T) {
	track := `"type":"track","event":"Product Viewed","anonymousId":"a","context":`
	for context, denied := range map[string]bool{
		`{"consent":{"categoryPreferences":{"Advertising":true,"Analytics":false}}}`:  true,
		`{"consent":{"categoryPreferences":{"Advertising":false,"Analytics":true}}}`:  false,
		`{"consent":{"categoryPreferences":{"C0001":true,"C0002":false}}}`:            true,
		`{"consent":{"analytics":false}}`:                                             true,
		`{"consent":{"analytics_storage":"denied"}}`:                                  true,
		`{"consent":{"analytics":true}}`:                                              false,
		`{"consent":false}`:                                                           true,
		`{"consent":true}`:                                                            false,
		`{"consent":null}`:                                                            false,
		`{"consent":[false]}`:                                                         false,
		`{"consent":{"categoryPreferences":{"Functional":false,"Statistics":false}}}`: true,
		`{}`: false,
	} {
		m := messages(t, track+context)
		if got := m.Denied == 1 && len(m.List) == 0; got != denied {
			t.Errorf("%s: denied %v, kept %d", context, got, len(m.List))
		}
	}
	// What a batch says holds for all its messages, wherever it stands.
	var m event.Messages
	body := `{"batch":[{"type":"page","userId":"u"}],"context":{"consent":{"analytics":false}}}`
	if err := m.Parse(event.CallBatch, []byte(body), noon); err != nil || m.Denied != 1 || len(m.List) != 0 {
		t.Errorf("%v: %+v", err, m)
	}
}

// Global Privacy Control: the event counts, and nothing is kept by which anybody could be followed.
func TestSegmentPrivacySignal(t *testing.T) {
	members := `"type":"page","anonymousId":"a","context":{"sessionId":"0190a000-0000-7000-8000-0000000000cc","seq":3,"ip":"198.51.100.9"`
	asked, plain := messages(t, members+`,"gpc":true}`).List[0], messages(t, members+`}`).List[0]
	browsers := plain
	asked.Bind(writeKey, shopBrand, browser, somewhere, false)
	browsers.Bind(writeKey, shopBrand, browser, somewhere, true)
	plain.Bind(writeKey, shopBrand, browser, somewhere, false)
	for name, e := range map[string]event.Event{"context": asked.Event, "browser": browsers.Event} {
		if e.Anonymous != [16]byte{} || e.Session != uuid.Nil || e.Seq != 0 || e.Net.IsValid() || !e.Flags.Counted() {
			t.Errorf("asked by the %s: %+v", name, e)
		}
	}
	if e := plain.Event; e.Anonymous == [16]byte{} || e.Session == uuid.Nil || e.Seq != 3 || !e.Net.IsValid() {
		t.Errorf("not asked: %+v", e)
	}
}

func TestSegmentSenders(t *testing.T) {
	phone := "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148"
	robot := "Mozilla/5.0 (compatible; Googlebot/2.1)"
	for name, c := range map[string]struct {
		sender, context string
		agent           event.Agent
		net             string
	}{
		"a browser":                    {browser, `{}`, event.AgentDesktop, "203.0.113.0/24"},
		"a browser that says another":  {browser, fmt.Sprintf(`{"userAgent":%q}`, robot), event.AgentDesktop, "203.0.113.0/24"},
		"a server":                     {"analytics-node-next/latest", `{}`, event.AgentProgram, "invalid Prefix"},
		"a server for a phone":         {"axios/1.7", fmt.Sprintf(`{"userAgent":%q,"ip":"198.51.100.9"}`, phone), event.AgentPhone, "198.51.100.0/24"},
		"a server for a robot":         {"axios/1.7", fmt.Sprintf(`{"userAgent":%q}`, robot), event.AgentRobot, "invalid Prefix"},
		"a robot":                      {robot, fmt.Sprintf(`{"userAgent":%q}`, phone), event.AgentRobot, "203.0.113.0/24"},
		"an address that is none":      {browser, `{"ip":"localhost"}`, event.AgentDesktop, "203.0.113.0/24"},
		"IPv6":                         {"axios/1.7", `{"ip":"2001:db8:1:2::3"}`, event.AgentProgram, "2001:db8:1::/48"},
		"a context of another sort":    {browser, `"x"`, event.AgentDesktop, "203.0.113.0/24"},
		"members of another sort":      {browser, `{"ip":{},"userAgent":[],"seq":"x","consent":7}`, event.AgentDesktop, "203.0.113.0/24"},
		"a session that is no UUID":    {browser, `{"sessionId":1732276800000}`, event.AgentDesktop, "203.0.113.0/24"},
		"an unknown sender for a tool": {"", `{"userAgent":"curl/8"}`, event.AgentProgram, "203.0.113.0/24"},
	} {
		m := messages(t, `"type":"page","userId":"u","context":`+c.context).List[0]
		m.Bind(writeKey, shopBrand, c.sender, somewhere, false)
		if m.Event.Agent != c.agent || m.Event.Net.String() != c.net || m.Event.Flags.Has(event.Bot) != (c.agent == event.AgentRobot) {
			t.Errorf("%s: a %s at %s, flags %b", name, m.Event.Agent, m.Event.Net, m.Event.Flags)
		}
	}
}

// One bad message never sinks its batch.
func TestSegmentJudgesEachMessage(t *testing.T) {
	good := `{"type":"track","event":"Product Viewed","anonymousId":"a"}`
	bad := []string{`{}`, `[]`, `"track"`, `7`, `null`, `{"type":"track","anonymousId":"a"}`, `{"type":"dance","anonymousId":"a"}`, `{"type":"page"}`,
		`{"type":7,"userId":"u"}`, `{"type":"page","userId":""}`, `{"type":"page","userId":{"id":1}}`, `{"type":"track","event":["x"],"userId":"u"}`,
		`{"type":"page","userId":"u","x":"` + strings.Repeat("a", event.MaxEvent) + `"}`}
	var m event.Messages
	if err := m.Parse(event.CallBatch, []byte(`{"batch":[`+strings.Join(bad, ",")+`,`+good+`]}`), noon); err != nil {
		t.Fatal(err)
	}
	if len(m.List) != 1 || m.Rejected != len(bad) || m.List[0].Name != "Product Viewed" {
		t.Errorf("%d kept, %d rejected, want 1 and %d", len(m.List), m.Rejected, len(bad))
	}
	// Odd and acceptable: what a member of the wrong sort says is left out.
	if m := messages(t, `"type":"page","anonymousId":null,"userId":"u","messageId":[1],"timestamp":true,"properties":7,"context":false`); len(m.List) != 1 {
		t.Errorf("%+v", m)
	}
}

func TestSegmentRefusesRequests(t *testing.T) {
	var many strings.Builder
	for range event.MaxMessages + 1 {
		many.WriteString(`{},`)
	}
	for name, c := range map[string]struct {
		call event.Call
		body string
		want fault.Kind
	}{
		"empty":           {event.CallBatch, ``, fault.Malformed},
		"no batch":        {event.CallBatch, `{}`, fault.Malformed},
		"a bare message":  {event.CallBatch, `{"type":"page","userId":"u"}`, fault.Malformed},
		"a list":          {event.CallBatch, `[]`, fault.Malformed},
		"two batches":     {event.CallBatch, `{"batch":[],"batch":[]}`, fault.Malformed},
		"no list":         {event.CallBatch, `{"batch":{}}`, fault.Malformed},
		"cut":             {event.CallBatch, `{"batch":[{"type":"page"`, fault.Malformed},
		"more":            {event.CallBatch, `{"batch":[]}{}`, fault.Malformed},
		"NUL after":       {event.CallBatch, "{\"batch\":[]}\x00", fault.Malformed},
		"too deep":        {event.CallTrack, `{"properties":` + strings.Repeat(`{"a":`, 99) + `1` + strings.Repeat(`}`, 99) + `}`, fault.Malformed},
		"deep products":   {event.CallTrack, `{"properties":{"products":` + strings.Repeat(`[`, 99) + strings.Repeat(`]`, 99) + `}}`, fault.Malformed},
		"too long":        {event.CallTrack, `{"x":"` + strings.Repeat("a", event.MaxBody) + `"}`, fault.TooLarge},
		"too many":        {event.CallBatch, `{"batch":[` + strings.TrimSuffix(many.String(), ",") + `]}`, fault.TooLarge},
		"a list as track": {event.CallTrack, `[]`, fault.Malformed},
		"text as track":   {event.CallTrack, `"x"`, fault.Malformed},
	} {
		var m event.Messages
		if err := m.Parse(c.call, []byte(c.body), noon); !fault.Is(err, c.want) || len(m.List)+m.Rejected > 0 {
			t.Errorf("%s: %v, want %s; %d kept", name, err, c.want, len(m.List))
		}
	}
}

func FuzzSegment(f *testing.F) {
	f.Add(true, []byte(`{"batch":[{"type":"track","event":"Product Added","anonymousId":"a","properties":{"products":[{"sku":"S","quantity":2}]},"context":{"ip":"::1","consent":{"analytics":true}}}],"sentAt":"2026-11-22T11:00:00Z"}`))
	f.Add(false, []byte(`{"event":"\u00e9","userId":1e3,"timestamp":"2026-11-22T11:00:00+02:00","properties":{"position":-0.5},"x":[[[{}]]]}`))
	f.Fuzz(func(t *testing.T, batch bool, body []byte) {
		call := event.CallTrack
		if batch {
			call = event.CallBatch
		}
		var m event.Messages
		if err := m.Parse(call, body, noon); err == nil && !json.Valid(body) {
			t.Fatalf("%q was read", body)
		}
		for i := range m.List {
			one := &m.List[i]
			one.Bind(writeKey, shopBrand, browser, somewhere, false)
			e := &one.Event
			if e.At.Before(noon.Add(-event.MaxPast)) || e.At.After(noon.Add(event.MaxFuture)) || e.ID == uuid.Nil || e.Earns() || e.Viewer != "" || e.Creator != "" {
				t.Fatalf("%q became %+v", body, e)
			}
			record, err := e.AppendEncode(nil)
			if err != nil || len(record) > event.MaxRecord {
				t.Fatalf("%d bytes: %v", len(record), err)
			}
			var back event.Event
			if err := back.Decode(record); err != nil || back != *e {
				t.Fatalf("%+v came back as %+v: %v", e, back, err)
			}
		}
	})
}

func BenchmarkSegment50(b *testing.B) {
	var list []string
	for i := range 50 {
		list = append(list, fmt.Sprintf(`{"type":"track","event":"Product Clicked","messageId":"node-next-%d","anonymousId":"a%d","timestamp":"2026-11-22T11:59:58.250Z","properties":{"product_id":"%s","sku":"G-32","category":"Games","name":"Monopoly","price":18.99,"position":3},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}}}`, i, i%7, product))
	}
	body := []byte(`{"batch":[` + strings.Join(list, ",") + `],"sentAt":"2026-11-22T12:00:00Z"}`)
	var m event.Messages
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Parse(event.CallBatch, body, noon); err != nil || len(m.List) != 50 {
			b.Fatal(err)
		}
		for i := range m.List {
			m.List[i].Bind(writeKey, shopBrand, browser, somewhere, false)
		}
	}
	b.ReportMetric(float64(50*b.N)/b.Elapsed().Seconds(), "events/s")
}

// A message that lists several products is an event of each, under ids that stay the same when it is told again.
func TestAListIsAnEventOfEachProduct(t *testing.T) {
	list := func(name, more, items string) (events []event.Event, goods []event.Goods) {
		m := bound(t, fmt.Sprintf(`"type":"track","anonymousId":"a","messageId":"m1","event":%q,"context":{"session_id":"018f0000-0000-7000-8000-000000000001","seq":7},"properties":{%s"products":[%s]}`, name, more, items))
		m.Each(func(e event.Event, of event.Goods) { events, goods = append(events, e), append(goods, of) })
		return events, goods
	}
	two := `{"sku":"A","quantity":3},{"product_id":"B","gtin":"4006381333931"}`
	events, goods := list("Product Added", "", two)
	if len(events) != 2 || goods[0].SKU != "A" || goods[1].Product != "B" || goods[1].GTIN != "4006381333931" || events[0].Quantity != 3 || events[1].Quantity != 0 {
		t.Fatalf("%+v of %+v", events, goods)
	}
	again, _ := list("Product Added", "", two)
	first := bound(t, `"type":"track","anonymousId":"a","messageId":"m1","event":"Product Added"`).Event.ID
	if events[0].ID != first || events[1].ID == first || events[1].ID.Version() != 8 || again[0].ID != events[0].ID || again[1].ID != events[1].ID {
		t.Errorf("ids %s %s, again %s %s", events[0].ID, events[1].ID, again[0].ID, again[1].ID)
	}
	if events[0].Seq != 7 || events[1].Seq != 0 || events[1].Session != uuid.Nil || events[1].Anonymous != events[0].Anonymous || events[1].Type != event.AddToCart {
		t.Errorf("the second is %+v", events[1])
	}
	if events, _ = list("Product List Viewed", "", strings.Repeat(two+",", event.MaxListed)+two); len(events) != event.MaxListed {
		t.Errorf("a long list is %d events", len(events))
	}
	ids := map[uuid.UUID]bool{}
	for _, e := range events {
		ids[e.ID] = true
	}
	if len(ids) != event.MaxListed {
		t.Errorf("%d events have %d ids", event.MaxListed, len(ids))
	}
	if events, goods = list("Product List Viewed", `"product_id":"C",`, two); len(events) != 1 || goods[0].Product != "C" {
		t.Errorf("a message about one product that lists others: %+v", goods)
	}
	if events, goods = list("Order Completed", "", two); len(events) != 1 || goods[0] != (event.Goods{}) {
		t.Errorf("an order of two is %d events, of %+v", len(events), goods)
	}
	if events, goods = list("Product Viewed", "", `{"sku":"A","quantity":3}`); len(events) != 1 || goods[0] != (event.Goods{SKU: "A"}) {
		t.Errorf("a list of one is %d events, of %+v", len(events), goods)
	}
}
