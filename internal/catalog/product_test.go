package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// owner is somebody who owns the shop's brand.
func (s shop) owner() account.Asker {
	var a id.Account
	return account.Asker{Account: a.Next(s.d.Clock().Now()), Brands: map[id.Brand]account.Role{s.brand: account.Owner}}
}

func stranger(s shop) account.Asker {
	var a id.Account
	var b id.Brand
	now := s.d.Clock().Now()
	return account.Asker{Account: a.Next(now), Brands: map[id.Brand]account.Role{b.Next(now): account.Owner}}
}

func cup(title string, stock int64) catalog.NewProduct {
	return catalog.NewProduct{Title: title, Description: "Holds tea.", Category: "home.kitchen",
		Variants: []catalog.NewVariant{{SKU: title + "-1", Title: "Blue", Price: money.Of(1999, "EUR"), Stock: stock, WeightGrams: 300}}}
}

func put(t testing.TB, c *catalog.Catalog, s shop, in catalog.NewProduct) catalog.Product {
	t.Helper()
	p, err := c.CreateProduct(ctx, s.owner(), s.brand, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// each runs f on both engines with a brand that has a bare product of one variant.
func each(t *testing.T, f func(t *testing.T, c *catalog.Catalog, s shop)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) { f(t, catalog.New(d), newShop(t, d, 5)) })
}

func TestCreateReadUpdate(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		p := put(t, c, s, cup("  Mug ", 7))
		if p.Title != "Mug" || p.SoldBy.Country != "DE" || len(p.Variants) != 1 || p.Variants[0].Available != 7 || p.Rating != nil || p.Version != 1 {
			t.Fatalf("made %+v", p)
		}
		seen, err := c.Product(ctx, account.Asker{}, p.ID)
		if err != nil || seen.Variants[0].Stock != nil || seen.Variants[0].Available != 7 {
			t.Fatalf("the public sees %+v, %v", seen, err)
		}
		title := "Large mug"
		p2, err := c.UpdateProduct(ctx, s.owner(), p.ID, p.Version, catalog.ProductChange{Title: &title})
		if err != nil || p2.Title != title || p2.Version != 2 || p2.Description != p.Description {
			t.Fatalf("changed to %+v, %v", p2, err)
		}
		if _, err := c.UpdateProduct(ctx, s.owner(), p.ID, p.Version, catalog.ProductChange{Title: &title}); !fault.Is(err, fault.Stale) {
			t.Fatalf("an old version: %v", err)
		}
		price := money.Of(2499, "EUR")
		v, err := c.UpdateVariant(ctx, s.owner(), p.Variants[0].ID, 1, catalog.VariantChange{Price: &price})
		if err != nil || v.Price != price || v.Version != 2 {
			t.Fatalf("variant %+v, %v", v, err)
		}
		if added, err := c.AddVariant(ctx, s.owner(), p.ID, catalog.NewVariant{SKU: "red", Title: "Red", Price: price, Stock: 1}); err != nil || added.SKU != "red" {
			t.Fatalf("added %+v, %v", added, err)
		}
		archived := catalog.Archived
		if _, err := c.UpdateProduct(ctx, s.owner(), p.ID, 0, catalog.ProductChange{State: &archived}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Product(ctx, account.Asker{}, p.ID); !fault.Is(err, fault.Missing) {
			t.Fatalf("archived, to the public: %v", err)
		}
		if p, err := c.Product(ctx, s.owner(), p.ID); err != nil || p.State != archived || len(p.Variants) != 2 {
			t.Fatalf("archived, to its brand: %+v, %v", p, err)
		}
	})
}

func TestBadProducts(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		for name, bad := range map[string]func(*catalog.NewProduct){
			"body.title":                      func(p *catalog.NewProduct) { p.Title = " " },
			"body.title ":                     func(p *catalog.NewProduct) { p.Title = strings.Repeat("ü", 201) },
			"body.title  ":                    func(p *catalog.NewProduct) { p.Title = "a\x00b" },
			"body.description":                func(p *catalog.NewProduct) { p.Description = strings.Repeat("x", 10_001) },
			"body.category":                   func(p *catalog.NewProduct) { p.Category = "<cars>" },
			"body.category ":                  func(p *catalog.NewProduct) { p.Category = "food.pantri" },
			"body.category  ":                 func(p *catalog.NewProduct) { p.Category = "home/kitchen/knives" },
			"body.variants":                   func(p *catalog.NewProduct) { p.Variants = nil },
			"body.variants ":                  func(p *catalog.NewProduct) { p.Variants = make([]catalog.NewVariant, 101) },
			"body.variants[1].sku":            func(p *catalog.NewProduct) { p.Variants = append(p.Variants, p.Variants[0]) },
			"body.variants[0].sku":            func(p *catalog.NewProduct) { p.Variants[0].SKU = strings.Repeat("x", 65) },
			"body.variants[0].price.amount":   func(p *catalog.NewProduct) { p.Variants[0].Price.Minor = 0 },
			"body.variants[0].price.amount ":  func(p *catalog.NewProduct) { p.Variants[0].Price.Minor = money.Max + 1 },
			"body.variants[0].price.currency": func(p *catalog.NewProduct) { p.Variants[0].Price.Currency = "USD" },
			"body.variants[0].stock":          func(p *catalog.NewProduct) { p.Variants[0].Stock = -1 },
			"body.variants[0].gtin":           func(p *catalog.NewProduct) { p.Variants[0].GTIN = "4006381333932" },
			"body.variants[0].weight_grams":   func(p *catalog.NewProduct) { p.Variants[0].WeightGrams = -1 },
			"body.images[0]":                  func(p *catalog.NewProduct) { p.Images = []id.Image{"img_x"} },
		} {
			in := cup("Mug", 1)
			bad(&in)
			_, err := c.CreateProduct(ctx, s.owner(), s.brand, in)
			var f *fault.Fault
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Fields[0].Location != strings.TrimSpace(name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		put(t, c, s, cup("Mug", 1))
		_, err := c.CreateProduct(ctx, s.owner(), s.brand, cup("Mug", 1))
		if f := asFault(t, err); f.Type != catalog.SKUTaken || !strings.Contains(f.Detail, "Mug-1") {
			t.Errorf("a SKU in use: %v", err)
		}
	})
}

// TestOthers: nobody, a stranger and another brand's owner may not touch a brand's things, nor learn of them.
func TestOthers(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		p := put(t, c, s, cup("Mug", 1))
		title, v := "x", p.Variants[0].ID
		token := account.Asker{Token: "tok_1", TokenBrand: s.brand, Scopes: account.Scopes{account.CatalogRead: true}}
		for name, call := range map[string]func(who account.Asker) error{
			"create": func(who account.Asker) error { _, err := c.CreateProduct(ctx, who, s.brand, cup("a", 1)); return err },
			"update": func(who account.Asker) error {
				_, err := c.UpdateProduct(ctx, who, p.ID, 0, catalog.ProductChange{Title: &title})
				return err
			},
			"add": func(who account.Asker) error {
				_, err := c.AddVariant(ctx, who, p.ID, cup("a", 1).Variants[0])
				return err
			},
			"variant": func(who account.Asker) error {
				_, err := c.UpdateVariant(ctx, who, v, 0, catalog.VariantChange{Title: &title})
				return err
			},
			"set":    func(who account.Asker) error { _, err := c.SetStock(ctx, who, v, 0, 9); return err },
			"adjust": func(who account.Asker) error { _, err := c.AdjustStock(ctx, who, v, 1, "x"); return err },
			"ship": func(who account.Asker) error {
				_, err := c.PutShippingOption(ctx, who, s.brand, "x", 0, catalog.NewShippingOption{Name: "x", Price: money.Of(1, "EUR")})
				return err
			},
			"unship": func(who account.Asker) error { return c.DeleteShippingOption(ctx, who, s.brand, "standard") },
		} {
			for _, c := range []struct {
				who  account.Asker
				want fault.Kind
			}{{account.Asker{Viewer: "vwr_1"}, fault.Unauthorized}, {stranger(s), fault.Missing}, {token, fault.Forbidden}} {
				if err := call(c.who); !fault.Is(err, c.want) {
					t.Errorf("%s: %v instead of %s", name, err, c.want)
				}
			}
		}
		if _, err := c.BrandProducts(ctx, stranger(s), s.brand, catalog.Query{}); !fault.Is(err, fault.Missing) {
			t.Errorf("a stranger lists: %v", err)
		}
		if list, err := c.BrandProducts(ctx, token, s.brand, catalog.Query{}); err != nil || len(list) != 2 || list[0].Variants[0].Stock == nil {
			t.Errorf("a token that reads lists: %v, %v", list, err)
		}
	})
}

func TestStock(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		v := s.variants[0]
		write(t, s.d, func(tx *db.Tx) error {
			return catalog.Reserve(tx, newOrder(s.d), []catalog.Item{{Variant: v, Quantity: 3}}, tx.Now())
		})
		l, err := c.SetStock(ctx, s.owner(), v, 1, 3)
		if err != nil || l.OnHand != 3 || l.Reserved != 3 || l.Version != 2 {
			t.Fatalf("set %+v, %v", l, err)
		}
		if _, err := c.SetStock(ctx, s.owner(), v, 1, 4); !fault.Is(err, fault.Stale) {
			t.Fatalf("an old version: %v", err)
		}
		for _, err := range []error{second(c.SetStock(ctx, s.owner(), v, 0, 2)), second(c.AdjustStock(ctx, s.owner(), v, -1, "broken"))} {
			if f := asFault(t, err); f.Type != catalog.BelowReserved {
				t.Fatalf("below what is reserved: %v", err)
			}
		}
		if l, err = c.AdjustStock(ctx, s.owner(), v, 4, "delivery"); err != nil || l.OnHand != 7 {
			t.Fatalf("adjusted %+v, %v", l, err)
		}
		for _, bad := range []int64{0, catalog.MaxUnits} {
			if _, err := c.AdjustStock(ctx, s.owner(), v, bad, "x"); !fault.Is(err, fault.Invalid) {
				t.Fatalf("by %d: %v", bad, err)
			}
		}
		var sum, n int64
		err = s.d.Read(ctx, func(tx *db.Tx) error {
			return tx.Row(`SELECT CAST(SUM(delta) AS BIGINT), COUNT(*) FROM stock_adjustments WHERE variant_id = $1 AND made_by <> ''`, string(v)).Scan(&sum, &n)
		})
		if err != nil || sum != 2 || n != 2 {
			t.Fatalf("%d adjustments sum to %d, %v", n, sum, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestStockFacts: the log hears of a product when its availability turns, not of every unit.
func TestStockFacts(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		p := put(t, c, s, cup("Mug", 2))
		v := p.Variants[0].ID
		order := newOrder(s.d)
		for _, q := range []int64{1, 1} {
			write(t, s.d, func(tx *db.Tx) error {
				return catalog.Reserve(tx, order, []catalog.Item{{Variant: v, Quantity: q}}, tx.Now())
			})
		}
		write(t, s.d, func(tx *db.Tx) error { return catalog.Release(tx, order, catalog.Expired) })
		bodies := s.facts(t)
		want := []string{event.TopicProductCreated + ` "available":true`, event.TopicProductUpdated + ` "available":false`, event.TopicProductUpdated + ` "available":true`}
		if len(bodies) != len(want) {
			t.Fatalf("the log heard %v", bodies)
		}
		for i, b := range bodies {
			topic, state, _ := strings.Cut(want[i], " ")
			if !strings.HasPrefix(b, topic) || !strings.Contains(b, state) || strings.Contains(b, "Mug") || !strings.Contains(b, `"price_from":{"amount":1999`) {
				t.Errorf("fact %d is %s, want %s", i, b, want[i])
			}
		}
	})
}

func (s shop) facts(t testing.TB) (bodies []string) {
	t.Helper()
	err := s.d.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT topic, body FROM outbox ORDER BY id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var topic, body string
			if err := rows.Scan(&topic, &body); err != nil {
				return err
			}
			bodies = append(bodies, topic+" "+body)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return bodies
}

func TestStanding(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		p := put(t, c, s, cup("Mug", 1))
		v := p.Variants[0].ID
		for _, step := range []struct {
			standing              string
			listed, opens, onSale bool
		}{{"limited", false, true, true}, {"removed", false, false, false}, {"visible", true, true, true}} {
			write(t, s.d, func(tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE products SET standing = $1, standing_reason = 'why' WHERE id = $2`, step.standing, string(p.ID))
				return err
			})
			list, err := c.Products(ctx, catalog.Query{})
			found, err2 := c.Products(ctx, catalog.Query{Q: "mug"})
			_, err3 := c.Product(ctx, account.Asker{}, p.ID)
			var offers map[id.Variant]catalog.Offer
			write(t, s.d, func(tx *db.Tx) (err error) { offers, err = catalog.ForSale(tx, []id.Variant{v}); return err })
			has := func(l []catalog.Product) bool {
				return slices.ContainsFunc(l, func(x catalog.Product) bool { return x.ID == p.ID })
			}
			if err != nil || err2 != nil || has(list) != step.listed || has(found) != step.listed || (err3 == nil) != step.opens || (len(offers) == 1) != step.onSale {
				t.Errorf("%s: listed %v, found %v, opens %v, offers %d", step.standing, has(list), has(found), err3, len(offers))
			}
			if own, err := c.Product(ctx, s.owner(), p.ID); err != nil || own.StandingReason != "why" {
				t.Errorf("%s: its brand reads %+v, %v", step.standing, own, err)
			}
		}
	})
}

func TestShipping(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		options := func(country string, goods int64) (list []catalog.ShippingOption) {
			write(t, s.d, func(tx *db.Tx) (err error) {
				list, err = catalog.ShippingFor(tx, s.brand, country, money.Of(goods, "EUR"))
				return err
			})
			return list
		}
		if list := options("DE", 1); len(list) != 0 {
			t.Fatalf("before the first product: %+v", list)
		}
		put(t, c, s, cup("Mug", 1))
		if list := options("DE", 1); len(list) != 1 || list[0].Code != catalog.StandardCode || list[0].Cost != money.Of(0, "EUR") {
			t.Fatalf("with the first product: %+v", list)
		}
		if list := options("US", 1); len(list) != 0 {
			t.Fatalf("abroad: %+v", list)
		}
		free := money.Of(5000, "EUR")
		if _, err := c.PutShippingOption(ctx, s.owner(), s.brand, "world", 0, catalog.NewShippingOption{Name: "World", Price: money.Of(1500, "EUR"), FreeOver: &free, DaysMin: 5, DaysMax: 9, Position: 2}); err != nil {
			t.Fatal(err)
		}
		if list := options("US", 4999); len(list) != 1 || list[0].Cost != money.Of(1500, "EUR") {
			t.Fatalf("under the threshold: %+v", list)
		}
		if list := options("US", 5000); len(list) != 1 || list[0].Cost != money.Of(0, "EUR") || list[0].Price != money.Of(1500, "EUR") {
			t.Fatalf("over the threshold: %+v", list)
		}
		if err := c.DeleteShippingOption(ctx, s.owner(), s.brand, "standard"); err != nil {
			t.Fatal(err)
		}
		if err := c.DeleteShippingOption(ctx, s.owner(), s.brand, "world"); !fault.Is(err, fault.Conflict) {
			t.Fatalf("the last option: %v", err)
		}
		put(t, c, s, cup("Pot", 1)) // a later product brings no option back
		if list, err := c.ShippingOptions(ctx, s.brand); err != nil || len(list) != 1 {
			t.Fatalf("left: %+v, %v", list, err)
		}
	})
}

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		for i := range 7 {
			in := cup(fmt.Sprintf("Mug %d", i), 1)
			if i == 3 {
				in.Category = "beauty"
			}
			put(t, c, s, in)
		}
		var got []string
		var after id.Product
		for {
			list, err := c.Products(ctx, catalog.Query{Limit: 3, After: after, Category: "home", Brand: s.brand})
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			for _, p := range list {
				got = append(got, p.Title)
			}
			after = list[len(list)-1].ID
		}
		if len(got) != 7 { // six mugs and the shop's cup
			t.Fatalf("paged through %v", got)
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != 7 {
			t.Fatalf("twice on a page: %v", got)
		}
	})
}

func TestCategories(t *testing.T) {
	seen := map[string]bool{}
	for _, top := range catalog.Categories() {
		for _, c := range append([]catalog.Category{top}, top.Children...) {
			leaf := c.Slug[strings.LastIndexByte(c.Slug, '.')+1:]
			for _, text := range []string{c.Slug, " " + strings.ToUpper(leaf), c.Name} {
				if got, ok := catalog.CategoryNamed(text); !ok || got != c.Slug {
					t.Errorf("%q means %q, not %q", text, got, c.Slug)
				}
			}
			if name, ok := catalog.CategoryName(c.Slug); !ok || name != c.Name || seen[leaf] {
				t.Errorf("%q is called %q, or twice", c.Slug, name)
			}
			seen[leaf] = true
		}
	}
	if _, ok := catalog.CategoryNamed("<cars>"); ok {
		t.Error("a category nobody has heard of")
	}
}

// TestPictures: only pictures that somebody of the brand has uploaded, unless the product has them already.
func TestPictures(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		me, other := s.owner(), stranger(s)
		upload := func(who id.Account) (i id.Image) {
			i = i.Next(s.d.Clock().Now())
			write(t, s.d, func(tx *db.Tx) error {
				_, err := tx.Exec(`INSERT INTO images (id, account_id, large, width, height, small, created_at) VALUES ($1, $2, 'l', 1, 1, 's', 0)`, string(i), string(who))
				return err
			})
			return i
		}
		mine, theirs := upload(me.Account), upload(other.Account)
		in := cup("Mug", 1)
		in.Images = []id.Image{mine, theirs}
		_, err := c.CreateProduct(ctx, me, s.brand, in)
		if f := asFault(t, err); len(f.Fields) != 1 || f.Fields[0].Location != "body.images[1]" {
			t.Fatalf("another's picture: %v", err)
		}
		in.Images = in.Images[:1]
		p, err := c.CreateProduct(ctx, me, s.brand, in)
		if err != nil || len(p.Images) != 1 {
			t.Fatalf("an own picture: %+v, %v", p, err)
		}
		again := []id.Image{mine}
		if _, err := c.UpdateProduct(ctx, s.owner(), p.ID, 0, catalog.ProductChange{Images: &again}); err != nil { // by another owner
			t.Fatalf("a picture it has already: %v", err)
		}
		var offers map[id.Variant]catalog.Offer
		write(t, s.d, func(tx *db.Tx) (err error) {
			offers, err = catalog.ForSale(tx, []id.Variant{p.Variants[0].ID})
			return err
		})
		if offers[p.Variants[0].ID].Image != mine {
			t.Fatalf("offered with %+v", offers)
		}
	})
}
