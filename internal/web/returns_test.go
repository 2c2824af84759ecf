package web_test

import (
	"context"
	"testing"
	"time"

	"mezzo/internal/order"
)

// arrived is a guest's order of two units that has come: its page, and the browser that bought it.
func (m *market) arrived() (*browser, shown) {
	m.t.Helper()
	guest := m.browser()
	m.fill(guest)
	m.fill(guest)
	page := guest.post("/checkout", "email", "jo@mail.example", "name", "Jo Kim", "line1", "1 Main St", "city", "Austin", "region", "TX", "postal_code", "78701", "country", "US").ok().under("/checkout/")
	paid := guest.post(page.find(`action="(/checkout/[^"]*/pay)"`), "key", page.value("key"), "expected_total", page.value("expected_total"), "payment_method", "pm_card_visa").ok().under("/orders/ord_")
	board := m.owner.get("/brand/" + m.brand + "/orders?state=paid").ok()
	sent := m.owner.post(board.find(`action="(/brand/[^"]*/ship)"`), "key", board.value("key"), "line_ids", board.value("line_ids"), "carrier", "Parcel", "tracking", "P1").ok()
	m.owner.post(sent.find(`action="(/brand/[^"]*/delivered)"`), "key", "arrived "+paid.url).ok()
	return guest, guest.get(paid.url).ok()
}

// A guest gives one of two back: asks, is agreed with, sends it, and gets the money when the brand has it.
// The other stays and is asked back only for the money, which a silent brand has agreed to after 48 hours.
// By forms alone.
func TestReturnsOnThePages(t *testing.T) {
	m := newMarket(t)
	guest, page := m.arrived()
	token := page.value("token")
	page.says("Send something back", "You can ask until 16 Mar", "has agreed")
	ask, units, why := page.find(`action="(/orders/[^"]*/returns)"`), page.find(`name="(units_lin_\w+)"`), page.find(`name="(reason_lin_\w+)"`)
	guest.post(ask, "token", token, units, "1", why, "").want(422).says("Say of each line why", "Nothing was asked.")
	guest.post(ask, "token", token).want(422).says("Nothing was asked.")
	guest.post(ask, "token", token, units, "7", why, "All of them").want(409).says("2 of 2 are left to return")
	m.browser().post(ask, units, "1", why, "Not mine").want(404)
	asked := guest.post(ask, "token", token, "part_id", page.value("part_id"), units, "1", why, "Too small", "keep", "").ok().
		says("Skillet: “Too small”", "waits for the seller", "Without an answer by", "I keep it after all")

	home := m.owner.get("/brand/" + m.brand).ok().says("Returns to answer")
	board := m.owner.get(home.find(`href="(/brand/[^"]*/returns[^"]*)"`)).ok().says("Skillet: “Too small”", "Agreed, send it back", "Decline")
	decide := board.find(`action="(/brand/[^"]*/decision)"`)
	m.owner.post(decide, "decision", "decline", "note", "").want(422).says("Nothing was decided.", "the buyer reads it")
	m.owner.post(decide, "decision", "approve", "note", "To our yard, please", "tab", "requested").ok().says("Agreed. The buyer sends it back.")
	agreed := guest.get(page.url).ok().says("agreed", "Seller: “To our yard, please”", "To be sent back by")
	send := agreed.find(`action="(/returns/[^"]*/sent)"`)
	guest.post(send, "token", token, "carrier", "").ok().says("Nothing was changed. Name the carrier")
	guest.post(send, "token", token, "carrier", "Post", "tracking", "R1").ok().says("on its way back", "Sent back with Post R1").silent("I keep it after all")
	board = m.owner.get("/brand/"+m.brand+"/returns?state=approved").ok().says("Post R1", "It has come: give the money back")
	m.owner.post(board.find(`action="(/brand/[^"]*/decision)"`), "decision", "refund", "restock", "1", "tab", "approved").ok().says("The money goes back.")
	guest.get(page.url).ok().says("money given back", "$48.00 is given back.", "−$48.00")
	guest.post(asked.find(`action="(/returns/[^"]*/withdraw)"`), "token", token).ok().says("Nothing was changed. This return is refunded already.")

	guest.post(ask, "token", token, units, "1", why, "The handle is loose", "keep", "1").ok().says("The goods stay with the buyer.", "it is agreed, and the money goes back")
	m.clock.Advance(order.AnswerWithin)
	must(t, m.orders.Sweep(context.Background()))
	guest.get(page.url).ok().says("Refunded", "Everything you paid is given back.").silent("Send something back")
	m.clock.Advance(20 * 24 * time.Hour)
	must(t, m.orders.Sweep(context.Background()))
	m.operator().get("/operator/ledger").ok().says("The ledger balances", "psp:sandbox:clearing asset $0.00")
}

// A guest says that nothing came; the brand proves it, and the guest finds it after all. A second one is
// given back because the brand says nothing, and a third because it was never sent. By forms alone.
func TestClaimsOnThePages(t *testing.T) {
	m := newMarket(t)
	guest, page := m.arrived()
	token := page.value("token")
	page.says("It has not come", "72 hours to prove")
	claim := page.find(`action="(/orders/[^"]*/claims)"`)
	guest.post(claim, "token", token, "says", "").want(422).says("Nothing was said.")
	m.browser().post(claim, "says", "Not mine").want(404)
	said := guest.post(claim, "token", token, "says", "The carrier says Monday").ok().says("Not come: “The carrier says Monday”", "waits for the seller", "Without proof by").silent("It has not come")
	home := m.owner.get("/brand/" + m.brand).ok().says("Said not to have come")
	board := m.owner.get(home.find(`href="(/brand/[^"]*/returns[^"]*)"`)).ok().says("The carrier says Monday", "This proves it")
	answer := board.find(`action="(/brand/[^"]*/answer)"`)
	m.owner.post(answer, "answer", "proof", "proof", "It was").want(422).says("Nothing was answered.")
	m.owner.post(answer, "answer", "proof", "proof", "Signed for by J. Kim on 2 March").ok().says("The buyer reads it.")
	guest.get(page.url).ok().says("proven to have come", "Signed for by J. Kim", "It came after all")
	guest.post(said.find(`action="(/claims/[^"]*/withdraw)"`), "token", token).ok().says("came after all")

	other, late := m.arrived()
	other.post(late.find(`action="(/orders/[^"]*/claims)"`), "token", late.value("token"), "says", "Nothing").ok()
	m.clock.Advance(order.ProofWithin)
	must(t, m.orders.Sweep(context.Background()))
	other.get(late.url).ok().says("money given back", "Everything you paid is given back.")

	third := m.browser()
	never := m.buy(third, "pm_card_visa").under("/orders/")
	third.get(never.url).ok().says("is cancelled, and you get it back")
	m.owner.get("/brand/" + m.brand + "/orders?state=paid").ok().says("cancels itself on")
	m.clock.Advance(6 * 24 * time.Hour)
	must(t, m.orders.Sweep(context.Background()))
	third.get(never.url).ok().says("Cancelled", "It was not sent in time.", "“It was not sent within the promised time.”")
	m.maker.get("/studio/programs").ok().says("33 % of 3 lines called off by the brand or never sent")
	m.operator().get("/operator/ledger").ok().says("The ledger balances")
}
