package trust

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
)

// MaxPage is how many subjects one page of a list has at most.
const MaxPage = 100

// Subject is a video, a product or a comment with how it stands.
type Subject struct {
	Kind     Kind      `json:"kind"`
	ID       string    `json:"id"`
	Text     string    `json:"text"`  // caption, title or comment
	By       string    `json:"by"`    // whose it is, by name
	Under    string    `json:"under"` // the video of a comment
	Standing Standing  `json:"standing"`
	Reason   string    `json:"reason,omitempty"`
	Actor    string    `json:"actor,omitempty"` // who decided, by name where it is a person
	At       time.Time `json:"at,omitzero"`     // when that was
	Made     time.Time `json:"made_at"`
	Reports  int64     `json:"reports"`          // that nobody has closed
	Change   string    `json:"change,omitempty"` // the newest change, which Undo takes back
}

// Search narrows a list of subjects.
type Search struct {
	Kind     Kind // video, product or comment
	Q        string
	Standing Standing // "" any
	Reported bool     // only what somebody has reported
	After    string   // go on after this subject
	Limit    int      // 1 to MaxPage + 1
}

// shapes are where each kind's text, owner, place and time stand; x is its table.
var shapes = map[Kind]string{
	Video:   `x.caption, o.display_name, '', x.created_at FROM videos x JOIN creators o ON o.id = x.creator_id`,
	Product: `x.title, o.name, '', x.created_at FROM products x JOIN brands o ON o.id = x.brand_id`,
	Comment: `x.text, o.display_name, x.video_id, x.created_at FROM comments x JOIN accounts o ON o.id = x.account_id`,
}

// words are the columns a search looks into.
var words = map[Kind][2]string{Video: {"x.caption", "o.display_name"}, Product: {"x.title", "o.name"}, Comment: {"x.text", "o.display_name"}}

// Subjects returns a page of what people posted and put up, newest first, with how it stands, to the operator.
func (t *Trust) Subjects(ctx context.Context, who account.Asker, s Search) ([]Subject, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	shape, ok := shapes[s.Kind]
	if !ok {
		return nil, fault.InvalidField("query.kind", "Look at video, product or comment.")
	}
	where, args := s.where()
	limit := min(max(s.Limit, 1), MaxPage+1)
	return db.Get(ctx, t.db, func(tx *db.Tx) ([]Subject, error) {
		return db.All(tx, func(r *sql.Rows) (Subject, error) {
			c := Subject{Kind: s.Kind}
			var at, made int64
			var actor string
			err := r.Scan(&c.ID, &c.Standing, &c.Reason, &actor, &c.Actor, &at, &c.Reports, &c.Change, &c.Text, &c.By, &c.Under, &made)
			if c.Actor == "" {
				c.Actor = actor
			}
			c.At, c.Made = db.Time(at), db.Time(made)
			return c, err
		}, `SELECT x.id, x.standing, x.standing_reason, x.standing_by, COALESCE((SELECT a.display_name FROM accounts a WHERE a.id = x.standing_by), ''), x.standing_at,
			(SELECT COUNT(*) FROM reports r WHERE r.subject_kind = $1 AND r.subject_id = x.id AND r.closed_at = 0),
			COALESCE((SELECT MAX(s.id) FROM standings s WHERE s.subject_kind = $1 AND s.subject_id = x.id), ''), `+
			shape+where+` ORDER BY x.id DESC LIMIT `+strconv.Itoa(limit), args...)
	})
}

func (s Search) where() (text string, args []any) {
	args = []any{string(s.Kind)}
	var b strings.Builder
	b.WriteString(` WHERE 1 = 1`)
	and := func(condition, arg string) {
		args = append(args, arg)
		b.WriteString(strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	if s.Kind == Video {
		b.WriteString(` AND x.deleted_at = 0`)
	}
	if s.After != "" {
		and(` AND x.id < ?`, s.After)
	}
	if s.Standing != "" {
		and(` AND x.standing = ?`, string(s.Standing))
	}
	if s.Reported {
		b.WriteString(` AND EXISTS (SELECT 1 FROM reports r WHERE r.subject_kind = $1 AND r.subject_id = x.id AND r.closed_at = 0)`)
	}
	if q := strings.ToLower(strings.TrimSpace(s.Q)); q != "" {
		in := words[s.Kind]
		and(` AND (LOWER(`+in[0]+`) LIKE ? ESCAPE '\' OR LOWER(`+in[1]+`) LIKE ? ESCAPE '\')`, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q)+"%")
	}
	return b.String(), args
}
