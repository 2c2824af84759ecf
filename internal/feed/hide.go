package feed

import (
	"context"
	"database/sql"
	"strconv"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
)

// HiddenMost is how many of the videos a viewer hid or reported last are left out of pages.
const HiddenMost = 2000

// hiding is what a viewer never wants to see again: what they hid, and what they reported.
// Of somebody signed in, all their viewers' and their account's own.
const (
	hiding = `SELECT video_id, at FROM hides WHERE viewer_id = $1
		UNION ALL SELECT subject_id, created_at FROM reports WHERE viewer_id = $1 AND viewer_id <> '' AND subject_kind = 'video'`
	hidingSignedIn = hiding + `
		UNION ALL SELECT h.video_id, h.at FROM viewers v JOIN hides h ON h.viewer_id = v.id WHERE v.account_id = $2
		UNION ALL SELECT subject_id, created_at FROM reports WHERE account_id = $2 AND account_id <> '' AND subject_kind = 'video'`
)

// hiddenFrom returns what pages of the asker leave out.
func hiddenFrom(tx *db.Tx, who account.Asker) (map[[16]byte]struct{}, error) {
	if who.Fresh {
		return nil, nil
	}
	q, args := hiding, []any{string(who.Viewer)}
	if who.Account != "" {
		q, args = hidingSignedIn, append(args, string(who.Account))
	}
	hidden := map[[16]byte]struct{}{}
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var v id.Video
		var at int64
		if err := r.Scan(&v, &at); err != nil {
			return struct{}{}, err
		}
		if u, err := v.UUID(); err == nil {
			hidden[u] = struct{}{}
		}
		return struct{}{}, nil
	}, q+` ORDER BY 2 DESC LIMIT `+strconv.Itoa(HiddenMost), args...)
	if err != nil {
		return nil, err
	}
	return hidden, hiddenCreators(tx, who, hidden)
}

// keepHides stores which videos the viewer hid, before the batch that says so is answered.
func (f *Feed) keepHides(ctx context.Context, viewer id.Viewer, events []event.Event) error {
	var rows db.Values
	for i := range events {
		e := &events[i]
		if e.Type == event.Hide && e.Video != "" && e.Shown.SubjectKind == id.SubjectVideo && e.Flags.Counted() {
			rows.Row(string(viewer), string(e.Video), db.Micros(e.Received))
		}
	}
	if rows.Empty() {
		return nil
	}
	return f.db.Write(db.WithoutKey(ctx), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO hides (viewer_id, video_id, at) VALUES `+rows.Text()+` ON CONFLICT DO NOTHING`, rows.Args()...)
		return err
	})
}

// Erase forgets what a person hid and chose; account calls it while it erases them.
func Erase(tx *db.Tx, person id.Account) error {
	for _, q := range []string{
		`DELETE FROM hides WHERE viewer_id IN (SELECT id FROM viewers WHERE account_id = $1)`,
		`DELETE FROM creator_hides WHERE viewer_id IN (SELECT id FROM viewers WHERE account_id = $1) OR creator_id IN (SELECT id FROM creators WHERE account_id = $1)`,
		`DELETE FROM feed_choices WHERE holder = $1 OR holder IN (SELECT id FROM viewers WHERE account_id = $1)`,
	} {
		if _, err := tx.Exec(q, person); err != nil {
			return err
		}
	}
	return nil
}

// Hidden returns which videos a person hid, for the export of what is kept of them.
func Hidden(tx *db.Tx, person id.Account) (any, error) {
	return db.All(tx, scanVideo, `SELECT h.video_id FROM viewers v JOIN hides h ON h.viewer_id = v.id WHERE v.account_id = $1 ORDER BY h.video_id`, person)
}
