package catalog

import (
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// stateOf reads what the log may know of a product.
func stateOf(tx *db.Tx, product id.Product) (event.ProductState, error) {
	s := event.ProductState{Product: product}
	var low, available int64
	var currency money.Currency
	err := tx.Row(`SELECT p.brand_id, p.category, p.currency, CASE WHEN p.state = 'active' THEN 1 ELSE 0 END,
		CAST(COALESCE(MIN(CASE WHEN v.state = 'active' THEN v.price_minor END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN v.state = 'active' THEN s.on_hand - s.reserved ELSE 0 END), 0) AS BIGINT)
		FROM products p LEFT JOIN variants v ON v.product_id = p.id LEFT JOIN stock s ON s.variant_id = v.id
		WHERE p.id = $1 GROUP BY p.id, p.brand_id, p.category, p.currency, p.state`, string(product)).
		Scan(&s.Brand, &s.Category, &currency, &s.Active, &low, &available)
	s.PriceFrom, s.Available = money.Of(low, currency), available > 0
	return s, err
}

// emitUpdated tells the log what a product is after a change.
func emitUpdated(tx *db.Tx, product id.Product) error {
	s, err := stateOf(tx, product)
	if err != nil {
		return err
	}
	return event.Emit(tx, event.ProductUpdated{ProductState: s})
}

// emitStock tells the log that a variant has sold out or come back.
func emitStock(tx *db.Tx, variant id.Variant) error {
	var product id.Product
	if err := tx.Row(`SELECT product_id FROM variants WHERE id = $1`, string(variant)).Scan(&product); err != nil {
		return err
	}
	return emitUpdated(tx, product)
}
