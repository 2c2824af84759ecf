package metric

import (
	"errors"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/stream"
)

// Two refunds of one old sale are two rows of one bucket: both are added, on each engine.
func TestAddingTwiceToOneBucket(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		p := &past{d: d}
		if err := p.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		add := func(n int64, c ...Money) Row {
			return Row{Entity: videoNamed('a'), Grain: GrainHour, Add: true, Point: Point{Start: longGone, Counts: Counts{NetUnits: n}, Money: c}}
		}
		rows := []Row{add(-1), add(0, Money{Currency: "EUR", Net: -5}), add(-2, Money{Currency: "EUR", Net: -7}), add(0, Money{Currency: "USD", Net: -9})}
		if err := p.commit(t.Context(), p.at(), p.at(), nil, rows, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if rows[1].Money[0].Net != -5 {
			t.Error("what was handed in was changed")
		}
		got, err := p.series(t.Context(), videoNamed('a'), GrainHour, longGone, longGone.Add(time.Hour))
		if err != nil || len(got) != 1 || got[0].NetUnits != -3 || len(got[0].Money) != 2 || got[0].Money[0].Net != -12 || got[0].Money[1].Net != -9 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A node that was held up until its lease went to another must not write its older rows over that one's, not
// even before that one has moved the position.
func TestRowsOfANodeThatLostItsLeaseAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		slow, quick := &past{d: d}, &past{d: d}
		for _, p := range []*past{slow, quick} {
			if err := p.load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		beginning := stream.Position{}
		of := func(n int64) []Row {
			return []Row{{Entity: videoNamed('a'), Grain: GrainHour, Point: Point{Start: longGone, Counts: Counts{Views: n}}}}
		}
		if err := slow.put(t.Context(), beginning, of(1)); err != nil {
			t.Fatal(err)
		}
		if err := quick.load(t.Context()); err != nil { // it has the lease now
			t.Fatal(err)
		}
		if err := quick.put(t.Context(), beginning, of(2)); err != nil {
			t.Fatal(err)
		}
		if err := slow.put(t.Context(), beginning, of(1)); !errors.Is(err, errMoved) {
			t.Errorf("the older row was written: %v", err)
		}
		if err := quick.put(t.Context(), beginning, of(3)); err != nil {
			t.Errorf("the writer cannot go on: %v", err)
		}
		got, err := quick.series(t.Context(), videoNamed('a'), GrainHour, longGone, longGone.Add(time.Hour))
		if err != nil || len(got) != 1 || got[0].Views != 3 {
			t.Errorf("%+v, %v", got, err)
		}
		if err := slow.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := slow.put(t.Context(), beginning, of(4)); err != nil {
			t.Errorf("with the lease again it cannot write: %v", err)
		}
	})
}
