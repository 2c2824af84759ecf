package metric

import "io"

// What is encoded while the writer waits once: so many things, and about so many bytes of what else there is.
const (
	cutSlice = 64
	cutBytes = 64 << 10
	// cutLook is how many pieces are looked at at most.
	cutLook = 256
)

// Cut is the fold's state at one position, written while the fold goes on: what changes is encoded just before
// its first change, the rest a slice at a time. Beginning one takes as long however much the fold holds.
type Cut struct {
	Files []string // of what was seen, that the state names

	f       *Fold
	no      uint8
	next    int32 // place of the next thing to look at
	until   int32 // places there were
	sources []source
	piece   int // of the first source, the next to look at
	out     []byte
	sum     uint64
	whole   bool // everything is in out or written
}

// Cut begins to keep the state at this position. Call it, like Apply, from the one goroutine that applies; the one
// before must have been written. Its Encode may run beside Apply, and nothing else that changes the fold.
func (f *Fold) Cut() (*Cut, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	known, err := f.seen.AppendState(nil) // the writer's own: readers do not wait for it
	if err != nil {
		return nil, err
	}
	files := f.seen.Files()
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &writer{make([]byte, 0, len(known)+1<<16)}
	sum := f.writeHead(w, known)
	if f.no++; f.no == 0 { // which stands for none
		f.no++
	}
	f.cut = &Cut{Files: files, f: f, no: f.no, until: f.things.count, sources: f.sources(), out: w.b, sum: sum}
	f.clicks.begin(f.no)
	f.visits.begin(f.no)
	return f.cut, nil
}

// keepBefore encodes a thing that is about to change for a cut that has it not yet.
func (f *Fold) keepBefore(t *thing) {
	if c := f.cut; c != nil && t.cut != c.no {
		c.keep(t)
	}
}

func (c *Cut) keep(t *thing) {
	w := &writer{append(c.out, itemThing)}
	var scratch table
	c.sum += w.held(t, &scratch)
	c.out, t.cut = w.b, c.no
}

// Encode writes the state and returns its checksum: what AppendState would have written at the position of the
// cut, items in another order.
func (c *Cut) Encode(to io.Writer) (uint64, error) {
	var failed error
	var spare []byte
	for whole := false; !whole; {
		var part []byte
		part, whole = c.slice(spare)
		if failed == nil { // after an error it goes on to the end, so that every item knows the cut
			_, failed = to.Write(part)
		}
		spare = part[:0]
	}
	return c.sum, failed
}

// slice encodes some more items and returns what there is to write; whole says that it was the last.
func (c *Cut) slice(spare []byte) (part []byte, whole bool) {
	if c.whole {
		return c.out, true
	}
	f := c.f
	f.mu.Lock()
	defer f.mu.Unlock()
	c.pieces()
	if len(c.sources) == 0 {
		for n := 0; n < cutSlice && c.next < c.until; c.next++ {
			if t := f.at(c.next); !t.IsZero() && t.cut != c.no {
				c.keep(t)
				n++
			}
		}
	}
	if len(c.sources) == 0 && c.next == c.until {
		c.out = append(c.out, 0)
		f.cut, c.whole = nil, true
	}
	part, c.out = c.out, spare
	return part, c.whole
}

// pieces encodes some more of what is kept in pieces.
func (c *Cut) pieces() {
	for n, begun := 0, len(c.out); n < cutLook && len(c.sources) > 0 && len(c.out)-begun < cutBytes; n++ {
		if s := c.sources[0]; c.piece < s.pieces() {
			s.keep(c, c.piece)
			c.piece++
			continue
		}
		c.sources, c.piece = c.sources[1:], 0
	}
}
