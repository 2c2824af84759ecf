package event

import (
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Call says which call of the Segment HTTP API a body came with: a batch, or one message whose
// type the path names.
type Call string

// The calls.
const (
	CallBatch    Call = "batch"
	CallTrack    Call = "track"
	CallPage     Call = "page"
	CallScreen   Call = "screen"
	CallIdentify Call = "identify"
	CallGroup    Call = "group"
	CallAlias    Call = "alias"
)

// Messages is what one request of the Segment HTTP API told. It may be used again and then
// allocates little.
type Messages struct {
	WriteKey string    // as sent in the body, "" for none; the secret itself, never logged
	SentAt   time.Time // zero when the client did not say
	List     []Message
	Rejected int // messages that can be nobody's event: no type, no visitor, too large
	Denied   int // messages whose visitor does not consent to being measured: not kept at all
	context  context
}

// Message is one of them, as far as the log may hold it, and the texts that its brand alone can
// make something of. They are slices of the request; none of them enters the log.
type Message struct {
	Event   Event
	ID      string // messageId
	Visitor string // anonymousId
	User    string // userId
	Name    string // of a track
	Goods   Goods
	Listed  []Goods // where it is about several products: Each makes an event of each
	Seen    bool    // the message said when it happened
	context context
	raw     string
}

// Goods is what a message calls the product it is about, all as sent.
type Goods struct {
	Product, Variant, SKU, GTIN string
	Quantity                    int64 // of one in a list
}

// context is what a message says of where it comes from.
type context struct {
	agent, address string
	denied         bool
	private        bool
}

// Parse reads the body of a call in one pass, replacing what was held. Each message is judged by
// itself; the rejected ones are only counted, since SDKs do nothing with reasons. received
// corrects the times. Errors concern the whole request: Malformed when it is not JSON of this
// shape, TooLarge over MaxBody or MaxMessages.
func (m *Messages) Parse(call Call, body []byte, received time.Time) error {
	*m = Messages{List: m.List[:0]}
	if err := m.read(call, body); err != nil {
		*m = Messages{List: m.List[:0]}
		return err
	}
	kept := m.List[:0]
	for i := range m.List {
		one := &m.List[i]
		one.context.take(m.context)
		if one.context.denied {
			m.Denied++
			continue
		}
		if !one.Seen {
			one.Event.At = received
		}
		sent := m.SentAt
		if !one.Seen {
			sent = time.Time{}
		}
		one.Event.correct(sent, received)
		kept = append(kept, *one)
	}
	m.List = kept
	return nil
}

// Clear lets go of the request the messages were read from.
func (m *Messages) Clear() {
	clear(m.List[:cap(m.List)])
	*m = Messages{List: m.List[:0]}
}

// take fills in what a message left to the batch.
func (c *context) take(all context) {
	if c.agent == "" {
		c.agent = all.agent
	}
	if c.address == "" {
		c.address = all.address
	}
	c.denied = c.denied || all.denied
	c.private = c.private || all.private
}

func (m *Messages) read(call Call, body []byte) error {
	if len(body) > MaxBody {
		return fault.New(fault.TooLarge, "The request has %d bytes; send at most %d at a time.", len(body), MaxBody)
	}
	p := &scanner{s: string(body)}
	found := call != CallBatch
	var err error
	if found {
		err = m.message(p, 0, call)
	} else {
		err = p.object(0, func(name string) error { return m.member(p, name, &found) })
	}
	if err == nil && (p.peek() != 0 || p.i < len(p.s)) { // peek cannot tell a NUL byte from the end
		err = p.fail("something after the end")
	}
	var bad *syntaxError
	switch {
	case errors.As(err, &bad):
		return fault.New(fault.Malformed, "The request is not JSON of this form: %s at byte %d.", bad.reason, bad.offset)
	case err != nil:
		return err
	case !found:
		return fault.New(fault.Malformed, "The request has no \"batch\" array; send {\"batch\": […]}.")
	}
	return nil
}

// member reads one member of a batch's outer object.
func (m *Messages) member(p *scanner, name string, found *bool) error {
	switch name {
	case "batch":
		if *found {
			return p.fail("a second \"batch\"")
		}
		*found = true
		return p.array(1, func() error {
			if len(m.List)+m.Rejected == MaxMessages {
				return fault.New(fault.TooLarge, "The request has more than %d messages; send them in several requests.", MaxMessages)
			}
			return m.message(p, 2, "")
		})
	case "writeKey":
		return p.loose(1, func(s string) { m.WriteKey = s })
	case "sentAt":
		return p.loose(1, func(s string) { m.SentAt, _ = parseTime(s) })
	case "context":
		return m.context.read(p, 1, nil)
	}
	return p.skip(1)
}

// message reads one message, whose type the call names ("": it says so itself), and keeps it unless
// nothing can be made of it.
func (m *Messages) message(p *scanner, depth int, call Call) error {
	if p.peek() != '{' {
		if call != "" {
			return p.fail("expected '{'")
		}
		m.Rejected++
		return p.skip(depth)
	}
	start := p.i
	m.List = append(m.List, Message{})
	r := reading{m: &m.List[len(m.List)-1], p: p, depth: depth + 1, call: call}
	if err := p.object(depth, r.read); err != nil {
		return err
	}
	r.m.raw = p.s[start:p.i]
	if call != "" || m.SentAt.IsZero() {
		m.SentAt = r.sent
	}
	if call != "" {
		m.WriteKey = r.key
	}
	if len(r.m.raw) > MaxEvent || !r.settle() {
		m.List = m.List[:len(m.List)-1]
		m.Rejected++
	}
	return nil
}

// Bind makes the message an event of the write key's namespace: its id, its visitor and its name
// are hashed there, so that the same texts under another key are somebody and something else.
// agent and address are the request's own, for what the message does not say; private is its wish
// (or the browser's, by Sec-GPC) that nothing be kept by which a visitor could be followed.
func (m *Message) Bind(key id.WriteKey, brand id.Brand, agent string, address netip.Addr, private bool) {
	e := &m.Event
	e.Namespace, e.Brand = key, brand
	e.ID = m.eventID(key)
	switch {
	case m.Visitor != "":
		e.Anonymous = AnonymousOf(key, m.Visitor)
	case m.User != "":
		e.Anonymous = UserOf(key, m.User)
	}
	if e.Type == Custom {
		e.Name = NameOf(key, m.Name)
	}
	m.place(AgentOf(agent), address)
	if private || m.context.private {
		e.Anonymous, e.Session, e.Seq, e.Net = [16]byte{}, uuid.Nil, 0, netip.Prefix{}
	}
}

// place notes where the message comes from: the browser that sent it, or the one whose class and
// address a server's SDK passes on. A server's own address says nothing of anybody.
func (m *Message) place(sender Agent, address netip.Addr) {
	e := &m.Event
	e.Agent = sender
	if m.context.agent != "" && (sender == AgentProgram || sender == AgentUnknown) {
		e.Agent = AgentOf(m.context.agent)
	}
	if e.Agent == AgentRobot {
		e.Flags |= Bot
	}
	switch said, err := netip.ParseAddr(m.context.address); {
	case err == nil:
		e.Net = NetOf(said)
	case sender != AgentProgram:
		e.Net = NetOf(address)
	}
}

// eventID returns the id by which repeats of the message are known: its messageId where that is a
// UUID, else a hash of it. Without one, a message that says when it happened is known by all it
// says; of two that do not, nobody can tell whether they are one, and each is its own.
func (m *Message) eventID(key id.WriteKey) uuid.UUID {
	if u, ok := parseUUID(m.ID); ok {
		return u
	}
	var sum [16]byte
	switch {
	case m.ID != "":
		sum = hashed(key, "message", m.ID)
	case m.Seen:
		sum = hashed(key, "content", m.raw)
	default:
		return uuid.New()
	}
	return versioned(sum)
}

// Events returns how many events the messages are.
func (m *Messages) Events() (n int) {
	for i := range m.List {
		n += max(1, len(m.List[i].Listed))
	}
	return n
}

// Each calls fn with the events that a bound message is, each with what the message calls its product. One that
// lists several products is an event of each: the first has the message's own id, the others' are derived from
// it, so that a message told again is known whole. Visit and number are the first's alone: it was one message.
func (m *Message) Each(fn func(e Event, of Goods)) {
	if len(m.Listed) == 0 {
		fn(m.Event, m.Goods)
		return
	}
	for i, of := range m.Listed {
		e := m.Event
		if e.Type == AddToCart {
			e.Quantity = of.Quantity
		}
		if i > 0 {
			e.ID = versioned(hashed(e.Namespace, "listed", m.Event.ID.String()+"/"+strconv.Itoa(i)))
			e.Session, e.Seq = uuid.Nil, 0
		}
		fn(e, of)
	}
}

// versioned makes a UUID of a hash: version 8, made by a rule of our own.
func versioned(sum [16]byte) uuid.UUID {
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return sum
}
