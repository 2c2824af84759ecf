package metric

import "io"

// cutSlice is how many things are encoded while the writer waits.
const cutSlice = 64

// Cut is the fold's state at one position, written while the fold goes on: what changes is encoded just before
// its first change, the rest a slice at a time.
type Cut struct {
	Files []string // of what was seen, that the state names

	f     *Fold
	no    uint8
	next  int32 // place of the next thing to look at
	until int32 // places there were
	out   []byte
	sum   uint64
	whole bool // everything is in out or written
}

// Cut begins to keep the state at this position. Call it, like Apply, from the one goroutine that applies; the one
// before must have been written. Its Encode may run beside Apply, and nothing else that changes the fold.
func (f *Fold) Cut() (*Cut, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &writer{make([]byte, 0, f.head)}
	sum, err := f.writeHead(w)
	if err != nil {
		return nil, err
	}
	f.cuts++
	f.head = len(w.b) + len(w.b)/4 // the next one will not be copied as it grows
	f.cut = &Cut{Files: f.seen.Files(), f: f, no: f.cuts, until: f.things.count, out: w.b, sum: sum}
	return f.cut, nil
}

// keepBefore encodes a thing that is about to change for a cut that has it not yet.
func (f *Fold) keepBefore(t *thing) {
	if c := f.cut; c != nil && t.cut != c.no {
		c.keep(t)
	}
}

func (c *Cut) keep(t *thing) {
	w := &writer{c.out}
	var scratch table
	c.sum += w.held(t, &scratch)
	c.out, t.cut = w.b, c.no
}

// Encode writes the state and returns its checksum: what AppendState would have written at the position of the
// cut, things in another order.
func (c *Cut) Encode(to io.Writer) (uint64, error) {
	var failed error
	var spare []byte
	for whole := false; !whole; {
		var part []byte
		part, whole = c.slice(spare)
		if failed == nil { // after an error it goes on to the end, so that every thing knows the cut
			_, failed = to.Write(part)
		}
		spare = part[:0]
	}
	return c.sum, failed
}

// slice encodes some more things and returns what there is to write; whole says that it was the last.
func (c *Cut) slice(spare []byte) (part []byte, whole bool) {
	if c.whole {
		return c.out, true
	}
	f := c.f
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := 0; n < cutSlice && c.next < c.until; c.next++ {
		if t := f.at(c.next); !t.IsZero() && t.cut != c.no {
			c.keep(t)
			n++
		}
	}
	part, c.out = c.out, spare
	if c.next == c.until {
		f.cut, c.whole = nil, true
	}
	return part, c.whole
}
