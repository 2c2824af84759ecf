package order_test

import (
	"context"
	"path/filepath"
	"testing"

	"mezzo/internal/affiliate"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/payment"
	"mezzo/internal/payout"
)

// Of a single commission a part is paid out: the creator reads what is left of it as ready, to the cent, and what
// went as paid. A payout that is refused changes neither.
func TestAPartOfACommissionIsPaidOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		m, ctx := &sales{world: newWorld(t, d, c, 20)}, context.Background()
		if err := m.pays(filepath.Join(t.TempDir(), payout.VaultFile)); err != nil {
			t.Fatal(err)
		}
		if err := m.names(m.maker(), payout.OfCreator(m.creator)); err != nil {
			t.Fatal(err)
		}
		_, sold := m.boughtUnits(4, payment.MethodVisa)
		m.bringTo(sold, "released")
		all := sold.Lines[0].Frozen.Commission.Minor
		for _, x := range []struct {
			to         id.Destination
			paid, gone int64
		}{{"dst_fail", 500, 0}, {"dst_any", 500, 500}, {"dst_slow", 100, 600}} {
			if _, err := m.payouts.Ask(ctx, m.maker(), payout.OfCreator(m.creator), money.Of(x.paid, "USD"), x.to); err != nil {
				t.Fatal(err)
			}
			got, err := affiliate.New(d).Earnings(ctx, m.earner)
			if err != nil || got.Available.Minor != all-x.gone || got.Paid.Minor != x.gone {
				t.Errorf("after %s: %+v of %d, %v", x.to, got.Sums, all, err)
			}
		}
		m.sound()
		m.exec(`UPDATE payouts SET back_minor = 200 WHERE state = 'confirmed'`) // as when a part of one comes back
		if got, err := affiliate.New(d).Earnings(ctx, m.earner); err != nil || got.Available.Minor != all-400 || got.Paid.Minor != 400 {
			t.Errorf("after a part came back: %+v of %d, %v", got.Sums, all, err)
		}
	})
}
