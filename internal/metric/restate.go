package metric

import (
	"slices"
	"time"

	"mezzo/internal/money"
	"mezzo/internal/stream"
)

const (
	// restatedFor is how long what was added to old buckets is handed out.
	restatedFor = 4 * day
	// edgeWidth is how long before its bucket leaves the rings what is counted is handed on: as long as SQL
	// may lag behind.
	edgeWidth = 3 * day
)

// restated is what was counted in a bucket of the past that no ring holds apart any more, or not for long. It goes to
// SQL as an addition, once, by its position; what is told of the bucket as a whole leaves it out. So nothing is lost
// when the bucket leaves the ring before SQL has heard of it.
type restated struct {
	entity   Entity
	currency money.Currency // "": field is of counts
	grain    Grain
	start    uint32
	field    uint
	n        int64
	at       uint32 // log second
	pos      stream.Position
}

// edgeAt returns the reach of the rings edgeWidth from now, and the second from which all buckets will still be held.
func edgeAt(now uint32) (r reach, aged uint32) {
	r = reachAt(now + edgeWidth)
	return r, r.low[Week]
}

// knowsSince says from which log time the fold knows everything: SQL knows more of the buckets that begin before, and
// what is counted in them once they are over is handed on. It is called before records are applied, and after Restore.
func (f *Fold) knowsSince(since time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.floor = 0
	if !since.IsZero() {
		f.floor = uint32(since.Add(time.Second - 1).Unix()) // a bucket that begins within its second is known in part
	}
	f.edge, f.aged = f.edgeAt(f.reach.now)
}

// edgeAt returns the same of a fold, which knows a part only of the day in which its knowledge begins.
func (f *Fold) edgeAt(now uint32) (r reach, aged uint32) {
	r, aged = edgeAt(now)
	if f.floor > 0 {
		aged = max(aged, f.floor-f.floor%day+day)
	}
	return r, aged
}

// restate hands on what was counted in an hour or a day that is not held apart any more, or not for long, or of which
// the fold knows a part only.
func (f *Fold) restate(t *thing, c money.Currency, second uint32, field uint, n int64) {
	for _, g := range [...]Grain{GrainHour, GrainDay} {
		span := uint32(g.Span() / time.Second)
		if start := second / span * span; !f.edge.holds(g, start) || start < f.floor && start+span <= f.reach.now {
			f.restated = append(f.restated, restated{t.Entity, c, g, start, field, n, f.reach.now, f.pos})
		}
	}
}

func (f *Fold) dropRestated() {
	n := 0
	for n < len(f.restated) && f.reach.now-f.restated[n].at > restatedFor {
		n++
	}
	if n > 0 {
		f.restated = f.restated[n:] // not moved: a snapshot may look at it
		f.dropped += n
	}
}

// rowsSlice is how many entities' rows are gathered under one lock.
const rowsSlice = 64

func (r *restated) row() Row {
	row := Row{Entity: r.entity, Grain: r.grain, Add: true, Pos: r.pos}
	row.Start = time.Unix(int64(r.start), 0).UTC()
	if r.currency == "" {
		var sums [fields]int64
		sums[r.field] = r.n
		row.Counts.set(&sums)
		return row
	}
	p := purse{currency: r.currency}
	var sums [moneyFields]int64
	sums[r.field] = r.n
	row.Money = []Money{p.money(&sums)}
	return row
}

// Rows calls fn with each hour and day of each entity that has changed at log time since or later, as it is
// now, and then with what was added since to buckets that are not held apart any more, or not for long. fn runs
// outside of the lock; while it does the log may go on, and then an entity that changes meanwhile may be told twice or
// its newest change only by the next call with the same since. The error is fn's, or that of bringing back what
// is away.
func (f *Fold) Rows(since time.Time, fn func(Row) error) error {
	return f.tell(&teller{from: uint32(max(0, since.Unix()))}, fn)
}

// RowsBehind is Rows for a table that stands at the position: the buckets leave out what is told behind it as added.
func (f *Fold) RowsBehind(stored stream.Position, fn func(Row) error) error {
	t := &teller{from: uint32(max(0, stored.Stamp().Unix())), stored: stored, added: map[bucket]*Row{}}
	return f.tell(t, fn)
}

// teller is what a call of Rows has told.
type teller struct {
	from   uint32
	stored stream.Position
	added  map[bucket]*Row // what was added behind stored; nil: nothing is left out
	met    int             // of the restated, counted from the first there ever were
	rows   []Row
}

// bucket names a row.
type bucket struct {
	Entity
	Grain
	start int64 // Unix seconds
}

func (f *Fold) tell(w *teller, fn func(Row) error) error {
	var changed []Entity
	f.mu.RLock()
	for _, place := range [...]int32{f.here.newest, f.gone.newest} {
		for place != nowhere && f.at(place).touched >= w.from {
			changed = append(changed, f.at(place).Entity)
			place = f.at(place).next
		}
	}
	again := make([]restated, 0, len(f.restated))
	for _, r := range f.restated {
		if r.at >= w.from {
			again = append(again, r)
		}
	}
	f.mu.RUnlock()
	for len(changed) > 0 {
		n := min(rowsSlice, len(changed))
		if err := f.rowsOf(changed[:n], w); err != nil {
			return err
		}
		for _, row := range w.rows {
			if err := fn(row); err != nil {
				return err
			}
		}
		changed = changed[n:]
	}
	for i := range again {
		if err := fn(again[i].row()); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf gathers the rows of some entities.
func (f *Fold) rowsOf(list []Entity, w *teller) error {
	w.rows = w.rows[:0]
	return f.viewAll(list, func(t *thing) {
		f.meetAdded(w)
		for _, g := range [...]Grain{GrainHour, GrainDay} {
			for _, b := range f.buckets(t, g, w.from) {
				row := Row{Entity: t.Entity, Grain: g, Point: f.point(t, g, b)}
				if added := w.added[bucket{t.Entity, g, int64(b)}]; added != nil {
					row.less(added)
				}
				w.rows = append(w.rows, row)
			}
		}
	})
}

// meetAdded sums what was added behind the position since it was called last.
func (f *Fold) meetAdded(w *teller) {
	if w.added == nil {
		return
	}
	for i := max(0, w.met-f.dropped); i < len(f.restated); i++ {
		r := &f.restated[i]
		if !w.stored.Before(r.pos) {
			continue
		}
		row := r.row()
		key := bucket{r.entity, r.grain, int64(r.start)}
		if sum := w.added[key]; sum != nil {
			sum.plus(&row)
		} else {
			w.added[key] = &row
		}
	}
	w.met = f.dropped + len(f.restated)
}

// plus adds the numbers of another row.
func (r *Row) plus(o *Row) { r.sum(o, 1) }

// less takes the numbers of another row away.
func (r *Row) less(o *Row) { r.sum(o, -1) }

func (r *Row) sum(o *Row, sign int64) {
	from := countsOf(&o.Point)
	for i, n := range countsOf(&r.Point) {
		*n += sign * *from[i]
	}
	for i := range o.Money {
		at := slices.IndexFunc(r.Money, func(m Money) bool { return m.Currency == o.Money[i].Currency })
		if at < 0 {
			at = len(r.Money)
			r.Money = append(r.Money, Money{Currency: o.Money[i].Currency})
		}
		from := moneyOf(&o.Money[i])
		for j, n := range moneyOf(&r.Money[at]) {
			*n += sign * *from[j]
		}
	}
}
