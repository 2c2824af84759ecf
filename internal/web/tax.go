package web

import (
	"net/http"
	"net/url"
	"strconv"

	"mezzo/internal/catalog"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// taxes shows the tax table: the rates in force, or those that ended.
func (s *Site) taxes(v *visit) error { return s.showTaxes(v, http.StatusOK, func(*TaxPage) {}) }

func (s *Site) showTaxes(v *visit, status int, change func(*TaxPage)) error {
	page := TaxPage{Ended: v.r.Method == http.MethodGet && v.text("state") == "ended", Form: newTaxForm()}
	search := order.TaxSearch{Ended: page.Ended, Limit: rowsPage + 1}
	if v.r.Method == http.MethodGet {
		search.After = v.text("cursor")
	}
	list, err := s.Orders.Taxes(v.ctx(), v.who, search)
	if err != nil {
		return err
	}
	here := "/operator/taxes"
	page.Tabs = []Tab{{Text: "In force", URL: here, Here: !page.Ended}, {Text: "Ended", URL: here + "?state=ended", Here: page.Ended}}
	state := "in_force"
	if page.Ended {
		state = "ended"
	}
	if search.After != "" {
		page.Pager.First = here + "?state=" + state
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + "?state=" + state + "&cursor=" + url.QueryEscape(list[rowsPage-1].Place())
	}
	for _, r := range list {
		page.Rates = append(page.Rates, taxRow(r))
	}
	change(&page)
	page.Chrome = v.chrome("Taxes", Operator, "taxes")
	return v.show(status, Taxes(page))
}

func newTaxForm() TaxForm {
	return TaxForm{
		Country:  Field{Name: "country", Label: "Country", Options: choose(countries(), "")},
		Region:   Field{Name: "region", Label: "Region", Max: 10, Optional: true, Hint: "Its code, such as TX. Empty: the whole country."},
		Category: Field{Name: "category", Label: "Category", Options: append([]Option{{Value: "", Label: "All of them"}}, categories()...), Optional: true},
		Name:     Field{Name: "name", Label: "What buyers read", Max: order.MaxTaxName, Value: "VAT"},
		Percent:  Field{Name: "percent", Label: "Rate, %", Mode: "decimal"},
	}
}

// categories are all there are, for a field in which none need be chosen.
func categories() []Option { return categoryOptions("")[1:] }

func taxRow(r order.TaxRate) TaxRow {
	row := TaxRow{ID: string(r.ID), Version: strconv.FormatInt(r.Version(), 10), Place: countryName(r.Country), What: r.Name + " " + Percent(int64(r.Rate)), How: "on top of the prices"}
	if r.Region != "" {
		row.Place += ", " + r.Region
	}
	if r.Category != "" {
		name, known := catalog.CategoryName(r.Category)
		if !known {
			name = r.Category
		}
		row.Place += ", " + name
	}
	if r.Inclusive {
		row.How = "in the prices"
	}
	if r.OnShipping {
		row.How += ", shipping too"
	}
	if r.CollectedBy == order.ByBrand {
		row.How += ", collected by the brand"
	} else {
		row.How += ", collected by us"
	}
	row.Who = "set"
	if r.MadeByName != "" {
		row.Who += " by " + r.MadeByName
	}
	if r.MadeAt.Unix() > 0 {
		row.Who += " on " + DayYear(r.MadeAt)
	}
	if r.EndedAt != nil {
		row.Who += ", ended by " + r.EndedByName + " on " + DayYear(*r.EndedAt)
	}
	suffix := "-" + string(r.ID)
	row.Change = TaxForm{Inclusive: r.Inclusive, ByBrand: r.CollectedBy == order.ByBrand, OnShipping: r.OnShipping,
		Name:    Field{Name: "name", Label: "What buyers read", Max: order.MaxTaxName, Value: r.Name, ID: "name" + suffix},
		Percent: Field{Name: "percent", Label: "Rate, %", Mode: "decimal", Value: percentIn(r.Rate), ID: "percent" + suffix}}
	return row
}

// typedTax reads what a form says of a rate, beside its place.
func (v *visit) typedTax(t *order.Tax) (err error) {
	t.Name, t.Inclusive, t.OnShipping = v.text("name"), v.text("inclusive") == "1", v.text("on_shipping") == "1"
	t.CollectedBy = order.Collector(v.text("collected_by"))
	if t.Rate, err = v.rate("percent"); err != nil {
		return fault.InvalidField("body.rate_bps", "Write the rate in figures, such as 19 or 8.25.")
	}
	return nil
}

// addTax puts a rate into force.
func (s *Site) addTax(v *visit) error {
	in := order.Tax{Country: v.text("country"), Region: v.text("region"), Category: v.text("category")}
	err := v.typedTax(&in)
	if err == nil {
		_, err = s.Orders.AddTax(v.ctx(), v.who, in)
	}
	if a, said := v.amissOf(err); said {
		return s.showTaxes(v, a.status, func(p *TaxPage) {
			f := &p.Form
			f.Country.Options, f.Region.Value, f.Category.Value = choose(countries(), in.Country), in.Region, in.Category
			f.typed(v, in, &a)
			a.mark(&f.Country, &f.Region, &f.Category)
			p.Notes = a.notes("It was not added.")
		})
	}
	return v.taxed(err, "Orders placed from now on pay it.")
}

// typed puts what was sent back into the form, with what was wrong with it.
func (f *TaxForm) typed(v *visit, in order.Tax, a *amiss) {
	f.Name.Value, f.Percent.Value = in.Name, v.text("percent")
	f.Inclusive, f.ByBrand, f.OnShipping = in.Inclusive, in.CollectedBy == order.ByBrand, in.OnShipping
	a.mark(&f.Name)
	a.under(&f.Percent, "rate_bps")
}

func (v *visit) taxed(err error, says string) error {
	if err != nil {
		return err
	}
	v.tell(says)
	return v.to("/operator/taxes")
}

// changeTax ends a rate and puts another in its place.
func (s *Site) changeTax(v *visit) error {
	rate := id.TaxRate(v.r.PathValue("tax"))
	before, err := s.Orders.TaxRate(v.ctx(), v.who, rate)
	if err != nil {
		return err
	}
	in := before.Tax
	if err = v.typedTax(&in); err == nil {
		match, _ := v.number("version")
		_, err = s.Orders.ChangeTax(v.ctx(), v.who, rate, match, in)
	}
	if a, said := v.amissOf(err); said {
		return s.showTaxes(v, a.status, func(p *TaxPage) {
			for i := range p.Rates {
				if r := &p.Rates[i]; r.ID == string(rate) {
					r.Change.typed(v, in, &a)
				}
			}
			p.Notes = a.notes("The rate is as it was.")
		})
	}
	return v.taxed(err, "Orders placed from now on pay the new rate.")
}

// endTax takes a rate out of force.
func (s *Site) endTax(v *visit) error {
	match, _ := v.number("version")
	_, err := s.Orders.EndTax(v.ctx(), v.who, id.TaxRate(v.r.PathValue("tax")), match)
	if a, said := v.amissOf(err); said {
		return s.showTaxes(v, a.status, func(p *TaxPage) { p.Notes = a.notes("The rate is as it was.") })
	}
	return v.taxed(err, "It is charged no more. Orders placed before keep it.")
}
