package account

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Person is an account as the operator sees it.
type Person struct {
	Account
	Handle         string     `json:"handle,omitempty"`
	StandingReason string     `json:"standing_reason,omitempty"`
	StandingBy     string     `json:"standing_by,omitempty"`
	StandingAt     *time.Time `json:"standing_at,omitempty"`
	ErasedAt       *time.Time `json:"erased_at,omitempty"`
}

// StandingChange is one change of an account's standing; none is ever edited.
type StandingChange struct {
	Before Standing  `json:"before"`
	After  Standing  `json:"after"`
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
}

// PersonDetail is a person with what was decided about them.
type PersonDetail struct {
	Person
	Brands  []Membership     `json:"brands" nullable:"false"`
	History []StandingChange `json:"history" nullable:"false" doc:"Newest first"`
}

const personColumns = accountColumns + `, COALESCE(c.handle, ''), a.standing_reason, a.standing_by, a.standing_at, a.erased_at`

const personFrom = ` FROM accounts a LEFT JOIN creators c ON c.account_id = a.id `

func scanPerson(row scanner) (p Person, err error) {
	var at, erased int64
	p.Account, err = scanAccount(row, &p.Handle, &p.StandingReason, &p.StandingBy, &at, &erased)
	p.StandingAt, p.ErasedAt = moment(at), moment(erased)
	return p, err
}

func moment(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := db.Time(micros)
	return &t
}

// People lists accounts for the operator, newest first, after the one given; q is part of an
// e-mail address, a name or a handle.
func (a *Accounts) People(ctx context.Context, who Asker, q string, after id.Account, limit int) ([]Person, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	if limit < 1 || limit > 101 {
		limit = 101
	}
	like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(q))) + "%"
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Person, error) {
		return db.All(tx, func(r *sql.Rows) (Person, error) { return scanPerson(r) },
			`SELECT `+personColumns+personFrom+`
			WHERE (CAST($1 AS TEXT) = '' OR a.id < $1)
			AND (LOWER(a.email) LIKE $2 ESCAPE '\' OR LOWER(a.display_name) LIKE $2 ESCAPE '\' OR COALESCE(c.handle, '') LIKE $2 ESCAPE '\')
			ORDER BY a.id DESC LIMIT $3`, string(after), like, limit)
	})
}

// Person returns one account for the operator, with the history of its standing.
func (a *Accounts) Person(ctx context.Context, who Asker, person id.Account) (PersonDetail, error) {
	if err := who.IsOperator(); err != nil {
		return PersonDetail{}, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) (d PersonDetail, err error) {
		d.Person, err = scanPerson(tx.Row(`SELECT `+personColumns+personFrom+` WHERE a.id = $1`, person))
		if err == sql.ErrNoRows {
			return d, fault.New(fault.Missing, "There is no such account.")
		}
		if err != nil {
			return d, err
		}
		me, err := meOf(tx, person)
		if err != nil {
			return d, err
		}
		d.Brands = me.Brands
		d.History, err = db.All(tx, func(r *sql.Rows) (s StandingChange, err error) {
			var at int64
			err = r.Scan(&s.Before, &s.After, &s.Reason, &s.Actor, &at)
			s.At = db.Time(at)
			return s, err
		}, `SELECT before, after, reason, actor, created_at FROM standings
			WHERE subject_kind = 'account' AND subject_id = $1 ORDER BY id DESC LIMIT 100`, string(person))
		if d.History == nil {
			d.History = []StandingChange{}
		}
		return d, err
	})
}

// EnsureOperator makes the operator of the configuration, or makes the account with that address
// one. The password is set when the account is new or is not an operator yet; after that it is
// changed like anybody's. An empty address does nothing.
func (a *Accounts) EnsureOperator(ctx context.Context, email, password string) error {
	if email == "" {
		return nil
	}
	email, err := CheckEmail("MEZZO_OPERATOR_EMAIL", email)
	if err != nil {
		return err
	}
	if err := checkPassword("MEZZO_OPERATOR_PASSWORD", password); err != nil {
		return err
	}
	var operator int64
	err = a.d.Read(ctx, func(tx *db.Tx) error {
		err := tx.Row(`SELECT operator FROM accounts WHERE email_key = $1`, EmailKey(email)).Scan(&operator)
		if err == sql.ErrNoRows {
			return nil
		}
		return err
	})
	if err != nil || operator == 1 {
		return err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	var person id.Account
	err = a.d.Write(ctx, func(tx *db.Tx) error {
		person = person.Next(tx.Now())
		err := tx.Row(`INSERT INTO accounts (id, email, email_key, display_name, password_hash, over_18, operator, created_at)
			VALUES ($1, $2, $3, 'Operator', $4, 1, 1, $5)
			ON CONFLICT (email_key) DO UPDATE SET operator = 1, password_hash = excluded.password_hash,
				standing = 'visible', version = accounts.version + 1 RETURNING id`,
			person, email, EmailKey(email), hash, db.Micros(tx.Now())).Scan(&person)
		if err != nil {
			return err
		}
		// Whoever held the account before holds nothing of the operator's.
		if _, err := tx.Exec(`DELETE FROM sessions WHERE account_id = $1`, person); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE tokens SET revoked_at = $2 WHERE account_id = $1 AND revoked_at = 0`, person, db.Micros(tx.Now()))
		return err
	})
	a.Forget(person)
	return err
}
