package client

import (
	"context"
	"net/http"

	"github.com/google/uuid"
)

// Refund is money given back to a buyer, as the brand sees it.
type Refund struct {
	ID         string `json:"id"`
	State      string `json:"state"`
	Amount     Money  `json:"amount"`
	Commission Money  `json:"commission"`
	Reason     string `json:"reason"`
}

// Refund gives back units of an order's line, and the shipping if it says so; no line means shipping alone.
func (c Client) Refund(ctx context.Context, order, line string, quantity int, shipping bool, reason string) (Refund, error) {
	body := map[string]any{"shipping": shipping, "reason": reason}
	if line != "" {
		body["lines"] = []any{map[string]any{"line_id": line, "quantity": quantity}}
	}
	var out Refund
	err := c.CallKey(ctx, uuid.NewString(), http.MethodPost, "/api/v1/orders/"+order+"/refunds", body, &out)
	return out, err
}
