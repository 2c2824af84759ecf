// Package sample owns free samples: who asks for one, what its brand answers and sends, and the content owed for it.
package sample

import (
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// Limits and times.
const (
	// MaxOpen is how many samples a creator can have asked for, or owe content for, at one time.
	MaxOpen = 10
	// MaxAsks is how often a creator can ask within AskWindow.
	MaxAsks   = 20
	AskWindow = 24 * time.Hour
	// MaxNote is the longest note or reason, in characters.
	MaxNote = 500
	// AnswerWithin is how long a brand has to answer; silence declines.
	AnswerWithin = 7 * 24 * time.Hour
	// SendWithin is how long a brand has to send what it approved; then its unit is for sale again.
	SendWithin = 7 * 24 * time.Hour
	// ArriveWithin is after how long a sample counts as arrived whose creator says neither that it came nor that it did not.
	ArriveWithin = 14 * 24 * time.Hour
	// MaxPage is the longest page of a list.
	MaxPage = 100
)

// Problem types of samples.
const (
	AlreadyAsked = "sample_exists" // one for each creator and product, unless it was declined or cancelled
	WrongState   = "wrong_state"
	OwnProduct   = "own_brand"
	ChargeAgreed = "charge_not_agreed" // the price that would be charged is not what the creator read
)

// State is where a sample stands.
type State string

// The states. From lost on nothing is owed any more.
const (
	Requested State = "requested"
	Approved  State = "approved" // its unit is set aside
	Declined  State = "declined"
	Cancelled State = "cancelled" // by either side, or because it was not sent in time
	Shipped   State = "shipped"
	Delivered State = "delivered" // content is due
	Lost      State = "lost"      // the creator says that it never came
	Returned  State = "returned"  // the brand has it back
	Fulfilled State = "fulfilled" // a video tags the product
	Overdue   State = "overdue"   // none did in time
)

// States lists the states in the order of a sample's life.
func States() []State {
	return []State{Requested, Approved, Declined, Cancelled, Shipped, Delivered, Lost, Returned, Fulfilled, Overdue}
}

// Sample is one unit of a product that a creator asks its brand for.
type Sample struct {
	ID           id.Sample      `json:"id"`
	Program      id.Program     `json:"program_id"`
	Brand        id.Brand       `json:"brand_id"`
	BrandName    string         `json:"brand_name"`
	Creator      Creator        `json:"creator"`
	Product      id.Product     `json:"product_id"`
	Variant      id.Variant     `json:"variant_id"`
	Title        string         `json:"title" doc:"Of the product, and of the variant where there are several"`
	State        State          `json:"state" enum:"requested,approved,declined,cancelled,shipped,delivered,lost,returned,fulfilled,overdue"`
	Note         string         `json:"note,omitempty" doc:"The creator's words to the brand"`
	Reason       string         `json:"reason,omitempty" doc:"Why it was declined or cancelled"`
	Days         int64          `json:"days" doc:"A video is due so many days after arrival"`
	Charge       *money.Amount  `json:"charge,omitempty" doc:"What the creator pays where no video comes in time; left out: nothing"`
	Charged      *money.Amount  `json:"charged,omitempty" doc:"And has paid"`
	Country      string         `json:"country" doc:"Where it goes"`
	Address      *order.Address `json:"address,omitempty" doc:"For its brand once it is approved; kept until the sample has ended"`
	Carrier      string         `json:"carrier,omitempty"`
	Tracking     string         `json:"tracking,omitempty"`
	Label        *Label         `json:"label,omitempty" doc:"The platform's label it went with; for its brand"`
	Video        id.Video       `json:"video_id,omitempty" doc:"That answered it"`
	RequestedAt  time.Time      `json:"requested_at"`
	DecidedAt    *time.Time     `json:"decided_at,omitempty"`
	ShippedAt    *time.Time     `json:"shipped_at,omitempty"`
	DeliveredAt  *time.Time     `json:"delivered_at,omitempty"`
	EndedAt      *time.Time     `json:"ended_at,omitempty"`
	DueAt        *time.Time     `json:"due_at,omitempty" doc:"Until when the brand answers (requested) or sends (approved), it counts as arrived (shipped), or content is due (delivered)"`
	Version      int64          `json:"version"`
	account      id.Account
	address      string
	price        money.Amount
	charged      int64
	variantTitle string
}

// Label is the platform's label that a sample went with, paid by its brand when it was sent.
type Label struct {
	Rate    id.LabelRate `json:"label_rate_id"`
	Service string       `json:"service"`
	Price   money.Amount `json:"price"`

	account string // the carrier's word in the book
}

// Parcel is how a sample goes.
type Parcel struct {
	Carrier  string       // left out with a label, which names it
	Tracking string       // may be left out
	Label    id.LabelRate // the platform's; none: the brand carries it itself
}

// Creator is who asked, with what came of earlier samples.
type Creator struct {
	ID          id.Creator `json:"id"`
	Handle      string     `json:"handle"`
	DisplayName string     `json:"display_name"`
	Record      Record     `json:"record"`
}

// Record is what came of the samples a creator was sent, of all brands.
type Record struct {
	Sent      int64 `json:"sent"`
	Fulfilled int64 `json:"fulfilled"`
	Overdue   int64 `json:"overdue"`
	Lost      int64 `json:"lost" doc:"That never came, by the creator's word"`
}

// Samples is the room: its methods are what people do.
type Samples struct{ db *db.DB }

// New returns the room that d keeps.
func New(d *db.DB) *Samples { return &Samples{db: d} }

func missing() error { return fault.New(fault.Missing, "There is no such sample.") }

// wrong says that the sample is not in a state for what was asked.
func (s *Sample) wrong(what string) error {
	return fault.New(fault.Conflict, "This sample is %s: %s.", s.State, what).WithType(WrongState)
}

// Currency is that of the product, in which its brand is paid.
func (s *Sample) Currency() money.Currency { return s.price.Currency }

// tell tells the log what has become of the sample.
func (s *Sample) tell(tx *db.Tx) error {
	return event.Emit(tx, event.SampleChanged{Sample: s.ID, Program: s.Program, Brand: s.Brand, Creator: s.Creator.ID, Product: s.Product, Variant: s.Variant,
		State: string(s.State), Video: s.Video, Charged: s.Charged})
}

// end closes the sample in a state: nothing is due any more and the address goes.
func (s *Sample) end(now time.Time, to State) {
	s.State, s.EndedAt, s.DueAt, s.Address, s.address = to, &now, nil, nil, ""
}

// uncount gives the sample's place in its program back.
func (s *Sample) uncount(tx *db.Tx) error { return affiliate.UncountSample(tx, s.Program) }
