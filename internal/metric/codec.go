package metric

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// writer appends numbers to a state.
type writer struct{ b []byte }

func (w *writer) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)   { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) id(u [16]byte) { w.b = append(w.b, u[:]...) }
func (w *writer) text(s string) { w.uint(uint64(len(s))); w.b = append(w.b, s...) }
func (w *writer) ids(list [][16]byte) {
	w.uint(uint64(len(list)))
	for _, u := range list {
		w.id(u)
	}
}

func (w *writer) entity(e Entity) {
	w.b = append(w.b, byte(e.Kind))
	w.id(e.A)
	if e.Kind == CreatorProduct || e.Kind == VideoProduct {
		w.id(e.B)
	}
}

// reader reads what writer wrote. After the first error it reads zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = ErrState
	}
	r.b = nil
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads how many things follow, each of which takes at least size bytes.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.b)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) second() uint32 {
	v := r.uint()
	if v > math.MaxUint32 {
		r.fail()
	}
	return uint32(v)
}

// take returns the next n bytes; after an error zeros, of which there are at most 16.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return make([]byte, min(n, 16))
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) id() (u [16]byte) {
	copy(u[:], r.take(16))
	return u
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) text() string { return string(r.take(r.count(1))) }

func (r *reader) ids() [][16]byte {
	n := r.count(16)
	list := make([][16]byte, n)
	for i := range list {
		list[i] = r.id()
	}
	return list
}

// entity reads a name; mark is taken off its kind.
func (r *reader) entity(mark byte) (e Entity) {
	e.Kind = Kind(r.byte() &^ mark)
	e.A = r.id()
	if e.Kind == CreatorProduct || e.Kind == VideoProduct {
		e.B = r.id()
	}
	if e.Kind.String() == "" {
		r.fail()
	}
	return e
}

// digest returns 64 bits of what was written: not against malice, only to tell states apart.
func digest(b []byte) uint64 {
	h := uint64(len(b)) * 0x9e3779b97f4a7c15
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64((h^binary.LittleEndian.Uint64(b))*0x87c37b91114253d5, 31)
	}
	var tail [8]byte
	copy(tail[:], b)
	return mix(h ^ binary.LittleEndian.Uint64(tail[:]))
}
