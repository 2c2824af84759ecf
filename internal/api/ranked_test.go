package api

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/feed"
	"mezzo/internal/id"
	"mezzo/internal/rank"
)

// rankedWorld is a feed world whose pages are drawn by the ranking.
type rankedWorld struct {
	*feedWorld
	keeper *rank.Keeper
	dir    string // of the keeper's snapshots
}

func newRankedWorld(t *testing.T, d *db.DB, c *clock.Turned) *rankedWorld {
	t.Helper()
	w := &rankedWorld{feedWorld: newFeedWorld(t, d, c), dir: t.TempDir()}
	f, err := rank.New(rank.Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	w.keeper = rank.NewKeeper(rank.KeeperOptions{Fold: f, Log: w.log, Dir: w.dir, Clock: c, SnapshotRecords: 100})
	w.feed = feed.New(d, w.log, w.keys, feed.Options{Rank: w.keeper})
	w.world = newWorld(t, d, c, func(deps *Deps, _ *account.Options, _ *Options) { deps.Feed = w.feed })
	return w
}

// learn runs the ranking for the rest of the test.
func (w *rankedWorld) learn() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := w.keeper.Run(ctx); err != nil && ctx.Err() == nil {
			w.t.Errorf("nothing is learned any more: %v", err)
		}
	}()
	w.t.Cleanup(func() { cancel(); <-ended })
	w.until("the ranking is ready", w.keeper.Ready)
}

// told waits until the ranking knows all that is in the log.
func (w *rankedWorld) told() {
	w.t.Helper()
	end, err := w.log.End(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := w.keeper.Reached(ctx, end); err != nil {
		w.t.Fatal(err)
	}
}

// post lists videos of a product in SQL and in the log.
func (w *rankedWorld) post(n int, s store) []id.Video {
	w.t.Helper()
	w.fact(event.ProductCreated{ProductState: event.ProductState{Product: s.product, Brand: s.brand, Category: "beauty", Available: true, Active: true}})
	videos := w.videos(n, s)
	var by id.Creator
	if err := w.d.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.Row(`SELECT creator_id FROM videos WHERE id = $1`, videos[0]).Scan(&by)
	}); err != nil {
		w.t.Fatal(err)
	}
	for _, v := range videos {
		w.fact(event.VideoReady{VideoState: event.VideoState{Video: v, Creator: by, Products: []id.Product{s.product}, Category: "beauty", DurationMS: 15_000, CreatedAt: w.clock.Now()}})
	}
	return videos
}

// Pages are drawn by the policy in force: nothing twice in a session, nothing that was hidden or is sold out, every
// token with the odds that are logged; and at the end the cursor ends.
func TestFeedIsRanked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newRankedWorld(t, d, c)
		shop, other := w.store("beauty", 9), w.store("beauty", 9)
		videos := w.post(40, shop)
		gone := w.post(1, other)[0]
		w.follow()
		w.learn()
		w.told()
		s := w.shopper()
		_, hide := w.tell("hide", fmt.Sprintf(`"impression":%q,"video_id":%q`, w.token(s.Viewer, videos[0]), videos[0]))
		w.do("POST", "/api/v1/events", batch(hide), "X-Viewer-Token", s.Token).want(200)
		w.exec(`UPDATE stock SET on_hand = 0 WHERE variant_id = $1`, other.variant)

		seen, cursor := map[id.Video]bool{}, ""
		for n := 0; ; n++ {
			page := w.page("?limit=8&cursor="+cursor, "X-Viewer-Token", s.Token)
			log := w.served()[page.Request]
			if len(page.Items) > 0 && (page.Policy.Name != "value" || page.Degraded || log.Policy != page.Policy.ID || log.PolicyHash == 0) {
				t.Fatalf("drawn by %+v, logged %+v", page.Policy, log.Policy)
			}
			for _, i := range page.Items {
				if seen[i.Video.ID] || i.Video.ID == videos[0] || i.Video.ID == gone {
					t.Fatalf("page %d shows %s: twice, hidden or sold out", n+1, i.Video.ID)
				}
				seen[i.Video.ID] = true
				shown, err := w.keys.OpenImpression(s.Viewer, i.Impression, c.Now())
				slot := log.Slots[i.Slot-1]
				if err != nil || log.Video(slot) != i.Video.ID || shown.Propensity != float32(slot.Propensity) || slot.Propensity <= 0 || len(i.Why) == 0 {
					t.Fatalf("item %+v, logged %+v, %v", i, slot, err)
				}
			}
			if page.Next == nil {
				break
			}
			if cursor = *page.Next; n > 20 {
				t.Fatal("it does not end")
			}
		}
		if len(seen) != 39 {
			t.Errorf("%d of 39 videos were shown in one session", len(seen))
		}
		// A new session may show them again, and one without profiling too.
		if page := w.page("?limit=8", "X-Viewer-Token", s.Token); len(page.Items) != 8 {
			t.Errorf("who has seen everything gets %d items", len(page.Items))
		}
		page := w.page("?limit=8&profiling=off&surface=category:beauty", "X-Viewer-Token", s.Token)
		if log := w.served()[page.Request]; len(page.Items) != 8 || log.Profiling || page.Policy.Name != "value" {
			t.Errorf("without profiling %d items by %s, logged profiling %v", len(page.Items), page.Policy.Name, log.Profiling)
		}
		w.do("GET", "/api/v1/feed?cursor=bm9uc2Vuc2U", "", "X-Viewer-Token", s.Token).problem(422, "invalid")
		c.Advance(40 * 24 * time.Hour) // the clock jumps: the ranking is far behind until the log moves
		if page := w.page("?limit=8", "X-Viewer-Token", s.Token); len(page.Items) != 8 || !page.Degraded {
			t.Errorf("after a jump of the clock %d items, degraded %v", len(page.Items), page.Degraded)
		}
	})
}

// Until the ranking has read the log pages are drawn evenly and say so; the session goes on when it has.
func TestFeedWithoutItsRanking(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newRankedWorld(t, d, c)
		s := w.shopper()
		if page := w.page("", "X-Viewer-Token", s.Token); len(page.Items) != 0 || page.Next != nil || !page.Degraded {
			t.Errorf("of an empty catalogue %+v", page)
		}
		w.post(30, w.store("beauty", 9))
		w.follow()
		w.until("the pool is read", func() bool { n, _ := w.feed.Videos(); return n == 30 })
		seen := map[id.Video]bool{}
		page := w.page("?limit=12", "X-Viewer-Token", s.Token)
		if page.Policy.Name != "uniform" || !page.Degraded || len(page.Items) != 12 || page.Next == nil {
			t.Fatalf("before it is ready: %+v", page)
		}
		w.learn()
		w.told()
		for n := 0; ; n++ {
			for _, i := range page.Items {
				if seen[i.Video.ID] {
					t.Fatalf("%s came twice", i.Video.ID)
				}
				seen[i.Video.ID] = true
			}
			if page.Next == nil || n > 20 {
				break
			}
			if page = w.page("?limit=12&cursor="+*page.Next, "X-Viewer-Token", s.Token); page.Degraded {
				t.Fatal("it is ready and the page says it is not")
			}
		}
		if len(seen) != 30 || page.Policy.Name == "uniform" {
			t.Errorf("%d of 30 were shown, the last by %s", len(seen), page.Policy.Name)
		}
	})
}

// What a viewer does changes the next page: acknowledged, it is in what the page is drawn from.
func TestFeedIsFresh(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newRankedWorld(t, d, c)
		videos := w.post(30, w.store("beauty", 9))
		w.follow()
		w.learn()
		w.told()
		s := w.shopper()
		worth := func() float64 {
			viewer, err := s.Viewer.UUID()
			if err != nil {
				t.Fatal(err)
			}
			want, err := videos[7].UUID()
			if err != nil {
				t.Fatal(err)
			}
			page := w.keeper.Page(rank.Request{ID: [16]byte{1}, Viewer: viewer, Surface: id.SurfaceHome, Personal: true, N: 8})
			for _, chosen := range page.Candidates {
				if chosen.Video == want {
					return chosen.Odds[rank.Engage]
				}
			}
			t.Fatal("the video is no candidate")
			return 0
		}
		before := worth()
		for range 5 { // other viewers like it
			o := w.shopper()
			token := w.token(o.Viewer, videos[7])
			_, shown := w.tell("impression", fmt.Sprintf(`"impression":%q,"video_id":%q`, token, videos[7]))
			_, watched := w.tell("watch", fmt.Sprintf(`"impression":%q,"video_id":%q,"watch_ms":14000`, token, videos[7]))
			_, liked := w.tell("like", fmt.Sprintf(`"impression":%q,"video_id":%q`, token, videos[7]))
			w.do("POST", "/api/v1/events", batch(shown, watched, liked), "X-Viewer-Token", o.Token).want(200)
		}
		w.told()
		if after := worth(); after <= before {
			t.Errorf("liked by five, the odds of a like went from %v to %v", before, after)
		}
	})
}
