package api

import (
	"context"
	"net/http"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// registerReturns adds the returns of API.md §7.
func (a *API) registerReturns() {
	register(a, Route{Method: http.MethodPost, Path: "/orders/{id}/returns", Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Status: 201,
		Summary: "Ask the brand to take units of a delivered part back", Description: "Within 14 days of delivery. A brand that does not answer within 48 hours has agreed."}, a.askReturn)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/returns", Who: Brand, Scope: account.OrdersRead, Tag: "buying",
		Summary: "What buyers ask a brand to take back, newest first"}, a.brandReturns)
	register(a, Route{Method: http.MethodPost, Path: "/returns/{id}/decision", Who: Brand, Scope: account.OrdersWrite, Tag: "buying", Status: 200,
		Summary: "Answer a return: approve, decline, or refund now", Description: "A return whose refund the provider refuses is approved again: the brand refunds it again, or the platform does at due_at, and the operator alone may decline it."}, a.decideReturn)
	register(a, Route{Method: http.MethodPost, Path: "/returns/{id}/sent", Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Status: 200,
		Summary: "Say that an approved return is on its way back", Description: "Within 14 days of the approval. The brand has 14 days to say that it came; then it has."}, a.sendReturn)
	register(a, Route{Method: http.MethodPost, Path: "/returns/{id}/withdraw", Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Status: 200,
		Summary: "Take a return back that is not settled yet"}, a.withdrawReturn)
}

type returnView struct {
	ID        id.Return           `json:"id"`
	Order     id.Order            `json:"order_id"`
	Part      id.Part             `json:"part_id"`
	State     order.ReturnState   `json:"state" enum:"requested,approved,declined,withdrawn,refunded"`
	Keeps     bool                `json:"keep_goods" doc:"A refund only: the goods stay with the buyer"`
	Lines     []order.ReturnUnits `json:"lines" nullable:"false"`
	Note      string              `json:"note,omitempty" doc:"What the brand said"`
	Carrier   string              `json:"carrier,omitempty"`
	Tracking  string              `json:"tracking,omitempty"`
	SentAt    *time.Time          `json:"sent_at,omitempty"`
	Refund    id.Refund           `json:"refund_id,omitempty" doc:"Of an approved return: the refund that the payment provider refused"`
	DueAt     *time.Time          `json:"due_at,omitempty" doc:"When the platform answers for the one it waits for: agreed for a silent brand, received for one that has not said so, taken back for a buyer who has not sent it"`
	CreatedAt time.Time           `json:"created_at"`
	DecidedAt *time.Time          `json:"decided_at,omitempty"`
}

func viewReturn(r order.Return) returnView {
	return returnView{ID: r.ID, Order: r.Order, Part: r.Part, State: r.State, Keeps: r.Keeps, Lines: r.Lines, Note: r.Note, Carrier: r.Carrier, Tracking: r.Tracking,
		SentAt: when(r.SentAt), Refund: r.Refund, DueAt: when(r.DueAt), CreatedAt: r.CreatedAt, DecidedAt: when(r.DecidedAt)}
}

func answerReturn(r order.Return, err error) (*Output[returnView], error) {
	if err != nil {
		return nil, err
	}
	return ok(viewReturn(r)), nil
}

func (a *API) brandReturns(ctx context.Context, in *struct {
	ID    id.Brand          `path:"id"`
	State order.ReturnState `query:"state" maxLength:"20" doc:"Only returns in this state"`
	List
}) (*PageOutput[returnView], error) {
	from, err := after[id.Return](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.BrandReturns(ctx, asker(ctx), in.ID, in.State, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views := make([]returnView, len(list))
	for i := range list {
		views[i] = viewReturn(list[i])
	}
	return page(views, in.Limit, func(v returnView) string { return string(v.ID) }), nil
}

// TokenInput is the token of an order, with which a guest is its buyer.
type TokenInput struct {
	Token       string `query:"token" maxLength:"200" doc:"A guest's order token"`
	HeaderToken string `header:"X-Order-Token" maxLength:"200"`
}

// bearer returns who asks of an order, a return or a claim: who brings the order's token is its buyer.
func (a *API) bearer(ctx context.Context, of string, in *TokenInput) (account.Asker, error) {
	token := in.HeaderToken
	if token == "" {
		token = in.Token
	}
	return a.deps.Orders.Bearer(ctx, asker(ctx), of, token)
}

func (a *API) askReturn(ctx context.Context, in *struct {
	ID id.Order `path:"id"`
	TokenInput
	Body struct {
		Lines []order.ReturnUnits `json:"lines" maxItems:"50" nullable:"false"`
		Keeps bool                `json:"keep_goods,omitempty" doc:"A refund only, for what is broken or wrong"`
	}
}) (*Output[returnView], error) {
	who, err := a.bearer(ctx, string(in.ID), &in.TokenInput)
	if err != nil {
		return nil, err
	}
	return answerReturn(a.deps.Orders.Return(ctx, who, in.ID, order.NewReturn{Lines: in.Body.Lines, Keeps: in.Body.Keeps}))
}

func (a *API) decideReturn(ctx context.Context, in *struct {
	ID   id.Return `path:"id"`
	Body struct {
		Decision order.Verdict `json:"decision" enum:"approve,decline,refund"`
		Note     string        `json:"note,omitempty" maxLength:"300" doc:"For the buyer; needed to decline"`
		Restock  bool          `json:"restock,omitempty" doc:"The goods are back and may be sold again"`
	}
}) (*Output[returnView], error) {
	return answerReturn(a.deps.Orders.DecideReturn(ctx, asker(ctx), in.ID, order.Decision{Verdict: in.Body.Decision, Note: in.Body.Note, Restock: in.Body.Restock}))
}

func (a *API) sendReturn(ctx context.Context, in *struct {
	ID id.Return `path:"id"`
	TokenInput
	Body struct {
		Carrier  string `json:"carrier" maxLength:"80"`
		Tracking string `json:"tracking,omitempty" maxLength:"80"`
	}
}) (*Output[returnView], error) {
	who, err := a.bearer(ctx, string(in.ID), &in.TokenInput)
	if err != nil {
		return nil, err
	}
	return answerReturn(a.deps.Orders.SendReturn(ctx, who, in.ID, in.Body.Carrier, in.Body.Tracking))
}

func (a *API) withdrawReturn(ctx context.Context, in *struct {
	ID id.Return `path:"id"`
	TokenInput
}) (*Output[returnView], error) {
	who, err := a.bearer(ctx, string(in.ID), &in.TokenInput)
	if err != nil {
		return nil, err
	}
	return answerReturn(a.deps.Orders.WithdrawReturn(ctx, who, in.ID))
}
