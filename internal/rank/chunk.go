package rank

import (
	"fmt"
	"reflect"
	"unsafe"
)

// chunkSize is how many entries lie together; growing never moves one.
const chunkSize = 1 << 10

// chunks is a list that grows without moving what it holds, so that a growing state never stops for a
// copy. Its entries hold no pointers: the garbage collector does not look into them.
type chunks[T any] struct {
	list []*[chunkSize]T
	n    uint32
}

// at returns an entry that is there.
func (c *chunks[T]) at(i uint32) *T { return &c.list[i/chunkSize][i%chunkSize] }

// add appends a zero entry and returns it with its number.
func (c *chunks[T]) add() (uint32, *T) {
	if int(c.n/chunkSize) == len(c.list) {
		c.list = append(c.list, new([chunkSize]T))
	}
	c.n++
	return c.n - 1, c.at(c.n - 1)
}

// appendState appends all entries as they lie in memory: bit-identical within one build and machine,
// which is all that a snapshot promises.
func (c *chunks[T]) appendState(w *writer) {
	w.uint(uint64(c.n))
	for i := range c.n {
		w.b = append(w.b, bytesOf(c.at(i))...)
	}
}

func (c *chunks[T]) restore(r *reader) {
	n := r.count(int(unsafe.Sizeof(*new(T))))
	*c = chunks[T]{}
	for range n {
		_, e := c.add()
		copy(bytesOf(e), r.take(int(unsafe.Sizeof(*e))))
	}
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
