package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// checkoutCookie names the checkout begun last, so that going back finds the address again.
const checkoutCookie = "mezzo_checkout"

// address asks where the bag should go.
func (s *Site) address(v *visit) error {
	form := NewAddressForm()
	before := v.addressBefore()
	if to := v.text("to"); to != "" {
		kept, err := v.keptAddresses()
		if err != nil {
			return err
		}
		for _, k := range kept {
			if string(k.ID) == to {
				before.Address = k.Address
			}
		}
	}
	cart, err := v.tillCart()
	if err != nil {
		return err
	}
	v.fillAddress(&form, before, cart)
	return s.showAddress(v, http.StatusOK, cart, form, nil)
}

// tillCart is the cart being paid: the one that is named, which is bought beside the bag, else the bag.
func (v *visit) tillCart() (order.Cart, error) {
	if name := v.text("cart"); name != "" {
		return v.site.Orders.Cart(v.ctx(), v.who, id.Cart(name))
	}
	cart, _, err := v.site.Orders.CurrentCart(v.ctx(), v.who)
	return cart, err
}

// besideOf is a cart's name where it is not the bag; "" for the bag.
func (v *visit) besideOf(cart id.Cart) (string, order.Cart, error) {
	bag, _, err := v.site.Orders.CurrentCart(v.ctx(), v.who)
	if err != nil || bag.ID == cart {
		return "", bag, err
	}
	return string(cart), bag, nil
}

// tillURL is where the address for a cart is asked for.
func tillURL(beside string) string {
	if beside == "" {
		return "/checkout"
	}
	return "/checkout?cart=" + url.QueryEscape(beside)
}

func (s *Site) showAddress(v *visit, status int, cart order.Cart, form AddressForm, notes []Note) error {
	if len(cart.Lines) == 0 || cart.Ordered() {
		return v.to("/bag")
	}
	page := AddressPage{Form: form, Notes: notes, SignIn: v.who.Account == "", Code: codeField(), Sums: goodsSums(cart)}
	beside, bag, err := v.besideOf(cart.ID)
	if err != nil {
		return err
	}
	if page.Cart, page.Back = beside, tillURL(beside); beside != "" && len(bag.Lines) > 0 {
		page.Bag = "You buy this by itself. What is in your bag (" + CountOf(units(bag), "thing", "") + ") stays there."
	}
	groups, err := v.bagGroups(cart)
	if err != nil {
		return err
	}
	for _, g := range groups {
		for _, l := range g.Lines {
			page.Lines = append(page.Lines, TillLine{Title: timesOf(l.Quantity, l.Title), Brand: g.Brand.Text, Picture: l.Picture, Total: l.Total})
		}
	}
	kept, err := v.keptAddresses()
	if err != nil {
		return err
	}
	for _, k := range kept {
		page.Kept = append(page.Kept, KeptRow{ID: string(k.ID), Name: k.Name, Says: strings.Join(addressLines(k.Address)[1:], ", "), Chosen: string(k.ID) == v.text("to")})
	}
	for i := range page.Kept {
		page.Kept[i].URL = "/checkout?to=" + page.Kept[i].ID
		if beside != "" {
			page.Kept[i].URL += "&cart=" + url.QueryEscape(beside)
		}
	}
	page.Keep = v.text("keep") == "1"
	page.Chrome = v.chrome("Checkout", Market, "bag")
	page.Chrome.Back = "/bag"
	return v.show(status, CheckoutAddress(page))
}

func units(cart order.Cart) (n int64) {
	for _, l := range cart.Lines {
		n += l.Quantity
	}
	return n
}

// goodsSums are what the goods of a cart cost, with each voucher that holds; nothing where that is one row.
func goodsSums(cart order.Cart) []SumRow {
	if cart.Discounts.Minor <= 0 {
		return nil
	}
	rows := []SumRow{{Label: "Goods", Value: Money(cart.Subtotal)}}
	for _, o := range cart.Offers {
		if o.Chosen > 0 {
			rows = append(rows, SumRow{Label: o.Voucher.Title + " (" + o.Voucher.Code + ")", Value: MoneyLess(money.Of(o.Chosen, cart.Subtotal.Currency)), Less: true})
		}
	}
	return append(rows, SumRow{Label: "Goods with vouchers, before shipping", Value: Money(money.Of(cart.Subtotal.Minor-cart.Discounts.Minor, cart.Subtotal.Currency)), Total: true})
}

// keptAddresses are those a signed-in shopper keeps; guests keep none.
func (v *visit) keptAddresses() ([]order.KeptAddress, error) {
	if v.who.Account == "" {
		return nil, nil
	}
	return v.site.Orders.Addresses(v.ctx(), v.who)
}

// dropAddress forgets an address and leads back to where one is chosen.
func (s *Site) dropAddress(v *visit) error {
	if err := s.Orders.DropAddress(v.ctx(), v.who, id.Address(v.r.PathValue("address"))); err != nil {
		return err
	}
	v.tell("The address is forgotten.")
	return v.to("/checkout")
}

func timesOf(quantity int, title string) string {
	if quantity == 1 {
		return title
	}
	return strconv.Itoa(quantity) + " × " + title
}

// typedAddress is an address with the mail it comes with, as a form holds it.
type typedAddress struct {
	email string
	order.Address
}

// addressBefore is what this shopper typed last: at the checkout under way, else on the last order.
func (v *visit) addressBefore() typedAddress {
	before := typedAddress{}
	if v.who.Account != "" {
		if me, err := v.site.Accounts.Me(v.ctx(), v.who); err == nil {
			before.email, before.Name = me.Email, me.DisplayName
		}
	}
	if c, err := v.r.Cookie(checkoutCookie); err == nil {
		if o, err := v.site.Orders.PlacedOrder(v.ctx(), v.who, id.Checkout(c.Value)); err == nil {
			return typedAddress{o.Email, o.Address}
		}
	}
	if list, err := v.site.Orders.Orders(v.ctx(), v.who, "", 1); err == nil && len(list) == 1 {
		return typedAddress{list[0].Email, list[0].Address}
	}
	return before
}

// fillAddress puts an address into its form; without a country it is the one the first of the cart comes from.
func (v *visit) fillAddress(f *AddressForm, a typedAddress, cart order.Cart) {
	if a.Country == "" {
		if len(cart.Lines) > 0 {
			if brand, err := v.site.Accounts.Brand(v.ctx(), cart.Lines[0].Offer.Brand); err == nil {
				a.Country = brand.Country
			}
		}
	}
	f.Email.Value, f.Name.Value, f.Line1.Value, f.Line2.Value = a.email, a.Name, a.Line1, a.Line2
	f.City.Value, f.Region.Value, f.PostalCode.Value, f.Phone.Value = a.City, a.Region, a.PostalCode, a.Phone
	f.Country.Value, f.Country.Options = a.Country, choose(countries(), a.Country)
}

// checkOut prices the bag for an address and holds what is in it.
func (s *Site) checkOut(v *visit) error {
	a := typedAddress{v.text("email"), order.Address{Name: v.text("name"), Line1: v.text("line1"), Line2: v.text("line2"), City: v.text("city"),
		Region: v.text("region"), PostalCode: v.text("postal_code"), Country: strings.ToUpper(v.text("country")), Phone: v.text("phone")}}
	cart, err := v.tillCart()
	if err != nil {
		return err
	}
	if len(cart.Lines) == 0 || cart.Ordered() {
		return v.to("/bag")
	}
	chosen := map[id.Brand]string{}
	for name := range v.r.PostForm {
		if brand, ok := strings.CutPrefix(name, "option_"); ok && holds(cart, id.Brand(brand)) {
			chosen[id.Brand(brand)] = v.text(name)
		}
	}
	if code := v.text("code"); code != "" {
		_, err = s.Orders.AddCode(v.ctx(), v.who, cart.ID, code)
		if wrong, said := v.amissOf(err); said && v.text("checkout") != "" {
			v.r.SetPathValue("checkout", v.text("checkout"))
			return s.showCheckout(v, wrong.status, []Note{{Tone: "bad", Head: wrong.says(), Text: "The total is as it was."}})
		}
	}
	var o order.Order
	if err == nil {
		o, err = s.Orders.Checkout(v.ctx(), v.who, order.NewCheckout{Cart: cart.ID, Email: a.email, Address: a.Address, Keep: v.text("keep") == "1", Shipping: chosen})
	}
	if wrong, said := v.amissOf(err); said {
		form := NewAddressForm()
		v.fillAddress(&form, a, cart)
		wrong.mark(&form.Email)
		for _, f := range []*Field{&form.Name, &form.Line1, &form.Line2, &form.City, &form.Region, &form.PostalCode, &form.Country, &form.Phone} {
			wrong.under(f, "shipping_address."+f.Name)
		}
		return s.showAddress(v, wrong.status, cart, form, wrong.notes("Nothing was ordered."))
	}
	if err != nil {
		return err
	}
	account.SetCookie(v.w, v.cookie(checkoutCookie, string(o.Checkout), payment.SessionLife))
	return v.to("/checkout/" + string(o.Checkout))
}

func holds(cart order.Cart, brand id.Brand) bool {
	for _, l := range cart.Lines {
		if l.Offer.Brand == brand {
			return true
		}
	}
	return false
}

// checkout shows every part of the total, and how to pay.
func (s *Site) checkout(v *visit) error {
	var notes []Note
	if reason := v.text("declined"); reason != "" {
		notes = []Note{{Tone: "bad", Head: declinedWords(reason), Text: "Nothing was taken, and your things stay held. Try another way to pay."}}
	}
	return s.showCheckout(v, http.StatusOK, notes)
}

// declinedWords says why a payment was refused; an unknown code says only that it was.
func declinedWords(reason string) string {
	switch reason {
	case "insufficient_funds":
		return "There is not enough money on the card."
	case "authentication_refused":
		return "You did not approve it on the bank’s page."
	}
	return "The card was declined."
}

func (s *Site) showCheckout(v *visit, status int, notes []Note) error {
	o, err := s.Orders.PlacedOrder(v.ctx(), v.who, id.Checkout(v.r.PathValue("checkout")))
	if err != nil {
		return err
	}
	if o.State == order.Placed && v.text("payment") == "back" {
		var done bool
		if done, err = s.cameBack(v, o, &notes); done || err != nil {
			return err
		}
	}
	switch o.State {
	case order.Placed:
	case order.Paid:
		return v.to(s.orderURL(v, o))
	default:
		v.tell("That checkout is over. Nothing was taken.")
		return v.to("/bag")
	}
	page := CheckoutPage{ID: string(o.Checkout), HeldUntil: o.ReservedUntil, Email: o.Email, Address: addressLines(o.Address), Total: o.Total,
		Sums: sumsOf(o), Notes: notes, Sandbox: s.Sandbox != nil, Key: rand.Text(), Methods: s.methods(), Code: codeField()}
	if page.Lines, err = v.tillLines(o, ""); err != nil {
		return err
	}
	if page.Ships, err = v.shipGroups(o); err != nil {
		return err
	}
	page.Hidden = []Hidden{{"email", o.Email}, {"name", o.Address.Name}, {"line1", o.Address.Line1}, {"line2", o.Address.Line2}, {"city", o.Address.City},
		{"region", o.Address.Region}, {"postal_code", o.Address.PostalCode}, {"country", o.Address.Country}, {"phone", o.Address.Phone}}
	beside, _, err := v.besideOf(o.Cart)
	if err != nil {
		return err
	}
	if beside != "" {
		page.Hidden = append(page.Hidden, Hidden{"cart", beside})
	}
	page.Chrome = v.chrome("Checkout", Market, "bag")
	page.Chrome.Back = tillURL(beside)
	return v.show(status, Checkout(page))
}

// cameBack settles what the buyer did on the provider's page; done says that they were led on.
func (s *Site) cameBack(v *visit, o order.Order, notes *[]Note) (done bool, err error) {
	out, err := s.Orders.ComeBack(v.ctx(), v.who, o.Checkout)
	if wrong, said := v.amissOf(err); said {
		*notes = append(*notes, wrong.notes("")...)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch out.State {
	case order.PaySucceeded, order.PayReturning, order.PayRefunded, order.PayDeclined, order.PayCancelled:
		return true, s.afterPayment(v, out, "/checkout/"+string(o.Checkout))
	}
	*notes = append(*notes, Note{Head: "Your payment is not through yet.", Text: "Your things stay held. If you have paid, load this page again in a moment; if not, go on where you were."})
	return false, nil
}

// methods are the ways to pay: the sandbox's cards, or the page of a provider outside.
func (s *Site) methods() []Method {
	if s.Sandbox == nil {
		return []Method{{ID: payment.MethodHosted, Name: "Card", Note: "on the secure page of our payment provider", Chosen: true}}
	}
	var list []Method
	for i, m := range payment.Methods() {
		name, note, _ := strings.Cut(m[1], ": ")
		list = append(list, Method{ID: m[0], Name: name, Note: note, Chosen: i == 0})
	}
	return list
}

// tillLines are the lines of an order, of one part or ("") of all.
func (v *visit) tillLines(o order.Order, part id.Part) ([]TillLine, error) {
	var images []id.Image
	for _, l := range o.Lines {
		images = append(images, id.Image(l.Image))
	}
	found, err := v.pictures(images...)
	if err != nil {
		return nil, err
	}
	names := map[id.Brand]string{}
	for _, p := range o.Parts {
		names[p.Brand] = p.BrandName
	}
	var lines []TillLine
	for _, l := range o.Lines {
		if part != "" && l.Part != part {
			continue
		}
		lines = append(lines, TillLine{Title: timesOf(int(l.Quantity), titled(l.Title, l.VariantTitle)), Brand: names[l.Brand],
			Picture: Picture{URL: found[id.Image(l.Image)].SmallURL()}, Total: l.Price()})
	}
	return lines, nil
}

// shipGroups are the ways each brand of an order can ship it, with the one chosen.
func (v *visit) shipGroups(o order.Order) ([]ShipGroup, error) {
	return db.Get(v.ctx(), v.site.DB, func(tx *db.Tx) ([]ShipGroup, error) {
		var groups []ShipGroup
		for _, p := range o.Parts {
			brand, err := account.BrandOf(tx, p.Brand)
			if err != nil {
				return nil, err
			}
			options, err := catalog.ShippingFor(tx, p.Brand, o.Address.Country, o.PriceOf(p.ID))
			if err != nil {
				return nil, err
			}
			g := ShipGroup{Brand: brand.Name, ID: string(brand.ID), Seller: traderOf(brand)}
			for _, x := range options {
				g.Options = append(g.Options, ShipOption{ID: x.Code, Name: x.Name, Note: daysWords(x.DaysMin, x.DaysMax), Price: x.Cost, Chosen: x.Code == p.ShippingOption})
			}
			groups = append(groups, g)
		}
		return groups, nil
	})
}

// pay charges the checkout by the method chosen, once for the form's key.
func (s *Site) pay(v *visit) error {
	checkout := id.Checkout(v.r.PathValue("checkout"))
	o, err := s.Orders.PlacedOrder(v.ctx(), v.who, checkout)
	if err != nil {
		return err
	}
	expected, ok := v.number("expected_total")
	if !ok {
		return fault.New(fault.Malformed, "The form did not say which total it showed. Go back and load the page again.")
	}
	here := "/checkout/" + string(checkout)
	out, err := s.Orders.Pay(v.keyed(), v.who, checkout, order.Payment{Method: v.text("payment_method"), Expected: money.Of(expected, o.Total.Currency), ReturnURL: here})
	if wrong, said := v.amissOf(err); said {
		return s.showCheckout(v, wrong.status, wrong.notes("Nothing was taken."))
	}
	if err != nil {
		return err
	}
	return s.afterPayment(v, out, here)
}

// afterPayment leads to where an attempt to pay ended.
func (s *Site) afterPayment(v *visit, out order.Outcome, here string) error {
	switch out.State {
	case order.PayRedirected:
		return v.away(out.Redirect)
	case order.PayStarted:
		v.tell("Your bank has not answered yet. What you chose is kept for you; look again in a moment.")
		return v.to("/checkout/" + strings.TrimPrefix(here, "/checkout/"))
	case order.PaySucceeded:
		o, err := s.Orders.Order(db.WithoutKey(v.ctx()), v.who, out.Order, s.Orders.Token(out.Order))
		if err != nil {
			return err
		}
		return v.to(s.orderURL(v, o))
	case order.PayDeclined:
		return v.to(here + "?declined=" + out.Reason)
	}
	if out.State == order.PayReturning {
		v.tell("The time for paying was over. Nothing is kept: what was taken is given back.")
	} else {
		v.tell("The payment was called off before it was made. Nothing was taken.")
	}
	return v.to("/bag")
}

// orderURL is where the buyer finds an order: a guest by its token, which is all they have.
func (s *Site) orderURL(v *visit, o order.Order) string {
	url := "/orders/" + string(o.ID)
	if o.Account == "" {
		url += "?token=" + s.Orders.Token(o.ID)
	}
	return url
}

// letGo gives back what a checkout holds.
func (s *Site) letGo(v *visit) error {
	o, err := s.Orders.PlacedOrder(v.ctx(), v.who, id.Checkout(v.r.PathValue("checkout")))
	if err != nil {
		return err
	}
	if o.State == order.Placed {
		if _, err := s.Orders.Cancel(v.ctx(), v.who, o.ID); err != nil {
			return err
		}
	}
	return v.to("/bag")
}

// bank is the sandbox provider's own page, which asks the buyer.
func (s *Site) bank(v *visit) error {
	if s.Sandbox == nil {
		return missing()
	}
	page, err := s.Sandbox.Session(v.ctx(), v.r.PathValue("charge"), v.text("secret"))
	if err != nil {
		return err
	}
	if page.Expired && page.State == order.ChargeAction {
		if page, err = s.Sandbox.Answer(v.ctx(), page.Charge, v.text("secret"), false); err != nil {
			return err
		}
	}
	if page.State != order.ChargeAction {
		return s.settleBank(v, page)
	}
	c := v.chrome("Sandbox bank", Market, "")
	return v.show(http.StatusOK, Sandbox(SandboxPage{Chrome: c, Session: page.Charge, Total: page.Amount, To: "Mezzo",
		Action: "/sandbox/pay/" + page.Charge + "?secret=" + v.text("secret")}))
}

// answerBank takes the buyer's word and brings them back to where the payment was begun.
func (s *Site) answerBank(v *visit) error {
	if s.Sandbox == nil {
		return missing()
	}
	page, err := s.Sandbox.Answer(v.ctx(), v.r.PathValue("charge"), v.text("secret"), v.text("answer") == "approve")
	if err != nil {
		return err
	}
	return s.settleBank(v, page)
}

func (s *Site) settleBank(v *visit, page payment.Page) error {
	// What the provider knows is settled even if the buyer's browser goes away meanwhile.
	ctx := context.WithoutCancel(v.ctx())
	charge, err := s.Sandbox.Status(ctx, page.Key)
	if err != nil {
		return err
	}
	out, err := s.Orders.Settle(ctx, page.Key, charge)
	if err != nil {
		return err
	}
	here := local(page.ReturnURL)
	if strings.HasPrefix(here, "/checkout/") || here == "/" {
		return s.afterPayment(v, out, here)
	}
	return v.to(here)
}
