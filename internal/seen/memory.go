package seen

// Where a record lies in memory: the chunk's number in the upper bits, its place in the chunk,
// from 1, in the lower.
const (
	placeBits = 18
	chunkBits = 32 - placeBits
	placeMask = 1<<placeBits - 1
	chunkMask = 1<<chunkBits - 1

	mostChunks  = chunkMask // in memory at once
	mostSegment = placeMask // records in a chunk
	leastSlots  = 1 << 10
)

// memory holds the newest records exactly: chunks in the order they were written, the last of
// them open, and an open-addressing table from key to record. A slot is 0, or the upper 32 bits
// of the key's scattered hash over the record's place; the hash's own top bits say where the slot
// belongs, so that the table grows and closes gaps without looking at the records.
type memory struct {
	width   int
	scatter uint64 // odd; drawn anew at each start, so that nobody can aim at one place of the table
	chunks  []chunk
	base    uint32 // number of chunks[0]
	slots   []uint64
	shift   uint8 // 32 − log2(len(slots))
	used    int
	records int // in all chunks, those replaced by newer ones with them
}

type chunk struct {
	epoch uint64
	to    int64 // stamp of its closing
	data  []byte
}

func newMemory(width int, scatter uint64, epoch uint64) memory {
	m := memory{width: width, scatter: scatter | 1, chunks: []chunk{{epoch: epoch}}}
	m.resize(leastSlots)
	return m
}

func (m *memory) open() *chunk { return &m.chunks[len(m.chunks)-1] }

// oldest is the first epoch all of whose records are in memory.
func (m *memory) oldest() uint64 { return m.chunks[0].epoch }

func (m *memory) tag(key []byte) uint32 { return uint32((high(key) * m.scatter) >> 32) }

func (m *memory) at(place uint32) []byte {
	c := &m.chunks[(place>>placeBits-m.base)&chunkMask]
	i := (int(place&placeMask) - 1) * m.width
	return c.data[i : i+m.width : i+m.width]
}

// find returns the newest record of the key, nil when memory has none, and the slot that holds it
// or would.
func (m *memory) find(key []byte) (record []byte, slot uint32) {
	tag := m.tag(key)
	mask := uint32(len(m.slots) - 1)
	for i := tag >> m.shift; ; i = (i + 1) & mask {
		s := m.slots[i]
		if s == 0 {
			return nil, i
		}
		if uint32(s>>32) == tag {
			if r := m.at(uint32(s)); sameKey(r, key) {
				return r, i
			}
		}
	}
}

// inOpen reports whether the slot has a record and it lies in the open chunk, where it may be
// changed in place.
func (m *memory) inOpen(slot uint32) bool {
	if m.slots[slot] == 0 {
		return false
	}
	last := m.base + uint32(len(m.chunks)-1)
	return (uint32(m.slots[slot])>>placeBits-last)&chunkMask == 0
}

// put appends the record to the open chunk as the newest of its key and returns it there. slot is
// what find gave for the key.
func (m *memory) put(record []byte, slot uint32) []byte {
	c := m.open()
	c.data = append(c.data, record...)
	number := m.base + uint32(len(m.chunks)-1)
	place := (number&chunkMask)<<placeBits | uint32(len(c.data)/m.width)
	isNew := m.slots[slot] == 0
	m.slots[slot] = uint64(m.tag(record))<<32 | uint64(place)
	m.records++
	if isNew {
		if m.used++; m.used*4 > len(m.slots)*3 {
			m.resize(len(m.slots) * 2)
		}
	}
	return c.data[len(c.data)-m.width:]
}

// seal closes the open chunk and opens the one of the next epoch. An empty chunk only changes its
// epoch.
func (m *memory) seal(to int64, next uint64) (sealed []byte) {
	c := m.open()
	if len(c.data) == 0 {
		c.epoch = next
		return nil
	}
	c.to = to
	sealed = c.data
	m.chunks = append(m.chunks, chunk{epoch: next, data: make([]byte, 0, len(sealed))}) // epochs resemble their neighbours
	return sealed
}

// drop forgets the oldest chunk.
func (m *memory) drop() {
	c := m.chunks[0]
	n := len(c.data) / m.width
	for i := range n {
		record := c.data[i*m.width : (i+1)*m.width]
		place := (m.base&chunkMask)<<placeBits | uint32(i+1)
		if _, slot := m.find(record); uint32(m.slots[slot]) == place {
			m.remove(slot)
		}
	}
	m.chunks[0] = chunk{}
	m.chunks = m.chunks[1:]
	m.base++
	m.records -= n
	if len(m.slots) > leastSlots && m.used*8 < len(m.slots) {
		m.resize(len(m.slots) / 2)
	}
}

// remove empties a slot and moves those after it up, so that no search ends too early.
func (m *memory) remove(slot uint32) {
	mask := uint32(len(m.slots) - 1)
	hole := slot
	for i := (slot + 1) & mask; m.slots[i] != 0; i = (i + 1) & mask {
		home := uint32(m.slots[i]>>32) >> m.shift
		if (i-home)&mask >= (i-hole)&mask {
			m.slots[hole] = m.slots[i]
			hole = i
		}
	}
	m.slots[hole] = 0
	m.used--
}

func (m *memory) resize(n int) {
	old := m.slots
	m.slots = make([]uint64, n)
	m.shift = 32
	for n > 1 {
		n /= 2
		m.shift--
	}
	mask := uint32(len(m.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := uint32(s>>32) >> m.shift
		for m.slots[i] != 0 {
			i = (i + 1) & mask
		}
		m.slots[i] = s
	}
}
