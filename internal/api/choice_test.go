package api

import (
	"encoding/json"
	"slices"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/feed"
	"mezzo/internal/id"
)

type choicesBody struct {
	Profiling bool `json:"profiling"`
	Hidden    []struct {
		Handle string `json:"handle"`
	} `json:"hidden_creators"`
}

// What viewers say of their feed is theirs alone, is kept, is obeyed by pages, and goes with the person.
func TestViewersChoose(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		loud, quiet := w.creator(w.person()), w.creator(w.person())
		goods := w.store("home.kitchen", 5)
		for range 3 {
			w.video(loud, "home.kitchen", goods)
		}
		shown := w.video(quiet, "home.kitchen", goods)
		handle := "h" + string(loud)[20:]
		me, other := w.shopper(), w.shopper()
		mine, theirs := []string{"X-Viewer-Token", me.Token}, []string{"X-Viewer-Token", other.Token}
		read := func(as []string) (b choicesBody) {
			w.do("GET", "/api/v1/feed/choices", "", as...).want(200).read(&b)
			return b
		}
		if b := read(mine); !b.Profiling || len(b.Hidden) != 0 {
			t.Errorf("at first: %+v", b)
		}
		w.do("PUT", "/api/v1/feed/choices", `{"profiling":false}`, mine...).want(200)
		w.do("PUT", "/api/v1/feed/hidden_creators/"+handle, "", mine...).want(204)
		w.do("PUT", "/api/v1/feed/hidden_creators/"+handle, "", mine...).want(204)
		w.do("PUT", "/api/v1/feed/hidden_creators/nobody-of-that-name", "", mine...).problem(404, "missing")
		if b := read(mine); b.Profiling || len(b.Hidden) != 1 || b.Hidden[0].Handle != handle {
			t.Errorf("kept: %+v", b)
		}
		if b := read(theirs); !b.Profiling || len(b.Hidden) != 0 {
			t.Errorf("another viewer's: %+v", b)
		}
		page := func(as []string) (videos []id.Video) {
			var b struct {
				Items []struct {
					Video struct{ ID id.Video }
				}
			}
			w.do("GET", "/api/v1/feed", "", as...).want(200).read(&b)
			for _, i := range b.Items {
				videos = append(videos, i.Video.ID)
			}
			return videos
		}
		if got := page(mine); len(got) != 1 || got[0] != shown {
			t.Errorf("with a creator hidden: %v", got)
		}
		if got := page(theirs); len(got) != 4 {
			t.Errorf("another viewer's page: %v", got)
		}
		w.do("DELETE", "/api/v1/feed/hidden_creators/"+handle, "", mine...).want(204)
		w.do("PUT", "/api/v1/feed/choices", `{"profiling":true}`, mine...).want(200)
		if b, got := read(mine), page(mine); !b.Profiling || len(b.Hidden) != 0 || len(got) != 4 {
			t.Errorf("taken back: %+v, %v", b, got)
		}
		w.do("POST", "/api/v1/feed/reset", "", mine...).want(204)
		if facts := w.facts(event.TopicViewerReset); len(facts) != 1 || facts[0] != `{"viewer":"`+string(me.Viewer)+`"}` {
			t.Errorf("the log is told %v", facts)
		}
	})
}

// A video that somebody is not interested in leaves their feeds, is told to them, and may be let in again.
func TestAVideoIsHiddenAndLetInAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		v := w.videos(3, w.store("beauty", 9))[1]
		s, other := w.shopper(), w.shopper()
		path := "/api/v1/feed/hidden_videos/" + string(v)
		mine := []string{"X-Viewer-Token", s.Token}
		shows := func(who shopper) bool { return idsOf(w.page("?limit=8", "X-Viewer-Token", who.Token))[v] }
		told := func() (list []string) {
			var b struct {
				Videos []struct{ ID string } `json:"hidden_videos"`
			}
			w.do("GET", "/api/v1/feed/choices", "", mine...).want(200).read(&b)
			for _, x := range b.Videos {
				list = append(list, x.ID)
			}
			return list
		}
		if !shows(s) || len(told()) != 0 {
			t.Fatal("it is hidden before it was")
		}
		for range 2 {
			w.do("PUT", path, "", mine...).want(204)
		}
		w.do("PUT", "/api/v1/feed/hidden_videos/vid_00000000000000000000000000", "", mine...).problem(404, "missing")
		w.do("DELETE", "/api/v1/feed/hidden_videos/nonsense", "", mine...).problem(404, "missing")
		if shows(s) || !shows(other) || !slices.Equal(told(), []string{string(v)}) {
			t.Errorf("hidden: shown %v, to another %v, told %v", shows(s), shows(other), told())
		}
		w.do("DELETE", path, "", "X-Viewer-Token", other.Token).want(204) // another's hide is not theirs to end
		if shows(s) {
			t.Error("somebody else let it in again")
		}
		for range 2 {
			w.do("DELETE", path, "", mine...).want(204)
		}
		if !shows(s) || len(told()) != 0 {
			t.Error("it was not let in again")
		}
	})
}

// Signed in, choices hold on every device, and an erased person leaves none.
func TestChoicesGoWithThePerson(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c, func(_ *Deps, o *account.Options, _ *Options) {})
		w.accounts.OnErase(feed.Erase)
		w.accounts.OnExport("feed_choices", feed.Chosen)
		loud := w.creator(w.person())
		bearer := w.signUp("me@example.com")
		phone, desk := w.shopper(), w.shopper()
		for _, s := range []shopper{phone, desk} {
			w.do("POST", "/api/v1/sessions", `{"email":"me@example.com","password":"correct horse"}`, "X-Viewer-Token", s.Token).want(201)
		}
		on := func(s shopper) []string { return []string{"Authorization", bearer, "X-Viewer-Token", s.Token} }
		w.do("PUT", "/api/v1/feed/choices", `{"profiling":false}`, on(phone)...).want(200)
		w.do("PUT", "/api/v1/feed/hidden_creators/h"+string(loud)[20:], "", on(phone)...).want(204)
		var b choicesBody
		w.do("GET", "/api/v1/feed/choices", "", on(desk)...).want(200).read(&b)
		if b.Profiling || len(b.Hidden) != 1 {
			t.Errorf("on the other device: %+v", b)
		}
		w.do("POST", "/api/v1/feed/reset", "", on(desk)...).want(204)
		if n := len(w.facts(event.TopicViewerReset)); n < 2 {
			t.Errorf("%d viewers were reset", n)
		}
		var all struct {
			Choices json.RawMessage `json:"feed_choices"`
		}
		w.do("GET", "/api/v1/me/export", "", "Authorization", bearer).want(200).read(&all)
		if want := `{"hidden_creators":["` + string(loud) + `"],"profiling":false}`; string(all.Choices) != want {
			t.Errorf("exported %s", all.Choices)
		}
		w.do("DELETE", "/api/v1/me", `{"password":"correct horse"}`, "Authorization", bearer).want(204)
		for _, table := range []string{"creator_hides", "feed_choices"} {
			var n int64
			if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(`SELECT COUNT(*) FROM ` + table).Scan(&n) }); err != nil || n != 0 {
				t.Errorf("%s keeps %d rows, %v", table, n, err)
			}
		}
	})
}

// facts returns the bodies of the facts of a topic in the outbox.
func (w *feedWorld) facts(topic string) (bodies []string) {
	w.t.Helper()
	err := w.d.Read(w.t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT body FROM outbox WHERE topic = $1 ORDER BY id`, topic)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var body string
			if err := rows.Scan(&body); err != nil {
				return err
			}
			bodies = append(bodies, body)
		}
		return rows.Err()
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return bodies
}
