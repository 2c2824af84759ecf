package voucher

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"slices"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Person is who uses a voucher, by the names we know them under: a limit counts each of them.
type Person struct {
	Account id.Account
	Viewer  id.Viewer
	Email   string
}

// keys are what a person is counted by for one voucher: no name can be read from them, nor one voucher's be
// told from another's.
func (p Person) keys(v id.Voucher) []string {
	var keys []string
	add := func(kind, name string) {
		if name != "" {
			sum := sha256.Sum256([]byte(string(v) + "\x00" + kind + "\x00" + name))
			keys = append(keys, hex.EncodeToString(sum[:16]))
		}
	}
	add("account", string(p.Account))
	add("viewer", string(p.Viewer))
	add("email", account.EmailKey(p.Email))
	slices.Sort(keys)
	return keys
}

// had returns how often the person has each voucher that counts it.
func (p Person) had(tx *db.Tx, list []Voucher) (map[id.Voucher]int64, error) {
	had := map[id.Voucher]int64{}
	var keys []string
	for _, v := range list {
		if v.PerPerson > 0 {
			keys = append(keys, p.keys(v.ID)...)
		}
	}
	if len(keys) == 0 {
		return had, nil
	}
	ids := make([]id.Voucher, len(list))
	for i, v := range list {
		ids[i] = v.ID
	}
	of, args := db.In(1, ids)
	in, more := db.In(1+len(args), keys)
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var v id.Voucher
		var n int64
		err := r.Scan(&v, &n)
		had[v] = n
		return struct{}{}, err
	}, `SELECT voucher_id, MAX(taken) FROM voucher_people WHERE voucher_id IN `+of+` AND person IN `+in+` GROUP BY voucher_id`, append(args, more...)...)
	return had, err
}

// Use is one voucher of an order.
type Use struct {
	Voucher Voucher
	Amount  money.Amount // what it takes off; 0: only its creator is remembered
	Typed   int
}

// UsedUp is the problem type of a voucher that others were quicker to use.
const UsedUp = "voucher_used_up"

// Gone is the voucher that could not be taken.
type Gone struct {
	Voucher id.Voucher
	Typed   bool // its code was: the shopper counts on it
	cause   error
}

// Error says it to the shopper.
func (g *Gone) Error() string { return g.cause.Error() }

// Unwrap returns the fault.
func (g *Gone) Unwrap() error { return g.cause }

// Take holds the vouchers of an order that is placed, while their limits last: conditional updates, in the
// order of their ids. A *Gone names the first that others were quicker to use; the transaction has then taken
// some of them, and must be given up.
func Take(tx *db.Tx, ord id.Order, who Person, uses []Use) error {
	uses = slices.Clone(uses)
	slices.SortFunc(uses, func(a, b Use) int { return strings.Compare(string(a.Voucher.ID), string(b.Voucher.ID)) })
	now := db.Micros(tx.Now())
	for _, u := range uses {
		state := "held"
		if u.Amount.Minor == 0 {
			state = "noted"
		}
		if _, err := tx.Exec(`INSERT INTO voucher_uses(order_id, voucher_id, state, typed, amount_minor, currency, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$7)`,
			ord, u.Voucher.ID, state, int64(u.Typed), u.Amount.Minor, string(u.Amount.Currency), now); err != nil {
			return err
		}
		if u.Amount.Minor == 0 {
			continue
		}
		if err := u.take(tx, ord, who); err != nil {
			return err
		}
	}
	return nil
}

func (u Use) take(tx *db.Tx, ord id.Order, who Person) error {
	gone := func(says string) error {
		return &Gone{u.Voucher.ID, u.Typed > 0, fault.New(fault.Conflict, says, u.Voucher.Code).WithType(UsedUp)}
	}
	now := db.Micros(tx.Now())
	n, err := tx.Exec(`UPDATE vouchers SET taken = taken + 1 WHERE id = $1 AND (total_limit = 0 OR taken < total_limit)
		AND starts_at <= $2 AND (ends_at = 0 OR ends_at > $2)`, u.Voucher.ID, now)
	if err == nil && n == 0 {
		err = gone("The code %s has just been used up, or has ended. Take it out of the bag to go on without it.")
	}
	if err != nil || u.Voucher.PerPerson == 0 {
		return err
	}
	for _, key := range who.keys(u.Voucher.ID) {
		n, err := tx.Exec(`INSERT INTO voucher_people(voucher_id, person, taken) VALUES ($1,$2,1)
			ON CONFLICT(voucher_id, person) DO UPDATE SET taken = voucher_people.taken + 1 WHERE voucher_people.taken < $3`, u.Voucher.ID, key, u.Voucher.PerPerson)
		if err == nil && n == 0 {
			err = gone("You have used the code %s as often as you may. Take it out of the bag to go on without it.")
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO voucher_use_people(order_id, voucher_id, person) VALUES ($1,$2,$3)`, ord, u.Voucher.ID, key); err != nil {
			return err
		}
	}
	return nil
}

// MarkUsed notes that an order was paid: what it held is used.
func MarkUsed(tx *db.Tx, ord id.Order) error {
	_, err := tx.Exec(`UPDATE voucher_uses SET state = 'used', updated_at = $1 WHERE order_id = $2 AND state = 'held'`, db.Micros(tx.Now()), ord)
	return err
}

// GiveBack returns what an order held or used, once: it lapsed, or was cancelled whole.
func GiveBack(tx *db.Tx, ord id.Order) error {
	given, err := db.All(tx, func(r *sql.Rows) (id.Voucher, error) {
		var v id.Voucher
		return v, r.Scan(&v)
	}, `UPDATE voucher_uses SET state = 'back', updated_at = $1 WHERE order_id = $2 AND state IN ('held','used') RETURNING voucher_id`, db.Micros(tx.Now()), ord)
	if err != nil {
		return err
	}
	slices.Sort(given)
	for _, v := range given {
		if _, err := tx.Exec(`UPDATE vouchers SET taken = taken - 1 WHERE id = $1`, v); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE voucher_people SET taken = taken - 1 WHERE voucher_id = $1 AND person IN
			(SELECT person FROM voucher_use_people WHERE order_id = $2 AND voucher_id = $1)`, v, ord); err != nil {
			return err
		}
	}
	return nil
}

// Used is a voucher as an order has it.
type Used struct {
	ID     id.Voucher   `json:"id"`
	Brand  id.Brand     `json:"brand_id,omitempty" doc:"Whose lower price it is; absent: the platform pays for it"`
	Code   string       `json:"code"`
	Title  string       `json:"title"`
	Amount money.Amount `json:"amount" doc:"What it took off"`
}

// Of returns the vouchers that took something off an order.
func Of(tx *db.Tx, ord id.Order) ([]Used, error) {
	return db.All(tx, func(r *sql.Rows) (Used, error) {
		var u Used
		err := r.Scan(&u.ID, &u.Brand, &u.Code, &u.Title, &u.Amount.Minor, &u.Amount.Currency)
		return u, err
	}, `SELECT v.id, v.brand_id, v.code, v.title, u.amount_minor, u.currency
		FROM voucher_uses u JOIN vouchers v ON v.id = u.voucher_id WHERE u.order_id = $1 AND u.amount_minor > 0 ORDER BY v.brand_id, v.id`, ord)
}

// CreatorCodes returns the vouchers with a creator whose codes were typed for an order, in the order they were
// typed.
func CreatorCodes(tx *db.Tx, ord id.Order) ([]Voucher, error) {
	return read(tx, `JOIN voucher_uses u ON u.voucher_id = v.id WHERE u.order_id = $1 AND u.typed > 0 AND v.creator_id <> '' ORDER BY u.typed, v.id`, ord)
}

// voucherOf reads one voucher; Missing when there is none.
func voucherOf(tx *db.Tx, v id.Voucher) (Voucher, error) {
	list, err := read(tx, `WHERE v.id = $1`, v)
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Missing, "There is no such voucher, or it is not yours to see.")
	}
	if err != nil {
		return Voucher{}, err
	}
	return list[0], nil
}
