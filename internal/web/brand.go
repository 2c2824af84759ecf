package web

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payout"
)

// newBrand shows the form that opens a brand.
func (s *Site) newBrand(v *visit) error {
	f := NewBrandForm()
	f.Country.Options, f.Currency.Options = choose(countries(), ""), choose(currencies(), "USD")
	return s.showNewBrand(v, http.StatusOK, f, nil)
}

func (s *Site) showNewBrand(v *visit, status int, f BrandForm, notes []Note) error {
	c := v.chrome("Open a brand", Market, "you")
	c.Back = "/you"
	return v.show(status, NewBrand(NewBrandPage{Chrome: c, Form: f, Notes: notes}))
}

// openBrand opens a brand whose owner is the asker.
func (s *Site) openBrand(v *visit) error {
	in := account.NewBrand{Name: v.text("name"), LegalName: v.text("legal_name"), Country: v.text("country"), Currency: money.Currency(v.text("currency")),
		ContactEmail: v.text("contact_email"), ContactAddress: v.text("contact_address")}
	b, err := s.Accounts.CreateBrand(v.ctx(), v.who, in)
	if a, said := v.amissOf(err); said {
		f := NewBrandForm()
		f.fill(account.Brand{Name: in.Name, LegalName: in.LegalName, Country: in.Country, Currency: in.Currency, ContactEmail: in.ContactEmail, ContactAddress: in.ContactAddress})
		a.mark(&f.Name, &f.Legal, &f.Country, &f.Currency, &f.Email, &f.Address)
		return s.showNewBrand(v, a.status, f, a.notes("The brand was not opened."))
	}
	if err != nil {
		return err
	}
	return v.to("/brand/" + string(b.ID))
}

// fill puts a brand into its form.
func (f *BrandForm) fill(b account.Brand) {
	f.Name.Value, f.Legal.Value, f.Email.Value, f.Address.Value = b.Name, b.LegalName, b.ContactEmail, b.ContactAddress
	f.Country.Value, f.Country.Options = b.Country, choose(countries(), b.Country)
	f.Currency.Value, f.Currency.Options = string(b.Currency), choose(currencies(), string(b.Currency))
}

// brandURL is a page of the console.
func (v *visit) brandURL(path string) string { return "/brand/" + string(v.brand.ID) + path }

// brandHome answers what is the brand's, what waits, and what to begin with.
func (s *Site) brandHome(v *visit) error {
	b, err := s.Payouts.Brand(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	counts, err := s.Orders.BrandCounts(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	all, err := b.Pending.Add(b.Available)
	if err != nil {
		return err
	}
	page := BrandPage{Head: v.brand.Name, Gmv: all, GmvWords: "Yours of what was sold: held and ready", Split: bookRows(b)}
	for _, st := range []struct {
		state order.State
		icon  string
		text  string
		note  string
	}{{order.Paid, "box", "To pack", "paid, waiting for you"}, {order.Shipped, "truck", "On the way", ""}, {order.Delivered, "clock", "Arrived", "held until the time to return has passed"},
		{order.Completed, "check", "Done", "yours"}, {order.Cancelled, "close", "Cancelled", ""}} {
		page.States = append(page.States, StateCount{URL: v.brandURL("/orders?state=" + string(st.state)), Icon: st.icon, Text: st.text, Note: st.note,
			N: int(counts[st.state]), Do: st.state == order.Paid})
	}
	waits, err := v.waiting()
	if err != nil {
		return err
	}
	page.States = slices.Insert(page.States, 1, waits...)
	if page.Start, err = v.firstSteps(); err != nil {
		return err
	}
	if err = v.brandNumbers(&page); err != nil {
		return err
	}
	page.Chrome = v.chrome(v.brand.Name, Brand, "today")
	page.Chrome.Live = page.Live.Stream != ""
	return v.show(http.StatusOK, BrandHome(page))
}

// waiting is what beside packing waits for the brand, the most pressing first; what does not is left out.
func (v *visit) waiting() ([]StateCount, error) {
	ctx, brand := v.ctx(), v.brand.ID
	disputes, err := v.site.Orders.BrandDisputes(ctx, v.who, brand, order.DisputeOpen, "", rowsPage)
	if err != nil {
		return nil, err
	}
	returns, err := v.site.Orders.BrandReturnCounts(ctx, v.who, brand)
	if err != nil {
		return nil, err
	}
	claims, err := v.site.Orders.BrandClaims(ctx, v.who, brand, order.ClaimOpen, "", rowsPage)
	if err != nil {
		return nil, err
	}
	closed, err := v.site.Affiliate.BudgetsClosed(ctx, v.who, brand)
	if err != nil {
		return nil, err
	}
	hooks, err := v.site.Notify.Troubled(ctx, v.who, brand)
	if err != nil {
		return nil, err
	}
	asked, approved, err := v.samplesWaiting()
	if err != nil {
		return nil, err
	}
	all := []StateCount{
		{URL: v.brandURL("/disputes?state=open"), Icon: "alert", Text: "Disputed by banks", Note: "lost without evidence in time", N: len(disputes), Do: true},
		{URL: v.brandURL("/returns?state=requested"), Icon: "return", Text: "Returns to answer", Note: "agreed after 48 h without an answer", N: int(returns[order.ReturnRequested]), Do: true},
		{URL: v.brandURL("/returns?state=requested"), Icon: "alert", Text: "Said not to have come", Note: "given back after 72 h without proof", N: len(claims), Do: true},
		{URL: v.brandURL("/samples?state=requested"), Icon: "box", Text: "Samples to answer", Note: "declined after 7 days without an answer", N: asked, Do: true},
		{URL: v.brandURL("/samples?state=approved"), Icon: "truck", Text: "Samples to send", Note: "called off 7 days after your yes", N: approved, Do: true},
		{URL: v.brandURL("/programs"), Icon: "coin", Text: "Budgets spent", Note: "new clicks earn nothing until you add to them", N: closed, Do: true},
		{URL: v.brandURL("/webhooks"), Icon: "alert", Text: "Webhooks switched off", Note: "they accepted nothing for three days; what they missed can be sent again", N: hooks, Do: true},
	}
	return slices.DeleteFunc(all, func(c StateCount) bool { return c.N == 0 }), nil
}

// samplesWaiting is how many samples the brand has to answer, and to send.
func (v *visit) samplesWaiting() (asked, approved int, err error) {
	if v.site.Samples == nil {
		return 0, 0, nil
	}
	a, b, err := v.site.Samples.Waiting(v.ctx(), v.who, v.brand.ID)
	return int(a), int(b), err
}

// firstSteps are what a brand has not done yet and cannot sell well without.
func (v *visit) firstSteps() ([]Todo, error) {
	products, err := v.site.Catalog.BrandProducts(v.ctx(), v.who, v.brand.ID, catalog.Query{Limit: 1})
	if err != nil {
		return nil, err
	}
	programs, err := v.site.Affiliate.BrandPrograms(v.ctx(), v.who, v.brand.ID, "", 1)
	if err != nil {
		return nil, err
	}
	var todo []Todo
	if len(products) == 0 {
		todo = append(todo, Todo{URL: v.brandURL("/products/new"), Icon: "tag", Text: "Put the first product up", Note: "a name, a price, how many, a picture"})
	}
	if len(programs) == 0 {
		todo = append(todo, Todo{URL: v.brandURL("/programs/new"), Icon: "coin", Text: "Open a program", Note: "anyone may show your goods for a share of what they sell"})
	}
	if v.brand.LegalName == "" || v.brand.ContactEmail == "" || v.brand.ContactAddress == "" {
		todo = append(todo, Todo{URL: v.brandURL("/members"), Icon: "shop", Text: "Say who sells", Note: "buyers are shown the trader’s name, address and e-mail"})
	}
	return todo, nil
}

// payOutWords lead to the payouts: to ask for one, or to read of them while nothing is ready.
func payOutWords(available money.Amount) string {
	if available.Minor > 0 {
		return "Pay out"
	}
	return "To the payouts"
}

// bookRows says where a brand's money stands.
func bookRows(b payout.Balance) []SumRow {
	rows := []SumRow{{Label: "Held until delivered and kept", Value: Money(b.Pending)}}
	for _, r := range []struct {
		label string
		of    money.Amount
		less  bool
	}{{"Under dispute", b.Held, false}, {"Reserve for refunds", b.Reserve, false}, {"Owed to the platform", b.Owed, true}} {
		if !r.of.IsZero() {
			said := Money(r.of)
			if r.less {
				said = MoneyLess(r.of)
			}
			rows = append(rows, SumRow{Label: r.label, Value: said, Less: r.less})
		}
	}
	return append(rows, SumRow{Label: "Ready to pay out", Value: Money(b.Available), Total: true})
}

// balanceKinds are the accounts a brand's money goes through, as the page names them.
var balanceKinds = map[ledger.Kind]string{
	ledger.KindPaid: "Sold", ledger.KindShipped: "Shipping, sent by you", ledger.KindReleased: "The hold has passed", ledger.KindCancelled: "Cancelled by the buyer",
	ledger.KindAttributed: "A commission was decided", ledger.KindReversal: "Taken back", ledger.KindRefunded: "Refunded",
	ledger.KindSample: "A sample without the video agreed on", ledger.KindSampleSent: "The label of a sample", ledger.KindRefund: "Given back to the buyer", ledger.KindRecovered: "What you owed was paid with it",
	ledger.KindReserve: "What was kept back is let go", ledger.KindFrozen: "Held: a bank disputes the payment", ledger.KindDisputeLost: "A dispute was lost",
}

// balance answers what a brand is owed, and by which transfer each cent came.
func (s *Site) balance(v *visit) error {
	b, err := s.Payouts.Brand(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	kind := "pending"
	if k := v.text("account"); k == "available" || k == "reserve" {
		kind = k
	}
	list, err := s.Payouts.Entries(v.ctx(), v.who, v.brand.ID, kind, v.text("cursor"), rowsPage)
	if err != nil {
		return err
	}
	page := BalancePage{Available: b.Available, Held: b.Pending, Book: bookRows(b)}
	here := v.brandURL("/balance?account=" + kind)
	page.Kinds = []Tab{{Text: "Held", URL: v.brandURL("/balance"), Here: kind == "pending"}, {Text: "Ready", URL: v.brandURL("/balance?account=available"), Here: kind == "available"}}
	if err := v.heldWords(&page, b, kind); err != nil {
		return err
	}
	if list.Next != "" {
		page.Pager.Next = here + "&cursor=" + list.Next
	}
	if v.text("cursor") != "" {
		page.Pager.First = here
	}
	keys := make([]string, len(list.Entries))
	for i, e := range list.Entries {
		keys[i] = e.Key
	}
	notes, err := v.refundNotes(keys)
	if err != nil {
		return err
	}
	goods, err := v.goodsIn(keys)
	if err != nil {
		return err
	}
	for _, e := range list.Entries {
		line := balanceLineOf(e, kind)
		if parts := strings.Split(e.Key, ":"); len(parts) > 3 && goods[parts[3]] != "" {
			line.Note = goods[parts[3]] + ", " + line.Note
		}
		if parts := strings.Split(e.Key, ":"); len(parts) > 1 && notes[parts[1]] != "" {
			line.Note = notes[parts[1]] + refundEffects[kind]
		}
		page.Lines = append(page.Lines, line)
	}
	page.Chrome = v.chrome("Money", Brand, "money")
	return v.show(http.StatusOK, Balance(page))
}

// goodsIn names the goods of the order lines in the keys of transfers, by line.
func (v *visit) goodsIn(keys []string) (map[string]string, error) {
	var lines []id.Line
	for _, k := range keys {
		if parts := strings.Split(k, ":"); len(parts) > 3 && parts[0] == "order" && id.Line(parts[3]).Valid() {
			lines = append(lines, id.Line(parts[3]))
		}
	}
	list, err := v.site.Orders.BrandLines(v.ctx(), v.who, v.brand.ID, lines)
	names := map[string]string{}
	for _, s := range list {
		names[string(s.Line)] = timesOf(int(s.Quantity), titled(s.Title, s.Variant))
	}
	return names, err
}

// refundEffects is what a refund does to the next payout, by the account it was taken from.
var refundEffects = map[string]string{
	"pending":   ". It was not ready yet: the next payout is as it was.",
	"available": ". The next payout is so much less.",
	"reserve":   ". It was kept back for this: the next payout is as it was.",
}

// heldWords says when what is held comes next, and what is kept back and why.
func (v *visit) heldWords(page *BalancePage, b payout.Balance, kind string) error {
	next, err := v.site.Orders.NextRelease(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	switch {
	case next.Parts > 0:
		page.HeldWords = "the next " + Money(next.Amount) + " on " + Day(next.At)
	case !b.Pending.IsZero():
		page.HeldWords = "nothing of it has arrived yet"
	}
	terms, err := v.site.Orders.ReserveTerms(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	if terms.Bps > 0 {
		page.Kept = Percent(int64(terms.Bps)) + " of your share of the goods is kept back for " + CountOf(terms.Days, "day", "") + " when it is released, for refunds that come later."
		if terms.Reason != "" {
			page.Kept += " “" + terms.Reason + "”"
		}
	}
	if terms.Bps > 0 || !b.Reserve.IsZero() {
		page.Kinds = append(page.Kinds, Tab{Text: "Kept back", URL: v.brandURL("/balance?account=reserve"), Here: kind == "reserve"})
	}
	if !b.Owed.IsZero() {
		page.Owed = Money(b.Owed) + " is owed: refunds, or labels beyond their shipping, took more than was ready. What is released next pays it first."
	}
	return nil
}

func balanceLineOf(e ledger.Entry, kind string) BalanceLine {
	l := BalanceLine{When: e.At, Text: balanceKinds[e.Kind], Amount: e.Amount, State: MoneyState(kind), Transfer: string(e.Transfer)}
	if l.Text == "" || strings.HasPrefix(e.Key, "payout:") {
		l.Text = payout.Cause(e.Kind, e.Key)
	}
	if e.Kind == ledger.KindShipped && kind != "pending" {
		l.Text = "Labels beyond what the buyer paid for shipping"
	}
	if e.Side == "debit" {
		l.Amount, l.State = e.Amount.Neg(), "" // it has left: what it is now stands where it went
	}
	if parts := strings.Split(e.Key, ":"); len(parts) > 1 && parts[0] == "order" {
		l.Note = "order " + Tail(parts[1])
	}
	l.Slip = []SumRow{{Label: "Moved", Value: Money(l.Amount)}}
	if e.After != nil {
		l.Slip = append(l.Slip, SumRow{Label: "Stood there afterwards", Value: Money(*e.After), Total: true})
	}
	return l
}

// members shows who acts for a brand, how it ships and what buyers read of it.
func (s *Site) members(v *visit) error {
	return s.showMembers(v, http.StatusOK, func(*MembersPage) {})
}

func (s *Site) showMembers(v *visit, status int, change func(*MembersPage)) error {
	people, err := s.Accounts.Members(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	ships, err := s.Catalog.ShippingOptions(v.ctx(), v.brand.ID)
	if err != nil {
		return err
	}
	page := MembersPage{Owner: v.who.IsOwner(v.brand.ID) || v.who.Operator, Details: NewBrandForm(), NewShip: newShipForm(v.brand.Currency),
		Email: Field{Name: "email", Label: "E-mail of somebody with an account here", Kind: "email", Max: 254, Complete: "off"}}
	page.Details.fill(v.brand)
	page.Details.Address.Optional, page.Details.Legal.Optional, page.Details.Email.Optional = true, true, true
	for _, m := range people {
		page.Members = append(page.Members, Member{Account: string(m.Account), Name: m.DisplayName, Email: m.Email, Role: string(m.Role), Me: m.Account == v.who.Account})
	}
	for _, o := range ships {
		where := countriesWords(o.Countries)
		if where == "" {
			where = "everywhere"
		}
		page.Ships = append(page.Ships, ShipRow{ID: o.Code, Name: o.Name, Country: where, Days: daysWords(o.DaysMin, o.DaysMax) + ", handed over within " + strconv.FormatInt(o.HandlingDays, 10), Price: o.Price})
	}
	change(&page)
	page.Chrome = v.chrome("Who and how", Brand, "members")
	return v.show(status, Members(page))
}

func newShipForm(c money.Currency) ShipForm {
	return ShipForm{
		Name:    Field{Name: "name", Label: "What it is called", Max: 100, Value: "Standard", ID: "ship-name"},
		Country: Field{Name: "country", Label: "Where it goes", Options: append([]Option{{Value: "", Label: "Everywhere", Chosen: true}}, countries()...), Optional: true, ID: "ship-country"},
		Price:   Field{Name: "price", Label: "What it costs the buyer", Currency: c, Value: money.Of(0, c).Decimal(), ID: "ship-price"},
		DaysMin: Field{Name: "days_min", Label: "Days, at the fewest", Kind: "number", Least: "0", Most: "365", Value: "2"},
		DaysMax: Field{Name: "days_max", Label: "Days, at the most", Kind: "number", Least: "0", Most: "365", Value: "5"},
		Handling: Field{Name: "handling_days", Label: "Days until you hand it over", Kind: "number", Least: "0", Most: strconv.Itoa(catalog.MaxHandling), Value: strconv.Itoa(catalog.DefaultHandling),
			Hint: "What is not handed over three days after them cancels itself."},
	}
}

// addMember gives a person a role in the brand.
func (s *Site) addMember(v *visit) error {
	email := v.text("email")
	_, err := s.Accounts.PutMember(v.ctx(), v.who, v.brand.ID, email, account.Role(v.text("role")))
	if a, said := v.amissOf(err); said {
		return s.showMembers(v, a.status, func(p *MembersPage) {
			p.Email.Value = email
			a.mark(&p.Email)
			p.Notes = a.notes("Nobody was added.")
		})
	}
	return v.kept(err, "They may act for the brand now.", "/members")
}

// removeMember takes a person out of the brand.
func (s *Site) removeMember(v *visit) error {
	err := s.Accounts.RemoveMember(v.ctx(), v.who, v.brand.ID, id.Account(v.r.PathValue("account")))
	if a, said := v.amissOf(err); said {
		return s.showMembers(v, a.status, func(p *MembersPage) { p.Notes = a.notes("They stay.") })
	}
	return v.kept(err, "They act for the brand no more.", "/members")
}

// kept ends a change of the console: said on the page it leads to.
func (v *visit) kept(err error, says, path string) error {
	if err != nil {
		return err
	}
	v.tell(says)
	return v.to(v.brandURL(path))
}

// changeBrand keeps what buyers read of the brand.
func (s *Site) changeBrand(v *visit) error {
	name, legal, email, address := v.text("name"), v.text("legal_name"), v.text("contact_email"), v.text("contact_address")
	_, err := s.Accounts.UpdateBrand(v.ctx(), v.who, v.brand.ID, 0, account.BrandChange{Name: &name, LegalName: &legal, ContactEmail: &email, ContactAddress: &address})
	if a, said := v.amissOf(err); said {
		return s.showMembers(v, a.status, func(p *MembersPage) {
			d := &p.Details
			d.Name.Value, d.Legal.Value, d.Email.Value, d.Address.Value = name, legal, email, address
			a.mark(&d.Name, &d.Legal, &d.Email, &d.Address)
			p.Notes = a.notes("Nothing was changed.")
		})
	}
	return v.kept(err, "Buyers read it from now on.", "/members")
}

// addShipping adds a way the brand ships.
func (s *Site) addShipping(v *visit) error {
	in := catalog.NewShippingOption{Name: v.text("name")}
	if c := v.text("country"); c != "" {
		in.Countries = []string{c}
	}
	var bad [4]bool
	var handling int64
	var err error
	if in.Price, err = money.Parse(v.text("price"), v.brand.Currency); err != nil {
		bad[0] = true
	}
	in.Handling = &handling
	for i, at := range []*int64{&in.DaysMin, &in.DaysMax, in.Handling} {
		n, ok := v.number([]string{"days_min", "days_max", "handling_days"}[i])
		*at, bad[i+1] = n, !ok
	}
	if v.text("handling_days") == "" {
		in.Handling, bad[3] = nil, false
	}
	in.Position = 1
	a, said := amiss{status: http.StatusUnprocessableEntity, detail: "Look at the fields below."}, true
	if bad == [4]bool{} {
		_, err = s.Catalog.PutShippingOption(v.ctx(), v.who, v.brand.ID, optionCode(in.Name), 0, in)
		a, said = v.amissOf(err)
	}
	if !said {
		return v.kept(err, "Buyers can choose it from now on.", "/members")
	}
	return s.showMembers(v, a.status, func(p *MembersPage) {
		f := &p.NewShip
		f.Name.Value, f.Price.Value, f.DaysMin.Value, f.DaysMax.Value, f.Handling.Value = in.Name, v.text("price"), v.text("days_min"), v.text("days_max"), v.text("handling_days")
		for i, field := range []*Field{&f.Price, &f.DaysMin, &f.DaysMax, &f.Handling} {
			if bad[i] {
				field.Wrong = "This is not a number that can be read."
			}
		}
		a.mark(&f.Name, &f.Price, &f.DaysMin, &f.DaysMax, &f.Handling)
		a.under(&f.Country, "countries")
		p.Notes = a.notes("It was not added.")
	})
}

// optionCode names a way to ship within its brand: its name as far as a code can hold it, and
// letters by chance, so that two of one name are two.
func optionCode(name string) string {
	code := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r == ' ' || r == '-':
			return '-'
		}
		return -1
	}, strings.ToLower(name))
	code = strings.Trim(code, "-")
	if len(code) > 20 {
		code = code[:20]
	}
	return strings.TrimPrefix(code+"-"+strings.ToLower(rand.Text()[:6]), "-")
}

// removeShipping takes a way to ship away; the last one stays.
func (s *Site) removeShipping(v *visit) error {
	err := s.Catalog.DeleteShippingOption(v.ctx(), v.who, v.brand.ID, v.r.PathValue("code"))
	if a, said := v.amissOf(err); said {
		return s.showMembers(v, a.status, func(p *MembersPage) { p.Notes = a.notes("It stays.") })
	}
	return v.kept(err, "It cannot be chosen any more.", "/members")
}
