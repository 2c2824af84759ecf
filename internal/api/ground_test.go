package api

import (
	"strings"
	"testing"

	"mezzo/internal/db/dbtest"
)

func TestGround(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newWorld(t, d, c)
	w.do("GET", "/api/v1/nowhere", "").problem(404, "missing")
	a := w.do("DELETE", "/api/v1/accounts", "")
	a.problem(405, "method_not_allowed")
	if strings.Join(a.Header().Values("Allow"), " ") != "GET HEAD POST" {
		t.Errorf("Allow is %q", a.Header().Get("Allow"))
	}
	w.do("POST", "/api/v1/accounts", "{").problem(400, "malformed")
	p := w.do("POST", "/api/v1/accounts", `{"email": 7}`).problem(422, "invalid")
	if len(p.Errors) < 2 {
		t.Errorf("errors are %v", p.Errors)
	}
	w.do("POST", "/api/v1/accounts", `{"x":"`+strings.Repeat("x", MaxBody)+`"}`).problem(413, "too_large")
	w.do("POST", "/api/v1/viewers", "").want(201)
	w.do("POST", "/api/v1/accounts", `{"email":"ada@example.com","password":"correct horse","display_name":"Ada","unknown":1}`).want(201)
}
