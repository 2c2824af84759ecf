package web_test

import (
	"context"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// One of two units is given back by the brand, the other by the operator once everything was released: the
// buyer reads what came back and why, the creator what it took of their earnings, the brand whose share
// it was. By forms alone.
func TestRefundsOnThePages(t *testing.T) {
	m := newMarket(t)
	guest := m.browser()
	m.fill(guest)
	m.fill(guest)
	page := guest.post("/checkout", "email", "jo@mail.example", "name", "Jo Kim", "line1", "1 Main St", "city", "Austin", "region", "TX", "postal_code", "78701", "country", "US").ok().under("/checkout/")
	paid := guest.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", page.value("key"), "expected_total", page.value("expected_total"), "payment_method", "pm_card_visa").ok().under("/orders/ord_")

	board := m.owner.get("/brand/"+m.brand+"/orders?state=paid").ok().says("Give money back", "2 × Skillet")
	refund, units := board.find(`action="(/brand/[^"]*/refund)"`), board.find(`name="(units_lin_\w+)"`)
	m.owner.post(refund, "key", "a", "tab", "paid", "part_id", board.value("part_id"), units, "1", "reason", "").want(422).says("the buyer reads it", "Nothing was given back.")
	m.owner.post(refund, "key", "b", "tab", "paid", units, "9", "reason", "Too many").want(409).says("2 of 2 are left to refund")
	m.owner.post(refund, "key", "c", "tab", "paid", "reason", "Nothing at all").want(422)
	for range 2 { // sent twice, done once
		m.owner.post(refund, "key", "d", "tab", "paid", "part_id", board.value("part_id"), units, "1", "reason", "The handle is loose").ok().
			says("1 of 2 refunded", "$37.92 from you, $7.20 from Marisol Vega, $2.88 of the platform’s fee", "given back $48.00", "“The handle is loose”")
	}
	guest.get(paid.url).ok().says("Given back", "−$48.00", "Skillet. “The handle is loose”", "Marisol Vega earned $7.20", "$7.20 went back with a refund").silent("from Marisol")
	m.maker.get("/studio/earnings").ok().says("Pending $7.20", "Reversed $7.20", "partly refunded", "Given back with refunds")
	m.owner.get("/brand/"+m.brand+"/balance").ok().says("Given back to the buyer", "“The handle is loose”. It was not ready yet: the next payout is as it was.", "nothing of it has arrived yet")

	board = m.owner.get("/brand/" + m.brand + "/orders?state=paid").ok()
	sent := m.owner.post(board.find(`action="(/brand/[^"]*/ship)"`), "key", board.value("key"), "line_ids", board.value("line_ids"), "carrier", "Parcel", "tracking", "P1").ok()
	m.owner.post(sent.find(`action="(/brand/[^"]*/delivered)"`), "key", "k1").ok()
	m.owner.get("/brand/" + m.brand + "/balance").ok().says("the next $37.92 on 17 Mar").silent("Kept back")
	_, err := m.orders.SetReserve(context.Background(), account.Asker{Account: "acc_op", Operator: true}, id.Brand(m.brand), order.Reserve{Bps: 1000, Days: 90}, "New here")
	must(t, err)
	m.clock.Advance(16 * 24 * time.Hour)
	must(t, m.orders.Sweep(context.Background()))
	m.maker.get("/studio/earnings").ok().says("Ready to pay out $7.20")

	page = m.operator().get(paid.url[:len("/orders/ord_")+26]).ok().says("Give money back")
	house := page.find(`action="(/operator/[^"]*/refund)"`)
	m.operator().post(house, "key", "e", "part_id", page.value("part_id"), units, "2", "reason", "Too many").want(409).says("Nothing was given back.")
	m.operator().post(house, "key", "f", "part_id", page.value("part_id"), units, "1", "reason", "It never came").ok().says("$48.00 is given back", "“It never came”", "$37.92 from the brand")
	m.owner.get("/brand/"+m.brand+"/balance?account=available").ok().says("The next payout is so much less.", "10 % of your share of the goods is kept back for 90 days", "“New here”")
	m.owner.get("/brand/"+m.brand+"/balance?account=reserve").ok().says("The hold has passed", "“It never came”. It was kept back for this")
	guest.get(paid.url).ok().says("Refunded", "Everything you paid is given back.", "earned nothing")
	m.maker.get("/studio/earnings").ok().says("Ready to pay out $0.00", "Reversed $14.40")
	m.operator().get("/operator/ledger").ok().says("The ledger balances", "psp:sandbox:clearing asset $0.00")
}
