package event

import (
	"fmt"

	"github.com/google/uuid"

	"mezzo/internal/id"
)

// fields reads the members of one event. The first thing wrong is kept as the reason; reading
// goes on, so that the id is found and the rest of the batch stays readable.
type fields struct {
	e      *Event
	p      *scanner
	id     string // as sent
	reason string
}

func (f *fields) reject(format string, args ...any) {
	if f.reason == "" {
		f.reason = fmt.Sprintf(format, args...)
	}
}

// read reads the member of the name. Members it does not know are passed over: clients may
// send more, and free text (search terms, comments) must not enter the log.
func (f *fields) read(name string) error {
	e := f.e
	switch name {
	case "id":
		return f.text(name, func(s string) {
			f.id = s
			f.uuid(name, s, &e.ID)
		})
	case "type":
		return f.text(name, f.setType)
	case "at":
		return f.text(name, func(s string) {
			t, ok := parseTime(s)
			if !ok {
				f.reject("at must be a time such as 2026-11-22T10:15:30.123Z.")
			}
			e.At = t
		})
	case "impression":
		return f.text(name, func(s string) {
			if len(s) > maxToken {
				f.reject("impression has more than %d bytes; send the token as it was handed out.", maxToken)
				return
			}
			e.Token = s
		})
	case "room_id":
		return f.text(name, func(s string) { setID(f, name, s, &e.Room) })
	case "video_id":
		return f.text(name, func(s string) { setID(f, name, s, &e.Video) })
	case "product_id":
		return f.text(name, func(s string) { setID(f, name, s, &e.Product) })
	case "variant_id":
		return f.text(name, func(s string) { setID(f, name, s, &e.Variant) })
	case "offer_id":
		return f.text(name, func(s string) { setID(f, name, s, &e.Offer) })
	case "creator_id":
		return f.text(name, func(s string) { setID(f, name, s, &e.Creator) })
	case "session_id":
		return f.text(name, func(s string) { f.uuid(name, s, &e.Session) })
	case "watch_ms":
		return f.number(name, MaxWatch.Milliseconds(), &e.WatchMS)
	case "position_ms":
		return f.number(name, MaxPlace.Milliseconds(), &e.PositionMS)
	case "quantity":
		return f.number(name, MaxAdd, &e.Quantity)
	case "seq":
		return f.number(name, MaxSeq, &e.Seq)
	}
	return f.p.skip(3)
}

func (f *fields) setType(s string) {
	t, ok := TypeNamed(s)
	switch {
	case !ok || t >= Page:
		f.reject("type is not one of the event types; see the API's list.")
	case !t.FromClients():
		f.reject("%s is told by the server only.", t)
	}
	f.e.Type = t
}

// text reads a string member; null is the same as leaving it out.
func (f *fields) text(name string, set func(string)) error {
	switch f.p.peek() {
	case '"':
		s, err := f.p.text()
		if err == nil {
			set(s)
		}
		return err
	case 'n':
		return f.p.word("null")
	}
	f.reject("%s must be a string.", name)
	return f.p.skip(3)
}

// number reads a whole number within [0, most]; null is the same as leaving it out.
func (f *fields) number(name string, most int64, to *int64) error {
	switch c := f.p.peek(); {
	case c == 'n':
		return f.p.word("null")
	case c != '-' && (c < '0' || c > '9'):
		f.reject("%s must be a whole number from 0 to %d.", name, most)
		return f.p.skip(3)
	}
	s, err := f.p.number()
	if err != nil {
		return err
	}
	n, bad := whole(s, most)
	if bad != nil {
		f.reject("%s %v.", name, bad)
	}
	*to = n
	return nil
}

func (f *fields) uuid(name, s string, to *uuid.UUID) {
	u, ok := parseUUID(s)
	if !ok {
		f.reject("%s must be a UUID.", name)
	}
	*to = u
}

func setID[K id.Kind](f *fields, name, s string, to *id.ID[K]) {
	if s == "" {
		return
	}
	i, err := id.Parse[K](s)
	if err != nil {
		f.reject("%s: %v.", name, err)
	}
	*to = i
}

// problem returns what the event lacks for its type, "" when nothing.
func (e *Event) problem() string {
	content := e.Token != "" || e.Room != ""
	switch {
	case e.ID == uuid.Nil:
		return "id is missing; send a UUID made by the client."
	case e.Type == 0:
		return "type is missing."
	case e.At.IsZero():
		return "at is missing; send the time at which it happened."
	}
	switch e.Type {
	case Impression, View, Hide:
		if !content {
			return fmt.Sprintf("%s needs the impression token (or room_id) of what was shown.", e.Type)
		}
	case Watch:
		if !content {
			return "watch needs the impression token (or room_id) of what was shown."
		}
		if e.WatchMS == 0 {
			return fmt.Sprintf("watch needs watch_ms, from 1 to %d.", MaxWatch.Milliseconds())
		}
	case ProductClick, ProductView, AddToCart:
		if e.Product == "" {
			return fmt.Sprintf("%s needs product_id.", e.Type)
		}
	case Like, Comment, Share, Report:
		if !content && e.Video == "" && e.Product == "" {
			return fmt.Sprintf("%s needs impression, room_id, video_id or product_id.", e.Type)
		}
	case Follow:
		if !content && e.Creator == "" {
			return "follow needs impression, room_id or creator_id."
		}
	case RoomJoin, RoomLeave:
		if e.Room == "" {
			return fmt.Sprintf("%s needs room_id.", e.Type)
		}
	}
	return ""
}
