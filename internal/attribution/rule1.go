package attribution

import (
	"slices"
	"sort"
	"time"

	"mezzo/internal/money"
)

// decide1 is version 1 of the rule, as it was: the last eligible click on the product. It is kept so that
// what was decided by it can be decided again.
func decide1(line Line, touches []Touch, rules Rules) Receipt {
	r := newReceipt(line, OutcomeNone, names[1], 1)
	r.Because = NoTouch
	newest := append([]Touch(nil), touches...)
	sort.Slice(newest, func(i, j int) bool { return later(newest[i], newest[j]) })
	for _, t := range newest {
		lost, offer := judge1(line, t, rules)
		switch {
		case lost == "" && r.Outcome == OutcomeCreator:
			lost = Superseded
		case lost == "":
			r.win(t, offer)
		case r.Outcome == OutcomeNone && r.Because == NoTouch && lost != OtherProduct:
			r.Because = lost // of the newest click on this product
		}
		r.Touches = append(r.Touches, considered(t, lost))
	}
	return r
}

// judge1 returns why a touch cannot win, or the terms it would win by.
func judge1(line Line, t Touch, rules Rules) (Reason, offer) {
	if t.Product != line.Product {
		return OtherProduct, offer{}
	}
	if lost := barred(line, t); lost != "" {
		return lost, offer{}
	}
	return rules.offer1(line, t)
}

// offer1 returns the best terms for a touch: targeted before open, then the higher rate, then
// the later program.
func (r Rules) offer1(line Line, t Touch) (Reason, offer) {
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
		rate, locked := lockedRate(p.Rates, t, line.PlacedAt)
		o := offer{program: p, window: p.Window, rate: rate, locked: locked}
		if lost != "" || o.better(best) {
			lost, best = "", o
		}
	}
	return lost, best
}

// lockedRate returns the rate a touch is owed at a moment: the higher of the rate then and of any rate
// that was cut within the RateLock before while the creator promoted, unless they have stopped since.
func lockedRate(rates []Rate, t Touch, at time.Time) (best money.Bps, locked bool) {
	rates = slices.Clone(rates)
	slices.SortFunc(rates, func(a, b Rate) int { return a.From.Compare(b.From) })
	for i, r := range rates {
		if r.From.After(at) {
			break
		}
		inForce := i+1 == len(rates) || rates[i+1].From.After(at)
		if inForce {
			if r.Rate >= best {
				return r.Rate, false
			}
			return best, true
		}
		until := rates[i+1].From
		kept := at.Sub(until) < RateLock && t.PromotingSince.Before(until) && t.promotingAt(at)
		if kept && r.Rate > best {
			best = r.Rate
		}
	}
	return best, true
}
