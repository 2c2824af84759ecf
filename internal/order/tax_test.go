package order_test

import (
	"context"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

func (w *world) operator() account.Asker {
	return account.Asker{Account: w.person("olga"), Operator: true}
}

// texas is the tax of where every shopper of the world lives.
var texas = order.Tax{Country: "US", Region: "TX", Name: "Sales tax", Rate: 825, CollectedBy: order.ByPlatform}

func TestTaxTableKeepsItsHistory(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		op := w.operator()
		made, err := w.orders.AddTax(ctx, op, order.Tax{Country: "us", Region: " tx ", Category: "Kitchen", Name: "Sales tax", Rate: 825, CollectedBy: order.ByPlatform})
		if err != nil {
			t.Fatal(err)
		}
		if made.Country != "US" || made.Region != "TX" || made.Category != "home.kitchen" || made.MadeByName != "olga" || !made.MadeAt.Equal(c.Now()) || made.EndedAt != nil {
			t.Errorf("made %+v", made)
		}
		if _, err := w.orders.AddTax(ctx, op, made.Tax); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second rate of one place and category: %v", err)
		}
		c.Advance(time.Hour)
		in := made.Tax
		in.Rate = 600
		if _, err := w.orders.ChangeTax(ctx, op, made.ID, 2, in); !fault.Is(err, fault.Stale) {
			t.Errorf("a change of another version: %v", err)
		}
		next, err := w.orders.ChangeTax(ctx, op, made.ID, 1, in)
		if err != nil || next.Rate != 600 || next.Replaces != made.ID {
			t.Fatalf("changed to %+v, %v", next, err)
		}
		if _, err := w.orders.ChangeTax(ctx, op, next.ID, 1, next.Tax); !fault.Is(err, fault.Conflict) {
			t.Errorf("a change of nothing: %v", err)
		}
		for match, want := range map[int64]fault.Kind{0: fault.Conflict, 1: fault.Stale, 2: fault.Conflict} {
			if _, err := w.orders.ChangeTax(ctx, op, made.ID, match, texas); !fault.Is(err, want) {
				t.Errorf("an ended rate was changed at version %d: %v", match, err)
			}
		}
		old, err := w.orders.TaxRate(ctx, op, made.ID)
		if err != nil || old.Rate != 825 || old.EndedAt == nil || !old.EndedAt.Equal(c.Now()) || old.EndedByName != "olga" {
			t.Errorf("the ended rate is %+v, %v", old, err)
		}
		if _, err := w.orders.EndTax(ctx, op, next.ID, 1); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Hour)
		if again, err := w.orders.EndTax(ctx, op, next.ID, 0); err != nil || !again.EndedAt.Equal(c.Now().Add(-time.Hour)) {
			t.Errorf("ended twice: %+v, %v", again, err)
		}
		for ended, want := range map[bool]int{false: 0, true: 2} {
			if list, err := w.orders.Taxes(ctx, op, order.TaxSearch{Ended: ended, Limit: 10}); err != nil || len(list) != want {
				t.Errorf("ended=%v lists %d rates, want %d: %v", ended, len(list), want, err)
			}
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(`UPDATE tax_rates SET rate_bps = 1`); return err }); err == nil {
			t.Error("the rate of a row was edited")
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM tax_rates`); return err }); err == nil {
			t.Error("the history was deleted")
		}
	})
}

func TestTaxTableRefuses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		op := w.operator()
		for name, change := range map[string]func(*order.Tax){
			"country":      func(x *order.Tax) { x.Country = "USA" },
			"region":       func(x *order.Tax) { x.Region = "North Rhine" },
			"category":     func(x *order.Tax) { x.Category = "§§" },
			"no name":      func(x *order.Tax) { x.Name = " " },
			"two lines":    func(x *order.Tax) { x.Name = "a\nb" },
			"negative":     func(x *order.Tax) { x.Rate = -1 },
			"beyond all":   func(x *order.Tax) { x.Rate = 10001 },
			"collector":    func(x *order.Tax) { x.CollectedBy = "nobody" },
			"shipped food": func(x *order.Tax) { x.Category, x.OnShipping = "food", true },
		} {
			in := texas
			change(&in)
			if _, err := w.orders.AddTax(ctx, op, in); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		made, err := w.orders.AddTax(ctx, op, texas)
		if err != nil {
			t.Fatal(err)
		}
		for name, who := range map[string]account.Asker{"nobody": {}, "a shopper": w.shopper(), "a brand": w.member} {
			_, add := w.orders.AddTax(ctx, who, texas)
			_, change := w.orders.ChangeTax(ctx, who, made.ID, 0, texas)
			_, end := w.orders.EndTax(ctx, who, made.ID, 0)
			_, one := w.orders.TaxRate(ctx, who, made.ID)
			_, list := w.orders.Taxes(ctx, who, order.TaxSearch{Limit: 1})
			for _, err := range []error{add, change, end, one, list} {
				if !fault.Is(err, fault.Missing) && !fault.Is(err, fault.Unauthorized) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if _, err := w.orders.EndTax(ctx, op, "tax_x", 0); !fault.Is(err, fault.Missing) {
			t.Errorf("a rate that is not there: %v", err)
		}
	})
}

// A rate that changes after an order was placed changes nothing of the order, to its last refund.
func TestOrdersKeepTheTaxTheyWerePlacedAt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		op, who := w.operator(), w.shopper()
		made, err := w.orders.AddTax(ctx, op, texas)
		if err != nil {
			t.Fatal(err)
		}
		placed, err := w.checkout(who, 1)
		if err != nil {
			t.Fatal(err)
		}
		line := placed.Lines[0].Tax
		if line.Amount != money.Of(165, "USD") || line.Rate != 825 || line.Jurisdiction != "US-TX" || placed.TaxAdded != money.Of(165, "USD") {
			t.Fatalf("the tax of 19.99 at 8.25 %% is %+v, added %s", line, placed.TaxAdded)
		}
		if _, err := w.orders.EndTax(ctx, op, made.ID, 0); err != nil {
			t.Fatal(err)
		}
		if out, err := w.pay(who, placed, "pm_card_visa"); err != nil || out.State != order.PaySucceeded {
			t.Fatalf("paying: %+v, %v", out, err)
		}
		w.balances(map[ledger.Account]int64{ledger.TaxOwed("US-TX"): 165})
		w.sound()
		if next, err := w.checkout(w.shopper(), 1); err != nil || !next.Tax.IsZero() {
			t.Errorf("an order placed after the end pays %s: %v", next.Tax, err)
		}
		if _, err := w.orders.Cancel(ctx, who, placed.ID); err != nil {
			t.Fatal(err)
		}
		w.balances(map[ledger.Account]int64{ledger.TaxOwed("US-TX"): 0})
		w.sound()
	})
}
