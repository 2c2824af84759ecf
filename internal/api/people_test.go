package api

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A person's whole life, through the contract.
func TestPeople(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		ada, bob := w.signUp("ada@example.com"), w.signUp("bob@example.com")
		w.do("POST", "/api/v1/accounts", `{"email":"Ada@example.com","password":"correct horse","display_name":"x"}`).problem(409, "email_taken")

		// Creator: no minimum of anything; the taken handle is named.
		a := w.do("PUT", "/api/v1/me/creator", `{"handle":"Ada.K","display_name":"Ada"}`, "Authorization", ada).want(200)
		if a.Header().Get("ETag") != `"1"` || !strings.Contains(a.Body.String(), `"handle":"ada.k"`) {
			t.Errorf("%s", a.Body.String())
		}
		p := w.do("PUT", "/api/v1/me/creator", `{"handle":"ada.k","display_name":"Bob"}`, "Authorization", bob).problem(409, "handle_taken")
		if !strings.Contains(p.Detail, "ada.k") {
			t.Error(p.Detail)
		}
		w.do("GET", "/api/v1/creators/ada.k", "").want(200)
		w.do("GET", "/api/v1/creators/nobody", "").problem(404, "missing")

		// Brand, trader, members.
		var brand account.Brand
		w.do("POST", "/api/v1/brands", `{"name":"Nord","country":"DE","currency":"EUR"}`, "Authorization", ada).want(201).read(&brand)
		at := "/api/v1/brands/" + string(brand.ID)
		w.do("PATCH", at, `{"legal_name":"Nord GmbH","contact_email":"hi@nord.example","contact_address":"1 Street\nTown"}`, "Authorization", ada, "If-Match", `"1"`).want(200)
		if body := w.do("GET", at, "").want(200).Body.String(); !strings.Contains(body, "Nord GmbH") {
			t.Error(body)
		}
		var member account.Member
		w.do("POST", at+"/members", `{"email":"BOB@example.com","role":"staff"}`, "Authorization", ada).want(201).read(&member)
		w.do("POST", at+"/members", `{"email":"bob@example.com","role":"boss"}`, "Authorization", ada).problem(422, "invalid")
		w.do("GET", at+"/members", "", "Authorization", bob).want(200)
		w.do("PATCH", at, `{"name":"Bob's"}`, "Authorization", bob).problem(403, "forbidden")
		w.do("DELETE", at+"/members/"+string(member.Account), "", "Authorization", bob).want(204)
		w.do("GET", at+"/members", "", "Authorization", bob).problem(404, "missing")
		w.do("DELETE", "/api/v1/me", "", "Authorization", ada).problem(409, "last_owner")

		// Write keys.
		var key account.WriteKey
		w.do("POST", at+"/write_keys", `{"name":"shop"}`, "Authorization", ada).want(201).read(&key)
		var keys Page[account.WriteKey]
		w.do("GET", at+"/write_keys", "", "Authorization", ada).want(200).read(&keys)
		if len(keys.Items) != 1 || keys.Items[0].Secret != "" || !strings.HasPrefix(key.Secret, "mzw_") {
			t.Errorf("%+v", keys)
		}
		w.do("DELETE", at+"/write_keys/"+string(key.ID), "", "Authorization", ada).want(204)
		w.do("DELETE", at+"/write_keys/"+string(key.ID), "", "Authorization", ada).problem(404, "missing")

		// Self.
		w.do("PATCH", "/api/v1/me", `{"over_18":true}`, "Authorization", bob).want(200)
		w.do("PATCH", "/api/v1/me", `{"email":"robert@example.com"}`, "Authorization", bob).problem(403, "wrong_password")
		w.do("PATCH", "/api/v1/me", `{"email":"robert@example.com","current_password":"correct horse"}`, "Authorization", bob).want(200)
		var all map[string]any
		w.do("GET", "/api/v1/me/export", "", "Authorization", bob).want(200).read(&all)
		if all["account"] == nil || all["viewers"] == nil {
			t.Errorf("%v", all)
		}
		w.do("DELETE", "/api/v1/me", "", "Authorization", bob).want(204)
		w.do("GET", "/api/v1/me", "", "Authorization", bob).problem(401, "unauthorized")
		w.do("POST", "/api/v1/sessions", `{"email":"robert@example.com","password":"correct horse"}`).problem(401, "wrong_password")
	})
}

func TestOperatorSeesPeople(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		if err := w.accounts.EnsureOperator(context.Background(), "op@example.com", "correct horse"); err != nil {
			t.Fatal(err)
		}
		var in struct{ Token string }
		w.do("POST", "/api/v1/sessions", `{"email":"op@example.com","password":"correct horse"}`).want(201).read(&in)
		op := "Bearer " + in.Token
		for _, name := range []string{"a", "b", "c"} {
			w.signUp(name + "@people.example")
		}
		var first, second Page[account.Person]
		w.do("GET", "/api/v1/accounts?q=people.example&limit=2", "", "Authorization", op).want(200).read(&first)
		if len(first.Items) != 2 || first.Next == nil {
			t.Fatalf("%+v", first)
		}
		w.do("GET", "/api/v1/accounts?q=people.example&limit=2&cursor="+*first.Next, "", "Authorization", op).want(200).read(&second)
		if len(second.Items) != 1 || second.Next != nil {
			t.Fatalf("%+v", second)
		}
		w.do("GET", "/api/v1/accounts/"+string(second.Items[0].ID), "", "Authorization", op).want(200)
		w.do("GET", "/api/v1/accounts/acc_none", "", "Authorization", op).problem(404, "missing")
	})
}
