package metric

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/stream"
)

// What nothing has happened to for long may leave memory: its name, when it was touched and the digest of its
// state stay, and the state lies where Options.Load finds it. Everything the fold answers is the same as if it
// were here, and so is Checksum.

// Gone is the state of an entity that leaves memory, or has left it.
type Gone struct {
	Entity
	Sum   uint64 // of the state: another state has another
	State []byte

	version uint64
	pos     stream.Position // of the fold as it came back
}

// ErrAway says that the state of what left memory cannot be had.
var ErrAway = errors.New("metric: the numbers of something that left memory cannot be read back")

// Weight returns about how many bytes the entities take whose state is here.
func (f *Fold) Weight() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.bytes
}

// coldSlice is how many states are encoded under one lock.
const coldSlice = 64

// Cold returns the states of entities, at most so many, to which nothing has happened since before, those that
// were touched first before others.
func (f *Fold) Cold(before time.Time, most int) []Gone {
	var out []Gone
	from := uint32(max(0, before.Unix()))
	for len(out) < most {
		n := f.coldest(from, len(out), min(coldSlice, most-len(out)), &out)
		if n == 0 {
			break
		}
	}
	return out
}

// coldest appends the states of up to most things, passing over the first skip, and returns how many.
func (f *Fold) coldest(from uint32, skip, most int, out *[]Gone) (n int) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var scratch table
	for place := f.here.oldest; place != nowhere && n < most; {
		t := f.at(place)
		if place = t.prev; t.touched >= from {
			break
		}
		if skip > 0 {
			skip--
			continue
		}
		w := &writer{}
		sum := w.thing(t, &scratch)
		*out = append(*out, Gone{Entity: t.Entity, Sum: sum, State: w.b, version: t.version})
		n++
	}
	return n
}

// Away lets go of the states of entities that Cold returned, unless something has happened to them since, and
// returns of how many. From now on Options.Load must return each; the others are Stale.
func (f *Fold) Away(gone []Gone) (n int) {
	for len(gone) > 0 {
		some := gone[:min(coldSlice, len(gone))]
		gone = gone[len(some):]
		f.mu.Lock()
		for i := range some {
			t := f.find(some[i].Entity)
			if t == nil || t.away || t.version != some[i].version {
				f.stale = append(f.stale, Gone{Entity: some[i].Entity, Sum: some[i].Sum, pos: f.pos})
				continue
			}
			f.leave(t, some[i].Sum)
			n++
		}
		f.mu.Unlock()
	}
	return n
}

func (s *things) leave(t *thing, sum uint64) {
	place := s.placeOf(t)
	s.unlink(t)
	t.away, t.sum = true, sum
	t.counts, t.purses, t.speed, t.people = table{}, nil, nil, nil
	s.absent++
	s.settle(t, place)
	s.weigh(t)
}

// Stale returns what came back since the last call, or is forgotten: Load need not return it any more, but for a
// state of a position up to that one.
func (f *Fold) Stale() []Gone {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.stale
	f.stale = nil
	for i := range out {
		if out[i].pos.IsZero() { // it was dropped while it was away
			out[i].pos = f.pos
		}
	}
	return out
}

// Absent calls fn with the name and digest of each entity that is away. fn must not call the fold.
func (f *Fold) Absent(fn func(Gone)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for place := f.gone.newest; place != nowhere; place = f.at(place).next {
		fn(Gone{Entity: f.at(place).Entity, Sum: f.at(place).sum})
	}
}

// bring takes the thing up again from its state.
func (f *Fold) bring(t *thing, g *Gone) error {
	n, err := g.thing()
	if err != nil {
		return err
	}
	f.keepBefore(t)
	f.stale = append(f.stale, Gone{Entity: t.Entity, Sum: t.sum, pos: f.pos})
	place := f.placeOf(t)
	f.unlink(t)
	t.counts, t.purses, t.speed, t.people = n.counts, n.purses, n.speed, n.people
	t.away, t.sum = false, 0
	f.absent--
	f.settle(t, place)
	f.weigh(t)
	return nil
}

// thing reads the state, which must be the one that was let go.
func (g *Gone) thing() (*thing, error) {
	t, r := &thing{}, &reader{b: g.State}
	r.thing(t)
	var scratch table
	if r.err != nil || len(r.b) > 0 || t.Entity != g.Entity || (&writer{}).thing(t, &scratch) != g.Sum {
		return nil, fmt.Errorf("%w: what is kept of %s is damaged; restore the database from a backup, or move the folder of snapshots away to have the numbers made again from the log", ErrAway, g.Entity)
	}
	return t, nil
}

// recall reads states back.
func (f *Fold) recall(gone []Gone) error {
	if f.opt.Load == nil {
		return fmt.Errorf("%w: there is nowhere to read them from", ErrAway)
	}
	if err := f.opt.Load(gone); err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return nil
}

// recallMost is how many states are read back at once.
const recallMost = 128

// fetch brings back what the first n steps will change. What it overlooks is brought back under the lock.
func (f *Fold) fetch(n int) error {
	f.mu.RLock()
	f.missing = f.missing[:0]
	if f.absent > 0 {
		f.looking = true
		clear(f.sought)
		for i := range f.steps[:n] {
			f.look(&f.steps[i])
		}
		f.looking = false
	}
	f.mu.RUnlock()
	for len(f.missing) > 0 {
		some := f.missing[:min(recallMost, len(f.missing))]
		f.missing = f.missing[len(some):]
		if err := f.recall(some); err != nil {
			return err
		}
		if err := f.bringAll(some); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fold) bringAll(gone []Gone) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range gone {
		if t := f.find(gone[i].Entity); t != nil && t.away && t.sum == gone[i].Sum {
			if err := f.bring(t, &gone[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// want notes that the thing will be changed.
func (f *Fold) want(t *thing) {
	if t == nil || !t.away || f.idle(t) {
		return
	}
	if _, have := f.sought[t.Entity]; !have {
		f.sought[t.Entity] = struct{}{}
		f.missing = append(f.missing, Gone{Entity: t.Entity, Sum: t.sum})
	}
}

// look notes what of that which is away a step will change: aim gathers it, while looking is set.
func (f *Fold) look(s *step) {
	switch s.verdict {
	case late, own, flagged:
		f.aimAside(&s.event)
	case counts:
		f.lookEvent(s)
	case fact:
		f.lookFact(s)
	}
}

func (f *Fold) lookEvent(s *step) {
	b := &s.event
	switch {
	case b.Namespace != [16]byte{}:
		f.aimSite(b)
	case b.Type == event.Impression:
		f.watchers(b)
		if click := f.clicks.find(keyOfClick(b.Request, b.Slot)); click != nil && click.flags&cohortUnshown != 0 {
			f.impressed(s, click.product, b.Product == click.product)
		}
	case b.Type == event.View, b.Type == event.Watch:
		f.watchers(b)
	case b.Type == event.ProductClick, b.Type == event.ProductView, b.Type == event.AddToCart:
		f.aimProduct(s, b.Product)
	}
}

func (f *Fold) lookFact(s *step) {
	switch b := s.body.(type) {
	case event.OrderPaid:
		viewer := f.person(bytesOf(b.Viewer))
		for i := range b.Lines {
			sale := soldOf(&b.Lines[i])
			f.aimSale(&sale, true)
			if visit := f.visits.find(keyOfVisit(viewer, sale.product)); visit != nil {
				f.aimCohort(visit, sale.brand, visit.at)
			}
		}
	case event.OrderCancelled:
		f.lookLines(b.Lines)
	case event.OrderRefunded:
		f.lookLines(b.Lines)
	case event.DisputeLost:
		f.lookLines(b.Lines)
	case event.CommissionCreated:
		f.lookCommission(&b.CommissionState)
	case event.CommissionReleased:
		f.lookCommission(&b.CommissionState)
	case event.CommissionReversed:
		f.lookCommission(&b.CommissionState)
	}
}

func (f *Fold) lookLines(lines []event.SaleLine) {
	for i := range lines {
		sale := soldOf(&lines[i])
		f.aimSale(&sale, true)
	}
}

func (f *Fold) lookCommission(c *event.CommissionState) {
	sale := sold{product: bytesOf(c.Product), brand: bytesOf(c.Brand), creator: bytesOf(c.Creator), program: bytesOf(c.Program),
		video: bytesOf(c.Video), room: bytesOf(c.Room)}
	f.aimSale(&sale, true)
	if c.Touch != nil {
		sale.video, sale.room = bytesOf(c.Touch.Video), bytesOf(c.Touch.Room)
		f.aimSale(&sale, false)
	}
}

// view calls fn, under the read lock, with what is held of the entity; false when nothing is, or it is away and
// cannot be read back.
func (f *Fold) view(e Entity, fn func(t *thing)) bool {
	met := false
	err := f.viewAll([]Entity{e}, func(t *thing) {
		fn(t)
		met = true
	})
	return err == nil && met
}

// viewAll calls fn with what is held of each entity, in no order. The error is that of reading back what is away.
func (f *Fold) viewAll(list []Entity, fn func(t *thing)) error {
	gone := f.viewHere(list, fn)
	for len(gone) > 0 {
		some := gone[:min(recallMost, len(gone))]
		gone = gone[len(some):]
		list = list[:0:0]
		for _, g := range some {
			list = append(list, g.Entity)
		}
		if err := f.recallAll(some); err != nil && len(f.viewHere(list, nil)) > 0 {
			return err // it has not come back meanwhile
		}
		gone = append(gone, f.viewHere(list, fn)...) // changed meanwhile
	}
	return nil
}

// viewHere calls fn with what is here or was read back lately, and returns what is not.
func (f *Fold) viewHere(list []Entity, fn func(t *thing)) (gone []Gone) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, e := range list {
		t := f.find(e)
		if t == nil || f.idle(t) {
			continue
		}
		if t.away {
			g := Gone{Entity: e, Sum: t.sum}
			if t = f.lately.get(&g); t == nil {
				gone = append(gone, g)
				continue
			}
		}
		if fn != nil {
			fn(t)
		}
	}
	return gone
}

// recallAll reads states back to be looked at.
func (f *Fold) recallAll(gone []Gone) error {
	if err := f.recall(gone); err != nil {
		return err
	}
	for i := range gone {
		t, err := gone[i].thing()
		if err != nil {
			return err
		}
		f.lately.put(&gone[i], t)
	}
	return nil
}

// latelyBytes is about how much memory is taken by what was read back to be looked at.
const latelyBytes = 64 << 20

// lately is what was read back to be looked at: dashboards look again and again. It is no part of the state.
type lately struct {
	mu    sync.Mutex
	held  map[Entity]looked
	order []Entity // oldest first
	bytes int
}

type looked struct {
	sum uint64
	*thing
}

func (l *lately) get(g *Gone) *thing {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v := l.held[g.Entity]; v.thing != nil && v.sum == g.Sum {
		return v.thing
	}
	return nil
}

func (l *lately) put(g *Gone, t *thing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[Entity]looked{}
	}
	if old := l.held[g.Entity]; old.thing != nil {
		l.bytes -= int(old.bytes())
	} else {
		l.order = append(l.order, g.Entity)
	}
	l.held[g.Entity] = looked{g.Sum, t}
	for l.bytes += int(t.bytes()); l.bytes > latelyBytes && len(l.order) > 1; l.order = l.order[1:] {
		l.bytes -= int(l.held[l.order[0]].bytes())
		delete(l.held, l.order[0])
	}
}
