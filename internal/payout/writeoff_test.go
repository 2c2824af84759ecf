package payout_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

// giveUp writes off what an owner owes.
func (h *house) giveUp(who account.Asker, o payout.Owner, minor int64) (payout.WriteOff, error) {
	return h.WriteOff(ctx, who, payout.NewWriteOff{Owner: o, Amount: usd(minor), Reason: "They have gone away"})
}

// What is written off is the platform's loss, is not recovered later, and lets payouts go on.
func TestADebtIsWrittenOff(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.known()
		h.owe(h.makers(), 12_75)
		if _, err := h.giveUp(h.ops[0], h.makers(), 12_76); true {
			refused(t, err, fault.Conflict, "over_debt")
		}
		key := db.Key{Actor: "acc_op0", Route: "write off", Value: "once", Hash: [32]byte{1}}
		in := payout.NewWriteOff{Owner: h.makers(), Amount: usd(10_00), Reason: "They have gone away"}
		first := must(h.WriteOff(db.WithKey(ctx, key), h.ops[0], in))(t)
		again := must(h.WriteOff(db.WithKey(ctx, key), h.ops[0], in))(t)
		if first.State != payout.WriteOffBooked || again.ID != first.ID || first.Name != "Marisol" || h.balance(ledger.BadDebt) != 10_00 || h.balance(h.makers().Purse().Owes) != 2_75 {
			t.Errorf("written off %+v and %+v: lost %d, still owed %d", first, again, h.balance(ledger.BadDebt), h.balance(h.makers().Purse().Owes))
		}
		must(h.giveUp(h.ops[1], h.makers(), 2_75))(t)
		if _, err := h.giveUp(h.ops[1], h.makers(), 1); true {
			refused(t, err, fault.Conflict, "over_debt")
		}
		h.earn(0, 20_00) // nothing of it pays what is owed no more
		must(h.Ask(ctx, h.maker, h.makers(), usd(20_00), "dst_any"))(t)
		if left := h.balance(h.makers().Purse().Available); left != 0 {
			t.Errorf("%d stayed after all was paid out", left)
		}
		s := must(h.Statement(ctx, h.maker, h.makers(), "USD", h.clock.Now().Add(-time.Hour), h.clock.Now().Add(time.Hour)))(t)
		said := false
		for _, m := range s.Movements {
			said = said || m.Account == "owed" && m.Amount == usd(10_00) && m.Says == "Written off: it is owed no more"
		}
		if !said || s.Closing.Owed.Minor != 0 {
			t.Errorf("the statement: %+v", s)
		}
		list := must(h.WriteOffs(ctx, h.ops[2], "", 10))(t)
		debts, _, err := h.Debts(ctx, h.ops[2], "", 10)
		if err != nil || len(list) != 2 || len(debts) != 0 {
			t.Errorf("%d were given up and %v is owed: %v", len(list), debts, err)
		}
		sol := must(h.Solvency(ctx, h.ops[0]))(t)
		if len(sol) != 1 || sol[0].Own != sol[0].Result {
			t.Errorf("the sheet does not add up: %+v", sol)
		}
		h.sound()
	})
}

// A debt that turns out to be none after it was written off brings its loss back, not money to whoever owed it.
func TestWhatWasWrittenOffAndNotOwedAfterAll(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.owe(h.brands(), 40_00)
		h.earn(15_00, 0)
		h.must(h.d.Write(ctx, func(tx *db.Tx) error { return ledger.Recover(tx, "first", "USD", h.brands().Purse()) }))
		must(h.giveUp(h.ops[0], h.brands(), 20_00))(t)
		h.must(h.d.Write(ctx, func(tx *db.Tx) error {
			key := "refund:" + string(h.brands()) + time.Duration(1).String()
			if _, err := ledger.Reverse(tx, key, key+":failed"); err != nil {
				return err
			}
			return ledger.Recover(tx, "second", "USD", h.brands().Purse())
		}))
		// 40.00 were owed, 15.00 of it paid and 20.00 given up: 15.00 are theirs again, and nothing is lost.
		if has, owes, lost := h.balance(h.brands().Purse().Available), h.balance(h.brands().Purse().Owes), h.balance(ledger.BadDebt); has != 15_00 || owes != 0 || lost != 0 {
			t.Errorf("they have %d, owe %d, and %d are lost", has, owes, lost)
		}
		h.sound()
	})
}

// Above the limit another operator must agree; several below it are no way around.
func TestAWriteOffAboveTheLimitNeedsTwo(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		must(h.PutSettings(ctx, h.ops[0], 0, payout.Settings{Limits: []money.Amount{usd(10_00)}, Approvals: 2}))(t)
		h.owe(h.brands(), 50_00)
		must(h.giveUp(h.ops[0], h.brands(), 9_00))(t)
		w := must(h.giveUp(h.ops[0], h.brands(), 2_00))(t)
		if w.State != payout.WriteOffWaits || h.balance(ledger.BadDebt) != 9_00 {
			t.Errorf("%+v, lost %d", w, h.balance(ledger.BadDebt))
		}
		_, err := h.giveUp(h.ops[1], h.brands(), 3_00)
		refused(t, err, fault.Conflict, "write_off_waiting")
		_, err = h.DecideWriteOff(ctx, h.ops[0], w.ID, true, "")
		refused(t, err, fault.Forbidden, "own_proposal")
		theirs := h.ops[2]
		theirs.Brands = h.owner.Brands
		_, err = h.DecideWriteOff(ctx, theirs, w.ID, true, "")
		refused(t, err, fault.Forbidden, "own_debt")
		_, err = h.giveUp(theirs, h.brands(), 1_00)
		refused(t, err, fault.Forbidden, "own_debt")
		_, err = h.DecideWriteOff(ctx, h.ops[1], w.ID, false, "")
		refused(t, err, fault.Invalid, "")
		if got := must(h.DecideWriteOff(ctx, h.ops[1], w.ID, true, ""))(t); got.State != payout.WriteOffBooked || h.balance(ledger.BadDebt) != 11_00 {
			t.Errorf("%+v, lost %d", got, h.balance(ledger.BadDebt))
		}
		_, err = h.DecideWriteOff(ctx, h.ops[2], w.ID, true, "")
		refused(t, err, fault.Conflict, "wrong_state")

		w = must(h.giveUp(h.ops[1], h.brands(), 39_00))(t)
		h.earn(30_00, 0)
		h.must(h.d.Write(ctx, func(tx *db.Tx) error { return ledger.Recover(tx, "meanwhile", "USD", h.brands().Purse()) }))
		_, err = h.DecideWriteOff(ctx, h.ops[2], w.ID, true, "")
		refused(t, err, fault.Conflict, "over_debt")
		must(h.DecideWriteOff(ctx, h.ops[1], w.ID, false, "Most of it is paid"))(t)
		h.sound()
	})
}

// Nobody but an operator in person gives anything up, and nonsense changes nothing.
func TestWriteOffsRefuseNonsense(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.owe(h.makers(), 5_00)
		token := h.ops[0]
		token.Token = "tok_x"
		for _, who := range []account.Asker{{}, h.maker, h.owner, token} {
			if _, err := h.giveUp(who, h.makers(), 1); err == nil {
				t.Errorf("%+v wrote a debt off", who)
			}
		}
		fine := payout.NewWriteOff{Owner: h.makers(), Amount: usd(1), Reason: "They have gone away"}
		for name, change := range map[string]func(*payout.NewWriteOff){
			"nothing": func(w *payout.NewWriteOff) { w.Amount.Minor = 0 }, "less": func(w *payout.NewWriteOff) { w.Amount.Minor = -1 },
			"no currency": func(w *payout.NewWriteOff) { w.Amount.Currency = "XYZ" }, "another": func(w *payout.NewWriteOff) { w.Amount.Currency = "EUR" },
			"all there is": func(w *payout.NewWriteOff) { w.Amount.Minor = money.Max }, "nobody": func(w *payout.NewWriteOff) { w.Owner = "crt_nobody" }, "no owner": func(w *payout.NewWriteOff) { w.Owner = "" },
			"no reason": func(w *payout.NewWriteOff) { w.Reason = " \n " }, "a long one": func(w *payout.NewWriteOff) { w.Reason = strings.Repeat("x", 301) }, "zero": func(w *payout.NewWriteOff) { w.Reason = "abc\x00" },
		} {
			in := fine
			change(&in)
			if _, err := h.WriteOff(ctx, h.ops[0], in); err == nil {
				t.Errorf("%s was written off", name)
			}
		}
		if h.balance(ledger.BadDebt) != 0 {
			t.Error("something was")
		}
	})
}

// Two operators at one moment never give up more than is owed, nor what is being paid.
func TestWriteOffsAtOnceStayWithinTheDebt(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.owe(h.makers(), 10_00) // never had anything available
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				if i == 5 {
					h.must(h.d.Write(ctx, func(tx *db.Tx) error {
						if err := h.sell(tx, "USD", 0, 4_00); err != nil {
							return err
						}
						return ledger.Recover(tx, "at once", "USD", h.makers().Purse())
					}))
					return
				}
				if _, err := h.giveUp(h.ops[i%3], h.makers(), 4_00); err != nil {
					refused(t, err, fault.Conflict, "over_debt")
				}
			})
		}
		all.Wait()
		owes, lost, has := h.balance(h.makers().Purse().Owes), h.balance(ledger.BadDebt), h.balance(h.makers().Purse().Available)
		if owes < 0 || lost > 8_00 || 10_00-owes != lost+4_00-has {
			t.Errorf("%d is owed, %d lost, %d available", owes, lost, has)
		}
		h.sound()
	})
}
