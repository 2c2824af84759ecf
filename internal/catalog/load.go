package catalog

import (
	"database/sql"
	"encoding/json"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// errNoProduct is said of what is not there and of what is somebody else's, alike.
func errNoProduct() error { return fault.New(fault.Missing, "There is no such product.") }

func errNoVariant() error { return fault.New(fault.Missing, "There is no such variant.") }

const productColumns = `p.id, p.title, p.description, p.category, p.images, p.state, p.standing, p.standing_reason, p.version, p.created_at, p.updated_at,
	b.id, b.name, b.slug, b.legal_name, b.country, b.currency, b.contact_email, b.contact_address`

func scanProduct(rows *sql.Rows) (p Product, err error) {
	var images string
	var created, updated int64
	err = rows.Scan(&p.ID, &p.Title, &p.Description, &p.Category, &images, &p.State, &p.Standing, &p.StandingReason, &p.Version, &created, &updated,
		&p.SoldBy.ID, &p.SoldBy.Name, &p.SoldBy.Slug, &p.SoldBy.LegalName, &p.SoldBy.Country, &p.SoldBy.Currency, &p.SoldBy.ContactEmail, &p.SoldBy.ContactAddress)
	p.CreatedAt, p.UpdatedAt = db.Time(created), db.Time(updated)
	p.Images, p.Variants = decodeImages(images), []Variant{}
	if p.Images == nil {
		p.Images = []id.Image{}
	}
	return p, err
}

// load reads one product with all its variants and their stock; Missing when there is none.
func load(tx *db.Tx, product id.Product) (Product, error) {
	list, err := loadAll(tx, []id.Product{product})
	if err != nil {
		return Product{}, err
	}
	if len(list) == 0 {
		return Product{}, errNoProduct()
	}
	return list[0], nil
}

// loadAll reads products with all their variants and their stock, in the order asked for. Two queries.
func loadAll(tx *db.Tx, products []id.Product) ([]Product, error) {
	if len(products) == 0 {
		return nil, nil
	}
	in, args := db.In(1, products)
	found, err := db.All(tx, scanProduct, `SELECT `+productColumns+` FROM products p JOIN brands b ON b.id = p.brand_id WHERE p.id IN `+in, args...)
	if err != nil {
		return nil, err
	}
	at := make(map[id.Product]*Product, len(found))
	for i := range found {
		at[found[i].ID] = &found[i]
	}
	_, err = db.All(tx, func(rows *sql.Rows) (struct{}, error) {
		v, err := scanVariant(rows)
		if p := at[v.Product]; p != nil {
			p.Variants = append(p.Variants, v)
		}
		return struct{}{}, err
	}, `SELECT `+variantColumns+` FROM variants v JOIN stock s ON s.variant_id = v.id WHERE v.product_id IN `+in+` ORDER BY v.position, v.id`, args...)
	ordered := make([]Product, 0, len(found))
	for _, p := range products {
		if at[p] != nil {
			ordered = append(ordered, *at[p])
		}
	}
	return ordered, err
}

const variantColumns = `v.id, v.product_id, v.sku, v.title, v.price_minor, v.currency, v.gtin, v.weight_grams, v.state, v.version, s.on_hand, s.reserved, s.version`

func scanVariant(rows *sql.Rows) (v Variant, err error) {
	v.Stock = &Level{}
	err = rows.Scan(&v.ID, &v.Product, &v.SKU, &v.Title, &v.Price.Minor, &v.Price.Currency, &v.GTIN, &v.WeightGrams, &v.State, &v.Version,
		&v.Stock.OnHand, &v.Stock.Reserved, &v.Stock.Version)
	v.Stock.Variant, v.Available, v.OnHand = v.ID, v.Stock.OnHand-v.Stock.Reserved, &v.Stock.OnHand
	return v, err
}

// public leaves out what is between the brand and the operator: archived variants, levels, reasons.
func (p Product) public() Product {
	p.StandingReason = ""
	open := make([]Variant, 0, len(p.Variants))
	for _, v := range p.Variants {
		if v.State == Active {
			v.Stock, v.OnHand = nil, nil
			open = append(open, v)
		}
	}
	p.Variants = open
	return p
}

// shown reports whether the public may open the product by its address.
func (p Product) shown() bool { return p.State == Active && p.Standing != Removed }

// insider reports whether the asker sees the product as its brand does.
func insider(who account.Asker, brand id.Brand) bool {
	return who.OfBrand(brand, account.CatalogRead) == nil
}

// own reads a product for its brand's people; Missing for everybody else.
func own(tx *db.Tx, who account.Asker, product id.Product, match int64) (Product, error) {
	p, err := load(tx, product)
	if fault.Is(err, fault.Missing) {
		return p, firstOf(who.OfBrand("", account.CatalogWrite), err)
	}
	if err != nil {
		return p, err
	}
	if err := who.OfBrand(p.SoldBy.ID, account.CatalogWrite); err != nil {
		if fault.Is(err, fault.Missing) {
			err = errNoProduct()
		}
		return p, err
	}
	return p, stale(match, p.Version)
}

// firstOf answers a stranger's question about what is not there as about what is not theirs:
// Unauthorized for nobody, Missing in the thing's own words for everyone else.
func firstOf(asked, missing error) error {
	if fault.Is(asked, fault.Unauthorized) {
		return asked
	}
	return missing
}

// stale returns an error when the asker's version, if any, is not the one in force.
func stale(match, version int64) error {
	if match != 0 && match != version {
		return fault.New(fault.Stale, "This has changed since you read it. Read it again, and change that.")
	}
	return nil
}

// currencyOf returns the brand's currency; Missing when there is no such brand.
func currencyOf(tx *db.Tx, brand id.Brand) (c money.Currency, err error) {
	b, err := account.BrandOf(tx, brand)
	return b.Currency, err
}

func encodeImages(images []id.Image) (string, error) {
	if len(images) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(images)
	return string(text), err
}
