package affiliate

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"

	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// checkPage is how many decisions are read at a time.
const checkPage = 1000

// maxBreaks bounds how many breaks of one sort are named.
const maxBreaks = 20

// Check proves the decisions and the budgets: every receipt is made again from its facts by the version of
// the rule that made it, and must be the same; of every program with a budget the book, its row and its
// commissions must agree. It returns what is wrong, in sentences, and how many decisions it made again.
func (a *Affiliate) Check(ctx context.Context) (problems []string, decided int, err error) {
	wrong, decided, err := a.checkDecisions(ctx)
	if err != nil {
		return nil, 0, err
	}
	budgets, err := db.Get(db.WithReadLimit(ctx, ledger.CheckLimit), a.d, checkBudgets)
	return append(wrong, budgets...), decided, err
}

// decision is a stored decision with its facts.
type decision struct {
	line           id.Line
	version        int
	creator, touch string
	receipt, facts string
}

func (a *Affiliate) checkDecisions(ctx context.Context) (problems []string, decided int, err error) {
	var last id.Line
	for {
		page, err := db.Get(db.WithReadLimit(ctx, ledger.CheckLimit), a.d, func(tx *db.Tx) ([]decision, error) {
			return db.All(tx, func(r *sql.Rows) (d decision, err error) {
				return d, r.Scan(&d.line, &d.version, &d.creator, &d.touch, &d.receipt, &d.facts)
			}, `SELECT line_id, rule_version, creator_id, touch_id, receipt, facts FROM attributions
				WHERE line_id > $1 AND state = 'decided' AND facts <> '' ORDER BY line_id LIMIT $2`, string(last), int64(checkPage))
		})
		if err != nil || len(page) == 0 {
			return problems, decided, err
		}
		for _, d := range page {
			decided++
			if says := d.again(); says != "" && len(problems) < maxBreaks {
				problems = append(problems, fmt.Sprintf("line %s %s", d.line, says))
			}
		}
		last = page[len(page)-1].line
	}
}

// again makes the decision again and says what is wrong with the stored one.
func (d decision) again() string {
	var facts attribution.Facts
	var stored attribution.Receipt
	if json.Unmarshal([]byte(d.facts), &facts) != nil || json.Unmarshal([]byte(d.receipt), &stored) != nil {
		return "has a receipt or facts that cannot be read"
	}
	made, err := facts.Decide()
	switch {
	case err != nil:
		return "was decided by a version of the rule that is not known here"
	case facts.Version != d.version || stored.RuleVersion != d.version:
		return "names different versions of the rule"
	case string(stored.Creator) != d.creator || string(stored.Touch) != d.touch:
		return "is owed to somebody else than its receipt says"
	case !reflect.DeepEqual(made, stored):
		return "comes to another decision when it is decided again"
	}
	return ""
}

// budgetBreaks are queries whose rows are programs with a break.
var budgetBreaks = []struct{ says, query string }{
	{"program %s has come to more than its budget", `SELECT id FROM programs WHERE budget_seq > 0 AND budget_minor > 0 AND spent_minor > budget_minor`},
	{"program %s counts other commissions than it has", `SELECT p.id FROM programs p WHERE p.budget_seq > 0 AND p.budget_minor > 0 AND p.spent_minor <>
		(SELECT CAST(COALESCE(SUM(c.amount_minor - c.reversed_minor), 0) AS BIGINT) FROM commissions c WHERE c.program_id = p.id)`},
	{"program %s is closed without a closure, or open with one", `SELECT p.id FROM programs p WHERE (p.closed_at > 0) <> EXISTS
		(SELECT 1 FROM program_closures c WHERE c.program_id = p.id AND c.until_at = 0)`},
}

func checkBudgets(tx *db.Tx) (problems []string, err error) {
	for _, b := range budgetBreaks {
		list, err := db.All(tx, func(r *sql.Rows) (p string, err error) { return p, r.Scan(&p) }, b.query+fmt.Sprintf(` LIMIT %d`, maxBreaks))
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			problems = append(problems, fmt.Sprintf(b.says, p))
		}
	}
	rows := map[id.Program]int64{}
	spent := map[id.Program]int64{}
	budgets := map[id.Program]*budget{}
	err = each(tx, func(r *sql.Rows) error {
		b := &budget{}
		var granted, used int64
		err := r.Scan(&b.program, &b.Currency, &granted, &used)
		b.Program = b.program
		rows[b.program], spent[b.program], budgets[b.program] = granted, used, b
		return err
	}, `SELECT id, currency, budget_minor, spent_minor FROM programs WHERE budget_seq > 0 ORDER BY id`)
	if err != nil || len(budgets) == 0 {
		return problems, err
	}
	if err := readBudgets(tx, budgets); err != nil {
		return problems, err
	}
	for p, b := range budgets {
		granted, err := ledger.BalanceOf(tx, ledger.ProgramGranted(p), b.Currency)
		if err != nil {
			return problems, err
		}
		if b.Granted() != rows[p] || b.Spent != spent[p] || granted.Minor != -b.Granted() {
			problems = append(problems, fmt.Sprintf("the budget of program %s differs from the book", p))
		}
	}
	return problems, nil
}
