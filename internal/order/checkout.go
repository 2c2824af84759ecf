package order

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"sort"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// NewCheckout is what a shopper says at the till. Nothing in it is a price.
type NewCheckout struct {
	Cart     id.Cart
	Email    string // needed from guests; an account's own otherwise
	Address  Address
	Kept     id.Address          // an address the account keeps, in place of Address; "" none
	Keep     bool                // keep the address for next time; guests keep none
	Shipping map[id.Brand]string // option code by brand; the brand's first where unsaid
}

// Checkout prices the cart from scratch, reserves its stock and stores the order as placed.
// Conflict names the variant that is short; Invalid names what is missing. A second checkout of
// the same cart lets the first one's stock go, and ends its payment at the provider if it has begun:
// a page left open must not buy the cart again.
func (o *Orders) Checkout(ctx context.Context, who account.Asker, in NewCheckout) (Order, error) {
	if first, ok, err := db.Answered[Order](ctx, o.db); ok || err != nil {
		return first, err // what it placed may be on its way to being paid: a repeat ends nothing
	}
	address, err := in.Address, error(nil)
	if in.Kept == "" {
		address, err = in.Address.Clean()
	}
	if err != nil {
		return Order{}, err
	}
	if in.Email != "" || who.Account == "" {
		if in.Email, err = cleanEmail(in.Email); err != nil {
			return Order{}, err
		}
	}
	horizon, err := o.log.Horizon(ctx)
	if err != nil {
		return Order{}, err
	}
	if err := o.endEarlier(ctx, who, in.Cart); err != nil {
		return Order{}, err
	}
	for gone := map[id.Voucher]bool{}; ; {
		placed, err := db.Do(ctx, o.db, func(tx *db.Tx) (Order, error) { return o.checkout(tx, who, in, address, horizon, gone) })
		if again(err, gone) {
			continue
		}
		return placed, err
	}
}

// checkout is Checkout in a transaction; gone are vouchers that were used up meanwhile.
func (o *Orders) checkout(tx *db.Tx, who account.Asker, in NewCheckout, to Address, horizon string, gone map[id.Voucher]bool) (Order, error) {
	if err := lockCart(tx, in.Cart); err != nil {
		return Order{}, err
	}
	cart, err := o.openCart(tx, who, in.Cart)
	if err != nil {
		return Order{}, err
	}
	if err := sellable(cart); err != nil {
		return Order{}, err
	}
	if err := o.letGoOfEarlier(tx, cart.ID); err != nil {
		return Order{}, err
	}
	switch {
	case in.Kept != "":
		to, err = chosenAddress(tx, who, in.Kept)
	case in.Keep && who.Account != "":
		_, err = keepAddress(tx, who.Account, to)
	}
	if err == nil && in.Email == "" {
		err = tx.Row(`SELECT email FROM accounts WHERE id = $1`, who.Account).Scan(&in.Email)
	}
	if err != nil {
		return Order{}, err
	}
	person := voucher.Person{Account: who.Account, Viewer: who.Viewer, Email: in.Email}
	choice, err := cart.till(tx, person, gone)
	if err != nil {
		return Order{}, err
	}
	placed, err := o.price(tx, cart, to, in.Shipping, choice)
	if err != nil {
		return Order{}, err
	}
	placed.Viewer, placed.Account, placed.Email, placed.Horizon = who.Viewer, who.Account, in.Email, horizon
	if err := o.place(tx, &placed); err != nil {
		return Order{}, err
	}
	if err := voucher.Take(tx, placed.ID, person, uses(choice, placed.Currency)); err != nil {
		return Order{}, err
	}
	return placed, loadVouchers(tx, &placed)
}

// sellable refuses a cart that cannot be bought as it is.
func sellable(c Cart) error {
	if len(c.Lines) == 0 {
		return fault.New(fault.Conflict, "The cart is empty: put something in before checking out.").WithType("cart_empty")
	}
	for _, l := range c.Lines {
		if l.Gone {
			return fault.New(fault.Conflict, "Something in this cart is no longer for sale. Take it out and try again.").WithType("not_for_sale")
		}
		if l.Quantity > l.Offer.Available {
			return outOfStock(l.Offer, 0)
		}
	}
	return nil
}

// endEarlier ends at the provider what has begun of paying the cart's earlier checkouts, outside any
// transaction. A charge that has succeeded is settled, and the cart is then found ordered.
func (o *Orders) endEarlier(ctx context.Context, who account.Asker, cart id.Cart) error {
	open, err := db.Get(ctx, o.db, func(tx *db.Tx) ([]payment, error) {
		return db.All(tx, func(r *sql.Rows) (payment, error) { return scanPayment(r) },
			`SELECT `+paymentColumns+` FROM payments WHERE state IN ('started','redirected') AND order_id IN (SELECT id FROM orders
			WHERE cart_id = $1 AND state = 'placed' AND ((viewer_id = $2 AND viewer_id <> '') OR (account_id = $3 AND account_id <> '')))`,
			cart, who.Viewer, who.Account)
	})
	for _, p := range open {
		err = errors.Join(err, o.endCharge(ctx, p))
	}
	return err
}

// letGoOfEarlier expires the cart's earlier checkouts; Conflict while one of them is being paid.
func (o *Orders) letGoOfEarlier(tx *db.Tx, cart id.Cart) error {
	orders, err := db.All(tx, func(r *sql.Rows) (id.Order, error) {
		var ord id.Order
		err := r.Scan(&ord)
		return ord, err
	}, `SELECT id FROM orders WHERE cart_id = $1 AND state = 'placed' ORDER BY id`, cart)
	if err != nil {
		return err
	}
	for _, ord := range orders {
		if err := lock(tx, ord); err != nil {
			return err
		}
		if err := notPaying(tx, ord); err != nil {
			return err
		}
		if err := o.close(tx, ord, orderRunsOut, "replaced", "A newer checkout of the same cart took its place."); err != nil {
			return err
		}
	}
	return nil
}

// price reckons the cart for the address and returns the order it would be, ids and all.
func (o *Orders) price(tx *db.Tx, cart Cart, address Address, chosen map[id.Brand]string, choice voucher.Choice) (Order, error) {
	currency := money.Currency(cart.Currency)
	lines := make([]PriceLine, len(cart.Lines))
	goods := map[id.Brand]money.Amount{}
	for i, l := range cart.Lines {
		lines[i] = PriceLine{Brand: l.Offer.Brand, Category: l.Offer.Category, Unit: l.Offer.Price, Quantity: l.Quantity, Off: choice.Lines[i]}
		sum, ok := goods[l.Offer.Brand]
		if !ok {
			sum = money.Of(0, currency)
		}
		var err error
		if goods[l.Offer.Brand], err = sum.Add(l.Goods); err != nil {
			return Order{}, err
		}
	}
	shipping, options, err := o.chooseShipping(tx, goods, address.Country, chosen)
	if err != nil {
		return Order{}, err
	}
	taxes, err := taxRows(tx, address.Country)
	if err != nil {
		return Order{}, err
	}
	p, err := Reckon(currency, lines, shipping, taxes, address.Country, address.Region)
	if err != nil {
		return Order{}, fault.Wrap(fault.Invalid, err, "This cart cannot be priced: "+err.Error()+".")
	}
	if err := fits(tx, p); err != nil {
		return Order{}, err
	}
	return o.compose(tx, cart, address, p, options, lines, uses(choice, currency)), nil
}

// modest is the worth of a part, in minor units, up to which the parts placed and not paid yet are not
// added up: thousands of such fit into what fits leaves free.
const modest = money.Max / 1_000_000

// fits refuses a price that the books could not hold beside what each brand's accounts hold already and
// what is placed and may be paid any moment: paid, it could never be booked.
func fits(tx *db.Tx, p Price) error {
	for _, part := range p.Parts {
		held, err := ledger.Balances(tx, ledger.BrandPending(part.Brand), ledger.BrandAvailable(part.Brand), ledger.BrandHeld(part.Brand), ledger.BrandReserve(part.Brand))
		if err != nil {
			return err
		}
		free := money.Max - part.Total.Minor
		for _, b := range held {
			if b.Balance.Currency == part.Total.Currency {
				free -= b.Balance.Minor
			}
		}
		if part.Total.Minor <= modest {
			free -= money.Max / 100
		} else {
			var placed int64
			if err := tx.Row(`SELECT CAST(COALESCE(SUM(total_minor), 0) AS BIGINT) FROM order_parts WHERE brand_id = $1 AND state = 'placed' AND currency = $2`, part.Brand, part.Total.Currency).Scan(&placed); err != nil {
				return err
			}
			free -= placed
		}
		if free < 0 {
			return fault.New(fault.Invalid, "This order is more than the books can hold for one of its brands. Buy less of it at once, or come back when earlier orders are settled.").WithType("beyond_books")
		}
	}
	return nil
}

// chooseShipping returns for each brand the option asked for, or its first one for the country.
func (o *Orders) chooseShipping(tx *db.Tx, goods map[id.Brand]money.Amount, country string, chosen map[id.Brand]string) (map[id.Brand]PriceShipping, map[id.Brand]catalog.ShippingOption, error) {
	for brand := range chosen {
		if _, ok := goods[brand]; !ok {
			return nil, nil, fault.InvalidField("body.shipping_options", "A shipping option is given for a brand that is not in the cart.")
		}
	}
	brands := make([]id.Brand, 0, len(goods))
	for b := range goods {
		brands = append(brands, b)
	}
	sort.Slice(brands, func(i, j int) bool { return brands[i] < brands[j] })
	prices, picked := map[id.Brand]PriceShipping{}, map[id.Brand]catalog.ShippingOption{}
	for _, brand := range brands {
		options, err := catalog.ShippingFor(tx, brand, country, goods[brand])
		if err != nil {
			return nil, nil, err
		}
		if len(options) == 0 {
			return nil, nil, fault.InvalidField("body.shipping_address.country", "One of the brands in this cart does not ship to %s.", country)
		}
		option := options[0]
		if code, asked := chosen[brand]; asked && code != "" {
			found := false
			for _, candidate := range options {
				if candidate.Code == code {
					option, found = candidate, true
				}
			}
			if !found {
				return nil, nil, fault.InvalidField("body.shipping_options", "There is no shipping option %.40q for this brand and country.", code)
			}
		}
		// ShippingFor has applied the free threshold already: the price is what is paid.
		prices[brand], picked[brand] = PriceShipping{Price: option.Cost}, option
	}
	return prices, picked, nil
}

// compose makes the order of a reckoned price.
func (o *Orders) compose(tx *db.Tx, cart Cart, address Address, p Price, options map[id.Brand]catalog.ShippingOption, lines []PriceLine, used []voucher.Use) Order {
	now := tx.Now()
	var ord id.Order
	var checkout id.Checkout
	placed := Order{ID: ord.Next(now), Checkout: checkout.Next(now), Cart: cart.ID, State: Placed, Currency: money.Currency(cart.Currency),
		Subtotal: p.Subtotal, Discounts: p.Discounts, Shipping: p.Shipping, Tax: p.Tax, TaxAdded: p.TaxAdded, Total: p.Total,
		Refunded: money.Of(0, p.Total.Currency), Address: address, PlacedAt: now, ReservedUntil: now.Add(ReserveFor), Asker: AsBuyer}
	for _, part := range p.Parts {
		var partID id.Part
		partID = partID.Next(now)
		first := cart.Lines[part.Lines[0]].Offer
		option := options[part.Brand]
		placed.Parts = append(placed.Parts, Part{ID: partID, Brand: part.Brand, BrandName: first.BrandName, State: Placed, Goods: part.Goods,
			ShippingOption: option.Code, ShippingName: option.Name, HandlingDays: option.HandlingDays, TransitDays: option.DaysMax, Shipping: part.Shipping, ShippingTax: part.ShippingTax, Total: part.Total})
		for _, i := range part.Lines {
			var line id.Line
			l, priced, off := cart.Lines[i], p.Lines[i], lines[i].Off
			placed.Lines = append(placed.Lines, Line{ID: line.Next(now), Part: partID, Brand: part.Brand, Product: l.Offer.Product,
				Variant: l.Offer.Variant, SKU: l.Offer.SKU, Title: l.Offer.Title, VariantTitle: l.Offer.VariantTitle, Image: string(l.Offer.Image),
				Quantity: l.Quantity, Unit: l.Offer.Price, Goods: priced.Goods, Tax: priced.Tax, Base: priced.Base,
				Off: off, ByBrand: usedFor(used, part.Brand, l, off.Brand), ByPlatform: usedFor(used, voucher.Platform, l, off.Platform)})
		}
	}
	return placed
}

// place stores the order with its reservation, its first payment intent and its fact.
func (o *Orders) place(tx *db.Tx, placed *Order) error {
	items := make([]catalog.Item, len(placed.Lines))
	for i, l := range placed.Lines {
		items[i] = catalog.Item{Variant: l.Variant, Quantity: l.Quantity}
	}
	if err := catalog.Reserve(tx, placed.ID, items, placed.ReservedUntil); err != nil {
		return err
	}
	if err := insertOrder(tx, placed); err != nil {
		return err
	}
	if err := newPayment(tx, placed, o.provider.Name(), 1); err != nil {
		return err
	}
	if err := addStep(tx, placed.ID, "", "placed", "", string(AsBuyer)); err != nil {
		return err
	}
	return event.Emit(tx, event.OrderPlaced{Order: placed.ID, Viewer: placed.Viewer, Total: placed.Total, Lines: len(placed.Lines)})
}

// PlacedOrder returns the asker's checkout: the order while it is placed, and after.
func (o *Orders) PlacedOrder(ctx context.Context, who account.Asker, checkout id.Checkout) (Order, error) {
	return db.Get(ctx, o.db, func(tx *db.Tx) (Order, error) {
		ord, err := orderOfCheckout(tx, checkout)
		if err != nil {
			return Order{}, err
		}
		if !owns(who, ord.Viewer, ord.Account) {
			return Order{}, missing("checkout")
		}
		return ord, loadVouchers(tx, &ord)
	})
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "{}"
	}
	return string(b)
}
