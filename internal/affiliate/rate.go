package affiliate

import (
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// LockDays is how long those already promoting keep terms that were cut.
const LockDays = 30

// lock is LockDays as a duration: days of 24 hours, so that it does not depend on a time zone.
const lock = LockDays * 24 * time.Hour

// Kind says whom a program is for.
type Kind string

// The kinds: anyone may promote, or named creators only. Targeted wins over open.
const (
	Open     Kind = "open"
	Targeted Kind = "targeted"
)

// Term is what a program offers from a time on, until the next term.
type Term struct {
	From   time.Time
	Rate   money.Bps
	Window time.Duration // how long after a click a sale still counts
}

// TermAt returns what holds at a time for a creator who has promoted since accepted: the best rate
// and the longest window of the terms in force at any moment between the later of accepted and 30 days
// before, and the time itself. So a raise is at once, and a cut leaves who was promoting before it at
// the old terms for 30 days. A zero accepted means not promoting: the terms in force. terms are in
// order of time; ok is false when none is in force yet.
func TermAt(terms []Term, accepted, at time.Time) (best Term, ok bool) {
	since := at
	if !accepted.IsZero() {
		since = at.Add(-lock)
		if accepted.After(since) {
			since = accepted
		}
		if since.After(at) {
			since = at
		}
	}
	for i, t := range terms {
		ended := i+1 < len(terms) && !terms[i+1].From.After(since)
		if t.From.After(at) || ended {
			continue
		}
		best.Rate, best.Window, best.From, ok = max(best.Rate, t.Rate), max(best.Window, t.Window), t.From, true
	}
	return best, ok
}

// span is a membership in a program: from when, and until when if it has ended.
type span struct{ from, until time.Time }

// holds reports whether the membership covers the time for a creator who has promoted since accepted:
// to be taken out is a cut, which leaves who was promoting before it 30 days.
func (s span) holds(accepted, at time.Time) bool {
	switch {
	case s.from.After(at):
		return false
	case s.until.IsZero() || at.Before(s.until):
		return true
	default:
		return !accepted.IsZero() && accepted.Before(s.until) && at.Before(s.until.Add(lock))
	}
}

// facts is all that a decision needs to know of one program.
type facts struct {
	id       id.Program
	brand    id.Brand
	kind     Kind
	name     string
	hold     int64 // days
	starts   time.Time
	ends     time.Time // zero: it has no end
	budget   int64     // minor units; 0: none
	spent    int64
	all      bool // of the brand's products
	products map[id.Product]span
	creators map[id.Creator]span
	terms    []Term
}

// covers reports whether a creator who has promoted the product since accepted could earn by a click at a time.
func (f *facts) covers(creator id.Creator, product id.Product, accepted, at time.Time) bool {
	if at.Before(f.starts) || (!f.ends.IsZero() && !at.Before(f.ends)) {
		return false
	}
	if s, ok := f.products[product]; !f.all && (!ok || !s.holds(accepted, at)) {
		return false
	}
	if s, ok := f.creators[creator]; f.kind == Targeted && (!ok || !s.holds(accepted, at)) {
		return false
	}
	return len(f.terms) > 0 && !f.terms[0].From.After(at)
}

// bestOf returns the program that pays the creator for a click, with its terms at the sale: targeted
// before open, then the higher rate, then the older program. nil when none covers the click.
func bestOf(programs []*facts, brand id.Brand, creator id.Creator, product id.Product, accepted, click, sale time.Time) (best *facts, term Term) {
	for _, f := range programs {
		if f.brand != brand || !f.covers(creator, product, accepted, click) {
			continue
		}
		t, ok := TermAt(f.terms, accepted, sale)
		if !ok {
			continue
		}
		if best == nil || better(f, t, best, term) {
			best, term = f, t
		}
	}
	return best, term
}

func better(f *facts, t Term, than *facts, thanTerm Term) bool {
	if f.kind != than.kind {
		return f.kind == Targeted
	}
	if t.Rate != thanTerm.Rate {
		return t.Rate > thanTerm.Rate
	}
	return f.id < than.id
}
