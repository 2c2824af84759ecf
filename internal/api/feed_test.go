package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/feed"
	"mezzo/internal/id"
)

func TestFeedShowsWholeItems(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop := w.store("beauty.hair", 3)
		by := w.creator(w.person())
		v := w.video(by, "beauty.hair", shop)
		w.exec(`UPDATE videos SET caption = 'Look', hashtags = '["hair"]', disclosure = '["commission"]', width = 720, height = 1280 WHERE id = $1`, v)
		w.exec(`INSERT INTO renditions (video_id, role, name, type, width, height, bitrate_bps, bytes, created_at) VALUES ($1, 'original', 'abc.mp4', 'video/mp4', 720, 1280, 900000, 5, 1)`, v)
		s := w.shopper()
		page := w.page("?limit=8&surface=home&profiling=off", "X-Viewer-Token", s.Token)
		if len(page.Items) != 1 || !page.Request.Valid() || !page.Policy.ID.Valid() || page.Policy.Name != "uniform" || page.Policy.Version != 1 || page.Next == nil {
			t.Fatalf("page %+v", page)
		}
		i := page.Items[0]
		if i.Slot != 1 || i.Exploration || len(i.Why) != 1 || i.Why[0] != "drawn at random, as for everybody" {
			t.Errorf("item %+v", i)
		}
		x := i.Video
		if x.ID != v || x.Caption != "Look" || x.Width != 720 || x.DurationMS != 15000 || len(x.Sources) != 1 || x.Sources[0].Bitrate != 900000 ||
			x.Creator.ID != by || x.Creator.Handle == "" || len(x.Disclosure) != 1 || len(x.Hashtags) != 1 || len(x.Products) != 1 || x.Liked {
			t.Errorf("video %+v", x)
		}
		if p := x.Products[0]; p.ID != shop.product || p.Brand.ID != shop.brand || p.Price.Minor != 1999 || p.Available != 3 || p.From {
			t.Errorf("product %+v", p)
		}
		shown, err := w.keys.OpenImpression(s.Viewer, i.Impression, c.Now())
		if err != nil || shown.Video() != v || shown.Surface != id.SurfaceHome || shown.Slot != 1 || shown.Propensity != 1 || shown.Request != page.Request {
			t.Errorf("token %+v, %v", shown, err)
		}
		if log := w.served()[page.Request]; log.Profiling || log.Viewer != s.Viewer || log.Policy != page.Policy.ID || log.Position == "" {
			t.Errorf("logged %+v", log)
		}
	})
}

// What is logged is enough to draw each page again, and says of each item what its token says.
func TestFeedCanBeDrawnAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		w.videos(300, w.store("beauty", 9))
		s := w.shopper()
		for range 5 {
			page := w.page("?limit=20", "X-Viewer-Token", s.Token)
			log, ok := w.served()[page.Request]
			if !ok || len(log.Slots) != 20 || len(page.Items) != 20 || len(log.Candidates) <= 20 || len(log.Candidates) > feed.MaxCandidates {
				t.Fatalf("logged %v with %d candidates and %d slots, shown %d", ok, len(log.Candidates), len(log.Slots), len(page.Items))
			}
			for k, drawn := range feed.Draw(log.Seed, len(log.Candidates), len(log.Slots)) {
				slot, item := log.Slots[k], page.Items[k]
				want := 1 / float64(len(log.Candidates)-k)
				if slot.Kind != event.SlotSampled || int(slot.Candidate) != drawn.Candidate || slot.Propensity != drawn.Propensity || slot.Propensity != want {
					t.Fatalf("slot %d is logged as %+v, drawn again %+v, want odds %v", k+1, slot, drawn, want)
				}
				shown, err := w.keys.OpenImpression(s.Viewer, item.Impression, c.Now())
				if err != nil || shown.Video() != log.Video(slot) || item.Video.ID != shown.Video() || item.Slot != k+1 || int(shown.Slot) != k+1 || shown.Propensity != float32(want) {
					t.Fatalf("slot %d: token %+v, %v", k+1, shown, err)
				}
			}
		}
	})
}

func TestFeedScrollsOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		w.videos(230, w.store("beauty", 9))
		s, query := w.shopper(), ""
		seen := map[id.Video]bool{}
		for len(seen) < 230 {
			page := w.page("?limit=20"+query, "X-Viewer-Token", s.Token)
			if len(page.Items) == 0 || page.Next == nil {
				t.Fatalf("after %d videos there is nothing more", len(seen))
			}
			for _, i := range page.Items {
				if seen[i.Video.ID] {
					t.Fatalf("%s comes twice within %d", i.Video.ID, len(seen))
				}
				seen[i.Video.ID] = true
			}
			query = "&cursor=" + *page.Next
			if len(seen) == 60 { // another node, or this one after a restart, goes on with the cursor
				w.fresh()
			}
		}
		if page := w.page("?limit=20"+query, "X-Viewer-Token", s.Token); len(page.Items) != 20 {
			t.Errorf("once all was shown it begins again, with %d items", len(page.Items))
		}
	})
}

func TestFeedLeavesOutWhatMayNotBeShown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop, s := w.store("beauty", 5), w.shopper()
		by, other := w.creator(w.person()), w.creator(w.person())
		stays, bare := w.video(by, "beauty", shop), w.video(by, "")
		with := []string{"X-Viewer-Token", s.Token}
		for name, x := range map[string]struct{ take, back string }{
			"removed video":     {`UPDATE videos SET standing = 'removed' WHERE id = $1`, `UPDATE videos SET standing = 'visible' WHERE id = $1`},
			"limited video":     {`UPDATE videos SET standing = 'limited' WHERE id = $1`, `UPDATE videos SET standing = 'visible' WHERE id = $1`},
			"deleted video":     {`UPDATE videos SET deleted_at = 5 WHERE id = $1`, `UPDATE videos SET deleted_at = 0 WHERE id = $1`},
			"not ready":         {`UPDATE videos SET state = 'processing' WHERE id = $1`, `UPDATE videos SET state = 'ready' WHERE id = $1`},
			"removed account":   {`UPDATE accounts SET standing = 'removed' WHERE id = (SELECT account_id FROM videos WHERE id = $1)`, `UPDATE accounts SET standing = 'visible' WHERE id = (SELECT account_id FROM videos WHERE id = $1)`},
			"sold out":          {`UPDATE stock SET on_hand = 0 WHERE variant_id IN (SELECT v.id FROM variants v JOIN video_products t ON t.product_id = v.product_id WHERE t.video_id = $1)`, `UPDATE stock SET on_hand = 5 WHERE on_hand = 0 AND $1 <> ''`},
			"all reserved":      {`UPDATE stock SET reserved = on_hand WHERE variant_id IN (SELECT v.id FROM variants v JOIN video_products t ON t.product_id = v.product_id WHERE t.video_id = $1)`, `UPDATE stock SET reserved = 0 WHERE $1 <> ''`},
			"removed product":   {`UPDATE products SET standing = 'removed' WHERE id IN (SELECT product_id FROM video_products WHERE video_id = $1)`, `UPDATE products SET standing = 'visible' WHERE $1 <> ''`},
			"archived product":  {`UPDATE products SET state = 'archived' WHERE id IN (SELECT product_id FROM video_products WHERE video_id = $1)`, `UPDATE products SET state = 'active' WHERE $1 <> ''`},
			"archived variants": {`UPDATE variants SET state = 'archived' WHERE product_id IN (SELECT product_id FROM video_products WHERE video_id = $1)`, `UPDATE variants SET state = 'active' WHERE $1 <> ''`},
		} {
			goes := w.video(other, "home", w.store("home", 5))
			w.fresh()
			if got := idsOf(w.page("", with...)); len(got) != 3 || !got[goes] {
				t.Fatalf("%s: at first %v", name, got)
			}
			// Nobody tells the pool: the page itself finds out, and what it drew keeps its odds.
			w.exec(x.take, goes)
			page := w.page("", with...)
			if got := idsOf(page); len(got) != 2 || !got[stays] || !got[bare] {
				t.Errorf("%s: shown %v, want the two others", name, slices.Collect(maps.Keys(got)))
			}
			log := w.served()[page.Request]
			withheld := 0
			for k, slot := range log.Slots {
				if slot.Propensity != 1/float64(3-k) || (slot.Kind == event.SlotWithheld) != (log.Video(slot) == goes) {
					t.Errorf("%s: slot %d is logged as %+v", name, k+1, slot)
				}
				if slot.Kind == event.SlotWithheld {
					withheld++
				}
			}
			if withheld != 1 {
				t.Errorf("%s: %d slots withheld", name, withheld)
			}
			if page = w.page("", with...); len(w.served()[page.Request].Candidates) != 2 {
				t.Errorf("%s: the page after still draws it", name)
			}
			w.exec(x.back, goes)
			w.exec(`UPDATE videos SET deleted_at = 9 WHERE id = $1`, goes)
		}
	})
}

// A page stays full when some of what it drew is gone.
func TestFeedFillsUp(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newFeedWorld(t, d, c)
	videos := w.videos(40, w.store("beauty", 9))
	s := w.shopper()
	w.page("", "X-Viewer-Token", s.Token) // reads the pool
	for _, v := range videos[:25] {
		w.exec(`UPDATE videos SET standing = 'removed' WHERE id = $1`, v)
	}
	page := w.page("?limit=15", "X-Viewer-Token", s.Token)
	if len(page.Items) != 15 {
		t.Fatalf("%d items", len(page.Items))
	}
	log := w.served()[page.Request]
	for _, i := range page.Items {
		slot := log.Slots[i.Slot-1]
		shown, err := w.keys.OpenImpression(s.Viewer, i.Impression, c.Now())
		if err != nil || log.Video(slot) != i.Video.ID || slot.Kind != event.SlotSampled || shown.Propensity != float32(1/float64(40-i.Slot+1)) || int(shown.Slot) != i.Slot {
			t.Errorf("slot %d: %+v, %+v, %v", i.Slot, slot, shown, err)
		}
	}
}

func TestFeedFollowsTheLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		owner := w.person()
		by, shop := w.creator(owner), w.store("beauty", 5)
		w.follow()
		count := func(n int) func() bool {
			return func() bool { got, known := w.feed.Videos(); return known && got == n }
		}
		w.until("the empty pool is read", count(0))
		s := w.shopper()
		if page := w.page("", "X-Viewer-Token", s.Token); len(page.Items) != 0 || page.Next != nil {
			t.Errorf("with no videos: %+v", page)
		}
		v := w.video(by, "beauty", shop)
		w.fact(event.VideoReady{VideoState: event.VideoState{Video: v, Creator: by}})
		w.until("a video comes", count(1))
		if page := w.page("", "X-Viewer-Token", s.Token); !idsOf(page)[v] {
			t.Errorf("it is not shown: %+v", page)
		}
		product := event.ProductUpdated{ProductState: event.ProductState{Product: shop.product, Brand: shop.brand}}
		for name, x := range map[string]struct {
			take, back string
			of         any
			fact       event.Body
		}{
			"stock":            {`UPDATE stock SET on_hand = 0 WHERE variant_id = $1`, `UPDATE stock SET on_hand = 5 WHERE variant_id = $1`, shop.variant, product},
			"product standing": {`UPDATE products SET standing = 'limited' WHERE id = $1`, `UPDATE products SET standing = 'visible' WHERE id = $1`, shop.product, event.StandingChanged{Kind: "product", Subject: string(shop.product)}},
			"video standing":   {`UPDATE videos SET standing = 'limited' WHERE id = $1`, `UPDATE videos SET standing = 'visible' WHERE id = $1`, v, event.StandingChanged{Kind: "video", Subject: string(v)}},
			"account standing": {`UPDATE accounts SET standing = 'removed' WHERE id = $1`, `UPDATE accounts SET standing = 'visible' WHERE id = $1`, owner, event.StandingChanged{Kind: "account", Subject: string(owner)}},
			"deleted":          {`UPDATE videos SET deleted_at = 5 WHERE id = $1`, `UPDATE videos SET deleted_at = 0 WHERE id = $1`, v, event.VideoDeleted{Video: v, Creator: by}},
		} {
			w.exec(x.take, x.of)
			w.fact(x.fact)
			w.until(name+" takes it away", count(0))
			w.exec(x.back, x.of)
			w.fact(x.fact)
			w.until(name+" brings it back", count(1))
		}
	})
}

func TestFeedLeavesOutWhatAViewerHid(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop := w.store("beauty", 5)
		by := w.creator(w.person())
		hidden, reported, stays := w.video(by, "beauty", shop), w.video(by, "beauty", shop), w.video(by, "beauty", shop)
		s, other := w.shopper(), w.shopper()
		_, hide := w.tell("hide", fmt.Sprintf(`"impression":%q`, w.token(s.Viewer, hidden)))
		_, forged := w.tell("hide", fmt.Sprintf(`"impression":%q`, w.token(other.Viewer, stays)))
		w.send(s, batch(hide, forged))
		w.send(s, batch(hide))
		w.exec(`INSERT INTO reports (id, subject_kind, subject_id, viewer_id, reason, created_at) VALUES ('rpt_1', 'video', $1, $2, 'Bad', 1)`, reported, s.Viewer)
		if got := idsOf(w.page("", "X-Viewer-Token", s.Token)); len(got) != 1 || !got[stays] {
			t.Errorf("shown %v, want %s alone", got, stays)
		}
		if got := idsOf(w.page("", "X-Viewer-Token", other.Token)); len(got) != 3 {
			t.Errorf("another viewer is shown %d", len(got))
		}
		// Signed in at this browser, and then at another one: it stays hidden.
		bearer := w.signUp("shopper@example.com")
		w.page("", "Authorization", bearer, "X-Viewer-Token", s.Token)
		if got := idsOf(w.page("", "Authorization", bearer, "X-Viewer-Token", w.shopper().Token)); got[hidden] {
			t.Errorf("what the same person hid elsewhere is shown: %v", got)
		}
	})
}

func TestFollowingIsWholeAndNewestFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop, empty := w.store("beauty", 5), w.store("beauty", 0)
		by, other := w.creator(w.person()), w.creator(w.person())
		var want []id.Video
		for n := range 12 {
			c.Advance(1e9)
			show := shop
			if n == 5 {
				show = empty // sold out is no reason to miss it
			}
			want = append(want, w.video(by, "beauty", show))
			w.video(other, "beauty", shop)
		}
		slices.Reverse(want)
		bearer := w.signUp("fan@example.com")
		w.page("", "Authorization", bearer)
		w.exec(`INSERT INTO follows (account_id, creator_id, created_at) SELECT id, $1, 1 FROM accounts WHERE email = 'fan@example.com'`, by)
		var got []id.Video
		query := "?surface=following&limit=5"
		for {
			page := w.page(query, "Authorization", bearer)
			if page.Policy.Name != "newest" {
				t.Errorf("policy %+v", page.Policy)
			}
			log := w.served()[page.Request]
			for k, i := range page.Items {
				if !i.Video.Creator.Following || log.Slots[k].Kind != event.SlotFixed || log.Slots[k].Propensity != 0 || log.Video(log.Slots[k]) != i.Video.ID || log.Surface != id.SurfaceFollowing {
					t.Errorf("item %+v is logged as %+v", i, log.Slots[k])
				}
				got = append(got, i.Video.ID)
			}
			if page.Next == nil {
				break
			}
			query = "?surface=following&limit=5&cursor=" + *page.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("shown %v, want %v", got, want)
		}
		if page := w.page("?surface=following", "X-Viewer-Token", w.shopper().Token); len(page.Items) != 0 || page.Next != nil {
			t.Errorf("nobody follows nobody: %+v", page)
		}
	})
}

func TestFeedOfACategory(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newFeedWorld(t, d, c)
	shop := w.store("beauty", 5)
	by := w.creator(w.person())
	a, b, _ := w.video(by, "beauty", shop), w.video(by, "beauty.hair", shop), w.video(by, "home", shop)
	s := w.shopper()
	page := w.page("?surface=category:beauty", "X-Viewer-Token", s.Token)
	if got := idsOf(page); len(got) != 2 || !got[a] || !got[b] {
		t.Errorf("beauty shows %v", got)
	}
	if log := w.served()[page.Request]; log.Surface != id.SurfaceCategory || log.Slots[0].Propensity != 0.5 {
		t.Errorf("logged %+v", log)
	}
	following := w.keys.Seal("feed cursor", []byte("vid_01h455vb4pex5vsknk084sn02r"))
	for name, query := range map[string]string{
		"no such category": "?surface=category:nothing", "no such surface": "?surface=moon", "limit": "?limit=21", "no limit": "?limit=0",
		"profiling": "?profiling=maybe", "made up cursor": "?cursor=abc", "cursor of another surface": "?cursor=" + *page.Next, "cursor of another kind": "?cursor=" + following,
	} {
		if got := w.do("GET", "/api/v1/feed"+query, "", "X-Viewer-Token", s.Token); got.Code != 422 {
			t.Errorf("%s: status %d: %s", name, got.Code, got.Body)
		}
	}
}

// A page that could not be logged is not shown.
func TestFeedWaitsForTheLog(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newFeedWorld(t, d, c)
	w.video(w.creator(w.person()), "beauty", w.store("beauty", 5))
	s := w.shopper()
	w.page("", "X-Viewer-Token", s.Token)
	if err := w.log.Close(); err != nil {
		t.Fatal(err)
	}
	if got := w.do("GET", "/api/v1/feed", "", "X-Viewer-Token", s.Token); got.Header().Get("Retry-After") == "" {
		t.Error("nobody says when to try again")
	} else {
		got.problem(503, "unavailable")
	}
}

// How many follow a creator changes nothing: the same draws give the same slates.
func TestFollowersDoNotMatter(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newFeedWorld(t, d, c)
	w.videos(100, w.store("beauty", 9))
	s := w.shopper()
	slates := func() (all []id.Video) {
		n := uint64(0)
		w.feed = feed.New(d, w.log, w.keys, feed.Options{Random: func() uint64 { n++; return n * 0x9e3779b97f4a7c15 }})
		w.world = newWorld(t, d, c, func(deps *Deps, _ *account.Options, _ *Options) { deps.Feed = w.feed })
		for range 10 {
			for _, i := range w.page("", "X-Viewer-Token", s.Token).Items {
				all = append(all, i.Video.ID)
			}
		}
		return all
	}
	before := slates()
	for n := range 200 {
		w.exec(`INSERT INTO follows (account_id, creator_id, created_at) SELECT $1, MAX(id), 1 FROM creators`, fmt.Sprintf("acc_%d", n))
	}
	if after := slates(); len(before) != 80 || !slices.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
}

// One token and a thousand fresh event ids make one touch.
func TestOneTokenMakesOneTouch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop, s := w.store("beauty", 5), w.shopper()
		w.video(w.creator(w.person()), "beauty", shop)
		page := w.page("", "X-Viewer-Token", s.Token)
		token := page.Items[0].Impression
		for range 10 {
			var clicks []string
			for range 100 {
				_, click := w.tell("product_click", fmt.Sprintf(`"impression":%q,"product_id":%q`, token, shop.product))
				clicks = append(clicks, click)
			}
			if got := w.send(s, batch(clicks...)); got.Accepted != 100 {
				t.Fatalf("%+v", got)
			}
		}
		_, borrowed := w.tell("product_click", fmt.Sprintf(`"impression":%q,"product_id":%q`, token, shop.product))
		w.send(w.shopper(), batch(borrowed))
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		rooms, ended := affiliate.New(d), make(chan error, 1)
		go func() {
			ended <- rooms.Follow(ctx, w.log, "test", func(err error) { t.Errorf("following: %v", err) })
		}()
		end, err := w.log.End(ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.until("the touches are rows", func() bool { return rooms.Reached(ctx, end.String(), 1e9) })
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		n, err := db.Get(context.Background(), d, func(tx *db.Tx) (n int, err error) { return n, tx.Row(`SELECT COUNT(*) FROM touches`).Scan(&n) })
		if err != nil || n != 1 {
			t.Errorf("%d touches, %v; want one", n, err)
		}
	})
}

func BenchmarkPage(b *testing.B) {
	d, c := dbtest.SQLite(b)
	w := newFeedWorld(b, d, c)
	by := w.videos(10_000, w.store("beauty", 9))
	w.exec(`INSERT INTO renditions (video_id, role, name, type, width, height, bitrate_bps, bytes, created_at) SELECT id, 'original', 'abc.mp4', 'video/mp4', 720, 1280, 900000, 5, 1 FROM videos`)
	s := w.shopper()
	w.page("", "X-Viewer-Token", s.Token)
	if n, _ := w.feed.Videos(); n != len(by) {
		b.Fatalf("%d videos", n)
	}
	var mu sync.Mutex
	var took []time.Duration
	b.SetParallelism(1)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var own []time.Duration
		for pb.Next() {
			begun := time.Now()
			r := httptest.NewRequest(http.MethodGet, "/api/v1/feed", nil)
			r.Header.Set("X-Viewer-Token", s.Token)
			rec := httptest.NewRecorder()
			w.api.ServeHTTP(rec, r)
			if rec.Code != 200 {
				b.Errorf("%d %s", rec.Code, rec.Body)
				return
			}
			own = append(own, time.Since(begun))
		}
		mu.Lock()
		took = append(took, own...)
		mu.Unlock()
	})
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// Whoever leaves takes with them what they hid; until then they can read it.
func TestErasedPeopleHideNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		w.accounts.OnErase(feed.Erase)
		w.accounts.OnExport("hidden_videos", feed.Hidden)
		v, s := w.video(w.creator(w.person()), ""), w.shopper()
		bearer := w.signUp("shopper@example.com")
		_, hide := w.tell("hide", fmt.Sprintf(`"impression":%q`, w.token(s.Viewer, v)))
		headers := []string{"Authorization", bearer, "X-Viewer-Token", s.Token}
		w.do("POST", eventsPath, batch(hide), headers...).want(200)
		var export struct {
			Hidden []id.Video `json:"hidden_videos"`
		}
		w.do("GET", "/api/v1/me/export", "", headers...).want(200).read(&export)
		if !slices.Equal(export.Hidden, []id.Video{v}) {
			t.Errorf("the export names %v", export.Hidden)
		}
		w.do("DELETE", "/api/v1/me", `{"password":"correct horse"}`, headers...).want(204)
		n, err := db.Get(context.Background(), d, func(tx *db.Tx) (n int, err error) { return n, tx.Row(`SELECT COUNT(*) FROM hides`).Scan(&n) })
		if err != nil || n != 0 {
			t.Errorf("%d hides are left, %v", n, err)
		}
	})
}
