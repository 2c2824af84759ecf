package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// bag shows what somebody means to buy.
func (s *Site) bag(v *visit) error { return s.showBag(v, http.StatusOK, nil) }

func (s *Site) showBag(v *visit, status int, notes []Note) error {
	cart, _, err := s.Orders.CurrentCart(v.ctx(), v.who)
	if err != nil {
		return err
	}
	page := BagPage{Total: cart.Subtotal, Off: cart.Discounts, Notes: notes, Saving: savingOf(cart, "/bag")}
	if page.Groups, err = v.bagGroups(cart); err != nil {
		return err
	}
	for _, l := range cart.Lines {
		if !l.Gone && l.Quantity > l.Offer.Available {
			page.Notes = append(page.Notes, Note{Tone: "wait", Head: "Fewer are left than you want.",
				Text: "Of " + titled(l.Offer.Title, l.Offer.VariantTitle) + " there are " + Count(max(0, l.Offer.Available)) + "."})
		}
	}
	page.Chrome = v.chrome("Your bag", Market, "bag")
	return v.show(status, Bag(page))
}

// bagGroups lays a cart out by brand, in the order in which the first thing of each came.
func (v *visit) bagGroups(cart order.Cart) ([]BagGroup, error) {
	var images []id.Image
	for _, l := range cart.Lines {
		images = append(images, l.Offer.Image)
	}
	found, err := v.pictures(images...)
	if err != nil {
		return nil, err
	}
	var groups []BagGroup
	at := map[id.Brand]int{}
	for _, l := range cart.Lines {
		i, known := at[l.Offer.Brand]
		if !known {
			brand, err := v.site.Accounts.Brand(v.ctx(), l.Offer.Brand)
			if err != nil {
				return nil, err
			}
			i = len(groups)
			at[l.Offer.Brand] = i
			groups = append(groups, BagGroup{Brand: Link{Text: brand.Name, URL: "/search?brand=" + string(brand.ID)}, Seller: traderOf(brand)})
		}
		title := titled(l.Offer.Title, l.Offer.VariantTitle)
		if l.Gone {
			title = "Something that is no longer for sale"
		}
		groups[i].Lines = append(groups[i].Lines, BagLine{ID: string(l.ID), Title: title, URL: "/products/" + string(l.Offer.Product),
			Picture: Picture{URL: found[l.Offer.Image].SmallURL()}, Quantity: int(l.Quantity), Most: int(max(l.Offer.Available, l.Quantity)),
			Unit: l.Offer.Price, Total: l.Goods, Gone: l.Gone})
	}
	return groups, nil
}

// titled is a product with its variant.
func titled(title, variant string) string {
	if variant == "" || variant == title || strings.HasSuffix(title, ", "+variant) {
		return title
	}
	return title + ", " + variant
}

// addToBag puts a variant into the asker's cart, with the token of what it was seen in.
func (s *Site) addToBag(v *visit) error {
	quantity, ok := v.number("quantity")
	if !ok {
		quantity = 1
	}
	variant := id.Variant(v.text("variant_id"))
	line, now := order.NewLine{Variant: variant, Quantity: quantity, Token: v.text("impression")}, v.text("then") == "checkout"
	var alone order.Cart
	var err error
	if now {
		alone, err = s.Orders.BuyNow(v.ctx(), v.who, line)
	} else {
		err = s.addLine(v, line)
	}
	if a, said := v.amissOf(err); said {
		product, known := v.productOf(variant)
		if !known {
			return err
		}
		return s.showProduct(v, product, a.status, a.detail)
	}
	if err != nil {
		return err
	}
	if now {
		return v.to(tillURL(string(alone.ID)))
	}
	return v.to("/bag")
}

func (s *Site) addLine(v *visit, line order.NewLine) error {
	cart, ok, err := s.Orders.CurrentCart(v.ctx(), v.who)
	if err == nil && !ok {
		cart, err = s.Orders.CreateCart(v.ctx(), v.who)
	}
	if err != nil {
		return err
	}
	_, err = s.Orders.AddLine(v.ctx(), v.who, cart.ID, line)
	return err
}

// productOf returns the product a variant belongs to, while it is for sale.
func (v *visit) productOf(variant id.Variant) (id.Product, bool) {
	offers, err := db.Get(v.ctx(), v.site.DB, func(tx *db.Tx) (map[id.Variant]catalog.Offer, error) {
		return catalog.ForSale(tx, []id.Variant{variant})
	})
	return offers[variant].Product, err == nil && offers[variant].Product != ""
}

// changeBag changes how many of a line.
func (s *Site) changeBag(v *visit) error {
	quantity, ok := v.number("quantity")
	if !ok || quantity < 1 {
		quantity = 0 // refused by the use with the bounds in words, unless it is a plain zero
		if v.text("quantity") != "0" {
			return s.showBag(v, http.StatusUnprocessableEntity, []Note{{Tone: "bad", Head: "That is no quantity.", Text: "Say how many: 1 to " + strconv.Itoa(order.MaxQuantity) + "."}})
		}
	}
	return s.setLine(v, quantity)
}

// takeOut takes a line out.
func (s *Site) takeOut(v *visit) error { return s.setLine(v, 0) }

func (s *Site) setLine(v *visit, quantity int64) error {
	cart, ok, err := s.Orders.CurrentCart(v.ctx(), v.who)
	if err == nil && !ok {
		err = fault.New(fault.Missing, "There is nothing in your bag.")
	}
	if err == nil {
		_, err = s.Orders.SetQuantity(v.ctx(), v.who, cart.ID, id.Line(v.r.PathValue("line")), quantity)
	}
	if a, said := v.amissOf(err); said {
		return s.showBag(v, a.status, a.notes("Your bag is as it was."))
	}
	if err != nil {
		return err
	}
	return v.to("/bag")
}

// signInURL leads to the sign-in and back.
func signInURL(next string) string { return "/sign-in?next=" + url.QueryEscape(next) }

// zero is no money of the currency; the dollar where none is known yet.
func zero(c money.Currency) money.Amount {
	if !c.Known() {
		c = "USD"
	}
	return money.Of(0, c)
}
