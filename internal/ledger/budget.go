package ledger

import (
	"fmt"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// BudgetReserve is the part of a program's budget that is kept for clicks made before the rest was spent.
const BudgetReserve money.Bps = 2000

// A program's budget is a promise, not money: what creators earn is paid from the sale. So its accounts are
// memo accounts, beside assets and debts, and their sum in a program is always zero.

// ProgramGranted is what a brand has promised a program's creators, below zero.
func ProgramGranted(p id.Program) Account { return Account("program:" + string(p) + ":granted") }

// ProgramBudget is what a program may still come to before it closes to new clicks.
func ProgramBudget(p id.Program) Account { return Account("program:" + string(p) + ":budget") }

// ProgramReserve is what is kept for the clicks that were made before.
func ProgramReserve(p id.Program) Account { return Account("program:" + string(p) + ":reserve") }

// ProgramSpent is what of the budget commissions took and refunds did not give back.
func ProgramSpent(p id.Program) Account { return Account("program:" + string(p) + ":spent") }

// Budget is what stands in a program's accounts, in minor units.
type Budget struct {
	Program  id.Program
	Currency money.Currency
	Free     int64 // in the budget account
	Reserve  int64
	Spent    int64
}

// Granted returns the whole promise.
func (b Budget) Granted() int64 { return b.Free + b.Reserve + b.Spent }

// Left returns what commissions may still take, the reserve too.
func (b Budget) Left() int64 { return b.Free + b.Reserve }

func (b Budget) key(of string) string { return "program:" + string(b.Program) + ":" + of }

// target is how much of the promise is the reserve's.
func (b Budget) target() int64 { return BudgetReserve.Of(b.Granted()) }

// Grant returns the posting that adds an amount to a budget, or with an amount below zero takes some of what
// is left away: the reserve stands at its part of the new promise, as far as what is left goes. of names it,
// once for each change. The budget as it then stands is returned too.
func (b Budget) Grant(of string, amount int64) (Transfer, Budget, error) {
	after := b
	after.Free += amount
	if after.Left() < 0 {
		return Transfer{}, b, fmt.Errorf("ledger: %d of the budget of %s cannot be taken away: %d are left", -amount, b.Program, b.Left())
	}
	left := after.Left()
	after.Reserve = min(after.target(), left)
	after.Free = left - after.Reserve
	return b.move(of, KindGranted, after, Leg{ProgramGranted(b.Program), -amount}), after, nil
}

// Draw returns the posting of a commission that a line earned: from the budget, and where that does not
// suffice from the reserve. An error when both do not.
func (b Budget) Draw(line id.Line, amount int64) (Transfer, Budget, error) {
	if amount < 0 || amount > b.Left() {
		return Transfer{}, b, fmt.Errorf("ledger: a commission of %d is more than the %d left of the budget of %s", amount, b.Left(), b.Program)
	}
	after := b
	free := min(amount, b.Free)
	after.Free, after.Reserve, after.Spent = b.Free-free, b.Reserve-(amount-free), b.Spent+amount
	return b.move("earned:"+string(line), KindDrawn, after), after, nil
}

// Return returns the posting of what a refund took of a commission back: to the reserve first, as far as it
// stands below its part. of names it, once for each change. An amount below zero takes it again.
func (b Budget) Return(of string, amount int64) (Transfer, Budget, error) {
	after := b
	if amount < 0 {
		t, after, err := b.Draw("", -amount)
		t.Key = b.key(of)
		return t, after, err
	}
	if amount > b.Spent {
		return Transfer{}, b, fmt.Errorf("ledger: %d cannot come back to the budget of %s: %d are spent", amount, b.Program, b.Spent)
	}
	kept := min(amount, max(0, b.target()-b.Reserve))
	after.Free, after.Reserve, after.Spent = b.Free+amount-kept, b.Reserve+kept, b.Spent-amount
	return b.move(of, KindReturned, after), after, nil
}

// move is the transfer from one standing to another.
func (b Budget) move(of string, kind Kind, after Budget, more ...Leg) Transfer {
	return Transfer{Key: b.key(of), Kind: kind, Currency: b.Currency, Legs: append(more,
		Leg{ProgramBudget(b.Program), after.Free - b.Free},
		Leg{ProgramReserve(b.Program), after.Reserve - b.Reserve},
		Leg{ProgramSpent(b.Program), after.Spent - b.Spent})}
}
