package api

import (
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/voucher"
)

type cartView struct {
	ID        id.Cart        `json:"id"`
	Lines     []cartLineView `json:"lines" nullable:"false"`
	Subtotal  *money.Amount  `json:"subtotal,omitempty" doc:"Absent while the cart is empty"`
	Codes     []string       `json:"codes" nullable:"false"`
	Discounts *money.Amount  `json:"discounts,omitempty" doc:"What the chosen vouchers take off the subtotal"`
	Vouchers  []offerView    `json:"vouchers" nullable:"false" doc:"What could be used here: the best choice is made unless PUT /carts/{id}/voucher made another"`
}

type offerView struct {
	ID     id.Voucher   `json:"voucher_id"`
	Brand  id.Brand     `json:"brand_id,omitempty" doc:"Whose it is; absent: the platform's"`
	Code   string       `json:"code"`
	Title  string       `json:"title"`
	Says   string       `json:"says" doc:"What it takes off, in words"`
	Typed  bool         `json:"typed" doc:"Its code is on the cart"`
	Saves  money.Amount `json:"saves" doc:"By itself"`
	Chosen bool         `json:"chosen"`
	Takes  money.Amount `json:"takes_off" doc:"As chosen, beside the others"`
	Why    string       `json:"why_not,omitempty" doc:"Why it cannot be used"`
	EndsAt *time.Time   `json:"ends_at,omitempty"`
}

type cartLineView struct {
	ID           id.Line      `json:"id"`
	Variant      id.Variant   `json:"variant_id"`
	Product      id.Product   `json:"product_id"`
	Brand        id.Brand     `json:"brand_id"`
	BrandName    string       `json:"brand_name"`
	Title        string       `json:"title"`
	VariantTitle string       `json:"variant_title"`
	Image        id.Image     `json:"image_id,omitempty"`
	Quantity     int64        `json:"quantity"`
	Price        money.Amount `json:"price" doc:"Of one unit now"`
	Goods        money.Amount `json:"goods" doc:"price × quantity"`
	Available    int64        `json:"available"`
	Gone         bool         `json:"gone" doc:"No longer for sale: take it out"`
}

func viewCart(c order.Cart, err error) (*Output[cartView], error) {
	if err != nil {
		return nil, err
	}
	v := cartView{ID: c.ID, Lines: []cartLineView{}, Codes: c.Codes, Vouchers: []offerView{}}
	if c.Currency != "" {
		v.Subtotal, v.Discounts = &c.Subtotal, &c.Discounts
		for _, o := range c.Offers {
			in := func(minor int64) money.Amount { return money.Of(minor, c.Subtotal.Currency) }
			v.Vouchers = append(v.Vouchers, offerView{ID: o.Voucher.ID, Brand: o.Voucher.Brand, Code: o.Voucher.Code, Title: o.Voucher.Title, Says: o.Voucher.Says(),
				Typed: o.Typed > 0, Saves: in(o.Saves), Chosen: o.Chosen > 0, Takes: in(o.Chosen), Why: o.Why, EndsAt: when(o.Voucher.EndsAt)})
		}
	}
	for _, l := range c.Lines {
		v.Lines = append(v.Lines, cartLineView{ID: l.ID, Variant: l.Offer.Variant, Product: l.Offer.Product, Brand: l.Offer.Brand, BrandName: l.Offer.BrandName,
			Title: l.Offer.Title, VariantTitle: l.Offer.VariantTitle, Image: l.Offer.Image, Quantity: l.Quantity, Price: l.Offer.Price, Goods: l.Goods,
			Available: l.Offer.Available, Gone: l.Gone})
	}
	return ok(v), nil
}

type checkoutView struct {
	ID            id.Checkout    `json:"id"`
	Order         id.Order       `json:"order_id"`
	State         order.State    `json:"state"`
	Lines         []lineView     `json:"lines" nullable:"false"`
	Parts         []partView     `json:"parts" nullable:"false"`
	Subtotal      money.Amount   `json:"subtotal"`
	Discounts     money.Amount   `json:"discounts"`
	Vouchers      []voucher.Used `json:"vouchers" nullable:"false"`
	Shipping      money.Amount   `json:"shipping"`
	Tax           money.Amount   `json:"tax" doc:"All tax, including what the prices contain"`
	TaxAdded      money.Amount   `json:"tax_added" doc:"The tax the total grows by"`
	Total         money.Amount   `json:"total"`
	Address       order.Address  `json:"shipping_address"`
	ExpiresAt     time.Time      `json:"expires_at"`
	ReservedUntil time.Time      `json:"reserved_until"`
}

func viewCheckout(o order.Order) checkoutView {
	v := viewOrder(o)
	return checkoutView{ID: o.Checkout, Order: o.ID, State: o.State, Lines: v.Lines, Parts: v.Parts, Subtotal: o.Subtotal, Discounts: o.Discounts, Vouchers: v.Vouchers,
		Shipping: o.Shipping, Tax: o.Tax, TaxAdded: o.TaxAdded, Total: o.Total, Address: o.Address, ExpiresAt: o.ReservedUntil, ReservedUntil: o.ReservedUntil}
}

type orderView struct {
	ID        id.Order       `json:"id"`
	State     order.State    `json:"state" enum:"placed,paid,cancelled,expired"`
	Seen      order.Seen     `json:"seen_as" enum:"buyer,brand,operator" doc:"In which role the asker sees it; a brand sees only its own part"`
	Email     string         `json:"email,omitempty"`
	Lines     []lineView     `json:"lines" nullable:"false"`
	Parts     []partView     `json:"parts" nullable:"false"`
	Subtotal  money.Amount   `json:"subtotal"`
	Discounts money.Amount   `json:"discounts" doc:"What vouchers took off the subtotal"`
	Vouchers  []voucher.Used `json:"vouchers" nullable:"false"`
	Shipping  money.Amount   `json:"shipping"`
	Tax       money.Amount   `json:"tax"`
	TaxAdded  money.Amount   `json:"tax_added"`
	Total     money.Amount   `json:"total"`
	Refunded  money.Amount   `json:"refunded_amount"`
	Address   order.Address  `json:"shipping_address"`
	Shipments []shipmentView `json:"shipments" nullable:"false"`
	Refunds   []refundView   `json:"refunds" nullable:"false"`
	Returns   []returnView   `json:"returns" nullable:"false"`
	Claims    []claimView    `json:"claims" nullable:"false"`
	Disputes  []disputedView `json:"disputes" nullable:"false" doc:"What the buyer's bank disputes; while one is open nothing is refunded or released"`
	Timeline  []stepView     `json:"timeline" nullable:"false"`
	PlacedAt  time.Time      `json:"placed_at"`
	PaidAt    *time.Time     `json:"paid_at,omitempty"`
}

type lineView struct {
	ID           id.Line        `json:"id"`
	Part         id.Part        `json:"part_id"`
	Brand        id.Brand       `json:"brand_id"`
	Product      id.Product     `json:"product_id"`
	Variant      id.Variant     `json:"variant_id"`
	SKU          string         `json:"sku"`
	Title        string         `json:"title"`
	VariantTitle string         `json:"variant_title"`
	Image        string         `json:"image_id,omitempty"`
	Quantity     int64          `json:"quantity"`
	Unit         money.Amount   `json:"unit_price"`
	Goods        money.Amount   `json:"goods" doc:"unit_price × quantity, less what vouchers took off"`
	ByBrand      *money.Amount  `json:"brand_discount,omitempty" doc:"What the brand's voucher took off"`
	ByPlatform   *money.Amount  `json:"platform_discount,omitempty" doc:"What the platform's took off, and pays to the brand"`
	Tax          *order.TaxLine `json:"tax,omitempty"`
	Shipped      bool           `json:"shipped"`
	Refunded     int64          `json:"refunded_quantity" doc:"Units of it that were refunded"`
	Creator      id.Creator     `json:"creator_id,omitempty" doc:"Who earns by this line"`
	Commission   *money.Amount  `json:"commission,omitempty" doc:"What of the brand's money the creator earns"`
	Fee          *money.Amount  `json:"platform_fee,omitempty" doc:"For the brand and the operator"`
	BrandShare   *money.Amount  `json:"brand_share,omitempty" doc:"For the brand and the operator"`
}

type partView struct {
	ID          id.Part        `json:"id"`
	Brand       id.Brand       `json:"brand"`
	BrandName   string         `json:"brand_name"`
	State       order.State    `json:"state"`
	Lines       []id.Line      `json:"lines" nullable:"false"`
	Shipping    money.Amount   `json:"shipping"`
	Option      string         `json:"shipping_option"`
	OptionName  string         `json:"shipping_name"`
	ShippingTax *order.TaxLine `json:"shipping_tax,omitempty"`
	Total       money.Amount   `json:"total"`
	Refunded    money.Amount   `json:"refunded_amount"`
	ShipBy      *time.Time     `json:"ship_by,omitempty" doc:"What is not sent by then cancels itself and is given back"`
	ClaimableAt *time.Time     `json:"claimable_at,omitempty" doc:"From when the buyer may say that it has not come"`
	Proven      bool           `json:"delivery_proven" doc:"That it arrived is not only the brand's word"`
	CancelledBy string         `json:"cancelled_by,omitempty" enum:"buyer,brand,operator,late,bank" doc:"late: it was not sent in time; bank: it gave the buyer everything back"`
	ReleaseAt   *time.Time     `json:"release_at,omitempty" doc:"When the hold passes: the latest of it, the time to return, and 14 days after sending where delivery is only the brand's word"`
}

type shipmentView struct {
	ID          id.Shipment `json:"id"`
	Order       id.Order    `json:"order_id"`
	Part        id.Part     `json:"part_id"`
	State       order.State `json:"state" enum:"shipped,delivered"`
	Lines       []id.Line   `json:"line_ids" nullable:"false"`
	Carrier     string      `json:"carrier"`
	Tracking    string      `json:"tracking"`
	ShippedAt   time.Time   `json:"shipped_at"`
	DeliveredAt *time.Time  `json:"delivered_at,omitempty"`

	Label *order.ParcelLabel `json:"label,omitempty" doc:"The platform's label it went with; told to the brand and the operator"`
}

type stepView struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Part   id.Part   `json:"part_id,omitempty"`
	Detail string    `json:"detail,omitempty"`
}

func viewOrder(o order.Order) orderView {
	v := orderView{ID: o.ID, State: o.State, Seen: o.Asker, Email: o.Email, Lines: []lineView{}, Parts: []partView{}, Subtotal: o.Subtotal, Discounts: o.Discounts, Vouchers: append([]voucher.Used{}, o.Vouchers...),
		Shipping: o.Shipping, Tax: o.Tax, TaxAdded: o.TaxAdded, Total: o.Total, Refunded: o.Refunded, Address: o.Address,
		Shipments: []shipmentView{}, Refunds: []refundView{}, Returns: []returnView{}, Claims: []claimView{}, Disputes: []disputedView{}, Timeline: []stepView{}, PlacedAt: o.PlacedAt, PaidAt: when(o.PaidAt)}
	lines := map[id.Part][]id.Line{}
	for _, l := range o.Lines {
		v.Lines = append(v.Lines, viewLine(l, o.Asker, !o.PaidAt.IsZero()))
		lines[l.Part] = append(lines[l.Part], l.ID)
	}
	for _, p := range o.Parts {
		v.Parts = append(v.Parts, partView{ID: p.ID, Brand: p.Brand, BrandName: p.BrandName, State: p.State, Lines: lines[p.ID], Shipping: p.Shipping,
			Option: p.ShippingOption, OptionName: p.ShippingName, ShippingTax: taxView(p.ShippingTax), Total: p.Total, Refunded: p.Refunded,
			ShipBy: shipBy(p), ClaimableAt: when(p.ClaimableAt()), Proven: p.Proven, CancelledBy: p.CancelledBy, ReleaseAt: when(p.ReleaseAt)})
	}
	for _, s := range o.Shipments {
		v.Shipments = append(v.Shipments, viewShipment(s, o.Asker))
	}
	for _, r := range o.Refunds {
		v.Refunds = append(v.Refunds, viewRefund(r, o.Asker))
	}
	for _, r := range o.Returns {
		v.Returns = append(v.Returns, viewReturn(r))
	}
	for _, d := range o.Disputes {
		v.Disputes = append(v.Disputes, disputedView{State: d.State, Amount: d.Amount, OpenedAt: d.OpenedAt, ClosedAt: when(d.ClosedAt)})
	}
	for _, c := range o.Claims {
		v.Claims = append(v.Claims, viewClaim(c))
	}
	for _, s := range o.Steps {
		v.Timeline = append(v.Timeline, stepView{At: s.At, Kind: s.Kind, Part: s.Part, Detail: s.Detail})
	}
	return v
}

// shipBy is until when a part must be sent, while it waits for that.
func shipBy(p order.Part) *time.Time {
	if p.State != order.Paid {
		return nil
	}
	return when(p.ShipBy)
}

func viewLine(l order.Line, seen order.Seen, paid bool) lineView {
	v := lineView{ID: l.ID, Part: l.Part, Brand: l.Brand, Product: l.Product, Variant: l.Variant, SKU: l.SKU, Title: l.Title, VariantTitle: l.VariantTitle,
		Image: l.Image, Quantity: l.Quantity, Unit: l.Unit, Goods: l.Goods, Tax: taxView(l.Tax), Shipped: l.Shipped, Refunded: l.Back.Quantity, ByBrand: some(l.Off.Brand, l.Goods.Currency), ByPlatform: some(l.Off.Platform, l.Goods.Currency)}
	if !paid {
		return v
	}
	if l.Creator != "" {
		v.Creator, v.Commission = l.Creator, &l.Frozen.Commission
	}
	if seen != order.AsBuyer {
		v.Fee, v.BrandShare = &l.Frozen.Fee, &l.Frozen.Brand
	}
	return v
}

// some is an amount, nil where there is none.
func some(minor int64, c money.Currency) *money.Amount {
	if minor == 0 {
		return nil
	}
	a := money.Of(minor, c)
	return &a
}

func taxView(t order.TaxLine) *order.TaxLine {
	if t.Name == "" && t.Amount.Minor == 0 {
		return nil
	}
	return &t
}

func viewShipment(s order.Shipment, seen order.Seen) shipmentView {
	v := shipmentView{ID: s.ID, Order: s.Order, Part: s.Part, State: s.State, Lines: s.Lines, Carrier: s.Carrier, Tracking: s.Tracking, ShippedAt: s.ShippedAt, DeliveredAt: when(s.DeliveredAt)}
	if seen != order.AsBuyer && s.Label.Price.Minor > 0 {
		v.Label = &s.Label
	}
	return v
}

// when returns nil for a moment that has not come.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
