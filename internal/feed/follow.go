package feed

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// How the pool is read; bounds of single statements.
const (
	loadPage    = 2000 // videos read in one snapshot while the pool is filled
	refreshPage = 256  // videos looked up again in one statement
	followBatch = 2000 // records of the log looked at before the pool is changed
)

// poolRow reads one video that may be shown: listed, and showing no products or one that can be
// bought. A video all of whose products are sold out has nothing to offer and waits for stock.
const poolRow = `SELECT v.id, v.category, CASE WHEN EXISTS (SELECT 1 FROM video_products t WHERE t.video_id = v.id) THEN 0 ELSE 1 END
	FROM videos v JOIN accounts a ON a.id = v.account_id WHERE ` + content.Listed + `
	AND (NOT EXISTS (SELECT 1 FROM video_products t WHERE t.video_id = v.id)
		OR EXISTS (SELECT 1 FROM video_products t JOIN products p ON p.id = t.product_id
			JOIN variants w ON w.product_id = p.id JOIN stock s ON s.variant_id = w.id
			WHERE t.video_id = v.id AND p.state = 'active' AND p.standing = 'visible' AND w.state = 'active' AND s.on_hand > s.reserved))`

type poolVideo struct {
	id       id.Video
	category string
	bare     bool
}

func scanPoolVideo(r *sql.Rows) (v poolVideo, err error) {
	var bare int64
	err = r.Scan(&v.id, &v.category, &bare)
	v.bare = bare == 1
	return v, err
}

// Run keeps what may be shown up to date until ctx ends: it reads all of it from SQL, then
// follows what the log tells. Every node that serves pages runs it; it may be begun again at any
// time, and reads everything anew then. It returns ctx's error, or what stopped it.
func (f *Feed) Run(ctx context.Context) error {
	if err := f.load(ctx); err != nil {
		return err
	}
	_, videos, from := f.pool.state()
	f.log.Info("the pool of the feed is read", "videos", videos)
	return f.stream.Follow(ctx, from, followBatch, func(records []stream.Record) error {
		if err := f.apply(ctx, records); err != nil {
			return err
		}
		f.pool.reached(records[len(records)-1].Pos)
		return nil
	})
}

// Videos returns how many videos may be shown at present, and whether that is known at all.
func (f *Feed) Videos() (n int, known bool) {
	known, n, _ = f.pool.state()
	return n, known
}

// load reads the pool from SQL. The log's end is read first: what was told up to there is in SQL
// by then, and what comes after is followed.
func (f *Feed) load(ctx context.Context) error {
	f.refreshing.Lock()
	defer f.refreshing.Unlock()
	position, err := f.stream.End(ctx)
	if err != nil {
		return err
	}
	fresh, after := newPool(), id.Video("")
	for {
		rows, err := db.Get(ctx, f.db, func(tx *db.Tx) ([]poolVideo, error) {
			return db.All(tx, scanPoolVideo, poolRow+` AND v.id > $1 ORDER BY v.id LIMIT $2`, string(after), int64(loadPage))
		})
		if err != nil {
			return err
		}
		for _, v := range rows {
			if u, err := v.id.UUID(); err == nil {
				fresh.put(u, v.category, v.bare)
			}
			after = v.id
		}
		if len(rows) < loadPage {
			break
		}
	}
	f.pool.replace(fresh, position)
	return nil
}

// ready makes sure that the pool was read once.
func (f *Feed) ready(ctx context.Context) error {
	if loaded, _, _ := f.pool.state(); loaded {
		return nil
	}
	return f.load(ctx)
}

// touched is what a batch of the log may have changed.
type touched struct {
	videos   map[id.Video]struct{}
	products map[id.Product]struct{}
	accounts map[id.Account]struct{}
}

// apply brings the pool up to what some records tell.
func (f *Feed) apply(ctx context.Context, records []stream.Record) error {
	t := touched{map[id.Video]struct{}{}, map[id.Product]struct{}{}, map[id.Account]struct{}{}}
	for i := range records {
		if records[i].Kind != event.KindFact {
			continue
		}
		var fact event.Fact
		if err := fact.Decode(records[i].Data); err != nil {
			return err
		}
		if err := f.note(&t, fact); err != nil {
			f.log.Error("a fact of the log cannot be read and is passed over", "fact", fact.Seq, "topic", fact.Topic, "error", err)
		}
	}
	if len(t.videos)+len(t.products)+len(t.accounts) == 0 {
		return nil
	}
	videos, err := f.affected(ctx, t)
	if err != nil {
		return err
	}
	return f.refresh(ctx, videos)
}

// note adds what a fact may have changed.
func (f *Feed) note(t *touched, fact event.Fact) error {
	switch fact.Topic {
	case event.TopicVideoReady:
		b, err := event.Read[event.VideoReady](fact)
		t.videos[b.Video] = struct{}{}
		return err
	case event.TopicVideoUpdated:
		b, err := event.Read[event.VideoUpdated](fact)
		t.videos[b.Video] = struct{}{}
		f.things.forget(b.Video)
		return err
	case event.TopicVideoDeleted:
		b, err := event.Read[event.VideoDeleted](fact)
		t.videos[b.Video] = struct{}{}
		return err
	case event.TopicProductUpdated:
		b, err := event.Read[event.ProductUpdated](fact)
		t.products[b.Product] = struct{}{}
		return err
	case event.TopicVideoStanding, event.TopicProductStanding, event.TopicAccountStanding:
		b, err := event.Read[event.StandingChanged](fact)
		switch fact.Topic {
		case event.TopicVideoStanding:
			t.videos[id.Video(b.Subject)] = struct{}{}
		case event.TopicProductStanding:
			t.products[id.Product(b.Subject)] = struct{}{}
		default:
			t.accounts[id.Account(b.Subject)] = struct{}{}
		}
		return err
	case event.TopicAccountErased:
		b, err := event.Read[event.AccountErased](fact)
		t.accounts[b.Account] = struct{}{}
		return err
	}
	return nil
}

// affected returns the videos that what was touched has to do with.
func (f *Feed) affected(ctx context.Context, t touched) ([]id.Video, error) {
	return db.Get(ctx, f.db, func(tx *db.Tx) ([]id.Video, error) {
		all := slices.Collect(maps.Keys(t.videos))
		for products := range slices.Chunk(slices.Collect(maps.Keys(t.products)), refreshPage) {
			in, args := db.In(1, products)
			some, err := db.All(tx, scanVideo, `SELECT DISTINCT video_id FROM video_products WHERE product_id IN `+in, args...)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		for accounts := range slices.Chunk(slices.Collect(maps.Keys(t.accounts)), refreshPage) {
			in, args := db.In(1, accounts)
			some, err := db.All(tx, scanVideo, `SELECT v.id FROM creators c JOIN videos v ON v.creator_id = c.id WHERE c.account_id IN `+in, args...)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		return all, nil
	})
}

func scanVideo(r *sql.Rows) (v id.Video, err error) { return v, r.Scan(&v) }

// refresh looks videos up again. One refresh runs at a time, so that an older answer of SQL never
// overwrites a newer one.
func (f *Feed) refresh(ctx context.Context, videos []id.Video) error {
	f.refreshing.Lock()
	defer f.refreshing.Unlock()
	for some := range slices.Chunk(videos, refreshPage) {
		in, args := db.In(1, some)
		rows, err := db.Get(ctx, f.db, func(tx *db.Tx) ([]poolVideo, error) {
			return db.All(tx, scanPoolVideo, poolRow+` AND v.id IN `+in, args...)
		})
		if err != nil {
			return err
		}
		showable := make(map[id.Video]poolVideo, len(rows))
		for _, v := range rows {
			showable[v.id] = v
		}
		for _, v := range some {
			u, err := v.UUID()
			if err != nil {
				continue
			}
			if row, ok := showable[v]; ok {
				f.pool.put(u, row.category, row.bare)
			} else {
				f.pool.drop(u)
			}
		}
	}
	return nil
}
