package journey

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// anybodys lists the operations that anybody of the right sort may make, and why. Every other one is
// about somebody's things and is refused to all but them.
var anybodys = map[string]string{
	"GET /brands/{id}":                         "who sells is public",
	"GET /brands/{id}/shipping_options":        "what shipping costs is shown before buying",
	"GET /brands/{id}/shipping_options/{code}": "what shipping costs is shown before buying",
	"GET /categories":                          "a fixed tree",
	"GET /creators/{handle}":                   "a creator's page",
	"GET /creators/{handle}/showcase":          "a creator's shelf",
	"GET /creators/{handle}/videos":            "a creator's videos",
	"GET /feed":                                "a page drawn for whoever asks",
	"GET /webhooks/events":                     "what there is to be told of",
	"GET /products":                            "the catalogue",
	"GET /ranking/parameters":                  "what the feed goes by",
	"GET /ranking/policy.schema.json":          "the form of a policy",
	"GET /products/{id}":                       "a product's page",
	"GET /videos/{id}":                         "a video that is out",
	"GET /videos/{id}/comments":                "what people wrote in the open",
	"POST /accounts":                           "signing up",
	"POST /sessions":                           "signing in",
	"POST /viewers":                            "every shopper gets a viewer",

	"DELETE /creators/{handle}/follow":      "the asker's own follow",
	"DELETE /me":                            "the asker",
	"GET /feed/choices":                     "the asker's own feed",
	"PUT /feed/choices":                     "the asker's own feed",
	"POST /feed/reset":                      "the asker's own feed",
	"PUT /feed/hidden_creators/{handle}":    "anybody may hide a creator from themselves",
	"DELETE /feed/hidden_creators/{handle}": "the asker's own feed",
	"PUT /feed/hidden_videos/{id}":          "anybody may hide a video from themselves",
	"DELETE /feed/hidden_videos/{id}":       "the asker's own feed",
	"DELETE /me/showcase/{product_id}":      "the asker's own shelf",
	"DELETE /sessions/current":              "the asker's own session",
	"DELETE /videos/{id}/like":              "the asker's own like",
	"GET /me":                               "the asker",
	"GET /me/addresses":                     "the asker's own",
	"POST /me/addresses":                    "the asker's own",
	"GET /me/codes":                         "the asker's own",
	"GET /me/samples":                       "the asker's own",
	"POST /samples":                         "any creator who has accepted a program asks for a sample",
	"GET /me/attributions":                  "the asker's own",
	"GET /me/commissions":                   "the asker's own",
	"GET /me/earnings":                      "the asker's own",
	"GET /me/export":                        "the asker",
	"GET /me/showcase":                      "the asker's own shelf",
	"GET /me/tokens":                        "the asker's own",
	"GET /orders":                           "the asker's own orders",
	"GET /programs":                         "the marketplace of open programs",
	"GET /programs/{id}":                    "an open program is there for every creator",
	"PATCH /me":                             "the asker",
	"POST /brands":                          "anybody may open a brand",
	"POST /carts":                           "a cart of the asker's own",
	"POST /events":                          "what the asker did",
	"POST /images":                          "a picture of the asker's own",
	"POST /me/tokens":                       "the asker's own",
	"POST /uploads":                         "an upload of the asker's own",
	"POST /videos/{id}/comments":            "anybody may write under a video",
	"POST /videos/{id}/reports":             "anybody may report a video",
	"PUT /creators/{handle}/follow":         "anybody may follow a creator",
	"PUT /me/creator":                       "the asker",
	"PUT /me/showcase/{product_id}":         "anybody may promote what an open program pays for",
	"PUT /videos/{id}/like":                 "anybody may like a video",
	"GET /me/destinations":                  "the asker's own",
	"GET /me/payee":                         "the asker's own",
	"GET /me/payout_schedule":               "the asker's own",
	"GET /me/payouts":                       "the asker's own",
	"GET /me/statements":                    "the asker's own",
	"POST /me/destinations":                 "the asker's own",
	"POST /me/payouts":                      "the asker's own",
	"PUT /me/payee":                         "the asker's own",
	"PUT /me/payout_schedule":               "the asker's own",
}

// Every operation of the published contract is tried by nobody, a stranger, another brand's owner,
// another creator, another viewer and tokens that do not reach, about somebody else's real things:
// refused, without effect, and without a word about whose they are.
func TestEveryRouteIsRefusedToOthers(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		h := furnish(t, o)
		table := h.contract()
		stale := maps.Clone(anybodys)
		for _, o := range table {
			delete(stale, o.name())
		}
		for name := range stale {
			t.Errorf("%s is said to be anybody's and is not in the contract", name)
		}
		before := h.state(table)
		tried := 0
		for _, o := range table {
			if _, ok := anybodys[o.name()]; ok {
				continue
			}
			for _, c := range h.others(o) {
				h.refuse(o, c, h.keyless(o))
				tried++
			}
			h.mixed(o)
		}
		h.references()
		h.same(before, h.state(table), nil)
		for _, o := range h.lastLeaving(table) {
			for _, c := range h.others(o) {
				h.spared(o, c)
				tried++
			}
		}
		touched := []string{"/videos/" + h.video, "/creators/marisol", "/accounts"} // liked, written under, followed; signed up
		h.same(before, h.state(table), touched)
		if tried < 8*len(table) {
			t.Errorf("only %d calls were tried for %d operations", tried, len(table))
		}
		h.admitted(table)
		h.quiet()
		t.Logf("%d operations, %d calls by others", len(table), tried)
	})
}

// other is somebody who has no business with the house's things.
type other struct {
	name   string
	client client.Client
	want   []int // statuses that refuse them
	reach  bool  // belongs to the house and lacks only the permission
}

var refusals = []int{401, 403, 404}

// others lists who tries an operation.
func (h *house) others(o operation) []other {
	r := h.rivals
	nobody, unscoped := []int{401}, []int{403}
	switch {
	case o.sdk():
		unscoped = []int{401} // no token opens it
	case o.who == "public":
		nobody = []int{401, 404}
		unscoped = []int{403, 404} // it is asked for with an order's token rather than a scope
	case o.who == "viewer":
		nobody = []int{401, 404} // a browser without a cookie is a new viewer
	}
	list := []other{
		{"nobody", h.nobody, nobody, false}, {"a stranger", r.stranger, refusals, false}, {"another brand's owner", r.owner, refusals, false},
		{"another creator", r.creator, refusals, false}, {"another viewer", r.viewer, refusals, false}, {"another brand's token", r.token, refusals, false},
		{"a revoked token", h.revoked, []int{401}, false}, {"no true token", h.forged, []int{401}, false},
	}
	return append(list, other{"a token without the scope", h.narrow(o), unscoped, true})
}

// keyless makes the call of an operation without the write key that opens it: with one that is made up.
func (h *house) keyless(o operation) call {
	q := h.call(o)
	if o.sdk() {
		q.body = bytes.ReplaceAll(q.body, []byte(h.writeKey), []byte("mzw_"+strings.Repeat("A", len(h.writeKey)-4)))
	}
	return q
}

// narrow returns a token of the house's own brand that has another scope than the operation's.
func (h *house) narrow(o operation) client.Client {
	if o.scope == "metrics:read" {
		return h.webhooks
	}
	return h.metrics
}

// refuse makes a call that must be refused without telling anything.
func (h *house) refuse(o operation, c other, q call) {
	h.t.Helper()
	what := o.name() + " for " + c.name
	a := ask(h.t, c.client, q)
	a.sound(h.t, what)
	if !slices.Contains(c.want, a.status) {
		h.t.Errorf("%s: %d, want %v: %.500s", what, a.status, c.want, a.body)
	}
	for of, value := range h.values {
		if len(value) > 16 && a.tells(value) {
			h.t.Errorf("%s: the answer tells the %s %s: %s", what, of, value, a.body)
		}
	}
	h.tellsNobody(what, a)
}

// tells reports whether a text is in the answer's body or headers.
func (a answer) tells(s string) bool {
	if bytes.Contains(a.body, []byte(s)) {
		return true
	}
	for _, values := range a.header {
		if strings.Contains(strings.Join(values, " "), s) {
			return true
		}
	}
	return false
}

// tellsNobody checks that an answer to somebody else holds nothing private of the house's people.
func (h *house) tellsNobody(what string, a answer) {
	h.t.Helper()
	for _, s := range h.private {
		if a.tells(s) {
			h.t.Errorf("%s: the answer tells %s, which is private: %.2000s", what, s, a.body)
		}
	}
}

// mixed tries what is under another's brand or cart by way of one's own.
func (h *house) mixed(o operation) {
	h.t.Helper()
	if len(o.parameters()) < 2 || o.parameters()[1] == "code" { // each brand has its own codes
		return
	}
	q, c := h.call(o), other{name: "its owner's rival, by way of their own", want: refusals}
	switch {
	case strings.Contains(o.path, "/brands/{id}/"):
		q.path, c.client = strings.Replace(q.path, h.brand, h.rivals.brand, 1), h.rivals.owner
	case strings.Contains(o.path, "/carts/{id}/"):
		q.path, c.client = strings.Replace(q.path, h.values["/carts/{id}"], h.rivals.cart, 1), h.rivals.viewer
	case strings.Contains(o.path, "/operator/"), strings.Contains(o.path, "/metrics/{kind}/{id}"):
		return
	default:
		h.t.Fatalf("%s: say here whose first and second things it is about", o.name())
	}
	h.refuse(o, c, q)
}

// references tries to reach the house's things from calls about the asker's own.
func (h *house) references() {
	h.t.Helper()
	r := h.rivals
	for _, try := range []struct {
		client       client.Client
		method, path string
		body         any
	}{
		{r.owner, "POST", "/brands/" + r.brand + "/programs", fields{"kind": "open", "name": "Theirs", "commission_bps": 8000, "product_ids": []string{h.product.ID}}},
		{r.owner, "POST", "/orders/" + r.order + "/shipments", fields{"line_ids": []string{h.values["line"]}, "carrier": "Post"}},
		{r.owner, "POST", "/orders/" + r.order + "/refunds", fields{"lines": []fields{{"line_id": h.values["back"], "quantity": 1}}, "reason": "Theirs"}},
		{r.owner, "POST", "/orders/" + r.order + "/refunds", fields{"part_id": h.values["part"], "shipping": true, "reason": "Theirs"}},
		{r.creator, "POST", "/videos", fields{"upload_id": h.values["upload"], "product_ids": []string{h.product.ID}}},
		{r.creator, "POST", "/samples", h.bodies["POST /samples"]},
		{r.creator, "PUT", "/me/creator", fields{"handle": "marisol", "display_name": "Marisol", "bio": "", "categories": []string{}}},
		{r.viewer, "POST", "/checkouts", fields{"cart_id": h.values["/carts/{id}"], "email": "x@example.com", "shipping_address": home}},
		{r.viewer, "PATCH", "/carts/" + r.cart + "/lines/" + h.values["/carts/{id}/lines/{line}"], fields{"quantity": 9}},
		{r.owner, "POST", "/brands/" + r.brand + "/vouchers", fields{"code": "THEIRS", "title": "Theirs", "kind": "percent", "percent_bps": 1000, "product_ids": []string{h.product.ID}}},
		{r.viewer, "PUT", "/carts/" + r.cart + "/codes/" + h.values["/carts/{id}/codes/{code}"], nil},
		{r.viewer, "PUT", "/carts/" + r.cart + "/voucher", fields{"brand_id": h.brand, "voucher_id": h.values["/brands/{id}/vouchers/{voucher_id}"]}},
		{r.stranger, "PATCH", "/me", fields{"email": shopperEmail, "current_password": password}},
	} {
		a := ask(h.t, try.client, call{method: try.method, path: "/api/v1" + try.path, body: encode(h.t, try.body), header: map[string]string{"Idempotency-Key": "reach"}})
		what := try.method + " " + try.path + " with another's things"
		a.sound(h.t, what)
		if a.status < 400 {
			h.t.Errorf("%s: %d %s", what, a.status, a.body)
		}
		h.tellsNobody(what, a)
	}
}

// lastLeaving lists the operations that are anybody's, with those that end an asker's account or
// session at the end.
func (h *house) lastLeaving(table []operation) []operation {
	var list []operation
	for _, o := range table {
		if _, ok := anybodys[o.name()]; ok {
			list = append(list, o)
		}
	}
	last := func(o operation) int {
		return slices.Index([]string{"PATCH /me", "DELETE /sessions/current", "DELETE /me"}, o.name())
	}
	slices.SortStableFunc(list, func(a, b operation) int { return last(a) - last(b) })
	return list
}

// spared makes a call that somebody else may make: it tells them nothing private.
func (h *house) spared(o operation, c other) {
	h.t.Helper()
	if c.reach || o.name() == "POST /sessions" && c.name != "nobody" {
		return
	}
	q := h.call(o)
	if key := q.header["Idempotency-Key"]; key != "" {
		q.header["Idempotency-Key"] = key + " by " + c.name
	}
	if o.name() == "POST /sessions" {
		q.body = encode(h.t, fields{"email": shopperEmail, "password": "not the password"})
	}
	a := ask(h.t, c.client, q)
	what := o.name() + " for " + c.name
	a.sound(h.t, what)
	if c.name == "nobody" && a.status < 400 && o.who != "public" && o.who != "viewer" {
		h.t.Errorf("%s: %d, want 401: %.500s", what, a.status, a.body)
	}
	h.tellsNobody(what, a)
}

// state is what the rightful people see of their things, by path.
func (h *house) state(table []operation) map[string]string {
	h.t.Helper()
	seen := map[string]string{}
	for _, o := range table {
		if o.method != http.MethodGet || o.name() == "GET /feed" || strings.HasPrefix(o.name(), "GET /metrics/") || o.name() == "GET /operator/signals" {
			continue // these move by themselves
		}
		if strings.HasSuffix(o.path, "/distribution") || strings.Contains(o.path, "/webhooks") {
			continue // others' pages count as shown; a message is tried again and again
		}
		c := h.rightful(o)
		a := ask(h.t, c, h.call(o))
		if a.status != http.StatusOK {
			h.t.Fatalf("%s for the rightful: %d %s", o.name(), a.status, a.body)
		}
		var v any
		h.ok(json.Unmarshal(a.body, &v))
		seen[strings.TrimPrefix(h.path(o), "/api/v1")] = string(encode(h.t, lasting(v)))
	}
	return seen
}

// lasting leaves out of an answer what differs each time it is asked for.
func lasting(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			if slices.Contains([]string{"impression", "exported_at", "checked_seals", "epc", "ctor", "cvr", "refund_rate", "n"}, name) {
				delete(v, name)
				continue
			}
			v[name] = lasting(v[name])
		}
	case []any:
		for i := range v {
			v[i] = lasting(v[i])
		}
	}
	return v
}

// same compares two states, but for paths that begin with one of those touched.
func (h *house) same(before, after map[string]string, touched []string) {
	h.t.Helper()
	for path, was := range before {
		open := slices.ContainsFunc(touched, func(p string) bool { return strings.HasPrefix(path, p) })
		if now := after[path]; now != was && !open {
			h.t.Errorf("%s was changed by people who may not:\nbefore %s\nafter  %s", path, was, now)
		}
	}
}

// admitted makes every call once as the rightful person: it is granted, so that the refusals above
// were for no other reason.
func (h *house) admitted(table []operation) {
	h.t.Helper()
	h.bodies["POST /accounts"] = fields{"email": "newer@example.com", "password": password, "display_name": "Newer"}
	h.bodies["PUT /me/creator"] = fields{"handle": "newer", "display_name": "Newer", "bio": "", "categories": []string{}}
	table = slices.Clone(table)
	slices.SortStableFunc(table, func(a, b operation) int { return turn(a) - turn(b) })
	for _, o := range table {
		c := h.rightful(o)
		if o.name() == "DELETE /me" {
			c = h.rivals.leaver
		}
		if a := ask(h.t, c, h.call(o)); a.status >= 300 {
			h.t.Errorf("%s is refused to the rightful: %d %.500s", o.name(), a.status, a.body)
		}
	}
}

// turn orders the operations so that each finds what it needs: reads, changes, additions, and at
// last what takes away, the parts before the whole.
func turn(o operation) int {
	switch {
	case o.name() == "DELETE /sessions/current":
		return 100
	case o.method == http.MethodDelete:
		return 50 - strings.Count(o.path, "/")
	case o.reads():
		return 0
	case o.name() == "POST /orders/{id}/cancel":
		return 3
	case o.method == http.MethodPost:
		return 2
	}
	return 1
}
