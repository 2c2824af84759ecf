package account

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// ViewerLife is how long a viewer's token is believed, and its cookie kept.
const ViewerLife = 400 * 24 * time.Hour

// viewersKnown is how many of an account's viewers a request looks through without SQL.
const viewersKnown = 50

// viewerPurpose keeps a viewer's token from passing for another kind of token.
const viewerPurpose = "viewer"

// MintViewer returns a new viewer and the token that proves it. Nothing is stored.
func (a *Accounts) MintViewer() (id.Viewer, string) {
	var v id.Viewer
	v = v.Next(a.clock.Now())
	return v, a.ViewerToken(v)
}

// ViewerToken signs a viewer with the key in force.
func (a *Accounts) ViewerToken(v id.Viewer) string { return a.keys.Sign(viewerPurpose, string(v)) }

// OpenViewer returns the viewer a token proves; Unauthorized when it was not made here, or too
// long ago.
func (a *Accounts) OpenViewer(token string) (id.Viewer, error) {
	message, err := a.keys.Open(viewerPurpose, token)
	if err != nil {
		return "", fault.Wrap(fault.Unauthorized, err, "This viewer token was not made here. POST /api/v1/viewers gives a new one.")
	}
	v := id.Viewer(message)
	u, err := v.UUID()
	if err != nil {
		return "", fault.Wrap(fault.Unauthorized, err, "This viewer token was not made here. POST /api/v1/viewers gives a new one.")
	}
	var ms [8]byte
	copy(ms[2:], u[:6])
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:])))
	if a.clock.Now().Sub(made) > ViewerLife {
		return "", fault.Wrap(fault.Unauthorized, id.ErrExpired, "This viewer token has run out. POST /api/v1/viewers gives a new one.")
	}
	return v, nil
}

// Join makes the viewer the account's and returns the viewer to use from then on: another of the
// account's when this one is already somebody else's, as on a shared computer.
func (a *Accounts) Join(ctx context.Context, viewer id.Viewer, person id.Account) (id.Viewer, error) {
	v, err := db.Do(db.WithoutKey(ctx), a.d, func(tx *db.Tx) (id.Viewer, error) { return join(tx, viewer, person) })
	if err == nil {
		a.Forget(person)
	}
	return v, err
}

// join stores the link of viewer and account with its fact, which leaves the account out. A viewer that is "" or somebody
// else's gives way to the account's newest, or to a new one.
func join(tx *db.Tx, viewer id.Viewer, person id.Account) (id.Viewer, error) {
	now := db.Micros(tx.Now())
	if viewer != "" {
		owner, err := AccountOf(tx, viewer)
		switch {
		case err != nil:
			return "", err
		case owner == person:
			_, err := tx.Exec(`UPDATE viewers SET joined_at = $2 WHERE id = $1`, viewer, now)
			return viewer, err
		case owner != "": // a computer that two accounts use: each is marked by it
			device, _ := NewMark(MarkDevice, string(viewer))
			if err := errors.Join(AddMarks(tx, owner, device), AddMarks(tx, person, device)); err != nil {
				return "", err
			}
			viewer = ""
		}
	}
	known, err := Viewers(tx, person)
	if err != nil {
		return "", err
	}
	if viewer == "" {
		if len(known) > 0 {
			return known[0], nil
		}
		viewer = viewer.Next(tx.Now())
	}
	first := viewer
	if len(known) > 0 {
		err := tx.Row(`SELECT id FROM viewers WHERE account_id = $1 ORDER BY id LIMIT 1`, person).Scan(&first)
		if err != nil {
			return "", err
		}
	}
	n, err := tx.Exec(`INSERT INTO viewers (id, account_id, joined_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`, viewer, person, now)
	if err != nil {
		return "", err
	}
	if n == 0 { // another request joined it a moment ago
		if owner, err := AccountOf(tx, viewer); err != nil || owner == person {
			return viewer, err
		}
		return "", fault.New(fault.Unavailable, "This browser was being joined to an account by another request. Try again.").After(time.Second)
	}
	return viewer, event.Emit(tx, event.ViewerJoined{Viewer: viewer, Into: first})
}

// Viewers returns the viewers joined to an account, newest first: whose touches are its own.
func Viewers(tx *db.Tx, person id.Account) ([]id.Viewer, error) {
	return db.All(tx, func(r *sql.Rows) (v id.Viewer, err error) { return v, r.Scan(&v) },
		`SELECT id FROM viewers WHERE account_id = $1 ORDER BY joined_at DESC, id LIMIT $2`, person, viewersKnown)
}

// AccountOf returns the account a viewer is joined to, "" when it is nobody's.
func AccountOf(tx *db.Tx, viewer id.Viewer) (id.Account, error) {
	var person id.Account
	err := tx.Row(`SELECT account_id FROM viewers WHERE id = $1`, viewer).Scan(&person)
	if err == sql.ErrNoRows {
		return "", nil
	}
	return person, err
}

// withViewer settles which viewer a signed-in person is: the one presented when it is theirs or
// was nobody's and becomes theirs, else their newest. SQL is asked only about viewers not seen before.
func (a *Accounts) withViewer(ctx context.Context, who Asker, presented id.Viewer) (Asker, error) {
	if presented != "" && slices.Contains(who.viewers, presented) {
		who.Viewer = presented
		return who, nil
	}
	if presented != "" && len(who.viewers) > 0 {
		owner, err := db.Get(ctx, a.d, func(tx *db.Tx) (id.Account, error) { return AccountOf(tx, presented) })
		if err != nil {
			return who, err
		}
		if owner != "" && owner != who.Account {
			presented = ""
		}
	}
	if presented == "" && len(who.viewers) > 0 {
		who.Viewer = who.viewers[0]
		return who, nil
	}
	v, err := a.Join(ctx, presented, who.Account)
	who.Viewer = v
	return who, err
}
