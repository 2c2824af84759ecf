package event

import (
	"fmt"
	"math"

	"mezzo/internal/id"
)

// Bare is an event as folds read it by the hundred thousand: ids as the 16 bytes they hold, times as
// microseconds since 1970, both 0 where they do not apply, and nothing that no fold asks for. Decoding one
// allocates nothing.
type Bare struct {
	ID                                         [16]byte
	Type                                       Type
	SubjectKind                                id.SubjectKind // 0: no token, or a forged one
	Surface                                    id.Surface
	Slot                                       uint8
	Flags                                      Flags
	At, Received, Issued                       int64
	Quantity, WatchMS, Seq                     int64
	Viewer, Request, Subject                   [16]byte
	Video, Room, Product, Creator, Brand, Link [16]byte
	Session, Namespace, Anonymous              [16]byte
}

// Decode reads the binary form of an event into b, replacing what it held. It never panics; it refuses
// what Event.Decode refuses about the fields it reads.
func (b *Bare) Decode(data []byte) error {
	*b = Bare{}
	if len(data) > MaxRecord {
		return fmt.Errorf("event: a record of %d bytes", len(data))
	}
	r := newReader(data)
	for r.next() {
		if r.shape == shape16 {
			b.readID(&r)
		} else {
			b.readNumber(&r)
		}
	}
	if r.err == nil && b.Type == 0 {
		return fmt.Errorf("event: a record without a type")
	}
	return r.err
}

func (b *Bare) readID(r *reader) {
	u := [16]byte(r.raw)
	switch r.number {
	case fieldID:
		b.ID = u
	case fieldViewer:
		b.Viewer = u
	case fieldRequest:
		b.Request = u
	case fieldSubject:
		b.Subject = u
	case fieldVideo:
		b.Video = u
	case fieldRoom:
		b.Room = u
	case fieldProduct:
		b.Product = u
	case fieldCreator:
		b.Creator = u
	case fieldBrand:
		b.Brand = u
	case fieldLink:
		b.Link = u
	case fieldSession:
		b.Session = u
	case fieldNamespace:
		b.Namespace = u
	case fieldAnonymous:
		b.Anonymous = u
	case fieldType, fieldAt, fieldReceived, fieldFlags, fieldPlace, fieldIssued, fieldQuantity, fieldWatchMS, fieldSeq:
		r.want(shapeVarint)
	}
}

func (b *Bare) readNumber(r *reader) {
	switch r.number {
	case fieldType:
		b.Type = Type(r.uint(uint64(len(typeNames) - 1)))
	case fieldAt:
		b.At = r.micros()
	case fieldReceived:
		b.Received = r.micros()
	case fieldIssued:
		b.Issued = r.micros()
	case fieldFlags:
		b.Flags = Flags(r.uint(math.MaxUint16))
	case fieldPlace:
		v := r.uint(1<<25 - 1)
		b.SubjectKind, b.Surface, b.Slot = id.SubjectKind(v), id.Surface(v>>8), uint8(v>>16)
	case fieldQuantity:
		b.Quantity = int64(r.uint(math.MaxInt64))
	case fieldWatchMS:
		b.WatchMS = int64(r.uint(math.MaxInt64))
	case fieldSeq:
		b.Seq = int64(r.uint(math.MaxInt64))
	case fieldID, fieldViewer, fieldRequest, fieldSubject, fieldVideo, fieldRoom, fieldProduct, fieldCreator, fieldBrand, fieldLink,
		fieldSession, fieldNamespace, fieldAnonymous:
		r.want(shape16)
	}
}
