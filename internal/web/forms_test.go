package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// Every page opens for whom it is for, and keeps the rules of pages (send holds each against them).
func TestEveryPageOpensForWhomItIsFor(t *testing.T) {
	m := newMarket(t)
	shopper := m.signUp("Jo")
	ids := prizes(m, shopper)
	m.film(m.maker, "A second one.")
	roles := map[string]*browser{"owner": m.owner, "creator": m.maker, "operator": m.operator(), "shopper": shopper}
	for pattern, role := range map[string]string{
		"GET /{$}": "shopper", "GET /following": "creator", "GET /v/{video}": "shopper", "GET /v/{video}/comments": "shopper", "GET /v/{video}/report": "shopper",
		"GET /c/{handle}": "creator", "GET /products/{product}": "owner", "GET /search": "shopper", "GET /bag": "shopper", "GET /checkout": "shopper", "GET /checkout/{checkout}": "shopper",
		"GET /orders": "shopper", "GET /orders/{order}": "owner", "GET /you": "creator", "GET /studio": "creator", "GET /studio/upload": "creator", "GET /studio/videos": "creator",
		"GET /studio/programs": "creator", "GET /studio/showcase": "creator", "GET /studio/earnings": "creator", "GET /brand/new": "shopper", "GET /brand/{b}": "owner",
		"GET /brand/{b}/products": "owner", "GET /brand/{b}/products/new": "owner", "GET /brand/{b}/products/{product}": "owner", "GET /brand/{b}/programs": "owner",
		"GET /brand/{b}/programs/new": "owner", "GET /brand/{b}/orders": "owner", "GET /brand/{b}/balance": "owner", "GET /brand/{b}/members": "owner", "GET /brand/{b}/keys": "owner",
		"GET /operator": "operator", "GET /operator/people": "operator", "GET /operator/content": "operator", "GET /operator/orders": "operator", "GET /operator/ledger": "operator",
		"GET /operator/money": "operator", "GET /operator/payouts": "operator", "GET /operator/bank": "operator", "GET /operator/differences": "operator", "GET /operator/claims": "operator",
		"GET /operator/reserves": "operator", "GET /operator/debts": "operator", "GET /operator/labels": "operator", "GET /brand/{b}/payouts": "owner", "GET /brand/{b}/statement": "owner", "GET /studio/payouts": "creator", "GET /studio/statement": "creator",
	} {
		_, path := fillIn(pattern, ids)
		page := roles[role].get(path).ok()
		if page.url != path {
			t.Errorf("%s led %s to %s", path, role, page.url)
		}
	}
	roles["operator"].get("/brand/" + m.brand + "/orders").ok().says("Skillet")
	roles["operator"].get("/orders/" + ids["order"]).ok().says("Marisol Vega earned")
	roles["operator"].get("/operator/orders?q=jo%40mail").ok().says("Ferro & Ash")
	roles["operator"].get("/operator/orders?q=nothing-like-it").ok().says("No orders yet")
}

func TestPeopleComeInAndLeave(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.get("/you").ok().under("/sign-in?next=%2Fyou")
	b.post("/sign-up", "display_name", "Jo", "email", "jo@mail.example", "password", "short").want(422).says("No account was made.").
		silent(`value="short"`).find(`(value="jo@mail.example")`)
	b.post("/sign-up", "display_name", "Jo", "email", "jo@mail.example", "password", password, "next", "/orders").ok().under("/orders")
	h.browser().post("/sign-up", "display_name", "Jo", "email", "jo@mail.example", "password", password).want(409).says("There is an account with this e-mail address.")
	b.get("/sign-in").ok().under("/")
	b.post("/you", "display_name", "", "over_18", "1").want(422).says("Nothing was changed.")
	b.post("/you", "display_name", "Jo K.", "over_18", "1").ok().says("Kept.", "Jo K.")
	b.post("/theme", "theme", "dark", "back", "/you").ok().find(`(data-theme="dark")`)
	b.post("/theme", "theme", "system", "back", "//evil.example").ok().under("/").silent("data-theme")

	secret := b.post("/you/tokens", "name", "sync", "scopes", "catalog:read").ok().says("Here it is, once.").find(`<code>(mzo_[^<]*)</code>`)
	page := b.get("/you").ok().silent(secret)
	b.post("/you/tokens", "name", "").want(422).says("No token was made.")
	b.post(page.find(`action="(/you/tokens/[^"]*/remove)"`)).ok().says("opens nothing any more")

	b.post("/sign-out").ok().under("/")
	b.get("/you").ok().under("/sign-in")
	b.post("/sign-in", "email", "jo@mail.example", "password", "wrong horse").want(401).says("You are not signed in.", "wrong").silent("wrong horse")
	b.post("/sign-in", "email", "jo@mail.example", "password", password, "next", "/you").ok().under("/you")
}

func TestBrandFormsSayWhatIsWrong(t *testing.T) {
	m := newMarket(t)
	m.owner.post("/brands", "name", "", "country", "", "currency", "USD").want(422).says("The brand was not opened.").find(`(id="f-name-wrong")`)
	at := "/brand/" + m.brand
	bad := m.owner.postFile(at+"/products", "images", "x.jpg", []byte("no picture"), "title", "Pan", "category", "home", "price", "1.00", "stock", "1", "sku", "P").want(422)
	bad.says("It was not put up.").find(`(value="Pan")`)
	m.owner.post(at+"/products", "title", "", "category", "none", "price", "many", "stock", "x", "sku", "").want(422).find(`(id="f-price-wrong")`)
	m.owner.post(at+"/products", "title", "Pan", "category", "home", "price", "1.00", "stock", "1", "sku", "SK-Skillet").want(409).says("It was not put up.")

	edit := at + "/products/" + m.product
	page := m.owner.get(edit).ok()
	variant := page.find(`action="(/brand/[^"]*/variants/var_\w+)"`)
	version, stock := page.value("version"), page.value("stock_version")
	m.owner.post(variant, "title", "26 cm", "price", "49.50", "on_hand", "7", "version", version, "stock_version", stock).ok().says("Kept.").find(`(value="49.50")`)
	m.owner.post(variant, "title", "26 cm", "price", "10", "on_hand", "7", "version", version, "stock_version", stock).want(412).says("Nothing was changed.")
	m.owner.post(variant, "title", "26 cm", "price", "x", "on_hand", "7").want(422).find(`(id="price-var_\w+-wrong")`)
	m.owner.post(edit+"/variants", "title", "30 cm", "price", "58.00", "stock", "2", "sku", "SK-30").ok().says("It can be bought now.").find(`(value="30 cm")`)
	m.owner.post(edit + "/images").want(422).says("Choose a picture first.")
	picture := read(t, "../demo/pictures/mug.jpg")
	m.owner.postFile(edit+"/images", "images", "mug.jpg", picture).ok().says("The pictures are there.")
	m.owner.post(m.owner.get(edit).find(`action="(/brand/[^"]*/images/[^"]*/remove)"`)).ok().says("The picture is gone.")
	version = m.owner.get(edit).find(`<h2>Words</h2><input type="hidden" name="version" value="(\d+)"`)
	m.owner.post(edit, "title", "", "category", "home.kitchen", "version", version).want(422).find(`(id="f-title-wrong")`)
	m.owner.post(edit, "title", "Everyday skillet", "category", "home.kitchen", "description", "New words.", "version", version).ok().says("Kept.")
	m.owner.post(edit, "title", "Late skillet", "category", "home.kitchen", "version", version).want(412).says("Nothing was changed.").find(`(value="Late skillet")`)
	m.browser().get("/products/"+m.product).ok().says("Everyday skillet", "New words.", "30 cm")

	m.owner.post(at+"/programs", "name", "x", "commission_percent", "900", "window_days", "14", "hold_days", "15").want(422).find(`(id="f-commission_percent-wrong")`)
	m.owner.post(at+"/programs", "name", "x", "commission_percent", "12,5", "window_days", "0", "hold_days", "15").want(422).find(`(id="f-window_days-wrong")`)
	program := m.owner.get(at + "/programs").find(`action="(/brand/[^"]*/programs/prg_\w+)"`)
	m.owner.post(program, "commission_percent", "x").want(422).says("The program is as it was.")
	m.owner.post(program, "commission_percent", "20").ok().says("20 %")
	m.owner.post(program, "ends", "1").ok().says("keep its terms until then", "until 1 Apr 2026")

	m.owner.post(at+"/shipping", "name", "Next day", "price", "x", "days_min", "1", "days_max", "1").want(422).find(`(id="ship-price-wrong")`)
	m.owner.post(at+"/shipping", "name", "Next day", "price", "12.90", "days_min", "1", "days_max", "1", "country", "US").ok().says("Next day", "$12.90", "to United States")
	m.owner.post(at+"/members", "email", "nobody@mail.example", "role", "staff").want(422).says("Nobody here has this e-mail address.")
	eve := m.signUp("Eve")
	staff := m.owner.post(at+"/members", "email", "eve@mail.example", "role", "staff").ok().says("eve@mail.example")
	eve.get(at + "/orders").ok()
	eve.get(at+"/members").ok().silent("/remove\"><button class=\"btn stop", "/details")
	m.owner.post(staff.find(`action="(/brand/[^"]*/members/acc_\w+/remove)"`)).ok().silent("eve@mail.example")
	eve.get(at + "/orders").want(http.StatusNotFound)
	m.owner.post(edit+"/state", "state", "archived", "version", "").ok().says("off the stall")
	m.browser().get("/products/" + m.product).want(http.StatusNotFound)
	m.owner.get("/products/" + m.product).ok().says("It is off the stall now.")
}

// A key is shown once, with the snippet that uses it; staff see that owners make them.
func TestOwnersMakeAndRevokeKeys(t *testing.T) {
	m := newMarket(t)
	at := "/brand/" + m.brand
	m.owner.get(at+"/keys").ok().says("No write key yet.", "No token yet.", "YOUR_WRITE_KEY", "@segment/analytics-next", "@segment/analytics-node")
	m.owner.post(at+"/keys", "name", "").want(422).says("No key was made.").find(`(id="key-name-wrong")`)
	made := m.owner.post(at+"/keys", "name", "Our shop").ok().says("Here it is, once.", "Our shop").silent("YOUR_WRITE_KEY")
	secret := made.find(`<code>(mzw_[\w-]+)</code>`)
	m.owner.get(at + "/keys").ok().says("Our shop").silent(secret)
	m.owner.post(at+"/tokens", "name", "Sync").want(422).says("No token was made.")
	token := m.owner.post(at+"/tokens", "name", "Sync", "scopes", "catalog:read").ok().says("Here it is, once.", "catalog:read")
	m.owner.get(at + "/keys").ok().silent(token.find(`<code>(mzo_[\w-]+)</code>`))
	eve := m.signUp("Eve")
	m.owner.post(at+"/members", "email", "eve@mail.example", "role", "staff").ok()
	eve.get(at+"/keys").ok().says("Owners of the brand make and revoke its keys.").silent("Our shop", "Sync")
	if page := eve.post(at+"/keys", "name", "Mine"); page.status < 400 {
		t.Errorf("staff made a key: %d", page.status)
	}
	if page := eve.post(token.find(`action="(/brand/[^"]*/tokens/tok_\w+/revoke)"`)); page.status < 400 {
		t.Errorf("staff revoked a token: %d", page.status)
	}
	m.owner.post(made.find(`action="(/brand/[^"]*/keys/wrk_\w+/revoke)"`)).ok().says("tells us nothing any more", "No write key yet.")
	m.owner.post(token.find(`action="(/brand/[^"]*/tokens/tok_\w+/revoke)"`)).ok().says("No token yet.")
	m.owner.post(made.find(`action="(/brand/[^"]*/keys/wrk_\w+/revoke)"`)).want(http.StatusNotFound)
}

func TestCreatorFormsSayWhatIsWrong(t *testing.T) {
	m := newMarket(t)
	eve := m.signUp("Eve")
	eve.get("/studio/videos").ok().under("/studio").says("Show what you like, earn when it sells")
	eve.post("/studio/creator", "handle", "marisol", "display_name", "Eve").want(409).find(`(value="marisol")`)
	eve.post("/studio/creator", "handle", "a b", "display_name", "Eve").want(422).find(`(id="f-handle-wrong")`)
	eve.post("/studio/creator", "handle", "eve", "display_name", "Eve", "bio", "Hi.").ok().under("/studio")
	eve.post("/you/creator", "handle", "eve.one", "display_name", "Eve One", "bio", "Hi.").ok().under("/you").says("@eve.one")
	eve.post("/studio/videos", "caption", "Words stay.").want(422).says("The video was not posted.", "Words stay.", "Choose a video file first.")
	eve.postFile("/studio/videos", "file", "x.mp4", []byte("not a film"), "caption", "Words stay.").want(422).says("Words stay.")
	eve.postFile("/studio/videos", "file", "eggs.mp4", read(t, "../media/testdata/front.mp4"), "caption", "x", "product_ids", m.product).want(422).says("into your showcase first")
	video := m.film(eve, "Only me.")
	eve.post("/studio/videos/"+video, "caption", "Other words.").ok().says("Other words.")
	eve.post("/studio/videos/" + video + "/remove").ok().says("Nothing posted yet")
	eve.get("/v/" + video).want(http.StatusNotFound)
	eve.post("/studio/showcase", "product_id", m.product, "show", "1").ok().says("Its rate is yours from now on.")
	eve.post("/studio/showcase", "product_id", m.product, "show", "0").ok().says("Taken out")
	eve.post("/studio/showcase", "product_id", "prd_none", "show", "1").want(http.StatusNotFound)
}

func TestOperatorChangesHowThingsStandAndTakesItBack(t *testing.T) {
	m := newMarket(t)
	op := m.operator()
	stand := func(kind, id, to string) shown {
		t.Helper()
		return op.post("/operator/standing", "kind", kind, "id", id, "standing", to, "reason", "It is not what it says.", "back", "/operator/content")
	}
	op.get("/operator/content").ok().says("Three eggs", "visible")
	op.post("/operator/standing", "kind", "video", "id", m.id, "standing", "removed", "reason", "").want(422).says("Nothing was changed.")
	stand("video", m.id, "removed").ok().says("It is removed now.")
	m.browser().get("/v/" + m.id).want(http.StatusNotFound)
	m.maker.get("/studio/videos").ok().says("removed", "It is not what it says.")
	history := op.get("/operator/content?standing=removed").ok().says("Three eggs", "It is not what it says.")
	op.post("/operator/standing/undo", "change", history.value("change")).ok().says("It stands as before: visible.")
	op.post("/operator/standing/undo", "change", history.value("change")).want(409)
	m.browser().get("/v/" + m.id).ok()

	stand("product", m.product, "limited").ok()
	m.browser().get("/search?q=skillet").ok().says("Nothing by that name")
	m.browser().get("/products/" + m.product).ok()
	m.owner.get("/brand/"+m.brand+"/products").ok().says("limited", "It is not what it says.")

	m.maker.post("/v/"+m.id+"/comments", "text", "Buy my other thing").ok()
	comment := op.get("/operator/content?kind=comment&q=other+thing").ok().says("Buy my other thing").find(`name="id" value="(\w+)"`)
	stand("comment", comment, "removed").ok()
	m.browser().get("/v/" + m.id + "/comments").ok().silent("Buy my other thing")

	person := op.get("/operator/people?q=marisol").ok().says("@marisol").find(`name="id" value="(acc_\w+)"`)
	op.post("/operator/standing", "kind", "account", "id", person, "standing", "removed", "reason", "Sells what is not theirs.", "back", "/operator/people").ok().under("/operator/people").says("Sells what is not theirs.")
	m.browser().get("/c/marisol").want(http.StatusNotFound)
	m.maker.get("/studio").ok().under("/sign-in")
	m.maker.post("/sign-in", "email", "marisol@mail.example", "password", password).want(403).says("This account was removed")
}

func TestOldAddressesAndUnknownOnes(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	for from, to := range map[string]string{"/cart": "/bag", "/login?next=%2Forders": "/sign-in?next=%2Forders", "/register": "/sign-up"} {
		b.get(from).ok().under(to)
	}
	for _, none := range []string{"/nope", "/v/", "/v/vid_x", "/c/nobody", "/@nobody", "/products/x", "/brand/x/y/z", "/orders/ord_x", "/%00", "/operator/%ff"} {
		b.get(none).want(http.StatusNotFound).says("This page is not here")
	}
	b.get("/search?q=%ff").want(http.StatusBadRequest)
	if got := b.post("/sign-in", "email", strings.Repeat("x", 2<<20)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of two million bytes: %d", got.status)
	}
}
