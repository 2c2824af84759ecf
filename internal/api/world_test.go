package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
)

// world is a served API over a fresh database.
type world struct {
	t        testing.TB
	d        *db.DB
	clock    *clock.Turned
	accounts *account.Accounts
	api      *API
	logged   *bytes.Buffer
}

// newWorld serves an API over d; change may turn on limits and fill in what other rooms need.
func newWorld(t testing.TB, d *db.DB, c *clock.Turned, change ...func(*Deps, *account.Options, *Options)) *world {
	t.Helper()
	keys, err := account.LoadKeys(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, d: d, clock: c, logged: &bytes.Buffer{}}
	people := account.Options{Passwords: account.Cheap}
	opts := Options{Clock: c, Version: "test", Unlimited: true, Log: slog.New(slog.NewTextHandler(w.logged, nil))}
	deps := Deps{}
	for _, f := range change {
		f(&deps, &people, &opts)
	}
	w.accounts = account.New(d, keys, people)
	deps.Accounts = w.accounts
	w.api = New(deps, opts)
	return w
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// do sends one request; headers come in pairs of name and value.
func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	var r *http.Request
	if body == "" {
		r = httptest.NewRequest(method, path, nil)
	} else {
		r = httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	return answer{rec, w.t}
}

// read decodes the body.
func (a answer) read(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Body.Bytes(), v); err != nil {
		a.t.Fatalf("decode %q: %v", a.Body.String(), err)
	}
}

// want checks the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("got %d, want %d: %s", a.Code, status, a.Body.String())
	}
	return a
}

// problem checks that the answer is a whole problem document of the kind.
func (a answer) problem(status int, kind string) Problem {
	a.t.Helper()
	a.want(status)
	var p Problem
	a.read(&p)
	if got := a.Header().Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("content type %q", got)
	}
	if p.Type != "/problems/"+kind || p.Status != status || p.Title == "" || p.Detail == "" {
		a.t.Errorf("not the problem %d %s: %s", status, kind, a.Body.String())
	}
	return p
}

// signUp makes an account and returns its Authorization header's value.
func (w *world) signUp(email string) (bearer string) {
	w.t.Helper()
	var got struct{ Token string }
	w.do("POST", "/api/v1/accounts", `{"email":"`+email+`","password":"correct horse","display_name":"Somebody"}`).want(201).read(&got)
	return "Bearer " + got.Token
}
