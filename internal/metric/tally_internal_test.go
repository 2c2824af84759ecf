package metric

import (
	"encoding/json"
	"errors"
	"hash/fnv"
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/stream"
)

// tally is the smallest fold: it counts records by the video named in their first byte and by the hour of
// their stamp. It keeps the promises that a keeper relies on, and nothing else.
type tally struct {
	mu    sync.Mutex
	pos   stream.Position
	stamp time.Time
	cells map[string]cell // entity and hour
	adds  []Row
	fail  error
}

type cell struct {
	Entity  Entity
	Hour    time.Time
	N       int64
	Changed time.Time
}

type tallied struct {
	Pos   stream.Position
	Stamp time.Time
	Cells map[string]cell
	Adds  []Row
}

func newTally() *tally { return &tally{cells: map[string]cell{}} }

func videoNamed(b byte) Entity { return Entity{Kind: Video, A: uuid.UUID{15: b}} }

// A record "+v" restates an hour of video v that is long gone.
var longGone = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

func (f *tally) Apply(records []stream.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range records {
		if f.fail != nil {
			return f.fail
		}
		f.pos, f.stamp = r.Pos, r.At
		if r.Kind != stream.KindEvent {
			continue
		}
		if r.Data[0] == '+' {
			f.adds = append(f.adds, Row{Entity: videoNamed(r.Data[1]), Grain: GrainHour, Add: true, Pos: r.Pos,
				Point: Point{Start: longGone, Counts: Counts{Refunds: 1}, Money: []Money{{Currency: "EUR", Net: -5}}}})
			continue
		}
		e, hour := videoNamed(r.Data[0]), r.At.Truncate(time.Hour)
		key := e.String() + hour.String()
		c := f.cells[key]
		f.cells[key] = cell{e, hour, c.N + 1, r.At}
	}
	return nil
}

func (f *tally) Position() stream.Position { f.mu.Lock(); defer f.mu.Unlock(); return f.pos }
func (f *tally) Stamp() time.Time          { f.mu.Lock(); defer f.mu.Unlock(); return f.stamp }

func (f *tally) AppendState(dst []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := json.Marshal(tallied{f.pos, f.stamp, f.cells, f.adds})
	return append(dst, b...), err
}

func (f *tally) Cut() (*Cut, error) {
	b, err := f.AppendState(nil)
	return &Cut{out: b, sum: f.Checksum(), whole: true}, err
}

func (f *tally) Forget([]string) error { return nil }

func (f *tally) Restore(data []byte) error {
	s := tallied{Cells: map[string]cell{}}
	if data != nil {
		if err := json.Unmarshal(data, &s); err != nil {
			return errors.New("not a tally")
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pos, f.stamp, f.cells, f.adds = s.Pos, s.Stamp, s.Cells, s.Adds
	return nil
}

func (f *tally) Checksum() uint64 {
	b, _ := f.AppendState(nil)
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}

func (f *tally) RowsBehind(stored stream.Position, fn func(Row) error) error {
	return f.Rows(stored.Stamp(), fn)
}

func (f *tally) Rows(since time.Time, fn func(Row) error) error {
	f.mu.Lock()
	rows := append([]Row(nil), f.adds...)
	for _, c := range f.cells {
		if !c.Changed.Before(since) {
			rows = append(rows, Row{Entity: c.Entity, Grain: GrainHour, Point: pointOf(c)})
		}
	}
	f.mu.Unlock()
	for _, r := range rows {
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func pointOf(c cell) Point {
	return Point{Start: c.Hour, Counts: Counts{Impressions: c.N}, Money: []Money{{Currency: "EUR", GMV: 100 * c.N}}}
}

func (f *tally) Series(e Entity, g Grain, from, to time.Time) []Point {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Point
	for _, c := range f.cells {
		if c.Entity == e && g == GrainHour && !c.Hour.Before(from) && c.Hour.Before(to) {
			out = append(out, pointOf(c))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Start.Before(out[j].Start) })
	return out
}

// count returns what is counted of a video in all hours.
func (f *tally) count(b byte) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var n int64
	for _, c := range f.cells {
		if c.Entity == videoNamed(b) {
			n += c.N
		}
	}
	return n
}
