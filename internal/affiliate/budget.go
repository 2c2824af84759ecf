package affiliate

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"

	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// budget is a program's budget while its row is locked: what stands in the book, and how it moves there.
type budget struct {
	ledger.Budget
	program id.Program
	moves   int64 // that it has made in the book
	closed  bool  // to new clicks
}

// lockBudgets locks the budgets of the programs that have one until the transaction ends, so that two orders
// never spend one unit twice, and reads what is left and when they were closed.
func lockBudgets(tx *db.Tx, programs []*program) error {
	var ids []id.Program
	for _, p := range programs {
		if p.budgeted {
			ids = append(ids, p.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	budgets, err := budgetsOf(tx, ids)
	if err != nil {
		return err
	}
	spans, err := closuresOf(tx, ids)
	if err != nil {
		return err
	}
	for _, p := range programs {
		if b := budgets[p.id]; b != nil {
			p.budget, p.left, p.closed = b, b.Left(), spans[p.id]
		}
	}
	return nil
}

// budgetsOf locks the rows of those programs that have a budget, in order of their ids, and reads what the
// book says of them. One set before budgets were kept there is entered now.
func budgetsOf(tx *db.Tx, programs []id.Program) (map[id.Program]*budget, error) {
	found := map[id.Program]*budget{}
	for _, p := range distinct(programs) {
		b, granted, spent, err := lockBudget(tx, p)
		if err == sql.ErrNoRows {
			continue
		}
		if err != nil {
			return nil, err
		}
		found[p] = b
		if b.moves == 0 {
			if err := b.open(tx, granted, spent); err != nil {
				return nil, err
			}
		}
	}
	if len(found) == 0 {
		return found, nil
	}
	return found, readBudgets(tx, found)
}

func lockBudget(tx *db.Tx, p id.Program) (b *budget, granted, spent int64, err error) {
	b = &budget{program: p}
	b.Program = p
	var closed int64
	err = tx.Row(`UPDATE programs SET budget_seq = budget_seq WHERE id = $1 AND budget_minor > 0 RETURNING budget_seq, budget_minor, spent_minor, closed_at, currency`,
		string(p)).Scan(&b.moves, &granted, &spent, &closed, &b.Currency)
	b.closed = closed > 0
	return b, granted, spent, err
}

func readBudgets(tx *db.Tx, budgets map[id.Program]*budget) error {
	var names []ledger.Account
	at := map[ledger.Account]*int64{}
	of := map[ledger.Account]money.Currency{}
	for p, b := range budgets {
		b.Free, b.Reserve, b.Spent = 0, 0, 0
		for a, minor := range map[ledger.Account]*int64{ledger.ProgramBudget(p): &b.Free, ledger.ProgramReserve(p): &b.Reserve, ledger.ProgramSpent(p): &b.Spent} {
			names = append(names, a)
			at[a], of[a] = minor, b.Currency
		}
	}
	list, err := ledger.Balances(tx, names...)
	for _, l := range list {
		if l.Balance.Currency == of[l.Account] {
			*at[l.Account] = l.Balance.Minor
		}
	}
	return err
}

// open enters a budget into the book: what is promised, and what of it commissions have taken.
func (b *budget) open(tx *db.Tx, granted, spent int64) error {
	if err := b.grant(tx, max(granted, spent)); err != nil || spent == 0 {
		return err
	}
	return b.giveBack(tx, -spent)
}

// giveBack returns what a refund took back, or with an amount below zero takes it again because the refund
// failed: it is owed, so what is not left any more is promised anew.
func (b *budget) giveBack(tx *db.Tx, amount int64) error {
	if missing := -amount - b.Left(); missing > 0 {
		if err := b.grant(tx, missing); err != nil {
			return err
		}
	}
	return b.move(tx, func(of string) (ledger.Transfer, ledger.Budget, error) { return b.Return(of, amount) })
}

// grant adds to the promise, or takes from what is left of it.
func (b *budget) grant(tx *db.Tx, amount int64) error {
	if amount == 0 {
		return nil
	}
	return b.move(tx, func(of string) (ledger.Transfer, ledger.Budget, error) { return b.Grant(of, amount) })
}

// move posts one movement and brings the program's row to what the book says then.
func (b *budget) move(tx *db.Tx, make func(of string) (ledger.Transfer, ledger.Budget, error)) error {
	b.moves++
	transfer, after, err := make(fmt.Sprintf("move:%d", b.moves))
	if err != nil {
		return err
	}
	if _, err := ledger.Post(tx, transfer); err != nil {
		return err
	}
	b.Budget = after
	if _, err := tx.Exec(`UPDATE programs SET budget_seq = $1, budget_minor = $2, spent_minor = $3 WHERE id = $4`, b.moves, after.Granted(), after.Spent, string(b.program)); err != nil {
		return err
	}
	switch {
	case b.Free <= 0 && b.Granted() > 0:
		return b.close(tx)
	case b.closed && b.Reserve >= ledger.BudgetReserve.Of(b.Granted()) && b.Free >= b.Reserve:
		return b.reopen(tx) // enough came back that it does not close at the next sale
	}
	return nil
}

// draw takes what a line earned.
func (b *budget) draw(tx *db.Tx, line id.Line, amount int64) error {
	short := amount > b.Free
	err := b.move(tx, func(string) (ledger.Transfer, ledger.Budget, error) { return b.Draw(line, amount) })
	if err == nil && short {
		err = b.close(tx)
	}
	return err
}

// close lets no new clicks earn from now on and tells the log. Those made before are paid from the reserve.
func (b *budget) close(tx *db.Tx) error {
	if b.closed {
		return nil
	}
	b.closed = true
	now := db.Micros(tx.Now())
	if _, err := tx.Exec(`UPDATE programs SET closed_at = $1 WHERE id = $2`, now, string(b.program)); err != nil {
		return err
	}
	// Closed, opened and closed again within a microsecond is closed.
	if _, err := tx.Exec(`INSERT INTO program_closures (program_id, from_at) VALUES ($1, $2) ON CONFLICT (program_id, from_at) DO UPDATE SET until_at = 0`, string(b.program), now); err != nil {
		return err
	}
	if err := b.tell(tx); err != nil {
		return err
	}
	p, err := load(tx, b.program)
	if err != nil {
		return err
	}
	return event.Emit(tx, event.ProgramClosed{Program: p.ID, Brand: p.Brand, Name: p.Name, Budget: money.Of(b.Granted(), b.Currency), Left: money.Of(b.Left(), b.Currency), At: tx.Now()})
}

// reopen lets new clicks earn again.
func (b *budget) reopen(tx *db.Tx) error {
	b.closed = false
	if _, err := tx.Exec(`UPDATE programs SET closed_at = 0 WHERE id = $1`, string(b.program)); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE program_closures SET until_at = $1 WHERE program_id = $2 AND until_at = 0`, db.Micros(tx.Now()), string(b.program)); err != nil {
		return err
	}
	return b.tell(tx)
}

// tell tells the log what the program is now.
func (b *budget) tell(tx *db.Tx) error {
	p, err := load(tx, b.program)
	if err != nil {
		return err
	}
	return event.Emit(tx, event.ProgramChanged{ProgramState: p.fact()})
}

// closuresOf returns when programs were closed to new clicks.
func closuresOf(tx *db.Tx, programs []id.Program) (map[id.Program][]attribution.Span, error) {
	spans := map[id.Program][]attribution.Span{}
	if len(programs) == 0 {
		return spans, nil
	}
	in, args := db.In(1, distinct(programs))
	return spans, each(tx, func(rows *sql.Rows) error {
		var p id.Program
		var from, until int64
		err := rows.Scan(&p, &from, &until)
		spans[p] = append(spans[p], attribution.Span{From: db.Time(from), Until: db.Time(until)})
		return err
	}, `SELECT program_id, from_at, until_at FROM program_closures WHERE program_id IN `+in+` ORDER BY program_id, from_at`, args...)
}

// setBudget brings a budget to what its brand wants it to be: the difference is granted, or taken away as far
// as it is left.
func setBudget(tx *db.Tx, before, p Program) error {
	var want, had int64
	if p.Budget != nil {
		want = p.Budget.Minor
	}
	if before.Budget != nil {
		had = before.Budget.Minor
	}
	if want == had {
		return nil
	}
	if had == 0 {
		if err := waitForSales(tx); err != nil {
			return err
		}
		return newBudget(tx, p.ID, want)
	}
	found, err := budgetsOf(tx, []id.Program{p.ID})
	if err != nil || found[p.ID] == nil {
		return err
	}
	b := found[p.ID]
	if want != 0 && want < b.Spent {
		return fault.InvalidField("body.budget.amount", "Commissions have taken %s of it already: it cannot be less.", money.Of(b.Spent, b.Currency))
	}
	raised := want > b.Granted()
	if want == 0 {
		err = b.forget(tx)
	} else {
		err = b.grant(tx, want-b.Granted())
	}
	if err == nil && b.closed && (want == 0 || (raised && b.Free > 0)) {
		err = b.reopen(tx)
	}
	return err
}

// waitForSales waits for the orders that are being paid and keeps others waiting: they have found no budget, and take
// nothing from one that is set meanwhile.
func waitForSales(tx *db.Tx) error {
	if tx.Engine() == db.SQLite { // which has one writer
		return nil
	}
	_, err := tx.Exec(`LOCK TABLE commissions IN SHARE MODE`)
	return err
}

// forget takes the whole of a budget out of the book, also what was spent: another one begins anew.
func (b *budget) forget(tx *db.Tx) error {
	if b.Spent > 0 {
		if err := b.giveBack(tx, b.Spent); err != nil {
			return err
		}
	}
	return b.grant(tx, -b.Granted())
}

// newBudget enters a budget for a program that had none; what its commissions have come to so far counts.
func newBudget(tx *db.Tx, p id.Program, amount int64) error {
	var spent int64
	err := tx.Row(`SELECT CAST(COALESCE(SUM(amount_minor - reversed_minor), 0) AS BIGINT) FROM commissions WHERE program_id = $1`, string(p)).Scan(&spent)
	if err != nil {
		return err
	}
	if spent > amount {
		return fault.InvalidField("body.budget.amount", "Commissions of this program have come to %d minor units already: the budget cannot be less.", spent)
	}
	if _, err := tx.Exec(`UPDATE programs SET budget_minor = $1 WHERE id = $2`, amount, string(p)); err != nil {
		return err
	}
	b, _, _, err := lockBudget(tx, p)
	if err != nil {
		return err
	}
	return b.open(tx, amount, spent)
}

// spend draws new commissions from the budgets of their programs. Programs without a budget are not touched,
// so that they are never waited for.
func spend(tx *db.Tx, list []Commission) error { return settleBudgets(tx, list, true, 0) }

// unspend returns to the budgets what is taken back of commissions, or, with a sign of -1, takes it again.
func unspend(tx *db.Tx, list []Commission, sign int64) error {
	return settleBudgets(tx, list, false, sign)
}

func settleBudgets(tx *db.Tx, list []Commission, earned bool, sign int64) error {
	var programs []id.Program
	for _, c := range list {
		programs = append(programs, c.Program)
	}
	budgets, err := budgetsOf(tx, programs)
	if err != nil || len(budgets) == 0 {
		return err
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Commission) int { return cmp.Compare(a.Line, b.Line) })
	for _, c := range list {
		b := budgets[c.Program]
		if b == nil || c.Amount.Minor == 0 {
			continue
		}
		if earned {
			err = b.draw(tx, c.Line, c.Amount.Minor)
		} else {
			err = b.giveBack(tx, sign*c.Amount.Minor)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leftOf reads what is left of the programs' budgets, of those that have one.
func leftOf(tx *db.Tx, list []Program) error {
	budgets := map[id.Program]*budget{}
	for _, p := range list {
		if p.Budget != nil {
			budgets[p.ID] = &budget{program: p.ID, Budget: ledger.Budget{Program: p.ID, Currency: p.currency}}
		}
	}
	if len(budgets) == 0 {
		return nil
	}
	if err := readBudgets(tx, budgets); err != nil {
		return err
	}
	for i, p := range list {
		b := budgets[p.ID]
		if b == nil {
			continue
		}
		if b.Granted() == 0 { // set before budgets were kept in the book, and not used since
			b.Free = max(0, p.Budget.Minor-p.Spent.Minor)
		}
		free, reserve := money.Of(b.Free, p.currency), money.Of(b.Reserve, p.currency)
		list[i].Left, list[i].Reserved = &free, &reserve
	}
	return nil
}
