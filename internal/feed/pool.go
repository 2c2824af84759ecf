package feed

import (
	"encoding/binary"
	"strings"
	"sync"

	"mezzo/internal/stream"
)

// pool is what may be shown at all, in memory: ids and categories, and nothing that says how
// many people follow whom. It is a copy of what SQL says, kept up to date by the log.
type pool struct {
	mu       sync.RWMutex
	loaded   bool
	position stream.Position // of the log: what was told before it is in here
	hashes   []uint64        // of the ids, beside entries: a page looks at all of them and at few entries
	entries  []entry
	at       map[[16]byte]int
	names    []string       // of categories
	numbers  map[string]int // and where they stand in names
	sizes    []int          // how many entries each category has
}

// entry is a video that may be shown.
type entry struct {
	id       [16]byte
	category int
	bare     bool // it shows no products, so that none can be sold out
}

// candidate is an entry that a page may draw.
type candidate struct {
	id   [16]byte
	mark uint32
	bare bool
}

func newPool() *pool {
	return &pool{at: map[[16]byte]int{}, numbers: map[string]int{}}
}

// put adds a video, or changes what is known of it. In a full pool it takes the place of one
// that is as good as picked at random.
func (p *pool) put(v [16]byte, category string, bare bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(v)
	number, ok := p.numbers[category]
	if !ok {
		number = len(p.names)
		p.names, p.sizes, p.numbers[category] = append(p.names, category), append(p.sizes, 0), number
	}
	if len(p.entries) >= PoolMost {
		p.remove(p.entries[hashOf(v)%PoolMost].id)
	}
	p.at[v] = len(p.entries)
	p.hashes = append(p.hashes, hashOf(v))
	p.entries = append(p.entries, entry{id: v, category: number, bare: bare})
	p.sizes[number]++
}

// drop takes a video out.
func (p *pool) drop(v [16]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(v)
}

// remove needs the lock. The last entry takes the place of the one removed.
func (p *pool) remove(v [16]byte) {
	i, ok := p.at[v]
	if !ok {
		return
	}
	last := len(p.entries) - 1
	p.sizes[p.entries[i].category]--
	p.entries[i], p.hashes[i] = p.entries[last], p.hashes[last]
	p.at[p.entries[i].id] = i
	p.entries, p.hashes = p.entries[:last], p.hashes[:last]
	delete(p.at, v)
}

// replace takes over everything from another pool that nobody else holds, at a position of the log.
func (p *pool) replace(from *pool, position stream.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hashes, p.entries, p.at, p.names, p.numbers, p.sizes = from.hashes, from.entries, from.at, from.names, from.numbers, from.sizes
	p.loaded, p.position = true, position
}

// reached notes that everything the log told before position is in here.
func (p *pool) reached(position stream.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.position = position
}

// state returns whether the pool was ever read, how many videos it has and where in the log it is.
func (p *pool) state() (loaded bool, videos int, position stream.Position) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.loaded, len(p.entries), p.position
}

// reading calls with while nothing changes: find returns what may be shown by its id.
func (p *pool) reading(with func(find func([16]byte) (entry, bool))) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	with(func(v [16]byte) (entry, bool) {
		i, there := p.at[v]
		if !there {
			return entry{}, false
		}
		return p.entries[i], true
	})
}

// wanted returns which categories are meant by one, "" being all (nil), and how many videos are in them.
func (p *pool) wanted(category string) (in []bool, videos int) {
	if category == "" {
		return nil, len(p.entries)
	}
	in = make([]bool, len(p.names))
	for i, name := range p.names {
		if name == category || strings.HasPrefix(name, category) && name[len(category)] == '.' {
			in[i] = true
			videos += p.sizes[i]
		}
	}
	return in, videos
}

// next returns what the next page of a way may draw, with its block, in the order of the pool:
// the unserved of the first block that has any, without what the viewer hid. When the way is
// through it begins anew by the key given; nothing at all means that there is nothing to show.
func (p *pool) next(s scroll, category string, hide func([16]byte) bool, key uint64) (found []candidate, way scroll, block uint32) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	in, videos := p.wanted(category)
	if s.blocks == 0 {
		s = begin(key, videos)
	}
	found, block = p.first(s, in, hide)
	if len(found) == 0 {
		s = begin(key, videos)
		found, block = p.first(s, in, hide)
	}
	return found, s, block
}

// first returns the unserved of the first block from the way's own on that has any.
func (p *pool) first(s scroll, in []bool, hide func([16]byte) bool) (found []candidate, block uint32) {
	found = make([]candidate, 0, BlockSize+BlockSize/4)
	for i, hash := range p.hashes {
		mark := s.mark(hash)
		b := s.blockOf(mark)
		if b < s.block || b > block && len(found) > 0 || b == s.block && s.has(mark) {
			continue
		}
		e := &p.entries[i]
		if in != nil && !in[e.category] {
			continue
		}
		if hide != nil && hide(e.id) {
			continue
		}
		if len(found) > 0 && b < block {
			found = found[:0]
		}
		block = b
		if len(found) < MaxCandidates {
			found = append(found, candidate{e.id, mark, e.bare})
		}
	}
	return found, block
}

// hashOf spreads an id over 64 bits; half of an id is a time and tells little.
func hashOf(v [16]byte) uint64 {
	return mix(binary.BigEndian.Uint64(v[:8]) ^ mix(binary.BigEndian.Uint64(v[8:])))
}
