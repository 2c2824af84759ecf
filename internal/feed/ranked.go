package feed

import (
	"slices"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/rank"
)

// Ranker draws pages by what the log says so far: *rank.Keeper.
type Ranker interface {
	// Page draws a page at one position of the log.
	Page(r rank.Request) rank.Page
	// Ready reports whether it has caught up with the log. Until then pages are drawn evenly, and say so.
	Ready() bool
}

// spare is how many slots are drawn beyond those asked for, to fill in for videos that turn out to be gone.
const spare = 6

// ranked draws a page by the ranking. ok is false when it has nothing to say: the viewer belongs to the
// control, or nothing that it knows can be shown.
func (f *Feed) ranked(tx *db.Tx, who account.Asker, q Query, at session, hidden map[[16]byte]struct{}, served *event.Served) (page Page, gone []id.Video, ok bool, err error) {
	request, err := served.Request.UUID()
	if err != nil {
		return Page{}, nil, false, err
	}
	viewer, err := who.Viewer.UUID()
	if err != nil {
		return Page{}, nil, false, err
	}
	marks := at.marks()
	ask := rank.Request{
		ID: request, Viewer: viewer, Surface: q.Surface, Category: q.Category, Personal: q.Profiling, Way: at.key, Offset: int(at.offset), N: q.Limit + spare,
	}
	var drew rank.Page
	f.pool.reading(func(find func([16]byte) (entry, bool)) {
		ask.Skip = func(v [16]byte) bool {
			_, hide := hidden[v]
			_, twice := marks[at.mark(v)]
			_, there := find(v)
			return hide || twice || !there
		}
		drew = f.rank.Page(ask)
	})
	if drew.Uniform || len(drew.Slots) == 0 {
		return Page{}, nil, false, nil
	}
	told := *served
	drew.Record(&ask, &told)
	d := drawn{who: who, candidates: make([]candidate, len(drew.Candidates))}
	for k, c := range drew.Candidates {
		d.candidates[k].id = c.Video
	}
	f.pool.reading(func(find func([16]byte) (entry, bool)) {
		for _, s := range drew.Slots {
			c := &d.candidates[s.Candidate]
			e, there := find(c.id)
			c.bare = there && e.bare
		}
	})
	d.draw = func(first, n int) []event.Slot { return told.Slots[first:min(first+n, len(told.Slots))] }
	if err := d.fill(tx, q.Limit); err != nil {
		return Page{}, nil, false, err
	}
	told.Slots = slices.Clone(d.slots) // Brief numbers them anew
	told.Brief()
	*served = told
	names, err := namesOf(tx, &drew, d.shown)
	if err != nil {
		return Page{}, nil, false, err
	}
	page = Page{Policy: Policy{ID: told.Policy, Name: drew.Name, Version: drew.Version}, Items: []Item{}}
	for _, s := range d.shown {
		slot := drew.Slots[s.slot-1]
		chosen := &drew.Candidates[slot.Candidate]
		name, _ := catalog.CategoryName(chosen.Category)
		page.Items = append(page.Items, Item{Slot: s.slot, Card: s.card, Why: drew.Why(slot, name, names[chosen.Because]), Exploration: slot.Kind == rank.Explore})
	}
	if len(d.slots) < len(drew.Slots) || len(drew.Slots) == ask.N {
		for _, s := range d.slots {
			at.serve(d.candidates[s.Candidate].id)
		}
		page.Next = at.seal(f.keys, q.place())
	}
	return page, d.gone, true, nil
}
