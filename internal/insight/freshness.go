package insight

import (
	"math"
	"sync"
	"time"

	"mezzo/internal/clock"
)

// Freshness is a way that events have gone, of which the time is measured.
type Freshness string

// The ways, each from the acknowledgement on.
const (
	Visible Freshness = "visible" // until dashboards can read it
	Ranked  Freshness = "ranked"  // until the next page of feed goes by it
	Pushed  Freshness = "pushed"  // until open dashboards have been sent it
)

// Freshnesses remembers how long events took in the last hour.
type Freshnesses struct {
	mu      sync.Mutex
	clock   clock.Clock
	observe func(Freshness, float64)
	of      map[Freshness]*spread
	recent  [2]time.Duration // the slowest visible of this slack and the one before
	slack   int64
}

func newFreshnesses(c clock.Clock, observe func(Freshness, float64)) *Freshnesses {
	return &Freshnesses{clock: c, observe: observe, of: map[Freshness]*spread{Visible: {}, Ranked: {}, Pushed: {}}}
}

// slackSpan is how long the slowest way to be visible is remembered for Slack.
const slackSpan = 10 * time.Second

// Note takes one measurement in. Less than nothing is nothing: clocks are read on both ends.
func (f *Freshnesses) Note(kind Freshness, took time.Duration) {
	took = max(0, took)
	now := f.clock.Now()
	f.mu.Lock()
	s := f.of[kind]
	if s != nil {
		s.add(now, took)
	}
	if kind == Visible {
		f.turn(now)
		f.recent[0] = max(f.recent[0], took)
	}
	f.mu.Unlock()
	if s != nil && f.observe != nil {
		f.observe(kind, took.Seconds())
	}
}

func (f *Freshnesses) turn(now time.Time) {
	if at := now.UnixNano() / int64(slackSpan); at != f.slack {
		f.recent[1] = f.recent[0]
		if at != f.slack+1 {
			f.recent[1] = 0
		}
		f.recent[0], f.slack = 0, at
	}
}

// Slack returns the slowest way to be visible of the last ten to twenty seconds.
func (f *Freshnesses) Slack() time.Duration {
	now := f.clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn(now)
	return max(f.recent[0], f.recent[1])
}

// Measured is what the last hour came to, in milliseconds; null before the first event.
type Measured struct {
	P50MS *float64 `json:"p50_ms"`
	P99MS *float64 `json:"p99_ms"`
	N     int64    `json:"n"`
}

// Measured returns the quantiles of the last hour.
func (f *Freshnesses) Measured(kind Freshness) Measured {
	now := f.clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.of[kind].measured(now)
}

// A spread is kept by the minute, each in bins whose bounds grow by a seventh from 100 µs: quantiles
// are right within 7 %.
const (
	minutes   = 60
	bins      = 128
	firstBin  = 100 * time.Microsecond
	binGrowth = 8.0 / 7
)

type spread struct {
	minute [minutes]int64 // which minute since 1970 the slot is of
	count  [minutes][bins]uint32
}

func (s *spread) add(now time.Time, took time.Duration) {
	minute := now.Unix() / 60
	slot := minute % minutes
	if s.minute[slot] != minute {
		s.minute[slot], s.count[slot] = minute, [bins]uint32{}
	}
	s.count[slot][binOf(took)]++
}

func binOf(took time.Duration) int {
	if took <= firstBin {
		return 0
	}
	return min(bins-1, int(math.Ceil(math.Log(float64(took)/float64(firstBin))/math.Log(binGrowth))))
}

func (s *spread) measured(now time.Time) Measured {
	var all [bins]int64
	var n int64
	for slot, minute := range s.minute {
		if age := now.Unix()/60 - minute; age < 0 || age >= minutes {
			continue
		}
		for b, c := range s.count[slot] {
			all[b] += int64(c)
			n += int64(c)
		}
	}
	if n == 0 {
		return Measured{}
	}
	at := func(share float64) *float64 {
		want, seen := int64(math.Ceil(share*float64(n))), int64(0)
		for b, c := range all {
			if seen += c; seen >= want {
				ms := float64(firstBin) / float64(time.Millisecond) * math.Pow(binGrowth, float64(b))
				ms = math.Round(ms*100) / 100
				return &ms
			}
		}
		return nil
	}
	return Measured{P50MS: at(0.5), P99MS: at(0.99), N: n}
}
