package web_test

import "testing"

// The operator sets a tax, sees what was wrong with another, changes and ends the first; a shopper
// reads it at the till, and the history says who did what.
func TestTaxTable(t *testing.T) {
	m := newMarket(t)
	op := m.operator()
	op.get("/operator/taxes").ok().says("No tax is charged")
	wrong := op.post("/operator/taxes", "country", "US", "region", "North Texas", "category", "", "name", "", "percent", "x", "inclusive", "0", "collected_by", "platform")
	wrong.want(422).find(`(id="f-percent-wrong")`)
	wrong = op.post("/operator/taxes", "country", "US", "region", "North Texas", "category", "", "name", "", "percent", "8,25", "inclusive", "0", "collected_by", "platform")
	wrong.want(422).says("It was not added.").find(`(id="f-region-wrong")`)
	wrong.find(`(id="f-name-wrong")`)
	set := op.post("/operator/taxes", "country", "US", "region", "tx", "category", "", "name", "Sales tax", "percent", "8,25", "inclusive", "0", "collected_by", "platform").ok()
	set.says("United States, TX: Sales tax 8.25 %", "on top of the prices, collected by us", "Orders placed from now on pay it.")
	op.post("/operator/taxes", "country", "US", "region", "TX", "category", "", "name", "Sales tax", "percent", "9", "inclusive", "0", "collected_by", "platform").
		want(409).says("in force already")

	jo := m.signUp("Jo")
	m.fill(jo)
	m.address(jo).ok().says("Sales tax 8.25 %")

	at := set.find(`action="(/operator/taxes/tax_\w+)"`)
	op.post(at, "version", "1", "name", "", "percent", "6", "inclusive", "0", "collected_by", "platform").want(422).says("The rate is as it was.")
	op.post(at, "version", "1", "name", "Sales tax", "percent", "6", "inclusive", "0", "collected_by", "brand").ok().says("Sales tax 6 %", "collected by the brand")
	op.post(at, "version", "1", "name", "Sales tax", "percent", "7", "inclusive", "0", "collected_by", "brand").want(412)
	next := op.get("/operator/taxes").ok().find(`action="(/operator/taxes/tax_\w+/end)"`)
	op.post(next, "version", "1").ok().says("No tax is charged")
	op.get("/operator/taxes?state=ended").ok().says("Sales tax 8.25 %", "Sales tax 6 %", "ended by").silent("Change or end it")
	op.get("/operator/taxes/").want(404)
}

// The operator turns the signing keys, and cuts off what was signed before: a guest's bag is empty then.
func TestSigningKeysOnThePage(t *testing.T) {
	m := newMarket(t)
	op, guest := m.operator(), m.browser()
	m.fill(guest)
	op.get("/operator").ok().says("Key 1", "signing")
	op.post("/operator/keys").ok().says("Key 2", "coming", "turned by", "The new key signs in two minutes.")
	op.post("/operator/keys").want(409).says("being turned already")
	guest.get("/bag").ok().says("Skillet")
	op.post("/operator/keys", "cut", "1").ok().says("Key 4", "opens nothing any more")
	guest.get("/bag").ok().silent("Skillet")
	op.get("/operator").ok()
}

// A shopper keeps an address at the till, finds it there next time, and forgets it.
func TestKeptAddresses(t *testing.T) {
	m := newMarket(t)
	jo := m.signUp("Jo")
	m.fill(jo)
	jo.get("/checkout").ok().says("Keep this address for next time").silent("Forget")
	jo.post("/checkout", "email", "jo@mail.example", "name", "Jo Kim", "line1", "1 Main St", "city", "Austin", "region", "TX", "postal_code", "78701", "country", "US", "keep", "1").ok().under("/checkout/")
	page := jo.get("/checkout").ok().says("Jo Kim", "1 Main St, Austin, TX 78701, United States", "Forget")
	to := page.find(`href="(/checkout\?to=adr_\w+)"`)
	if got := jo.get(to).ok().value("line1"); got != "1 Main St" {
		t.Errorf("the chosen address fills in %q", got)
	}
	eve := m.signUp("Eve")
	m.fill(eve)
	eve.get(to).ok().silent("1 Main St")
	forget := page.find(`formaction="(/you/addresses/adr_\w+/remove)"`)
	eve.post(forget).want(404)
	jo.post(forget, "email", "half@typed").ok().says("The address is forgotten.").silent("Forget")
	guest := m.browser()
	m.fill(guest)
	guest.get("/checkout").ok().silent("Keep this address")
}
