package order

import (
	"database/sql"
	"errors"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// lock takes the order for the rest of the transaction, before anything of it is read: whoever else
// wants to change it waits, and then reads what this one has made of it. Without it two of PostgreSQL's
// transactions both read an order as it was: one sends it while the other gives its money back, and of
// two last parcels each takes the other for still on its way. SQLite has one writer and needs no lock.
func lock(tx *db.Tx, ord id.Order) error {
	if tx.Engine() == db.SQLite {
		return nil
	}
	_, err := tx.Exec(`UPDATE orders SET version = version WHERE id = $1`, ord)
	return err
}

// lockCart takes a cart likewise, so that two checkouts of it see one another.
func lockCart(tx *db.Tx, cart id.Cart) error {
	if tx.Engine() == db.SQLite {
		return nil
	}
	_, err := tx.Exec(`UPDATE carts SET version = version WHERE id = $1`, cart)
	return err
}

// loadLocked takes an order and reads it; Missing when there is none.
func loadLocked(tx *db.Tx, ord id.Order) (Order, error) {
	if err := lock(tx, ord); err != nil {
		return Order{}, err
	}
	return loadOrder(tx, ord)
}

// headLocked takes the order of a checkout and reads it without its parts and lines.
func headLocked(tx *db.Tx, checkout id.Checkout) (Order, error) {
	ord, err := headWhere(tx, `checkout_id = $1`, string(checkout))
	if err != nil || tx.Engine() == db.SQLite {
		return ord, err
	}
	if err := lock(tx, ord.ID); err != nil {
		return Order{}, err
	}
	return headWhere(tx, `id = $1`, string(ord.ID))
}

// paymentLocked takes the order of a payment and reads the payment.
func paymentLocked(tx *db.Tx, pay id.Payment) (payment, error) {
	read := func() (payment, error) {
		return scanPayment(tx.Row(`SELECT `+paymentColumns+` FROM payments WHERE id = $1`, pay))
	}
	p, err := read()
	if errors.Is(err, sql.ErrNoRows) {
		return payment{}, missing("payment")
	}
	if err != nil || tx.Engine() == db.SQLite {
		return p, err
	}
	if err := lock(tx, p.order); err != nil {
		return payment{}, err
	}
	return read()
}

// notPaying returns a Conflict while an attempt to pay the order is under way: only the provider can end it.
func notPaying(tx *db.Tx, ord id.Order) error {
	var open int64
	err := tx.Row(`SELECT COUNT(*) FROM payments WHERE order_id = $1 AND state IN ('started','redirected')`, ord).Scan(&open)
	if err == nil && open > 0 {
		return fault.New(fault.Conflict, "This order is being paid right now. Look again in a moment.").WithType("payment_running").After(2 * time.Second)
	}
	return err
}
