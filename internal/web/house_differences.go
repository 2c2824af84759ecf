package web

import (
	"net/http"
	"strconv"
	"strings"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payout"
)

// differencesShown bounds the list.
const differencesShown = 100

// houseDifferences lists where provider and books do not say the same.
func (s *Site) houseDifferences(v *visit) error {
	return s.showDifferences(v, http.StatusOK, func(*DifferencesPage) {})
}

func (s *Site) showDifferences(v *visit, status int, change func(*DifferencesPage)) error {
	page := DifferencesPage{Tabs: moneyTabs("/operator/differences"), Settled: v.r.Method == http.MethodGet && v.text("state") == "settled"}
	list, last, err := s.Payouts.Differences(v.ctx(), v.who, page.Settled, differencesShown)
	if err != nil {
		return err
	}
	here := "/operator/differences"
	page.Kinds = []Tab{{Text: "Open", URL: here, Here: !page.Settled}, {Text: "Dealt with", URL: here + "?state=settled", Here: page.Settled}}
	page.Can = last.Provider != ""
	switch {
	case !page.Can:
		page.Last = "No provider tells what it holds: nothing is compared."
	case last.At.IsZero():
		page.Last = "Not compared yet."
	default:
		page.Last = "Compared on " + DayTime(last.At) + ": " + CountOf(last.Lines, "movement", "") + ", " + CountOf(last.Found, "difference", "") + "."
	}
	for i, d := range list {
		row := v.differenceRow(d)
		row.Reason.ID = "note-" + strconv.Itoa(i)
		page.Rows = append(page.Rows, row)
	}
	change(&page)
	page.Chrome = v.chrome("Differences", Operator, "money")
	return v.show(status, HouseDifferences(page))
}

func (v *visit) differenceRow(d payout.Difference) DifferenceRow {
	what, advice := payout.SubjectWords(d.Subject)
	row := DifferenceRow{Provider: d.Provider, Subject: d.Subject, Currency: string(d.Theirs.Currency), What: what, Advice: advice, When: "first seen " + DayTime(d.FoundAt),
		Sums: []SumRow{{Label: "The provider says", Value: Money(d.Theirs)}, {Label: "The books say", Value: Money(d.Ours)},
			{Label: "Gap", Value: Money(money.Of(d.Theirs.Minor-d.Ours.Minor, d.Theirs.Currency)), Total: true}},
		Reason: Field{Name: "note", Label: "How it was dealt with", Max: 300}}
	if ord, ok := strings.CutPrefix(d.Subject, "order:"); ok {
		row.URL = "/orders/" + ord
	}
	switch {
	case d.SettledAt == nil:
	case d.SettledBy == "agreed":
		row.Note = "Both sides agree since " + DayTime(*d.SettledAt) + "."
	default:
		row.Note = v.nameOf(id.Account(d.SettledBy)) + " on " + DayTime(*d.SettledAt) + ": “" + d.Note + "”"
	}
	return row
}

// compareNow compares provider and books at once.
func (s *Site) compareNow(v *visit) error {
	c, err := s.Payouts.Reconcile(v.ctx(), v.who)
	if a, said := v.amissOf(err); said {
		return s.showDifferences(v, a.status, func(p *DifferencesPage) { p.Notes = a.notes("Nothing was compared.") })
	}
	if err != nil {
		return err
	}
	v.tell("Compared: " + CountOf(c.Lines, "movement", "") + ", " + CountOf(c.Found, "difference", "") + ".")
	return v.to("/operator/differences")
}

// noteDifference takes a difference off the list, with the reason.
func (s *Site) noteDifference(v *visit) error {
	m := payout.Mark{Provider: v.text("provider"), Subject: v.text("subject"), Currency: money.Currency(v.text("currency"))}
	_, err := s.Payouts.SettleDifference(v.ctx(), v.who, m, v.text("note"))
	if a, said := v.amissOf(err); said {
		return s.showDifferences(v, a.status, func(p *DifferencesPage) {
			for i := range p.Rows {
				if r := &p.Rows[i]; r.Subject == m.Subject && r.Provider == m.Provider && r.Currency == string(m.Currency) {
					r.Open, r.Reason.Value = true, v.text("note")
					a.mark(&r.Reason)
				}
			}
			p.Notes = a.notes("It stays on the list.")
		})
	}
	if err != nil {
		return err
	}
	v.tell("It is off the list; your note stays.")
	return v.to("/operator/differences")
}

// forbiddenSaid lets a page say what an operator may not do, where it stands.
func forbiddenSaid(err error) error {
	if f := faultOf(err); err != nil && f.Kind == fault.Forbidden && f.Type == "own_payout" {
		return fault.New(fault.Conflict, "%s", f.Detail)
	}
	return err
}

// houseReserves lists what is kept back of brands.
func (s *Site) houseReserves(v *visit) error {
	return s.showReserves(v, http.StatusOK, v.text("q"), func(*ReservesPage) {})
}

func (s *Site) showReserves(v *visit, status int, words string, change func(*ReservesPage)) error {
	list, err := s.Orders.Reserves(v.ctx(), v.who, words, rowsPage)
	if err != nil {
		return err
	}
	page := ReservesPage{Tabs: moneyTabs("/operator/reserves"), Query: words}
	for i, h := range list {
		t := h.Terms
		row := ReserveRow{Brand: string(t.Brand), Name: h.Name, Kept: Money(h.Amount), Terms: "Nothing is kept back of what is released from now on."}
		if t.Bps > 0 {
			row.Terms = Percent(int64(t.Bps)) + " of its share of the goods is kept back for " + CountOf(t.Days, "day", "") + "."
		}
		if !t.Own {
			row.Terms += " These are the house’s own terms."
		} else {
			row.Why = "Since " + DayYear(t.From) + ": “" + t.Reason + "”"
		}
		if h.Parts > 0 {
			row.Next = "Of " + CountOf(h.Parts, "part", "") + " of orders; the first is released on " + Day(h.NextAt) + "."
		}
		n := strconv.Itoa(i)
		row.Fields = []Field{{Name: "percent", ID: "percent-" + n, Label: "Share kept back, %", Mode: "decimal", Value: strings.TrimSuffix(Percent(int64(t.Bps)), " %")},
			{Name: "days", ID: "days-" + n, Label: "For how many days", Kind: "number", Least: "0", Most: strconv.Itoa(order.MaxReserveDays), Value: strconv.FormatInt(t.Days, 10)},
			{Name: "reason", ID: "reason-" + n, Label: "Why", Max: order.MaxReason, Hint: "The brand reads it."}}
		page.Rows = append(page.Rows, row)
	}
	change(&page)
	page.Chrome = v.chrome("Reserves", Operator, "money")
	return v.show(status, HouseReserves(page))
}

// setReserve sets what is kept back of a brand from now on.
func (s *Site) setReserve(v *visit) error {
	brand := id.Brand(v.r.PathValue("b"))
	bps, err := rateOf(v.text("percent"))
	days, whole := v.number("days")
	switch {
	case err != nil:
		err = fault.InvalidField("body.percent", "Write the share in figures, such as 10 or 2.5.")
	case !whole:
		err = fault.InvalidField("body.days", "Write the days in figures.")
	default:
		_, err = s.Orders.SetReserve(v.ctx(), v.who, brand, order.Reserve{Bps: bps, Days: days}, v.text("reason"))
	}
	if a, said := v.amissOf(err); said {
		return s.showReserves(v, a.status, "", func(p *ReservesPage) {
			for i := range p.Rows {
				if r := &p.Rows[i]; r.Brand == string(brand) {
					r.Open = true
					for j := range r.Fields {
						r.Fields[j].Value = v.text(r.Fields[j].Name)
						a.mark(&r.Fields[j])
					}
				}
			}
			p.Notes = a.notes("Nothing was changed.")
		})
	}
	if err != nil {
		return err
	}
	v.tell("It holds for what is released from now on.")
	return v.to("/operator/reserves")
}
