package rank

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// A state is written in two parts: a head, which is small and kept while the writer waits, and pieces, which
// are most of it. A piece is kept as it was at the cut just before it changes for the first time, the rest
// while the fold goes on; so pieces come in any order, and name themselves:
//
//	number of the part (1 byte), number of the piece (uvarint), length (uvarint), memory
//
// A zero byte ends them, then the checksum of the whole (8 bytes).

// The parts that are kept in pieces; their numbers are part of snapshots.
const (
	partItems byte = iota + 1
	partViewers
	partCreators
	partProducts
	partVerdicts
	partOpens
	partEdges
	partWeights
)

// part is a part of the state that is kept in pieces.
type part interface {
	// begin notes what is there now as what the cut of that number keeps, and returns its first piece and the
	// one past its last.
	begin(no uint32) (from, until uint64)
	// keep appends a piece as it was at the cut, unless it was kept already.
	keep(c *Cut, piece uint64)
	// guard makes the part keep what the writer is about to change; nil: no more.
	guard(c *Cut)
	// write appends all pieces as they are now, and returns what they add to the checksum.
	write(w *writer) uint64
	// read takes up a piece; false when it cannot be one.
	read(piece uint64, memory []byte) bool
}

// keeping is how far a part has been kept.
type keeping struct {
	cut         *Cut     // set while the writer has the lock and the cut is being written
	done        []uint32 // for every piece, the number of the last cut that has it
	no          uint32   // of the cut under way
	from, until uint64   // entries there were at it
}

// pieceSum names a piece: the state's checksum is the sum over all.
func pieceSum(number byte, piece uint64, memory []byte) uint64 {
	return mix(uint64(crc32.Checksum(memory, castagnoli()))<<32 ^ mix(piece<<8|uint64(number)))
}

// piece appends a piece with its name and returns what it adds to the checksum.
func (w *writer) piece(number byte, piece uint64, memory []byte) uint64 {
	w.b = append(w.b, number)
	w.uint(piece)
	w.bytes(memory)
	return pieceSum(number, piece, memory)
}

// Cut is the fold's state at one position, written while the fold goes on.
type Cut struct {
	Files []string // of what was seen, that the state names

	f     *Fold
	no    uint32
	at    int // of the parts, the one being written
	next  uint64
	until []uint64 // of every part
	from  []uint64
	out   []byte
	sum   uint64
	most  int // bytes kept while the writer waits once
}

// cutBytes is about how much is kept while the writer waits.
const cutBytes = 128 << 10

// Cut begins to keep the state at this position. Call it, like Apply, from the one goroutine that applies;
// the one before must have been written whole. Its Encode may run beside Apply and pages.
func (f *Fold) Cut() (*Cut, error) {
	before, err := f.seen.AppendState(nil) // the writer's own: pages do not wait for it
	if err != nil {
		return nil, err
	}
	c := &Cut{Files: f.seen.Files(), f: f, most: cutBytes}
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &writer{}
	if c.sum, err = f.appendHead(w, before); err != nil {
		return nil, err
	}
	f.cuts++
	c.no, c.out = f.cuts, w.b
	for _, p := range f.parts() {
		from, until := p.begin(c.no)
		c.from, c.until = append(c.from, from), append(c.until, until)
	}
	c.next = c.from[0]
	f.cut = c
	return c, nil
}

// guard makes the writer keep what it changes, or no more. It is called under the lock.
func (f *Fold) guard(on bool) {
	if f.cut == nil {
		return
	}
	c := f.cut
	if !on {
		c = nil
	}
	for _, p := range f.parts() {
		p.guard(c)
	}
}

// Encode writes the state and returns its checksum: what AppendState would have written at the position of
// the cut, pieces in another order.
func (c *Cut) Encode(to io.Writer) (uint64, error) {
	var failed error
	var spare []byte
	for whole := false; !whole; {
		var part []byte
		part, whole = c.slice(spare)
		if failed == nil { // after an error it goes on to the end, so that the fold is rid of the cut
			_, failed = to.Write(part)
		}
		spare = part[:0]
	}
	return c.sum, failed
}

// slice keeps some more pieces and returns what there is to write; whole says that it was the last.
func (c *Cut) slice(spare []byte) (out []byte, whole bool) {
	// Pages read beside: only the writer must wait, and it waits for readers.
	c.f.mu.RLock()
	defer c.f.mu.RUnlock()
	parts := c.f.parts()
	for begun := len(c.out); c.at < len(parts) && len(c.out)-begun < c.most; {
		if c.next < c.until[c.at] {
			parts[c.at].keep(c, c.next)
			c.next++
			continue
		}
		if c.at++; c.at < len(parts) {
			c.next = c.from[c.at]
		}
	}
	if c.at == len(parts) {
		c.out = binary.LittleEndian.AppendUint64(append(c.out, 0), c.sum)
		c.f.cut, whole = nil, true
	}
	out, c.out = c.out, spare
	return out, whole
}

// parts are what is kept in pieces, by number.
func (f *Fold) parts() []part {
	return []part{&f.items, &f.viewers, &f.creators, &f.products, &f.verdicts, &f.opens, &f.edges, f.weights}
}
