package payout

import (
	"context"
	"strings"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/payment"
)

// Host is a rail whose places are accounts at a provider: their owners open them on its pages, not with bank details here.
type Host interface {
	// Open returns the address of the provider's page for an owner in a country; back is the path here to come back to.
	Open(ctx context.Context, o Owner, country, back string) (string, error)
	// Opened says how far an owner's account has come; false when there is none.
	Opened(ctx context.Context, o Owner) (HostedAccount, bool, error)
}

// Reverser is a rail that can take back what has arrived.
type Reverser interface {
	// TakeBack takes a payout back whole. Conflict: the rail refuses.
	TakeBack(ctx context.Context, key id.Payout) (Answer, error)
}

// HostedAccount is an owner's account at the provider that pays.
type HostedAccount struct {
	State       HostedState    `json:"state" enum:"none,incomplete,pending,ready,restricted"`
	Due         []string       `json:"due" nullable:"false" doc:"What the provider still asks for, as its codes"`
	Destination id.Destination `json:"destination_id,omitempty" doc:"Where payouts go, once ready"`
	ref         string
	closed      bool // the provider says so, of answers that are in
}

// HostedState is how far an account at a provider has come.
type HostedState string

// The states of a hosted account.
const (
	HostedNone       HostedState = "none"
	HostedIncomplete HostedState = "incomplete" // its owner has not answered everything
	HostedPending    HostedState = "pending"    // the provider looks at the answers
	HostedReady      HostedState = "ready"
	HostedRestricted HostedState = "restricted" // the provider has closed it, or asks for more
)

// HostedClosed is the reason of a destination that is flagged because the provider has closed it; it goes when the
// provider says that the account is ready again.
const HostedClosed = "The payment provider has closed this account, or asks for more."

// stripe is the rail of transfers to connected accounts.
type stripe struct{ provider *payment.Stripe }

// Stripe returns the rail that moves money from the platform's balance at Stripe to connected accounts.
func Stripe(p *payment.Stripe) Rail { return stripe{p} }

func (stripe) Name() string             { return "stripe" }
func (s stripe) Source() ledger.Account { return ledger.Clearing(s.provider.Name()) }
func (stripe) Test() bool               { return false }
func (stripe) Check(Account) error {
	return fault.New(fault.Conflict, "Money leaves by Stripe here: open your account there, and it is added by itself.").WithType("hosted_account")
}

func (s stripe) Send(ctx context.Context, x Sending) (Answer, error) {
	if !strings.HasPrefix(x.To.Number, "acct_") {
		return Answer{State: Failed, Reason: "This is no account at Stripe."}, nil
	}
	paid, err := s.provider.Transfer(ctx, string(x.Key), x.To.Number, x.Amount)
	return answerOf(paid), err
}

func (s stripe) Status(ctx context.Context, key id.Payout) (Answer, error) {
	paid, err := s.provider.Transferred(ctx, string(key))
	return answerOf(paid), err
}

func (s stripe) TakeBack(ctx context.Context, key id.Payout) (Answer, error) {
	paid, err := s.provider.TakeBack(ctx, string(key))
	return answerOf(paid), err
}

func (s stripe) Open(ctx context.Context, o Owner, country, back string) (string, error) {
	return s.provider.Connect(ctx, string(o), country, back)
}

func (s stripe) Opened(ctx context.Context, o Owner) (HostedAccount, bool, error) {
	c, ok, err := s.provider.Connected(ctx, string(o))
	if err != nil || !ok {
		return HostedAccount{State: HostedNone, Due: []string{}}, false, err
	}
	h := HostedAccount{State: HostedIncomplete, Due: c.Due, ref: c.ID, closed: c.Disabled != "" && c.Submitted && !c.Ready()}
	switch {
	case c.Ready():
		h.State = HostedReady
	case c.Submitted && len(c.Due) == 0 && (c.Disabled == "" || c.Disabled == "requirements.pending_verification" || c.Disabled == "under_review"):
		h.State = HostedPending // nothing is asked of its owner
	case h.closed:
		h.State = HostedRestricted
	}
	return h, true, nil
}
