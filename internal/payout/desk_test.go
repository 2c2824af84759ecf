package payout_test

import (
	"testing"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/ledger"
	"mezzo/internal/payout"
)

// A payout to a name of the sandbox that did not arrive waits for the operator until another one leaves: the name is
// no place that its owner could confirm.
func TestTheSandboxsFailuresWaitForTheOperator(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(0, 100_00)
		h.known()
		trouble := func(want int64, when string) {
			t.Helper()
			if desk := must(h.Desk(ctx, h.ops[0]))(t); desk.Trouble != want {
				t.Errorf("%s %d payouts wait as trouble, not %d", when, desk.Trouble, want)
			}
		}
		trouble(0, "before any")
		must(h.Ask(ctx, h.maker, h.makers(), usd(40_00), "dst_fail"))(t)
		trouble(1, "after one that failed")
		h.clock.Advance(time.Second)
		must(h.Ask(ctx, h.maker, h.makers(), usd(40_00), "dst_any"))(t)
		trouble(0, "after one that left")
		h.clock.Advance(time.Second)
		dst := must(h.AddDestination(ctx, h.maker, h.makers(), right, payout.NewDestination{Account: payout.Account{Holder: "Ada", Number: "fail-2"}}))(t)
		must(h.Ask(ctx, h.maker, h.makers(), usd(40_00), dst.ID))(t)
		trouble(1, "after a place failed")
		must(h.ConfirmDestination(ctx, h.maker, h.makers(), dst.ID, right))(t)
		trouble(0, "after its owner confirmed it")
	})
}

// Each cause of a statement has its own words: a dispute that was won is not a payout that did not arrive, though both
// take a transfer back.
func TestAStatementTellsReversalsApart(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(0, 100_00)
		h.known()
		h.must(h.d.Write(ctx, func(tx *db.Tx) error {
			frozen := ledger.Transfer{Key: "dispute:dsp_1:frozen", Kind: ledger.KindFrozen, Currency: "USD",
				Legs: []ledger.Leg{ledger.Debit(ledger.CreatorAvailable(h.creator), 30_00), ledger.Credit(ledger.CreatorHeld(h.creator), 30_00)}}
			_, err := ledger.Post(tx, frozen)
			if err == nil {
				_, err = ledger.Reverse(tx, frozen.Key, "dispute:dsp_1:won")
			}
			return err
		}))
		must(h.Ask(ctx, h.maker, h.makers(), usd(40_00), "dst_fail"))(t)
		now := h.clock.Now()
		st := must(h.Statement(ctx, h.maker, h.makers(), "USD", now.Add(-time.Hour), now.Add(time.Hour)))(t)
		sums := map[string]int64{}
		for _, c := range st.Causes {
			sums[c.Says] = c.Amount.Minor
		}
		if won, ok := sums["A dispute was won: no longer held"]; !ok || won != 0 || sums["A payout did not arrive"] != 40_00 || sums["Paid out"] != -40_00 {
			t.Errorf("the causes come to %v", sums)
		}
	})
}
