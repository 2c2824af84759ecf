package web_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
)

// The money room by forms alone: a sale is released, brand and creator are paid by hand, one payout needs a second
// pair of eyes, one fails; the bank is settled, a difference dealt with, a reserve set; and the statements say it all.
func TestTheOperatorsMoneyRoom(t *testing.T) {
	m := newMarket(t)
	op := m.operator()
	op.get("/operator/money").ok().says("No money has moved yet", "Nobody is owed anything")
	op.get("/operator/payouts").ok().says("Nothing waits for an approval")
	op.get("/operator/bank").ok().says("No payout waits for a file", "Nothing has gone to a bank of ours")
	op.get("/operator/differences").ok().says("Not compared yet", "Provider and books agree")
	op.get("/operator/claims").ok().says("No buyer waits", "No return is open")
	op.get("/operator/reserves").ok().says("Nothing is kept back")
	op.get("/operator/reserves?q=nobody").ok().says("No brand by that name")

	m.release()
	op.get("/operator/money").ok().says("$2.88 is our own", "At the payment provider $48.00", "Brands, ready to pay out $37.92", "The provider says $48.00", "Gap $0.00", "Ferro & Ash a brand $37.92", "Marisol Vega a creator $7.20")
	page := op.get("/operator/ledger").ok().says("Ferro & Ash, ready to pay out", "Marisol Vega, ready to pay out", "$37.92")
	op.get(page.find(`href="(/operator/ledger\?account=brand[^"]*available)"`)).ok().says("The hold has passed", "$37.92")

	m.askForMoney(op)
	m.byHand(op)
	op.get("/operator/ledger").ok().says("Payouts on their way payouts:manual:transit")
	m.differ(op)

	op.post("/operator/reserves/"+m.brand, "percent", "x", "days", "30", "reason", "New here").want(422)
	found := op.get("/operator/reserves?q=ferro").ok().says("Ferro & Ash", "house’s own terms")
	op.post(found.find(`action="(/operator/reserves/[^"]*)"`), "percent", "10", "days", "30", "reason", "New here").ok().says("It holds for what is released from now on", "10 % of its share of the goods is kept back for 30 days", "New here")

	m.owner.get("/brand/"+m.brand+"/balance?account=available").ok().says("The hold has passed Skillet, order", "Paid out", "A payout did not arrive")
	m.owner.get("/brand/"+m.brand+"/statement?from=2026-03-01&to=2026-05-01").ok().says("Kiln LLC", "1 Clay Rd", "Austin, TX 73301", "1 Mar 2026 to 30 Apr 2026", "Stood at the beginning $0.00", "Paid out", "Stands at the end", "Each movement")
	op.get("/brand/"+m.brand+"/statement?from=2026-03-01&to=2026-05-01").ok().says("Ferro & Ash", "Stands at the end").silent("Kiln LLC", "1 Clay Rd")
	m.maker.get("/studio/statement?from=2026-05-01&to=2026-03-01").want(422).says("This is no time for a statement", "Stands at the end")
}

// release sells one unit and lets its hold pass.
func (m *market) release() {
	m.t.Helper()
	m.buy(m.browser(), "pm_card_visa").under("/orders/")
	board := m.owner.get("/brand/" + m.brand + "/orders?state=paid").ok()
	sent := m.owner.post(board.find(`action="(/brand/[^"]*/ship)"`), "key", "k", "line_ids", board.value("line_ids"), "carrier", "Parcel").ok()
	m.owner.post(sent.find(`action="(/brand/[^"]*/delivered)"`), "key", "k2").ok()
	m.clock.Advance(16 * 24 * time.Hour)
	must(m.t, m.orders.Sweep(context.Background()))
}

// askForMoney pays the brand out twice: above the limit, which one operator declines and approves, and below it.
func (m *market) askForMoney(op *browser) {
	m.t.Helper()
	at := "/brand/" + m.brand + "/payouts"
	m.owner.post(at+"/payee", "kind", "business", "legal_name", "Kiln LLC", "line1", "1 Clay Rd", "city", "Austin", "region", "TX", "postal_code", "73301", "country", "US", "tax_id", "12-3456789").ok()
	m.owner.post(at+"/destinations", "holder", "Kiln LLC", "account", "000123456789", "bank_code", "026009593", "bank_name", "Lone Star", "current_password", password).ok().says("Lone Star")
	must(m.t, m.db.Write(m.ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO payout_settings (version, body, changed_by, changed_at) VALUES (1, '{"minimums":[],"approval_limits":[{"amount":1500,"currency":"USD"}],"approvals":1,"withholding":[]}', 'acc_x', 1)`)
		return err
	}))
	ask := func(amount string) {
		m.clock.Advance(time.Second) // their ids are in the order of their times
		form := m.owner.get(at).ok()
		dst := form.find(`<option value="(dst_\w+)"`)
		m.owner.post(at, "key", form.value("key"), "currency", "USD", "amount", amount, "destination_id", dst).ok()
	}
	ask("16.00")
	op.get("/operator/money").ok().says("Payouts to approve")
	op.get("/operator").ok().says("Payouts to approve")
	page := op.get("/operator/payouts?waiting=approval").ok().says("$16.00 to Ferro & Ash", "waits for approval", "Asked for by Dana", "by the bank", "0 of 1 operator has approved")
	decide := page.find(`action="(/operator/payouts/pot_\w+)"`)
	op.post(decide, "do", "decline", "reason", "").want(422).says("Nothing was decided", "Say why in at most 200 characters")
	op.post(decide, "do", "decline", "reason", "Sales look made up").ok().says("Declined")
	op.post(decide, "do", "approve").want(409).says("does not wait for an approval any more")
	op.get("/operator/payouts?waiting=trouble").ok().says("$16.00", "Sales look made up", "it was declined")
	ask("16.00")
	page = op.get("/operator/payouts").ok()
	op.post(page.find(`action="(/operator/payouts/pot_\w+)"`), "do", "approve").ok().says("Approved")
	ask("12.00")
	op.get("/operator/payouts?waiting=rail").ok().says("waits for the bank", "Make a file on the page Bank")
}

// byHand takes both payouts to the bank and reads what came of them.
func (m *market) byHand(op *browser) {
	m.t.Helper()
	op.get("/operator/bank").ok().says("2 payouts wait for a file", "Payouts to leave it $28.00", "Missing at the bank $28.00")
	settle := func(amount, ref string) shown {
		return op.post("/operator/bank/settlements", "key", "s"+ref+amount, "amount", amount, "currency", "usd", "reference", ref)
	}
	settle("x", "L1").want(422).says("Nothing was noted.")
	settle("48.01", "L1").want(409).says("By the books the provider holds")
	settle("30.00", "L1").ok().says("$30.00 is at the bank now", "L1", "Holds, by the books $30.00")
	settle("1.00", "L1").want(409).says("is noted already")
	made := op.post("/operator/bank/files").ok().says("2 payouts are in the file", "Download the CSV")
	op.post("/operator/bank/files").want(409).says("No payout waits for the bank")
	if made.find(`href="(/api/v1/operator/payout_batches/bat_\w+\?format=csv)"`) == "" {
		m.t.Error("the file cannot be fetched")
	}
	ids := regexp.MustCompile(`pot_\w+`).FindAllString(op.get("/operator/payouts?waiting=rail").ok().says("on its way").body, -1)
	csv := "payout_id,state,amount,currency,reference,reason\n" + ids[0] + ",confirmed,12.00,USD,R1,\n" + ids[len(ids)-1] + ",failed,16.00,USD,R2,No such account\npot_00000000000000000000000000,confirmed,1.00,USD,,\n"
	op.post("/operator/bank/preview", "csv", "").want(422).says("Choose a file, or paste its lines.")
	look := op.postFile("/operator/bank/preview", "file", "results.csv", []byte(csv)).ok().says("What this file would do", "2 lines fit, 0 known already, 1 fits nothing", "There is no such payout", "Apply 2 lines")
	if strings.Contains(op.get("/operator/payouts?waiting=trouble").ok().text(), "No such account") {
		m.t.Error("looking at a file has applied it")
	}
	sent := look.value("csv")
	op.post("/operator/bank/results", "csv", sent).ok().says("What came of the file", "2 lines fit", "Holds, by the books $18.00")
	rest := op.get("/operator/bank").ok().says("There is no such payout", "It was dealt with")
	op.post(rest.find(`action="(/operator/bank/unmatched/ntc_\w+)"`)).ok().says("It is off the list", "None. A line of results")
	op.get("/operator/payouts?waiting=trouble").ok().says("did not arrive", "No such account", "the money never left")
	op.get("/operator/money").ok().says("Payouts that did not arrive", "At the bank $18.00")
}

// differ makes provider and books differ, and deals with it.
func (m *market) differ(op *browser) {
	m.t.Helper()
	must(m.t, m.db.Write(m.ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO sandbox_charges (id, key, request_hash, amount_minor, currency, method, state, created_at, updated_at) VALUES ('sch_lost', 'pay_lost', '', 700, 'USD', 'pm_card_visa', 'succeeded', $1, $1)`, db.Micros(m.clock.Now()))
		return err
	}))
	m.clock.Advance(time.Hour)
	op.get("/operator/money").ok().says("Provider and books differ by $7.00")
	open := op.post("/operator/differences").ok().says("1 difference", "A charge that no order knows", "The provider says $7.00", "The books say $0.00")
	fields := []string{"provider", open.value("provider"), "subject", open.value("subject"), "currency", open.value("currency")}
	op.post("/operator/differences/notes", append(fields, "note", "")...).want(422).says("It stays on the list.")
	op.post("/operator/differences/notes", append(fields, "note", "Given back by hand at the provider")...).ok().says("It is off the list", "Provider and books agree")
	op.get("/operator/differences?state=settled").ok().says("Given back by hand at the provider", "A charge that no order knows")
}

// The operator sees who waits for a parcel, and decides against a proof.
func TestTheOperatorDecidesClaims(t *testing.T) {
	m := newMarket(t)
	op := m.operator()
	guest, page := m.arrived()
	claim := page.find(`action="(/orders/[^"]*/claims)"`)
	guest.post(claim, "token", page.value("token"), "says", "Nothing came").ok()
	list := op.get("/operator/claims").ok().says("Nothing came", "waits for the brand", "Ferro & Ash")
	decide := list.find(`action="(/operator/claims/clm_\w+)"`)
	op.post(decide, "do", "proof", "proof", "short").want(422).says("Nothing was decided.")
	op.post(decide, "do", "proof", "proof", "Signed for by a neighbour on Monday").ok().says("It counts as arrived", "proven", "Signed for by a neighbour")
	op.get("/operator/money").ok().says("Parcels that never came")
	op.post(decide, "do", "refund").ok().says("The money goes back to the buyer", "No buyer waits")
	op.post(decide, "do", "refund").want(409)

	guest, page = m.arrived()
	units, why := page.find(`name="(units_lin_\w+)"`), page.find(`name="(reason_lin_\w+)"`)
	guest.post(page.find(`action="(/orders/[^"]*/returns)"`), "token", page.value("token"), units, "1", why, "Too small").ok()
	op.get("/operator/claims").ok().says("Too small", "waits for the brand", "The brand’s returns")
	m.clock.Advance(order.AnswerWithin)
	op.get("/operator/claims").ok().says("overdue")
	op.get("/operator/money").ok().says("Returns overdue")
}

// A debt is given up, or proposed to be where it is above the limit.
func TestHouseGivesDebtsUp(t *testing.T) {
	m := newMarket(t)
	op := m.operator()
	op.get("/operator/debts").ok().says("Nobody owes us anything").silent("Given up")
	must(t, m.db.Write(m.ctx, func(tx *db.Tx) error {
		_, err := ledger.Post(tx, ledger.Transfer{Key: "refund:rfd_x:shipping", Kind: ledger.KindRefund, Currency: "USD",
			Legs: []ledger.Leg{ledger.Debit(ledger.BrandOwes(id.Brand(m.brand)), 6_000_00), ledger.Credit(ledger.RefundsPayable("sandbox"), 6_000_00)}})
		return err
	}))
	page := op.get("/operator/debts").ok().says("Ferro & Ash", "$6,000.00")
	give := page.find(`action="(/operator/debts/brd_\w+)"`)
	up := func(amount, reason string) shown {
		return op.post(give, "key", "g"+amount+reason, "currency", "USD", "amount", amount, "reason", reason)
	}
	up("x", "Gone").want(422).says("Nothing was given up", "Write the amount in figures").find(`(value="x")`)
	up("6000.01", "Gone away").want(409).says("6000.00 USD is owed", "no more than that")
	up("10.00", "").want(422).says("Say why")
	up("10.00", "They have closed").ok().says("$10.00 is owed no more", "$5,990.00", "“They have closed”", "given up")
	op.get("/operator/ledger").ok().says("Debts given up $10.00")
	page = up("5990.00", "They have closed").ok().says("another operator must agree", "waits for another operator", "You have proposed it yourself")
	op.get("/operator/money").ok().says("Debts to give up or not", "Owed to us by brands")
	decide := page.find(`action="(/operator/write_offs/wof_\w+)"`)
	op.post(decide, "do", "decline", "reason", "").want(422).says("Nothing was decided")
	op.post(decide, "do", "decline", "reason", "They sell again").ok().says("Declined. It is still owed", "They sell again")
	op.post(decide, "do", "approve").want(409).says("does not wait any more")
	m.owner.get("/brand/"+m.brand+"/statement").ok().says("Written off: it is owed no more", "$10.00")
}

// The house sells a label, a brand sends a parcel with it, and the carrier is paid.
func TestAParcelGoesWithALabelOfTheHouse(t *testing.T) {
	m := newMarket(t)
	op := m.operator()
	shopper := m.signUp("Jo")
	m.buy(shopper, "pm_card_visa")
	at := "/brand/" + m.brand + "/orders?state=paid"
	m.owner.get(at).ok().silent("Carried by")
	op.get("/operator/labels").ok().says("No labels are sold").silent("Owed to carriers")
	op.post("/operator/labels", "carrier", "", "service", "Small", "currency", "USD", "price", "x").want(422).says("It was not put on sale").find(`(value="Small")`)
	page := op.post("/operator/labels", "carrier", "DHL", "service", "Small", "currency", "usd", "price", "1.20").ok().says("Brands can send parcels with it", "DHL, Small", "$1.20")
	change := page.find(`action="(/operator/labels/lbr_\w+)"`)
	op.post(change, "version", "1", "price", "much").want(422).says("The label is as it was")
	op.post(change, "version", "1", "price", "2.20").ok().says("$2.20")
	op.get("/operator/labels?state=ended").ok().says("$1.20", "ended by").silent("Change or end it")

	board := m.owner.get(at).ok().says("Carried by", "Ourselves", "DHL, Small: $2.20")
	ship, rate := board.find(`action="(/brand/[^"]*/ship)"`), board.find(`<option value="(lbr_\w+)"`)
	fields := []string{"line_ids", board.value("line_ids")}
	m.owner.post(ship, append(fields, "key", "a", "carrier", "Post", "label", rate)...).want(422).says("Nothing was handed over", "name a carrier or a label")
	m.owner.post(ship, append(fields, "key", "b", "carrier", "", "label", "")...).want(422).says("Name the carrier")
	m.owner.post(ship, append(fields, "key", "c", "carrier", "", "label", rate, "tracking", "T1")...).ok().says("DHL", "The platform’s label, Small: $2.20")
	shopper.get("/orders").ok()
	op.get("/operator/money").ok().says("Carriers")

	page = op.get("/operator/labels").ok().says("Owed to carriers", "$2.20")
	pay := page.find(`action="(/operator/carriers/dhl)"`)
	paid := func(amount, ref string) shown {
		return op.post(pay, "key", "p"+amount+ref, "currency", "USD", "amount", amount, "reference", ref)
	}
	paid("9.99", "L1").want(409).says("Nothing was noted", "is owed 2.20 USD")
	paid("2.20", "").want(422).says("reference")
	paid("2.20", "L1").ok().says("$2.20 is paid", "L1", "was paid so far")
	page = op.get("/operator/labels").ok().silent("It was paid")
	op.post(page.find(`action="(/operator/labels/lbr_\w+/end)"`), "version", "1").ok().says("It is sold no more", "No labels are sold")
	m.owner.get(at).ok().silent("Carried by")
}
