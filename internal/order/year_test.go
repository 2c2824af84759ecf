package order_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payout"
	"mezzo/internal/voucher"
)

// What a tax office is told a brand was credited is what the book has credited it, whatever became of its orders.
func TestTheYearSaysWhatTheBookSays(t *testing.T) {
	for _, by := range []order.Collector{order.ByPlatform, order.ByBrand} {
		t.Run(string(by), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
				w, ctx := newWorld(t, d, c, 100), context.Background()
				vault, err := payout.OpenVault(ctx, d, filepath.Join(t.TempDir(), payout.VaultFile))
				if err != nil {
					t.Fatal(err)
				}
				years := payout.New(d, payout.Options{Vault: vault, Rails: []payout.Rail{payout.Sandbox(w.sandbox)}, Report: w.sandbox})
				w.taxed(order.Tax{Rate: 825, CollectedBy: by, OnShipping: true})
				w.gives(voucher.Platform, voucher.New{Code: "TENTH", Kind: voucher.Percent, Rate: 1000})
				sold := func(stage string) (account.Asker, order.Order) {
					who := w.shopper()
					w.click(who)
					o := w.buys(who, 3, "tenth")
					w.bringTo(o, stage)
					return who, o
				}
				lose := func(o order.Order, minor int64) { w.decided(w.disputed(o, minor), false); c.Advance(time.Minute) }
				gross := int64(0)
				for _, is := range append(append(w.labelYear(sold, lose), w.lostYear(sold, lose)...), []told{
					{"kept", func() order.Order { _, o := sold("delivered"); return o }},
					{"refunded", func() order.Order { _, o := sold("delivered"); w.refunds(o, units(o, 1, true)); return o }},
					{"never sent", func() order.Order { _, o := sold("paid"); w.refunds(o, units(o, 3, false)); return o }},
					{"cancelled", func() order.Order {
						who, o := sold("paid")
						if _, err := w.orders.Cancel(ctx, who, o.ID); err != nil {
							t.Fatal(err)
						}
						return o
					}},
					{"refunded in part and cancelled", func() order.Order {
						who, o := sold("paid")
						w.refunds(o, units(o, 1, false))
						if _, err := w.orders.Cancel(ctx, who, o.ID); err != nil {
							t.Fatal(err)
						}
						return o
					}},
					{"lost", func() order.Order { _, o := sold("delivered"); lose(o, 0); return o }},
					{"lost before it was sent", func() order.Order { _, o := sold("paid"); lose(o, 0); return o }},
					{"lost after the release", func() order.Order { _, o := sold("released"); lose(o, 2345); return o }},
					{"lost in part, and refunded", func() order.Order {
						_, o := sold("delivered")
						lose(o, 3000)
						w.refunds(o, units(o, 3, false))
						return o
					}},
					{"refunded, and lost", func() order.Order {
						_, o := sold("delivered")
						w.refunds(o, units(o, 2, false))
						lose(o, 0)
						return o
					}},
					{"won", func() order.Order { _, o := sold("delivered"); w.decided(w.disputed(o, 0), true); return o }},
				}...) {
					o := is.happens()
					w.sweep()
					gross += o.Total.Minor + o.Lines[0].Off.Platform
					list, err := years.Years(ctx, account.Asker{Account: "acc_x", Operator: true}, c.Now().Year())
					if err != nil {
						t.Fatal(err)
					}
					for _, y := range list {
						if y.Owner != payout.OfBrand(w.brand) {
							continue
						}
						book := w.balance(ledger.BrandPending(w.brand)) + w.balance(ledger.BrandAvailable(w.brand)) + w.balance(ledger.BrandHeld(w.brand)) +
							w.balance(ledger.BrandReserve(w.brand)) - w.balance(ledger.BrandOwes(w.brand))
						if y.Total.Consideration() != book || y.Total.Gross != gross {
							t.Fatalf("after one that was %s the year says %d of a gross of %d, the book %d of %d: %+v", is.what, y.Total.Consideration(), y.Total.Gross, book, gross, y.Total)
						}
					}
				}
				w.sound()
			})
		})
	}
}

// lostYear is what may happen to an order of which a bank takes a part before it is sent.
func (w *world) lostYear(sold func(stage string) (account.Asker, order.Order), lose func(order.Order, int64)) []told {
	return []told{
		{"lost in part, and sent", func() order.Order {
			_, o := sold("paid")
			lose(o, 1500)
			w.bringTo(o, "delivered")
			return o
		}},
		{"lost in part, sent with a label", func() order.Order {
			_, o := sold("paid")
			lose(o, 1500)
			w.sends(o, w.label("Middle", 450))
			return o
		}},
		{"lost in part, its shipping refunded, and sent", func() order.Order {
			_, o := sold("paid")
			lose(o, 1500)
			w.refunds(o, units(o, 0, true))
			w.bringTo(o, "delivered")
			return o
		}},
	}
}
