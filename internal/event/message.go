package event

import (
	"math"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/id"
)

// reading reads the members of one Segment message. It is lenient where the SDKs are: numbers for
// texts, nulls, members of the wrong sort count as left out.
type reading struct {
	m       *Message
	p       *scanner
	depth   int // of the message's members
	call    Call
	key     string
	sent    time.Time
	said    string  // its own type
	place   float64 // properties.position, in seconds where that is what it means
	listed  []Goods // the products the message names in a list
	amount  int64
	isAsked bool // originalTimestamp was read: timestamp no longer counts
}

func (r *reading) read(name string) error {
	m, p := r.m, r.p
	switch name {
	case "type":
		return p.loose(r.depth, func(s string) { r.said = s })
	case "event":
		return p.loose(r.depth, func(s string) { m.Name = s })
	case "messageId":
		return p.loose(r.depth, func(s string) { m.ID = s })
	case "anonymousId":
		return p.loose(r.depth, func(s string) { m.Visitor = s })
	case "userId":
		return p.loose(r.depth, func(s string) { m.User = s })
	case "originalTimestamp", "timestamp":
		return p.loose(r.depth, func(s string) { r.at(name, s) })
	case "sentAt":
		return p.loose(r.depth, func(s string) { r.sent, _ = parseTime(s) })
	case "writeKey":
		return p.loose(r.depth, func(s string) { r.key = s })
	case "properties":
		return r.object(r.depth, r.property)
	case "context":
		return m.context.read(p, r.depth, &m.Event)
	}
	return p.skip(r.depth)
}

func (r *reading) at(name, s string) {
	if t, ok := parseTime(s); ok && !r.isAsked {
		r.m.Event.At, r.m.Seen = t, true
		r.isAsked = name == "originalTimestamp"
	}
}

// object reads an object at the depth, and passes over anything else.
func (r *reading) object(depth int, member func(name string) error) error {
	if r.p.peek() != '{' {
		return r.p.skip(depth)
	}
	return r.p.object(depth, member)
}

// property reads one of what a track tells of its event: the names of Segment's e-commerce and
// video specifications and of GA4.
func (r *reading) property(name string) error {
	p, depth, e := r.p, r.depth+1, &r.m.Event
	switch name {
	case "product_id", "item_id", "productId":
		return p.loose(depth, func(s string) { r.m.Goods.Product = s })
	case "sku":
		return p.loose(depth, func(s string) { r.m.Goods.SKU = s })
	case "variant", "variant_id", "item_variant":
		return p.loose(depth, func(s string) { r.m.Goods.Variant = s })
	case "gtin", "gtin8", "gtin12", "gtin13", "gtin14", "ean", "upc", "barcode":
		return p.loose(depth, func(s string) { r.m.Goods.GTIN = s })
	case "quantity":
		return p.loose(depth, func(s string) { r.amount = count(s, MaxAdd) })
	case "products", "items":
		if p.peek() != '[' {
			return p.skip(depth)
		}
		return p.array(depth, func() error { return r.product(depth + 1) })
	case "content_asset_id", "video_id":
		return p.loose(depth, func(s string) { takeID(s, &e.Video) })
	case "room_id":
		return p.loose(depth, func(s string) { takeID(s, &e.Room) })
	case "position":
		return p.loose(depth, func(s string) { r.place, _ = strconv.ParseFloat(s, 64) })
	case "watch_ms":
		return p.loose(depth, func(s string) { e.WatchMS = count(s, MaxWatch.Milliseconds()) })
	}
	return p.skip(depth)
}

// product reads one of a list.
func (r *reading) product(depth int) error {
	if len(r.listed) == MaxListed {
		return r.p.skip(depth)
	}
	outer, amount := r.m.Goods, r.amount
	r.m.Goods, r.amount = Goods{}, 0
	was := r.depth
	r.depth = depth
	err := r.object(depth, func(name string) error {
		if name == "products" || name == "items" {
			return r.p.skip(depth + 1)
		}
		return r.property(name)
	})
	r.m.Goods.Quantity = r.amount
	r.depth, r.listed = was, append(r.listed, r.m.Goods)
	r.m.Goods, r.amount = outer, amount
	return err
}

// takeID keeps an id of the kind; other shops' ids are none of ours.
func takeID[K id.Kind](s string, to *id.ID[K]) {
	if known, err := id.Parse[K](s); err == nil {
		*to = known
	}
}

// settle makes an event of what was read; false when nothing can be made of it.
func (r *reading) settle() bool {
	m, e := r.m, &r.m.Event
	call := r.call
	if call == "" {
		call = Call(r.said)
	}
	switch call {
	case CallTrack:
		if m.Name == "" {
			return false
		}
		e.Type = trackType(m.Name)
	case CallPage:
		e.Type = Page
	case CallScreen:
		e.Type = Screen
	case CallIdentify:
		e.Type = Identify
	case CallGroup:
		e.Type = Group
	case CallAlias:
		e.Type = Alias
	default:
		return false
	}
	switch {
	case m.Goods != (Goods{}):
	case len(r.listed) == 1:
		if m.Goods = r.listed[0]; r.amount == 0 {
			r.amount = m.Goods.Quantity
		}
	case e.Type.ofGoods():
		m.Listed = r.listed
	}
	m.Goods.Quantity = 0
	switch e.Type {
	case View, Watch:
		if most := MaxPlace.Seconds(); r.place > 0 && r.place <= most {
			e.PositionMS = int64(math.Round(r.place * 1000))
		}
	case AddToCart:
		e.Quantity = r.amount
	}
	if e.Type != Watch {
		e.WatchMS = 0
	}
	return m.Visitor != "" || m.User != ""
}

// ofGoods reports whether a message of the type that lists products is one about each of them. An order of
// several is one order, and counts nowhere but here.
func (t Type) ofGoods() bool {
	switch t {
	case Impression, ProductClick, ProductView, AddToCart, BeginCheckout, Share:
		return true
	}
	return false
}

// count reads a whole number of at least 0, held to most; 0 for anything else.
func count(s string, most int64) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return min(n, most)
}

// trackNames maps what shops call their events, in lower case with spaces, to our types: Segment's
// e-commerce and video specifications, GA4's recommended events, and our own names.
var trackNames = map[string]Type{
	"product list viewed": Impression, "view item list": Impression, "impression": Impression,
	"video content started": View, "video playback started": View, "video start": View, "view": View,
	"video content playing": Watch, "video progress": Watch, "watch": Watch,
	"product clicked": ProductClick, "select item": ProductClick, "product click": ProductClick,
	"product viewed": ProductView, "view item": ProductView, "product view": ProductView,
	"product added": AddToCart, "add to cart": AddToCart,
	"checkout started": BeginCheckout, "begin checkout": BeginCheckout,
	"product shared": Share, "share": Share,
	"products searched": Search, "search": Search, "view search results": Search,
	"order completed": Purchase, "purchase": Purchase,
	"order refunded": Refund, "refund": Refund,
}

var spaced = strings.NewReplacer("_", " ", "-", " ")

// longestTrackName bounds what is looked up.
const longestTrackName = 32

// trackType returns what a track's name means; Custom when it is the site's own affair.
func trackType(name string) Type {
	if len(name) > longestTrackName {
		return Custom
	}
	if t, ok := trackNames[spaced.Replace(strings.ToLower(strings.TrimSpace(name)))]; ok {
		return t
	}
	return Custom
}

// read reads a context object; e, when not nil, takes the visit it names.
func (c *context) read(p *scanner, depth int, e *Event) error {
	if p.peek() != '{' {
		return p.skip(depth)
	}
	return p.object(depth, func(name string) error {
		switch name {
		case "userAgent", "user_agent":
			return p.loose(depth+1, func(s string) { c.agent = s })
		case "ip":
			return p.loose(depth+1, func(s string) { c.address = s })
		case "gpc", "globalPrivacyControl":
			return p.loose(depth+1, func(s string) { c.private = s == "true" || s == "1" })
		case "consent":
			return c.consent(p, depth+1)
		case "session_id", "sessionId":
			return p.loose(depth+1, func(s string) {
				if u, ok := parseUUID(s); ok && e != nil {
					e.Session = u
				}
			})
		case "seq":
			return p.loose(depth+1, func(s string) {
				if e != nil {
					e.Seq = count(s, MaxSeq)
				}
			})
		}
		return p.skip(depth + 1)
	})
}

// measuring lists what consent managers call the purpose for which we read events.
var measuring = map[string]bool{
	"analytics": true, "analytic": true, "analytical": true, "analytics_storage": true, "analytics storage": true, "performance": true,
	"statistics": true, "statistical": true, "measurement": true, "c0002": true,
}

// consent reads context.consent: false, or the purposes with false beside what is not allowed,
// either flat or under categoryPreferences as Segment's SDKs send them.
func (c *context) consent(p *scanner, depth int) error {
	if p.peek() != '{' {
		return p.loose(depth, func(s string) { c.denied = c.denied || s == "false" || s == "denied" })
	}
	return p.object(depth, func(name string) error {
		switch {
		case name == "categoryPreferences" && p.peek() == '{':
			return c.consent(p, depth+1)
		case measuring[strings.ToLower(name)]:
			return p.loose(depth+1, func(s string) { c.denied = c.denied || s == "false" || s == "denied" })
		}
		return p.skip(depth + 1)
	})
}
