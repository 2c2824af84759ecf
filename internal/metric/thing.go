package metric

import (
	"cmp"
	"slices"

	"mezzo/internal/money"
)

// idle is how long nothing is remembered of an entity that nothing happened to: then no window holds
// anything of it, and its velocity is 2⁻²⁹ of what it was.
const idle = 29 * day

// thing is what the fold holds of one entity.
type thing struct {
	Entity
	version    uint64 // the record that changed it last, counted from the beginning
	order      uint64 // of touched, counted from the beginning
	touched    uint32 // the second of log time of that
	cut        uint8  // the newest cut that has it, or came before it was made
	away       bool   // what follows the sum is not here, but where Options.Load finds it
	prev, next int32  // in the order of touched, among those that are here or away as it is; the newest is before all
	weight     uint32 // about how many bytes it takes
	sum        uint64 // its digest, when it is away
	counts     table
	purses     []purse // in the order of their first sale
	speed      *speed
	people     *uniques
}

// purse counts in one currency.
type purse struct {
	currency money.Currency
	table
}

func (t *thing) purse(c money.Currency) *table {
	for i := range t.purses {
		if t.purses[i].currency == c {
			return &t.purses[i].table
		}
	}
	t.purses = append(t.purses, purse{currency: c})
	return &t.purses[len(t.purses)-1].table
}

// Things lie in pages that never move, so that they can be pointed at, and are named by their place; the
// map that finds them holds no pointers, and the garbage collector passes over it.
const (
	pageBits = 9
	nowhere  = -1
)

type things struct {
	places map[Entity]int32
	pages  [][]thing
	free   []int32
	count  int32 // places ever used
	here   list
	gone   list   // those that are away
	linked uint64 // times that a thing became the newest
	layout uint32 // grows when a thing is dropped: pointers from before may be another's now
	absent int    // how many are away
	bytes  int64  // about what those that are here take
	stale  []Gone // what was away and is not any more
}

// list is things in the order of touched.
type list struct{ newest, oldest int32 }

func newThings() things {
	return things{places: map[Entity]int32{}, here: list{nowhere, nowhere}, gone: list{nowhere, nowhere}}
}

func (s *things) at(place int32) *thing {
	return &s.pages[place>>pageBits][place&(1<<pageBits-1)]
}

// find returns the thing, nil when nothing is held of the entity.
func (s *things) find(e Entity) *thing {
	place, ok := s.places[e]
	if !ok {
		return nil
	}
	return s.at(place)
}

// make adds a thing of which nothing is held, as the newest.
func (s *things) make(e Entity) *thing {
	var place int32
	if n := len(s.free); n > 0 {
		place, s.free = s.free[n-1], s.free[:n-1]
	} else {
		place = s.count
		s.count++
		if int(place)>>pageBits == len(s.pages) {
			s.pages = append(s.pages, make([]thing, 1<<pageBits))
		}
	}
	s.places[e] = place
	t := s.at(place)
	*t = thing{Entity: e, prev: nowhere, next: nowhere}
	s.link(t, place)
	return t
}

// link makes the thing, which is here, the newest.
func (s *things) link(t *thing, place int32) {
	s.linked++
	t.order = s.linked
	s.insert(t, place, nowhere, s.here.newest)
	s.weigh(t)
}

// among returns the list that the thing is in.
func (s *things) among(t *thing) *list {
	if t.away {
		return &s.gone
	}
	return &s.here
}

// insert links the thing between two neighbours of its list.
func (s *things) insert(t *thing, place, prev, next int32) {
	t.prev, t.next = prev, next
	l := s.among(t)
	if prev != nowhere {
		s.at(prev).next = place
	} else {
		l.newest = place
	}
	if next != nowhere {
		s.at(next).prev = place
	} else {
		l.oldest = place
	}
}

// settle links the thing into its list where it belongs. What leaves is newer than what left before, as a rule,
// and what comes back is older than what is here.
func (s *things) settle(t *thing, place int32) {
	if t.away {
		prev, next := int32(nowhere), s.gone.newest
		for next != nowhere && s.at(next).order > t.order {
			prev, next = next, s.at(next).next
		}
		s.insert(t, place, prev, next)
		return
	}
	prev, next := s.here.oldest, int32(nowhere)
	for prev != nowhere && s.at(prev).order < t.order {
		prev, next = s.at(prev).prev, prev
	}
	s.insert(t, place, prev, next)
}

func (s *things) unlink(t *thing) {
	l := s.among(t)
	if t.prev != nowhere {
		s.at(t.prev).next = t.next
	} else {
		l.newest = t.next
	}
	if t.next != nowhere {
		s.at(t.next).prev = t.prev
	} else {
		l.oldest = t.prev
	}
}

// renew makes the thing, which is here, the newest.
func (s *things) renew(t *thing) {
	if t.order == s.linked {
		return // it is, of all
	}
	place := s.placeOf(t)
	s.unlink(t)
	s.link(t, place)
}

// placeOf returns where a linked thing is, from its neighbours.
func (s *things) placeOf(t *thing) int32 {
	if t.prev != nowhere {
		return s.at(t.prev).next
	}
	return s.among(t).newest
}

// drop lets go of the thing.
func (s *things) drop(t *thing) {
	place := s.placeOf(t)
	s.unlink(t)
	s.bytes -= int64(t.weight)
	if t.away {
		s.absent--
		s.stale = append(s.stale, Gone{Entity: t.Entity, Sum: t.sum})
	}
	delete(s.places, t.Entity)
	*t = thing{}
	s.free = append(s.free, place)
	s.layout++
}

// idleMost is how many idle things are dropped in a second of log time: readers wait for it.
const idleMost = 256

// dropIdle lets go of what nothing has happened to for so long that no window holds anything of it;
// before is told of each.
func (s *things) dropIdle(now uint32, before func(*thing)) {
	for range idleMost {
		t := s.oldest()
		if t == nil || now-t.touched <= idle {
			return
		}
		before(t)
		s.drop(t)
	}
}

// oldest returns what was touched before all others, here or away; nil when there is nothing.
func (s *things) oldest() *thing {
	switch a, b := s.here.oldest, s.gone.oldest; {
	case a == nowhere && b == nowhere:
		return nil
	case b == nowhere || a != nowhere && s.at(a).order < s.at(b).order:
		return s.at(a)
	default:
		return s.at(b)
	}
}

// take adds a thing that was read from a state; sortByTouch must follow.
func (s *things) take(t *thing) {
	into := s.make(t.Entity)
	prev, next, weight := into.prev, into.next, into.weight
	*into = *t
	into.prev, into.next, into.weight = prev, next, weight
	if t.away {
		s.absent++
	}
	s.weigh(into)
}

// sortByTouch orders the things as they were touched.
func (s *things) sortByTouch() {
	order := make([]int32, 0, len(s.places))
	for _, place := range s.places {
		order = append(order, place)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(s.at(a).order, s.at(b).order) })
	s.here, s.gone = list{nowhere, nowhere}, list{nowhere, nowhere}
	for _, place := range order {
		t := s.at(place)
		s.insert(t, place, nowhere, s.among(t).newest)
	}
}

// weigh notes about how many bytes the thing takes.
func (s *things) weigh(t *thing) {
	n := uint32(0)
	if !t.away {
		n = t.bytes()
	}
	s.bytes += int64(n) - int64(t.weight)
	t.weight = n
}

// bytes returns about how much memory the thing takes.
func (t *thing) bytes() uint32 {
	const itself, ofPurse, ofSpeed, ofPeople, ofRegisters = 240, 48, 48, 72, registers >> blockBits * 96 // with its place in the map
	n := itself + 8*cap(t.counts.rows)
	for i := range t.purses {
		n += ofPurse + 8*cap(t.purses[i].rows)
	}
	if t.speed != nil {
		n += ofSpeed
	}
	if u := t.people; u != nil {
		if n += ofPeople + 8*len(u.slots); u.blocks != nil {
			n += ofRegisters
		}
	}
	return uint32(n)
}
