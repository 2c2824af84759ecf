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

// registerRefunds adds the refunds of API.md §7.
func (a *API) registerRefunds() {
	register(a, Route{Method: http.MethodPost, Path: "/orders/{id}/refunds", Who: Brand, Scope: account.OrdersWrite, Tag: "buying", Status: 201, Idempotency: Required,
		Summary: "Give the buyer back what was paid for units of a part, its shipping, or both",
		Description: "By the brand of the part, or the operator. Before and after shipment, delivery and release, always from the frozen lines: each party gives back its share, a full series ends at exactly zero. " +
			"The refund is booked first and then asked of the payment provider; one it has not answered yet stays requested and is asked for again. 409 over_refund: more than is left; 409 attribution_waiting: ask again in a moment."}, a.refund)
}

type refundInput struct {
	ID   id.Order `path:"id"`
	Body struct {
		Lines    []order.Units `json:"lines,omitempty" maxItems:"50" nullable:"false"`
		Shipping bool          `json:"shipping,omitempty" doc:"The shipping too; once for each part. It goes back unasked where nothing is left to send"`
		Reason   string        `json:"reason" maxLength:"300" doc:"For the buyer to read"`
		Part     id.Part       `json:"part_id,omitempty" maxLength:"40" doc:"Needed where no line says it and several parts may be refunded"`
		Restock  *bool         `json:"restock,omitempty" doc:"All units go back on the shelf, or none; unsaid: those never sent"`
	}
}

type refundView struct {
	ID        id.Refund         `json:"id"`
	Order     id.Order          `json:"order_id"`
	Part      id.Part           `json:"part_id"`
	State     order.RefundState `json:"state" enum:"requested,confirmed,failed"`
	Amount    money.Amount      `json:"amount" doc:"What the buyer gets, taxes included"`
	Shipping  money.Amount      `json:"shipping" doc:"Of it, for shipping"`
	Lines     []refundLineView  `json:"lines" nullable:"false"`
	Reason    string            `json:"reason"`
	By        string            `json:"by" enum:"brand,platform"`
	Failure   string            `json:"failure,omitempty" doc:"Why the payment provider refused it; everything is booked back"`
	CreatedAt time.Time         `json:"created_at"`
	SettledAt *time.Time        `json:"settled_at,omitempty"`
	Brand     *money.Amount     `json:"brand_share,omitempty" doc:"What it takes back of the brand; for the brand and the operator"`
	Creator   *money.Amount     `json:"commission,omitempty" doc:"What it takes back of commissions; for the brand and the operator"`
	Fee       *money.Amount     `json:"platform_fee,omitempty" doc:"For the brand and the operator"`
	Tax       *money.Amount     `json:"tax,omitempty"`
	Owed      *money.Amount     `json:"owed,omitempty" doc:"What of it was paid out before and is owed to the platform now; for the operator"`
}

type refundLineView struct {
	Line      id.Line      `json:"line_id"`
	Quantity  int64        `json:"quantity"`
	Amount    money.Amount `json:"amount"`
	Restocked int64        `json:"restocked"`
}

func (a *API) refund(ctx context.Context, in *refundInput) (*Output[refundView], error) {
	who := asker(ctx)
	r, err := a.deps.Orders.Refund(ctx, who, in.ID, order.NewRefund{Part: in.Body.Part, Lines: in.Body.Lines, Shipping: in.Body.Shipping, Reason: in.Body.Reason, Restock: in.Body.Restock})
	if err != nil {
		return nil, err
	}
	seen := order.AsBrand
	if who.Operator {
		seen = order.AsOperator
	}
	return ok(viewRefund(r, seen)), nil
}

func viewRefund(r order.Refund, seen order.Seen) refundView {
	v := refundView{ID: r.ID, Order: r.Order, Part: r.Part, State: r.State, Amount: r.Amount, Shipping: r.Shipping, Lines: []refundLineView{}, Reason: r.Reason,
		By: "brand", Failure: r.Failure, CreatedAt: r.CreatedAt, SettledAt: when(r.SettledAt), Tax: &r.Tax}
	if r.ByOperator {
		v.By = "platform"
	}
	if seen != order.AsBuyer {
		v.Brand, v.Creator, v.Fee = &r.FromBrand, &r.Commission, &r.Fee
	}
	if seen == order.AsOperator && !r.Owed.IsZero() {
		v.Owed = &r.Owed
	}
	for _, l := range r.Lines {
		v.Lines = append(v.Lines, refundLineView{Line: l.Line, Quantity: l.Quantity, Amount: l.Amount, Restocked: l.Restocked})
	}
	return v
}
