package seen

import "github.com/google/uuid"

// Reorder is how far behind the highest number of its session an event may come and still take
// its loss back: more than a batch.
const Reorder = 128

// gaps counts what is missing in sessions' sequences. It knows a bounded number of sessions and
// forgets the one not heard of for longest, in the order of the log.
type gaps struct {
	most     int
	index    map[Key]int32
	sessions []session
	newest   int32 // -1: none
	oldest   int32
}

type session struct {
	key     Key
	highest int64
	missing [Reorder / 64]uint64 // bit i: highest-1-i was not seen
	older   int32
	newer   int32
}

func newGaps(most int) gaps {
	return gaps{most: most, index: map[Key]int32{}, newest: -1, oldest: -1}
}

// Gap notes an event's number within its session and returns by how much the session's loss
// changes: the numbers jumped over, or -1 when one of those comes after all. A session heard of
// for the first time, or again after it was forgotten, has lost nothing so far. Repeats must have
// been dropped before.
func (s *Seen) Gap(session uuid.UUID, seq int64) (lost int64) {
	return s.gaps.note(sessionOf(session), seq)
}

func (g *gaps) note(k Key, seq int64) (lost int64) {
	i, known := g.index[k]
	if !known {
		g.add(session{key: k, highest: seq})
		return 0
	}
	if i != g.newest {
		g.unlink(i)
		g.link(i)
	}
	e := &g.sessions[i]
	if seq > e.highest {
		lost = seq - e.highest - 1
		e.advance(seq)
		return lost
	}
	back := e.highest - seq - 1 // -1: the highest again
	if back < 0 || back >= Reorder || e.missing[back/64]&(1<<(back%64)) == 0 {
		return 0
	}
	e.missing[back/64] &^= 1 << (back % 64)
	return -1
}

// advance makes seq the highest number: the old highest was seen, those between were not.
func (e *session) advance(seq int64) {
	by := seq - e.highest
	e.highest = seq
	if by > Reorder {
		e.missing = [Reorder / 64]uint64{^uint64(0), ^uint64(0)}
		return
	}
	n := uint(by)
	lo, hi := e.missing[0], e.missing[1]
	// Shift by n, then set the n-1 lowest bits: the numbers jumped over.
	if n >= 64 {
		hi, lo = lo<<(n-64), 0
	} else {
		hi, lo = hi<<n|lo>>(64-n), lo<<n
	}
	jumped := n - 1
	if jumped >= 64 {
		lo = ^uint64(0)
		hi |= 1<<(jumped-64) - 1
	} else {
		lo |= 1<<jumped - 1
	}
	e.missing = [Reorder / 64]uint64{lo, hi}
}

// add takes in a session as the newest, in place of the oldest when all places are taken.
func (g *gaps) add(e session) {
	var i int32
	if len(g.sessions) >= g.most {
		i = g.oldest
		delete(g.index, g.sessions[i].key)
		g.unlink(i)
		g.sessions[i] = e
	} else {
		i = int32(len(g.sessions))
		g.sessions = append(g.sessions, e)
	}
	g.index[e.key] = i
	g.link(i)
}

func (g *gaps) unlink(i int32) {
	e := &g.sessions[i]
	if e.older >= 0 {
		g.sessions[e.older].newer = e.newer
	} else {
		g.oldest = e.newer
	}
	if e.newer >= 0 {
		g.sessions[e.newer].older = e.older
	} else {
		g.newest = e.older
	}
}

func (g *gaps) link(i int32) {
	e := &g.sessions[i]
	e.older, e.newer = g.newest, -1
	if g.newest >= 0 {
		g.sessions[g.newest].newer = i
	} else {
		g.oldest = i
	}
	g.newest = i
}
