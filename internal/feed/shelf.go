package feed

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
)

// ShelfLife is how long a SKU is believed to name the product it last named: SKUs can move.
const ShelfLife = time.Minute

// article is what a text names on a brand's shelf.
type article struct {
	product id.Product
	variant id.Variant
	until   time.Time
}

// shelf knows brands' products by what their own sites call them: our ids of products and
// variants, SKUs or GTINs. What is not there is not remembered, since it may come to be.
type shelf struct {
	db    *db.DB
	clock clock.Clock
	known *recent[shelfKey, article]
}

type shelfKey struct {
	brand id.Brand
	text  string
}

func newShelf(d *db.DB) *shelf {
	return &shelf{db: d, clock: d.Clock(), known: newRecent[shelfKey, article](ThingsMost)}
}

// names lists what a message calls its product, the narrowest first. Shops put what they have into product_id:
// any of them may be our id, a SKU or a GTIN.
func names(g *event.Goods) [4]string { return [4]string{g.SKU, g.Variant, g.GTIN, g.Product} }

// askable reports whether a text can name anything here; databases keep no other.
func askable(s string) bool {
	return s != "" && len(s) <= catalog.MaxSKU*utf8.UTFMax && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// recognise writes into the events which of the brand's products they are about. Naming one of our
// ids that is not the brand's makes an event Foreign; a SKU or GTIN that the brand does not sell here says
// nothing.
func (s *shelf) recognise(ctx context.Context, brand id.Brand, events []event.Event, goods []event.Goods, found map[string]article) error {
	clear(found)
	now := s.clock.Now()
	var ask asked
	for i := range goods {
		for _, text := range names(&goods[i]) {
			if !askable(text) {
				continue
			}
			if _, ok := found[text]; ok {
				continue
			}
			if a, ok := s.known.get(shelfKey{brand, text}); ok && now.Before(a.until) {
				found[text] = a
				continue
			}
			found[text] = article{} // asked for once
			ask.add(text)
		}
	}
	if !ask.empty() {
		read, err := db.Get(ctx, s.db, func(tx *db.Tx) (map[string]article, error) { return ask.read(tx, brand) })
		if err != nil {
			return err
		}
		for text, a := range read {
			a.until = now.Add(ShelfLife)
			text = strings.Clone(text)
			found[text] = a
			s.known.put(shelfKey{brand, text}, a)
		}
	}
	for i := range events {
		for _, text := range names(&goods[i]) {
			switch a := found[text]; {
			case a.product != "" && events[i].Product == "":
				events[i].Product, events[i].Variant = a.product, a.variant
			case a.product == "" && ours(text):
				events[i].Flags |= event.Foreign
			}
		}
	}
	return nil
}

// ours reports whether a text is one of our ids of products or variants.
func ours(text string) bool {
	return id.Product(text).Valid() || id.Variant(text).Valid()
}

// asked is what a request asks of SQL.
type asked struct{ products, variants, skus, gtins []string }

func (a *asked) add(text string) {
	switch {
	case id.Product(text).Valid():
		a.products = append(a.products, text)
	case id.Variant(text).Valid():
		a.variants = append(a.variants, text)
	default:
		a.skus = append(a.skus, text)
		if catalog.IsGTIN(text) {
			a.gtins = append(a.gtins, text)
		}
	}
}

func (a *asked) empty() bool { return len(a.products)+len(a.variants)+len(a.skus) == 0 }

// read asks SQL, for the brand's own only.
func (a *asked) read(tx *db.Tx, brand id.Brand) (map[string]article, error) {
	found := map[string]article{}
	for _, q := range []struct {
		texts       []string
		text, order string
	}{
		{a.products, `SELECT id, id, '' FROM products WHERE brand_id = $1 AND id IN `, ``},
		{a.variants, `SELECT id, product_id, id FROM variants WHERE brand_id = $1 AND id IN `, ``},
		{a.gtins, `SELECT gtin, product_id, id FROM variants WHERE brand_id = $1 AND gtin <> '' AND gtin IN `, ` ORDER BY id`}, // the newest of several
		{a.skus, `SELECT sku, product_id, id FROM variants WHERE brand_id = $1 AND sku IN `, ``},                               // last: a SKU is the brand's own name
	} {
		if len(q.texts) == 0 {
			continue
		}
		in, args := db.In(2, q.texts)
		if _, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
			var text string
			var one article
			err := r.Scan(&text, &one.product, &one.variant)
			found[text] = one
			return struct{}{}, err
		}, q.text+in+q.order, append([]any{string(brand)}, args...)...); err != nil {
			return nil, err
		}
	}
	return found, nil
}
