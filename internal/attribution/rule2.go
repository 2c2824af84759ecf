package attribution

import (
	"slices"
	"sort"
	"time"

	"mezzo/internal/money"
)

// LiveFor is how long after it a touch in a live room counts as of the same live session.
const LiveFor = 24 * time.Hour

// surfaceRoom is where a touch in a live room comes from.
const surfaceRoom = "room"

// Rung is how strong a candidate is beside others: the stronger wins before the later.
type Rung int

// The rungs of the ladder.
const (
	RungClick Rung = iota // a click, a cart, a link
	RungLive              // a touch in a live room, in the same session
	RungCode              // a creator's code that the shopper typed
)

// contender is a touch that may win, and by which terms.
type contender struct {
	touch  Touch
	direct bool // it was of the line's own product
	rung   Rung
	offer  offer
}

// decide2 is version 2 of the rule: of the candidates that may earn, those for the product itself come before
// those for another product of the brand; then a creator's code before a touch in the same live session
// before a click; then the later.
func decide2(line Line, touches []Touch, rules Rules) Receipt {
	r := newReceipt(line, OutcomeNone, names[2], 2)
	newest := append([]Touch(nil), touches...)
	sort.Slice(newest, func(i, j int) bool { return later(newest[i], newest[j]) })
	lost := make([]Reason, len(newest))
	able := make([]contender, len(newest))
	best := -1
	for i, t := range newest {
		lost[i], able[i] = judge2(line, t, rules)
		if lost[i] == "" && (best < 0 || able[i].beats(able[best])) {
			best = i
		}
	}
	if best >= 0 {
		r.win(newest[best], able[best].offer)
		r.Rung, r.Indirect = able[best].rung.String(), !able[best].direct
	} else {
		r.Because = nobody(line, newest, lost)
	}
	for i, t := range newest {
		if lost[i] == "" && i != best {
			lost[i] = able[i].lostTo(able[best])
		}
		r.Touches = append(r.Touches, considered(t, lost[i]))
	}
	return r
}

// nobody returns why nobody is owed: what the newest touch of the product lost by, else the newest of all.
func nobody(line Line, newest []Touch, lost []Reason) Reason {
	because := NoTouch
	for i, t := range newest {
		if t.Product == line.Product {
			return lost[i]
		}
		if because == NoTouch && lost[i] != OtherProduct && lost[i] != IndirectUnpaid {
			because = lost[i]
		}
	}
	return because
}

// judge2 returns why a touch cannot win, or what it contends with.
func judge2(line Line, t Touch, rules Rules) (Reason, contender) {
	c := contender{touch: t, direct: t.Product == line.Product, rung: t.rung(line.PlacedAt)}
	if !c.direct && (t.Brand == "" || t.Brand != line.Brand) {
		return OtherProduct, c
	}
	if lost := barred(line, t); lost != "" {
		return lost, c
	}
	lost, o := rules.offer2(line, t, c.direct)
	c.offer = o
	return lost, c
}

// rung returns how strong the touch is for an order.
func (t Touch) rung(placed time.Time) Rung {
	switch {
	case t.Kind == KindCode:
		return RungCode
	case t.Surface == surfaceRoom && placed.Sub(t.At) <= LiveFor:
		return RungLive
	}
	return RungClick
}

// String names the rung as receipts do.
func (r Rung) String() string { return [...]string{"click", "live", "code"}[r] }

// beats reports whether c wins over another that may earn. Both are of one line; the later id decides last.
func (c contender) beats(o contender) bool {
	switch {
	case c.direct != o.direct:
		return c.direct
	case c.rung != o.rung:
		return c.rung > o.rung
	}
	return later(c.touch, o.touch)
}

// lostTo says by what the winner was better.
func (c contender) lostTo(winner contender) Reason {
	switch {
	case winner.direct && !c.direct:
		return ByDirect
	case winner.rung == RungCode && c.rung != RungCode:
		return ByCode
	case winner.rung == RungLive && c.rung == RungClick:
		return ByLive
	}
	return Superseded
}

// offer2 returns the best terms for a touch: targeted before open, then the higher rate, then the later
// program. Only a program of the product that was clicked pays.
func (r Rules) offer2(line Line, t Touch, direct bool) (Reason, offer) {
	// The reason told is that of the program which came furthest.
	furthest := []Reason{NoProgram, ProgramInactive, OutsideWindow, BudgetClosed, IndirectUnpaid, BudgetSpent}
	lost, best, won := NoProgram, offer{}, false
	for _, p := range r.Programs {
		if p.product(line) != t.Product || (p.Kind == Targeted && !slices.Contains(p.Creators, t.Creator)) {
			continue
		}
		why, o := p.terms(line, t, direct)
		switch {
		case why == "":
			if !won || o.better(best) {
				won, best = true, o
			}
		case slices.Index(furthest, why) > slices.Index(furthest, lost):
			lost = why
		}
	}
	if won {
		lost = ""
	}
	return lost, best
}

// terms returns what a program owes a touch, or why nothing.
func (p Program) terms(line Line, t Touch, direct bool) (Reason, offer) {
	if !p.runningAt(t.At) {
		return ProgramInactive, offer{}
	}
	window := max(longest(p.Windows, t.At), longest(p.Windows, line.PlacedAt))
	if line.PlacedAt.Sub(t.At) > window {
		return OutsideWindow, offer{}
	}
	for _, c := range p.Closed {
		if t.At.After(c.From) && (c.Until.IsZero() || t.At.Before(c.Until)) {
			return BudgetClosed, offer{}
		}
	}
	rates := p.Rates
	if !direct {
		rates = p.Indirect
	}
	rate, locked := promised(rates, t, line.PlacedAt)
	if rate == 0 {
		return IndirectUnpaid, offer{}
	}
	if p.Budgeted && Most(line.Base.Minor, rate) > p.Left {
		return BudgetSpent, offer{}
	}
	return "", offer{program: p, window: window, rate: rate, locked: locked}
}

// promised returns the rate that a touch is owed at an order: the higher of what it was promised when it was
// made and what holds when the order is placed. So a raise counts at once, and a cut only for touches that
// are made when its notice is over.
func promised(rates []Rate, t Touch, placed time.Time) (money.Bps, bool) {
	then, thenLocked := lockedRate(rates, t, t.At)
	now, nowLocked := lockedRate(rates, t, placed)
	if then > now {
		return then, true
	}
	return now, nowLocked || (thenLocked && then == now && then > inForce(rates, placed))
}

// inForce returns the rate of a moment, 0 before the first.
func inForce(rates []Rate, at time.Time) (rate money.Bps) {
	var from time.Time
	for _, r := range rates {
		if !r.From.After(at) && !r.From.Before(from) {
			rate, from = r.Rate, r.From
		}
	}
	return rate
}

// longest returns the longest window in force at any moment of the notice before: a longer one counts at
// once, a shorter one when the notice has passed. windows are by time.
func longest(windows []Window, at time.Time) (length time.Duration) {
	since := at.Add(-RateLock)
	for i, w := range windows {
		over := i+1 < len(windows) && !windows[i+1].From.After(since)
		if !w.From.After(at) && !over {
			length = max(length, w.Length)
		}
	}
	return length
}

// Most returns the most that a commission on a base can come to, however its line is shared out: the
// rate's part of it, with every fraction of a minor unit rounded up.
func Most(base int64, rate money.Bps) int64 {
	whole := int64(money.Whole)
	return base/whole*int64(rate) + (base%whole*int64(rate)+whole-1)/whole
}

// KeptUntil returns the rate that a touch of a moment is owed, until when touches are, and what from then on;
// ok is false when nothing is decided that would lower it.
func KeptUntil(rates []Rate, t Touch, at time.Time) (now money.Bps, until time.Time, then money.Bps, ok bool) {
	now, _ = lockedRate(rates, t, at)
	for _, r := range rates {
		end := r.From.Add(RateLock)
		if !end.After(at) || (ok && end.After(until)) {
			continue
		}
		if next, _ := lockedRate(rates, t, end); next < now {
			until, then, ok = end, next, true
		}
	}
	return now, until, then, ok
}
