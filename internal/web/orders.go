package web

import (
	"net/http"
	"slices"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/voucher"
)

// freshFor is how long an order's page greets its buyer after paying.
const freshFor = 3 * time.Minute

// orders lists what the asker bought.
func (s *Site) orders(v *visit) error {
	list, err := s.Orders.Orders(v.ctx(), v.who, id.Order(v.text("cursor")), rowsPage+1)
	if err != nil {
		return err
	}
	page := OrdersPage{SignedIn: v.who.Account != ""}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = "/orders?cursor=" + string(list[rowsPage-1].ID)
	}
	if v.text("cursor") != "" {
		page.Pager.First = "/orders"
	}
	var images []id.Image
	for _, o := range list {
		images = append(images, id.Image(o.Lines[0].Image))
	}
	found, err := v.pictures(images...)
	if err != nil {
		return err
	}
	for i, o := range list {
		state := stateOf(o)
		row := OrderRow{URL: s.orderURL(v, o), Title: titleOf(o), Picture: Picture{URL: found[images[i]].SmallURL()},
			State: state.says, Tone: state.tone, When: o.PlacedAt, Total: o.Total}
		if inDispute(o) {
			row.Dispute = "Disputed at your bank"
		}
		page.Orders = append(page.Orders, row)
	}
	page.Chrome = v.chrome("Orders", Market, "orders")
	return v.show(http.StatusOK, Orders(page))
}

// titleOf names an order by its first line.
func titleOf(o order.Order) string {
	title := titled(o.Lines[0].Title, o.Lines[0].VariantTitle)
	if more := len(o.Lines) - 1; more > 0 {
		title += " and " + Count(more) + " more"
	}
	return title
}

// standing is how an order stands, in words.
type standing struct{ says, lead, tone string }

// partWords says how one brand's part stands.
var partWords = map[order.State]standing{
	order.Placed:    {"Not paid yet", "It is held for you until the payment is settled.", "wait"},
	order.Paid:      {"Being packed", "It is paid, and the brand packs it.", ""},
	order.Shipped:   {"On its way", "It was handed over to the carrier.", "wait"},
	order.Delivered: {"It has arrived", "The carrier brought it.", "good"},
	order.Completed: {"Done", "It has arrived, and its time to come back has passed.", "good"},
	order.Cancelled: {"Cancelled", "It was called off before it was sent. What you paid is given back.", "bad"},
	order.Expired:   {"Let go", "It was not paid in time. Nothing was taken.", "bad"},
}

// cancelledWords says by whose doing a part was called off.
var cancelledWords = map[string]string{"buyer": "By the buyer.", "brand": "By the seller.", "operator": "By the house.", "late": "It was not sent in time.", "bank": "Your bank gave you the money back."}

// stateOf is how a whole order stands: as the part that is furthest behind, of those not cancelled.
func stateOf(o order.Order) standing {
	if o.State != order.Paid {
		return partWords[o.State]
	}
	if o.Refunded == o.Total && o.Total.Minor > 0 {
		return standing{"Refunded", "Everything you paid is given back.", "good"}
	}
	for _, state := range []order.State{order.Paid, order.Shipped, order.Delivered, order.Completed} {
		for _, p := range o.Parts {
			if p.State == state {
				return partWords[state]
			}
		}
	}
	return partWords[order.Cancelled]
}

// order shows one order to its buyer, to a brand of it, or to the operator.
func (s *Site) order(v *visit) error { return s.showOrder(v, http.StatusOK, nil) }

func (s *Site) showOrder(v *visit, status int, notes []Note) error {
	token := v.text("token")
	o, err := s.Orders.Order(v.ctx(), v.who, id.Order(v.r.PathValue("order")), token)
	if err != nil {
		return err
	}
	if o.State == order.Placed && o.Asker == order.AsBuyer {
		return v.to("/checkout/" + string(o.Checkout))
	}
	state := stateOf(o)
	var names map[id.Creator]string
	page := OrderPage{ID: string(o.ID), Head: state.says, Lead: state.lead, Placed: o.PlacedAt, Sums: sumsOf(o), PaidWith: "Paid", Total: o.Total,
		Refunded: o.Refunded, Address: addressLines(o.Address), Notes: notes, CanStop: mayStop(o)}
	if o.PaidAt.IsZero() {
		page.PaidWith = "Total"
	}
	if o.Account == "" && o.Asker == order.AsBuyer {
		page.Token = s.Orders.Token(o.ID)
	}
	page.Fresh = o.Asker == order.AsBuyer && o.State == order.Paid && v.now.Sub(o.PaidAt) < freshFor
	if page.Parts, err = v.orderParts(o); err != nil {
		return err
	}
	if lines := page.Parts[0].Lines; len(lines) > 0 {
		page.Picture = lines[0].Picture
	}
	if o.Asker != order.AsBuyer {
		var creators []id.Creator
		for _, l := range o.Lines {
			creators = append(creators, l.Creator)
		}
		if names, err = v.creatorNames(creators); err != nil {
			return err
		}
	}
	page.Notes = append(page.Notes, disputeNotes(o)...)
	page.Refunds = refundRowsOf(o, "", names)
	for _, p := range o.Parts {
		if f := refundFormOf(o, p, "/operator/orders/"+string(o.ID)+"/refund"); f != nil && o.Asker == order.AsOperator {
			f.Open = status != http.StatusOK && v.text("part_id") == f.Part
			page.Refund = append(page.Refund, *f)
		}
	}
	page.Returns, page.Return = v.returnsOf(o, page.Token)
	page.Claims, page.Claim = v.claimsOf(o, page.Token)
	for i := range page.Claim {
		if f := &page.Claim[i]; status != http.StatusOK && v.text("part_id") == f.Part {
			f.Open, f.Says.Value = v.raw("says") != "", v.text("says")
		}
	}
	for i := range page.Return {
		if f := &page.Return[i]; status != http.StatusOK && v.text("part_id") == f.Part {
			f.fill(v)
		}
	}
	if page.Earned, err = v.earnedOn(o); err != nil {
		return err
	}
	if page.Considered, err = v.consideredOn(o); err != nil {
		return err
	}
	page.Chrome = v.chrome("Order "+Tail(string(o.ID)), Market, "orders")
	return v.show(status, Order(page))
}

// mayStop reports whether the buyer may still call the order off.
func mayStop(o order.Order) bool {
	if o.Asker != order.AsBuyer || o.State != order.Paid {
		return false
	}
	for _, p := range o.Parts {
		if p.State != order.Paid && p.State != order.Cancelled {
			return false
		}
	}
	lost := slices.ContainsFunc(o.Disputes, func(d order.Dispute) bool { return d.State == order.DisputeLost })
	return len(o.Shipments) == 0 && !inDispute(o) && !lost
}

// inDispute reports whether a bank still decides about the payment: until then nothing of the order is given back.
func inDispute(o order.Order) bool {
	return slices.ContainsFunc(o.Disputes, isOpen)
}

// isOpen reports whether the bank has not decided yet.
func isOpen(d order.Dispute) bool { return d.State == order.DisputeOpen }

func (v *visit) orderParts(o order.Order) ([]OrderPart, error) {
	var parts []OrderPart
	for _, p := range o.Parts {
		brand, err := v.site.Accounts.Brand(v.ctx(), p.Brand)
		if err != nil {
			return nil, err
		}
		part := OrderPart{ID: string(p.ID), Brand: Link{Text: brand.Name, URL: "/search?brand=" + string(brand.ID)}, Seller: traderOf(brand), Steps: stepsOf(o, p)}
		if part.Lines, err = v.tillLines(o, p.ID); err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func traderOf(b account.Brand) Seller {
	return Seller{Name: b.Name, Legal: b.LegalName, Country: countryName(b.Country), Email: b.ContactEmail, Address: b.ContactAddress}
}

// stepsOf is a part's way so far, and what comes next.
func stepsOf(o order.Order, p order.Part) []Step {
	steps := []Step{{State: "done", Icon: "bag", Text: "Ordered", At: o.PlacedAt}}
	if p.State == order.Cancelled || o.State == order.Cancelled || o.State == order.Expired {
		if !o.PaidAt.IsZero() {
			steps = append(steps, Step{State: "done", Text: "Paid", At: o.PaidAt})
		}
		end := Step{State: "stopped", Text: partWords[o.State].says, Note: o.ClosedReason, At: o.ClosedAt}
		if !p.CancelledAt.IsZero() {
			end.Text, end.At = partWords[order.Cancelled].says, p.CancelledAt
			if words := cancelledWords[p.CancelledBy]; words != "" {
				end.Note = words
			}
		}
		return append(steps, end)
	}
	add := func(at time.Time, icon, done, next, note string) {
		step := Step{State: "next", Text: next}
		if !at.IsZero() {
			step = Step{State: "done", Text: done, At: at, Note: note}
		} else if last := &steps[len(steps)-1]; last.State == "done" {
			step.State = "now"
		}
		if step.Icon = icon; step.State != "done" && icon == "check" {
			step.Icon = "clock" // a tick is for what is done
		}
		steps = append(steps, step)
	}
	add(o.PaidAt, "coin", "Paid", "Payment", "")
	note := ""
	for _, s := range o.Shipments {
		if s.Part == p.ID {
			note += s.Carrier + " " + s.Tracking + " "
		}
	}
	add(p.ShippedAt, "truck", "Handed to the carrier", "Packed and sent by "+p.BrandName, note)
	if last := &steps[len(steps)-1]; p.ShippedAt.IsZero() && !p.ShipBy.IsZero() {
		last.Note = "What is not sent by " + Day(p.ShipBy) + " is cancelled, and you get it back."
	}
	add(p.DeliveredAt, "box", "Arrived", "Arrives", "")
	if p.State == order.Delivered || p.State == order.Completed {
		add(p.CompletedAt, "check", "Done: the brand is paid", "The brand is paid on "+Day(p.ReleaseAt), "")
	}
	return steps
}

// sumsOf are the parts of a total, each in a row: goods, discounts, shipping by brand, tax by name.
func sumsOf(o order.Order) []SumRow {
	rows := []SumRow{{Label: "Goods", Value: Money(o.Subtotal)}}
	for _, house := range []bool{false, true} { // as they are taken off: the platform's of what a brand's has left
		for _, u := range o.Vouchers {
			if house == (u.Brand == voucher.Platform) {
				rows = append(rows, SumRow{Label: voucherLabel(o, u), Value: MoneyLess(u.Amount), Less: true})
			}
		}
	}
	type tax struct {
		label  string
		sum    int64
		inside bool
	}
	var taxes []tax
	count := func(t order.TaxLine) {
		if t.Amount.IsZero() {
			return
		}
		label := t.Name + " " + Percent(int64(t.Rate))
		if t.Inclusive {
			label += ", in the prices"
		}
		if t.CollectedBy == order.ByBrand {
			label += ", collected by the brand"
		}
		for i := range taxes {
			if taxes[i].label == label {
				taxes[i].sum += t.Amount.Minor
				return
			}
		}
		taxes = append(taxes, tax{label, t.Amount.Minor, t.Inclusive})
	}
	for _, l := range o.Lines {
		count(l.Tax)
	}
	for _, p := range o.Parts {
		rows = append(rows, SumRow{Label: "Shipping, " + p.BrandName + ": " + p.ShippingName, Value: costWords(p.Shipping)})
		count(p.ShippingTax)
	}
	for _, t := range taxes {
		rows = append(rows, SumRow{Label: t.label, Value: Money(money.Of(t.sum, o.Currency)), Inside: t.inside})
	}
	if len(taxes) == 0 {
		rows = append(rows, SumRow{Label: "Tax", Value: Money(money.Of(0, o.Currency))})
	}
	return rows
}

// addressLines is an address as it is written on a parcel.
func addressLines(a order.Address) []string {
	var lines []string
	town := a.City
	if a.Region != "" {
		town += ", " + a.Region
	}
	if a.PostalCode != "" {
		town += " " + a.PostalCode
	}
	for _, l := range []string{a.Name, a.Line1, a.Line2, town, countryName(a.Country), a.Phone} {
		if l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// earnedOn says who earned on an order and why, as far as the asker may know.
func (v *visit) earnedOn(o order.Order) ([]Earned, error) {
	if o.PaidAt.IsZero() || o.Asker == order.AsBrand {
		return nil, nil
	}
	receipts, err := v.site.Affiliate.Attribution(v.ctx(), v.who, o.ID, o.Asker == order.AsBuyer)
	if fault.Is(err, fault.Missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	by := map[id.Line]affiliate.LineReceipt{}
	for _, r := range receipts {
		by[r.Line] = r
	}
	var list []Earned
	for _, l := range o.Lines {
		r := by[l.ID]
		if l.Creator == "" || r.Winner == nil {
			continue
		}
		e := Earned{Name: r.Winner.DisplayName, Amount: l.Frozen.Commission, State: Pending,
			Words: Percent(int64(l.Rate)) + " of " + Money(l.Base) + ", for " + titled(l.Title, l.VariantTitle) + ". It was the brand’s to give: you paid the same.",
			Slip: []SumRow{{Label: "Price of the goods, without tax", Value: Money(l.Base)}, {Label: "Rate, frozen at the sale", Value: Percent(int64(l.Rate))},
				{Label: "Commission", Value: Money(l.Frozen.Commission), Total: true}},
			Why: r.Says}
		for _, p := range o.Parts {
			if p.ID == l.Part && p.State == order.Cancelled {
				e.State, e.Words = Reversed, "The order was cancelled, so nothing was earned."
			}
		}
		if back := money.Of(l.Back.Commission, o.Currency); e.State != Reversed && back.Minor > 0 {
			if e.Amount.Minor -= back.Minor; e.Amount.IsZero() {
				e.Amount, e.State, e.Words = l.Frozen.Commission, Reversed, "All of it was refunded, so nothing was earned."
			} else {
				e.Words += " " + Money(back) + " went back with a refund."
				e.Slip = append(e.Slip, SumRow{Label: "Given back with refunds", Value: MoneyLess(back), Less: true}, SumRow{Label: "Left", Value: Money(e.Amount), Total: true})
			}
		}
		list = append(list, e)
	}
	return list, nil
}

// cancel calls an order off. Who holds a guest's token is its buyer.
func (s *Site) cancel(v *visit) error {
	ord, token := id.Order(v.r.PathValue("order")), v.text("token")
	o, err := s.Orders.Order(v.ctx(), v.who, ord, token)
	if err != nil {
		return err
	}
	buyer := v.who
	if o.Asker == order.AsBuyer {
		buyer = account.Asker{Viewer: o.Viewer, Account: o.Account}
	}
	_, err = s.Orders.Cancel(v.ctx(), buyer, ord)
	if a, said := v.amissOf(err); said {
		return s.showOrder(v, a.status, a.notes("The order stands as it was."))
	}
	if err != nil {
		return err
	}
	v.tell("Cancelled. What you paid is given back.")
	return v.to(s.orderURL(v, o))
}
