package payout_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mezzo/internal/ledger"
	"mezzo/internal/payout"
)

// Many payouts just below the limit are looked at as one above it would be; what an operator has seen, what failed and what
// is a day old does not count, nor does another owner's.
func TestManySmallPayoutsAreLookedAt(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(30_000_00, 9_000_00)
		h.known()
		must(h.PutSettings(ctx, h.ops[0], 0, payout.Settings{Approvals: 1}))(t) // above 5,000.00
		ask := func(minor int64, waits bool) payout.Payout {
			t.Helper()
			pot := must(h.Ask(ctx, h.owner, h.brands(), usd(minor), "dst_any"))(t)
			if pot.Waiting != waits {
				t.Errorf("%s: %s, waiting %v", pot.Amount, pot.State, pot.Waiting)
			}
			return pot
		}
		ask(2_600_00, false)
		if failed := must(h.Ask(ctx, h.owner, h.brands(), usd(2_400_00), "dst_fail_x"))(t); failed.State != payout.Failed {
			t.Fatalf("%+v", failed)
		}
		ask(2_400_00, false) // 5,000.00 in all
		small := ask(10_00, true)
		must(h.Approve(ctx, h.ops[0], small.ID, true, ""))(t)
		if pot := must(h.Ask(ctx, h.maker, h.makers(), usd(4_000_00), "dst_any"))(t); pot.Waiting {
			t.Errorf("another owner's waits: %+v", pot)
		}
		h.clock.Advance(payout.LimitWindow - time.Second)
		ask(10_00, true)
		h.clock.Advance(time.Second)
		ask(5_000_00, false)
		ask(10_00, true)
		h.sound()
	})
}

// Twelve at once, of which five reach the limit: five are paid, the others wait for an operator.
func TestSmallPayoutsAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(12_000_00, 1_00)
		h.known()
		var all sync.WaitGroup
		var waiting atomic.Int64
		for range 12 {
			all.Go(func() {
				pot, err := h.Ask(ctx, h.owner, h.brands(), usd(1_000_00), "dst_any")
				if err != nil {
					t.Error(err)
				}
				if pot.Waiting {
					waiting.Add(1)
				}
			})
		}
		all.Wait()
		if waiting.Load() != 7 || h.balance(ledger.BrandAvailable(h.brand)) != 0 {
			t.Errorf("%d wait for an operator, %d are left", waiting.Load(), h.balance(ledger.BrandAvailable(h.brand)))
		}
		h.sound()
	})
}
