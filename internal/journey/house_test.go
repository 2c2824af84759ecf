package journey

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// house is a market in which everything that can belong to somebody exists, and whom it belongs to.
type house struct {
	*market
	database string            // postgres://…; "": SQLite in the folder of the program
	shopper  client.Client     // signed in; bought, and has a cart and a checkout
	values   map[string]string // what a path parameter stands for, by the path up to and with it
	bodies   map[string]any    // valid bodies by operation
	private  []string          // what nobody else may read
	writeKey string            // of the brand's own site
	rivals   rivals
	keys     int // Idempotency-Keys used up

	metrics, webhooks client.Client // tokens of the brand with that scope alone
	revoked, forged   client.Client // a token that was the brand's, and one that never was
}

// rivals are people of the same sorts, who have no business here, and what is theirs.
type rivals struct {
	stranger, owner, creator, viewer client.Client
	leaver                           client.Client // somebody to be erased
	token                            client.Client // of the rival's brand, with every scope
	brand, cart, line, order         string
	product                          client.Product
}

// Addresses and names that belong to the house's people alone.
const (
	shopperEmail = "ada.shopper@example.com"
	guestEmail   = "gus.guest@example.com"
	street       = "7 Secret Lane"
)

var everyScope = []string{"catalog:read", "catalog:write", "orders:read", "orders:write", "programs:read", "programs:write", "content:write", "money:read", "payouts:write", "metrics:read", "webhooks:write"}

// furnish opens a market and makes one real thing of every kind in it.
func furnish(t *testing.T, o program.Options) *house {
	t.Helper()
	o.Args = append(o.Args, "--payout-rail", "manual")
	h := &house{market: open(t, o, 1000), database: o.Database, values: map[string]string{}, bodies: map[string]any{}}
	h.post()
	h.furnishPayouts()
	h.shopper = must(h.nobody.NewViewer(h.ctx))(t)
	h.shopper = must(h.shopper.SignUp(h.ctx, shopperEmail, password, "Ada Shopper"))(t)
	h.furnishBrand()
	h.furnishContent()
	h.furnishOrders()
	h.furnishPeople()
	h.furnishHouse()
	h.furnishTokens()
	h.furnishRivals()
	h.describe()
	return h
}

// made sends a request and returns what stands at the dotted place of the answer.
func (h *house) made(c client.Client, method, path string, body any, place string) string {
	h.t.Helper()
	var out map[string]any
	h.ok(c.Call(h.ctx, method, "/api/v1"+path, body, &out))
	var at any = out
	for step := range strings.SplitSeq(place, ".") {
		at, _ = at.(map[string]any)[step]
	}
	s, ok := at.(string)
	if !ok || s == "" {
		h.t.Fatalf("%s %s: nothing at %s in %v", method, path, place, out)
	}
	return s
}

type fields = map[string]any

func (h *house) furnishBrand() {
	brand := "/brands/" + h.brand
	h.values["/brands/{id}"] = h.brand
	h.values["/products/{id}"], h.values["/me/showcase/{product_id}"] = h.product.ID, h.product.ID
	h.values["/variants/{id}"] = h.product.Variants[0].ID
	h.values["/brands/{id}/shipping_options/{code}"] = "express"
	h.made(h.owner, http.MethodPut, brand+"/shipping_options/express", express, "code")
	h.values["/brands/{id}/tokens/{token_id}"] = h.made(h.owner, http.MethodPost, brand+"/tokens", fields{"name": "Sync", "scopes": everyScope}, "id")
	h.values["/brands/{id}/write_keys/{key_id}"] = h.made(h.owner, http.MethodPost, brand+"/write_keys", fields{"name": "Old shop"}, "id")
	h.writeKey = h.made(h.owner, http.MethodPost, brand+"/write_keys", fields{"name": "Shop"}, "write_key")
	h.values["/brands/{id}/webhooks/{webhook_id}"] = h.made(h.owner, http.MethodPost, brand+"/webhooks", fields{"url": "http://127.0.0.1:1/in"}, "id")
	h.values["/brands/{id}/webhooks/{webhook_id}/deliveries/{message_id}"] = h.made(h.owner, http.MethodPost, "/brands/"+h.brand+"/webhooks/"+h.values["/brands/{id}/webhooks/{webhook_id}"]+"/test", fields{}, "message_id")
	h.values["/metrics/{kind}"], h.values["/metrics/{kind}/{id}"] = "brand", h.brand
	h.values["/programs/{id}"] = h.made(h.owner, http.MethodPost, brand+"/programs", fields{"kind": "open", "name": "Autumn", "commission_bps": 1600, "product_ids": []string{h.product.ID}}, "id")
	staff := must(h.nobody.SignUp(h.ctx, "staff@example.com", password, "Stefan"))(h.t)
	h.values["/brands/{id}/members/{account_id}"] = h.made(staff, http.MethodGet, "/me", nil, "id")
	h.ok(h.owner.Call(h.ctx, http.MethodPost, "/api/v1"+brand+"/members", fields{"email": "staff@example.com", "role": "staff"}, nil))
}

var express = fields{"name": "Express", "price": client.Money{Amount: 900, Currency: "USD"}, "countries": []string{"US"}, "days_min": 1, "days_max": 2}

func (h *house) furnishContent() {
	h.values["/videos/{id}"] = h.video
	h.values["/creators/{handle}"], h.values["/feed/hidden_creators/{handle}"] = "marisol", "marisol"
	h.values["/feed/hidden_videos/{id}"] = h.video
	h.values["/comments/{id}"] = h.made(h.shopper, http.MethodPost, "/videos/"+h.video+"/comments", fields{"text": "Looks good."}, "id")
	film, err := os.ReadFile("../media/testdata/tail.mp4")
	h.ok(err)
	h.values["upload"] = must(h.creator.Upload(h.ctx, "more.mp4", "video/mp4", film))(h.t)
	begun := ask(h.t, h.creator, call{method: http.MethodPost, path: "/api/v1/uploads", header: tus("Upload-Length", "1000")})
	if begun.status != http.StatusCreated {
		h.t.Fatalf("beginning an upload: %d %s", begun.status, begun.body)
	}
	at := begun.header.Get("Location")
	h.values["/uploads/{id}"] = at[strings.LastIndexByte(at, '/')+1:]
	h.values["image"] = must(h.creator.UploadImage(h.ctx, "image/webp", picture(h.t)))(h.t)
	comment := h.values["/comments/{id}"]
	h.values["/operator/standing/{kind}"], h.values["/operator/standing/{kind}/{subject}"] = "comment", comment
	h.made(h.operator, http.MethodPost, "/operator/standing/comment/"+comment, fields{"standing": "limited", "reason": "To be looked at."}, "id")
	h.values["/operator/standing-changes/{change}"] = h.made(h.operator, http.MethodPost, "/operator/standing/comment/"+comment, fields{"standing": "visible", "reason": "Nothing wrong."}, "id")
}

func tus(pairs ...string) map[string]string {
	header := map[string]string{"Tus-Resumable": "1.0.0"}
	for i := 0; i < len(pairs); i += 2 {
		header[pairs[i]] = pairs[i+1]
	}
	return header
}

func picture(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../media/testdata/quarters.webp")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var secretAddress = client.Address{Name: "Ada Shopper", Line1: street, City: "Austin", Region: "TX", PostalCode: "73301", Country: "US"}

// furnishOrders makes the shopper's orders: one paid with a commission and shipped, one to be shipped,
// one to be called off, a checkout and a cart.
func (h *house) furnishOrders() {
	token := h.made(h.shopper, http.MethodGet, "/videos/"+h.video, nil, "impression")
	now := time.Now()
	got := must(h.shopper.SendEvents(h.ctx, client.NewEvent("impression", token, "", now), client.NewEvent("product_click", token, h.product.ID, now)))(h.t)
	if got.Accepted != 2 {
		h.t.Fatalf("events: %+v", got)
	}
	bought := func(impression string) client.Paid {
		return must(h.shopper.Pay(h.ctx, h.till(h.shopper, h.product.Variants[0].ID, impression), "pm_card_visa"))(h.t)
	}
	first, second, third, fourth := bought(token), bought(""), bought(""), bought("")
	h.values["/orders/{id}"], h.values["/orders/{id}/shipments"], h.values["/orders/{id}/cancel"] = first.Order.ID, second.Order.ID, third.Order.ID
	h.values["/orders/{id}/refunds"], h.values["back"] = fourth.Order.ID, fourth.Order.Lines[0].ID
	h.values["part"], h.values["line"] = first.Order.Parts[0].ID, first.Order.Lines[0].ID
	h.values["/shipments/{id}"] = must(h.owner.Ship(h.ctx, first.Order.ID))(h.t)
	h.furnishReturns(bought)
	placed := h.till(h.shopper, h.product.Variants[0].ID, "")
	h.values["/checkouts/{id}"] = placed.ID
	h.bodies["POST /checkouts/{id}/pay"] = fields{"payment_method": "pm_card_visa", "expected_total": placed.Total}
	h.values["/carts/{id}"], h.values["/carts/{id}/lines/{line}"] = h.fill(h.shopper, h.product.Variants[0].ID)
	h.furnishVouchers()
	h.furnishSamples()
	h.values["/ledger/accounts/{name}"] = h.aBook()
}

// furnishVouchers gives a voucher of the brand, whose code is on the shopper's cart, and one of the platform.
func (h *house) furnishVouchers() {
	h.values["/brands/{id}/vouchers/{voucher_id}"] = h.made(h.owner, http.MethodPost, "/brands/"+h.brand+"/vouchers", voucherTerms("SECRET-TEN"), "id")
	platform := voucherTerms("HOUSE-TEN")
	platform["currency"] = "USD"
	h.values["/operator/vouchers/{id}"] = h.made(h.operator, http.MethodPost, "/operator/vouchers", platform, "id")
	h.values["/carts/{id}/codes/{code}"] = "SECRET-TEN"
	h.made(h.shopper, http.MethodPut, "/carts/"+h.values["/carts/{id}"]+"/codes/secret-ten", nil, "id")
	more := voucherTerms("HOUSE-MORE")
	more["currency"] = "USD"
	maps.Copy(h.bodies, map[string]any{
		"POST /brands/{id}/vouchers":               voucherTerms("MORE"),
		"POST /operator/vouchers":                  more,
		"PATCH /brands/{id}/vouchers/{voucher_id}": fields{"title": "Ten less"},
		"PATCH /operator/vouchers/{id}":            fields{"title": "Ten less"},
		"PUT /carts/{id}/voucher":                  fields{"brand_id": h.brand, "voucher_id": "none"},
	})
}

func voucherTerms(code string) fields {
	return fields{"code": code, "title": "Ten off", "kind": "percent", "percent_bps": 1000, "max_discount": client.Money{Amount: 500, Currency: "USD"}, "uses_per_person": 3, "creator_handle": "marisol"}
}

// furnishSamples makes samples that the creator has asked for, each as far as one of its operations takes it further.
func (h *house) furnishSamples() {
	h.t.Helper()
	brand := "/brands/" + h.brand
	program := h.made(h.owner, http.MethodPost, brand+"/programs", fields{"kind": "open", "name": "Samples", "commission_bps": 1100, "product_ids": "all", "samples": fields{"units": 20, "charged": true}}, "id")
	price := client.Money{Amount: 999, Currency: "USD"}
	wish := func(sku string) fields {
		var made client.Product
		h.ok(h.owner.Call(h.ctx, http.MethodPost, "/api/v1"+brand+"/products", fields{"title": sku, "category": "home.kitchen", "variants": []any{fields{"sku": sku, "price": price, "stock": 5}}}, &made))
		h.made(h.creator, http.MethodPut, "/me/showcase/"+made.ID, nil, "id")
		return fields{"program_id": program, "variant_id": made.Variants[0].ID, "address": secretAddress, "note": "For " + street, "charge": price}
	}
	h.bodies["POST /samples"] = wish("SAMPLE")
	for i, last := range []string{"", "/decision", "/cancellation", "/shipment", "/return", "/receipt", "/loss"} {
		sample := h.made(h.creator, http.MethodPost, "/samples", wish(fmt.Sprint("SAMPLE-", i)), "id")
		h.values["/samples/{id}"+last] = sample
		if i > 2 {
			h.made(h.owner, http.MethodPost, "/samples/"+sample+"/decision", fields{"approve": true}, "id")
		}
		if i > 3 {
			h.made(h.owner, http.MethodPost, "/samples/"+sample+"/shipment", fields{"carrier": "Post"}, "id")
		}
	}
	h.bodies["POST /samples/{id}/decision"] = fields{"approve": true}
	h.bodies["POST /samples/{id}/cancellation"] = fields{}
	h.bodies["POST /samples/{id}/shipment"] = fields{"carrier": "Post", "tracking": "RX3"}
	h.bodies["POST /samples/{id}/return"] = fields{"restock": true}
}

// furnishReturns makes orders that have arrived: one to ask a return of, and returns to be answered, sent
// back and withdrawn.
func (h *house) furnishReturns(bought func(string) client.Paid) {
	h.t.Helper()
	asked := func() (order, line string) {
		o := bought("").Order
		h.ok(h.owner.Deliver(h.ctx, must(h.owner.Ship(h.ctx, o.ID))(h.t)))
		return o.ID, o.Lines[0].ID
	}
	wish := func(line string) fields {
		return fields{"lines": []fields{{"line_id": line, "quantity": 1, "reason": "Too small"}}}
	}
	for _, of := range []string{"/returns/{id}", "/returns/{id}/sent", "/returns/{id}/withdraw"} {
		order, line := asked()
		h.values[of] = h.made(h.shopper, http.MethodPost, "/orders/"+order+"/returns", wish(line), "id")
	}
	h.made(h.owner, http.MethodPost, "/returns/"+h.values["/returns/{id}/sent"]+"/decision", fields{"decision": "approve"}, "id")
	order, line := asked()
	h.values["/orders/{id}/returns"] = order
	h.bodies["POST /orders/{id}/returns"] = wish(line)
	missed := fields{"says": "Nothing has come to " + street + "."}
	for _, of := range []string{"/claims/{id}", "/claims/{id}/withdraw"} {
		order, _ := asked()
		h.values[of] = h.made(h.shopper, http.MethodPost, "/orders/"+order+"/claims", missed, "id")
	}
	h.values["/orders/{id}/claims"], _ = asked()
	h.bodies["POST /orders/{id}/claims"] = missed
	h.bodies["POST /claims/{id}/answer"] = fields{"answer": "proof", "proof": "Signed for by A. Shopper."}
	fought, _ := asked()
	h.values["/sandbox/disputes/{ref}"] = h.made(h.operator, http.MethodPost, "/sandbox/disputes", fields{"order_id": fought, "reason": "fraudulent"}, "provider_ref")
	disputed, _ := asked()
	h.bodies["POST /sandbox/disputes"] = fields{"order_id": disputed, "reason": "fraudulent"}
	contested, _ := asked()
	h.values["/brands/{id}/disputes/{dispute}"] = h.made(h.operator, http.MethodPost, "/sandbox/disputes", fields{"order_id": contested, "reason": "fraudulent"}, "id")
	h.bodies["POST /brands/{id}/disputes/{dispute}/evidence"] = fields{"evidence": "Signed for by A. Shopper."}
	h.bodies["POST /sandbox/disputes/{ref}/decision"] = fields{"won": true}
	h.values["/operator/brands/{id}"] = h.brand
	h.bodies["PUT /operator/brands/{id}/reserve"] = fields{"bps": 500, "days": 30, "reason": "New here"}
	h.bodies["POST /returns/{id}/decision"] = fields{"decision": "approve", "note": "Send it back, please."}
	h.bodies["POST /returns/{id}/sent"] = fields{"carrier": "Post", "tracking": "RX2"}
}

// till goes to the till with one unit, to the secret address.
func (h *house) till(c client.Client, variant, impression string) client.Checkout {
	h.t.Helper()
	cart := must(c.NewCart(h.ctx))(h.t)
	h.ok(c.Put(h.ctx, cart, variant, 1, impression))
	return must(c.CheckOut(h.ctx, cart, guestEmail, secretAddress))(h.t)
}

// fill returns a new cart with one line.
func (h *house) fill(c client.Client, variant string) (cart, line string) {
	h.t.Helper()
	cart = must(c.NewCart(h.ctx))(h.t)
	var out struct{ Lines []client.ID }
	h.ok(c.Call(h.ctx, http.MethodPost, "/api/v1/carts/"+cart+"/lines", fields{"variant_id": variant, "quantity": 1}, &out))
	return cart, out.Lines[0].ID
}

// aBook returns the name of an account of the books that the sales have moved.
func (h *house) aBook() string {
	h.t.Helper()
	var books struct{ Items []struct{ Account string } }
	h.ok(h.operator.Call(h.ctx, http.MethodGet, "/api/v1/ledger/accounts", nil, &books))
	for _, b := range books.Items {
		if strings.Contains(b.Account, h.brand) {
			return b.Account
		}
	}
	h.t.Fatalf("no account of the brand in %+v", books)
	return ""
}

func (h *house) furnishPeople() {
	h.values["/accounts/{id}"] = h.made(h.shopper, http.MethodGet, "/me", nil, "id")
	h.values["/me/tokens/{token_id}"] = h.made(h.shopper, http.MethodPost, "/me/tokens", fields{"name": "Mine", "scopes": everyScope}, "id")
	h.values["owner"] = h.made(h.owner, http.MethodGet, "/me", nil, "id")
	h.values["creator"] = h.made(h.creator, http.MethodGet, "/me", nil, "id")
}

// furnishHouse makes what the operator keeps.
func (h *house) furnishHouse() {
	h.values["/operator/policies/{name}"] = "value"
	h.values["/operator/distribution_disputes/{id}"] = h.made(h.creator, http.MethodPost, "/videos/"+h.video+"/distribution/disputes", fields{"reason": "Shown at night only."}, "id")
	h.values["/operator/labels/{id}"] = h.made(h.operator, http.MethodPost, "/operator/labels", parcel, "id")
	h.values["/operator/taxes/{id}"] = h.made(h.operator, http.MethodPost, "/operator/taxes", austrianTax, "id")
}

var parcel = fields{"carrier": "DHL", "service": "Parcel up to 2 kg", "price": client.Money{Amount: 420, Currency: "USD"}}

var austrianTax = fields{"country": "AT", "name": "USt", "rate_bps": 2000, "inclusive": true, "collected_by": "platform"}

// dullTokens makes tokens of the brand that do not reach.
func (h *house) dullTokens() {
	h.t.Helper()
	token := func(scope string) client.Client {
		c := h.nobody
		c.Token = h.made(h.owner, http.MethodPost, "/brands/"+h.brand+"/tokens", fields{"name": scope, "scopes": []string{scope}}, "token")
		return c
	}
	h.metrics, h.webhooks = token("metrics:read"), token("webhooks:write")
	h.revoked = token("orders:read")
	var tokens struct {
		Items []struct{ ID, Name string }
	}
	h.ok(h.owner.Call(h.ctx, http.MethodGet, "/api/v1/brands/"+h.brand+"/tokens", nil, &tokens))
	for _, k := range tokens.Items {
		if k.Name == "orders:read" {
			h.ok(h.owner.Call(h.ctx, http.MethodDelete, "/api/v1/brands/"+h.brand+"/tokens/"+k.ID, nil, nil))
		}
	}
	h.forged = h.metrics
	h.forged.Token = "mzo_" + strings.Repeat("A", len(h.metrics.Token)-4)
}

// furnishTokens makes tokens that do not reach, and lists what is private.
func (h *house) furnishTokens() {
	h.dullTokens()
	h.values["/me/addresses/{id}"] = h.made(h.shopper, http.MethodPost, "/me/addresses", secretAddress, "id")
	h.private = append(h.private, shopperEmail, guestEmail, street, "staff@example.com", operatorEmail, "marisol@example.com", h.metrics.Token, h.shopper.Token, h.owner.Token, h.writeKey)
	for of, value := range h.values {
		switch of {
		case "/brands/{id}", "/operator/brands/{id}", "/products/{id}", "/me/showcase/{product_id}", "/variants/{id}", "/brands/{id}/shipping_options/{code}", "/programs/{id}", "/videos/{id}",
			"/creators/{handle}", "/operator/policies/{name}", "/feed/hidden_creators/{handle}", "/feed/hidden_videos/{id}", "/comments/{id}", "image", "/metrics/{kind}", "/metrics/{kind}/{id}", "/operator/standing/{kind}", "/operator/standing/{kind}/{subject}", "/operator/payees/{year}":
			continue // to be seen on public pages
		}
		h.private = append(h.private, value)
	}
}

// meetRivals signs the others up.
func (h *house) meetRivals() {
	h.t.Helper()
	r := &h.rivals
	r.stranger = must(h.nobody.SignUp(h.ctx, "stranger@example.com", password, "Stranger"))(h.t)
	r.owner = must(h.nobody.SignUp(h.ctx, "rival@example.com", password, "Rival"))(h.t)
	r.brand = must(r.owner.OpenBrand(h.ctx, "Rival", "US", "USD"))(h.t)
	r.product = must(r.owner.List(h.ctx, r.brand, client.Product{Title: "Other pan", Category: "home.kitchen", Variants: []client.Variant{{SKU: "R1", Title: "One", Price: client.Money{Amount: 2500, Currency: "USD"}, Stock: 100}}}))(h.t)
	r.token = h.nobody
	r.token.Token = h.made(r.owner, http.MethodPost, "/brands/"+r.brand+"/tokens", fields{"name": "All", "scopes": everyScope}, "token")
	r.creator = must(h.nobody.SignUp(h.ctx, "rita@example.com", password, "Rita"))(h.t)
	h.ok(r.creator.BecomeCreator(h.ctx, "rita", "Rita", ""))
	h.ok(r.creator.Promote(h.ctx, h.product.ID))
	r.leaver = must(h.nobody.SignUp(h.ctx, "leaver@example.com", password, "Lea"))(h.t)
	r.viewer = must(h.nobody.NewViewer(h.ctx))(h.t)
}

// furnishRivals signs the others up and gives each something of their own.
func (h *house) furnishRivals() {
	h.meetRivals()
	r := &h.rivals
	paid := must(buy(h.ctx, r.viewer, r.product.Variants[0].ID, ""))(h.t)
	r.viewer.Order, r.order = paid.OrderToken, paid.Order.ID
	r.cart, r.line = h.fill(r.viewer, r.product.Variants[0].ID)
}

// describe writes valid bodies down for every operation that takes one, of the house's own things.
func (h *house) describe() {
	variant := fields{"sku": "SK30", "title": "30 cm", "price": client.Money{Amount: 2999, Currency: "USD"}, "stock": 5}
	maps.Copy(h.bodies, map[string]any{
		"POST /accounts":                                 fields{"email": "new@example.com", "password": password, "display_name": "New"},
		"POST /sessions":                                 fields{"email": shopperEmail, "password": password},
		"POST /brands":                                   fields{"name": "Another", "country": "US", "currency": "USD"},
		"PATCH /brands/{id}":                             fields{"name": "Pan & Co."},
		"POST /brands/{id}/members":                      fields{"email": "stranger@example.com", "role": "staff"},
		"POST /brands/{id}/products":                     fields{"title": "Lid", "category": "home.kitchen", "variants": []any{fields{"sku": "LID", "price": client.Money{Amount: 999, Currency: "USD"}, "stock": 5}}},
		"POST /brands/{id}/programs":                     fields{"kind": "open", "name": "Spring", "commission_bps": 1200, "product_ids": []string{h.product.ID}},
		"PUT /brands/{id}/shipping_options/{code}":       express,
		"POST /brands/{id}/tokens":                       fields{"name": "More", "scopes": []string{"catalog:read"}},
		"POST /brands/{id}/write_keys":                   fields{"name": "More"},
		"POST /brands/{id}/webhooks":                     fields{"url": "http://127.0.0.1:1/more", "events": []string{"order.paid"}},
		"PATCH /brands/{id}/webhooks/{webhook_id}":       fields{"events": []string{"order.refunded"}},
		"POST /brands/{id}/webhooks/{webhook_id}/replay": fields{"since": "2026-01-01T00:00:00Z"},
		"PUT /carts/{id}/codes":                          fields{"codes": []string{}},
		"POST /carts/{id}/lines":                         fields{"variant_id": h.product.Variants[0].ID, "quantity": 1},
		"PATCH /carts/{id}/lines/{line}":                 fields{"quantity": 2},
		"POST /checkouts":                                fields{"cart_id": h.values["/carts/{id}"], "email": guestEmail, "shipping_address": secretAddress},
		"POST /events":                                   fields{"events": []client.Event{client.NewEvent("product_view", "", h.product.ID, time.Now())}},
		"PATCH /me":                                      fields{"display_name": "Renamed"},
		"PUT /me/creator":                                fields{"handle": "newcomer", "display_name": "Newcomer", "bio": "", "categories": []string{}},
		"PUT /feed/choices":                              fields{"profiling": false},
		"POST /me/addresses":                             home,
		"POST /me/tokens":                                fields{"name": "More", "scopes": []string{"orders:read"}},
		"POST /operator/standing/{kind}/{subject}":       fields{"standing": "removed", "reason": "Once more."},
		"POST /operator/keys/turn":                       fields{},
		"POST /operator/labels":                          fields{"carrier": "Post", "service": "Letter", "price": client.Money{Amount: 120, Currency: "USD"}},
		"PUT /operator/labels/{id}":                      fields{"carrier": "DHL", "service": "Parcel up to 2 kg", "price": client.Money{Amount: 430, Currency: "USD"}},
		"POST /operator/carrier_payments":                fields{"carrier": "dhl", "amount": client.Money{Amount: 100, Currency: "USD"}, "reference": "Line 9 of November"},
		"POST /operator/taxes":                           fields{"country": "IE", "name": "VAT", "rate_bps": 2300, "inclusive": true, "collected_by": "platform"},
		"PUT /operator/taxes/{id}":                       fields{"country": "AT", "name": "USt", "rate_bps": 1900, "inclusive": true, "collected_by": "platform"},
		"POST /orders/{id}/shipments":                    fields{"line_ids": []string{}, "carrier": "Post", "tracking": "RX1"},
		"POST /orders/{id}/refunds":                      fields{"lines": []fields{{"line_id": h.values["back"], "quantity": 1}}, "shipping": true, "reason": "Scratched"},
		"PATCH /products/{id}":                           fields{"title": "Everyday skillet II"},
		"POST /products/{id}/variants":                   variant,
		"PATCH /programs/{id}":                           fields{"name": "Autumn II"},
		"POST /sandbox/clock":                            fields{"advance_seconds": 1},
		"PATCH /variants/{id}":                           fields{"title": "26 centimetres"},
		"PUT /variants/{id}/stock":                       fields{"on_hand": 900},
		"POST /variants/{id}/stock/adjustments":          fields{"delta": -1, "reason": "Fell down"},
		"POST /videos":                                   fields{"upload_id": h.values["upload"], "caption": "More eggs.", "product_ids": []string{h.product.ID}, "hashtags": []string{}, "disclosure": []string{}},
		"PATCH /videos/{id}":                             fields{"caption": "Four eggs."},
		"POST /videos/{id}/comments":                     fields{"text": "Nice."},
		"POST /videos/{id}/reports":                      fields{"reason": "Too loud."},
	})
	maps.Copy(h.bodies, map[string]any{
		"POST /operator/policies":                          fields{"weights": fields{"name": "bold", "optimism": 2}, "reason": "Try more."},
		"POST /operator/policies/preview":                  fields{"weights": fields{"name": "bold", "optimism": 2}, "requests": 10},
		"POST /operator/ranking/audits":                    fields{"request_id": "req_00000000000000000000000000"},
		"PUT /operator/policies/{name}":                    fields{"weights": fields{"optimism": 2}, "reason": "Try more."},
		"PUT /operator/split":                              fields{"shares": []fields{{"name": "value", "version": 1, "share_bps": 9900}, {"name": "uniform", "version": 1, "share_bps": 100}}, "reason": "As before."},
		"POST /operator/split/rollback":                    fields{"to": 1, "reason": "As before."},
		"POST /operator/distribution_disputes/{id}/answer": fields{"answer": "It was shown at all hours."},
		"POST /videos/{id}/distribution/disputes":          fields{"reason": "Shown at night only."},
	})
	message := fields{"type": "track", "event": "Product Clicked", "anonymousId": "visitor", "properties": fields{"sku": "SK26"},
		"context": fields{"ip": "203.0.113.9"}, "timestamp": time.Now().UTC(), "sentAt": time.Now().UTC(), "writeKey": h.writeKey}
	for _, call := range []string{"track", "t", "page", "p", "identify", "i", "screen", "s", "group", "g", "alias", "a"} {
		h.bodies["POST /v1/"+call] = message
	}
	for _, call := range []string{"batch", "b"} {
		h.bodies["POST /v1/"+call] = fields{"batch": []any{message}, "sentAt": time.Now().UTC(), "writeKey": h.writeKey}
	}
}

// path puts the house's things into an operation's path. Parameters that nobody has given a meaning
// fail the test: a new route must say what it is about.
func (h *house) path(o operation) string {
	h.t.Helper()
	bare, api := strings.CutPrefix(o.path, "/api/v1")
	if !api {
		return bare
	}
	if special, ok := h.values[bare]; ok && strings.Count(bare, "{") == 1 {
		return "/api/v1" + strings.Replace(bare, bare[strings.IndexByte(bare, '{'):strings.IndexByte(bare, '}')+1], special, 1)
	}
	parts, known := strings.Split(bare, "/"), "" // known is the path so far, as the contract spells it
	for i, part := range parts {
		if i > 0 {
			known += "/" + part
		}
		if strings.HasPrefix(part, "{") {
			value, ok := h.values[known]
			if !ok {
				h.t.Fatalf("%s: say in furnish which thing of the house %s is", o.name(), known)
			}
			parts[i] = value
		}
	}
	return "/api/v1" + strings.Join(parts, "/")
}

// rightful returns who may make the call.
func (h *house) rightful(o operation) client.Client {
	if o.sdk() {
		return h.nobody
	}
	switch o.name() {
	case "GET /samples/{id}", "POST /samples/{id}/cancellation", "GET /videos/{id}/distribution", "POST /images", "POST /uploads", "HEAD /uploads/{id}", "PATCH /uploads/{id}", "DELETE /uploads/{id}":
		return h.creator
	}
	return map[string]client.Client{"public": h.shopper, "viewer": h.shopper, "account": h.shopper, "creator": h.creator, "brand": h.owner, "operator": h.operator}[o.who]
}

// call makes a valid call of an operation about the house's things, as the rightful person would.
func (h *house) call(o operation) call {
	h.t.Helper()
	q := call{method: o.method, path: h.path(o), header: map[string]string{}}
	switch body, ok := h.bodies[o.name()]; {
	case ok:
		q.body = encode(h.t, body)
	case o.schema != nil:
		h.t.Fatalf("%s takes a body: write a valid one down in describe", o.name())
	}
	if o.key {
		q.header["Idempotency-Key"] = "key " + o.name()
	}
	switch o.name() {
	case "POST /uploads":
		q.header = tus("Upload-Length", "1000")
	case "HEAD /uploads/{id}", "DELETE /uploads/{id}":
		q.header = tus()
	case "PATCH /uploads/{id}":
		q.header, q.body = tus("Upload-Offset", "0", "Content-Type", "application/offset+octet-stream"), []byte("0123456789")
	case "POST /operator/ranking/audits":
		var page struct {
			Request string `json:"request_id"`
		}
		h.ok(json.Unmarshal(ask(h.t, must(h.nobody.NewViewer(h.ctx))(h.t), call{method: http.MethodGet, path: "/api/v1/feed"}).body, &page))
		q.body = []byte(`{"request_id":"` + page.Request + `"}`)
	case "PUT /operator/policies/{name}":
		q.header["If-Match"] = ask(h.t, h.operator, call{method: http.MethodGet, path: q.path}).header.Get("ETag")
	case "PUT /operator/split", "POST /operator/split/rollback":
		q.header["If-Match"] = ask(h.t, h.operator, call{method: http.MethodGet, path: "/api/v1/operator/split"}).header.Get("ETag")
	case "PUT /variants/{id}/stock":
		q.header["If-Match"] = ask(h.t, h.owner, call{method: http.MethodGet, path: q.path}).header.Get("ETag")
	case "GET /metrics/stream":
		q.path += "?entities=brand:" + h.brand
	case "POST /operator/payout_results", "POST /operator/payout_results/preview":
		q.body = []byte("payout_id,state,amount,currency\n" + h.values["handed"] + ",confirmed,20.00,USD\n")
	case "POST /images":
		q.body = picture(h.t)
		q.header["Content-Type"] = "image/webp"
	}
	return q
}

func encode(t testing.TB, body any) []byte {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
