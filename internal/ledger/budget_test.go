package ledger_test

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

var program = id.Program("").From(raw(1))

// The life of a budget of 100.00, leg by leg: a fifth is kept for clicks made before the rest was spent.
func TestGoldenBudget(t *testing.T) {
	b := ledger.Budget{Program: program, Currency: "USD"}
	var out strings.Builder
	for _, c := range []struct {
		name string
		do   func() (ledger.Transfer, ledger.Budget, error)
	}{
		{"granted 100.00", func() (ledger.Transfer, ledger.Budget, error) { return b.Grant("move:1", 10000) }},
		{"a commission of 12.75", func() (ledger.Transfer, ledger.Budget, error) { return b.Draw(line, 1275) }},
		{"one of 70.00: the reserve pays what is missing", func() (ledger.Transfer, ledger.Budget, error) { return b.Draw(line, 7000) }},
		{"a refund of 6.37: what the reserve lacks, the rest to the budget", func() (ledger.Transfer, ledger.Budget, error) { return b.Return("move:4", 637) }},
		{"a refund of 20.00", func() (ledger.Transfer, ledger.Budget, error) { return b.Return("move:5", 2000) }},
		{"the provider refuses it", func() (ledger.Transfer, ledger.Budget, error) { return b.Return("move:6", -2000) }},
		{"topped up by 50.00", func() (ledger.Transfer, ledger.Budget, error) { return b.Grant("move:7", 5000) }},
		{"lowered by 30.00", func() (ledger.Transfer, ledger.Budget, error) { return b.Grant("move:8", -3000) }},
	} {
		transfer, after, err := c.do()
		postings := text(t, []ledger.Transfer{transfer}, err)
		out.WriteString("# " + c.name + "\n" + strings.ReplaceAll(postings, string(program), "p") + "\n\n")
		b = after
	}
	const file = "testdata/budget.golden"
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("posted\n%s\nwant\n%s", out.String(), want)
	}
}

// Whatever happens to a budget, nothing of it is below zero, each posting balances, and it comes to what was
// granted; what it has not is refused and changes nothing.
func TestBudgetNeverOverdrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := ledger.Budget{Program: program, Currency: "USD"}
		var granted, spent int64
		for range rapid.IntRange(1, 30).Draw(t, "moves") {
			amount := rapid.Int64Range(-300, 1000).Draw(t, "amount")
			var transfer ledger.Transfer
			var after ledger.Budget
			var err error
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				if transfer, after, err = b.Grant("m", amount); err == nil {
					granted += amount
				} else if amount+b.Left() >= 0 {
					t.Fatal(err)
				}
			case 1:
				if transfer, after, err = b.Draw(line, amount); err == nil {
					spent += amount
				} else if amount >= 0 && amount <= b.Left() {
					t.Fatal(err)
				}
			default:
				if transfer, after, err = b.Return("m", amount); err == nil {
					spent -= amount
				} else if amount <= b.Spent && -amount <= b.Left() {
					t.Fatal(err)
				}
			}
			if err != nil && after != b {
				t.Fatal("a refusal changed it")
			}
			var sum int64
			for _, l := range transfer.Legs {
				sum += l.Amount
			}
			b = after
			if sum != 0 || min(b.Free, b.Reserve, b.Spent) < 0 || b.Granted() != granted || b.Spent != spent {
				t.Fatalf("%+v: granted %d, spent %d, the posting sums to %d", b, granted, spent, sum)
			}
		}
	})
}
