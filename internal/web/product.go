package web

import (
	"net/http"
	"strconv"

	"mezzo/internal/catalog"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// product is a product's own page, or the sheet of it that opens over a film.
func (s *Site) product(v *visit) error {
	return s.showProduct(v, id.Product(v.r.PathValue("product")), http.StatusOK, "")
}

// showProduct answers with a product; wrong says why the last try to take it failed.
func (s *Site) showProduct(v *visit, product id.Product, status int, wrong string) error {
	p, err := s.Catalog.Product(v.ctx(), v.who, product)
	if err != nil {
		return err
	}
	view, err := v.productView(p, v.text("impression"))
	if err != nil {
		return err
	}
	view.Wrong = wrong
	if v.sheet() {
		return v.show(status, Sheet(view))
	}
	page := ProductPage{Product: view}
	more, err := s.Catalog.Products(v.ctx(), catalog.Query{Brand: p.SoldBy.ID, Limit: 7})
	if err != nil {
		return err
	}
	for i := range more {
		if more[i].ID == p.ID {
			more = append(more[:i], more[i+1:]...)
			break
		}
	}
	if page.More, err = v.goods(more[:min(len(more), 6)], nil); err != nil {
		return err
	}
	page.Chrome = v.chrome(p.Title, Market, "search")
	if came := v.came(); came != "" && came != v.r.URL.RequestURI() {
		page.Chrome.Back = came
	}
	return v.show(status, Product(page))
}

// productView is a product as a page or a sheet shows it, opened with a token or without one.
func (v *visit) productView(p catalog.Product, token string) (ProductView, error) {
	view := ProductView{ID: string(p.ID), Title: p.Title, Description: p.Description, Brand: Link{Text: p.SoldBy.Name, URL: "/search?brand=" + string(p.SoldBy.ID)},
		Stars: starsOf(p.Rating), Impression: token, Seller: sellerOf(p.SoldBy)}
	found, err := v.pictures(p.Images...)
	if err != nil {
		return view, err
	}
	for i, image := range p.Images {
		if pic, ok := found[image]; ok {
			view.Pictures = append(view.Pictures, Picture{URL: pic.URL(), Alt: p.Title + ", picture " + strconv.Itoa(i+1)})
		}
	}
	asked := v.text("variant_id")
	for _, x := range p.Variants {
		if x.State != catalog.Active {
			continue
		}
		title := x.Title
		if title == "" {
			title = x.SKU
		}
		view.Variants = append(view.Variants, VariantView{ID: string(x.ID), Title: title, Price: x.Price, Left: int(x.Available), Chosen: string(x.ID) == asked})
	}
	view.Price = view.chosen().Price
	if p.State != catalog.Active || p.Standing == catalog.Removed || len(view.Variants) == 0 {
		view.Closed = "It is off the stall now. Only its brand and the operator see this page."
	}
	if view.Facts, err = v.shippingFacts(p.SoldBy.ID); err != nil {
		return view, err
	}
	return view, v.earner(token, p, &view)
}

func sellerOf(s catalog.Seller) Seller {
	return Seller{Name: s.Name, Legal: s.LegalName, Country: countryName(s.Country), Email: s.ContactEmail, Address: s.ContactAddress}
}

// shippingFacts says how a brand ships: its first ways, each in a line.
func (v *visit) shippingFacts(brand id.Brand) ([]Fact, error) {
	options, err := v.site.Catalog.ShippingOptions(v.ctx(), brand)
	if err != nil {
		return nil, err
	}
	var facts []Fact
	for _, o := range options[:min(len(options), 3)] {
		f := Fact{Icon: "truck", Text: o.Name, Note: daysWords(o.DaysMin, o.DaysMax), Sum: costWords(o.Price)}
		if where := countriesWords(o.Countries); where != "" {
			f.Note += ", " + where
		}
		if o.FreeOver.Minor > 0 && !o.Price.IsZero() {
			f.Note += "; free from " + Money(o.FreeOver)
		}
		facts = append(facts, f)
	}
	return facts, nil
}

func costWords(a money.Amount) string {
	if a.IsZero() {
		return "free"
	}
	return Money(a)
}

// daysWords says how long a parcel takes: "2 to 5 days".
func daysWords(least, most int64) string {
	switch {
	case most <= 0:
		return "how long it takes is not said"
	case least == most || least <= 0:
		return "up to " + CountOf(most, "day", "")
	}
	return Count(least) + " to " + CountOf(most, "day", "")
}

// countriesWords says where a way of shipping goes; "" for everywhere.
func countriesWords(codes []string) string {
	switch len(codes) {
	case 0:
		return ""
	case 1:
		return "to " + countryName(codes[0])
	}
	return "to " + strconv.Itoa(len(codes)) + " countries"
}
