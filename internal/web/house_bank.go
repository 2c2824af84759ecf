package web

import (
	"crypto/rand"
	"io"
	"net/http"
	"strconv"
	"strings"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

// Bounds of the bank's page.
const (
	bankRows    = 10
	resultsMost = 4 * payout.MaxResults // as a form carries it
)

// houseBank shows the rail of a person with a bank.
func (s *Site) houseBank(v *visit) error {
	return s.showBank(v, http.StatusOK, func(*BankPage) {})
}

func (s *Site) showBank(v *visit, status int, change func(*BankPage)) error {
	page := BankPage{Tabs: moneyTabs("/operator/bank"), Key: rand.Text(),
		Paste: Field{Name: "csv", Label: "The lines, their heads first", Rows: 6, Optional: true}}
	desk, err := s.Payouts.Desk(v.ctx(), v.who)
	if err != nil {
		return err
	}
	page.Hand = int(desk.Hand)
	if err := v.bankStands(&page); err != nil {
		return err
	}
	files, err := s.Payouts.Batches(v.ctx(), v.who, "", bankRows)
	if err != nil {
		return err
	}
	page.Files = Table{Label: "Files handed to the bank", Heads: []TableCell{{Text: "Made"}, {Text: "Payouts", Num: true}, {Text: "By"}}}
	for _, f := range files {
		page.Files.Rows = append(page.Files.Rows, []TableCell{{Text: DayTime(f.CreatedAt), Sub: "Download the CSV", URL: "/api/v1/operator/payout_batches/" + string(f.ID) + "?format=csv"},
			{Text: Count(f.Payouts), Num: true}, {Text: v.nameOf(id.Account(f.MadeBy))}})
	}
	lines, err := s.Payouts.UnmatchedLines(v.ctx(), v.who, rowsPage)
	if err != nil {
		return err
	}
	for _, l := range lines {
		page.Lines = append(page.Lines, UnmatchedRow{ID: string(l.ID), Text: l.Text, Why: l.Reason, When: "Line " + Count(l.Line) + " of a file read on " + DayTime(l.ReadAt) + " by " + v.nameOf(id.Account(l.ReadBy))})
	}
	if err := v.changedMoney(&page); err != nil {
		return err
	}
	change(&page)
	page.Chrome = v.chrome("Bank", Operator, "money")
	return v.show(status, HouseBank(page))
}

// bankStands fills in what the bank holds, and what the provider paid to it.
func (v *visit) bankStands(page *BankPage) error {
	stands, err := v.site.Payouts.BankStands(v.ctx(), v.who)
	if err != nil {
		return err
	}
	code, most := money.Currency("USD"), int64(0)
	for i, b := range stands {
		card := BankCard{Head: "The bank, " + string(b.Holds.Currency), Rows: []SumRow{{Label: "Holds, by the books", Value: Money(b.Holds)}, {Label: "Payouts to leave it", Value: Money(b.Due)},
			{Label: "At the provider", Value: Money(b.Clearing)}}}
		if short := money.Of(b.Due.Minor-b.Holds.Minor, b.Due.Currency); short.Minor > 0 {
			card.Rows = append(card.Rows, SumRow{Label: "Missing at the bank", Value: Money(short), Total: true})
			card.Notes = []Note{{Tone: "wait", Text: "Have the provider pay at least that to the bank, and note it when the line is there."}}
		}
		if i == 0 || b.Due.Minor > 0 || b.Clearing.Minor > most { // the one in which the provider has most to pay
			code = b.Holds.Currency
		}
		most = max(most, b.Clearing.Minor)
		page.Stands = append(page.Stands, card)
	}
	page.Settle = []Field{{Name: "currency", Label: "Currency", Max: 3, Value: string(code)}, {Name: "amount", Label: "Amount", Mode: "decimal", Hint: "In figures, such as 50.00."}, {Name: "reference", Label: "The bank’s reference of the line", Max: 100}}
	list, err := v.site.Payouts.Settlements(v.ctx(), v.who, "", bankRows)
	if err != nil {
		return err
	}
	page.Settled = Table{Label: "What the provider has paid to the bank", Heads: []TableCell{{Text: "Line"}, {Text: "Noted"}, {Text: "Amount", Num: true}}}
	for _, x := range list {
		noted := TableCell{Text: DayTime(x.CreatedAt), Sub: "by " + v.nameOf(id.Account(x.MadeBy))}
		if x.BookedAt == nil {
			noted.Sub += ", the provider is being asked"
		}
		page.Settled.Rows = append(page.Settled.Rows, []TableCell{{Text: x.Reference}, noted, {Text: Money(x.Amount), Num: true}})
	}
	return nil
}

// makeFile puts what waits for the bank into a file.
func (s *Site) makeFile(v *visit) error {
	b, err := s.Payouts.Hand(v.ctx(), v.who)
	if a, said := v.amissOf(err); said {
		return s.showBank(v, a.status, func(p *BankPage) { p.Notes = a.notes("No file was made.") })
	}
	if err != nil {
		return err
	}
	v.tell(CountOf(b.Payouts, "payout is", "payouts are") + " in the file. Download it and take it to the bank.")
	return v.to("/operator/bank")
}

// noteSettlement notes what the provider has paid to the bank.
func (s *Site) noteSettlement(v *visit) error {
	amount, err := money.Parse(v.text("amount"), money.Currency(strings.ToUpper(v.text("currency"))))
	if err != nil {
		err = fault.InvalidField("body.amount", "Write the amount in figures, such as 50.00, and a currency such as USD.")
	}
	if err == nil {
		_, err = s.Payouts.Settle(v.keyed(), v.who, amount, v.text("reference"))
	}
	if a, said := v.amissOf(err); said {
		return s.showBank(v, a.status, func(p *BankPage) {
			for i := range p.Settle {
				p.Settle[i].Value = v.text(p.Settle[i].Name)
				a.mark(&p.Settle[i])
			}
			p.Notes = a.notes("Nothing was noted.")
		})
	}
	if err != nil {
		return err
	}
	v.tell(Money(amount) + " is at the bank now.")
	return v.to("/operator/bank")
}

// sentResults is the file of results that came with the form: as a file, or pasted.
func (v *visit) sentResults() ([]byte, error) {
	if v.r.MultipartForm != nil && len(v.r.MultipartForm.File["file"]) > 0 && v.r.MultipartForm.File["file"][0].Size > 0 {
		f, err := v.r.MultipartForm.File["file"][0].Open()
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, payout.MaxResults+1))
	}
	if csv := strings.TrimSpace(v.raw("csv")); csv != "" {
		return []byte(csv), nil
	}
	return nil, fault.InvalidField("body.csv", "Choose a file, or paste its lines.")
}

// previewResults says what a file of results would do.
func (s *Site) previewResults(v *visit) error {
	file, err := v.sentResults()
	var r payout.Results
	if err == nil {
		r, err = s.Payouts.Preview(v.ctx(), v.who, file)
	}
	return s.resultsShown(v, err, func() *VerdictTable {
		t := verdictsOf(r, "What this file would do")
		t.CSV, t.Applies = string(file), r.Applied
		return t
	})
}

// readResults takes a file of results.
func (s *Site) readResults(v *visit) error {
	file, err := v.sentResults()
	var r payout.Results
	if err == nil {
		r, err = s.Payouts.Read(v.ctx(), v.who, file)
	}
	return s.resultsShown(v, err, func() *VerdictTable { return verdictsOf(r, "What came of the file") })
}

func (s *Site) resultsShown(v *visit, err error, table func() *VerdictTable) error {
	if a, said := v.amissOf(err); said {
		return s.showBank(v, a.status, func(p *BankPage) {
			p.OpenResults, p.Paste.Value = true, v.raw("csv")
			p.Notes = a.notes("Nothing was taken from it.")
		})
	}
	if err != nil {
		return err
	}
	return s.showBank(v, http.StatusOK, func(p *BankPage) { p.Verdicts = table() })
}

// verdictWords are what is said of a line by what it did, or would do.
var verdictWords = map[string][2]string{"applied": {"fits", "good"}, "repeated": {"known already", ""}, "refused": {"fits nothing", "bad"}}

func verdictsOf(r payout.Results, head string) *VerdictTable {
	t := &VerdictTable{Head: head, Sums: CountOf(r.Applied, "line fits", "lines fit") + ", " + Count(r.Repeated) + " known already, " + CountOf(r.Refused, "fits", "fit") + " nothing."}
	for _, l := range r.Lines {
		words := verdictWords[l.Did]
		row := VerdictRow{Line: strconv.Itoa(l.Line), Payout: string(l.Payout), What: string(l.State), Says: words[0], Tone: words[1], Why: l.Says}
		if l.Amount.Currency != "" && l.Says == "" || l.Payout != "" && l.Amount.Minor > 0 {
			row.What += " " + Money(l.Amount)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// settleLine takes a line of results off the list.
func (s *Site) settleLine(v *visit) error {
	if err := s.Payouts.SettleUnmatched(v.ctx(), v.who, id.Notice(v.r.PathValue("line"))); err != nil {
		return err
	}
	v.tell("It is off the list.")
	return v.to("/operator/bank")
}
