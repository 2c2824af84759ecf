package api

import (
	"context"
	"net/http"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// registerDisputes adds what banks dispute, and, with the sandbox, the bank.
func (a *API) registerDisputes() {
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/disputes", Who: Brand, Scope: account.OrdersRead, Tag: "money",
		Summary: "What buyers' banks dispute of a brand's orders, newest first"}, a.brandDisputes)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/disputes/{dispute}", Who: Brand, Scope: account.OrdersRead, Tag: "money",
		Summary: "One dispute: what it is about, what it costs, until when evidence is taken"}, a.brandDispute)
	register(a, Route{Method: http.MethodPost, Path: "/brands/{id}/disputes/{dispute}/evidence", Who: Brand, Scope: account.OrdersWrite, Tag: "money", Status: 200,
		Summary: "Say what speaks for the brand", Description: "Until the deadline, in place of what was said before. It is handed to the bank with what other brands of the order say."}, a.submitEvidence)
	register(a, Route{Method: http.MethodGet, Path: "/operator/disputes", Who: Operator, Scope: account.MoneyRead, Tag: "operator", Summary: "All disputes, newest first"}, a.operatorDisputes)
	if a.deps.Sandbox == nil {
		return
	}
	register(a, Route{Method: http.MethodPost, Path: "/sandbox/disputes", Who: Operator, Tag: "sandbox", Status: 201,
		Summary: "Make the sandbox's bank dispute a payment, or part of it"}, a.openDispute)
	register(a, Route{Method: http.MethodPost, Path: "/sandbox/disputes/{ref}/decision", Who: Operator, Tag: "sandbox", Status: 200,
		Summary: "Make the sandbox's bank decide on a dispute"}, a.decideDispute)
}

// disputedView is what an order says of a dispute.
type disputedView struct {
	State    order.DisputeState `json:"state" enum:"open,won,lost" doc:"lost: the buyer has the money back"`
	Amount   money.Amount       `json:"amount"`
	OpenedAt time.Time          `json:"opened_at"`
	ClosedAt *time.Time         `json:"closed_at,omitempty"`
}

type disputeView struct {
	ID       id.Dispute         `json:"id"`
	Order    id.Order           `json:"order_id"`
	State    order.DisputeState `json:"state" enum:"open,won,lost"`
	Reason   string             `json:"reason" doc:"The bank's, as a code: fraudulent, product_not_received"`
	Amount   money.Amount       `json:"amount" doc:"Of the brand's own part; of the whole order for operators"`
	Part     disputeSums        `json:"part" doc:"Of the brand's own part; the whole for operators"`
	Frozen   bool               `json:"frozen" doc:"Everybody's share is known and held; false while a commission is still being decided"`
	Evidence []evidenceView     `json:"evidence" nullable:"false"`
	DueAt    *time.Time         `json:"evidence_due_at,omitempty" doc:"Until when the bank takes evidence"`
	OpenedAt time.Time          `json:"opened_at"`
	ClosedAt *time.Time         `json:"closed_at,omitempty"`
	Fee      *money.Amount      `json:"provider_fee,omitempty" doc:"For operators: the platform pays it"`
	Ref      string             `json:"provider_ref,omitempty" doc:"For operators"`
}

// disputeSums are who bears what if the dispute is lost.
type disputeSums struct {
	Amount   money.Amount `json:"amount" doc:"Of what the buyer paid"`
	Brand    money.Amount `json:"brand" doc:"The brand's own share, with the taxes it collects"`
	Creators money.Amount `json:"creators"`
	Platform money.Amount `json:"platform" doc:"Its fee, the taxes it collects and the shipping, less its vouchers"`
	Owed     money.Amount `json:"owed" doc:"Of these, what had been paid out already and is owed now"`
}

type evidenceView struct {
	Brand id.Brand  `json:"brand_id"`
	Says  string    `json:"evidence"`
	At    time.Time `json:"at"`
}

func viewDispute(d order.Dispute, sums order.DisputeSums) disputeView {
	v := disputeView{ID: d.ID, Order: d.Order, State: d.State, Reason: d.Reason, Amount: d.Amount, Frozen: d.Frozen(), Evidence: []evidenceView{},
		Part:  disputeSums{sums.Amount, sums.Own, sums.Creators, sums.Platform, sums.Owed},
		DueAt: when(d.DueBy), OpenedAt: d.OpenedAt, ClosedAt: when(d.ClosedAt)}
	for _, e := range d.Evidence {
		v.Evidence = append(v.Evidence, evidenceView{e.Brand, e.Says, e.At})
	}
	return v
}

func (a *API) brandDisputes(ctx context.Context, in *struct {
	ID    id.Brand           `path:"id"`
	State order.DisputeState `query:"state" maxLength:"20" doc:"Only disputes in this state"`
	List
}) (*PageOutput[disputeView], error) {
	from, err := after[id.Dispute](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.BrandDisputes(ctx, asker(ctx), in.ID, in.State, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views := make([]disputeView, len(list))
	for i := range list {
		views[i] = viewDispute(list[i], list[i].Of(in.ID))
	}
	return page(views, in.Limit, func(v disputeView) string { return string(v.ID) }), nil
}

func (a *API) brandDispute(ctx context.Context, in *struct {
	ID      id.Brand   `path:"id"`
	Dispute id.Dispute `path:"dispute"`
}) (*Output[disputeView], error) {
	d, err := a.deps.Orders.BrandDispute(ctx, asker(ctx), in.ID, in.Dispute)
	if err != nil {
		return nil, err
	}
	return ok(viewDispute(d, d.Of(in.ID))), nil
}

func (a *API) submitEvidence(ctx context.Context, in *struct {
	ID      id.Brand   `path:"id"`
	Dispute id.Dispute `path:"dispute"`
	Body    struct {
		Says string `json:"evidence" maxLength:"5000" doc:"What was sold, when it was sent and to whom, what the buyer wrote. The bank reads it, the buyer may"`
	}
}) (*Output[disputeView], error) {
	d, err := a.deps.Orders.SubmitEvidence(ctx, asker(ctx), in.ID, in.Dispute, in.Body.Says)
	if err != nil {
		return nil, err
	}
	return ok(viewDispute(d, d.Of(in.ID))), nil
}

func (a *API) operatorDisputes(ctx context.Context, in *struct {
	State order.DisputeState `query:"state" maxLength:"20" doc:"Only disputes in this state"`
	List
}) (*PageOutput[disputeView], error) {
	from, err := after[id.Dispute](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.OperatorDisputes(ctx, asker(ctx), in.State, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views := make([]disputeView, len(list))
	for i := range list {
		views[i] = forOperator(list[i])
	}
	return page(views, in.Limit, func(v disputeView) string { return string(v.ID) }), nil
}

func forOperator(d order.Dispute) disputeView {
	v := viewDispute(d, d.All())
	v.Fee, v.Ref = &d.Fee, d.Ref()
	return v
}

func (a *API) openDispute(ctx context.Context, in *struct {
	Body struct {
		Order  id.Order      `json:"order_id" maxLength:"40"`
		Amount *money.Amount `json:"amount,omitempty" doc:"Left out: all that was paid"`
		Reason string        `json:"reason" maxLength:"40" enum:"fraudulent,product_not_received,product_unacceptable,duplicate,credit_not_processed,general"`
	}
}) (*Output[disputeView], error) {
	pay, err := a.deps.Orders.PaymentOf(ctx, asker(ctx), in.Body.Order)
	if err != nil {
		return nil, err
	}
	var amount money.Amount
	if in.Body.Amount != nil {
		amount = *in.Body.Amount
	}
	ref, err := a.deps.Sandbox.OpenDispute(ctx, pay, amount, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return a.told(ctx, ref)
}

func (a *API) decideDispute(ctx context.Context, in *struct {
	Ref  string `path:"ref" maxLength:"60"`
	Body struct {
		Won bool `json:"won" doc:"For the shop; otherwise for the buyer"`
	}
}) (*Output[disputeView], error) {
	if _, err := a.deps.Sandbox.CloseDispute(ctx, in.Ref, in.Body.Won); err != nil {
		return nil, err
	}
	return a.told(ctx, in.Ref)
}

// told does not wait for the sandbox's own word, which may be slow: whichever comes first ends in the same command.
func (a *API) told(ctx context.Context, ref string) (*Output[disputeView], error) {
	d, err := a.deps.Sandbox.Dispute(ctx, ref)
	if err != nil {
		return nil, err
	}
	made, err := a.deps.Orders.Dispute(ctx, d)
	if err != nil {
		return nil, err
	}
	return ok(forOperator(made)), nil
}
