package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"mezzo/internal/client"
)

var home = client.Address{Name: "Bench", Line1: "1 Main St", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US"}

// loadOrders lets each client buy one unit after another as a guest. An order counts once it is paid.
func loadOrders(ctx context.Context, m *market, o Options, r *Report) error {
	// Each client has a connection that costs little: the machine is the server's too.
	wires := make([]*http.Client, o.Clients)
	for i := range wires {
		w, err := newWire(o.URL)
		if err != nil {
			return err
		}
		defer w.close()
		wires[i] = &http.Client{Transport: w}
	}
	rounds, before := make([]int, o.Clients), o.spending()
	total, took := run(ctx, o, func(ctx context.Context, i int, t *tally) error {
		rounds[i]++
		s, turn := *m.shopper(o, i, rounds[i]), rounds[i]*o.Clients+i
		s.HTTP = wires[i]
		token := ""
		if len(s.tokens) > 0 {
			token = s.tokens[turn%len(s.tokens)]
		}
		begun := time.Now()
		if err := s.buy(ctx, m.variants[turn%len(m.variants)], token, t); err != nil {
			return err
		}
		t.took("order", time.Since(begun))
		t.count(1)
		t.all++
		return nil
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	r.fill("orders", total, took.Seconds(), "order", "cart", "line", "checkout", "pay")
	r.spent(before, o.spending(), total.all)
	tokens := len(m.shoppers[0].tokens)
	r.Notes = append(r.Notes, fmt.Sprintf("an order is four requests: cart, line, checkout, pay; spread over %d variants; %d impression tokens a client", len(m.variants), tokens))
	for _, f := range r.Machine.Fsyncs[:1] {
		r.beside("one fsync after another on the same disk", "fsyncs", float64(f))
	}
	return nil
}

// buy is one guest's purchase by card, each step measured.
func (s *shopper) buy(ctx context.Context, variant, token string, t *tally) error {
	last := time.Now()
	step := func(name string) {
		now := time.Now()
		t.took(name, now.Sub(last))
		last = now
	}
	cart, err := s.NewCart(ctx)
	if err != nil {
		return err
	}
	step("cart")
	if err := s.Put(ctx, cart, variant, 1, token); err != nil {
		return err
	}
	step("line")
	checkout, err := s.CheckOut(ctx, cart, "bench@example.com", home)
	if err != nil {
		return err
	}
	step("checkout")
	paid, err := s.Pay(ctx, checkout, "pm_card_visa")
	if err != nil {
		return err
	}
	step("pay")
	if paid.Order.State != "paid" {
		return errors.New("the order is " + paid.Order.State + " after paying")
	}
	return nil
}
