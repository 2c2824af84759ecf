package metric_test

import (
	"io"
	"testing"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// BenchmarkCut measures how long a snapshot of 100,000 things holds the writer up ("pause-ms"), and how long all
// of it takes (ns/op).
func BenchmarkCut(b *testing.B) {
	l := newLog(b)
	v := id.Viewer("").Next(l.now)
	for n := range 100_000 {
		var product uuid.UUID
		product[0], product[1], product[2], product[3] = 5, byte(n), byte(n>>8), byte(n>>16)
		l.tell(event.Event{Type: event.ProductView, Viewer: v, Product: id.Product("").From(product)})
	}
	f := l.fold()
	b.ResetTimer()
	var pause float64
	for range b.N {
		before := b.Elapsed()
		cut, err := f.Cut()
		if err != nil {
			b.Fatal(err)
		}
		pause += (b.Elapsed() - before).Seconds() * 1000
		if _, err := cut.Encode(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(pause/float64(b.N), "pause-ms")
}
