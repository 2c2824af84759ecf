package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/feed"
	"mezzo/internal/id"
)

const eventsPath = "/api/v1/events"

// send posts a batch as a shopper and reads the verdict.
func (w *feedWorld) send(s shopper, body string, headers ...string) (v feed.Verdict) {
	w.t.Helper()
	w.do("POST", eventsPath, body, append([]string{"X-Viewer-Token", s.Token}, headers...)...).want(200).read(&v)
	return v
}

func TestEventsAreOnDiskOnceAnswered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop, s := w.store("beauty", 5), w.shopper()
		v := w.video(w.creator(w.person()), "beauty", shop)
		token := w.token(s.Viewer, v)
		seen, a := w.tell("impression", fmt.Sprintf(`"impression":%q`, token))
		click, b := w.tell("product_click", fmt.Sprintf(`"impression":%q,"product_id":%q`, token, shop.product))
		_, bad := w.tell("teleport", "")
		got := w.send(s, batch(a, bad, b))
		if got.Accepted != 2 || got.Duplicates != 0 || len(got.Rejected) != 1 || got.Rejected[0].Reason == "" {
			t.Fatalf("verdict %+v", got)
		}
		log := w.logged()
		if len(log) != 2 {
			t.Fatalf("%d events in the log, want 2", len(log))
		}
		e := log[click]
		if e.Type != event.ProductClick || e.Viewer != s.Viewer || e.Video != v || e.Brand != shop.brand || e.Creator == "" || e.Flags != 0 || !e.Earns() {
			t.Errorf("the click is logged as %+v", e)
		}
		if e.Shown.Surface != id.SurfaceHome || e.Shown.Propensity != 0.5 || e.Token != "" || log[seen].Shown.Request != e.Shown.Request {
			t.Errorf("the showing is logged as %+v", e.Shown)
		}
		if got := e.Net.String(); got != "192.0.2.0/24" { // httptest's own address
			t.Errorf("the address is kept as %s", got)
		}

		// Repeats: of the batch, and within one.
		if got := w.send(s, batch(a, b)); got.Accepted != 0 || got.Duplicates != 2 {
			t.Errorf("the same batch again: %+v", got)
		}
		_, fresh := w.tell("search", "")
		if got := w.send(s, batch(fresh, fresh)); got.Accepted != 1 || got.Duplicates != 1 {
			t.Errorf("one event twice in a batch: %+v", got)
		}
		other := w.shopper()
		if got := w.send(other, batch(fresh)); got.Accepted != 1 {
			t.Errorf("the same id of another viewer: %+v", got)
		}
	})
}

// With Global Privacy Control an event counts, and carries neither the visit it was of nor the network it came from.
func TestEventsOfThoseWhoDoNotWishToBeFollowed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop, s := w.store("beauty", 5), w.shopper()
		v := w.video(w.creator(w.person()), "beauty", shop)
		for _, private := range []bool{false, true} {
			click, text := w.tell("product_click", fmt.Sprintf(`"impression":%q,"product_id":%q,"session_id":"018f0000-0000-7000-8000-000000000001","seq":7`, w.token(s.Viewer, v), shop.product))
			headers := []string{}
			if private {
				headers = []string{"Sec-GPC", "1"}
			}
			w.send(s, batch(text), headers...)
			e := w.logged()[click]
			if !e.Earns() || e.Viewer != s.Viewer || e.Video != v {
				t.Errorf("private %v: the click is logged as %+v", private, e)
			}
			if followed := e.Session != uuid.Nil || e.Seq != 0 || e.Net.IsValid(); followed == private {
				t.Errorf("private %v: session %s %d, network %s", private, e.Session, e.Seq, e.Net)
			}
		}
	})
}

// The common answer is written by hand, and is what encoding/json would have written.
func TestVerdictsAreJSON(t *testing.T) {
	for _, v := range []feed.Verdict{{}, {Accepted: 1}, {Accepted: 99, Duplicates: 1}} {
		v.Rejected = []event.Rejection{}
		want, err := json.Marshal(v)
		if got := strings.TrimSuffix(string(appendVerdict(nil, v)), "\n"); err != nil || got != string(want) {
			t.Errorf("%s, want %s (%v)", got, want, err)
		}
	}
}

func TestEventsAreFlagged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop, elsewhere := w.store("beauty", 5), w.store("home", 5)
		s, other := w.shopper(), w.shopper()
		by := w.creator(w.person())
		v, v2 := w.video(by, "beauty", shop), w.video(by, "home", elsewhere)
		old := w.token(s.Viewer, v)
		c.Advance(id.ImpressionLife + time.Second)
		fresh := w.token(s.Viewer, v)
		var nobody id.Product
		nobody = nobody.Next(c.Now())
		for name, x := range map[string]struct {
			kind, members string
			agent         string
			want          event.Flags
		}{
			"good":             {"product_click", fmt.Sprintf(`"impression":%q,"product_id":%q`, fresh, shop.product), "", 0},
			"made up":          {"view", `"impression":"` + strings.Repeat("A", id.ImpressionTokenLength) + `"`, "", event.Forged},
			"nonsense":         {"view", `"impression":"nonsense"`, "", event.Forged},
			"changed":          {"view", fmt.Sprintf(`"impression":%q`, "B"+fresh[1:]), "", event.Forged},
			"another viewer's": {"view", fmt.Sprintf(`"impression":%q`, w.token(other.Viewer, v)), "", event.Forged},
			"old":              {"view", fmt.Sprintf(`"impression":%q`, old), "", event.Expired},
			"another video":    {"view", fmt.Sprintf(`"impression":%q,"video_id":%q`, fresh, v2), "", event.Foreign},
			"another product":  {"product_click", fmt.Sprintf(`"impression":%q,"product_id":%q`, fresh, elsewhere.product), "", event.Foreign},
			"no such product":  {"product_view", fmt.Sprintf(`"product_id":%q`, nobody), "", event.Foreign},
			"a room it is not": {"view", fmt.Sprintf(`"impression":%q,"room_id":"rom_01h455vb4pex5vsknk084sn02r"`, fresh), "", event.Foreign},
			"robot":            {"view", fmt.Sprintf(`"impression":%q`, fresh), "Mozilla/5.0 (compatible; Googlebot/2.1)", event.Bot},
			"purchase":         {"purchase", fmt.Sprintf(`"product_id":%q`, shop.product), "", event.ClientPurchase},
			"no token":         {"product_view", fmt.Sprintf(`"product_id":%q`, shop.product), "", 0},
		} {
			u, text := w.tell(x.kind, x.members)
			if got := w.send(s, batch(text), "User-Agent", x.agent); got.Accepted != 1 || len(got.Rejected) > 0 {
				t.Errorf("%s: %+v, want it accepted", name, got)
			}
			e := w.logged()[u]
			if e.Flags != x.want {
				t.Errorf("%s: flags %b, want %b", name, e.Flags, x.want)
			}
			if want := x.want == 0 || x.want == event.Expired; e.Flags.Counted() != want {
				t.Errorf("%s: counted is %v", name, e.Flags.Counted())
			}
			if x.want == event.Forged && (e.Shown != id.Impression{} || e.Creator != "") {
				t.Errorf("%s: a forged token's word is taken: %+v", name, e)
			}
		}
	})
}

func TestOwnEventsDoNotEarn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		bearer := w.signUp("maker@example.com")
		w.do("PUT", "/api/v1/me/creator", `{"handle":"maker","display_name":"Maker"}`, "Authorization", bearer).want(200)
		var me struct {
			Account struct {
				ID id.Account `json:"id"`
			} `json:"account"`
			Creator struct {
				ID id.Creator `json:"id"`
			} `json:"creator"`
			Viewer id.Viewer `json:"viewer"`
		}
		s := w.shopper()
		headers := []string{"Authorization", bearer, "X-Viewer-Token", s.Token}
		answer := w.do("GET", "/api/v1/me", "", headers...).want(200)
		answer.read(&me)
		creator := me.Creator.ID
		if creator == "" {
			t.Fatalf("no creator in %s", answer.Body)
		}
		shop := w.store("beauty", 5)
		v := w.video(creator, "beauty", shop)
		u, text := w.tell("view", fmt.Sprintf(`"impression":%q`, w.token(s.Viewer, v)))
		w.do("POST", eventsPath, batch(text), headers...).want(200)
		if e := w.logged()[u]; e.Flags != event.Own || e.Earns() || !e.Flags.Counted() {
			t.Errorf("the own view: %+v", e)
		}
		// The creator a client names is believed of a follow only.
		u, text = w.tell("search", fmt.Sprintf(`"creator_id":%q`, creator))
		follow, text2 := w.tell("follow", fmt.Sprintf(`"creator_id":%q`, creator))
		w.send(w.shopper(), batch(text, text2))
		if log := w.logged(); log[u].Creator != "" || log[follow].Creator != creator {
			t.Errorf("search %+v, follow %+v", log[u], log[follow])
		}
	})
}

func packed(t *testing.T, body []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEventsRefused(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newFeedWorld(t, d, c)
	s := w.shopper()
	var many []string
	for range event.MaxEvents + 1 {
		_, text := w.tell("search", "")
		many = append(many, text)
	}
	long := `{"events":[],"more":"` + strings.Repeat("x", event.MaxBody) + `"}`
	bomb := packed(t, bytes.Repeat([]byte(" "), 50<<20))
	for name, x := range map[string]struct {
		body, kind, encoding string
		status               int
		problem              string
	}{
		"not JSON":         {`{"events":[`, "application/json", "", 400, "malformed"},
		"no events":        {`{}`, "application/json", "", 400, "malformed"},
		"nothing":          {``, "application/json", "", 400, "malformed"},
		"a list":           {`[]`, "text/plain", "", 400, "malformed"},
		"101 events":       {batch(many...), "application/json", "", 413, "too_large"},
		"too long":         {long, "application/json", "", 413, "too_large"},
		"bomb":             {bomb, "application/json", "gzip", 413, "too_large"},
		"no gzip":          {batch(), "application/json", "gzip", 400, "malformed"},
		"gzip cut short":   {packed(t, []byte(batch(many[:9]...)))[:40], "application/json", "gzip", 400, "malformed"},
		"other packing":    {batch(), "application/json", "br", 415, "unsupported_media_type"},
		"a form":           {"a=1", "application/x-www-form-urlencoded", "", 415, "unsupported_media_type"},
		"a bad sent_at":    {`{"sent_at":"yesterday","events":[]}`, "application/json", "", 422, "invalid"},
		"a viewer made up": {batch(), "application/json", "", 401, "unauthorized"},
	} {
		headers := []string{"X-Viewer-Token", s.Token, "Content-Type", x.kind}
		if x.encoding != "" {
			headers = append(headers, "Content-Encoding", x.encoding)
		}
		if name == "a viewer made up" {
			headers[1] = "vwr_01h455vb4pex5vsknk084sn02r.AAAA"
		}
		p := w.do("POST", eventsPath, x.body, headers...)
		if p.Code != x.status {
			t.Errorf("%s: status %d, want %d: %s", name, p.Code, x.status, p.Body)
			continue
		}
		p.problem(x.status, x.problem)
	}
	if n := len(w.logged()); n != 0 {
		t.Errorf("%d events of refused requests are in the log", n)
	}
}

func TestEventsArriveInManyForms(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newFeedWorld(t, d, c)
	s := w.shopper()
	for name, x := range map[string]struct {
		kind string
		pack bool
	}{
		"json":        {"application/json", false},
		"utf-8 json":  {"application/json; charset=utf-8", false},
		"a beacon":    {"text/plain;charset=UTF-8", false},
		"packed":      {"application/json", true},
		"packed text": {"text/plain", true},
	} {
		u, text := w.tell("search", "")
		body, headers := batch(text), []string{"Content-Type", x.kind}
		if x.pack {
			body, headers = packed(t, []byte(body)), append(headers, "Content-Encoding", "gzip")
		}
		if got := w.send(s, body, headers...); got.Accepted != 1 {
			t.Errorf("%s: %+v", name, got)
		}
		if _, ok := w.logged()[u]; !ok {
			t.Errorf("%s: not in the log", name)
		}
	}
	if got := w.send(s, batch()); got.Accepted != 0 || got.Rejected == nil {
		t.Errorf("no events at all: %+v", got)
	}
}

// A shopper without any mark gets one, and other sites' pages may tell what happened on them.
func TestEventsOfStrangers(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newFeedWorld(t, d, c)
	u, text := w.tell("search", "")
	got := w.do("POST", eventsPath, batch(text), "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site").want(200)
	if got.Header().Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(got.Header().Get("Set-Cookie"), "mezzo_viewer=") {
		t.Errorf("headers %v", got.Header())
	}
	if e := w.logged()[u]; e.Viewer == "" {
		t.Errorf("logged as %+v", e)
	}
	ask := w.do("OPTIONS", eventsPath, "", "Origin", "https://elsewhere.example", "Access-Control-Request-Method", "POST").want(204)
	if !strings.Contains(ask.Header().Get("Access-Control-Allow-Headers"), "Content-Encoding") {
		t.Errorf("preflight %v", ask.Header())
	}
}

func TestEventsWaitForTheLog(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newFeedWorld(t, d, c)
	s := w.shopper()
	_, text := w.tell("search", "")
	if err := w.log.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was not stored is no duplicate
		got := w.do("POST", eventsPath, batch(text), "X-Viewer-Token", s.Token)
		got.problem(503, "unavailable")
		if got.Header().Get("Retry-After") == "" {
			t.Error("nobody says when to try again")
		}
	}
}

func BenchmarkEvents(b *testing.B) {
	d, c := dbtest.SQLite(b)
	w := newFeedWorld(b, d, c)
	shop, s := w.store("beauty", 5), w.shopper()
	var videos []string
	by := w.creator(w.person())
	for range 50 {
		videos = append(videos, w.token(s.Viewer, w.video(by, "beauty", shop)))
	}
	const perBatch = 50
	at := c.Now().Format(time.RFC3339Nano)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		var body bytes.Buffer
		for pb.Next() {
			body.Reset()
			body.WriteString(`{"events":[`)
			for i := range perBatch {
				if i > 0 {
					body.WriteByte(',')
				}
				fmt.Fprintf(&body, `{"id":%q,"type":"watch","at":%q,"impression":%q,"watch_ms":1000,"seq":%d}`, uuid.New(), at, videos[i], i)
			}
			body.WriteString(`]}`)
			r := httptest.NewRequest(http.MethodPost, eventsPath, bytes.NewReader(body.Bytes()))
			r.Header.Set("X-Viewer-Token", s.Token)
			r.Header.Set("Content-Type", "application/json")
			rec := httptest.NewRecorder()
			w.api.ServeHTTP(rec, r)
			var v feed.Verdict
			if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil || v.Accepted != perBatch {
				b.Errorf("%d %s", rec.Code, rec.Body)
				return
			}
		}
	})
	b.ReportMetric(perBatch*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
