package feed

import (
	"context"
	"hash/fnv"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/content"
	"mezzo/internal/db"
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

// sampled draws a page among what may be shown.
func (f *Feed) sampled(ctx context.Context, who account.Asker, q Query, served *event.Served) (Page, error) {
	if err := f.ready(ctx); err != nil {
		return Page{}, err
	}
	var way scroll
	if q.Cursor != "" {
		var err error
		if way, err = unseal(f.keys, q.place(), q.Cursor); err != nil {
			return Page{}, err
		}
	}
	_, _, position := f.pool.state()
	served.Position, served.Seed = position.String(), f.random()
	key := f.random()
	why := []string{whyUniform}
	if q.Surface == id.SurfaceCategory {
		why = append(why, whyCategory)
	}
	page, gone := Page{Policy: Uniform(), Items: []Item{}}, []id.Video(nil)
	err := f.db.Read(ctx, func(tx *db.Tx) error {
		hidden, err := hiddenFrom(tx, who)
		if err != nil {
			return err
		}
		found, next, block := f.pool.next(way, q.Category, hidden, key)
		d := drawn{who: who, seed: served.Seed, candidates: found}
		if err := d.fill(tx, q.Limit); err != nil {
			return err
		}
		for _, c := range found {
			served.Candidates = append(served.Candidates, c.id)
		}
		served.Slots, gone = d.slots, d.gone
		marks := make([]uint32, len(d.slots))
		for k, s := range d.slots {
			marks[k] = found[s.Candidate].mark
		}
		for _, shown := range d.shown {
			page.Items = append(page.Items, Item{Slot: shown.slot, Card: shown.card, Why: why})
		}
		if len(found) > 0 {
			next.serve(block, marks...)
			page.Next = next.seal(f.keys, q.place())
		}
		return nil
	})
	if err == nil && len(gone) > 0 {
		err = f.refresh(ctx, gone)
	}
	return page, err
}

// drawn is a slate in the making.
type drawn struct {
	who        account.Asker
	seed       uint64
	candidates []candidate
	slots      []event.Slot
	shown      []shown
	gone       []id.Video // drawn, and found to be no longer for showing
}

type shown struct {
	slot int
	card content.Card
}

// fill draws slots until so many can be shown. What SQL takes back after the draw keeps its slot,
// withheld: to draw the others again without it would give them odds that nobody can know, since
// nobody has looked whether the candidates that were not drawn are still there.
func (d *drawn) fill(tx *db.Tx, limit int) error {
	for len(d.shown) < limit && len(d.slots) < len(d.candidates) {
		first := len(d.slots)
		var videos []id.Video
		for _, s := range Draw(d.seed, len(d.candidates), first+limit-len(d.shown))[first:] {
			d.slots = append(d.slots, event.Slot{Candidate: uint16(s.Candidate), Kind: event.SlotSampled, Propensity: s.Propensity})
			videos = append(videos, id.Video("").From(d.candidates[s.Candidate].id))
		}
		cards, err := content.Cards(tx, d.who, videos)
		if err != nil {
			return err
		}
		for k, v := range videos {
			slot := &d.slots[first+k]
			if len(cards) > 0 && cards[0].ID == v {
				card := cards[0]
				cards = cards[1:]
				if d.candidates[slot.Candidate].bare || forSale(card) {
					d.shown = append(d.shown, shown{first + k + 1, card})
					continue
				}
			}
			slot.Kind = event.SlotWithheld
			d.gone = append(d.gone, v)
		}
	}
	return nil
}

// forSale reports whether something a card shows can be bought.
func forSale(c content.Card) bool {
	for _, p := range c.Products {
		if p.Available > 0 {
			return true
		}
	}
	return false
}
