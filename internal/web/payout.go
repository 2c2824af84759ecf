package web

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

// payoutOwner is whose payouts the pages are about: the brand of the console, else the creator who asks.
func (v *visit) payoutOwner() (owner payout.Owner, at string) {
	if v.brand.ID != "" {
		return payout.OfBrand(v.brand.ID), "/brand/" + string(v.brand.ID)
	}
	return payout.OfCreator(v.who.Creator), "/studio"
}

// sayWhere heads the note to somebody who has named no place for their money yet.
const sayWhere = "Say where to."

// payouts shows what can be paid out, where to, and what was.
func (s *Site) payouts(v *visit) error {
	owner, _ := v.payoutOwner()
	var notes []Note
	if s.Payouts.Hosted() {
		ask := v.text("payment") != "" // back from the provider's pages
		if !ask {
			places, err := s.Payouts.Destinations(v.ctx(), v.who, owner)
			if err != nil {
				return err
			}
			ask = !slices.ContainsFunc(places, func(d payout.Destination) bool { return d.State == "active" })
		}
		if ask {
			var err error
			if notes, err = s.hostedNotes(v, owner); err != nil {
				return err
			}
		}
	}
	return s.showPayouts(v, http.StatusOK, func(page *PayoutsPage) {
		page.Notes = notes
		if len(notes) > 0 {
			page.Why = slices.DeleteFunc(page.Why, func(n Note) bool { return n.Head == sayWhere })
		}
	})
}

// hostedNotes says how far an account at the provider has come, when its owner comes back from there or has begun one
// that cannot be used yet: whether the provider tells of it or not.
func (s *Site) hostedNotes(v *visit, owner payout.Owner) ([]Note, error) {
	is, err := s.Payouts.HostedAccount(v.ctx(), v.who, owner)
	if notes := s.silentHost(v, err); notes != nil {
		return notes, nil
	}
	if wrong, said := v.amissOf(err); said {
		return wrong.notes("Load this page again in a moment."), nil
	}
	if err != nil {
		return nil, err
	}
	switch is.State {
	case payout.HostedNone:
		return nil, nil
	case payout.HostedReady:
		return []Note{{Tone: "good", Head: "Your account is ready.", Text: "You can be paid out to it."}}, nil
	case payout.HostedPending:
		return []Note{{Tone: "wait", Head: "Waiting for Stripe.", Text: "It looks at your answers, minutes as a rule, at times days. There is nothing for you to do: come here again, and you can be paid out as soon as it agrees."}}, nil
	case payout.HostedRestricted:
		return []Note{{Tone: "bad", Head: "The provider asks for more.", Text: "Go to its page below: it says what is missing."}}, nil
	}
	return []Note{{Tone: "wait", Head: "Your account is not complete.", Text: "Go to the provider’s page below and answer what is left."}}, nil
}

// silentHost is what to say when the provider does not answer; nil when something else came of it. The page about
// what is paid out is there without it.
func (s *Site) silentHost(v *visit, err error) []Note {
	if !fault.Is(err, fault.Unavailable) {
		return nil
	}
	s.log.Warn("the provider that pays did not answer", "request", v.w.Header().Get("X-Request-Id"), "err", err)
	return []Note{{Tone: "bad", Head: "Our payment provider does not answer.", Text: "Nothing is done twice: try again in a moment."}}
}

func (s *Site) showPayouts(v *visit, status int, change func(*PayoutsPage)) error {
	owner, at := v.payoutOwner()
	page := PayoutsPage{At: at, May: v.brand.ID == "" || v.who.IsOwner(v.brand.ID), Hosted: s.Payouts.Hosted(), CSV: "/api/v1/me/statements?format=csv"}
	if v.brand.ID != "" {
		page.CSV = "/api/v1/brands/" + string(v.brand.ID) + "/statements?format=csv"
	}
	places, err := s.Payouts.Destinations(v.ctx(), v.who, owner)
	if err != nil {
		return err
	}
	for _, d := range places {
		page.Places = append(page.Places, v.placeRow(d))
	}
	if err := v.payoutAsks(&page, owner, places); err != nil {
		return err
	}
	if page.May {
		if err := v.payeeFields(&page, owner); err != nil {
			return err
		}
	}
	after := id.Payout("")
	if v.r.Method == http.MethodGet {
		after = id.Payout(v.text("cursor"))
	}
	list, err := s.Payouts.List(v.ctx(), v.who, owner, after, rowsPage+1)
	if err != nil {
		return err
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = at + "/payouts?cursor=" + string(list[rowsPage-1].ID)
	}
	if after != "" {
		page.Pager.First = at + "/payouts"
	}
	for _, p := range list {
		page.Rows = append(page.Rows, payoutRow(p))
	}
	page.Place = []Field{{Name: "holder", Label: "Whose account it is", Max: 140, Complete: "name"}, {Name: "account", Label: "IBAN or account number", Max: 64, Complete: "off"},
		{Name: "bank_code", Label: "Routing number, sort code or BIC", Max: 64, Optional: true, Complete: "off", Hint: "Not needed with an IBAN."},
		{Name: "bank_name", Label: "The bank’s name", Max: 100, Optional: true},
		{Name: "current_password", Label: "Your password, once more", Kind: "password", Complete: "current-password"}}
	if page.Hosted {
		page.Place = page.Place[len(page.Place)-1:]
	}
	change(&page)
	if v.brand.ID != "" {
		page.Chrome = v.chrome("Payouts", Brand, "money")
		return v.show(status, BrandPayouts(page))
	}
	page.Chrome = v.chrome("Payouts", Studio, "earnings")
	return v.show(status, StudioPayouts(page))
}

func (v *visit) placeRow(d payout.Destination) PlaceRow {
	row := PlaceRow{ID: string(d.ID), Label: d.Label, Says: "ready", Tone: "good"}
	switch {
	case d.State == "flagged":
		row.Says, row.Tone, row.Flagged, row.Note = "not used", "bad", true, "A payout did not arrive: "+d.Reason
		if d.Reason == payout.HostedClosed {
			row.Flagged, row.Note = false, d.Reason+" Go to its page below: it says what is missing."
		}
	case d.UsableAt.After(v.now) && d.UsableAt.After(d.CreatedAt): // the first is usable from its own moment on, which may be this one
		row.Says, row.Tone = "added lately; from "+DayTime(d.UsableAt), "wait"
	}
	return row
}

// payoutAsks are the forms that pay out, one for each currency something is ready in.
func (v *visit) payoutAsks(page *PayoutsPage, owner payout.Owner, places []payout.Destination) error {
	terms, err := v.site.Payouts.TermsOf(v.ctx(), v.who, owner)
	if err != nil {
		return err
	}
	var to []Option
	for _, d := range places {
		if d.State == "active" && !d.UsableAt.After(v.now) {
			to = append(to, Option{Value: string(d.ID), Label: d.Label, Chosen: len(to) == 0})
		}
	}
	for i, t := range terms {
		c := string(t.Available.Currency)
		page.Asks = append(page.Asks, PayoutAsk{Code: c, Ready: Money(t.Available), Least: Money(t.Minimum), Key: rand.Text(), Open: t.Available.Minor >= t.Minimum.Minor && len(to) > 0,
			Amount: Field{Name: "amount", ID: "amount-" + c, Label: "How much", Currency: t.Available.Currency, Value: t.Available.Decimal()},
			To:     Field{Name: "destination_id", ID: "to-" + c, Label: "Where to", Options: to}})
		if i == 0 && len(to) == 0 && len(places) == 0 && page.May {
			page.Why = append(page.Why, Note{Tone: "wait", Head: sayWhere, Text: addPlaceWords(page.Hosted)})
		}
	}
	return nil
}

func addPlaceWords(hosted bool) string {
	if hosted {
		return "Open your account at our payment provider, below."
	}
	return "Add a bank account below."
}

// payeeFields is the form of who is paid, as far as it may be shown.
func (v *visit) payeeFields(page *PayoutsPage, owner payout.Owner) error {
	p, err := v.site.Payouts.Payee(v.ctx(), v.who, owner)
	if fault.Is(err, fault.Unavailable) {
		page.Why = append(page.Why, Note{Tone: "bad", Head: "Nobody is paid at present.", Text: faultOf(err).Detail})
		return nil
	}
	if err != nil {
		return err
	}
	page.Known = p.Complete
	if !p.Over18 {
		page.Why = append(page.Why, Note{Tone: "wait", Head: "Say that you are 18 or older.", Text: "Payouts wait for it; what you have earned stays yours.", Links: []Link{{Text: "Say it under You", URL: "/you"}}})
	}
	if p.Asked {
		page.Why = append(page.Why, Note{Tone: "wait", Head: "Say who is paid.", Text: "You have sold something: fill in name, address and tax id below, and it can be paid out."})
	}
	page.Payee = []Field{{Name: "kind", Label: "You are paid as", Options: []Option{{"individual", "a person", p.Legal != payout.Business}, {"business", "a business", p.Legal == payout.Business}}},
		{Name: "legal_name", Label: "Name, as the tax office knows it", Max: 200, Value: p.Name, Complete: "name"}, {Name: "line1", Label: "Street", Max: 200, Value: p.Line1, Complete: "address-line1"},
		{Name: "line2", Label: "More of the address", Max: 200, Value: p.Line2, Optional: true, Complete: "address-line2"}, {Name: "city", Label: "City", Max: 100, Value: p.City, Complete: "address-level2"},
		{Name: "region", Label: "State or region", Max: 100, Value: p.Region, Optional: true, Complete: "address-level1"}, {Name: "postal_code", Label: "Postal code", Max: 20, Value: p.PostalCode, Optional: true, Complete: "postal-code"},
		{Name: "country", Label: "Country where you pay tax", Options: choose(countries(), p.Country)}, {Name: "tax_id", Label: "Tax id", Max: 40, Value: p.TaxID, Complete: "off"},
		{Name: "date_of_birth", Label: "Date of birth", Kind: "date", Value: p.Birth, Optional: true, Complete: "bday", Hint: "Asked for in the EU."}}
	return nil
}

// payoutWords are what a page says of a payout's state.
var payoutWords = map[payout.State][2]string{payout.Created: {"being sent", "wait"}, payout.Sent: {"on its way", "wait"}, payout.Confirmed: {"arrived", "good"},
	payout.Failed: {"did not arrive", "bad"}, payout.Returned: {"came back", "bad"}}

func payoutRow(p payout.Payout) PayoutRow {
	words := payoutWords[p.State]
	row := PayoutRow{Amount: Money(p.Amount), Says: words[0], Tone: words[1], To: "To " + p.Label, When: Day(p.CreatedAt)}
	if p.Waiting {
		row.Says = "the operator looks at it first"
	}
	if !p.Withheld.IsZero() {
		row.To += ", " + Money(p.Net) + " after " + Money(p.Withheld) + " of tax withheld"
	}
	if p.Back != nil {
		row.Note = Money(*p.Back) + " of it was taken back at the provider, and is ready again."
	}
	if p.State == payout.Failed || p.State == payout.Returned {
		row.Note = p.Failure + " The money is ready again. Confirm the account below, or add another."
		if !p.Destination.Valid() { // a name of the sandbox, which is not kept
			row.Note = p.Failure + " The money is ready again."
		}
	}
	return row
}

// payOut pays an amount out, once for the form's key.
func (s *Site) payOut(v *visit) error {
	owner, at := v.payoutOwner()
	amount, err := money.Parse(v.text("amount"), money.Currency(v.text("currency")))
	if err != nil {
		err = fault.InvalidField("body.amount", "Write the amount in figures, such as 50.00.")
	}
	var p payout.Payout
	if err == nil {
		p, err = s.Payouts.Ask(v.keyed(), v.who, owner, amount, id.Destination(v.text("destination_id")))
	}
	if a, said := v.amissOf(err); said {
		return s.showPayouts(v, a.status, func(page *PayoutsPage) { page.Notes = a.notes("Nothing was paid out.") })
	}
	if err != nil {
		return err
	}
	says := Money(p.Net) + ": " + payoutWords[p.State][0] + "."
	if p.Waiting {
		says = "The operator looks at it first: it is above the limit."
	}
	v.tell(says)
	return v.to(at + "/payouts")
}

// putPayee keeps who is paid.
func (s *Site) putPayee(v *visit) error {
	owner, _ := v.payoutOwner()
	in := payout.Payee{Legal: payout.Legal(v.text("kind")), Name: v.text("legal_name"), Birth: v.text("date_of_birth"), Line1: v.text("line1"), Line2: v.text("line2"), City: v.text("city"),
		Region: v.text("region"), PostalCode: v.text("postal_code"), Country: v.text("country"), TaxID: v.text("tax_id")}
	_, err := s.Payouts.PutPayee(v.ctx(), v.who, owner, 0, in)
	return s.paid(v, err, "payee", "Kept, and sealed.", func(p *PayoutsPage) []Field { return p.Payee })
}

// addPlace adds a place money is sent to.
func (s *Site) addPlace(v *visit) error {
	owner, at := v.payoutOwner()
	if s.Payouts.Hosted() {
		page, err := s.Payouts.OpenHosted(v.ctx(), v.who, owner, v.r.PostForm.Get("current_password"), at+"/payouts")
		if err == nil {
			return v.away(page)
		}
		if notes := s.silentHost(v, err); notes != nil {
			return s.showPayouts(v, http.StatusServiceUnavailable, func(page *PayoutsPage) { page.Opening, page.Notes = "place", notes })
		}
		return s.paid(v, wrongPasswordShown(err), "place", "", func(p *PayoutsPage) []Field { return p.Place })
	}
	in := payout.NewDestination{Account: payout.Account{Holder: v.text("holder"), Number: v.text("account"), Bank: v.text("bank_code"), Name: v.text("bank_name")}}
	_, err := s.Payouts.AddDestination(v.ctx(), v.who, owner, v.r.PostForm.Get("current_password"), in)
	return s.paid(v, wrongPasswordShown(err), "place", "Added. Everybody who acts for it sees it here.", func(p *PayoutsPage) []Field { return p.Place })
}

// changePlace takes a place off the list, or says that a flagged one is right.
func (s *Site) changePlace(v *visit) error {
	owner, _ := v.payoutOwner()
	dst := id.Destination(v.r.PathValue("destination"))
	if v.text("do") == "confirm" {
		_, err := s.Payouts.ConfirmDestination(v.ctx(), v.who, owner, dst, v.r.PostForm.Get("current_password"))
		return s.paid(v, wrongPasswordShown(err), "", "Payouts go there again.", func(*PayoutsPage) []Field { return nil })
	}
	return s.paid(v, s.Payouts.RemoveDestination(v.ctx(), v.who, owner, dst), "", "It is off the list.", func(*PayoutsPage) []Field { return nil })
}

// wrongPasswordShown lets the form say that the password is wrong.
func wrongPasswordShown(err error) error {
	if f := faultOf(err); err != nil && f.Type == "wrong_password" {
		return fault.InvalidField("body.current_password", "This is not your password.")
	}
	return err
}

// paid ends a form about being paid on the page it stood on. Passwords are not filled in again.
func (s *Site) paid(v *visit, err error, opening, says string, fields func(*PayoutsPage) []Field) error {
	if a, said := v.amissOf(err); said {
		return s.showPayouts(v, a.status, func(page *PayoutsPage) {
			page.Opening, page.Notes = opening, a.notes("Nothing was changed.")
			list := fields(page)
			for i := range list {
				if f := &list[i]; f.Kind != "password" && f.Options == nil && slices.Contains([]string{"payee", "place"}, opening) {
					f.Value = strings.TrimSpace(v.text(f.Name))
				}
				a.mark(&list[i])
			}
		})
	}
	if err != nil {
		return err
	}
	_, at := v.payoutOwner()
	v.tell(says)
	return v.to(at + "/payouts")
}
