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
