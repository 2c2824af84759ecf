package rank

import (
	"encoding/binary"
	"errors"
)

// errState says that bytes are not a state of this build.
var errState = errors.New("rank: this is not a state of this build's ranking; start from an older snapshot or replay the log")

// writer appends what a snapshot holds.
type writer struct{ b []byte }

func (w *writer) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }

func (w *writer) bytes(v []byte) {
	w.uint(uint64(len(v)))
	w.b = append(w.b, v...)
}

func (w *writer) numbers(list []uint32) {
	w.uint(uint64(len(list)))
	for _, v := range list {
		w.uint(uint64(v))
	}
}

// raw appends a value as it lies in memory.
func raw[T any](w *writer, v *T) { w.b = append(w.b, bytesOf(v)...) }

func rawList[T any](w *writer, list []T) {
	w.uint(uint64(len(list)))
	for i := range list {
		raw(w, &list[i])
	}
}

// reader reads what a writer wrote. After the first error everything is zero.
type reader struct {
	b   []byte
	err error
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

func (r *reader) fail() { r.b, r.err = nil, errState }

// count reads how many things of at least so many bytes follow.
func (r *reader) count(least int) int {
	n := r.uint()
	if n > uint64(len(r.b)/max(least, 1)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte { return r.take(r.count(1)) }

func (r *reader) numbers() []uint32 {
	n := r.count(1)
	if n == 0 {
		return nil
	}
	list := make([]uint32, n)
	for i := range list {
		list[i] = uint32(r.uint())
	}
	return list
}

func unraw[T any](r *reader, v *T) { copy(bytesOf(v), r.take(len(bytesOf(v)))) }

func unrawList[T any](r *reader) []T {
	var one T
	n := r.count(len(bytesOf(&one)))
	if n == 0 {
		return nil
	}
	list := make([]T, n)
	for i := range list {
		unraw(r, &list[i])
	}
	return list
}
