package api

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/notify"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payout"
	"mezzo/internal/reach"
	"mezzo/internal/trust"
)

// trading fills in the rooms whose routes a stranger must be refused.
func trading(t testing.TB, d *db.DB) func(*Deps, *account.Options, *Options) {
	keys, err := account.LoadKeys(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return func(deps *Deps, _ *account.Options, _ *Options) {
		deps.Keys, deps.Catalog, deps.Affiliate = keys, catalog.New(d), affiliate.New(d)
		deps.Content, deps.Payouts = content.New(d, deps.Affiliate), payout.New(d, payout.Options{})
		deps.Trust = trust.New(d, func(id.Account) {})
		deps.Notify = notify.New(d, notify.Options{Mode: notify.Local})
		deps.Insight = insight.New(insight.Options{DB: d, Source: &counting{clock: d.Clock()}, Clock: d.Clock()})
		deps.Reach = reach.New(d, reach.Options{})
		deps.Orders = order.New(order.Parts{DB: d, Keys: keys, Provider: payment.NewSandbox(d)}, order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
	}
}

// someone is a caller who has no business with the thing asked for.
type someone struct {
	name     string
	bearer   string // "" for nobody
	statuses []int  // that refuse them
}

// refused lists who is refused by a route, for the things of a brand that is none of theirs.
func refused(r Route, people map[string]string, ofBrand bool) []someone {
	nobody := someone{"nobody", "", []int{401}}
	token := someone{"another brand's token", people["token"], []int{403}}
	switch r.Who {
	case Account:
		if r.AnyToken {
			return []someone{nobody}
		}
		return []someone{nobody, token}
	case Creator:
		return []someone{nobody, token, {"a stranger", people["stranger"], []int{403}}}
	case Operator:
		token.statuses = []int{403, 404} // with the scope it still is no operator's
		return []someone{nobody, token, {"a stranger", people["stranger"], []int{404}}, {"a brand's owner", people["owner"], []int{404}}}
	case Brand:
		others := []int{404, 422} // the example ids and bodies may be found wanting first
		if ofBrand {
			others = []int{404}
		}
		token.statuses = append(token.statuses, others...)
		return []someone{nobody, token, {"a stranger", people["stranger"], others}, {"another brand's owner", people["rival"], others}}
	}
	return nil
}

// Every route of the table is refused to nobody, to a stranger and to another brand's owner, so
// that a new route cannot be forgotten.
func TestEveryRouteIsRefusedToOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, trading(t, d))
		everything := `{"name":"t","scopes":["catalog:write","orders:write","programs:write","content:write","money:read","payouts:write","metrics:read","webhooks:write"]}`
		open := func(bearer string) (brand account.Brand, token account.Token) {
			w.do("POST", "/api/v1/brands", `{"name":"Nord","country":"DE","currency":"EUR"}`, "Authorization", bearer).want(201).read(&brand)
			w.do("POST", "/api/v1/brands/"+string(brand.ID)+"/tokens", everything, "Authorization", bearer).want(201).read(&token)
			return brand, token
		}
		people := map[string]string{"owner": w.signUp("owner@example.com"), "rival": w.signUp("rival@example.com"), "stranger": w.signUp("stranger@example.com")}
		brand, token := open(people["owner"])
		_, rivals := open(people["rival"])
		people["token"] = "Bearer " + rivals.Secret

		parameter := regexp.MustCompile(`\{[^}]+\}`)
		tried := 0
		for _, r := range w.api.Routes() {
			if !slices.Contains([]Who{Public, Viewer, Account, Creator, Brand, Operator}, r.Who) {
				t.Errorf("%s %s says %q may call it", r.Method, r.Path, r.Who)
			}
			path := strings.Replace(r.Pattern(), "/brands/{id}", "/brands/"+string(brand.ID), 1)
			ofBrand := path != r.Pattern()
			path = strings.Replace(path, "{token_id}", string(token.ID), 1)
			path = parameter.ReplaceAllString(path, "acc_00000000000000000000000000")
			for _, who := range refused(r, people, ofBrand) {
				headers := []string{"Idempotency-Key", "refuse"}
				if who.bearer != "" {
					headers = append(headers, "Authorization", who.bearer)
				}
				tried++
				if a := w.do(r.Method, path, `{}`, headers...); !slices.Contains(who.statuses, a.Code) {
					t.Errorf("%s %s for %s: %d, want %v: %s", r.Method, path, who.name, a.Code, who.statuses, a.Body.String())
				}
			}
		}
		if tried < 150 {
			t.Errorf("only %d refusals were tried", tried)
		}
		// What they tried came to nothing.
		w.do("GET", "/api/v1/brands/"+string(brand.ID)+"/tokens", "", "Authorization", people["owner"]).want(200)
		w.do("GET", "/api/v1/brands/"+string(brand.ID)+"/members", "", "Authorization", people["owner"]).want(200)
		w.do("GET", "/api/v1/brands/"+string(brand.ID), "", "Authorization", "Bearer "+token.Secret).want(200)
	})
}
