package feed

import (
	"context"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// Source is the write key under which a brand's own site tells of its visitors.
type Source struct {
	Key   id.WriteKey
	Brand id.Brand
}

// Tally is what became of a request's messages.
type Tally struct {
	Accepted   int // on disk
	Duplicates int // this node knew them already
	Rejected   int // nothing can be made of them
	Denied     int // their visitors do not consent: nothing is kept
}

// telling is the memory one request needs; it is used again.
type telling struct {
	work
	goods []event.Goods // of each event
	shown map[string]article
}

// Tell takes the messages that came under a write key and returns once they are on disk. They are
// logged in the key's own namespace: their visitors are no viewers, they earn nobody anything, and
// they count in the brand's own numbers only. A product is known by our id or, where the brand has
// it, by its SKU or GTIN; a message that lists several is an event of each. private says that nothing may be kept by which a visitor could be followed.
//
// Unavailable: too much waits for the disk; the same request may be sent again.
func (f *Feed) Tell(ctx context.Context, from Source, sender Sender, told *event.Messages, private bool) (Tally, error) {
	key, err := from.Key.UUID()
	if err != nil {
		return Tally{}, err
	}
	w := f.tellings.Get().(*telling)
	defer f.tellings.Put(w)
	w.batch.Events, w.goods = w.batch.Events[:0], w.goods[:0]
	for i := range told.List {
		m := &told.List[i]
		m.Bind(from.Key, from.Brand, sender.UserAgent, sender.Address, private)
		m.Each(func(e event.Event, of event.Goods) {
			w.batch.Events, w.goods = append(w.batch.Events, e), append(w.goods, of)
		})
	}
	if w.shown == nil {
		w.shown = map[string]article{}
	}
	if err := f.shelf.recognise(ctx, from.Brand, w.batch.Events, w.goods, w.shown); err != nil {
		return Tally{}, err
	}
	tally := Tally{Rejected: told.Rejected, Denied: told.Denied}
	tally.Duplicates = f.dropKnown(&w.work, func(e *event.Event) uuid.UUID {
		if e.Anonymous != [16]byte{} {
			return e.Anonymous
		}
		return key
	})
	if err := f.keep(ctx, &w.work); err != nil {
		return Tally{}, err
	}
	f.remember(&w.work)
	tally.Accepted = len(w.records)
	f.counts.accepted.Add(int64(tally.Accepted))
	f.counts.duplicates.Add(int64(tally.Duplicates))
	f.counts.rejected.Add(int64(tally.Rejected))
	f.counts.denied.Add(int64(tally.Denied))
	return tally, nil
}

// Stats counts what has been told since the feed was made, by viewers and under write keys alike.
type Stats struct{ Accepted, Duplicates, Rejected, Denied int64 }

// Stats returns the counts.
func (f *Feed) Stats() Stats {
	c := &f.counts
	return Stats{c.accepted.Load(), c.duplicates.Load(), c.rejected.Load(), c.denied.Load()}
}
