package web

import (
	"net/http"
	"strings"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// programsShown is how many programs of a brand its page lists.
const programsShown = 50

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
	if !p.AllProducts {
		row.Goods = CountOf(len(p.Products), "product", "")
	}
	if p.Kind == affiliate.Targeted {
		row.Goods += ", for " + CountOf(len(p.Creators), "creator", "") + " by name"
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
		pick := Pick{ID: string(p.ID), Title: p.Title, Price: Money(p.Low()), Picture: goods[i].Picture}
		for _, c := range chosen {
			pick.Chosen = pick.Chosen || c == p.ID
		}
		page.Goods = append(page.Goods, pick)
		if page.Example == "" {
			page.Example = exampleOf(p)
		}
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

// openProgram opens a program to everybody.
func (s *Site) openProgram(v *visit) error {
	in := affiliate.NewProgram{Kind: affiliate.Open, Name: v.text("name"), Products: many[id.Product](v, "product_ids")}
	in.All = len(in.Products) == 0
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
	if err == nil {
		_, err = s.Affiliate.CreateProgram(v.ctx(), v.who, v.brand.ID, in)
	}
	if a, said := v.amissOf(err); said {
		page := NewProgramPage{}
		page.Name, page.Percent, page.Window, page.Hold = NewProgramFields()
		page.Name.Value, page.Percent.Value, page.Window.Value, page.Hold.Value = in.Name, v.text("commission_percent"), v.text("window_days"), v.text("hold_days")
		a.mark(&page.Name)
		a.under(&page.Percent, "commission_bps")
		a.under(&page.Window, "window_hours")
		a.under(&page.Hold, "hold_days")
		page.Notes = a.notes("The program was not opened.")
		return s.showNewProgram(v, a.status, page, in.Products)
	}
	return v.kept(err, "The program is open. Anyone may show these goods now.", "/programs")
}

// changeProgram changes a program's rate, or ends it: at once while nobody promotes under it, else
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
	says := "The rate is changed."
	if v.text("ends") == "1" {
		says, err = v.endProgram(program)
	} else {
		var rate money.Bps
		if rate, err = v.rate("commission_percent"); err == nil {
			_, err = s.Affiliate.UpdateProgram(v.ctx(), v.who, program, 0, affiliate.ProgramChange{Rate: &rate})
		}
	}
	if a, said := v.amissOf(err); said {
		return s.showPrograms(v, a.status, func(page *ProgramsBoard) {
			for i := range page.Programs {
				if f := &page.Programs[i].Change; page.Programs[i].ID == string(program) {
					f.Value = v.text("commission_percent")
					a.under(f, "commission_bps")
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
