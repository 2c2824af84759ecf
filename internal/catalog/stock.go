package catalog

import (
	"database/sql"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Item is a quantity of one variant.
type Item struct {
	Variant  id.Variant
	Quantity int64
}

// ReservationState is where a reservation stands.
type ReservationState string

// The states: held until it is sold, released by the buyer or the brand, or expired.
const (
	Held     ReservationState = "held"
	Sold     ReservationState = "sold"
	Released ReservationState = "released"
	Expired  ReservationState = "expired"
)

// Problem types of stock, finer than a conflict.
const (
	OutOfStock         = "out_of_stock"        // fewer are left than asked for
	ReservationExpired = "reservation_expired" // the units were let go before they were sold
)

// Reserve takes the items out of what is available, for the order, until a time. Lines of one variant
// are merged first: two lines checked each against the same number would take it twice. Rows are
// updated in the order of their ids, so that two orders never wait for each other in a circle.
// Conflict "out_of_stock" names each variant that is short and how many are left; nothing is then
// reserved once the caller's transaction ends with the error.
func Reserve(tx *db.Tx, order id.Order, items []Item, until time.Time) error {
	items, err := merge(items)
	if err != nil {
		return err
	}
	now := tx.Now()
	var rows db.Values
	for i, it := range items {
		var brand id.Brand
		var left int64
		err := tx.Row(`UPDATE stock SET reserved = reserved + $1, updated_at = $2
			WHERE variant_id = $3 AND on_hand - reserved >= $1 RETURNING brand_id, on_hand - reserved`,
			it.Quantity, db.Micros(now), string(it.Variant)).Scan(&brand, &left)
		if errors.Is(err, sql.ErrNoRows) {
			return shortage(tx, items, i)
		}
		if err != nil {
			return err
		}
		if left == 0 {
			if err := emitStock(tx, it.Variant); err != nil {
				return err
			}
		}
		var r id.Reservation
		rows.Row(string(r.Next(now)), string(order), string(it.Variant), string(brand), it.Quantity, string(Held), db.Micros(until), db.Micros(now))
	}
	_, err = tx.Exec(`INSERT INTO reservations (id, order_id, variant_id, brand_id, quantity, state, expires_at, created_at) VALUES `+rows.Text(), rows.Args()...)
	return err
}

// merge adds up the items of each variant and sorts them by its id.
func merge(items []Item) ([]Item, error) {
	if len(items) == 0 {
		return nil, fault.New(fault.Invalid, "There is nothing to reserve.")
	}
	sum := map[id.Variant]int64{}
	for _, it := range items {
		if it.Quantity < 1 || it.Quantity > MaxUnits {
			return nil, fault.New(fault.Invalid, "A quantity must be between 1 and %d.", int64(MaxUnits))
		}
		sum[it.Variant] += it.Quantity
	}
	merged := make([]Item, 0, len(sum))
	for v, q := range sum {
		merged = append(merged, Item{v, q})
	}
	sort.Slice(merged, func(i, j int) bool { return merged[i].Variant < merged[j].Variant })
	return merged, nil
}

// shortage tells which of the items there are too few of. The first done of them were reserved
// before another failed, so there were enough of those.
func shortage(tx *db.Tx, items []Item, done int) error {
	wanted := map[id.Variant]int64{}
	ids := make([]id.Variant, 0, len(items))
	for _, it := range items[done:] {
		wanted[it.Variant] = it.Quantity
		ids = append(ids, it.Variant)
	}
	type level struct {
		variant id.Variant
		title   string
		left    int64
	}
	list, args := db.In(1, ids)
	levels, err := db.All(tx, func(rows *sql.Rows) (l level, err error) {
		var product, variant string
		err = rows.Scan(&l.variant, &product, &variant, &l.left)
		l.title = fullTitle(product, variant)
		return l, err
	}, `SELECT v.id, p.title, v.title, s.on_hand - s.reserved FROM variants v
		JOIN products p ON p.id = v.product_id JOIN stock s ON s.variant_id = v.id WHERE v.id IN `+list+` ORDER BY v.id`, args...)
	if err != nil {
		return err
	}
	f := fault.New(fault.Conflict, "").WithType(OutOfStock)
	var said []string
	for _, l := range levels {
		if l.left >= wanted[l.variant] {
			continue
		}
		how := "is sold out"
		if l.left > 0 {
			how = fmt.Sprintf("has only %d left", l.left)
		}
		said = append(said, l.title+" "+how)
		f = f.WithField("variant:"+string(l.variant), "%s %s.", l.title, how)
	}
	if len(said) == 0 {
		said = []string{"What you asked for is no longer there in this quantity"}
	}
	f.Detail = strings.Join(said, ", ") + ". Change the quantity or take it out of the cart."
	return f
}

// fullTitle names a variant as a shopper reads it: the product, and the variant unless it says nothing.
func fullTitle(product, variant string) string {
	if variant == "" || variant == product || strings.EqualFold(variant, "default") {
		return product
	}
	return product + " (" + variant + ")"
}

// taken is one row of what a change of reservations has moved.
type taken struct {
	variant  id.Variant
	quantity int64
}

func scanTaken(rows *sql.Rows) (t taken, err error) {
	err = rows.Scan(&t.variant, &t.quantity)
	return t, err
}

// move changes the state of an order's reservations and returns what they hold, by variant id. extra narrows it
// further and may use parameters from $2 on. The states stand in the text: SQLite prepares a statement anew for
// each value of a parameter that a partial index is compared with.
func move(tx *db.Tx, order id.Order, from, to ReservationState, extra string, args ...any) ([]taken, error) {
	moved, err := db.All(tx, scanTaken, `UPDATE reservations SET state = '`+string(to)+`' WHERE order_id = $1 AND state = '`+string(from)+`'`+extra+` RETURNING variant_id, quantity`,
		append([]any{string(order)}, args...)...)
	sort.Slice(moved, func(i, j int) bool { return moved[i].variant < moved[j].variant })
	return moved, err
}

// Sell turns what the order holds into sold units: they leave the shelf. Conflict "reservation_expired"
// when it holds nothing any more; the caller may Reserve again and sell that.
func Sell(tx *db.Tx, order id.Order) error {
	sold, err := move(tx, order, Held, Sold, "")
	if err != nil {
		return err
	}
	if len(sold) == 0 {
		return fault.New(fault.Conflict, "The units held for this order were let go. Check out again.").WithType(ReservationExpired)
	}
	for _, s := range sold {
		if err := one(tx.Exec(`UPDATE stock SET on_hand = on_hand - $1, reserved = reserved - $1, version = version + 1, updated_at = $2 WHERE variant_id = $3`,
			s.quantity, db.Micros(tx.Now()), string(s.variant))); err != nil {
			return err
		}
	}
	return nil
}

// Release lets go of what the order holds: Released when the buyer gave up, Expired when time ran out.
// It is harmless to repeat, and does nothing to what has been sold.
func Release(tx *db.Tx, order id.Order, state ReservationState) error {
	if state != Released && state != Expired {
		return fmt.Errorf("catalog: a reservation cannot be let go as %q", state)
	}
	let, err := move(tx, order, Held, state, "")
	if err != nil {
		return err
	}
	for _, l := range let {
		if err := put(tx, l, `reserved = reserved - $1`); err != nil {
			return err
		}
	}
	return nil
}

// Restock puts sold units of the order's variants back on the shelf, when a part is cancelled before it
// was shipped. It is harmless to repeat: only what is still sold goes back.
func Restock(tx *db.Tx, order id.Order, variants []id.Variant) error {
	if len(variants) == 0 {
		return nil
	}
	list, args := db.In(2, variants)
	back, err := move(tx, order, Sold, Released, ` AND variant_id IN `+list, args...)
	if err != nil {
		return err
	}
	for _, b := range back {
		if err := put(tx, b, `on_hand = on_hand + $1, version = version + 1`); err != nil {
			return err
		}
	}
	return nil
}

// put makes units available again and tells the log when there were none.
func put(tx *db.Tx, t taken, set string) error {
	var left int64
	err := tx.Row(`UPDATE stock SET `+set+`, updated_at = $2 WHERE variant_id = $3 RETURNING on_hand - reserved`,
		t.quantity, db.Micros(tx.Now()), string(t.variant)).Scan(&left)
	if err != nil {
		return err
	}
	if left == t.quantity {
		return emitStock(tx, t.variant)
	}
	return nil
}

// Extend keeps what the order holds until a later time; an earlier one changes nothing.
// Conflict "reservation_expired" when it holds nothing any more.
func Extend(tx *db.Tx, order id.Order, until time.Time) error {
	n, err := tx.Exec(`UPDATE reservations SET expires_at = CASE WHEN expires_at < $1 THEN $1 ELSE expires_at END WHERE order_id = $2 AND state = 'held'`,
		db.Micros(until), string(order))
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "The units held for this order were let go. Check out again.").WithType(ReservationExpired)
	}
	return err
}

// one makes an error of a statement that should have changed exactly one row.
func one(n int64, err error) error {
	if err == nil && n != 1 {
		return fmt.Errorf("catalog: a statement changed %d rows instead of one", n)
	}
	return err
}
