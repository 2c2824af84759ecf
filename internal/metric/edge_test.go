package metric_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// table is the rows as SQL keeps them, with the position they stand at.
type table struct {
	rows   map[rowKey]map[string]int64
	stored stream.Position
}

// roll writes what changed, as a keeper does: absolute rows at once, what is added with the position, which a crash
// may prevent. While the rows are told the log goes on.
func (b *table) roll(t *rapid.T, f *metric.Fold, crash bool, goesOn func()) {
	pos := f.Position()
	if !b.stored.Before(pos) {
		return
	}
	var add []metric.Row
	told := 0
	if err := f.RowsBehind(b.stored, func(r metric.Row) error {
		if told++; told%16 == 3 {
			goesOn()
		}
		if !r.Add {
			b.rows[rowKey{r.Entity, r.Grain, r.Start, false, 0}] = named(&r)
		} else if b.stored.Before(r.Pos) && !pos.Before(r.Pos) {
			add = append(add, r)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if crash {
		return
	}
	for i := range add {
		key := rowKey{add[i].Entity, add[i].Grain, add[i].Start, false, 0}
		if b.rows[key] == nil {
			b.rows[key] = map[string]int64{}
		}
		for what, n := range named(&add[i]) {
			b.rows[key][what] += n
		}
	}
	b.stored = pos
}

func named(r *metric.Row) map[string]int64 {
	out := countsByName(&r.Counts)
	for what, n := range moneyByName(r.Money) {
		out[what] = n
	}
	return out
}

// Whenever rows are written, at most days late, by processes that die half way and go on from an older state: in the
// end each hour and day says what the recount says, whatever was counted in it as it left the rings.
func TestNoRowIsLostAtTheEdge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStorm(t, rt)
		f := metric.New(metric.Options{})
		var state []byte
		at, done := 0, 0
		apply := func(n int) {
			for ; n > 0 && done < len(s.log.records); n-- {
				r := &s.log.records[done]
				var err error
				if r.Pos, err = stream.ParsePosition(fmt.Sprintf("%d.0.%d", done+1, r.At.UnixMicro())); err != nil {
					rt.Fatal(err)
				}
				if err := f.Apply(s.log.records[done : done+1]); err != nil {
					rt.Fatal(err)
				}
				done++
			}
		}
		b := &table{rows: map[rowKey]map[string]int64{}}
		var behind time.Duration
		roll := func(crash bool) {
			apply(len(s.log.records) - rapid.IntRange(0, 3).Draw(rt, "held back") - done)
			b.roll(rt, f, crash, func() { apply(1) })
			if !crash {
				behind = 0
			}
		}
		for range rapid.IntRange(20, 150).Draw(rt, "happenings") {
			switch n := rapid.IntRange(0, 9).Draw(rt, "what"); {
			case n < 2:
				step := pick(rt, "pass", []time.Duration{time.Second, time.Hour, 5 * time.Hour, 26 * time.Hour, 40 * time.Hour})
				if behind += step; behind > 60*time.Hour {
					roll(false)
					behind = step
				}
				s.log.pass(step)
			case n < 4:
				s.event()
			case n < 6:
				s.pay()
			case n < 8:
				s.giveBack()
			case n == 8:
				roll(rapid.Bool().Draw(rt, "crash"))
			default:
				if rapid.Bool().Draw(rt, "keep") {
					var err error
					if state, err = f.AppendState(nil); err != nil {
						rt.Fatal(err)
					}
					at = done
				} else if f = metric.New(metric.Options{}); f.Restore(state) != nil { // it died
					rt.Fatal("it cannot be restored")
				} else {
					done = at
					apply(len(s.log.records))
				}
			}
		}
		s.log.pass(time.Second)
		apply(len(s.log.records))
		b.roll(rt, f, false, func() {})
		b.compare(rt, s)
	})
}

func (b *table) compare(t *rapid.T, s *storm) {
	sums := map[metric.Entity]map[metric.Grain]map[string]int64{}
	for key, got := range b.rows {
		compare(t, key.Entity.String()+" "+key.Grain.String()+" of "+key.start.String(), got, s.oracle.window(key.Entity, key.start.Unix(), key.start.Add(key.Span()).Unix()))
		if sums[key.Entity] == nil {
			sums[key.Entity] = map[metric.Grain]map[string]int64{metric.GrainHour: {}, metric.GrainDay: {}}
		}
		for what, n := range got {
			sums[key.Entity][key.Grain][what] += n
		}
	}
	for _, e := range s.world.entities() {
		for _, g := range []metric.Grain{metric.GrainHour, metric.GrainDay} {
			compare(t, e.String()+" by "+g.String()+", all", sums[e][g], s.oracle.window(e, 0, math.MaxInt64))
		}
	}
}
