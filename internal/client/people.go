package client

import (
	"context"
	"net/http"
)

// Like likes a video.
func (c Client) Like(ctx context.Context, video string) error {
	return c.Call(ctx, http.MethodPut, "/api/v1/videos/"+video+"/like", nil, nil)
}

// Comment writes under a video.
func (c Client) Comment(ctx context.Context, video, text string) error {
	return c.Call(ctx, http.MethodPost, "/api/v1/videos/"+video+"/comments", map[string]any{"text": text}, nil)
}

// Follow follows a creator.
func (c Client) Follow(ctx context.Context, handle string) error {
	return c.Call(ctx, http.MethodPut, "/api/v1/creators/"+handle+"/follow", nil, nil)
}

// Cancel calls an order off before anything of it has shipped.
func (c Client) Cancel(ctx context.Context, order string) error {
	return c.Call(ctx, http.MethodPost, "/api/v1/orders/"+order+"/cancel", map[string]any{}, nil)
}

// BrandOrders returns a page of the brand's orders whose part is in the state, newest first.
func (c Client) BrandOrders(ctx context.Context, brand, state string) ([]Order, error) {
	var out struct {
		Items []Order `json:"items"`
	}
	err := c.Call(ctx, http.MethodGet, "/api/v1/brands/"+brand+"/orders?limit=100&state="+state, nil, &out)
	return out.Items, err
}
