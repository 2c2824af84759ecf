package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// DisputeState is where a dispute stands.
type DisputeState string

// The states of a dispute.
const (
	DisputeOpen DisputeState = "open" // the bank has not decided
	DisputeWon  DisputeState = "won"  // the money stays
	DisputeLost DisputeState = "lost" // the buyer has it back
)

// disputeStates is the life of a dispute.
var disputeStates = table[DisputeState]{DisputeOpen: {DisputeWon, DisputeLost}, DisputeWon: {}, DisputeLost: {}}

var (
	disputeIsWon  = move[DisputeState]{"disputes", []DisputeState{DisputeOpen}, DisputeWon}
	disputeIsLost = move[DisputeState]{"disputes", []DisputeState{DisputeOpen}, DisputeLost}
)

// Dispute is a captured payment that the buyer's bank takes back, or wants to.
type Dispute struct {
	ID       id.Dispute
	Order    id.Order
	State    DisputeState
	Reason   string       // the bank's, as a code
	Amount   money.Amount // what the provider withholds
	Covered  money.Amount // of it, what the buyer had not got back already: it is shared out
	Fee      money.Amount // the provider's, and the platform's to pay
	DueBy    time.Time    // until when evidence is taken
	Evidence []Evidence
	Shares   []DisputeShare // once everybody's is known
	OpenedAt time.Time
	ClosedAt time.Time

	payment      id.Payment
	provider     string
	ref          string
	feeBack      int64
	frozen       bool
	saidAt       int64            // the newest evidence, in microseconds
	evidenceSent int64            // the newest that the provider has
	took         []event.SaleLine // what it took of the lines, once it is lost
}

// Portion is what of a line, or of a part's shipping, a dispute is about, in minor units.
type Portion struct {
	Amount                          int64 // of what the buyer paid
	Voucher, Brand, Commission, Fee int64
	Tax, BrandTax                   int64 // BrandTax of it the brand collects itself
	Shipping                        int64 // without its tax
	Base                            int64 // of the commission base
}

// DisputeShare is a portion and whose it is.
type DisputeShare struct {
	Part     id.Part
	Line     id.Line // "" of the part's shipping
	Brand    id.Brand
	Creator  id.Creator
	Released bool  // the money was available when it was frozen
	Owed     int64 // what was not available any more, in minor units
	Portion
	round int64
}

// undisputed returns a Conflict while a bank looks into the order: whoever gave money back now might give
// it twice.
func (ord *Order) undisputed() error {
	for _, d := range ord.Disputes {
		if d.State == DisputeOpen {
			return fault.New(fault.Conflict, "The buyer's bank disputes this payment. Until it has decided, nothing of the order is given back or paid out; answer the dispute instead.").WithType("disputed")
		}
	}
	return nil
}

// notDisputed is the condition that leaves out what belongs to an order with an open dispute; of is the
// column that names the order.
func notDisputed(of string) string {
	return ` NOT EXISTS (SELECT 1 FROM disputes d WHERE d.order_id = ` + of + ` AND d.state = 'open') `
}

// undisputedSince is the same for proofs of what should have happened before a moment, $1: after a dispute
// has ended there is time to catch up.
func undisputedSince(of string) string {
	return ` NOT EXISTS (SELECT 1 FROM disputes d WHERE d.order_id = ` + of + ` AND (d.state = 'open' OR d.closed_at >= $1)) `
}

func (told ProviderDispute) check() error {
	c := told.Amount.Currency
	if told.Ref == "" || told.Amount.Minor <= 0 || told.Fee.Minor < 0 || told.FeeBack.Minor < 0 || told.FeeBack.Minor > told.Fee.Minor ||
		(told.Fee.Minor > 0 && told.Fee.Currency != c) || (told.FeeBack.Minor > 0 && told.FeeBack.Currency != c) {
		return fault.New(fault.Invalid, "A dispute has a name, an amount above zero and a fee in its currency.")
	}
	if _, known := disputeStates[told.State]; !known {
		return fault.New(fault.Invalid, "A dispute is open, won or lost.")
	}
	return nil
}

// Dispute stores what the provider says of a dispute. Every road ends here: webhook, look, sweep. It may be
// called any number of times, in any order: a dispute opens once and closes once. Conflict: the payment is
// not known to be made yet, or of a lost one a commission is still being decided or a refund not answered; ask again.
func (o *Orders) Dispute(ctx context.Context, told ProviderDispute) (Dispute, error) {
	if err := told.check(); err != nil {
		return Dispute{}, err
	}
	ctx = db.WithoutKey(ctx)
	if told.State == DisputeLost {
		if err := o.hearBefore(ctx, told); err != nil {
			return Dispute{}, err
		}
	}
	d, err := o.dispute(ctx, told)
	if !fault.Is(err, fault.Conflict) {
		return d, err
	}
	charge, e := o.provider.Status(ctx, told.Key) // the word of the payment may have been lost
	if e == nil && charge.State == ChargeSucceeded {
		_, e = o.Settle(ctx, told.Key, charge)
	}
	if e != nil {
		return Dispute{}, errors.Join(err, e)
	}
	return o.dispute(ctx, told)
}

// hearBefore opens a dispute that was lost, and asks the provider for what it was to give back of the order and
// has not answered: what the bank took beyond it is reckoned by what the buyer has got.
func (o *Orders) hearBefore(ctx context.Context, told ProviderDispute) error {
	told.State = DisputeOpen
	d, err := o.dispute(ctx, told)
	if fault.Is(err, fault.Conflict) || (err == nil && d.State != DisputeOpen) {
		return nil // not paid yet, or told again
	}
	if err != nil {
		return err
	}
	waiting, err := db.Get(ctx, o.db, func(tx *db.Tx) ([]id.Refund, error) {
		return db.All(tx, func(r *sql.Rows) (rid id.Refund, err error) { return rid, r.Scan(&rid) },
			`SELECT id FROM refunds WHERE order_id = $1 AND state = 'requested' ORDER BY id`, d.Order)
	})
	for _, rid := range waiting {
		err = errors.Join(err, o.settleRefund(ctx, rid))
	}
	if err != nil {
		return err
	}
	if err = o.giveBackDue(ctx, d.Order); err == nil || denied(err) {
		return nil // given back, or the bank was faster
	}
	return fault.Wrap(fault.Conflict, err, "The provider has not said whether it gave the money for this order back. Ask again in a moment.").WithType("refund_running").After(2 * time.Second)
}

func (o *Orders) dispute(ctx context.Context, told ProviderDispute) (d Dispute, err error) {
	err = o.db.Write(ctx, func(tx *db.Tx) error {
		pay, err := paymentLocked(tx, told.Key)
		if err != nil {
			return err
		}
		list, err := disputesWhere(tx, `d.provider = $1 AND d.provider_ref = $2`, o.provider.Name(), told.Ref)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			if d, err = o.openDispute(tx, pay, told); err != nil {
				return err
			}
		} else if d = list[0]; d.payment != pay.id || d.Amount != told.Amount {
			return fault.New(fault.Invalid, "This dispute is of another payment, or of another amount.")
		}
		switch {
		case d.State != DisputeOpen || told.State == DisputeOpen:
			return nil
		case told.State == DisputeWon:
			err = o.winDispute(tx, &d, told)
		default:
			err = o.loseDispute(tx, &d, pay)
		}
		return err
	})
	return d, err
}

// openDispute books what the provider withholds and freezes everybody's share of it.
func (o *Orders) openDispute(tx *db.Tx, pay payment, told ProviderDispute) (Dispute, error) {
	switch {
	case pay.amount.Currency != told.Amount.Currency:
		return Dispute{}, fault.New(fault.Invalid, "The payment was made in %s.", pay.amount.Currency)
	case pay.state != PaySucceeded && pay.state != PayReturning && pay.state != PayRefunded:
		return Dispute{}, fault.New(fault.Conflict, "This payment is not known to be made yet. Ask again in a moment.").WithType("payment_running").After(2 * time.Second)
	}
	c := pay.amount.Currency
	d := Dispute{Order: pay.order, State: DisputeOpen, Reason: told.Reason, Amount: told.Amount, Fee: money.Of(told.Fee.Minor, c), DueBy: told.DueBy, OpenedAt: told.OpenedAt,
		payment: pay.id, provider: o.provider.Name(), ref: told.Ref}
	d.ID = d.ID.Next(tx.Now())
	var err error
	if d.Covered, err = claimDispute(tx, pay, told.Amount.Minor); err != nil {
		return d, err
	}
	if err := d.insert(tx); err != nil {
		return d, err
	}
	if err := post(tx, []ledger.Transfer{ledger.DisputeOpened(d.ID, d.provider, d.Amount, d.Fee.Minor)}, nil); err != nil {
		return d, err
	}
	if err := addStep(tx, d.Order, "", "disputed", d.Amount.String(), "provider"); err != nil {
		return d, err
	}
	if err := o.freezeDispute(tx, &d); err != nil {
		return d, err
	}
	return d, o.tellDispute(tx, &d)
}

// coverMore adds to the open disputes of an order what a refund that failed has left with the brand again.
func (o *Orders) coverMore(tx *db.Tx, ord id.Order) error {
	list, err := disputesWhere(tx, `d.order_id = $1 AND d.state = $2 ORDER BY d.id`, ord, DisputeOpen)
	for i := range list {
		d := &list[i]
		if err != nil || d.Covered == d.Amount {
			continue
		}
		var pay payment
		if pay, err = scanPayment(tx.Row(`SELECT `+paymentColumns+` FROM payments WHERE id = $1`, d.payment)); err != nil {
			return err
		}
		var more money.Amount
		if more, err = claimDispute(tx, pay, d.Amount.Minor-d.Covered.Minor); err != nil || more.Minor == 0 {
			return err
		}
		d.Covered.Minor += more.Minor
		if _, err = tx.Exec(`UPDATE disputes SET covered_minor = $1, frozen = 0, updated_at = $2 WHERE id = $3`, d.Covered.Minor, db.Micros(tx.Now()), d.ID); err != nil {
			return err
		}
		err = o.freezeDispute(tx, d)
	}
	return err
}

// freezeLate freezes the shares of open disputes that waited for a commission to be decided.
func (o *Orders) freezeLate(ctx context.Context) error {
	list, err := due[id.Dispute](ctx, o, o.clock.Now(), `SELECT id FROM disputes WHERE state = 'open' AND frozen = 0 AND updated_at <= $1 ORDER BY id LIMIT $2`)
	for _, did := range list {
		err = errors.Join(err, o.db.Write(ctx, func(tx *db.Tx) error {
			d, err := disputeLocked(tx, did)
			if err != nil || d.State != DisputeOpen {
				return err
			}
			return o.freezeDispute(tx, &d)
		}))
	}
	return err
}

// winDispute gives everybody back what was frozen.
func (o *Orders) winDispute(tx *db.Tx, d *Dispute, told ProviderDispute) error {
	d.feeBack = min(told.FeeBack.Minor, d.Fee.Minor)
	if err := d.close(tx, disputeIsWon); err != nil {
		return err
	}
	if err := post(tx, []ledger.Transfer{ledger.DisputeWon(d.ID, d.provider, d.Amount, d.feeBack)}, nil); err != nil {
		return err
	}
	full, err := loadOrder(tx, d.Order)
	if err != nil {
		return err
	}
	if err := o.thaw(tx, d, &full); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE payments SET disputed_minor = disputed_minor - $1, updated_at = $2 WHERE id = $3`, d.Covered.Minor, db.Micros(tx.Now()), d.payment); err != nil {
		return err
	}
	if err := affiliate.HoldDisputed(tx, d.commissions(), -1); err != nil {
		return err
	}
	for i := range full.Parts {
		if err := storePending(tx, &full, &full.Parts[i]); err != nil {
			return err
		}
	}
	if err := addStep(tx, d.Order, "", "dispute_won", d.Amount.String(), "provider"); err != nil {
		return err
	}
	return o.tellDispute(tx, d)
}

// loseDispute takes what was frozen, and what of the order nothing is left of ends as a refund would end it.
func (o *Orders) loseDispute(tx *db.Tx, d *Dispute, pay payment) error {
	if !d.frozen {
		return fault.New(fault.Conflict, "Who earns by this order is still being decided. Ask again in a moment.").WithType("attribution_waiting").After(2 * time.Second)
	}
	if waiting, err := refunding(tx, d.Order, ""); err != nil {
		return err
	} else if waiting { // refused, it would leave the brand what the bank took
		return fault.New(fault.Conflict, "A refund of this order is under way. Ask again in a moment.").WithType("refund_running").After(2 * time.Second)
	}
	before, err := loadOrder(tx, d.Order)
	if err != nil {
		return err
	}
	if err := d.close(tx, disputeIsLost); err != nil {
		return err
	}
	transfers, err := o.lostTransfers(tx, d, &before, pay)
	if err := post(tx, transfers, err); err != nil {
		return err
	}
	if err := affiliate.HoldDisputed(tx, d.commissions(), -1); err != nil {
		return err
	}
	if err := affiliate.TakeBack(tx, d.commissions(), 1); err != nil {
		return err
	}
	for _, released := range []bool{false, true} {
		if err := affiliate.TellTakenBack(tx, d.commissionsOf(released), released); err != nil {
			return err
		}
	}
	if err := addStep(tx, d.Order, "", "dispute_lost", d.Amount.String(), "provider"); err != nil {
		return err
	}
	full, err := loadOrder(tx, d.Order)
	if err != nil {
		return err
	}
	if err := restockLost(tx, &before, &full); err != nil {
		return err
	}
	if d.took, err = d.taken(tx, &before, &full); err != nil {
		return err
	}
	for _, p := range full.Parts {
		if err := o.moveOn(tx, full.ID, p.ID, byTheBank); err != nil {
			return err
		}
	}
	return o.tellDispute(tx, d)
}

// taken is what a lost dispute took of an order's lines, as the log knows them.
func (d *Dispute) taken(tx *db.Tx, before, after *Order) ([]event.SaleLine, error) {
	var of []id.Line
	took := map[id.Line]Back{}
	for _, s := range d.Shares {
		if s.Line == "" {
			continue
		}
		b, again := took[s.Line]
		if !again {
			of = append(of, s.Line)
			b.Quantity = before.line(s.Line).Left() - after.line(s.Line).Left()
		}
		b.Commission, b.Fee, b.Base = b.Commission+s.Commission, b.Fee+s.Fee, b.Base+s.Base
		took[s.Line] = b
	}
	won, err := affiliate.Won(tx, of)
	lines := make([]event.SaleLine, 0, len(of))
	for _, lid := range of {
		line := after.line(lid).fact(took[lid])
		line.Touch = won[lid]
		lines = append(lines, line)
	}
	return lines, err
}

// lostTransfers are the postings of a lost dispute. What the buyer had been given back already is taken, of
// money that the provider has not given back yet, from what is promised; the rest is the platform's loss.
func (o *Orders) lostTransfers(tx *db.Tx, d *Dispute, full *Order, pay payment) ([]ledger.Transfer, error) {
	var out []ledger.Transfer
	for _, p := range o.disputePostings(d, full) {
		out = append(out, p.Lost()...)
	}
	beyond := d.Amount.Minor - d.Covered.Minor
	if pay.state == PayReturning && beyond > 0 {
		due, err := returnDue(tx, pay)
		if err != nil {
			return nil, err
		}
		from, x := ledger.RefundsPayable(d.provider), min(beyond, due)
		if pay.reason == tooLate { // the money never stood in the books
			from = ledger.Clearing(d.provider)
		}
		if x > 0 {
			beyond -= x
			out = append(out, ledger.DisputeLostBeyond(d.ID, d.provider, from, money.Of(x, d.Amount.Currency)))
			if err := d.takeReturned(tx, x); err != nil {
				return nil, err
			}
		}
	}
	if beyond > 0 {
		out = append(out, ledger.DisputeLostBeyond(d.ID, d.provider, ledger.DisputeLoss, money.Of(beyond, d.Amount.Currency)))
	}
	return out, nil
}

// tellDispute tells the log how a dispute stands, with what of it is each brand's.
func (o *Orders) tellDispute(tx *db.Tx, d *Dispute) error {
	full, err := loadOrder(tx, d.Order)
	if err != nil {
		return err
	}
	s := event.DisputeState{Dispute: d.ID, Order: d.Order, Reason: d.Reason, Amount: d.Amount, DueBy: d.DueBy, Brands: []event.DisputeBrand{}}
	for _, p := range full.Parts {
		sums := d.Of(p.Brand)
		s.Brands = append(s.Brands, event.DisputeBrand{Brand: p.Brand, Part: p.ID, Amount: sums.Amount, Own: sums.Own})
	}
	switch d.State {
	case DisputeOpen:
		return event.Emit(tx, event.DisputeOpened{DisputeState: s})
	case DisputeWon:
		return event.Emit(tx, event.DisputeWon{DisputeState: s})
	case DisputeLost:
		return event.Emit(tx, event.DisputeLost{DisputeState: s, Viewer: full.Viewer, Currency: full.Currency, PaidAt: full.PaidAt, Lines: d.took})
	}
	return fmt.Errorf("order: a dispute is %s", d.State)
}
