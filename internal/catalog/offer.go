package catalog

import (
	"database/sql"
	"encoding/json"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Offer is one variant as it can be bought now: all that a cart and a checkout need of it.
type Offer struct {
	Variant      id.Variant
	Product      id.Product
	Brand        id.Brand
	BrandName    string
	Title        string // the product's
	VariantTitle string
	SKU          string
	Image        id.Image // "" without a picture
	Category     string
	Price        money.Amount
	Available    int64 // units on hand and not reserved
	WeightGrams  int64
}

const offersOf = `
SELECT v.id, v.product_id, v.brand_id, b.name, p.title, v.title, v.sku, p.images, p.category,
       v.price_minor, v.currency, s.on_hand - s.reserved, v.weight_grams
FROM variants v
JOIN products p ON p.id = v.product_id
JOIN brands b ON b.id = v.brand_id
JOIN stock s ON s.variant_id = v.id
WHERE v.state = 'active' AND p.state = 'active' AND p.standing <> 'removed' AND v.id IN `

// ForSale returns the offers of those of the variants that can be bought: active, and of a product that
// is active and not removed. (A limited product is shown in no list, but stays for sale to who has its
// address.) What is missing from the map is not for sale. One query.
func ForSale(tx *db.Tx, variants []id.Variant) (map[id.Variant]Offer, error) {
	offers := make(map[id.Variant]Offer, len(variants))
	if len(variants) == 0 {
		return offers, nil
	}
	list, args := db.In(1, variants)
	found, err := db.All(tx, scanOffer, offersOf+list, args...)
	for _, o := range found {
		offers[o.Variant] = o
	}
	return offers, err
}

func scanOffer(rows *sql.Rows) (Offer, error) {
	var o Offer
	var images string
	err := rows.Scan(&o.Variant, &o.Product, &o.Brand, &o.BrandName, &o.Title, &o.VariantTitle, &o.SKU, &images, &o.Category,
		&o.Price.Minor, &o.Price.Currency, &o.Available, &o.WeightGrams)
	if err != nil {
		return o, err
	}
	if list := decodeImages(images); len(list) > 0 {
		o.Image = list[0]
	}
	return o, nil
}

// decodeImages reads a column that only this package writes; what cannot be read is no picture.
func decodeImages(column string) []id.Image {
	var list []id.Image
	if json.Unmarshal([]byte(column), &list) != nil {
		return nil
	}
	return list
}
