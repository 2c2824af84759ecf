package api

import (
	"context"
	"net/http"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// registerClaims adds what is done about parts that never came, and what is kept back of brands.
func (a *API) registerClaims() {
	register(a, Route{Method: http.MethodPost, Path: "/orders/{id}/claims", Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Status: 201,
		Summary: "Say that a part has not come", Description: "Once its promised days are over, or at once where the brand says that it has come, until it is released. The brand proves the delivery within 72 hours, or everything is given back."}, a.claim)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/claims", Who: Brand, Scope: account.OrdersRead, Tag: "buying",
		Summary: "What buyers of a brand say has not come, newest first"}, a.brandClaims)
	register(a, Route{Method: http.MethodPost, Path: "/claims/{id}/answer", Who: Brand, Scope: account.OrdersWrite, Tag: "buying", Status: 200,
		Summary: "Prove a delivery, or give the money back", Description: "By the brand; the operator may give the money back against a proof. A claim whose refund the provider refuses is open again: the brand gives the money back again, or the platform does at due_at, and the operator alone may answer it by words."}, a.answerClaim)
	register(a, Route{Method: http.MethodPost, Path: "/claims/{id}/withdraw", Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Status: 200,
		Summary: "Say that it came after all"}, a.withdrawClaim)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/reserve", Who: Brand, Scope: account.MoneyRead, Tag: "money", Summary: "What is kept back of a brand's money when it is released"}, a.reserve)
	register(a, Route{Method: http.MethodGet, Path: "/operator/brands/{id}/reserve", Who: Operator, Scope: account.MoneyRead, Tag: "operator", Summary: "What is kept back of a brand's money"}, a.reserve)
	register(a, Route{Method: http.MethodPut, Path: "/operator/brands/{id}/reserve", Who: Operator, Tag: "operator", Summary: "Set what is kept back of a brand's money from now on"}, a.setReserve)
}

type claimView struct {
	ID        id.Claim         `json:"id"`
	Order     id.Order         `json:"order_id"`
	Part      id.Part          `json:"part_id"`
	State     order.ClaimState `json:"state" enum:"open,proven,refunded,withdrawn"`
	Says      string           `json:"says" doc:"The buyer"`
	Proof     string           `json:"proof,omitempty" doc:"The brand, of the delivery"`
	Refund    id.Refund        `json:"refund_id,omitempty" doc:"Of an open claim: the refund that the payment provider refused"`
	DueAt     *time.Time       `json:"due_at,omitempty" doc:"When a brand that has not answered gives the money back"`
	CreatedAt time.Time        `json:"created_at"`
	SettledAt *time.Time       `json:"settled_at,omitempty"`
}

func viewClaim(c order.Claim) claimView {
	return claimView{ID: c.ID, Order: c.Order, Part: c.Part, State: c.State, Says: c.Says, Proof: c.Proof, Refund: c.Refund, DueAt: when(c.DueAt), CreatedAt: c.CreatedAt, SettledAt: when(c.SettledAt)}
}

func claimOutput(c order.Claim, err error) (*Output[claimView], error) {
	if err != nil {
		return nil, err
	}
	return ok(viewClaim(c)), nil
}

func (a *API) claim(ctx context.Context, in *struct {
	ID id.Order `path:"id"`
	TokenInput
	Body struct {
		Part id.Part `json:"part_id,omitempty" maxLength:"40" doc:"Needed where the order has several"`
		Says string  `json:"says" maxLength:"300"`
	}
}) (*Output[claimView], error) {
	who, err := a.bearer(ctx, string(in.ID), &in.TokenInput)
	if err != nil {
		return nil, err
	}
	return claimOutput(a.deps.Orders.Claim(ctx, who, in.ID, order.NewClaim{Part: in.Body.Part, Says: in.Body.Says}))
}

func (a *API) brandClaims(ctx context.Context, in *struct {
	ID    id.Brand         `path:"id"`
	State order.ClaimState `query:"state" maxLength:"20" doc:"Only claims in this state"`
	List
}) (*PageOutput[claimView], error) {
	from, err := after[id.Claim](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.BrandClaims(ctx, asker(ctx), in.ID, in.State, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views := make([]claimView, len(list))
	for i := range list {
		views[i] = viewClaim(list[i])
	}
	return page(views, in.Limit, func(v claimView) string { return string(v.ID) }), nil
}

func (a *API) answerClaim(ctx context.Context, in *struct {
	ID   id.Claim `path:"id"`
	Body struct {
		Answer string `json:"answer" enum:"proof,refund"`
		Proof  string `json:"proof,omitempty" maxLength:"1000" doc:"Carrier, number, when and to whom; the buyer reads it"`
	}
}) (*Output[claimView], error) {
	return claimOutput(a.deps.Orders.AnswerClaim(ctx, asker(ctx), in.ID, in.Body.Proof, in.Body.Answer == "refund"))
}

func (a *API) withdrawClaim(ctx context.Context, in *struct {
	ID id.Claim `path:"id"`
	TokenInput
}) (*Output[claimView], error) {
	who, err := a.bearer(ctx, string(in.ID), &in.TokenInput)
	if err != nil {
		return nil, err
	}
	return claimOutput(a.deps.Orders.WithdrawClaim(ctx, who, in.ID))
}

func (a *API) reserve(ctx context.Context, in *struct {
	ID id.Brand `path:"id"`
}) (*Output[order.ReserveTerms], error) {
	return answered(a.deps.Orders.ReserveTerms(ctx, asker(ctx), in.ID))
}

func (a *API) setReserve(ctx context.Context, in *struct {
	ID   id.Brand `path:"id"`
	Body struct {
		order.Reserve
		Reason string `json:"reason" maxLength:"300" doc:"The brand reads it"`
	}
}) (*Output[order.ReserveTerms], error) {
	return answered(a.deps.Orders.SetReserve(ctx, asker(ctx), in.ID, in.Body.Reserve, in.Body.Reason))
}
