package metric_test

import (
	"runtime"
	"testing"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// What metric holds beside the entities, weighed at a million each: products of 10,000 brands, videos of 100,000
// creators that show one of them, programs of them (10,000, each with a hundred products), and viewers that joined
// 500,000 persons.
func BenchmarkHeld(b *testing.B) {
	name := func(kind byte, n int) uuid.UUID {
		return uuid.UUID{0: kind, 3: byte(n >> 16), 4: byte(n >> 8), 5: byte(n), 8: byte(n * 7), 9: byte(n >> 3)}
	}
	product := func(n int) id.Product { return id.Product("").From(name(1, n)) }
	brand := func(n int) id.Brand { return id.Brand("").From(name(2, n%10_000)) }
	const million = 1_000_000
	for _, held := range []struct {
		what string
		n    int
		fact func(n int) event.Body
	}{
		{"product", million, func(n int) event.Body {
			return event.ProductCreated{ProductState: event.ProductState{Product: product(n), Brand: brand(n)}}
		}},
		{"video", million, func(n int) event.Body {
			return event.VideoReady{VideoState: event.VideoState{Video: id.Video("").From(name(3, n)), Creator: id.Creator("").From(name(4, n%100_000)),
				Products: []id.Product{product(n)}, Brands: []id.Brand{brand(n)}, DurationMS: 9000}}
		}},
		{"program", 10_000, func(n int) event.Body {
			p := event.ProgramState{Program: id.Program("").From(name(5, n)), Brand: brand(n)}
			for i := range 100 {
				p.Products = append(p.Products, product(n+i*10_000))
			}
			return event.ProgramCreated{ProgramState: p}
		}},
		{"join", million, func(n int) event.Body {
			return event.ViewerJoined{Viewer: id.Viewer("").From(name(6, n)), Into: id.Viewer("").From(name(7, n/2))}
		}},
	} {
		b.Run(held.what, func(b *testing.B) {
			for range b.N {
				s := newScale(b)
				bytes, _ := s.weigh(func() {
					for n := range held.n {
						if s.log.fact(held.fact(n)); n%10_000 == 9999 {
							s.apply()
						}
					}
					s.apply()
				})
				b.ReportMetric(bytes/float64(held.n), "B-each")
				b.ReportMetric(bytes/1e6, "MB")
				runtime.KeepAlive(s.fold)
			}
		})
	}
}
