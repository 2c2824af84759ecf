package payout_test

import (
	"context"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

var ctx = context.Background()

// till is the books of two brands, with one sale each in them, of which the first is delivered and free.
type till struct {
	*payout.Payouts
	t              *testing.T
	first, second  id.Brand
	owner, boss    account.Asker
	sale           ledger.Sale
	brandShare     int64
	creatorPending ledger.Account
}

func each(t *testing.T, f func(t *testing.T, w *till)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := &till{Payouts: payout.New(d, payout.Options{}), t: t, boss: account.Asker{Account: "acc_boss", Operator: true}, brandShare: 1579}
		var creator id.Creator
		creator = creator.Next(c.Now())
		w.creatorPending = ledger.CreatorPending(creator)
		err := d.Write(ctx, func(tx *db.Tx) error {
			for i, brand := range []*id.Brand{&w.first, &w.second} {
				*brand = brand.Next(c.Now())
				if _, err := tx.Exec(`INSERT INTO brands (id, name, slug, country, currency, created_at) VALUES ($1, 'Kiln', $1, 'US', 'USD', 1)`, *brand); err != nil {
					return err
				}
				var ord id.Order
				var part id.Part
				var line id.Line
				s := ledger.Sale{Order: ord.Next(c.Now()), Part: part.Next(c.Now()), Brand: *brand, Provider: "sandbox", Currency: "USD",
					Lines: []ledger.SaleLine{{Line: line.Next(c.Now()), Goods: 1999, Fee: 120, Creator: creator, Commission: 300}}}
				steps := []func(ledger.Sale) ([]ledger.Transfer, error){func(s ledger.Sale) ([]ledger.Transfer, error) { return ledger.Paid(s) }}
				if i == 0 {
					w.sale = s
					steps = append(steps, ledger.Delivered, func(s ledger.Sale) ([]ledger.Transfer, error) { return ledger.HoldReleased(s, 0) })
				}
				for _, step := range steps {
					moved, err := step(s)
					if err == nil {
						_, err = ledger.Post(tx, moved...)
					}
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.owner = account.Asker{Account: "acc_owner", Brands: map[id.Brand]account.Role{w.first: account.Owner}}
		f(t, w)
	})
}

func TestABrandReadsItsOwnBalance(t *testing.T) {
	each(t, func(t *testing.T, w *till) {
		free, err := w.Brand(ctx, w.owner, w.first)
		if err != nil || free.Available != money.Of(w.brandShare, "USD") || !free.Pending.IsZero() || !free.Held.IsZero() || !free.Reserve.IsZero() || !free.Owed.IsZero() {
			t.Errorf("released: %+v, %v", free, err)
		}
		held, err := w.Brand(ctx, w.boss, w.second)
		if err != nil || held.Pending != money.Of(w.brandShare, "USD") || !held.Available.IsZero() {
			t.Errorf("held: %+v, %v", held, err)
		}
		for kind, want := range map[string]int{"pending": 2, "available": 1, "held": 0, "reserve": 0} {
			s, err := w.Entries(ctx, w.owner, w.first, kind, "", 10)
			if err != nil || len(s.Entries) != want || s.Entries == nil || s.Next != "" {
				t.Errorf("%s has %d entries, want %d: %v", kind, len(s.Entries), want, err)
			}
		}
		page, err := w.Entries(ctx, w.owner, w.first, "pending", "", 1)
		if err != nil || len(page.Entries) != 1 || page.Entries[0].Side != "debit" || page.Next == "" {
			t.Fatalf("the newest entry: %+v, %v", page, err)
		}
		rest, err := w.Entries(ctx, w.owner, w.first, "pending", page.Next, 1)
		if err != nil || len(rest.Entries) != 1 || rest.Entries[0].Side != "credit" || rest.Entries[0].Amount.Minor != w.brandShare || rest.Next != "" {
			t.Errorf("the one before: %+v, %v", rest, err)
		}
		if _, err := w.Entries(ctx, w.owner, w.first, "pending", "no cursor!", 1); !fault.Is(err, fault.Invalid) {
			t.Errorf("a cursor of nobody: %v", err)
		}
	})
}

func TestTheBookIsTheOperators(t *testing.T) {
	each(t, func(t *testing.T, w *till) {
		list, next, err := w.Book(ctx, w.boss, "brand:"+string(w.first), "", 10)
		if err != nil || next != "" || len(list) != 2 {
			t.Errorf("the brand's accounts: %+v, %q, %v", list, next, err)
		}
		_, next, err = w.Book(ctx, w.boss, "", "", 1)
		if err != nil || next == "" {
			t.Errorf("a page of one leads nowhere: %v", err)
		}
		s, err := w.Account(ctx, w.boss, w.creatorPending, "", 10)
		if err != nil || s.Account != w.creatorPending || len(s.Entries) != 3 { // two sales, one release
			t.Errorf("the creator's account: %+v, %v", s, err)
		}
		if s, err = w.Account(ctx, w.boss, "brand:nobody:pending", "", 10); err != nil || len(s.Entries) != 0 {
			t.Errorf("an account never posted to: %+v, %v", s, err)
		}
	})
}

func TestNobodyReadsAnothersMoney(t *testing.T) {
	each(t, func(t *testing.T, w *till) {
		narrow := w.owner
		narrow.Token, narrow.Scopes = "tok_x", account.Scopes{account.CatalogRead: true}
		for name, who := range map[string]account.Asker{"nobody": {}, "a shopper": {Account: "acc_x"}, "another brand": w.owner, "a token without the scope": narrow} {
			brand := w.second
			if name == "a token without the scope" {
				brand = w.first
			}
			_, balance := w.Brand(ctx, who, brand)
			_, entries := w.Entries(ctx, who, brand, "pending", "", 10)
			_, _, book := w.Book(ctx, who, "", "", 10)
			_, one := w.Account(ctx, who, w.creatorPending, "", 10)
			for what, err := range map[string]error{"the balance": balance, "the entries": entries, "the book": book, "an account": one} {
				if k := fault.KindOf(err); k != fault.Missing && k != fault.Unauthorized && k != fault.Forbidden {
					t.Errorf("%s reads %s: %v", name, what, err)
				}
			}
		}
	})
}
