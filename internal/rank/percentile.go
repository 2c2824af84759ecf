package rank

import (
	"math"
	"time"
)

// Sizes of the picture of how long videos are watched.
const (
	durationBins = 20
	watchBins    = 64
	// durationWorth is how many impressions the assumption is worth that all parts of a video are
	// equally likely to be watched to.
	durationWorth = 20
	// durationHalf is after which time an impression counts half.
	durationHalf = 7 * 24 * time.Hour
)

// Durations turns a time watched into its percentile among videos of about that duration, so that
// long videos are not better for being long (D2Q, arXiv 2206.06003). The zero value has seen nothing.
type Durations struct {
	seen  [durationBins][watchBins]float32
	total [durationBins]float32
	at    int64 // log time of the last fading, hours since 1970
}

// durationBin returns the bin of a duration: three to a doubling, from 4 s.
func durationBin(duration time.Duration) int {
	if duration < 4*time.Second {
		return 0
	}
	return min(int(3*math.Log2(duration.Seconds()/4)), durationBins-1)
}

// watchBin returns the bin of a time watched: six to a doubling, from a quarter of a second.
func watchBin(watched time.Duration) int {
	if watched < 250*time.Millisecond {
		return 0
	}
	return min(1+int(6*math.Log2(watched.Seconds()/0.25)), watchBins-1)
}

// Percentile returns the part of impressions of such videos that were watched less, half of those
// watched as long included.
func (d *Durations) Percentile(duration, watched time.Duration) float64 {
	row, bin := &d.seen[durationBin(duration)], watchBin(watched)
	below := float32(0)
	for b := range bin {
		below += row[b]
	}
	n := float64(d.total[durationBin(duration)])
	assumed := min(max(watched.Seconds()/max(duration.Seconds(), 1), 0), 1)
	return (float64(below+row[bin]/2) + durationWorth*assumed) / (n + durationWorth)
}

// Add takes in for how long a video was watched in all.
func (d *Durations) Add(duration, watched time.Duration) {
	b := durationBin(duration)
	d.seen[b][watchBin(watched)]++
	d.total[b]++
}

// Advance moves log time on: once an hour everything fades.
func (d *Durations) Advance(now time.Time) {
	hour := now.Unix() / 3600
	if d.at == 0 || hour <= d.at {
		d.at = max(hour, d.at)
		return
	}
	keep := float32(math.Exp2(-float64(hour-d.at) / durationHalf.Hours()))
	d.at = hour
	for b := range d.seen {
		d.total[b] *= keep
		for w := range d.seen[b] {
			d.seen[b][w] *= keep
		}
	}
}
