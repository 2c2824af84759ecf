// Package event owns what can happen: every event's fields, limits and encoding, in the one vocabulary that all rooms speak.
package event

import (
	"net/netip"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/id"
)

// The kinds of record in the stream; their numbers are part of the log and never change.
const (
	KindEvent  byte = 1 // an Event
	KindFact   byte = 2 // a Fact, relayed from the outbox
	KindTick   byte = 3 // the logged second; no data
	KindServed byte = 4 // a Served page
)

// Type says what happened.
type Type uint8

// The types; their numbers are part of the log and never change. Purchase and Refund come
// from clients only to be stored and not counted: the true ones are facts. LinkClick and
// CodeUse are made by the server alone. From Page on they come under a write key only: what a
// brand's own site says besides what a shop has in common with all others.
const (
	Impression Type = iota + 1
	View
	Watch
	ProductClick
	ProductView
	AddToCart
	BeginCheckout
	Like
	Comment
	Share
	Follow
	Hide
	Report
	Search
	RoomJoin
	RoomLeave
	Purchase
	Refund
	LinkClick
	CodeUse
	Page
	Screen
	Identify
	Group
	Alias
	Custom
)

var typeNames = [...]string{
	Impression: "impression", View: "view", Watch: "watch", ProductClick: "product_click",
	ProductView: "product_view", AddToCart: "add_to_cart", BeginCheckout: "begin_checkout",
	Like: "like", Comment: "comment", Share: "share", Follow: "follow", Hide: "hide",
	Report: "report", Search: "search", RoomJoin: "room_join", RoomLeave: "room_leave",
	Purchase: "purchase", Refund: "refund", LinkClick: "link_click", CodeUse: "code_use",
	Page: "page", Screen: "screen", Identify: "identify", Group: "group", Alias: "alias", Custom: "custom",
}

// String returns the type's name as the API spells it, "" for none.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return ""
}

// TypeNamed returns the type of the name; ok is false for a name that is none.
func TypeNamed(name string) (t Type, ok bool) {
	for n, s := range typeNames {
		if s == name && name != "" {
			return Type(n), true
		}
	}
	return 0, false
}

// FromClients reports whether a viewer's client may send the type.
func (t Type) FromClients() bool { return t >= Impression && t <= Refund }

// Flags are the server's findings about an event.
type Flags uint16

// The findings; their bits are part of the log and never change.
const (
	Forged         Flags = 1 << iota // its token was not made here, or is another viewer's
	Foreign                          // it names a thing that is not there, or that its token's subject does not hold
	Expired                          // its token is older than id.ImpressionLife
	Bot                              // a declared robot, or caught as one
	Late                             // it happened before the horizon within which repeats are known
	ClientPurchase                   // a purchase or refund told by a client
	Own                              // a creator with their own content, or a brand with its own product
)

// Counted reports whether an event with these flags counts in any number.
func (f Flags) Counted() bool { return f&(Forged|Foreign|Bot|Late|ClientPurchase) == 0 }

// Earns reports whether an event with these flags may move ranking or make a touch.
func (f Flags) Earns() bool { return f.Counted() && f&(Expired|Own) == 0 }

// Has reports whether all the flags of g are set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// Event is one thing that happened, as the log holds it. Times are UTC to the microsecond;
// ids are "" where they do not apply.
type Event struct {
	// What the client says.
	ID         uuid.UUID // made by the client; repeats of it count once
	Type       Type
	At         time.Time // when it happened: corrected for a skewed clock, within the clamp
	ClientAt   time.Time // when the client's clock said, if that differs from At
	Token      string    // the impression token as sent; never logged
	Room       id.Room
	Video      id.Video
	Product    id.Product
	Variant    id.Variant
	Offer      id.Offer
	Quantity   int64     // of an AddToCart
	WatchMS    int64     // playback since the last Watch of this impression, a delta
	PositionMS int64     // place in the content
	Session    uuid.UUID // the client's visit
	Seq        int64     // counts up within the session, so that losses show

	// What the server found.
	Shown     id.Impression // what the token says; zero when there is none or it is forged
	Creator   id.Creator    // whose content it was
	Brand     id.Brand      // whose product it was
	Link      id.Link       // of a LinkClick or CodeUse
	Viewer    id.Viewer     // minted here; "" under a write key
	Received  time.Time
	Flags     Flags
	Net       netip.Prefix // truncated address: /24 or /48
	Agent     Agent
	Namespace id.WriteKey // the write key it came under; its Anonymous ids are only that brand's
	Anonymous [16]byte    // the client-made id within the namespace, hashed; zero: nobody's, by their wish
	Name      [16]byte    // of a Custom: what its site calls it, hashed within the namespace
}

// Attach fills in what the event's opened token says: the impression, and the video or room it showed.
func (e *Event) Attach(shown id.Impression) {
	e.Shown = shown
	switch shown.SubjectKind {
	case id.SubjectVideo:
		e.Video = shown.Video()
	case id.SubjectRoom:
		e.Room = shown.Room()
	case id.SubjectLink:
		e.Link = shown.Link()
	}
}

// Earns reports whether the event may move ranking or make a touch.
func (e *Event) Earns() bool { return e.Flags.Earns() && e.Viewer != "" }
