package affiliate

import (
	"time"

	"mezzo/internal/attribution"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Kind says whom a program is for.
type Kind = attribution.Kind

// The kinds: anyone may promote, or named creators only. Targeted wins over open.
const (
	Open     = attribution.Open
	Targeted = attribution.Targeted
)

// Notice is how long those already promoting keep what they were promised: a rate that was cut, a
// shorter window, a product or a creator taken out of the program, an end set sooner.
const Notice = attribution.RateLock

// span is a time from a moment until another, which is not part of it; a zero until is no end.
type span struct{ from, until time.Time }

// within returns the time that both spans cover.
func (s span) within(o span) span {
	if o.from.After(s.from) {
		s.from = o.from
	}
	if s.until.IsZero() || (!o.until.IsZero() && o.until.Before(s.until)) {
		s.until = o.until
	}
	return s
}

// window is how long after a click a sale counts, from a moment on.
type window struct {
	from   time.Time
	length time.Duration
}

// program is all that a decision needs to know of one program.
type program struct {
	id       id.Program
	brand    id.Brand
	kind     Kind
	name     string
	hold     int64 // days
	running  span
	budget   int64 // minor units; 0: none
	spent    int64
	all      bool // of the brand's products
	products map[id.Product]span
	creators map[id.Creator]span
	rates    []attribution.Rate // by time
	windows  []window           // by time
}

// rateAt returns the rate in force, 0 before the first.
func (p *program) rateAt(at time.Time) (rate money.Bps) {
	for _, r := range p.rates {
		if !r.From.After(at) {
			rate = r.Rate
		}
	}
	return rate
}

// windowAt returns the longest window in force at any moment of the notice before: a longer one counts at
// once, a shorter one when the notice has passed.
func (p *program) windowAt(at time.Time) (longest time.Duration) {
	since := at.Add(-Notice)
	for i, w := range p.windows {
		over := i+1 < len(p.windows) && !p.windows[i+1].from.After(since)
		if !w.from.After(at) && !over {
			longest = max(longest, w.length)
		}
	}
	return longest
}

// most returns the highest rate the program has ever had.
func (p *program) most() (rate money.Bps) {
	for _, r := range p.rates {
		rate = max(rate, r.Rate)
	}
	return rate
}
