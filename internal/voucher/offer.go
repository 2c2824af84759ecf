package voucher

import (
	"cmp"
	"slices"
	"strings"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Line is one line of a basket: what it costs before vouchers.
type Line struct {
	Brand   id.Brand
	Product id.Product
	Price   int64 // unit × quantity, in minor units
	Units   int64
}

// Off is what vouchers take off one line, by who pays for it.
type Off struct{ Brand, Platform int64 }

// Candidate is a voucher that a basket could use.
type Candidate struct {
	Voucher
	Typed int    // the place of its code among those typed, from 1; 0 not typed
	Why   string // it cannot be used now, whatever the basket; "" it can
}

// Offer is what a shopper is told of a candidate.
type Offer struct {
	Voucher Voucher
	Typed   int
	Saves   int64  // by itself; 0 when it cannot be used
	Chosen  int64  // what it takes off as chosen; 0 when it is not
	Why     string // why it cannot be used
	Lacks   int64  // how much more of what it covers it needs for that; 0 when something else is in the way
}

// Choice is the vouchers of a basket: what each takes off each line.
type Choice struct {
	Lines  []Off
	Offers []Offer // typed ones first, then by what they save
	Wished Wishes  // the wishes that hold
}

// Saved returns what the chosen vouchers take off.
func (c Choice) Saved() (sum int64) {
	for _, l := range c.Lines {
		sum += l.Brand + l.Platform
	}
	return sum
}

// maxCombinations bounds the search for the best choice: beyond it each brand's best is taken by itself, and
// the platform's best of what is left.
const maxCombinations = 512

// Choose finds the vouchers that save most: at most one of each brand, on that brand's lines, and at most one
// of the platform, on what the brands' leave. A wish decides for its giver. Every unit costs its buyer at
// least one minor unit, so that everything can be given back. Equal savings go to the code typed first, then
// to the voucher that ends first.
func Choose(lines []Line, candidates []Candidate, wishes Wishes) Choice {
	candidates = slices.Clone(candidates)
	slices.SortStableFunc(candidates, prefer)
	s := search{lines: lines, byGiver: map[id.Brand][]option{}}
	choice := Choice{Lines: make([]Off, len(lines)), Wished: Wishes{}}
	for _, c := range candidates {
		o := Offer{Voucher: c.Voucher, Typed: c.Typed, Why: c.Why}
		if o.Why == "" {
			var off []int64
			if off, o.Why = c.takeOff(lines, nil); o.Why == "" {
				o.Saves = total(off)
			} else {
				o.Lacks = c.lacks(lines)
			}
			if o.Why == "" {
				s.byGiver[c.Brand] = append(s.byGiver[c.Brand], option{at: len(choice.Offers), voucher: &c.Voucher, off: off})
			}
		}
		choice.Offers = append(choice.Offers, o)
	}
	s.obey(wishes, choice.Wished)
	s.run()
	for _, o := range s.best {
		choice.Offers[o.at].Chosen = total(o.off)
		for i, minor := range o.off {
			if o.voucher.Brand == Platform {
				choice.Lines[i].Platform = minor
			} else {
				choice.Lines[i].Brand += minor
			}
		}
	}
	slices.SortStableFunc(choice.Offers, func(a, b Offer) int {
		if a.Typed != b.Typed {
			return order(a.Typed, b.Typed)
		}
		return cmp.Compare(b.Saves, a.Saves)
	})
	return choice
}

// order puts typed codes in their order before those not typed.
func order(a, b int) int {
	switch {
	case a == 0:
		return 1
	case b == 0:
		return -1
	}
	return a - b
}

// prefer sorts candidates by which of two equal savings wins.
func prefer(a, b Candidate) int {
	if a.Typed != b.Typed {
		return order(a.Typed, b.Typed)
	}
	if !a.EndsAt.Equal(b.EndsAt) {
		if a.EndsAt.IsZero() || !b.EndsAt.IsZero() && b.EndsAt.Before(a.EndsAt) {
			return 1
		}
		return -1
	}
	return strings.Compare(string(a.ID), string(b.ID))
}

// option is one voucher that can be used, and what it takes off each line.
type option struct {
	at      int
	voucher *Voucher
	off     []int64
}

// search looks for the combination that saves most.
type search struct {
	lines   []Line
	byGiver map[id.Brand][]option
	givers  []id.Brand // brands, in order
	wished  Wishes
	best    []option
	saved   int64
}

// obey narrows each giver's vouchers to the one wished for; a wish for one that cannot be used does not hold.
func (s *search) obey(wishes, held Wishes) {
	for giver, wish := range wishes {
		list := s.byGiver[giver]
		at := slices.IndexFunc(list, func(o option) bool { return o.voucher.ID == wish })
		switch {
		case wish == None && len(list) > 0:
			delete(s.byGiver, giver)
			held[giver] = wish
		case at >= 0:
			s.byGiver[giver] = list[at : at+1]
			held[giver] = wish
		}
	}
	s.wished = held
	for giver := range s.byGiver {
		if giver != Platform {
			s.givers = append(s.givers, giver)
		}
	}
	slices.Sort(s.givers)
}

func (s *search) run() {
	combinations := len(s.byGiver[Platform]) + 1
	for _, g := range s.givers {
		combinations = min(combinations*(len(s.byGiver[g])+1), maxCombinations+1)
	}
	if combinations <= maxCombinations {
		s.try(0, nil)
		return
	}
	var picked []option
	for _, g := range s.givers {
		picked = append(picked, largest(s.byGiver[g]))
	}
	s.finish(picked)
}

// try picks for the givers from at on: every voucher of each in turn, and none, where a brand's voucher
// would leave too little for a better one of the platform.
func (s *search) try(at int, picked []option) {
	if at == len(s.givers) {
		s.finish(picked)
		return
	}
	giver := s.givers[at]
	for _, o := range s.byGiver[giver] {
		s.try(at+1, append(picked[:at:at], o))
	}
	if s.wished[giver] == "" {
		s.try(at+1, append(picked[:at:at], option{}))
	}
}

// finish adds the platform's voucher that saves most of what the brands' have left, and keeps the best.
func (s *search) finish(picked []option) {
	before := make([]int64, len(s.lines))
	var saved int64
	for _, o := range picked {
		for i, minor := range o.off {
			before[i] += minor
			saved += minor
		}
	}
	var top option
	var most int64
	for _, o := range s.byGiver[Platform] {
		if off, why := o.voucher.takeOff(s.lines, before); why == "" && total(off) > most {
			top, most = option{o.at, o.voucher, off}, total(off)
		}
	}
	worth := saved + most
	if most > 0 && s.wished[Platform] != "" {
		worth += money.Max // what was wished for comes before what saves more
	}
	if worth <= s.saved {
		return
	}
	s.saved, s.best = worth, nil
	for _, o := range append(picked[:len(picked):len(picked)], top) {
		if o.voucher != nil {
			s.best = append(s.best, o)
		}
	}
}

// Covers reports whether the voucher covers a line: of its brand, and of its products.
func (v *Voucher) Covers(brand id.Brand, product id.Product) bool {
	return (v.Brand == Platform || v.Brand == brand) && (v.All || slices.Contains(v.Products, product))
}

// takeOff returns what the voucher takes off each line, of what other vouchers have left: its share of the
// lines it covers by largest remainder, and why it takes off nothing.
func (v *Voucher) takeOff(lines []Line, before []int64) ([]int64, string) {
	var goods, room int64
	weights, free := make([]int64, len(lines)), make([]int64, len(lines))
	for i, l := range lines {
		if !v.Covers(l.Brand, l.Product) {
			continue
		}
		weights[i] = l.Price
		if before != nil {
			weights[i] -= before[i]
		}
		free[i] = max(0, weights[i]-l.Units)
		goods, room = goods+weights[i], room+free[i]
	}
	switch {
	case goods == 0:
		return nil, "Nothing in the bag is covered by it."
	case goods < v.Least.Minor:
		return nil, "It needs " + money.Of(v.Least.Minor-goods, v.Currency).String() + " more of what it covers."
	}
	want := v.Off.Minor
	if v.Kind == Percent {
		want = v.Rate.Of(goods)
		if v.Most.Minor > 0 {
			want = min(want, v.Most.Minor)
		}
	}
	if want = min(want, room); want <= 0 {
		return nil, "It would take off nothing."
	}
	return split(want, weights, free), ""
}

// lacks returns how much more of what it covers the voucher needs; 0 when nothing is covered, or enough.
func (v *Voucher) lacks(lines []Line) int64 {
	var goods int64
	for _, l := range lines {
		if v.Covers(l.Brand, l.Product) {
			goods += l.Price
		}
	}
	if goods == 0 {
		return 0
	}
	return max(0, v.Least.Minor-goods)
}

// split divides what is taken off by the prices, largest remainder, and moves what a line has no room for to
// those that have: free has room for all of it.
func split(want int64, weights, free []int64) []int64 {
	off, err := money.Split(want, weights)
	if err != nil {
		return make([]int64, len(weights)) // cannot be: want > 0 comes from weights that are not all zero
	}
	var over int64
	left := make([]int64, len(off))
	for i := range off {
		if off[i] > free[i] {
			over += off[i] - free[i]
			off[i] = free[i]
		}
		left[i] = free[i] - off[i]
	}
	if over == 0 {
		return off
	}
	more, err := money.Split(over, left)
	if err != nil {
		return off // cannot be: want is no more than all that is free
	}
	for i := range off {
		off[i] += more[i]
	}
	return off
}

func total(off []int64) (sum int64) {
	for _, minor := range off {
		sum += minor
	}
	return sum
}

// largest returns the first option that takes off most.
func largest(list []option) option {
	best := list[0]
	for _, o := range list[1:] {
		if total(o.off) > total(best.off) {
			best = o
		}
	}
	return best
}
