package event

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"mezzo/internal/fault"
)

// Rejection says which event was not taken and why.
type Rejection struct {
	ID     string `json:"id" doc:"The event's id as it was sent, empty when it had none"`
	Reason string `json:"reason"`
}

// Batch is what one request told. It may be used again and then allocates little.
type Batch struct {
	SentAt   time.Time // zero when the client did not say
	Events   []Event
	Rejected []Rejection
}

// Parse reads {"sent_at"?, "events": […]} in one pass, replacing what the batch held. Each
// event is judged by itself: a bad one goes to Rejected with its reason, the others to
// Events with At corrected by received. Only what the client may say is filled in, and
// ClientPurchase and Late among the flags. Errors concern the whole request: Malformed when
// it is not JSON of this shape, TooLarge over MaxBody or MaxEvents, Invalid for a bad sent_at.
// After an error the batch is empty.
func (b *Batch) Parse(body []byte, received time.Time) error {
	b.clear()
	if err := b.read(body); err != nil {
		b.clear()
		return err
	}
	for i := range b.Events {
		b.Events[i].correct(b.SentAt, received)
	}
	return nil
}

func (b *Batch) clear() { *b = Batch{Events: b.Events[:0], Rejected: b.Rejected[:0]} }

func (b *Batch) read(body []byte) error {
	if len(body) > MaxBody {
		return fault.New(fault.TooLarge, "The request has %d bytes; send at most %d at a time.", len(body), MaxBody)
	}
	p := &scanner{s: string(body)}
	found := false
	err := p.object(0, func(name string) error {
		switch name {
		case "sent_at":
			return b.sentAt(p)
		case "events":
			found = true
			return b.events(p)
		}
		return p.skip(1)
	})
	if err == nil && p.peek() != 0 {
		err = p.fail("something after the end")
	}
	if err == nil && p.i < len(p.s) { // a NUL byte, which peek cannot tell from the end
		err = p.fail("something after the end")
	}
	var bad *syntaxError
	switch {
	case errors.As(err, &bad):
		return fault.New(fault.Malformed, "The request is not JSON of the form {\"events\": […]}: %s at byte %d.", bad.reason, bad.offset)
	case err != nil:
		return err
	case !found:
		return fault.New(fault.Malformed, "The request has no \"events\" array; send {\"events\": […]}.")
	}
	return nil
}

func (b *Batch) sentAt(p *scanner) error {
	switch p.peek() {
	case 'n':
		return p.word("null")
	case '"':
		s, err := p.text()
		if err != nil {
			return err
		}
		if t, ok := parseTime(s); ok {
			b.SentAt = t
			return nil
		}
	default:
		if err := p.skip(1); err != nil {
			return err
		}
	}
	return fault.InvalidField("body.sent_at", "sent_at must be a time such as 2026-11-22T10:15:30.123Z.")
}

func (b *Batch) events(p *scanner) error {
	if len(b.Events)+len(b.Rejected) > 0 {
		return p.fail("a second \"events\"")
	}
	return p.array(1, func() error {
		if len(b.Events)+len(b.Rejected) == MaxEvents {
			return fault.New(fault.TooLarge, "The request has more than %d events; send them in several requests.", MaxEvents)
		}
		return b.event(p)
	})
}

// event reads one event, judges it, and appends it to Events or Rejected.
func (b *Batch) event(p *scanner) error {
	if p.peek() != '{' {
		b.Rejected = append(b.Rejected, Rejection{"", "An event must be an object."})
		return p.skip(2)
	}
	start := p.i
	b.Events = append(b.Events, Event{})
	e := &b.Events[len(b.Events)-1]
	f := fields{e: e, p: p}
	if err := p.object(2, f.read); err != nil {
		return err
	}
	if p.i-start > MaxEvent {
		f.reject("The event has more than %d bytes.", MaxEvent)
	}
	if f.reason == "" {
		f.reason = e.problem()
	}
	if f.reason != "" {
		b.Events = b.Events[:len(b.Events)-1]
		b.Rejected = append(b.Rejected, Rejection{echo(f.id), f.reason})
	}
	return nil
}

// echo returns a refused id in a form that is safe to send back.
func echo(s string) string {
	if len(s) > maxIDEcho {
		s = s[:maxIDEcho]
	}
	return strings.Clone(strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// correct sets At from what the client's clock said, and the flags that follow from the event alone.
func (e *Event) correct(sentAt, received time.Time) {
	said := e.At
	var late bool
	e.At, late = Corrected(said, sentAt, received)
	e.Received = received
	if !e.At.Equal(said) {
		e.ClientAt = said
	}
	if late {
		e.Flags |= Late
	}
	if e.Type == Purchase || e.Type == Refund {
		e.Flags |= ClientPurchase
	}
}

// parseTime reads RFC 3339 to the microsecond.
func parseTime(s string) (time.Time, bool) {
	if len(s) > 40 {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, false
	}
	t = t.UTC().Truncate(time.Microsecond)
	return t, t.Year() >= 1970 && t.Year() <= 9999
}

// parseUUID reads the form 8-4-4-4-12 in either case; nil UUIDs are none.
func parseUUID(s string) (u uuid.UUID, ok bool) {
	if len(s) != 36 {
		return u, false
	}
	n := 0
	for i := 0; i < 36; {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return uuid.Nil, false
			}
			i++
			continue
		}
		hi, lo := nibble(s[i]), nibble(s[i+1])
		if hi > 15 || lo > 15 {
			return uuid.Nil, false
		}
		u[n] = hi<<4 | lo
		n++
		i += 2
	}
	return u, u != uuid.Nil
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// whole reads a whole number within [0, most].
func whole(s string, most int64) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("must be a whole number from 0 to %d", most)
	}
	return n, nil
}
