package metric

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"mezzo/internal/money"
	"mezzo/internal/stream"
)

// stateVersion is the version of the fold's state; another is refused.
const stateVersion = 5

// Versions that are read as well. Before the last everything that was told was known; before that all but the things
// was written in one go; in the oldest nothing is away.
const (
	stateAll   = 4
	stateOneGo = 3
	stateOld   = 2
)

// readable reports whether a state of the version can be read.
func readable(version int) bool { return version >= stateOld && version <= stateVersion }

// isAway marks the kind of an entity of which a state has the digest alone.
const isAway = 0x80

// ErrState says that what Restore was given is not a state of this version, or is damaged.
var ErrState = errors.New("metric: this is not a state of the fold")

// table writes a table as it would be had it been joined at log second touched, the last at which it can
// have been: so what is written depends on what was counted alone.
func (w *writer) table(t *table, touched uint32, scratch *table) {
	r := reachAt(touched)
	scratch.mask, scratch.rows = t.mask, append(scratch.rows[:0], t.rows...)
	scratch.compact(&r)
	stride := scratch.stride()
	var mask uint32
	for at := 0; at < len(scratch.rows); at += stride {
		for m, i := scratch.mask, at+1; m != 0; m, i = m&(m-1), i+1 {
			if scratch.rows[i] != 0 {
				mask |= m & -m
			}
		}
	}
	w.uint(uint64(mask))
	w.uint(uint64(len(scratch.rows) / stride))
	var before uint32
	for at := 0; at < len(scratch.rows); at += stride {
		start := scratch.start(at)
		w.uint(uint64(start - before))
		w.uint(uint64(touched - scratch.changed(at)))
		for m, i := scratch.mask, at+1; m != 0; m, i = m&(m-1), i+1 {
			if m&-m&mask != 0 {
				w.int(scratch.rows[i])
			}
		}
		before = start
	}
}

func (r *reader) table(touched uint32, most uint) (t table) {
	mask := r.uint()
	if mask>>most != 0 {
		r.fail()
		return t
	}
	t.mask = uint32(mask)
	n, stride := r.count(1+t.stride()), t.stride()
	if n == 0 {
		return t
	}
	t.rows = make([]int64, n*stride)
	var start uint32
	for at := 0; at < len(t.rows); at += stride {
		start += r.second()
		t.rows[at] = int64(uint64(start)<<32 | uint64(touched-r.second()))
		for i := 1; i < stride; i++ {
			t.rows[at+i] = r.int()
		}
	}
	return t
}

// held writes what there is in memory of an entity and returns its digest.
func (w *writer) held(t *thing, scratch *table) uint64 {
	if !t.away {
		return w.thing(t, scratch)
	}
	at := len(w.b)
	w.entity(t.Entity)
	w.b[at] |= isAway
	w.uint(t.version)
	w.uint(t.order)
	w.uint(uint64(t.touched))
	w.b = binary.LittleEndian.AppendUint64(w.b, t.sum)
	return t.sum
}

// held reads what writer.held wrote.
func (r *reader) held(t *thing) {
	if len(r.b) == 0 || r.b[0]&isAway == 0 {
		r.thing(t)
		return
	}
	t.away = true
	t.Entity = r.entity(isAway)
	t.version, t.order, t.touched = r.uint(), r.uint(), r.second()
	t.sum = binary.LittleEndian.Uint64(r.take(8))
}

// thing writes an entity and returns its digest, which does not depend on the order in which viewers are
// written: sorting them would take longer than all the rest.
func (w *writer) thing(t *thing, scratch *table) uint64 {
	begin := len(w.b)
	w.entity(t.Entity)
	w.uint(t.version)
	w.uint(t.order)
	w.uint(uint64(t.touched))
	w.table(&t.counts, t.touched, scratch)
	w.uint(uint64(len(t.purses)))
	for i := range t.purses {
		w.text(string(t.purses[i].currency))
		w.table(&t.purses[i].table, t.touched, scratch)
	}
	if t.speed == nil {
		w.b = append(w.b, 0)
	} else {
		w.b = append(w.b, 1)
		for i := range halves {
			w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(t.speed.sum[i]))
			w.int(t.speed.mark[i])
		}
	}
	u := t.people
	if u == nil {
		w.b = append(w.b, 0)
		return digest(w.b[begin:])
	}
	w.b = append(w.b, 1)
	w.uint(uint64(u.purged))
	w.uint(uint64(u.ended))
	if u.blocks == nil {
		w.b = append(w.b, 0)
		w.uint(uint64(u.n))
	} else {
		w.b = append(w.b, 1)
	}
	sum := digest(w.b[begin:])
	for _, e := range u.slots {
		if e != 0 {
			w.b = binary.LittleEndian.AppendUint64(w.b, e)
			sum += mix(e)
		}
	}
	for i, block := range u.blocks {
		w.uint(uint64(len(block)))
		for _, e := range block {
			w.b = binary.LittleEndian.AppendUint32(w.b, e)
			sum += mix(uint64(i)<<32 | uint64(e))
		}
	}
	return sum
}

// thing reads what writer.thing wrote into t, whose entity it returns first.
func (r *reader) thing(t *thing) {
	t.Entity = r.entity(0)
	t.version, t.order, t.touched = r.uint(), r.uint(), r.second()
	t.counts = r.table(t.touched, fields)
	for range r.count(4) {
		c := money.Currency(r.text())
		t.purses = append(t.purses, purse{c, r.table(t.touched, moneyFields)})
	}
	if r.byte() != 0 {
		t.speed = &speed{}
		for i := range halves {
			t.speed.sum[i] = math.Float64frombits(binary.LittleEndian.Uint64(r.take(8)))
			t.speed.mark[i] = r.int()
		}
	}
	if r.byte() != 0 {
		t.people = r.people()
	}
}

func (r *reader) people() *uniques {
	u := &uniques{purged: r.second(), ended: r.second()}
	if r.byte() == 0 {
		n := r.count(8)
		size := 4
		for ; size*3 < n*4; size *= 2 {
		}
		u.slots = make([]uint64, size)
		for range n {
			e := binary.LittleEndian.Uint64(r.take(8))
			if e>>24&1 == 0 || u.slots[u.slot(e>>24)] != 0 {
				r.fail()
				return u
			}
			u.slots[u.slot(e>>24)] = e
		}
		u.n = n
		return u
	}
	u.blocks = make([][]uint32, registers>>blockBits)
	for i := range u.blocks {
		block := make([]uint32, r.count(4))
		for j := range block {
			block[j] = binary.LittleEndian.Uint32(r.take(4))
		}
		u.blocks[i] = block
	}
	return u
}

// AppendState appends what the fold needs to go on from its position, with what was seen. Call it, like
// Apply, from the one goroutine that applies. Two states of the same log hold the same, though not byte for
// byte; Checksum compares them.
func (f *Fold) AppendState(dst []byte) ([]byte, error) {
	w := &writer{dst}
	_, err := f.write(w, false)
	return w.b, err
}

// Checksum returns 64 bits of everything the state holds: the same for the same log up to the position,
// however it was folded, stopped and restored. 0 when what was seen cannot be told.
func (f *Fold) Checksum() uint64 {
	sum, err := f.write(&writer{}, true)
	if err != nil {
		return 0
	}
	return sum
}

func (f *Fold) write(w *writer, discard bool) (uint64, error) {
	known, err := f.seen.AppendState(nil)
	if err != nil {
		return 0, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	sum := f.writeHead(w, known)
	done := func() {
		if discard {
			w.b = w.b[:0]
		}
	}
	done()
	for _, part := range f.parts() {
		sum += part(w)
		done()
	}
	var scratch table
	for _, place := range [...]int32{f.gone.oldest, f.here.oldest} {
		for place != nowhere {
			t := f.at(place)
			w.b = append(w.b, itemThing)
			sum += w.held(t, &scratch)
			done()
			place = t.prev
		}
	}
	w.b = append(w.b, 0)
	return sum, nil
}

// writeHead writes all but the items.
func (f *Fold) writeHead(w *writer, known []byte) uint64 {
	begin := len(w.b)
	w.b = append(w.b, stateVersion)
	w.text(f.pos.String())
	w.int(f.now)
	w.uint(f.applied)
	w.uint(uint64(f.lastFact))
	w.uint(f.linked)
	for _, n := range f.stats.fields() {
		w.int(*n)
	}
	f.clicks.writeHead(w)
	f.visits.writeHead(w)
	f.joins.writeHead(w)
	w.int(f.unlisted)
	w.text(string(known))
	return digest(w.b[begin:])
}

// Restore takes up a state that AppendState wrote, in place of all there is; nil is the fold of nothing. An
// error leaves everything as it was: ErrState, or what seen.Restore says.
func (f *Fold) Restore(state []byte) error {
	n := &Fold{opt: f.opt, seen: f.seen}
	n.empty()
	seenState := f.blank
	if len(state) > 0 {
		r := &reader{b: state}
		seenState = n.read(r)
		if r.err == nil && len(r.b) > 0 {
			r.fail()
		}
		if r.err != nil {
			return r.err
		}
	}
	if err := f.seen.Restore(seenState); err != nil {
		return err
	}
	f.ranked.mu.Lock()
	defer f.ranked.mu.Unlock()
	f.ranked.held = nil // versions may be another log's
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pos, f.stamp, f.now, f.reach, f.applied, f.stats = n.pos, n.stamp, n.now, n.reach, n.applied, n.stats
	f.edge, f.aged, f.floor, f.dropped = n.edge, n.aged, 0, 0
	f.things, f.catalogue, f.clicks, f.visits = n.things, n.catalogue, n.clicks, n.visits
	f.waiting, f.joins, f.lastFact, f.restated = n.waiting, n.joins, n.lastFact, n.restated
	f.cutting, f.broken = n.cutting, nil
	return nil
}

// read fills an empty fold and returns the state of what was seen.
func (f *Fold) read(r *reader) (seen []byte) {
	version := int(r.byte())
	if r.err == nil && !readable(version) {
		r.err = fmt.Errorf("%w: it has version %d; this program reads %d", ErrState, version, stateVersion)
		return nil
	}
	var err error
	if f.pos, err = stream.ParsePosition(r.text()); err != nil {
		r.fail()
		return nil
	}
	if f.now = r.int(); f.now != 0 {
		f.stamp, f.reach = time.UnixMicro(f.now).UTC(), reachAt(uint32(f.now/1e6))
		f.edge, f.aged = edgeAt(f.reach.now)
	}
	f.applied, f.lastFact = r.uint(), int64(r.uint())
	linked := r.uint()
	for _, n := range f.stats.fields() {
		*n = r.int()
	}
	if version >= stateAll {
		f.clicks.readHead(r)
		f.visits.readHead(r)
		if version > stateAll {
			f.joins.readHead(r)
			f.unlisted = r.int()
		}
		seen = slices.Clone(r.take(r.count(1)))
		f.items(r)
	} else {
		f.catalogue.read(r)
		f.clicks.read(r)
		f.visits.read(r)
		f.readOrders(r)
		seen = slices.Clone(r.take(r.count(1)))
		for range r.count(24) {
			f.readThing(r)
		}
	}
	if r.err != nil {
		return nil
	}
	f.sortByTouch()
	f.linked = linked
	return seen
}
