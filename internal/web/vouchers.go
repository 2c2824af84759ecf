package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"mezzo/internal/catalog"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/voucher"
)

// codeField is where a voucher's code is typed.
func codeField() Field {
	return Field{Name: "code", Label: "Code of a voucher or creator", Max: voucher.MaxCode, Optional: true, Complete: "off"}
}

// whyNot is why a voucher cannot be used; money in it as everywhere on a page.
func whyNot(o voucher.Offer, c money.Currency) string {
	if o.Lacks > 0 {
		return "It needs " + Money(money.Of(o.Lacks, c)) + " more of what it covers."
	}
	return o.Why
}

// savingOf lays out what a bag could save, and what is chosen.
func savingOf(c order.Cart, back string) SavingBox {
	box := SavingBox{Code: codeField(), Back: back}
	in := func(minor int64) money.Amount { return money.Of(minor, money.Currency(c.Currency)) }
	names := map[id.Brand]string{voucher.Platform: "from Mezzo"}
	for _, l := range c.Lines {
		names[l.Offer.Brand] = "from " + l.Offer.BrandName
	}
	shown := map[string]bool{}
	for _, o := range c.Offers {
		shown[voucher.Key(o.Voucher.Code)] = true
		row := SavingRow{Code: o.Voucher.Code, Title: o.Voucher.Title, Says: sayVoucher(o.Voucher), Giver: string(o.Voucher.Brand), ID: string(o.Voucher.ID), From: names[o.Voucher.Brand],
			Saves: Money(in(o.Saves)), Why: whyNot(o, money.Currency(c.Currency)), Typed: o.Typed > 0, Chosen: o.Chosen > 0, Wished: c.Wished[o.Voucher.Brand] == o.Voucher.ID || c.Wished[o.Voucher.Brand] == voucher.None && o.Why == ""}
		if row.Chosen {
			row.Off = MoneyLess(in(o.Chosen))
		}
		box.Offers = append(box.Offers, row)
	}
	for _, code := range c.Codes {
		if !shown[code] {
			box.Offers = append(box.Offers, SavingRow{Code: code, Title: code, Says: "For nothing in this bag", From: "typed by you", Why: "Nothing in the bag is covered by it.", Typed: true})
		}
	}
	return box
}

// sayVoucher is what a voucher takes off as pages write money.
func sayVoucher(v voucher.Voucher) string {
	says := Percent(int64(v.Rate)) + " off"
	if v.Kind == voucher.Fixed {
		says = Money(v.Off) + " off"
	}
	if v.Most.Minor > 0 {
		says += ", at most " + Money(v.Most)
	}
	if v.Least.Minor > 0 {
		says += ", from " + Money(v.Least)
	}
	return says
}

// voucherLabel names a voucher of an order, and says to its brand who pays for it.
func voucherLabel(o order.Order, u voucher.Used) string {
	label := u.Title + " (" + u.Code + ")"
	switch {
	case u.Brand == voucher.Platform && o.Asker == order.AsBuyer:
		return label + ", from Mezzo"
	case u.Brand == voucher.Platform:
		return label + ", paid to the brand by Mezzo"
	}
	return label
}

// addCode puts a code on the bag.
func (s *Site) addCode(v *visit) error {
	return s.changeCodes(v, func(cart id.Cart) error {
		_, err := s.Orders.AddCode(v.ctx(), v.who, cart, v.text("code"))
		return err
	})
}

// dropCode takes one off it.
func (s *Site) dropCode(v *visit) error {
	return s.changeCodes(v, func(cart id.Cart) error {
		_, err := s.Orders.DropCode(v.ctx(), v.who, cart, v.text("code"))
		return err
	})
}

// wish chooses a giver's voucher by hand.
func (s *Site) wish(v *visit) error {
	return s.changeCodes(v, func(cart id.Cart) error {
		_, err := s.Orders.Wish(v.ctx(), v.who, cart, id.Brand(v.text("giver")), id.Voucher(v.text("voucher")))
		return err
	})
}

func (s *Site) changeCodes(v *visit, change func(id.Cart) error) error {
	cart, ok, err := s.Orders.CurrentCart(v.ctx(), v.who)
	if err == nil && !ok {
		err = fault.New(fault.Missing, "There is nothing in your bag.")
	}
	if err == nil {
		err = change(cart.ID)
	}
	if a, said := v.amissOf(err); said {
		return s.showBag(v, a.status, []Note{{Tone: "bad", Head: a.says(), Text: "Your bag is as it was."}})
	}
	if err != nil {
		return err
	}
	return v.back("/bag")
}

// giver is whose vouchers the visit is about, and where their page is.
func (v *visit) giver() (id.Brand, string) {
	if v.brand.ID == "" {
		return voucher.Platform, "/operator/vouchers"
	}
	return v.brand.ID, v.brandURL("/vouchers")
}

// vouchers lists what a brand, or the house, gives, ended ones among them.
func (s *Site) vouchers(v *visit) error {
	return s.showVouchers(v, http.StatusOK, func(*VouchersPage) {}, nil)
}

func (s *Site) showVouchers(v *visit, status int, change func(*VouchersPage), chosen []id.Product) error {
	giver, at := v.giver()
	cursor := id.Voucher("")
	if v.r.Method == http.MethodGet {
		cursor = id.Voucher(v.text("cursor"))
	}
	list, err := s.Vouchers.List(v.ctx(), v.who, giver, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	page := VouchersPage{At: at, House: giver == voucher.Platform, Form: newVoucherForm(v.brand.Currency)}
	page.Rows, page.Pager = voucherRowsOf(list, string(cursor), at)
	if giver != voucher.Platform {
		goods, err := s.Catalog.BrandProducts(v.ctx(), v.who, giver, catalog.Query{Limit: catalog.MaxPage})
		if err != nil {
			return err
		}
		for _, p := range goods {
			if p.State != catalog.Active {
				continue
			}
			pick := Pick{ID: string(p.ID), Title: p.Title, Price: Money(p.Low())}
			for _, c := range chosen {
				pick.Chosen = pick.Chosen || c == p.ID
			}
			page.Goods = append(page.Goods, pick)
		}
	}
	change(&page)
	room := Brand
	if page.House {
		room = Operator
	}
	page.Chrome = v.chrome("Vouchers", room, "vouchers")
	return v.show(status, Vouchers(page))
}

// voucherRowsOf lays a page of vouchers out; list may hold one more than the page.
func voucherRowsOf(list []voucher.Voucher, cursor, at string) (rows []VoucherRow, pager Pager) {
	if cursor != "" {
		pager.First = at
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		pager.Next = at + "?cursor=" + url.QueryEscape(string(list[rowsPage-1].ID))
	}
	for _, one := range list {
		rows = append(rows, voucherRow(one))
	}
	return rows, pager
}

func voucherRow(v voucher.Voucher) VoucherRow {
	row := VoucherRow{ID: string(v.ID), Code: v.Code, Title: v.Title, Says: sayVoucher(v), Covers: "all products", Uses: CountOf(v.Taken, "use", ""), Saved: Money(v.Saved) + " taken off",
		State: strings.ReplaceAll(v.State, "_", " "), Listed: v.Listed, Running: v.State == "running", Live: v.State != "ended", When: "without an end"}
	if !v.All {
		row.Covers = CountOf(len(v.Products), "product", "")
	}
	if v.Total > 0 {
		row.Uses += " of " + Count(v.Total)
	}
	if v.PerPerson > 0 {
		row.Uses += ", " + Count(v.PerPerson) + " for each person"
	}
	switch {
	case v.State == "ended":
		row.When = "ended " + DayYear(v.EndsAt)
	case v.State == "scheduled":
		row.When = "from " + DayYear(v.StartsAt)
	case !v.EndsAt.IsZero():
		row.When = "until " + DayYear(v.EndsAt)
	}
	if v.Handle != "" {
		row.Whose = "code of @" + v.Handle
	}
	return row
}

func newVoucherForm(c money.Currency) VoucherForm {
	amount := func(name, label, hint string) Field {
		return Field{Name: name, Label: label, Mode: "decimal", Optional: true, Hint: hint, Currency: c}
	}
	off := amount("amount", "Amount off", "")
	off.Either = true
	return VoucherForm{
		Code:      Field{Name: "code", Label: "Code", Max: voucher.MaxCode, Hint: "3 to 32 letters, figures, - or _. It stays yours for ever."},
		Title:     Field{Name: "title", Label: "What shoppers read", Max: voucher.MaxTitle},
		Percent:   Field{Name: "percent", Label: "Percent off", Mode: "decimal", Optional: true, Either: true},
		Amount:    off,
		Most:      amount("max_discount", "At most", "The most that a percentage takes off."),
		Least:     amount("min_basket", "From goods worth", "What it covers must come to so much."),
		Currency:  Field{Name: "currency", Label: "Currency", Max: 3, Value: "USD"},
		Ends:      Field{Name: "ends_on", Label: "Last day", Kind: "date", Optional: true},
		Total:     Field{Name: "total_uses", Label: "Uses in all", Kind: "number", Least: "1", Optional: true},
		PerPerson: Field{Name: "uses_per_person", Label: "Uses for each person", Kind: "number", Least: "1", Optional: true},
		Handle:    Field{Name: "creator_handle", Label: "Creator whose code it is", Max: 40, Optional: true, Hint: "Their handle. Who types the code buys from them."},
	}
}

// typedVoucher reads the form of a new voucher.
func (v *visit) typedVoucher(c money.Currency) (voucher.New, error) {
	in := voucher.New{Code: v.text("code"), Title: v.text("title"), Kind: voucher.Kind(v.text("kind")), Products: many[id.Product](v, "product_ids"),
		Listed: v.text("listed") == "1", Handle: v.text("creator_handle"), Currency: c}
	var err error
	amount := func(name string) *money.Amount {
		text := strings.TrimSpace(decimal(v.text(name)))
		if text == "" || err != nil {
			return nil
		}
		a, wrong := money.Parse(text, c)
		if wrong != nil {
			err = fault.InvalidField("body."+name, "Write the amount in figures, such as 5 or 12.50.")
		}
		return &a
	}
	count := func(name string) (n int64) {
		if v.text(name) == "" || err != nil {
			return 0
		}
		n, ok := v.number(name)
		if !ok || n < 1 {
			err = fault.InvalidField("body."+name, "Write how often in figures, or leave it out for any number.")
		}
		return n
	}
	if in.Kind == voucher.Fixed {
		in.Off = amount("amount")
	} else {
		if in.Rate, err = v.rate("percent"); err != nil {
			err = fault.InvalidField("body.percent_bps", "Write the percentage in figures, such as 10 or 12.5.")
		}
		in.Most = amount("max_discount")
	}
	in.Least, in.Total, in.PerPerson = amount("min_basket"), count("total_uses"), count("uses_per_person")
	if day := v.text("ends_on"); day != "" && err == nil {
		last, wrong := time.Parse(time.DateOnly, day)
		if wrong != nil {
			err = fault.InvalidField("body.ends_at", "Write the day as 2026-12-24.")
		}
		in.EndsAt = last.AddDate(0, 0, 1)
	}
	return in, err
}

// giveVoucher makes a voucher.
func (s *Site) giveVoucher(v *visit) error {
	giver, at := v.giver()
	currency := v.brand.Currency
	if giver == voucher.Platform {
		currency = money.Currency(strings.ToUpper(strings.TrimSpace(v.text("currency"))))
	}
	in, err := v.typedVoucher(currency)
	if err == nil {
		_, err = s.Vouchers.Create(v.ctx(), v.who, giver, in)
	}
	if a, said := v.amissOf(err); said {
		return s.showVouchers(v, a.status, func(p *VouchersPage) {
			f := &p.Form
			f.Fixed, f.Listed = in.Kind == voucher.Fixed, in.Listed
			for _, field := range []*Field{&f.Code, &f.Title, &f.Percent, &f.Amount, &f.Most, &f.Least, &f.Currency, &f.Ends, &f.Total, &f.PerPerson, &f.Handle} {
				field.Value = v.text(field.Name)
				a.under(field, field.Name)
			}
			a.under(&f.Percent, "percent_bps")
			a.under(&f.Ends, "ends_at")
			p.Notes = a.notes("The voucher was not given.")
		}, in.Products)
	}
	if err != nil {
		return err
	}
	v.tell("The voucher is given.")
	return v.to(at)
}

// endVoucher ends one now.
func (s *Site) endVoucher(v *visit) error {
	giver, at := v.giver()
	_, err := s.Vouchers.Change(v.ctx(), v.who, giver, id.Voucher(v.r.PathValue("voucher")), 0, voucher.Change{End: true})
	if a, said := v.amissOf(err); said {
		return s.showVouchers(v, a.status, func(p *VouchersPage) { p.Notes = a.notes("The voucher is as it was.") }, nil)
	}
	if err != nil {
		return err
	}
	v.tell("The voucher has ended. Who holds it in a checkout keeps it.")
	return v.to(at)
}

// codes lists the vouchers that are the creator's codes.
func (s *Site) codes(v *visit) error {
	cursor := id.Voucher(v.text("cursor"))
	list, err := s.Vouchers.Mine(v.ctx(), v.who, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	page := CodesPage{}
	page.Rows, page.Pager = voucherRowsOf(list, string(cursor), "/studio/codes")
	page.Chrome = v.chrome("Your codes", Studio, "codes")
	return v.show(http.StatusOK, Codes(page))
}
