package order

import (
	"database/sql"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Erase takes a person out of their orders: the books stay, the e-mail, the address and the carts go,
// but for the country and region that name the tax, and so does the link from the account to the viewer
// the log knows. Conflict while something of theirs is under way.
func Erase(tx *db.Tx, person id.Account) error {
	var open int64
	err := tx.Row(`SELECT COUNT(*) FROM orders o WHERE o.account_id = $1 AND (o.state = 'placed'
		OR EXISTS (SELECT 1 FROM order_parts p WHERE p.order_id = o.id AND p.state IN ('paid','shipped','delivered')))`, person).Scan(&open)
	if err != nil {
		return err
	}
	if open > 0 {
		return fault.New(fault.Conflict, "You have orders under way. Once they have arrived and their time for questions has passed, your account can be erased.").WithType("orders_open")
	}
	orders, err := db.All(tx, func(r *sql.Rows) (Order, error) { return scanOrder(r) }, `SELECT `+orderColumns+` FROM orders WHERE account_id = $1`, person)
	if err != nil {
		return err
	}
	for _, o := range orders {
		left := Address{Country: o.Address.Country}
		if regionWord.MatchString(o.Address.Region) { // it can name the tax account of an older line; what else was typed there is the person's
			left.Region = o.Address.Region
		}
		if _, err := tx.Exec(`UPDATE orders SET account_id = '', email = '', shipping_address = $1, version = version + 1 WHERE id = $2`, encode(left), o.ID); err != nil {
			return err
		}
	}
	for _, q := range []string{`DELETE FROM addresses WHERE account_id = $1`, `DELETE FROM cart_lines WHERE cart_id IN (SELECT id FROM carts WHERE account_id = $1)`,
		`UPDATE carts SET viewer_id = '', account_id = '' WHERE account_id = $1`} {
		if _, err := tx.Exec(q, person); err != nil {
			return err
		}
	}
	return nil
}

// Bought is an order as a person takes it home with their data.
type Bought struct {
	ID       id.Order     `json:"id"`
	State    State        `json:"state"`
	Total    money.Amount `json:"total"`
	Email    string       `json:"email"`
	Address  Address      `json:"shipping_address"`
	PlacedAt time.Time    `json:"placed_at"`
}

// Export returns a person's orders, oldest first.
func Export(tx *db.Tx, person id.Account) (any, error) {
	return db.All(tx, func(r *sql.Rows) (Bought, error) {
		o, err := scanOrder(r)
		return Bought{o.ID, o.State, o.Total, o.Email, o.Address, o.PlacedAt}, err
	}, `SELECT `+orderColumns+` FROM orders WHERE account_id = $1 ORDER BY id`, person)
}
