package catalog

import (
	"context"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// SKUTaken is the problem type of a SKU that another variant of the brand has.
const SKUTaken = "sku_taken"

// CreateProduct puts up a product with its variants and their first stock. A brand that has not said how
// it ships gets an option with its first product, so that it can sell: see firstShipping.
// Invalid names every mistake; Conflict "sku_taken" a SKU in use.
func (c *Catalog) CreateProduct(ctx context.Context, who account.Asker, brand id.Brand, in NewProduct) (Product, error) {
	if err := who.OfBrand(brand, account.CatalogWrite); err != nil {
		return Product{}, err
	}
	return once(db.Do(ctx, c.d, func(tx *db.Tx) (Product, error) {
		currency, err := currencyOf(tx, brand)
		if err != nil {
			return Product{}, err
		}
		clean, err := in.check(currency)
		if err != nil {
			return Product{}, err
		}
		if err := c.picturesOf(tx, who, brand, clean.Images, nil); err != nil {
			return Product{}, err
		}
		p, err := insertProduct(tx, brand, currency, clean)
		if err != nil {
			return Product{}, err
		}
		if err := firstShipping(tx, brand); err != nil {
			return Product{}, err
		}
		return p, announce(tx, p.ID, true)
	}))
}

// once turns what the database says of a SKU taken in the same moment into what a client understands.
func once[T any](v T, err error) (T, error) {
	if db.IsUnique(err) {
		err = fault.Wrap(fault.Conflict, err, "A SKU of these was taken a moment ago by another product of the brand. Choose another.").WithType(SKUTaken)
	}
	return v, err
}

func insertProduct(tx *db.Tx, brand id.Brand, currency money.Currency, in NewProduct) (Product, error) {
	now := tx.Now()
	var product id.Product
	product = product.Next(now)
	images, err := encodeImages(in.Images)
	if err != nil {
		return Product{}, err
	}
	if _, err := tx.Exec(`INSERT INTO products (id, brand_id, title, description, category, images, currency, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
		string(product), string(brand), in.Title, in.Description, in.Category, images, string(currency), db.Micros(now)); err != nil {
		return Product{}, err
	}
	if err := insertVariants(tx, brand, product, in.Variants, 0); err != nil {
		return Product{}, err
	}
	return load(tx, product)
}

// insertVariants adds variants behind the first after of the product's.
func insertVariants(tx *db.Tx, brand id.Brand, product id.Product, list []NewVariant, after int) error {
	skus := make([]string, len(list))
	for i, v := range list {
		skus[i] = v.SKU
	}
	if err := skusFree(tx, brand, skus, ""); err != nil {
		return err
	}
	now := db.Micros(tx.Now())
	var variants, stock db.Values
	for i, v := range list {
		var vid id.Variant
		vid = vid.Next(tx.Now())
		variants.Row(string(vid), string(product), string(brand), v.SKU, v.Title, int64(after+i), v.Price.Minor, string(v.Price.Currency), v.GTIN, v.WeightGrams, now, now)
		stock.Row(string(vid), string(brand), v.Stock, now)
	}
	if _, err := tx.Exec(`INSERT INTO variants (id, product_id, brand_id, sku, title, position, price_minor, currency, gtin, weight_grams, created_at, updated_at) VALUES `+
		variants.Text(), variants.Args()...); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO stock (variant_id, brand_id, on_hand, updated_at) VALUES `+stock.Text(), stock.Args()...)
	return err
}

// skusFree refuses SKUs that other variants of the brand have.
func skusFree(tx *db.Tx, brand id.Brand, skus []string, except id.Variant) error {
	in, args := db.In(3, skus)
	taken, err := db.All(tx, scanText, `SELECT sku FROM variants WHERE brand_id = $1 AND id <> $2 AND sku IN `+in+` ORDER BY sku`,
		append([]any{string(brand), string(except)}, args...)...)
	if err != nil || len(taken) == 0 {
		return err
	}
	return fault.New(fault.Conflict, "Another variant of this brand has the SKU %s. Choose another, or change that one.", strings.Join(taken, ", ")).WithType(SKUTaken)
}

// announce writes the product's words anew and tells the log what it is now.
func announce(tx *db.Tx, product id.Product, created bool) error {
	if err := reindex(tx, product); err != nil {
		return err
	}
	if !created {
		return emitUpdated(tx, product)
	}
	s, err := stateOf(tx, product)
	if err != nil {
		return err
	}
	return event.Emit(tx, event.ProductCreated{ProductState: s})
}

// UpdateProduct changes what a brand says of a product. match is the version the asker has read, 0 for
// any; Stale when it is another by now.
func (c *Catalog) UpdateProduct(ctx context.Context, who account.Asker, product id.Product, match int64, ch ProductChange) (Product, error) {
	return db.Do(ctx, c.d, func(tx *db.Tx) (Product, error) {
		p, err := own(tx, who, product, match)
		if err != nil {
			return Product{}, err
		}
		had := p.Images
		if err := p.change(ch); err != nil {
			return Product{}, err
		}
		if err := c.picturesOf(tx, who, p.SoldBy.ID, p.Images, had); err != nil {
			return Product{}, err
		}
		images, err := encodeImages(p.Images)
		if err != nil {
			return Product{}, err
		}
		n, err := tx.Exec(`UPDATE products SET title = $1, description = $2, category = $3, images = $4, state = $5, version = version + 1, updated_at = $6
			WHERE id = $7 AND version = $8`, p.Title, p.Description, p.Category, images, string(p.State), db.Micros(tx.Now()), string(p.ID), p.Version)
		if err == nil && n == 0 {
			err = stale(p.Version, p.Version+1)
		}
		if err != nil {
			return Product{}, err
		}
		if err := announce(tx, p.ID, false); err != nil {
			return Product{}, err
		}
		return load(tx, p.ID)
	})
}

func (p *Product) change(ch ProductChange) error {
	var c checks
	if ch.Title != nil {
		p.Title = c.line("body.title", *ch.Title, 1, MaxTitle)
	}
	if ch.Description != nil {
		p.Description = c.text("body.description", *ch.Description, 0, MaxDescription)
	}
	if ch.Category != nil && *ch.Category != p.Category { // what was taken once is not refused with another field
		p.Category = c.category(*ch.Category)
	}
	if ch.Images != nil {
		p.Images = *ch.Images
		c.images(p.Images)
	}
	if ch.State != nil {
		p.State = *ch.State
		c.state("body.state", p.State)
	}
	return c.fault()
}

// AddVariant adds one SKU to a product. Conflict when the product has MaxVariants already.
func (c *Catalog) AddVariant(ctx context.Context, who account.Asker, product id.Product, in NewVariant) (Variant, error) {
	return once(db.Do(ctx, c.d, func(tx *db.Tx) (Variant, error) {
		p, err := own(tx, who, product, 0)
		if err != nil {
			return Variant{}, err
		}
		var ch checks
		in := in.check(&ch, "body", p.SoldBy.Currency)
		if err := ch.fault(); err != nil {
			return Variant{}, err
		}
		if len(p.Variants) >= MaxVariants {
			return Variant{}, fault.New(fault.Conflict, "A product has at most %d variants, archived ones among them. Put up another product.", MaxVariants)
		}
		if err := insertVariants(tx, p.SoldBy.ID, p.ID, []NewVariant{in}, len(p.Variants)); err != nil {
			return Variant{}, err
		}
		if err := c.touch(tx, p.ID); err != nil {
			return Variant{}, err
		}
		p, err = load(tx, p.ID)
		if err != nil {
			return Variant{}, err
		}
		return p.Variants[len(p.Variants)-1], nil
	}))
}

// touch gives a product a new version because one of its variants changed.
func (c *Catalog) touch(tx *db.Tx, product id.Product) error {
	if err := one(tx.Exec(`UPDATE products SET version = version + 1, updated_at = $1 WHERE id = $2`, db.Micros(tx.Now()), string(product))); err != nil {
		return err
	}
	return announce(tx, product, false)
}

// UpdateVariant changes one SKU; match is the variant's version that the asker has read, 0 for any.
// What is in carts is priced anew; what is ordered stays as it was.
func (c *Catalog) UpdateVariant(ctx context.Context, who account.Asker, variant id.Variant, match int64, ch VariantChange) (Variant, error) {
	return once(db.Do(ctx, c.d, func(tx *db.Tx) (Variant, error) {
		v, brand, err := ownVariant(tx, who, variant)
		if err != nil {
			return Variant{}, err
		}
		if err := stale(match, v.Version); err != nil {
			return Variant{}, err
		}
		sku := v.SKU
		if err := v.change(ch); err != nil {
			return Variant{}, err
		}
		if v.SKU != sku {
			if err := skusFree(tx, brand, []string{v.SKU}, v.ID); err != nil {
				return Variant{}, err
			}
		}
		n, err := tx.Exec(`UPDATE variants SET sku = $1, title = $2, price_minor = $3, gtin = $4, weight_grams = $5, state = $6, version = version + 1, updated_at = $7
			WHERE id = $8 AND version = $9`, v.SKU, v.Title, v.Price.Minor, v.GTIN, v.WeightGrams, string(v.State), db.Micros(tx.Now()), string(v.ID), v.Version)
		if err == nil && n == 0 {
			err = stale(v.Version, v.Version+1)
		}
		if err != nil {
			return Variant{}, err
		}
		v.Version++
		return v, c.touch(tx, v.Product)
	}))
}

func (v *Variant) change(ch VariantChange) error {
	var c checks
	if ch.SKU != nil {
		v.SKU = c.line("body.sku", *ch.SKU, 1, MaxSKU)
	}
	if ch.Title != nil {
		v.Title = c.line("body.title", *ch.Title, 0, MaxVariantTitle)
	}
	if ch.Price != nil {
		c.price("body.price", *ch.Price, v.Price.Currency)
		v.Price = *ch.Price
	}
	if ch.GTIN != nil {
		v.GTIN = *ch.GTIN
		c.gtin("body.gtin", v.GTIN)
	}
	if ch.WeightGrams != nil {
		v.WeightGrams = *ch.WeightGrams
		c.weight("body.weight_grams", v.WeightGrams)
	}
	if ch.State != nil {
		v.State = *ch.State
		c.state("body.state", v.State)
	}
	return c.fault()
}
