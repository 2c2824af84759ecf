package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

func titles(t testing.TB, c *catalog.Catalog, q string) (list []string) {
	t.Helper()
	found, err := c.Products(ctx, catalog.Query{Q: q})
	if err != nil {
		t.Fatalf("%q: %v", q, err)
	}
	for _, p := range found {
		list = append(list, p.Title)
	}
	return list
}

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		for title, description := range map[string]string{
			"Käsereibe":        "A grater of steel for Parmesan.",
			"Steel pan":        "Heavy, for the oven. Like a crêpe pan.",
			"Garlic press":     "Made of steel.",
			"陶瓷茶杯":             "手工制作",
			"L'Oréal shampoo":  "For dry hair.",
			"USB-C cable 100W": "Charges.",
		} {
			in := cup(title, 1)
			in.Description = description
			put(t, c, s, in)
		}
		for q, want := range map[string][]string{
			"steel":             {"Steel pan", "Garlic press", "Käsereibe"}, // the title counts most
			"kasereibe":         {"Käsereibe"},
			"KÄSE":              {"Käsereibe"}, // the beginning of the last word
			"crepe":             {"Steel pan"},
			"steel oven":        {"Steel pan"},
			"oven stee":         {"Steel pan"},
			"stee oven":         {}, // only the last word may be a beginning
			"loreal":            {"L'Oréal shampoo"},
			"l’oréal":           {"L'Oréal shampoo"},
			"茶":                 {"陶瓷茶杯"},
			"茶杯":                {"陶瓷茶杯"},
			"usb-c":             {"USB-C cable 100W"},
			"100w":              {"USB-C cable 100W"},
			"kiln":              {"Garlic press", "Käsereibe", "L'Oréal shampoo", "Steel pan", "USB-C cable 100W", "陶瓷茶杯"}, // the brand
			"nothing like this": {},
			"!!!":               {},
		} {
			got := titles(t, c, q)
			if q != "steel" {
				slices.Sort(got)
			} else if len(got) == 3 {
				slices.Sort(got[1:])
			}
			if !slices.Equal(got, want) && len(got)+len(want) > 0 {
				t.Errorf("%q found %q, want %q", q, got, want)
			}
		}
		if got := titles(t, c, "   "); len(got) != 7 {
			t.Errorf("a search for nothing lists %q", got)
		}
	})
}

func TestHostileSearch(t *testing.T) {
	each(t, func(t *testing.T, c *catalog.Catalog, s shop) {
		put(t, c, s, cup("Near and not", 1))
		for _, q := range []string{`"`, `'`, `near(`, `a AND`, `NOT`, `NEAR OR NOT AND`, `title:x`, `*`, `-`, `^x`, `a*b*`, `{a}`, `x:*`, `a & | !`, `:*`, `\`, "a\x00b", "\xff\xfe",
			`'; DROP TABLE products; --`, `%_`, `((((`, strings.Repeat("word ", 300), strings.Repeat("x", 5000), strings.Repeat("é", 700), "12e5 1.5 -3 a@b.c http://x/y?z"} {
			_, err := c.Products(ctx, catalog.Query{Q: q})
			if err != nil && len(q) <= 4*catalog.MaxQuery {
				t.Errorf("%.40q: %v", q, err)
			}
		}
		if got := titles(t, c, `near NOT`); len(got) != 1 {
			t.Errorf("words that are operators elsewhere found %q", got)
		}
	})
}

func FuzzSearch(f *testing.F) {
	for _, q := range []string{"steel pan", `"a" OR b*`, "茶杯", "a\x00"} {
		f.Add(q, q)
	}
	d, _ := dbtest.SQLite(f)
	s := newShop(f, d, 1)
	c := catalog.New(d)
	f.Fuzz(func(t *testing.T, title, q string) {
		if len(q) > 4*catalog.MaxQuery {
			return
		}
		write(t, d, func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM product_search`); return err })
		in := cup("x", 1)
		in.Title, in.Variants[0].SKU = title, "sku"
		write(t, d, func(tx *db.Tx) error { _, err := tx.Exec(`UPDATE variants SET sku = id`); return err })
		p, err := c.CreateProduct(ctx, s.owner(), s.brand, in)
		if err != nil {
			return // not a title
		}
		if got, err := c.Products(ctx, catalog.Query{Q: q}); err != nil {
			t.Fatalf("%q: %v, %v", q, got, err)
		}
		// a title finds itself, as far as it has words
		if got, err := c.Products(ctx, catalog.Query{Q: p.Title}); err != nil || len(got) == 0 && len(catalog.Words(p.Title)) > 0 {
			t.Fatalf("%q does not find itself: %v", p.Title, err)
		}
	})
}
