package attribution

import (
	"slices"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Kind is who may promote under a program.
type Kind string

// The kinds of program.
const (
	Open     Kind = "open"     // anyone
	Targeted Kind = "targeted" // named creators; it wins over an open one
)

// Rate is a program's rate from a moment until the next one.
type Rate struct {
	From time.Time
	Rate money.Bps
}

// Program is a brand's terms for the line's product. A click made while it ran earns within
// its window even if the program has ended since: the window is a promise.
type Program struct {
	Program  id.Program
	Kind     Kind
	Creators []id.Creator // of a targeted one
	Window   time.Duration
	HoldDays int64
	StartsAt time.Time // zero: from the first rate on
	EndsAt   time.Time // zero: open end
	Spent    bool      // its budget is used up: it owes nothing more
	Rates    []Rate    // every rate it has had
}

// offer is what a touch would win: a program and the rate that would be frozen.
type offer struct {
	program Program
	rate    money.Bps
	locked  bool // the rate is one that was cut, kept for those already promoting
}

// offer returns the best terms for a touch: targeted before open, then the higher rate, then
// the later program.
func (r Rules) offer(line Line, t Touch) (Reason, offer) {
	lost, best := NoProgram, offer{}
	for _, p := range r.Programs {
		if p.Kind == Targeted && !slices.Contains(p.Creators, t.Creator) {
			continue
		}
		if !p.runningAt(t.At) {
			if lost == NoProgram {
				lost = ProgramInactive
			}
			continue
		}
		if line.PlacedAt.Sub(t.At) > p.Window {
			if lost != "" {
				lost = OutsideWindow
			}
			continue
		}
		if p.Spent {
			if lost != "" {
				lost = BudgetSpent
			}
			continue
		}
		rate, locked := p.rate(t, line.PlacedAt)
		o := offer{p, rate, locked}
		if lost != "" || o.better(best) {
			lost, best = "", o
		}
	}
	return lost, best
}

func (o offer) better(than offer) bool {
	a, b := o.program, than.program
	switch {
	case a.Kind != b.Kind:
		return a.Kind == Targeted
	case o.rate != than.rate:
		return o.rate > than.rate
	}
	return a.Program > b.Program
}

func (p Program) runningAt(at time.Time) bool {
	if at.Before(p.StartsAt) || (!p.EndsAt.IsZero() && !at.Before(p.EndsAt)) {
		return false
	}
	for _, r := range p.Rates {
		if !r.From.After(at) {
			return true
		}
	}
	return false
}

// rate returns the rate to freeze: the higher of the rate now and of any rate that was cut
// within the RateLock while the creator promoted, unless they have stopped since.
func (p Program) rate(t Touch, now time.Time) (best money.Bps, locked bool) {
	rates := slices.Clone(p.Rates)
	slices.SortFunc(rates, func(a, b Rate) int { return a.From.Compare(b.From) })
	for i, r := range rates {
		if r.From.After(now) {
			break
		}
		inForce := i+1 == len(rates) || rates[i+1].From.After(now)
		if inForce {
			if r.Rate >= best {
				return r.Rate, false
			}
			return best, true
		}
		until := rates[i+1].From
		kept := now.Sub(until) < RateLock && t.PromotingSince.Before(until) && t.promotingAt(now)
		if kept && r.Rate > best {
			best = r.Rate
		}
	}
	return best, true
}
