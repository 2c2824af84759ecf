package api

import (
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

// shelved is an API with a catalogue and its programs.
func shelved(t *testing.T, f func(t *testing.T, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		f(t, newWorld(t, d, c, func(deps *Deps, _ *account.Options, _ *Options) {
			keys, err := account.LoadKeys(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			deps.Catalog, deps.Affiliate, deps.Keys = catalog.New(d), affiliate.New(d), keys
		}))
	})
}

const mug = `{"title":"Mug","description":"Holds tea.","category":"home.kitchen","images":[],"variants":[{"sku":"mug-1","title":"Blue","price":{"amount":1999,"currency":"EUR"},"stock":5}]}`

// listed is a product as the API tells it, as far as tests look.
type listed struct {
	ID       string
	Title    string
	Rating   any
	SoldBy   struct{ Name, Country string } `json:"sold_by"`
	Variants []struct {
		ID        string
		Available int64
		Stock     *int64
	}
}

// shop signs up an owner with a brand and a product.
func (w *world) shop() (owner, brand string, p listed) {
	w.t.Helper()
	owner = w.signUp("owner@example.com")
	var b account.Brand
	w.do("POST", "/api/v1/brands", `{"name":"Kiln","country":"DE","currency":"EUR"}`, "Authorization", owner).want(201).read(&b)
	w.do("POST", "/api/v1/brands/"+string(b.ID)+"/products", mug, "Authorization", owner).want(201).read(&p)
	return owner, string(b.ID), p
}

func TestCatalogueByAPI(t *testing.T) {
	shelved(t, func(t *testing.T, w *world) {
		owner, brand, p := w.shop()
		product, variant := "/api/v1/products/"+p.ID, "/api/v1/variants/"+p.Variants[0].ID
		var seen listed
		if p.Variants[0].Stock == nil || *p.Variants[0].Stock != 5 {
			t.Errorf("its brand reads %+v", p)
		}
		tag := w.do("GET", product, "").want(200).Header().Get("ETag")
		w.do("GET", product, "").read(&seen)
		if tag != `"1"` || seen.SoldBy.Name != "Kiln" || seen.Variants[0].Available != 5 || seen.Variants[0].Stock != nil || seen.Rating != nil {
			t.Errorf("the public reads %s %+v", tag, seen)
		}
		w.do("PATCH", product, `{"title":"Large mug"}`, "Authorization", owner, "If-Match", tag).want(200)
		w.do("PATCH", product, `{"title":"Small mug"}`, "Authorization", owner, "If-Match", tag).problem(412, "stale")
		w.do("PATCH", product, `{"title":"x"}`, "Authorization", w.signUp("rival@example.com")).problem(404, "missing")
		w.do("PUT", variant+"/stock", `{"on_hand":9}`, "Authorization", owner).want(428)
		etag := w.do("GET", variant+"/stock", "", "Authorization", owner).want(200).Header().Get("ETag")
		w.do("PUT", variant+"/stock", `{"on_hand":9}`, "Authorization", owner, "If-Match", etag).want(200)
		w.do("PUT", variant+"/stock", `{"on_hand":9}`, "Authorization", owner, "If-Match", etag).problem(412, "stale")
		w.do("POST", variant+"/stock/adjustments", `{"delta":2,"reason":"found"}`, "Authorization", owner).want(400)
		for range 3 { // one key, one effect
			var level catalog.Level
			w.do("POST", variant+"/stock/adjustments", `{"delta":2,"reason":"found"}`, "Authorization", owner, "Idempotency-Key", "k").want(201).read(&level)
			if level.OnHand != 11 {
				t.Errorf("adjusted to %d", level.OnHand)
			}
		}
		w.do("POST", variant+"/stock/adjustments", `{"delta":3,"reason":"found"}`, "Authorization", owner, "Idempotency-Key", "k").want(422)
		w.do("PATCH", variant, `{"price":{"amount":2499,"currency":"USD"}}`, "Authorization", owner).problem(422, "invalid")
		w.do("PATCH", variant, `{"price":{"amount":2499,"currency":"EUR"}}`, "Authorization", owner).want(200)
		w.do("POST", product+"/variants", `{"sku":"mug-1","price":{"amount":1,"currency":"EUR"},"stock":1}`, "Authorization", owner).problem(409, "sku_taken")
		w.do("POST", product+"/variants", `{"sku":"mug-2","title":"Red","price":{"amount":1,"currency":"EUR"},"stock":1}`, "Authorization", owner).want(201)
		var options struct{ Items []catalog.ShippingOption }
		w.do("GET", "/api/v1/brands/"+brand+"/shipping_options", "").want(200).read(&options)
		if len(options.Items) != 1 || options.Items[0].Code != catalog.StandardCode {
			t.Errorf("ships by %+v", options.Items)
		}
		w.do("PUT", "/api/v1/brands/"+brand+"/shipping_options/express", `{"name":"Express","price":{"amount":900,"currency":"EUR"},"days_min":1,"days_max":1}`, "Authorization", owner).want(200)
		w.do("DELETE", "/api/v1/brands/"+brand+"/shipping_options/standard", "", "Authorization", owner).want(204)
		for name, bad := range map[string]string{
			"no variants": `{"title":"x","category":"home","variants":[]}`, "wrong type": `{"title":7}`, "not JSON": `{`,
			"negative stock": strings.Replace(mug, `"stock":5`, `"stock":-5`, 1), "a float": strings.Replace(mug, `1999`, `19.99`, 1),
		} {
			if got := w.do("POST", "/api/v1/brands/"+brand+"/products", bad, "Authorization", owner).Code; got != 422 && got != 400 {
				t.Errorf("%s: %d", name, got)
			}
		}
	})
}

func TestSearchByAPI(t *testing.T) {
	shelved(t, func(t *testing.T, w *world) {
		owner, brand, _ := w.shop()
		for _, sku := range []string{"a", "b", "c", "d"} {
			body := strings.NewReplacer(`"Mug"`, `"Mug `+sku+`"`, "mug-1", sku).Replace(mug)
			w.do("POST", "/api/v1/brands/"+brand+"/products", body, "Authorization", owner).want(201)
		}
		for _, query := range []string{"q=mug", "q=mug&brand=" + brand, "category=home", "brand=" + brand, ""} {
			titles, cursor := map[string]bool{}, ""
			for pages := 0; ; pages++ {
				var got struct {
					Items []listed
					Next  *string `json:"next_cursor"`
				}
				w.do("GET", "/api/v1/products?limit=2&"+query+"&cursor="+cursor, "").want(200).read(&got)
				for _, p := range got.Items {
					titles[p.Title] = true
				}
				if got.Next == nil {
					if pages != 2 {
						t.Errorf("%q: %d pages", query, pages+1)
					}
					break
				}
				cursor = *got.Next
			}
			if len(titles) != 5 {
				t.Errorf("%q finds %v", query, titles)
			}
		}
		w.do("GET", "/api/v1/products?q=mug&cursor=W10", "").want(422)
		w.do("GET", "/api/v1/products?q=%22+OR+*", "").want(200)
		w.do("GET", "/api/v1/products?q=%00", "").want(400)
	})
}

func TestPromotingByAPI(t *testing.T) {
	shelved(t, func(t *testing.T, w *world) {
		owner, brand, p := w.shop()
		creator := w.signUp("bea@example.com")
		w.do("PUT", "/api/v1/me/creator", `{"handle":"bea","display_name":"Bea","bio":"","categories":[]}`, "Authorization", creator).want(200)
		shelf := "/api/v1/me/showcase/" + p.ID
		w.do("PUT", shelf, "", "Authorization", creator).problem(409, "no_program")
		programs := "/api/v1/brands/" + brand + "/programs"
		for name, bad := range map[string]string{
			"no products": `{"kind":"open","name":"x","commission_bps":1500}`, "some": `{"kind":"open","name":"x","commission_bps":1500,"product_ids":"some"}`,
			"rate": `{"kind":"open","name":"x","commission_bps":9000,"product_ids":"all"}`, "empty": `{"kind":"open","name":"x","commission_bps":1500,"product_ids":[]}`,
		} {
			if got := w.do("POST", programs, bad, "Authorization", owner).Code; got != 422 {
				t.Errorf("%s: %d", name, got)
			}
		}
		var program affiliate.Program
		w.do("POST", programs, `{"kind":"open","name":"Spring","commission_bps":1500,"product_ids":"all","hold_days":0}`, "Authorization", owner).want(201).read(&program)
		if program.WindowHours != 336 || program.HoldDays != 0 || !program.AllProducts {
			t.Errorf("opened %+v", program)
		}
		var market struct {
			Items []struct {
				ID  string
				EPC any `json:"epc"`
			}
		}
		w.do("GET", "/api/v1/programs?sort=commission&q=mug", "", "Authorization", creator).want(200).read(&market)
		if len(market.Items) != 1 || market.Items[0].EPC != nil {
			t.Errorf("the marketplace: %+v", market)
		}
		w.do("PUT", shelf, "", "Authorization", creator).want(200)
		w.do("PATCH", "/api/v1/programs/"+string(program.ID), `{"commission_bps":1000}`, "Authorization", owner, "If-Match", `"1"`).want(200)
		w.do("PATCH", "/api/v1/programs/"+string(program.ID), `{"budget":{"amount":1,"currency":"EUR"}}`, "Authorization", owner).problem(409, "terms_locked")
		var viewer struct {
			Token string `json:"viewer_token"`
		}
		w.do("POST", "/api/v1/viewers", "").want(201).read(&viewer)
		var items struct {
			Items []struct {
				Impression string
				Product    listed
				Terms      *affiliate.Terms
			}
		}
		w.do("GET", "/api/v1/creators/bea/showcase", "", "X-Viewer-Token", viewer.Token).want(200).read(&items)
		if len(items.Items) != 1 || items.Items[0].Impression == "" || items.Items[0].Product.Title != "Mug" || items.Items[0].Terms != nil {
			t.Errorf("the shelf: %+v", items)
		}
		w.do("GET", "/api/v1/me/showcase", "", "Authorization", creator).want(200).read(&items)
		if items.Items[0].Terms == nil {
			t.Errorf("the own shelf: %+v", items)
		}
		var earned affiliate.Earnings
		w.do("GET", "/api/v1/me/earnings", "", "Authorization", creator).want(200).read(&earned)
		if earned.Available.Currency != "EUR" || earned.NextReleaseAt != nil {
			t.Errorf("earnings: %+v", earned)
		}
		w.do("GET", "/api/v1/me/commissions?state=pending", "", "Authorization", creator).want(200)
		w.do("GET", "/api/v1/orders/ord_x/attribution", "", "Authorization", creator).problem(404, "missing")
		w.do("DELETE", shelf, "", "Authorization", creator).want(204)
		w.do("DELETE", shelf, "", "Authorization", creator).problem(404, "missing")
	})
}
