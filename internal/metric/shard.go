package metric

// A state is a head, which is small, and items, which are most of it: things, and what else grows with what the log
// told of. Items come in any order, and each begins with its sort; a zero byte ends them. A snapshot encodes items
// just before they change for the first time, and the rest a few at a time while the fold goes on, so that the writer
// never waits for all of them.

// The sorts of items; their numbers are part of snapshots.
const (
	itemThing byte = iota + 1
	itemFilm
	itemBrand
	itemProgram
	itemGroup
	itemYoungClick
	itemOldClick
	itemYoungVisit
	itemOldVisit
	itemWaiting
	itemJoined
	itemRestated
	itemJoinedBeside
)

// cutting is the snapshot that is being made, for all that it is made of.
type cutting struct {
	cut *Cut  // nil: none
	no  uint8 // of those made so far
}

// source is a part of the state that is kept in pieces, each of some hundred items.
type source interface {
	pieces() int
	// keep encodes a piece as it was at the cut, unless that is done.
	keep(c *Cut, piece int)
}

// item encodes an item and returns what it adds to the checksum, which does not depend on the order of items.
func (w *writer) item(sort byte, encode func()) uint64 {
	at := len(w.b)
	w.b = append(w.b, sort)
	encode()
	return digest(w.b[at:])
}

// shardCount is how many shards a map has: of a million entries each holds a thousand.
const shardCount = 1 << 10

// shards is a map that is kept in pieces.
type shards[K comparable, V any] struct {
	*cutting
	of     [shardCount]map[K]V
	done   [shardCount]uint8 // the newest cut that has it
	n      int
	where  func(K) uint64 // a hash
	encode func(w *writer, key K, value V) uint64
}

func newShards[K comparable, V any](c *cutting, where func(K) uint64, encode func(*writer, K, V) uint64) *shards[K, V] {
	return &shards[K, V]{cutting: c, where: where, encode: encode}
}

// byID is a map of ids.
func byID[V any](c *cutting, sort byte, encode func(*writer, V)) *shards[[16]byte, V] {
	return newShards(c, hashOf, func(w *writer, key [16]byte, value V) uint64 {
		return w.item(sort, func() {
			w.id(key)
			encode(w, value)
		})
	})
}

func (s *shards[K, V]) look(key K) (V, bool) {
	value, ok := s.of[s.where(key)%shardCount][key]
	return value, ok
}

func (s *shards[K, V]) get(key K) V {
	value, _ := s.look(key)
	return value
}

// change returns the value of the key to change what it points at.
func (s *shards[K, V]) change(key K) V {
	i := s.where(key) % shardCount
	s.before(int(i))
	return s.of[i][key]
}

func (s *shards[K, V]) set(key K, value V) {
	i := s.where(key) % shardCount
	s.before(int(i))
	if s.of[i] == nil {
		s.of[i] = map[K]V{}
	}
	if _, have := s.of[i][key]; !have {
		s.n++
	}
	s.of[i][key] = value
}

func (s *shards[K, V]) remove(key K) {
	i := s.where(key) % shardCount
	if _, have := s.of[i][key]; have {
		s.before(int(i))
		delete(s.of[i], key)
		s.n--
	}
}

// each calls fn with all there is, in no order; fn may remove.
func (s *shards[K, V]) each(fn func(key K, value V)) {
	for i := range s.of {
		for key, value := range s.of[i] {
			fn(key, value)
		}
	}
}

func (s *shards[K, V]) before(i int) {
	if s.cut != nil {
		s.keep(s.cut, i)
	}
}

func (s *shards[K, V]) pieces() int { return shardCount }

func (s *shards[K, V]) keep(c *Cut, i int) {
	if s.done[i] == c.no {
		return
	}
	s.done[i] = c.no
	w := &writer{c.out}
	for key, value := range s.of[i] {
		c.sum += s.encode(w, key, value)
	}
	c.out = w.b
}

func (s *shards[K, V]) write(w *writer) (sum uint64) {
	s.each(func(key K, value V) { sum += s.encode(w, key, value) })
	return sum
}

// view is what a list held at the cut. The list is only added to behind it and let go of from its front.
type view []restated

// viewPiece is how many entries of a view are encoded at once.
const viewPiece = 256

func (v view) pieces() int { return (len(v) + viewPiece - 1) / viewPiece }

func (v view) keep(c *Cut, piece int) {
	w := &writer{c.out}
	c.sum += v[piece*viewPiece : min(len(v), (piece+1)*viewPiece)].write(w)
	c.out = w.b
}

func (v view) write(w *writer) (sum uint64) {
	for i := range v {
		sum += w.item(itemRestated, func() { w.restated(&v[i]) })
	}
	return sum
}
