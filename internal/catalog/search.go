package catalog

import (
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// index stores the words a product is found by: its title first, then all else that is said of it.
func index(tx *db.Tx, p Product) error {
	name, _ := CategoryName(p.Category)
	rest := []string{p.SoldBy.Name, name, p.Description}
	for _, v := range p.Variants {
		if v.State == Active {
			rest = append(rest, v.Title, v.SKU, v.GTIN)
		}
	}
	_, err := tx.Exec(`INSERT INTO product_search (product_id, title, body) VALUES ($1, $2, $3)
		ON CONFLICT (product_id) DO UPDATE SET title = excluded.title, body = excluded.body`,
		string(p.ID), indexed(p.Title), indexed(rest...))
	return err
}

// search returns SQL that gives product_id and score (lower is better) of the products that match,
// with its only argument as $1. Each engine has its own index and the same words in it.
func search(engine db.Engine, list []string) (sql, arg string) {
	if engine == db.Postgres {
		return `SELECT s.product_id, -ts_rank(s.doc, q) AS score FROM product_search s, to_tsquery('simple', $1) q WHERE s.doc @@ q`, matchPostgres(list)
	}
	return `SELECT s.product_id, bm25(product_fts, 8.0, 1.0) AS score FROM product_fts JOIN product_search s ON s.row_id = product_fts.rowid WHERE product_fts MATCH $1`, matchSQLite(list)
}

// reindex writes the words of a product anew after a change.
func reindex(tx *db.Tx, product id.Product) error {
	p, err := load(tx, product)
	if err != nil {
		return err
	}
	return index(tx, p)
}
