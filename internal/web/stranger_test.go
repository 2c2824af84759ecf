package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"mezzo/internal/web"
)

// prize is what a stranger tries to reach: ids of somebody's by the names the routes give them.
type prize map[string]string

// prizes makes one of everything and returns the ids.
func prizes(m *market, shopper *browser) prize {
	m.t.Helper()
	m.fill(shopper)
	line := strings.TrimPrefix(shopper.get("/bag").find(`action="(/bag/lines/lin_\w+)"`), "/bag/lines/")
	page := m.address(shopper)
	bank := shopper.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", page.value("key"), "expected_total", page.value("expected_total"),
		"payment_method", "pm_card_authenticationRequired").ok().under("/sandbox/pay/")
	guest := m.browser()
	arrived := m.buy(guest, "pm_card_visa").under("/orders/")
	board := m.owner.get("/brand/" + m.brand + "/orders?state=paid").ok()
	parcel := m.owner.post(board.find(`action="(/brand/[^"]*/ship)"`), "key", "k2", "line_ids", board.value("line_ids"), "carrier", "Parcel").ok()
	m.owner.post(parcel.find(`action="(/brand/[^"]*/delivered)"`), "key", "k3").ok()
	form := guest.get(arrived.url).ok()
	back := guest.post(form.find(`action="(/orders/[^"]*/returns)"`), "token", form.value("token"), form.find(`name="(units_lin_\w+)"`), "1", form.find(`name="(reason_lin_\w+)"`), "Too small").ok()
	lost := m.browser()
	never := m.buy(lost, "pm_card_visa").under("/orders/")
	board = m.owner.get("/brand/" + m.brand + "/orders?state=paid").ok()
	parcel = m.owner.post(board.find(`action="(/brand/[^"]*/ship)"`), "key", "k4", "line_ids", board.value("line_ids"), "carrier", "Parcel").ok()
	m.owner.post(parcel.find(`action="(/brand/[^"]*/delivered)"`), "key", "k5").ok()
	form = lost.get(never.url).ok()
	claim := lost.post(form.find(`action="(/orders/[^"]*/claims)"`), "token", form.value("token"), "says", "Nothing came").ok()
	other := m.browser()
	paid := m.buy(other, "pm_card_visa").under("/orders/")
	edit := m.owner.get("/brand/" + m.brand + "/products/" + m.product).ok()
	programs := m.owner.get("/brand/" + m.brand + "/programs").ok()
	board = m.owner.get("/brand/" + m.brand + "/orders?state=paid").ok()
	sent := m.owner.post(board.find(`action="(/brand/[^"]*/ship)"`), "key", "k", "line_ids", board.value("line_ids"), "carrier", "Parcel").ok()
	token := m.owner.post("/you/tokens", "name", "sync", "scopes", "catalog:read").ok().says("Here it is, once.")
	key := m.owner.post("/brand/"+m.brand+"/keys", "name", "Shop of Ferro").ok()
	given := m.owner.post("/brand/"+m.brand+"/vouchers", "code", "FERRO", "title", "Less", "kind", "percent", "percent", "10").ok()
	m.owner.post("/brand/"+m.brand+"/programs/"+programs.find(`/programs/(prg_\w+)"`), "commission_percent", "15", "sample_units", "3", "sample_days", "14").ok()
	wanted := m.asksForSample()
	hook := m.owner.post("/brand/"+m.brand+"/webhooks", "url", "http://127.0.0.1:1/in").ok().says("whsec_")
	contested := m.disputed(regexp.MustCompile(`ord_\w+`).FindString(paid.url))
	return prize{"sample": wanted.find(`/studio/samples/(smp_\w+)/cancel`), "dispute": string(contested.ID), "b": m.brand, "hook": hook.find(`/webhooks/(whk_\w+)/`), "message": "msg_00000000000000000000000000", "key": key.find(`/keys/(wrk_\w+)/revoke`), "product": m.product, "video": m.id, "handle": "marisol", "line": line,
		"checkout": strings.TrimPrefix(strings.Split(page.url, "?")[0], "/checkout/"), "charge": regexp.MustCompile(`sch_\w+`).FindString(bank.url),
		"order": regexp.MustCompile(`ord_\w+`).FindString(paid.url), "image": edit.find(`/images/(img_\w+)/remove`), "variant": edit.find(`/variants/(var_\w+)"`),
		"program": programs.find(`/programs/(prg_\w+)"`), "claim": claim.find(`/claims/(clm_\w+)/withdraw`), "return": back.find(`/returns/(ret_\w+)/withdraw`), "shipment": sent.find(`/shipments/([a-z]+_\w+)/delivered`),
		"account": "acc_00000000000000000000000000", "code": "standard", "address": "adr_00000000000000000000000000", "tax": "tax_00000000000000000000000000", "voucher": given.find(`/vouchers/(vch_\w+)/end`), "destination": "dst_00000000000000000000000000", "payout": "pot_00000000000000000000000000", "owner": m.brand, "write_off": "wof_00000000000000000000000000", "label": "lbr_00000000000000000000000000", "carrier": "dhl", "token": token.find(`/you/tokens/(tok_\w+)/remove`)}
}

// public are the routes that answer anybody, whatever the ids: what is shown to all, and the forms with
// which somebody begins. The reason stands beside each.
var public = map[string]string{
	"GET /{$}": "the feed", "GET /following": "one's own, or nobody's", "GET /v/{video}": "shared videos", "GET /v/{video}/comments": "said in the open",
	"GET /v/{video}/report": "anybody may report", "POST /v/{video}/reports": "anybody may report", "GET /c/{handle}": "a public page",
	"GET /go": "leads to a product", "GET /products/{product}": "for sale to all", "GET /search": "for sale to all",
	"GET /studio/samples": "one's own", "POST /studio/samples": "one's own", "GET /studio/samples/new": "open to every creator", "GET /studio/codes": "one's own", "POST /bag/codes": "one's own", "POST /bag/codes/remove": "one's own", "POST /bag/voucher": "one's own",
	"GET /bag": "one's own", "POST /bag/lines": "one's own", "GET /checkout": "one's own", "POST /checkout": "one's own", "GET /orders": "one's own",
	"GET /sign-up": "the door", "POST /sign-up": "the door", "GET /sign-in": "the door", "POST /sign-in": "the door", "POST /sign-out": "the door", "POST /theme": "a cookie",
	"POST /v/{video}/like": "people like what they see", "POST /v/{video}/comments": "people talk about what they see", "POST /c/{handle}/follow": "people follow whom they like",
	"GET /you": "one's own", "POST /you": "one's own", "POST /you/creator": "one's own", "POST /you/tokens": "one's own",
	"GET /studio": "one's own", "POST /studio/creator": "one's own", "GET /studio/upload": "one's own", "POST /studio/videos": "one's own", "GET /studio/videos": "one's own",
	"GET /studio/programs": "open to every creator", "GET /studio/showcase": "one's own", "POST /studio/showcase": "one's own, of open programs", "GET /studio/earnings": "one's own", "GET /studio/attributions": "one's own", "GET /studio/payouts": "one's own", "GET /studio/statement": "one's own", "POST /studio/payouts": "one's own", "POST /studio/payouts/payee": "one's own", "POST /studio/payouts/destinations": "one's own",
	"GET /ranking": "told to all", "POST /ranking/profiling": "one's own", "POST /ranking/reset": "one's own", "POST /ranking/creators": "one's own", "POST /ranking/videos": "one's own",
	"GET /brand/new": "anybody may open a brand", "POST /brands": "anybody may open a brand",
}

func fillIn(pattern string, ids prize) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.TrimSuffix(path, "{$}")
	for name, value := range ids {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return method, path
}

// Every route is tried with somebody else's ids by nobody, by a stranger, and by a rival who has a
// brand and a studio of their own: a new route cannot be forgotten, for all of them are walked.
func TestStrangersFindNothing(t *testing.T) {
	m := newMarket(t)
	shopper := m.signUp("Jo")
	ids := prizes(m, shopper)
	stranger, rival := m.signUp("Eve"), m.signUp("Rival")
	rival.post("/studio/creator", "handle", "rival", "display_name", "Rival", "bio", "").ok()
	m.openBrand(rival, "Rival & Co")
	for _, r := range m.site.Routes() {
		if public[r.Pattern] != "" {
			continue
		}
		method, path := fillIn(r.Pattern, ids)
		if strings.Contains(path, "{") {
			t.Errorf("%s: prizes has no value for it", r.Pattern)
			continue
		}
		for name, b := range map[string]*browser{"nobody": m.browser(), "stranger": stranger, "rival": rival} {
			b.at = ""
			page := b.send(method, path, "application/x-www-form-urlencoded", []byte("quantity=1&title=x&name=x&caption=x&state=archived&price=1.00&on_hand=0&stock=0&sku=x&carrier=x"+
				"&role=owner&email=eve@mail.example&kind=video&id="+ids["video"]+"&standing=removed&reason=x&ends=1&answer=approve&decision=refund&note=x&answer=refund&says=x&expected_total=4800&payment_method=pm_card_visa"))
			refused := page.status == http.StatusNotFound || strings.HasPrefix(page.url, "/sign-in?next=") ||
				name == "stranger" && r.Who == web.Maker && page.url == "/studio"
			if !refused {
				t.Errorf("%s as %s: answered %d at %s: %.200s", r.Pattern, name, page.status, page.url, page.text())
			}
			for _, secret := range []string{"jo@mail.example", "1 Main St", "dana@mail.example", "hello@brand.example"} {
				if strings.Contains(page.body, secret) {
					t.Errorf("%s as %s shows %s", r.Pattern, name, secret)
				}
			}
		}
	}
	m.untouched(ids)
}

// untouched checks that the strangers changed nothing.
func (m *market) untouched(ids prize) {
	m.t.Helper()
	m.owner.get("/brand/"+m.brand+"/products/"+m.product).ok().says("Skillet", "Take it off the stall").silent("Put it up again")
	m.owner.get("/brand/" + m.brand + "/programs").ok().says("running")
	m.owner.get("/brand/" + m.brand + "/members").ok().silent("eve@mail.example")
	m.owner.get("/brand/" + m.brand + "/orders?state=shipped").ok().says("It has arrived")
	m.maker.get("/studio/videos").ok().says("Three eggs", "visible")
	m.owner.get("/you").ok().says("sync")
	m.owner.get("/brand/" + m.brand + "/keys").ok().says("Shop of Ferro")
	m.owner.get("/brand/"+m.brand+"/returns?state=requested").ok().says("Too small", "waits for you", "Nothing came", "This proves it")
	m.owner.get("/orders/" + ids["order"]).ok().says("On its way")
}

// A rival cannot reach into another's goods through the console of their own brand.
func TestAnothersThingsAreNotInOnesOwnConsole(t *testing.T) {
	m := newMarket(t)
	ids := prizes(m, m.signUp("Jo"))
	rival := m.signUp("Rival")
	ids["b"] = m.openBrand(rival, "Rival & Co")
	for _, r := range m.site.Routes() {
		if r.Who != web.Staff || !regexp.MustCompile(`\{(product|variant|program|order|return|claim|dispute|shipment|image)\}`).MatchString(r.Pattern) {
			continue
		}
		method, path := fillIn(r.Pattern, ids)
		rival.at = ""
		page := rival.send(method, path, "application/x-www-form-urlencoded", []byte("title=x&state=archived&price=1.00&on_hand=0&stock=0&sku=x&carrier=x&ends=1&commission_percent=1"))
		if page.status != http.StatusNotFound {
			t.Errorf("%s: answered %d: %.200s", r.Pattern, page.status, page.text())
		}
	}
	m.untouched(ids)
}

// What another site's page sends is refused, whoever is signed in.
func TestOtherSitesCannotPost(t *testing.T) {
	h := newHouse(t)
	jo := h.signUp("Jo")
	r := crossSite(jo, "/you", "display_name=Hacked")
	if r.status != http.StatusForbidden {
		t.Errorf("answered %d", r.status)
	}
	jo.get("/you").ok().silent("Hacked")
}
