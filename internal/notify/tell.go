package notify

import (
	"encoding/json"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// topicTest is what a brand sends itself to see whether it arrives.
const topicTest = "webhook.test"

// telling is what brands are told of one kind of fact.
type telling struct {
	topic string
	words string // what happened, for people
	// read returns what each brand concerned is told; nothing of another brand's, and no person.
	read func(event.Fact) (map[id.Brand]any, error)
}

// topics are the facts brands can be told of, in the order in which they are listed.
var topics = []telling{
	{event.TopicOrderPaid, "An order with goods of yours was paid", paid},
	{event.TopicOrderShipped, "You sent part of an order", one(func(b event.OrderShipped) (id.Brand, any) { return b.Brand, b })},
	{event.TopicOrderDelivered, "It arrived; the hold runs", one(func(b event.OrderDelivered) (id.Brand, any) { return b.Brand, b })},
	{event.TopicOrderCompleted, "The hold has passed, the money is yours", one(func(b event.OrderCompleted) (id.Brand, any) { return b.Brand, b })},
	{event.TopicOrderCancelled, "It was called off before it was sent", cancelled},
	{event.TopicOrderRefunded, "A buyer got money back", one(refunded)},
	{event.TopicReturnRequested, "A buyer asks to return something; you have 48 hours to answer", one(func(b event.ReturnRequested) (id.Brand, any) { return b.Brand, b })},
	{event.TopicReturnApproved, "A return was agreed to, by you or because you were silent", one(func(b event.ReturnApproved) (id.Brand, any) { return b.Brand, b })},
	{event.TopicReturnDeclined, "You declined a return", one(func(b event.ReturnDeclined) (id.Brand, any) { return b.Brand, b })},
	{event.TopicReturnWithdrawn, "A return was called off, or nothing was sent in time", one(func(b event.ReturnWithdrawn) (id.Brand, any) { return b.Brand, b })},
	{event.TopicReturnSent, "The buyer has sent it back; you have 14 days to say that it came", one(func(b event.ReturnSent) (id.Brand, any) { return b.Brand, b })},
	{event.TopicReturnReceived, "It is back, by your word or because you were silent", one(func(b event.ReturnReceived) (id.Brand, any) { return b.Brand, b })},
	{event.TopicReturnRefunded, "A return ended; its money is on the way back to the buyer", one(func(b event.ReturnRefunded) (id.Brand, any) { return b.Brand, b })},
	{event.TopicDisputeOpened, "A buyer's bank disputes a payment; your share is held", disputed[event.DisputeOpened](func(b event.DisputeOpened) event.DisputeState { return b.DisputeState })},
	{event.TopicDisputeWon, "A dispute was won; what was held is yours again", disputed[event.DisputeWon](func(b event.DisputeWon) event.DisputeState { return b.DisputeState })},
	{event.TopicDisputeLost, "A dispute was lost; the buyer has the money back", disputed[event.DisputeLost](func(b event.DisputeLost) event.DisputeState { return b.DisputeState })},
	{event.TopicCommissionCreated, "A creator earned a commission; it is held", one(func(b event.CommissionCreated) (id.Brand, any) { return commission(b.CommissionState, "", false) })},
	{event.TopicCommissionReleased, "A commission became available", one(func(b event.CommissionReleased) (id.Brand, any) { return commission(b.CommissionState, "", false) })},
	{event.TopicCommissionReversed, "A commission, or a part of it, was taken back", one(func(b event.CommissionReversed) (id.Brand, any) {
		return commission(b.CommissionState, b.Reason, b.Released)
	})},
	{event.TopicProgramClosed, "A program's budget is spent: it takes no new clicks until you add to it", one(func(b event.ProgramClosed) (id.Brand, any) { return b.Brand, b })},
	{event.TopicSampleRequested, "A creator asks for a free sample; you have 7 days to answer", sampled},
	{event.TopicSampleCancelled, "A free sample was called off before it was sent", sampled},
	{event.TopicSampleDelivered, "A free sample has arrived; its video is due", sampled},
	{event.TopicSampleLost, "A free sample never came, its creator says", sampled},
	{event.TopicSampleFulfilled, "A video answers a free sample", sampled},
	{event.TopicSampleOverdue, "No video came for a free sample in time", sampled},
	{event.TopicPayoutCreated, "A payout was asked for; its money is available no more", one(func(b event.PayoutCreated) (id.Brand, any) { return b.Brand, b })},
	{event.TopicPayoutSent, "A payout is on its way", one(func(b event.PayoutSent) (id.Brand, any) { return b.Brand, b })},
	{event.TopicPayoutConfirmed, "A payout has arrived", one(func(b event.PayoutConfirmed) (id.Brand, any) { return b.Brand, b })},
	{event.TopicPayoutFailed, "A payout did not arrive; its money is available again", one(func(b event.PayoutFailed) (id.Brand, any) { return b.Brand, b })},
	{event.TopicPayoutReturned, "A payout came back; its money is available again", one(func(b event.PayoutReturned) (id.Brand, any) { return b.Brand, b })},
	{event.TopicPayoutUpdated, "A part of a payout that had arrived was taken back; it is available again", one(func(b event.PayoutUpdated) (id.Brand, any) { return b.Brand, b })},
}

// tellings are the topics by name, the test's included.
var tellings = func() map[string]telling {
	m := map[string]telling{topicTest: {topic: topicTest}}
	for _, t := range topics {
		m[t.topic] = t
	}
	return m
}()

// Event is something a brand can be told of.
type Event struct {
	Type  string `json:"type"`
	Words string `json:"description"`
}

// Events lists what brands can be told of.
func Events() []Event {
	list := make([]Event, len(topics))
	for i, t := range topics {
		list[i] = Event{t.topic, t.words}
	}
	return list
}

// message is the body that is sent.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it became true
	Data      any       `json:"data"`
}

func encode(topic string, at time.Time, data any) (string, error) {
	text, err := json.Marshal(message{topic, at.UTC().Truncate(time.Millisecond), data})
	return string(text), err
}

// one reads a fact that concerns a single brand.
func one[B event.Body](of func(B) (id.Brand, any)) func(event.Fact) (map[id.Brand]any, error) {
	return func(f event.Fact) (map[id.Brand]any, error) {
		body, err := event.Read[B](f)
		if err != nil {
			return nil, err
		}
		brand, data := of(body)
		if brand == "" { // it concerns a creator
			return nil, nil
		}
		return map[id.Brand]any{brand: data}, nil
	}
}

// sampled reads a fact about a free sample.
func sampled(f event.Fact) (map[id.Brand]any, error) {
	return one(func(b event.SampleChanged) (id.Brand, any) {
		return b.Brand, sample{Sample: b.Sample, Program: b.Program, Creator: b.Creator, Product: b.Product, Variant: b.Variant, State: b.State, Video: b.Video, Charged: b.Charged}
	})(f)
}

// sample is a free sample as its brand is told of it.
type sample struct {
	Sample  id.Sample     `json:"sample_id"`
	Program id.Program    `json:"program_id"`
	Creator id.Creator    `json:"creator_id"`
	Product id.Product    `json:"product_id"`
	Variant id.Variant    `json:"variant_id"`
	State   string        `json:"state"`
	Video   id.Video      `json:"video_id,omitempty"`
	Charged *money.Amount `json:"charged,omitempty"`
}

// line is a line of an order as its brand is told of it.
type line struct {
	Line       id.Line       `json:"line_id"`
	Part       id.Part       `json:"part_id"`
	Variant    id.Variant    `json:"variant_id"`
	Product    id.Product    `json:"product_id"`
	Quantity   int64         `json:"quantity"`
	GMV        money.Amount  `json:"gmv"`
	Fee        money.Amount  `json:"platform_fee"`
	Creator    id.Creator    `json:"creator_id,omitempty"`
	Program    id.Program    `json:"program_id,omitempty"`
	Rate       money.Bps     `json:"commission_bps,omitempty"`
	Commission *money.Amount `json:"commission,omitempty"`
	Video      id.Video      `json:"video_id,omitempty"`
	Waiting    bool          `json:"attribution_waiting,omitempty"`
}

type trade struct {
	Order    id.Order      `json:"order_id"`
	PlacedAt *time.Time    `json:"placed_at,omitempty"`
	PaidAt   *time.Time    `json:"paid_at,omitempty"`
	Refund   id.Refund     `json:"refund_id,omitempty"`
	Part     id.Part       `json:"part_id,omitempty"`
	Refunded *money.Amount `json:"refunded,omitempty"`
	Full     bool          `json:"full,omitempty"`
	Lines    []line        `json:"lines"`
}

func lineOf(l event.SaleLine, c money.Currency) line {
	out := line{Line: l.Line, Part: l.Part, Variant: l.Variant, Product: l.Product, Quantity: l.Quantity, GMV: money.Of(l.GMV, c), Fee: money.Of(l.Fee, c),
		Creator: l.Creator, Program: l.Program, Rate: l.Rate, Waiting: l.Waiting}
	if l.Creator != "" {
		amount := money.Of(l.Commission, c)
		out.Commission = &amount
	}
	if l.Touch != nil {
		out.Video = l.Touch.Video
	}
	return out
}

// byBrand parts the lines of an order; head makes the fact around those of one brand.
func byBrand(lines []event.SaleLine, c money.Currency, head func() *trade) map[id.Brand]any {
	parts := map[id.Brand]any{}
	for _, l := range lines {
		t, ok := parts[l.Brand].(*trade)
		if !ok {
			t = head()
			parts[l.Brand] = t
		}
		t.Lines = append(t.Lines, lineOf(l, c))
	}
	return parts
}

func paid(f event.Fact) (map[id.Brand]any, error) {
	b, err := event.Read[event.OrderPaid](f)
	return byBrand(b.Lines, b.Currency, func() *trade { return &trade{Order: b.Order, PlacedAt: &b.PlacedAt} }), err
}

func cancelled(f event.Fact) (map[id.Brand]any, error) {
	b, err := event.Read[event.OrderCancelled](f)
	if b.PaidAt.IsZero() {
		return nil, err // nobody was told that it was made
	}
	return byBrand(b.Lines, b.Currency, func() *trade { return &trade{Order: b.Order, PaidAt: &b.PaidAt} }), err
}

func refunded(b event.OrderRefunded) (id.Brand, any) {
	t := &trade{Order: b.Order, PaidAt: &b.PaidAt, Refund: b.Refund, Part: b.Part, Refunded: &b.Refunded, Full: b.Full, Lines: []line{}}
	for _, l := range b.Lines {
		t.Lines = append(t.Lines, lineOf(l, b.Currency))
	}
	return b.Brand, t
}

// contested is a dispute as one brand is told of it.
type contested struct {
	Dispute id.Dispute   `json:"dispute_id"`
	Order   id.Order     `json:"order_id"`
	Part    id.Part      `json:"part_id"`
	Reason  string       `json:"reason"`
	Amount  money.Amount `json:"amount"` // of what the buyer paid for its part
	Own     money.Amount `json:"own"`    // of it, its own money
	DueBy   *time.Time   `json:"evidence_due_at,omitempty"`
}

func disputed[B event.Body](of func(B) event.DisputeState) func(event.Fact) (map[id.Brand]any, error) {
	return func(f event.Fact) (map[id.Brand]any, error) {
		body, err := event.Read[B](f)
		if err != nil {
			return nil, err
		}
		d, told := of(body), map[id.Brand]any{}
		for _, b := range d.Brands {
			c := contested{Dispute: d.Dispute, Order: d.Order, Part: b.Part, Reason: d.Reason, Amount: b.Amount, Own: b.Own}
			if !d.DueBy.IsZero() {
				c.DueBy = &d.DueBy
			}
			told[b.Brand] = c
		}
		return told, nil
	}
}

type earned struct {
	Commission id.Commission `json:"commission_id"`
	Order      id.Order      `json:"order_id"`
	Part       id.Part       `json:"part_id"`
	Line       id.Line       `json:"line_id"`
	Creator    id.Creator    `json:"creator_id"`
	Program    id.Program    `json:"program_id"`
	Product    id.Product    `json:"product_id"`
	Video      id.Video      `json:"video_id,omitempty"`
	Base       money.Amount  `json:"base"`
	Rate       money.Bps     `json:"commission_bps"`
	Amount     money.Amount  `json:"amount"`
	Reason     string        `json:"reason,omitempty"`
	Released   bool          `json:"was_released,omitempty"`
}

func commission(c event.CommissionState, reason string, released bool) (id.Brand, any) {
	return c.Brand, earned{Commission: c.Commission, Order: c.Order, Part: c.Part, Line: c.Line, Creator: c.Creator, Program: c.Program, Product: c.Product,
		Video: c.Video, Base: c.Base, Rate: c.Rate, Amount: c.Amount, Reason: reason, Released: released}
}
