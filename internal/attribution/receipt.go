package attribution

import (
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Outcome is how an attribution ended.
type Outcome string

// The outcomes.
const (
	OutcomeCreator Outcome = "creator" // a creator is owed
	OutcomeNone    Outcome = "none"    // nobody is, see Because
	OutcomeWaiting Outcome = "waiting" // the touches up to the order are not all known yet
)

// Receipt is the decision on one line with all it was made of. Its JSON form is stored and
// never changes for a version of the rule; fields may be added.
type Receipt struct {
	Rule        string       `json:"rule"`
	RuleVersion int          `json:"rule_version"`
	Line        id.Line      `json:"line_id"`
	Product     id.Product   `json:"product_id"`
	PlacedAt    time.Time    `json:"placed_at"`
	Outcome     Outcome      `json:"outcome"`
	Because     Reason       `json:"because,omitempty"` // why nobody: of the newest click on the product
	Creator     id.Creator   `json:"creator_id,omitempty"`
	Touch       id.Touch     `json:"touch_id,omitempty"`
	Program     id.Program   `json:"program_id,omitempty"`
	ProgramKind Kind         `json:"program_kind,omitempty"`
	WindowHours int64        `json:"window_hours,omitempty"`
	HoldDays    int64        `json:"hold_days"` // of the program; means nothing without one
	Rate        money.Bps    `json:"commission_bps"`
	RateLocked  bool         `json:"rate_locked"`        // a rate since cut, kept for those already promoting
	Rung        string       `json:"rung,omitempty"`     // of the winner: click, live or code
	Indirect    bool         `json:"indirect,omitempty"` // it won by another product of the brand
	Base        money.Amount `json:"base"`
	Touches     []Considered `json:"touches"` // newest first
}

// Considered is one touch in a receipt: the winner has no Lost.
type Considered struct {
	Touch    id.Touch    `json:"touch_id"`
	Kind     string      `json:"kind"`
	At       time.Time   `json:"at"`
	Creator  id.Creator  `json:"creator_id"`
	Product  id.Product  `json:"product_id"`
	Video    id.Video    `json:"video_id,omitempty"`
	Showcase id.Showcase `json:"showcase_id,omitempty"`
	Request  id.Request  `json:"request_id,omitempty"`
	Surface  string      `json:"surface,omitempty"`
	Code     string      `json:"code,omitempty"`
	Lost     Reason      `json:"lost,omitempty"`
	Flag     string      `json:"flag,omitempty"`
}

// Waiting returns the receipt of a line whose touches are not all known yet: a later Decide
// replaces it.
func Waiting(line Line) Receipt { return newReceipt(line, OutcomeWaiting, RuleName, RuleVersion) }

// Winner returns the touch that won; ok is false when none did.
func (r Receipt) Winner() (c Considered, ok bool) {
	for _, c := range r.Touches {
		if c.Lost == "" && r.Outcome == OutcomeCreator {
			return c, true
		}
	}
	return Considered{}, false
}

func newReceipt(line Line, o Outcome, rule string, version int) Receipt {
	return Receipt{Rule: rule, RuleVersion: version, Line: line.Line, Product: line.Product,
		PlacedAt: line.PlacedAt.UTC(), Outcome: o, Base: line.Base, Touches: []Considered{}}
}

func (r *Receipt) win(t Touch, o offer) {
	r.Outcome, r.Because = OutcomeCreator, ""
	r.Creator, r.Touch = t.Creator, t.Touch
	r.Program, r.ProgramKind = o.program.Program, o.program.Kind
	r.WindowHours, r.HoldDays = int64(o.window/time.Hour), o.program.HoldDays
	r.Rate, r.RateLocked = o.rate, o.locked
}

func considered(t Touch, lost Reason) Considered {
	return Considered{Touch: t.Touch, Kind: t.Kind, At: t.At.UTC(), Creator: t.Creator, Product: t.Product, Video: t.Video,
		Showcase: t.Showcase, Request: t.Request, Surface: t.Surface, Code: t.Code, Lost: lost, Flag: t.Flag}
}
