package api

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/rank"
	"mezzo/internal/reach"
	"mezzo/internal/stream"
)

// again draws a served page from the log alone, without the records that leave names: what differs from the page as
// it was served.
func (w *rankedWorld) again(s event.Served, leave func(*event.Fact) bool) []string {
	w.t.Helper()
	f, err := rank.New(rank.Options{Size: 14})
	if err != nil {
		w.t.Fatal(err)
	}
	at, err := stream.ParsePosition(s.Position)
	if err != nil {
		w.t.Fatal(err)
	}
	read := errors.New("read")
	err = w.log.Follow(w.t.Context(), stream.Position{}, 1000, func(records []stream.Record) error {
		for _, r := range records {
			if r.Kind == event.KindFact {
				var fact event.Fact
				if err := fact.Decode(r.Data); err != nil {
					return err
				}
				if leave(&fact) {
					continue
				}
			}
			if err := f.Apply([]stream.Record{r}); err != nil {
				return err
			}
			if !r.Pos.Before(at) {
				return read
			}
		}
		return nil
	})
	if !errors.Is(err, read) {
		w.t.Fatal(err)
	}
	drawn, err := f.Again(&s)
	if err != nil {
		w.t.Fatal(err)
	}
	return rank.Differences(&s, &drawn)
}

// crowd gives creators so many followers more: accounts and rows in SQL, edges in the log.
func (w *rankedWorld) crowd(name string, of map[id.Creator]int) {
	w.t.Helper()
	for by, n := range of {
		key := fmt.Sprintf("%s_%s_", name, by)
		w.exec(`INSERT INTO accounts (id, email, email_key, display_name, password_hash, created_at)
			WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < $1)
			SELECT CAST($2 AS TEXT) || k, CAST($2 AS TEXT) || k, CAST($2 AS TEXT) || k, 'Fan', '', 1 FROM n`, int64(n), key)
		w.exec(`INSERT INTO follows (account_id, creator_id, created_at) SELECT id, $1, 1 FROM accounts WHERE id LIKE CAST($2 AS TEXT) || '%'`, string(by), key)
		for range min(n, 40) {
			w.fact(event.CreatorFollowed{Creator: by, Viewer: id.Viewer("").Next(w.clock.Now())})
		}
	}
}

// Whatever follower counts are stored, a thousand times as many or dealt to other creators, the pages that the public
// feed serves are those, to the byte, that are drawn from a log in which nobody follows anybody.
func TestFeedIsBlindToFollowers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newRankedWorld(t, d, c)
		var makers []id.Creator
		videos := map[id.Video]bool{}
		for range 4 {
			shop := w.store("beauty", 9)
			for _, v := range w.post(6, shop) {
				videos[v] = true
			}
		}
		err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
			makers, err = db.All(tx, func(r *sql.Rows) (by id.Creator, err error) { return by, r.Scan(&by) }, `SELECT DISTINCT creator_id FROM videos ORDER BY creator_id`)
			return err
		})
		if err != nil || len(makers) < 4 {
			t.Fatal(makers, err)
		}
		w.follow()
		w.learn()
		s := w.shopper()
		seen := 0
		serve := func(name string, of map[id.Creator]int) {
			w.crowd(name, of)
			for v := range videos { // the shopper does something, so that pages are their own
				token := w.token(s.Viewer, v)
				_, shown := w.tell("impression", fmt.Sprintf(`"impression":%q,"video_id":%q`, token, v))
				_, tapped := w.tell("follow", fmt.Sprintf(`"impression":%q,"video_id":%q`, token, v))
				w.do("POST", "/api/v1/events", batch(shown, tapped), "X-Viewer-Token", s.Token).want(200)
				delete(videos, v)
				break
			}
			w.told()
			for range 3 {
				page := w.page("?limit=8", "X-Viewer-Token", s.Token)
				log := w.served()[page.Request]
				if log.PolicyHash == 0 || len(log.Slots) < 8 {
					t.Fatalf("%s: %d slots by %s", name, len(log.Slots), page.Policy.Name)
				}
				if found := w.again(log, func(f *event.Fact) bool { return f.Topic == event.TopicCreatorFollowed }); found != nil {
					t.Errorf("%s: without anybody's followers the page differs in %v", name, found)
				}
				seen++
			}
		}
		serve("one", map[id.Creator]int{makers[0]: 1, makers[1]: 2, makers[2]: 3})
		serve("thousand", map[id.Creator]int{makers[0]: 999, makers[1]: 1998, makers[2]: 2997})
		w.exec(`UPDATE follows SET creator_id = $1 WHERE creator_id = $2`, string(makers[3]), string(makers[2])) // dealt to another
		serve("dealt", map[id.Creator]int{makers[3]: 1})
		if seen != 9 {
			t.Fatalf("%d pages", seen)
		}
	})
}

// A reason names the video that brought another: what the viewer watched, and what others watched with it.
func TestFeedNamesTheReason(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newRankedWorld(t, d, c)
		videos := w.post(30, w.store("beauty", 9))
		w.exec(`UPDATE videos SET caption = 'Three eggs' WHERE id = $1`, videos[3])
		w.follow()
		w.learn()
		like := func(s shopper, list ...id.Video) {
			for _, v := range list {
				token := w.token(s.Viewer, v)
				_, shown := w.tell("impression", fmt.Sprintf(`"impression":%q,"video_id":%q`, token, v))
				_, liked := w.tell("like", fmt.Sprintf(`"impression":%q,"video_id":%q`, token, v))
				w.do("POST", "/api/v1/events", batch(shown, liked), "X-Viewer-Token", s.Token).want(200)
			}
			w.told()
		}
		like(w.shopper(), videos[3], videos[4])
		s := w.shopper()
		like(s, videos[3])
		said := func(want string) bool {
			cursor := ""
			for range 5 {
				page := w.page("?limit=8&cursor="+cursor, "X-Viewer-Token", s.Token)
				for _, i := range page.Items {
					if i.Video.ID == videos[4] {
						return strings.Contains(strings.Join(i.Why, "; "), want)
					}
				}
				if page.Next == nil {
					break
				}
				cursor = *page.Next
			}
			t.Fatalf("the video never came")
			return false
		}
		if !said("because you watched “Three eggs”") {
			t.Error("the reason does not name what was watched")
		}
		w.exec(`UPDATE videos SET standing = 'removed' WHERE id = $1`, videos[3])
		if said("Three eggs") {
			t.Error("a video that is gone is named")
		}
	})
}

// A page served while the ranking runs is drawn again through the room of audits: from a snapshot of the keeper and the
// log behind it, and from its record alone where that holds everything.
func TestServedPagesAreAudited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newRankedWorld(t, d, c)
		w.post(40, w.store("beauty", 9))
		w.follow()
		w.learn()
		w.told()
		room := reach.New(d, reach.Options{Log: w.log, Ranking: func() (reach.Ranking, bool) { return w.keeper.Fold(), true }, Snapshot: func(at stream.Position) (*rank.Fold, stream.Position, string, func() error, error) {
			f, kept, err := rank.OpenBefore(w.dir, at, rank.Options{Size: 14})
			return f, kept.Position, kept.Build, func() error { return nil }, err
		}})
		s := w.shopper()
		var brief, full id.Request
		w.until("a page in full and one in brief were served behind two snapshots", func() bool {
			kept := !w.keeper.Safe().IsZero()
			for range 20 {
				w.page("?limit=8", "X-Viewer-Token", s.Token)
			}
			w.told()
			if !kept {
				return false
			}
			for request, log := range w.served() {
				if at, err := stream.ParsePosition(log.Position); err != nil || at.Before(w.keeper.Safe()) {
					continue
				}
				if len(log.Detail) > 0 {
					full = request
				} else {
					brief = request
				}
			}
			return full != "" && brief != ""
		})
		// Those to choose from are the last ones, and those in full.
		if _, err := room.Lately(account.Asker{}, 3); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("somebody read what was asked for: %v", err)
		}
		lately, err := room.Lately(account.Asker{Account: "acc_00000000000000000000000000", Operator: true}, 3)
		if err != nil || len(lately) < 3 {
			t.Fatalf("%d pages to choose from: %v", len(lately), err)
		}
		for k, a := range lately {
			if s, there := w.served()[a.Request]; !there || a.InFull != (len(s.Detail) > 0) || a.Surface != "home" || !a.Profiling || k >= 3 && !a.InFull {
				t.Errorf("to choose from: %+v, in the log %v", a, there)
			}
		}
		for request, inFull := range map[id.Request]bool{full: true, brief: false} {
			a, err := room.Prove(t.Context(), request, true)
			if err != nil {
				t.Fatal(err)
			}
			if !a.Replay.Same() || a.Record.Done != inFull || a.InFull != inFull || len(a.Record.Differs) > 0 || a.Candidates < 20 || len(a.Slots) != 8 {
				t.Errorf("in full %v: %+v", inFull, a)
			}
			if !strings.Contains(a.Replay.From, "a snapshot at ") {
				t.Errorf("drawn again from %s", a.Replay.From)
			}
		}
	})
}
