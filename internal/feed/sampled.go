package feed

import (
	"context"

	"mezzo/internal/account"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
)

// sampled draws a page among what may be shown: by the ranking, or evenly where the viewer belongs to the
// control, nothing is ranked here, or the ranking is not ready.
func (f *Feed) sampled(ctx context.Context, who account.Asker, q Query, served *event.Served) (Page, error) {
	if err := f.ready(ctx); err != nil {
		return Page{}, err
	}
	from, err := readWay(f.keys, q.place(), q.Cursor)
	if err != nil {
		return Page{}, err
	}
	page, gone := Page{}, []id.Video(nil)
	key, seed := f.random(), f.random()
	err = f.db.Read(ctx, func(tx *db.Tx) error {
		hidden, err := hiddenFrom(tx, who)
		if err != nil {
			return err
		}
		off, err := impersonal(tx, who)
		if err != nil {
			return err
		}
		q.Profiling = q.Profiling && !off
		served.Profiling = q.Profiling
		degraded := f.rank != nil && !f.rank.Ready()
		if f.rank != nil && !degraded {
			var ranked bool
			if page, gone, ranked, err = f.ranked(tx, who, q, from.asSession(key), hidden, served); err != nil || ranked {
				return err
			}
		}
		page, gone, err = f.evenly(tx, who, q, from, hidden, served, [2]uint64{seed, key}, degraded)
		page.Degraded = degraded
		return err
	})
	if err == nil && len(gone) > 0 {
		err = f.refresh(ctx, gone)
	}
	return page, err
}

// evenly draws a page by the control policy. Somebody who came from a ranked page goes on in their session, and
// so does who waits for the ranking: nothing they were served comes again.
func (f *Feed) evenly(tx *db.Tx, who account.Asker, q Query, from way, hidden map[[16]byte]struct{}, served *event.Served, random [2]uint64, degraded bool) (Page, []id.Video, error) {
	_, _, position := f.pool.state()
	served.Position, served.Seed = position.String(), random[0]
	why := []string{whyUniform}
	if q.Surface == id.SurfaceCategory {
		why = append(why, whyCategory)
	}
	var at scroll
	var session *session
	hide := func(v [16]byte) bool { _, is := hidden[v]; return is }
	if from.session != nil || degraded {
		s := from.asSession(random[1])
		session = &s
		marks := s.marks()
		hide = func(v [16]byte) bool {
			_, is := hidden[v]
			_, twice := marks[s.mark(v)]
			return is || twice
		}
	} else if from.scroll != nil {
		at = *from.scroll
	}
	found, next, block := f.pool.next(at, q.Category, hide, random[1])
	d := drawn{who: who, candidates: found, draw: func(first, n int) []event.Slot {
		var slots []event.Slot
		for _, s := range Draw(random[0], len(found), first+n)[first:] {
			slots = append(slots, event.Slot{Candidate: uint16(s.Candidate), Kind: event.SlotSampled, Propensity: s.Propensity})
		}
		return slots
	}}
	if err := d.fill(tx, q.Limit); err != nil {
		return Page{}, nil, err
	}
	for _, c := range found {
		served.Candidates = append(served.Candidates, c.id)
	}
	served.Slots = d.slots
	page := Page{Policy: Uniform(), Items: []Item{}}
	for _, shown := range d.shown {
		page.Items = append(page.Items, Item{Slot: shown.slot, Card: shown.card, Why: why})
	}
	switch {
	case len(found) == 0:
	case session != nil:
		for _, s := range d.slots {
			session.serve(found[s.Candidate].id)
		}
		page.Next = session.seal(f.keys, q.place())
	default:
		marks := make([]uint32, len(d.slots))
		for k, s := range d.slots {
			marks[k] = found[s.Candidate].mark
		}
		next.serve(block, marks...)
		page.Next = next.seal(f.keys, q.place())
	}
	return page, d.gone, nil
}

// drawn is a slate in the making.
type drawn struct {
	who        account.Asker
	draw       func(first, n int) []event.Slot // up to n slots from one on; fewer when no more can be drawn
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
		for _, s := range d.draw(first, limit-len(d.shown)) {
			d.slots = append(d.slots, s)
			videos = append(videos, id.Video("").From(d.candidates[s.Candidate].id))
		}
		if len(videos) == 0 {
			return nil
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
