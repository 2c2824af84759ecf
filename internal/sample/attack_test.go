package sample_test

import (
	"log/slog"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
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

// An operator reads every sample and acts for none: what a label costs is its brand's to spend, and what is given away too.
func TestAnOperatorDoesNotActForTheBrand(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 3, 3, given)
		orders := order.New(order.Parts{DB: d, Provider: silent{}, Logger: slog.New(slog.DiscardHandler)}, order.Options{})
		op := w.person("operator")
		op.Operator = true
		rate, err := orders.AddLabel(ctx, op, order.NewLabelRate{Carrier: "DHL", Service: "Parcel", Price: money.Of(420, "USD")})
		w.must(err)
		w.available(1000)
		asked, approved, sent := w.ask(0), w.ask(1), w.sent(2)
		_, err = w.samples.Decide(ctx, w.owner, approved.ID, true, "")
		w.must(err)
		acts := func(who account.Asker) map[string]error {
			all := map[string]error{}
			_, all["approves"] = w.samples.Decide(ctx, who, asked.ID, true, "")
			_, all["declines"] = w.samples.Decide(ctx, who, asked.ID, false, "No")
			_, all["sends with a label"] = w.samples.Ship(ctx, who, approved.ID, sample.Parcel{Label: rate.ID})
			_, all["sends"] = w.samples.Ship(ctx, who, approved.ID, sample.Parcel{Carrier: "Post"})
			_, all["calls off"] = w.samples.Withdraw(ctx, who, approved.ID, "No")
			_, all["takes back"] = w.samples.TakeBack(ctx, who, sent.ID, true)
			return all
		}
		for what, err := range acts(op) {
			w.refused("the operator "+what, err, fault.Missing, "")
		}
		weak := account.Asker{Token: "tok_1", TokenBrand: w.brand, Scopes: account.Scopes{account.ProgramsRead: true}}
		for what, err := range acts(weak) {
			w.refused("a token without the right "+what, err, fault.Forbidden, "")
		}
		if a := w.balance(ledger.BrandAvailable(w.brand)); a != 1000 {
			t.Errorf("the brand has %d left", a)
		}
		w.stock(2, 1)
		for _, s := range []sample.Sample{asked, approved, sent} {
			if _, err := w.samples.Sample(ctx, op, s.ID); err != nil {
				t.Errorf("the operator reads: %v", err)
			}
		}
		weak.Scopes = account.Scopes{account.ProgramsWrite: true}
		_, err = w.samples.Ship(ctx, weak, approved.ID, sample.Parcel{Label: rate.ID})
		w.must(err)
		w.sound()
	})
}

// What is charged is the lowest of what the creator agreed to and the product's price at approval; prices before, between and
// after do not count.
func TestTheChargeIsNeverAboveThePriceAtApproval(t *testing.T) {
	for _, x := range []struct{ approval, sending, end, want int64 }{
		{3000, 9900, 9900, 3000}, // cheaper by then, and dearer again
		{9900, 9900, 9900, 4800}, // dearer: nobody agreed to that
		{4800, 100, 100, 4800},
		{1, 4800, 9900, 1},
	} {
		dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
			w := newWorld(t, d, c, 1, 1, charging())
			costs := func(minor int64) { w.exec(`UPDATE variants SET price_minor = $1 WHERE id = $2`, minor, w.variant) }
			s := w.ask(0)
			costs(x.approval)
			s, err := w.samples.Decide(ctx, w.owner, s.ID, true, "")
			w.must(err)
			if s.Charge == nil || s.Charge.Minor != x.want || s.Charge.Minor > x.approval {
				t.Errorf("at %d %v is frozen, want %d", x.approval, s.Charge, x.want)
			}
			costs(x.sending)
			_, err = w.samples.Ship(ctx, w.owner, s.ID, sample.Parcel{Carrier: "Post"})
			w.must(err)
			_, err = w.samples.Receive(ctx, w.creators[0], s.ID)
			w.must(err)
			costs(x.end)
			c.Advance(14 * day)
			w.sweep()
			if owes, has := w.balance(ledger.CreatorOwes(w.creators[0].Creator)), w.balance(ledger.BrandAvailable(w.brand)); owes != x.want || has != x.want {
				t.Errorf("%+v: the creator owes %d, the brand has %d", x, owes, has)
			}
			w.sound()
		})
	}
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
