package api

import (
	"io"
	"net/http"

	"mezzo/internal/fault"
	"mezzo/internal/payment"
)

// StripePath is where Stripe sends its messages.
const StripePath = "/webhooks/stripe"

// registerStripe adds where Stripe tells what happened, where it moves the money.
func (a *API) registerStripe() {
	if a.deps.Stripe == nil {
		return
	}
	a.raw(Route{Method: http.MethodPost, Path: StripePath, Root: true, Who: Public, Tag: "webhooks", Idempotency: Ignored, MaxBody: payment.WebhookMost, OwnAuth: true,
		Summary: "Messages of Stripe, signed with the endpoint's secret", Gives: payment.Receipt{},
		Description: "Each is dealt with once, by its id. What it says is not believed but fetched from Stripe. 400 signature_missing, signature_wrong or signature_old: nothing was looked at. 503: Stripe sends it again."}, a.hearStripe)
}

func (a *API) hearStripe(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyFault(err)
	}
	if a.deps.Hearer == nil {
		return fault.New(fault.Unavailable, "Nobody listens yet.")
	}
	receipt, err := a.deps.Stripe.Receive(r.Context(), r.Header.Get("Stripe-Signature"), body, a.deps.Hearer)
	if err != nil {
		return err
	}
	return sendJSON(w, receipt)
}
