package web_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"mezzo/internal/account"
)

// A brand and the house give vouchers; a shopper sees the best chosen, types a code, goes without one and takes
// it out again, pays less, and reads by what; the brand reads who pays. No script runs.
func TestVouchersOnThePages(t *testing.T) {
	m := newMarket(t)
	op, at := m.operator(), "/brand/"+m.brand+"/vouchers"
	m.owner.get(at).ok().says("You give nothing off yet")
	op.get("/operator/vouchers").ok().says("The house gives nothing off yet")
	wrong := m.owner.post(at, "code", "A B", "title", "", "kind", "percent", "percent", "x")
	wrong.want(422).find(`(id="f-percent-wrong")`)
	wrong = m.owner.post(at, "code", "A B", "title", "", "kind", "fixed", "amount", "5", "creator_handle", "nobody")
	wrong.want(422).says("The voucher was not given.").find(`(id="f-code-wrong")`)
	wrong.find(`(id="f-title-wrong")`)
	m.owner.post(at, "code", "AUTUMN", "title", "Autumn sale", "kind", "percent", "percent", "10", "listed", "1").ok().says("AUTUMN", "10 % off, all products", "offered to everybody")
	m.owner.post(at, "code", "autumn", "title", "Again", "kind", "percent", "percent", "10").want(409).says("already")
	given := m.owner.post(at, "code", "MARISOL", "title", "Marisol’s", "kind", "fixed", "amount", "3.00", "total_uses", "9", "uses_per_person", "1", "creator_handle", "@marisol").ok()
	given.says("0 uses of 9, 1 for each person", "code of @marisol")
	op.post("/operator/vouchers", "code", "HELLO", "title", "Welcome", "kind", "fixed", "amount", "1", "currency", "USD").ok().says("HELLO", "$1.00 off")
	m.maker.get("/studio/codes").ok().says("MARISOL", "0 uses of 9").silent("HELLO", "End it")

	jo := m.signUp("Jo")
	m.fill(jo)
	m.owner.post(at, "code", "BASKET", "title", "For big baskets", "kind", "fixed", "amount", "5", "min_basket", "100", "listed", "1").ok()
	jo.get("/bag").ok().says("Autumn sale", "Chosen for you", "To pay for them", "It needs $52.00 more of what it covers")
	jo.post("/bag/codes", "code", "nothing").want(422).says("This code is not known here.", "Your bag is as it was.")
	bag := jo.post("/bag/codes", "code", "hello", "back", "/bag").ok().says("Welcome", "−$1.00")
	bag.find(`name="voucher" (value="none")`)
	jo.post("/bag/voucher", "giver", "", "voucher", "none", "back", "/bag").ok().says("Choose the best for me", "Would take off $1.00 by itself.")
	jo.post("/bag/voucher", "giver", "", "voucher", "", "back", "/bag").ok().says("−$1.00")
	jo.post("/bag/codes/remove", "code", "HELLO", "back", "/bag").ok().silent("Welcome")
	jo.post("/bag/codes/remove", "code", "HELLO").want(404)

	where := []string{"email", "jo@mail.example", "name", "Jo Kim", "line1", "1 Main St", "city", "Austin", "region", "TX", "postal_code", "78701", "country", "US"}
	jo.get("/checkout").ok().says("Autumn sale (AUTUMN) −$4.80", "Goods with vouchers, before shipping")
	till := jo.post("/checkout", where...).ok().says("Autumn sale (AUTUMN)", "Code of a voucher or creator")
	form := append(where, "checkout", till.value("checkout"))
	jo.post("/checkout", append(form, "code", "nothing")...).want(422).says("This code is not known here.", "The total is as it was.", "Autumn sale (AUTUMN)")
	till = jo.post("/checkout", append(form, "code", "hello")...).ok().says("Welcome (HELLO), from Mezzo", "Autumn sale (AUTUMN)")
	jo.post(till.find(`action="(/checkout/[^"]*/pay)"`), "key", till.value("key"), "expected_total", till.value("expected_total"), "payment_method", "pm_card_visa").ok().says("Welcome (HELLO), from Mezzo")
	m.owner.get("/brand/" + m.brand + "/orders").ok().says("Welcome (HELLO), paid to the brand by Mezzo")

	// What the platform pays in the buyer's place is the brand's turnover too, as its tax office is told.
	paid, err := strconv.ParseInt(till.value("expected_total"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	years, err := m.payouts.Years(m.ctx, account.Asker{Account: "acc_x", Operator: true}, m.clock.Now().Year())
	if err != nil || len(years) != 1 || years[0].Total.Gross != paid+100 {
		t.Errorf("the year says %+v, %v; want a gross of %d", years, err, paid+100)
	}
	m.owner.get("/brand/"+m.brand+"/statement").ok().says("Vouchers in what was sold", "The house’s vouchers, paid to you $1.00", "Your own, a lower price $4.80", "$1.00 of it by a voucher of the house")
	m.owner.post(m.owner.get(at).ok().find(`action="(/brand/\w+/vouchers/vch_\w+/end)"`)).ok().says("ended")
}

// The till adds up as a shopper reads it, with vouchers of both sorts and taxes inside the prices or on top: the lines
// come to the goods, all above the line comes to the total, and below it stands only what is in the rest already.
func TestTheTillAddsUp(t *testing.T) {
	for _, inside := range []string{"1", "0"} {
		m := newMarket(t)
		op := m.operator()
		op.post("/operator/taxes", "country", "US", "region", "TX", "category", "", "name", "Tax", "percent", "8.25", "inclusive", inside, "on_shipping", "1", "collected_by", "platform").ok()
		m.owner.post("/brand/"+m.brand+"/vouchers", "code", "AUTUMN", "title", "Autumn sale", "kind", "percent", "percent", "10", "listed", "1").ok()
		op.post("/operator/vouchers", "code", "HELLO", "title", "Welcome", "kind", "fixed", "amount", "1", "currency", "USD", "listed", "1").ok()
		jo := m.signUp("Jo")
		m.fill(jo)
		till := m.address(jo).says("Autumn sale (AUTUMN) −$4.80 Welcome (HELLO), from Mezzo −$1.00")
		addsUp(t, till)
		paid := jo.post(till.find(`action="(/checkout/[^"]*/pay)"`), "key", till.value("key"), "expected_total", till.value("expected_total"), "payment_method", "pm_card_visa").ok()
		addsUp(t, paid)
	}
}

// addsUp reads the lines and the sum of a till or an order.
func addsUp(t *testing.T, page shown) {
	t.Helper()
	cents := func(said string) int64 {
		n, err := strconv.ParseInt(strings.NewReplacer("$", "", ".", "", ",", "", "−", "-", "free", "0").Replace(strings.TrimSpace(said)), 10, 64)
		if err != nil {
			t.Fatalf("%q is no amount", said)
		}
		return n
	}
	var lines int64
	for _, l := range regexp.MustCompile(`<li class="line">(?s:.*?)<(?:b|span) class="money">([^<]*)<`).FindAllStringSubmatch(page.body, -1) {
		lines += cents(l[1])
	}
	book := regexp.MustCompile(`(?s)<dl class="sum">(.*?)</dl>`).FindStringSubmatch(page.body)
	if book == nil {
		t.Fatalf("no sum in %s", page.body)
	}
	var goods, sum, total int64
	for i, r := range regexp.MustCompile(`<dd class="([^"]*)">([^<]*)<`).FindAllStringSubmatch(book[1], -1) {
		switch {
		case strings.Contains(r[1], "all"):
			total = cents(r[2])
		case strings.Contains(r[1], "inside") != (total != 0):
			t.Errorf("on the wrong side of the line: %v", r)
		case total == 0:
			sum += cents(r[2])
		}
		if i == 0 {
			goods = cents(r[2])
		}
	}
	if lines != goods || sum != total || total == 0 {
		t.Errorf("the lines come to %d, the goods are %d; the rows come to %d, the total is %d", lines, goods, sum, total)
	}
}
