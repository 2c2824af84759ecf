package order_test

import (
	"context"
	"fmt"

	"pgregory.net/rapid"

	"mezzo/internal/account"
	"mezzo/internal/ledger"
	"mezzo/internal/payout"
)

// giveUp writes off what a creator or a brand owes, some of it, or more than that.
func (m *sales) giveUp(t *rapid.T) {
	owner, _, owes := m.someone(t, 1, func(p ledger.Purse) ledger.Account { return p.Owes })
	operator := account.Asker{Account: "acc_other", Operator: true, Session: "ses_1"}
	_, err := m.payouts.WriteOff(context.Background(), operator, payout.NewWriteOff{Owner: owner, Amount: *cents(rapid.Int64Range(1, owes+1).Draw(t, "given up")), Reason: "By chance"})
	m.fine(t, "give up", err)
}

// payCarrier pays what the carrier is owed, or part of it, or more.
func (m *sales) payCarrier(t *rapid.T) {
	m.n++
	in := payout.NewCarrierPayment{Carrier: "dhl", Amount: *cents(rapid.Int64Range(1, 3000).Draw(t, "paid")), Reference: fmt.Sprint("line ", m.n)}
	_, err := m.payouts.PayCarrier(context.Background(), m.house(), in)
	if m.fine(t, "pay a carrier", err); err == nil {
		m.carried += in.Amount.Minor
	}
}

// owing holds debts that were given up, and what carriers are owed, against the book.
func (m *sales) owing(t *rapid.T, now standing) {
	has := now.has
	var given int64
	for _, o := range m.owners() {
		lost := now.lost[o.Purse().Owes]
		if given += lost; lost < 0 || has[o.Purse().Owes] < 0 {
			t.Fatalf("%s owes %d, and %d of it is lost", o, has[o.Purse().Owes], lost)
		}
	}
	if all := has[ledger.BadDebt]; all != given {
		t.Fatalf("%d is lost by debts, and %d was given up", all, given)
	}
	labels := m.count(`SELECT CAST(COALESCE(SUM(label_minor), 0) AS BIGINT) FROM (SELECT label_minor FROM shipments UNION ALL SELECT label_minor FROM samples) x`)
	if owed := has[ledger.CarrierOwed("dhl")]; owed != labels-m.carried || owed < 0 {
		t.Fatalf("the carrier is owed %d, of labels for %d of which %d were paid", owed, labels, m.carried)
	}
	unsent := m.count(`SELECT CAST(COALESCE(SUM(shipping_minor - CASE WHEN shipping_tax_inclusive = 1 THEN shipping_tax_minor ELSE 0 END), 0) AS BIGINT) FROM order_parts p WHERE paid_at > 0 AND shipped_at = 0 AND state = 'paid' AND shipping_back = 0
		AND NOT EXISTS (SELECT 1 FROM dispute_shares s WHERE s.part_id = p.id AND s.line_id = '')`)
	if waits := has[ledger.ShippingPayable]; waits < unsent {
		t.Fatalf("%d of shipping waits in the books, and %d by the parts", waits, unsent)
	}
}
