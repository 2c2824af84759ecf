package feed

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Bounds of what viewers may choose.
const (
	// CreatorsMost is how many creators one viewer may hide.
	CreatorsMost = 500
	// hiddenEach is how many of the hidden creators' newest videos are left out: nothing older is dealt
	// to anybody who has not seen all that is newer.
	hiddenEach = 5_000
	// videosTold is how many of the hidden videos are listed to the one who hid them.
	videosTold = 20
)

// Choices is what a viewer has said of their feed.
type Choices struct {
	Profiling bool            `json:"profiling" doc:"The feed may go by what this viewer did before"`
	Hidden    []HiddenCreator `json:"hidden_creators" nullable:"false"`
	Videos    []HiddenVideo   `json:"hidden_videos" nullable:"false" doc:"The newest of those hidden one by one"`
}

// HiddenVideo is a video a viewer wants to see no more.
type HiddenVideo struct {
	ID      id.Video  `json:"id"`
	Caption string    `json:"caption"`
	By      string    `json:"creator"`
	At      time.Time `json:"at"`
}

// HiddenCreator is somebody a viewer wants to see no more.
type HiddenCreator struct {
	ID     id.Creator `json:"id"`
	Handle string     `json:"handle"`
	Name   string     `json:"display_name"`
	At     time.Time  `json:"at"`
}

// Choices returns what the asker has said of their feed. Unauthorized: there is nobody to say anything.
func (f *Feed) Choices(ctx context.Context, who account.Asker) (Choices, error) {
	c := Choices{Profiling: true, Hidden: []HiddenCreator{}, Videos: []HiddenVideo{}}
	if err := somebody(who); err != nil {
		return c, err
	}
	err := f.db.Read(ctx, func(tx *db.Tx) error {
		off, err := impersonal(tx, who)
		if err != nil {
			return err
		}
		c.Profiling = !off
		list, err := db.All(tx, func(r *sql.Rows) (h HiddenCreator, err error) {
			var at int64
			err = r.Scan(&h.ID, &h.Handle, &h.Name, &at)
			h.At = db.Time(at)
			return h, err
		}, `SELECT c.id, c.handle, c.display_name, MAX(h.at) FROM creator_hides h JOIN creators c ON c.id = h.creator_id WHERE `+ofViewer("h")+`
			GROUP BY c.id, c.handle, c.display_name ORDER BY MAX(h.at) DESC, c.id LIMIT `+strconv.Itoa(CreatorsMost), string(who.Viewer), string(who.Account))
		if err != nil {
			return err
		}
		c.Hidden = append(c.Hidden, list...)
		videos, err := db.All(tx, func(r *sql.Rows) (h HiddenVideo, err error) {
			var at int64
			err = r.Scan(&h.ID, &h.Caption, &h.By, &at)
			h.At = db.Time(at)
			return h, err
		}, `SELECT v.id, v.caption, c.display_name, MAX(h.at) FROM hides h JOIN videos v ON v.id = h.video_id JOIN accounts a ON a.id = v.account_id JOIN creators c ON c.id = v.creator_id
			WHERE `+content.Listed+` AND `+ofViewer("h")+` GROUP BY v.id, v.caption, c.display_name ORDER BY MAX(h.at) DESC, v.id LIMIT `+strconv.Itoa(videosTold), string(who.Viewer), string(who.Account))
		c.Videos = append(c.Videos, videos...)
		return err
	})
	return c, err
}

// ofViewer narrows rows to those of a viewer, $1, or of any viewer of the account $2; "" is no account.
func ofViewer(rows string) string {
	return `(` + rows + `.viewer_id = $1 OR (CAST($2 AS TEXT) <> '' AND ` + rows + `.viewer_id IN (SELECT id FROM viewers WHERE account_id = $2)))`
}

func somebody(who account.Asker) error {
	if !who.Viewer.Valid() {
		return fault.New(fault.Unauthorized, "A feed is somebody's: ask with the viewer's cookie or X-Viewer-Token.")
	}
	return nil
}

// SetProfiling keeps whether the asker's feed may go by what they did; signed in, on all their devices.
func (f *Feed) SetProfiling(ctx context.Context, who account.Asker, on bool) error {
	if err := somebody(who); err != nil {
		return err
	}
	return f.db.Write(ctx, func(tx *db.Tx) error {
		for _, holder := range []string{string(who.Viewer), string(who.Account)} {
			if holder == "" {
				continue
			}
			flag := int64(0)
			if on {
				flag = 1
			}
			if _, err := tx.Exec(`INSERT INTO feed_choices (holder, profiling, at) VALUES ($1, $2, $3) ON CONFLICT (holder) DO UPDATE SET profiling = EXCLUDED.profiling, at = EXCLUDED.at`,
				holder, flag, db.Micros(tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}

// impersonal reports whether the asker said that their feed must not go by what they did: what their account
// says, or else this viewer.
func impersonal(tx *db.Tx, who account.Asker) (bool, error) {
	if who.Fresh {
		return false, nil
	}
	off, err := db.All(tx, func(r *sql.Rows) (off bool, err error) {
		var on int64
		err = r.Scan(&on)
		return on == 0, err
	}, `SELECT profiling FROM feed_choices WHERE holder = $1 OR (holder = $2 AND holder <> '') ORDER BY profiling LIMIT 1`, string(who.Viewer), string(who.Account))
	return err == nil && len(off) > 0 && off[0], err
}

// HideCreator leaves everything of a creator out of the asker's feeds, or lets it in again. Missing:
// there is no such creator. Conflict: they hide as many as anybody may.
func (f *Feed) HideCreator(ctx context.Context, who account.Asker, creator id.Creator, hide bool) error {
	if err := somebody(who); err != nil {
		return err
	}
	return f.db.Write(ctx, func(tx *db.Tx) error {
		if !hide {
			_, err := tx.Exec(`DELETE FROM creator_hides WHERE creator_id = $3 AND (viewer_id = $1 OR (CAST($2 AS TEXT) <> '' AND viewer_id IN (SELECT id FROM viewers WHERE account_id = $2)))`,
				string(who.Viewer), string(who.Account), string(creator))
			return err
		}
		if _, err := account.CreatorOf(tx, creator); err != nil {
			return err
		}
		var n int64
		if err := tx.Row(`SELECT COUNT(*) FROM creator_hides h WHERE `+ofViewer("h"), string(who.Viewer), string(who.Account)).Scan(&n); err != nil {
			return err
		}
		if n >= CreatorsMost {
			return fault.New(fault.Conflict, "You hide %d creators already. Let one of them in again first.", CreatorsMost)
		}
		_, err := tx.Exec(`INSERT INTO creator_hides (viewer_id, creator_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, string(who.Viewer), string(creator), db.Micros(tx.Now()))
		return err
	})
}

// HideVideo leaves a video out of the asker's feeds, or lets it in again. What the ranking learned of a hide that
// was told as an event stays. Missing: there is no such video.
func (f *Feed) HideVideo(ctx context.Context, who account.Asker, video id.Video, hide bool) error {
	if err := somebody(who); err != nil {
		return err
	}
	gone := fault.New(fault.Missing, "There is no such video.")
	return f.db.Write(ctx, func(tx *db.Tx) error {
		if !hide {
			var n int64
			if err := tx.Row(`SELECT COUNT(*) FROM videos WHERE id = $1`, string(video)).Scan(&n); err != nil {
				return err
			}
			if n == 0 {
				return gone
			}
			_, err := tx.Exec(`DELETE FROM hides WHERE video_id = $3 AND (viewer_id = $1 OR (CAST($2 AS TEXT) <> '' AND viewer_id IN (SELECT id FROM viewers WHERE account_id = $2)))`,
				string(who.Viewer), string(who.Account), string(video))
			return err
		}
		cards, err := content.Cards(tx, who, []id.Video{video})
		if err != nil {
			return err
		}
		if len(cards) == 0 {
			return gone
		}
		_, err = tx.Exec(`INSERT INTO hides (viewer_id, video_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, string(who.Viewer), string(video), db.Micros(tx.Now()))
		return err
	})
}

// Reset makes the asker's feed that of somebody new: every fold forgets what their viewers did. Whom they
// follow, and what and whom they hid, stays.
func (f *Feed) Reset(ctx context.Context, who account.Asker) error {
	if err := somebody(who); err != nil {
		return err
	}
	_, err := db.Do(ctx, f.db, func(tx *db.Tx) (struct{}, error) {
		viewers := []id.Viewer{who.Viewer}
		if who.Account != "" {
			joined, err := account.Viewers(tx, who.Account)
			if err != nil {
				return struct{}{}, err
			}
			for _, v := range joined {
				if v != who.Viewer {
					viewers = append(viewers, v)
				}
			}
		}
		for _, v := range viewers {
			if err := event.Emit(tx, event.ViewerReset{Viewer: v}); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

// hiddenCreators adds the videos of creators the asker hid to what pages leave out.
func hiddenCreators(tx *db.Tx, who account.Asker, hidden map[[16]byte]struct{}) error {
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var v id.Video
		if err := r.Scan(&v); err != nil {
			return struct{}{}, err
		}
		if u, err := v.UUID(); err == nil {
			hidden[u] = struct{}{}
		}
		return struct{}{}, nil
	}, `SELECT v.id FROM videos v WHERE v.creator_id IN (SELECT h.creator_id FROM creator_hides h WHERE `+ofViewer("h")+`) ORDER BY v.id DESC LIMIT `+strconv.Itoa(hiddenEach),
		string(who.Viewer), string(who.Account))
	return err
}

// Chosen returns whom a person hid and whether their feed may go by what they did, for the export of what
// is kept of them.
func Chosen(tx *db.Tx, person id.Account) (any, error) {
	off, err := impersonal(tx, account.Asker{Account: person})
	if err != nil {
		return nil, err
	}
	creators, err := db.All(tx, func(r *sql.Rows) (c id.Creator, err error) { return c, r.Scan(&c) },
		`SELECT DISTINCT h.creator_id FROM viewers v JOIN creator_hides h ON h.viewer_id = v.id WHERE v.account_id = $1 ORDER BY h.creator_id`, person)
	return map[string]any{"profiling": !off, "hidden_creators": append([]id.Creator{}, creators...)}, err
}
