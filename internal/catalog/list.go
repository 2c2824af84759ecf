package catalog

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Limits of lists.
const (
	MaxQuery  = 200   // characters of a search
	MaxPage   = 100   // products of one page
	maxResult = 2_000 // products a search can be paged through
)

// Query narrows a list of products. Without Q it is newest first and goes on after After; with Q it is
// best match first and goes on after the first Skip.
type Query struct {
	Q        string
	Category string   // a slug; its children are part of it
	Brand    id.Brand // one brand's
	After    id.Product
	Skip     int
	Limit    int // 1 to MaxPage + 1
}

func scanText(rows *sql.Rows) (s string, err error) { err = rows.Scan(&s); return s, err }

func scanID(rows *sql.Rows) (p id.Product, err error) { err = rows.Scan(&p); return p, err }

// Product returns one product: as its brand sees it to the brand's people and to operators, as the public
// does to everyone else. Missing when it is archived or removed, to them.
func (c *Catalog) Product(ctx context.Context, who account.Asker, product id.Product) (Product, error) {
	return db.Get(ctx, c.d, func(tx *db.Tx) (Product, error) {
		p, err := load(tx, product)
		switch {
		case err != nil:
			return Product{}, err
		case insider(who, p.SoldBy.ID):
			return p, nil
		case !p.shown():
			return Product{}, errNoProduct()
		}
		return p.public(), nil
	})
}

// Products returns a page of what the public can buy: active products in good standing.
func (c *Catalog) Products(ctx context.Context, q Query) ([]Product, error) {
	list, err := c.list(ctx, q, ` AND p.state = 'active' AND p.standing = 'visible'
		AND EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id AND v.state = 'active')`)
	for i := range list {
		list[i] = list[i].public()
	}
	return list, err
}

// BrandProducts returns a page of a brand's own products, archived and removed ones among them, with
// their stock. Missing when the brand is not the asker's.
func (c *Catalog) BrandProducts(ctx context.Context, who account.Asker, brand id.Brand, q Query) ([]Product, error) {
	if err := who.OfBrand(brand, account.CatalogRead); err != nil {
		return nil, err
	}
	q.Brand = brand
	return c.list(ctx, q, "")
}

// list reads a page in three queries; where narrows it further.
func (c *Catalog) list(ctx context.Context, q Query, where string) ([]Product, error) {
	if len(q.Q) > 4*MaxQuery {
		return nil, fault.InvalidField("query.q", "Search for at most %d characters.", MaxQuery)
	}
	if q.Limit < 1 || q.Limit > MaxPage+1 {
		q.Limit = MaxPage
	}
	text, args, any := q.sql(c.d.Engine(), where)
	if !any {
		return nil, nil
	}
	return db.Get(ctx, c.d, func(tx *db.Tx) ([]Product, error) {
		ids, err := db.All(tx, scanID, text, args...)
		if err != nil {
			return nil, err
		}
		return loadAll(tx, ids)
	})
}

// sql writes the query; any is false when nothing can match.
func (q Query) sql(engine db.Engine, where string) (text string, args []any, any bool) {
	var b strings.Builder
	list := queryWords(q.Q)
	searching := strings.TrimSpace(q.Q) != ""
	if searching && (len(list) == 0 || q.Skip >= maxResult) {
		return "", nil, false
	}
	if searching {
		found, arg := search(engine, list)
		args = append(args, arg)
		b.WriteString(`SELECT p.id FROM (` + found + `) f JOIN products p ON p.id = f.product_id WHERE 1 = 1`)
	} else {
		b.WriteString(`SELECT p.id FROM products p WHERE 1 = 1`)
	}
	and := func(text string, arg string) {
		args = append(args, arg)
		b.WriteString(` AND ` + text + `$` + strconv.Itoa(len(args)))
	}
	if q.Brand != "" {
		and(`p.brand_id = `, string(q.Brand))
	}
	if q.Category != "" {
		slugs := subtree(q.Category)
		if len(slugs) == 0 {
			return "", nil, false
		}
		in, more := db.In(len(args)+1, slugs)
		b.WriteString(` AND p.category IN ` + in)
		args = append(args, more...)
	}
	if q.After != "" && !searching {
		and(`p.id < `, string(q.After))
	}
	b.WriteString(where)
	limit := ` LIMIT ` + strconv.Itoa(q.Limit)
	if searching {
		return b.String() + ` ORDER BY f.score, p.id DESC` + limit + ` OFFSET ` + strconv.Itoa(max(q.Skip, 0)), args, true
	}
	return b.String() + ` ORDER BY p.id DESC` + limit, args, true
}

// subtree returns the slugs of a category and its children, none for an unknown one.
func subtree(text string) []string {
	slug, ok := CategoryNamed(text)
	if !ok {
		return nil
	}
	list := []string{slug}
	for _, top := range Categories() {
		for _, child := range top.Children {
			if top.Slug == slug {
				list = append(list, child.Slug)
			}
		}
	}
	return list
}

// ByIDs returns those of the products that the public may open, in the order asked for.
func ByIDs(tx *db.Tx, products []id.Product) ([]Product, error) {
	list, err := loadAll(tx, products)
	shown := make([]Product, 0, len(list))
	for _, p := range list {
		if p.shown() {
			shown = append(shown, p.public())
		}
	}
	return shown, err
}

// picturesOf refuses pictures that nobody of the brand has uploaded; those the product had stay good,
// though whoever uploaded them has left.
func (c *Catalog) picturesOf(tx *db.Tx, who account.Asker, brand id.Brand, images, had []id.Image) error {
	kept := map[id.Image]bool{}
	for _, image := range had {
		kept[image] = true
	}
	var fresh []id.Image
	for _, image := range images {
		if !kept[image] {
			fresh = append(fresh, image)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	in, args := db.In(4, fresh)
	good, err := db.All(tx, scanText, `SELECT i.id FROM images i WHERE (i.account_id = $1 OR i.account_id = $2
		OR i.account_id IN (SELECT account_id FROM brand_members WHERE brand_id = $3)) AND i.id IN `+in,
		append([]any{string(who.Account), who.Actor(), string(brand)}, args...)...)
	if err != nil {
		return err
	}
	for _, image := range good {
		kept[id.Image(image)] = true
	}
	var ch checks
	for i, image := range images {
		ch.add(kept[image], "body.images["+strconv.Itoa(i)+"]", "There is no such picture of yours. Upload it with POST /images first.")
	}
	return ch.fault()
}

// ProductOfVariant returns the product that one of a brand's SKUs belongs to, to the brand's people.
// Missing to everyone else.
func (c *Catalog) ProductOfVariant(ctx context.Context, who account.Asker, variant id.Variant) (Product, error) {
	return db.Get(ctx, c.d, func(tx *db.Tx) (Product, error) {
		v, _, err := ownVariant(tx, who, variant)
		if err != nil {
			return Product{}, err
		}
		return load(tx, v.Product)
	})
}
