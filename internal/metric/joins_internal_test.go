package metric

import (
	"bytes"
	"encoding/binary"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// walk is what joins are, told plainly: all of them, found by looking through them, and of many the last.
type walk struct {
	most       int
	young, old map[[16]byte][16]byte
}

func (w *walk) join(viewer, into [16]byte) {
	delete(w.young, viewer)
	delete(w.old, viewer)
	if len(w.young) >= w.most {
		w.old, w.young = w.young, map[[16]byte][16]byte{}
	}
	w.young[viewer] = into
}

func (w *walk) erase(viewer [16]byte) {
	for _, m := range []map[[16]byte][16]byte{w.young, w.old} {
		maps.DeleteFunc(m, func(other, into [16]byte) bool { return other == viewer || into == viewer })
	}
}

func (w *walk) person(viewer [16]byte) [16]byte {
	for _, m := range []map[[16]byte][16]byte{w.young, w.old} {
		if into, ok := m[viewer]; ok {
			return into
		}
	}
	return viewer
}

// Whatever joins and is erased, in whatever order and over however many snapshots, each viewer is the person that
// looking through all of them says; and of a bound that is never reached nobody notices anything.
func TestJoins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := func(n int) (u [16]byte) {
			u[0] = 1
			binary.BigEndian.PutUint32(u[12:], uint32(n))
			return u
		}
		f := New(Options{})
		f.joins.most = rapid.SampledFrom([]int{3, 8, 1000}).Draw(t, "most")
		plain := &walk{f.joins.most, map[[16]byte][16]byte{}, map[[16]byte][16]byte{}}
		var cut *Cut
		var was []byte
		whole := func() {
			var got bytes.Buffer
			sum, err := cut.Encode(&got)
			kept, again := New(Options{}), New(Options{})
			if err != nil || kept.Restore(got.Bytes()) != nil || again.Restore(was) != nil {
				t.Fatalf("a snapshot cannot be read: %v", err)
			}
			if kept.Checksum() != again.Checksum() || sum != kept.Checksum() {
				t.Fatal("a snapshot that was made meanwhile is not of its beginning")
			}
			cut = nil
		}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			viewer, into := name(rapid.IntRange(0, 30).Draw(t, "viewer")), name(rapid.IntRange(0, 30).Draw(t, "into"))
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1:
				f.eraseViewer(viewer)
				plain.erase(viewer)
			case 2:
				if cut != nil {
					whole()
				}
				was, _ = f.AppendState(nil)
				cut, _ = f.Cut()
			case 3:
				if cut != nil {
					whole()
				}
				state, _ := f.AppendState(nil)
				sum, most := f.Checksum(), f.joins.most
				if err := f.Restore(state); err != nil || f.Checksum() != sum {
					t.Fatalf("restored it is another: %v", err)
				}
				f.joins.most = most
			default:
				f.joinViewers(viewer, into)
				if to := plain.person(into); viewer != to {
					plain.join(viewer, to)
				}
			}
			for n := range 31 {
				if got, want := f.person(name(n)), plain.person(name(n)); got != want {
					t.Fatalf("viewer %d is %x, not %x", n, got, want)
				}
			}
			if got, want := int(f.Stats().Joins), len(plain.young)+len(plain.old); got != want {
				t.Fatalf("%d joins, not %d", got, want)
			}
		}
		if cut != nil {
			whole()
		}
	})
}
