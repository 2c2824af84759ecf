package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/payment"
	"mezzo/internal/payment/stripetest"
)

// stripeShop is how a shop is served that takes its money by Stripe.
func stripeShop(t *testing.T, api string) serveFlags {
	return serveFlags{storeFlags: storeFlags{Data: t.TempDir(), StreamMaxAge: 72 * time.Hour, StreamMaxBytes: 1 << 30}, Addr: "127.0.0.1:0", PublicURL: "http://localhost:8080", PlatformFeeBps: 600, HoldDays: 15,
		PayoutBank: "main", Webhooks: "off", DrainSeconds: 1, Payments: "stripe", PayoutRail: "auto", StripeURL: api, stripeKey: stripetest.Key, stripeSecrets: stripetest.Secret}
}

func TestHalfAStripeIsRefused(t *testing.T) {
	whole := stripeShop(t, "")
	if err := whole.Validate(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*serveFlags){
		"no key":                        func(f *serveFlags) { f.stripeKey = "" },
		"a publishable key":             func(f *serveFlags) { f.stripeKey = "pk_test_0123456789" },
		"no secret":                     func(f *serveFlags) { f.stripeSecrets = "" },
		"a secret of something":         func(f *serveFlags) { f.stripeSecrets = "secret-0123456789" },
		"two secrets, one of them none": func(f *serveFlags) { f.stripeSecrets += ",whsec_" },
		"no address":                    func(f *serveFlags) { f.PublicURL = "" },
		"an address without TLS":        func(f *serveFlags) { f.PublicURL = "http://shop.example" },
		"an API without TLS":            func(f *serveFlags) { f.StripeURL = "http://api.example" },
		"a clock that is turned":        func(f *serveFlags) { f.SandboxClock = true },
		"payouts of play money":         func(f *serveFlags) { f.PayoutRail = "sandbox" },
		"a key without --payments":      func(f *serveFlags) { f.Payments = "sandbox" },
		"a rail without payments": func(f *serveFlags) {
			f.Payments, f.stripeKey, f.stripeSecrets, f.PayoutRail = "sandbox", "", "", "stripe"
		},
	} {
		f := whole
		change(&f)
		err := f.Validate()
		if err == nil || strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestSecretsOfStripeLeaveTheEnvironment(t *testing.T) {
	t.Setenv(stripeKeyEnv, " sk_test_1 ")
	t.Setenv(stripeSecretEnv, "whsec_12345678")
	var f serveFlags
	f.takeSecrets()
	if f.stripeKey != "sk_test_1" || f.stripeSecrets != "whsec_12345678" || os.Getenv(stripeKeyEnv)+os.Getenv(stripeSecretEnv) != "" {
		t.Errorf("taken %q and %q, left %q", f.stripeKey, f.stripeSecrets, os.Getenv(stripeKeyEnv))
	}
}

// The route of Stripe's messages, through the whole program.
func TestStripeMessagesOverHTTP(t *testing.T) {
	there := stripetest.New(clock.System{})
	t.Cleanup(there.Close)
	var said bytes.Buffer
	s, err := start(t.Context(), stripeShop(t, there.URL), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	message := []byte(`{"id":"evt_1","type":"checkout.session.completed","data":{"object":{"id":"cs_1","client_reference_id":"pay_1"}}}`)
	big := bytes.Repeat([]byte(" "), payment.WebhookMost+1)
	now := time.Now()
	for _, m := range []struct {
		says, signature string
		body            []byte
		status          int
		answers         string
	}{
		{"unsigned", "", message, 400, "/problems/signature_missing"},
		{"signed by another", stripetest.Sign("whsec_other123", now, message), message, 400, "/problems/signature_wrong"},
		{"old", stripetest.Sign(stripetest.Secret, now.Add(-time.Hour), message), message, 400, "/problems/signature_old"},
		{"too large", stripetest.Sign(stripetest.Secret, now, big), big, 413, "too_large"},
		{"of nothing we know", stripetest.Sign(stripetest.Secret, now, message), message, 200, `"outcome":"unknown"`},
		{"told twice", stripetest.Sign(stripetest.Secret, now, message), message, 200, `"outcome":"repeated"`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.local+"/webhooks/stripe", bytes.NewReader(m.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Stripe-Signature", m.signature)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != m.status || !strings.Contains(string(text), m.answers) {
			t.Errorf("%s: %d %s %v, want %d with %s", m.says, answer.StatusCode, text, err, m.status, m.answers)
		}
	}
	page, err := http.Get(s.local + "/")
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+there.URL+";") {
		t.Errorf("pages may not lead to the provider's: %s", policy)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if log := said.String(); strings.Contains(log, stripetest.Key) || strings.Contains(log, stripetest.Secret) {
		t.Error("a secret stands in the log")
	}
}
