package sample_test

import (
	"log/slog"
	"testing"

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

// A sample goes with the platform's label: its brand pays the carrier's price from what is available to it, once, and with
// less than that nothing is sent.
func TestALabelForASample(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 2, 2, given)
		orders := order.New(order.Parts{DB: d, Provider: silent{}, Logger: slog.New(slog.DiscardHandler)}, order.Options{})
		op := w.person("operator")
		op.Operator = true
		label := func(service string, price money.Amount) order.LabelRate {
			r, err := orders.AddLabel(ctx, op, order.NewLabelRate{Carrier: "DHL", Service: service, Price: price})
			w.must(err)
			return r
		}
		parcel, abroad, ended := label("Parcel", money.Of(420, "USD")), label("Parcel", money.Of(380, "EUR")), label("Old", money.Of(1, "USD"))
		_, err := orders.EndLabel(ctx, op, ended.ID, 0)
		w.must(err)
		s := w.ask(0)
		_, err = w.samples.Decide(ctx, w.owner, s.ID, true, "")
		w.must(err)
		w.available(419)
		for _, r := range []struct {
			rate id.LabelRate
			kind fault.Kind
		}{{abroad.ID, fault.Invalid}, {ended.ID, fault.Conflict}, {"lbl_unknown", fault.Missing}, {parcel.ID, fault.Conflict}} {
			if _, err := w.samples.Ship(ctx, w.owner, s.ID, sample.Parcel{Label: r.rate}); !fault.Is(err, r.kind) {
				t.Errorf("sent with %s: %v", r.rate, err)
			}
		}
		w.stock(2, 1)
		w.available(1)
		s, err = w.samples.Ship(ctx, w.owner, s.ID, sample.Parcel{Tracking: "RX1", Label: parcel.ID})
		w.must(err)
		if s.State != sample.Shipped || s.Carrier != "DHL" || s.Label == nil || s.Label.Service != "Parcel" || s.Label.Price != money.Of(420, "USD") {
			t.Errorf("sent: %+v %+v", s, s.Label)
		}
		if _, err := w.samples.Ship(ctx, w.owner, s.ID, sample.Parcel{Label: parcel.ID}); !fault.Is(err, fault.Conflict) {
			t.Errorf("sent twice: %v", err)
		}
		if a, owed := w.balance(ledger.BrandAvailable(w.brand)), w.balance(ledger.CarrierOwed("dhl")); a != 0 || owed != 420 {
			t.Errorf("the brand keeps %d, the carrier is owed %d", a, owed)
		}
		if seen := w.read(s.ID, w.creators[0]); seen.Label != nil || seen.Carrier != "DHL" {
			t.Errorf("its creator reads %+v", seen)
		}
		w.stock(1, 0)
		w.sound()
		w.exec(`UPDATE samples SET label_minor = 400 WHERE id = $1`, s.ID)
		if problems, _, err := w.samples.Check(ctx); err != nil || len(problems) != 1 {
			t.Errorf("a label that cost something else: %v %v", problems, err)
		}
		if report, err := orders.Check(ctx); err != nil || report.Balanced {
			t.Errorf("what the carrier is owed is not what labels cost: %v", err)
		}
	})
}

// available gives the brand so much more that it may spend.
func (w *world) available(minor int64) {
	w.t.Helper()
	w.paid++
	key := "goods:" + string(rune('0'+w.paid))
	w.must(w.d.Write(ctx, func(tx *db.Tx) error {
		_, err := ledger.Post(tx, ledger.Transfer{Key: key, Kind: ledger.KindPaid, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), minor), ledger.Credit(ledger.BrandPending(w.brand), minor)}},
			ledger.Transfer{Key: key + ":released", Kind: ledger.KindReleased, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.BrandPending(w.brand), minor), ledger.Credit(ledger.BrandAvailable(w.brand), minor)}})
		return err
	}))
}
