package api

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/feed"
	"mezzo/internal/id"
)

// site is a brand's own shop on the web, with a write key.
type site struct {
	store
	key    account.WriteKey
	bearer string
}

// site opens a brand with a write key and a product on its shelf.
func (w *feedWorld) site(name string) site {
	w.t.Helper()
	s := site{bearer: w.signUp(name + "@example.com")}
	var made struct{ ID id.Brand }
	w.do("POST", "/api/v1/brands", fmt.Sprintf(`{"name":%q,"country":"DE","currency":"EUR"}`, name), "Authorization", s.bearer).want(201).read(&made)
	s.brand = made.ID
	w.do("POST", "/api/v1/brands/"+string(s.brand)+"/write_keys", `{"name":"Shop"}`, "Authorization", s.bearer).want(201).read(&s.key)
	now := w.clock.Now()
	s.product, s.variant = s.product.Next(now), s.variant.Next(now)
	w.exec(`INSERT INTO products (id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1, $2, 'Pan', '', 'home', 'EUR', 1, 1)`, s.product, s.brand)
	w.exec(`INSERT INTO variants (id, product_id, brand_id, title, sku, price_minor, currency, created_at, updated_at)
		VALUES ($1, $2, $3, '26 cm', 'PAN-26', 2999, 'EUR', 1, 1)`, s.variant, s.product, s.brand)
	return s
}

func (s site) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(s.key.Secret+":"))
}

// kinds counts what was logged, by type.
func (w *feedWorld) kinds() map[event.Type]int {
	w.t.Helper()
	kinds := map[event.Type]int{}
	for _, e := range w.logged() {
		kinds[e.Type]++
	}
	return kinds
}

func TestSegmentCalls(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop := w.site("pans")
		n := 0
		for path, want := range map[string]event.Type{"t": event.ProductClick, "track": event.ProductClick, "p": event.Page, "page": event.Page, "i": event.Identify,
			"identify": event.Identify, "s": event.Screen, "screen": event.Screen, "g": event.Group, "group": event.Group, "a": event.Alias, "alias": event.Alias} {
			n++
			before := w.kinds()[want]
			body := fmt.Sprintf(`{"event":"Product Clicked","anonymousId":"a","messageId":"m%d","writeKey":%q}`, n, shop.key.Secret)
			a := w.do("POST", "/v1/"+path, body, "Content-Type", "text/plain").want(200)
			if got := strings.TrimSpace(a.Body.String()); got != `{"success":true}` {
				t.Errorf("%s: answered %s", path, got)
			}
			if a.Header().Get("Set-Cookie") != "" || a.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: headers %v", path, a.Header())
			}
			if got := w.kinds()[want]; got != before+1 {
				t.Errorf("%s: %d events of %s, want one more than %d", path, got, want, before)
			}
		}
		for _, path := range []string{"b", "batch"} {
			n++
			body := fmt.Sprintf(`{"batch":[{"type":"track","event":"Product Added","userId":"u","messageId":"m%d"},{"type":"?"}]}`, n)
			w.do("POST", "/v1/"+path, body, "Authorization", shop.basic()).want(200)
		}
		if got := w.kinds()[event.AddToCart]; got != 2 {
			t.Errorf("%d added to carts, want 2", got)
		}
		// Repeats, of one message and within a request.
		twice := `{"batch":[{"type":"page","userId":"u","messageId":"again"},{"type":"page","userId":"u","messageId":"again"}]}`
		before := len(w.logged())
		w.do("POST", "/v1/b", twice, "Authorization", shop.basic()).want(200)
		w.do("POST", "/v1/b", twice, "Authorization", shop.basic()).want(200)
		if got := len(w.logged()); got != before+1 {
			t.Errorf("a page told four times is logged %d times", got-before)
		}
	})
}

func TestSegmentEventsAreTheBrandsOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop, rival := w.site("pans"), w.site("pots")
		video := w.video(w.creator(w.person()), "home", shop.store)
		w.exec(`UPDATE variants SET gtin = '4006381333931' WHERE id = $1`, string(shop.variant))
		w.exec(`UPDATE variants SET gtin = '96385074' WHERE id = $1`, string(rival.variant))
		var unknown id.Product
		unknown = unknown.Next(c.Now())
		for name, x := range map[string]struct {
			properties string
			product    id.Product
			flags      event.Flags
		}{
			"our id":            {fmt.Sprintf(`{"product_id":%q}`, shop.product), shop.product, 0},
			"our variant":       {fmt.Sprintf(`{"product_id":%q}`, shop.variant), shop.product, 0},
			"its SKU":           {`{"sku":"PAN-26","product_id":"811"}`, shop.product, 0},
			"a SKU as the id":   {`{"product_id":"PAN-26"}`, shop.product, 0},
			"its GTIN":          {`{"gtin":"4006381333931","product_id":"811"}`, shop.product, 0},
			"a GTIN as the id":  {`{"product_id":"4006381333931"}`, shop.product, 0},
			"another's GTIN":    {`{"product_id":"96385074"}`, "", 0},
			"a list":            {`{"products":[{"sku":"PAN-26"},{"product_id":"4006381333931"}]}`, shop.product, 0},
			"another SKU":       {`{"sku":"PAN-99"}`, "", 0},
			"nothing":           {`{}`, "", 0},
			"odd text":          {`{"sku":"\u0000","product_id":"` + "\xff" + `"}`, "", 0},
			"a long SKU":        {`{"sku":"` + strings.Repeat("a", 9999) + `"}`, "", 0},
			"another's product": {fmt.Sprintf(`{"product_id":%q}`, rival.product), "", event.Foreign},
			"another's variant": {fmt.Sprintf(`{"sku":"PAN-26","variant":%q}`, rival.variant), shop.product, event.Foreign},
			"no such product":   {fmt.Sprintf(`{"product_id":%q}`, unknown), "", event.Foreign},
			"a creator's video": {fmt.Sprintf(`{"sku":"PAN-26","video_id":%q}`, video), shop.product, 0},
		} {
			known := map[string]bool{}
			for u := range w.logged() {
				known[u.String()] = true
			}
			body := fmt.Sprintf(`{"event":"Product Clicked","anonymousId":"a","messageId":%q,"properties":%s,"writeKey":%q}`, name, x.properties, shop.key.Secret)
			for range 2 { // from SQL, then from memory
				w.do("POST", "/v1/track", body, "User-Agent", "Mozilla/5.0").want(200)
				body = strings.Replace(body, `"messageId":"`, `"messageId":"again `, 1)
			}
			for u, e := range w.logged() {
				if known[u.String()] {
					continue
				}
				if e.Product != x.product || e.Flags != x.flags || e.Brand != shop.brand || e.Viewer != "" || e.Creator != "" || e.Earns() || e.Namespace != shop.key.ID {
					t.Errorf("%s: logged as %+v", name, e)
				}
			}
		}
	})
}

func TestSegmentRefusals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop := w.site("pans")
		var gone account.WriteKey
		w.do("POST", "/api/v1/brands/"+string(shop.brand)+"/write_keys", `{"name":"Old"}`, "Authorization", shop.bearer).want(201).read(&gone)
		page := func(key string) string {
			return fmt.Sprintf(`{"userId":"u","writeKey":%q}`, key)
		}
		w.do("POST", "/v1/p", page(gone.Secret)).want(200)
		w.do("DELETE", "/api/v1/brands/"+string(shop.brand)+"/write_keys/"+string(gone.ID), "", "Authorization", shop.bearer).want(204)
		before := len(w.logged())
		for name, key := range map[string]string{"none": "", "a revoked one": gone.Secret, "a forged one": "mzw_" + strings.Repeat("A", len(gone.Secret)-4),
			"its id": string(shop.key.ID), "a session": strings.TrimPrefix(shop.bearer, "Bearer "), "a long one": strings.Repeat("x", 9999)} {
			w.do("POST", "/v1/p", page(key)).problem(401, "unauthorized")
			w.do("POST", "/v1/p", page(shop.key.Secret), "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(key+":"))).problem(401, "unauthorized")
			if t.Failed() {
				t.Fatalf("the key was %s", name)
			}
		}
		for name, body := range map[string]string{"not JSON": `{`, "a list": `[]`, "text": `"x"`, "empty": ``} {
			for _, path := range []string{"/v1/p", "/v1/batch"} {
				if got := w.do("POST", path, body, "Authorization", shop.basic()).Code; got != 400 {
					t.Errorf("%s to %s: %d, want 400", name, path, got)
				}
			}
		}
		bomb := squeezed(t, []byte(`{"batch":[],"x":"`+strings.Repeat("a", 50<<20)+`"}`))
		if got := w.do("POST", "/v1/batch", string(bomb), "Authorization", shop.basic(), "Content-Encoding", "gzip").Code; got != 413 || len(bomb) > 100<<10 {
			t.Errorf("a gzip bomb of %d bytes: %d, want 413", len(bomb), got)
		}
		if got := w.do("POST", "/v1/batch", `{"batch":[]}`, "Authorization", shop.basic(), "Content-Encoding", "gzip").Code; got != 400 {
			t.Errorf("what is said to be gzip and is not: %d, want 400", got)
		}
		if got := len(w.logged()); got != before {
			t.Errorf("%d events were logged by refused requests", got-before)
		}
		packed := squeezed(t, []byte(`{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"u"}]}`))
		w.do("POST", "/v1/batch", string(packed), "Authorization", shop.basic(), "Content-Encoding", "gzip").want(200)
		if got := len(w.logged()); got != before+2 {
			t.Errorf("a packed batch of 2 logged %d", got-before)
		}
	})
}

func squeezed(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(body)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A page of another site asks before it sends a write key.
func TestSegmentPreflight(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		r := httptest.NewRequest("OPTIONS", "/v1/b", nil)
		r.Header.Set("Origin", "https://pans.example")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-retry-count")
		a := httptest.NewRecorder()
		w.api.ServeHTTP(a, r)
		allowed := strings.ToLower(a.Header().Get("Access-Control-Allow-Headers"))
		if a.Code != 204 || a.Header().Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "*") {
			t.Errorf("%d with %v", a.Code, a.Header())
		}
	})
}

// A key that tells too much is refused whole and keeps nothing of it; another one is not slowed.
func TestSegmentWriteKeysHaveARate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c, func(_ *Deps, _ *account.Options, o *Options) { o.Unlimited = false })
		shop, rival := w.site("pans"), w.site("pots")
		list := `{"batch":[` + strings.TrimSuffix(strings.Repeat(`{"type":"page","userId":"u"},`, event.MaxMessages), ",") + `]}`
		for range WriteKeyBurst / event.MaxMessages {
			w.do("POST", "/v1/b", list, "Authorization", shop.basic()).want(200)
		}
		before := w.feed.Stats()
		a := w.do("POST", "/v1/b", list, "Authorization", shop.basic()).want(429)
		a.problem(429, "limited")
		if a.Header().Get("Retry-After") != "1" || w.feed.Stats() != before {
			t.Errorf("refused with %v; told %+v after %+v", a.Header(), w.feed.Stats(), before)
		}
		w.do("POST", "/v1/b", `{"batch":[{"type":"page","userId":"u"}]}`, "Authorization", rival.basic()).want(200)
		c.Advance(event.MaxMessages * WriteKeyEvery)
		w.do("POST", "/v1/b", list, "Authorization", shop.basic()).want(200)
	})
}

func TestSegmentStats(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newFeedWorld(t, d, c)
		shop := w.site("pans")
		body := `{"batch":[{"type":"page","userId":"u","messageId":"1"},{"type":"page","userId":"u","messageId":"1"},{"type":"?"},
			{"type":"page","userId":"u","context":{"consent":{"analytics":false}}}]}`
		w.do("POST", "/v1/b", body, "Authorization", shop.basic()).want(200)
		if got := (w.feed.Stats()); got != (feed.Stats{Accepted: 1, Duplicates: 1, Rejected: 1, Denied: 1}) {
			t.Errorf("%+v", got)
		}
		var schema struct{ Paths map[string]json.RawMessage }
		w.do("GET", "/api/openapi.json", "").want(200).read(&schema)
		for _, call := range segmentCalls {
			if schema.Paths["/v1/"+call.path] == nil || schema.Paths["/v1/"+call.short] == nil {
				t.Errorf("%s is not in the contract", call.path)
			}
		}
	})
}
