package event_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/stream"
)

func TestFactRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body, _ := json.Marshal(rapid.String().Draw(t, "body"))
		want := event.Fact{Seq: rapid.Int64Range(0, 1<<62).Draw(t, "seq"), Topic: rapid.StringMatching(`[a-z]{1,20}\.[a-z]{1,20}`).Draw(t, "topic"),
			Body: body, At: someTime(t, "at")}
		data, err := want.AppendEncode(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got event.Fact
		if err := got.Decode(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
	})
}

func TestFactBounds(t *testing.T) {
	big := json.RawMessage(`"` + strings.Repeat("x", event.MaxFactBody) + `"`)
	for name, f := range map[string]event.Fact{
		"no topic": {Body: json.RawMessage(`{}`)}, "long topic": {Topic: strings.Repeat("x", 65), Body: json.RawMessage(`{}`)},
		"no body": {Topic: "a.b"}, "long body": {Topic: "a.b", Body: big}, "not JSON": {Topic: "a.b", Body: json.RawMessage(`{`)},
		"negative": {Seq: -1, Topic: "a.b", Body: json.RawMessage(`{}`)},
	} {
		if _, err := f.AppendEncode(nil); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// What the outbox takes the log takes: a fact that cannot be encoded would stop the relay.
func TestOutboxTakesWhatTheLogTakes(t *testing.T) {
	body := json.RawMessage(`"` + strings.Repeat("x", db.MaxFact-2) + `"`)
	f := event.Fact{Seq: 1 << 62, Topic: strings.Repeat("t", db.MaxTopic), Body: body, At: noon}
	data, err := f.AppendEncode(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > stream.MaxRecord {
		t.Errorf("the largest fact has %d bytes, a record at most %d", len(data), stream.MaxRecord)
	}
	var back event.Fact
	if err := back.Decode(data); err != nil || len(back.Body) != db.MaxFact {
		t.Errorf("the largest fact comes back with %d bytes: %v", len(back.Body), err)
	}
}

type outbox map[string]any

func (o outbox) Emit(topic string, body any) error { o[topic] = body; return nil }

// Every fact has a topic of its own and comes back from JSON as it was.
func TestBodies(t *testing.T) {
	var order id.Order
	order = order.Next(noon)
	state := event.CommissionState{Order: order, Rate: 1500, Base: money.Of(1999, "USD"), Amount: money.Of(300, "USD"),
		Touch: &event.SaleTouch{At: noon, Surface: "home", Slot: 2}}
	bodies := []event.Body{
		event.AccountCreated{}, event.ViewerJoined{}, event.ViewerErased{}, event.CreatorCreated{}, event.AccountErased{},
		event.CreatorFollowed{}, event.CreatorUnfollowed{}, event.BrandCreated{Currency: "USD"},
		event.ProductCreated{ProductState: event.ProductState{PriceFrom: money.Of(1999, "USD")}}, event.ProductUpdated{},
		event.VideoReady{VideoState: event.VideoState{Products: []id.Product{product}, CreatedAt: noon}}, event.VideoUpdated{}, event.VideoDeleted{},
		event.VideoLiked{}, event.VideoUnliked{}, event.VideoReported{}, event.CommentCreated{},
		event.SampleChanged{State: "requested"}, event.SampleChanged{State: "overdue"},
		event.StandingChanged{Kind: "video"}, event.StandingChanged{Kind: "product"}, event.StandingChanged{Kind: "comment"}, event.StandingChanged{Kind: "account"},
		event.ProgramCreated{ProgramState: event.ProgramState{Rate: 1500, StartsAt: noon}}, event.ProgramChanged{}, event.ShowcaseAdded{}, event.ShowcaseRemoved{},
		event.PolicyChanged{Weights: json.RawMessage(`{"w":1}`)},
		event.OrderPlaced{Order: order, Total: money.Of(5, "USD"), Lines: 1}, event.OrderPaid{Order: order, PlacedAt: noon, Lines: []event.SaleLine{{Quantity: 2, GMV: 1999, Touch: state.Touch}}},
		event.OrderShipped{}, event.OrderDelivered{ReleaseAt: noon}, event.OrderCompleted{}, event.OrderCancelled{PaidAt: noon}, event.OrderExpired{},
		event.OrderRefunded{Order: order, Refunded: money.Of(5, "USD"), PaidAt: noon, Lines: []event.SaleLine{{Quantity: 1, GMV: 5, Touch: state.Touch}}, Gone: []event.SaleLine{}},
		event.CommissionCreated{CommissionState: state}, event.CommissionReleased{CommissionState: state}, event.CommissionReversed{CommissionState: state, Reason: "cancelled"},
		event.PayoutCreated{PayoutState: event.PayoutState{Amount: money.Of(1000, "USD")}}, event.PayoutSent{}, event.PayoutConfirmed{}, event.PayoutFailed{}, event.PayoutReturned{}, event.PayoutUpdated{Part: money.Of(5, "USD"), Back: money.Of(9, "USD")},
		event.ReturnRequested{ReturnState: event.ReturnState{Lines: []event.ReturnUnits{{Quantity: 2}}}}, event.ReturnApproved{BySilence: true}, event.ReturnDeclined{}, event.ReturnWithdrawn{},
		event.ReturnSent{Carrier: "Parcel"}, event.ReturnReceived{}, event.ReturnRefunded{},
	}
	out := outbox{}
	for _, b := range bodies {
		if err := event.Emit(out, b); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(b))
		if err := json.Unmarshal(raw, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), b) {
			t.Errorf("%s: %v: %+v", b.Topic(), err, back.Elem())
		}
	}
	if len(out) != len(bodies) {
		t.Errorf("%d bodies share %d topics", len(bodies), len(out))
	}
}

// What came back whole is known of a refund that was told before facts said so, and of one that takes back only a part.
func TestWhatARefundLeavesNothingOf(t *testing.T) {
	for _, c := range []struct {
		body string
		want int64
	}{
		{`{"full":true,"lines":[{"quantity":2}]}`, 2},
		{`{"full":false,"lines":[{"quantity":2}]}`, 0},
		{`{"full":true,"lines":[{"quantity":2}],"gone":[]}`, 0},
		{`{"full":false,"lines":[{"quantity":2}],"gone":[{"quantity":3}]}`, 3},
		{`{"full":true,"lines":[{"quantity":2}],"gone":[{"quantity":3}]}`, 3},
	} {
		b, err := event.Read[event.OrderRefunded](event.Fact{Topic: event.TopicOrderRefunded, Body: json.RawMessage(c.body)})
		var units int64
		for _, l := range b.Whole() {
			units += l.Quantity
		}
		if err != nil || units != c.want {
			t.Errorf("of %s %d came back whole, not %d: %v", c.body, units, c.want, err)
		}
	}
}

func TestReadChecksTheTopic(t *testing.T) {
	f := event.Fact{Topic: event.TopicVideoStanding, Body: json.RawMessage(`{"kind":"video","subject":"vid_1","standing":"limited"}`)}
	if s, err := event.Read[event.StandingChanged](f); err != nil || s.Standing != "limited" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := event.Read[event.OrderPaid](f); err == nil {
		t.Error("a standing was read as an order")
	}
}

func TestAgents(t *testing.T) {
	for ua, want := range map[string]event.Agent{
		"": event.AgentUnknown,
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36": event.AgentPhone,
		"Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)":                                                                     event.AgentTablet,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36":     event.AgentDesktop,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                          event.AgentRobot,
		"Go-http-client/1.1": event.AgentProgram,
		"curl/8.5.0":         event.AgentProgram,
	} {
		if got := event.AgentOf(ua); got != want {
			t.Errorf("%q is %s, want %s", ua, got, want)
		}
	}
}
