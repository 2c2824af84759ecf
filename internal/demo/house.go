package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"mezzo/internal/client"
)

// The platform's labels: one leaves it something of what buyers pay for shipping, one costs more than they pay,
// so that its brand owes the rest.
const (
	smallParcel = "Small parcel up to 2 kg"
	heavyParcel = "Heavy parcel up to 10 kg"
	labelsRise  = 12 // the day on which the small parcel's price changes
)

// What the house does today, in minor units.
const (
	toBank    = 25000 // of what the provider holds
	forgiven  = 300   // of what a brand owes, at most
	exchanged = 2000  // where so much of what is held is the platform's own
	forIt     = 1731  // euros
)

func label(service string, minor int64, currency string) map[string]any {
	carrier := "Harbour Post"
	if service == heavyParcel {
		carrier = "Ridgeway Freight"
	}
	return map[string]any{"carrier": carrier, "service": service, "price": client.Money{Amount: minor, Currency: currency}}
}

// sellLabels puts the platform's labels on sale.
func (w *World) sellLabels(ctx context.Context) error {
	for service, minor := range map[string]int64{smallParcel: 610, heavyParcel: 980} {
		var made client.ID
		if err := w.operator.Call(ctx, http.MethodPost, "/api/v1/operator/labels", label(service, minor, w.manifest.Currency), &made); err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
		w.labels[service] = made.ID
	}
	return nil
}

// raiseLabel changes the price of one: the label of before stays in the history.
func (w *World) raiseLabel(ctx context.Context) error {
	var made client.ID
	err := w.operator.Call(ctx, http.MethodPut, "/api/v1/operator/labels/"+w.labels[smallParcel], label(smallParcel, 640, w.manifest.Currency), &made)
	w.labels[smallParcel] = made.ID
	return err
}

// keepHouse does the operator's banking of today: the provider has paid to the bank, a carrier is paid from there, some of
// what a brand owes is given up, and own money is changed where there is enough of it.
func (w *World) keepHouse(ctx context.Context) error {
	usd := func(minor int64) client.Money { return client.Money{Amount: minor, Currency: w.manifest.Currency} }
	tell := func(path string, body map[string]any) error {
		if err := w.operator.Call(ctx, http.MethodPost, "/api/v1/operator/"+path, body, nil); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	}
	if err := tell("settlements", map[string]any{"amount": usd(toBank), "reference": "PAYOUT 4417"}); err != nil {
		return err
	}
	carriers, err := listed[struct {
		Carrier, Name string
		Owed          client.Money
	}](ctx, w.operator, "carriers")
	if err != nil {
		return err
	}
	for _, c := range carriers {
		if c.Name == "Harbour Post" && c.Owed.Amount > 0 {
			if err := tell("carrier_payments", map[string]any{"carrier": c.Carrier, "amount": usd(min(c.Owed.Amount, toBank/2)), "reference": "TRANSFER 88-1"}); err != nil {
				return err
			}
		}
	}
	debts, err := listed[struct {
		Owner string
		Owed  client.Money
	}](ctx, w.operator, "debts")
	if err != nil {
		return err
	}
	for _, d := range debts {
		if d.Owner == w.brands[len(w.brands)-1].id {
			err := tell("write_offs", map[string]any{"owner": d.Owner, "amount": usd(min(d.Owed.Amount, forgiven)), "reason": "We had weighed one parcel wrongly: the difference is ours."})
			if err != nil {
				return err
			}
		}
	}
	err = tell("exchanges", map[string]any{"out": usd(exchanged), "in": client.Money{Amount: forIt, Currency: "EUR"}, "on": w.now().UTC().Format("2006-01-02"), "reference": "FX 20-77"})
	var p *client.Problem
	if errors.As(err, &p) && p.Of("insufficient_balance") { // what people owe it is no money to change, and there may be no other
		return nil
	}
	return err
}

// listed returns the first page of a list of the operator's.
func listed[T any](ctx context.Context, operator client.Client, path string) ([]T, error) {
	var page struct{ Items []T }
	if err := operator.Call(ctx, http.MethodGet, "/api/v1/operator/"+path, nil, &page); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return page.Items, nil
}
