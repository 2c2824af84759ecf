package feed

import (
	"context"
	"database/sql"
	"sync/atomic"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
)

// thing is what an event must know of something shown: whose it is.
type thing struct {
	creator id.Creator // of a video or a shelf item
	shows   []offered  // the products of a video or a shelf item
	brand   id.Brand   // of a product
}

// offered is a product that content shows.
type offered struct {
	product id.Product
	brand   id.Brand
}

// brandOf returns whose product it is; ok is false when the thing does not show it.
func (t *thing) brandOf(p id.Product) (b id.Brand, ok bool) {
	for _, o := range t.shows {
		if o.product == p {
			return o.brand, true
		}
	}
	return "", false
}

// things knows videos, shelf items and products by their ids: the last ones asked for from
// memory, others from SQL. What is not there is not remembered, since it may come to be.
type things struct {
	db     *db.DB
	known  *recent[string, *thing]
	change atomic.Uint64 // counts what was forgotten, so that an older answer of SQL is not kept
}

func newThings(d *db.DB) *things {
	return &things{db: d, known: newRecent[string, *thing](ThingsMost)}
}

// forget drops what is known of a video whose tags have changed.
func (t *things) forget(v id.Video) {
	t.change.Add(1)
	t.known.drop(string(v))
}

// subject returns the id under which the thing an event is about is known, "" when it has none.
func subject(e *event.Event) string {
	switch e.Shown.SubjectKind {
	case id.SubjectShowcase:
		return string(e.Shown.ShowcaseItem())
	case id.SubjectRoom, id.SubjectLink:
		return ""
	}
	return string(e.Video)
}

// wanted is what a batch asks of SQL.
type wanted struct {
	videos   []id.Video
	items    []id.Showcase
	products []id.Product
}

func (w *wanted) reset() {
	w.videos, w.items, w.products = w.videos[:0], w.items[:0], w.products[:0]
}

func (w *wanted) empty() bool { return len(w.videos)+len(w.items)+len(w.products) == 0 }

// gather fills found with all that the events are about. What is neither in memory nor in SQL
// stays absent.
func (t *things) gather(ctx context.Context, events []event.Event, found map[string]*thing, ask *wanted) error {
	change := t.change.Load()
	ask.reset()
	for i := range events {
		e := &events[i]
		if key := subject(e); key != "" && t.missing(key, found) {
			if e.Shown.SubjectKind == id.SubjectShowcase {
				ask.items = append(ask.items, id.Showcase(key))
			} else {
				ask.videos = append(ask.videos, id.Video(key))
			}
		}
		if e.Product != "" && t.missing(string(e.Product), found) {
			ask.products = append(ask.products, e.Product)
		}
	}
	if ask.empty() {
		return nil
	}
	read, err := db.Get(ctx, t.db, ask.read)
	if err != nil {
		return err
	}
	for key, thing := range read {
		found[key] = thing
		if t.change.Load() == change {
			t.known.put(key, thing)
		}
	}
	return nil
}

// missing puts what is known into found and reports whether SQL must be asked.
func (t *things) missing(key string, found map[string]*thing) bool {
	if _, ok := found[key]; ok {
		return false
	}
	known, ok := t.known.get(key)
	if ok {
		found[key] = known
	}
	return !ok
}

// read asks SQL: a query for each kind that is wanted, two for videos.
func (w *wanted) read(tx *db.Tx) (map[string]*thing, error) {
	found := map[string]*thing{}
	scan := func(r *sql.Rows) (struct{}, error) {
		var key string
		var t thing
		var o offered
		if err := r.Scan(&key, &t.creator, &t.brand, &o.product, &o.brand); err != nil {
			return struct{}{}, err
		}
		have := found[key]
		if have == nil {
			have = &t
			found[key] = have
		}
		if o.product != "" {
			have.shows = append(have.shows, o)
		}
		return struct{}{}, nil
	}
	ask := func(q string, in string, args []any) error {
		_, err := db.All(tx, scan, q+in, args...)
		return err
	}
	if len(w.videos) > 0 {
		in, args := db.In(1, w.videos)
		if err := ask(`SELECT v.id, v.creator_id, '', COALESCE(p.product_id, ''), COALESCE(p.brand_id, '')
			FROM videos v LEFT JOIN video_products p ON p.video_id = v.id WHERE v.id IN `, in, args); err != nil {
			return nil, err
		}
	}
	if len(w.items) > 0 {
		in, args := db.In(1, w.items)
		if err := ask(`SELECT id, creator_id, '', product_id, brand_id FROM showcase WHERE id IN `, in, args); err != nil {
			return nil, err
		}
	}
	if len(w.products) > 0 {
		in, args := db.In(1, w.products)
		if err := ask(`SELECT id, '', brand_id, '', '' FROM products WHERE id IN `, in, args); err != nil {
			return nil, err
		}
	}
	return found, nil
}
