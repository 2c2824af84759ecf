package catalog

import (
	"context"
	"database/sql"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// BelowReserved is the problem type of a stock lower than what checkouts hold.
const BelowReserved = "below_reserved"

// Stock returns a variant's stock to its brand's people; Missing to everybody else.
func (c *Catalog) Stock(ctx context.Context, who account.Asker, variant id.Variant) (Level, error) {
	return db.Get(ctx, c.d, func(tx *db.Tx) (Level, error) {
		v, _, err := variantOf(tx, who, variant, account.CatalogRead)
		if err != nil {
			return Level{}, err
		}
		return *v.Stock, nil
	})
}

// ownVariant reads a variant for who may change it.
func ownVariant(tx *db.Tx, who account.Asker, variant id.Variant) (Variant, id.Brand, error) {
	return variantOf(tx, who, variant, account.CatalogWrite)
}

// variantOf reads a variant for its brand's people; Missing for everybody else.
func variantOf(tx *db.Tx, who account.Asker, variant id.Variant, scope account.Scope) (Variant, id.Brand, error) {
	type row struct {
		variant Variant
		brand   id.Brand
	}
	found, err := db.All(tx, func(rows *sql.Rows) (r row, err error) {
		v := &r.variant
		v.Stock = &Level{}
		err = rows.Scan(&r.brand, &v.ID, &v.Product, &v.SKU, &v.Title, &v.Price.Minor, &v.Price.Currency, &v.GTIN, &v.WeightGrams, &v.State, &v.Version,
			&v.Stock.OnHand, &v.Stock.Reserved, &v.Stock.Version)
		v.Stock.Variant, v.Available, v.OnHand = v.ID, v.Stock.OnHand-v.Stock.Reserved, &v.Stock.OnHand
		return r, err
	}, `SELECT v.brand_id, `+variantColumns+` FROM variants v JOIN stock s ON s.variant_id = v.id WHERE v.id = $1`, string(variant))
	if err != nil {
		return Variant{}, "", err
	}
	if len(found) == 0 {
		return Variant{}, "", firstOf(who.OfBrand("", scope), errNoVariant())
	}
	if err := who.OfBrand(found[0].brand, scope); err != nil {
		if fault.Is(err, fault.Missing) {
			err = errNoVariant()
		}
		return Variant{}, "", err
	}
	return found[0].variant, found[0].brand, nil
}

// SetStock says how many units a count has found. match is the version of the stock the asker has read,
// 0 for any; Stale when units were sold or counted since. Conflict "below_reserved" when checkouts hold more.
func (c *Catalog) SetStock(ctx context.Context, who account.Asker, variant id.Variant, match, onHand int64) (Level, error) {
	var ch checks
	ch.units("body.on_hand", onHand)
	if err := ch.fault(); err != nil {
		return Level{}, err
	}
	return db.Do(ctx, c.d, func(tx *db.Tx) (Level, error) {
		v, brand, err := ownVariant(tx, who, variant)
		if err != nil {
			return Level{}, err
		}
		if err := stale(match, v.Stock.Version); err != nil {
			return Level{}, err
		}
		return count(tx, who, v, brand, onHand-v.Stock.OnHand, "counted")
	})
}

// AdjustStock adds units, or takes some away, for a reason: what systems that sync say. Conflict
// "below_reserved" when fewer would be left than checkouts hold.
func (c *Catalog) AdjustStock(ctx context.Context, who account.Asker, variant id.Variant, delta int64, reason string) (Level, error) {
	var ch checks
	reason = ch.line("body.reason", reason, 1, MaxReason)
	ch.add(delta != 0 && delta >= -MaxUnits && delta <= MaxUnits, "body.delta", "Say how many units to add, or with a minus to take away.")
	if err := ch.fault(); err != nil {
		return Level{}, err
	}
	return db.Do(ctx, c.d, func(tx *db.Tx) (Level, error) {
		v, brand, err := ownVariant(tx, who, variant)
		if err != nil {
			return Level{}, err
		}
		return count(tx, who, v, brand, delta, reason)
	})
}

// count changes a stock by delta, never below what is reserved, and keeps who did it and why. The
// condition is the statement's own, so that a sale of the same moment is not overlooked.
func count(tx *db.Tx, who account.Asker, v Variant, brand id.Brand, delta int64, reason string) (Level, error) {
	l := Level{Variant: v.ID}
	found, err := db.All(tx, func(rows *sql.Rows) (Level, error) {
		l := Level{Variant: v.ID}
		err := rows.Scan(&l.OnHand, &l.Reserved, &l.Version)
		return l, err
	}, `UPDATE stock SET on_hand = on_hand + $1, version = version + 1, updated_at = $2
		WHERE variant_id = $3 AND on_hand + $1 >= reserved AND on_hand + $1 <= $4 RETURNING on_hand, reserved, version`,
		delta, db.Micros(tx.Now()), string(v.ID), int64(MaxUnits))
	if err != nil {
		return l, err
	}
	if len(found) == 0 {
		if delta > 0 {
			return l, fault.New(fault.Invalid, "Stock is between 0 and %d units.", int64(MaxUnits))
		}
		return l, fault.New(fault.Conflict, "Checkouts hold %d units of this variant. Set the stock to at least that, and try again when they are paid or let go.", v.Stock.Reserved).WithType(BelowReserved)
	}
	l = found[0]
	var adjustment id.Event
	_, err = tx.Exec(`INSERT INTO stock_adjustments (id, variant_id, brand_id, delta, reason, made_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(adjustment.Next(tx.Now())), string(v.ID), string(brand), delta, reason, who.Actor(), db.Micros(tx.Now()))
	if err != nil {
		return l, err
	}
	if before := v.Available; (before > 0) != (l.OnHand > l.Reserved) {
		return l, emitUpdated(tx, v.Product)
	}
	return l, nil
}
