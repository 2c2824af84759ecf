package web

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"

	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// unitsField is the name of the field that says how many units of a line go back.
const unitsField = "units_"

// refundFormOf is the form for what of a part may still be given back; nil when nothing may.
func refundFormOf(o order.Order, p order.Part, action string) *RefundForm {
	if o.PaidAt.IsZero() || o.State == order.Cancelled && o.ClosedReason == "cancelled" || inDispute(o) {
		return nil
	}
	f := &RefundForm{Action: action, Part: string(p.ID), Key: rand.Text(), Tab: string(p.State),
		Reason: Field{Name: "reason", Label: "Why", Max: order.MaxReason, Hint: "The buyer reads it.", ID: "reason-" + string(p.ID)}}
	for _, l := range o.Lines {
		if l.Part != p.ID || l.Left() == 0 {
			continue
		}
		u := Field{Name: unitsField + string(l.ID), ID: unitsField + string(l.ID), Label: titled(l.Title, l.VariantTitle), Options: []Option{{Value: "0", Label: "none"}}}
		for n := int64(1); n <= l.Left(); n++ {
			u.Options = append(u.Options, Option{Value: strconv.FormatInt(n, 10), Label: Count(n) + " of " + Count(l.Quantity)})
		}
		f.Units = append(f.Units, u)
		f.Sent = f.Sent || l.Shipped
	}
	if shipping := p.Shipping.Minor + p.ShippingTax.Added(); !p.ShippingBack && shipping > 0 {
		f.Shipping = Money(money.Of(shipping, o.Currency))
	}
	if len(f.Units) == 0 && f.Shipping == "" {
		return nil
	}
	return f
}

// fill puts back what was typed into a form that was refused.
func (f *RefundForm) fill(v *visit, a *amiss) {
	f.Open, f.Reason.Value = true, v.text("reason")
	for i := range f.Units {
		for j := range f.Units[i].Options {
			f.Units[i].Options[j].Chosen = f.Units[i].Options[j].Value == v.text(f.Units[i].Name)
		}
	}
	a.mark(&f.Reason)
}

// refundRowsOf are a part's refunds as the asker may read them; names are those of creators.
func refundRowsOf(o order.Order, p id.Part, names map[id.Creator]string) []RefundRow {
	var rows []RefundRow
	for _, r := range o.Refunds {
		if p != "" && r.Part != p {
			continue
		}
		row := RefundRow{Amount: r.Amount, State: string(r.State), Reason: r.Reason, At: r.CreatedAt, What: refundWhat(o, r), Did: refundDid(o, r, names)}
		switch r.State {
		case order.RefundConfirmed:
			row.Says = "given back"
		case order.RefundFailed:
			row.Says, row.Did = "refused by the provider", "Nothing was given back and everything is booked back. The seller can try again."
		default:
			row.Says = "on its way"
		}
		rows = append(rows, row)
	}
	return rows
}

// refundWhat names what a refund is of.
func refundWhat(o order.Order, r order.Refund) string {
	var what []string
	for _, l := range r.Lines {
		for _, of := range o.Lines {
			if of.ID == l.Line {
				what = append(what, timesOf(int(l.Quantity), titled(of.Title, of.VariantTitle)))
			}
		}
	}
	switch {
	case r.Shipping.IsZero():
	case len(what) == 0:
		return "The shipping"
	default:
		what = append(what, "the shipping")
	}
	return strings.Join(what, ", ")
}

// refundDid says to the brand and the operator who gives back how much of a refund.
func refundDid(o order.Order, r order.Refund, names map[id.Creator]string) string {
	if o.Asker == order.AsBuyer {
		return ""
	}
	from := "the brand"
	if o.Asker == order.AsBrand {
		from = "you"
	}
	did := []string{Money(r.FromBrand) + " from " + from}
	if !r.Commission.IsZero() {
		who := "the creator"
		for _, l := range r.Lines {
			for _, of := range o.Lines {
				if of.ID == l.Line && names[of.Creator] != "" {
					who = names[of.Creator]
				}
			}
		}
		did = append(did, Money(r.Commission)+" from "+who)
	}
	if !r.Fee.IsZero() {
		did = append(did, Money(r.Fee)+" of the platform’s fee")
	}
	if !r.Tax.IsZero() {
		did = append(did, Money(r.Tax)+" of tax")
	}
	return strings.Join(did, ", ") + "."
}

// refundOf reads the form of a refund.
func (v *visit) refundOf() order.NewRefund {
	in := order.NewRefund{Part: id.Part(v.text("part_id")), Shipping: v.text("shipping") == "1", Reason: v.text("reason")}
	for name := range v.r.PostForm {
		line, ok := strings.CutPrefix(name, unitsField)
		if n, whole := v.number(name); ok && (!whole || n != 0) {
			in.Lines = append(in.Lines, order.Units{Line: id.Line(line), Quantity: n})
		}
	}
	if v.text("restock") == "1" {
		all := true
		in.Restock = &all
	}
	return in
}

// refund gives money of the brand's part back, once for the form's key.
func (s *Site) refund(v *visit) error {
	ord := id.Order(v.r.PathValue("order"))
	if err := v.ownOrder(ord); err != nil {
		return err
	}
	in := v.refundOf()
	r, err := s.Orders.Refund(v.keyed(), v.who, ord, in)
	if a, said := v.amissOf(err); said {
		return s.showPacking(v, a.status, func(page *OrdersBoard) {
			for i := range page.Parts {
				if p := &page.Parts[i]; p.Part == string(in.Part) && p.Refund != nil {
					p.Refund.fill(v, &a)
				}
			}
			page.Notes = a.notes("Nothing was given back.")
		})
	}
	return v.kept(err, refundTold(r), "/orders?state="+v.text("tab"))
}

// refundByHouse gives money of any part back, for the operator.
func (s *Site) refundByHouse(v *visit) error {
	ord := id.Order(v.r.PathValue("order"))
	r, err := s.Orders.Refund(v.keyed(), v.who, ord, v.refundOf())
	if a, said := v.amissOf(err); said {
		return s.showOrder(v, a.status, a.notes("Nothing was given back."))
	}
	if err != nil {
		return err
	}
	v.tell(refundTold(r))
	return v.to("/orders/" + string(ord))
}

func refundTold(r order.Refund) string {
	switch r.State {
	case order.RefundConfirmed:
		return Money(r.Amount) + " is given back. The buyer sees it, and why."
	case order.RefundFailed:
		return "The payment provider refused it: nothing was given back."
	}
	return Money(r.Amount) + " is on its way back. The payment provider has not answered yet."
}

// refundNotes are what a brand's balance says beside the transfers of its refunds, by the refund's id.
func (v *visit) refundNotes(keys []string) (map[string]string, error) {
	var ids []id.Refund
	for _, k := range keys {
		if parts := strings.Split(k, ":"); len(parts) > 1 && (parts[0] == "refund" || parts[0] == "recovered") {
			ids = append(ids, id.Refund(parts[1]))
		}
	}
	list, err := v.site.Orders.BrandRefunds(v.ctx(), v.who, v.brand.ID, ids)
	says := map[string]string{}
	for _, r := range list {
		says[string(r.ID)] = "order " + Tail(string(r.Order)) + ": “" + r.Reason + "”"
	}
	return says, err
}

// stateTab is the state of the list a form of the board stood in.
func (v *visit) stateTab() order.State {
	if v.r.Method == http.MethodGet {
		return order.State(v.text("state"))
	}
	if tab := v.text("tab"); tab != "" {
		return order.State(tab)
	}
	return order.Paid
}
