package web

import (
	"net/http"
	"strings"

	"mezzo/internal/id"
	"mezzo/internal/payout"
)

// payoutLists are the lists of payouts the operator looks at, with what is said of an empty one.
var payoutLists = []struct {
	waits payout.Waits
	text  string
	empty Empty
}{
	{payout.WaitApproval, "To approve", Empty{Art: "candle", Head: "Nothing waits for an approval", Text: "Payouts above the limit stand here until as many operators have agreed as the settings ask for."}},
	{payout.WaitRail, "On their way", Empty{Art: "candle", Head: "Nothing is on its way", Text: "Payouts that a provider or the bank has, or that wait for a file, stand here."}},
	{payout.WaitTrouble, "Did not arrive", Empty{Art: "candle", Head: "Everything arrived", Text: "Payouts that failed or came back stand here, with why."}},
	{payout.WaitNothing, "All", Empty{Art: "board", Head: "Nobody has been paid out yet", Text: "Each payout stands here, the newest first."}},
}

// housePayouts lists what leaves.
func (s *Site) housePayouts(v *visit) error {
	return s.showHousePayouts(v, http.StatusOK, func(*HousePayoutsPage) {})
}

func (s *Site) showHousePayouts(v *visit, status int, change func(*HousePayoutsPage)) error {
	page := HousePayoutsPage{Tabs: moneyTabs("/operator/payouts")}
	which, after := payoutLists[0], id.Payout("")
	if v.r.Method == http.MethodGet {
		after = id.Payout(v.text("cursor"))
		if word := v.text("waiting"); word != "" {
			for _, l := range payoutLists {
				if string(l.waits) == strings.TrimPrefix(word, "all") {
					which = l
				}
			}
		}
	}
	for _, l := range payoutLists {
		page.Kinds = append(page.Kinds, Tab{Text: l.text, URL: payoutListURL(l.waits), Here: l.waits == which.waits})
	}
	page.Empty = which.empty
	list, err := s.Payouts.Find(v.ctx(), v.who, which.waits, after, rowsPage+1)
	if err != nil {
		return err
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = payoutListURL(which.waits) + "&cursor=" + string(list[rowsPage-1].ID)
	}
	if after != "" {
		page.Pager.First = payoutListURL(which.waits)
	}
	for _, p := range list {
		page.Rows = append(page.Rows, v.housePayout(p))
	}
	change(&page)
	page.Chrome = v.chrome("Payouts", Operator, "money")
	return v.show(status, HousePayouts(page))
}

func payoutListURL(w payout.Waits) string {
	if w == payout.WaitNothing {
		w = "all"
	}
	return "/operator/payouts?waiting=" + string(w)
}

// railWords are how a payout goes; to the sandbox it says so itself.
var railWords = map[string]string{"manual": ", by the bank", "stripe": ", by Stripe"}

// housePayout is a payout as the operator reads it: who asked, who agreed, and what to do.
func (v *visit) housePayout(p payout.Seen) HousePayout {
	words := payoutWords[p.State]
	row := HousePayout{ID: string(p.ID), Amount: Money(p.Amount), Who: p.To, Says: words[0], Tone: words[1],
		Reason: Field{Name: "reason", ID: "reason-" + string(p.ID), Label: "Why", Max: 200, Optional: true, Hint: "Needed to decline: whoever is paid reads it."}}
	if b := p.Owner.Brand(); b != "" {
		row.URL = "/brand/" + string(b) + "/payouts"
	}
	to := "To " + p.Label + railWords[p.Rail]
	if !p.Withheld.IsZero() {
		to += "; " + Money(p.Net) + " arrives, " + Money(p.Withheld) + " is withheld for " + p.Jurisdiction
	}
	row.Lines = append(row.Lines, to, v.askedBy(p)+" on "+DayTime(p.CreatedAt))
	if p.Reference != "" {
		row.Lines = append(row.Lines, "The bank calls it "+p.Reference)
	}
	if p.Back != nil {
		row.Lines = append(row.Lines, Money(*p.Back)+" of it was taken back at the provider since, and is ready with its owner")
	}
	for _, vote := range p.Votes {
		said := vote.Name + " approved it"
		if !vote.Approves {
			said = vote.Name + " declined it"
		}
		if vote.Reason != "" {
			said += ": “" + vote.Reason + "”"
		}
		row.Lines = append(row.Lines, said)
	}
	switch {
	case p.Waiting:
		row.Decide, row.Says, row.Bar = true, "waits for approval", p.Bar(v.who)
		row.Needed = Count(p.Approved) + " of " + CountOf(p.Approvals, "operator has", "operators have") + " approved. Nobody approves their own money."
	case p.State == payout.Created && p.Rail == "manual":
		row.Says, row.Do = "waits for the bank", "Make a file on the page Bank and hand it over."
	case p.State == payout.Failed || p.State == payout.Returned:
		row.Lines = append(row.Lines, p.Failure)
		row.Do = payoutAdvice(p)
	}
	return row
}

// payoutAdvice says what follows when a payout did not arrive. The money is back already.
func payoutAdvice(p payout.Seen) string {
	for _, vote := range p.Votes {
		if !vote.Approves {
			return "Nothing: it was declined, and the money is ready with its owner, who reads why."
		}
	}
	if p.State == payout.Returned {
		return "Nothing at the bank: the money is ready with its owner again. They confirm the account or add another; write to them if neither comes."
	}
	return "Nothing at the bank: the money never left and is ready with its owner. They confirm the account or add another; write to them if neither comes."
}

// askedBy says who asked for a payout.
func (v *visit) askedBy(p payout.Seen) string {
	switch by := p.AskedBy; {
	case p.Scheduled:
		return "Asked for by the schedule"
	case strings.HasPrefix(by, "acc_"):
		return "Asked for by " + v.nameOf(id.Account(by))
	case strings.HasPrefix(by, "tok_"):
		return "Asked for by an API token"
	}
	return "Asked for"
}

// decidePayout is this operator's word on a payout above the limit.
func (s *Site) decidePayout(v *visit) error {
	pot, reason, approves := id.Payout(v.r.PathValue("payout")), v.text("reason"), v.text("do") == "approve"
	p, err := s.Payouts.Approve(v.ctx(), v.who, pot, approves, reason)
	if a, said := v.amissOf(forbiddenSaid(err)); said {
		return s.showHousePayouts(v, a.status, func(page *HousePayoutsPage) {
			for i := range page.Rows {
				if r := &page.Rows[i]; r.ID == string(pot) {
					r.Decline, r.Reason.Value = true, reason
					a.mark(&r.Reason)
				}
			}
			page.Notes = a.notes("Nothing was decided.")
		})
	}
	if err != nil {
		return err
	}
	switch {
	case p.State == payout.Failed && !approves:
		v.tell("Declined. The money is ready with its owner again.")
	case p.Waiting:
		v.tell("Approved. " + Count(p.Approved) + " of " + Count(p.Approvals) + " have.")
	default:
		v.tell("Approved: it is " + payoutWords[p.State][0] + ".")
	}
	return v.to(payoutListURL(payout.WaitApproval))
}
