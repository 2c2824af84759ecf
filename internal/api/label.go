package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/order"
	"mezzo/internal/payout"
)

// registerLabels adds the platform's labels: what the operator sells, what brands choose from, what carriers are paid.
func (a *API) registerLabels() {
	route := func(method, path, summary string, status int) Route {
		return Route{Method: method, Path: "/operator" + path, Who: Operator, Tag: "operator", Summary: summary, Status: status}
	}
	read := func(r Route) Route { r.Scope = account.MoneyRead; return r }
	register(a, read(route(http.MethodGet, "/labels", "The platform's labels: those on sale, or those that ended, newest first", 0)), a.labels)
	register(a, read(route(http.MethodGet, "/labels/{id}", "A label, on sale or ended", 0)), a.label)
	register(a, route(http.MethodPost, "/labels", "Put a label on sale, for parcels sent from now on", 201), a.addLabel)
	register(a, route(http.MethodPut, "/labels/{id}", "Change a label: it ends, and another takes its place", 0), a.changeLabel)
	register(a, route(http.MethodDelete, "/labels/{id}", "Take a label off sale; it stays in the history", 200), a.endLabel)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/labels", Who: Brand, Scope: account.OrdersRead, Tag: "buying", Summary: "The platform's labels that the brand can send parcels with, in its currency"}, a.labelsForBrand)
	if a.deps.Payouts == nil {
		return
	}
	register(a, read(route(http.MethodGet, "/carriers", "What carriers are owed for labels", 0)), a.carriers)
	register(a, read(route(http.MethodGet, "/carrier_payments", "What carriers were paid, newest first", 0)), a.carrierPayments)
	pay := route(http.MethodPost, "/carrier_payments", "Note that a carrier was paid from our bank: at most what it is owed, once for each reference of the bank", 201)
	pay.Idempotency = Required
	register(a, pay, a.payCarrier)
}

func (a *API) labels(ctx context.Context, in *struct {
	List
	State string `query:"state" enum:"on_sale,ended" default:"on_sale"`
}) (*PageOutput[order.LabelRate], error) {
	from, err := after[id.LabelRate](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.Labels(ctx, asker(ctx), in.State == "ended", from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(r order.LabelRate) string { return string(r.ID) }), nil
}

// LabelInput names a label.
type LabelInput struct {
	ID id.LabelRate `path:"id"`
}

func viewLabel(r order.LabelRate, err error) (*Tagged[order.LabelRate], error) {
	if err != nil {
		return nil, err
	}
	return tagged(r.Version(), r), nil
}

func (a *API) label(ctx context.Context, in *LabelInput) (*Tagged[order.LabelRate], error) {
	return viewLabel(a.deps.Orders.LabelRate(ctx, asker(ctx), in.ID))
}

func (a *API) addLabel(ctx context.Context, in *struct{ Body order.NewLabelRate }) (*Tagged[order.LabelRate], error) {
	return viewLabel(a.deps.Orders.AddLabel(ctx, asker(ctx), in.Body))
}

func (a *API) changeLabel(ctx context.Context, in *struct {
	LabelInput
	Match
	Body order.NewLabelRate
}) (*Tagged[order.LabelRate], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	return viewLabel(a.deps.Orders.ChangeLabel(ctx, asker(ctx), in.ID, match, in.Body))
}

func (a *API) endLabel(ctx context.Context, in *struct {
	LabelInput
	Match
}) (*Tagged[order.LabelRate], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	return viewLabel(a.deps.Orders.EndLabel(ctx, asker(ctx), in.ID, match))
}

func (a *API) labelsForBrand(ctx context.Context, in *struct {
	ID id.Brand `path:"id"`
}) (*PageOutput[labelOffer], error) {
	list, err := a.deps.Orders.LabelsFor(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	offers := make([]labelOffer, len(list))
	for i, r := range list {
		offers[i] = labelOffer{r.ID, r.NewLabelRate}
	}
	return whole(offers), nil
}

// labelOffer is a label as a brand sees it.
type labelOffer struct {
	ID id.LabelRate `json:"id"`
	order.NewLabelRate
}

func (a *API) carriers(ctx context.Context, _ *None) (*PageOutput[payout.Carrier], error) {
	list, err := a.deps.Payouts.Carriers(ctx, asker(ctx))
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func (a *API) carrierPayments(ctx context.Context, in *struct{ List }) (*PageOutput[payout.CarrierPayment], error) {
	from, err := after[id.CarrierPaid](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Payouts.CarrierPayments(ctx, asker(ctx), from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(c payout.CarrierPayment) string { return string(c.ID) }), nil
}

func (a *API) payCarrier(ctx context.Context, in *struct{ Body payout.NewCarrierPayment }) (*Output[payout.CarrierPayment], error) {
	return answered(a.deps.Payouts.PayCarrier(ctx, asker(ctx), in.Body))
}
