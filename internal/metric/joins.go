package metric

// JoinsMost is how many viewers are known at least as another's: the browsers beside a person's first. There may be
// twice as many; of more, those that joined last.
const JoinsMost = 1 << 21

// joins knows which viewers are the same person as one before, in two halves: when the younger is full, the older
// is forgotten.
type joins struct {
	*cutting
	most       int
	young, old *joinHalf
	since      uint32 // the log second from which all are known; 0: from the beginning
}

// joinHalf is viewers by the first viewer of their person, and back: those of one first viewer are a chain.
type joinHalf struct {
	begun uint32 // log second
	sort  byte   // of its items: not that of the half beside it
	into  *shards[[16]byte, joint]
	heads map[[16]byte][16]byte // first viewer → one of its chain
}

type joint struct{ into, next [16]byte }

func newJoins(c *cutting) joins {
	return joins{cutting: c, most: JoinsMost, young: newJoinHalf(c, itemJoined), old: newJoinHalf(c, itemJoinedBeside)}
}

func newJoinHalf(c *cutting, sort byte) *joinHalf {
	return &joinHalf{sort: sort, into: byID(c, sort, func(w *writer, j joint) { w.id(j.into) }), heads: map[[16]byte][16]byte{}}
}

// person returns the first viewer of whom this is another.
func (j *joins) person(viewer [16]byte) [16]byte {
	for _, h := range [...]*joinHalf{j.young, j.old} {
		if v, ok := h.into.look(viewer); ok {
			return v.into
		}
	}
	return viewer
}

// join makes a viewer another of the first one's person.
func (j *joins) join(now uint32, viewer, into [16]byte) {
	j.young.remove(viewer)
	j.old.remove(viewer)
	if j.young.into.n >= j.most {
		j.rotate(now)
	}
	if j.young.into.n == 0 {
		j.young.begun = now
	}
	j.young.add(viewer, into)
}

// rotate forgets the older half. A snapshot that is being made keeps it: it changes no more.
func (j *joins) rotate(now uint32) {
	if j.old.into.n > 0 {
		j.since = j.young.begun
	}
	j.old, j.young = j.young, newJoinHalf(j.cutting, j.old.sort)
	j.young.begun = now
}

// erase forgets whose the viewer was, and who was its.
func (j *joins) erase(viewer [16]byte) {
	for _, h := range [...]*joinHalf{j.young, j.old} {
		h.remove(viewer)
		for next, ok := h.heads[viewer]; ok && next != ([16]byte{}); {
			other := next
			next = h.into.get(other).next
			h.into.remove(other)
		}
		delete(h.heads, viewer)
	}
}

func (h *joinHalf) add(viewer, into [16]byte) {
	h.into.set(viewer, joint{into, h.heads[into]})
	h.heads[into] = viewer
}

// remove takes a viewer out of its chain, which is as short as a person has browsers.
func (h *joinHalf) remove(viewer [16]byte) {
	gone, ok := h.into.look(viewer)
	if !ok {
		return
	}
	h.into.remove(viewer)
	if h.heads[gone.into] == viewer {
		if gone.next == ([16]byte{}) {
			delete(h.heads, gone.into)
		} else {
			h.heads[gone.into] = gone.next
		}
		return
	}
	for at := h.heads[gone.into]; at != ([16]byte{}); {
		v := h.into.get(at)
		if v.next == viewer {
			h.into.set(at, joint{v.into, gone.next})
			return
		}
		at = v.next
	}
}
