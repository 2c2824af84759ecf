package feed

import (
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
)

// Hand signs the tokens of one answer that shows content or products outside a drawn page: a
// creator's page, a shelf, a search, a shared video. It has no odds, so nothing is logged.
// Handing out costs a MAC and no I/O.
type Hand struct {
	keys    *id.Keyring
	viewer  id.Viewer
	surface id.Surface
	request id.Request
	now     time.Time
	slots   int
}

// NewHand returns the hand of one answer to the asker on a surface. Without keys it signs nothing.
func NewHand(keys *id.Keyring, who account.Asker, surface id.Surface, now time.Time) *Hand {
	h := &Hand{keys: keys, viewer: who.Viewer, surface: surface, now: now}
	h.request = h.request.Next(now)
	return h
}

// Request returns the id of the answer: what its tokens have in common.
func (h *Hand) Request() id.Request { return h.request }

// Video returns the token of the answer's next item, a video; "" when the asker has no
// viewer, and so for the others.
func (h *Hand) Video(v id.Video) string { u, err := v.UUID(); return h.sign(id.SubjectVideo, u, err) }

// Shelf returns the token of the answer's next item, a product on a creator's shelf.
func (h *Hand) Shelf(s id.Showcase) string {
	u, err := s.UUID()
	return h.sign(id.SubjectShowcase, u, err)
}

// Room returns the token of the answer's next item, a room.
func (h *Hand) Room(r id.Room) string { u, err := r.UUID(); return h.sign(id.SubjectRoom, u, err) }

// Link returns the token of a link that was followed.
func (h *Hand) Link(l id.Link) string { u, err := l.UUID(); return h.sign(id.SubjectLink, u, err) }

func (h *Hand) sign(kind id.SubjectKind, subject [16]byte, err error) string {
	h.slots++
	if err != nil || h.viewer == "" || h.keys == nil {
		return ""
	}
	return h.keys.SignImpression(h.viewer, id.Impression{Request: h.request, Subject: subject, SubjectKind: kind,
		Surface: h.surface, Slot: uint8(min(h.slots, 255)), Issued: h.now})
}
