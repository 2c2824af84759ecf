package api

import (
	"context"
	"net/http"

	"mezzo/internal/id"
	"mezzo/internal/order"
)

// registerAddresses adds the routes to the addresses a shopper keeps.
func (a *API) registerAddresses() {
	register(a, Route{Method: http.MethodGet, Path: "/me/addresses", Who: Account, Tag: "buying", Summary: "The addresses you keep, the one used last first"}, a.addressBook)
	register(a, Route{Method: http.MethodPost, Path: "/me/addresses", Who: Account, Tag: "buying", Status: 201, Summary: "Keep an address for next time"}, a.keepAddress)
	register(a, Route{Method: http.MethodDelete, Path: "/me/addresses/{id}", Who: Account, Tag: "buying", Summary: "Forget an address"}, a.dropAddress)
}

func (a *API) addressBook(ctx context.Context, _ *None) (*PageOutput[order.KeptAddress], error) {
	list, err := a.deps.Orders.Addresses(ctx, asker(ctx))
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func (a *API) keepAddress(ctx context.Context, in *struct{ Body order.Address }) (*Output[order.KeptAddress], error) {
	return answered(a.deps.Orders.KeepAddress(ctx, asker(ctx), in.Body))
}

func (a *API) dropAddress(ctx context.Context, in *struct {
	ID id.Address `path:"id"`
}) (*None, error) {
	return nil, a.deps.Orders.DropAddress(ctx, asker(ctx), in.ID)
}
