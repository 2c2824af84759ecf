package order

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// MaxReason is the longest reason of a refund, in characters.
const MaxReason = 300

// RefundState is where a refund stands.
type RefundState string

// The states of a refund.
const (
	RefundRequested RefundState = "requested" // booked, and asked of the provider
	RefundConfirmed RefundState = "confirmed" // the provider gives the money back
	RefundFailed    RefundState = "failed"    // the provider refused it; everything is booked back
)

// NewRefund is what of an order's part is to be given back.
type NewRefund struct {
	Part     id.Part // only where no line says it
	Lines    []Units
	Shipping bool
	Reason   string // for the buyer to read
	// Restock says which units go back on the shelf: all (true), none (false), or, unsaid, those never sent.
	Restock *bool
}

// Units is a number of units of a line.
type Units struct {
	Line     id.Line `json:"line_id" maxLength:"40"`
	Quantity int64   `json:"quantity" minimum:"1" maximum:"1000"`
}

// Refund is money of one part given back to its buyer.
type Refund struct {
	ID         id.Refund
	Order      id.Order
	Part       id.Part
	Brand      id.Brand
	Amount     money.Amount // what the buyer gets
	Shipping   money.Amount // of it, with its tax
	Lines      []RefundLine
	Reason     string
	ByOperator bool
	State      RefundState
	Failure    string // why the provider refused
	// What it takes back of whom: Amount is their sum. Owed of it was not available any more.
	FromBrand, Commission, Fee, Tax money.Amount
	Owed                            money.Amount
	CreatedAt                       time.Time
	SettledAt                       time.Time // confirmed or failed

	payment               id.Payment
	withShipping          bool
	shippingNet           int64
	shippingTax           int64
	shippingMargin        int64 // of shippingNet, what the platform had kept beside its labels
	fromPurse             bool  // of its brand, what labels had cost
	full                  bool
	wasShipped, wasEarned bool
	wasReleased           bool
}

// RefundLine is what a refund takes back of a line.
type RefundLine struct {
	Line      id.Line
	Quantity  int64
	Restocked int64
	Amount    money.Amount // what the buyer gets for it, taxes included
	back      Back
}

// lines are the lines it takes something back of.
func (r *Refund) lines() []id.Line {
	lines := make([]id.Line, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = l.Line
	}
	return lines
}

func (in NewRefund) clean() (NewRefund, error) {
	in.Reason = strings.Join(strings.Fields(in.Reason), " ")
	if n := utf8.RuneCountInString(in.Reason); n == 0 || n > MaxReason || !utf8.ValidString(in.Reason) || strings.ContainsRune(in.Reason, 0) {
		return in, fault.InvalidField("body.reason", "Say why, in 1 to %d characters: the buyer reads it.", MaxReason)
	}
	if len(in.Lines) == 0 && !in.Shipping {
		return in, fault.InvalidField("body.lines", "Say what to refund: units of lines, the shipping, or both.")
	}
	if len(in.Lines) > MaxCartLines {
		return in, fault.InvalidField("body.lines", "An order has at most %d lines.", MaxCartLines)
	}
	seen := map[id.Line]bool{}
	for _, u := range in.Lines {
		if u.Quantity < 1 {
			return in, fault.InvalidField("body.lines", "A quantity is 1 or more.")
		}
		if seen[u.Line] {
			return in, fault.InvalidField("body.lines", "A line is named twice: give each once, with its quantity.")
		}
		seen[u.Line] = true
	}
	return in, nil
}

// Refund gives the buyer back what was paid for units of a brand's part, for its shipping, or both: any
// share of it, at any time, always from the frozen lines. The brand refunds its own part, the operator
// any. It is booked first and then asked of the provider, outside any transaction and under the refund's
// own key; what a crash or a silent provider leaves, the sweep finishes. Conflict: more than is left,
// shipping for the second time, or an order that was cancelled.
func (o *Orders) Refund(ctx context.Context, who account.Asker, ord id.Order, in NewRefund) (Refund, error) {
	in, err := in.clean()
	if err != nil {
		return Refund{}, err
	}
	made, err := db.Do(ctx, o.db, func(tx *db.Tx) (id.Refund, error) { return o.refund(tx, who, ord, in) })
	if err != nil {
		return Refund{}, err
	}
	ctx = db.WithoutKey(ctx)
	if err := o.settleRefund(ctx, made); err != nil {
		o.logger.Warn("a refund waits for the provider", "refund", made, "error", err) // the sweep asks again
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (Refund, error) { return refundOf(tx, made) })
}

// refund books a refund: who may, what it takes from whom, and everything that follows, in one transaction.
func (o *Orders) refund(tx *db.Tx, who account.Asker, ord id.Order, in NewRefund) (id.Refund, error) {
	full, err := loadLocked(tx, ord)
	if err != nil {
		return "", err
	}
	part, err := partToRefund(who, &full, in)
	if err != nil {
		return "", err
	}
	return o.bookRefund(tx, &full, part, in, refunderOf(who, part.Brand))
}

// canceller is by whose doing a part was called off.
type canceller string

// The cancellers. A brand answers for its own and for what it did not send in time.
const (
	byBuyer    canceller = "buyer"
	byTheBrand canceller = "brand"
	byOperator canceller = "operator"
	byLateness canceller = "late"
	byTheBank  canceller = "bank" // it gave the buyer everything back
)

// refunder is who gives money back, and what it counts as when nothing of a part is left to send.
type refunder struct {
	actor string
	by    canceller
}

func refunderOf(who account.Asker, brand id.Brand) refunder {
	if who.Member(brand) {
		return refunder{who.Actor(), byTheBrand}
	}
	return refunder{who.Actor(), byOperator}
}

// bookRefund books a refund that was decided on.
func (o *Orders) bookRefund(tx *db.Tx, full *Order, part *Part, in NewRefund, by refunder) (id.Refund, error) {
	if err := full.undisputed(); err != nil {
		return "", err
	}
	r, err := o.reckon(full, part, in)
	if err != nil {
		return "", err
	}
	r.ID, r.Reason, r.CreatedAt, r.ByOperator = r.ID.Next(tx.Now()), in.Reason, tx.Now(), by.by != byTheBrand
	if r.payment, err = claimRefund(tx, full.ID, r.Amount.Minor); err != nil {
		return "", err
	}
	for i := range r.Lines {
		if err := restock(tx, full, &r.Lines[i], in.Restock); err != nil {
			return "", err
		}
	}
	transfers, err := o.refundTransfers(tx, full, part, &r)
	if err != nil {
		return "", err
	}
	if err := r.insert(tx, by.actor); err != nil {
		return "", err
	}
	if err := r.apply(tx, 1); err != nil {
		return "", err
	}
	if err := post(tx, transfers, nil); err != nil {
		return "", err
	}
	if !r.Owed.IsZero() {
		if err := DrawReserve(tx, string(r.ID), r.Brand, r.Amount.Currency); err != nil {
			return "", err
		}
	}
	if err := addStep(tx, full.ID, part.ID, "refund", r.Amount.String()+": "+r.Reason, by.actor); err != nil {
		return "", err
	}
	if by.by == byLateness {
		if err := affiliate.BrandCancelled(tx, r.lines()); err != nil {
			return "", err
		}
	}
	return r.ID, o.moveOn(tx, full.ID, part.ID, by.by)
}

// partToRefund finds the part a refund is of: the one its lines are in, or the only one the asker may
// refund. Missing for whoever is neither of the brand nor the operator.
func partToRefund(who account.Asker, full *Order, in NewRefund) (*Part, error) {
	var may []*Part
	for i := range full.Parts {
		if who.Operator || who.Member(full.Parts[i].Brand) {
			may = append(may, &full.Parts[i])
		}
	}
	if len(may) == 0 || full.PaidAt.IsZero() {
		return nil, missing("order")
	}
	part, err := partNamed(full, may, in)
	if err != nil {
		return nil, err
	}
	if !who.Operator || who.Member(part.Brand) {
		if err := who.OfBrand(part.Brand, account.OrdersWrite); err != nil {
			return nil, err
		}
	} else if err := who.May(account.OrdersWrite); err != nil {
		return nil, err
	}
	if full.State == Cancelled && full.ClosedReason == "cancelled" {
		return nil, fault.New(fault.Conflict, "This order was cancelled, and everything paid was given back then.").WithType("wrong_state")
	}
	return part, nil
}

func partNamed(full *Order, may []*Part, in NewRefund) (*Part, error) {
	named := map[id.Part]bool{}
	if in.Part != "" {
		named[in.Part] = true
	}
	for _, u := range in.Lines {
		found := false
		for _, l := range full.Lines {
			if l.ID == u.Line {
				named[l.Part], found = true, true
			}
		}
		if !found {
			return nil, missing("line in your part of this order")
		}
	}
	if len(named) == 0 && len(may) == 1 {
		return may[0], nil
	}
	if len(named) != 1 {
		return nil, fault.InvalidField("body.part_id", "Refund one brand's part of the order at a time: name its lines, or the part.")
	}
	for _, p := range may {
		if named[p.ID] {
			return p, nil
		}
	}
	return nil, missing("line in your part of this order")
}
