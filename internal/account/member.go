package account

import (
	"context"
	"database/sql"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// membersMax is how many members a brand has at most.
const membersMax = 500

// Member is a person of a brand.
type Member struct {
	Account     id.Account `json:"account_id"`
	DisplayName string     `json:"display_name"`
	Email       string     `json:"email"`
	Role        Role       `json:"role" enum:"owner,staff"`
	Since       time.Time  `json:"since"`
}

func scanMember(r *sql.Rows) (m Member, err error) {
	var since int64
	err = r.Scan(&m.Account, &m.DisplayName, &m.Email, &m.Role, &since)
	m.Since = db.Time(since)
	return m, err
}

const memberQuery = `SELECT a.id, a.display_name, a.email, m.role, m.created_at FROM brand_members m
	JOIN accounts a ON a.id = m.account_id WHERE m.brand_id = $1`

// Members lists a brand's people, oldest member first.
func (a *Accounts) Members(ctx context.Context, who Asker, brand id.Brand) ([]Member, error) {
	if err := who.ofBrand(brand); err != nil {
		return nil, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Member, error) {
		return db.All(tx, scanMember, memberQuery+` ORDER BY m.created_at, a.id LIMIT $2`, brand, membersMax)
	})
}

// ofBrand is for what the whole team may see and no token.
func (who Asker) ofBrand(b id.Brand) error {
	if !who.Member(b) && !who.Operator || who.Token != "" {
		return who.ownerOf(b)
	}
	return nil
}

// PutMember gives the person with the e-mail address a role in the brand, or changes it. Missing:
// nobody has that address; Conflict: the last owner would be made staff.
func (a *Accounts) PutMember(ctx context.Context, who Asker, brand id.Brand, email string, role Role) (Member, error) {
	if err := who.ownerOf(brand); err != nil {
		return Member{}, err
	}
	if role != Owner && role != Staff {
		return Member{}, fault.InvalidField("body.role", "A role is owner or staff.")
	}
	person, err := db.Do(ctx, a.d, func(tx *db.Tx) (person id.Account, err error) {
		err = tx.Row(`SELECT id FROM accounts WHERE email_key = $1 AND erased_at = 0 AND standing <> 'removed'`, EmailKey(email)).Scan(&person)
		if err == sql.ErrNoRows {
			return "", fault.InvalidField("body.email", "Nobody here has this e-mail address. Ask them to sign up first.")
		}
		if err != nil {
			return "", err
		}
		if role == Staff {
			if err := keepOwner(tx, brand, person); err != nil {
				return "", err
			}
		}
		return person, putMember(tx, brand, person, role)
	})
	if err != nil {
		return Member{}, err
	}
	a.Forget(person)
	list, err := db.Get(ctx, a.d, func(tx *db.Tx) ([]Member, error) {
		return db.All(tx, scanMember, memberQuery+` AND a.id = $2`, brand, person)
	})
	if err == nil && len(list) == 0 { // a repeat of the call, after they left again
		err = fault.New(fault.Missing, "This person is not a member of the brand any more.")
	}
	if err != nil {
		return Member{}, err
	}
	return list[0], nil
}

func putMember(tx *db.Tx, brand id.Brand, person id.Account, role Role) error {
	_, err := tx.Exec(`INSERT INTO brand_members (brand_id, account_id, role, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (brand_id, account_id) DO UPDATE SET role = excluded.role`, brand, person, role, db.Micros(tx.Now()))
	return err
}

// keepOwner refuses to lose the brand's last owner. The brand's row is written first, so that on
// PostgreSQL two owners who leave at once take turns.
func keepOwner(tx *db.Tx, brand id.Brand, leaving id.Account) error {
	if _, err := tx.Exec(`UPDATE brands SET version = version WHERE id = $1`, brand); err != nil {
		return err
	}
	var others int64
	err := tx.Row(`SELECT COUNT(*) FROM brand_members WHERE brand_id = $1 AND role = 'owner' AND account_id <> $2`, brand, leaving).Scan(&others)
	if err == nil && others == 0 {
		err = fault.New(fault.Conflict, "A brand keeps at least one owner. Make somebody else an owner first.").WithType("last_owner")
	}
	return err
}

// RemoveMember takes a person out of the brand. Owners remove anybody, everybody may leave; the
// last owner cannot. What the person's work made, and the brand's tokens, stay.
func (a *Accounts) RemoveMember(ctx context.Context, who Asker, brand id.Brand, person id.Account) error {
	if err := who.ofBrand(brand); err != nil {
		return err
	}
	if person != who.Account {
		if err := who.ownerOf(brand); err != nil {
			return err
		}
	}
	defer a.Forget(person)
	return a.d.Write(ctx, func(tx *db.Tx) error {
		if err := keepOwner(tx, brand, person); err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM brand_members WHERE brand_id = $1 AND account_id = $2`, brand, person)
		if err == nil && n == 0 {
			err = fault.New(fault.Missing, "This person is not a member of the brand.")
		}
		return err
	})
}
