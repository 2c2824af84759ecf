package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payout"
	"mezzo/internal/trust"
)

// checkFresh is how long the first page of the operator believes the last proof of the book.
const checkFresh = 5 * time.Minute

// lastCheck remembers the last proof of the book: it reads all of it.
type lastCheck struct {
	sync.Mutex
	at     time.Time
	report ledger.Report
}

// health proves the book, or answers with the last proof when that is fresh and now is not asked for.
func (s *Site) health(ctx context.Context, now time.Time, again bool) (LedgerHealth, error) {
	s.book.Lock()
	defer s.book.Unlock()
	if again || s.book.at.IsZero() || now.Sub(s.book.at) > checkFresh {
		report, err := s.Orders.Check(ctx)
		if err != nil {
			return LedgerHealth{}, err
		}
		broken, _, err := s.Samples.Check(ctx)
		if err != nil {
			return LedgerHealth{}, err
		}
		report.Problems = append(report.Problems, broken...)
		report.Balanced = len(report.Problems) == 0
		s.book.at, s.book.report = now, report
	}
	r := s.book.report
	return LedgerHealth{Balanced: r.Balanced, Transfers: r.CheckedTransfers, At: s.book.at, Problems: r.Problems}, nil
}

// platformAccounts are those of which there are few: they tell how the house stands.
var platformAccounts = []string{"psp:", "fee:", "suspense:", "shipping:", "carrier:", "tax:", "baddebt"}

// accountWords are what the platform's own accounts hold, in words.
var accountWords = map[ledger.Account]string{
	ledger.FeeDeferred: "Fees of what is not delivered yet", ledger.FeeIncome: "Fees earned", ledger.SuspenseAttribution: "Commissions not decided yet",
	ledger.ShippingPayable: "Shipping not sent yet", ledger.ShippingMargin: "Shipping kept", ledger.BadDebt: "Debts given up", ledger.ProviderFees: "What the provider kept",
	"promo:platform": "Vouchers we paid for", "dispute:fees": "Fees of disputes", "dispute:loss": "Lost to disputes", "rounding": "Rounding", "giftcard": "Gift cards not used",
	ledger.Clearing("sandbox"): "At the sandbox provider", ledger.Clearing("stripe"): "At Stripe", ledger.RefundsPayable("stripe"): "To be given back by Stripe", ledger.RefundsPayable("sandbox"): "To be given back by the provider",
}

// accountLabel is what people call an account of the platform; one without words stays as it is.
func accountLabel(a ledger.Account) string {
	if words := accountWords[a]; words != "" {
		return words
	}
	if code, tax := strings.CutPrefix(string(a), string(ledger.TaxOwed(""))); tax {
		country, region, _ := strings.Cut(code, "-")
		return strings.TrimSuffix("Tax owed in "+countryName(country)+", "+region, ", ")
	}
	if word, carrier := strings.CutPrefix(string(a), string(ledger.CarrierOwed(""))); carrier {
		return "Owed to " + word + " for labels"
	}
	for _, w := range accountsLike {
		if rest, is := strings.CutPrefix(string(a), w.prefix); is && strings.HasSuffix(rest, w.suffix) {
			return w.words
		}
	}
	return string(a)
}

// accountsLike are accounts of which there is one for each provider or program, in words.
var accountsLike = []struct{ prefix, suffix, words string }{
	{"payouts:", ":transit", "Payouts on their way"}, {"disputes:", "", "Withheld for disputes"}, {"bank:", "", "At the bank"}, {"refunds:", ":payable", "To be given back by the provider"},
	{"program:", ":granted", "A program’s budget, as given"}, {"program:", ":budget", "A program’s budget, left"}, {"program:", ":reserve", "A program’s budget, kept for clicks made"}, {"program:", ":spent", "A program’s budget, spent"},
	{"wht:", "", "Tax withheld from payouts"},
}

// standsAt are the platform's own accounts, each in a row.
func (v *visit) standsAt() ([]SumRow, error) {
	var rows []SumRow
	for _, prefix := range platformAccounts {
		list, _, err := v.site.Payouts.Book(v.ctx(), v.who, prefix, "", 20)
		if err != nil {
			return nil, err
		}
		for _, b := range list {
			if !b.Balance.IsZero() {
				rows = append(rows, SumRow{Label: accountLabel(b.Account), Value: Money(b.Balance)})
			}
		}
	}
	return rows, nil
}

// operator answers whether the house is sound, and what waits.
func (s *Site) operator(v *visit) error { return s.showOperator(v, http.StatusOK, nil) }

func (s *Site) showOperator(v *visit, status int, notes []Note) error {
	health, err := s.health(v.ctx(), v.now, false)
	if err != nil {
		return err
	}
	if health.Rows, err = v.standsAt(); err != nil {
		return err
	}
	page := OperatorPage{Ledger: health, Notes: notes}
	if page.Keys, err = v.signingKeys(); err != nil {
		return err
	}
	for _, k := range contentKinds {
		reported, err := s.Trust.Subjects(v.ctx(), v.who, trust.Search{Kind: k.kind, Reported: true, Limit: trust.MaxPage})
		if err != nil {
			return err
		}
		if len(reported) > 0 {
			page.Waits = append(page.Waits, StateCount{URL: contentURL(k.kind, "reported", "", ""), Icon: "alert", Text: k.text + " reported", N: len(reported), Do: true})
		}
	}
	money, err := v.moneyWaits()
	if err != nil {
		return err
	}
	page.Waits = append(page.Waits, money...)
	if err = v.houseNumbers(&page); err != nil {
		return err
	}
	page.Chrome = v.chrome("Operator", Operator, "overview")
	page.Chrome.Live = page.Live.Stream != ""
	return v.show(status, OperatorHome(page))
}

// signingKeys are the keys there are, and by whom each was made.
func (v *visit) signingKeys() ([]KeyRow, error) {
	keys, err := v.site.Accounts.SigningKeys(v.ctx(), v.who)
	if err != nil {
		return nil, err
	}
	var rows []KeyRow
	for _, k := range keys {
		row := KeyRow{Name: "Key " + strconv.FormatInt(k.Serial, 10), State: k.State}
		switch k.State {
		case "coming":
			row.Says = "signs from " + DayTime(k.SignsAt)
		case "over":
			row.Says = "opens nothing any more"
		default:
			row.Says = "made on " + DayYear(k.MadeAt)
		}
		switch {
		case k.MadeBy == "command":
			row.Says += ", turned on the command line"
		case strings.HasPrefix(k.MadeBy, "acc_"):
			row.Says += ", turned by " + v.nameOf(id.Account(k.MadeBy))
		}
		rows = append(rows, row)
	}
	rows[0].Says += "; the next turn is due on " + DayYear(keys[0].MadeAt.Add(account.KeyTurn))
	return rows, nil
}

// nameOf is what somebody is called; the page stands without it.
func (v *visit) nameOf(person id.Account) string {
	found, err := v.site.Accounts.Person(v.ctx(), v.who, person)
	if err != nil {
		return "somebody"
	}
	return found.DisplayName
}

// turnKeys turns the signing keys before their time.
func (s *Site) turnKeys(v *visit) error {
	cut := v.text("cut") == "1"
	_, err := s.Accounts.TurnKeys(v.ctx(), v.who, cut)
	if a, said := v.amissOf(err); said {
		return s.showOperator(v, a.status, a.notes("The keys are as they were."))
	}
	if err != nil {
		return err
	}
	if cut {
		v.tell("Nothing signed before opens any more.")
	} else {
		v.tell("The new key signs in two minutes.")
	}
	return v.to("/operator")
}

// ledger proves the book anew and lists its accounts.
func (s *Site) ledger(v *visit) error {
	if a := v.text("account"); a != "" {
		return s.ledgerAccount(v, ledger.Account(a))
	}
	cursor := v.text("cursor")
	health, err := s.health(v.ctx(), v.now, cursor == "")
	if err != nil {
		return err
	}
	if health.Rows, err = v.standsAt(); err != nil {
		return err
	}
	page := LedgerPage{Tabs: moneyTabs("/operator/ledger"), Health: health, Accounts: Table{Label: "Accounts of the book", Heads: []TableCell{{Text: "Account"}, {Text: "Kind"}, {Text: "Balance", Num: true}}}}
	list, next, err := s.Payouts.Book(v.ctx(), v.who, v.text("prefix"), cursor, ledger.MaxPage)
	if err != nil {
		return err
	}
	names, err := v.namesIn(accountsOf(list))
	if err != nil {
		return err
	}
	for _, b := range list {
		page.Accounts.Rows = append(page.Accounts.Rows, []TableCell{{Text: accountCalled(b.Account, names), Sub: string(b.Account), URL: accountURL(b.Account)}, {Text: string(b.Class)}, {Text: Money(b.Balance), Num: true}})
	}
	if next != "" {
		page.Pager.Next = "/operator/ledger?cursor=" + url.QueryEscape(next)
	}
	if cursor != "" {
		page.Pager.First = "/operator/ledger"
	}
	page.Chrome = v.chrome("Ledger", Operator, "money")
	return v.show(http.StatusOK, Ledger(page))
}

func accountsOf(list []ledger.Balance) []ledger.Account {
	names := make([]ledger.Account, len(list))
	for i, b := range list {
		names[i] = b.Account
	}
	return names
}

func accountURL(a ledger.Account) string {
	return "/operator/ledger?account=" + url.QueryEscape(string(a))
}

// ledgerAccount lists what moved one account, newest first.
func (s *Site) ledgerAccount(v *visit, a ledger.Account) error {
	list, err := s.Payouts.Account(v.ctx(), v.who, a, v.text("cursor"), rowsPage)
	if err != nil {
		return err
	}
	names, err := v.namesIn([]ledger.Account{a})
	if err != nil {
		return err
	}
	page := LedgerPage{Tabs: moneyTabs("/operator/ledger"), Account: accountCalled(a, names), Name: string(a),
		Accounts: Table{Label: "Movements", Heads: []TableCell{{Text: "Cause"}, {Text: "When"}, {Text: "Moved", Num: true}, {Text: "Stood there", Num: true}}}}
	for _, e := range list.Entries {
		moved := e.Amount
		if (e.Side == "debit") == (a.Class() == ledger.Liability || a.Class() == ledger.Income) {
			moved = moved.Neg()
		}
		row := []TableCell{{Text: payout.Cause(e.Kind, e.Key), Sub: e.Key}, {Text: DayTime(e.At)}, {Text: Money(moved), Num: true}, {Text: "", Num: true}}
		if ord := orderIn(e.Key); ord != "" {
			row[0].URL = "/orders/" + ord
		}
		if e.After != nil {
			row[3].Text = Money(*e.After)
		}
		page.Accounts.Rows = append(page.Accounts.Rows, row)
	}
	if list.Next != "" {
		page.Pager.Next = accountURL(a) + "&cursor=" + url.QueryEscape(list.Next)
	}
	if v.text("cursor") != "" {
		page.Pager.First = accountURL(a)
	}
	page.Chrome = v.chrome("Ledger", Operator, "money")
	return v.show(http.StatusOK, Ledger(page))
}

// orderIn returns the order in the key of a transfer, "" where there is none.
func orderIn(key string) string {
	parts := strings.Split(key, ":")
	if len(parts) > 1 && parts[0] == "order" {
		return parts[1]
	}
	return ""
}

// people lists everybody with an account.
func (s *Site) people(v *visit) error { return s.showPeople(v, http.StatusOK, nil) }

func (s *Site) showPeople(v *visit, status int, notes []Note) error {
	q, cursor := v.text("q"), id.Account(v.text("cursor"))
	list, err := s.Accounts.People(v.ctx(), v.who, q, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	page := PeopleBoard{Query: q, Notes: notes}
	here := "/operator/people?q=" + url.QueryEscape(q)
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + "&cursor=" + string(list[rowsPage-1].ID)
	}
	if cursor != "" {
		page.Pager.First = here
	}
	for _, p := range list {
		row, err := v.personRow(p)
		if err != nil {
			return err
		}
		page.People = append(page.People, row)
	}
	page.Chrome = v.chrome("People", Operator, "people")
	return v.show(status, People(page))
}

func (v *visit) personRow(p account.Person) (PersonRow, error) {
	detail, err := v.site.Accounts.Person(v.ctx(), v.who, p.ID)
	if err != nil {
		return PersonRow{}, err
	}
	history, err := v.site.Trust.History(v.ctx(), v.who, trust.Account, string(p.ID))
	if err != nil {
		return PersonRow{}, err
	}
	row := PersonRow{Thing: Thing{Kind: string(trust.Account), ID: string(p.ID), Title: p.DisplayName, Standing: string(p.Standing)},
		Email: p.Email, Handle: p.Handle, Since: DayYear(p.CreatedAt)}
	if p.Handle != "" {
		row.URL = "/c/" + p.Handle
	}
	var brands []string
	for _, b := range detail.Brands {
		brands = append(brands, string(b.Role)+" of "+b.Name)
	}
	row.Brands = strings.Join(brands, ", ")
	row.past(history)
	return row, nil
}

// past tells what was decided about a thing, the newest first, and which change can be undone.
func (t *Thing) past(history []trust.Change) {
	for i, c := range history {
		if i == 0 && c.Undoes == "" {
			t.Change = c.ID
		}
		if i < 3 {
			t.Why += Day(c.At) + ": " + string(c.After) + ", " + c.Reason + ". "
		}
	}
}

// contentKinds are what stands on the content board, in its order.
var contentKinds = []struct {
	kind trust.Kind
	text string
}{{trust.Video, "Videos"}, {trust.Product, "Products"}, {trust.Comment, "Comments"}}

func contentURL(kind trust.Kind, standing, q, cursor string) string {
	values := url.Values{"kind": {string(kind)}}
	for name, value := range map[string]string{"standing": standing, "q": q, "cursor": cursor} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return "/operator/content?" + values.Encode()
}

// content lists what people posted and put up, with how it stands.
func (s *Site) content(v *visit) error { return s.showContent(v, http.StatusOK, nil) }

func (s *Site) showContent(v *visit, status int, notes []Note) error {
	search := trust.Search{Kind: trust.Kind(v.text("kind")), Q: v.text("q"), After: v.text("cursor"), Limit: rowsPage + 1}
	if search.Kind != trust.Product && search.Kind != trust.Comment {
		search.Kind = trust.Video
	}
	standing := v.text("standing")
	if search.Reported = standing == "reported"; !search.Reported && v.r.Method == http.MethodGet {
		search.Standing = trust.Standing(standing)
	}
	list, err := s.Trust.Subjects(v.ctx(), v.who, search)
	if err != nil {
		return err
	}
	page := ContentBoard{Query: search.Q, Notes: notes}
	for _, k := range contentKinds {
		page.Kinds = append(page.Kinds, Tab{Text: k.text, URL: contentURL(k.kind, "", "", ""), Here: k.kind == search.Kind && standing == ""})
	}
	for _, st := range []string{"reported", "limited", "removed"} {
		page.Kinds = append(page.Kinds, Tab{Text: First(st) + st[1:], URL: contentURL(search.Kind, st, "", ""), Here: st == standing && v.r.Method == http.MethodGet})
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = contentURL(search.Kind, standing, search.Q, list[rowsPage-1].ID)
	}
	if search.After != "" {
		page.Pager.First = contentURL(search.Kind, standing, search.Q, "")
	}
	for _, c := range list {
		t, err := v.thing(c)
		if err != nil {
			return err
		}
		page.Things = append(page.Things, t)
	}
	page.Chrome = v.chrome("Content", Operator, "content")
	return v.show(status, Content(page))
}

func (v *visit) thing(c trust.Subject) (Thing, error) {
	t := Thing{Kind: string(c.Kind), ID: c.ID, Title: captionOr(c.Text), Sub: "by " + c.By + ", " + DayYear(c.Made), Standing: string(c.Standing), Reports: int(c.Reports)}
	switch c.Kind {
	case trust.Video:
		t.URL = "/v/" + c.ID
		card, err := v.site.Content.Video(v.ctx(), v.who, id.Video(c.ID))
		if err != nil {
			return t, err
		}
		t.Picture.URL = card.Poster
	case trust.Product:
		t.URL = "/products/" + c.ID
	case trust.Comment:
		t.URL = "/v/" + c.Under + "/comments"
	}
	if c.Change == "" {
		return t, nil
	}
	history, err := v.site.Trust.History(v.ctx(), v.who, c.Kind, c.ID)
	t.past(history)
	return t, err
}

// changeStanding changes how something stands, with a reason its owner reads.
func (s *Site) changeStanding(v *visit) error {
	kind := trust.Kind(v.text("kind"))
	_, err := s.Trust.Set(v.ctx(), v.who, kind, v.text("id"), trust.Standing(v.text("standing")), v.text("reason"))
	return s.stood(v, kind, err, "It is "+v.text("standing")+" now.")
}

// undoStanding takes the newest change of something back.
func (s *Site) undoStanding(v *visit) error {
	c, err := s.Trust.Undo(v.ctx(), v.who, v.text("change"))
	return s.stood(v, c.Kind, err, "It stands as before: "+string(c.After)+".")
}

// stood ends a change of standing on the page it was made on.
func (s *Site) stood(v *visit, kind trust.Kind, err error, says string) error {
	if a, said := v.amissOf(err); said {
		notes := a.notes("Nothing was changed.")
		if kind == trust.Account || local(v.text("back")) == "/operator/people" {
			return s.showPeople(v, a.status, notes)
		}
		return s.showContent(v, a.status, notes)
	}
	if err != nil {
		return err
	}
	v.tell(says)
	if came := v.came(); strings.HasPrefix(came, "/operator/") {
		return v.to(came)
	}
	return v.back("/operator")
}

// ordersOfHouse lists every order.
func (s *Site) ordersOfHouse(v *visit) error {
	q, cursor := v.text("q"), id.Order(v.text("cursor"))
	list, err := s.Orders.Find(v.ctx(), v.who, q, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	page := AllOrders{Query: q}
	here := "/operator/orders?q=" + url.QueryEscape(q)
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + "&cursor=" + string(list[rowsPage-1].ID)
	}
	if cursor != "" {
		page.Pager.First = here
	}
	if page.Orders, err = v.orderLooks(list); err != nil {
		return err
	}
	page.Chrome = v.chrome("Orders", Operator, "orders")
	return v.show(http.StatusOK, OrdersOfHouse(page))
}

func (v *visit) orderLooks(list []order.Order) ([]OrderLook, error) {
	var creators []id.Creator
	for _, o := range list {
		for _, l := range o.Lines {
			if l.Creator != "" {
				creators = append(creators, l.Creator)
			}
		}
	}
	names, err := v.creatorNames(creators)
	if err != nil {
		return nil, err
	}
	var looks []OrderLook
	for _, o := range list {
		state := stateOf(o)
		look := OrderLook{ID: string(o.ID), URL: "/orders/" + string(o.ID), Placed: o.PlacedAt, Buyer: o.Email, State: state.says, Tone: state.tone, Total: o.Total, Marked: inDispute(o)}
		var brands, earned []string
		for _, p := range o.Parts {
			brands = append(brands, p.BrandName)
		}
		for _, l := range o.Lines {
			if l.Creator != "" && !o.PaidAt.IsZero() {
				earned = append(earned, names[l.Creator]+" "+Money(l.Frozen.Commission))
			}
		}
		look.Brands, look.Earned = strings.Join(brands, ", "), strings.Join(earned, ", ")
		looks = append(looks, look)
	}
	return looks, nil
}
