package account

import (
	"context"
	"database/sql"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Account is a person who signs in, as they see themselves.
type Account struct {
	ID          id.Account `json:"id"`
	Email       string     `json:"email"`
	DisplayName string     `json:"display_name"`
	Over18      bool       `json:"over_18" doc:"Stated by the person; payouts wait for it"`
	Operator    bool       `json:"operator"`
	Demo        bool       `json:"demo,omitempty" doc:"Made up, in a demo world"`
	Standing    Standing   `json:"standing" enum:"visible,limited,removed"`
	CreatedAt   time.Time  `json:"created_at"`
	Version     int64      `json:"-"`
}

// Membership is one brand an account belongs to.
type Membership struct {
	Brand id.Brand `json:"id"`
	Name  string   `json:"name"`
	Role  Role     `json:"role" enum:"owner,staff"`
}

// Me is all that an account is.
type Me struct {
	Account
	Creator *Creator     `json:"creator" doc:"null without a creator profile"`
	Brands  []Membership `json:"brands" nullable:"false"`
}

// accountColumns are read by scanAccount from accounts a.
const accountColumns = `a.id, a.email, a.display_name, a.over_18, a.operator, a.demo, a.standing, a.created_at, a.version`

type scanner interface{ Scan(dest ...any) error }

// scanAccount reads accountColumns and whatever the statement added after them.
func scanAccount(row scanner, more ...any) (acc Account, err error) {
	var over18, operator, demo, created int64
	err = row.Scan(append([]any{&acc.ID, &acc.Email, &acc.DisplayName, &over18, &operator, &demo, &acc.Standing, &created, &acc.Version}, more...)...)
	acc.Over18, acc.Operator, acc.Demo, acc.CreatedAt = over18 == 1, operator == 1, demo == 1, db.Time(created)
	return acc, err
}

// Me returns what the asker is.
func (a *Accounts) Me(ctx context.Context, who Asker) (Me, error) {
	if err := who.SignedIn(); err != nil {
		return Me{}, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) (Me, error) { return meOf(tx, who.Account) })
}

func meOf(tx *db.Tx, person id.Account) (me Me, err error) {
	me.Account, err = scanAccount(tx.Row(`SELECT `+accountColumns+` FROM accounts a WHERE a.id = $1`, person))
	if err != nil {
		return me, err
	}
	profile, err := scanProfile(tx.Row(`SELECT `+profileColumns+` FROM creators c JOIN accounts a ON a.id = c.account_id WHERE c.account_id = $1`, person))
	switch {
	case err == nil:
		me.Creator = &profile
	case err != sql.ErrNoRows:
		return me, err
	}
	me.Brands, err = db.All(tx, func(r *sql.Rows) (m Membership, err error) { return m, r.Scan(&m.Brand, &m.Name, &m.Role) },
		`SELECT b.id, b.name, m.role FROM brand_members m JOIN brands b ON b.id = m.brand_id WHERE m.account_id = $1 ORDER BY b.id`, person)
	if me.Brands == nil {
		me.Brands = []Membership{}
	}
	return me, err
}

// Change is what a person may change of their account; nil leaves a field as it is. A new address
// or password needs the password in force.
type Change struct {
	Email       *string
	DisplayName *string
	Over18      *bool
	Password    *string
	OldPassword string
}

// UpdateMe changes the asker's account. match is the version the change was made from, 0 for any.
// A new password ends the account's other sessions.
func (a *Accounts) UpdateMe(ctx context.Context, who Asker, match int64, in Change) (Me, error) {
	if err := who.SignedIn(); err != nil {
		return Me{}, err
	}
	var hash string
	if in.Email != nil || in.Password != nil {
		if err := a.Prove(ctx, who, in.OldPassword); err != nil {
			return Me{}, err
		}
	}
	if in.Password != nil {
		if err := checkPassword("body.password", *in.Password); err != nil {
			return Me{}, err
		}
		var err error
		if hash, err = a.hasher.hash(ctx, *in.Password); err != nil {
			return Me{}, err
		}
	}
	defer a.Forget(who.Account)
	me, err := db.Do(ctx, a.d, func(tx *db.Tx) (Me, error) {
		acc, err := scanAccount(tx.Row(`SELECT `+accountColumns+` FROM accounts a WHERE a.id = $1`, who.Account))
		if err != nil {
			return Me{}, err
		}
		if match != 0 && match != acc.Version {
			return Me{}, stale()
		}
		if err := in.apply(&acc); err != nil {
			return Me{}, err
		}
		_, err = tx.Exec(`UPDATE accounts SET email = $2, email_key = $3, display_name = $4, over_18 = $5, version = version + 1,
			password_hash = CASE WHEN CAST($6 AS TEXT) = '' THEN password_hash ELSE CAST($6 AS TEXT) END WHERE id = $1`,
			acc.ID, acc.Email, EmailKey(acc.Email), acc.DisplayName, db.Flag(acc.Over18), hash)
		if err != nil {
			return Me{}, err
		}
		if hash != "" {
			if _, err := tx.Exec(`DELETE FROM sessions WHERE account_id = $1 AND id <> $2`, acc.ID, who.Session); err != nil {
				return Me{}, err
			}
		}
		return meOf(tx, acc.ID)
	})
	if db.IsUnique(err) {
		err = fault.InvalidField("body.email", "Another account has this e-mail address.").WithType("email_taken")
	}
	return me, err
}

// apply puts the changed fields into the account.
func (c Change) apply(acc *Account) (err error) {
	if c.Email != nil {
		if acc.Email, err = CheckEmail("body.email", *c.Email); err != nil {
			return err
		}
	}
	if c.DisplayName != nil {
		if acc.DisplayName, err = checkText("body.display_name", *c.DisplayName, 1, NameMax, false); err != nil {
			return err
		}
	}
	if c.Over18 != nil {
		acc.Over18 = *c.Over18
	}
	return nil
}

// Prove checks the password of somebody already signed in, within the limits of signing in:
// before what cannot be undone. Forbidden: it is another.
func (a *Accounts) Prove(ctx context.Context, who Asker, password string) error {
	var key, stored string
	err := a.d.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT email_key, password_hash FROM accounts WHERE id = $1`, who.Account).Scan(&key, &stored)
	})
	if err != nil {
		return err
	}
	if err := a.attempts.signIn(who.addr, key); err != nil {
		return err
	}
	right, err := a.hasher.check(ctx, stored, password)
	if err != nil {
		return err
	}
	if !right {
		return fault.New(fault.Forbidden, "Give the password you have now to change this.").
			WithType("wrong_password").WithField("body.current_password", "This is not your password.")
	}
	a.attempts.forgive(who.addr, key)
	return nil
}

func stale() error {
	return fault.New(fault.Stale, "This was changed since you read it. Read it again and repeat your change.")
}
