package metric_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// cellar is where states lie that left a fold.
type cellar struct {
	held  map[metric.Entity]map[uint64][]byte
	down  bool // it cannot be asked
	asked int
}

var errDown = errors.New("the cellar is locked")

func (c *cellar) put(gone []metric.Gone) {
	for _, g := range gone {
		if c.held[g.Entity] == nil {
			c.held[g.Entity] = map[uint64][]byte{}
		}
		c.held[g.Entity][g.Sum] = bytes.Clone(g.State)
	}
}

func (c *cellar) load(gone []metric.Gone) error {
	if c.down {
		return errDown
	}
	for i := range gone {
		c.asked++
		state, ok := c.held[gone[i].Entity][gone[i].Sum]
		if !ok {
			return errors.New("it was never put there")
		}
		gone[i].State = state
	}
	return nil
}

func newCellar() *cellar { return &cellar{held: map[metric.Entity]map[uint64][]byte{}} }

func (c *cellar) fold() *metric.Fold { return metric.New(metric.Options{Load: c.load}) }

// evict lets up to most things go to which nothing has happened for a while.
func (c *cellar) evict(f *metric.Fold, quiet time.Duration, most int) int {
	gone := f.Cold(f.Stamp().Add(-quiet), most)
	c.put(gone)
	return f.Away(gone)
}

// alike compares all that two folds answer.
func alike(t *rapid.T, s *storm, f, want *metric.Fold) {
	if f.Checksum() != want.Checksum() {
		t.Fatalf("with %d of %d away the checksum is %x, it must be %x", f.Stats().Away, f.Stats().Entities, f.Checksum(), want.Checksum())
	}
	a, b := f.Stats(), want.Stats()
	a.Away = 0
	if a != b {
		t.Fatalf("the stats are %+v, not %+v", a, b)
	}
	for _, e := range s.world.entities() {
		if f.Version(e) != want.Version(e) {
			t.Fatalf("%s has version %d, not %d", e, f.Version(e), want.Version(e))
		}
		for _, w := range metric.Windows {
			got, known := f.Read(e, w)
			should, ok := want.Read(e, w)
			if known != ok || !reflect.DeepEqual(got, should) {
				t.Fatalf("%s in %s reads %+v, not %+v", e, w, got, should)
			}
		}
		for _, g := range []metric.Grain{metric.GrainMinute, metric.GrainHour, metric.GrainDay} {
			if got, should := f.Series(e, g, time.Time{}, f.Stamp().Add(time.Hour)), want.Series(e, g, time.Time{}, f.Stamp().Add(time.Hour)); !reflect.DeepEqual(got, should) {
				t.Fatalf("%s by %s is %+v, not %+v", e, g, got, should)
			}
		}
		for _, kind := range []metric.Kind{metric.Video, metric.Product, metric.CreatorProduct} {
			if got, should := f.Members(e, kind, 100), want.Members(e, kind, 100); !reflect.DeepEqual(got, should) {
				t.Fatalf("%s has the %s %v, not %v", e, kind, got, should)
			}
		}
	}
	if got, should := rowsOf(t, f), rowsOf(t, want); !reflect.DeepEqual(got, should) {
		t.Fatalf("the rows are %+v, not %+v", got, should)
	}
}

type rowKey struct {
	metric.Entity
	metric.Grain
	start time.Time
	add   bool
	n     int // of those added to one bucket
}

func rowsOf(t *rapid.T, f *metric.Fold) map[rowKey]metric.Row {
	out := map[rowKey]metric.Row{}
	if err := f.Rows(time.Time{}, func(r metric.Row) error {
		key := rowKey{r.Entity, r.Grain, r.Start, r.Add, 0}
		for _, have := out[key]; have; _, have = out[key] {
			key.n++
		}
		out[key] = r
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever leaves memory when, and whenever the fold is stopped and goes on, nothing it answers differs from what
// one answers that lets nothing go; and where a state cannot be read back it stops, and counts nothing wrong.
func TestAwayChangesNothing(t *testing.T) {
	returned := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := newStorm(t, rt)
		c := newCellar()
		f, want := c.fold(), metric.New(metric.Options{})
		kept, at, done := []byte(nil), 0, 0
		for range rapid.IntRange(1, 6).Draw(rt, "instants") {
			for range rapid.IntRange(1, 40).Draw(rt, "happenings") {
				s.blow()
			}
			for done < len(s.log.records) {
				n := min(rapid.IntRange(1, 50).Draw(rt, "call"), len(s.log.records)-done)
				if err := want.Apply(s.log.records[done : done+n]); err != nil {
					rt.Fatal(err)
				}
				c.down = rapid.IntRange(0, 7).Draw(rt, "down") == 0
				err := f.Apply(s.log.records[done : done+n])
				c.down = false
				done += n
				if err != nil {
					if !errors.Is(err, metric.ErrAway) || !errors.Is(f.Apply(nil), metric.ErrAway) {
						rt.Fatal(err)
					}
					f = restored(rt, c, kept)
					if err := f.Apply(s.log.records[at:done]); err != nil {
						rt.Fatal(err)
					}
				}
				quiet := pick(rt, "quiet", []time.Duration{-time.Second, 0, time.Minute, 3 * time.Hour})
				c.evict(f, quiet, rapid.IntRange(0, 30).Draw(rt, "most"))
				returned += len(f.Stale())
			}
			if rapid.IntRange(0, 2).Draw(rt, "keep") == 0 {
				var err error
				if kept, err = f.AppendState(nil); err != nil {
					rt.Fatal(err)
				}
				at = done
				if rapid.Bool().Draw(rt, "stop") {
					f = restored(rt, c, kept)
				}
			}
			alike(rt, s, f, want)
		}
	})
	if returned == 0 {
		t.Error("nothing ever came back: this proves nothing")
	}
}

func restored(t *rapid.T, c *cellar, state []byte) *metric.Fold {
	f := c.fold()
	if err := f.Restore(state); err != nil {
		t.Fatal(err)
	}
	return f
}

// evicting is where a cut is written to while things leave, come back and change.
type evicting struct {
	bytes.Buffer
	t       *rapid.T
	cellar  *cellar
	fold    *metric.Fold
	records []stream.Record
}

func (e *evicting) Write(p []byte) (int, error) {
	n := min(rapid.IntRange(0, 20).Draw(e.t, "beside"), len(e.records))
	if err := e.fold.Apply(e.records[:n]); err != nil {
		e.t.Fatal(err)
	}
	e.records = e.records[n:]
	e.cellar.evict(e.fold, -time.Second, rapid.IntRange(0, 20).Draw(e.t, "most"))
	return e.Buffer.Write(p)
}

// A cut is the state at its position, whatever leaves and comes back while it is written.
func TestCutWhileThingsLeave(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStorm(t, rt)
		for range rapid.IntRange(20, 120).Draw(rt, "happenings") {
			s.blow()
		}
		c := newCellar()
		f := c.fold()
		at := rapid.IntRange(0, len(s.log.records)).Draw(rt, "at")
		if err := f.Apply(s.log.records[:at]); err != nil {
			rt.Fatal(err)
		}
		c.evict(f, 0, rapid.IntRange(0, 20).Draw(rt, "before"))
		want := f.Checksum()
		cut, err := f.Cut()
		if err != nil {
			rt.Fatal(err)
		}
		to := &evicting{t: rt, cellar: c, fold: f, records: s.log.records[at:]}
		sum, err := cut.Encode(to)
		if err != nil || sum != want {
			rt.Fatalf("the cut has the checksum %x, the fold had %x: %v", sum, want, err)
		}
		again := restored(rt, c, to.Bytes())
		if again.Checksum() != want {
			rt.Fatalf("restored it is %x, not %x", again.Checksum(), want)
		}
		if err := errors.Join(again.Apply(s.log.records[at:]), f.Apply(to.records)); err != nil {
			rt.Fatal(err)
		}
		alike(rt, s, again, whole(rt, s.log.records))
		alike(rt, s, f, whole(rt, s.log.records))
	})
}

// What is looked at while it is away stays away, is not asked for twice, and what cannot be read back is not known.
func TestLookingBringsNothingBack(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	viewer := id.Viewer("").Next(l.now)
	l.tell(s.of(event.ProductView, viewer, l.shown(s)))
	l.pass(time.Hour)
	c := newCellar()
	f := c.fold()
	if err := f.Apply(l.records); err != nil {
		t.Fatal(err)
	}
	weight := f.Weight()
	if n := c.evict(f, time.Minute, 100); n != len(s.everything()) || f.Stats().Away != int64(n) || f.Weight() != 0 || weight == 0 {
		t.Fatalf("%d went, the fold says %d and weighs %d, before %d", n, f.Stats().Away, f.Weight(), weight)
	}
	product := metric.OfProduct(s.product)
	c.down = true
	if _, ok := f.Read(product, metric.FourWeeks); ok {
		t.Error("it is known without having been read")
	}
	if err := f.Rows(time.Time{}, func(metric.Row) error { return nil }); !errors.Is(err, metric.ErrAway) {
		t.Errorf("rows are left out without a word: %v", err)
	}
	c.down = false
	for range 3 {
		if r, ok := f.Read(product, metric.FourWeeks); !ok || r.ProductViews != 1 {
			t.Errorf("it reads %+v, %v", r, ok)
		}
	}
	if c.asked != 1 || f.Stats().Away != int64(len(s.everything())) || len(f.Stale()) != 0 {
		t.Errorf("%d states were asked for, %d are away", c.asked, f.Stats().Away)
	}
	l.records = nil
	l.pass(30 * 24 * time.Hour)
	if err := f.Apply(l.records); err != nil || f.Stats().Entities != 0 || len(f.Stale()) != len(s.everything()) {
		t.Errorf("%d are held of what nothing has happened to for a month: %v", f.Stats().Entities, err)
	}
}

// A state that is not the one that left is refused.
func TestDamagedStateIsRefused(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	l.tell(s.of(event.ProductView, id.Viewer("").Next(l.now), l.shown(s)))
	l.pass(time.Hour)
	c := newCellar()
	f := c.fold()
	if err := f.Apply(l.records); err != nil {
		t.Fatal(err)
	}
	c.evict(f, time.Minute, 100)
	for _, states := range c.held {
		for _, state := range states {
			state[len(state)-1] ^= 1
		}
	}
	l.records = nil
	l.tell(s.of(event.ProductView, id.Viewer("").Next(l.now), l.shown(s)))
	if err := f.Apply(l.records); !errors.Is(err, metric.ErrAway) {
		t.Errorf("it went on: %v", err)
	}
	if _, err := f.Cut(); !errors.Is(err, metric.ErrAway) {
		t.Errorf("a state of no position can be kept: %v", err)
	}
}
