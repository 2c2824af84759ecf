package payment_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payment/stripetest"
)

// stripeMock builds stripe-mock from the module proxy, in a module of its own, starts it and returns its address.
func stripeMock(t *testing.T) *url.URL {
	t.Helper()
	program := filepath.Join(t.TempDir(), "stripe-mock")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join("testdata", "stripemock"), "-o", program, "github.com/stripe/stripe-mock")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("stripe-mock could not be built, and may not be skipped here: %v\n%s", err, out)
		}
		t.Skipf("stripe-mock could not be built: %v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), program, "-http-addr", "127.0.0.1:0")
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(lines.Text()); at != "" {
			go func() { // what it says of each request is not needed
				for lines.Scan() {
				}
			}()
			return &url.URL{Scheme: "http", Host: at}
		}
	}
	t.Fatalf("stripe-mock said no address: %v", lines.Err())
	return nil
}

// shapes passes requests on to stripe-mock, and keeps which were made and what was wrong with them.
type shapes struct {
	*httptest.Server
	mu   sync.Mutex
	made map[string]int
	bad  []string
}

func (s *shapes) through(to *url.URL) {
	ids := regexp.MustCompile(`/(cs|re|tr|acct|dp)_\w+`)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(r *http.Response) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		call := r.Request.Method + " " + ids.ReplaceAllString(r.Request.URL.Path, "/{id}")
		s.made[call]++
		if r.StatusCode != http.StatusOK {
			text := make([]byte, 600)
			n, _ := r.Body.Read(text)
			s.bad = append(s.bad, call+": "+r.Status+" "+string(text[:n]))
		}
		return nil
	}
	s.Server = httptest.NewServer(proxy)
}

// callEverything makes the client make each of its calls, from states that the tables are put into by hand.
func callEverything(t *testing.T, at string) {
	d, c := dbtest.SQLite(t)
	p, err := payment.NewStripe(d, payment.StripeOptions{Key: stripetest.Key, Secrets: []string{stripetest.Secret}, URL: at, Public: "https://shop.example"})
	if err != nil {
		t.Fatal(err)
	}
	var pay id.Payment
	usd := money.Of(1999, "USD")
	_, _ = p.Charge(ctx, order.ChargeRequest{Key: pay.Next(c.Now()), Amount: usd, Method: payment.MethodHosted, ReturnURL: "/checkout/x"})
	exec := func(q string) {
		t.Helper()
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q); return err }); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO stripe_sessions (key, amount_minor, currency, expires_at, state, session_id, intent_id, created_at, updated_at) VALUES
		('pay_open', 1999, 'USD', 1, 'open', 'cs_test_1', '', 1, 1), ('pay_done', 1999, 'USD', 1, 'succeeded', 'cs_test_2', 'pi_1', 1, 1)`)
	exec(`INSERT INTO stripe_refunds (key, session_key, amount_minor, currency, state, refund_id, created_at, updated_at) VALUES
		('refund:old', 'pay_done', 100, 'USD', 'asking', '', 1, 1), ('refund:slow', 'pay_done', 100, 'USD', 'pending', 're_1', 1, 1)`)
	exec(`INSERT INTO stripe_transfers (key, account_id, amount_minor, currency, state, transfer_id, created_at, updated_at) VALUES
		('pot_old', 'acct_1', 100, 'USD', 'asking', '', 1, 1), ('pot_paid', 'acct_1', 100, 'USD', 'paid', 'tr_1', 1, 1)`)
	_, _ = p.Status(ctx, "pay_open")
	_, _ = p.Cancel(ctx, "pay_open")
	for _, key := range []string{"refund:new", "refund:old", "refund:slow"} {
		_ = p.Refund(ctx, "pay_done", key, money.Of(100, "USD"))
	}
	for _, key := range []string{"pot_new", "pot_old"} {
		_, _ = p.Transfer(ctx, key, "acct_1", money.Of(100, "USD"))
	}
	_, _ = p.Transferred(ctx, "pot_paid")
	_, _ = p.TakeBack(ctx, "pot_paid")
	_, _ = p.Connect(ctx, "crt_1", "US", "/studio/payouts")
	_, _, _ = p.Connected(ctx, "crt_1")
	_, _ = p.Dispute(ctx, "dp_1")
	_, _ = p.Disputes(ctx, c.Now())
	_ = p.SubmitEvidence(ctx, "dp_1", "dsp_1", "It was delivered and signed for.")
	_, _ = p.Balance(ctx)
	_, _ = p.Movements(ctx, c.Now().Add(-time.Hour), c.Now())
}

// Every call that the client can make has the shape that Stripe describes. What stripe-mock answers is made up and
// mostly of something else, which the client refuses to believe: only the requests are looked at here.
func TestStripeRequestShapes(t *testing.T) {
	s := &shapes{made: map[string]int{}}
	s.through(stripeMock(t))
	defer s.Close()
	callEverything(t, s.URL)
	want := []string{"POST /v1/checkout/sessions", "GET /v1/checkout/sessions/{id}", "POST /v1/checkout/sessions/{id}/expire", "POST /v1/refunds", "GET /v1/refunds", "GET /v1/refunds/{id}",
		"POST /v1/transfers", "GET /v1/transfers", "GET /v1/transfers/{id}", "POST /v1/transfers/{id}/reversals", "POST /v1/accounts", "GET /v1/accounts/{id}", "POST /v1/account_links",
		"GET /v1/disputes/{id}", "GET /v1/disputes", "POST /v1/disputes/{id}", "GET /v1/balance", "GET /v1/balance_transactions"}
	for _, call := range want {
		if s.made[call] == 0 {
			t.Errorf("%s was not tried", call)
		}
	}
	for call := range s.made {
		if !slices.Contains(want, call) {
			t.Errorf("%s is no call of Stripe's that is meant", call)
		}
	}
	if len(s.bad) > 0 {
		t.Errorf("refused:\n%s", strings.Join(s.bad, "\n"))
	}
}
