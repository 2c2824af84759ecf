package event

import (
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Topics about orders and what creators earn by them.
const (
	TopicOrderPlaced        = "order.placed"
	TopicOrderPaid          = "order.paid"
	TopicOrderShipped       = "order.shipped"
	TopicOrderDelivered     = "order.delivered"
	TopicOrderCompleted     = "order.completed"
	TopicOrderCancelled     = "order.cancelled"
	TopicOrderExpired       = "order.expired"
	TopicOrderRefunded      = "order.refunded"
	TopicPaymentReturned    = "payment.returned"
	TopicDisputeOpened      = "dispute.opened"
	TopicDisputeWon         = "dispute.won"
	TopicDisputeLost        = "dispute.lost"
	TopicCommissionCreated  = "commission.created"
	TopicCommissionReleased = "commission.released"
	TopicCommissionReversed = "commission.reversed"
)

// OrderPlaced says that a checkout was made and stock reserved; nothing is paid yet.
type OrderPlaced struct {
	Order  id.Order     `json:"order"`
	Viewer id.Viewer    `json:"viewer"`
	Total  money.Amount `json:"total"`
	Lines  int          `json:"lines"` // how many
}

// Topic implements Body.
func (OrderPlaced) Topic() string { return TopicOrderPlaced }

// SaleTouch is the click a line was won by: orders count in the cohort of its time.
type SaleTouch struct {
	Touch    id.Touch    `json:"touch"`
	At       time.Time   `json:"at"`
	Request  id.Request  `json:"request,omitempty"` // of the impression that was clicked
	Slot     uint8       `json:"slot,omitempty"`
	Surface  string      `json:"surface,omitempty"`
	Video    id.Video    `json:"video,omitempty"`
	Showcase id.Showcase `json:"showcase,omitempty"`
	Room     id.Room     `json:"room,omitempty"`
	Link     id.Link     `json:"link,omitempty"`
}

// SaleLine is one line of an order, frozen at its sale. Amounts are in the fact's currency.
type SaleLine struct {
	Line       id.Line    `json:"line"`
	Part       id.Part    `json:"part"`
	Variant    id.Variant `json:"variant"`
	Product    id.Product `json:"product"`
	Brand      id.Brand   `json:"brand"`
	Quantity   int64      `json:"quantity"`
	GMV        int64      `json:"gmv_minor"` // goods after discounts, without tax and shipping
	Fee        int64      `json:"fee_minor"`
	Creator    id.Creator `json:"creator,omitempty"` // who earns; "" nobody, or not yet decided
	Program    id.Program `json:"program,omitempty"`
	Rate       money.Bps  `json:"commission_bps,omitempty"`
	Commission int64      `json:"commission_minor,omitempty"`
	Touch      *SaleTouch `json:"touch,omitempty"`   // the winning one
	Waiting    bool       `json:"waiting,omitempty"` // attribution comes later
}

// OrderPaid says that an order was paid: GMV, units and orders are made of it.
type OrderPaid struct {
	Order    id.Order       `json:"order"`
	Viewer   id.Viewer      `json:"viewer"`
	Currency money.Currency `json:"currency"`
	Total    money.Amount   `json:"total"` // what the buyer paid
	PlacedAt time.Time      `json:"placed_at"`
	Lines    []SaleLine     `json:"lines"`
}

// Topic implements Body.
func (OrderPaid) Topic() string { return TopicOrderPaid }

// OrderShipped says that a brand sent lines of its part.
type OrderShipped struct {
	Order    id.Order    `json:"order"`
	Part     id.Part     `json:"part"`
	Brand    id.Brand    `json:"brand"`
	Shipment id.Shipment `json:"shipment"`
	Lines    []id.Line   `json:"lines"`
}

// Topic implements Body.
func (OrderShipped) Topic() string { return TopicOrderShipped }

// OrderDelivered says that a part has arrived; the hold runs from here.
type OrderDelivered struct {
	Order     id.Order    `json:"order"`
	Part      id.Part     `json:"part"`
	Brand     id.Brand    `json:"brand"`
	Shipment  id.Shipment `json:"shipment,omitempty"`
	ReleaseAt time.Time   `json:"release_at"`
}

// Topic implements Body.
func (OrderDelivered) Topic() string { return TopicOrderDelivered }

// OrderCompleted says that a part's hold has passed and its money was released.
type OrderCompleted struct {
	Order id.Order `json:"order"`
	Part  id.Part  `json:"part"`
	Brand id.Brand `json:"brand"`
}

// Topic implements Body.
func (OrderCompleted) Topic() string { return TopicOrderCompleted }

// OrderCancelled says that a paid order, or parts of it, were called off before shipment:
// the lines as they were sold, which net GMV and net units now lose.
type OrderCancelled struct {
	Order    id.Order       `json:"order"`
	Viewer   id.Viewer      `json:"viewer"`
	Currency money.Currency `json:"currency"`
	Refunded money.Amount   `json:"refunded"`
	PaidAt   time.Time      `json:"paid_at,omitzero"` // zero when it never was
	Lines    []SaleLine     `json:"lines"`
}

// Topic implements Body.
func (OrderCancelled) Topic() string { return TopicOrderCancelled }

// OrderRefunded says that a buyer got money of one brand's part back and the provider has confirmed it.
// Quantity, GMV, Fee and Commission of its lines are what this refund took back, never what was sold;
// Touch is the winning one of the sale. A refund of shipping alone has no lines.
type OrderRefunded struct {
	Order    id.Order       `json:"order"`
	Refund   id.Refund      `json:"refund"`
	Part     id.Part        `json:"part"`
	Brand    id.Brand       `json:"brand"`
	Viewer   id.Viewer      `json:"viewer"`
	Currency money.Currency `json:"currency"`
	Refunded money.Amount   `json:"refunded"` // what the buyer got, tax and shipping included
	Full     bool           `json:"full"`     // nothing of the part's goods is left sold
	PaidAt   time.Time      `json:"paid_at"`
	Lines    []SaleLine     `json:"lines"`
	// Gone are those of the lines of which refunds have left nothing with this one, as they were sold: each line comes to it
	// once, with the last refund of it that is confirmed. Older facts have none, not even an empty list: see Whole.
	Gone []SaleLine `json:"gone"`
}

// Topic implements Body.
func (OrderRefunded) Topic() string { return TopicOrderRefunded }

// Whole returns the lines that have come back whole with this refund. Of an older fact they are known only where it was
// the last of its part, and as that one took them back.
func (r OrderRefunded) Whole() []SaleLine {
	if r.Gone == nil && r.Full {
		return r.Lines
	}
	return r.Gone
}

// OrderExpired says that a checkout was not paid in time and its stock let go.
type OrderExpired struct {
	Order  id.Order  `json:"order"`
	Viewer id.Viewer `json:"viewer"`
}

// Topic implements Body.
func (OrderExpired) Topic() string { return TopicOrderExpired }

// CommissionState is one line's commission.
type CommissionState struct {
	Commission id.Commission `json:"commission"`
	Order      id.Order      `json:"order"`
	Part       id.Part       `json:"part"`
	Line       id.Line       `json:"line"`
	Creator    id.Creator    `json:"creator"`
	Brand      id.Brand      `json:"brand"`
	Program    id.Program    `json:"program"`
	Product    id.Product    `json:"product"`
	Video      id.Video      `json:"video,omitempty"`
	Room       id.Room       `json:"room,omitempty"` // of the winning touch, as Touch knows it: no touch comes out of a room yet
	Base       money.Amount  `json:"base"`
	Rate       money.Bps     `json:"commission_bps"`
	Amount     money.Amount  `json:"amount"`
	Touch      *SaleTouch    `json:"touch,omitempty"`     // when attribution came after OrderPaid
	EarnedAt   time.Time     `json:"earned_at,omitzero"`  // when it was created: at the sale, or when attribution came
	ClickedAt  time.Time     `json:"clicked_at,omitzero"` // when the winning touch was; only of released and reversed ones
}

// CommissionCreated says that a line earned a creator a commission, held until its release.
type CommissionCreated struct{ CommissionState }

// Topic implements Body.
func (CommissionCreated) Topic() string { return TopicCommissionCreated }

// CommissionReleased says that a commission became available.
type CommissionReleased struct{ CommissionState }

// Topic implements Body.
func (CommissionReleased) Topic() string { return TopicCommissionReleased }

// CommissionReversed says that a commission, or Amount of it, was taken back.
type CommissionReversed struct {
	CommissionState
	Released bool   `json:"released,omitempty"` // it had been released before
	Reason   string `json:"reason"`             // cancelled, refunded, …: of a fixed list, no free text
}

// Topic implements Body.
func (CommissionReversed) Topic() string { return TopicCommissionReversed }

// PaymentReturned says that the provider gave a whole payment back: of a cancelled order, or of
// one that was closed before the money came.
type PaymentReturned struct {
	Order   id.Order     `json:"order"`
	Payment id.Payment   `json:"payment"`
	Amount  money.Amount `json:"amount"`
}

// Topic implements Body.
func (PaymentReturned) Topic() string { return TopicPaymentReturned }
