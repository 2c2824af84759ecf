package order_test

import (
	"context"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/payment"
	"mezzo/internal/sample"
)

// What a creator was charged for a sample is not available on its page either, whether commissions, payouts or a debt
// stand beside it.
func TestAChargedSampleIsOnTheEarningsPage(t *testing.T) {
	for _, late := range []bool{false, true} {
		dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) { earnsAndIsCharged(t, d, c, late) })
	}
}

// earnsAndIsCharged has the creator be charged for a sample before anything was earned, or late, after all of it was.
func earnsAndIsCharged(t *testing.T, d *db.DB, c *clock.Turned, late bool) {
	w, ctx := newWorld(t, d, c, 100), context.Background()
	w.exec(`INSERT INTO program_samples(program_id, offered, units, days, charged) SELECT id, 1, 9, 14, 1 FROM programs`)
	samples, program := sample.New(d), id.Program("")
	if err := d.Read(ctx, func(tx *db.Tx) error { return tx.Row(`SELECT id FROM programs`).Scan(&program) }); err != nil {
		t.Fatal(err)
	}
	page := func(says string) {
		t.Helper()
		e, err := affiliateOf(w).Earnings(ctx, w.earner)
		if err != nil {
			t.Fatal(err)
		}
		if has := w.balance(ledger.CreatorAvailable(w.creator)) - w.balance(ledger.CreatorOwes(w.creator)); e.Available.Minor != has || e.Paid.Minor != 0 {
			t.Errorf("%s: %d is available in the book, and %d on the page, of which %d was paid", says, has, e.Available.Minor, e.Paid.Minor)
		}
	}
	charge := func() {
		t.Helper()
		s, err := samples.Request(ctx, w.earner, sample.Ask{Program: program, Variant: w.variant, Address: home, Charge: cents(1999)})
		if err == nil {
			_, err = samples.Decide(ctx, w.member, s.ID, true, "")
		}
		if err == nil {
			_, err = samples.Ship(ctx, w.member, s.ID, sample.Parcel{Carrier: "Post"})
		}
		if err == nil {
			_, err = samples.Receive(ctx, w.earner, s.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		c.Advance(15 * day)
		if err := samples.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
	}
	earns := func(says string) {
		t.Helper()
		_, sold := w.boughtUnits(3, payment.MethodVisa)
		w.bringTo(sold, "released")
		page(says)
	}
	if late {
		earns("before it was charged")
		earns("and again")
		earns("and once more")
		charge()
		page("with what was earned before")
		return
	}
	charge()
	page("before anything was earned")
	earns("some of it is paid by a commission")
	earns("most of it")
	earns("all of it")
	w.sound()
}
