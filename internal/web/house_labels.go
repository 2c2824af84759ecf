package web

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payout"
)

// labels shows what the house sells to brands to send parcels with, and what carriers are owed.
func (s *Site) labels(v *visit) error { return s.showLabels(v, http.StatusOK, func(*LabelsPage) {}) }

func (s *Site) showLabels(v *visit, status int, change func(*LabelsPage)) error {
	page, here := LabelsPage{Tabs: moneyTabs("/operator/labels"), Ended: v.r.Method == http.MethodGet && v.text("state") == "ended"}, "/operator/labels?state="
	page.Kinds = []Tab{{Text: "On sale", URL: here + "on_sale", Here: !page.Ended}, {Text: "Ended", URL: here + "ended", Here: page.Ended}}
	after := id.LabelRate("")
	if v.r.Method == http.MethodGet {
		after = id.LabelRate(v.text("cursor"))
	}
	state := "on_sale"
	if page.Ended {
		state = "ended"
	} else {
		page.Form = newLabelForm()
	}
	list, err := s.Orders.Labels(v.ctx(), v.who, page.Ended, after, rowsPage+1)
	if err != nil {
		return err
	}
	if after != "" {
		page.Pager.First = here + state
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + state + "&cursor=" + string(list[rowsPage-1].ID)
	}
	for _, r := range list {
		page.Rates = append(page.Rates, labelRow(r))
	}
	if err := v.carriers(&page); err != nil {
		return err
	}
	change(&page)
	page.Chrome = v.chrome("Labels", Operator, "money")
	return v.show(status, HouseLabels(page))
}

func newLabelForm() []Field {
	return []Field{{Name: "carrier", Label: "Carrier", Max: order.MaxLabelWords, Hint: "As buyers read it, such as DHL."}, {Name: "service", Label: "Service", Max: order.MaxLabelWords, Hint: "Such as Parcel up to 2 kg."},
		{Name: "currency", Label: "Currency", Max: 3, Value: "USD"}, {Name: "price", Label: "Price", Mode: "decimal", Hint: "What the carrier is owed for a parcel, such as 4.20."}}
}

func labelRow(r order.LabelRate) LabelRow {
	row := LabelRow{ID: string(r.ID), Version: strconv.FormatInt(r.Version(), 10), What: r.Carrier + ", " + r.Service, Price: Money(r.Price), Who: "priced by " + r.MadeByName + " on " + DayYear(r.MadeAt),
		Change: Field{Name: "price", ID: "price-" + string(r.ID), Label: "Price, " + string(r.Price.Currency), Mode: "decimal", Value: r.Price.Decimal()}}
	if r.EndedAt != nil {
		row.Who += ", ended by " + r.EndedByName + " on " + DayYear(*r.EndedAt)
	}
	return row
}

// carriers fills in what carriers are owed, and what they were paid last.
func (v *visit) carriers(page *LabelsPage) error {
	list, err := v.site.Payouts.Carriers(v.ctx(), v.who)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for i, c := range list {
		names[c.Account] = c.Name
		row := CarrierRow{Account: c.Account, Name: c.Name, Owed: Money(c.Owed), Currency: string(c.Owed.Currency), Key: rand.Text()}
		if !c.Paid.IsZero() {
			row.Paid = Money(c.Paid) + " was paid so far."
		}
		if c.Owed.Minor > 0 {
			nth := strconv.Itoa(i)
			row.Fields = []Field{{Name: "amount", ID: "amount-" + nth, Label: "How much, " + row.Currency, Mode: "decimal", Value: c.Owed.Decimal()},
				{Name: "reference", ID: "reference-" + nth, Label: "The bank’s reference of the line", Max: 100}}
		}
		page.Carriers = append(page.Carriers, row)
	}
	paid, err := v.site.Payouts.CarrierPayments(v.ctx(), v.who, "", bankRows)
	if err != nil {
		return err
	}
	page.Paid = Table{Label: "What carriers were paid", Heads: []TableCell{{Text: "Line"}, {Text: "Noted"}, {Text: "Amount", Num: true}}}
	for _, p := range paid {
		page.Paid.Rows = append(page.Paid.Rows, []TableCell{{Text: p.Reference, Sub: names[p.Carrier]}, {Text: DayTime(p.CreatedAt), Sub: "by " + v.nameOf(id.Account(p.MadeBy))}, {Text: Money(p.Amount), Num: true}})
	}
	return nil
}

// typedPrice reads an amount in a currency from a form.
func (v *visit) typedPrice(field, place string, c money.Currency) (money.Amount, error) {
	amount, err := money.Parse(v.text(field), c)
	if err != nil {
		return money.Amount{}, fault.InvalidField(place, "Write the amount in figures, such as 4.20, and a currency such as USD.")
	}
	return amount, nil
}

// addLabel puts a label on sale.
func (s *Site) addLabel(v *visit) error {
	in := order.NewLabelRate{Carrier: v.text("carrier"), Service: v.text("service")}
	var err error
	if in.Price, err = v.typedPrice("price", "body.price", money.Currency(strings.ToUpper(v.text("currency")))); err == nil {
		_, err = s.Orders.AddLabel(v.ctx(), v.who, in)
	}
	if a, said := v.amissOf(err); said {
		return s.showLabels(v, a.status, func(p *LabelsPage) {
			for i := range p.Form {
				p.Form[i].Value = v.text(p.Form[i].Name)
				a.mark(&p.Form[i])
			}
			p.Notes = a.notes("It was not put on sale.")
		})
	}
	return v.labelled(err, "Brands can send parcels with it from now on.")
}

func (v *visit) labelled(err error, says string) error {
	if err != nil {
		return err
	}
	v.tell(says)
	return v.to("/operator/labels")
}

// changeLabel ends a label and puts another price in its place.
func (s *Site) changeLabel(v *visit) error {
	rate := id.LabelRate(v.r.PathValue("label"))
	before, err := s.Orders.LabelRate(v.ctx(), v.who, rate)
	if err != nil {
		return err
	}
	in := before.NewLabelRate
	if in.Price, err = v.typedPrice("price", "body.price", in.Price.Currency); err == nil {
		match, _ := v.number("version")
		_, err = s.Orders.ChangeLabel(v.ctx(), v.who, rate, match, in)
	}
	if a, said := v.amissOf(err); said {
		return s.showLabels(v, a.status, func(p *LabelsPage) {
			for i := range p.Rates {
				if r := &p.Rates[i]; r.ID == string(rate) {
					r.Open, r.Change.Value = true, v.text("price")
					a.mark(&r.Change)
				}
			}
			p.Notes = a.notes("The label is as it was.")
		})
	}
	return v.labelled(err, "Parcels sent from now on cost the new price.")
}

// endLabel takes a label off sale.
func (s *Site) endLabel(v *visit) error {
	match, _ := v.number("version")
	_, err := s.Orders.EndLabel(v.ctx(), v.who, id.LabelRate(v.r.PathValue("label")), match)
	if a, said := v.amissOf(err); said {
		return s.showLabels(v, a.status, func(p *LabelsPage) { p.Notes = a.notes("The label is as it was.") })
	}
	return v.labelled(err, "It is sold no more. Parcels sent before keep what they cost.")
}

// payCarrier notes that a carrier was paid.
func (s *Site) payCarrier(v *visit) error {
	in := payout.NewCarrierPayment{Carrier: v.r.PathValue("carrier"), Reference: v.text("reference")}
	code := money.Currency(strings.ToUpper(v.text("currency")))
	var err error
	if in.Amount, err = v.typedPrice("amount", "body.amount", code); err == nil {
		_, err = s.Payouts.PayCarrier(v.keyed(), v.who, in)
	}
	if a, said := v.amissOf(err); said {
		return s.showLabels(v, a.status, func(p *LabelsPage) {
			for i := range p.Carriers {
				if c := &p.Carriers[i]; c.Account == in.Carrier && c.Currency == string(code) && len(c.Fields) > 0 {
					c.Open, c.Fields[0].Value, c.Fields[1].Value = true, v.text("amount"), in.Reference
					a.mark(&c.Fields[0], &c.Fields[1])
				}
			}
			p.Notes = a.notes("Nothing was noted.")
		})
	}
	return v.labelled(err, Money(in.Amount)+" is paid.")
}

// labelChoice is what a brand may send parcels with, beside its own carriage.
func (v *visit) labelChoice() ([]order.LabelRate, error) {
	if v.brand.ID == "" {
		return nil, nil
	}
	return v.site.Orders.LabelsFor(v.ctx(), v.who, v.brand.ID)
}

// labelsOf are the choices for a part of an order; none where the house sells no labels in its currency.
func labelsOf(list []order.LabelRate, c money.Currency, p order.Part) []Option {
	if p.State != order.Paid {
		return nil
	}
	return labelOptions(list, c)
}

// labelOptions are the ways a parcel can go; none where the house sells no labels in the currency.
func labelOptions(list []order.LabelRate, c money.Currency) []Option {
	var options []Option
	for _, r := range list {
		if r.Price.Currency == c {
			options = append(options, Option{Value: string(r.ID), Label: r.Carrier + ", " + r.Service + ": " + Money(r.Price)})
		}
	}
	if len(options) == 0 {
		return nil
	}
	return append([]Option{{Value: "", Label: "Ourselves"}}, options...)
}

// labelSaid is what a parcel's label was; "" where its brand carries it.
func labelSaid(l order.ParcelLabel) string {
	if l.Price.Minor == 0 {
		return ""
	}
	return "The platform’s label, " + l.Service + ": " + Money(l.Price)
}
