package catalog

import (
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Units that are given away leave the shelf by the door of those that are sold: a reservation in the name of the
// sample, so that no unit is promised to a buyer and a creator at once, and stock equals its reservations.

// SetAside holds one unit for a sample until a time. Conflict "out_of_stock" when none is left.
func SetAside(tx *db.Tx, s id.Sample, variant id.Variant, until time.Time) error {
	err := Reserve(tx, id.Order(s), []Item{{variant, 1}}, until)
	if fault.Is(err, fault.Conflict) {
		return fault.Wrap(fault.Conflict, err, "It is sold out: there is no unit to give away. Approve it when there is stock again.").WithType(OutOfStock)
	}
	return err
}

// GiveAway takes the unit set aside for a sample off the shelf.
func GiveAway(tx *db.Tx, s id.Sample) error { return Sell(tx, id.Order(s)) }

// LetGo makes the unit set aside for a sample available again. It is harmless to repeat.
func LetGo(tx *db.Tx, s id.Sample) error { return Release(tx, id.Order(s), Released) }

// TakeBack puts the unit of a sample that came back on the shelf. It is harmless to repeat.
func TakeBack(tx *db.Tx, s id.Sample, variant id.Variant) error {
	return Restock(tx, id.Order(s), []id.Variant{variant})
}
