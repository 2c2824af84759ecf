package seen_test

import (
	"testing"
	"time"

	"mezzo/internal/seen"
)

// someKeys are spread as hashes are, without the cost of hashing.
func someKeys(n int) []seen.Key {
	keys := make([]seen.Key, n)
	x := uint64(0x9e3779b97f4a7c15)
	for i := range keys {
		for j := range keys[i] {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			keys[i][j] = byte(x >> 32)
		}
	}
	return keys
}

// In memory: a quarter of a million ids in one open epoch, the table growing with them.
func BenchmarkAddInMemory(b *testing.B) {
	keys := someKeys(1<<18 - 1)
	for b.Loop() {
		s := open(b, seen.Options{Segment: len(keys)})
		must(b, s.Advance(start))
		for i := range keys {
			if _, err := s.Add(keys[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(keys))/b.Elapsed().Seconds(), "ids/s")
}

// With filters: the exact part holds little, so that nearly every id is asked of every file on
// disk. The log runs at 20,000 ids a second.
func BenchmarkAddBehindFilters(b *testing.B) {
	keys := someKeys(3 << 20)
	var files, bytes, ids float64
	for b.Loop() {
		s := open(b, seen.Options{Dir: b.TempDir(), ExactIDs: 1, Horizon: 12 * time.Minute})
		for i := range keys {
			if i%1000 == 0 {
				must(b, s.Advance(start.Add(time.Duration(i)*50*time.Microsecond)))
			}
			if _, err := s.Add(keys[i]); err != nil {
				b.Fatal(err)
			}
		}
		must(b, s.Close())
		st := s.Stats()
		files, bytes, ids = float64(st.Files), float64(st.Bytes), float64(st.IDs)
	}
	b.ReportMetric(float64(b.N*len(keys))/b.Elapsed().Seconds(), "ids/s")
	b.ReportMetric(bytes/ids, "bytes/id")
	b.ReportMetric(files, "files")
}

func BenchmarkKeyOf(b *testing.B) {
	var owner, event [16]byte
	for i := 0; b.Loop(); i++ {
		event[0] = byte(i)
		seen.KeyOf(owner, event)
	}
}

func BenchmarkOnce(b *testing.B) {
	keys := someKeys(1 << 19)
	for b.Loop() {
		s := open(b, seen.Options{Dir: b.TempDir()})
		for i := range keys {
			if i%400 == 0 {
				must(b, s.Advance(start.Add(time.Duration(i)*50*time.Microsecond)))
			}
			for _, what := range []seen.Once{seen.OnceImpression, seen.OnceView} {
				if _, err := s.Once(keys[i], start, what); err != nil {
					b.Fatal(err)
				}
			}
		}
		must(b, s.Close())
	}
	b.ReportMetric(float64(b.N*len(keys)*2)/b.Elapsed().Seconds(), "calls/s")
}
