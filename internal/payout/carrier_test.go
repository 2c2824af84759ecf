package payout_test

import (
	"sync"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

// buyLabel owes a carrier for a label.
func (h *house) buyLabel(minor int64) {
	h.t.Helper()
	h.sales++
	h.exec(`INSERT INTO label_rates (id, carrier, account, service, currency, price_minor, made_by, made_at) VALUES ($1, 'DHL', 'dhl', $1, 'USD', 1, 'acc_op0', 1)`, string(rune('a'+h.sales)))
	h.must(h.d.Write(ctx, func(tx *db.Tx) error {
		_, err := ledger.Post(tx, ledger.Transfer{Key: "order:x:label:" + string(rune('a'+h.sales)), Kind: ledger.KindShipped, Currency: "USD",
			Legs: []ledger.Leg{ledger.Debit(ledger.ShippingMargin, minor), ledger.Credit(ledger.CarrierOwed("dhl"), minor)}})
		return err
	}))
}

// A carrier is paid what it is owed, each line of the bank once, and never more.
func TestACarrierIsPaid(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.buyLabel(10_00)
		pay := func(ref string, minor int64) error {
			_, err := h.PayCarrier(ctx, h.ops[0], payout.NewCarrierPayment{Carrier: "dhl", Amount: usd(minor), Reference: ref})
			return err
		}
		refused(t, pay("L1", 10_01), fault.Conflict, "over_debt")
		h.must(pay("L1", 6_00))
		refused(t, pay("L1", 1_00), fault.Conflict, "reference_known")
		key := db.Key{Actor: "acc_op0", Route: "pay a carrier", Value: "once", Hash: [32]byte{1}}
		for range 2 {
			must(h.PayCarrier(db.WithKey(ctx, key), h.ops[0], payout.NewCarrierPayment{Carrier: "dhl", Amount: usd(1_00), Reference: "L2"}))(t)
		}
		if owed, bank := h.balance(ledger.CarrierOwed("dhl")), h.balance(ledger.Bank("main")); owed != 3_00 || bank != -7_00 {
			t.Errorf("%d is owed, the bank holds %d", owed, bank)
		}
		list := must(h.Carriers(ctx, h.ops[0]))(t)
		if len(list) != 1 || list[0].Owed != usd(3_00) || list[0].Paid != usd(7_00) || list[0].Name != "DHL" {
			t.Errorf("%+v", list)
		}
		stands := must(h.Solvency(ctx, h.ops[0]))(t)
		found := false
		for _, o := range stands[0].Owes {
			found = found || o.Name == "Carriers" && o.Amount == usd(3_00)
		}
		if !found || stands[0].Own != stands[0].Result {
			t.Errorf("the sheet: %+v", stands[0])
		}
		token := h.ops[0]
		token.Token = "tok_x"
		for _, who := range []account.Asker{{}, h.maker, h.owner, token} {
			if _, err := h.PayCarrier(ctx, who, payout.NewCarrierPayment{Carrier: "dhl", Amount: usd(1), Reference: "L3"}); err == nil {
				t.Errorf("%+v paid a carrier", who)
			}
		}
		for name, in := range map[string]payout.NewCarrierPayment{"nobody": {Carrier: "nobody", Amount: usd(1), Reference: "L4"}, "nothing": {Carrier: "dhl", Amount: usd(0), Reference: "L4"}, "less": {Carrier: "dhl", Amount: usd(-1), Reference: "L4"},
			"another currency": {Carrier: "dhl", Amount: money.Of(1, "EUR"), Reference: "L4"}, "no reference": {Carrier: "dhl", Amount: usd(1)}, "zero": {Carrier: "dhl", Amount: usd(1), Reference: "a\x00"}, "somebody else's account": {Carrier: "dhl:x", Amount: usd(1), Reference: "L4"}} {
			if _, err := h.PayCarrier(ctx, h.ops[0], in); err == nil {
				t.Errorf("%s was paid", name)
			}
		}
		h.sound()
	})
}

// Several operators who note one line, or more than is owed, at one moment: no more than is owed leaves.
func TestCarriersArePaidOnceAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.buyLabel(10_00)
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				_, err := h.PayCarrier(ctx, h.ops[i%3], payout.NewCarrierPayment{Carrier: "dhl", Amount: usd(4_00), Reference: string(rune('A' + i))})
				if err != nil {
					refused(t, err, fault.Conflict, "over_debt")
				}
			})
		}
		all.Wait()
		if owed := h.balance(ledger.CarrierOwed("dhl")); owed != 2_00 {
			t.Errorf("%d is owed", owed)
		}
		h.sound()
	})
}
