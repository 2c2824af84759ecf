package demo

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// tries is how often a request is made that the server asks to be made later.
const tries = 6

// patient sends requests again, unchanged, when the server is busy: each carries the key that makes
// a repeat harmless.
type patient struct {
	next  http.RoundTripper
	pause func(context.Context, time.Duration) error
}

// RoundTrip sends the request until the server has time for it.
func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := p.next.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
			return resp, err
		}
		if try == tries || req.Body != nil && req.GetBody == nil {
			return resp, nil
		}
		resp.Body.Close()
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err := p.pause(req.Context(), min(max(time.Duration(seconds)*time.Second, 200*time.Millisecond), 5*time.Second)); err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}
