package payout

import (
	"context"
	"strings"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/payment"
)

// Account is where money is sent: what a bank asks for. It is kept encrypted.
type Account struct {
	Holder string `json:"holder" maxLength:"140" doc:"Whose account it is"`
	Number string `json:"account" maxLength:"64" doc:"IBAN or account number"`
	Bank   string `json:"bank_code,omitempty" maxLength:"64" doc:"BIC, routing number or sort code"`
	Name   string `json:"bank_name,omitempty" maxLength:"100"`
}

// Sending asks a rail to pay. Key is the idempotency key: the same key never pays twice.
type Sending struct {
	Key         id.Payout
	Destination id.Destination
	To          Account
	Amount      money.Amount // what arrives
}

// Answer is what a rail says of a payout. State is Created when it has not been told of it, "" when it cannot say.
type Answer struct {
	State     State
	Reference string
	Reason    string
	Again     time.Duration // when to ask again; 0: by the house's own patience
	Back      int64         // of one that has arrived: what the rail has taken back of it so far, in minor units
	Marks     []int64       // of Back: how much it was after each time, rising, as far as the rail tells the times
}

// Rail moves money out. It is never called inside a transaction.
type Rail interface {
	// Name is the rail's name in the books: payouts:{name}:transit.
	Name() string
	// Source is the account that holds less once a payout has arrived.
	Source() ledger.Account
	// Test reports whether it moves play money: destinations named dst_… then need not be added.
	Test() bool
	// Check says what is wrong with an account, nil when it could be paid.
	Check(a Account) error
	// Send pays; an error means that the outcome is not known: ask Status. Created: it is taken by file later.
	Send(ctx context.Context, s Sending) (Answer, error)
	// Status says where the payout of the key stands.
	Status(ctx context.Context, key id.Payout) (Answer, error)
}

// sandbox is the rail of the provider inside Mezzo: play money, paid at once.
type sandbox struct{ provider *payment.Sandbox }

// Sandbox returns the rail of the sandbox provider. What it does depends on where to: an account or
// destination that begins with fail is refused, with slow arrives an hour later, with return comes back after two days.
func Sandbox(p *payment.Sandbox) Rail { return sandbox{p} }

func (sandbox) Name() string             { return "sandbox" }
func (s sandbox) Source() ledger.Account { return ledger.Clearing(s.provider.Name()) }
func (sandbox) Test() bool               { return true }
func (sandbox) Check(Account) error      { return nil }

func (s sandbox) Send(ctx context.Context, x Sending) (Answer, error) {
	way := strings.TrimPrefix(string(x.Destination), "dst_")
	if number := strings.ToLower(strings.TrimSpace(x.To.Number)); number != "" {
		way = strings.TrimPrefix(number, "dst_")
	}
	paid, err := s.provider.PayOut(ctx, string(x.Key), way, x.Amount)
	return answerOf(paid), err
}

func (s sandbox) Status(ctx context.Context, key id.Payout) (Answer, error) {
	paid, err := s.provider.PaidOut(ctx, string(key))
	return answerOf(paid), err
}

// answerOf tells what a provider says of a payout.
func answerOf(p payment.Paid) Answer {
	a := Answer{Reference: p.Ref, Reason: p.Reason, Back: p.Back, Marks: p.Marks}
	switch p.State {
	case payment.PaidNone:
		a.State = Created
	case payment.PaidPending:
		a.State = Sent
	case payment.PaidOut:
		a.State = Confirmed
	case payment.PaidFailed:
		a.State = Failed
	case payment.PaidReturned:
		a.State = Returned
	}
	return a
}

// manualRail is the name of the rail below.
const manualRail = "manual"

// manual is the rail of a person with a bank: payouts leave in a CSV file, and what came of them is read from one.
type manual struct{ bank string }

// Manual returns the rail whose money is at the bank of the name.
func Manual(bank string) Rail { return manual{bank} }

func (manual) Name() string             { return manualRail }
func (m manual) Source() ledger.Account { return ledger.Bank(m.bank) }
func (manual) Test() bool               { return false }
func (manual) Check(a Account) error    { return checkAccount(a) }
func (manual) Send(context.Context, Sending) (Answer, error) {
	return Answer{State: Created}, nil
}
func (manual) Status(context.Context, id.Payout) (Answer, error) { return Answer{}, nil }
