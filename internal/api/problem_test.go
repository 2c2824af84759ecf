package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
)

// lite is a world on SQLite, for what no database has a say in.
func lite(t testing.TB, change ...func(*Deps, *account.Options, *Options)) *world {
	t.Helper()
	d, c := dbtest.SQLite(t)
	return newWorld(t, d, c, change...)
}

type failInput struct {
	Kind string `query:"kind"`
	N    int64  `query:"n" minimum:"0" maximum:"20"`
}

func TestEveryFaultBecomesItsProblem(t *testing.T) {
	w := lite(t)
	register(w.api, Route{Method: "GET", Path: "/test/fail", Who: Public, Summary: "Fail"},
		func(_ context.Context, in *failInput) (*None, error) {
			return nil, fmt.Errorf("deep inside: %w", fault.Wrap(fault.Kind(in.Kind), errors.New("secret cause"), "It went wrong.").After(1500*time.Millisecond))
		})
	for _, o := range outcomes {
		a := w.do("GET", "/api/v1/test/fail?kind="+string(o.kind), "")
		p := a.problem(o.status, string(o.kind))
		if strings.Contains(a.Body.String(), "secret") || o.kind != fault.Internal && p.Detail != "It went wrong." {
			t.Errorf("%s: detail %q", o.kind, p.Detail)
		}
		if a.Header().Get("Retry-After") != "2" {
			t.Errorf("%s: Retry-After %q", o.kind, a.Header().Get("Retry-After"))
		}
		page := w.do("GET", "/problems/"+string(o.kind), "").want(200)
		if !strings.Contains(page.Body.String(), fmt.Sprint(o.status)) {
			t.Errorf("the page of %s does not name its status", o.kind)
		}
	}
	if !strings.Contains(w.logged.String(), "secret cause") {
		t.Error("the cause is not in the log")
	}
	w.do("GET", "/problems/%3Cscript%3E", "").problem(404, "missing")
}

func TestPanicsAreToldToNobody(t *testing.T) {
	w := lite(t)
	register(w.api, Route{Method: "POST", Path: "/test/panic", Who: Public, Summary: "Panic"},
		func(context.Context, *None) (*None, error) { panic("wires crossed") })
	w.api.raw(Route{Method: "GET", Path: "/test/half", Who: Public, Summary: "Panic half-way"},
		func(rw http.ResponseWriter, _ *http.Request) error {
			rw.Write([]byte("half"))
			panic("wires crossed later")
		})
	a := w.do("POST", "/api/v1/test/panic", "")
	a.problem(500, "internal")
	if strings.Contains(a.Body.String(), "wires") || strings.Contains(a.Body.String(), ".go") {
		t.Errorf("told: %s", a.Body.String())
	}
	if log := w.logged.String(); !strings.Contains(log, "wires crossed") || !strings.Contains(log, a.Header().Get("X-Request-Id")) {
		t.Errorf("the log does not help: %s", log)
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("a half-written answer was passed off as whole")
		}
	}()
	w.do("GET", "/api/v1/test/half", "")
}

type strictInput struct {
	Body struct {
		Quantity int64    `json:"quantity" minimum:"1" maximum:"20"`
		Names    []string `json:"names,omitempty" maxItems:"2"`
		Amount   int64    `json:"amount,omitempty"`
	}
}

func TestBadBodies(t *testing.T) {
	w := lite(t)
	register(w.api, Route{Method: "POST", Path: "/test/strict", Who: Public, Summary: "Be strict"},
		func(_ context.Context, in *strictInput) (*Output[strictInput], error) { return ok(*in), nil })
	register(w.api, Route{Method: "POST", Path: "/test/small", Who: Public, Summary: "Be small", MaxBody: 100},
		func(_ context.Context, in *strictInput) (*None, error) { return nil, nil })
	const path = "/api/v1/test/strict"
	for body, want := range map[string]struct {
		status   int
		kind     string
		location string
	}{
		`{`:                             {400, "malformed", "body"},
		`{"quantity":1}}`:               {400, "malformed", "body"},
		`quantity=1`:                    {400, "malformed", "body"},
		`{"quantity":1,"x":"\u0000"}`:   {400, "malformed", "body"},
		``:                              {400, "malformed", ""},
		`null`:                          {422, "invalid", "body"},
		`[]`:                            {422, "invalid", "body"},
		`{}`:                            {422, "invalid", "body"},
		`{"quantity":"1"}`:              {422, "invalid", "body.quantity"},
		`{"quantity":1.5}`:              {422, "invalid", "body.quantity"},
		`{"quantity":1.0}`:              {422, "invalid", "body"},
		`{"quantity":1e1}`:              {422, "invalid", "body"},
		`{"quantity":0}`:                {422, "invalid", "body.quantity"},
		`{"quantity":-3}`:               {422, "invalid", "body.quantity"},
		`{"quantity":1e308}`:            {422, "invalid", "body.quantity"},
		`{"quantity":null}`:             {422, "invalid", "body.quantity"},
		`{"quantity":2,"names":["",3]}`: {422, "invalid", "body.names[1]"},
		`{"quantity":2,"amount":9223372036854775808}`: {422, "invalid", "body"},
		`{"quantity":2,"names":["a","b","c"]}`:        {422, "invalid", "body.names"},
		strings.Repeat(`[`, 100_000):                  {400, "malformed", "body"},
	} {
		p := w.do("POST", path, body, "Content-Type", "application/json").problem(want.status, want.kind)
		if want.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != want.location) {
			t.Errorf("%s: errors %v, want one at %q", body[:min(len(body), 60)], p.Errors, want.location)
		}
	}
	// Unknown fields are the next version's; a backslash before u0000 is text.
	var got struct{ Body struct{ Quantity int64 } }
	w.do("POST", path, `{"quantity":3,"colour":{"of":"\\u0000"}}`).want(200).read(&got)
	w.do("POST", path, `{"quantity":3}`, "Content-Type", "text/plain").problem(415, "unsupported_media_type")
	w.do("POST", path, `<q/>`, "Content-Type", "application/xml").problem(415, "unsupported_media_type")
	w.do("GET", "/api/v1/creators/%00", "").problem(400, "malformed")
	w.do("GET", "/api/v1/creators/x?q=%ff", "").problem(400, "malformed")

	pad := func(n int) string {
		return `{"quantity":1,"x":"` + strings.Repeat("x", n-len(`{"quantity":1,"x":""}`)) + `"}`
	}
	w.do("POST", "/api/v1/test/small", pad(100)).want(204)
	w.do("POST", "/api/v1/test/small", pad(101)).problem(413, "too_large")
	w.do("POST", path, pad(MaxBody)).want(200)
	w.do("POST", path, pad(MaxBody+1)).problem(413, "too_large")
	w.do("POST", path, pad(MaxBody+1), "Idempotency-Key", "k").problem(413, "too_large")
	r := httptest.NewRequest("POST", path, onlyReader{strings.NewReader(pad(MaxBody + 1))}) // of unsaid length
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	answer{rec, t}.problem(413, "too_large")
}

type onlyReader struct{ r *strings.Reader }

func (o onlyReader) Read(b []byte) (int, error) { return o.r.Read(b) }

func TestUnknownPathsAndMethods(t *testing.T) {
	w := lite(t)
	for _, path := range []string{"/api/", "/api/v1", "/api/v1/nowhere", "/api/v2/me", "/api/v1/me/", "/api/v1/accounts/x/y"} {
		for _, method := range []string{"GET", "POST", "PURGE"} {
			w.do(method, path, "").problem(404, "missing")
		}
	}
	a := w.do("DELETE", "/api/v1/accounts", "")
	a.problem(405, "method_not_allowed")
	if got := strings.Join(a.Header().Values("Allow"), " "); got != "GET HEAD POST" {
		t.Errorf("Allow is %q", got)
	}
	if a := w.do("HEAD", "/api/v1/nowhere", "").want(404); a.Body.Len() != 0 {
		t.Error("HEAD has a body")
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	w := lite(t)
	for _, path := range []string{"/api/v1/me", "/api/docs", "/api/openapi.json", "/nowhere", "/problems/invalid"} {
		a := w.do("GET", path, "")
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin-when-cross-origin"} {
			if a.Header().Get(header) != want {
				t.Errorf("%s: %s is %q", path, header, a.Header().Get(header))
			}
		}
		if !strings.HasPrefix(a.Header().Get("X-Request-Id"), "req_") || a.Header().Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %v", path, a.Header())
		}
		if policy := a.Header().Get("Content-Security-Policy"); strings.HasPrefix(path, "/api") && !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	r := httptest.NewRequest("GET", "https://shop.example/api/v1/me", nil)
	r.TLS = &tls.ConnectionState{}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	if rec.Header().Get("Strict-Transport-Security") == "" || !strings.Contains(rec.Header().Get("Set-Cookie"), "; Secure") {
		t.Errorf("over TLS: %v", rec.Header())
	}
	if w.do("GET", "/api/v1/me", "").Header().Get("Cache-Control") != "no-store" {
		t.Error("a person's answer may be kept by caches")
	}
	// Queries and secrets stay out of the log.
	w.do("GET", "/api/v1/creators/nobody?secret=hunter2", "", "Authorization", "Bearer mzs_hunter3")
	if log := w.logged.String(); strings.Contains(log, "hunter") {
		t.Errorf("the log tells: %s", log)
	}
}
