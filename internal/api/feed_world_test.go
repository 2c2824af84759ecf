package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/feed"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// feedWorld is a world with a log, in which some creators show some products in videos.
type feedWorld struct {
	*world
	log  *stream.Log
	keys *id.Keyring
	feed *feed.Feed
}

func newFeedWorld(t testing.TB, d *db.DB, c *clock.Turned, change ...func(*Deps, *account.Options, *Options)) *feedWorld {
	t.Helper()
	ctx := context.Background()
	log, err := stream.Open(ctx, stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	keys, err := account.LoadKeys(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	f := &feedWorld{log: log, keys: keys, feed: feed.New(d, log, keys, feed.Options{})}
	change = append(change, func(deps *Deps, _ *account.Options, _ *Options) { deps.Feed = f.feed })
	f.world = newWorld(t, d, c, change...)
	return f
}

// shopper is a viewer the server minted.
type shopper struct {
	Viewer id.Viewer `json:"viewer"`
	Token  string    `json:"viewer_token"`
}

func (w *feedWorld) shopper() (s shopper) {
	w.t.Helper()
	w.do("POST", "/api/v1/viewers", "").want(201).read(&s)
	return s
}

// store is a brand with a product of some units.
type store struct {
	owner   id.Account
	brand   id.Brand
	product id.Product
	variant id.Variant
}

// exec writes rows as the rooms that own them do.
func (w *feedWorld) exec(q string, args ...any) {
	w.t.Helper()
	err := w.d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(q, args...)
		return err
	})
	if err != nil {
		w.t.Fatalf("%s: %v", q, err)
	}
}

func (w *feedWorld) person() id.Account {
	w.t.Helper()
	var a id.Account
	a = a.Next(w.clock.Now())
	w.exec(`INSERT INTO accounts (id, email, email_key, display_name, password_hash, created_at) VALUES ($1, $2, $3, 'Somebody', '', 1)`, a, string(a)+"@example.com", string(a)+"@example.com")
	return a
}

func (w *feedWorld) store(category string, units int64) store {
	w.t.Helper()
	now := w.clock.Now()
	s := store{owner: w.person()}
	s.brand, s.product, s.variant = s.brand.Next(now), s.product.Next(now), s.variant.Next(now)
	w.exec(`INSERT INTO brands (id, name, slug, country, currency, created_at) VALUES ($1, 'Brand', $2, 'DE', 'EUR', 1)`, s.brand, string(s.brand))
	w.exec(`INSERT INTO products (id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1, $2, 'Product', '', $3, 'EUR', 1, 1)`, s.product, s.brand, category)
	w.exec(`INSERT INTO variants (id, product_id, brand_id, title, sku, price_minor, currency, created_at, updated_at)
		VALUES ($1, $2, $3, 'One size', $4, 1999, 'EUR', 1, 1)`, s.variant, s.product, s.brand, string(s.variant))
	w.exec(`INSERT INTO stock (variant_id, brand_id, on_hand, updated_at) VALUES ($1, $2, $3, 1)`, s.variant, s.brand, units)
	return s
}

// creator makes a profile for an account.
func (w *feedWorld) creator(of id.Account) id.Creator {
	w.t.Helper()
	var c id.Creator
	c = c.Next(w.clock.Now())
	w.exec(`INSERT INTO creators (id, account_id, handle, display_name, created_at) VALUES ($1, $2, $3, 'Creator', 1)`, c, of, "h"+string(c)[20:])
	return c
}

// video posts a ready video that shows products.
func (w *feedWorld) video(by id.Creator, category string, shows ...store) id.Video {
	w.t.Helper()
	now := w.clock.Now()
	var v id.Video
	v = v.Next(now)
	w.exec(`INSERT INTO videos (id, creator_id, account_id, state, category, duration_ms, created_at, ready_at)
		SELECT $1, id, account_id, 'ready', $2, 15000, $3, $3 FROM creators WHERE id = $4`, v, category, db.Micros(now), by)
	for i, s := range shows {
		w.exec(`INSERT INTO video_products (video_id, product_id, brand_id, position) VALUES ($1, $2, $3, $4)`, v, s.product, s.brand, int64(i))
	}
	return v
}

// token hands a video to a viewer as an answer on the surface does.
func (w *feedWorld) token(to id.Viewer, v id.Video) string {
	w.t.Helper()
	u, err := v.UUID()
	if err != nil {
		w.t.Fatal(err)
	}
	var r id.Request
	now := w.clock.Now()
	return w.keys.SignImpression(to, id.Impression{Request: r.Next(now), Subject: u, SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome, Slot: 1, Propensity: 0.5, Issued: now})
}

// tell spells one event; members are the rest of it.
func (w *feedWorld) tell(kind, members string) (u uuid.UUID, text string) {
	u = uuid.Must(uuid.NewV7())
	if members != "" {
		members = "," + members
	}
	return u, fmt.Sprintf(`{"id":%q,"type":%q,"at":%q%s}`, u, kind, w.clock.Now().Format("2006-01-02T15:04:05.999999Z"), members)
}

func batch(events ...string) string {
	text := `{"events":[`
	for i, e := range events {
		if i > 0 {
			text += ","
		}
		text += e
	}
	return text + `]}`
}

var errRead = errors.New("read to the end")

// records returns all the log holds of one kind.
func (w *feedWorld) records(kind byte) [][]byte {
	w.t.Helper()
	ctx := context.Background()
	end, err := w.log.End(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var all [][]byte
	if end.IsZero() {
		return nil
	}
	err = w.log.Follow(ctx, stream.Position{}, 1000, func(records []stream.Record) error {
		for _, r := range records {
			if r.Kind == kind {
				all = append(all, r.Data)
			}
			if !r.Pos.Before(end) {
				return errRead
			}
		}
		return nil
	})
	if !errors.Is(err, errRead) {
		w.t.Fatal(err)
	}
	return all
}

// logged returns the events in the log by their ids.
func (w *feedWorld) logged() map[uuid.UUID]event.Event {
	w.t.Helper()
	found := map[uuid.UUID]event.Event{}
	for _, data := range w.records(event.KindEvent) {
		var e event.Event
		if err := e.Decode(data); err != nil {
			w.t.Fatal(err)
		}
		if _, twice := found[e.ID]; twice {
			w.t.Errorf("the event %s is in the log twice", e.ID)
		}
		found[e.ID] = e
	}
	return found
}

// page asks for a page of feed.
func (w *feedWorld) page(query string, headers ...string) (v feedView) {
	w.t.Helper()
	w.do("GET", "/api/v1/feed"+query, "", headers...).want(200).read(&v)
	return v
}

// served returns the pages in the log by their requests.
func (w *feedWorld) served() map[id.Request]event.Served {
	w.t.Helper()
	found := map[id.Request]event.Served{}
	for _, data := range w.records(event.KindServed) {
		var s event.Served
		if err := s.Decode(data); err != nil {
			w.t.Fatal(err)
		}
		found[s.Request] = s
	}
	return found
}

// fact tells the log a fact, as the relay does.
func (w *feedWorld) fact(b event.Body) {
	w.t.Helper()
	body, err := json.Marshal(b)
	if err != nil {
		w.t.Fatal(err)
	}
	f := event.Fact{Topic: b.Topic(), Body: body, At: w.clock.Now()}
	record, err := f.AppendEncode(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.log.Append(context.Background(), event.KindFact, record); err != nil {
		w.t.Fatal(err)
	}
}

// follow runs what keeps the feed's pool up to date for the rest of the test.
func (w *feedWorld) follow() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := w.feed.Run(ctx); err != nil && ctx.Err() == nil {
			w.t.Errorf("the pool is not followed any more: %v", err)
		}
	}()
	w.t.Cleanup(func() { cancel(); <-ended })
}

// until waits for a condition that something running beside the test brings about.
func (w *feedWorld) until(what string, holds func() bool) {
	w.t.Helper()
	give := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-give:
			w.t.Fatalf("waited in vain until %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func idsOf(p feedView) map[id.Video]bool {
	ids := map[id.Video]bool{}
	for _, i := range p.Items {
		ids[i.Video.ID] = true
	}
	return ids
}

// fresh serves the feed anew, as after a restart.
func (w *feedWorld) fresh() {
	w.t.Helper()
	w.feed = feed.New(w.d, w.log, w.keys, feed.Options{})
	w.world = newWorld(w.t, w.d, w.clock, func(deps *Deps, _ *account.Options, _ *Options) { deps.Feed = w.feed })
}

// videos posts many videos of one creator that show a product.
func (w *feedWorld) videos(n int, shows store) []id.Video {
	w.t.Helper()
	by, now := w.creator(w.person()), w.clock.Now()
	all := make([]id.Video, n)
	for i := range all {
		all[i] = all[i].Next(now)
	}
	for some := range slices.Chunk(all, 500) {
		err := w.d.Write(context.Background(), func(tx *db.Tx) error {
			for _, v := range some {
				if _, err := tx.Exec(`INSERT INTO videos (id, creator_id, account_id, state, category, duration_ms, created_at, ready_at)
					SELECT $1, id, account_id, 'ready', 'beauty', 15000, 1, 1 FROM creators WHERE id = $2`, v, by); err != nil {
					return err
				}
				if _, err := tx.Exec(`INSERT INTO video_products (video_id, product_id, brand_id, position) VALUES ($1, $2, $3, 0)`, v, shows.product, shows.brand); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return all
}
