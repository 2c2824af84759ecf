package order_test

import (
	"context"
	"fmt"

	"pgregory.net/rapid"

	"mezzo/internal/account"
	"mezzo/internal/ledger"
	"mezzo/internal/payout"
)

// giveUp writes off what the creator or the brand owes, some of it, or more than that.
func (m *sales) giveUp(t *rapid.T) {
	owner := payout.OfBrand(m.brand)
	if rapid.Bool().Draw(t, "creator") {
		owner = payout.OfCreator(m.creator)
	}
	owes := m.balance(owner.Purse().Owes)
	if owes == 0 {
		t.Skip("nothing is owed")
	}
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
		m.paid += in.Amount.Minor
	}
}

// owing holds debts that were given up, and what carriers are owed, against the book.
func (m *sales) owing(t *rapid.T) {
	lost := m.lostBy(ledger.CreatorOwes(m.creator))
	if all := m.balance(ledger.BadDebt); all != lost+m.lostBy(ledger.BrandOwes(m.brand)) || lost < 0 || all < lost || m.balance(ledger.BrandOwes(m.brand)) < 0 || m.balance(ledger.CreatorOwes(m.creator)) < 0 {
		t.Fatalf("%d is lost by debts, %d of it by the creator's", all, lost)
	}
	labels := m.count(`SELECT CAST(COALESCE(SUM(label_minor), 0) AS BIGINT) FROM shipments`)
	if owed := m.balance(ledger.CarrierOwed("dhl")); owed != labels-m.paid || owed < 0 {
		t.Fatalf("the carrier is owed %d, of labels for %d of which %d were paid", owed, labels, m.paid)
	}
	unsent := m.count(`SELECT CAST(COALESCE(SUM(shipping_minor), 0) AS BIGINT) FROM order_parts p WHERE paid_at > 0 AND shipped_at = 0 AND state = 'paid' AND shipping_back = 0
		AND NOT EXISTS (SELECT 1 FROM dispute_shares s WHERE s.part_id = p.id AND s.line_id = '')`)
	if waits := m.balance(ledger.ShippingPayable); waits < unsent {
		t.Fatalf("%d of shipping waits in the books, and %d by the parts", waits, unsent)
	}
}

// lostBy is what was given up of a debt, less what came back of that.
func (m *sales) lostBy(a ledger.Account) int64 {
	return m.count(`SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM ledger_entries e JOIN ledger_transfers t ON t.seq = e.id / 64 WHERE e.account = $1 AND t.kind = 'written_off'`, string(a))
}
