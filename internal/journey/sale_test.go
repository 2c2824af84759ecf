package journey

import (
	"errors"
	"net/http"
	"testing"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// A new creator uploads a real video and tags a product; a shopper finds it in the feed, taps and
// buys; the brand ships and delivers; the hold passes; the creator's money is right to the cent and
// the books balance. All by the public contract, on both engines.
func TestSaleByAPI(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		m := open(t, o, 5)
		m.post()
		shopper := must(m.nobody.NewViewer(m.ctx))(t)
		item := m.seen(shopper)
		m.tap(shopper, item)
		paid := must(buy(m.ctx, shopper, m.product.Variants[0].ID, ""))(t)
		if paid.Order.State != "paid" || paid.OrderToken == "" || len(paid.Order.Lines) != 1 {
			t.Fatalf("paid: %+v", paid)
		}
		m.earns(client.Earnings{Pending: client.Money{Amount: 300, Currency: "USD"}})
		shipment := must(m.owner.Ship(m.ctx, paid.Order.ID))(t)
		m.ok(m.owner.Deliver(m.ctx, shipment))
		m.ok(m.operator.Turn(m.ctx, 15*24*3600-60))
		m.earns(client.Earnings{Pending: client.Money{Amount: 300, Currency: "USD"}})
		m.ok(m.operator.Turn(m.ctx, 61))
		m.earns(client.Earnings{Available: client.Money{Amount: 300, Currency: "USD"}})
		guest := m.nobody
		guest.Order = paid.OrderToken
		if got := must(guest.GetOrder(m.ctx, paid.Order.ID))(t); got.Parts[0].State != "completed" {
			t.Errorf("the part is %s", got.Parts[0].State)
		}
		m.refused(http.StatusNotFound, m.creator.Call(m.ctx, http.MethodGet, "/api/v1/orders/"+paid.Order.ID, nil, nil))
		m.receipt(paid)
		m.balanced()
		m.checked(o)
	})
}

// checked stops the program and proves its books from outside.
func (m *market) checked(o program.Options) {
	m.t.Helper()
	if code := m.program.Stop(); code != 0 {
		m.t.Fatalf("stopping ended with %d", code)
	}
	args := []string{"check", "--data", m.program.Data}
	if o.Database != "" {
		args = append(args, "--database", o.Database)
	}
	if out, code := program.Run(m.t, args...); code != 0 {
		m.t.Fatalf("mezzo check ended with %d:\n%s", code, out)
	}
}

// receipt finds who earned, and why, as the operator sees it.
func (m *market) receipt(paid client.Paid) {
	m.t.Helper()
	var out map[string]any
	m.ok(m.operator.Call(m.ctx, http.MethodGet, "/api/v1/orders/"+paid.Order.ID+"/attribution", nil, &out))
	if len(out) == 0 {
		m.t.Fatal("the sale has no receipt")
	}
}

// earns waits until the creator's earnings are as wanted, to the cent.
func (m *market) earns(want client.Earnings) {
	m.t.Helper()
	var got client.Earnings
	defer func() {
		if m.t.Failed() {
			m.t.Logf("the earnings are %+v, want %+v", got, want)
		}
	}()
	m.eventually("the earnings are right", func() (same bool, err error) {
		got, err = m.creator.GetEarnings(m.ctx)
		return got.Pending.Amount == want.Pending.Amount && got.Available.Amount == want.Available.Amount &&
			got.Paid.Amount == want.Paid.Amount && got.Reversed.Amount == want.Reversed.Amount, err
	})
}

// refused checks that a call was answered with the status.
func (m *market) refused(status int, err error) {
	m.t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status {
		m.t.Errorf("answered with %v, want %d", err, status)
	}
}

// Ninety-six shoppers want ten units, all at once: ten orders, and the others hear which is sold out.
func TestTenUnitsForNinetySix(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		const shoppers, units = 96, 10
		m := open(t, o, units)
		results := make(chan error, shoppers)
		for range shoppers {
			go func() {
				shopper, err := m.nobody.NewViewer(m.ctx)
				if err == nil {
					_, err = buy(m.ctx, shopper, m.product.Variants[0].ID, "")
				}
				results <- err
			}()
		}
		sold := 0
		for range shoppers {
			err := <-results
			var p *client.Problem
			switch {
			case err == nil:
				sold++
			case !errors.As(err, &p) || p.Status != http.StatusConflict || !p.Of("out_of_stock"):
				t.Errorf("a shopper heard %v", err)
			}
		}
		if sold != units {
			t.Errorf("%d orders for %d units", sold, units)
		}
		m.balanced()
	})
}
