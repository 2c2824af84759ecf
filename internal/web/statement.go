package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"mezzo/internal/fault"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payout"
)

// statement shows what happened to the owner's money in a time.
func (s *Site) statement(v *visit) error {
	owner, at := v.payoutOwner()
	page := StatementPage{At: at}
	from, to, err := payout.StatementTime(v.text("from"), v.text("to"), v.now)
	var st payout.Statement
	if err == nil {
		st, err = s.Payouts.Statement(v.ctx(), v.who, owner, money.Currency(v.text("currency")), from, to)
	}
	status := http.StatusOK
	if a, said := v.amissOf(err); said { // what was asked for cannot be: this month instead
		status, page.Notes = a.status, a.notes("This is no time for a statement.")
		from, to, _ = payout.StatementTime("", "", v.now)
		st, err = s.Payouts.Statement(v.ctx(), v.who, owner, "", from, to)
	}
	if err != nil {
		return err
	}
	if err := v.statementFor(&page, owner, st); err != nil {
		return err
	}
	page.fill(st, v.now)
	title := "Statement, " + page.Period
	if v.brand.ID != "" {
		page.Chrome = v.chrome(title, Brand, "money")
		return v.show(status, BrandStatement(page))
	}
	page.Chrome = v.chrome(title, Studio, "earnings")
	return v.show(status, StudioStatement(page))
}

// statementFor writes whose statement it is: name and address to those who may read who is paid, else the name.
func (v *visit) statementFor(page *StatementPage, owner payout.Owner, st payout.Statement) error {
	page.Who = []string{st.Name}
	if v.brand.ID != "" && !v.who.IsOwner(v.brand.ID) {
		return nil
	}
	p, err := v.site.Payouts.Payee(v.ctx(), v.who, owner)
	if fault.Is(err, fault.Unavailable) || err == nil && p.Name == "" {
		return nil
	}
	if err != nil {
		return err
	}
	page.Who = addressLines(order.Address{Name: p.Name, Line1: p.Line1, Line2: p.Line2, City: p.City, Region: p.Region, PostalCode: p.PostalCode, Country: p.Country})
	return nil
}

// fill lays a statement out: opening, each cause, closing, and every movement with what it left.
func (page *StatementPage) fill(st payout.Statement, now time.Time) {
	page.Code = string(st.Currency)
	page.Period = DayYear(st.From) + " to " + DayYear(st.To.Add(-time.Microsecond))
	page.Opening, page.Closing = standRows(st.Opening), standRows(st.Closing)
	page.Causes = []SumRow{{Label: "Stood at the beginning", Value: Money(st.Opening.Total), Total: true}}
	for _, c := range st.Causes {
		if !c.Amount.IsZero() {
			page.Causes = append(page.Causes, SumRow{Label: c.Says + timesWords(c.Count), Value: Money(c.Amount)})
		}
	}
	if st.Withheld != nil {
		page.Causes = append(page.Causes, SumRow{Label: "Of what was paid out, withheld as tax", Value: Money(*st.Withheld)})
	}
	page.Causes = append(page.Causes, SumRow{Label: "Stands at the end", Value: Money(st.Closing.Total), Total: true})
	page.Rows = Table{Label: "Each movement", Heads: []TableCell{{Text: "What"}, {Text: "When"}, {Text: "Account"}, {Text: "Amount", Num: true}, {Text: "Balance then", Num: true}}}
	total := st.Opening.Total
	for i, m := range st.Movements {
		total.Minor += m.Amount.Minor
		then := TableCell{Num: true}
		if st.Last(i) {
			then.Text = Money(total)
		}
		amount := TableCell{Text: Money(m.Amount), Num: true, Sub: besides(m)}
		page.Rows.Rows = append(page.Rows.Rows, []TableCell{{Text: m.Says, Sub: string(m.Transfer)}, {Text: DayTime(m.At), Nowrap: true}, {Text: standWords[m.Account]}, amount, then})
	}
	if sum := st.Vouchers; sum != nil {
		page.Vouchers = []SumRow{{Label: "The house’s vouchers, paid to you", Value: Money(sum.House)}, {Label: "Your own, a lower price", Value: Money(sum.Own)}}
	}
	query := func(from, to time.Time) string {
		return page.At + "/statement?" + url.Values{"from": {from.UTC().Format(time.DateOnly)}, "to": {to.UTC().Format(time.DateOnly)}, "currency": {page.Code}}.Encode()
	}
	month, _, _ := payout.StatementTime("", "", now)
	page.Months = []Link{{Text: "This month", URL: query(month, month.AddDate(0, 1, 0))}, {Text: "Last month", URL: query(month.AddDate(0, -1, 0), month)}}
	page.Pick = []Field{{Name: "from", Label: "From", Kind: "date", Value: st.From.UTC().Format(time.DateOnly)}, {Name: "to", Label: "Until before", Kind: "date", Value: st.To.UTC().Format(time.DateOnly)},
		{Name: "currency", Label: "Currency", Value: page.Code, Max: 3, Optional: true}}
	at := "/api/v1/me"
	if b := st.Owner.Brand(); b != "" {
		at = "/api/v1/brands/" + string(b)
	}
	same := url.Values{"from": {st.From.UTC().Format(time.RFC3339)}, "to": {st.To.UTC().Format(time.RFC3339)}, "currency": {page.Code}}.Encode()
	page.CSV, page.JSON = at+"/statements?format=csv&"+same, at+"/statements?format=json&"+same
}

// besides is what vouchers took off a sale, and who pays for it, or what tax was kept back of a payout.
func besides(m payout.Movement) string {
	var says []string
	if w := m.Withheld; w != nil && w.Minor > 0 {
		says = append(says, Money(*w)+" of it withheld as tax")
	} else if w != nil {
		says = append(says, "with "+Money(w.Neg())+" of tax that was withheld")
	}
	if m.House != nil && m.House.Minor > 0 {
		says = append(says, Money(*m.House)+" of it by a voucher of the house")
	}
	if m.Own != nil && m.Own.Minor > 0 {
		says = append(says, "after "+Money(*m.Own)+" off by yours")
	}
	return strings.Join(says, ", ")
}

// timesWords is how often something happened, where that is more than once.
func timesWords(n int) string {
	if n < 2 {
		return ""
	}
	return ", " + Count(n) + " times"
}

// standWords are an owner's accounts to their owner.
var standWords = map[string]string{"pending": "held", "available": "ready", "held": "under dispute", "reserve": "kept back", "owed": "owed"}

func standRows(x payout.Stands) []SumRow {
	var rows []SumRow
	for _, r := range []struct {
		label  string
		amount money.Amount
	}{{"Held until the hold has passed", x.Pending}, {"Ready to pay out", x.Available}, {"Under dispute", x.Held}, {"Kept back", x.Reserve}} {
		rows = append(rows, SumRow{Label: r.label, Value: Money(r.amount)})
	}
	if !x.Owed.IsZero() {
		rows = append(rows, SumRow{Label: "Owed to the platform", Value: MoneyLess(x.Owed)})
	}
	return append(rows, SumRow{Label: "All of it", Value: Money(x.Total), Total: true})
}
