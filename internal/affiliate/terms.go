package affiliate

import (
	"slices"
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

// program is all that a decision needs to know of one program.
type program struct {
	id       id.Program
	brand    id.Brand
	kind     Kind
	name     string
	hold     int64 // days
	running  span
	budgeted bool
	budget   *budget // when locked, of one that has a budget
	left     int64   // of the budget, for the next line
	closed   []attribution.Span
	all      bool // of the brand's products
	products map[id.Product]span
	creators map[id.Creator]span
	rates    []attribution.Rate   // by time
	indirect []attribution.Rate   // likewise; none where nothing is paid
	windows  []attribution.Window // by time
}

// most returns the highest rate the program has ever had.
func (p *program) most() (rate money.Bps) {
	for _, r := range slices.Concat(p.rates, p.indirect) {
		rate = max(rate, r.Rate)
	}
	return rate
}
