package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// The binary form of every record: one byte of version, then fields in ascending order of
// their numbers, each a varint of number<<2|shape and its value; a field that is zero is left
// out. Numbers are only ever added. A reader passes over numbers it does not know, so that a
// node one version older keeps working; the version byte changes only if that would not do.
const wireVersion = 1

// The shapes of a value.
const (
	shapeVarint = 0 // unsigned varint
	shapeBytes  = 1 // a varint length and that many bytes
	shape16     = 2 // 16 bytes: a UUID
	shape8      = 3 // 8 bytes, little endian
)

// errCut means that a record ends before its fields do.
var errCut = errors.New("event: the record is cut short")

// writer appends fields to a record.
type writer struct {
	b   []byte
	err error
}

func newWriter(dst []byte) writer { return writer{b: append(dst, wireVersion)} }

func (w *writer) tag(number, shape uint64) { w.b = binary.AppendUvarint(w.b, number<<2|shape) }

func (w *writer) uint(number, v uint64) {
	if v != 0 {
		w.tag(number, shapeVarint)
		w.b = binary.AppendUvarint(w.b, v)
	}
}

// int writes a number of either sign by zigzag.
func (w *writer) int(number uint64, v int64) { w.uint(number, uint64(v)<<1^uint64(v>>63)) }

// time writes microseconds since 1970; the zero time is left out. The first microsecond of
// 1970 itself is never meant.
func (w *writer) time(number uint64, t time.Time) {
	if !t.IsZero() {
		w.int(number, t.UnixMicro())
	}
}

func (w *writer) bool(number uint64, v bool) {
	if v {
		w.uint(number, 1)
	}
}

func (w *writer) bytes(number uint64, v []byte) {
	if len(v) > 0 {
		w.tag(number, shapeBytes)
		w.b = binary.AppendUvarint(w.b, uint64(len(v)))
		w.b = append(w.b, v...)
	}
}

func (w *writer) text(number uint64, v string) {
	if v != "" {
		w.tag(number, shapeBytes)
		w.b = binary.AppendUvarint(w.b, uint64(len(v)))
		w.b = append(w.b, v...)
	}
}

func (w *writer) uuid(number uint64, u [16]byte) {
	if u != [16]byte{} {
		w.tag(number, shape16)
		w.b = append(w.b, u[:]...)
	}
}

// id writes the UUID of a typed id; an id that is not one is an error of the whole record.
func (w *writer) id(number uint64, s string, read func() ([16]byte, error)) {
	if s == "" {
		return
	}
	u, err := read()
	if err != nil {
		w.err = errors.Join(w.err, fmt.Errorf("event: field %d: %w", number, err))
		return
	}
	w.tag(number, shape16)
	w.b = append(w.b, u[:]...)
}

// reader walks the fields of a record. next moves to a field; the value is in one of v, raw.
type reader struct {
	b      []byte
	number uint64
	shape  uint64
	v      uint64 // varint and 8-byte values
	raw    []byte // bytes and UUIDs: a slice of the record
	err    error
}

func newReader(b []byte) reader {
	if len(b) == 0 {
		return reader{err: errCut}
	}
	if b[0] != wireVersion {
		return reader{err: fmt.Errorf("event: the record has version %d; this program reads %d", b[0], wireVersion)}
	}
	return reader{b: b[1:]}
}

// next reads the next field and reports whether there was one. After false, err says whether
// the record ended well.
func (r *reader) next() bool {
	if r.err != nil || len(r.b) == 0 {
		return false
	}
	tag := r.varint()
	if r.err != nil {
		return false
	}
	if tag>>2 <= r.number {
		r.err = fmt.Errorf("event: field %d after field %d", tag>>2, r.number)
		return false
	}
	r.number, r.shape = tag>>2, tag&3
	switch r.shape {
	case shapeVarint:
		r.v = r.varint()
	case shapeBytes:
		r.raw = r.take(r.varint())
	case shape16:
		r.raw = r.take(16)
	case shape8:
		if r.raw = r.take(8); r.err == nil {
			r.v = binary.LittleEndian.Uint64(r.raw)
		}
	}
	return r.err == nil
}

func (r *reader) varint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		if r.err == nil {
			r.err = errCut
		}
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.b)) {
		r.err = errCut
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// want reports whether the field has the shape; a known field of another shape is an error.
func (r *reader) want(shape uint64) bool {
	if r.shape != shape && r.err == nil {
		r.err = fmt.Errorf("event: field %d has shape %d, not %d", r.number, r.shape, shape)
	}
	return r.err == nil
}

func (r *reader) uint(most uint64) uint64 {
	if !r.want(shapeVarint) {
		return 0
	}
	if r.v > most {
		r.err = fmt.Errorf("event: field %d is %d, over %d", r.number, r.v, most)
		return 0
	}
	return r.v
}

func (r *reader) int() int64 {
	if !r.want(shapeVarint) {
		return 0
	}
	return int64(r.v>>1) ^ -int64(r.v&1)
}

// maxMicros is the end of the year 9999: what RFC 3339 can write.
const maxMicros = 253402300800 * 1_000_000

func (r *reader) time() time.Time {
	us := r.micros()
	if r.err != nil {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// micros reads a time as microseconds since 1970.
func (r *reader) micros() int64 {
	us := r.int()
	if us >= maxMicros || us <= -maxMicros {
		r.err = fmt.Errorf("event: field %d is no time", r.number)
		return 0
	}
	return us
}

func (r *reader) bytes(most int) []byte {
	if !r.want(shapeBytes) {
		return nil
	}
	if len(r.raw) > most {
		r.err = fmt.Errorf("event: field %d has %d bytes, over %d", r.number, len(r.raw), most)
		return nil
	}
	return r.raw
}

func (r *reader) uuid() (u [16]byte) {
	if r.want(shape16) {
		copy(u[:], r.raw)
	}
	return u
}
