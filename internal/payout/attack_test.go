package payout_test

import (
	"testing"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// What brands and creators owe us is not money that the bank could change: only what is held is, and of that what others own
// stays in the currency it came in.
func TestWhatIsOwedToUsIsNotExchanged(t *testing.T) {
	byHand(t, func(t *testing.T, h *house) {
		on := h.clock.Now().Format("2006-01-02")
		h.earn(100_00, 0) // the brand's
		h.must(h.d.Write(ctx, func(tx *db.Tx) error {
			_, err := ledger.Post(tx,
				ledger.Transfer{Key: "fees", Kind: ledger.KindPaid, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), 30_00), ledger.Credit(ledger.FeeDeferred, 30_00)}},
				ledger.Transfer{Key: "earned", Kind: ledger.KindDelivered, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.FeeDeferred, 30_00), ledger.Credit(ledger.FeeIncome, 30_00)}})
			return err
		}))
		h.owe(h.makers(), 30_00) // of a refund after a payout, that the provider has made
		h.must(h.d.Write(ctx, func(tx *db.Tx) error {
			_, err := ledger.Post(tx, ledger.RefundConfirmed("x", "sandbox", usd(30_00)),
				ledger.Transfer{Key: "settled", Kind: ledger.KindSettled, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Bank("main"), 100_00), ledger.Credit(ledger.Clearing("sandbox"), 100_00)}})
			return err
		}))
		// Of the 100.00 that are there all are the brand's; our own 30.00 are with a creator who owes them.
		_, err := h.Exchange(ctx, h.ops[0], usd(30_00), money.Of(27_00, "EUR"), on, "FX 1")
		refused(t, err, fault.Conflict, "insufficient_balance")
		if cash := h.balance(ledger.Bank("main")) + h.balance(ledger.Clearing("sandbox")); cash < h.balance(ledger.BrandAvailable(h.brand)) {
			t.Errorf("%d are held, and %d are the brand's", cash, h.balance(ledger.BrandAvailable(h.brand)))
		}
	})
}

// What was written off is not recovered later: not from money that paid another debt, which was taken back.
func TestAWriteOffIsNotRecoveredFromAnotherDebt(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.owe(h.brands(), 40_00)
		must(h.giveUp(h.ops[0], h.brands(), 40_00))(t)
		h.owe(h.brands(), 15_00) // by another refund
		second := "refund:" + string(h.brands()) + time.Duration(2).String()
		h.earn(15_00, 0)
		h.must(h.d.Write(ctx, func(tx *db.Tx) error { return ledger.Recover(tx, "paid", "USD", h.brands().Purse()) }))
		h.must(h.d.Write(ctx, func(tx *db.Tx) error { // which the provider refuses
			if _, err := ledger.Reverse(tx, second, second+":failed"); err != nil {
				return err
			}
			return ledger.Recover(tx, "refused", "USD", h.brands().Purse())
		}))
		if has, owes, lost := h.balance(h.brands().Purse().Available), h.balance(h.brands().Purse().Owes), h.balance(ledger.BadDebt); has != 15_00 || owes != 0 || lost != 40_00 {
			t.Errorf("they have %d, owe %d, and %d are lost: want 1500, 0 and 4000", has, owes, lost)
		}
		h.sound()
	})
}
