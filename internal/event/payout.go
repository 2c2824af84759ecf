package event

import (
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Topics about money that leaves to creators and brands.
const (
	TopicPayoutCreated   = "payout.created"
	TopicPayoutSent      = "payout.sent"
	TopicPayoutConfirmed = "payout.confirmed"
	TopicPayoutFailed    = "payout.failed"
	TopicPayoutReturned  = "payout.returned"
	TopicPayoutUpdated   = "payout.updated"
)

// PayoutState is a payout as it stands: to a creator or to a brand. Where to, and to whom by name, stays
// out of the log.
type PayoutState struct {
	Payout   id.Payout    `json:"payout"`
	Creator  id.Creator   `json:"creator,omitempty"`
	Brand    id.Brand     `json:"brand,omitempty"`
	Amount   money.Amount `json:"amount"`
	Withheld money.Amount `json:"withheld"` // of it, tax kept back
}

// PayoutCreated says that a payout was asked for: its money is available no more.
type PayoutCreated struct{ PayoutState }

// Topic implements Body.
func (PayoutCreated) Topic() string { return TopicPayoutCreated }

// PayoutSent says that a payout is on its way.
type PayoutSent struct{ PayoutState }

// Topic implements Body.
func (PayoutSent) Topic() string { return TopicPayoutSent }

// PayoutConfirmed says that a payout has arrived.
type PayoutConfirmed struct{ PayoutState }

// Topic implements Body.
func (PayoutConfirmed) Topic() string { return TopicPayoutConfirmed }

// PayoutFailed says that a payout did not arrive, and its money is available again.
type PayoutFailed struct{ PayoutState }

// Topic implements Body.
func (PayoutFailed) Topic() string { return TopicPayoutFailed }

// PayoutReturned says that a payout came back after it had arrived, and its money is available again.
type PayoutReturned struct{ PayoutState }

// Topic implements Body.
func (PayoutReturned) Topic() string { return TopicPayoutReturned }

// PayoutUpdated says that a part of a payout that had arrived was taken back, and is available again: one fact for each
// such part. Where all of it comes back in the end, PayoutReturned says so.
type PayoutUpdated struct {
	PayoutState
	Part money.Amount `json:"part"`          // this time
	Back money.Amount `json:"returned_part"` // with this and what came back before
}

// Topic implements Body.
func (PayoutUpdated) Topic() string { return TopicPayoutUpdated }
