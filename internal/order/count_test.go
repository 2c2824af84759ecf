package order_test

import (
	"context"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/order"
)

func TestBrandsCountAndOperatorsFindOrders(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := context.Background()
		w := newWorld(t, d, c, 9)
		first := w.bought(w.shopper())
		second := w.bought(w.shopper())
		if _, err := w.orders.Cancel(ctx, account.Asker{Viewer: second.Viewer}, second.ID); err != nil {
			t.Fatal(err)
		}
		counts, err := w.orders.BrandCounts(ctx, w.member, w.brand)
		if err != nil || counts[order.Paid] != 1 || counts[order.Cancelled] != 1 || counts[order.Shipped] != 0 {
			t.Errorf("counts %v, %v", counts, err)
		}
		sold, err := w.orders.UnitsSold(ctx, w.member, w.brand)
		if want := first.Lines[0].Quantity; err != nil || sold[w.product] != want {
			t.Errorf("sold %v, %v, want %d", sold, err, want)
		}
		if _, err := w.orders.BrandCounts(ctx, w.shopper(), w.brand); err == nil {
			t.Error("a stranger counts a brand's orders")
		}
		if _, err := w.orders.UnitsSold(ctx, w.earner, w.brand); !fault.Is(err, fault.Missing) {
			t.Errorf("a creator counts a brand's units: %v", err)
		}
		operator := account.Asker{Account: w.person("op"), Operator: true}
		for q, want := range map[string]int{"": 2, string(first.ID): 1, strings.ToUpper(string(first.ID[20:])): 1, "pan & co": 2, first.Email: 2, "%": 0, "_": 0, "nobody": 0} {
			list, err := w.orders.Find(ctx, operator, q, "", 10)
			if err != nil || len(list) != want {
				t.Errorf("%q finds %d orders, %v, want %d", q, len(list), err, want)
			}
		}
		all, err := w.orders.Find(ctx, operator, "", "", 10)
		if err != nil || len(all) != 2 || all[0].ID < all[1].ID {
			t.Fatalf("all: %v, %v", all, err)
		}
		if page, err := w.orders.Find(ctx, operator, "", all[0].ID, 10); err != nil || len(page) != 1 || page[0].ID != all[1].ID {
			t.Errorf("after the newer one: %v, %v", page, err)
		}
		if _, err := w.orders.Find(ctx, w.member, "", "", 10); !fault.Is(err, fault.Missing) {
			t.Errorf("a brand looks through the house's orders: %v", err)
		}
	})
}
