package order

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Times of a claim.
const (
	// TransitDays is how long a parcel may be on its way where the brand has not said how long it takes.
	TransitDays = 10
	// ProofWithin is how long a brand may take to prove that a part arrived; then the buyer gets the money.
	ProofWithin = 72 * time.Hour
	// ProofRests is how long a part is held at least after its delivery was proven: the buyer can turn to the
	// operator until then.
	ProofRests = 72 * time.Hour
)

// MaxClaims is how many claims of one order may have been withdrawn before no more are made.
const MaxClaims = 10

// Bounds of what is said of a claim, in characters.
const (
	MinProof = 10
	MaxProof = 1000
)

// ClaimState is where a claim stands.
type ClaimState string

// The states of a claim.
const (
	ClaimOpen      ClaimState = "open"      // the brand has ProofWithin to answer, or, after a refund that failed, to give the money back again
	ClaimProven    ClaimState = "proven"    // the brand has proven that it arrived
	ClaimRefunded  ClaimState = "refunded"  // by the brand, by its silence, or by the operator against its proof
	ClaimWithdrawn ClaimState = "withdrawn" // it came after all
)

// claimStates is the life of a claim.
var claimStates = table[ClaimState]{
	ClaimOpen:     {ClaimProven, ClaimRefunded, ClaimWithdrawn},
	ClaimProven:   {ClaimRefunded, ClaimWithdrawn},
	ClaimRefunded: {ClaimOpen}, ClaimWithdrawn: {},
}

var (
	claimIsProven    = move[ClaimState]{"claims", []ClaimState{ClaimOpen}, ClaimProven}
	claimIsRefunded  = move[ClaimState]{"claims", []ClaimState{ClaimOpen, ClaimProven}, ClaimRefunded}
	claimIsWithdrawn = move[ClaimState]{"claims", []ClaimState{ClaimOpen, ClaimProven}, ClaimWithdrawn}
	claimIsOpenAgain = move[ClaimState]{"claims", []ClaimState{ClaimRefunded}, ClaimOpen} // the provider refused its refund
)

// Claim is a buyer's word that a part never came.
type Claim struct {
	ID        id.Claim
	Order     id.Order
	Part      id.Part
	Brand     id.Brand
	State     ClaimState
	Says      string // the buyer
	Proof     string // the brand, of the delivery
	DecidedBy string
	Refund    id.Refund // of an open claim, the one that the provider refused
	DueAt     time.Time // when the platform answers for a silent brand
	CreatedAt time.Time
	SettledAt time.Time
}

// NewClaim is what a buyer says of a part that has not come.
type NewClaim struct {
	Part id.Part // may be left out where the order has one part
	Says string
}

// ClaimableAt returns when a buyer may say first that a part has not come: once its promised days are over,
// at once where the brand says that it has; zero while there is nothing to miss.
func (p Part) ClaimableAt() time.Time {
	switch p.State {
	case Delivered:
		return p.DeliveredAt
	case Shipped:
		days := p.TransitDays
		if days == 0 {
			days = TransitDays
		}
		return p.ShippedAt.AddDate(0, 0, int(days))
	}
	return time.Time{}
}

func sentence(s, field string, least, most int) (string, error) {
	s = strings.Join(strings.Fields(s), " ")
	if n := utf8.RuneCountInString(s); n < least || n > most || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return s, fault.InvalidField(field, "Say it in %d to %d characters.", least, most)
	}
	return s, nil
}

// Claim notes that a part never came: it is not released until the brand has proven that it did, or the
// buyer has the money back. Conflict: too early, released, refunded, or claimed already.
func (o *Orders) Claim(ctx context.Context, who account.Asker, ord id.Order, in NewClaim) (Claim, error) {
	says, err := sentence(in.Says, "body.says", 1, MaxReason)
	if err != nil {
		return Claim{}, err
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (Claim, error) {
		if err := lock(tx, ord); err != nil {
			return Claim{}, err
		}
		full, err := orderOfBuyer(tx, who, ord)
		if err != nil {
			return Claim{}, err
		}
		if err := full.undisputed(); err != nil {
			return Claim{}, err
		}
		part, err := partToClaim(tx, &full, in.Part)
		if err != nil {
			return Claim{}, err
		}
		var idle int64
		if err := tx.Row(`SELECT COUNT(*) FROM claims WHERE order_id = $1 AND state = 'withdrawn'`, ord).Scan(&idle); err != nil {
			return Claim{}, err
		}
		if idle >= MaxClaims {
			return Claim{}, fault.New(fault.Conflict, "%d claims of this order were withdrawn. Ask the operator.", MaxClaims).WithType("too_many")
		}
		c := Claim{Order: ord, Part: part.ID, Brand: part.Brand, State: ClaimOpen, Says: says, CreatedAt: tx.Now(), DueAt: tx.Now().Add(ProofWithin)}
		c.ID = c.ID.Next(tx.Now())
		if err := c.insert(tx); err != nil {
			return Claim{}, err
		}
		return c, addStep(tx, ord, part.ID, "not_received", says, who.Actor())
	})
}

func partToClaim(tx *db.Tx, full *Order, named id.Part) (*Part, error) {
	if named == "" && len(full.Parts) == 1 {
		named = full.Parts[0].ID
	}
	part := full.part(named)
	if part == nil {
		return nil, missing("part of this order")
	}
	switch from := part.ClaimableAt(); {
	case part.State == Completed:
		return nil, fault.New(fault.Conflict, "The brand has been paid for it. Ask the operator.").WithType("wrong_state")
	case from.IsZero():
		return nil, fault.New(fault.Conflict, "It has not been sent. What is not sent in time is cancelled, and what you paid goes back.").WithType("wrong_state")
	case tx.Now().Before(from):
		return nil, fault.New(fault.Conflict, "It may still be on its way. You can say so from %s on.", from.UTC().Format("2 January 2006")).WithType("too_early")
	}
	if len(left(full, part)) == 0 {
		return nil, fault.New(fault.Conflict, "All of it was refunded.").WithType("over_refund")
	}
	if open, err := returned(tx, part.ID); err != nil || open {
		if open {
			err = fault.New(fault.Conflict, "You have asked to return something of it: so it came.").WithType("wrong_state")
		}
		return nil, err
	}
	return part, nil
}

// left is what of a part was not refunded.
func left(full *Order, part *Part) (units []Units) {
	for _, l := range full.linesOf(part.ID) {
		if l.Left() > 0 {
			units = append(units, Units{Line: l.ID, Quantity: l.Left()})
		}
	}
	return units
}

// AnswerClaim is the brand's answer: proof of the delivery, or, without one, the money back. The operator may
// give the money back against a proof. Conflict when it is settled.
func (o *Orders) AnswerClaim(ctx context.Context, who account.Asker, cid id.Claim, proof string, giveBack bool) (Claim, error) {
	out, err := db.Do(ctx, o.db, func(tx *db.Tx) (Claim, error) {
		c, full, err := claimLocked(tx, cid)
		if err != nil {
			return Claim{}, err
		}
		if !who.Member(c.Brand) && !who.Operator {
			return Claim{}, missing("claim")
		}
		if who.Member(c.Brand) {
			if err := who.OfBrand(c.Brand, account.OrdersWrite); err != nil {
				return Claim{}, err
			}
		}
		if c.State == ClaimProven && !who.Operator && giveBack {
			return Claim{}, fault.New(fault.Conflict, "You have proven the delivery. Refund the order instead, if you think otherwise now.").WithType("wrong_state")
		}
		if giveBack {
			return o.refundClaim(tx, &full, c, refunderOf(who, c.Brand))
		}
		if c.State == ClaimOpen && c.Refund != "" && !who.Operator {
			return Claim{}, fault.New(fault.Conflict, "The money was to go back, and the payment provider refused it. Give it back again, or ask the operator.").WithType("wrong_state")
		}
		said, err := sentence(proof, "body.proof", MinProof, MaxProof)
		if err != nil {
			return Claim{}, err
		}
		return o.proveClaim(tx, &full, c, said, who)
	})
	if err != nil || out.Refund == "" {
		return out, err
	}
	ctx = db.WithoutKey(ctx)
	if err := o.settleRefund(ctx, out.Refund); err != nil {
		o.logger.Warn("a refund waits for the provider", "refund", out.Refund, "error", err)
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (Claim, error) { return claimOf(tx, cid) }) // open again where it was refused
}

// proveClaim takes the brand's proof: what it did not say to have arrived has, and the part rests before it
// is released.
func (o *Orders) proveClaim(tx *db.Tx, full *Order, c Claim, proof string, who account.Asker) (Claim, error) {
	c.Proof, c.DecidedBy = proof, who.Actor()
	if err := c.settle(tx, claimIsProven); err != nil {
		return c, err
	}
	if err := addStep(tx, c.Order, c.Part, "delivery_proven", proof, who.Actor()); err != nil {
		return c, err
	}
	return c, o.proven(tx, full.ID, c.Part, who, tx.Now().Add(ProofRests))
}

// proven notes that a part has arrived, not by the brand's word alone; it is not released before a moment.
func (o *Orders) proven(tx *db.Tx, ord id.Order, pid id.Part, who account.Asker, least time.Time) error {
	if _, err := tx.Exec(`UPDATE order_parts SET proven = 1, version = version + 1 WHERE id = $1`, pid); err != nil {
		return err
	}
	open, err := shipmentsWhere(tx, `s.part_id = $1`, string(pid))
	if err != nil {
		return err
	}
	for _, s := range open {
		if !parcelArrives.allows(s.State) {
			continue
		}
		if _, err := tx.Exec(parcelArrives.update(`delivered_at = $1`)+`id = $2`, db.Micros(tx.Now()), s.ID); err != nil {
			return err
		}
		if err := o.arrived(tx, who, s); err != nil {
			return err
		}
	}
	full, err := loadOrder(tx, ord)
	if err != nil {
		return err
	}
	part := full.part(pid)
	if part.State != Delivered {
		return nil
	}
	_, err = schedule(tx, part, least)
	return err
}

// refundClaim gives everything that is left of the part back, with its shipping.
func (o *Orders) refundClaim(tx *db.Tx, full *Order, c Claim, by refunder) (Claim, error) {
	if c.State == ClaimOpen && c.Refund != "" {
		if waiting, err := refunding(tx, c.Order, c.Part); err != nil || waiting {
			if waiting {
				err = errUnderWay()
			}
			return c, err
		}
		c.Refund = ""
	}
	c.DecidedBy = by.actor
	part := full.part(c.Part)
	in := NewRefund{Part: c.Part, Lines: left(full, part), Reason: "It never came.",
		Shipping: part.shippingRefundable() && part.Shipping.Minor+part.ShippingTax.Added() > 0}
	if len(in.Lines) > 0 || in.Shipping {
		var err error
		if c.Refund, err = o.bookRefund(tx, full, part, in, by); err != nil {
			return c, err
		}
	}
	return c, c.settle(tx, claimIsRefunded)
}

// WithdrawClaim is the buyer's word that it came after all: nobody need prove it any more.
func (o *Orders) WithdrawClaim(ctx context.Context, who account.Asker, cid id.Claim) (Claim, error) {
	return db.Do(ctx, o.db, func(tx *db.Tx) (Claim, error) {
		c, full, err := claimLocked(tx, cid)
		if err != nil {
			return Claim{}, err
		}
		if !owns(who, full.Viewer, full.Account) {
			return Claim{}, missing("claim")
		}
		c.DecidedBy = who.Actor()
		if err := c.settle(tx, claimIsWithdrawn); err != nil {
			return Claim{}, err
		}
		if err := addStep(tx, c.Order, c.Part, "received", "", who.Actor()); err != nil {
			return Claim{}, err
		}
		return c, o.proven(tx, c.Order, c.Part, who, time.Time{})
	})
}

// BrandClaims returns a brand's claims in the state ("" any), newest first, from after one of them.
func (o *Orders) BrandClaims(ctx context.Context, who account.Asker, brand id.Brand, state ClaimState, after id.Claim, limit int) ([]Claim, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return nil, err
	}
	if _, known := claimStates[state]; state != "" && !known {
		return nil, fault.InvalidField("query.state", "A claim is open, proven, refunded or withdrawn.")
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Claim, error) {
		return claimsWhere(tx, `c.brand_id = $1 AND ($2 = '' OR c.state = $2) AND ($3 = '' OR c.id < $3) ORDER BY c.id DESC LIMIT $4`,
			string(brand), string(state), string(after), int64(min(max(limit, 1), MaxPage+1)))
	})
}

// answerClaims gives the money back where brands have not proven in time that it arrived.
func (o *Orders) answerClaims(ctx context.Context) error {
	list, err := due[id.Claim](ctx, o, o.clock.Now(), `SELECT id FROM claims WHERE state = 'open' AND due_at <= $1 AND`+notDisputed("claims.order_id")+`ORDER BY due_at LIMIT $2`)
	for _, cid := range list {
		var out Claim
		e := o.db.Write(ctx, func(tx *db.Tx) error {
			out = Claim{} // of a run before, which was undone
			c, full, err := claimLocked(tx, cid)
			if err != nil || c.State != ClaimOpen || c.DueAt.After(tx.Now()) {
				return err
			}
			if put, err := later(tx, "claims", string(c.ID), c.Refund, c.Order, c.Part, ProofWithin); put || err != nil {
				return err
			}
			out, err = o.refundClaim(tx, &full, c, refunder{"platform", byOperator})
			return err
		})
		if e == nil && out.Refund != "" {
			e = o.settleRefund(ctx, out.Refund)
		}
		err = errors.Join(err, e)
	}
	return err
}
