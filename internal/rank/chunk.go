package rank

import (
	"fmt"
	"reflect"
	"unsafe"
)

// chunkSize is how many entries lie together: growing never moves one, and a snapshot keeps as many before
// one of them changes.
const chunkSize = 16

// chunks is a list that grows without moving what it holds, so that a growing state never stops for a
// copy. Its entries hold no pointers and lie beside the heap. The oldest can be let go; numbers stay.
type chunks[T any] struct {
	part  byte // its number among the parts of the state
	arena *arena
	list  [][]T
	base  uint64 // number of list[0] among all chunks there ever were
	first uint64 // the oldest entry that is there
	n     uint64 // entries there ever were
	spare [][]T  // let go, to be used again
	kept  keeping
}

// at returns an entry that is there. While the writer has the lock and a snapshot is being written, what
// lies there is kept before it can change.
func (c *chunks[T]) at(i uint32) *T { return c.far(uint64(i)) }

// far is at for a list from whose front entries are let go: its numbers outgrow 32 bits.
func (c *chunks[T]) far(i uint64) *T {
	if c.kept.cut != nil {
		c.keep(c.kept.cut, i/chunkSize)
	}
	return &c.list[i/chunkSize-c.base][i%chunkSize]
}

// look returns an entry that is there, to read it only.
func (c *chunks[T]) look(i uint32) *T { return &c.list[uint64(i)/chunkSize-c.base][i%chunkSize] }

// add appends a zero entry and returns it with its number.
func (c *chunks[T]) add() (uint32, *T) {
	i := c.n
	if i/chunkSize-c.base == uint64(len(c.list)) {
		c.grow()
	}
	c.n++
	return uint32(i), &c.list[i/chunkSize-c.base][i%chunkSize]
}

func (c *chunks[T]) grow() {
	c.list, c.kept.done = append(c.list, c.fresh()), append(c.kept.done, 0)
}

func (c *chunks[T]) fresh() []T {
	if last := len(c.spare) - 1; last >= 0 {
		chunk := c.spare[last]
		c.spare = c.spare[:last]
		clear(chunk)
		return chunk
	}
	if c.arena == nil {
		return make([]T, chunkSize)
	}
	var one T
	memory := c.arena.take(chunkSize * int(unsafe.Sizeof(one)))
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(memory))), chunkSize)
}

// drop lets go of the oldest entry.
func (c *chunks[T]) drop() {
	if c.first++; c.first%chunkSize != 0 {
		return
	}
	if c.kept.cut != nil {
		c.keep(c.kept.cut, c.base)
	}
	c.spare = append(c.spare, c.list[0])
	c.list[0] = nil
	c.list, c.kept.done = c.list[1:], c.kept.done[1:]
	c.base++
}

// begin implements part.
func (c *chunks[T]) begin(no uint32) (from, until uint64) {
	c.kept.no, c.kept.from, c.kept.until = no, c.first, c.n
	return pieces(c.first, c.n)
}

// pieces are the chunks in which entries lie.
func pieces(first, n uint64) (from, until uint64) {
	return first / chunkSize, (n + chunkSize - 1) / chunkSize
}

func (c *chunks[T]) guard(cut *Cut) { c.kept.cut = cut }

func (c *chunks[T]) keep(cut *Cut, piece uint64) {
	if piece < c.base { // it was let go, and kept then
		return
	}
	done := &c.kept.done[piece-c.base]
	if *done == c.kept.no {
		return
	}
	*done = c.kept.no
	if memory := c.memory(piece, c.kept.from, c.kept.until); len(memory) > 0 {
		w := writer{cut.out}
		cut.sum += w.piece(c.part, piece, memory)
		cut.out = w.b
	}
}

func (c *chunks[T]) write(w *writer) (sum uint64) {
	from, until := pieces(c.first, c.n)
	for piece := from; piece < until; piece++ {
		if memory := c.memory(piece, c.first, c.n); len(memory) > 0 {
			sum += w.piece(c.part, piece, memory)
		}
	}
	return sum
}

// memory returns what a chunk holds of the entries from one on to before another.
func (c *chunks[T]) memory(piece, from, until uint64) []byte {
	begin, end := max(from, piece*chunkSize), min(until, (piece+1)*chunkSize)
	if begin >= end {
		return nil
	}
	chunk := c.list[piece-c.base][begin-piece*chunkSize : end-piece*chunkSize]
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(chunk))), len(chunk)*int(unsafe.Sizeof(chunk[0])))
}

// restore makes room for the entries from one on to before another, all zero.
func (c *chunks[T]) restore(first, n uint64) {
	c.spare = append(c.spare, c.list...)
	from, until := pieces(first, n)
	c.list, c.kept.done = nil, nil
	c.base, c.first, c.n = from, first, n
	for range until - from {
		c.grow()
	}
}

func (c *chunks[T]) read(piece uint64, memory []byte) bool {
	if from, until := pieces(c.first, c.n); piece < from || piece >= until {
		return false
	}
	into := c.memory(piece, c.first, c.n)
	return len(into) == len(memory) && copy(into, memory) == len(memory)
}

// bytesOf returns the memory of a value without pointers or padding.
func bytesOf[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }

// layout describes how a type lies in memory, so that a snapshot of another layout is refused, and
// whether it may be written as it lies: no pointers, no padding.
func layout(t reflect.Type) (text string, err error) {
	switch t.Kind() {
	case reflect.Struct:
		end := uintptr(0)
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Offset != end {
				return "", fmt.Errorf("rank: padding before %s.%s", t, f.Name)
			}
			part, err := layout(f.Type)
			if err != nil {
				return "", err
			}
			text += f.Name + " " + part + ";"
			end = f.Offset + f.Type.Size()
		}
		if end != t.Size() {
			return "", fmt.Errorf("rank: padding at the end of %s", t)
		}
		return "{" + text + "}", nil
	case reflect.Array:
		part, err := layout(t.Elem())
		return fmt.Sprintf("[%d]%s", t.Len(), part), err
	case reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Int64, reflect.Float32, reflect.Float64:
		return t.Kind().String(), nil
	}
	return "", fmt.Errorf("rank: a %s cannot be written as it lies", t)
}

// each calls with for every entry that is there, the oldest first.
func (c *chunks[T]) each(with func(e *T)) {
	for i := c.first; i < c.n; i++ {
		with(c.far(i))
	}
}
