// Package attribution decides which creator an order line is owed to, and writes the receipt that shows why.
package attribution

import (
	"fmt"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// RuleVersion is the version of the rule in force. A change of what Decide answers is a new version; the
// old ones stay, so that what was decided by them can be decided again and told from what is wrong.
const RuleVersion = 2

// RuleName names the rule in force.
const RuleName = "code_live_last_click"

// names are the versions' rules by name.
var names = [...]string{1: "last_eligible_click", 2: RuleName}

// KindCode is the kind of touch that a creator's code is: the shopper typed it.
const KindCode = "code"

// RateLock is how long those already promoting keep a rate after it was cut.
const RateLock = 30 * 24 * time.Hour

// Line is one order line at the moment it is paid.
type Line struct {
	Line     id.Line      `json:"line_id"`
	Product  id.Product   `json:"product_id"`
	Brand    id.Brand     `json:"brand_id,omitempty"`
	Base     money.Amount `json:"base"`      // what the buyer paid for it after discounts, without tax and shipping
	PlacedAt time.Time    `json:"placed_at"` // when the order was placed: later clicks are not its cause
	// BuyerCreator is the buyer's own creator profile, "" when they have none or it is not asked for.
	BuyerCreator id.Creator `json:"buyer_creator_id,omitempty"`
	// BuyerIsMember says that the buyer belongs to the brand that sells the line.
	BuyerIsMember bool `json:"buyer_is_member,omitempty"`
}

// Touch is a click or a code that may earn, with what was true of its creator.
type Touch struct {
	Touch    id.Touch    `json:"touch_id"`
	Kind     string      `json:"kind"` // click, cart, link or code
	At       time.Time   `json:"at"`
	Creator  id.Creator  `json:"creator_id"`
	Product  id.Product  `json:"product_id"`
	Brand    id.Brand    `json:"brand_id,omitempty"` // that sells the product
	Video    id.Video    `json:"video_id,omitempty"`
	Showcase id.Showcase `json:"showcase_id,omitempty"`
	Request  id.Request  `json:"request_id,omitempty"`
	Surface  string      `json:"surface,omitempty"`
	Code     string      `json:"code,omitempty"` // that was typed
	Flag     string      `json:"flag,omitempty"` // why it may not earn (bot, own, …), "" when it may
	// PromotingSince and PromotingUntil are when the creator took the product into their
	// showcase and out of it; zero: never, and still in it.
	PromotingSince time.Time `json:"promoting_since,omitzero"`
	PromotingUntil time.Time `json:"promoting_until,omitzero"`
	// SamePerson says that the creator is the buyer by other means than the account.
	SamePerson bool `json:"same_person,omitempty"`
	// CreatorRemoved says that the creator's account no longer stands.
	CreatorRemoved bool `json:"creator_removed,omitempty"`
}

// Rules are the terms under which a line's product is sold.
type Rules struct {
	Programs []Program `json:"programs,omitempty"` // those that hold a product touched, ended ones too
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
	BudgetClosed    Reason = "budget_closed"    // the program's budget took no new clicks then
	IndirectUnpaid  Reason = "indirect_unpaid"  // of another product of the brand, for which nothing is paid
	BudgetSpent     Reason = "budget_spent"     // the program has spent what it set aside
	ByDirect        Reason = "outranked_direct" // a click on the product itself won
	ByCode          Reason = "outranked_code"   // a creator's code won
	ByLive          Reason = "outranked_live"   // a touch in the same live session won
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
	BudgetClosed:    "The program's budget was closed to new clicks at the time.",
	IndirectUnpaid:  "It was a click on another product of the brand, and the program pays nothing for that.",
	BudgetSpent:     "The program had spent its budget.",
	ByDirect:        "It was a click on another product of the brand; one on the product itself won.",
	ByCode:          "A creator's code was typed, which comes before any click.",
	ByLive:          "A touch in the same live session won, which comes before an ordinary click.",
	Superseded:      "A later click won.",
	OwnPurchase:     "It counts as the creator's or the brand's own purchase; those earn nobody a commission.",
	NoTouch:         "The buyer came by no creator's click.",
}

// OwnPurchase is what people are told instead of SelfPurchase and BrandMember: which of them it was would
// tell a creator or a brand something about the buyer.
const OwnPurchase Reason = "own_purchase"

// Told returns the reason as anybody but the operator may read it.
func (r Reason) Told() Reason {
	if r == SelfPurchase || r == BrandMember {
		return OwnPurchase
	}
	return r
}

// Sentence returns the reason in words for people.
func (r Reason) Sentence() string { return sentences[r] }

// Decide returns whom the line is owed to by the rule in force, or nobody. It depends on nothing but its
// arguments and not on the order of touches or programs; of two equal ones the later id wins.
func Decide(line Line, touches []Touch, rules Rules) Receipt { return decide2(line, touches, rules) }

// Facts are all that a decision was made of, with the version of the rule that made it: they are stored
// beside the receipt, so that anybody can decide it again.
type Facts struct {
	Version int     `json:"rule_version"`
	Line    Line    `json:"line"`
	Touches []Touch `json:"touches,omitempty"`
	Rules
}

// Decide decides by the version the facts were decided by; an error when this program does not know it.
func (f Facts) Decide() (Receipt, error) {
	switch f.Version {
	case 1:
		return decide1(f.Line, f.Touches, f.Rules), nil
	case 2:
		return decide2(f.Line, f.Touches, f.Rules), nil
	}
	return Receipt{}, fmt.Errorf("attribution: version %d of the rule is not known here", f.Version)
}

// barred returns why a touch may not win whatever the programs are.
func barred(line Line, t Touch) Reason {
	switch {
	case t.At.After(line.PlacedAt):
		return AfterOrder
	case line.BuyerIsMember:
		return BrandMember
	case t.SamePerson || (t.Creator == line.BuyerCreator && t.Creator != ""):
		return SelfPurchase
	case t.CreatorRemoved || t.Creator == "":
		return CreatorRemoved
	case t.Flag != "":
		return Flagged
	case !t.promotingAt(t.At):
		return NotPromoting
	}
	return ""
}

// later reports whether a touch came after another; of one instant, whether its id is later.
func later(a, b Touch) bool {
	if !a.At.Equal(b.At) {
		return a.At.After(b.At)
	}
	return a.Touch > b.Touch
}

func (t Touch) promotingAt(at time.Time) bool {
	return !t.PromotingSince.IsZero() && !t.PromotingSince.After(at) && (t.PromotingUntil.IsZero() || t.PromotingUntil.After(at))
}
