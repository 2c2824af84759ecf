package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"mezzo/internal/web"
)

// market is a house with a brand, a product, a program, a creator and a film that shows the product.
type market struct {
	*house
	owner, maker       *browser
	brand, product, id string // id is the film's
}

func newMarket(t *testing.T) *market {
	t.Helper()
	m := &market{house: newHouse(t)}
	m.owner, m.maker = m.signUp("Dana"), m.signUp("Marisol")
	m.brand = m.openBrand(m.owner, "Ferro & Ash")
	m.product = m.putUp(m.owner, m.brand, "Skillet", "48.00", "9")
	m.owner.post("/brand/"+m.brand+"/programs", "name", "Open", "commission_percent", "15", "window_days", "14", "hold_days", "15").ok().says("15 %", "running")
	m.maker.post("/studio/creator", "handle", "marisol", "display_name", "Marisol Vega", "bio", "").ok().under("/studio").says("Hello, Marisol")
	m.maker.get("/studio/programs").ok().says("Skillet", "$7.20 a piece, 15 %")
	m.maker.post("/studio/showcase", "product_id", m.product, "show", "1", "back", "/studio/showcase").ok().under("/studio/showcase").says("Skillet")
	m.id = m.film(m.maker, "Three eggs, no oil. #breakfast", m.product)
	return m
}

func (h *house) openBrand(b *browser, name string) string {
	h.t.Helper()
	page := b.post("/brands", "name", name, "legal_name", name+" LLC", "country", "US", "currency", "USD", "contact_email", "hello@brand.example", "contact_address", "1 Foundry Rd").ok().under("/brand/brd_")
	return strings.TrimPrefix(page.url, "/brand/")
}

func (h *house) putUp(b *browser, brand, title, price, stock string) string {
	h.t.Helper()
	picture := read(h.t, "../demo/pictures/pan.jpg")
	page := b.postFile("/brand/"+brand+"/products", "images", "pan.jpg", picture, "title", title, "description", "Cast in Ohio.", "category", "home.kitchen",
		"price", price, "stock", stock, "sku", "SK-"+title, "variant_title", "").ok().says(title)
	return page.find(`/products/(prd_\w+)"`)
}

// film posts a video and makes it ready.
func (h *house) film(b *browser, caption string, products ...string) string {
	h.t.Helper()
	fields := []string{"caption", caption}
	for _, p := range products {
		fields = append(fields, "product_ids", p)
	}
	b.postFile("/studio/videos", "file", "eggs.mp4", read(h.t, "../media/testdata/front.mp4"), fields...).ok().under("/studio/videos").says("being made ready")
	if _, err := h.jobs.RunDue(h.ctx); err != nil {
		h.t.Fatal(err)
	}
	id := b.get("/studio/videos").ok().says("visible").find(`href="/v/(vid_\w+)"`)
	h.eventually("the film in the feed", func() bool { return strings.Contains(h.browser().get("/").body, id) })
	return id
}

// buy takes one unit out of the film by links and forms alone, and pays it.
func (m *market) buy(b *browser, method string) shown {
	m.t.Helper()
	m.fill(b)
	page := m.address(b)
	return b.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", page.value("key"), "expected_total", page.value("expected_total"), "payment_method", method).ok()
}

// fill puts one unit in the bag.
func (m *market) fill(b *browser) {
	m.t.Helper()
	product := b.get(b.get("/").ok().find(`href="(/go\?t=[^"]*)"`)).ok().under("/products/" + m.product + "?impression=").says("Marisol Vega earns $7.20 if you buy")
	b.post("/bag/lines", "variant_id", product.value("variant_id"), "quantity", "1", "impression", product.value("impression"), "then", "bag").ok().under("/bag").says("Skillet", "$48.00")
}

// address says where the bag goes.
func (m *market) address(b *browser, more ...string) shown {
	m.t.Helper()
	return b.post("/checkout", append(more, "email", "jo@mail.example", "name", "Jo Kim", "line1", "1 Main St", "city", "Austin", "region", "TX", "postal_code", "78701", "country", "US")...).
		ok().under("/checkout/").says("Total", "$48.00", "Sold by Ferro & Ash (Ferro & Ash LLC), United States")
}

// The whole journey without a script: a guest scrolls, opens, pays; the brand ships; the hold passes;
// the creator's money is theirs, to the cent.
func TestWithoutScriptsFromFeedToReleasedCommission(t *testing.T) {
	m := newMarket(t)
	guest := m.browser()
	paid := m.buy(guest, "pm_card_visa").under("/orders/ord_").says("Being packed", "Marisol Vega earned $7.20", "15 % of $48.00", "Jo Kim", "1 Main St")
	if !strings.Contains(paid.url, "?token=") {
		t.Error("a guest is not given the order's token")
	}
	m.browser().get(paid.url).ok().says("Being packed")
	guest.get("/orders").ok().says("Skillet", "Being packed")
	guest.get("/bag").ok().says("Nothing in it yet")

	board := m.owner.get("/brand/"+m.brand+"/orders?state=paid").ok().says("1 × Skillet", "sold by Marisol Vega, $7.20", "yours $37.92", "Jo Kim")
	ship := board.find(`action="(/brand/[^"]*/ship)"`)
	m.owner.post(ship, "key", "k0", "line_ids", board.value("line_ids"), "carrier", "", "tracking", "").want(422).says("Name the carrier", "Nothing was handed over.")
	sent := m.owner.post(ship, "key", board.value("key"), "line_ids", board.value("line_ids"), "carrier", "Parcel", "tracking", "P1").ok().says("on the way since", "Parcel P1")
	guest.get(paid.url).ok().says("On its way", "Parcel P1").silent("/cancel")
	m.owner.post(sent.find(`action="(/brand/[^"]*/delivered)"`), "key", "k1").ok().says("held until")
	m.maker.get("/studio/earnings").ok().says("Pending $7.20", "Ready to pay out $0.00")
	m.clock.Advance(16 * 24 * time.Hour)
	must(t, m.orders.Sweep(context.Background()))
	m.maker.get("/studio/earnings").ok().says("Ready to pay out $7.20", "Skillet $7.20", "available", "15 %")
	m.owner.get("/brand/"+m.brand+"/balance").ok().says("Yours to pay out $37.92", "The hold has passed")
	m.operator().get("/operator/ledger").ok().says("The ledger balances", "Fees earned $2.88", "At the sandbox provider $48.00")
}

// A product opened by a plain link is a click: the commission is owed even when nothing of it is in the
// form that fills the bag.
func TestAPlainLinkCountsAsAClick(t *testing.T) {
	m := newMarket(t)
	guest := m.browser()
	product := guest.get(guest.get("/").ok().find(`href="(/go\?t=[^"]*)"`)).ok()
	till := guest.post("/bag/lines", "variant_id", product.value("variant_id"), "quantity", "1", "then", "checkout").ok().under("/checkout")
	page := m.address(guest, "cart", till.value("cart"))
	guest.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", page.value("key"), "expected_total", page.value("expected_total"), "payment_method", "pm_card_visa").
		ok().under("/orders/").says("Marisol Vega earned $7.20")
	other := m.browser()
	other.get("/go?t=forged&p=" + m.product).ok().under("/products/").silent("if you buy")
	other.get("/go?t=forged&p=prd_nothing").want(http.StatusNotFound)
}

func TestPayingSaysWhatDidNotHappen(t *testing.T) {
	m := newMarket(t)
	guest := m.browser()
	m.fill(guest)
	guest.post("/checkout", "email", "nope", "name", "", "line1", "", "city", "", "postal_code", "", "country", "").want(422).
		says("Nothing was ordered.", "Please fill this in.").find(`(id="f-line1-wrong")`)
	page := m.address(guest)
	pay := func(page shown, method string) shown {
		t.Helper()
		return guest.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", page.value("key"), "expected_total", page.value("expected_total"), "payment_method", method)
	}
	page = pay(page, "pm_card_chargeDeclined").ok().says("The card was declined.", "Nothing was taken, and your things stay held.")
	page = pay(page, "pm_card_insufficientFunds").ok().says("There is not enough money on the card.")
	guest.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", "other", "expected_total", "1", "payment_method", "pm_card_visa").want(409).says("Nothing was taken.", "The total is")
	bank := pay(page, "pm_card_authenticationRequired").ok().under("/sandbox/pay/").says("Is it you?", "$48.00")
	page = guest.post(bank.find(`action="(/sandbox/pay/[^"]*)"`), "answer", "refuse").ok().under("/checkout/").says("You did not approve it on the bank’s page.")
	bank = pay(page, "pm_card_authenticationRequired").ok().under("/sandbox/pay/")
	m.browser().get(strings.Split(bank.url, "?")[0] + "?secret=guess").want(http.StatusNotFound)
	m.browser().get(strings.Split(page.url, "?")[0]).want(http.StatusNotFound)
	order := guest.post(bank.find(`action="(/sandbox/pay/[^"]*)"`), "answer", "approve").ok().under("/orders/").says("Being packed")
	guest.get(bank.url).ok().under("/orders/")
	guest.post(order.find(`action="(/orders/[^"]*/cancel)"`), "token", order.value("token")).ok().says("Cancelled", "Given back", "earned nothing")
	m.maker.get("/studio/earnings?state=reversed").ok().says("Reversed $7.20")
	m.operator().get("/operator").ok().says("The ledger balances")
}

// The same form sent twice pays once.
func TestAFormSentTwicePaysOnce(t *testing.T) {
	m := newMarket(t)
	guest := m.browser()
	m.fill(guest)
	page := m.address(guest)
	var orders []string
	for range 2 {
		paid := guest.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", page.value("key"), "expected_total", page.value("expected_total"), "payment_method", "pm_card_visa").ok().under("/orders/")
		orders = append(orders, paid.url)
	}
	if orders[0] != orders[1] {
		t.Errorf("two orders: %v", orders)
	}
	m.operator().get("/operator/ledger").ok().says("The ledger balances", "At the sandbox provider $48.00")
}

func TestTheBagIsItsOwners(t *testing.T) {
	m := newMarket(t)
	guest := m.browser()
	m.fill(guest)
	line := guest.get("/bag").find(`action="(/bag/lines/lin_\w+)"`)
	guest.post(line, "quantity", "3").ok().says("$144.00")
	guest.post(line, "quantity", "30").want(422).says("Your bag is as it was.", "1 to 20")
	guest.post(line, "quantity", "12").want(409).says("Only 9 of Skillet")
	guest.post(line, "quantity", "x").want(422).says("1 to 20")
	m.browser().post(line, "quantity", "1").want(http.StatusNotFound)
	m.signUp("Eve").post(line+"/remove", "x", "").want(http.StatusNotFound)
	guest.post(line + "/remove").ok().says("Nothing in it yet")
	guest.post("/bag/lines", "variant_id", "var_none", "quantity", "1").want(http.StatusNotFound)
	product := guest.get("/products/" + m.product).ok()
	guest.post("/bag/lines", "variant_id", product.value("variant_id"), "quantity", "10").want(409).says("Only 9 of Skillet", "Nothing was put in your bag.")
	guest.get("/checkout").ok().under("/bag")
}

func TestFilmsSearchAndCreatorsByLinksAlone(t *testing.T) {
	m := newMarket(t)
	guest := m.browser()
	guest.get("/v/"+m.id).ok().says("Three eggs, no oil.", "Earns commission")
	guest.get("/videos/" + m.id).ok().under("/v/" + m.id)
	page := guest.get("/@marisol").ok().under("/c/marisol").says("Marisol Vega", "Skillet", "earns commission on these")
	guest.get(page.find(`href="(/go\?[^"]*)"`)).ok().under("/products/").says("Marisol Vega earns $7.20")
	guest.get(page.find(`href="(/v/[^"]*impression=[^"]*)"`)).ok()
	guest.get("/search?q=skillet").ok().says("1 product for “skillet”")
	guest.get("/search?q=anvil").ok().says("Nothing by that name")
	guest.get("/search?category=home").ok().says("Skillet")
	guest.get("/search?category=fashion").ok().silent("Skillet<")
	guest.get("/search?brand=" + m.brand).ok().says("Ferro & Ash")
	guest.get("/products/" + m.product + "?sheet=1").ok().find(`(data-sheet)`)
	guest.get("/following").ok().says("Nobody followed yet")
	guest.post("/v/"+m.id+"/like", "liked", "1").ok().under("/sign-in?next=")

	jo := m.signUp("Jo")
	jo.get("/v/" + m.id)
	jo.post("/v/"+m.id+"/like", "liked", "1").ok().under("/v/" + m.id).find(`(aria-label="Like" aria-pressed="true")`)
	jo.post("/v/"+m.id+"/comments", "text", "Does it work on induction?").ok().says("Does it work on induction?", "Jo")
	jo.post("/v/"+m.id+"/comments", "text", "").want(422).find(`(id="f-text-wrong")`)
	jo.post("/c/marisol/follow", "follow", "1", "back", "/following").ok().under("/following").says("Three eggs")
	jo.get("/c/marisol").ok().says("Following")
	jo.post("/c/marisol/follow", "follow", "0").ok().under("/c/marisol").silent(">Following</button>")
	jo.post("/v/"+m.id+"/reports", "reason", "It hides that it is paid for").ok().says("Thank you. A person reads it.")
	jo.get("/").ok().silent("A person reads it")
	jo.post("/v/"+m.id+"/reports", "reason", "").want(422)
	m.operator().get("/operator").ok().says("Videos reported")
}

func TestFormsLeadNowhereElse(t *testing.T) {
	for _, bad := range []string{"//evil.example", "https://evil.example/", "/\\evil.example", "\\/evil.example", "/\t/evil.example", "javascript:alert(1)", "evil.example",
		"/ok\r\nSet-Cookie: x=1", "", "///evil.example", "/%", "http:evil.example", strings.Repeat("/a", 2000)} {
		if got := web.Local(bad); got != "/" {
			t.Errorf("%q leads to %q", bad, got)
		}
	}
	for _, good := range []string{"/", "/orders?cursor=x", "/v/vid_1/comments", "/sign-in?next=%2Fyou", "/c/a.b#x"} {
		if got := web.Local(good); got != good {
			t.Errorf("%q leads to %q", good, got)
		}
	}
	h := newHouse(t)
	h.signUp("Jo")
	b := h.browser()
	b.post("/sign-in", "email", "jo@mail.example", "password", password, "next", "//evil.example").ok().under("/")
	if b.at != "/" {
		t.Errorf("signing in led to %s", b.at)
	}
}
