package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// reasonField is the name of the field that says why a line goes back.
const reasonField = "reason_"

// returnSays is how a return stands, in words.
var returnSays = map[order.ReturnState]string{
	order.ReturnRequested: "waits for the seller", order.ReturnApproved: "agreed", order.ReturnDeclined: "declined",
	order.ReturnWithdrawn: "taken back", order.ReturnRefunded: "money given back",
}

// returnFormOf is the form with which a buyer asks to return something of a part; nil when nothing may be.
func returnFormOf(o order.Order, p order.Part, now time.Time) *ReturnForm {
	until := p.DeliveredAt.Add(order.ReturnWindow)
	if p.State != order.Delivered || now.After(until) || inDispute(o) {
		return nil
	}
	f := &ReturnForm{Action: "/orders/" + string(o.ID) + "/returns", Part: string(p.ID), Until: Day(until)}
	for _, l := range o.Lines {
		left := l.Left()
		for _, r := range o.Returns {
			for _, u := range r.Lines {
				if u.Line == l.ID && (r.State == order.ReturnRequested || r.State == order.ReturnApproved) {
					left -= u.Quantity
				}
			}
		}
		if l.Part != p.ID || left <= 0 {
			continue
		}
		u := Field{Name: unitsField + string(l.ID), ID: "return-" + unitsField + string(l.ID), Label: titled(l.Title, l.VariantTitle), Options: []Option{{Value: "0", Label: "none"}}}
		for n := int64(1); n <= left; n++ {
			u.Options = append(u.Options, Option{Value: strconv.FormatInt(n, 10), Label: Count(n) + " of " + Count(l.Quantity)})
		}
		f.Lines = append(f.Lines, ReturnLine{Units: u, Reason: Field{Name: reasonField + string(l.ID), Label: "Why", Max: order.MaxReason, Optional: true, ID: reasonField + string(l.ID)}})
	}
	if len(f.Lines) == 1 { // whoever opens this means the one thing there is
		f.Lines[0].Units.Options[1].Chosen = true
	}
	if len(f.Lines) == 0 {
		return nil
	}
	return f
}

// fill puts back what was typed into a form that was refused.
func (f *ReturnForm) fill(v *visit) {
	f.Open = true
	for i := range f.Lines {
		l := &f.Lines[i]
		l.Reason.Value = v.text(l.Reason.Name)
		for j := range l.Units.Options {
			l.Units.Options[j].Chosen = l.Units.Options[j].Value == v.text(l.Units.Name)
		}
	}
}

// returnRowOf is a return as its order's lines name it.
func returnRowOf(o order.Order, r order.Return) ReturnRow {
	row := ReturnRow{ID: string(r.ID), State: string(r.State), Says: returnSays[r.State], Keeps: r.Keeps, Note: r.Note, At: r.CreatedAt,
		Parcel: strings.TrimSpace(r.Carrier + " " + r.Tracking), Next: returnNext(r)}
	for _, u := range r.Lines {
		for _, l := range o.Lines {
			if l.ID == u.Line {
				row.What = append(row.What, timesOf(int(u.Quantity), titled(l.Title, l.VariantTitle))+": “"+u.Reason+"”")
			}
		}
	}
	if r.State == order.ReturnApproved && !r.SentAt.IsZero() {
		row.Says = "on its way back"
	}
	if r.State == order.ReturnApproved && r.Refund != "" {
		row.Says = refundRefused
	}
	if i := slices.IndexFunc(o.Refunds, func(f order.Refund) bool { return f.ID == r.Refund }); i >= 0 {
		switch f := o.Refunds[i]; f.State {
		case order.RefundFailed:
			row.Next = strings.TrimSpace("The payment provider refused to give " + Money(f.Amount) + " back. " + row.Next)
		default:
			row.Next = Money(f.Amount) + " is given back."
		}
	}
	return row
}

// returnNext says what happens if nobody says anything.
func returnNext(r order.Return) string {
	by := DayTime(r.DueAt)
	switch {
	case r.State == order.ReturnRequested && r.Keeps:
		return "Without an answer by " + by + " it is agreed, and the money goes back."
	case r.State == order.ReturnRequested:
		return "Without an answer by " + by + " it is agreed."
	case r.State == order.ReturnApproved && r.Refund != "":
		return "The money did not go back: the seller is to give it back again, or by " + by + " the shop does; until then nobody is paid."
	case r.State == order.ReturnApproved && r.SentAt.IsZero():
		return "To be sent back by " + by + "; otherwise it stays sold."
	case r.State == order.ReturnApproved:
		return "The money goes back when it has come, at the latest on " + by + "."
	}
	return ""
}

// returnsOf are the returns and the forms of an order's page, for its buyer.
func (v *visit) returnsOf(o order.Order, token string) (rows []ReturnRow, forms []ReturnForm) {
	for _, r := range o.Returns {
		row := returnRowOf(o, r)
		if o.Asker == order.AsBuyer {
			row.Token, row.Drop = token, r.State == order.ReturnRequested || r.State == order.ReturnApproved && r.SentAt.IsZero()
			if r.State == order.ReturnApproved && r.SentAt.IsZero() && r.Refund == "" {
				row.Send = []Field{{Name: "carrier", Label: "Carrier", Max: order.MaxCarrier, ID: "carrier-" + row.ID},
					{Name: "tracking", Label: "Tracking number", Max: order.MaxCarrier, Optional: true, ID: "tracking-" + row.ID}}
			}
		}
		rows = append(rows, row)
	}
	if o.Asker != order.AsBuyer {
		return rows, nil
	}
	for _, p := range o.Parts {
		if f := returnFormOf(o, p, v.now); f != nil {
			f.Token = token
			forms = append(forms, *f)
		}
	}
	return rows, forms
}

// buyer returns who asks of an order, a return or a claim: who brings the order's token is its buyer.
func (v *visit) buyer(of string) (account.Asker, error) {
	return v.site.Orders.Bearer(v.ctx(), v.who, of, v.text("token"))
}

// askReturn asks the brand of a part to take something back.
func (s *Site) askReturn(v *visit) error {
	ord := id.Order(v.r.PathValue("order"))
	in := order.NewReturn{Keeps: v.text("keep") == "1"}
	for name := range v.r.PostForm {
		line, ok := strings.CutPrefix(name, unitsField)
		if n, whole := v.number(name); ok && (!whole || n != 0) {
			in.Lines = append(in.Lines, order.ReturnUnits{Line: id.Line(line), Quantity: n, Reason: v.text(reasonField + line)})
		}
	}
	slices.SortFunc(in.Lines, func(a, b order.ReturnUnits) int { return strings.Compare(string(a.Line), string(b.Line)) })
	who, err := v.buyer(string(ord))
	if err == nil {
		_, err = s.Orders.Return(v.ctx(), who, ord, in)
	}
	if a, said := v.amissOf(err); said {
		return s.showOrder(v, a.status, a.notes("Nothing was asked."))
	}
	if err != nil {
		return err
	}
	v.tell("The seller has 48 hours to answer.")
	return v.toOrder(ord)
}

// toOrder leads back to an order's page, a guest with the token.
func (v *visit) toOrder(ord id.Order) error {
	url := "/orders/" + string(ord)
	if token := v.text("token"); token != "" {
		url += "?token=" + token
	}
	return v.to(url)
}

// sendReturn notes that the buyer has sent a return back.
func (s *Site) sendReturn(v *visit) error {
	return s.changeReturn(v, "The seller has 14 days to say that it came.", func(who account.Asker, rid id.Return) (order.Return, error) {
		return s.Orders.SendReturn(v.ctx(), who, rid, v.text("carrier"), v.text("tracking"))
	})
}

// dropReturn takes a return back.
func (s *Site) dropReturn(v *visit) error {
	return s.changeReturn(v, "Taken back: it stays sold.", func(who account.Asker, rid id.Return) (order.Return, error) {
		return s.Orders.WithdrawReturn(v.ctx(), who, rid)
	})
}

func (s *Site) changeReturn(v *visit, says string, change func(account.Asker, id.Return) (order.Return, error)) error {
	rid := id.Return(v.r.PathValue("return"))
	who, err := v.buyer(string(rid))
	if err != nil {
		return err
	}
	before, err := s.Orders.MyReturn(v.ctx(), who, rid)
	if err != nil {
		return err
	}
	_, err = change(who, rid)
	if a, said := v.amissOf(err); said {
		v.tell("Nothing was changed. " + a.detail)
		return v.toOrder(before.Order)
	}
	if err != nil {
		return err
	}
	v.tell(says)
	return v.toOrder(before.Order)
}

// returnsOfBrand lists what buyers ask the brand to take back.
func (s *Site) returnsOfBrand(v *visit) error { return s.showReturns(v, http.StatusOK, nil) }

func (s *Site) showReturns(v *visit, status int, change func(*ReturnsBoard)) error {
	state := order.ReturnState(v.text("state"))
	if v.r.Method != http.MethodGet {
		state = order.ReturnState(v.text("tab"))
	}
	list, err := s.Orders.BrandReturns(v.ctx(), v.who, v.brand.ID, state, id.Return(v.text("cursor")), rowsPage+1)
	if err != nil {
		return err
	}
	counts, err := s.Orders.BrandReturnCounts(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	page, here := ReturnsBoard{}, v.brandURL("/returns?state="+string(state))
	for _, t := range []struct {
		state order.ReturnState
		text  string
	}{{"", "All"}, {order.ReturnRequested, "To answer"}, {order.ReturnApproved, "Agreed"}, {order.ReturnRefunded, "Given back"}, {order.ReturnDeclined, "Declined"}} {
		page.States = append(page.States, Tab{Text: t.text, URL: v.brandURL("/returns?state=" + string(t.state)), Here: t.state == state, Count: int(counts[t.state])})
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + "&cursor=" + string(list[rowsPage-1].ID)
	}
	if v.text("cursor") != "" {
		page.Pager.First = here
	}
	for _, r := range list {
		o, err := s.Orders.Order(v.ctx(), v.who, r.Order, "")
		if err != nil {
			return err
		}
		row := returnRowOf(o, r)
		row.Order, row.Decide = string(r.Order), v.decideFormOf(r, string(state))
		if r.State == order.ReturnRequested {
			row.Says = "waits for you"
		}
		page.Rows = append(page.Rows, row)
	}
	open, err := s.Orders.BrandClaims(v.ctx(), v.who, v.brand.ID, order.ClaimOpen, "", rowsPage)
	if err != nil {
		return err
	}
	for _, c := range open {
		row := claimRowOf(c)
		row.Order, row.Badge = string(c.Order), "waits for you"
		row.Answer = &AnswerForm{Action: v.brandURL("/claims/" + string(c.ID) + "/answer"), Tab: string(state),
			Proof: Field{Name: "proof", Label: "What proves that it came", Max: order.MaxProof, Rows: 3, Optional: true, Hint: "Carrier, number, when and to whom. The buyer reads it.", ID: "proof-" + string(c.ID)}}
		page.Claims = append(page.Claims, row)
	}
	if change != nil {
		change(&page)
	}
	page.Chrome = v.chrome("Returns", Brand, "orders")
	return v.show(status, ReturnsOfBrand(page))
}

// decideFormOf is the brand's answer to a return; nil when it is settled.
func (v *visit) decideFormOf(r order.Return, tab string) *DecideForm {
	f := &DecideForm{Action: v.brandURL("/returns/" + string(r.ID) + "/decision"), Tab: tab, Restock: !r.Keeps,
		Note: Field{Name: "note", Label: "What you say to it", Max: order.MaxReason, Optional: true, Hint: "The buyer reads it. Needed to decline.", ID: "note-" + string(r.ID)}}
	switch {
	case r.State == order.ReturnApproved && r.Refund != "":
		f.Answers = []Option{{Value: "refund", Label: "Give the money back again"}}
	case r.State == order.ReturnApproved:
		f.Answers = []Option{{Value: "refund", Label: "It has come: give the money back"}}
	case r.State != order.ReturnRequested:
		return nil
	case r.Keeps:
		f.Answers = []Option{{Value: "approve", Label: "Give the money back"}, {Value: "decline", Label: "Decline"}}
	default:
		f.Answers, f.Restock = []Option{{Value: "approve", Label: "Agreed, send it back"}, {Value: "refund", Label: "Give the money back now"}, {Value: "decline", Label: "Decline"}}, false
	}
	return f
}

// decideReturn is the brand's answer.
func (s *Site) decideReturn(v *visit) error {
	rid, tab := id.Return(v.r.PathValue("return")), v.text("tab")
	r, err := s.Orders.DecideReturn(v.ctx(), v.who, rid, order.Decision{Verdict: order.Verdict(v.text("decision")), Note: v.text("note"), Restock: v.text("restock") == "1"})
	if a, said := v.amissOf(err); said {
		return s.showReturns(v, a.status, func(page *ReturnsBoard) {
			for i := range page.Rows {
				if d := page.Rows[i].Decide; page.Rows[i].ID == string(rid) && d != nil {
					d.Note.Value = v.text("note")
					a.mark(&d.Note)
				}
			}
			page.Notes = a.notes("Nothing was decided.")
		})
	}
	says := map[order.ReturnState]string{order.ReturnApproved: "Agreed. The buyer sends it back.", order.ReturnDeclined: "Declined. The buyer reads why.", order.ReturnRefunded: "The money goes back."}[r.State]
	if r.State == order.ReturnApproved && r.Refund != "" {
		says = notGivenBack
	}
	return v.kept(err, says, "/returns?state="+tab)
}
