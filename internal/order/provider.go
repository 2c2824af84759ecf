package order

import (
	"context"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// ChargeState is what a provider says of a charge.
type ChargeState string

// The states of a charge.
const (
	ChargeNone      ChargeState = "none"      // the provider knows no charge under this key
	ChargeAction    ChargeState = "action"    // the buyer must visit RedirectURL
	ChargePending   ChargeState = "pending"   // the buyer has done all they can, and the bank has not answered
	ChargeSucceeded ChargeState = "succeeded" // captured
	ChargeDeclined  ChargeState = "declined"
	ChargeCancelled ChargeState = "cancelled" // can never succeed any more
)

// RefundPending is the type of the fault of a refund that the provider has and has not made yet.
const RefundPending = "refund_pending"

// ChargeRequest asks a provider for money. Key is the idempotency key: the same key never charges twice.
type ChargeRequest struct {
	Key       id.Payment
	Amount    money.Amount
	Method    string
	ReturnURL string // where the provider's page sends the buyer back
}

// Charge is a provider's answer.
type Charge struct {
	State       ChargeState
	Ref         string    // the provider's own name for it
	Reason      string    // of a decline, as a code: card_declined, insufficient_funds
	RedirectURL string    // for ChargeAction
	Until       time.Time // for ChargeAction: when the provider's session ends
	// Fingerprint names the card or bank account behind a captured payment, the same whenever it pays; "" where
	// the provider does not say. Only a hash of it is kept.
	Fingerprint string
}

// Provider moves a buyer's money. It is never called inside a transaction.
type Provider interface {
	// Name is the provider's name in the books: psp:{name}:clearing.
	Name() string
	// Charge asks for the money; an error means that the outcome is not known: ask Status.
	Charge(ctx context.Context, r ChargeRequest) (Charge, error)
	// Status says where the charge of the key stands.
	Status(ctx context.Context, key id.Payment) (Charge, error)
	// Cancel ends the charge so that it can never succeed; it answers ChargeSucceeded when it is too late.
	Cancel(ctx context.Context, key id.Payment) (Charge, error)
	// Refund gives an amount of a captured charge back; the refund's own key makes it happen once. Conflict, Invalid
	// and Declined are refusals for good; Unavailable of type RefundPending: the provider has it and is slow.
	Refund(ctx context.Context, key id.Payment, refund string, amount money.Amount) error
}

// ProviderDispute is what a provider says of a payment that the buyer's bank disputes.
type ProviderDispute struct {
	Ref      string     // the provider's own name for it: told again it is the same dispute
	Key      id.Payment // the key of the disputed charge
	State    DisputeState
	Amount   money.Amount // withheld from us
	Fee      money.Amount // what the provider takes for it, zero for none
	FeeBack  money.Amount // what of the fee it gives back with a dispute that was won
	Reason   string       // as a code: fraudulent, product_not_received
	DueBy    time.Time    // until when it takes evidence; zero when it takes none
	OpenedAt time.Time
}

// Disputer is a provider whose charges can be disputed.
type Disputer interface {
	// Disputes lists what was opened or has changed since.
	Disputes(ctx context.Context, since time.Time) ([]ProviderDispute, error)
	// Dispute says where one stands.
	Dispute(ctx context.Context, ref string) (ProviderDispute, error)
	// SubmitEvidence hands in what speaks for us, in place of what was handed in before; the key makes it happen once.
	SubmitEvidence(ctx context.Context, ref, key, text string) error
}
