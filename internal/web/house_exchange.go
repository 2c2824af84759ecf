package web

import (
	"strings"
	"time"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// exchangedWords says what exchanges have done to own money in one currency.
func exchangedWords(changed money.Amount) string {
	if changed.Minor < 0 {
		return " " + Money(changed.Neg()) + " of it came from other currencies."
	}
	return " " + Money(changed) + " went into other currencies."
}

// changedMoney fills in what was changed into other currencies, and the form that notes more.
func (v *visit) changedMoney(page *BankPage) error {
	list, err := v.site.Payouts.Exchanges(v.ctx(), v.who, "", bankRows)
	if err != nil {
		return err
	}
	page.Change = []Field{{Name: "out", Label: "Went out", Mode: "decimal"}, {Name: "out_currency", Label: "Currency that went out", Max: 3}, {Name: "in", Label: "Came in", Mode: "decimal", ID: "came"},
		{Name: "in_currency", Label: "Currency that came in", Max: 3}, {Name: "on", Label: "Day on the statement", Kind: "date", Value: v.now.UTC().Format(time.DateOnly)},
		{Name: "reference", Label: "The bank’s reference", Max: 100, ID: "exchange-reference"}}
	page.Changed = Table{Label: "What was changed into other currencies", Heads: []TableCell{{Text: "Line"}, {Text: "Went out", Num: true}, {Text: "Came in", Num: true}, {Text: "Rate", Num: true}}}
	for _, x := range list {
		page.Changed.Rows = append(page.Changed.Rows, []TableCell{{Text: x.Reference, Sub: dayOn(x.On) + ", noted by " + v.nameOf(id.Account(x.MadeBy))}, {Text: Money(x.Out), Num: true}, {Text: Money(x.In), Num: true}, {Text: x.Rate, Num: true}})
	}
	return nil
}

// dayOn is a day of a bank's statement as people read it.
func dayOn(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return DayYear(at)
}

// noteExchange notes own money that the bank has changed.
func (s *Site) noteExchange(v *visit) error {
	amount := func(name string) (money.Amount, error) {
		a, err := money.Parse(decimal(v.text(name)), money.Currency(strings.ToUpper(v.text(name+"_currency"))))
		if err != nil {
			err = fault.InvalidField("body."+name, "Write the amount in figures, such as 50.00, and a currency such as USD.")
		}
		return a, err
	}
	out, err := amount("out")
	var in money.Amount
	if err == nil {
		in, err = amount("in")
	}
	if err == nil {
		_, err = s.Payouts.Exchange(v.keyed(), v.who, out, in, v.text("on"), v.text("reference"))
	}
	if a, said := v.amissOf(err); said {
		return s.showBank(v, a.status, func(p *BankPage) {
			for i := range p.Change {
				p.Change[i].Value = v.text(p.Change[i].Name)
				a.mark(&p.Change[i])
			}
			p.Notes = a.notes("Nothing was noted.")
		})
	}
	if err != nil {
		return err
	}
	v.tell(Money(out) + " went out, " + Money(in) + " came in.")
	return v.to("/operator/bank")
}
