package web

import (
	"net/http"
	"net/url"
	"strconv"

	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Of the marketplace: how many programs a page has, and how many products of each it shows.
const (
	programsPage    = 8
	programProducts = 6
)

// marketplace shows what a creator may promote, and what it pays.
func (s *Site) marketplace(v *visit) error {
	m := affiliate.Market{Q: v.text("q"), Sort: affiliate.Order(v.text("sort")), After: id.Program(v.text("after")), Limit: programsPage + 1}
	if m.Sort == "" {
		m.Sort = affiliate.ByNew
	}
	if rate, ok := v.number("rate"); ok {
		m.AfterRate = money.Bps(rate)
	}
	if key, err := strconv.ParseFloat(v.text("key"), 64); err == nil {
		m.AfterKey = key
	}
	listings, err := s.Affiliate.Marketplace(v.ctx(), v.who, m)
	if err != nil {
		return err
	}
	page := ProgramsPage{Query: m.Q}
	if len(listings) > programsPage {
		listings = listings[:programsPage]
		last := listings[programsPage-1]
		page.Pager.Next = marketURL(m.Q, m.Sort, &last)
	}
	if m.After != "" {
		page.Pager.First = marketURL(m.Q, m.Sort, nil)
	}
	for _, o := range []struct {
		by   affiliate.Order
		text string
	}{{affiliate.ByNew, "Newest"}, {affiliate.ByEPC, "Earns most a click"}, {affiliate.ByCVR, "Sells most a visit"}, {affiliate.ByCommission, "Highest rate"}} {
		page.Sorts = append(page.Sorts, Tab{Text: o.text, URL: marketURL(m.Q, o.by, nil), Here: m.Sort == o.by})
	}
	if page.Programs, err = v.offers(listings, m.Q); err == nil {
		err = v.offerSamples(page.Programs)
	}
	if err != nil {
		return err
	}
	page.Chrome = v.chrome("Goods to show", Studio, "programs")
	return v.show(http.StatusOK, Programs(page))
}

// marketURL is a page of the marketplace: the first, or the one behind a listing.
func marketURL(q string, sort affiliate.Order, after *affiliate.Listing) string {
	values := url.Values{"sort": {string(sort)}}
	if q != "" {
		values.Set("q", q)
	}
	if after != nil {
		values.Set("after", string(after.ID))
		switch sort {
		case affiliate.ByCommission:
			values.Set("rate", strconv.FormatInt(int64(after.Rate), 10))
		case affiliate.ByEPC, affiliate.ByCVR:
			values.Set("key", strconv.FormatFloat(after.SortKey(), 'g', -1, 64))
		}
	}
	return "/studio/programs?" + values.Encode()
}

// offers lays programs out by the products a creator would show under them.
func (v *visit) offers(listings []affiliate.Listing, q string) ([]ProgramOffer, error) {
	shown, err := v.showing()
	if err != nil {
		return nil, err
	}
	var offers []ProgramOffer
	seen := map[id.Product]bool{}
	for _, l := range listings {
		list, err := v.coveredBy(l, q)
		if err != nil {
			return nil, err
		}
		goods, err := v.goods(list, nil)
		if err != nil {
			return nil, err
		}
		for i, p := range list {
			if seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			terms, ok, err := v.terms(p.ID)
			if err != nil {
				return nil, err
			}
			if ok {
				o := offerOf(p, goods[i], &terms)
				o.Showing = shown[p.ID]
				o.done(l)
				offers = append(offers, o)
			}
		}
	}
	return offers, nil
}

// coveredBy returns the first products of a program; of a search, those that are meant.
func (v *visit) coveredBy(l affiliate.Listing, q string) ([]catalog.Product, error) {
	if !l.AllProducts {
		found, err := v.productsOf(l.Products[:min(len(l.Products), programProducts)])
		var list []catalog.Product
		for _, p := range l.Products {
			if f, ok := found[p]; ok {
				list = append(list, f)
			}
		}
		return list, err
	}
	list, err := v.site.Catalog.Products(v.ctx(), catalog.Query{Brand: l.Brand, Q: q, Limit: programProducts})
	if err == nil && len(list) == 0 && q != "" { // the brand or the program is called so, not its goods
		return v.site.Catalog.Products(v.ctx(), catalog.Query{Brand: l.Brand, Limit: programProducts})
	}
	return list, err
}

// terms are what the creator would earn by a product.
func (v *visit) terms(product id.Product) (terms affiliate.Terms, ok bool, err error) {
	err = v.site.DB.Read(v.ctx(), func(tx *db.Tx) error {
		var err error
		terms, ok, err = affiliate.RateFor(tx, v.who.Creator, product)
		return err
	})
	return terms, ok, err
}

// showing is what stands on the creator's shelf.
func (v *visit) showing() (map[id.Product]bool, error) {
	items, err := v.site.Affiliate.MyShowcase(v.ctx(), v.who, "", affiliate.MaxShowcase)
	shown := make(map[id.Product]bool, len(items))
	for _, i := range items {
		shown[i.Product.ID] = true
	}
	return shown, err
}

// offerOf is a product with what it pays; without terms nobody pays for it.
func offerOf(p catalog.Product, g Good, terms *affiliate.Terms) ProgramOffer {
	o := ProgramOffer{ProductID: string(p.ID), URL: "/products/" + string(p.ID), Title: p.Title, Brand: p.SoldBy.Name, Picture: g.Picture, Price: p.Low()}
	left := int64(0)
	for _, x := range p.Variants {
		left += max(0, x.Available)
	}
	o.Stock = leftWords(int(min(left, 1_000_000)))
	o.Earn = zero(o.Price.Currency)
	if terms == nil {
		o.Window = "nobody pays for it at present"
		return o
	}
	o.Bps, o.Earn.Minor = int64(terms.Rate), terms.Rate.Of(o.Price.Minor)
	o.Window = "a click counts for " + hoursWords(terms.WindowHours)
	o.Hold = "held " + CountOf(terms.HoldDays, "day", "") + " after delivery"
	if terms.Indirect > 0 {
		o.Other = Percent(int64(terms.Indirect)) + " where it leads to another of the brand's products"
	}
	if terms.LockedUntil != nil && terms.ThenRate != nil {
		o.Lock = Percent(o.Bps) + " is yours for clicks until " + DayYear(*terms.LockedUntil) + ", then " + Percent(int64(*terms.ThenRate))
	}
	if terms.ClosedAt != nil {
		o.Closed = "Budget spent on " + DayYear(*terms.ClosedAt) + ": new clicks earn nothing; those made before are paid"
	}
	return o
}

// done says how the program has done lately, as far as it was measured.
func (o *ProgramOffer) done(l affiliate.Listing) {
	if l.EPC != nil && l.N.Clicks > 0 {
		worth := Money(*l.EPC)
		if l.EPC.IsZero() {
			worth = "none settled yet"
		}
		o.Epc = worth + " over " + CountOf(l.N.Clicks, "click", "")
	}
	if l.CTOR != nil {
		o.Ctor = Share(*l.CTOR)
	}
	if l.CancelRate != nil && *l.CancelRate > 0 {
		o.Cancelled = Share(*l.CancelRate) + " of " + CountOf(l.N.Won, "line", "") + " called off by the brand or never sent"
	}
	if l.RefundRate != nil {
		o.Refunds = Share(*l.RefundRate) + " of " + CountOf(l.N.Units, "unit", "")
	}
}

func hoursWords(hours int64) string {
	if hours%24 == 0 {
		return CountOf(hours/24, "day", "")
	}
	return CountOf(hours, "hour", "")
}

// showcase is the creator's shelf, with what each thing on it pays.
func (s *Site) showcase(v *visit) error {
	items, err := s.Affiliate.MyShowcase(v.ctx(), v.who, "", affiliate.MaxShowcase)
	if err != nil {
		return err
	}
	list := make([]catalog.Product, len(items))
	for i := range items {
		list[i] = items[i].Product
	}
	goods, err := v.goods(list, nil)
	if err != nil {
		return err
	}
	page := ShowcasePage{}
	for i := range items {
		o := offerOf(list[i], goods[i], items[i].Terms)
		o.Showing = true
		page.Goods = append(page.Goods, o)
	}
	if err := v.offerSamples(page.Goods); err != nil {
		return err
	}
	page.Chrome = v.chrome("Your showcase", Studio, "showcase")
	return v.show(http.StatusOK, Showcase(page))
}

// changeShowcase puts a product on the shelf or takes it off.
func (s *Site) changeShowcase(v *visit) error {
	product := id.Product(v.text("product_id"))
	if v.text("show") == "0" {
		if err := s.Affiliate.DeleteShowcase(v.ctx(), v.who, product); err != nil {
			return err
		}
		v.tell("Taken out of your showcase.")
		return v.back("/studio/showcase")
	}
	if _, err := s.Affiliate.PutShowcase(v.ctx(), v.who, product); err != nil {
		return err
	}
	v.tell("It stands in your showcase. Its rate is yours from now on.")
	return v.back("/studio/programs")
}

// earnings is what a creator earned, down to the order line and its receipt.
func (s *Site) earnings(v *visit) error {
	sums, err := s.Affiliate.Earnings(v.ctx(), v.who)
	if err != nil {
		return err
	}
	page := EarningsPage{Available: sums.Available, Pending: sums.Pending, Paid: sums.Paid, Reversed: sums.Reversed, State: v.text("state")}
	if sums.NextReleaseAt != nil {
		page.NextWords = "the next on " + Day(*sums.NextReleaseAt)
	}
	if sums.Available.Minor < 0 {
		page.Notes = append(page.Notes, Note{Tone: "wait", Head: "Refunds took more than was ready.", Text: Money(sums.Available.Neg()) + " is owed; what is released next pays it first."})
	}
	if sums.Held.Minor > 0 {
		page.Notes = append(page.Notes, Note{Tone: "wait", Head: "A buyer’s bank disputes a payment.", Text: Money(sums.Held) + " of your commissions is held until the bank has decided. If the dispute is won it is yours again."})
	}
	for _, c := range sums.ByCurrency[min(1, len(sums.ByCurrency)):] {
		page.Notes = append(page.Notes, Note{Head: "In " + string(c.Pending.Currency) + " as well:",
			Text: Money(c.Available) + " available, " + Money(c.Pending) + " pending, " + Money(c.Paid) + " paid, " + Money(c.Reversed) + " reversed."})
	}
	list, err := s.Affiliate.Commissions(v.ctx(), v.who, affiliate.CommissionState(page.State), id.Commission(v.text("cursor")), rowsPage+1)
	if err != nil {
		return err
	}
	here := "/studio/earnings?state=" + url.QueryEscape(page.State)
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + "&cursor=" + string(list[rowsPage-1].ID)
	}
	if v.text("cursor") != "" {
		page.Pager.First = here
	}
	if page.Lines, err = v.commissionLines(list); err != nil {
		return err
	}
	page.Chrome = v.chrome("Earnings", Studio, "earnings")
	return v.show(http.StatusOK, Earnings(page))
}

func (v *visit) commissionLines(list []affiliate.Earned) ([]CommissionLine, error) {
	var ids []id.Product
	for _, c := range list {
		ids = append(ids, c.Product)
	}
	found, err := v.productsOf(ids)
	if err != nil {
		return nil, err
	}
	products := make([]catalog.Product, len(list))
	for i := range ids {
		products[i] = found[ids[i]]
	}
	goods, err := v.goods(products, nil)
	if err != nil {
		return nil, err
	}
	why := map[id.Order]map[id.Line]string{}
	var lines []CommissionLine
	for i, c := range list {
		if why[c.Order] == nil {
			if why[c.Order], err = v.receipts(c.Order); err != nil {
				return nil, err
			}
		}
		l := CommissionLine{ID: string(c.ID), Title: c.ProductTitle, Picture: goods[i].Picture, Amount: c.Left(), State: MoneyState(c.State), Why: why[c.Order][c.Line],
			When: Day(c.CreatedAt) + ", " + c.BrandName + ", order " + Tail(string(c.Order)),
			Slip: []SumRow{{Label: "Price of the goods, without tax", Value: Money(c.Base)}, {Label: "Rate, frozen at the sale", Value: Percent(int64(c.Rate))},
				{Label: "Commission", Value: Money(c.Amount), Total: true}}}
		if c.State == affiliate.Reversed {
			l.Amount = c.Amount
		} else if !c.Reversed.IsZero() {
			l.Slip = append(l.Slip, SumRow{Label: "Given back with refunds", Value: MoneyLess(c.Reversed), Less: true}, SumRow{Label: "Left", Value: Money(c.Left()), Total: true})
			l.When += ", partly refunded"
			switch c.State {
			case affiliate.Pending:
				l.Why = "The refund was taken from what is held: the next payout is as it was. " + l.Why
			case affiliate.Available:
				l.Why = "The next payout is " + Money(c.Reversed) + " less. " + l.Why
			case affiliate.PaidOut:
				l.Why = Money(c.Reversed) + " of it had been paid out and is taken from what comes next. " + l.Why
			}
		}
		switch {
		case c.State == affiliate.Pending && !c.ReleaseAt.IsZero():
			l.Says = "until " + Day(c.ReleaseAt)
		case c.State == affiliate.Reversed:
			l.Says = Day(c.ReversedAt)
			l.Why = "Taken back: " + c.Reason + ". " + l.Why
		case !c.ReleasedAt.IsZero():
			l.Says = Day(c.ReleasedAt)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// receipts says of each line of an order why it is the creator's.
func (v *visit) receipts(order id.Order) (map[id.Line]string, error) {
	says := map[id.Line]string{}
	list, err := v.site.Affiliate.Attribution(v.ctx(), v.who, order, false)
	if fault.Is(err, fault.Missing) {
		return says, nil
	}
	for _, r := range list {
		says[r.Line] = r.Says
		if r.Others > 0 {
			says[r.Line] += " " + CountOf(r.Others, "other touch was", "other touches were") + " considered."
		}
	}
	return says, err
}
