package journey

import (
	"net/http"
	"testing"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// A buyer gets one of two units back while the sale is held and the other after everything was released:
// the creator gives back exactly what each unit earned, and the books balance. All
// by the public contract, on both engines.
func TestRefundByAPI(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		m := open(t, o, 50)
		m.post()
		dollars := func(minor int64) client.Money { return client.Money{Amount: minor, Currency: "USD"} }
		shopper := must(m.nobody.NewViewer(m.ctx))(t)
		m.tap(shopper, m.seen(shopper))
		cart := must(shopper.NewCart(m.ctx))(t)
		m.ok(shopper.Put(m.ctx, cart, m.product.Variants[0].ID, 2, ""))
		paid := must(shopper.Pay(m.ctx, must(shopper.CheckOut(m.ctx, cart, "ada@example.com", home))(t), "pm_card_visa"))(t)
		line := paid.Order.Lines[0].ID
		m.earns(client.Earnings{Pending: dollars(600)})
		m.ok(m.owner.Deliver(m.ctx, must(m.owner.Ship(m.ctx, paid.Order.ID))(t)))

		m.refused(http.StatusConflict, over(m.owner.Refund(m.ctx, paid.Order.ID, line, 3, false, "Too many")))
		m.refused(http.StatusUnprocessableEntity, over(m.owner.Refund(m.ctx, paid.Order.ID, line, 0, false, "None")))
		m.refused(http.StatusNotFound, over(m.creator.Refund(m.ctx, paid.Order.ID, line, 1, false, "Mine")))
		first := must(m.owner.Refund(m.ctx, paid.Order.ID, line, 1, true, "Scratched"))(t)
		if first.State != "confirmed" || first.Amount != dollars(1999) || first.Commission != dollars(300) {
			t.Fatalf("the first refund: %+v", first)
		}
		m.earns(client.Earnings{Pending: dollars(300), Reversed: dollars(300)})
		m.ok(m.operator.Turn(m.ctx, 16*24*3600))
		m.earns(client.Earnings{Available: dollars(300), Reversed: dollars(300)})

		second := must(m.operator.Refund(m.ctx, paid.Order.ID, line, 1, false, "It came back"))(t)
		if second.State != "confirmed" || second.Amount != dollars(1999) {
			t.Fatalf("the second refund: %+v", second)
		}
		m.earns(client.Earnings{Reversed: dollars(600)})
		guest := m.nobody
		guest.Order = paid.OrderToken
		if got := must(guest.GetOrder(m.ctx, paid.Order.ID))(t); got.Refunded != got.Total || len(got.Refunds) != 2 || got.Refunds[0].Reason != "Scratched" {
			t.Errorf("the buyer reads %+v", got)
		}
		var brand struct{ Pending, Available, Owed client.Money }
		m.ok(m.owner.Call(m.ctx, http.MethodGet, "/api/v1/brands/"+m.brand+"/balance", nil, &brand))
		if brand.Pending.Amount != 0 || brand.Available.Amount != 0 || brand.Owed.Amount != 0 {
			t.Errorf("the brand has %+v", brand)
		}
		m.balanced()
	})
}

func over[T any](_ T, err error) error { return err }
