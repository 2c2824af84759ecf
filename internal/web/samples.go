package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/sample"
)

// sampleBadges are the states in words, for both sides.
var sampleBadges = map[sample.State]string{
	sample.Requested: "waits for the brand", sample.Approved: "to be sent", sample.Declined: "declined", sample.Cancelled: "called off", sample.Shipped: "on its way",
	sample.Delivered: "video due", sample.Lost: "never came", sample.Returned: "came back", sample.Fulfilled: "answered", sample.Overdue: "no video in time",
}

// sampleTabs are the parts of a brand's list.
var sampleTabs = []struct {
	text  string
	state sample.State
}{{"All", ""}, {"To answer", sample.Requested}, {"To send", sample.Approved}, {"On the way", sample.Shipped}, {"Video due", sample.Delivered}, {"Answered", sample.Fulfilled}, {"Overdue", sample.Overdue}}

// sampleRowOf lays out what both sides read of a sample.
func sampleRowOf(x sample.Sample) SampleRow {
	r := SampleRow{ID: string(x.ID), Title: x.Title, URL: "/products/" + string(x.Product), State: string(x.State), Badge: sampleBadges[x.State], Note: x.Note, Reason: x.Reason,
		Terms: sampleTerms(x, "you pay"), At: x.RequestedAt, Parcel: strings.TrimSpace(x.Carrier + " " + x.Tracking)}
	if x.Address != nil {
		r.Address = addressLines(*x.Address)
	}
	if x.Video != "" {
		r.Video = Link{Text: "The video", URL: "/v/" + string(x.Video)}
	}
	if x.Charged != nil {
		r.Next = Money(*x.Charged) + " was charged for it on " + DayYear(*x.EndedAt) + "."
	}
	return r
}

// sampleTerms says what is due for a sample, while something is; pays is who does without it.
func sampleTerms(x sample.Sample, pays string) string {
	switch x.State {
	case sample.Requested, sample.Approved, sample.Shipped, sample.Delivered, sample.Overdue:
		return dueWords(x.Days, x.Charge, pays)
	}
	return ""
}

// dueWords says what is due for a sample, and what comes of none.
func dueWords(days int64, charge *money.Amount, pays string) string {
	says := "A video that tags it within " + CountOf(days, "day", "") + " of arrival"
	if charge == nil {
		return says + "; without one nothing is charged."
	}
	return says + "; without one " + pays + " " + Money(*charge) + "."
}

// samplesOfBrand lists what creators ask a brand for.
func (s *Site) samplesOfBrand(v *visit) error {
	return s.showSamplesOfBrand(v, http.StatusOK, nil, func(*SampleRow) {})
}

func (s *Site) showSamplesOfBrand(v *visit, status int, notes []Note, change func(*SampleRow)) error {
	state, cursor := sample.State(""), id.Sample("")
	if v.r.Method == http.MethodGet {
		state, cursor = sample.State(v.text("state")), id.Sample(v.text("cursor"))
	}
	list, err := s.Samples.OfBrand(v.ctx(), v.who, v.brand.ID, state, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	asked, approved, err := s.Samples.Waiting(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	page := SamplesPage{Notes: notes}
	counts := map[sample.State]int64{sample.Requested: asked, sample.Approved: approved}
	for _, t := range sampleTabs {
		page.States = append(page.States, Tab{Text: t.text, URL: v.brandURL("/samples?state=" + string(t.state)), Here: t.state == state, Count: int(counts[t.state])})
	}
	list, page.Pager = samplePage(list, cursor, v.brandURL("/samples?state="+url.QueryEscape(string(state))))
	labels, err := v.labelChoice()
	if err != nil {
		return err
	}
	for _, x := range list {
		r := sampleOfBrand(x, labels)
		r.Action = v.brandURL("/samples/" + r.ID)
		change(&r)
		page.Rows = append(page.Rows, r)
	}
	if len(list) == 0 {
		programs, err := s.Affiliate.BrandPrograms(v.ctx(), v.who, v.brand.ID, "", programsShown)
		if err != nil {
			return err
		}
		for _, p := range programs {
			page.Offers = page.Offers || p.Samples != nil && p.State == "running"
		}
	}
	page.Chrome = v.chrome("Samples", Brand, "samples")
	return v.show(status, SamplesOfBrand(page))
}

// samplePage cuts a list at a page; list may hold one more than that.
func samplePage(list []sample.Sample, cursor id.Sample, at string) ([]sample.Sample, Pager) {
	var pager Pager
	if cursor != "" {
		pager.First = at
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		join := "?"
		if strings.Contains(at, "?") {
			join = "&"
		}
		pager.Next = at + join + "cursor=" + string(list[rowsPage-1].ID)
	}
	return list, pager
}

func sampleOfBrand(x sample.Sample, labels []order.LabelRate) SampleRow {
	r := sampleRowOf(x)
	r.Other = Link{Text: x.Creator.DisplayName + ", @" + x.Creator.Handle, URL: "/c/" + x.Creator.Handle}
	r.Record = recordWords(x.Creator.Record)
	r.Terms = sampleTerms(x, "its creator pays")
	reason := Field{Name: "reason", Label: "A word to the creator", Max: sample.MaxNote, Optional: true, Hint: "Say why, if you decline.", ID: "reason-" + r.ID}
	switch x.State {
	case sample.Requested:
		r.Decide, r.Badge = &reason, "waits for you"
		r.Next = "Destination: " + countryName(x.Country) + ". If you do not answer by " + DayYear(*x.DueAt) + ", it is declined."
	case sample.Approved:
		carrier, tracking, label := NewShipFields(r.ID, labelOptions(labels, x.Currency()))
		if len(label.Options) > 0 {
			label.Hint = "Our label is paid at once: from what is available to you, then from what is kept back of you."
			r.Send = append(r.Send, label)
		}
		r.Send = append(r.Send, carrier, tracking)
		reason.Optional, reason.Hint = false, "The creator counts on it."
		r.CallOff = []Field{reason}
		r.Next = "One is set aside. Send it by " + DayYear(*x.DueAt) + ", or it is for sale again."
	case sample.Shipped:
		r.Back, r.Next = true, "It counts as arrived on "+DayYear(*x.DueAt)+" if its creator says nothing."
	case sample.Delivered:
		r.Back, r.Next = true, "The video is due by "+DayYear(*x.DueAt)+"."
	case sample.Lost:
		r.Back, r.Next = true, "Nothing is due for it."
	}
	return r
}

// recordWords says what came of a creator's earlier samples.
func recordWords(r sample.Record) string {
	if r.Sent == 0 {
		return "their first sample"
	}
	says := Count(r.Fulfilled) + " of " + CountOf(r.Sent, "sample", "") + " answered with a video"
	if r.Overdue > 0 {
		says += ", " + Count(r.Overdue) + " overdue"
	}
	if r.Lost > 0 {
		says += ", " + Count(r.Lost) + " never came"
	}
	return says
}

// sampleAnswered ends a brand's form about a sample: back to the list, or the list with what is wrong at its row.
func (s *Site) sampleAnswered(v *visit, err error, says string) error {
	if a, said := v.amissOf(err); said {
		at := v.r.PathValue("sample")
		return s.showSamplesOfBrand(v, a.status, a.notes("The sample is as it was."), func(r *SampleRow) {
			if r.ID != at {
				return
			}
			if r.Decide != nil {
				r.Decide.Value = v.text("reason")
				a.under(r.Decide, "reason")
			}
			for i := range r.Send {
				r.Send[i].Value = v.text(r.Send[i].Name)
				name := r.Send[i].Name
				if name == "label" {
					name = "label_rate_id"
				}
				a.under(&r.Send[i], name)
			}
			for i := range r.CallOff {
				a.under(&r.CallOff[i], "reason")
			}
		})
	}
	return v.kept(err, says, "/samples")
}

func (s *Site) decideSample(v *visit) error {
	approve := v.text("approve") == "1"
	_, err := s.Samples.Decide(v.ctx(), v.who, id.Sample(v.r.PathValue("sample")), approve, v.text("reason"))
	if approve {
		return s.sampleAnswered(v, err, "Approved: one is set aside. Send it within 7 days.")
	}
	return s.sampleAnswered(v, err, "Declined. The creator reads why.")
}

func (s *Site) shipSample(v *visit) error {
	_, err := s.Samples.Ship(v.ctx(), v.who, id.Sample(v.r.PathValue("sample")), sample.Parcel{Carrier: v.text("carrier"), Tracking: v.text("tracking"), Label: id.LabelRate(v.text("label"))})
	return s.sampleAnswered(v, err, "It is on its way; the stock is one less.")
}

func (s *Site) cancelSample(v *visit) error {
	_, err := s.Samples.Withdraw(v.ctx(), v.who, id.Sample(v.r.PathValue("sample")), v.text("reason"))
	return s.sampleAnswered(v, err, "Called off. It is for sale again.")
}

func (s *Site) returnSample(v *visit) error {
	_, err := s.Samples.TakeBack(v.ctx(), v.who, id.Sample(v.r.PathValue("sample")), v.text("restock") == "1")
	return s.sampleAnswered(v, err, "It came back: no video is due for it.")
}

// samples lists a creator's own.
func (s *Site) samples(v *visit) error { return s.showSamples(v, http.StatusOK, nil) }

func (s *Site) showSamples(v *visit, status int, notes []Note) error {
	cursor := id.Sample("")
	if v.r.Method == http.MethodGet {
		cursor = id.Sample(v.text("cursor"))
	}
	list, err := s.Samples.Mine(v.ctx(), v.who, "", cursor, rowsPage+1)
	if err != nil {
		return err
	}
	page := SamplesPage{Notes: notes}
	list, page.Pager = samplePage(list, cursor, "/studio/samples")
	for _, x := range list {
		r := sampleRowOf(x)
		r.Other, r.Action = Link{Text: x.BrandName}, "/studio/samples/"+r.ID
		switch x.State {
		case sample.Requested:
			r.Drop, r.Next = true, "The brand has until "+DayYear(*x.DueAt)+" to answer."
		case sample.Approved:
			r.Drop, r.Next = true, "The brand has until "+DayYear(*x.DueAt)+" to send it."
		case sample.Shipped:
			r.Came, r.Next = true, "If you say nothing it counts as arrived on "+DayYear(*x.DueAt)+"."
		case sample.Delivered:
			r.Next = "Publish a video that tags it by " + DayYear(*x.DueAt) + "."
			if x.Charge != nil {
				r.Next = strings.TrimSuffix(r.Next, ".") + ", or you pay " + Money(*x.Charge) + "."
			}
			r.Video = Link{Text: "Film it", URL: "/studio/upload?product=" + string(x.Product)}
		}
		page.Rows = append(page.Rows, r)
	}
	if len(list) > 0 && list[0].Creator.Record.Sent > 0 {
		page.Notes = append(page.Notes, Note{Head: "What brands read of you:", Text: recordWords(list[0].Creator.Record) + "."})
	}
	page.Chrome = v.chrome("Your samples", Studio, "samples")
	return v.show(status, SamplesOfCreator(page))
}

// mySample ends a creator's form about a sample.
func (s *Site) mySample(v *visit, err error, says string) error {
	if a, said := v.amissOf(err); said {
		return s.showSamples(v, a.status, a.notes("The sample is as it was."))
	}
	if err != nil {
		return err
	}
	v.tell(says)
	return v.to("/studio/samples")
}

func (s *Site) receiveSample(v *visit) error {
	_, err := s.Samples.Receive(v.ctx(), v.who, id.Sample(v.r.PathValue("sample")))
	return s.mySample(v, err, "Good. Your days begin now.")
}

func (s *Site) loseSample(v *visit) error {
	_, err := s.Samples.Missing(v.ctx(), v.who, id.Sample(v.r.PathValue("sample")))
	return s.mySample(v, err, "Noted. Nothing is due for it.")
}

func (s *Site) dropSample(v *visit) error {
	_, err := s.Samples.Withdraw(v.ctx(), v.who, id.Sample(v.r.PathValue("sample")), "")
	return s.mySample(v, err, "Taken back.")
}

// newSample shows the form that asks for one.
func (s *Site) newSample(v *visit) error {
	before := v.addressBefore()
	return s.showNewSample(v, http.StatusOK, before.Address, func(*AskSamplePage) {})
}

func (s *Site) showNewSample(v *visit, status int, address order.Address, change func(*AskSamplePage)) error {
	product := id.Product(v.text("product"))
	found, err := v.productsOf([]id.Product{product})
	if err != nil {
		return err
	}
	p, ok := found[product]
	if !ok {
		return missing()
	}
	offers, err := s.Affiliate.SamplesFor(v.ctx(), v.who, []id.Product{product})
	if err != nil {
		return err
	}
	offer, ok := offers[product]
	if !ok {
		return fault.New(fault.Conflict, "No program gives samples of this at present.").WithType(affiliate.NoSamples)
	}
	goods, err := v.goods([]catalog.Product{p}, nil)
	if err != nil {
		return err
	}
	page := AskSamplePage{Line: TillLine{Title: p.Title, Brand: p.SoldBy.Name, Picture: goods[0].Picture}, Product: string(product), Program: string(offer.Program), Form: NewAddressForm(),
		Variant: Field{Name: "variant_id", Label: "Which one", Value: v.text("variant_id")},
		Note:    Field{Name: "note", Label: "A word to the brand", Rows: 2, Max: sample.MaxNote, Optional: true, Value: v.text("note"), Hint: "What you would show, for instance."}}
	for _, x := range p.Variants { // with the price that was read, which is what is agreed to
		page.Variant.Options = append(page.Variant.Options, Option{Value: string(x.ID) + ":" + strconv.FormatInt(x.Price.Minor, 10), Label: x.Title + ", " + Money(x.Price)})
	}
	if page.Variant.Value == "" || len(p.Variants) == 1 {
		page.Variant.Value = page.Variant.Options[0].Value
	}
	page.Terms = []string{CountOf(offer.Left, "sample is", "samples are") + " left. The brand answers within 7 days.",
		"It is free. It is no sale: nobody earns by it, and your video says “Free sample” by itself.",
		"A video that tags it is due within " + CountOf(offer.Days, "day", "") + " of its arrival."}
	switch {
	case !offer.Charged:
		page.Terms = append(page.Terms, "Without one nothing is charged, but brands read it when you ask again.")
	case len(p.Variants) == 1:
		page.Agree = "I agree: without such a video in time I pay its price, " + Money(p.Variants[0].Price) + "."
	default:
		page.Agree = "I agree: without such a video in time I pay the price of the one I chose, as it stands above."
	}
	page.Agreed = v.text("agree") == "1"
	f := &page.Form
	v.fillAddress(f, typedAddress{"", address}, order.Cart{})
	change(&page)
	page.Chrome = v.chrome("Ask for a sample", Studio, "samples")
	return v.show(status, AskSample(page))
}

// askSample asks for one.
func (s *Site) askSample(v *visit) error {
	a := order.Address{Name: v.text("name"), Line1: v.text("line1"), Line2: v.text("line2"), City: v.text("city"),
		Region: v.text("region"), PostalCode: v.text("postal_code"), Country: strings.ToUpper(v.text("country")), Phone: v.text("phone")}
	variant, read, _ := strings.Cut(v.text("variant_id"), ":")
	in := sample.Ask{Program: id.Program(v.text("program")), Variant: id.Variant(variant), Address: a, Note: v.text("note")}
	found, err := v.productsOf([]id.Product{id.Product(v.text("product"))})
	if minor, wrong := strconv.ParseInt(read, 10, 64); wrong == nil && v.text("agree") == "1" {
		in.Charge = &money.Amount{Minor: minor, Currency: found[id.Product(v.text("product"))].SoldBy.Currency}
	}
	if err == nil {
		_, err = s.Samples.Request(v.ctx(), v.who, in)
	}
	if wrong, said := v.amissOf(err); said {
		return s.showNewSample(v, wrong.status, a, func(p *AskSamplePage) {
			p.Notes = wrong.notes("Nothing was asked for.")
			for _, f := range []*Field{&p.Form.Name, &p.Form.Line1, &p.Form.Line2, &p.Form.City, &p.Form.Region, &p.Form.PostalCode, &p.Form.Country, &p.Form.Phone} {
				wrong.under(f, "address."+f.Name)
			}
			wrong.under(&p.Note, "note")
			wrong.under(&p.Variant, "variant_id")
		})
	}
	if err != nil {
		return err
	}
	v.tell("The brand is asked. You read its answer here.")
	return v.to("/studio/samples")
}

// offerSamples notes beside goods of which a sample can be had, and of which one was asked for.
func (v *visit) offerSamples(offers []ProgramOffer) error {
	ids := make([]id.Product, len(offers))
	for i := range offers {
		ids[i] = id.Product(offers[i].ProductID)
	}
	given, err := v.site.Affiliate.SamplesFor(v.ctx(), v.who, ids)
	if err != nil || len(given) == 0 {
		return err
	}
	mine, err := v.site.Samples.Mine(v.ctx(), v.who, "", "", sample.MaxPage)
	if err != nil {
		return err
	}
	asked := map[id.Product]bool{}
	for _, x := range mine {
		asked[x.Product] = asked[x.Product] || x.State != sample.Declined && x.State != sample.Cancelled
	}
	for i, p := range ids {
		offer, ok := given[p]
		if !ok && !asked[p] {
			continue
		}
		o := &offers[i]
		o.Asked = asked[p]
		if ok {
			o.Sample = "free sample, a video due " + CountOf(offer.Days, "day", "") + " after arrival"
			if offer.Charged {
				o.Sample += " or you pay its price"
			}
		}
	}
	return nil
}

// sampleFieldsOf are the fields of what a program gives; after is the end of their ids.
func sampleFieldsOf(t *affiliate.SampleTerms, after string) SampleFields {
	f := SampleFields{Units: Field{Name: "sample_units", Label: "How many in all", Kind: "number", Least: "0", Most: strconv.Itoa(affiliate.MaxSamples), Optional: true, Hint: "Empty: none.", ID: "samples" + after},
		Days: Field{Name: "sample_days", Label: "Days for a video, from arrival", Kind: "number", Least: "1", Most: strconv.Itoa(affiliate.MaxSampleDays), Value: strconv.Itoa(affiliate.DefaultSamples), ID: "sample-days" + after}}
	if t != nil {
		f.Units.Value, f.Days.Value, f.Charged = strconv.FormatInt(t.Units, 10), strconv.FormatInt(t.Days, 10), t.Charged
	}
	return f
}

// sampleFieldsTyped are the fields as they were typed, with what is wrong.
func (v *visit) sampleFieldsTyped(a amiss, after string) SampleFields {
	f := sampleFieldsOf(nil, after)
	f.Units.Value, f.Days.Value, f.Charged = v.text("sample_units"), v.text("sample_days"), v.text("sample_charged") == "1"
	a.under(&f.Units, "samples.units")
	a.under(&f.Days, "samples.days")
	f.Open = f.Units.Wrong != "" || f.Days.Wrong != ""
	return f
}

// sampleTermsTyped reads what a program is to give; nil for none.
func (v *visit) sampleTermsTyped() (*affiliate.SampleTerms, error) {
	if text := v.text("sample_units"); text == "" || text == "0" {
		return nil, nil
	}
	units, ok := v.number("sample_units")
	if !ok {
		return nil, fault.InvalidField("body.samples.units", "Write how many in figures.")
	}
	days, ok := v.number("sample_days")
	if !ok {
		return nil, fault.InvalidField("body.samples.days", "Write the days in figures.")
	}
	return &affiliate.SampleTerms{Units: units, Days: days, Charged: v.text("sample_charged") == "1"}, nil
}
