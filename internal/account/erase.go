package account

import (
	"context"
	"database/sql"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Eraser scrubs what another room keeps of a person, in the transaction that erases them. What
// the books need stays, without the person.
type Eraser func(tx *db.Tx, person id.Account) error

// Exporter returns what another room keeps of a person, as it goes into their export.
type Exporter func(tx *db.Tx, person id.Account) (any, error)

type export struct {
	name string
	fn   Exporter
}

// OnErase adds a room's eraser. It is called while the program is being joined, before requests.
func (a *Accounts) OnErase(fn Eraser) { a.erasers = append(a.erasers, fn) }

// OnExport adds a room's part of the export under a name. It is called before requests.
func (a *Accounts) OnExport(name string, fn Exporter) {
	a.exports = append(a.exports, export{name, fn})
}

// Erase removes the person from the asker's account. Orders and the ledger keep their rows, which
// then name nobody. Conflict: the person is the last owner of a brand, which must be handed over
// or closed first.
func (a *Accounts) Erase(ctx context.Context, who Asker) error {
	if err := who.SignedIn(); err != nil {
		return err
	}
	defer a.Forget(who.Account)
	return a.d.Write(ctx, func(tx *db.Tx) error {
		if err := a.mayLeave(tx, who.Account); err != nil {
			return err
		}
		for _, erase := range a.erasers {
			if err := erase(tx, who.Account); err != nil {
				return err
			}
		}
		return scrub(tx, who.Account)
	})
}

// mayLeave refuses the last owner of a brand and the last operator.
func (a *Accounts) mayLeave(tx *db.Tx, person id.Account) error {
	var name string
	err := tx.Row(`SELECT b.name FROM brand_members m JOIN brands b ON b.id = m.brand_id
		WHERE m.account_id = $1 AND m.role = 'owner' AND NOT EXISTS
			(SELECT 1 FROM brand_members o WHERE o.brand_id = m.brand_id AND o.role = 'owner' AND o.account_id <> m.account_id)
		ORDER BY b.id LIMIT 1`, person).Scan(&name)
	if err == nil {
		return fault.New(fault.Conflict, "You are the last owner of %s. Make somebody else an owner first.", name).WithType("last_owner")
	}
	if err != sql.ErrNoRows {
		return err
	}
	var operator, others int64
	err = tx.Row(`SELECT operator, (SELECT COUNT(*) FROM accounts o WHERE o.operator = 1 AND o.erased_at = 0 AND o.id <> a.id)
		FROM accounts a WHERE id = $1`, person).Scan(&operator, &others)
	if err == nil && operator == 1 && others == 0 {
		err = fault.New(fault.Conflict, "You are the last operator. Make somebody else one first.").WithType("last_operator")
	}
	return err
}

// scrub takes the person out of this room's rows and leaves the facts for the others.
func scrub(tx *db.Tx, person id.Account) error {
	viewers, err := db.All(tx, func(r *sql.Rows) (v id.Viewer, err error) { return v, r.Scan(&v) },
		`SELECT id FROM viewers WHERE account_id = $1 ORDER BY id`, person)
	if err != nil {
		return err
	}
	var creator id.Creator
	err = tx.Row(`SELECT id FROM creators WHERE account_id = $1`, person).Scan(&creator)
	if err != nil && err != sql.ErrNoRows {
		return err
	}
	now := db.Micros(tx.Now())
	for _, s := range []struct {
		q    string
		args []any
	}{
		{`DELETE FROM viewers WHERE account_id = $1`, []any{person}},
		{`DELETE FROM account_marks WHERE account_id = $1`, []any{person}},
		{`DELETE FROM sessions WHERE account_id = $1`, []any{person}},
		{`DELETE FROM brand_members WHERE account_id = $1`, []any{person}},
		{`UPDATE tokens SET revoked_at = $2, name = '' WHERE account_id = $1 AND revoked_at = 0`, []any{person, now}},
		{`DELETE FROM idempotency WHERE actor = $1`, []any{person}},
		{`DELETE FROM idempotency WHERE actor IN (SELECT id FROM tokens WHERE account_id = $1)`, []any{person}},
		{`UPDATE creators SET handle = $2, display_name = 'Former creator', bio = '', categories = '[]', avatar_image_id = '',
			version = version + 1 WHERE account_id = $1`, []any{person, "left-" + string(creator)}},
		{`UPDATE accounts SET email = '', email_key = $2, display_name = 'Former member', password_hash = '', operator = 0,
			standing = 'removed', standing_reason = 'erased by its owner', standing_by = 'self', standing_at = $3,
			erased_at = $3, version = version + 1 WHERE id = $1`, []any{person, "erased:" + string(person), now}},
	} {
		if _, err := tx.Exec(s.q, s.args...); err != nil {
			return err
		}
	}
	for _, v := range viewers {
		if _, err := tx.Exec(`DELETE FROM idempotency WHERE actor = $1`, v); err != nil {
			return err
		}
		if err := event.Emit(tx, event.ViewerErased{Viewer: v}); err != nil {
			return err
		}
	}
	return event.Emit(tx, event.AccountErased{Account: person, Creator: creator})
}

// Export returns all that is kept of the asker: this room's part under "account", the others'
// under their names.
func (a *Accounts) Export(ctx context.Context, who Asker) (map[string]any, error) {
	if err := who.SignedIn(); err != nil {
		return nil, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) (map[string]any, error) {
		out := map[string]any{"exported_at": tx.Now()}
		me, err := meOf(tx, who.Account)
		if err != nil {
			return nil, err
		}
		viewers, err := db.All(tx, func(r *sql.Rows) (v id.Viewer, err error) { return v, r.Scan(&v) },
			`SELECT id FROM viewers WHERE account_id = $1 ORDER BY id`, who.Account)
		if err != nil {
			return nil, err
		}
		tokens, err := tokensOf(tx, who.Account, "")
		if err != nil {
			return nil, err
		}
		out["account"], out["viewers"], out["tokens"] = me, viewers, tokens
		for _, e := range a.exports {
			if out[e.name], err = e.fn(tx, who.Account); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}
