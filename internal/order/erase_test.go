package order_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/order"
)

// Erasing waits for what is under way; afterwards the books are as they were and name nobody.
func TestErasingLeavesTheBooks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 5)
		who := account.Asker{Account: w.person("leaver"), Viewer: w.shopper().Viewer}
		w.click(who)
		sold := w.bought(who)
		erase := func() error {
			return d.Write(context.Background(), func(tx *db.Tx) error { return order.Erase(tx, who.Account) })
		}
		if err := erase(); !fault.Is(err, fault.Conflict) {
			t.Fatalf("erased with an order under way: %v", err)
		}
		if _, err := w.orders.Cancel(context.Background(), who, sold.ID); err != nil {
			t.Fatal(err)
		}
		if err := erase(); err != nil {
			t.Fatal(err)
		}
		got, err := w.orders.Order(context.Background(), account.Asker{Operator: true}, sold.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(got)
		if err != nil || strings.Contains(string(text), "ada@") || strings.Contains(string(text), home.Line1) || got.Account != "" || got.Total != sold.Total || got.Address.Country != "US" {
			t.Errorf("%v: the erased buyer's order says %s", err, text)
		}
		w.sound()
	})
}
