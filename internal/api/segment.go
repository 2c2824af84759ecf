package api

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/feed"
)

// segmentBase is where the Segment HTTP API lives: SDKs are told the host and add it themselves.
const segmentBase = "/v1/"

// The rate of one write key on one node, in events: what a shop of a million visits a day sends
// at its busiest, many times over. A request over it is refused whole, before anything is kept.
const (
	WriteKeyBurst = 10 * event.MaxMessages
	WriteKeyEvery = time.Millisecond
)

// segmentCalls are the paths of the Segment HTTP API: spelled out, and as browsers' SDKs shorten them.
var segmentCalls = []struct {
	path, short string
	call        event.Call
	summary     string
}{
	{"batch", "b", event.CallBatch, "Tell many messages at once, as Segment's SDKs do"},
	{"track", "t", event.CallTrack, "Tell what a visitor did, as Segment's SDKs do"},
	{"page", "p", event.CallPage, "Tell which page a visitor saw, as Segment's SDKs do"},
	{"identify", "i", event.CallIdentify, "Tell that a visitor signed in, as Segment's SDKs do"},
	{"screen", "s", event.CallScreen, "Tell which screen of an app a visitor saw, as Segment's SDKs do"},
	{"group", "g", event.CallGroup, "Tell what a visitor belongs to, as Segment's SDKs do"},
	{"alias", "a", event.CallAlias, "Tell that two names are one visitor, as Segment's SDKs do"},
}

const segmentText = "The Segment HTTP API, so that its SDKs and RudderStack's work unmodified: give them this host and a write key, " +
	"which comes as Basic auth (`writeKey:`) or in the body. At most 500 KB, 1,000 messages and 32 KB a message; gzip is welcome, the content type is not looked at. " +
	"Visitors' ids live in the key's own namespace and count in the brand's own numbers only. Messages that nothing can be made of, and those of visitors who " +
	"do not consent, are passed over without an error: SDKs would send them again."

// registerSegment adds the contract of Segment's SDKs: API.md §6.
func (a *API) registerSegment() {
	if a.deps.Accounts == nil || a.deps.Feed == nil {
		return
	}
	if !a.opts.Unlimited {
		a.writers = account.NewLimiter(a.opts.Clock, account.Rate{Burst: WriteKeyBurst, Every: WriteKeyEvery})
	}
	for _, c := range segmentCalls {
		for _, path := range []string{c.path, c.short} {
			a.raw(Route{Method: http.MethodPost, Path: segmentBase + path, Root: true, Who: Public, OwnAuth: true, CORS: true, Tag: "segment",
				Summary: c.summary, Description: segmentText, Idempotency: Ignored, MaxBody: event.MaxBody, Takes: toldMessages(c.call), Gives: segmentAnswer{}},
				func(w http.ResponseWriter, r *http.Request) error { return a.postSegment(w, r, c.call) })
		}
	}
}

// toldMessage documents a message; package event reads it.
type toldMessage struct {
	Type       string         `json:"type,omitempty" doc:"Of a message in a batch: track, page, screen, identify, group or alias"`
	MessageID  string         `json:"messageId,omitempty" doc:"Repeats of it count once"`
	Anonymous  string         `json:"anonymousId,omitempty" doc:"The visitor; this or userId is needed. Kept as a hash"`
	User       string         `json:"userId,omitempty" doc:"Used where anonymousId is missing. Kept as a hash"`
	Event      string         `json:"event,omitempty" doc:"Of a track: Product Clicked, Product Viewed, Product Added, Checkout Started, Order Completed…; other names are kept as hashes"`
	Properties map[string]any `json:"properties,omitempty" doc:"product_id, sku, gtin, variant, quantity, products (up to 24, an event each), position are looked at, nothing else is kept"`
	Context    map[string]any `json:"context,omitempty" doc:"ip, userAgent and consent are looked at"`
	Timestamp  string         `json:"timestamp,omitempty" doc:"When it happened by the client's clock"`
	SentAt     string         `json:"sentAt,omitempty"`
	WriteKey   string         `json:"writeKey,omitempty"`
}

type toldBatch struct {
	Batch    []toldMessage `json:"batch" maxItems:"1000" nullable:"false"`
	SentAt   string        `json:"sentAt,omitempty" doc:"When the client sent this, by its own clock: corrects the times of messages"`
	WriteKey string        `json:"writeKey,omitempty"`
}

func toldMessages(c event.Call) any {
	if c == event.CallBatch {
		return toldBatch{}
	}
	return toldMessage{}
}

// segmentAnswer is what SDKs wait for.
type segmentAnswer struct {
	Success bool `json:"success"`
}

var segmentSuccess = []byte(`{"success":true}`)

// messages is scratch memory of requests.
var messages = sync.Pool{New: func() any { return new(event.Messages) }}

func (a *API) postSegment(w http.ResponseWriter, r *http.Request, call event.Call) error {
	body := eventBodies.Get().(*bytes.Buffer)
	defer eventBodies.Put(body)
	body.Reset()
	if err := readEvents(body, r); err != nil {
		return err
	}
	told := messages.Get().(*event.Messages)
	defer func() {
		told.Clear()
		messages.Put(told)
	}()
	if err := told.Parse(call, body.Bytes(), a.opts.Clock.Now()); err != nil {
		return err
	}
	secret, _, basic := r.BasicAuth()
	if !basic && r.Header.Get("Authorization") == "" {
		secret = told.WriteKey // browsers' SDKs have none to send where their host forbids it
	}
	key, brand, err := a.deps.Accounts.OpenWriteKey(r.Context(), strings.TrimSpace(secret))
	if err != nil {
		return err
	}
	if a.writers != nil {
		if wait := a.writers.TakeMany(string(key), min(WriteKeyBurst, max(1, told.Events()))); wait > 0 {
			return fault.New(fault.Limited, "This write key has told too much at once: at most %d events a second in the long run.", time.Second/WriteKeyEvery).After(wait)
		}
	}
	from := feed.Sender{Address: a.address(r), UserAgent: r.UserAgent()}
	if _, err := a.deps.Feed.Tell(r.Context(), feed.Source{Key: key, Brand: brand}, from, told, private(r)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(segmentSuccess)
	return err
}

// fromSDK reports whether a request is an event SDK's. Such a one is nobody who could shop: no
// viewer is minted for it, no cookie is set, and its Authorization is the write key's.
func fromSDK(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, segmentBase) }
