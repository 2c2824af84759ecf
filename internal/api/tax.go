package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// registerTaxes adds the operator's routes to the tax table.
func (a *API) registerTaxes() {
	route := func(method, path, summary string, status int) Route {
		return Route{Method: method, Path: "/operator/taxes" + path, Who: Operator, Tag: "operator", Summary: summary, Status: status}
	}
	list, one := route(http.MethodGet, "", "The tax table: rates in force, or those that ended", 0), route(http.MethodGet, "/{id}", "A tax rate, in force or ended", 0)
	list.Scope, one.Scope = account.MoneyRead, account.MoneyRead
	register(a, list, a.taxes)
	register(a, one, a.taxRate)
	register(a, route(http.MethodPost, "", "Put a tax rate into force, for orders placed from now on", 201), a.addTax)
	register(a, route(http.MethodPut, "/{id}", "Change a tax rate: it ends, and another takes its place", 0), a.changeTax)
	register(a, route(http.MethodDelete, "/{id}", "End a tax rate; it stays in the history", 200), a.endTax)
}

func (a *API) taxes(ctx context.Context, in *struct {
	List
	Country string `query:"country" maxLength:"2"`
	State   string `query:"state" enum:"in_force,ended" default:"in_force"`
}) (*PageOutput[order.TaxRate], error) {
	parts, err := in.parts(1)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.Taxes(ctx, asker(ctx), order.TaxSearch{Country: in.Country, Ended: in.State == "ended", After: parts[0], Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, order.TaxRate.Place), nil
}

// TaxInput names a tax rate.
type TaxInput struct {
	ID id.TaxRate `path:"id"`
}

func viewTax(r order.TaxRate, err error) (*Tagged[order.TaxRate], error) {
	if err != nil {
		return nil, err
	}
	return tagged(r.Version(), r), nil
}

func (a *API) taxRate(ctx context.Context, in *TaxInput) (*Tagged[order.TaxRate], error) {
	return viewTax(a.deps.Orders.TaxRate(ctx, asker(ctx), in.ID))
}

func (a *API) addTax(ctx context.Context, in *struct{ Body order.Tax }) (*Tagged[order.TaxRate], error) {
	return viewTax(a.deps.Orders.AddTax(ctx, asker(ctx), in.Body))
}

func (a *API) changeTax(ctx context.Context, in *struct {
	TaxInput
	Match
	Body order.Tax
}) (*Tagged[order.TaxRate], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	return viewTax(a.deps.Orders.ChangeTax(ctx, asker(ctx), in.ID, match, in.Body))
}

func (a *API) endTax(ctx context.Context, in *struct {
	TaxInput
	Match
}) (*Tagged[order.TaxRate], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	return viewTax(a.deps.Orders.EndTax(ctx, asker(ctx), in.ID, match))
}
