package payout_test

import (
	"testing"
	"time"

	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/payout"
)

// What Stripe refused for want of money is asked for again as soon as it is there, and not first when Stripe has forgotten
// its answer a day later; an answer that was lost is asked for again under its own key, so that nothing is done twice.
func TestTakenBackOnceThereIsEnough(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		h.captures(5000, 4000)
		pot := must(h.Ask(ctx, h.maker, h.makers(), usd(3000), h.joins()))(t)
		h.there.PayOn(h.account(), 2000)
		for range 2 { // the second time it is refused under the next key
			if _, err := h.TakeBack(ctx, h.ops[0], pot.ID, "Wrong"); !fault.Is(err, fault.Conflict) {
				t.Errorf("taken back with too little in the account: %v", err)
			}
		}
		if now := must(h.One(ctx, h.maker, h.makers(), pot.ID))(t); now.State != payout.Confirmed || len(h.there.All("transfer_reversal")) != 0 {
			t.Errorf("refused, it is %s", now.State)
		}
		h.there.PayOn(h.account(), -2000)
		h.there.Lose(true)
		if _, err := h.TakeBack(ctx, h.ops[0], pot.ID, "Wrong"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a lost answer: %v", err)
		}
		h.there.Lose(false)
		h.captures(0, 500)
		for range 2 {
			if back := must(h.TakeBack(ctx, h.ops[0], pot.ID, "Wrong"))(t); back.State != payout.Returned {
				t.Errorf("with enough in the account it is %s", back.State)
			}
		}
		if n := len(h.there.All("transfer_reversal")); n != 1 || h.balance(ledger.CreatorAvailable(h.creator)) != 4500 {
			t.Errorf("%d reversals, and %d are the creator's", n, h.balance(ledger.CreatorAvailable(h.creator)))
		}
	})
}

// A refund that Stripe held too little for is made once it holds enough, once.
func TestRefundedOnceThereIsEnough(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		pay, _ := h.captures(5000, 4000)
		refund := func() error { return h.stripe.Refund(ctx, pay, "refund:rfd_1", usd(1000)) }
		h.there.Refunds = "refused"
		for range 2 {
			if err := refund(); !fault.Is(err, fault.Unavailable) {
				t.Errorf("with too little at Stripe: %v", err)
			}
		}
		h.there.Refunds = ""
		h.there.Lose(true)
		if err := refund(); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a lost answer: %v", err)
		}
		h.there.Lose(false)
		h.clock.Advance(time.Minute)
		for range 2 {
			h.must(refund())
		}
		if n := len(h.there.All("refund")); n != 1 {
			t.Errorf("%d refunds", n)
		}
	})
}

// Two ask at one moment: one is refused, the other is heard and its answer is lost. Whoever asks next under the new key finds
// what was made under the old one.
func TestUnderANewKeyNothingIsMadeTwice(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		pay, _ := h.captures(5000, 4000)
		dst := h.joins()
		h.there.Lose(true)
		pot := must(h.Ask(ctx, h.maker, h.makers(), usd(3000), dst))(t)
		refund := func() error { return h.stripe.Refund(ctx, pay, "refund:rfd_1", usd(1000)) }
		if err := refund(); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a lost answer: %v", err)
		}
		h.there.Lose(false)
		h.exec(`UPDATE stripe_transfers SET tries = 1`) // by the one who was refused
		h.exec(`UPDATE stripe_refunds SET tries = 1`)
		h.must(refund())
		h.clock.Advance(time.Minute)
		h.must(h.Sweep(ctx))
		pot = must(h.One(ctx, h.maker, h.makers(), pot.ID))(t)
		if n, m := len(h.there.All("transfer")), len(h.there.All("refund")); n != 1 || m != 1 || pot.State != payout.Confirmed {
			t.Errorf("%d transfers and %d refunds, and the payout is %s", n, m, pot.State)
		}
	})
}
