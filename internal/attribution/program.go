package attribution

import (
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
	From time.Time `json:"from"`
	Rate money.Bps `json:"bps"`
}

// Window is how long after a touch a sale counts, from a moment until the next one.
type Window struct {
	From   time.Time     `json:"from"`
	Length time.Duration `json:"ns"`
}

// Span is the time between two moments; a zero Until is no end.
type Span struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"`
}

// Program is a brand's terms for one product. A click made while it ran earns within its window even if
// the program has ended since: the window is a promise.
type Program struct {
	Program  id.Program   `json:"program_id"`
	Product  id.Product   `json:"product_id,omitempty"` // that the terms are for; "": the line's own
	Kind     Kind         `json:"kind"`
	Creators []id.Creator `json:"creator_ids,omitempty"` // of a targeted one
	HoldDays int64        `json:"hold_days"`
	StartsAt time.Time    `json:"starts_at,omitzero"` // zero: from the first rate on
	EndsAt   time.Time    `json:"ends_at,omitzero"`   // zero: open end
	Rates    []Rate       `json:"rates"`              // every rate it has had
	Indirect []Rate       `json:"indirect,omitempty"` // likewise, for another product of the brand
	Windows  []Window     `json:"windows,omitempty"`  // every window it has had, by time
	Closed   []Span       `json:"closed,omitempty"`   // when its budget was closed to new clicks
	Budgeted bool         `json:"budgeted,omitempty"`
	Left     int64        `json:"left,omitempty"` // of the budget, its reserve too; minor units

	// Of version 1 only, which was told what they came to.
	Window time.Duration `json:"window_ns,omitempty"`
	Spent  bool          `json:"spent,omitempty"`
}

// product returns which product the terms are for.
func (p Program) product(line Line) id.Product {
	if p.Product == "" {
		return line.Product
	}
	return p.Product
}

// offer is what a touch would win: a program and the rate that would be frozen.
type offer struct {
	program Program
	window  time.Duration
	rate    money.Bps
	locked  bool // the rate is one that was cut, kept for those already promoting
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
