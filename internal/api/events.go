package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/feed"
	"mezzo/internal/id"
)

// registerEvents adds what viewers tell of what they did: API.md §6.
func (a *API) registerEvents() {
	a.raw(Route{Method: http.MethodPost, Path: "/events", Who: Viewer, AnyToken: true, Tag: "feed", Summary: "Tell what the viewer saw and did",
		Description: "A batch of at most 100 events and 500 KB, as application/json or, for sendBeacon, text/plain; Content-Encoding gzip is welcome. " +
			"Answered once it is on disk. One bad event never sinks its batch, and sending a batch again is harmless: an event counts once by its id.",
		Idempotency: Ignored, MaxBody: event.MaxBody, CORS: true, Takes: toldEvents{}, Gives: feed.Verdict{}}, a.postEvents)
}

// toldEvents documents the body; package event reads it.
type toldEvents struct {
	SentAt *time.Time  `json:"sent_at,omitempty" doc:"When the client sent this, by its own clock: corrects the times of events"`
	Events []toldEvent `json:"events" maxItems:"100" nullable:"false"`
}

type toldEvent struct {
	ID         string     `json:"id" format:"uuid" doc:"Made by the client: repeats of it count once"`
	Type       string     `json:"type" enum:"impression,view,watch,product_click,product_view,add_to_cart,begin_checkout,like,comment,share,follow,hide,report,search,room_join,room_leave"`
	At         time.Time  `json:"at"`
	Impression string     `json:"impression,omitempty" doc:"The token with which the content was handed out"`
	Room       id.Room    `json:"room_id,omitempty"`
	Video      id.Video   `json:"video_id,omitempty"`
	Product    id.Product `json:"product_id,omitempty"`
	Variant    id.Variant `json:"variant_id,omitempty"`
	Offer      id.Offer   `json:"offer_id,omitempty"`
	Creator    id.Creator `json:"creator_id,omitempty" doc:"Of follow only"`
	Quantity   int64      `json:"quantity,omitempty" minimum:"0" maximum:"20"`
	WatchMS    int64      `json:"watch_ms,omitempty" minimum:"0" maximum:"3600000" doc:"Playback since the watch before of this impression"`
	PositionMS int64      `json:"position_ms,omitempty" minimum:"0" maximum:"86400000" doc:"Place in the content"`
	Session    string     `json:"session_id,omitempty" format:"uuid"`
	Seq        int64      `json:"seq,omitempty" minimum:"0" doc:"Counts up within the session"`
}

// Scratch memory of batches: bodies and what unpacks them.
var (
	eventBodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	unpackers   = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

func (a *API) postEvents(w http.ResponseWriter, r *http.Request) error {
	if err := eventsType(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	body := eventBodies.Get().(*bytes.Buffer)
	defer eventBodies.Put(body)
	body.Reset()
	if err := readEvents(body, r); err != nil {
		return err
	}
	from := feed.Sender{Address: a.address(r), UserAgent: r.UserAgent(), Private: private(r)}
	verdict, err := a.deps.Feed.Ingest(r.Context(), asker(r.Context()), from, body.Bytes())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if len(verdict.Rejected) > 0 {
		return json.NewEncoder(w).Encode(verdict)
	}
	body.Reset() // the events are read: its memory may hold the answer
	_, err = w.Write(appendVerdict(body.AvailableBuffer(), verdict))
	return err
}

// private reports whether the browser asks, by Global Privacy Control, that its person be not followed.
func private(r *http.Request) bool { return r.Header.Get("Sec-GPC") == "1" }

// appendVerdict writes a verdict without rejections, as nearly all are.
func appendVerdict(dst []byte, v feed.Verdict) []byte {
	dst = strconv.AppendInt(append(dst, `{"accepted":`...), int64(v.Accepted), 10)
	dst = strconv.AppendInt(append(dst, `,"duplicates":`...), int64(v.Duplicates), 10)
	return append(dst, `,"rejected":[]}`+"\n"...)
}

// eventsType accepts JSON under its own name and, because sendBeacon asks nobody then, as text.
func eventsType(header string) error {
	switch header {
	case "", "application/json", "text/plain;charset=UTF-8":
		return nil
	}
	media, _, err := mime.ParseMediaType(header)
	if err == nil && (media == "application/json" || media == "text/plain") {
		return nil
	}
	return fault.New(kindMediaType, "Send events as application/json or, with sendBeacon, as text/plain.")
}

// readEvents reads the body into buf, unpacked, and never more of it than a batch may have.
func readEvents(buf *bytes.Buffer, r *http.Request) error {
	var src io.Reader = r.Body
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip":
		z := unpackers.Get().(*gzip.Reader)
		defer unpackers.Put(z)
		if err := z.Reset(r.Body); err != nil {
			return bodyFault(err)
		}
		src = z
	default:
		return fault.New(kindMediaType, "Events may be packed with gzip, and with nothing else.")
	}
	if _, err := buf.ReadFrom(io.LimitReader(src, event.MaxBody+1)); err != nil {
		return bodyFault(err)
	}
	if buf.Len() > event.MaxBody {
		return tooLarge(event.MaxBody)
	}
	return nil
}
