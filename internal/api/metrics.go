package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/insight"
	"mezzo/internal/metric"
)

// registerMetrics adds the numbers of API.md §9.
func (a *API) registerMetrics() {
	if a.deps.Insight == nil {
		return
	}
	read := account.MetricsRead
	whose := "A creator reads their own numbers, their videos', their rooms' and their share of each product; a brand its own, its products', its programs', and " +
		"what each creator and video does for its products, as creator_product and video_product with an id of both: crt_…:prd_…. Others find nothing."
	register(a, Route{Method: http.MethodGet, Path: "/metrics/{kind}/{id}", Who: Brand, Scope: read, Tag: "numbers", Summary: "What something did in a sliding window",
		Description: whose + "\n\n" + definitionsText()}, a.numbers)
	register(a, Route{Method: http.MethodGet, Path: "/metrics/{kind}/{id}/series", Who: Brand, Scope: read, Tag: "numbers", Summary: "Its history by the minute, hour or day",
		Description: "At most the last hour by the minute, 28 days by the hour, 400 days by the day; buckets begin at whole UTC grains and none is left out."}, a.series)
	a.raw(Route{Method: http.MethodGet, Path: "/metrics/stream", Who: Brand, Scope: read, Tag: "numbers", Summary: "Numbers as they change, as server-sent events",
		Description: "First a snapshot, then what changed within a second of the event: each item is whole and replaces the one before. Events are snapshot, change and, without " +
			"news for 5 s, beat, with data {as_of, lag_ms, items}; and cut, the last of a stream, with data {code, detail}: slow_reader, renew or stopping. " +
			"A client that comes back with Last-Event-ID gets only what changed since. Operators may also follow house, the machine itself."}, a.stream)
	a.describeStream()
	register(a, Route{Method: http.MethodGet, Path: "/operator/signals", Who: Operator, Scope: read, Tag: "operator", Summary: "How fast events come in, are counted and reach dashboards"}, a.signals)
}

// definitionsText is what each number means, for the contract's reader.
func definitionsText() string {
	var b strings.Builder
	for _, d := range insight.Definitions() {
		b.WriteString("- `" + d.Key + "` " + d.Name + ": " + d.Text() + "\n")
	}
	return b.String()
}

// MetricOf is embedded in inputs about something that has numbers.
type MetricOf struct {
	Kind string `path:"kind" enum:"video,room,creator,product,brand,program,creator_product,video_product,brand_site,product_site"`
	ID   string `path:"id" maxLength:"100" doc:"Of a pair both ids: crt_…:prd_…"`
}

func (m MetricOf) entity() (metric.Entity, error) { return insight.Entity(m.Kind + ":" + m.ID) }

func (a *API) numbers(ctx context.Context, in *struct {
	MetricOf
	Window string `query:"window" enum:"1m,1h,24h,7d,28d" default:"24h"`
}) (*Output[insight.Numbers], error) {
	w, err := insight.Window(in.Window)
	if err != nil {
		return nil, err
	}
	e, err := in.entity()
	if err != nil {
		return nil, err
	}
	return answered(a.deps.Insight.Numbers(ctx, asker(ctx), e, w))
}

func (a *API) series(ctx context.Context, in *struct {
	MetricOf
	From  time.Time `query:"from" doc:"Left out: an hour, a day or 28 days before to, by the grain"`
	To    time.Time `query:"to" doc:"Left out: now"`
	Grain string    `query:"grain" enum:"minute,hour,day" doc:"Left out: what suits the span"`
}) (*Output[insight.Series], error) {
	e, err := in.entity()
	if err != nil {
		return nil, err
	}
	return answered(a.deps.Insight.Series(ctx, asker(ctx), e, insight.Span{From: in.From, To: in.To, Grain: in.Grain}))
}

func (a *API) signals(ctx context.Context, _ *None) (*Output[insight.House], error) {
	return answered(a.deps.Insight.House(ctx, asker(ctx)))
}

// describeStream adds the stream's parameters to the document: huma does not read them.
func (a *API) describeStream() {
	op := a.huma.OpenAPI().Paths[Base+"/metrics/stream"].Get
	text := &huma.Schema{Type: huma.TypeString}
	op.Parameters = append(op.Parameters,
		&huma.Param{Name: "entities", In: "query", Required: true, Schema: text, Description: "At most 100, separated by commas: video:vid_…,brand:brd_…", Example: "brand:brd_01hzx3v7q8e9r0t1y2w3p4m5n6"},
		&huma.Param{Name: "window", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"1m", "1h", "24h", "7d", "28d"}, Default: "24h"}},
		&huma.Param{Name: "Last-Event-ID", In: "header", Schema: text, Description: "The id of the last event received, to go on from there"})
	op.Responses["200"].Content = map[string]*huma.MediaType{"text/event-stream": {Schema: text}}
}

// topics reads what a client wants to follow.
func topics(r *http.Request) ([]insight.Topic, error) {
	q := r.URL.Query()
	w, err := insight.Window(q.Get("window"))
	if err != nil {
		return nil, err
	}
	var list []insight.Topic
	for name := range strings.SplitSeq(q.Get("entities"), ",") {
		switch name = strings.TrimSpace(name); {
		case name == "":
		case len(list) > insight.MaxTopics:
			return list, nil // the use says how many may be
		case name == insight.HouseName:
			list = append(list, insight.Topic{Window: w})
		default:
			e, err := metric.ParseEntity(name)
			if err != nil {
				return nil, fault.InvalidField("query.entities", "Name what to follow as kind:id, separated by commas: video:vid_…,brand:brd_….")
			}
			list = append(list, insight.Topic{Entity: e, Window: w})
		}
	}
	return list, nil
}

// retryMS is how long a browser waits before it comes back, in milliseconds.
const retryMS = "1500"

// longAgo is a deadline that has passed whatever the clock says.
var longAgo = time.Unix(1, 0)

func (a *API) stream(w http.ResponseWriter, r *http.Request) error {
	list, err := topics(r)
	if err != nil {
		return err
	}
	last := r.Header.Get("Last-Event-ID")
	if len(last) > 200 {
		last = ""
	}
	s, err := a.deps.Insight.Subscribe(r.Context(), asker(r.Context()), list, last)
	if err != nil {
		return err
	}
	defer s.Close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies pass each event on at once
	w.WriteHeader(http.StatusOK)
	rest := http.NewResponseController(w)
	// A reader who takes nothing holds the writer in its write: the connection is broken then.
	watched := make(chan struct{})
	defer close(watched)
	go func() {
		select {
		case <-s.Gone():
			_ = rest.SetWriteDeadline(longAgo) // a writer without a connection holds nobody
		case <-watched:
		}
	}()
	return a.pour(w, rest, r, s)
}

// pour writes frames until the reader has gone or the stream was cut.
func (a *API) pour(w http.ResponseWriter, rest *http.ResponseController, r *http.Request, s *insight.Subscriber) error {
	var b bytes.Buffer
	for {
		f, err := s.Next(r.Context())
		if err != nil {
			return nil // the reader has gone
		}
		b.Reset()
		if err := writeFrame(&b, f); err != nil {
			return err
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return nil // the reader has gone
		}
		if err := rest.Flush(); err != nil {
			return nil // the reader has gone
		}
		f.Sent(a.opts.Clock.Now())
		if f.Kind == insight.FrameCut {
			return nil
		}
	}
}

// Frames as they are written.
type (
	newsFrame struct {
		AsOf  time.Time         `json:"as_of"`
		LagMS int64             `json:"lag_ms"`
		Items []json.RawMessage `json:"items,omitempty"`
	}
	cutFrame struct {
		Code   insight.Cut `json:"code"`
		Detail string      `json:"detail"`
	}
)

// writeFrame writes one server-sent event. JSON has no line breaks, so that its data is one line.
func writeFrame(b *bytes.Buffer, f insight.Frame) error {
	var data any = newsFrame{f.AsOf, f.LagMS, f.Items}
	if f.Kind == insight.FrameCut {
		data = cutFrame{f.Cut, f.Says}
	}
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if f.Kind == insight.FrameSnapshot || f.Kind == insight.FrameCut {
		b.WriteString("retry: " + retryMS + "\n")
	}
	b.WriteString("event: " + string(f.Kind) + "\n")
	if f.ID != "" {
		b.WriteString("id: " + f.ID + "\n")
	}
	b.WriteString("data: ")
	b.Write(body)
	b.WriteString("\n\n")
	return nil
}
