package metric

// How many clicks and visits are remembered for the orders that may follow, and how long.
const (
	// CohortsMost is how many are remembered at least, when there are so many.
	CohortsMost = 1 << 20
	// visitLife is how long after its visit an order counts for it.
	visitLife = 8 * day
	// clickLife is how long clicks are told apart: as long as any window shows them, so that what is taken at
	// a receipt's word lies in none.
	clickLife = 29 * day
)

// cohort is a click or a visit that an order may follow.
type cohort struct {
	key     uint64
	at      uint32 // the second of event time it counted in
	flags   uint8
	kind    Kind     // of the content: Video, Room, or none
	content [16]byte // of a visit
	creator [16]byte // of a visit
	product [16]byte // of a click
}

const (
	cohortUsed    = 1 << iota // an order was counted for the content
	cohortBought              // an order was counted for the product
	cohortUnshown             // a click whose impression has not been told yet
)

// cohorts remembers by key, in two halves: when the younger is full or older than life, the older is forgotten,
// so that none goes sooner unless there are more than CohortsMost.
type cohorts struct {
	*cutting
	life       uint32 // seconds
	sorts      [2]byte
	young, old *half
	since      uint32 // the log second from which all are remembered; 0: from the beginning
}

// cohortPiece is how many cohorts lie together: growing never moves one, and a snapshot keeps as many before one
// of them changes.
const cohortPiece = 256

// half is cohorts in the order of the log. One that is forgotten while a snapshot is made is kept by that.
type half struct {
	begun uint32 // log second
	index map[uint64]uint32
	list  [][]cohort // each of cohortPiece
	n     uint32
	done  []uint8 // of each piece, the newest cut that has it
	held  uint32  // how many there were at that cut
	no    uint8   // of that cut
	sort  byte    // what they were at it
}

func newHalf(begun uint32) *half { return &half{begun: begun, index: map[uint64]uint32{}} }

// newCohorts makes an empty one; sorts are what its items are called when they are young and old.
func newCohorts(c *cutting, life uint32, young, old byte) cohorts {
	return cohorts{cutting: c, life: life, sorts: [2]byte{young, old}, young: newHalf(0), old: newHalf(0)}
}

// turn forgets by log time.
func (c *cohorts) turn(now uint32) {
	if c.young.n > 0 && now-c.young.begun >= c.life {
		c.rotate(now)
	}
}

func (c *cohorts) rotate(now uint32) {
	if c.old.n > 0 {
		c.since = c.young.begun
	}
	c.old, c.young = c.young, newHalf(now)
}

// find returns what is remembered under the key, to look at it.
func (c *cohorts) find(key uint64) *cohort {
	for _, h := range [...]*half{c.young, c.old} {
		if i, ok := h.index[key]; ok {
			return h.at(i)
		}
	}
	return nil
}

// change returns what is remembered under the key, to change it.
func (c *cohorts) change(key uint64) *cohort {
	for _, h := range [...]*half{c.young, c.old} {
		if i, ok := h.index[key]; ok {
			h.before(c.cut, i)
			return h.at(i)
		}
	}
	return nil
}

// put remembers the cohort, in place of an older one of its key.
func (c *cohorts) put(now uint32, v cohort) {
	if i, ok := c.young.index[v.key]; ok {
		c.young.before(c.cut, i)
		*c.young.at(i) = v
		return
	}
	if c.young.n >= CohortsMost {
		c.rotate(now)
	}
	if c.young.n == 0 {
		c.young.begun = now
	}
	c.young.add(c.cut, v)
}

// begin notes what there is as what a cut keeps.
func (c *cohorts) begin(no uint8) {
	for i, h := range [...]*half{c.young, c.old} {
		h.no, h.held, h.sort = no, h.n, c.sorts[i]
	}
}

func (h *half) at(i uint32) *cohort { return &h.list[i/cohortPiece][i%cohortPiece] }

func (h *half) add(c *Cut, v cohort) {
	if int(h.n/cohortPiece) == len(h.list) {
		h.list, h.done = append(h.list, make([]cohort, 0, cohortPiece)), append(h.done, 0)
	}
	h.before(c, h.n)
	h.index[v.key] = h.n
	last := &h.list[h.n/cohortPiece]
	*last = append(*last, v)
	h.n++
}

func (h *half) before(c *Cut, i uint32) {
	if c != nil && h.no == c.no {
		h.keep(c, int(i/cohortPiece))
	}
}

func (h *half) pieces() int { return int(h.held+cohortPiece-1) / cohortPiece }

func (h *half) keep(c *Cut, piece int) {
	if piece >= h.pieces() || h.done[piece] == c.no {
		return
	}
	h.done[piece] = c.no
	w := &writer{c.out}
	c.sum += w.cohorts(h.sort, h.list[piece][:min(cohortPiece, h.held-uint32(piece)*cohortPiece)])
	c.out = w.b
}

// keyOfClick names a counted click: a token allows one.
func keyOfClick(request [16]byte, slot uint8) uint64 {
	return mix(hashOf(request) + uint64(slot)*0x9e3779b97f4a7c15)
}

// keyOfVisit names a viewer's last visit of a product.
func keyOfVisit(viewer, product [16]byte) uint64 {
	return mix(hashOf(viewer)*0x9e3779b97f4a7c15 ^ hashOf(product))
}
