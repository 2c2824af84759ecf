package api

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/insight"
	"mezzo/internal/metric"
)

// counting is a source of numbers that a test sets: views, of everything.
type counting struct {
	mu      sync.Mutex
	clock   clock.Clock
	views   int64
	version uint64
}

func (c *counting) Read(e metric.Entity, w metric.Window) (metric.Reading, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return metric.Reading{Entity: e, Window: w, AsOf: c.clock.Now(), Counts: metric.Counts{Views: c.views}}, c.views > 0
}

func (c *counting) Version(metric.Entity) uint64 { c.mu.Lock(); defer c.mu.Unlock(); return c.version }
func (c *counting) Stamp() time.Time             { return c.clock.Now() }

func (c *counting) Series(metric.Entity, metric.Grain, time.Time, time.Time) []metric.Point {
	return nil
}
func (c *counting) Members(metric.Entity, metric.Kind, int) []metric.Entity { return nil }

func (c *counting) view(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.views, c.version = n, c.version+1
}

// numbered is a world with numbers, its two brands with a product each, and who may read them.
type numbered struct {
	*world
	source                   *counting
	insight                  *insight.Insight
	owner, rival             string // Authorization headers
	token                    string
	brand, product, rivalsID string
}

func newNumbered(t *testing.T, d *db.DB, c *clock.Turned) *numbered {
	t.Helper()
	n := &numbered{source: &counting{clock: c}}
	n.insight = insight.New(insight.Options{DB: d, Source: n.source, Clock: c})
	n.world = newWorld(t, d, c, trading(t, d), func(deps *Deps, _ *account.Options, _ *Options) { deps.Insight = n.insight })
	open := func(email string) (bearer, brand, product string) {
		bearer = n.signUp(email)
		var b, p struct{ ID string }
		n.do("POST", "/api/v1/brands", `{"name":"Nord","country":"DE","currency":"EUR"}`, "Authorization", bearer).want(201).read(&b)
		n.do("POST", "/api/v1/brands/"+b.ID+"/products", `{"title":"Cup","category":"home.kitchen","variants":[{"sku":"C","price":{"amount":900,"currency":"EUR"},"stock":3}]}`, "Authorization", bearer).want(201).read(&p)
		return bearer, b.ID, p.ID
	}
	n.owner, n.brand, n.product = open("owner@example.com")
	n.rival, _, n.rivalsID = open("rival@example.com")
	var token struct{ Token string }
	n.do("POST", "/api/v1/brands/"+n.brand+"/tokens", `{"name":"t","scopes":["metrics:read"]}`, "Authorization", n.owner).want(201).read(&token)
	n.token = "Bearer " + token.Token
	return n
}

func TestNumbersAreAnswered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		n := newNumbered(t, d, c)
		n.source.view(7)
		const base = "/api/v1/metrics/"
		for _, try := range []struct {
			path, who string
			status    int
			says      string
		}{
			{"product/" + n.product, n.owner, 200, `"views":7`},
			{"product/" + n.product, n.owner, 200, `"window":"24h"`},
			{"product/" + n.product, n.owner, 200, `"ctr":null`},
			{"product/" + n.product + "?window=1m", n.token, 200, `"window":"1m"`},
			{"brand/" + n.brand + "?window=28d", n.token, 200, `"entity":"brand:` + n.brand},
			{"brand/" + n.brand, n.rival, 404, "not yours"},
			{"product/" + n.rivalsID, n.owner, 404, "not yours"},
			{"product/" + n.rivalsID, n.token, 404, "not yours"},
			{"product/" + n.product, "", 401, "Sign in"},
			{"product/" + n.brand, n.owner, 404, "not yours"},
			{"product/nonsense", n.owner, 404, "not yours"},
			{"creator_product/" + n.product, n.owner, 404, "not yours"},
			{"shop/" + n.brand, n.owner, 422, "path.kind"},
			{"brand/" + n.brand + "?window=2h", n.owner, 422, "query.window"},
			{"brand/" + n.brand + "/series", n.owner, 200, `"grain":"day"`},
			{"brand/" + n.brand + "/series?grain=minute", n.token, 200, `"points":[{"start":`},
			{"brand/" + n.brand + "/series", n.rival, 404, "not yours"},
			{"brand/" + n.brand + "/series?grain=week", n.owner, 422, "query.grain"},
			{"brand/" + n.brand + "/series?from=yesterday", n.owner, 422, "query.from"},
			{"brand/" + n.brand + "/series?grain=minute&from=2026-01-01T00:00:00Z", n.owner, 422, "Minutes are kept for an hour"},
			{"stream?entities=brand:" + n.brand, n.rival, 404, "not yours"},
			{"stream?entities=house", n.owner, 404, "nothing here"},
			{"stream?entities=brand:x", n.owner, 422, "query.entities"},
			{"stream", n.owner, 422, "query.entities"},
			{"stream?entities=brand:" + n.brand + "&window=x", n.owner, 422, "query.window"},
			{"stream?entities=" + strings.Repeat("brand:"+n.brand+",", 200), n.rival, 404, "not yours"},
		} {
			var headers []string
			if try.who != "" {
				headers = []string{"Authorization", try.who}
			}
			a := n.do("GET", base+try.path, "", headers...)
			if a.Code != try.status || !strings.Contains(a.Body.String(), try.says) {
				t.Errorf("%.120s: %d, want %d with %q: %.400s", try.path, a.Code, try.status, try.says, a.Body)
			}
		}
		if spec := n.do("GET", "/api/openapi.json", "").want(200).Body.String(); !strings.Contains(spec, insight.Defined("gmv").Means) || !strings.Contains(spec, "Last-Event-ID") {
			t.Error("the document does not say what numbers mean")
		}
	})
}

// reader reads a stream as browsers do.
type reader struct {
	t     testing.TB
	lines *bufio.Scanner
	close func()
}

func (n *numbered) listen(server *httptest.Server, path, last string) *reader {
	n.t.Helper()
	within, cancel := context.WithTimeout(n.t.Context(), 20*time.Second)
	r, err := http.NewRequestWithContext(within, http.MethodGet, server.URL+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Authorization", n.token)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := server.Client().Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		n.t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	out := &reader{n.t, bufio.NewScanner(res.Body), func() { cancel(); res.Body.Close() }}
	n.t.Cleanup(out.close)
	return out
}

// next returns the fields of the next event.
func (r *reader) next() map[string]string {
	r.t.Helper()
	event := map[string]string{}
	for r.lines.Scan() {
		if r.lines.Text() == "" {
			return event
		}
		name, value, _ := strings.Cut(r.lines.Text(), ": ")
		event[name] = value
	}
	r.t.Fatalf("the stream ended after %v: %v", event, r.lines.Err())
	return nil
}

func TestNumbersAreStreamed(t *testing.T) {
	d, c := dbtest.SQLite(t)
	n := newNumbered(t, d, c)
	within, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = n.insight.Run(within) }()
	defer func() { cancel(); <-done }()
	server := httptest.NewServer(n.api)
	defer server.Close()
	turn := func() {
		for end := time.After(10 * time.Second); c.Waiting() == 0; {
			select {
			case <-end:
				t.Fatal("the hub does not turn")
			case <-time.After(time.Millisecond):
			}
		}
		c.Advance(insight.HubEvery)
	}
	path := "/api/v1/metrics/stream?window=1h&entities=brand:" + n.brand + ",product:" + n.product
	r := n.listen(server, path, "")
	if e := r.next(); e["event"] != "snapshot" || e["retry"] == "" || e["id"] == "" || strings.Count(e["data"], `"views":0`) != 2 || !strings.Contains(e["data"], `"as_of":`) {
		t.Fatalf("first came %v", e)
	}
	n.source.view(3)
	turn()
	changed := r.next()
	if changed["event"] != "change" || strings.Count(changed["data"], `"views":3`) != 2 || !strings.Contains(changed["data"], `"window":"1h"`) {
		t.Fatalf("then came %v", changed)
	}
	r.close()
	for end := time.After(10 * time.Second); n.insight.Subscribers() > 0; { // until the server knows, it does not look anew
		select {
		case <-end:
			t.Fatal("the stream is still open")
		case <-time.After(time.Millisecond):
		}
	}
	n.source.view(4)
	back := n.listen(server, path, changed["id"])
	if e := back.next(); e["event"] != "change" || !strings.Contains(e["data"], `"views":4`) {
		t.Fatalf("who came back got %v", e)
	}
	cancel()
	if e := back.next(); e["event"] != "cut" || !strings.Contains(e["data"], `"code":"stopping"`) || e["id"] != "" {
		t.Fatalf("a stopping server said %v", e)
	}
	if back.lines.Scan() {
		t.Errorf("after the cut came %q", back.lines.Text())
	}
}
