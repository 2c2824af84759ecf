package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

// largestShown is how many of those whom most is owed to are listed.
const largestShown = 8

// houseMoney answers whether the house can pay what it owes, and what waits.
func (s *Site) houseMoney(v *visit) error {
	list, err := s.Payouts.Solvency(v.ctx(), v.who)
	if err != nil {
		return err
	}
	page := HouseMoneyPage{Tabs: moneyTabs("/operator/money")}
	slices.SortStableFunc(list, func(a, b payout.Solvency) int { return cmp.Compare(len(b.Owes), len(a.Owes)) }) // what is owed most widely first
	for _, x := range list {
		page.Currencies = append(page.Currencies, solvencyOf(x))
	}
	if page.Waits, err = v.moneyWaits(); err != nil {
		return err
	}
	largest, err := s.Payouts.Largest(v.ctx(), v.who, largestShown)
	if err != nil {
		return err
	}
	page.Largest = Table{Label: "To whom most is owed", Heads: []TableCell{{Text: "Whom"}, {Text: "Ready", Num: true}, {Text: "Held", Num: true}}}
	for _, o := range largest {
		row := []TableCell{{Text: o.Name, Sub: "a creator"}, {Text: Money(o.Ready), Num: true}, {Text: Money(o.Held), Num: true}}
		if c := o.Owner.Creator(); c != "" {
			row[0].URL = "/operator/ledger?account=" + url.QueryEscape("creator:"+string(c)+":available")
		}
		if b := o.Owner.Brand(); b != "" {
			row[0].URL, row[0].Sub = "/brand/"+string(b)+"/balance", "a brand"
		}
		if !o.ToUs.IsZero() {
			row[0].Sub += ", owes " + Money(o.ToUs)
		}
		page.Largest.Rows = append(page.Largest.Rows, row)
	}
	page.Chrome = v.chrome("Money", Operator, "money")
	return v.show(http.StatusOK, HouseMoney(page))
}

// solvencyOf lays one currency out: the gap first.
func solvencyOf(x payout.Solvency) SolvencyCard {
	c := SolvencyCard{Code: string(x.Currency), Own: Money(x.Own) + " is our own", OwnWords: Money(x.Held) + " held, " + Money(x.Owed) + " owed. The rest is what fees earned less what we paid for."}
	if x.Changed.Minor != 0 {
		c.OwnWords += exchangedWords(x.Changed)
	}
	if x.Own.Minor < 0 {
		c.Bad, c.Own, c.OwnWords = true, Money(x.Own.Neg())+" is missing", Money(x.Owed)+" is owed and "+Money(x.Held)+" held: vouchers, fees and losses took more than fees brought."
	}
	if x.Own.Minor != x.Result.Minor-x.Changed.Minor {
		c.Bad = true
		c.Notes = append(c.Notes, Note{Tone: "bad", Head: "The book does not add up.", Text: "Held less owed is " + Money(x.Own) + ", income less expenses " + Money(x.Result) + ".", Links: []Link{{"Check the ledger", "/operator/ledger"}}})
	}
	c.Holds = stakeRows(x.Holds, x.Held, "Held")
	c.Owes = stakeRows(x.Owes, x.Owed, "Owed")
	for _, h := range x.Holds {
		if h.Name == "At the bank" && h.Amount.Minor < 0 {
			c.Notes = append(c.Notes, Note{Tone: "wait", Head: "More left the bank than came.", Text: "Note what the provider has paid to it.", Links: []Link{{"To the bank", "/operator/bank"}}})
		}
	}
	if x.Silent {
		c.Notes = append(c.Notes, Note{Tone: "wait", Head: "The payment provider does not answer.", Text: "What stands here is what the books say. Load this page again in a moment."})
	}
	if x.Provider == nil {
		return c
	}
	gap := money.Of(x.Provider.Minor-x.Clearing.Minor, x.Currency)
	c.Provider = []SumRow{{Label: "The provider says", Value: Money(*x.Provider)}, {Label: "The books say", Value: Money(x.Clearing)}, {Label: "Gap", Value: Money(gap), Total: true}}
	if !gap.IsZero() {
		c.Bad = true
		c.Notes = append(c.Notes, Note{Tone: "bad", Head: "Provider and books differ by " + Money(gap) + ".", Text: "What is on its way this minute explains itself.", Links: []Link{{"See what differs", "/operator/differences"}}})
	}
	return c
}

func stakeRows(list []payout.Stake, all money.Amount, word string) []SumRow {
	var rows []SumRow
	for _, x := range list {
		label := x.Name
		if x.Count > 1 {
			label += ", " + Count(x.Count) + " accounts"
		}
		rows = append(rows, SumRow{Label: label, Value: Money(x.Amount)})
	}
	return append(rows, SumRow{Label: word, Value: Money(all), Total: true})
}

// moneyWaits is what of the money waits for the operator; what is nothing is left out.
func (v *visit) moneyWaits() ([]StateCount, error) {
	desk, err := v.site.Payouts.Desk(v.ctx(), v.who)
	if err != nil {
		return nil, err
	}
	open, err := v.site.Orders.Waiting(v.ctx(), v.who)
	if err != nil {
		return nil, err
	}
	var rows []StateCount
	for _, r := range []StateCount{
		{URL: "/operator/payouts?waiting=approval", Icon: "coin", Text: "Payouts to approve", N: int(desk.Approval), Do: true},
		{URL: "/operator/debts", Icon: "scale", Text: "Debts to give up or not", N: int(desk.WriteOffs), Do: true},
		{URL: "/operator/bank", Icon: "box", Text: "Payouts for the bank", N: int(desk.Hand), Do: true},
		{URL: "/operator/payouts?waiting=trouble", Icon: "alert", Text: "Payouts that did not arrive", N: int(desk.Trouble), Do: true},
		{URL: "/operator/bank", Icon: "alert", Text: "Lines of results that fit nothing", N: int(desk.Unmatched), Do: true},
		{URL: "/operator/differences", Icon: "scale", Text: "Differences with the provider", N: int(desk.Differences), Do: true},
		{URL: "/operator/claims", Icon: "clock", Text: "Parcels that never came", N: int(open.Claims)},
		{URL: "/operator/claims", Icon: "return", Text: "Returns overdue", N: int(open.Overdue), Do: true},
	} {
		if r.N > 0 {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// ownerWords are what an owner's accounts hold, by the last word of their names.
var ownerWords = map[string]string{"pending": "held until the hold has passed", "available": "ready to pay out", "held": "under dispute", "reserve": "kept back"}

// ownerIn returns the id of the brand or creator in an account's name, "" where there is none.
func ownerIn(a ledger.Account) string {
	parts := strings.Split(string(a), ":")
	switch {
	case len(parts) == 3 && (parts[0] == "brand" || parts[0] == "creator"):
		return parts[1]
	case len(parts) == 3 && parts[0] == "recv":
		return parts[2]
	}
	return ""
}

// accountCalled is an account in words: whose it is and what it holds.
func accountCalled(a ledger.Account, names map[string]string) string {
	owner := ownerIn(a)
	name := names[owner]
	if name == "" {
		return accountLabel(a)
	}
	parts := strings.Split(string(a), ":")
	if parts[0] == "recv" {
		return name + ", owes us"
	}
	if words := ownerWords[parts[2]]; words != "" {
		return name + ", " + words
	}
	return name + ", " + parts[2]
}

// namesIn returns what the brands and creators of the accounts are called.
func (v *visit) namesIn(list []ledger.Account) (map[string]string, error) {
	var owners []string
	for _, a := range list {
		if o := ownerIn(a); o != "" {
			owners = append(owners, o)
		}
	}
	return v.site.Payouts.Names(v.ctx(), v.who, owners)
}
