package rank

// blockBytes is how much memory is asked for at once; before the first so much a fold lives on the heap, so
// that small ones cost nothing.
const (
	blockBytes = 8 << 20
	heapBytes  = 1 << 20
)

// arena is the memory in which a fold's numbers lie: asked of the machine in blocks beside the garbage
// collector, which neither looks into it nor keeps as much again free because of it. It is let go whole.
type arena struct {
	taken  int
	left   []byte
	blocks [][]byte // of the machine
}

// take returns zeroed memory for n bytes, aligned for any number.
func (a *arena) take(n int) []byte {
	n = (n + 63) &^ 63
	a.taken += n
	if n >= blockBytes {
		return a.ask(n)
	}
	if len(a.left) < n {
		if a.taken <= heapBytes {
			return make([]byte, n)
		}
		a.left = a.ask(blockBytes)
	}
	part := a.left[:n:n]
	a.left = a.left[n:]
	return part
}

// ask returns memory of the machine, or of the heap where it gives none.
func (a *arena) ask(n int) []byte {
	block, err := reserve(n)
	if err != nil {
		return make([]byte, n)
	}
	a.blocks = append(a.blocks, block)
	return block
}

// free gives everything back. Nothing of it may be used after.
func (a *arena) free() {
	for _, b := range a.blocks {
		release(b)
	}
	*a = arena{}
}
