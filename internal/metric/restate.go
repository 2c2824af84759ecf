package metric

import (
	"time"

	"mezzo/internal/money"
	"mezzo/internal/stream"
)

// restatedFor is how long what was added to old buckets is handed out: as long as SQL may lag behind.
const restatedFor = 4 * day

// restated is what was counted in a bucket of the past that no ring holds apart any more.
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

// restate hands on what was counted in an hour or a day that is not held apart any more.
func (f *Fold) restate(t *thing, c money.Currency, second uint32, field uint, n int64) {
	for _, g := range [...]Grain{GrainHour, GrainDay} {
		span := uint32(g.Span() / time.Second)
		if start := second / span * span; !f.reach.holds(g, start) {
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
		f.restated = append(f.restated[:0], f.restated[n:]...)
	}
}

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

// rowsSlice is how many entities' rows are gathered under one lock.
const rowsSlice = 64

// Rows calls fn with each hour and day of each entity that has changed at log time since or later, as it is
// now, and then with what was added since to buckets that are not held apart any more. fn runs outside of
// the lock; while it does the log may go on, and then an entity that changes meanwhile may be told twice or
// its newest change only by the next call with the same since. The error is fn's, or that of bringing back what
// is away.
func (f *Fold) Rows(since time.Time, fn func(Row) error) error {
	from := uint32(max(0, since.Unix()))
	var changed []Entity
	f.mu.RLock()
	for _, place := range [...]int32{f.here.newest, f.gone.newest} {
		for place != nowhere && f.at(place).touched >= from {
			changed = append(changed, f.at(place).Entity)
			place = f.at(place).next
		}
	}
	again := make([]restated, 0, len(f.restated))
	for _, r := range f.restated {
		if r.at >= from {
			again = append(again, r)
		}
	}
	f.mu.RUnlock()
	var rows []Row
	for len(changed) > 0 {
		n := min(rowsSlice, len(changed))
		var err error
		if rows, err = f.rowsOf(changed[:n], from, rows[:0]); err != nil {
			return err
		}
		for _, row := range rows {
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

func (f *Fold) rowsOf(list []Entity, since uint32, rows []Row) ([]Row, error) {
	err := f.viewAll(list, func(t *thing) {
		for _, g := range [...]Grain{GrainHour, GrainDay} {
			for _, b := range f.buckets(t, g, since) {
				rows = append(rows, Row{Entity: t.Entity, Grain: g, Point: f.point(t, g, b)})
			}
		}
	})
	return rows, err
}
