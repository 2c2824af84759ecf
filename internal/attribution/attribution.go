// Package attribution decides which creator an order line is owed to, and writes the receipt that shows why.
package attribution

import (
	"sort"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// The rule in force. A change of what Decide answers is a new version, so that an old receipt
// can be told from a wrong one.
const (
	RuleName    = "last_eligible_click"
	RuleVersion = 1
)

// RateLock is how long those already promoting keep a rate after it was cut.
const RateLock = 30 * 24 * time.Hour

// Line is one order line at the moment it is paid.
type Line struct {
	Line     id.Line
	Product  id.Product
	Base     money.Amount // what the buyer paid for it after discounts, without tax and shipping
	PlacedAt time.Time    // when the order was placed: later clicks are not its cause
	// BuyerCreator is the buyer's own creator profile, "" when they have none.
	BuyerCreator id.Creator
	// BuyerIsMember says that the buyer belongs to the brand that sells the line.
	BuyerIsMember bool
}

// Touch is a click that may earn, with what was true of its creator.
type Touch struct {
	Touch    id.Touch
	Kind     string // click, cart, link or code
	At       time.Time
	Creator  id.Creator
	Product  id.Product
	Video    id.Video
	Showcase id.Showcase
	Request  id.Request
	Surface  string
	Flag     string // why it may not earn (bot, own, …), "" when it may
	// PromotingSince and PromotingUntil are when the creator took the product into their
	// showcase and out of it; zero: never, and still in it.
	PromotingSince time.Time
	PromotingUntil time.Time
	// SamePerson says that the creator is the buyer by other means than the account.
	SamePerson bool
	// CreatorRemoved says that the creator's account no longer stands.
	CreatorRemoved bool
}

// Rules are the terms under which a line's product is sold.
type Rules struct {
	Programs []Program // those that hold the line's product, ended ones too
}

// Reason says why a touch did not win, or why nobody did.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	OtherProduct    Reason = "other_product"    // it was a click on another product
	AfterOrder      Reason = "after_order"      // it came after the order was placed
	BrandMember     Reason = "brand_member"     // the buyer belongs to the selling brand
	SelfPurchase    Reason = "self_purchase"    // the buyer is the creator
	CreatorRemoved  Reason = "creator_removed"  // the creator's account was removed
	Flagged         Reason = "flagged"          // it is not a valid click
	NotPromoting    Reason = "not_promoting"    // the creator did not promote the product then
	NoProgram       Reason = "no_program"       // no program covers the product and this creator
	ProgramInactive Reason = "program_inactive" // no such program was running then
	OutsideWindow   Reason = "outside_window"   // it is older than the program's window
	BudgetSpent     Reason = "budget_spent"     // the program has spent what it set aside
	Superseded      Reason = "superseded"       // a later eligible click won
	NoTouch         Reason = "no_touch"         // there was no click at all
)

var sentences = map[Reason]string{
	OtherProduct:    "It was a click on another product.",
	AfterOrder:      "It came after the order was placed.",
	BrandMember:     "The buyer belongs to the brand that sells this; such purchases earn nobody a commission.",
	SelfPurchase:    "The buyer is the creator; one's own purchases earn no commission.",
	CreatorRemoved:  "The creator's account was removed.",
	Flagged:         "It was not counted as a valid click.",
	NotPromoting:    "The creator did not have the product in their showcase at the time.",
	NoProgram:       "The brand had no program for this product and creator.",
	ProgramInactive: "The program was not running at the time.",
	OutsideWindow:   "It was longer ago than the program's window.",
	BudgetSpent:     "The program had spent its budget.",
	Superseded:      "A later click won.",
	NoTouch:         "The buyer came by no creator's click.",
}

// Sentence returns the reason in words for people.
func (r Reason) Sentence() string { return sentences[r] }

// Decide returns whom the line is owed to: the creator of the last eligible product click
// within its program's window, or nobody. It depends on nothing but its arguments and not on
// the order of touches or programs; of two clicks at one instant the one with the later id wins.
func Decide(line Line, touches []Touch, rules Rules) Receipt {
	r := newReceipt(line, OutcomeNone)
	r.Because = NoTouch
	newest := append([]Touch(nil), touches...)
	sort.Slice(newest, func(i, j int) bool {
		if !newest[i].At.Equal(newest[j].At) {
			return newest[i].At.After(newest[j].At)
		}
		return newest[i].Touch > newest[j].Touch
	})
	for _, t := range newest {
		lost, offer := judge(line, t, rules)
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

// judge returns why a touch cannot win, or the terms it would win by.
func judge(line Line, t Touch, rules Rules) (Reason, offer) {
	switch {
	case t.Product != line.Product:
		return OtherProduct, offer{}
	case t.At.After(line.PlacedAt):
		return AfterOrder, offer{}
	case line.BuyerIsMember:
		return BrandMember, offer{}
	case t.SamePerson || (t.Creator == line.BuyerCreator && t.Creator != ""):
		return SelfPurchase, offer{}
	case t.CreatorRemoved || t.Creator == "":
		return CreatorRemoved, offer{}
	case t.Flag != "":
		return Flagged, offer{}
	case !t.promotingAt(t.At):
		return NotPromoting, offer{}
	}
	return rules.offer(line, t)
}

func (t Touch) promotingAt(at time.Time) bool {
	return !t.PromotingSince.IsZero() && !t.PromotingSince.After(at) && (t.PromotingUntil.IsZero() || t.PromotingUntil.After(at))
}
