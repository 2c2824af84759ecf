package order

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// Cart is what somebody means to buy, of any number of brands, in one currency.
type Cart struct {
	ID       id.Cart      `json:"id"`
	Currency string       `json:"currency,omitempty"` // of the first line; "" while empty
	Lines    []CartLine   `json:"lines"`
	Subtotal money.Amount `json:"subtotal"`
	Codes    []string     `json:"codes"`
	Version  int64        `json:"version"`
	// Discounts is what the chosen vouchers take off the subtotal; Offers are all that could be chosen, and
	// those whose codes were typed; Wished are the choices made by hand that hold.
	Discounts money.Amount    `json:"discounts"`
	Offers    []voucher.Offer `json:"offers"`
	Wished    voucher.Wishes  `json:"wished"`

	wishes  voucher.Wishes
	viewer  id.Viewer
	account id.Account
	ordered bool
}

// CartLine is one variant in a cart at today's price.
type CartLine struct {
	ID       id.Line       `json:"id"`
	Quantity int64         `json:"quantity"`
	Goods    money.Amount  `json:"goods"` // price × quantity now
	Offer    catalog.Offer `json:"offer"`
	Gone     bool          `json:"gone,omitempty"` // no longer for sale; it must be taken out before checkout
	AddedAt  time.Time     `json:"added_at"`
}

// NewLine is what a shopper puts into a cart.
type NewLine struct {
	Variant  id.Variant
	Quantity int64
	Room     id.Room  // the live room it was seen in; "" none
	Offer    id.Offer // the flash offer it is claimed from; "" none
	Token    string   // the impression token of what it was seen in; "" none. One forged, foreign or too old earns nothing and stops nobody from buying.
}

// check refuses what no cart takes.
func (in NewLine) check() error {
	if in.Quantity < 1 || in.Quantity > MaxQuantity {
		return fault.InvalidField("body.quantity", "Quantity must be 1 to %d.", MaxQuantity)
	}
	// Rooms do not run yet, so none can be named: a line that dropped it would lose its sale's room unsaid.
	if in.Room != "" {
		return fault.New(fault.Missing, "There is no such room, so nothing can be put into the cart from it. Leave room_id out.").WithField("body.room_id", "There is no such room.")
	}
	if in.Offer != "" {
		return fault.New(fault.Missing, "There is no such offer, or it is over. Leave offer_id out to buy at the usual price.").WithField("body.offer_id", "There is no such offer.")
	}
	return nil
}

// CreateCart opens an empty cart for the asker.
func (o *Orders) CreateCart(ctx context.Context, who account.Asker) (Cart, error) {
	if err := mayHaveCart(who); err != nil {
		return Cart{}, err
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (Cart, error) { return newCart(tx, who) })
}

func mayHaveCart(who account.Asker) error {
	if who.Viewer == "" && who.Account == "" {
		return fault.New(fault.Unauthorized, "A cart needs a viewer or an account: send the mezzo_viewer cookie, X-Viewer-Token or a token.")
	}
	return nil
}

func newCart(tx *db.Tx, who account.Asker) (Cart, error) {
	var cart id.Cart
	cart = cart.Next(tx.Now())
	now := db.Micros(tx.Now())
	_, err := tx.Exec(`INSERT INTO carts(id, viewer_id, account_id, created_at, updated_at) VALUES ($1,$2,$3,$4,$4)`,
		cart, who.Viewer, who.Account, now)
	return Cart{ID: cart, Lines: []CartLine{}, Codes: []string{}, Version: 1, viewer: who.Viewer, account: who.Account}, err
}

// Ordered reports whether the cart has become an order, and takes nothing any more.
func (c Cart) Ordered() bool { return c.ordered }

// Cart returns the asker's cart with today's prices and its vouchers.
func (o *Orders) Cart(ctx context.Context, who account.Asker, cart id.Cart) (Cart, error) {
	return db.Get(ctx, o.db, func(tx *db.Tx) (Cart, error) { return o.shownCart(tx, who, cart) })
}

// CurrentCart returns the asker's bag, their newest open cart that is not beside one; ok is false when there is none.
func (o *Orders) CurrentCart(ctx context.Context, who account.Asker) (c Cart, ok bool, err error) {
	err = o.db.Read(ctx, func(tx *db.Tx) error {
		var cart id.Cart
		err := tx.Row(`SELECT id FROM carts WHERE state = 'open' AND beside = 0 AND ((viewer_id = $1 AND viewer_id <> '') OR (account_id = $2 AND account_id <> ''))
			ORDER BY id DESC LIMIT 1`, who.Viewer, who.Account).Scan(&cart)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		c, err = o.shownCart(tx, who, cart)
		return err
	})
	return c, ok, err
}

// AddLine puts units of a variant into the cart, adding to what of it is there, and remembers
// the impression it was seen in as a touch. Conflict: another currency, not for sale, not enough
// units; Invalid: quantity out of 1–20; Missing: a room or an offer that is not there.
func (o *Orders) AddLine(ctx context.Context, who account.Asker, cart id.Cart, in NewLine) (Cart, error) {
	if err := in.check(); err != nil {
		return Cart{}, err
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (Cart, error) {
		c, err := o.openCart(tx, who, cart)
		if err != nil {
			return Cart{}, err
		}
		return o.addLine(tx, who, c, in)
	})
}

// BuyNow puts units of a variant into a new cart beside the bag, so that they can be bought alone: CurrentCart goes
// on returning the bag, with what is in it. It fails as AddLine does.
func (o *Orders) BuyNow(ctx context.Context, who account.Asker, in NewLine) (Cart, error) {
	if err := in.check(); err != nil {
		return Cart{}, err
	}
	if err := mayHaveCart(who); err != nil {
		return Cart{}, err
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (Cart, error) {
		c, err := newCart(tx, who)
		if err != nil {
			return Cart{}, err
		}
		if _, err := tx.Exec(`UPDATE carts SET beside = 1 WHERE id = $1`, c.ID); err != nil {
			return Cart{}, err
		}
		return o.addLine(tx, who, c, in)
	})
}

// addLine puts a line into an open cart and remembers what it was seen in.
func (o *Orders) addLine(tx *db.Tx, who account.Asker, c Cart, in NewLine) (Cart, error) {
	offers, err := catalog.ForSale(tx, []id.Variant{in.Variant})
	if err != nil {
		return Cart{}, err
	}
	offer, ok := offers[in.Variant]
	if !ok {
		return Cart{}, fault.New(fault.Missing, "This product is not for sale (any more).")
	}
	if c, err = putLine(tx, c, offer, in.Quantity); err != nil {
		return Cart{}, err
	}
	if shown, err := o.keys.OpenImpression(who.Viewer, in.Token, tx.Now()); err == nil && in.Token != "" {
		if err := affiliate.RecordTouch(tx, affiliate.NewTouch{Asker: who, Impression: shown,
			Product: offer.Product, Brand: offer.Brand, Kind: affiliate.TouchCart, At: tx.Now()}); err != nil {
			return Cart{}, err
		}
	}
	return c, o.vouchers(tx, who, &c)
}

// putLine merges units into the line of their variant and returns the cart with them.
func putLine(tx *db.Tx, c Cart, offer catalog.Offer, quantity int64) (Cart, error) {
	if err := mayPut(c, offer, quantity); err != nil {
		return Cart{}, err
	}
	var line id.Line
	line = line.Next(tx.Now())
	_, err := tx.Exec(`INSERT INTO cart_lines(id, cart_id, variant_id, product_id, brand_id, quantity, added_at) VALUES ($1,$2,$3,$4,$5,$6,$7)
		ON CONFLICT(cart_id, variant_id) DO UPDATE SET quantity = cart_lines.quantity + excluded.quantity`,
		line, c.ID, offer.Variant, offer.Product, offer.Brand, quantity, db.Micros(tx.Now()))
	if err != nil {
		return Cart{}, err
	}
	if err := touchCart(tx, c.ID, string(offer.Price.Currency)); err != nil {
		return Cart{}, err
	}
	c.Version, c.Currency = c.Version+1, string(offer.Price.Currency)
	at := slices.IndexFunc(c.Lines, func(l CartLine) bool { return l.Offer.Variant == offer.Variant })
	if at < 0 {
		at = len(c.Lines)
		c.Lines = append(c.Lines, CartLine{ID: line, AddedAt: tx.Now()})
	}
	l := &c.Lines[at]
	l.Offer, l.Gone, l.Quantity = offer, false, l.Quantity+quantity
	return c.priced(), nil
}

// priced returns the cart with what its lines cost and the sum of what can be bought of it.
func (c Cart) priced() Cart {
	c.Subtotal = money.Of(0, money.Currency(c.Currency))
	for i := range c.Lines {
		l := &c.Lines[i]
		if l.Gone {
			continue
		}
		goods, beyond := l.Offer.Price.Times(l.Quantity)
		sum, over := c.Subtotal.Add(goods)
		if beyond != nil || over != nil { // no order can be that large; the cart must still open, so that it can be taken out
			l.Gone = true
			continue
		}
		l.Goods, c.Subtotal = goods, sum
	}
	return c
}

// mayPut says why units of the offer cannot be put into the cart.
func mayPut(c Cart, offer catalog.Offer, quantity int64) error {
	if c.Currency != "" && c.Currency != string(offer.Price.Currency) {
		return fault.New(fault.Conflict, "This cart is in %s and the product is sold in %s. Check out first, or start another cart.", c.Currency, offer.Price.Currency).WithType("currency_conflict")
	}
	have, lines := int64(0), len(c.Lines)
	for _, l := range c.Lines {
		if l.Offer.Variant == offer.Variant {
			have, lines = l.Quantity, lines-1
		}
	}
	if have+quantity > MaxQuantity {
		return fault.New(fault.Conflict, "A cart holds at most %d of one item; %d are in it already.", MaxQuantity, have).WithType("quantity_limit")
	}
	if have+quantity > offer.Available {
		return outOfStock(offer, have)
	}
	if lines >= MaxCartLines {
		return fault.New(fault.Conflict, "A cart holds at most %d different items.", MaxCartLines).WithType("cart_full")
	}
	return nil
}

func outOfStock(offer catalog.Offer, have int64) error {
	if offer.Available <= 0 {
		return fault.New(fault.Conflict, "%s (%s) is sold out.", offer.Title, offer.VariantTitle).WithType("out_of_stock")
	}
	if have > 0 {
		return fault.New(fault.Conflict, "Only %d of %s (%s) are left and %d are in your cart already.", offer.Available, offer.Title, offer.VariantTitle, have).WithType("out_of_stock")
	}
	return fault.New(fault.Conflict, "Only %d of %s (%s) are left.", offer.Available, offer.Title, offer.VariantTitle).WithType("out_of_stock")
}

// SetQuantity changes a line of the cart; 0 takes it out.
func (o *Orders) SetQuantity(ctx context.Context, who account.Asker, cart id.Cart, line id.Line, quantity int64) (Cart, error) {
	if quantity < 0 || quantity > MaxQuantity {
		return Cart{}, fault.InvalidField("body.quantity", "Quantity must be 1 to %d.", MaxQuantity)
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (Cart, error) {
		c, err := o.openCart(tx, who, cart)
		if err != nil {
			return Cart{}, err
		}
		var found *CartLine
		for i := range c.Lines {
			if c.Lines[i].ID == line {
				found = &c.Lines[i]
			}
		}
		if found == nil {
			return Cart{}, missing("line in this cart")
		}
		if quantity > found.Quantity && quantity > found.Offer.Available {
			return Cart{}, outOfStock(found.Offer, 0)
		}
		if quantity == 0 {
			_, err = tx.Exec(`DELETE FROM cart_lines WHERE id = $1`, line)
		} else {
			_, err = tx.Exec(`UPDATE cart_lines SET quantity = $1 WHERE id = $2`, quantity, line)
		}
		if err != nil {
			return Cart{}, err
		}
		currency := c.Currency
		if quantity == 0 && len(c.Lines) == 1 {
			currency = ""
		}
		if err := touchCart(tx, cart, currency); err != nil {
			return Cart{}, err
		}
		return o.shownCart(tx, who, cart)
	})
}

// shownCart is a cart with its vouchers, as its shopper sees it.
func (o *Orders) shownCart(tx *db.Tx, who account.Asker, cart id.Cart) (Cart, error) {
	c, err := o.loadCart(tx, who, cart)
	if err != nil {
		return Cart{}, err
	}
	return c, o.vouchers(tx, who, &c)
}

func touchCart(tx *db.Tx, cart id.Cart, currency string) error {
	_, err := tx.Exec(`UPDATE carts SET version = version + 1, currency = $1, updated_at = $2 WHERE id = $3`, currency, db.Micros(tx.Now()), cart)
	return err
}

// openCart loads a cart that can still be changed.
func (o *Orders) openCart(tx *db.Tx, who account.Asker, cart id.Cart) (Cart, error) {
	c, err := o.loadCart(tx, who, cart)
	if err == nil && c.ordered {
		return Cart{}, fault.New(fault.Conflict, "This cart has been ordered. Start another one.").WithType("cart_ordered")
	}
	return c, err
}

// loadCart reads the cart with today's offers; Missing when it is not the asker's.
func (o *Orders) loadCart(tx *db.Tx, who account.Asker, cart id.Cart) (Cart, error) {
	c := Cart{ID: cart, Lines: []CartLine{}, Codes: []string{}}
	var state, codes, wishes string
	err := tx.Row(`SELECT viewer_id, account_id, currency, state, version, codes, wishes FROM carts WHERE id = $1`, cart).
		Scan(&c.viewer, &c.account, &c.Currency, &state, &c.Version, &codes, &wishes)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && !owns(who, c.viewer, c.account)) {
		return Cart{}, missing("cart")
	}
	if err != nil {
		return Cart{}, err
	}
	if err := c.readCodes(codes, wishes); err != nil {
		return Cart{}, err
	}
	c.ordered = state == "ordered"
	var variants []id.Variant
	c.Lines, err = db.All(tx, func(r *sql.Rows) (CartLine, error) {
		var l CartLine
		var added int64
		err := r.Scan(&l.ID, &l.Offer.Variant, &l.Offer.Product, &l.Offer.Brand, &l.Quantity, &added)
		l.AddedAt = db.Time(added)
		return l, err
	}, `SELECT id, variant_id, product_id, brand_id, quantity, added_at FROM cart_lines WHERE cart_id = $1 ORDER BY added_at, id`, cart)
	if err != nil {
		return Cart{}, err
	}
	for _, l := range c.Lines {
		variants = append(variants, l.Offer.Variant)
	}
	if len(variants) == 0 {
		c.Lines = []CartLine{}
		return c, nil
	}
	offers, err := catalog.ForSale(tx, variants)
	if err != nil {
		return Cart{}, err
	}
	for i := range c.Lines {
		l := &c.Lines[i]
		offer, ok := offers[l.Offer.Variant]
		if !ok || string(offer.Price.Currency) != c.Currency {
			l.Gone = true
			continue
		}
		l.Offer = offer
	}
	return c.priced(), nil
}
