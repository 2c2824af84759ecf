package order

import (
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// Order is an order as it is stored. What each asker may see of it is decided by its readers.
type Order struct {
	ID            id.Order
	Checkout      id.Checkout
	Cart          id.Cart
	Viewer        id.Viewer
	Account       id.Account
	Email         string
	State         State
	Currency      money.Currency
	Subtotal      money.Amount // goods, before discounts
	Discounts     money.Amount
	Shipping      money.Amount
	Tax           money.Amount // all tax
	TaxAdded      money.Amount // what of it the prices do not contain
	Total         money.Amount
	Refunded      money.Amount
	Address       Address
	Horizon       string
	ReservedUntil time.Time
	PlacedAt      time.Time
	PaidAt        time.Time
	ClosedAt      time.Time
	ClosedReason  string
	Parts         []Part
	Lines         []Line
	Steps         []Step
	Shipments     []Shipment
	Refunds       []Refund
	Returns       []Return
	Claims        []Claim
	Vouchers      []voucher.Used // those that took something off
	Disputes      []Dispute
	// Asker says in which role the order was opened; a brand sees only its own part.
	Asker Seen

	disputed int64 // how many disputes there were
}

// Seen is the role in which somebody looks at an order.
type Seen string

// The roles.
const (
	AsBuyer    Seen = "buyer"
	AsBrand    Seen = "brand"
	AsOperator Seen = "operator"
)

// Part is one brand's share of an order.
type Part struct {
	ID             id.Part
	Brand          id.Brand
	BrandName      string
	State          State
	Goods          money.Amount
	ShippingOption string
	ShippingName   string
	Shipping       money.Amount
	ShippingTax    TaxLine
	Total          money.Amount // all taxes included
	Refunded       money.Amount // by refunds that did not fail, or by a cancellation
	ShippingBack   bool         // its shipping was refunded
	Label          int64        // what the platform's labels of its parcels cost; 0: its brand carries it
	ShippingHeld   Portion      // what open disputes are about of it
	ShippingLost   Portion      // what lost ones took of it
	HandlingDays   int64        // promised until it is handed over
	TransitDays    int64        // promised after that, at the most; 0 unsaid
	HoldDays       int64
	ShipBy         time.Time // what is not sent by then cancels itself
	Proven         bool      // that it arrived is not only the brand's word
	CancelledBy    string    // buyer, brand, operator, bank, or late
	PaidAt         time.Time
	ShippedAt      time.Time
	DeliveredAt    time.Time
	ReleaseAt      time.Time
	CompletedAt    time.Time
	CancelledAt    time.Time
}

// Line is one variant of an order, frozen as it was sold.
type Line struct {
	ID           id.Line
	Part         id.Part
	Brand        id.Brand
	Product      id.Product
	Variant      id.Variant
	SKU          string
	Title        string
	VariantTitle string
	Image        string
	Quantity     int64
	Unit         money.Amount
	Goods        money.Amount // unit × quantity, less what vouchers take off
	Off          voucher.Off  // what they take off, in minor units
	ByBrand      id.Voucher   // the brand's voucher it is of; "" none
	ByPlatform   id.Voucher   // the platform's
	Tax          TaxLine
	Base         money.Amount // commission base: goods without tax
	Creator      id.Creator
	Program      id.Program
	Rate         money.Bps
	FeeRate      money.Bps
	Frozen       Frozen
	Back         Back    // what refunds took back
	Held         Portion // what open disputes are about of it
	Lost         Portion // what lost ones took of it
	Shipped      bool
}

// Step is one entry of an order's timeline.
type Step struct {
	Part   id.Part
	Kind   string // placed, paid, shipped, delivered, completed, cancelled, expired, payment_declined, refund, refund_failed, refunded, return_requested, return_approved, …
	Detail string
	Actor  string
	At     time.Time
}

// Shipment is a parcel: some lines of one part, with a carrier.
type Shipment struct {
	ID          id.Shipment
	Order       id.Order
	Part        id.Part
	Brand       id.Brand
	Carrier     string
	Tracking    string
	State       State // shipped or delivered
	Lines       []id.Line
	Label       ParcelLabel // of price 0 where its brand carries it
	ShippedAt   time.Time
	DeliveredAt time.Time
}

// Price returns what the line costs before vouchers.
func (l Line) Price() money.Amount {
	return money.Of(l.Goods.Minor+l.Off.Brand+l.Off.Platform, l.Goods.Currency)
}

// Net returns the goods that are divided: without tax, after the brand's voucher and before the platform's.
func (l Line) Net() money.Amount {
	return money.Of(l.Goods.Minor+l.Off.Platform-l.Tax.Contained(), l.Goods.Currency)
}

// PriceOf returns what a part's goods cost before vouchers.
func (o *Order) PriceOf(p id.Part) money.Amount {
	sum := money.Of(0, o.Currency)
	for _, l := range o.linesOf(p) {
		sum.Minor += l.Price().Minor
	}
	return sum
}

// part returns the part of the order with the id, nil when there is none.
func (o *Order) part(p id.Part) *Part {
	for i := range o.Parts {
		if o.Parts[i].ID == p {
			return &o.Parts[i]
		}
	}
	return nil
}

// linesOf returns the lines of one part.
func (o *Order) linesOf(p id.Part) []Line {
	var lines []Line
	for _, l := range o.Lines {
		if l.Part == p {
			lines = append(lines, l)
		}
	}
	return lines
}
