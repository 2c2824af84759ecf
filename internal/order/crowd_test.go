package order_test

import (
	"context"
	"sync"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payout"
)

// Two runs release the same parts in groups while their orders are refunded and disputed and their money is paid out:
// each waits for the others or is told that somebody was faster, and the books are right.
func TestReleasesInACrowd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		m, ctx := newMortal(t, d, c), context.Background()
		m.known()
		var early, late []order.Order
		for range 4 {
			early = append(early, m.arrived())
		}
		c.Advance(16 * day)
		m.sweep()
		for range 10 {
			late = append(late, m.arrived())
		}
		c.Advance(16 * day)
		var all sync.WaitGroup
		try := func(what string, do func() error) {
			all.Go(func() {
				if err := do(); err != nil && !fault.Is(err, fault.Conflict) {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		boss := account.Asker{Account: m.member.Account, Operator: true}
		for range 2 {
			try("release", func() error { return m.orders.Sweep(ctx) })
		}
		for i := range late {
			o := late[i]
			try("refund", func() error {
				_, err := m.orders.Refund(ctx, boss, o.ID, order.NewRefund{Reason: "Scratched", Lines: []order.Units{{Line: o.Lines[i%2].ID, Quantity: 1}}})
				return err
			})
		}
		for i, o := range early {
			try("dispute", func() error {
				ref, err := m.sandbox.OpenDispute(ctx, m.paymentOf(o.ID), money.Of(int64(700*(i+1)), "USD"), "fraudulent")
				if err == nil {
					err = m.orders.Disputed(ctx, ref)
				}
				return err
			})
			try("refund of what was paid out", func() error {
				_, err := m.orders.Refund(ctx, boss, o.ID, order.NewRefund{Reason: "Scratched", Lines: []order.Units{{Line: o.Lines[0].ID, Quantity: 2}}})
				return err
			})
			try("pay out", func() error {
				_, err := m.payouts.Ask(ctx, m.member, payout.OfBrand(m.brand), money.Of(2000, "USD"), "dst_visa")
				return err
			})
		}
		all.Wait()
		m.sweep()
		m.sound()
		if n := m.count(`SELECT COUNT(*) FROM order_parts WHERE state <> 'completed'`); n != 0 {
			t.Errorf("%d parts are not released", n)
		}
		if n := m.count(`SELECT COUNT(*) FROM ledger_transfers WHERE kind = $1`, string(ledger.KindReleased)); n == 0 {
			t.Error("nothing was released")
		}
	})
}
