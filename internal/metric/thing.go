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
	prev, next int32  // in the order of touched; the newest is before all
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
	newest int32
	linked uint64 // times that a thing became the newest
	oldest int32
	layout uint32 // grows when a thing is dropped: pointers from before may be another's now
}

func newThings() things {
	return things{places: map[Entity]int32{}, newest: nowhere, oldest: nowhere}
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

func (s *things) link(t *thing, place int32) {
	s.linked++
	t.order = s.linked
	t.prev, t.next = nowhere, s.newest
	if s.newest != nowhere {
		s.at(s.newest).prev = place
	} else {
		s.oldest = place
	}
	s.newest = place
}

func (s *things) unlink(t *thing) {
	if t.prev != nowhere {
		s.at(t.prev).next = t.next
	} else {
		s.newest = t.next
	}
	if t.next != nowhere {
		s.at(t.next).prev = t.prev
	} else {
		s.oldest = t.prev
	}
}

// renew makes the thing the newest.
func (s *things) renew(t *thing) {
	if t.prev == nowhere {
		return
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
	return s.newest
}

// drop lets go of the thing.
func (s *things) drop(t *thing) {
	place := s.placeOf(t)
	s.unlink(t)
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
		if s.oldest == nowhere {
			return
		}
		t := s.at(s.oldest)
		if now-t.touched <= idle {
			return
		}
		before(t)
		s.drop(t)
	}
}

// sortByTouch orders the things as they were touched.
func (s *things) sortByTouch() {
	order := make([]int32, 0, len(s.places))
	for _, place := range s.places {
		order = append(order, place)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(s.at(a).order, s.at(b).order) })
	s.newest, s.oldest = nowhere, nowhere
	for _, place := range order {
		s.linked = s.at(place).order - 1
		s.link(s.at(place), place)
	}
}
