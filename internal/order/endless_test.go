package order_test

import (
	"context"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// What a brand says to a dispute, and a buyer of an order, is bounded: everybody who looks at the order reads all of it.
func TestNobodySaysWithoutEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 20), context.Background()
		ends := func(what string, most int, again func() error) {
			t.Helper()
			for n := 0; n < most; n++ {
				if err := again(); err != nil {
					t.Fatalf("%s, after %d: %v", what, n, err)
				}
			}
			if err := again(); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s once more: %v", what, err)
			}
		}
		guest, sold := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		ends("returns", order.MaxReturns, func() error {
			r, err := w.orders.Return(ctx, guest, sold.ID, wish(sold, 1, false))
			if err == nil {
				_, err = w.orders.WithdrawReturn(ctx, guest, r.ID)
			}
			return err
		})
		ends("claims", order.MaxClaims, func() error {
			x, err := w.orders.Claim(ctx, guest, sold.ID, order.NewClaim{Says: "It never came."})
			if err == nil {
				_, err = w.orders.WithdrawClaim(ctx, guest, x.ID)
			}
			return err
		})
		w.disputed(sold, 0)
		list, err := w.orders.BrandDisputes(ctx, w.member, w.brand, order.DisputeOpen, "", 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		ends("evidence", order.MaxSubmissions, func() error {
			return over(w.orders.SubmitEvidence(ctx, w.member, w.brand, list[0].ID, "Sent on Monday."))
		})
	})
}
