package event

import (
	"fmt"
	"math"
	"net/netip"

	"mezzo/internal/id"
)

// The numbers of an event's fields in the log. Only ever add at the end.
const (
	fieldID = iota + 1
	fieldType
	fieldAt
	fieldClientAt
	fieldReceived
	fieldFlags
	fieldViewer
	fieldRequest
	fieldSubject
	fieldPlace // subject kind, surface, slot, exploration: one small number
	fieldPropensity
	fieldIssued
	fieldVideo
	fieldRoom
	fieldProduct
	fieldVariant
	fieldOffer
	fieldCreator
	fieldBrand
	fieldLink
	fieldQuantity
	fieldWatchMS
	fieldPositionMS
	fieldSession
	fieldSeq
	fieldNet
	fieldAgent
	fieldNamespace
	fieldAnonymous
	fieldName
)

// MaxRecord bounds the binary form of an event.
const MaxRecord = 1024

// AppendEncode appends the event's binary form to dst. Token is left out. An error when an id
// is not of its kind or a number is negative.
func (e *Event) AppendEncode(dst []byte) ([]byte, error) {
	w := newWriter(dst)
	if e.Type.String() == "" {
		return dst, fmt.Errorf("event: type %d is none", e.Type)
	}
	if min(e.Quantity, e.WatchMS, e.PositionMS, e.Seq) < 0 {
		return dst, fmt.Errorf("event: a negative number in %s", e.ID)
	}
	w.uuid(fieldID, e.ID)
	w.uint(fieldType, uint64(e.Type))
	w.time(fieldAt, e.At)
	w.time(fieldClientAt, e.ClientAt)
	w.time(fieldReceived, e.Received)
	w.uint(fieldFlags, uint64(e.Flags))
	w.id(fieldViewer, string(e.Viewer), e.Viewer.UUID)
	w.shown(&e.Shown)
	w.id(fieldVideo, string(e.Video), e.Video.UUID)
	w.id(fieldRoom, string(e.Room), e.Room.UUID)
	w.id(fieldProduct, string(e.Product), e.Product.UUID)
	w.id(fieldVariant, string(e.Variant), e.Variant.UUID)
	w.id(fieldOffer, string(e.Offer), e.Offer.UUID)
	w.id(fieldCreator, string(e.Creator), e.Creator.UUID)
	w.id(fieldBrand, string(e.Brand), e.Brand.UUID)
	w.id(fieldLink, string(e.Link), e.Link.UUID)
	w.uint(fieldQuantity, uint64(e.Quantity))
	w.uint(fieldWatchMS, uint64(e.WatchMS))
	w.uint(fieldPositionMS, uint64(e.PositionMS))
	w.uuid(fieldSession, e.Session)
	w.uint(fieldSeq, uint64(e.Seq))
	w.net(fieldNet, e.Net)
	w.uint(fieldAgent, uint64(e.Agent))
	w.id(fieldNamespace, string(e.Namespace), e.Namespace.UUID)
	w.uuid(fieldAnonymous, e.Anonymous)
	w.uuid(fieldName, e.Name)
	if w.err != nil {
		return dst, w.err
	}
	return w.b, nil
}

func (w *writer) shown(s *id.Impression) {
	if s.SubjectKind == 0 {
		return
	}
	w.id(fieldRequest, string(s.Request), s.Request.UUID)
	w.uuid(fieldSubject, s.Subject)
	place := uint64(s.SubjectKind) | uint64(s.Surface)<<8 | uint64(s.Slot)<<16
	if s.Exploration {
		place |= 1 << 24
	}
	w.uint(fieldPlace, place)
	w.uint(fieldPropensity, uint64(math.Float32bits(s.Propensity)))
	w.time(fieldIssued, s.Issued)
}

func (w *writer) net(number uint64, p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	raw := append(make([]byte, 0, 17), byte(p.Bits()))
	w.bytes(number, append(raw, p.Masked().Addr().AsSlice()...))
}

// Decode reads a binary form into e, replacing what it held. It never panics; an error means
// that the record was not written by AppendEncode.
func (e *Event) Decode(data []byte) error {
	*e = Event{}
	if len(data) > MaxRecord {
		return fmt.Errorf("event: a record of %d bytes", len(data))
	}
	var t idTexts
	r := newReader(data)
	for r.next() {
		if !e.readPlain(&r) {
			t.read(&r)
		}
	}
	if r.err == nil && e.Type == 0 {
		return fmt.Errorf("event: a record without a type")
	}
	if r.err == nil {
		t.fill(e)
	}
	return r.err
}

// TypeOf returns the type of an event in its binary form without reading the rest of it, 0 for what is none.
func TypeOf(data []byte) Type {
	if len(data) > MaxRecord {
		return 0
	}
	for r := newReader(data); r.next() && r.number <= fieldType; {
		if r.number == fieldType {
			return Type(r.uint(uint64(len(typeNames) - 1)))
		}
	}
	return 0
}

// readPlain reads the fields that are not typed ids and reports whether this was one.
func (e *Event) readPlain(r *reader) bool {
	switch r.number {
	case fieldID:
		e.ID = r.uuid()
	case fieldType:
		e.Type = Type(r.uint(uint64(len(typeNames) - 1)))
	case fieldAt:
		e.At = r.time()
	case fieldClientAt:
		e.ClientAt = r.time()
	case fieldReceived:
		e.Received = r.time()
	case fieldFlags:
		e.Flags = Flags(r.uint(math.MaxUint16))
	case fieldSubject:
		e.Shown.Subject = r.uuid()
	case fieldPlace:
		v := r.uint(1<<25 - 1)
		e.Shown.SubjectKind, e.Shown.Surface, e.Shown.Slot = id.SubjectKind(v), id.Surface(v>>8), uint8(v>>16)
		e.Shown.Exploration = v>>24 == 1
	case fieldPropensity:
		e.Shown.Propensity = math.Float32frombits(uint32(r.uint(math.MaxUint32)))
	case fieldIssued:
		e.Shown.Issued = r.time()
	case fieldQuantity:
		e.Quantity = int64(r.uint(math.MaxInt64))
	case fieldWatchMS:
		e.WatchMS = int64(r.uint(math.MaxInt64))
	case fieldPositionMS:
		e.PositionMS = int64(r.uint(math.MaxInt64))
	case fieldSession:
		e.Session = r.uuid()
	case fieldSeq:
		e.Seq = int64(r.uint(math.MaxInt64))
	case fieldNet:
		e.Net = r.net()
	case fieldAgent:
		e.Agent = Agent(r.uint(math.MaxUint8))
	case fieldAnonymous:
		e.Anonymous = r.uuid()
	case fieldName:
		e.Name = r.uuid()
	default:
		return false
	}
	return true
}

func (r *reader) net() netip.Prefix {
	raw := r.bytes(17)
	if r.err != nil || len(raw) == 0 {
		return netip.Prefix{}
	}
	a, ok := netip.AddrFromSlice(raw[1:])
	if !ok {
		r.err = fmt.Errorf("event: field %d is no network", r.number)
		return netip.Prefix{}
	}
	p, err := a.Prefix(int(raw[0]))
	if err != nil {
		r.err = fmt.Errorf("event: field %d: %w", r.number, err)
	}
	return p
}

// idTexts gathers the typed ids of one record as text, so that all of them share one string.
type idTexts struct {
	buf  [11 * id.TextLength]byte
	used int
	at   [fieldAnonymous + 1]int16 // where each field's text ends; 0 when absent
}

func (t *idTexts) read(r *reader) {
	if r.number >= uint64(len(t.at)) || !r.want(shape16) {
		return // a field of a later version
	}
	u, b := [16]byte(r.raw), t.buf[:t.used]
	switch r.number {
	case fieldViewer:
		b = id.Viewer("").AppendUUID(b, u)
	case fieldRequest:
		b = id.Request("").AppendUUID(b, u)
	case fieldVideo:
		b = id.Video("").AppendUUID(b, u)
	case fieldRoom:
		b = id.Room("").AppendUUID(b, u)
	case fieldProduct:
		b = id.Product("").AppendUUID(b, u)
	case fieldVariant:
		b = id.Variant("").AppendUUID(b, u)
	case fieldOffer:
		b = id.Offer("").AppendUUID(b, u)
	case fieldCreator:
		b = id.Creator("").AppendUUID(b, u)
	case fieldBrand:
		b = id.Brand("").AppendUUID(b, u)
	case fieldLink:
		b = id.Link("").AppendUUID(b, u)
	case fieldNamespace:
		b = id.WriteKey("").AppendUUID(b, u)
	}
	t.used = len(b)
	t.at[r.number] = int16(t.used)
}

func (t *idTexts) fill(e *Event) {
	if t.used == 0 {
		return
	}
	all := string(t.buf[:t.used])
	text := func(field int) string {
		end := t.at[field]
		if end == 0 {
			return ""
		}
		return all[end-id.TextLength : end]
	}
	e.Viewer = id.Viewer(text(fieldViewer))
	e.Shown.Request = id.Request(text(fieldRequest))
	e.Video = id.Video(text(fieldVideo))
	e.Room = id.Room(text(fieldRoom))
	e.Product = id.Product(text(fieldProduct))
	e.Variant = id.Variant(text(fieldVariant))
	e.Offer = id.Offer(text(fieldOffer))
	e.Creator = id.Creator(text(fieldCreator))
	e.Brand = id.Brand(text(fieldBrand))
	e.Link = id.Link(text(fieldLink))
	e.Namespace = id.WriteKey(text(fieldNamespace))
}
