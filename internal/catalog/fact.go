package catalog

import (
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Topics of the facts this package tells the log.
const (
	TopicCreated = "product.created"
	TopicUpdated = "product.updated"
	TopicStock   = "product.stock" // a variant sold out, came back, or was counted
)

// Fact is what the log learns of a product that was put up or changed: all that folds need
// and no free text.
type Fact struct {
	Product   id.Product   `json:"product_id"`
	Brand     id.Brand     `json:"brand_id"`
	Category  string       `json:"category"`
	State     State        `json:"state"`
	Standing  Standing     `json:"standing"`
	Price     money.Amount `json:"price"` // the lowest of its active variants
	Available int64        `json:"available"`
}

// StockFact is what the log learns of a variant's stock.
type StockFact struct {
	Product   id.Product `json:"product_id"`
	Variant   id.Variant `json:"variant_id"`
	Brand     id.Brand   `json:"brand_id"`
	Available int64      `json:"available"`
}

func emitProduct(tx *db.Tx, topic string, p Product) error {
	f := Fact{Product: p.ID, Brand: p.SoldBy.ID, Category: p.Category, State: p.State, Standing: p.Standing, Price: p.Low()}
	for _, v := range p.Variants {
		if v.State == Active {
			f.Available += v.Available
		}
	}
	return tx.Emit(topic, f)
}

func emitStock(tx *db.Tx, variant id.Variant, available int64) error {
	f := StockFact{Variant: variant, Available: available}
	if err := tx.Row(`SELECT product_id, brand_id FROM variants WHERE id = $1`, string(variant)).Scan(&f.Product, &f.Brand); err != nil {
		return err
	}
	return tx.Emit(TopicStock, f)
}
