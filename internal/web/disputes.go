package web

import (
	"net/http"

	"mezzo/internal/id"
	"mezzo/internal/order"
)

var disputeBadges = map[order.DisputeState]string{order.DisputeOpen: "the bank decides", order.DisputeWon: "won", order.DisputeLost: "lost"}

// disputeWords are the banks' reasons in words.
var disputeWords = map[string]string{
	"fraudulent": "The buyer says that they never bought it", "product_not_received": "The buyer says that it never came",
	"product_unacceptable": "The buyer says that it is not what was sold", "duplicate": "The buyer says that they were charged twice",
	"credit_not_processed": "The buyer says that a refund never came",
}

func disputeWhy(reason string) string {
	if says := disputeWords[reason]; says != "" {
		return says
	}
	return "The bank’s reason: “" + reason + "”"
}

func (v *visit) contestRowOf(d order.Dispute, sums order.DisputeSums) ContestRow {
	row := ContestRow{Order: Link{Text: "Order " + Tail(string(d.Order)), URL: "/orders/" + string(d.Order)}, Amount: sums.Amount, State: string(d.State),
		Badge: disputeBadges[d.State], Why: disputeWhy(d.Reason), At: d.OpenedAt}
	switch {
	case d.State == order.DisputeWon:
		row.Next = "What was held is where it was."
	case d.State == order.DisputeLost:
		row.Next = "The buyer has the money back."
	case v.takesEvidence(d) && len(d.Evidence) == 0:
		row.Next = "Without evidence by " + DayTime(d.DueBy) + " it is lost."
	case v.takesEvidence(d):
		row.Next = "Evidence was handed in; it can be changed until " + DayTime(d.DueBy) + "."
	default:
		row.Next = "The bank takes no more evidence and decides."
	}
	return row
}

func (v *visit) takesEvidence(d order.Dispute) bool {
	return d.State == order.DisputeOpen && v.now.Before(d.DueBy)
}

// disputeTabs are the states to choose from.
func disputeTabs(here string, state order.DisputeState) (tabs []Tab) {
	for _, t := range []struct {
		state order.DisputeState
		text  string
	}{{"", "All"}, {order.DisputeOpen, "Open"}, {order.DisputeWon, "Won"}, {order.DisputeLost, "Lost"}} {
		tabs = append(tabs, Tab{Text: t.text, URL: here + "?state=" + string(t.state), Here: t.state == state})
	}
	return tabs
}

// disputesOfBrand lists what banks dispute of a brand's orders.
func (s *Site) disputesOfBrand(v *visit) error {
	state, cursor := order.DisputeState(v.text("state")), id.Dispute(v.text("cursor"))
	list, err := s.Orders.BrandDisputes(v.ctx(), v.who, v.brand.ID, state, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	page := DisputesBoard{States: disputeTabs(v.brandURL("/disputes"), state)}
	page.Pager, list = disputePager(list, v.brandURL("/disputes?state="+string(state)), cursor)
	for i := range list {
		row := v.contestRowOf(list[i], list[i].Of(v.brand.ID))
		row.URL = v.brandURL("/disputes/" + string(list[i].ID))
		page.Rows = append(page.Rows, row)
	}
	page.Chrome = v.chrome("Disputes", Brand, "money")
	return v.show(http.StatusOK, Disputes(page))
}

func disputePager(list []order.Dispute, here string, cursor id.Dispute) (p Pager, shown []order.Dispute) {
	if len(list) > rowsPage {
		list = list[:rowsPage]
		p.Next = here + "&cursor=" + string(list[rowsPage-1].ID)
	}
	if cursor != "" {
		p.First = here
	}
	return p, list
}

// disputeOfBrand shows one of them.
func (s *Site) disputeOfBrand(v *visit) error { return s.showDispute(v, http.StatusOK, nil) }

func (s *Site) showDispute(v *visit, status int, change func(*DisputePage)) error {
	d, err := s.Orders.BrandDispute(v.ctx(), v.who, v.brand.ID, id.Dispute(v.r.PathValue("dispute")))
	if err != nil {
		return err
	}
	sums := d.Of(v.brand.ID)
	page := DisputePage{Row: v.contestRowOf(d, sums), Action: v.brandURL("/disputes/" + string(d.ID) + "/evidence"), Sums: []SumRow{
		{Label: "From you", Value: Money(sums.Own)}, {Label: "From creators", Value: Money(sums.Creators)},
		{Label: "From the house: its fee, the shipping", Value: Money(sums.Platform)}, {Label: "Back to the buyer", Value: Money(sums.Amount), Total: true}}}
	switch {
	case d.State != order.DisputeOpen:
		page.Held = "The bank has decided."
	case !d.Frozen():
		page.Held = "Who earns by this order is still being decided; then your share is held."
	case !sums.Owed.IsZero():
		page.Held = Money(sums.Owed) + " of what was paid out already is owed meanwhile, and paid from your reserve and what becomes available next. The bank’s fee is the house’s."
	default:
		page.Held = "Your share is held until the bank has decided. The bank’s fee is the house’s."
	}
	if len(d.Evidence) > 0 {
		page.Evidence, page.SaidAt = d.Evidence[0].Says, d.Evidence[0].At
	}
	if v.takesEvidence(d) {
		page.Says = &Field{Name: "evidence", Label: "What happened", Max: order.MaxEvidence, Rows: 6,
			Hint: "What was sold, when it was sent and to whom, its number, what the buyer wrote. The bank reads it. It takes the place of what was handed in before."}
	}
	if change != nil {
		change(&page)
	}
	page.Chrome = v.chrome("Dispute", Brand, "money")
	return v.show(status, DisputeOfBrand(page))
}

// submitEvidence hands in what speaks for the brand.
func (s *Site) submitEvidence(v *visit) error {
	did := id.Dispute(v.r.PathValue("dispute"))
	_, err := s.Orders.SubmitEvidence(v.ctx(), v.who, v.brand.ID, did, v.text("evidence"))
	if a, said := v.amissOf(err); said {
		return s.showDispute(v, a.status, func(page *DisputePage) {
			if page.Says != nil {
				page.Says.Value = v.text("evidence")
				a.mark(page.Says)
			}
			page.Notes = a.notes("Nothing was handed in.")
		})
	}
	return v.kept(err, "Handed in. The bank reads it and decides.", "/disputes/"+string(did))
}

// disputesOfHouse lists all disputes for the operator.
func (s *Site) disputesOfHouse(v *visit) error {
	state, cursor := order.DisputeState(v.text("state")), id.Dispute(v.text("cursor"))
	list, err := s.Orders.OperatorDisputes(v.ctx(), v.who, state, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	page := DisputesBoard{House: true, States: disputeTabs("/operator/disputes", state)}
	page.Pager, list = disputePager(list, "/operator/disputes?state="+string(state), cursor)
	for i := range list {
		d := &list[i]
		sums := d.All()
		row := v.contestRowOf(*d, sums)
		row.Amount = d.Amount
		parties := Money(sums.Own) + " from brands, " + Money(sums.Creators) + " from creators, " + Money(sums.Platform) + " from the house"
		switch d.State {
		case order.DisputeWon:
			row.Next = ""
			row.Costs = "Nobody lost by it but the house: the bank’s fee of " + Money(d.Fee) + ". What was held went back: " + parties
		case order.DisputeLost:
			row.Costs = "Taken: " + parties + ", and the bank’s fee of " + Money(d.Fee) + " from the house"
		default:
			row.Costs = "Held, and lost if the bank says so: " + parties + ", and the bank’s fee of " + Money(d.Fee) + " from the house either way"
		}
		if beyond := d.Amount.Minor - d.Covered.Minor; beyond > 0 && d.State != order.DisputeWon {
			row.Costs += ". More than the buyer had not got back already: that is the house’s loss too"
		}
		row.Costs += "."
		page.Rows = append(page.Rows, row)
	}
	page.Chrome = v.chrome("Disputes", Operator, "money")
	return v.show(http.StatusOK, Disputes(page))
}

// disputeNotes say on an order's page how its disputes stand.
func disputeNotes(o order.Order) (notes []Note) {
	bank := "The buyer’s bank"
	if o.Asker == order.AsBuyer {
		bank = "Your bank"
	}
	for _, d := range o.Disputes {
		n := Note{Tone: "wait", Head: bank + " is looking into this payment.", Text: Money(d.Amount) + " is disputed. Until the bank has decided, nothing of this order is given back or paid out here."}
		if o.Asker == order.AsBuyer {
			n.Text += " So it cannot be cancelled or sent back until then."
		}
		switch d.State {
		case order.DisputeWon:
			n = Note{Head: bank + " let the payment stand.", Text: Money(d.Amount) + " was disputed."}
		case order.DisputeLost:
			n = Note{Tone: "good", Head: bank + " gave the money back.", Text: Money(d.Amount) + " came back by the dispute, beside any refund here."}
			if o.Asker != order.AsBuyer {
				n.Tone = "bad"
			}
		}
		notes = append(notes, n)
	}
	return notes
}
