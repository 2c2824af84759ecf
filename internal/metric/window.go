package metric

import "time"

// Window is a sliding span that ends now. What slides is made of whole buckets by event time: a window
// holds the current bucket, which is not full yet, and as many whole ones before it as its length takes.
type Window uint8

// The windows; their numbers are part of the API's answers and of snapshots.
const (
	Minute Window = iota
	Hour
	Day
	Week
	FourWeeks
	windows
)

// Windows are all windows, shortest first.
var Windows = [...]Window{Minute, Hour, Day, Week, FourWeeks}

var spans = [windows]struct {
	name         string
	span, bucket time.Duration
}{
	Minute:    {"1m", time.Minute, time.Second},
	Hour:      {"1h", time.Hour, time.Minute},
	Day:       {"24h", 24 * time.Hour, 15 * time.Minute},
	Week:      {"7d", 7 * 24 * time.Hour, time.Hour},
	FourWeeks: {"28d", 28 * 24 * time.Hour, 6 * time.Hour},
}

// String returns the window's name as the API spells it.
func (w Window) String() string { return spans[w].name }

// Span returns how long the window is.
func (w Window) Span() time.Duration { return spans[w].span }

// Bucket returns the step in which the window slides.
func (w Window) Bucket() time.Duration { return spans[w].bucket }

// WindowNamed returns the window of the name; ok is false for a name that is none.
func WindowNamed(name string) (w Window, ok bool) {
	for _, w := range Windows {
		if spans[w].name == name {
			return w, true
		}
	}
	return 0, false
}
