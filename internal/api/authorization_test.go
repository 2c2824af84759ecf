package api

import (
	"regexp"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

// Every route of the table is refused to nobody, to a stranger and to another brand's owner, so
// that a new route cannot be forgotten. What belongs to somebody is theirs, by its id or without it.
func TestEveryRouteIsRefusedToOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		owner := w.signUp("owner@example.com")
		var brand account.Brand
		w.do("POST", "/api/v1/brands", `{"name":"Nord","country":"DE","currency":"EUR"}`, "Authorization", owner).want(201).read(&brand)
		var token account.Token
		w.do("POST", "/api/v1/brands/"+string(brand.ID)+"/tokens", `{"name":"t","scopes":["catalog:write","orders:write","money:read"]}`, "Authorization", owner).want(201).read(&token)

		stranger := w.signUp("stranger@example.com")
		rival := w.signUp("rival@example.com")
		var theirs account.Brand
		w.do("POST", "/api/v1/brands", `{"name":"Rival","country":"DE","currency":"EUR"}`, "Authorization", rival).want(201).read(&theirs)
		var key account.Token
		w.do("POST", "/api/v1/brands/"+string(theirs.ID)+"/tokens", `{"name":"t","scopes":["catalog:write","orders:write","programs:write","content:write","money:read","payouts:write","metrics:read","webhooks:write"]}`, "Authorization", rival).want(201).read(&key)

		parameter := regexp.MustCompile(`\{[^}]+\}`)
		checked := 0
		for _, r := range w.api.Routes() {
			path := strings.Replace(r.Pattern(), "/brands/{id}", "/brands/"+string(brand.ID), 1)
			path = strings.Replace(path, "{token_id}", string(token.ID), 1)
			path = parameter.ReplaceAllString(path, "acc_00000000000000000000000000")
			try := func(who string, allowed []int, headers ...string) {
				t.Helper()
				a := w.do(r.Method, path, `{}`, append(headers, "Idempotency-Key", "refuse")...)
				checked++
				for _, status := range allowed {
					if a.Code == status {
						return
					}
				}
				t.Errorf("%s %s for %s (%s): %d %s", r.Method, path, who, r.Who, a.Code, a.Body.String())
			}
			switch r.Who {
			case Public, Viewer:
				continue
			case Account:
				try("nobody", []int{401})
				if !r.AnyToken {
					try("a brand's token", []int{403}, "Authorization", "Bearer "+key.Secret)
				}
			case Creator:
				try("nobody", []int{401})
				try("a stranger", []int{403}, "Authorization", stranger)
				try("a brand's token", []int{403}, "Authorization", "Bearer "+key.Secret)
			case Brand:
				try("nobody", []int{401})
				try("a stranger", []int{404, 422}, "Authorization", stranger)
				try("another brand's owner", []int{404, 422}, "Authorization", rival)
				try("another brand's token", []int{403, 404, 422}, "Authorization", "Bearer "+key.Secret)
				if strings.Contains(path, string(brand.ID)) {
					try("a stranger", []int{404}, "Authorization", stranger)
					try("another brand's owner", []int{404}, "Authorization", rival)
				}
			case Operator:
				try("nobody", []int{401})
				try("a stranger", []int{404}, "Authorization", stranger)
				try("a brand's owner", []int{404}, "Authorization", owner)
				try("a brand's token", []int{403}, "Authorization", "Bearer "+key.Secret)
			default:
				t.Errorf("%s %s says %q may call it", r.Method, r.Path, r.Who)
			}
		}
		if checked < 40 {
			t.Errorf("only %d refusals were tried", checked)
		}
		// Nothing happened to what they tried.
		w.do("GET", "/api/v1/brands/"+string(brand.ID)+"/tokens", "", "Authorization", owner).want(200)
		w.do("GET", "/api/v1/me", "", "Authorization", stranger).want(200)
	})
}
