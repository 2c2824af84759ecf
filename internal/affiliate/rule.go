package affiliate

import (
	"cmp"
	"slices"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// The rule in force: the last eligible touch of a line's product wins it whole.
const (
	RuleName    = "last_touch"
	RuleVersion = 1
)

// TouchKind is how a creator was followed to a product.
type TouchKind string

// The kinds of touch.
const (
	TouchClick TouchKind = "click" // opened the product from content
	TouchCart  TouchKind = "cart"  // put it into the cart from content
	TouchLink  TouchKind = "link"  // came by the creator's link
	TouchCode  TouchKind = "code"  // typed the creator's code
)

// precedence orders touches of the same moment: the more deliberate one wins.
func (k TouchKind) precedence() int {
	return slices.Index([]TouchKind{TouchClick, TouchCart, TouchLink, TouchCode}, k)
}

// Why says why a touch did not win, or why a line is owed to nobody.
type Why string

// The reasons, in the order they are looked at.
const (
	Won            Why = ""
	Robot          Why = "robot"           // the click was not a person's
	OwnPurchase    Why = "own_purchase"    // the creator bought it
	BrandMember    Why = "brand_member"    // a member of the brand bought it
	CreatorRemoved Why = "creator_removed" // the creator's account is removed
	NotPromoting   Why = "not_promoting"   // it was not on the creator's shelf at the click
	NoProgram      Why = "no_program"      // no program covered creator and product at the click
	OutsideWindow  Why = "outside_window"  // the click is older than the program's window
	BudgetSpent    Why = "budget_spent"    // the program has spent what it set aside
	LaterTouch     Why = "later_touch"     // another eligible touch came after it
	NoTouch        Why = "no_touch"        // of a line: nobody led the buyer here
)

// Says returns the reason as a sentence for people.
func (w Why) Says() string {
	switch w {
	case Won:
		return "The last eligible touch before the order."
	case Robot:
		return "This click was not a person's."
	case OwnPurchase:
		return "Creators earn nothing on what they buy themselves."
	case BrandMember:
		return "Nobody earns on what members of the brand buy."
	case CreatorRemoved:
		return "The creator's account was removed."
	case NotPromoting:
		return "The product was not in the creator's showcase at the time."
	case NoProgram:
		return "No program of the brand covered the creator and the product at the time."
	case OutsideWindow:
		return "The click is older than the program's window."
	case BudgetSpent:
		return "The program has spent its budget."
	case LaterTouch:
		return "Another eligible touch came after it."
	default:
		return "Nobody led the buyer here."
	}
}

// touch is one candidate with all the facts that can make it lose.
type touch struct {
	id       id.Touch
	creator  id.Creator
	product  id.Product
	kind     TouchKind
	video    id.Video
	showcase id.Showcase
	surface  string
	request  id.Request
	slot     int64
	flag     string
	at       time.Time
	accepted time.Time // when the creator put the product on the shelf; zero: never
	dropped  time.Time // when it was taken off; zero: it is there
	own      bool      // the buyer is the creator
	removed  bool      // the creator's account is removed
	ownBrand bool      // the creator is a member of the product's brand
}

// promoting returns since when the creator had the product on the shelf at the click; a brand's own
// members need no shelf.
func (t *touch) promoting() (since time.Time, ok bool) {
	shelved := !t.accepted.IsZero() && !t.accepted.After(t.at) && (t.dropped.IsZero() || t.at.Before(t.dropped))
	if shelved {
		return t.accepted, true
	}
	return time.Time{}, t.ownBrand
}

// question is one line to decide.
type question struct {
	line     id.Line
	brand    id.Brand
	product  id.Product
	base     money.Amount
	placed   time.Time
	at       time.Time // of the sale
	insider  bool      // the buyer is a member of the brand
	touches  []touch
	programs []*facts
}

// verdict is one touch with why it lost.
type verdict struct {
	touch   touch
	why     Why
	program *facts
	term    Term
}

// judge decides a line. It is a function of values alone: the same facts give the same receipt for
// ever. Touches come back newest first; the winner, if any, is the one without a reason.
func judge(q question) []verdict {
	touches := slices.Clone(q.touches)
	slices.SortFunc(touches, func(a, b touch) int {
		return -cmp.Or(a.at.Compare(b.at), cmp.Compare(a.kind.precedence(), b.kind.precedence()), cmp.Compare(a.id, b.id))
	})
	verdicts := make([]verdict, len(touches))
	won := false
	for i := range touches {
		v := q.weigh(touches[i])
		if v.why == Won && won {
			v.why = LaterTouch
		}
		won = won || v.why == Won
		verdicts[i] = v
	}
	return verdicts
}

// weigh says whether one touch could win the line, were it alone.
func (q *question) weigh(t touch) verdict {
	v := verdict{touch: t}
	since, promoting := t.promoting()
	switch {
	case t.flag == flagRobot:
		v.why = Robot
	case t.own || t.flag == flagOwn:
		v.why = OwnPurchase
	case q.insider:
		v.why = BrandMember
	case t.removed:
		v.why = CreatorRemoved
	case !promoting:
		v.why = NotPromoting
	}
	if v.why != Won {
		return v
	}
	v.program, v.term = bestOf(q.programs, q.brand, t.creator, t.product, since, t.at, q.at)
	switch {
	case v.program == nil:
		v.why = NoProgram
	case q.placed.Sub(t.at) > v.term.Window:
		v.why = OutsideWindow
	case v.program.budget > 0 && v.program.spent+upTo(q.base, v.term.Rate) > v.program.budget:
		v.why = BudgetSpent
	}
	return v
}

// upTo is the most a rate can come to on a base, however the shares are rounded.
func upTo(base money.Amount, rate money.Bps) int64 {
	return rate.Of(base.Minor) + 1
}
