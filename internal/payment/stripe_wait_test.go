package payment_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/payment"
	"mezzo/internal/payment/stripetest"
)

// Somebody who opens an account is not kept waiting for a provider that does not answer.
func TestNobodyWaitsLongForAnAccount(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	mute := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the other side is gone
		<-r.Context().Done()
	}))
	t.Cleanup(mute.Close)
	p, err := payment.NewStripe(d, payment.StripeOptions{Key: stripetest.Key, Secrets: []string{stripetest.Secret}, URL: mute.URL, Public: "http://localhost", Wait: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, err := p.Connect(ctx, "crt_1", "US", "/studio/payouts"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a provider that does not answer: %v", err)
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %v to say so", took)
	}
}
