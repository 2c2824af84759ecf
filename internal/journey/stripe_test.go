package journey

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mezzo/internal/client"
	"mezzo/internal/clock"
	"mezzo/internal/payment/stripetest"
	"mezzo/internal/program"
)

// Two shoppers pay on Stripe's page: one comes back, of the other only a message comes. Each is paid once, whatever is told again, and a refund reaches Stripe.
func TestBuyingByStripe(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		there := stripetest.New(clock.System{})
		t.Cleanup(there.Close)
		o.Args = append(o.Args, "--payments", "stripe", "--stripe-url", there.URL, "--public-url", "http://localhost:8080")
		o.Env = append(o.Env, "MEZZO_STRIPE_KEY="+stripetest.Key, "MEZZO_STRIPE_WEBHOOK_SECRET="+stripetest.Secret)
		m := furnished(t, o, 5)
		back, told := m.toStripe(there), m.toStripe(there)
		if a := must(try(t, back.Client, call{method: http.MethodGet, path: back.path + "?payment=back"}))(t); a.status != http.StatusOK {
			t.Errorf("back from a page that was not paid: %d", a.status)
		}
		for _, s := range []atStripe{back, told} {
			if !there.Pay(s.page, false) {
				t.Fatal("the page takes no money")
			}
		}
		home := must(try(t, back.Client, call{method: http.MethodGet, path: back.path + "?payment=back"}))(t)
		at := home.header.Get("Location")
		if home.status != http.StatusSeeOther || !strings.HasPrefix(at, "/orders/ord_") {
			t.Fatalf("back from the page that was paid: %d to %q", home.status, at)
		}
		for _, again := range []string{"done", "repeated"} {
			for _, body := range slices.Backward(there.Events()) {
				a := must(try(t, m.nobody, call{method: http.MethodPost, path: "/webhooks/stripe", body: body,
					header: map[string]string{"Content-Type": "application/json", "Stripe-Signature": stripetest.Sign(stripetest.Secret, time.Now(), body)}}))(t)
				if a.status != http.StatusOK || again == "repeated" && !strings.Contains(string(a.body), again) {
					t.Errorf("a message: %d %s", a.status, a.body)
				}
			}
		}
		var orders struct{ Items []client.Order }
		m.ok(m.owner.Call(m.ctx, http.MethodGet, "/api/v1/brands/"+m.brand+"/orders", nil, &orders))
		if len(orders.Items) != 2 || orders.Items[0].Parts[0].State != "paid" || orders.Items[1].Parts[0].State != "paid" {
			t.Fatalf("paid were two, and the brand sees %+v", orders.Items)
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(at, "/orders/"), "?")
		paid := must(m.owner.GetOrder(m.ctx, id))(t)
		r := must(m.owner.Refund(m.ctx, id, paid.Lines[0].ID, 1, true, "Scratched"))(t)
		given := there.All("refund")
		if r.State != "confirmed" || len(given) != 1 || given[0].Number("amount") != r.Amount.Amount || r.Amount.Amount == 0 {
			t.Errorf("the refund %+v is %v at Stripe", r, given)
		}
		m.othersAndNonsense(there, back)
		m.stripesRoutes()
		m.balanced()
		m.checked(o)
	})
}

// othersAndNonsense tries the routes that are there only with Stripe: strangers are refused, nonsense is, and neither
// leaves anything at Stripe.
func (m *market) othersAndNonsense(there *stripetest.Server, back atStripe) {
	m.t.Helper()
	stranger := must(m.nobody.SignUp(m.ctx, "nosy@example.com", password, "Nosy"))(m.t)
	nothing := len(there.All("account"))
	long := `{"current_password":"` + strings.Repeat("x", 1<<20) + `"}`
	right, mine, brands := `{"current_password":"`+password+`","return_url":"/studio/payouts"}`, "/api/v1/me/payout_account", "/api/v1/brands/"+m.brand+"/payout_account"
	for _, x := range []struct {
		who          client.Client
		method, path string
		body         string
		want         []int
	}{
		{m.nobody, http.MethodGet, mine, "", []int{401}}, {m.nobody, http.MethodPost, mine, right, []int{401}},
		{stranger, http.MethodGet, mine, "", []int{403, 404}}, {stranger, http.MethodPost, mine, right, []int{403, 404}},
		{m.nobody, http.MethodGet, brands, "", []int{401}}, {stranger, http.MethodGet, brands, "", []int{404}}, {m.creator, http.MethodGet, brands, "", []int{404}},
		{stranger, http.MethodPost, brands, right, []int{404}}, {m.creator, http.MethodPost, brands, right, []int{404}},
		{m.creator, http.MethodPost, mine, `{"current_password":"not it","return_url":"/"}`, []int{403}},
		{m.creator, http.MethodPost, mine, `{"current_password":"` + password + `","return_url":"https://elsewhere.example/"}`, []int{422}},
		{m.creator, http.MethodPost, mine, `{"current_password":"` + password + `","return_url":"//elsewhere.example"}`, []int{422}},
		{m.creator, http.MethodPost, mine, `{"current_password":17}`, []int{400, 422}}, {m.creator, http.MethodPost, mine, `[`, []int{400}},
		{m.creator, http.MethodPost, mine, ``, []int{400, 422}}, {m.creator, http.MethodPost, mine, long, []int{413, 422}},
		{stranger, http.MethodGet, back.path + "?payment=back", "", []int{404}}, {m.nobody, http.MethodGet, back.path + "?payment=back", "", []int{404}},
		{back.Client, http.MethodGet, "/checkout/%00?payment=back", "", []int{400, 404}}, {back.Client, http.MethodGet, back.path + "?payment=" + strings.Repeat("back", 500), "", []int{200, 303, 400, 404, 414}},
	} {
		q := call{method: x.method, path: x.path, header: map[string]string{"Content-Type": "application/json"}}
		if x.method == http.MethodPost {
			q.body = []byte(x.body)
		}
		a, err := try(m.t, x.who, q)
		if err != nil || !slices.Contains(x.want, a.status) {
			m.t.Errorf("%s %s with %.80q: %d %v, want %v: %.200s", x.method, x.path, x.body, a.status, err, x.want, a.body)
		}
	}
	if n := len(there.All("account")); n != nothing {
		m.t.Errorf("%d accounts were opened at Stripe", n-nothing)
	}
	m.ok(m.creator.Call(m.ctx, http.MethodPut, "/api/v1/me/payee", map[string]any{"kind": "individual", "legal_name": "Marisol Vega", "line1": "1 Main St", "city": "Austin",
		"region": "TX", "postal_code": "73301", "country": "US", "tax_id": "123-45-6789"}, nil))
	var page struct{ URL string }
	m.ok(m.creator.Call(m.ctx, http.MethodPost, mine, map[string]any{"current_password": password, "return_url": "/studio/payouts"}, &page))
	if !strings.HasPrefix(page.URL, there.URL+"/onboard/") || len(there.All("account")) != nothing+1 {
		m.t.Errorf("the creator is sent to %q", page.URL)
	}
}

// anybodysAtStripe are, of the operations that are there only with Stripe, those that anybody of the right sort may
// make, and why.
var anybodysAtStripe = map[string]string{
	"GET /me/payout_account":  "the asker's own",
	"POST /me/payout_account": "the asker's own",
	"POST /webhooks/stripe":   "whoever it is that sends: what Stripe has not signed is not looked at",
}

// stripesRoutes walks every operation that the contract has with Stripe and has not without: each is refused to all
// whom it does not concern, and bears absurd input. A new one cannot be forgotten.
func (m *market) stripesRoutes() {
	m.t.Helper()
	h := &house{market: m, values: map[string]string{"/brands/{id}": m.brand, "/operator/payouts/{payout}": "pot_00000000000000000000000000"}, bodies: map[string]any{}}
	h.dullTokens()
	h.private = []string{"owner@example.com", "marisol@example.com", operatorEmail, h.metrics.Token, m.owner.Token, m.creator.Token}
	h.meetRivals()
	for _, at := range []string{"/me", "/brands/{id}"} {
		h.bodies["POST "+at+"/payout_account"] = fields{"current_password": password, "return_url": "/studio/payouts"}
	}
	h.bodies["POST /operator/payouts/{payout}/take_back"] = fields{"reason": "Wrong account"}
	without := map[string]bool{}
	for _, o := range (&market{t: m.t, ctx: m.ctx, nobody: client.Client{Base: program.Start(m.t, program.Options{}).URL}}).contract() {
		without[o.name()] = true
	}
	walked := 0
	for _, o := range h.contract() {
		if without[o.name()] {
			continue
		}
		walked++
		for _, c := range h.others(o) {
			if anybodysAtStripe[o.name()] != "" {
				h.spared(o, c)
			} else {
				h.refuse(o, c, h.call(o))
			}
		}
		h.mixed(o)
		for _, q := range slices.Concat(h.badBodies(o), h.badValues(o), h.badPaths(o), h.badQueries(o), h.badHeaders(o)) {
			h.bear(o, q)
		}
	}
	if walked < len(anybodysAtStripe)+2 {
		m.t.Errorf("with Stripe the contract has only %d operations more", walked)
	}
	h.quiet()
}

// atStripe is a shopper on Stripe's page.
type atStripe struct {
	client.Client
	path, page string
}

// toStripe has a fresh shopper go to Stripe's page for one unit.
func (m *market) toStripe(there *stripetest.Server) atStripe {
	m.t.Helper()
	shopper := must(m.nobody.NewViewer(m.ctx))(m.t)
	c := must(checkout(m.ctx, shopper, m.product.Variants[0].ID, ""))(m.t)
	sent := must(shopper.Pay(m.ctx, c, "hosted"))(m.t)
	if sent.NextAction == nil || !strings.HasPrefix(sent.NextAction.URL, there.URL+"/pay/") {
		m.t.Fatalf("not sent to Stripe: %+v", sent)
	}
	return atStripe{shopper, fmt.Sprintf("/checkout/%s", c.ID), strings.TrimPrefix(sent.NextAction.URL, there.URL+"/pay/")}
}
