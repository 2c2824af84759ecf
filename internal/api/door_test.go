package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
)

// echo adds a route that says who asks.
func (w *world) echo(r Route) {
	register(w.api, r, func(ctx context.Context, _ *None) (*Output[map[string]string], error) {
		who := asker(ctx)
		return ok(map[string]string{"viewer": string(who.Viewer), "account": string(who.Account), "actor": who.Actor(), "ip": who.IP}), nil
	})
}

func (w *world) who(headers ...string) map[string]string {
	w.t.Helper()
	var got map[string]string
	w.do("GET", "/api/v1/test/who", "", headers...).want(200).read(&got)
	return got
}

// cookies returns the cookies an answer sets, by name.
func (a answer) cookies() map[string]*http.Cookie {
	out := map[string]*http.Cookie{}
	for _, c := range a.Result().Cookies() {
		if out[c.Name] != nil {
			a.t.Errorf("the cookie %s is set twice", c.Name)
		}
		out[c.Name] = c
	}
	return out
}

func jar(cookies ...*http.Cookie) string {
	var parts []string
	for _, c := range cookies {
		if c != nil && c.MaxAge >= 0 {
			parts = append(parts, c.Name+"="+c.Value)
		}
	}
	return strings.Join(parts, "; ")
}

func TestViewersAtTheDoor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		w.echo(Route{Method: "GET", Path: "/test/who", Who: Viewer, AnyToken: true, Summary: "Who asks"})

		// A browser gets a cookie once and keeps its viewer.
		first := w.do("GET", "/api/v1/test/who", "").want(200)
		cookie := first.cookies()[account.ViewerCookie]
		if cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Secure {
			t.Fatalf("cookie %v", cookie)
		}
		var me map[string]string
		first.read(&me)
		again := w.do("GET", "/api/v1/test/who", "", "Cookie", jar(cookie)).want(200)
		var back map[string]string
		again.read(&back)
		if back["viewer"] != me["viewer"] || len(again.cookies()) != 0 {
			t.Errorf("came back as %v with %v", back, again.cookies())
		}

		// An app is given a token; forged and cut ones are told so, false cookies are replaced.
		var app struct {
			Viewer id.Viewer
			Token  string `json:"viewer_token"`
		}
		w.do("POST", "/api/v1/viewers", "").want(201).read(&app)
		if got := w.who(account.ViewerHeader, app.Token); got["viewer"] != string(app.Viewer) {
			t.Errorf("the app is %v", got)
		}
		forged := "vwr_" + strings.Repeat("0", 26) + app.Token[strings.Index(app.Token, "."):]
		for _, bad := range []string{forged, string(app.Viewer), app.Token[:40], "x", strings.Repeat("x", 5000)} {
			w.do("GET", "/api/v1/test/who", "", account.ViewerHeader, bad).problem(401, "unauthorized")
		}
		if w.do("GET", "/api/v1/test/who", "", "Cookie", account.ViewerCookie+"="+forged).want(200).cookies()[account.ViewerCookie] == nil {
			t.Error("a forged cookie is left in place")
		}

		c.Advance(account.ViewerLife + time.Hour)
		w.do("GET", "/api/v1/test/who", "", account.ViewerHeader, app.Token).problem(401, "unauthorized")
	})
}

// Signing up joins the viewer; nobody else gets it by presenting its token.
func TestViewersAreJoined(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		w.echo(Route{Method: "GET", Path: "/test/who", Who: Viewer, Summary: "Who asks"})
		type minted struct {
			Viewer id.Viewer
			Token  string `json:"viewer_token"`
		}
		var app, phone minted
		w.do("POST", "/api/v1/viewers", "").want(201).read(&app)
		var ada, bob struct {
			Account account.Account
			Token   string
		}
		w.do("POST", "/api/v1/accounts", `{"email":"ada@example.com","password":"correct horse","display_name":"Ada"}`,
			account.ViewerHeader, app.Token).want(201).read(&ada)
		w.do("POST", "/api/v1/accounts", `{"email":"bob@example.com","password":"correct horse","display_name":"Bob"}`).want(201).read(&bob)
		if got := w.who("Authorization", "Bearer "+ada.Token); got["viewer"] != string(app.Viewer) {
			t.Errorf("ada without a viewer token is %v, was %s", got, app.Viewer)
		}
		borrowed := w.who("Authorization", "Bearer "+bob.Token, account.ViewerHeader, app.Token)
		if borrowed["viewer"] == string(app.Viewer) || borrowed["viewer"] == "" {
			t.Errorf("bob borrowed ada's viewer: %v", borrowed)
		}
		// Ada's phone, a viewer of its own until now, becomes hers.
		w.do("POST", "/api/v1/viewers", "").want(201).read(&phone)
		for range 2 {
			if got := w.who("Authorization", "Bearer "+ada.Token, account.ViewerHeader, phone.Token); got["viewer"] != string(phone.Viewer) {
				t.Errorf("her phone is %v", got)
			}
		}
		joined, err := db.Get(context.Background(), d, func(tx *db.Tx) (id.Account, error) { return account.AccountOf(tx, phone.Viewer) })
		if err != nil || joined != ada.Account.ID {
			t.Errorf("the phone belongs to %q, %v", joined, err)
		}
	})
}

func TestBrowserSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		w.echo(Route{Method: "GET", Path: "/test/who", Who: Viewer, Summary: "Who asks"})
		guest := w.do("GET", "/api/v1/test/who", "").want(200)
		a := w.do("POST", "/api/v1/accounts", `{"email":"ada@example.com","password":"correct horse","display_name":"Ada"}`,
			"Cookie", jar(guest.cookies()[account.ViewerCookie]), "Sec-Fetch-Site", "same-origin").want(201)
		session, viewer := a.cookies()[account.SessionCookie], a.cookies()[account.ViewerCookie]
		if session == nil || !session.HttpOnly || session.SameSite != http.SameSiteLaxMode || session.MaxAge != int(account.SessionLife/time.Second) {
			t.Fatalf("session cookie %v", session)
		}
		if viewer == nil || viewer.Value != guest.cookies()[account.ViewerCookie].Value {
			t.Errorf("the guest's viewer was not kept: %v", viewer)
		}
		cookies := jar(session, viewer)
		if got := w.who("Cookie", cookies); got["account"] == "" {
			t.Fatalf("%v", got)
		}
		// Another site's page may not act with her cookies; her own may, and so may programs.
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			p := w.do("POST", "/api/v1/brands", `{"name":"x","country":"US","currency":"USD"}`, append(headers, "Cookie", cookies)...).problem(403, "forbidden")
			if !strings.Contains(p.Detail, "another site") {
				t.Error(p.Detail)
			}
		}
		// A browser adds the password of a proxy in front to every page's requests: that is nobody's word.
		w.do("POST", "/api/v1/brands", `{"name":"x","country":"US","currency":"USD"}`, "Authorization", "Basic YTpi", "Sec-Fetch-Site", "same-site", "Cookie", cookies).problem(403, "forbidden")
		w.do("POST", "/api/v1/sessions", `{"email":"ada@example.com","password":"correct horse"}`, "Sec-Fetch-Site", "cross-site").problem(403, "forbidden")
		w.do("POST", "/api/v1/brands", `{"name":"x","country":"US","currency":"USD"}`, "Cookie", cookies, "Sec-Fetch-Site", "same-origin").want(201)
		w.do("POST", "/api/v1/brands", `{"name":"x","country":"US","currency":"USD"}`, "Cookie", cookies, "Origin", "http://example.com").want(201)
		w.do("GET", "/api/v1/me", "", "Cookie", cookies, "Sec-Fetch-Site", "cross-site").want(200)
		w.do("POST", "/api/v1/brands", `{"name":"x","country":"US","currency":"USD"}`, "Authorization", "Bearer "+session.Value, "Sec-Fetch-Site", "cross-site").want(201)

		// Signing out ends the session and begins a new viewer.
		out := w.do("DELETE", "/api/v1/sessions/current", "", "Cookie", cookies).want(204)
		if out.cookies()[account.SessionCookie].MaxAge >= 0 || out.cookies()[account.ViewerCookie].Value == viewer.Value {
			t.Errorf("after signing out: %v", out.cookies())
		}
		w.do("GET", "/api/v1/me", "", "Cookie", cookies).problem(401, "unauthorized")
		stale := w.do("GET", "/api/v1/test/who", "", "Cookie", cookies).want(200)
		if c := stale.cookies()[account.SessionCookie]; c == nil || c.MaxAge >= 0 {
			t.Error("a stale session cookie is left in place")
		}
		w.do("GET", "/api/v1/test/who", "", "Authorization", "Bearer "+session.Value).problem(401, "unauthorized")
	})
}

func TestBadBearersAreNoStrangers(t *testing.T) {
	w := lite(t)
	w.echo(Route{Method: "GET", Path: "/test/who", Who: Public, Summary: "Who asks"})
	for _, bad := range []string{"Bearer", "Bearer x", "Bearer mzs_" + strings.Repeat("A", 43), "bearer mzo_" + strings.Repeat("A", 43), "Bearer " + strings.Repeat("x", 10_000)} {
		a := w.do("GET", "/api/v1/test/who", "", "Authorization", bad)
		a.problem(401, "unauthorized")
		if a.Header().Get("WWW-Authenticate") == "" {
			t.Error("401 without WWW-Authenticate")
		}
	}
	w.api.raw(Route{Method: "POST", Path: "/test/own", Who: Public, OwnAuth: true, Summary: "Own keys"},
		func(rw http.ResponseWriter, r *http.Request) error {
			rw.Write([]byte(r.Header.Get("Authorization")))
			return nil
		})
	if got := w.do("POST", "/api/v1/test/own", "", "Authorization", "Bearer streamkey").want(200).Body.String(); got != "Bearer streamkey" {
		t.Errorf("the route with keys of its own got %q", got)
	}
}

func TestScopes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		for path, r := range map[string]Route{
			"/test/orders":             {Who: Account, Scope: account.OrdersRead},
			"/test/plain":              {Who: Account},
			"/test/any":                {Who: Account, AnyToken: true},
			"/brands/{id}/test/orders": {Who: Brand, Scope: account.OrdersRead},
			"/brands/{id}/test/stock":  {Who: Brand, Scope: account.CatalogWrite},
		} {
			r.Method, r.Path, r.Summary = "GET", path, "Test"
			w.echo(r)
		}
		bearer := w.signUp("ada@example.com")
		var brand, other account.Brand
		w.do("POST", "/api/v1/brands", `{"name":"x","country":"US","currency":"USD"}`, "Authorization", bearer).want(201).read(&brand)
		w.do("POST", "/api/v1/brands", `{"name":"y","country":"US","currency":"USD"}`, "Authorization", w.signUp("bob@example.com")).want(201).read(&other)
		var mine, brands account.Token
		w.do("POST", "/api/v1/me/tokens", `{"name":"m","scopes":["orders:read"]}`, "Authorization", bearer).want(201).read(&mine)
		w.do("POST", "/api/v1/brands/"+string(brand.ID)+"/tokens", `{"name":"b","scopes":["orders:read"]}`, "Authorization", bearer).want(201).read(&brands)
		at := func(b id.Brand, rest string) string { return "/api/v1/brands/" + string(b) + rest }
		for _, x := range []struct {
			token  string
			path   string
			status int
		}{
			{mine.Secret, "/api/v1/test/orders", 200}, {mine.Secret, "/api/v1/test/plain", 403}, {mine.Secret, "/api/v1/test/any", 200},
			{mine.Secret, at(brand.ID, "/test/orders"), 200}, {mine.Secret, at(brand.ID, "/test/stock"), 403}, {mine.Secret, at(other.ID, "/test/orders"), 404},
			{brands.Secret, "/api/v1/test/orders", 403}, {brands.Secret, "/api/v1/test/any", 403},
			{brands.Secret, at(brand.ID, "/test/orders"), 200}, {brands.Secret, at(brand.ID, "/test/stock"), 403}, {brands.Secret, at(other.ID, "/test/orders"), 404},
			{brands.Secret, at(brand.ID, "/tokens"), 403}, {mine.Secret, "/api/v1/me/tokens", 403}, {mine.Secret, "/api/v1/me", 200}, {mine.Secret, "/api/v1/me/export", 403},
		} {
			w.do("GET", x.path, "", "Authorization", "Bearer "+x.token).want(x.status)
		}
		w.do("DELETE", "/api/v1/brands/"+string(brand.ID)+"/tokens/"+string(brands.ID), "", "Authorization", bearer).want(204)
		w.do("GET", at(brand.ID, "/test/orders"), "", "Authorization", "Bearer "+brands.Secret).problem(401, "unauthorized")
	})
}

func TestCORS(t *testing.T) {
	w := lite(t)
	w.echo(Route{Method: "POST", Path: "/test/events", Who: Public, CORS: true, Idempotency: Ignored, Summary: "Take events"})
	a := w.do("OPTIONS", "/api/v1/test/events", "", "Origin", "https://brand.example", "Access-Control-Request-Method", "POST").want(204)
	if a.Header().Get("Access-Control-Allow-Origin") != "*" || a.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", a.Header())
	}
	if got := w.do("POST", "/api/v1/test/events", "", "Origin", "https://brand.example").want(200).Header().Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("%q", got)
	}
	if got := w.do("OPTIONS", "/api/v1/brands", "", "Origin", "https://brand.example").Header().Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("another route lets other sites in: %q", got)
	}
}

// What shared caches may keep gives nobody's viewer to the next person.
func TestCachesKeepNoCookies(t *testing.T) {
	w := lite(t)
	w.api.Handle("GET /media/{name}", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		if r.PathValue("name") == "late" {
			rw.WriteHeader(200)
		}
		rw.Write([]byte("bytes"))
	}))
	w.api.Handle("GET /page", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Write([]byte(asker(r.Context()).Viewer))
	}))
	for _, path := range []string{"/media/early", "/media/late"} {
		if got := w.do("GET", path, "").want(200).Header().Get("Set-Cookie"); got != "" {
			t.Errorf("%s sets %s", path, got)
		}
	}
	page := w.do("GET", "/page", "").want(200)
	if c := page.cookies()[account.ViewerCookie]; c == nil || !strings.HasPrefix(c.Value, page.Body.String()+".") {
		t.Errorf("the page is shown to %s with %v", page.Body.String(), c)
	}
	w.api.Handle("POST /form", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(204) }))
	w.do("POST", "/form", "", "Authorization", "Basic YTpi", "Sec-Fetch-Site", "cross-site").want(403)
	w.do("POST", "/form", "", "Sec-Fetch-Site", "cross-site").want(403)
	w.do("POST", "/form", "", "Sec-Fetch-Site", "same-origin").want(204)
}

func TestRates(t *testing.T) {
	w := lite(t, func(_ *Deps, _ *account.Options, o *Options) { o.Unlimited = false })
	limited := 0
	for range GeneralBurst + 10 {
		a := w.do("POST", "/api/v1/viewers", "")
		if a.Code == 429 {
			a.problem(429, "limited")
			if a.Header().Get("Retry-After") != "1" {
				t.Fatalf("Retry-After %q", a.Header().Get("Retry-After"))
			}
			limited++
		}
	}
	if limited != 10 {
		t.Errorf("%d limited", limited)
	}
	w.clock.Advance(GeneralEvery)
	w.do("POST", "/api/v1/viewers", "").want(201)
	w.do("POST", "/api/v1/viewers", "").problem(429, "limited")

	// Signing in, by the door that people use.
	w = lite(t)
	w.signUp("ada@example.com")
	for i := range 12 {
		a := w.do("POST", "/api/v1/sessions", `{"email":"ada@example.com","password":"wrong horse"}`)
		if i < 10 {
			a.problem(401, "wrong_password")
			continue
		}
		a.problem(429, "limited")
		if a.Header().Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
	w.clock.Advance(time.Minute)
	w.do("POST", "/api/v1/sessions", `{"email":"ada@example.com","password":"correct horse"}`).want(201)
}

func TestWhereFrom(t *testing.T) {
	for _, x := range []struct {
		trust          bool
		remote, header string
		want           string
	}{
		{false, "192.0.2.77:1", "198.51.100.9", "192.0.2.0"},
		{true, "192.0.2.77:1", "10.0.0.1, 198.51.100.9", "198.51.100.0"},
		{true, "192.0.2.77:1", "", "192.0.2.0"},
		{true, "192.0.2.77:1", "junk", ""},
		{false, "[2001:db8:1:2:3::4]:1", "", "2001:db8:1::"},
		{false, "[::ffff:192.0.2.77]:1", "", "192.0.2.0"},
		{false, "@", "", ""},
	} {
		w := lite(t, func(_ *Deps, _ *account.Options, o *Options) { o.TrustProxy = x.trust })
		w.echo(Route{Method: "GET", Path: "/test/who", Who: Public, Summary: "Who asks"})
		r := httptest.NewRequest("GET", "/api/v1/test/who", nil)
		r.RemoteAddr = x.remote
		if x.header != "" {
			r.Header.Set("X-Forwarded-For", x.header)
		}
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		var got map[string]string
		answer{rec, t}.want(200).read(&got)
		if got["ip"] != x.want {
			t.Errorf("%+v: %q", x, got["ip"])
		}
	}
}
