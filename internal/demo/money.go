package demo

import (
	"context"
	"fmt"
	"net/http"

	"mezzo/internal/client"
)

// What happens to money on certain days, so that every page about it has something to show.
const (
	lostOpened, lostDecided = 6, 10 // of the sale of the third day
	wonOpened, wonDecided   = 7, 11 // of that of the fourth
	givenBack               = 5     // the shopper's first order
)

// Payouts of the demo, in minor units.
const (
	paidOut       = 1000  // creators'
	approvalLimit = 10000 // above it the operator looks first
	awaiting      = 12000 // a brand's, above the limit
)

// matter is an order that something comes of.
type matter struct {
	client.Order
	buyer *shopper
	ref   string // the bank's, of a dispute
	id    string // ours
}

// keep remembers an order under a name.
func (w *World) keep(name string) func(context.Context, *visit, client.Order) error {
	return func(_ context.Context, v *visit, o client.Order) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.matters[name] = &matter{Order: o, buyer: v.shopper}
		return nil
	}
}

// giveVouchers gives a brand's voucher, one of the platform, the codes of two creators, and opens a program
// for one creator and one whose budget is soon spent.
func (w *World) giveVouchers(ctx context.Context) error {
	usd := func(minor int64) client.Money { return client.Money{Amount: minor, Currency: w.manifest.Currency} }
	ember := w.brands[0]
	for _, give := range []struct {
		by   client.Client
		path string
		body map[string]any
	}{
		{ember.Client, "/brands/" + ember.id + "/vouchers", map[string]any{"code": "KITCHEN10", "title": "10 % off your first kitchen", "kind": "percent", "percent_bps": 1000,
			"max_discount": usd(1500), "min_basket": usd(9000), "uses_per_person": 1, "total_uses": 500, "listed": true}},
		{ember.Client, "/brands/" + ember.id + "/vouchers", map[string]any{"code": "MARISOL10", "title": "10 % off with Marisol", "kind": "percent", "percent_bps": 1000, "creator_handle": "marisol"}},
		{ember.Client, "/brands/" + ember.id + "/vouchers", map[string]any{"code": "TOMAS10", "title": "10 % off with Tomas", "kind": "percent", "percent_bps": 1000, "creator_handle": "tomas.bakes"}},
		{w.operator, "/operator/vouchers", map[string]any{"code": "MEZZO5", "currency": w.manifest.Currency, "title": "5 dollars off, on us", "kind": "fixed", "amount": usd(500), "min_basket": usd(6000), "uses_per_person": 1, "total_uses": 100, "listed": true}},
		{ember.Client, "/brands/" + ember.id + "/programs", map[string]any{"kind": "targeted", "name": "Marisol and the pan", "commission_bps": 1800, "hold_days": 7,
			"product_ids": []string{w.product("pan").ID}, "creator_handles": []string{"marisol"}}},
		{ember.Client, "/brands/" + ember.id + "/programs", map[string]any{"kind": "targeted", "name": "Board launch with Tomas", "commission_bps": 2000, "hold_days": 7,
			"product_ids": []string{w.product("board").ID}, "creator_handles": []string{"tomas.bakes"}, "budget": usd(2500)}},
	} {
		if err := give.by.Call(ctx, http.MethodPost, "/api/v1"+give.path, give.body, nil); err != nil {
			return fmt.Errorf("%s: %w", give.path, err)
		}
	}
	return w.operator.Call(ctx, http.MethodPut, "/api/v1/operator/payout_settings", map[string]any{"minimums": []any{}, "withholding": []any{},
		"approval_limits": []client.Money{usd(approvalLimit)}, "approvals": 1}, nil)
}

// settleMatters does what banks, buyers and brands do on a day about what was sold before.
func (w *World) settleMatters(ctx context.Context, today int) error {
	switch today {
	case lostOpened:
		return w.dispute(ctx, "lost", "product_unacceptable")
	case wonOpened:
		return w.dispute(ctx, "won", "product_not_received")
	case lostDecided:
		return w.decideDispute(ctx, "lost", false)
	case wonDecided:
		return w.decideDispute(ctx, "won", true)
	case givenBack:
		asked, err := w.giveBack(ctx, "first", "The glaze has a crack", true)
		if err != nil {
			return err
		}
		return w.brands[1].Call(ctx, http.MethodPost, "/api/v1/returns/"+asked+"/decision", map[string]any{"decision": "refund", "note": "Sorry about the crack."}, nil)
	case labelsRise:
		return w.raiseLabel(ctx)
	}
	return nil
}

// matter returns an order that was kept.
func (w *World) matter(name string) (*matter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.matters[name]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("there is no order %q", name)
}

// dispute lets the bank of a buyer dispute an order that was kept.
func (w *World) dispute(ctx context.Context, name, reason string) error {
	m, err := w.matter(name)
	if err != nil {
		return err
	}
	var made struct {
		ID  string `json:"id"`
		Ref string `json:"provider_ref"`
	}
	err = w.operator.Call(ctx, http.MethodPost, "/api/v1/sandbox/disputes", map[string]any{"order_id": m.ID, "reason": reason}, &made)
	m.id, m.ref = made.ID, made.Ref
	return err
}

// decideDispute lets the bank decide, after the brand has said what speaks for it.
func (w *World) decideDispute(ctx context.Context, name string, won bool) error {
	m, err := w.matter(name)
	if err != nil {
		return err
	}
	if won {
		ember := w.brands[0]
		err := ember.Call(ctx, http.MethodPost, "/api/v1/brands/"+ember.id+"/disputes/"+m.id+"/evidence",
			map[string]any{"evidence": "Handed to the carrier the morning after it was ordered; the carrier has the buyer's signature two days later."}, nil)
		if err != nil {
			return err
		}
	}
	return w.operator.Call(ctx, http.MethodPost, "/api/v1/sandbox/disputes/"+m.ref+"/decision", map[string]any{"won": won}, nil)
}

// giveBack asks for a return of everything of an order that was kept.
func (w *World) giveBack(ctx context.Context, name, reason string, keeps bool) (string, error) {
	m, err := w.matter(name)
	if err != nil {
		return "", err
	}
	var lines []map[string]any
	for _, l := range m.Lines {
		lines = append(lines, map[string]any{"line_id": l.ID, "quantity": 1, "reason": reason})
	}
	var made client.ID
	err = m.buyer.Call(ctx, http.MethodPost, "/api/v1/orders/"+m.ID+"/returns", map[string]any{"lines": lines, "keep_goods": keeps}, &made)
	return made.ID, err
}

// payOut makes today's matters: a dispute that is open, a return and a claim that wait for an answer, a payout that arrived,
// one that did not, and one that waits for the operator.
func (w *World) payOut(ctx context.Context) error {
	if err := w.dispute(ctx, "open", "fraudulent"); err != nil {
		return err
	}
	if _, err := w.giveBack(ctx, "last", "It is smaller than I thought", false); err != nil {
		return err
	}
	missing, err := w.matter("missing")
	if err != nil {
		return err
	}
	err = missing.buyer.Call(ctx, http.MethodPost, "/api/v1/orders/"+missing.ID+"/claims", map[string]any{"says": "The carrier says it was left at the door. It was not."}, nil)
	if err != nil {
		return err
	}
	ember := w.brands[0]
	business := map[string]any{"kind": "business", "legal_name": ember.legal, "line1": "418 Foundry Row", "city": "Portland", "region": "OR", "postal_code": "97209", "country": "US", "tax_id": "12-3456789"}
	if err := w.payTo(ctx, ember.Client, "/brands/"+ember.id, business, awaiting, "dst_test"); err != nil {
		return err
	}
	if err := w.giveSamples(ctx, presentDay); err != nil {
		return err
	}
	for _, asks := range []struct {
		by            *creator
		born, tax, to string
	}{{w.creators[1], "1994-05-17", "123-45-6789", "dst_test"}, {w.creators[2], "1988-11-02", "987-65-4320", "dst_fail"}} {
		c := asks.by
		person := map[string]any{"kind": "individual", "legal_name": c.name, "date_of_birth": asks.born, "line1": c.street, "city": "Austin", "region": "TX", "postal_code": "78702", "country": "US", "tax_id": asks.tax}
		if err := w.payTo(ctx, c.Client, "/me", person, paidOut, asks.to); err != nil {
			return err
		}
	}
	return w.keepHouse(ctx)
}

// payTo says who is paid and asks for a payout of less than is available: settle has waited for that.
func (w *World) payTo(ctx context.Context, c client.Client, base string, payee map[string]any, minor int64, to string) error {
	if err := c.Call(ctx, http.MethodPut, "/api/v1"+base+"/payee", payee, nil); err != nil {
		return err
	}
	return c.Call(ctx, http.MethodPost, "/api/v1"+base+"/payouts", map[string]any{"amount": client.Money{Amount: minor, Currency: w.manifest.Currency}, "destination_id": to}, nil)
}
