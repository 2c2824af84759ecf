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
	life       uint32 // seconds
	young, old half
	since      uint32 // the log second from which all are remembered; 0: from the beginning
}

type half struct {
	begun uint32 // log second
	index map[uint64]uint32
	list  []cohort // in the order of the log
}

func newCohorts(life uint32) cohorts {
	return cohorts{life: life, young: half{index: map[uint64]uint32{}}, old: half{index: map[uint64]uint32{}}}
}

// turn forgets by log time.
func (c *cohorts) turn(now uint32) {
	if len(c.young.list) > 0 && now-c.young.begun >= c.life {
		c.rotate(now)
	}
}

func (c *cohorts) rotate(now uint32) {
	if len(c.old.list) > 0 {
		c.since = c.young.begun
	}
	c.old, c.young = c.young, half{begun: now, index: map[uint64]uint32{}}
}

func (c *cohorts) find(key uint64) *cohort {
	for _, h := range []*half{&c.young, &c.old} {
		if i, ok := h.index[key]; ok {
			return &h.list[i]
		}
	}
	return nil
}

// put remembers the cohort, in place of an older one of its key.
func (c *cohorts) put(now uint32, v cohort) {
	if i, ok := c.young.index[v.key]; ok {
		c.young.list[i] = v
		return
	}
	if len(c.young.list) >= CohortsMost {
		c.rotate(now)
	}
	if len(c.young.list) == 0 {
		c.young.begun = now
	}
	c.young.index[v.key] = uint32(len(c.young.list))
	c.young.list = append(c.young.list, v)
}

// keyOfClick names a counted click: a token allows one.
func keyOfClick(request [16]byte, slot uint8) uint64 {
	return mix(hashOf(request) + uint64(slot)*0x9e3779b97f4a7c15)
}

// keyOfVisit names a viewer's last visit of a product.
func keyOfVisit(viewer, product [16]byte) uint64 {
	return mix(hashOf(viewer)*0x9e3779b97f4a7c15 ^ hashOf(product))
}
