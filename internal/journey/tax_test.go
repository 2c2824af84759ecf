package journey

import (
	"net/http"
	"testing"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// taxed is an order with what tests of taxes look at.
type taxed struct {
	Subtotal client.Money `json:"subtotal"`
	Shipping client.Money `json:"shipping"`
	Tax      client.Money `json:"tax"`
	Total    client.Money `json:"total"`
	Lines    []struct {
		Tax struct {
			Name         string
			Rate         int64 `json:"rate_bps"`
			Amount       client.Money
			Inclusive    bool
			CollectedBy  string `json:"collected_by"`
			Jurisdiction string
		}
	}
	Parts []struct {
		Tax struct{ Amount client.Money } `json:"shipping_tax"`
	}
}

// A rate inside the prices and one on top of them, each to the cent: on the order, in the books, in
// what the creator and the brand get, and in `mezzo check`.
func TestTaxesByAPI(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		m := open(t, o, 10)
		m.post()
		usd := func(minor int64) client.Money { return client.Money{Amount: minor, Currency: "USD"} }
		m.ok(m.owner.Call(m.ctx, http.MethodPut, "/api/v1/brands/"+m.brand+"/shipping_options/standard", fields{"name": "Standard", "price": usd(595), "days_min": 2, "days_max": 5}, nil))
		for _, rate := range []fields{
			{"country": "DE", "name": "USt", "rate_bps": 1900, "inclusive": true, "collected_by": "platform", "on_shipping": true},
			{"country": "DE", "category": "food", "name": "USt", "rate_bps": 700, "inclusive": true, "collected_by": "platform"},
			{"country": "US", "region": "TX", "name": "Sales tax", "rate_bps": 825, "collected_by": "brand", "inclusive": false},
		} {
			m.ok(m.operator.Call(m.ctx, http.MethodPost, "/api/v1/operator/taxes", rate, nil))
		}
		buyTo := func(to client.Address) taxed {
			shopper := must(m.nobody.NewViewer(m.ctx))(t)
			m.tap(shopper, m.seen(shopper))
			cart := must(shopper.NewCart(m.ctx))(t)
			m.ok(shopper.Put(m.ctx, cart, m.product.Variants[0].ID, 1, ""))
			paid := must(shopper.Pay(m.ctx, must(shopper.CheckOut(m.ctx, cart, "ada@example.com", to))(t), "pm_card_visa"))(t)
			shopper.Order = paid.OrderToken
			var got taxed
			m.ok(shopper.Call(m.ctx, http.MethodGet, "/api/v1/orders/"+paid.Order.ID, nil, &got))
			return got
		}
		berlin := client.Address{Name: "Ada", Line1: "Lindenweg 4", City: "Berlin", Region: "BE", PostalCode: "10115", Country: "DE"}

		// 19.99 holds 3.19 of tax (19.99 × 19/119) and 5.95 of shipping holds 0.95; nothing is added.
		in := buyTo(berlin)
		if in.Subtotal != usd(1999) || in.Tax != usd(319+95) || in.Total != usd(1999+595) || in.Parts[0].Tax.Amount != usd(95) {
			t.Errorf("in the prices: %+v", in)
		}
		if l := in.Lines[0].Tax; l.Amount != usd(319) || !l.Inclusive || l.CollectedBy != "platform" || l.Jurisdiction != "DE" || l.Rate != 1900 {
			t.Errorf("in the prices, the line: %+v", l)
		}
		// The creator earns on 16.80: 15 % is 2.52; the platform keeps 6 %, 1.01; the brand 13.27.
		m.earns(client.Earnings{Pending: usd(252)})
		m.holds("tax:DE", 414)
		m.holds("brand:"+m.brand+":pending", 1327)
		m.holds("shipping:payable", 500)

		// 19.99 × 8.25 % is 1.65 on top, which the brand collects; 15 % of 19.99 is 3.00.
		on := buyTo(home)
		if on.Subtotal != usd(1999) || on.Tax != usd(165) || on.Total != usd(1999+595+165) {
			t.Errorf("on top of prices: %+v", on)
		}
		if l := on.Lines[0].Tax; l.Amount != usd(165) || l.Inclusive || l.CollectedBy != "brand" || l.Jurisdiction != "US-TX" {
			t.Errorf("on top of prices, the line: %+v", l)
		}
		m.earns(client.Earnings{Pending: usd(252 + 300)})
		m.holds("tax:DE", 414)
		m.holds("brand:"+m.brand+":pending", 1327+1579+165)
		m.holds("psp:sandbox:clearing", 2594+2759)
		m.balanced()
		m.checked(o)
	})
}

// holds waits until an account of the books holds an amount in cents.
func (m *market) holds(account string, want int64) {
	m.t.Helper()
	m.eventually(account+" holds what it should", func() (bool, error) {
		var books struct {
			Items []struct {
				Account string
				Balance client.Money
			}
		}
		err := m.operator.Call(m.ctx, http.MethodGet, "/api/v1/ledger/accounts?limit=100&prefix="+account, nil, &books)
		for _, b := range books.Items {
			if b.Account == account {
				if b.Balance.Amount != want {
					m.t.Logf("%s holds %d, want %d", account, b.Balance.Amount, want)
				}
				return b.Balance.Amount == want, err
			}
		}
		return false, err
	})
}
