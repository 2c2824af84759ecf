package order

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Times of a return.
const (
	// ReturnWindow is how long after delivery a buyer may ask to return something.
	ReturnWindow = 14 * 24 * time.Hour
	// AnswerWithin is how long a brand may take to answer; then it has agreed.
	AnswerWithin = 48 * time.Hour
	// SendWithin is how long a buyer may take to send an approved return back; then they keep it.
	SendWithin = 14 * 24 * time.Hour
	// ReceiveWithin is how long a brand may take to say that a parcel sent back has come; then it has.
	ReceiveWithin = 14 * 24 * time.Hour
)

// MaxReturns is how many returns of one order may have come to nothing before no more are asked for.
const MaxReturns = 50

// platformActor stands in an order's steps where the platform answered for somebody silent.
const platformActor = "platform"

// ReturnState is where a return stands.
type ReturnState string

// The states of a return.
const (
	ReturnRequested ReturnState = "requested" // the brand has AnswerWithin to answer
	ReturnApproved  ReturnState = "approved"  // the buyer sends it back; or its refund failed, and the brand gives the money back again
	ReturnDeclined  ReturnState = "declined"
	ReturnWithdrawn ReturnState = "withdrawn"
	ReturnRefunded  ReturnState = "refunded"
)

// returnStates is the life of a return.
var returnStates = table[ReturnState]{
	ReturnRequested: {ReturnApproved, ReturnDeclined, ReturnWithdrawn, ReturnRefunded},
	ReturnApproved:  {ReturnDeclined, ReturnWithdrawn, ReturnRefunded},
	ReturnDeclined:  {}, ReturnWithdrawn: {}, ReturnRefunded: {ReturnApproved},
}

var (
	returnIsApproved  = move[ReturnState]{"returns", []ReturnState{ReturnRequested}, ReturnApproved}
	returnIsDeclined  = move[ReturnState]{"returns", []ReturnState{ReturnRequested, ReturnApproved}, ReturnDeclined} // approved: see mayDecline
	returnIsWithdrawn = move[ReturnState]{"returns", []ReturnState{ReturnRequested, ReturnApproved}, ReturnWithdrawn}
	returnIsRefunded  = move[ReturnState]{"returns", []ReturnState{ReturnRequested, ReturnApproved}, ReturnRefunded}
	returnIsOpenAgain = move[ReturnState]{"returns", []ReturnState{ReturnRefunded}, ReturnApproved} // the provider refused its refund
)

// NewReturn is what a buyer asks to return.
type NewReturn struct {
	Lines []ReturnUnits
	Keeps bool // refund only: the goods stay where they are, for what is broken or wrong
}

// ReturnUnits is a number of units of a line, and why.
type ReturnUnits struct {
	Line     id.Line `json:"line_id" maxLength:"40"`
	Quantity int64   `json:"quantity" minimum:"1" maximum:"1000"`
	Reason   string  `json:"reason" maxLength:"300"`
}

// Return is a buyer's wish to give something of one part back.
type Return struct {
	ID        id.Return
	Order     id.Order
	Part      id.Part
	Brand     id.Brand
	Keeps     bool
	State     ReturnState
	Lines     []ReturnUnits
	Note      string // what the brand said
	DecidedBy string
	Carrier   string
	Tracking  string
	SentAt    time.Time
	Refund    id.Refund // of an approved return, the one that the provider refused
	DueAt     time.Time // when the platform answers for whom it waits for: the brand, or the buyer who is to send it
	CreatedAt time.Time
	DecidedAt time.Time
}

// Verdict is what a brand says to a return.
type Verdict string

// The verdicts.
const (
	Approve  Verdict = "approve" // a refund at once where the buyer keeps the goods, else: send it back
	Decline  Verdict = "decline"
	GiveBack Verdict = "refund" // now: it has come back, or may stay
)

// Decision is a brand's answer to a return.
type Decision struct {
	Verdict Verdict
	Note    string // for the buyer; needed to decline
	Restock bool   // of a refund: the goods are back and may be sold again
}

func (in NewReturn) clean() (NewReturn, error) {
	if len(in.Lines) == 0 || len(in.Lines) > MaxCartLines {
		return in, fault.InvalidField("body.lines", "Choose what you send back: 1 to %d lines of the order.", MaxCartLines)
	}
	seen := map[id.Line]bool{}
	for i := range in.Lines {
		u := &in.Lines[i]
		u.Reason = strings.Join(strings.Fields(u.Reason), " ")
		if n := utf8.RuneCountInString(u.Reason); n == 0 || n > MaxReason || !utf8.ValidString(u.Reason) {
			return in, fault.InvalidField("body.lines", "Say of each line why, in 1 to %d characters.", MaxReason)
		}
		if u.Quantity < 1 || seen[u.Line] {
			return in, fault.InvalidField("body.lines", "Name each line once, with a quantity of 1 or more.")
		}
		seen[u.Line] = true
	}
	return in, nil
}

// Return asks the brand to take units of a delivered part back, within ReturnWindow. Until it is settled
// the part is not released. Conflict: not delivered yet, too late, or more than the buyer still has.
func (o *Orders) Return(ctx context.Context, who account.Asker, ord id.Order, in NewReturn) (Return, error) {
	in, err := in.clean()
	if err != nil {
		return Return{}, err
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (Return, error) {
		if err := lock(tx, ord); err != nil {
			return Return{}, err
		}
		full, err := orderOfBuyer(tx, who, ord)
		if err != nil {
			return Return{}, err
		}
		if err := full.undisputed(); err != nil {
			return Return{}, err
		}
		part, err := partToReturn(tx, &full, in)
		if err != nil {
			return Return{}, err
		}
		var idle int64
		if err := tx.Row(`SELECT COUNT(*) FROM returns WHERE order_id = $1 AND state IN ('withdrawn','declined')`, ord).Scan(&idle); err != nil {
			return Return{}, err
		}
		if idle >= MaxReturns {
			return Return{}, fault.New(fault.Conflict, "%d returns of this order came to nothing. Ask the operator.", MaxReturns).WithType("too_many")
		}
		r := Return{Order: ord, Part: part.ID, Brand: part.Brand, Keeps: in.Keeps, State: ReturnRequested, Lines: in.Lines,
			CreatedAt: tx.Now(), DueAt: tx.Now().Add(AnswerWithin)}
		r.ID = r.ID.Next(tx.Now())
		if err := r.insert(tx); err != nil {
			return Return{}, err
		}
		if err := event.Emit(tx, event.ReturnRequested{ReturnState: r.state(&full)}); err != nil {
			return Return{}, err
		}
		return r, addStep(tx, ord, part.ID, "return_requested", in.Lines[0].Reason, who.Actor())
	})
}

func partToReturn(tx *db.Tx, full *Order, in NewReturn) (*Part, error) {
	var part *Part
	for _, u := range in.Lines {
		l := full.line(u.Line)
		if l == nil {
			return nil, missing("line in this order")
		}
		if p := full.part(l.Part); part != nil && part.ID != p.ID {
			return nil, fault.InvalidField("body.lines", "Return what came from one brand at a time.")
		} else {
			part = p
		}
		asked, err := returning(tx, u.Line)
		if err != nil {
			return nil, err
		}
		if left := l.Left() - asked; u.Quantity > left {
			return nil, fault.New(fault.Conflict, "Of %s, %d of %d are left to return.", l.Title, max(0, left), l.Quantity).WithType("over_refund")
		}
	}
	switch {
	case part.State == Paid || part.State == Shipped:
		return nil, fault.New(fault.Conflict, "It has not arrived yet, so it cannot be returned.").WithType("wrong_state")
	case part.State != Delivered || tx.Now().After(part.DeliveredAt.Add(ReturnWindow)):
		return nil, fault.New(fault.Conflict, "The %d days to return it have passed. Ask the seller by e-mail.", int(ReturnWindow.Hours()/24)).WithType("wrong_state")
	}
	return part, nil
}

// DecideReturn is the brand's answer. A refund is booked with it and then asked of the provider. Conflict
// when it has been settled already.
func (o *Orders) DecideReturn(ctx context.Context, who account.Asker, rid id.Return, in Decision) (Return, error) {
	in.Note = strings.Join(strings.Fields(in.Note), " ")
	if n := utf8.RuneCountInString(in.Note); n > MaxReason || in.Verdict == Decline && n == 0 {
		return Return{}, fault.InvalidField("body.note", "Say why, in 1 to %d characters: the buyer reads it.", MaxReason)
	}
	out, err := db.Do(ctx, o.db, func(tx *db.Tx) (Return, error) {
		r, full, err := returnLocked(tx, rid)
		if err != nil {
			return Return{}, err
		}
		if !who.Member(r.Brand) && !who.Operator {
			return Return{}, missing("return")
		}
		if who.Member(r.Brand) {
			if err := who.OfBrand(r.Brand, account.OrdersWrite); err != nil {
				return Return{}, err
			}
		}
		return o.decideReturn(tx, &full, r, in, refunderOf(who, r.Brand))
	})
	if err != nil || out.Refund == "" {
		return out, err
	}
	ctx = db.WithoutKey(ctx)
	if err := o.settleRefund(ctx, out.Refund); err != nil {
		o.logger.Warn("a refund waits for the provider", "refund", out.Refund, "error", err)
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (Return, error) { return returnOf(tx, rid) }) // open again where it was refused
}

func (o *Orders) decideReturn(tx *db.Tx, full *Order, r Return, in Decision, by refunder) (Return, error) {
	r.Note, r.DecidedBy, r.DecidedAt, r.DueAt = in.Note, by.actor, tx.Now(), time.Time{}
	var to move[ReturnState]
	switch {
	case in.Verdict == Decline:
		to = returnIsDeclined
	case in.Verdict == Approve && !r.Keeps:
		to, r.DueAt = returnIsApproved, tx.Now().Add(SendWithin)
	case in.Verdict == Approve, in.Verdict == GiveBack:
		to = returnIsRefunded
	default:
		return r, fault.InvalidField("body.decision", "Say approve, decline or refund.")
	}
	if !to.allows(r.State) || to.to == ReturnDeclined && !r.mayDecline(by) {
		return r, fault.New(fault.Conflict, "This return is %s already.", r.State).WithType("wrong_state")
	}
	due, again := r, r.Refund != ""
	if again && to.to == ReturnRefunded {
		var err error
		if due.Lines, err = r.askAgain(tx); err != nil {
			return r, err
		}
		r.Refund = ""
	}
	if refund := due.refund(full, in.Restock); to.to == ReturnRefunded && len(refund.Lines) > 0 {
		var err error
		if r.Refund, err = o.bookRefund(tx, full, full.part(r.Part), refund, by); err != nil {
			return r, err
		}
	}
	r.State = to.to
	if err := r.store(tx, to); err != nil {
		return r, err
	}
	if err := r.tellDecided(tx, full, by, again); err != nil {
		return r, err
	}
	return r, addStep(tx, r.Order, r.Part, "return_"+string(to.to), in.Note, by.actor)
}

// mayDecline reports whether a return may still be declined: before it was agreed, or, by the operator, when its
// refund has failed and the buyer was paid another way.
func (r *Return) mayDecline(by refunder) bool {
	return r.State == ReturnRequested || r.Refund != "" && by.by == byOperator
}

// refund is what a return gives back: its units, less those that were refunded otherwise meanwhile. Its
// lines may be none then.
func (r *Return) refund(full *Order, restock bool) NewRefund {
	refund := NewRefund{Part: r.Part, Reason: "Returned: ", Restock: &restock}
	if len(r.Lines) > 0 {
		refund.Reason += r.Lines[0].Reason
	}
	for _, u := range r.Lines {
		if n := min(u.Quantity, full.line(u.Line).Left()); n > 0 {
			refund.Lines = append(refund.Lines, Units{Line: u.Line, Quantity: n})
		}
	}
	if long := []rune(refund.Reason); len(long) > MaxReason {
		refund.Reason = string(long[:MaxReason])
	}
	return refund
}

// BrandReturns returns a brand's returns in the state ("" any), newest first, from after one of them, at
// most limit.
func (o *Orders) BrandReturns(ctx context.Context, who account.Asker, brand id.Brand, state ReturnState, after id.Return, limit int) ([]Return, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return nil, err
	}
	if _, known := returnStates[state]; state != "" && !known {
		return nil, fault.InvalidField("query.state", "A return is requested, approved, declined, withdrawn or refunded.")
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Return, error) {
		return returnsWhere(tx, `r.brand_id = $1 AND ($2 = '' OR r.state = $2) AND ($3 = '' OR r.id < $3) ORDER BY r.id DESC LIMIT $4`,
			string(brand), string(state), string(after), int64(min(max(limit, 1), MaxPage+1)))
	})
}

// BrandReturnCounts returns how many of a brand's returns stand in each state.
func (o *Orders) BrandReturnCounts(ctx context.Context, who account.Asker, brand id.Brand) (map[ReturnState]int64, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (map[ReturnState]int64, error) {
		return counted(tx, func(s string) ReturnState { return ReturnState(s) }, `SELECT state, COUNT(*) FROM returns WHERE brand_id = $1 GROUP BY state`, string(brand))
	})
}

// MyReturn returns a return of an order of the asker's; Missing for anybody else.
func (o *Orders) MyReturn(ctx context.Context, who account.Asker, rid id.Return) (Return, error) {
	return db.Get(ctx, o.db, func(tx *db.Tx) (Return, error) {
		list, err := returnsWhere(tx, `r.id = $1`, rid)
		if err == nil && len(list) == 0 {
			err = missing("return")
		}
		if err != nil {
			return Return{}, err
		}
		full, err := headWhere(tx, `id = $1`, string(list[0].Order))
		if err == nil && !owns(who, full.Viewer, full.Account) {
			err = missing("return")
		}
		return list[0], err
	})
}

// SendReturn notes that the buyer has sent an approved return back: from then on the brand has
// ReceiveWithin to say that it came.
func (o *Orders) SendReturn(ctx context.Context, who account.Asker, rid id.Return, carrier, tracking string) (Return, error) {
	carrier, tracking = strings.TrimSpace(carrier), strings.TrimSpace(tracking)
	if carrier == "" || len(carrier) > MaxCarrier || len(tracking) > MaxCarrier {
		return Return{}, fault.InvalidField("body.carrier", "Name the carrier, in at most %d characters.", MaxCarrier)
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (Return, error) {
		r, full, err := returnLocked(tx, rid)
		if err != nil {
			return Return{}, err
		}
		if !owns(who, full.Viewer, full.Account) {
			return Return{}, missing("return")
		}
		if r.State != ReturnApproved || !r.SentAt.IsZero() || r.Refund != "" {
			says := fault.New(fault.Conflict, "This return is %s: there is nothing to send.", r.State)
			switch {
			case r.Refund != "" && r.State == ReturnApproved:
				says = fault.New(fault.Conflict, "There is nothing to send: the payment provider refused to give the money back, and the seller is to do it again.")
			case r.State == ReturnApproved:
				says = fault.New(fault.Conflict, "You have said already that it is on its way.")
			}
			return Return{}, says.WithType("wrong_state")
		}
		r.Carrier, r.Tracking, r.SentAt, r.DueAt = carrier, tracking, tx.Now(), tx.Now().Add(ReceiveWithin)
		_, err = tx.Exec(`UPDATE returns SET carrier = $1, tracking = $2, sent_at = $3, due_at = $4 WHERE id = $5`, carrier, tracking, db.Micros(r.SentAt), db.Micros(r.DueAt), rid)
		if err != nil {
			return Return{}, err
		}
		if err := event.Emit(tx, event.ReturnSent{ReturnState: r.state(&full), Carrier: carrier, Tracking: tracking}); err != nil {
			return Return{}, err
		}
		return r, addStep(tx, r.Order, r.Part, "return_sent", carrier+" "+tracking, who.Actor())
	})
}

// WithdrawReturn takes a return back that is not settled yet.
func (o *Orders) WithdrawReturn(ctx context.Context, who account.Asker, rid id.Return) (Return, error) {
	return db.Do(ctx, o.db, func(tx *db.Tx) (Return, error) {
		r, full, err := returnLocked(tx, rid)
		if err != nil {
			return Return{}, err
		}
		if !owns(who, full.Viewer, full.Account) {
			return Return{}, missing("return")
		}
		if !returnIsWithdrawn.allows(r.State) {
			return Return{}, fault.New(fault.Conflict, "This return is %s already.", r.State).WithType("wrong_state")
		}
		return r, o.dropReturn(tx, &full, &r, who.Actor())
	})
}

// answerReturns answers for those whose time to answer is over: a return is approved, one the buyer has
// sent back is refunded, and one the buyer has not sent is taken back.
func (o *Orders) answerReturns(ctx context.Context) error {
	list, err := due[id.Return](ctx, o, o.clock.Now(), `SELECT id FROM returns WHERE state IN ('requested','approved') AND due_at > 0 AND due_at <= $1 AND`+notDisputed("returns.order_id")+`ORDER BY due_at LIMIT $2`)
	for _, rid := range list {
		err = errors.Join(err, o.answerReturn(ctx, rid))
	}
	return err
}

func (o *Orders) answerReturn(ctx context.Context, rid id.Return) error {
	var out Return
	err := o.db.Write(ctx, func(tx *db.Tx) error {
		out = Return{} // of a run before, which was undone
		r, full, err := returnLocked(tx, rid)
		if err != nil || r.DueAt.IsZero() || r.DueAt.After(tx.Now()) {
			return err
		}
		if put, err := later(tx, "returns", string(r.ID), r.Refund, r.Order, r.Part, AnswerWithin); put || err != nil {
			return err
		}
		switch {
		case r.Refund != "":
			out, err = o.decideReturn(tx, &full, r, Decision{Verdict: GiveBack, Note: r.Note}, refunder{platformActor, byOperator})
		case r.State == ReturnRequested:
			out, err = o.decideReturn(tx, &full, r, Decision{Verdict: Approve, Note: "The seller did not answer in time."}, refunder{platformActor, byOperator})
		case r.SentAt.IsZero():
			r.Note = "It was not sent back in time."
			return o.dropReturn(tx, &full, &r, platformActor)
		default:
			out, err = o.decideReturn(tx, &full, r, Decision{Verdict: GiveBack, Note: "The seller did not say in time whether it came."}, refunder{platformActor, byOperator})
		}
		return err
	})
	if err != nil || out.Refund == "" {
		return err
	}
	return o.settleRefund(ctx, out.Refund)
}

// dropReturn takes a return back that is not settled yet.
func (o *Orders) dropReturn(tx *db.Tx, full *Order, r *Return, actor string) error {
	r.State, r.DueAt, r.DecidedAt, r.DecidedBy = ReturnWithdrawn, time.Time{}, tx.Now(), actor
	if err := r.store(tx, returnIsWithdrawn); err != nil {
		return err
	}
	if err := event.Emit(tx, event.ReturnWithdrawn{ReturnState: r.state(full)}); err != nil {
		return err
	}
	return addStep(tx, r.Order, r.Part, "return_withdrawn", r.Note, actor)
}
