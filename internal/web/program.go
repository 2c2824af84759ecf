package web

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// How many programs of a brand its page lists, and creators among whom it chooses.
const (
	programsShown  = 50
	promotersShown = 60
)

// programs lists a brand's programs, ended ones among them.
func (s *Site) programs(v *visit) error {
	return s.showPrograms(v, http.StatusOK, func(*ProgramsBoard) {})
}

func (s *Site) showPrograms(v *visit, status int, change func(*ProgramsBoard)) error {
	list, err := s.Affiliate.BrandPrograms(v.ctx(), v.who, v.brand.ID, "", programsShown)
	if err != nil {
		return err
	}
	page := ProgramsBoard{}
	for _, p := range list {
		page.Programs = append(page.Programs, programRow(p, v.now))
	}
	change(&page)
	page.Chrome = v.chrome("Programs", Brand, "programs")
	return v.show(status, ProgramsOfBrand(page))
}

func programRow(p affiliate.Program, now time.Time) ProgramRow {
	row := ProgramRow{ID: string(p.ID), Name: p.Name, Kind: string(p.Kind), Bps: int64(p.Rate), Percent: percentIn(p.Rate), State: p.State, Running: p.State == "running",
		Window: "a click counts for " + hoursWords(p.WindowHours), Hold: "held " + CountOf(p.HoldDays, "day", "") + " after delivery", Goods: "all products",
		Change: Field{Name: "commission_percent", Label: "Commission, % of the price paid", Mode: "decimal", Value: percentIn(p.Rate), ID: "rate-" + string(p.ID)}}
	if p.Indirect > 0 {
		row.Other = Percent(int64(p.Indirect)) + " on another product of yours that a click led to"
	}
	row.Change2 = Field{Name: "indirect_percent", Label: "On another product of yours, %", Mode: "decimal", Value: percentIn(p.Indirect), ID: "other-" + string(p.ID)}
	row.Change3 = Field{Name: "budget", Label: "Budget for commissions", Mode: "decimal", ID: "budget-" + string(p.ID), Hint: "Empty: no limit."}
	if p.Budget != nil && p.Spent != nil && p.Left != nil && p.Reserved != nil {
		row.Budget = "Budget " + Money(*p.Budget) + ": " + Money(*p.Left) + " left for new clicks, " + Money(*p.Reserved) + " kept for clicks already made, " + Money(*p.Spent) + " spent."
		row.Change3.Value = p.Budget.Decimal()
	}
	row.Give = sampleFieldsOf(p.Samples, "-"+string(p.ID))
	if p.Samples != nil {
		row.Samples = "Gives " + CountOf(p.Samples.Units, "free sample", "") + ", " + Count(p.Samples.Left) + " of them left; a video is due " + CountOf(p.Samples.Days, "day", "") + " after arrival"
		if p.Samples.Charged {
			row.Samples += ", or the price is paid"
		}
		row.Samples += "."
	}
	if p.Kept != nil {
		row.Lock = Percent(int64(p.Kept.Rate)) + " for clicks until " + DayYear(p.Kept.Until) + " of those who showed your goods before the cut."
	}
	if p.ClosedAt != nil {
		row.Running = true // it can be topped up
		row.Closed = "What is left pays for no further sale: since " + DayYear(*p.ClosedAt) + " new clicks earn nothing, and creators read so. Clicks made before are paid from what is kept. Raise the budget to open it again."
	}
	if !p.AllProducts {
		row.Goods = CountOf(len(p.Products), "product", "")
	}
	if p.Kind == affiliate.Targeted {
		row.Goods += ", for " + CountOf(len(p.Creators), "creator", "") + " by name"
		for _, c := range p.Creators {
			row.Creators = append(row.Creators, Link{Text: c.DisplayName, URL: "/c/" + c.Handle})
			row.Named.Value += "@" + c.Handle + "\n"
		}
		row.Named = Field{Name: "creator_handles", ID: "creators-" + string(p.ID), Label: "For these creators", Rows: min(8, 2+len(p.Creators)), Value: row.Named.Value, Hint: "One handle on a line."}
	}
	switch {
	case p.State == "scheduled":
		row.State = "from " + DayYear(p.StartsAt)
	case p.EndsAt != nil && p.EndsAt.After(now):
		row.State = "until " + DayYear(*p.EndsAt)
	case p.EndsAt != nil:
		row.State = "ended " + DayYear(*p.EndsAt)
	}
	return row
}

// percentIn writes a rate as a field holds it: "15" or "12.5".
func percentIn(rate money.Bps) string {
	return strings.TrimSuffix(Percent(int64(rate)), " %")
}

// rate reads a field that holds percent; two decimals of percent are basis points.
func (v *visit) rate(name string) (money.Bps, error) { return rateOf(v.text(name)) }

func rateOf(text string) (money.Bps, error) {
	text = strings.TrimSpace(strings.TrimSuffix(decimal(strings.TrimSpace(text)), "%"))
	a, err := money.Parse(text, "USD")
	if err != nil {
		return 0, fault.InvalidField("body.commission_bps", "Write the rate in figures, such as 15 or 12.5.")
	}
	return money.Bps(a.Minor), nil
}

// decimal reads a comma as the decimal point where it can be nothing else.
func decimal(text string) string {
	if strings.Count(text, ",") == 1 && !strings.Contains(text, ".") {
		return strings.Replace(text, ",", ".", 1)
	}
	return text
}

// newProgram shows the form of a new program.
func (s *Site) newProgram(v *visit) error {
	page := NewProgramPage{}
	page.Name, page.Percent, page.Window, page.Hold = NewProgramFields()
	page.Other, page.Budget = NewProgramMore(string(v.brand.Currency))
	page.Handles, page.Targeted = handlesField(), v.text("kind") == string(affiliate.Targeted)
	page.Give = sampleFieldsOf(nil, "")
	return s.showNewProgram(v, http.StatusOK, page, nil)
}

func (s *Site) showNewProgram(v *visit, status int, page NewProgramPage, chosen []id.Product) error {
	list, err := s.Catalog.BrandProducts(v.ctx(), v.who, v.brand.ID, catalog.Query{Limit: catalog.MaxPage})
	if err != nil {
		return err
	}
	goods, err := v.goods(list, nil)
	if err != nil {
		return err
	}
	for i, p := range list {
		if p.State != catalog.Active {
			continue
		}
		pick := Pick{ID: string(p.ID), Title: p.Title, Price: Money(p.Low()), Picture: goods[i].Picture, Chosen: slices.Contains(chosen, p.ID)}
		page.Goods = append(page.Goods, pick)
		if page.Example == "" {
			page.Example = exampleOf(p)
		}
	}
	sellers, err := s.Affiliate.Promoters(v.ctx(), v.who, v.brand.ID, promotersShown)
	if err != nil {
		return err
	}
	ticked := many[string](v, "creators")
	for _, c := range sellers {
		page.Sellers = append(page.Sellers, Pick{ID: c.Handle, Title: c.DisplayName, Price: "@" + c.Handle, Chosen: slices.Contains(ticked, c.Handle)})
	}
	page.Chrome = v.chrome("New program", Brand, "programs")
	return v.show(status, NewProgram(page))
}

// exampleOf says what 15 percent of a product come to.
func exampleOf(p catalog.Product) string {
	price := p.Low()
	earn := price
	earn.Minor = money.Bps(1500).Of(price.Minor)
	return "Of " + p.Title + " at " + Money(price) + ", 15 % are " + Money(earn) + " for the creator who sold it. You pay it only when it is sold and kept."
}

// handlesIn returns the creators a form names, ticked and typed: "@marisol, tomas.bakes".
func (v *visit) handlesIn() []string {
	list := many[string](v, "creators")
	for _, h := range strings.FieldsFunc(v.text("creator_handles"), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' }) {
		list = append(list, strings.TrimPrefix(h, "@"))
	}
	return list
}

// openProgram opens a program to everybody, or to the creators it names.
func (s *Site) openProgram(v *visit) error {
	in := affiliate.NewProgram{Kind: affiliate.Open, Name: v.text("name"), Products: many[id.Product](v, "product_ids"), Handles: v.handlesIn()}
	in.All = len(in.Products) == 0
	if v.text("kind") == string(affiliate.Targeted) {
		in.Kind = affiliate.Targeted
	}
	rate, err := v.rate("commission_percent")
	in.Rate = rate
	window, ok := v.number("window_days")
	if in.WindowHours = window * 24; err == nil && (!ok || window < 1 || window > affiliate.MaxWindowHours/24) {
		err = fault.InvalidField("body.window_hours", "Between 1 and %d days.", affiliate.MaxWindowHours/24)
	}
	hold, ok := v.number("hold_days")
	if in.HoldDays = &hold; err == nil && !ok {
		err = fault.InvalidField("body.hold_days", "Write the days in figures.")
	}
	if other := v.text("indirect_percent"); err == nil && other != "" {
		if in.Indirect, err = rateOf(other); err != nil {
			err = fault.InvalidField("body.indirect_bps", "Write the rate in figures, such as 5 or 2.5.")
		}
	}
	if err == nil {
		in.Budget, err = v.budget()
	}
	if err == nil {
		in.Samples, err = v.sampleTermsTyped()
	}
	if err == nil {
		_, err = s.Affiliate.CreateProgram(v.ctx(), v.who, v.brand.ID, in)
	}
	if a, said := v.amissOf(err); said {
		page := NewProgramPage{}
		page.Name, page.Percent, page.Window, page.Hold = NewProgramFields()
		page.Name.Value, page.Percent.Value, page.Window.Value, page.Hold.Value = in.Name, v.text("commission_percent"), v.text("window_days"), v.text("hold_days")
		page.Other, page.Budget = NewProgramMore(string(v.brand.Currency))
		page.Other.Value, page.Budget.Value = v.text("indirect_percent"), v.text("budget")
		page.Targeted, page.Handles = in.Kind == affiliate.Targeted || len(in.Handles) > 0, handlesField()
		page.Handles.Value = v.text("creator_handles")
		a.under(&page.Handles, "creator_handles")
		a.under(&page.Other, "indirect_bps")
		a.under(&page.Budget, "budget")
		page.Give = v.sampleFieldsTyped(a, "")
		a.mark(&page.Name)
		a.under(&page.Percent, "commission_bps")
		a.under(&page.Window, "window_hours")
		a.under(&page.Hold, "hold_days")
		page.Notes = a.notes("The program was not opened.")
		return s.showNewProgram(v, a.status, page, in.Products)
	}
	says := "The program is open. Anyone may show these goods now."
	if in.Kind == affiliate.Targeted {
		says = "The program is open for the creators you chose: it goes before your open ones for them."
	}
	return v.kept(err, says, "/programs")
}

// budget reads the field of a budget; nil when it is empty.
func (v *visit) budget() (*money.Amount, error) {
	text := strings.TrimSpace(v.text("budget"))
	if text == "" {
		return nil, nil
	}
	b, err := money.Parse(decimal(text), v.brand.Currency)
	if err != nil {
		return nil, fault.InvalidField("body.budget", "Write the budget in figures, such as 500 or 499.50.")
	}
	return &b, nil
}

// changeOf reads what a program's form changes: only what is not as it was.
func (v *visit) changeOf(p affiliate.Program) (ch affiliate.ProgramChange, err error) {
	rate, err := v.rate("commission_percent")
	if err != nil {
		return ch, err
	}
	ch.Rate = &rate
	if v.r.PostForm.Has("indirect_percent") {
		other, err := rateOf(v.text("indirect_percent"))
		if err != nil {
			return ch, fault.InvalidField("body.indirect_bps", "Write the rate in figures, such as 5 or 2.5.")
		}
		ch.Indirect = &other
	}
	if v.r.PostForm.Has("creator_handles") {
		named := v.handlesIn()
		if before := handlesOf(p); !slices.Equal(before, named) {
			ch.Handles = &named
		}
	}
	if !v.r.PostForm.Has("budget") {
		return ch, nil
	}
	budget, err := v.budget()
	switch {
	case err != nil:
		return ch, err
	case budget != nil:
		ch.Budget = budget
	case p.Budget != nil:
		none := money.Of(0, v.brand.Currency)
		ch.Budget = &none
	}
	return ch, nil
}

func handlesOf(p affiliate.Program) (list []string) {
	for _, c := range p.Creators {
		list = append(list, c.Handle)
	}
	return list
}

// changeProgram changes a program's terms, or ends it: at once while nobody promotes under it, else
// after the notice that those who do were promised.
func (s *Site) changeProgram(v *visit) error {
	program := id.Program(v.r.PathValue("program"))
	p, err := s.Affiliate.Program(v.ctx(), v.who, program)
	if err == nil && p.Brand != v.brand.ID {
		err = missing()
	}
	if err != nil {
		return err
	}
	says := "The terms are changed."
	if v.text("ends") == "1" {
		says, err = v.endProgram(program)
	} else {
		var ch affiliate.ProgramChange
		if ch, err = v.changeOf(p.Program); err == nil && v.r.PostForm.Has("sample_units") {
			ch.Samples, err = v.sampleTermsTyped()
			if err == nil && ch.Samples == nil && p.Samples != nil {
				ch.Samples = &affiliate.SampleTerms{}
			}
		}
		if err == nil {
			_, err = s.Affiliate.UpdateProgram(v.ctx(), v.who, program, 0, ch)
		}
	}
	if a, said := v.amissOf(err); said {
		return s.showPrograms(v, a.status, func(page *ProgramsBoard) {
			for i := range page.Programs {
				if row := &page.Programs[i]; row.ID == string(program) {
					row.Change.Value, row.Change2.Value, row.Change3.Value = v.text("commission_percent"), v.text("indirect_percent"), v.text("budget")
					a.under(&row.Change, "commission_bps")
					a.under(&row.Change2, "indirect_bps")
					a.under(&row.Change3, "budget")
					row.Named.Value = v.text("creator_handles")
					a.under(&row.Named, "creator_handles")
					row.Give = v.sampleFieldsTyped(a, "-"+row.ID)
				}
			}
			page.Notes = a.notes("The program is as it was.")
		})
	}
	return v.kept(err, says, "/programs")
}

// endProgram sets the soonest end that breaks no promise, and says which.
func (v *visit) endProgram(program id.Program) (string, error) {
	soon := v.now.Add(time.Minute)
	_, err := v.site.Affiliate.UpdateProgram(v.ctx(), v.who, program, 0, affiliate.ProgramChange{EndsAt: &soon})
	if err == nil || faultOf(err).Type != affiliate.TermsLocked {
		return "The program ends within a minute.", err
	}
	later := v.now.Add(affiliate.Notice + time.Minute)
	_, err = v.site.Affiliate.UpdateProgram(v.ctx(), v.who, program, 0, affiliate.ProgramChange{EndsAt: &later})
	return "The program ends on " + DayYear(later) + ": those who show your goods keep its terms until then.", err
}
