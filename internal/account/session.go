package account

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// sessionsKept is how many sign-ins of one account last at a time; the oldest goes first.
const sessionsKept = 50

// NewAccount is what signing up takes.
type NewAccount struct {
	Email       string
	Password    string
	DisplayName string
	Over18      bool
}

// SignedIn is the answer to signing in and up. Token is a secret of session grade, shown once:
// in the session cookie, or as Authorization: Bearer.
type SignedIn struct {
	Account Account   `json:"account"`
	Token   string    `json:"token,omitempty" doc:"Send it as Authorization: Bearer. Shown once; a repeat of the call answers without it"`
	Viewer  id.Viewer `json:"-"`
}

// admitted is what a sign-in stored. A repeat of the call finds only the account's id kept for it:
// neither its secret nor anything personal.
type admitted struct {
	Account id.Account
	secret  string
	viewer  id.Viewer
}

// NameMax is how many characters a display name has at most.
const NameMax = 60

// SignUp makes an account and signs it in. Conflict: somebody has this e-mail address.
func (a *Accounts) SignUp(ctx context.Context, who Asker, in NewAccount) (SignedIn, error) {
	email, err := CheckEmail("body.email", in.Email)
	if err != nil {
		return SignedIn{}, err
	}
	name, err := checkText("body.display_name", in.DisplayName, 1, NameMax, false)
	if err != nil {
		return SignedIn{}, err
	}
	if err := checkPassword("body.password", in.Password); err != nil {
		return SignedIn{}, err
	}
	if err := a.attempts.signUp(who.addr); err != nil {
		return SignedIn{}, err
	}
	hash, err := a.hasher.hash(ctx, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	in.Email, in.DisplayName = email, name
	return a.signed(ctx, func(tx *db.Tx) (admitted, error) {
		person, err := a.insert(tx, in, hash)
		if err != nil {
			return admitted{}, err
		}
		return admit(tx, person, who)
	})
}

// insert stores a new account; Conflict: somebody has its e-mail address.
func (a *Accounts) insert(tx *db.Tx, in NewAccount, hash string) (person id.Account, err error) {
	person = person.Next(tx.Now())
	n, err := tx.Exec(`INSERT INTO accounts (id, email, email_key, display_name, password_hash, over_18, demo, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (email_key) DO NOTHING`,
		person, in.Email, EmailKey(in.Email), in.DisplayName, hash, db.Flag(in.Over18), db.Flag(a.demo), db.Micros(tx.Now()))
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "There is an account with this e-mail address. Sign in instead.").
			WithType("email_taken").WithField("body.email", "There is an account with this e-mail address.")
	}
	if err != nil {
		return "", err
	}
	return person, event.Emit(tx, event.AccountCreated{Account: person})
}

// signed stores a sign-in and answers with its account.
func (a *Accounts) signed(ctx context.Context, fn func(*db.Tx) (admitted, error)) (SignedIn, error) {
	in, err := db.Do(ctx, a.d, fn)
	if err != nil {
		return SignedIn{}, err
	}
	a.Forget(in.Account) // its other sessions learn of the viewer joined here
	acc, err := db.Get(ctx, a.d, func(tx *db.Tx) (Account, error) {
		return scanAccount(tx.Row(`SELECT `+accountColumns+` FROM accounts a WHERE a.id = $1`, in.Account))
	})
	return SignedIn{Account: acc, Token: in.secret, Viewer: in.viewer}, err
}

// wrongPassword is the one answer to an unknown address and to a wrong password.
func wrongPassword() error {
	return fault.New(fault.Unauthorized, "The e-mail address or the password is wrong. Check both and try again.").WithType("wrong_password")
}

// SignIn starts a session. Unauthorized: wrong address or password, which are told alike and take
// as long; Forbidden: the account was removed; Limited: too many tries.
func (a *Accounts) SignIn(ctx context.Context, who Asker, email, password string) (SignedIn, error) {
	key := EmailKey(email)
	if len(key) > emailMax || len(password) > PasswordMax {
		return SignedIn{}, wrongPassword()
	}
	if err := a.attempts.signIn(who.addr, key); err != nil {
		return SignedIn{}, err
	}
	stored, reason := "", ""
	acc, err := db.Get(ctx, a.d, func(tx *db.Tx) (acc Account, err error) {
		acc, err = scanAccount(tx.Row(`SELECT `+accountColumns+`, password_hash, standing_reason FROM accounts a
			WHERE email_key = $1 AND erased_at = 0`, key), &stored, &reason)
		if err == sql.ErrNoRows {
			return acc, nil
		}
		return acc, err
	})
	if err != nil {
		return SignedIn{}, err
	}
	right, err := a.hasher.check(ctx, stored, password)
	if err != nil {
		return SignedIn{}, err
	}
	if !right {
		return SignedIn{}, wrongPassword()
	}
	a.attempts.forgive(who.addr, key)
	if acc.Standing == Removed {
		return SignedIn{}, fault.New(fault.Forbidden, "This account was removed: %s. Write to the operator to appeal.", or(reason, "no reason was given")).WithType("account_removed")
	}
	renewed := ""
	if a.hasher.outdated(stored) {
		if renewed, err = a.hasher.hash(ctx, password); err != nil {
			return SignedIn{}, err
		}
	}
	return a.signed(ctx, func(tx *db.Tx) (admitted, error) {
		if renewed != "" {
			if _, err := tx.Exec(`UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2`, acc.ID, stored, renewed); err != nil {
				return admitted{}, err
			}
		}
		return admit(tx, acc.ID, who)
	})
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// admit stores a session of the account and joins the asker's viewer to it, if somebody used it.
func admit(tx *db.Tx, person id.Account, who Asker) (in admitted, err error) {
	var session id.Session
	session = session.Next(tx.Now())
	secret, hash := newSecret(sessionPrefix)
	_, err = tx.Exec(`INSERT INTO sessions (id, secret_hash, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		session, hash, person, db.Micros(tx.Now()), db.Micros(tx.Now().Add(SessionLife)))
	if err != nil {
		return in, err
	}
	_, err = tx.Exec(`DELETE FROM sessions WHERE account_id = $1 AND id NOT IN
		(SELECT id FROM sessions WHERE account_id = $1 AND expires_at > $2 ORDER BY id DESC LIMIT $3)`,
		person, db.Micros(tx.Now()), sessionsKept)
	if err != nil {
		return in, err
	}
	viewer := who.Viewer
	if who.Fresh {
		viewer = ""
	}
	viewer, err = join(tx, viewer, person)
	return admitted{person, secret, viewer}, err
}

// SignOut ends the session the asker came with; a token stays until it is revoked.
func (a *Accounts) SignOut(ctx context.Context, who Asker) error {
	if who.Session == "" {
		return fault.New(fault.Unauthorized, "You are not signed in.")
	}
	err := a.d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`DELETE FROM sessions WHERE id = $1`, who.Session)
		return err
	})
	a.cache.forget(func(_ string, known Asker) bool { return known.Session == who.Session })
	return err
}

// Authenticate returns who a session's or an API token's secret belongs to; Unauthorized when it
// is nobody's, has run out, was revoked, or its account was removed.
func (a *Accounts) Authenticate(ctx context.Context, secret string) (Asker, error) {
	kind := kindOfSecret(secret)
	if kind != sessionPrefix && kind != tokenPrefix {
		return Asker{}, notKnown()
	}
	hash := hashSecret(secret)
	who, ok, turn := a.cache.get(hash)
	if ok {
		return who, nil
	}
	var until time.Time
	who, err := db.Get(ctx, a.d, func(tx *db.Tx) (who Asker, err error) {
		if kind == sessionPrefix {
			who, until, err = sessionOf(tx, hash)
		} else {
			who, err = tokenOf(tx, hash)
		}
		if err == sql.ErrNoRows {
			err = notKnown()
		}
		return who, err
	})
	if err != nil {
		return Asker{}, err
	}
	a.cache.put(hash, who, until, turn)
	return who, nil
}

func notKnown() error {
	return fault.New(fault.Unauthorized, "This token is not known: it was revoked, has run out, or was never given out. Sign in again or make a new one.")
}

func sessionOf(tx *db.Tx, hash string) (who Asker, until time.Time, err error) {
	var expires int64
	var person id.Account
	err = tx.Row(`SELECT id, account_id, expires_at FROM sessions WHERE secret_hash = $1 AND expires_at > $2`,
		hash, db.Micros(tx.Now())).Scan(&who.Session, &person, &expires)
	if err != nil {
		return who, until, err
	}
	session := who.Session
	who, err = askerOf(tx, person)
	who.Session = session
	return who, db.Time(expires), err
}

func tokenOf(tx *db.Tx, hash string) (who Asker, err error) {
	var token id.Token
	var person id.Account
	var brand id.Brand
	var scopes string
	err = tx.Row(`SELECT id, account_id, brand_id, scopes FROM tokens WHERE secret_hash = $1 AND revoked_at = 0`, hash).
		Scan(&token, &person, &brand, &scopes)
	if err != nil {
		return who, err
	}
	if person != "" {
		if who, err = askerOf(tx, person); err != nil {
			return who, err
		}
	}
	who.Token, who.TokenBrand = token, brand
	var list []Scope
	if err := json.Unmarshal([]byte(scopes), &list); err != nil {
		return who, err
	}
	who.Scopes = Scopes{}
	for _, s := range list {
		who.Scopes[s] = true
	}
	if brand != "" {
		who.Brands = map[id.Brand]Role{brand: Staff}
	}
	return who, nil
}

// askerOf loads what an account is and may do; ErrNoRows when it was removed or erased.
func askerOf(tx *db.Tx, person id.Account) (who Asker, err error) {
	var over18, operator int64
	err = tx.Row(`SELECT a.id, a.display_name, a.over_18, a.operator, a.standing, COALESCE(c.id, ''), COALESCE(c.handle, '')
		FROM accounts a LEFT JOIN creators c ON c.account_id = a.id
		WHERE a.id = $1 AND a.erased_at = 0 AND a.standing <> 'removed'`, person).
		Scan(&who.Account, &who.Name, &over18, &operator, &who.Standing, &who.Creator, &who.Handle)
	if err != nil {
		return who, err
	}
	who.Over18, who.Operator = over18 == 1, operator == 1
	rows, err := tx.Query(`SELECT brand_id, role FROM brand_members WHERE account_id = $1`, person)
	if err != nil {
		return who, err
	}
	defer rows.Close()
	for rows.Next() {
		var b id.Brand
		var r Role
		if err := rows.Scan(&b, &r); err != nil {
			return who, err
		}
		if who.Brands == nil {
			who.Brands = map[id.Brand]Role{}
		}
		who.Brands[b] = r
	}
	if err := rows.Err(); err != nil {
		return who, err
	}
	rows.Close()
	who.viewers, err = Viewers(tx, person)
	return who, err
}
