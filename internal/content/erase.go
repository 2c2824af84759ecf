package content

import (
	"database/sql"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/media"
)

// Erase takes a person's content away: their videos and what was made of them, comments, likes and
// follows. Their reports stay without their name.
func Erase(tx *db.Tx, person id.Account) error {
	videos, err := db.All(tx, func(r *sql.Rows) (event.VideoDeleted, error) {
		var v event.VideoDeleted
		err := r.Scan(&v.Video, &v.Creator)
		return v, err
	}, `SELECT id, creator_id FROM videos WHERE account_id = $1 AND deleted_at = 0`, person)
	if err != nil {
		return err
	}
	for _, v := range videos {
		if _, err := tx.Exec(`UPDATE videos SET deleted_at = $1, version = version + 1 WHERE id = $2`, db.Micros(tx.Now()), v.Video); err != nil {
			return err
		}
		if err := media.Forget(tx, v.Video); err != nil {
			return err
		}
		if err := event.Emit(tx, v); err != nil {
			return err
		}
	}
	for _, q := range []string{`UPDATE videos SET caption = '', hashtags = '[]' WHERE account_id = $1 AND deleted_at > 0`, `DELETE FROM comments WHERE account_id = $1`, `DELETE FROM likes WHERE account_id = $1`, `DELETE FROM follows WHERE account_id = $1 OR creator_id IN (SELECT id FROM creators WHERE account_id = $1)`,

		`UPDATE reports SET account_id = '', viewer_id = '' WHERE account_id = $1`} {
		if _, err := tx.Exec(q, person); err != nil {
			return err
		}
	}
	return nil
}

// Exported is what a person has made, as they take it home with their data.
type Exported struct {
	Videos   []ExportedVideo `json:"videos"`
	Comments []Comment       `json:"comments"`
}

// ExportedVideo is a video of a person's own.
type ExportedVideo struct {
	ID        id.Video  `json:"id"`
	Caption   string    `json:"caption"`
	State     State     `json:"state"`
	CreatedAt time.Time `json:"created_at"`
}

// Export returns a person's videos and comments, oldest first.
func Export(tx *db.Tx, person id.Account) (any, error) {
	var out Exported
	var err error
	out.Videos, err = db.All(tx, func(r *sql.Rows) (ExportedVideo, error) {
		var v ExportedVideo
		var at int64
		err := r.Scan(&v.ID, &v.Caption, &v.State, &at)
		v.CreatedAt = db.Time(at)
		return v, err
	}, `SELECT id, caption, state, created_at FROM videos WHERE account_id = $1 AND deleted_at = 0 ORDER BY id`, person)
	if err != nil {
		return nil, err
	}
	out.Comments, err = commentsWhere(tx, account.Asker{Account: person}, `m.account_id = $1 ORDER BY m.id`, string(person))
	return out, err
}
