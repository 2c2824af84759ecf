package web_test

import (
	"net/url"
	"strings"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/payment"
	"mezzo/internal/payment/stripetest"
)

// Whoever is paid at the provider's opens an account there: the page asks first for what the provider wants to know,
// leads there, says what came of it, and stands when the provider does not answer.
func TestAnAccountAtTheProvider(t *testing.T) {
	there := stripetest.New(clock.System{})
	t.Cleanup(there.Close)
	h := newHouseOf(t, func(d *db.DB) *payment.Stripe {
		p, err := payment.NewStripe(d, payment.StripeOptions{Key: stripetest.Key, Secrets: []string{stripetest.Secret}, URL: there.URL, Public: "http://localhost"})
		must(t, err)
		return p
	})
	maker, owner := h.signUp("Marisol"), h.signUp("Olga")
	maker.post("/studio/creator", "handle", "marisol", "display_name", "Marisol Vega", "bio", "").ok()
	brand := h.openBrand(owner, "Ferro & Ash")
	for at, b := range map[string]*browser{"/studio/payouts": maker, "/brand/" + brand + "/payouts": owner} {
		h.opens(there, b, at)
	}
}

// opens takes somebody from nothing to an account that is ready, is closed, and is ready again.
func (h *house) opens(there *stripetest.Server, b *browser, at string) {
	h.t.Helper()
	b.get(at).ok().silent("Your account is not complete", "Waiting for Stripe")
	form, before := `action="`+at+`/destinations"`, len(there.All("account"))
	if page := b.get(at).ok().says("say first who is paid"); strings.Contains(page.body, form) {
		h.t.Errorf("%s offers a form that is refused before who is paid is known", at)
	}
	b.post(at+"/destinations", "current_password", password).want(409).says("Say first who is paid")
	b.post(at+"/payee", "kind", "individual", "legal_name", "Marisol Vega", "line1", "1 Main St", "city", "Austin", "region", "TX", "postal_code", "73301", "country", "US",
		"tax_id", "123-45-6789").ok().find("(" + form + ")")
	b.post(at+"/destinations", "current_password", "not it at all").want(422).says("This is not your password")
	there.Down(true)
	b.post(at+"/destinations", "current_password", password).want(503).says("Our payment provider does not answer", "Where it goes").find("(" + form + ")")
	there.Down(false)

	led := b.post(at+"/destinations", "current_password", password).want(303)
	if !strings.HasPrefix(led.url, there.URL+"/onboard/acct_") || len(there.All("account")) != before+1 {
		h.t.Fatalf("%s leads to %q", at, led.url)
	}
	page, err := url.Parse(led.url)
	must(h.t, err)
	home, err := url.Parse(page.Query().Get("back"))
	must(h.t, err)
	back, account := home.RequestURI(), strings.TrimPrefix(page.Path, "/onboard/")
	b.get(back).ok().says("Your account is not complete")
	b.get(at).ok().says("Your account is not complete", "answer what is left").silent("Say where to") // without a word from the provider
	there.Down(true)
	b.get(at).ok().says("Our payment provider does not answer", "Where it goes")
	there.Down(false)
	there.Look(account)
	b.get(at).ok().says("Waiting for Stripe", "come here again").silent("Your account is not complete", "Say where to")
	there.Complete(account, "")
	b.get(at).ok().says("Your account is ready", "Stripe ··")
	b.get(back).ok().says("Your account is ready", "Stripe ··", "ready").silent("added lately")
	there.Complete(account, "rejected.other")
	closed := b.get(back).ok().says("The provider asks for more", "not used", "has closed this account, or asks for more. Go to its page below")
	if strings.Contains(closed.text(), "did not arrive") || strings.Contains(closed.text(), "It is right") {
		h.t.Errorf("%s speaks of a payout that never was", at)
	}
	there.Down(true)
	b.get(back).ok().says("Our payment provider does not answer", "Where it goes")
	there.Down(false)
	there.Complete(account, "")
	b.get(back).ok().says("Your account is ready")
	if page := b.get(at).ok(); strings.Contains(page.text(), "not used") {
		h.t.Errorf("%s does not use an account that is ready again", at)
	}
}
