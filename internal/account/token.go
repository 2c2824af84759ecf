package account

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Bounds of tokens and write keys.
const (
	tokenNameMax = 80
	tokensMax    = 100 // live ones of one person or brand
)

// Token is an API token as its owner sees it. Secret is there once, when it is made.
type Token struct {
	ID        id.Token   `json:"id"`
	Name      string     `json:"name"`
	Scopes    []Scope    `json:"scopes" nullable:"false"`
	Secret    string     `json:"token,omitempty" doc:"Send it as Authorization: Bearer. Shown once"`
	MadeBy    id.Account `json:"made_by"`
	CreatedAt time.Time  `json:"created_at"`
}

// Redacted is what a repeat of the call that made it is answered with.
func (t Token) Redacted() any { t.Secret = ""; return t }

// CreateToken makes an API token: of the asker, or of the brand when one is given, whose owners
// alone may. A brand's token outlives the people who made it. Signed-in people only: a token makes
// no tokens.
func (a *Accounts) CreateToken(ctx context.Context, who Asker, brand id.Brand, name string, scopes []Scope) (Token, error) {
	if err := who.mayMakeKeys(brand); err != nil {
		return Token{}, err
	}
	name, err := checkText("body.name", name, 1, tokenNameMax, false)
	if err != nil {
		return Token{}, err
	}
	scopes, err = checkScopes(scopes)
	if err != nil {
		return Token{}, err
	}
	list, err := json.Marshal(scopes)
	if err != nil {
		return Token{}, err
	}
	person := who.Account
	if brand != "" {
		person = ""
	}
	return db.Do(ctx, a.d, func(tx *db.Tx) (Token, error) {
		var live int64
		err := tx.Row(`SELECT COUNT(*) FROM tokens WHERE account_id = $1 AND brand_id = $2 AND revoked_at = 0`, person, brand).Scan(&live)
		if err != nil {
			return Token{}, err
		}
		if live >= tokensMax {
			return Token{}, fault.New(fault.Conflict, "There are %d live tokens already. Revoke one first.", live)
		}
		t := Token{Name: name, Scopes: scopes, MadeBy: who.Account, CreatedAt: tx.Now()}
		t.ID = t.ID.Next(tx.Now())
		secret, hash := newSecret(tokenPrefix)
		t.Secret = secret
		_, err = tx.Exec(`INSERT INTO tokens (id, secret_hash, name, scopes, account_id, brand_id, made_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, t.ID, hash, name, string(list), person, brand, who.Account, db.Micros(tx.Now()))
		return t, err
	})
}

// mayMakeKeys lets people sign what speaks for them, and owners what speaks for their brand.
func (who Asker) mayMakeKeys(brand id.Brand) error {
	if brand != "" {
		return who.ownerOf(brand)
	}
	if err := who.SignedIn(); err != nil {
		return err
	}
	if who.Token != "" {
		return fault.New(fault.Forbidden, "A token makes and revokes no tokens: sign in.")
	}
	return nil
}

func checkScopes(scopes []Scope) ([]Scope, error) {
	if len(scopes) == 0 {
		return nil, fault.InvalidField("body.scopes", "Name at least one scope, such as catalog:read.")
	}
	seen := map[Scope]bool{}
	for _, s := range scopes {
		seen[s] = true
	}
	var out []Scope
	for _, s := range AllScopes() {
		if seen[s] {
			out = append(out, s)
			delete(seen, s)
		}
	}
	for s := range seen {
		return nil, fault.InvalidField("body.scopes", "There is no scope %q.", s)
	}
	return out, nil
}

// Tokens lists the live tokens of the asker, or of the brand when one is given.
func (a *Accounts) Tokens(ctx context.Context, who Asker, brand id.Brand) ([]Token, error) {
	if err := who.mayMakeKeys(brand); err != nil {
		return nil, err
	}
	person := who.Account
	if brand != "" {
		person = ""
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Token, error) { return tokensOf(tx, person, brand) })
}

func tokensOf(tx *db.Tx, person id.Account, brand id.Brand) ([]Token, error) {
	return db.All(tx, func(r *sql.Rows) (t Token, err error) {
		var scopes string
		var created int64
		if err := r.Scan(&t.ID, &t.Name, &scopes, &t.MadeBy, &created); err != nil {
			return t, err
		}
		t.CreatedAt = db.Time(created)
		return t, json.Unmarshal([]byte(scopes), &t.Scopes)
	}, `SELECT id, name, scopes, made_by, created_at FROM tokens
		WHERE account_id = $1 AND brand_id = $2 AND revoked_at = 0 ORDER BY id LIMIT $3`, person, brand, tokensMax)
}

// RevokeToken ends a token of the asker, or of the brand when one is given.
func (a *Accounts) RevokeToken(ctx context.Context, who Asker, brand id.Brand, token id.Token) error {
	if err := who.mayMakeKeys(brand); err != nil {
		return err
	}
	person := who.Account
	if brand != "" {
		person = ""
	}
	defer a.cache.forget(func(_ string, known Asker) bool { return known.Token == token })
	return a.d.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE tokens SET revoked_at = $4 WHERE id = $1 AND account_id = $2 AND brand_id = $3 AND revoked_at = 0`,
			token, person, brand, db.Micros(tx.Now()))
		if err == nil && n == 0 {
			err = fault.New(fault.Missing, "There is no such token among yours.")
		}
		return err
	})
}
