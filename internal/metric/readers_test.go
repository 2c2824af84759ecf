package metric_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
)

// Readers come while records are applied, and each sees one whole position: numbers that belong together
// agree in every reading.
func TestReadersSeeWholePositions(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	f := l.fold()
	l.records = nil
	for range 4000 {
		l.now = l.now.Add(20 * time.Millisecond)
		viewer, token := id.Viewer("").Next(l.now), l.shown(s)
		l.tell(s.of(event.View, viewer, token))
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			var version uint64
			for {
				select {
				case <-done:
					return
				default:
				}
				v, seen := f.Version(metric.OfVideo(s.video)), int64(0)
				if v < version {
					t.Errorf("the version went from %d to %d", version, v)
				}
				version = v
				for _, w := range metric.Windows {
					r, ok := f.Read(metric.OfVideo(s.video), w)
					if ok && (r.Uniques != r.Views || r.Views < seen) {
						t.Errorf("%s: %d views by %d viewers, and %d views before", w, r.Views, r.Uniques, seen)
						return
					}
					seen = r.Views
				}
				f.Members(metric.OfBrand(s.brand), metric.Video, 10)
				f.Series(metric.OfVideo(s.video), metric.GrainMinute, noon, l.now)
				f.Stats()
			}
		})
	}
	for _, records := range slices.Collect(slices.Chunk(l.records, 400)) {
		if err := f.Apply(records); err != nil {
			t.Fatal(err)
		}
		f.Checksum()
	}
	close(done)
	readers.Wait()
	if r := read(t, f, metric.OfVideo(s.video), metric.Day); r.Views != 4000 || f.Version(metric.OfVideo(s.video)) != uint64(f.Stats().Records) {
		t.Errorf("%d views at version %d of %d records", r.Views, f.Version(metric.OfVideo(s.video)), f.Stats().Records)
	}
	members := f.Members(metric.OfBrand(s.brand), metric.VideoProduct, 10)
	if len(members) != 1 || members[0] != metric.OfVideoProduct(s.video, s.product) {
		t.Errorf("of the brand are %v", members)
	}
}
