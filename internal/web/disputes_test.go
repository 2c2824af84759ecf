package web_test

import (
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// disputed makes the buyer's bank dispute a whole order.
func (m *market) disputed(ord string) order.Dispute {
	m.t.Helper()
	pay, err := m.orders.PaymentOf(m.ctx, account.Asker{Account: "acc_x", Operator: true}, id.Order(ord))
	must(m.t, err)
	_, err = m.bank.OpenDispute(m.ctx, pay, money.Amount{}, "product_not_received")
	must(m.t, err)
	must(m.t, m.orders.LookForDisputes(m.ctx, time.Unix(0, 0)))
	list, err := m.orders.OperatorDisputes(m.ctx, account.Asker{Account: "acc_x", Operator: true}, order.DisputeOpen, "", 1)
	must(m.t, err)
	return list[0]
}

// A dispute as its people see it: the brand is told what it costs and until when to answer, the buyer that
// their bank decides, and what becomes of it.
func TestADisputeOnThePages(t *testing.T) {
	m := newMarket(t)
	guest := m.browser()
	paid := m.buy(guest, "pm_card_visa").under("/orders/")
	ord := strings.TrimPrefix(strings.Split(paid.url, "?")[0], "/orders/")
	d := m.disputed(ord)
	guest.get(paid.url).ok().says("Your bank is looking into this payment", "cannot be cancelled").silent("Cancel the order")
	m.marked(guest, d, true)
	m.owner.get("/brand/" + m.brand).ok().says("Disputed by banks")
	list := m.owner.get("/brand/"+m.brand+"/disputes").ok().says("The buyer says that it never came", "Without evidence by")
	one := m.owner.get(list.find(`href="(/brand/[^"]*/disputes/dsp_[^"]*)"`)).ok().says("What it costs if it is lost", "From creators", "Your share is held")
	action := one.find(`action="(/brand/[^"]*/evidence)"`)
	m.owner.post(action, "evidence", "").says("Nothing was handed in")
	m.owner.post(action, "evidence", "Signed for by A. Shopper, losing_evidence").ok().says("Handed in")
	must(t, m.orders.LookForDisputes(m.ctx, time.Unix(0, 0)))
	m.owner.get("/brand/"+m.brand+"/disputes/"+string(d.ID)).ok().says("The buyer has the money back", "Signed for by A. Shopper")
	guest.get(paid.url).ok().says("Your bank gave the money back")
	m.marked(guest, d, false)
}

// marked says whether the lists of orders of the buyer, the brand and the house mark an order as disputed: as long as the
// bank has not decided, and the brand finds its way to the dispute.
func (m *market) marked(buyer *browser, d order.Dispute, is bool) {
	m.t.Helper()
	way := `href="/brand/` + m.brand + `/disputes/` + string(d.ID) + `"`
	for who, list := range map[string]struct {
		page shown
		mark string
	}{
		"the buyer": {buyer.get("/orders").ok().says("Orders"), "Disputed at your bank"},
		"the brand": {m.owner.get("/brand/" + m.brand + "/orders").ok(), way},
		"the house": {m.operator().get("/operator/orders").ok(), `href="/operator/disputes">Disputed<`},
	} {
		if strings.Contains(list.page.body, list.mark) != is {
			m.t.Errorf("the list of %s says %q: %v", who, list.mark, !is)
		}
	}
}
