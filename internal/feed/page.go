package feed

import (
	"context"
	"hash/fnv"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/content"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Limits of a page.
const (
	MaxLimit     = 20 // items
	DefaultLimit = 8
)

// Query asks for a page.
type Query struct {
	Limit     int        // 0: DefaultLimit; at most MaxLimit
	Surface   id.Surface // SurfaceHome, SurfaceFollowing or SurfaceCategory
	Category  string     // slug, of SurfaceCategory
	Profiling bool       // may the page go by what the viewer did? The uniform policy never does
	Cursor    string     // Next of the page before
}

// Page is what a viewer is shown at once.
type Page struct {
	Request id.Request
	Policy  Policy
	Items   []Item
	Next    string // the cursor of the page after; "" when there is none
	// Degraded says that the ranking was not ready and the page was drawn evenly instead.
	Degraded bool
}

// Item is one video of a page.
type Item struct {
	Impression  string // the token of this showing
	Slot        int    // 1 is the first; a number is left out where what was drawn could not be shown
	Card        content.Card
	Why         []string
	Exploration bool
}

// SurfaceNamed reads "home", "following" or "category:<slug>"; "" is home. Invalid for anything else.
func SurfaceNamed(text string) (id.Surface, string, error) {
	switch text {
	case "", "home":
		return id.SurfaceHome, "", nil
	case "following":
		return id.SurfaceFollowing, "", nil
	}
	if slug, ok := strings.CutPrefix(text, "category:"); ok {
		if _, known := catalog.CategoryName(slug); known {
			return id.SurfaceCategory, slug, nil
		}
		return 0, "", fault.InvalidField("query.surface", "There is no category of that slug.")
	}
	return 0, "", fault.InvalidField("query.surface", "A surface is home, following or category:<slug>.")
}

// place is what a cursor is good for.
func (q *Query) place() uint64 {
	h := fnv.New64a()
	h.Write([]byte{byte(q.Surface)})
	h.Write([]byte(q.Category))
	return h.Sum64()
}

// Page returns a page for the asker's viewer, once it is logged how likely every item of it was.
// Unauthorized: there is no viewer to show it to. Invalid: the limit or the cursor. Unavailable:
// the log takes nothing now.
func (f *Feed) Page(ctx context.Context, who account.Asker, q Query) (Page, error) {
	if !who.Viewer.Valid() {
		return Page{}, fault.New(fault.Unauthorized, "A feed is shown to somebody: ask with the viewer's cookie or X-Viewer-Token.")
	}
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	if q.Limit < 1 || q.Limit > MaxLimit {
		return Page{}, fault.InvalidField("query.limit", "A page has 1 to %d items.", MaxLimit)
	}
	now := f.clock.Now()
	served := event.Served{Viewer: who.Viewer, Surface: q.Surface, Profiling: q.Profiling, At: now}
	served.Request = served.Request.Next(now)
	var page Page
	var err error
	if q.Surface == id.SurfaceFollowing {
		page, err = f.following(ctx, who, q, &served)
	} else {
		page, err = f.sampled(ctx, who, q, &served)
	}
	if err != nil {
		return Page{}, err
	}
	page.Request = served.Request
	served.Policy, served.PolicyVersion = page.Policy.ID, page.Policy.Version
	if len(served.Slots) == 0 {
		return page, nil
	}
	record, err := served.AppendEncode(make([]byte, 0, 256+16*len(served.Candidates)+16*len(served.Slots)))
	if err != nil {
		return Page{}, err
	}
	if _, err := f.stream.Append(ctx, event.KindServed, record); err != nil {
		return Page{}, err
	}
	f.sign(&page, &served)
	return page, nil
}

// sign gives every item of a page its token.
func (f *Feed) sign(page *Page, served *event.Served) {
	for i := range page.Items {
		item := &page.Items[i]
		slot := served.Slots[item.Slot-1]
		item.Impression = f.keys.SignImpression(served.Viewer, id.Impression{
			Request: served.Request, Subject: served.Candidates[slot.Candidate], SubjectKind: id.SubjectVideo,
			Surface: served.Surface, Slot: uint8(item.Slot), Exploration: item.Exploration,
			Propensity: float32(slot.Propensity), Issued: served.At,
		})
	}
}
