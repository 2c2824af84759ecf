// Package trust owns how videos, products, comments and accounts stand: visible, limited or removed, by whom and why.
package trust

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// MaxReason is the longest reason of a change, in characters.
const MaxReason = 500

// Kind is what a standing is of.
type Kind string

// The kinds, each with the table that holds it.
const (
	Video   Kind = "video"
	Product Kind = "product"
	Comment Kind = "comment"
	Account Kind = "account"
)

var tables = map[Kind]string{Video: "videos", Product: "products", Comment: "comments", Account: "accounts"}

// Standing is how something stands. Every public query obeys it.
type Standing string

// The standings.
const (
	Visible Standing = "visible" // everywhere
	Limited Standing = "limited" // by its address, in no list, feed or search
	Removed Standing = "removed" // for its owner and the operator alone
)

// Change is one change of standing; it is never edited, and the newest of a subject is in force.
type Change struct {
	ID      string    `json:"id"`
	Kind    Kind      `json:"kind"`
	Subject string    `json:"subject_id"`
	Before  Standing  `json:"before"`
	After   Standing  `json:"after"`
	Reason  string    `json:"reason"`
	Actor   string    `json:"actor"`
	Undoes  string    `json:"undoes,omitempty"` // the change this one takes back
	At      time.Time `json:"at"`
}

// Trust is the room.
type Trust struct {
	db     *db.DB
	forget func(id.Account) // drops what is remembered of an account's standing
}

// New returns the room; forget is told of every account whose standing changed.
func New(d *db.DB, forget func(id.Account)) *Trust { return &Trust{d, forget} }

// Set changes how something stands, with a reason its owner will read. Only the operator may.
func (t *Trust) Set(ctx context.Context, who account.Asker, kind Kind, subject string, to Standing, reason string) (Change, error) {
	if err := who.IsOperator(); err != nil {
		return Change{}, err
	}
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n == 0 || n > MaxReason || !utf8.ValidString(reason) {
		return Change{}, fault.InvalidField("body.reason", "Give the reason, in at most %d characters: its owner will read it.", MaxReason)
	}
	if to != Visible && to != Limited && to != Removed {
		return Change{}, fault.InvalidField("body.standing", "A standing is visible, limited or removed.")
	}
	return t.write(ctx, who, func(tx *db.Tx) (Change, error) {
		return set(tx, who, Change{Kind: kind, Subject: subject, After: to, Reason: reason})
	})
}

// Undo takes back the newest change of something: it stands as it did before. Conflict: another
// change came after, or there is nothing left to take back.
func (t *Trust) Undo(ctx context.Context, who account.Asker, change string) (Change, error) {
	if err := who.IsOperator(); err != nil {
		return Change{}, err
	}
	return t.write(ctx, who, func(tx *db.Tx) (Change, error) {
		list, err := changesWhere(tx, `id = $1`, change)
		if err != nil {
			return Change{}, err
		}
		if len(list) == 0 {
			return Change{}, fault.New(fault.Missing, "There is no such change of standing.")
		}
		newest, err := changesWhere(tx, `subject_kind = $1 AND subject_id = $2 ORDER BY id DESC LIMIT 1`, string(list[0].Kind), list[0].Subject)
		if err != nil {
			return Change{}, err
		}
		if newest[0].ID != change {
			return Change{}, fault.New(fault.Conflict, "Another change came after this one. Take that back first, or set the standing anew.")
		}
		return set(tx, who, Change{Kind: list[0].Kind, Subject: list[0].Subject, After: list[0].Before, Reason: "Taken back: " + list[0].Reason, Undoes: change})
	})
}

// History returns the changes of one subject, newest first, to the operator.
func (t *Trust) History(ctx context.Context, who account.Asker, kind Kind, subject string) ([]Change, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, t.db, func(tx *db.Tx) ([]Change, error) {
		return changesWhere(tx, `subject_kind = $1 AND subject_id = $2 ORDER BY id DESC LIMIT 100`, string(kind), subject)
	})
}

// Newest returns the newest changes of all subjects, from after one, to the operator.
func (t *Trust) Newest(ctx context.Context, who account.Asker, after string, limit int) ([]Change, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, t.db, func(tx *db.Tx) ([]Change, error) {
		return changesWhere(tx, `(CAST($1 AS TEXT) = '' OR id < $1) ORDER BY id DESC LIMIT $2`, after, int64(limit))
	})
}

func (t *Trust) write(ctx context.Context, who account.Asker, fn func(*db.Tx) (Change, error)) (Change, error) {
	c, err := db.Do(ctx, t.db, fn)
	if err == nil && c.Kind == Account && t.forget != nil {
		t.forget(id.Account(c.Subject))
	}
	return c, err
}

// set writes the change, the subject's row and the fact.
func set(tx *db.Tx, who account.Asker, c Change) (Change, error) {
	table, ok := tables[c.Kind]
	if !ok {
		return Change{}, fault.InvalidField("path.kind", "A standing is of a video, product, comment or account.")
	}
	err := tx.Row(`SELECT standing FROM `+table+` WHERE id = $1`, c.Subject).Scan(&c.Before)
	if errors.Is(err, sql.ErrNoRows) {
		return Change{}, fault.New(fault.Missing, "There is no such %s.", c.Kind)
	}
	if err != nil {
		return Change{}, err
	}
	if c.Before == c.After {
		return Change{}, fault.New(fault.Conflict, "It is %s already.", c.After).WithType("wrong_state")
	}
	if c.Kind == Account && c.Subject == string(who.Account) {
		return Change{}, fault.New(fault.Conflict, "You cannot change how your own account stands.")
	}
	var made id.Event
	c.ID, c.Actor, c.At = string(made.Next(tx.Now())), who.Actor(), tx.Now()
	reason := c.Reason
	if c.After == Visible {
		reason = ""
	}
	if _, err := tx.Exec(`UPDATE `+table+` SET standing = $1, standing_reason = $2, standing_by = $3, standing_at = $4 WHERE id = $5`,
		string(c.After), reason, c.Actor, db.Micros(c.At), c.Subject); err != nil {
		return Change{}, err
	}
	if _, err := tx.Exec(`INSERT INTO standings(id, subject_kind, subject_id, before, after, reason, actor, undoes, created_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
		c.ID, string(c.Kind), c.Subject, string(c.Before), string(c.After), c.Reason, c.Actor, c.Undoes, db.Micros(c.At)); err != nil {
		return Change{}, err
	}
	return c, event.Emit(tx, event.StandingChanged{Kind: string(c.Kind), Subject: c.Subject, Standing: string(c.After), Before: string(c.Before)})
}

func changesWhere(tx *db.Tx, where string, args ...any) ([]Change, error) {
	return db.All(tx, func(r *sql.Rows) (Change, error) {
		var c Change
		var at int64
		err := r.Scan(&c.ID, &c.Kind, &c.Subject, &c.Before, &c.After, &c.Reason, &c.Actor, &c.Undoes, &at)
		c.At = db.Time(at)
		return c, err
	}, `SELECT id, subject_kind, subject_id, before, after, reason, actor, undoes, created_at FROM standings WHERE `+where, args...)
}
