// Package client speaks the public HTTP contract as a program nobody here wrote would: the demo, the benchmarks and the journeys go through it.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Client is one person, brand or anonymous shopper at a Mezzo. Copy it to act as somebody else.
type Client struct {
	Base   string       // http://127.0.0.1:8080, without a slash at the end
	HTTP   *http.Client // nil: http.DefaultClient
	Token  string       // sent as Authorization: Bearer, "" for nobody
	Viewer string       // sent as X-Viewer-Token, "" for none
	// Order is the token with which a guest comes back to an order.
	Order string
}

// Problem is an error answer (RFC 9457).
type Problem struct {
	Type       string  `json:"type"`
	Title      string  `json:"title"`
	Status     int     `json:"status"`
	Detail     string  `json:"detail"`
	Errors     []Field `json:"errors"`
	RetryAfter time.Duration
}

// Field is one thing wrong with a request.
type Field struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error returns the status and what the server said.
func (p *Problem) Error() string {
	var fields []string
	for _, f := range p.Errors {
		fields = append(fields, f.Location+": "+f.Message)
	}
	return fmt.Sprintf("%d %s: %s %s", p.Status, p.Type, p.Detail, strings.Join(fields, "; "))
}

// Of reports whether the problem is of the type, such as out_of_stock.
func (p *Problem) Of(kind string) bool { return strings.HasSuffix(p.Type, "/"+kind) }

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

// Call sends one request with a JSON body (nil: none) and decodes the answer into out (nil: thrown
// away). Each POST carries a fresh Idempotency-Key; CallKey chooses one. The error is a *Problem
// when the server answered with one.
func (c Client) Call(ctx context.Context, method, path string, body, out any) error {
	key := ""
	if method == http.MethodPost {
		key = uuid.NewString()
	}
	return c.CallKey(ctx, key, method, path, body, out)
}

// CallKey is Call under an Idempotency-Key of the caller's ("" for none).
func (c Client) CallKey(ctx context.Context, key, method, path string, body, out any) error {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, payload)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	_, err = c.Send(req, out)
	return err
}

// Send sends a request with the client's credentials and decodes the answer into out.
func (c Client) Send(req *http.Request, out any) (*http.Response, error) {
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if c.Viewer != "" {
		req.Header.Set("X-Viewer-Token", c.Viewer)
	}
	if c.Order != "" {
		req.Header.Set("X-Order-Token", c.Order)
	}
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	resp, err := h.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return resp, err
	}
	if resp.StatusCode >= 400 {
		return resp, problem(resp, answer)
	}
	if out == nil || len(answer) == 0 {
		return resp, nil
	}
	return resp, json.Unmarshal(answer, out)
}

func problem(resp *http.Response, answer []byte) error {
	p := &Problem{Status: resp.StatusCode}
	if err := json.Unmarshal(answer, p); err != nil || p.Type == "" {
		p.Type, p.Detail = "/problems/unreadable", strings.TrimSpace(string(answer[:min(len(answer), 200)]))
	}
	p.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(s) * time.Second
	}
	return p
}
