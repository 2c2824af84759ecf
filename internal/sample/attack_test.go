package sample_test

import (
	"log/slog"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/sample"
)

// A debt is drawn from as many reserves as it takes, also from more than are posted at once.
func TestALabelFromMoreReservesThanArePostedAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1, 1, given)
		orders := order.New(order.Parts{DB: d, Provider: silent{}, Logger: slog.New(slog.DiscardHandler)}, order.Options{})
		op := w.person("operator")
		op.Operator = true
		const parts = ledger.MaxTransfers + 1
		rate, err := orders.AddLabel(ctx, op, order.NewLabelRate{Carrier: "DHL", Service: "Parcel", Price: money.Of(parts, "USD")})
		w.must(err)
		w.keptBackOften(parts)
		s := w.ask(0)
		_, err = w.samples.Decide(ctx, w.owner, s.ID, true, "")
		w.must(err)
		_, err = w.samples.Ship(ctx, w.owner, s.ID, sample.Parcel{Label: rate.ID})
		w.must(err)
		if kept, owes, carrier := w.balance(ledger.BrandReserve(w.brand)), w.balance(ledger.BrandOwes(w.brand)), w.balance(ledger.CarrierOwed("dhl")); kept != 0 || owes != 0 || carrier != parts {
			t.Errorf("kept back %d, owed %d, the carrier's %d", kept, owes, carrier)
		}
		if problems, _, err := w.samples.Check(ctx); err != nil || len(problems) > 0 {
			t.Errorf("samples: %v %v", err, problems)
		}
		if report, err := ledger.Check(ctx, d); err != nil || !report.Balanced {
			t.Errorf("the book: %v %v", err, report.Problems)
		}
	})
}

// keptBackOften notes that a minor unit was kept back of each of many parts of the brand's.
func (w *world) keptBackOften(parts int) {
	w.t.Helper()
	w.must(w.d.Write(ctx, func(tx *db.Tx) error {
		if _, err := ledger.Post(tx, ledger.Transfer{Key: "often", Kind: ledger.KindPaid, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), int64(parts)), ledger.Credit(ledger.BrandPending(w.brand), int64(parts))}},
			ledger.Transfer{Key: "often:released", Kind: ledger.KindReleased, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.BrandPending(w.brand), int64(parts)), ledger.Credit(ledger.BrandReserve(w.brand), int64(parts))}}); err != nil {
			return err
		}
		for from := 0; from < parts; from += 200 {
			var orders, of, kept db.Values
			for i := from; i < min(parts, from+200); i++ {
				part := string(id.Part("").Next(time.UnixMicro(int64(i) + 1)))
				orders.Row(part, part, "", "", "USD", "paid", 0, 0, 0, 0, 0, 0, "{}", 0, 0)
				of.Row(part, part, string(w.brand), "completed", "USD", 0, "", "", 0, 0)
				kept.Row(part, string(w.brand), "USD", 1, 1, db.Micros(w.clock.Now().AddDate(1, 0, 0)), 1)
			}
			for _, x := range []struct {
				into string
				rows *db.Values
			}{
				{`orders (id, checkout_id, cart_id, viewer_id, currency, state, subtotal_minor, discount_minor, shipping_minor, tax_minor, tax_added_minor, total_minor, shipping_address, reserved_until, placed_at)`, &orders},
				{`order_parts (id, order_id, brand_id, state, currency, goods_minor, shipping_option, shipping_name, shipping_minor, total_minor)`, &of},
				{`reserves (part_id, brand_id, currency, amount_minor, left_minor, release_at, created_at)`, &kept},
			} {
				if _, err := tx.Exec(`INSERT INTO `+x.into+` VALUES `+x.rows.Text(), x.rows.Args()...); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}
