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
			l.tell(s.of(event.View, v, l.shown(s)))
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
