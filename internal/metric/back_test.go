package metric_test

import (
	"bytes"
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// Money that is taken back whole must be written as nothing over what SQL already holds: left out, the old
// amount would stand there for good.
func TestMoneyTakenBackIsWrittenAsNothing(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	clicked := l.now
	l.pass(2 * time.Hour) // the sale lies in another hour: that of the click holds settled commission alone
	c := event.CommissionState{Commission: id.Commission("").Next(l.now), Creator: s.creator, Brand: s.brand, Product: s.product, Program: s.program,
		Video: s.video, Amount: money.Of(300, "EUR"), EarnedAt: l.now, ClickedAt: clicked}
	l.fact(event.CommissionCreated{CommissionState: c})
	l.pass(time.Hour)
	l.fact(event.CommissionReleased{CommissionState: c})
	f := l.fold()
	creator := metric.OfCreator(s.creator)
	settled := func() (of []int64) {
		if err := f.Rows(l.now, func(r metric.Row) error {
			if r.Entity == creator && r.Grain == metric.GrainHour && r.Start.Equal(clicked.Truncate(time.Hour)) {
				for _, m := range r.Money {
					of = append(of, m.Settled)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return of
	}
	if got := settled(); len(got) != 1 || got[0] != 300 {
		t.Fatalf("the hour of the click has settled %v, not [300]", got)
	}
	l.records = nil
	l.pass(time.Minute)
	l.fact(event.CommissionReversed{CommissionState: c, Released: true, Reason: "refunded"})
	if err := f.Apply(l.records); err != nil {
		t.Fatal(err)
	}
	if got := settled(); len(got) != 1 || got[0] != 0 {
		t.Errorf("taken back, the row of the hour has settled %v, not [0]", got)
	}
}

// Once a viewer is erased nothing that is kept names it: not what waits for its creator either.
func TestErasedViewerIsInNoState(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	viewer, into, other := id.Viewer("").Next(l.now), id.Viewer("").Next(l.now), id.Viewer("").Next(l.now)
	name, err := viewer.UUID()
	if err != nil {
		t.Fatal(err)
	}
	l.tell(s.of(event.View, viewer, l.shown(s)))
	l.tell(s.of(event.ProductView, viewer, l.shown(s)))
	l.fact(event.OrderPaid{Order: id.Order("").Next(l.now), Currency: "EUR", Viewer: viewer, Lines: []event.SaleLine{
		{Line: id.Line("").Next(l.now), Product: s.product, Brand: s.brand, Quantity: 1, GMV: 100, Waiting: true}}})
	l.fact(event.ViewerJoined{Viewer: other, Into: viewer})
	l.fact(event.ViewerJoined{Viewer: viewer, Into: into})
	f := l.fold()
	named := func() bool {
		state, err := f.AppendState(nil)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(state, name[:])
	}
	if !named() {
		t.Fatal("nothing named the viewer before it was erased: this proves nothing")
	}
	l.records = nil
	l.fact(event.ViewerErased{Viewer: viewer})
	if err := f.Apply(l.records); err != nil {
		t.Fatal(err)
	}
	if named() {
		t.Error("the state still names a viewer that was erased")
	}
}
