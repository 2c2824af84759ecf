package payout_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/payout"

	"mezzo/internal/clock"
	"mezzo/internal/db/dbtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// byHand opens a house whose payouts leave by file.
func byHand(t *testing.T, f func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) { f(t, open(t, d, c, payout.Manual("main"))) })
}

// postings writes what stands in the book, transfer by transfer, with readable names.
func (h *house) postings() string {
	h.t.Helper()
	names := strings.NewReplacer(string(h.creator), "c", string(h.brand), "b")
	var out strings.Builder
	lines := must(db.Get(ctx, h.d, func(tx *db.Tx) ([]string, error) {
		rows, err := tx.Query(`SELECT t.kind, t.key, e.account, e.amount FROM ledger_entries e JOIN ledger_transfers t ON t.seq = e.id / 64 ORDER BY e.id`)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var list []string
		last := ""
		for rows.Next() {
			var kind, key, name string
			var amount int64
			if err := rows.Scan(&kind, &key, &name, &amount); err != nil {
				return nil, err
			}
			if key != last {
				list, last = append(list, kind), key
			}
			side := "credit"
			if amount < 0 {
				side = "debit "
			}
			list = append(list, fmt.Sprintf("  %s %10s %s", side, usd(max(amount, -amount)).Decimal(), names.Replace(name)))
		}
		return list, rows.Err()
	}))(h.t)
	for _, l := range lines {
		out.WriteString(l + "\n")
	}
	return out.String()
}

// A payout run by hand, leg by leg: bought, released, asked for, settled to the bank, handed over, arrived, failed and
// come back. In the end the bank holds what the provider paid to it less what left it, and owes nobody.
func TestGoldenManualRun(t *testing.T) {
	byHand(t, func(t *testing.T, h *house) {
		h.earn(100_00, 25_00)
		h.known()
		must(h.PutSettings(ctx, h.ops[0], 0, payout.Settings{Approvals: 2, Withhold: []payout.Withholding{{Country: "US", Rate: 1000, Jurisdiction: "US", From: "creators"}}}))(t)
		to := bank
		to.Number = "12345678"
		mine, theirs := must(h.AddDestination(ctx, h.maker, h.makers(), right, bank))(t), must(h.AddDestination(ctx, h.owner, h.brands(), right, to))(t)
		arrives := must(h.Ask(ctx, h.maker, h.makers(), usd(20_00), mine.ID))(t)
		fails := must(h.Ask(ctx, h.owner, h.brands(), usd(40_00), theirs.ID))(t)
		returns := must(h.Ask(ctx, h.owner, h.brands(), usd(50_00), theirs.ID))(t)
		settled := must(h.Settle(ctx, h.ops[0], usd(110_00), "Line 7 of November"))(t)
		if settled.BookedAt == nil || h.balance(ledger.Bank("main")) != 110_00 {
			t.Errorf("%+v, the bank holds %d", settled, h.balance(ledger.Bank("main")))
		}
		must(h.Hand(ctx, h.ops[0]))(t)
		line := func(p payout.Payout, state string) string {
			return fmt.Sprintf("%s,%s,%s,USD,ref,Closed\n", p.ID, state, p.Net.Decimal())
		}
		heads := "payout_id,state,amount,currency,reference,reason\n"
		file := []byte(heads + line(arrives, "confirmed") + line(fails, "failed") + line(returns, "confirmed"))
		if r := must(h.Preview(ctx, h.ops[0], file))(t); r.Applied != 3 || h.balance(ledger.Transit("manual")) != 108_00 {
			t.Errorf("the preview: %+v", r)
		}
		if r := must(h.Read(ctx, h.ops[0], file))(t); r.Applied != 3 {
			t.Errorf("the results: %+v", r)
		}
		odd := []byte(heads + "pot_00000000000000000000000000,failed,1.00,USD,,\npot_00000000000000000000000000,failed,1.00,USD,,\n")
		if r := must(h.Preview(ctx, h.ops[0], odd))(t); r.Refused != 2 {
			t.Errorf("what fits nothing, twice: %+v", r)
		}
		again := []byte(heads + line(returns, "returned") + line(fails, "confirmed") + line(arrives, "confirmed"))
		want := []string{"applied", "refused", "repeated"}
		for _, take := range []func() (payout.Results, error){
			func() (payout.Results, error) { return h.Preview(ctx, h.ops[0], again) }, func() (payout.Results, error) { return h.Read(ctx, h.ops[0], again) }} {
			r := must(take())(t)
			for i, l := range r.Lines {
				if l.Did != want[i] {
					t.Errorf("line %d: %+v", i, l)
				}
			}
		}
		if h.balance(ledger.Bank("main")) != 92_00 || h.balance(ledger.Transit("manual")) != 0 {
			t.Errorf("the bank holds %d, %d are on their way", h.balance(ledger.Bank("main")), h.balance(ledger.Transit("manual")))
		}
		stands := must(h.BankStands(ctx, h.ops[0]))(t)
		if len(stands) != 1 || stands[0].Holds != usd(92_00) || stands[0].Clearing != usd(15_00) || !stands[0].Due.IsZero() {
			t.Errorf("%+v", stands)
		}
		h.clock.Advance(payout.SweepEvery * 100)
		if c := must(h.Reconcile(ctx, h.ops[0]))(t); c.Lines != 2 { // the sale and the settlement
			t.Errorf("compared: %+v", c)
		}
		list, _, err := h.Differences(ctx, h.ops[0], false, 10)
		h.must(err)
		for _, d := range list {
			if strings.HasPrefix(d.Subject, "settled:") || strings.HasPrefix(d.Subject, "payout:") {
				t.Errorf("provider and books differ: %+v", d)
			}
		}
		h.sound()
		got := h.postings()
		const golden = "testdata/manual.golden"
		if *update {
			h.must(os.WriteFile(golden, []byte(got), 0o600))
		}
		if wrote := must(os.ReadFile(golden))(t); got != string(wrote) {
			t.Errorf("posted\n%s\nwant\n%s", got, wrote)
		}
	})
}

func TestWhatCannotBeSettled(t *testing.T) {
	byHand(t, func(t *testing.T, h *house) {
		h.earn(100_00, 25_00)
		_, err := h.Settle(ctx, h.ops[0], usd(125_01), "more than there is")
		refused(t, err, fault.Conflict, "insufficient_balance")
		_, err = h.Settle(ctx, h.ops[0], usd(0), "nothing")
		refused(t, err, fault.Invalid, "")
		_, err = h.Settle(ctx, h.ops[0], usd(1_00), "  ")
		refused(t, err, fault.Invalid, "")
		_, err = h.Settle(ctx, h.owner, usd(1_00), "not an operator")
		refused(t, err, fault.Missing, "")
		must(h.Settle(ctx, h.ops[0], usd(100_00), "one"))(t)
		h.clock.Advance(payout.SweepEvery)
		_, err = h.Settle(ctx, h.ops[1], usd(1_00), "one")
		refused(t, err, fault.Conflict, "reference_known")
		_, err = h.Settle(ctx, h.ops[1], usd(25_01), "two")
		refused(t, err, fault.Conflict, "insufficient_balance")
		must(h.Settle(ctx, h.ops[1], usd(25_00), "two"))(t)
		if list := must(h.Settlements(ctx, h.ops[0], "", 10))(t); len(list) != 2 || list[1].Reference != "one" {
			t.Errorf("%+v", list)
		}
		h.sound()
	})
}

// A difference is dealt with once, by an operator, with a reason that stays; it comes back when a side changes.
func TestADifferenceIsDealtWith(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(10_00, 0)
		lost := func(amount int64) {
			h.exec(`INSERT INTO sandbox_charges (id, key, request_hash, amount_minor, currency, method, state, created_at, updated_at) VALUES ($1, $1, '', $2, 'USD', 'pm_card_visa', 'succeeded', $3, $3)`,
				fmt.Sprint("sch_lost", amount), amount, db.Micros(h.clock.Now()))
		}
		lost(7_00)
		look := func() []payout.Difference {
			h.clock.Advance(payout.SweepEvery * 100)
			must(h.Reconcile(ctx, h.ops[0]))(t)
			list, _, err := h.Differences(ctx, h.ops[0], false, 10)
			h.must(err)
			return list
		}
		open := look()
		if len(open) != 3 { // the test's own sale has no payment: its charge and its order stand alone
			t.Fatalf("%+v", open)
		}
		for _, d := range open {
			m := payout.Mark{Provider: d.Provider, Subject: d.Subject, Currency: d.Theirs.Currency}
			_, err := h.SettleDifference(ctx, h.ops[0], m, " ")
			refused(t, err, fault.Invalid, "")
			_, err = h.SettleDifference(ctx, h.owner, m, "It is fine")
			refused(t, err, fault.Missing, "")
			n := must(h.SettleDifference(ctx, h.ops[0], m, "Given back at the provider"))(t)
			if n.Theirs != d.Theirs || n.Ours != d.Ours || n.MadeBy != "acc_op0" {
				t.Errorf("%+v", n)
			}
			_, err = h.SettleDifference(ctx, h.ops[1], m, "Given back at the provider")
			refused(t, err, fault.Missing, "")
		}
		if open = look(); len(open) != 0 {
			t.Errorf("dealt with and still there: %+v", open)
		}
		h.exec(`UPDATE sandbox_charges SET amount_minor = 800 WHERE key = 'sch_lost700'`)
		if open = look(); len(open) != 1 || open[0].Theirs != usd(8_00) {
			t.Errorf("it changed and is not back: %+v", open)
		}
		if what, advice := payout.SubjectWords(open[0].Subject); what != "A charge that no order knows" || advice == "" {
			t.Errorf("%s %s", what, advice)
		}
	})
}

// Operators who note settlements at one moment cannot note more than the provider holds.
func TestSettlementsMeet(t *testing.T) {
	byHand(t, func(t *testing.T, h *house) {
		h.earn(100_00, 25_00)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if _, err := h.Settle(ctx, h.ops[i%3], usd(100_00), fmt.Sprint("Line ", i)); err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if noted := must(h.Settlements(ctx, h.ops[0], "", 10))(t); len(noted) != 1 {
			t.Errorf("%d settlements of 100.00 are noted, and the provider held 125.00", len(noted))
		}
	})
}
