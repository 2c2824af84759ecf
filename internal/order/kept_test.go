package order_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/order"
)

func TestAddressesAreKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		ada, eve := account.Asker{Account: w.person("ada")}, account.Asker{Account: w.person("eve")}
		book := func() []order.KeptAddress {
			t.Helper()
			list, err := w.orders.Addresses(ctx, ada)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		buy := func(who account.Asker, in order.NewCheckout) (order.Order, error) {
			t.Helper()
			cart, err := w.orders.CreateCart(ctx, who)
			if err == nil {
				_, err = w.orders.AddLine(ctx, who, cart.ID, order.NewLine{Variant: w.variant, Quantity: 1})
			}
			if err != nil {
				t.Fatal(err)
			}
			in.Cart, in.Email = cart.ID, "ada@example.com"
			return w.orders.Checkout(ctx, who, in)
		}
		if _, err := buy(ada, order.NewCheckout{Address: home}); err != nil || len(book()) != 0 {
			t.Fatalf("an address was kept unasked: %v", err)
		}
		if _, err := buy(ada, order.NewCheckout{Address: home, Keep: true}); err != nil || len(book()) != 1 {
			t.Fatalf("an address was not kept: %v", err)
		}
		c.Advance(time.Second)
		work := home
		work.Line1, work.City = "2 Office Rd", "Dallas"
		second, err := w.orders.KeepAddress(ctx, ada, work)
		if err != nil || book()[0].ID != second.ID {
			t.Fatalf("%+v, %v", book(), err)
		}
		c.Advance(time.Second)
		first := book()[1]
		placed, err := buy(ada, order.NewCheckout{Kept: first.ID})
		if err != nil || placed.Address != home || book()[0].ID != first.ID {
			t.Errorf("chosen: %+v, %v", placed.Address, err)
		}
		if again, err := w.orders.KeepAddress(ctx, ada, work); err != nil || again.ID != second.ID || len(book()) != 2 {
			t.Errorf("kept twice: %+v, %v", again, err)
		}

		if _, err := buy(eve, order.NewCheckout{Kept: first.ID}); !fault.Is(err, fault.Missing) {
			t.Errorf("somebody else's address was used: %v", err)
		}
		if _, err := buy(w.shopper(), order.NewCheckout{Kept: first.ID}); !fault.Is(err, fault.Missing) {
			t.Errorf("a guest used an address: %v", err)
		}
		if err := w.orders.DropAddress(ctx, eve, first.ID); !fault.Is(err, fault.Missing) {
			t.Errorf("somebody else's address was forgotten: %v", err)
		}
		if _, err := w.orders.KeepAddress(ctx, ada, order.Address{Name: "Ada"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("half an address: %v", err)
		}
		if _, err := w.orders.Addresses(ctx, w.shopper()); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("a guest's book: %v", err)
		}
		if err := w.orders.DropAddress(ctx, ada, first.ID); err != nil || len(book()) != 1 {
			t.Errorf("not forgotten: %v", err)
		}
	})
}

func TestAddressBookIsBoundedAndErased(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1), context.Background()
		ada, work := account.Asker{Account: w.person("ada")}, home
		kept := func() int {
			t.Helper()
			list, err := w.orders.Addresses(ctx, ada)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		var err error
		for i := range order.MaxAddresses + 1 {
			work.Line1 = fmt.Sprint(i, " Long Row")
			_, err = w.orders.KeepAddress(ctx, ada, work)
		}
		if !fault.Is(err, fault.Conflict) || kept() != order.MaxAddresses {
			t.Errorf("%d are kept, %v", kept(), err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			return order.Erase(tx, ada.Account)
		}); err != nil || kept() != 0 {
			t.Errorf("erasing leaves %d addresses, %v", kept(), err)
		}
	})
}
