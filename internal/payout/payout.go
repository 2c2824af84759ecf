package payout

import (
	"database/sql"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// State is where a payout stands.
type State string

// The states of a payout. Failed and returned are final; a confirmed one may still come back.
const (
	Created   State = "created"   // its money is available no more; waits for operators, or for the rail
	Sent      State = "sent"      // the rail has it
	Confirmed State = "confirmed" // arrived
	Failed    State = "failed"    // did not arrive: the money is available again
	Returned  State = "returned"  // came back after it had arrived: the money is available again
)

// follows lists from which states a state may be reached.
var follows = map[State][]State{
	Sent:      {Created},
	Confirmed: {Created, Sent},
	Failed:    {Created, Sent},
	Returned:  {Confirmed},
}

// Payout is money on its way from the books to its owner.
type Payout struct {
	ID           id.Payout      `json:"id"`
	State        State          `json:"state" enum:"created,sent,confirmed,failed,returned"`
	Amount       money.Amount   `json:"amount" doc:"What leaves the balance"`
	Withheld     money.Amount   `json:"withheld" doc:"Of it, tax kept back"`
	Net          money.Amount   `json:"net" doc:"What arrives"`
	Jurisdiction string         `json:"jurisdiction,omitempty" doc:"Whose tax is kept back"`
	Destination  id.Destination `json:"destination_id"`
	Label        string         `json:"destination"`
	Rail         string         `json:"rail"`
	Waiting      bool           `json:"awaiting_approval" doc:"Above the limit: the operators look at it first"`
	Scheduled    bool           `json:"scheduled"`
	Reference    string         `json:"reference,omitempty" doc:"The bank's or provider's own name for it"`
	Failure      string         `json:"failure,omitempty"`
	CreatedAt    time.Time      `json:"created_at"`
	SentAt       *time.Time     `json:"sent_at,omitempty"`
	SettledAt    *time.Time     `json:"settled_at,omitempty" doc:"Confirmed, failed or returned"`

	Back *money.Amount `json:"returned_part,omitempty" doc:"Of a payout that has arrived: what the rail took back of it since. It is available again"`

	Owner     Owner  `json:"-"`
	Approvals int64  `json:"-"` // how many operators must agree
	Approved  int64  `json:"-"` // how many have
	Batch     string `json:"-"`
	AskedBy   string `json:"-"`
	back      int64  // minor units taken back, and booked
}

const payoutColumns = `id, owner, rail, destination_id, label, currency, amount_minor, withheld_minor, jurisdiction, state, approvals, approved, scheduled,
	batch, reference, failure, asked_by, created_at, sent_at, settled_at, back_minor`

func scanPayout(r *sql.Rows) (p Payout, err error) {
	var scheduled, created, sent, settled int64
	err = r.Scan(&p.ID, &p.Owner, &p.Rail, &p.Destination, &p.Label, &p.Amount.Currency, &p.Amount.Minor, &p.Withheld.Minor, &p.Jurisdiction, &p.State,
		&p.Approvals, &p.Approved, &scheduled, &p.Batch, &p.Reference, &p.Failure, &p.AskedBy, &created, &sent, &settled, &p.back)
	p.Withheld.Currency = p.Amount.Currency
	p.Net = money.Of(p.Amount.Minor-p.Withheld.Minor, p.Amount.Currency)
	p.Scheduled, p.CreatedAt, p.SentAt, p.SettledAt = scheduled == 1, db.Time(created), when(sent), when(settled)
	if p.back > 0 && p.State == Confirmed {
		back := money.Of(p.back, p.Amount.Currency)
		p.Back = &back
	}
	p.Waiting = p.State == Created && p.Approved < p.Approvals
	return p, err
}

func when(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := db.Time(micros)
	return &t
}

// payoutsOf reads payouts by a condition and its order.
func payoutsOf(tx *db.Tx, where string, args ...any) ([]Payout, error) {
	list, err := db.All(tx, scanPayout, `SELECT `+payoutColumns+` FROM payouts WHERE `+where, args...)
	if list == nil {
		list = []Payout{}
	}
	return list, err
}

// payoutOf returns one; Missing when there is none.
func payoutOf(tx *db.Tx, pot id.Payout) (Payout, error) {
	list, err := payoutsOf(tx, `id = $1`, string(pot))
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Missing, "There is no such payout.")
	}
	if err != nil {
		return Payout{}, err
	}
	return list[0], nil
}

// paying is the payout as the books see it.
func (p Payout) paying(source ledger.Account) ledger.Paying {
	return ledger.Paying{Ref: string(p.ID), From: p.Owner.Purse().Available, Rail: p.Rail, Source: source, Amount: p.Amount, Withheld: p.Withheld.Minor, Jurisdiction: p.Jurisdiction}
}

// tell tells the log that the payout has come to its state.
func (p Payout) tell(tx *db.Tx) error {
	s := p.told()
	switch p.State {
	case Created:
		return event.Emit(tx, event.PayoutCreated{PayoutState: s})
	case Sent:
		return event.Emit(tx, event.PayoutSent{PayoutState: s})
	case Confirmed:
		return event.Emit(tx, event.PayoutConfirmed{PayoutState: s})
	case Failed:
		return event.Emit(tx, event.PayoutFailed{PayoutState: s})
	}
	return event.Emit(tx, event.PayoutReturned{PayoutState: s})
}

// told is the payout as the log is told of it.
func (p Payout) told() event.PayoutState {
	return event.PayoutState{Payout: p.ID, Creator: p.Owner.Creator(), Brand: p.Owner.Brand(), Amount: p.Amount, Withheld: p.Withheld}
}
