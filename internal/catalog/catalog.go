package catalog

import (
	"mezzo/internal/db"
)

// Catalog is what brands sell, kept in one database.
type Catalog struct {
	d *db.DB
}

// New returns the catalogue that d keeps.
func New(d *db.DB) *Catalog { return &Catalog{d: d} }
