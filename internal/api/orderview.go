package api

import (
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

type cartView struct {
	ID       id.Cart        `json:"id"`
	Lines    []cartLineView `json:"lines" nullable:"false"`
	Subtotal *money.Amount  `json:"subtotal,omitempty" doc:"Absent while the cart is empty"`
	Codes    []string       `json:"codes" nullable:"false"`
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
	v := cartView{ID: c.ID, Lines: []cartLineView{}, Codes: c.Codes}
	if c.Currency != "" {
		v.Subtotal = &c.Subtotal
	}
	for _, l := range c.Lines {
		v.Lines = append(v.Lines, cartLineView{ID: l.ID, Variant: l.Offer.Variant, Product: l.Offer.Product, Brand: l.Offer.Brand, BrandName: l.Offer.BrandName,
			Title: l.Offer.Title, VariantTitle: l.Offer.VariantTitle, Image: l.Offer.Image, Quantity: l.Quantity, Price: l.Offer.Price, Goods: l.Goods,
			Available: l.Offer.Available, Gone: l.Gone})
	}
	return ok(v), nil
}

type checkoutView struct {
	ID            id.Checkout   `json:"id"`
	Order         id.Order      `json:"order_id"`
	State         order.State   `json:"state"`
	Lines         []lineView    `json:"lines" nullable:"false"`
	Parts         []partView    `json:"parts" nullable:"false"`
	Subtotal      money.Amount  `json:"subtotal"`
	Discounts     money.Amount  `json:"discounts"`
	Shipping      money.Amount  `json:"shipping"`
	Tax           money.Amount  `json:"tax" doc:"All tax, including what the prices contain"`
	TaxAdded      money.Amount  `json:"tax_added" doc:"The tax the total grows by"`
	Total         money.Amount  `json:"total"`
	Address       order.Address `json:"shipping_address"`
	ExpiresAt     time.Time     `json:"expires_at"`
	ReservedUntil time.Time     `json:"reserved_until"`
}

func viewCheckout(o order.Order) checkoutView {
	v := viewOrder(o)
	return checkoutView{ID: o.Checkout, Order: o.ID, State: o.State, Lines: v.Lines, Parts: v.Parts, Subtotal: o.Subtotal, Discounts: o.Discounts,
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
	Discounts money.Amount   `json:"discounts"`
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
	Goods        money.Amount   `json:"goods"`
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
	CancelledBy string         `json:"cancelled_by,omitempty" enum:"buyer,brand,operator,late" doc:"late: it was not sent in time"`
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
}

type stepView struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Part   id.Part   `json:"part_id,omitempty"`
	Detail string    `json:"detail,omitempty"`
}

func viewOrder(o order.Order) orderView {
	v := orderView{ID: o.ID, State: o.State, Seen: o.Asker, Email: o.Email, Lines: []lineView{}, Parts: []partView{}, Subtotal: o.Subtotal, Discounts: o.Discounts,
		Shipping: o.Shipping, Tax: o.Tax, TaxAdded: o.TaxAdded, Total: o.Total, Refunded: o.Refunded, Address: o.Address,
		Shipments: []shipmentView{}, Refunds: []refundView{}, Returns: []returnView{}, Claims: []claimView{}, Timeline: []stepView{}, PlacedAt: o.PlacedAt, PaidAt: when(o.PaidAt)}
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
		v.Shipments = append(v.Shipments, viewShipment(s))
	}
	for _, r := range o.Refunds {
		v.Refunds = append(v.Refunds, viewRefund(r, o.Asker))
	}
	for _, r := range o.Returns {
		v.Returns = append(v.Returns, viewReturn(r))
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
		Image: l.Image, Quantity: l.Quantity, Unit: l.Unit, Goods: l.Goods, Tax: taxView(l.Tax), Shipped: l.Shipped, Refunded: l.Back.Quantity}
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

func taxView(t order.TaxLine) *order.TaxLine {
	if t.Name == "" && t.Amount.Minor == 0 {
		return nil
	}
	return &t
}

func viewShipment(s order.Shipment) shipmentView {
	return shipmentView{ID: s.ID, Order: s.Order, Part: s.Part, State: s.State, Lines: s.Lines, Carrier: s.Carrier, Tracking: s.Tracking, ShippedAt: s.ShippedAt, DeliveredAt: when(s.DeliveredAt)}
}

// when returns nil for a moment that has not come.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
