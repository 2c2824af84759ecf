package content

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Limits of how fast one person may speak, so that nobody can flood a video.
const (
	// CommentsPerHour is how many comments one account may write within an hour.
	CommentsPerHour = 60
	// ReportsPerDay is how many reports one account or viewer may make within a day.
	ReportsPerDay = 50
)

// Comment is what somebody wrote under a video.
type Comment struct {
	ID        id.Comment `json:"id"`
	Video     id.Video   `json:"video_id"`
	Author    string     `json:"author"`           // the display name
	Handle    string     `json:"handle,omitempty"` // when the author is a creator
	Text      string     `json:"text"`
	ReplyTo   id.Comment `json:"reply_to,omitempty"`
	Mine      bool       `json:"mine"`
	CreatedAt time.Time  `json:"created_at"`
}

// Like notes that the asker likes a video; again changes nothing. It returns how many do.
func (c *Content) Like(ctx context.Context, who account.Asker, v id.Video) (int64, error) {
	return c.like(ctx, who, v, func(tx *db.Tx, card Card) error {
		n, err := tx.Exec(`INSERT INTO likes(video_id, account_id, created_at) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING`, v, who.Account, db.Micros(tx.Now()))
		if err != nil || n == 0 {
			return err
		}
		return event.Emit(tx, event.VideoLiked{Video: v, Creator: card.Creator, Viewer: who.Viewer})
	})
}

// Unlike takes a like back.
func (c *Content) Unlike(ctx context.Context, who account.Asker, v id.Video) (int64, error) {
	return c.like(ctx, who, v, func(tx *db.Tx, card Card) error {
		n, err := tx.Exec(`DELETE FROM likes WHERE video_id = $1 AND account_id = $2`, v, who.Account)
		if err != nil || n == 0 {
			return err
		}
		return event.Emit(tx, event.VideoUnliked{Video: v, Creator: card.Creator, Viewer: who.Viewer})
	})
}

func (c *Content) like(ctx context.Context, who account.Asker, v id.Video, change func(*db.Tx, Card) error) (int64, error) {
	if err := who.SignedIn(); err != nil {
		return 0, err
	}
	return db.Do(ctx, c.db, func(tx *db.Tx) (int64, error) {
		card, err := shown(tx, who, v)
		if err != nil {
			return 0, err
		}
		if err := change(tx, card); err != nil {
			return 0, err
		}
		var n int64
		return n, tx.Row(`SELECT COUNT(*) FROM likes WHERE video_id = $1`, v).Scan(&n)
	})
}

// shown returns a video the asker may act on.
func shown(tx *db.Tx, who account.Asker, v id.Video) (Card, error) {
	cards, err := cardsWhere(tx, who, `v.id = $1 AND v.deleted_at = 0`, v)
	if err == nil && (len(cards) == 0 || !cards[0].seenBy(who) || cards[0].State != Ready) {
		return Card{}, missing("video")
	}
	if err != nil {
		return Card{}, err
	}
	return cards[0], nil
}

// Comment writes under a video, or under a comment of it.
func (c *Content) Comment(ctx context.Context, who account.Asker, v id.Video, text string, replyTo id.Comment) (Comment, error) {
	if err := who.SignedIn(); err != nil {
		return Comment{}, err
	}
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n == 0 || n > MaxComment || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return Comment{}, fault.InvalidField("body.text", "A comment has 1 to %d characters.", MaxComment)
	}
	return db.Do(ctx, c.db, func(tx *db.Tx) (Comment, error) {
		card, err := shown(tx, who, v)
		if err != nil {
			return Comment{}, err
		}
		if err := within(tx, `SELECT COUNT(*) FROM comments WHERE account_id = $1 AND created_at > $2`, string(who.Account), time.Hour, CommentsPerHour); err != nil {
			return Comment{}, err
		}
		if replyTo != "" {
			var n int64
			if err := tx.Row(`SELECT COUNT(*) FROM comments WHERE id = $1 AND video_id = $2 AND standing = 'visible'`, replyTo, v).Scan(&n); err != nil {
				return Comment{}, err
			}
			if n == 0 {
				return Comment{}, fault.InvalidField("body.reply_to", "The comment you answer is not there (any more).")
			}
		}
		var cid id.Comment
		cid = cid.Next(tx.Now())
		if _, err := tx.Exec(`INSERT INTO comments(id, video_id, account_id, reply_to, text, created_at) VALUES ($1,$2,$3,$4,$5,$6)`,
			cid, v, who.Account, replyTo, text, db.Micros(tx.Now())); err != nil {
			return Comment{}, err
		}
		if err := event.Emit(tx, event.CommentCreated{Comment: cid, Video: v, Creator: card.Creator, Viewer: who.Viewer}); err != nil {
			return Comment{}, err
		}
		list, err := commentsWhere(tx, who, `m.id = $1`, string(cid))
		if err != nil {
			return Comment{}, err
		}
		return list[0], nil
	})
}

// within refuses a person who has done something too often of late.
func within(tx *db.Tx, q, who string, span time.Duration, most int64) error {
	var n int64
	if err := tx.Row(q, who, db.Micros(tx.Now().Add(-span))).Scan(&n); err != nil {
		return err
	}
	if n >= most {
		return fault.New(fault.Limited, "That was a lot at once. Wait a while, then go on.").After(10 * time.Minute)
	}
	return nil
}

// Comments returns the visible comments of a video, oldest first, from after one.
func (c *Content) Comments(ctx context.Context, who account.Asker, v id.Video, after id.Comment, limit int) ([]Comment, error) {
	return db.Get(ctx, c.db, func(tx *db.Tx) ([]Comment, error) {
		if _, err := shown(tx, who, v); err != nil {
			return nil, err
		}
		return commentsWhere(tx, who, `m.video_id = $1 AND m.standing = 'visible' AND a.standing = 'visible' AND (CAST($2 AS TEXT) = '' OR m.id > $2) ORDER BY m.id LIMIT $3`,
			string(v), string(after), int64(limit))
	})
}

// DeleteComment takes an own comment away, or one under an own video.
func (c *Content) DeleteComment(ctx context.Context, who account.Asker, comment id.Comment) error {
	if err := who.SignedIn(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`DELETE FROM comments WHERE id = $1 AND (account_id = $2 OR video_id IN (SELECT id FROM videos WHERE account_id = $2))`, comment, who.Account)
		if err == nil && n == 0 {
			return missing("comment of yours")
		}
		return err
	})
}

func commentsWhere(tx *db.Tx, who account.Asker, where string, args ...any) ([]Comment, error) {
	return db.All(tx, func(r *sql.Rows) (Comment, error) {
		var m Comment
		var author id.Account
		var at int64
		err := r.Scan(&m.ID, &m.Video, &author, &m.Author, &m.Handle, &m.Text, &m.ReplyTo, &at)
		m.CreatedAt, m.Mine = db.Time(at), who.Account != "" && author == who.Account
		return m, err
	}, `SELECT m.id, m.video_id, m.account_id, a.display_name, COALESCE(c.handle, ''), m.text, m.reply_to, m.created_at
		FROM comments m JOIN accounts a ON a.id = m.account_id LEFT JOIN creators c ON c.account_id = a.id WHERE `+where, args...)
}

// Follow notes that the asker follows a creator; again changes nothing.
func (c *Content) Follow(ctx context.Context, who account.Asker, handle string) error {
	return c.follow(ctx, who, handle, func(tx *db.Tx, creator id.Creator) error {
		n, err := tx.Exec(`INSERT INTO follows(account_id, creator_id, created_at) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING`, who.Account, creator, db.Micros(tx.Now()))
		if err != nil || n == 0 {
			return err
		}
		return event.Emit(tx, event.CreatorFollowed{Creator: creator, Viewer: who.Viewer})
	})
}

// Unfollow takes a follow back.
func (c *Content) Unfollow(ctx context.Context, who account.Asker, handle string) error {
	return c.follow(ctx, who, handle, func(tx *db.Tx, creator id.Creator) error {
		n, err := tx.Exec(`DELETE FROM follows WHERE account_id = $1 AND creator_id = $2`, who.Account, creator)
		if err != nil || n == 0 {
			return err
		}
		return event.Emit(tx, event.CreatorUnfollowed{Creator: creator, Viewer: who.Viewer})
	})
}

func (c *Content) follow(ctx context.Context, who account.Asker, handle string, change func(*db.Tx, id.Creator) error) error {
	if err := who.SignedIn(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(tx *db.Tx) error {
		creator, err := account.CreatorNamed(tx, handle)
		if err != nil {
			return err
		}
		return change(tx, creator.ID)
	})
}

// Report tells the operator that something about a video is wrong.
func (c *Content) Report(ctx context.Context, who account.Asker, v id.Video, reason string) error {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n == 0 || n > MaxReason || !utf8.ValidString(reason) {
		return fault.InvalidField("body.reason", "Say what is wrong, in at most %d characters.", MaxReason)
	}
	_, err := db.Do(ctx, c.db, func(tx *db.Tx) (struct{}, error) {
		if _, err := shown(tx, who, v); err != nil {
			return struct{}{}, err
		}
		by := string(who.Account) // with a token of theirs as without
		if by == "" {
			by = string(who.Viewer)
		}
		if err := within(tx, `SELECT COUNT(*) FROM reports WHERE (account_id = $1 OR viewer_id = $1) AND created_at > $2`, by, 24*time.Hour, ReportsPerDay); err != nil {
			return struct{}{}, err
		}
		var rid id.Report
		rid = rid.Next(tx.Now())
		if _, err := tx.Exec(`INSERT INTO reports(id, subject_kind, subject_id, account_id, viewer_id, reason, created_at) VALUES ($1,'video',$2,$3,$4,$5,$6)`,
			rid, v, who.Account, who.Viewer, reason, db.Micros(tx.Now())); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, event.Emit(tx, event.VideoReported{Video: v, Viewer: who.Viewer, Report: rid})
	})
	return err
}

// Follows reports whether the asker follows a creator.
func (c *Content) Follows(ctx context.Context, who account.Asker, creator id.Creator) (bool, error) {
	if who.Account == "" {
		return false, nil
	}
	return db.Get(ctx, c.db, func(tx *db.Tx) (bool, error) {
		var n int64
		err := tx.Row(`SELECT COUNT(*) FROM follows WHERE account_id = $1 AND creator_id = $2`, who.Account, creator).Scan(&n)
		return n > 0, err
	})
}
