package media

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Bounds on the pictures of one account.
const (
	ImagesPerHour = 300
	imageIDs      = 500 // asked for at once
)

// Image is a picture somebody sent, as it is kept.
type Image struct {
	ID     id.Image `json:"id"`
	Large  string   `json:"large"` // blob names
	Small  string   `json:"small"`
	Width  int      `json:"width"` // pixels of the large one
	Height int      `json:"height"`
}

// URL returns where the large size is served from, LargeWidth pixels wide unless it was smaller.
func (i Image) URL() string { return URL(i.Large) }

// SmallURL returns where the small size is served from, SmallWidth pixels wide.
func (i Image) SmallURL() string { return URL(i.Small) }

// AddImage takes a JPEG, PNG or WebP picture in: upright, in two sizes, without what it knew of
// where and by what it was taken. Unauthorized, Forbidden: who may not; TooLarge, Invalid: what
// cannot be used; Limited: more than ImagesPerHour.
func (m *Media) AddImage(ctx context.Context, who account.Asker, r io.Reader) (Image, error) {
	if err := who.SignedIn(); err != nil {
		return Image{}, err
	}
	err := m.DB.Read(ctx, func(tx *db.Tx) error { return imagesLeft(tx, who.Account) })
	if err != nil {
		return Image{}, err
	}
	large, small, err := m.paint(ctx, r)
	if err != nil {
		return Image{}, err
	}
	i := Image{Width: large.width, Height: large.height}
	if i.Large, err = m.keepBytes(ctx, large.jpeg, "jpg"); err != nil {
		return Image{}, err
	}
	if i.Small, err = m.keepBytes(ctx, small.jpeg, "jpg"); err != nil {
		return Image{}, err
	}
	return db.Do(ctx, m.DB, func(tx *db.Tx) (Image, error) {
		if err := imagesLeft(tx, who.Account); err != nil {
			return Image{}, err
		}
		made := i
		made.ID = made.ID.Next(tx.Now())
		_, err := tx.Exec(`INSERT INTO images (id, account_id, large, width, height, small, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			made.ID, who.Account, made.Large, made.Width, made.Height, made.Small, db.Micros(tx.Now()))
		return made, err
	})
}

// paint repaints a picture when it is its turn.
func (m *Media) paint(ctx context.Context, r io.Reader) (large, small picture, err error) {
	select {
	case m.painting <- struct{}{}:
		defer func() { <-m.painting }()
	case <-ctx.Done():
		return large, small, ctx.Err()
	}
	return repaint(r)
}

func imagesLeft(tx *db.Tx, who id.Account) error {
	var n int
	err := tx.Row(`SELECT COUNT(*) FROM images WHERE account_id = $1 AND created_at > $2`, who, db.Micros(tx.Now().Add(-time.Hour))).Scan(&n)
	if err == nil && n >= ImagesPerHour {
		err = fault.New(fault.Limited, "You have sent %d pictures within an hour. Wait a while, then go on.", n).After(10 * time.Minute)
	}
	return err
}

// OwnImage returns a picture of the account's own; Missing when it is somebody else's or nobody's.
func OwnImage(tx *db.Tx, owner id.Account, image id.Image) (Image, error) {
	i, err := scanImage(tx.Row(`SELECT id, large, small, width, height FROM images WHERE id = $1 AND account_id = $2`, image, owner))
	if errors.Is(err, sql.ErrNoRows) {
		return Image{}, fault.New(fault.Missing, "There is no such picture of yours. Send it with POST /images first.")
	}
	return i, err
}

// Pictures is Images for who holds no transaction.
func (m *Media) Pictures(ctx context.Context, images ...id.Image) (map[id.Image]Image, error) {
	if len(images) == 0 {
		return nil, nil
	}
	return db.Get(ctx, m.DB, func(tx *db.Tx) (map[id.Image]Image, error) { return Images(tx, images...) })
}

// Images returns those of the pictures that there are, by id. Whoever shows a page may show its
// pictures: it is their names that are secret, not their owner.
func Images(tx *db.Tx, images ...id.Image) (map[id.Image]Image, error) {
	found := make(map[id.Image]Image, len(images))
	for len(images) > 0 {
		some := images[:min(len(images), imageIDs)]
		images = images[len(some):]
		args := make([]any, len(some))
		for i, image := range some {
			args[i] = image
		}
		rows, err := db.All(tx, func(rows *sql.Rows) (Image, error) { return scanImage(rows) },
			`SELECT id, large, small, width, height FROM images WHERE id IN (`+marks(len(some))+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, i := range rows {
			found[i.ID] = i
		}
	}
	return found, nil
}

func scanImage(row interface{ Scan(...any) error }) (i Image, err error) {
	err = row.Scan(&i.ID, &i.Large, &i.Small, &i.Width, &i.Height)
	return i, err
}

// marks returns $1, $2, … $n.
func marks(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if i > 1 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i))
	}
	return b.String()
}
