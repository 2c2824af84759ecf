package event

import (
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// DisputeState is a payment that the buyer's bank disputes.
type DisputeState struct {
	Dispute id.Dispute     `json:"dispute"`
	Order   id.Order       `json:"order"`
	Reason  string         `json:"reason"` // the bank's, as a code
	Amount  money.Amount   `json:"amount"` // of the whole order
	DueBy   time.Time      `json:"due_by,omitzero"`
	Brands  []DisputeBrand `json:"brands"`
}

// DisputeBrand is what of a dispute concerns one brand's part; nothing while it is not shared out.
type DisputeBrand struct {
	Brand  id.Brand     `json:"brand"`
	Part   id.Part      `json:"part"`
	Amount money.Amount `json:"amount"` // of what the buyer paid for the part
	Own    money.Amount `json:"own"`    // of it, the brand's own money
}

// DisputeOpened says that a bank disputes a payment: its shares are frozen.
type DisputeOpened struct{ DisputeState }

// Topic implements Body.
func (DisputeOpened) Topic() string { return TopicDisputeOpened }

// DisputeWon says that the money stays where it was.
type DisputeWon struct{ DisputeState }

// Topic implements Body.
func (DisputeWon) Topic() string { return TopicDisputeWon }

// DisputeLost says that the buyer has the money back. Quantity, GMV, Fee and Commission of its lines are what the bank
// took of them, never what was sold; a line of which something is left has a quantity of zero. Touch is the winning one
// of the sale. It has no lines where the buyer had got everything back already.
type DisputeLost struct {
	DisputeState
	Viewer   id.Viewer      `json:"viewer,omitempty"`
	Currency money.Currency `json:"currency,omitempty"`
	PaidAt   time.Time      `json:"paid_at,omitzero"`
	Lines    []SaleLine     `json:"lines,omitempty"`
}

// Topic implements Body.
func (DisputeLost) Topic() string { return TopicDisputeLost }
