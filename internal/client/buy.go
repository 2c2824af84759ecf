package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Feed is a page of feed.
type Feed struct {
	Request string `json:"request_id"`
	Policy  struct {
		ID, Name string
		Version  int
	} `json:"policy"`
	Items []FeedItem `json:"items"`
	Next  *string    `json:"next_cursor"`
}

// FeedItem is one video handed out, with its token.
type FeedItem struct {
	Impression string `json:"impression"`
	Slot       int    `json:"slot"`
	Video      Video  `json:"video"`
}

// GetFeed returns a page of the home feed ("" for the first).
func (c Client) GetFeed(ctx context.Context, cursor string) (Feed, error) {
	path := "/api/v1/feed?limit=8"
	if cursor != "" {
		path += "&cursor=" + cursor
	}
	var f Feed
	err := c.Call(ctx, http.MethodGet, path, nil, &f)
	return f, err
}

// Event is one thing a client saw happen.
type Event struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	At         time.Time `json:"at"`
	Impression string    `json:"impression,omitempty"`
	Product    string    `json:"product_id,omitempty"`
	WatchMS    int64     `json:"watch_ms,omitempty"`
	PositionMS int64     `json:"position_ms,omitempty"`
}

// NewEvent returns an event with a fresh id.
func NewEvent(kind, impression, product string, at time.Time) Event {
	return Event{ID: uuid.NewString(), Type: kind, At: at, Impression: impression, Product: product}
}

// Accepted is what the server did with a batch.
type Accepted struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
	Rejected   []struct {
		ID, Reason string
	} `json:"rejected"`
}

// SendEvents sends a batch of at most 100 events.
func (c Client) SendEvents(ctx context.Context, events ...Event) (Accepted, error) {
	b, err := json.Marshal(map[string]any{"events": events})
	if err != nil {
		return Accepted{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+"/api/v1/events", bytes.NewReader(b))
	if err != nil {
		return Accepted{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	var a Accepted
	_, err = c.Send(req, &a)
	return a, err
}

// NewCart opens a cart and returns its id.
func (c Client) NewCart(ctx context.Context) (string, error) {
	var out ID
	err := c.Call(ctx, http.MethodPost, "/api/v1/carts", map[string]any{}, &out)
	return out.ID, err
}

// Put adds units of a variant to a cart, with the impression it was seen in.
func (c Client) Put(ctx context.Context, cart, variant string, quantity int, impression string) error {
	body := map[string]any{"variant_id": variant, "quantity": quantity}
	if impression != "" {
		body["impression"] = impression
	}
	return c.Call(ctx, http.MethodPost, "/api/v1/carts/"+cart+"/lines", body, nil)
}

// Address is where a parcel goes.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	City       string `json:"city"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
}

// Checkout is a priced cart with its stock reserved.
type Checkout struct {
	ID    string `json:"id"`
	Total Money  `json:"total"`
}

// CheckOut prices a cart and reserves its stock.
func (c Client) CheckOut(ctx context.Context, cart, email string, to Address) (Checkout, error) {
	body := map[string]any{"cart_id": cart, "shipping_address": to}
	if email != "" {
		body["email"] = email
	}
	var out struct {
		Checkout Checkout `json:"checkout"`
	}
	err := c.Call(ctx, http.MethodPost, "/api/v1/checkouts", body, &out)
	return out.Checkout, err
}

// Order is an order as its buyer sees it.
type Order struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`
	Total    Money     `json:"total"`
	PlacedAt time.Time `json:"placed_at"`
	Lines    []struct {
		ID      string `json:"id"`
		Part    string `json:"part_id"`
		Product string `json:"product_id"`
	} `json:"lines"`
	Parts []struct {
		ID    string `json:"id"`
		State string `json:"state"`
	} `json:"parts"`
	Shipments []struct {
		ID        string    `json:"id"`
		State     string    `json:"state"`
		ShippedAt time.Time `json:"shipped_at"`
	} `json:"shipments"`
	Refunded Money    `json:"refunded_amount"`
	Refunds  []Refund `json:"refunds"`
}

// Paid is how paying ended: an order, or a page to visit.
type Paid struct {
	Order      Order  `json:"order"`
	OrderToken string `json:"order_token"`
	NextAction *struct {
		Type, URL string
	} `json:"next_action"`
}

// Pay pays a checkout under a fresh key.
func (c Client) Pay(ctx context.Context, checkout Checkout, method string) (Paid, error) {
	return c.PayKey(ctx, uuid.NewString(), checkout, method)
}

// PayKey is Pay under an Idempotency-Key of the caller's.
func (c Client) PayKey(ctx context.Context, key string, checkout Checkout, method string) (Paid, error) {
	var p Paid
	err := c.CallKey(ctx, key, http.MethodPost, "/api/v1/checkouts/"+checkout.ID+"/pay",
		map[string]any{"payment_method": method, "expected_total": checkout.Total}, &p)
	return p, err
}

// GetOrder returns an order of the client's.
func (c Client) GetOrder(ctx context.Context, id string) (Order, error) {
	var o Order
	err := c.Call(ctx, http.MethodGet, "/api/v1/orders/"+id, nil, &o)
	return o, err
}

// Ship hands lines of an order over to a carrier and returns the shipment's id.
func (c Client) Ship(ctx context.Context, order string, lines ...string) (string, error) {
	var out ID
	err := c.Call(ctx, http.MethodPost, "/api/v1/orders/"+order+"/shipments", map[string]any{"line_ids": lines, "carrier": "Post", "tracking": "RX" + order[len(order)-8:]}, &out)
	return out.ID, err
}

// Deliver records that a shipment arrived.
func (c Client) Deliver(ctx context.Context, shipment string) error {
	return c.Call(ctx, http.MethodPost, "/api/v1/shipments/"+shipment+"/delivered", map[string]any{}, nil)
}

// Earnings is what a creator has earned.
type Earnings struct {
	Pending   Money `json:"pending"`
	Available Money `json:"available"`
	Paid      Money `json:"paid"`
	Reversed  Money `json:"reversed"`
}

// GetEarnings returns the creator's earnings.
func (c Client) GetEarnings(ctx context.Context) (Earnings, error) {
	var e Earnings
	err := c.Call(ctx, http.MethodGet, "/api/v1/me/earnings", nil, &e)
	return e, err
}

// Check is the proof of the books.
type Check struct {
	Balanced bool     `json:"balanced"`
	Checked  int64    `json:"checked_transfers"`
	Problems []string `json:"problems"`
}

// CheckBooks proves the books; the client must be an operator's.
func (c Client) CheckBooks(ctx context.Context) (Check, error) {
	var k Check
	err := c.Call(ctx, http.MethodGet, "/api/v1/ledger/check", nil, &k)
	return k, err
}
