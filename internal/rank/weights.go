package rank

import (
	"encoding/binary"
	"unsafe"
)

// weightsPiece is how many cells of the table a snapshot keeps together: a word says which of them were
// ever touched.
const weightsPiece = 64

func (w *Weights) begin(no uint32) (from, until uint64) {
	w.kept.no = no
	return 0, uint64(len(w.kept.done))
}

func (w *Weights) guard(c *Cut) { w.kept.cut = c }

func (w *Weights) keep(c *Cut, piece uint64) {
	if w.kept.done[piece] == w.kept.no {
		return
	}
	w.kept.done[piece] = w.kept.no
	into := writer{c.out}
	c.sum += w.piece(&into, piece)
	c.out = into.b
}

// piece appends the touched cells of a piece, nothing when there are none.
func (w *Weights) piece(into *writer, piece uint64) uint64 {
	cells, touched, n := w.cells[piece*weightsPiece:][:weightsPiece], uint64(0), 0
	for k := range cells {
		if cells[k] != (Cell{}) {
			touched |= 1 << k
			n++
		}
	}
	if touched == 0 {
		return 0
	}
	memory := make([]byte, 0, 8+n*int(unsafe.Sizeof(Cell{})))
	memory = binary.LittleEndian.AppendUint64(memory, touched)
	for k := range cells {
		if touched&(1<<k) != 0 {
			memory = append(memory, bytesOf(&cells[k])...)
		}
	}
	return into.piece(partWeights, piece, memory)
}

func (w *Weights) write(into *writer) (sum uint64) {
	for piece := range uint64(len(w.kept.done)) {
		sum += w.piece(into, piece)
	}
	return sum
}

func (w *Weights) read(piece uint64, memory []byte) bool {
	if piece >= uint64(len(w.kept.done)) || len(memory) < 8 {
		return false
	}
	touched, rest := binary.LittleEndian.Uint64(memory), memory[8:]
	for k := range uint64(weightsPiece) {
		if touched&(1<<k) == 0 {
			continue
		}
		cell := bytesOf(&w.cells[piece*weightsPiece+k])
		if len(rest) < len(cell) {
			return false
		}
		copy(cell, rest)
		rest = rest[len(cell):]
	}
	return len(rest) == 0
}
