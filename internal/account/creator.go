package account

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Bounds of a creator profile.
const (
	HandleMin     = 2
	HandleMax     = 30
	BioMax        = 500
	categoriesMax = 5
	categoryMax   = 60
)

// reserved are handles that would read as the house speaking.
const reserved = " mezzo admin administrator operator official support help team staff moderator security payments system root me api everyone "

// Creator is what everybody may see of a creator.
type Creator struct {
	ID          id.Creator `json:"id"`
	Account     id.Account `json:"-"`
	Handle      string     `json:"handle"`
	DisplayName string     `json:"display_name"`
	Bio         string     `json:"bio"`
	Categories  []string   `json:"categories" nullable:"false"`
	Avatar      id.Image   `json:"avatar_image_id,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	Version     int64      `json:"-"`
	Standing    Standing   `json:"-"` // of the account behind it
}

const profileColumns = `c.id, c.account_id, c.handle, c.display_name, c.bio, c.categories, c.avatar_image_id, c.created_at, c.version, a.standing`

func scanProfile(row scanner) (p Creator, err error) {
	var categories string
	var created int64
	err = row.Scan(&p.ID, &p.Account, &p.Handle, &p.DisplayName, &p.Bio, &categories, &p.Avatar, &created, &p.Version, &p.Standing)
	if err != nil {
		return p, err
	}
	p.CreatedAt = db.Time(created)
	return p, json.Unmarshal([]byte(categories), &p.Categories)
}

// NewCreator is what becoming a creator takes; the handle may be changed later.
type NewCreator struct {
	Handle      string
	DisplayName string
	Bio         string
	Categories  []string
	Avatar      id.Image
}

func (n *NewCreator) check() (err error) {
	if n.Handle, err = checkHandle(n.Handle); err != nil {
		return err
	}
	if n.DisplayName, err = checkText("body.display_name", n.DisplayName, 1, NameMax, false); err != nil {
		return err
	}
	if n.Bio, err = checkText("body.bio", n.Bio, 0, BioMax, true); err != nil {
		return err
	}
	if len(n.Categories) > categoriesMax {
		return fault.InvalidField("body.categories", "Choose at most %d categories.", categoriesMax)
	}
	if n.Categories == nil {
		n.Categories = []string{}
	}
	for i := range n.Categories {
		if n.Categories[i], err = checkText("body.categories", n.Categories[i], 1, categoryMax, false); err != nil {
			return err
		}
	}
	if n.Avatar != "" && !n.Avatar.Valid() {
		return fault.InvalidField("body.avatar_image_id", "This is not the id of an image.")
	}
	return nil
}

// checkHandle returns the handle in lower case without its at sign: letters, digits, dots and
// underscores, beginning and ending with a letter or digit.
func checkHandle(h string) (string, error) {
	h = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(h), "@"))
	const ends = "abcdefghijklmnopqrstuvwxyz0123456789"
	switch {
	case len(h) < HandleMin || len(h) > HandleMax:
		return "", fault.InvalidField("body.handle", "A handle has %d to %d characters.", HandleMin, HandleMax)
	case strings.Trim(h, ends+"._") != "" || strings.ContainsFunc(h, func(c rune) bool { return !strings.ContainsRune(ends+"._", c) }):
		return "", fault.InvalidField("body.handle", "A handle is made of letters a to z, digits, dots and underscores.")
	case !strings.Contains(ends, h[:1]) || !strings.Contains(ends, h[len(h)-1:]) || strings.Contains(h, ".."):
		return "", fault.InvalidField("body.handle", "A handle begins and ends with a letter or a digit, and has no two dots in a row.")
	case strings.Contains(reserved, " "+h+" ") || strings.HasPrefix(h, "left-"):
		return "", fault.InvalidField("body.handle", "The handle %s is kept for the house. Choose another.", h)
	}
	return h, nil
}

// PutCreator makes the asker a creator or changes their profile. There is no minimum of anything.
// match is the version changed, 0 for any. Conflict: somebody has the handle.
func (a *Accounts) PutCreator(ctx context.Context, who Asker, match int64, in NewCreator) (Creator, error) {
	if err := who.SignedIn(); err != nil {
		return Creator{}, err
	}
	if err := in.check(); err != nil {
		return Creator{}, err
	}
	categories, err := json.Marshal(in.Categories)
	if err != nil {
		return Creator{}, err
	}
	defer a.Forget(who.Account)
	p, err := db.Do(ctx, a.d, func(tx *db.Tx) (Creator, error) {
		var creator id.Creator
		var version int64
		err := tx.Row(`SELECT id, version FROM creators WHERE account_id = $1`, who.Account).Scan(&creator, &version)
		if err != nil && err != sql.ErrNoRows {
			return Creator{}, err
		}
		if match != 0 && match != version {
			return Creator{}, stale()
		}
		fresh := creator == ""
		if fresh {
			creator = creator.Next(tx.Now())
			_, err = tx.Exec(`INSERT INTO creators (id, account_id, handle, display_name, bio, categories, avatar_image_id, created_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
				creator, who.Account, in.Handle, in.DisplayName, in.Bio, string(categories), in.Avatar, db.Micros(tx.Now()))
		} else {
			_, err = tx.Exec(`UPDATE creators SET handle = $2, display_name = $3, bio = $4, categories = $5, avatar_image_id = $6,
				version = version + 1 WHERE id = $1`, creator, in.Handle, in.DisplayName, in.Bio, string(categories), in.Avatar)
		}
		if err != nil {
			return Creator{}, err
		}
		if fresh {
			if err := event.Emit(tx, event.CreatorCreated{Creator: creator}); err != nil {
				return Creator{}, err
			}
		}
		return CreatorOf(tx, creator)
	})
	if db.IsUnique(err) {
		err = fault.New(fault.Conflict, "Somebody has the handle %s already. Choose another.", in.Handle).
			WithType("handle_taken").WithField("body.handle", "%s is taken.", in.Handle)
	}
	return p, err
}

// CreatorOf returns a creator's profile, whatever their standing; Missing when there is none.
func CreatorOf(tx *db.Tx, creator id.Creator) (Creator, error) {
	return creatorWhere(tx, `c.id = $1`, string(creator))
}

// CreatorByHandle returns a creator's public profile; Missing also when the person was removed.
func (a *Accounts) CreatorByHandle(ctx context.Context, handle string) (Creator, error) {
	return db.Get(ctx, a.d, func(tx *db.Tx) (Creator, error) { return CreatorNamed(tx, handle) })
}

// CreatorNamed is CreatorByHandle within a transaction.
func CreatorNamed(tx *db.Tx, handle string) (Creator, error) {
	p, err := creatorWhere(tx, `c.handle = $1`, strings.ToLower(strings.TrimPrefix(handle, "@")))
	if err == nil && p.Standing == Removed {
		return Creator{}, noCreator()
	}
	return p, err
}

func creatorWhere(tx *db.Tx, where, arg string) (Creator, error) {
	p, err := scanProfile(tx.Row(`SELECT `+profileColumns+` FROM creators c JOIN accounts a ON a.id = c.account_id WHERE `+where, arg))
	if err == sql.ErrNoRows {
		return Creator{}, noCreator()
	}
	return p, err
}

func noCreator() error {
	return fault.New(fault.Missing, "There is no creator of this name.")
}
