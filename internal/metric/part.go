package metric

import (
	"sort"
	"time"

	"mezzo/internal/stream"
)

// partial is the hour and the day in which the fold's knowledge begins, after all snapshots were lost. The rows in SQL know
// what came before, up to their position, and so what is counted behind that is added to them: the difference
// between what the fold counts in such a bucket now and what it counted where the rows stand.
type partial struct {
	on    bool
	known bool            // told is what the fold counted where the rows stood
	told  map[bucket]*Row // in buckets of which it knows a part
	at    stream.Position // where that was
}

// over reports whether the day in which knowledge begins is in the rows as a whole: what is told of it later is handed
// on one by one.
func (k *Keeper) over(since time.Time, stored stream.Position) bool {
	return k.past == nil || since.IsZero() || !stored.Stamp().Before(since.UTC().Truncate(24*time.Hour).Add(24*time.Hour))
}

// partly reports whether the fold knows a part only of the row's bucket.
func (k *Keeper) partly(r *Row, since time.Time) bool {
	return !r.Add && r.Grain != GrainMinute && r.Start.Before(since) && r.Start.Equal(since.UTC().Truncate(r.Grain.Span()))
}

// startPart begins what the rows of the first hour and day need, with the fold loaded and the rows' position known.
// from is where a fold began that was not gone on from a snapshot.
func (k *Keeper) startPart(from stream.Position, fresh bool) error {
	stored := k.past.at()
	k.part = partial{on: !k.over(k.Since(), stored)}
	switch {
	case !k.part.on || k.pos.Before(stored):
		return nil // known when the fold comes there
	case k.pos == stored:
		return k.tellPart()
	case fresh && !from.Before(stored): // the rows have nothing of what the fold does
		k.part.known, k.part.told, k.part.at = true, map[bucket]*Row{}, stored
		return nil
	}
	k.leavePart()
	return nil
}

// leavePart leaves the hour and the day in which knowledge begins as they are until they are over: how far the rows
// have what the fold counted in them is not known.
func (k *Keeper) leavePart() {
	k.part.on = false
	k.opt.Logger.Warn("the hour and the day in which the numbers begin stay in SQL as they are until they are over", "since", k.Since())
}

// tellPart notes what the fold counts in the hour and the day in which its knowledge begins. The fold stands still.
func (k *Keeper) tellPart() error {
	k.part.told = map[bucket]*Row{}
	if err := k.countPart(k.part.told, k.Since()); err != nil {
		return err
	}
	k.part.known, k.part.at = true, k.fold.Position()
	return nil
}

func (k *Keeper) countPart(told map[bucket]*Row, changed time.Time) error {
	since := k.Since()
	return k.fold.Rows(changed, func(r Row) error {
		if k.partly(&r, since) {
			told[bucket{r.Entity, r.Grain, r.Start.Unix()}] = &r
		}
		return nil
	})
}

// untilRows returns how many of the records may be applied before the fold has to stand still where the rows stand.
func (k *Keeper) untilRows(records []stream.Record) int {
	stored := k.past.at()
	return max(1, sort.Search(len(records), func(i int) bool { return stored.Before(records[i].Pos) }))
}

// missing returns what a row of a bucket known in part lacks in SQL; ok is false when that is nothing.
func (b *partial) missing(r *Row) (add Row, ok bool) {
	add = *r
	if told := b.told[bucket{r.Entity, r.Grain, r.Start.Unix()}]; told != nil {
		add.less(told)
	}
	add.Add, add.Uniques = true, 0 // nobody knows who of them had come before
	for _, n := range countsOf(&add.Point) {
		ok = ok || *n != 0
	}
	for i := range add.Money {
		for _, n := range moneyOf(&add.Money[i]) {
			ok = ok || *n != 0
		}
	}
	return add, ok
}
