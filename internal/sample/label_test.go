package sample_test

import (
	"log/slog"
	"testing"
	"time"

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

// What is not available for a label is paid from what is kept back of the brand, as far as that is not owed already; what
// neither holds is refused, and no debt is left.
func TestALabelForASampleFromTheReserve(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 3, 3, given)
		orders := order.New(order.Parts{DB: d, Provider: silent{}, Logger: slog.New(slog.DiscardHandler)}, order.Options{})
		op := w.person("operator")
		op.Operator = true
		rate, err := orders.AddLabel(ctx, op, order.NewLabelRate{Carrier: "DHL", Service: "Parcel", Price: money.Of(420, "USD")})
		w.must(err)
		agreed := func(creator int) sample.Sample {
			s := w.ask(creator)
			_, err := w.samples.Decide(ctx, w.owner, s.ID, true, "")
			w.must(err)
			return s
		}
		stands := func(when string, available, kept, owes, carrier int64) {
			t.Helper()
			got := [4]int64{w.balance(ledger.BrandAvailable(w.brand)), w.balance(ledger.BrandReserve(w.brand)), w.balance(ledger.BrandOwes(w.brand)), w.balance(ledger.CarrierOwed("dhl"))}
			if want := [4]int64{available, kept, owes, carrier}; got != want {
				t.Errorf("%s available, kept back, owed and the carrier's are %v, want %v", when, got, want)
			}
		}
		w.available(100)
		older, newer := w.keptBack(200), w.keptBack(500)
		s := agreed(0)
		for range 2 { // told again it is refused
			if got, err := w.samples.Ship(ctx, w.owner, s.ID, sample.Parcel{Label: rate.ID}); err == nil && got.State != sample.Shipped {
				t.Errorf("it is %s", got.State)
			} else if err != nil && !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		stands("with 1.00 available and 7.00 kept back", 0, 380, 0, 420)
		left := func(part id.Part) (minor int64) {
			w.must(d.Read(ctx, func(tx *db.Tx) error {
				return tx.Row(`SELECT left_minor FROM reserves WHERE part_id = $1`, part).Scan(&minor)
			}))
			return minor
		}
		if left(older) != 0 || left(newer) != 380 {
			t.Errorf("of the older %d are left, of the newer %d", left(older), left(newer))
		}
		w.available(39)
		poor := agreed(1)
		if _, err := w.samples.Ship(ctx, w.owner, poor.ID, sample.Parcel{Label: rate.ID}); !fault.Is(err, fault.Conflict) {
			t.Errorf("with a cent too little: %v", err)
		}
		stands("refused", 39, 380, 0, 420)
		w.available(1)
		_, err = w.samples.Ship(ctx, w.owner, poor.ID, sample.Parcel{Label: rate.ID})
		w.must(err)
		stands("with just enough", 0, 0, 0, 840)
		if problems, _, err := w.samples.Check(ctx); err != nil || len(problems) > 0 {
			t.Errorf("samples: %v %v", err, problems)
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

// keptBack notes that so much was kept back of a part of the brand's, the later the longer.
func (w *world) keptBack(minor int64) id.Part {
	w.t.Helper()
	w.paid++
	part := id.Part("").Next(time.UnixMicro(1))
	w.must(w.d.Write(ctx, func(tx *db.Tx) error {
		_, err := ledger.Post(tx, ledger.Transfer{Key: "kept:" + string(part), Kind: ledger.KindPaid, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), minor), ledger.Credit(ledger.BrandPending(w.brand), minor)}},
			ledger.Transfer{Key: "kept:" + string(part) + ":released", Kind: ledger.KindReleased, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.BrandPending(w.brand), minor), ledger.Credit(ledger.BrandReserve(w.brand), minor)}})
		return err
	}))
	w.exec(`INSERT INTO orders (id, checkout_id, cart_id, viewer_id, currency, state, subtotal_minor, discount_minor, shipping_minor, tax_minor, tax_added_minor, total_minor, shipping_address, reserved_until, placed_at)
		VALUES (CAST($1 AS TEXT), CAST($1 AS TEXT), '', '', 'USD', 'paid', 0, 0, 0, 0, 0, 0, '{}', 0, 0)`, string(part))
	w.exec(`INSERT INTO order_parts (id, order_id, brand_id, state, currency, goods_minor, shipping_option, shipping_name, shipping_minor, total_minor)
		VALUES (CAST($1 AS TEXT), CAST($1 AS TEXT), $2, 'completed', 'USD', 0, '', '', 0, 0)`, string(part), string(w.brand))
	w.exec(`INSERT INTO reserves (part_id, brand_id, currency, amount_minor, left_minor, release_at, created_at) VALUES ($1, $2, 'USD', CAST($3 AS BIGINT), CAST($3 AS BIGINT), $4, 1)`, string(part), string(w.brand), minor, w.paid)
	return part
}
