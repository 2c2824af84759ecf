package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

func TestRepeatsUnderOneKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		const ada = `{"email":"ada@example.com","password":"correct horse","display_name":"Ada"}`
		var first, again struct {
			Account account.Account
			Token   string
		}
		w.do("POST", "/api/v1/accounts", ada, "Idempotency-Key", "k1").want(201).read(&first)
		a := w.do("POST", "/api/v1/accounts", ada, "Idempotency-Key", "k1").want(201)
		a.read(&again)
		if again.Account != first.Account || again.Token != "" || first.Token == "" {
			t.Errorf("a repeat answers %s", a.Body.String())
		}
		if a.cookies()[account.SessionCookie] != nil {
			t.Error("a repeat signs in")
		}
		w.do("POST", "/api/v1/accounts", strings.Replace(ada, "correct", "battery", 1), "Idempotency-Key", "k1").problem(422, "idempotency_key_reused")

		bearer := "Bearer " + first.Token
		const brand = `{"name":"Nord","country":"DE","currency":"EUR"}`
		var b1, b2 account.Brand
		w.do("POST", "/api/v1/brands", brand, "Authorization", bearer, "Idempotency-Key", "k1").want(201).read(&b1)
		w.do("POST", "/api/v1/brands", brand, "Authorization", bearer, "Idempotency-Key", "k1").want(201).read(&b2)
		if b1 != b2 || b1.ID == "" {
			t.Errorf("a repeat made %v and %v", b1, b2)
		}
		w.do("POST", "/api/v1/brands", strings.Replace(brand, "Nord", "Süd", 1), "Authorization", bearer, "Idempotency-Key", "k1").problem(422, "idempotency_key_reused")
		// Another person's same key is another key; so is it on another route.
		var b3 account.Brand
		w.do("POST", "/api/v1/brands", brand, "Authorization", w.signUp("bob@example.com"), "Idempotency-Key", "k1").want(201).read(&b3)
		if b3.ID == b1.ID {
			t.Error("bob got ada's answer")
		}
		path := "/api/v1/brands/" + string(b1.ID) + "/tokens"
		const token = `{"name":"t","scopes":["catalog:read"]}`
		var t1, t2 account.Token
		w.do("POST", path, token, "Authorization", bearer, "Idempotency-Key", "k1").want(201).read(&t1)
		w.do("POST", path, token, "Authorization", bearer, "Idempotency-Key", "k1").want(201).read(&t2)
		if t2.Secret != "" || t2.ID != t1.ID || t1.Secret == "" {
			t.Errorf("a repeat answers %+v", t2)
		}
		// A refusal leaves the key free.
		w.do("POST", "/api/v1/brands", `{"name":"","country":"DE","currency":"EUR"}`, "Authorization", bearer, "Idempotency-Key", "k2").problem(422, "invalid")
		w.do("POST", "/api/v1/brands", brand, "Authorization", bearer, "Idempotency-Key", "k2").want(201)
		for _, bad := range []string{strings.Repeat("k", 256), "k\u00e4", "k\x7f"} {
			w.do("POST", "/api/v1/brands", brand, "Authorization", bearer, "Idempotency-Key", bad).problem(400, "malformed")
		}
		w.do("POST", "/api/v1/brands", brand, "Authorization", bearer, "Idempotency-Key", strings.Repeat("k", 255)).want(201)
		var kept int
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			return tx.Row(`SELECT COUNT(*) FROM idempotency WHERE answer LIKE '%mzs_%' OR answer LIKE '%mzo_%' OR answer LIKE '%ada@%'`).Scan(&kept)
		})
		if err != nil || kept != 0 {
			t.Errorf("%d stored answers hold a secret or an address, %v", kept, err)
		}
	})
}

// Many repeats at once have one effect and one answer.
func TestRepeatsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		bearer := w.signUp("ada@example.com")
		ids := make([]id.Brand, 12)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Add(1)
			go func() {
				defer wg.Done()
				a := w.do("POST", "/api/v1/brands", `{"name":"Nord","country":"DE","currency":"EUR"}`, "Authorization", bearer, "Idempotency-Key", "one")
				var b account.Brand
				if a.Code == 201 {
					a.read(&b)
				} else if a.Code != 409 {
					t.Errorf("%d %s", a.Code, a.Body.String())
				}
				ids[i] = b.ID
			}()
		}
		wg.Wait()
		var me account.Me
		w.do("GET", "/api/v1/me", "", "Authorization", bearer).want(200).read(&me)
		if len(me.Brands) != 1 {
			t.Fatalf("%d brands", len(me.Brands))
		}
		for _, got := range ids {
			if got != "" && got != me.Brands[0].Brand {
				t.Errorf("answered %s, made %s", got, me.Brands[0].Brand)
			}
		}
	})
}

func TestKeyIsRequiredWhereSaid(t *testing.T) {
	w := lite(t)
	made := 0
	register(w.api, Route{Method: "POST", Path: "/test/{n}/move", Who: Viewer, Idempotency: Required, Summary: "Move"},
		func(ctx context.Context, in *struct {
			N string `path:"n"`
		}) (*Output[int], error) {
			n, err := db.Do(ctx, w.d, func(tx *db.Tx) (int, error) {
				made++
				return made, nil
			})
			return ok(n), err
		})
	register(w.api, Route{Method: "POST", Path: "/test/busy", Who: Public, Summary: "Be busy"},
		func(ctx context.Context, _ *None) (*Output[int], error) {
			return answered(db.Do(ctx, w.d, func(tx *db.Tx) (int, error) {
				return 0, fault.New(fault.Unavailable, "Not now.")
			}))
		})
	p := w.do("POST", "/api/v1/test/a/move", "").problem(400, "idempotency_key_missing")
	if !strings.Contains(p.Detail, "Idempotency-Key") {
		t.Error(p.Detail)
	}
	first := w.do("POST", "/api/v1/test/a/move", "", "Idempotency-Key", "k").want(200)
	cookie := account.ViewerCookie + "=" + first.cookies()[account.ViewerCookie].Value
	one := first.Body.String()
	two := w.do("POST", "/api/v1/test/a/move", "", "Idempotency-Key", "k", "Cookie", cookie).want(200).Body.String()
	if one != two || made != 1 {
		t.Errorf("%s, then %s", one, two)
	}
	// The same key for another thing is a mistake, and is told.
	w.do("POST", "/api/v1/test/b/move", "", "Idempotency-Key", "k", "Cookie", cookie).problem(422, "idempotency_key_reused")
	// Two strangers of one address, neither with a cookie yet, are two people with two keys.
	other := w.do("POST", "/api/v1/test/a/move", "", "Idempotency-Key", "k").want(200)
	if other.Body.String() == one || made != 2 {
		t.Errorf("a stranger got another's answer: %s", other.Body.String())
	}
	w.do("POST", "/api/v1/test/b/move", "", "Idempotency-Key", "k").want(200)
	for range 2 {
		a := w.do("POST", "/api/v1/test/busy", "", "Idempotency-Key", "k")
		a.problem(503, "unavailable")
		if a.Header().Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", a.Header().Get("Retry-After"))
		}
	}
}

func TestVersions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		bearer := w.signUp("ada@example.com")
		tag := w.do("GET", "/api/v1/me", "", "Authorization", bearer).want(200).Header().Get("ETag")
		if tag != `"1"` {
			t.Fatalf("ETag %q", tag)
		}
		patch := func(match string) answer {
			return w.do("PATCH", "/api/v1/me", `{"display_name":"Ada"}`, "Authorization", bearer, "If-Match", match)
		}
		if got := patch(tag).want(200).Header().Get("ETag"); got != `"2"` {
			t.Errorf("ETag %q", got)
		}
		for _, old := range []string{tag, `"0"`, "2", `"x"`, `W/"2"`, `"-1"`} {
			patch(old).problem(412, "stale")
		}
		patch(`"2"`).want(200)
		patch("*").want(200)
		w.do("PATCH", "/api/v1/me", `{"display_name":"Ada"}`, "Authorization", bearer).want(200)
	})
	w := lite(t)
	register(w.api, Route{Method: http.MethodPut, Path: "/test/stock", Who: Public, Summary: "Set"},
		func(_ context.Context, in *Match) (*None, error) { _, err := in.required(); return nil, err })
	w.do("PUT", "/api/v1/test/stock", "").problem(428, "precondition_required")
	w.do("PUT", "/api/v1/test/stock", "", "If-Match", `"1"`).want(204)
}

func TestPages(t *testing.T) {
	w := lite(t)
	all := []id.Order{}
	for range 7 {
		var o id.Order
		all = append(all, o.Next(w.clock.Now()))
	}
	register(w.api, Route{Method: "GET", Path: "/test/orders", Who: Public, Summary: "List"},
		func(_ context.Context, in *List) (*PageOutput[id.Order], error) {
			last, err := after[id.Order](*in)
			if err != nil {
				return nil, err
			}
			from := 0
			for i, o := range all {
				if o == last {
					from = i + 1
				}
			}
			return page(all[from:min(len(all), from+in.Limit+1)], in.Limit, func(o id.Order) string { return string(o) }), nil
		})
	var got []id.Order
	cursor, pages := "", 0
	for {
		var p Page[id.Order]
		w.do("GET", "/api/v1/test/orders?limit=3&cursor="+cursor, "").want(200).read(&p)
		got = append(got, p.Items...)
		pages++
		if p.Next == nil {
			break
		}
		cursor = *p.Next
	}
	if pages != 3 || len(got) != 7 || got[6] != all[6] {
		t.Errorf("%d pages, %v", pages, got)
	}
	for _, q := range []string{"limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.5", "cursor=x", "cursor=" + strings.Repeat("A", 500),
		"cursor=WyJhIiwiYiJd", "cursor=WyJ2aWRfMSJd"} {
		w.do("GET", "/api/v1/test/orders?"+q, "").problem(422, "invalid")
	}
	all = nil
	if body := w.do("GET", "/api/v1/test/orders", "").want(200).Body.String(); body != `{"items":[],"next_cursor":null}`+"\n" {
		t.Errorf("an empty list is %s", body)
	}
}
