package event_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func bytesOf[K id.Kind](i id.ID[K]) [16]byte {
	u, _ := i.UUID()
	return u
}

// What a Bare says is what the Event says that the same record decodes to.
func TestBareSaysWhatTheEventSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := someEvent(t)
		data, err := e.AppendEncode(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got event.Bare
		if err := got.Decode(data); err != nil {
			t.Fatal(err)
		}
		want := event.Bare{ID: e.ID, Type: e.Type, SubjectKind: e.Shown.SubjectKind, Surface: e.Shown.Surface, Slot: e.Shown.Slot, Flags: e.Flags,
			At: micros(e.At), Received: micros(e.Received), Issued: micros(e.Shown.Issued), Quantity: e.Quantity, WatchMS: e.WatchMS, Seq: e.Seq,
			Viewer: bytesOf(e.Viewer), Request: bytesOf(e.Shown.Request), Subject: e.Shown.Subject, Video: bytesOf(e.Video), Room: bytesOf(e.Room),
			Product: bytesOf(e.Product), Creator: bytesOf(e.Creator), Brand: bytesOf(e.Brand), Link: bytesOf(e.Link), Session: e.Session,
			Namespace: bytesOf(e.Namespace), Anonymous: e.Anonymous}
		if got != want {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func FuzzBare(f *testing.F) {
	e := event.Event{Type: event.View, At: time.UnixMicro(1e15).UTC()}
	data, _ := e.AppendEncode(nil)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var b event.Bare
		var e event.Event
		if errB, errE := b.Decode(data), e.Decode(data); errE == nil && errB != nil {
			t.Fatalf("an event that decodes is refused bare: %v", errB)
		}
	})
}
