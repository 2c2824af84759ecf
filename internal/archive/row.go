// Package archive owns the records of the log when they have grown old: files that analysts can read, each
// proven to hold exactly what the log held before the log may let go of it.
package archive

import (
	"encoding/json"
	"fmt"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/stream"
)

// Row is one record of the log as the files hold it. The first columns are the record itself, bit by bit: a fold
// can be made again from them. The others say the same in words for whoever reads the files with DuckDB or
// Spark; they are empty where they do not apply. People are random viewer ids and truncated addresses.
type Row struct {
	Position string `parquet:"position,delta,zstd" json:"position"`                 // in the log, just after the record
	Stamp    int64  `parquet:"stamp,delta,timestamp(microsecond),zstd" json:"-"`    // when it was appended
	Kind     int32  `parquet:"kind,dict,zstd" json:"kind"`                          // 1 event, 2 fact, 3 tick, 4 served page
	Relay    int64  `parquet:"relay,delta,zstd" json:"relay,omitempty"`             // number of a fact in the outbox
	Data     []byte `parquet:"data,zstd" json:"-"`                                  // as the log held it
	Type     string `parquet:"type,dict,zstd" json:"type"`                          // of an event; a fact's topic; tick, served
	At       int64  `parquet:"at,delta,timestamp(microsecond),zstd" json:"-"`       // when it happened
	ID       string `parquet:"id,delta,zstd" json:"id,omitempty"`                   // of an event, made by its client
	Viewer   string `parquet:"viewer,dict,zstd" json:"viewer,omitempty"`            // random
	Video    string `parquet:"video,dict,zstd" json:"video,omitempty"`              //
	Room     string `parquet:"room,dict,zstd" json:"room,omitempty"`                //
	Product  string `parquet:"product,dict,zstd" json:"product,omitempty"`          //
	Variant  string `parquet:"variant,dict,zstd" json:"variant,omitempty"`          //
	Creator  string `parquet:"creator,dict,zstd" json:"creator,omitempty"`          //
	Brand    string `parquet:"brand,dict,zstd" json:"brand,omitempty"`              //
	Link     string `parquet:"link,dict,zstd" json:"link,omitempty"`                //
	Offer    string `parquet:"offer,dict,zstd" json:"offer,omitempty"`              //
	Surface  string `parquet:"surface,dict,zstd" json:"surface,omitempty"`          // where it was shown
	Request  string `parquet:"request,dict,zstd" json:"request,omitempty"`          // the answer it was shown in
	Slot     int32  `parquet:"slot,dict,zstd" json:"slot,omitempty"`                // 1 is the first
	Quantity int64  `parquet:"quantity,delta,zstd" json:"quantity,omitempty"`       //
	WatchMS  int64  `parquet:"watch_ms,delta,zstd" json:"watch_ms,omitempty"`       //
	PlaceMS  int64  `parquet:"position_ms,delta,zstd" json:"position_ms,omitempty"` // in the content
	Session  string `parquet:"session,dict,zstd" json:"session,omitempty"`          //
	Seq      int64  `parquet:"seq,delta,zstd" json:"seq,omitempty"`                 // within the session
	Flags    int32  `parquet:"flags,dict,zstd" json:"flags,omitempty"`              // the server's findings, a bit set
	Counted  bool   `parquet:"counted,zstd" json:"counted,omitempty"`               // no flag keeps an event from counting
	Agent    string `parquet:"agent,dict,zstd" json:"agent,omitempty"`              //
	Net      string `parquet:"net,dict,zstd" json:"net,omitempty"`                  // truncated
	WriteKey string `parquet:"write_key,dict,zstd" json:"write_key,omitempty"`      // whose namespace it came in
	Body     string `parquet:"body,zstd" json:"-"`                                  // of a fact or a served page: JSON
}

// rowOf returns a record as a row. What no version of Mezzo wrote keeps its first columns alone.
func rowOf(r stream.Record) Row {
	row := Row{Position: r.Pos.String(), Stamp: r.At.UnixMicro(), Kind: int32(r.Kind), Relay: r.Relay, Data: r.Data, At: r.At.UnixMicro()}
	switch r.Kind {
	case event.KindEvent:
		var e event.Event
		if e.Decode(r.Data) == nil {
			row.tell(&e)
		}
	case event.KindFact:
		var f event.Fact
		if f.Decode(r.Data) == nil {
			row.Type, row.Body, row.At = f.Topic, string(f.Body), f.At.UnixMicro()
		}
	case event.KindTick:
		row.Type = "tick"
	case event.KindServed:
		var s event.Served
		if s.Decode(r.Data) == nil {
			row.Type, row.Viewer, row.Surface, row.Request, row.At = "served", string(s.Viewer), s.Surface.String(), string(s.Request), s.At.UnixMicro()
			row.Body = servedBody(&s)
		}
	}
	return row
}

func (r *Row) tell(e *event.Event) {
	r.Type, r.At, r.ID, r.Viewer = e.Type.String(), e.At.UnixMicro(), e.ID.String(), string(e.Viewer)
	r.Video, r.Room, r.Product, r.Variant = string(e.Video), string(e.Room), string(e.Product), string(e.Variant)
	r.Creator, r.Brand, r.Link, r.Offer = string(e.Creator), string(e.Brand), string(e.Link), string(e.Offer)
	if e.Shown.SubjectKind != 0 {
		r.Surface, r.Request, r.Slot = e.Shown.Surface.String(), string(e.Shown.Request), int32(e.Shown.Slot)
	}
	r.Quantity, r.WatchMS, r.PlaceMS, r.Seq = e.Quantity, e.WatchMS, e.PositionMS, e.Seq
	if e.Session != [16]byte{} {
		r.Session = e.Session.String()
	}
	r.Flags, r.Counted, r.Agent, r.WriteKey = int32(e.Flags), e.Flags.Counted(), e.Agent.String(), string(e.Namespace)
	if e.Net.IsValid() {
		r.Net = e.Net.String()
	}
}

// record returns the record a row was made of.
func (r *Row) record() (stream.Record, error) {
	pos, err := stream.ParsePosition(r.Position)
	if err != nil || r.Kind <= 0 || r.Kind > 255 {
		return stream.Record{}, fmt.Errorf("archive: a row holds no record: %q, kind %d", r.Position, r.Kind)
	}
	return stream.Record{Pos: pos, At: time.UnixMicro(r.Stamp).UTC(), Kind: byte(r.Kind), Relay: r.Relay, Data: r.Data}, nil
}

// MarshalJSON writes the row as a line of an export: times in words, bodies as JSON.
func (r Row) MarshalJSON() ([]byte, error) {
	type plain Row
	out := struct {
		plain
		Stamp string          `json:"stamp"`
		At    string          `json:"at"`
		Body  json.RawMessage `json:"body,omitempty"`
	}{plain: plain(r), Stamp: inWords(r.Stamp), At: inWords(r.At), Body: json.RawMessage(r.Body)}
	if r.Body == "" {
		out.Body = nil
	}
	return json.Marshal(out)
}

func inWords(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }
