package web

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

// houseDebts lists who owes the house something, and what was given up.
func (s *Site) houseDebts(v *visit) error {
	return s.showDebts(v, http.StatusOK, func(*DebtsPage) {})
}

func (s *Site) showDebts(v *visit, status int, change func(*DebtsPage)) error {
	page, here, after := DebtsPage{Tabs: moneyTabs("/operator/debts")}, "/operator/debts", ""
	if v.r.Method == http.MethodGet {
		after = v.text("cursor")
	}
	list, next, err := s.Payouts.Debts(v.ctx(), v.who, after, rowsPage)
	if err != nil {
		return err
	}
	if after != "" {
		page.Pager.First = here
	}
	if next != "" {
		page.Pager.Next = here + "?cursor=" + url.QueryEscape(next)
	}
	for i, d := range list {
		page.Debts = append(page.Debts, debtRow(d, strconv.Itoa(i)))
	}
	offs, err := s.Payouts.WriteOffs(v.ctx(), v.who, "", rowsPage)
	if err != nil {
		return err
	}
	for _, w := range offs {
		page.Offs = append(page.Offs, v.writeOffRow(w))
	}
	change(&page)
	page.Chrome = v.chrome("Debts", Operator, "money")
	return v.show(status, HouseDebts(page))
}

func debtRow(d payout.Debt, nth string) DebtRow {
	row := DebtRow{Owner: string(d.Owner), Name: d.Name, What: "a creator", Owed: Money(d.Owed), Currency: string(d.Owed.Currency), Key: rand.Text(), Waiting: d.Waiting,
		Fields: []Field{{Name: "amount", ID: "amount-" + nth, Label: "How much, " + string(d.Owed.Currency), Mode: "decimal", Value: d.Owed.Decimal()},
			{Name: "reason", ID: "reason-" + nth, Label: "Why", Max: payout.MaxWriteOffReason}}}
	if b := d.Owner.Brand(); b != "" {
		row.What, row.URL = "a brand", "/brand/"+string(b)+"/balance"
	}
	if !d.Pending.IsZero() {
		row.Lines = append(row.Lines, Money(d.Pending)+" of theirs is held and pays it first, once its hold has passed.")
	}
	if !d.Reserve.IsZero() {
		row.Lines = append(row.Lines, Money(d.Reserve)+" of theirs is kept back.")
	}
	return row
}

// writeOffWords are what a write-off's state is called, and its tone.
var writeOffWords = map[payout.WriteOffState][2]string{
	payout.WriteOffWaits: {"waits for another operator", "wait"}, payout.WriteOffBooked: {"given up", "bad"}, payout.WriteOffDeclined: {"declined", ""},
}

func (v *visit) writeOffRow(w payout.WriteOff) WriteOffRow {
	words := writeOffWords[w.State]
	row := WriteOffRow{ID: string(w.ID), Name: w.Name, Amount: Money(w.Amount), Says: words[0], Tone: words[1], Why: "“" + w.Reason + "”", Waiting: w.State == payout.WriteOffWaits,
		Lines:  []string{v.nameOf(id.Account(w.MadeBy)) + " on " + DayTime(w.CreatedAt)},
		Reason: Field{Name: "reason", ID: "why-" + string(w.ID), Label: "Why not", Max: payout.MaxWriteOffReason, Optional: true, Hint: "Needed to decline."}}
	if row.Waiting && w.MadeBy == v.who.Actor() {
		row.Bar = "You have proposed it yourself. Another operator must agree."
	}
	if w.DecidedAt != nil {
		says := v.nameOf(id.Account(w.DecidedBy)) + " decided on " + DayTime(*w.DecidedAt)
		if w.Note != "" {
			says += ": “" + w.Note + "”"
		}
		row.Lines = append(row.Lines, says)
	}
	return row
}

// giveUpDebt writes off what somebody owes, or proposes to.
func (s *Site) giveUpDebt(v *visit) error {
	in := payout.NewWriteOff{Owner: payout.Owner(v.r.PathValue("owner")), Reason: v.text("reason")}
	code := money.Currency(strings.ToUpper(v.text("currency")))
	amount, err := money.Parse(v.text("amount"), code)
	var w payout.WriteOff
	if err != nil {
		err = fault.InvalidField("body.amount", "Write the amount in figures, such as 50.00.")
	} else {
		in.Amount = amount
		w, err = s.Payouts.WriteOff(v.keyed(), v.who, in)
	}
	if a, said := v.amissOf(forbiddenSaid(err)); said {
		return s.showDebts(v, a.status, func(p *DebtsPage) {
			for i := range p.Debts {
				if d := &p.Debts[i]; d.Owner == string(in.Owner) && d.Currency == string(code) {
					d.Open, d.Fields[0].Value, d.Fields[1].Value = true, v.text("amount"), in.Reason
					a.mark(&d.Fields[0], &d.Fields[1])
				}
			}
			p.Notes = a.notes("Nothing was given up.")
		})
	}
	if err != nil {
		return err
	}
	if w.State == payout.WriteOffWaits {
		v.tell("It is above the limit: another operator must agree.")
	} else {
		v.tell(Money(w.Amount) + " is owed no more.")
	}
	return v.to("/operator/debts")
}

// decideWriteOff is another operator's word on a write-off above the limit.
func (s *Site) decideWriteOff(v *visit) error {
	wof, reason, approves := id.WriteOff(v.r.PathValue("write_off")), v.text("reason"), v.text("do") == "approve"
	w, err := s.Payouts.DecideWriteOff(v.ctx(), v.who, wof, approves, reason)
	if a, said := v.amissOf(forbiddenSaid(err)); said {
		return s.showDebts(v, a.status, func(p *DebtsPage) {
			for i := range p.Offs {
				if r := &p.Offs[i]; r.ID == string(wof) {
					r.Open, r.Reason.Value = true, reason
					a.mark(&r.Reason)
				}
			}
			p.Notes = a.notes("Nothing was decided.")
		})
	}
	if err != nil {
		return err
	}
	if w.State == payout.WriteOffBooked {
		v.tell(Money(w.Amount) + " is owed no more.")
	} else {
		v.tell("Declined. It is still owed.")
	}
	return v.to("/operator/debts")
}
