package order

import (
	"context"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
)

// versions is a table of what the operator sets whose rows are never edited: a change ends one and puts another in its
// place at the same moment. V is what a row says, R the row with its history.
type versions[I ~string, V comparable, R interface{ Version() int64 }] struct {
	table     string
	next      func(time.Time) I
	check     func(V) (V, error)
	says      func(R) V
	insert    func(tx *db.Tx, made I, in V, replaces I, by string) error
	read      func(tx *db.Tx, row I) (R, error)
	words     versionWords
	twiceType string // the type of the fault that says that such a row stands already
}

// versionWords are the sentences with which a table refuses.
type versionWords struct {
	twice, ended, same, stale string
}

// ofEnd is 1 while a row stands and 2 once it has ended.
func ofEnd(at *time.Time) int64 {
	if at != nil {
		return 2
	}
	return 1
}

// endOf is when a row has ended; nil while it stands.
func endOf(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	at := db.Time(micros)
	return &at
}

// history are the columns of a row r that say what it took the place of, who put it there and who ended it.
const history = `r.replaces, r.made_by, COALESCE((SELECT a.display_name FROM accounts a WHERE a.id = r.made_by), ''), r.made_at,
	r.ended_by, COALESCE((SELECT a.display_name FROM accounts a WHERE a.id = r.ended_by), ''), r.ended_at`

// add puts a row into force from now on. Only the operator may. Conflict: such a one stands already.
func (t versions[I, V, R]) add(ctx context.Context, d *db.DB, who account.Asker, in V) (none R, err error) {
	if err := who.IsOperator(); err != nil {
		return none, err
	}
	if in, err = t.check(in); err != nil {
		return none, err
	}
	return t.told(db.Do(ctx, d, func(tx *db.Tx) (R, error) { return t.put(tx, who, in, "") }))
}

// change ends a row and puts another in its place at the same moment; match is the version it was read at, 0 any.
// Conflict: it has ended already.
func (t versions[I, V, R]) change(ctx context.Context, d *db.DB, who account.Asker, row I, match int64, in V) (none R, err error) {
	if err := who.IsOperator(); err != nil {
		return none, err
	}
	if in, err = t.check(in); err != nil {
		return none, err
	}
	return t.told(db.Do(ctx, d, func(tx *db.Tx) (R, error) {
		before, now, err := t.close(tx, who, row, match)
		switch {
		case err != nil:
			return none, err
		case !now:
			return none, fault.New(fault.Conflict, "%s", t.words.ended).WithType("wrong_state")
		case t.says(before) == in:
			return none, fault.New(fault.Conflict, "%s", t.words.same).WithType("wrong_state")
		}
		return t.put(tx, who, in, row)
	}))
}

// end takes a row out of force; match is the version it was read at, 0 any. It stays in the history. One that has ended
// already is answered as it is.
func (t versions[I, V, R]) end(ctx context.Context, d *db.DB, who account.Asker, row I, match int64) (none R, err error) {
	if err := who.IsOperator(); err != nil {
		return none, err
	}
	return db.Do(ctx, d, func(tx *db.Tx) (R, error) {
		r, _, err := t.close(tx, who, row, match)
		return r, err
	})
}

// one returns a row, standing or ended, to the operator.
func (t versions[I, V, R]) one(ctx context.Context, d *db.DB, who account.Asker, row I) (none R, err error) {
	if err := who.IsOperator(); err != nil {
		return none, err
	}
	return db.Get(ctx, d, func(tx *db.Tx) (R, error) { return t.read(tx, row) })
}

func (t versions[I, V, R]) put(tx *db.Tx, who account.Asker, in V, replaces I) (none R, err error) {
	made := t.next(tx.Now())
	if err := t.insert(tx, made, in, replaces, who.Actor()); err != nil {
		return none, err
	}
	return t.read(tx, made)
}

// close ends a row; now reports whether it stood until now.
func (t versions[I, V, R]) close(tx *db.Tx, who account.Asker, row I, match int64) (r R, now bool, err error) {
	var none R
	n, err := tx.Exec(`UPDATE `+t.table+` SET ended_at = $1, ended_by = $2 WHERE id = $3 AND ended_at = 0`, db.Micros(tx.Now()), who.Actor(), row)
	if err != nil {
		return none, false, err
	}
	if r, err = t.read(tx, row); err != nil {
		return none, false, err
	}
	if match != 0 && match != r.Version()-n {
		return none, false, fault.New(fault.Stale, "%s", t.words.stale)
	}
	return r, n == 1, nil
}

// told turns a second row of the same into a sentence.
func (t versions[I, V, R]) told(r R, err error) (R, error) {
	if err != nil && db.IsUnique(err) {
		var none R
		return none, fault.Wrap(fault.Conflict, err, t.words.twice).WithType(t.twiceType)
	}
	return r, err
}
