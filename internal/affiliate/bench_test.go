package affiliate_test

import (
	"testing"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
)

// BenchmarkDecide decides sales of one line whose buyer has a click, a hundred in each transaction.
func BenchmarkDecide(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{
		"sqlite":   func(t testing.TB) *db.DB { d, _ := dbtest.SQLite(t); return d },
		"postgres": func(t testing.TB) *db.DB { d, _ := dbtest.Postgres(t); return d },
	} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			w := newWorldOf(b, d, 1, 1)
			w.shelve(0, 0)
			w.program(1500, 336)
			const batch = 100
			viewers := make([]id.Viewer, batch)
			for i := range viewers {
				viewers[i] = viewers[i].Next(w.c.Now())
				w.click(viewers[i], 0, 0)
			}
			n := 0
			var took time.Duration
			for b.Loop() {
				n++
				if n%batch != 0 {
					continue
				}
				w.write(func(tx *db.Tx) error {
					start := time.Now()
					defer func() { took += time.Since(start) }()
					for _, v := range viewers {
						s := w.sale(0)
						s.Viewer = v
						d, err := affiliate.Decide(tx, s)
						if err != nil || d[s.Lines[0].Line].Creator == "" {
							b.Fatal(err, d)
						}
					}
					return nil
				})
			}
			b.ReportMetric(float64(took.Microseconds())/float64(max(n/batch*batch, 1)), "us/decision")
		})
	}
}
