package sample

import (
	"database/sql"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Given returns of which of the products the creator was sent a free sample, and still has it without having paid: what shows
// them says so.
func (s *Samples) Given(tx *db.Tx, creator id.Creator, products []id.Product) (map[id.Product]bool, error) {
	given := map[id.Product]bool{}
	if len(products) == 0 {
		return given, nil
	}
	in, args := db.In(2, products)
	list, err := db.All(tx, func(r *sql.Rows) (p id.Product, err error) { return p, r.Scan(&p) },
		`SELECT product_id FROM samples WHERE creator_id = $1 AND state IN ('shipped','delivered','fulfilled','overdue') AND charged_minor = 0 AND product_id IN `+in, append([]any{string(creator)}, args...)...)
	for _, p := range list {
		given[p] = true
	}
	return given, err
}

// Erase takes a person out of their samples: what is not sent is called off, addresses and words go. Conflict while
// content is due for which they would pay.
func Erase(tx *db.Tx, person id.Account) error {
	found, err := list(tx, `s.account_id = $1 ORDER BY s.id`, string(person))
	if err != nil {
		return err
	}
	for i := range found {
		s := &found[i]
		switch {
		case (s.State == Shipped || s.State == Delivered) && s.price.Minor > 0:
			return fault.New(fault.Conflict, "You have a sample of %s for which a video is due. Publish it, or send the sample back, and erase your account then.", s.Title).WithType("samples_open")
		case s.State == Requested || s.State == Approved:
			err = s.cancel(tx, "The creator has left.")
		case s.State == Shipped || s.State == Delivered:
			s.end(tx.Now(), Overdue)
		}
		if err != nil {
			return err
		}
		s.account = ""
		if err := s.store(tx); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`UPDATE samples SET note = '' WHERE creator_id IN (SELECT id FROM creators WHERE account_id = $1)`, string(person))
	return err
}

// Export returns a person's samples, oldest first.
func Export(tx *db.Tx, person id.Account) (any, error) {
	found, err := list(tx, `s.account_id = $1 ORDER BY s.id`, string(person))
	if err != nil {
		return nil, err
	}
	if found == nil {
		found = []Sample{}
	}
	return found, show(tx, found, asCreator)
}
