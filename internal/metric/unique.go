package metric

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// How distinct viewers are counted.
const (
	// uniqueExact is up to how many viewers of four weeks are told apart one by one; more are estimated.
	uniqueExact = 12288
	// A viewer is 40 bits of a hash of a random id. Of the estimate's, 14 choose the register.
	uniqueBits     = 40
	uniqueRegister = 14
	uniqueRank     = uniqueBits - uniqueRegister - 1 // the most leading zeros of the rest, whose last bit is 1
	registers      = 1 << uniqueRegister
	blockBits      = 3 // registers of a block
	// Seconds are kept to 24 bits, 194 days: entities look at theirs far more often.
	secondMask = 1<<24 - 1
)

// uniques counts distinct viewers in every window at once, by when each was seen last: those of a window
// are those seen last since it began. Few are kept exactly. Many are kept as a sliding HyperLogLog
// (Chabchoub, Hébrail: Sliding HyperLogLog, ICDMW 2010): each register keeps every rank that is the highest
// since its second, so the register of any window can be read from it. Standard error 1.04/√16384 = 0.8 %.
// What it holds depends only on who was seen when, never on the order in which that was told.
type uniques struct {
	slots  []uint64 // open addressing: hash<<24 | second; 0 is empty. nil once there are blocks.
	n      int
	blocks [][]uint32 // of 8 registers each: rank<<27 | register<<24 | second
	purged uint32     // the day of log time on which the slots were last gone through
	ended  uint32     // the hour of log time up to which ended hours and days have their count in the table
}

// viewerHash returns 40 bits for a viewer's id, the last of them 1.
func viewerHash(viewer [16]byte) uint64 { return hashOf(viewer)>>(64-uniqueBits) | 1 }

// hashOf returns 64 bits of an id. Ids are random already; mixing them (the finish of MurmurHash3) spreads
// what version 7 puts in front.
func hashOf(id [16]byte) uint64 {
	return mix(binary.LittleEndian.Uint64(id[:8]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(id[8:]), 29)*0x9e3779b97f4a7c15)
}

func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// age returns how many seconds before now the 24 bits of a second lie.
func age(now uint32, second uint64) uint32 { return uint32(uint64(now)-second) & secondMask }

// see notes that the viewer was seen at a second. Who has left the longest window is dropped at the first
// sight of each day of log time, so that what is held, and when registers are made of it, is the log's doing.
func (u *uniques) see(r *reach, hash uint64, second uint32) {
	if today := r.now / day; u.blocks == nil && today != u.purged {
		u.purged = today
		u.purge(r)
	}
	if u.blocks == nil && u.n >= uniqueExact {
		u.rank(r)
	}
	if u.blocks != nil {
		u.rise(r, hash, second)
		return
	}
	if (u.n+1)*4 > len(u.slots)*3 {
		u.rehash(max(4, len(u.slots)*2))
	}
	at := u.slot(hash)
	entry := hash<<24 | uint64(second&secondMask)
	switch old := u.slots[at]; {
	case old == 0:
		u.slots[at] = entry
		u.n++
	case age(r.now, old) > age(r.now, entry):
		u.slots[at] = entry
	}
}

func (u *uniques) slot(hash uint64) int {
	mask := len(u.slots) - 1
	at := int(mix(hash)) & mask
	for u.slots[at] != 0 && u.slots[at]>>24 != hash {
		at = (at + 1) & mask
	}
	return at
}

// purge drops who has left the longest window.
func (u *uniques) purge(r *reach) {
	limit, n := r.now-r.low[FourWeeks], 0
	for i, e := range u.slots {
		if e != 0 && age(r.now, e) > limit {
			u.slots[i] = 0
		} else if e != 0 {
			n++
		}
	}
	if n == u.n {
		return
	}
	size := 4
	for u.n = n; size*3 < (n+1)*4; size *= 2 {
	}
	u.rehash(size)
}

// rehash moves the slots into a table of another size, a power of two.
func (u *uniques) rehash(size int) {
	old := u.slots
	u.slots = make([]uint64, size)
	for _, e := range old {
		if e != 0 {
			u.slots[u.slot(e>>24)] = e
		}
	}
}

// rank makes registers of the slots.
func (u *uniques) rank(r *reach) {
	old := u.slots
	u.blocks = make([][]uint32, registers>>blockBits)
	u.slots, u.n = nil, 0
	for _, e := range old {
		if e != 0 {
			u.rise(r, e>>24, r.now-age(r.now, e))
		}
	}
}

// rise notes a viewer's rank in its register.
func (u *uniques) rise(r *reach, hash uint64, second uint32) {
	register := hash >> (uniqueBits - uniqueRegister)
	rest := hash << (64 - uniqueBits + uniqueRegister)
	rank := uint32(min(bits.LeadingZeros64(rest), uniqueRank)) + 1
	u.put(r, uint32(register), rank, second)
}

// put keeps the rank unless one as high was seen as late, and drops what it outdoes, and what is too old.
func (u *uniques) put(r *reach, register, rank, second uint32) {
	block := u.blocks[register>>blockBits]
	low := register & (1<<blockBits - 1)
	mine, limit := age(r.now, uint64(second)), r.now-r.low[FourWeeks]
	if mine > limit {
		return
	}
	out := block[:0]
	for i, e := range block {
		old, a := e>>27, age(r.now, uint64(e))
		switch {
		case a > limit:
			continue
		case e>>24&(1<<blockBits-1) == low:
			if old >= rank && a <= mine {
				if len(out) < i {
					out = append(out, block[i:]...)
					u.blocks[register>>blockBits] = out
				}
				return
			}
			if old <= rank && a >= mine {
				continue
			}
		}
		out = append(out, e)
	}
	if len(out) == cap(out) {
		out = slices.Grow(out, 2)
	}
	u.blocks[register>>blockBits] = append(out, rank<<27|low<<24|second&secondMask)
}

// count returns how many viewers were seen last at from or later.
func (u *uniques) count(now, from uint32) int64 {
	limit := now - from
	if u.blocks == nil {
		var n int64
		for _, e := range u.slots {
			if e != 0 && age(now, e) <= limit {
				n++
			}
		}
		return n
	}
	var ranks [uniqueRank + 2]int
	for _, block := range u.blocks {
		var most [1 << blockBits]uint32
		for _, e := range block {
			if age(now, uint64(e)) <= limit {
				most[e>>24&(1<<blockBits-1)] = max(most[e>>24&(1<<blockBits-1)], e>>27)
			}
		}
		for _, rank := range most {
			ranks[rank]++
		}
	}
	return int64(math.Round(estimate(&ranks)))
}

// estimate returns the number of distinct ones by how many registers have which rank: Ertl, New cardinality
// estimation algorithms for HyperLogLog sketches (arXiv 1702.01284), algorithm 6, which needs no correction
// for few or many.
func estimate(ranks *[uniqueRank + 2]int) float64 {
	const m = registers
	if ranks[0] == m {
		return 0
	}
	z := m * tau(1-float64(ranks[uniqueRank+1])/m)
	for k := uniqueRank; k >= 1; k-- {
		z = 0.5 * (z + float64(ranks[k]))
	}
	z += m * sigma(float64(ranks[0])/m)
	return m * m / (2 * math.Ln2) / z
}

func sigma(x float64) float64 {
	for y, z := 1.0, x; ; {
		x *= x
		before := z
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	for y, z := 1.0, 1-x; ; {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}
