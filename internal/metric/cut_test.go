package metric_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// beside is where a cut is written to while the fold goes on: between two writes records are applied.
type beside struct {
	bytes.Buffer
	t       *testing.T
	fold    *metric.Fold
	records []stream.Record
	each    int
}

func (b *beside) Write(p []byte) (int, error) {
	n := min(b.each, len(b.records))
	if err := b.fold.Apply(b.records[:n]); err != nil {
		b.t.Fatal(err)
	}
	b.records = b.records[n:]
	return b.Buffer.Write(p)
}

// changeMind logs a fact that changes what else the fold remembers.
func changeMind(l *log, random *rand.Rand, viewers []id.Viewer, s shop) {
	other := viewers[random.IntN(len(viewers))]
	switch random.IntN(6) {
	case 0:
		openShop(l)
	case 1:
		l.fact(event.ViewerJoined{Viewer: id.Viewer("").Next(l.now), Into: other})
	case 2:
		l.fact(event.ViewerErased{Viewer: other})
	case 3:
		l.fact(event.ProgramChanged{ProgramState: event.ProgramState{Program: s.program, Brand: s.brand, AllProducts: random.IntN(2) == 0, Products: []id.Product{s.product}}})
	case 4:
		order, line := id.Order("").Next(l.now), id.Line("").Next(l.now)
		l.fact(event.OrderPaid{Order: order, Viewer: other, Currency: "EUR", Lines: []event.SaleLine{{Line: line, Product: s.product, Brand: s.brand, Quantity: 2, GMV: 900, Waiting: true}}})
		if random.IntN(2) == 0 {
			l.pass(time.Minute)
			l.fact(event.CommissionCreated{CommissionState: event.CommissionState{Order: order, Line: line, Product: s.product, Brand: s.brand, Creator: s.creator, Program: s.program,
				EarnedAt: l.now, Touch: &event.SaleTouch{At: l.now, Video: s.video}}})
		}
	case 5:
		sold := l.now.Add(-time.Duration(random.IntN(20*24)) * time.Hour)
		l.fact(event.OrderRefunded{Order: id.Order("").Next(l.now), Currency: "EUR", PaidAt: sold, Lines: []event.SaleLine{{Product: s.product, Brand: s.brand, Quantity: 1, GMV: 500}}})
	}
}

// What is cut while records are applied is the state at the position of the cut, and goes on as one fold would.
func TestCutIsTheStateAtItsPosition(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	random := rand.New(rand.NewPCG(11, 4))
	var viewers []id.Viewer
	for range 30 {
		viewers = append(viewers, id.Viewer("").Next(l.now))
	}
	for n := range 6000 {
		v := viewers[random.IntN(len(viewers))]
		var product uuid.UUID
		product[0], product[1], product[2] = 5, byte(random.IntN(250)), byte(random.IntN(5))
		l.tell(event.Event{Type: event.ProductView, Viewer: v, Product: id.Product("").From(product)})
		if n%3 == 0 {
			token := l.shown(s)
			l.tell(s.of(event.View, v, token))
			l.tell(s.of(event.Impression, v, token))
			l.tell(s.of(event.ProductClick, v, token))
			if n%9 == 0 {
				l.fact(event.OrderPaid{Order: id.Order("").Next(l.now), Viewer: v, Currency: "EUR", Lines: []event.SaleLine{{Product: s.product, Brand: s.brand, Creator: s.creator,
					Program: s.program, Quantity: 1, GMV: 500, Touch: &event.SaleTouch{At: l.now, Request: token.Request, Slot: token.Slot, Video: s.video}}}})
			}
		}
		if n%5 == 0 {
			changeMind(l, random, viewers, s)
		}
		switch n % 1000 {
		case 500:
			l.pass(7 * time.Hour)
		case 999:
			l.pass(40 * 24 * time.Hour) // all there is falls idle
		default:
			l.pass(time.Duration(random.IntN(2000)) * time.Millisecond)
		}
	}
	whole := l.fold()
	for _, share := range []int{5, 30, 50, 83, 99} {
		at := len(l.records) * share / 100
		f := metric.New(metric.Options{})
		if err := f.Apply(l.records[:at]); err != nil {
			t.Fatal(err)
		}
		want := f.Checksum()
		cut, err := f.Cut()
		if err != nil {
			t.Fatal(err)
		}
		to := &beside{t: t, fold: f, records: l.records[at:], each: 1 + random.IntN(400)}
		sum, err := cut.Encode(to)
		if err != nil || sum != want {
			t.Fatalf("at %d %% the cut has the checksum %x, the fold had %x: %v", share, sum, want, err)
		}
		again := metric.New(metric.Options{})
		if err := again.Restore(to.Bytes()); err != nil {
			t.Fatal(err)
		}
		if got := again.Checksum(); got != want || again.Position() != l.records[at-1].Pos {
			t.Fatalf("at %d %% what was cut is restored as %x at %v", share, got, again.Position())
		}
		if err := again.Apply(l.records[at:]); err != nil {
			t.Fatal(err)
		}
		if err := f.Apply(to.records); err != nil {
			t.Fatal(err)
		}
		if again.Checksum() != whole.Checksum() || f.Checksum() != whole.Checksum() {
			t.Errorf("gone on from %d %% the fold ends as %x, the one that was cut as %x, one unbroken as %x", share, again.Checksum(), f.Checksum(), whole.Checksum())
		}
	}
}
