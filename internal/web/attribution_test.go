package web_test

import (
	"strings"
	"testing"
)

// A creator reads which sales their clicks led to, and by what they lost; the brand and the operator read every
// candidate of a line; the buyer and a stranger read none of it.
func TestWhyNotMe(t *testing.T) {
	m := newMarket(t)
	rival := m.signUp("Rival")
	rival.post("/studio/creator", "handle", "rival", "display_name", "Rival", "bio", "").ok()
	rival.post("/studio/showcase", "product_id", m.product, "show", "1").ok()
	rival.get("/studio/attributions").ok().says("Nothing here yet")
	m.owner.post("/brand/"+m.brand+"/vouchers", "code", "RIVAL", "title", "Rival’s", "kind", "percent", "percent", "10", "creator_handle", "rival").ok()

	jo := m.signUp("Jo")
	m.fill(jo)
	jo.post("/bag/codes", "code", "rival", "back", "/bag").ok()
	till := jo.post("/checkout", "email", "jo@mail.example", "name", "Jo Kim", "line1", "1 Main St", "city", "Austin", "region", "TX", "postal_code", "78701", "country", "US").ok()
	paid := jo.post(till.find(`action="(/checkout/[^"]*/pay)"`), "key", till.value("key"), "expected_total", till.value("expected_total"), "payment_method", "pm_card_visa").
		ok().under("/orders/").says("Rival earned").silent("who was considered", "Marisol Vega")

	m.maker.get("/studio/attributions").ok().says("Skillet", "not earned", "Another creator earns by it", "1 touch of another creator was considered").silent("Rival", "Jo Kim")
	m.maker.get("/studio/attributions?outcome=won").ok().says("Nothing here yet")
	rival.get("/studio/attributions?outcome=won").ok().says("Skillet", "the code RIVAL, typed").silent("Marisol Vega")
	m.maker.get("/studio/attributions?outcome=perhaps").want(422)
	m.maker.get("/studio/attributions?cursor=%00").want(400)

	at := strings.Split(paid.url, "?")[0]
	m.owner.get(at).ok().says("Who earns, and who was considered", "Rival", "Marisol Vega", "not earned", "the code RIVAL, typed")
	m.operator().get(at).ok().says("Who earns, and who was considered", "Marisol Vega", "put into the bag")
}

// What is bought at once is bought alone: the bag keeps what is in it, also when what was begun is left.
func TestBuyNowLeavesTheBag(t *testing.T) {
	m := newMarket(t)
	jo := m.signUp("Jo")
	m.fill(jo)
	product := jo.get("/products/" + m.product).ok()
	till := jo.post("/bag/lines", "variant_id", product.value("variant_id"), "quantity", "2", "then", "checkout").ok().under("/checkout?cart=").
		says("2 × Skillet", "You buy this by itself. What is in your bag (1 thing) stays there.")
	jo.get("/bag").ok().says("Skillet", "$48.00").silent("$96.00")
	jo.get("/checkout").ok().says("All of your bag is bought").silent("2 × Skillet")
	m.browser().get(till.url).want(404)
	where := []string{"cart", till.value("cart"), "email", "jo@mail.example", "name", "Jo Kim", "line1", "1 Main St", "city", "Austin", "region", "TX", "postal_code", "78701", "country", "US"}
	page := jo.post("/checkout", where...).ok().under("/checkout/").says("2 × Skillet", "$96.00")
	if page.value("cart") != till.value("cart") {
		t.Error("a change of shipping would price the bag instead")
	}
	jo.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", page.value("key"), "expected_total", page.value("expected_total"), "payment_method", "pm_card_visa").ok().under("/orders/").says("2 × Skillet")
	jo.get("/bag").ok().says("Skillet", "$48.00")
	jo.get(till.url).ok().under("/bag")
	jo.post("/checkout", where...).ok().under("/bag")
}

// A brand opens a program for creators by name: who shows its goods is offered, others are typed; nobody else
// earns by it.
func TestAProgramForCreatorsByName(t *testing.T) {
	m := newMarket(t)
	at := "/brand/" + m.brand + "/programs"
	m.owner.get(at+"/new").ok().says("Creators I choose", "They show your goods already", "Marisol Vega", "@marisol")
	terms := []string{"name", "For Marisol", "commission_percent", "25", "window_days", "14", "hold_days", "5"}
	m.owner.post(at, append(terms, "kind", "targeted")...).want(422).says("The program was not opened.").find(`(id="f-creator_handles-wrong")`)
	m.owner.post(at, append(terms, "kind", "open", "creators", "marisol")...).want(422).find(`(id="f-creator_handles-wrong")`)
	m.owner.post(at, append(terms, "kind", "targeted", "creator_handles", "@nobody-there")...).want(422)
	m.owner.post(at, append(terms, "kind", "targeted", "creators", "marisol")...).ok().says("For Marisol", "25 %", "Only for Marisol Vega")
	jo := m.browser()
	jo.get(jo.get("/").ok().find(`href="(/go\?t=[^"]*)"`)).ok().says("Marisol Vega earns $12.00 if you buy")
}
