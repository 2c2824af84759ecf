package affiliate

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// TouchKind is how a creator was followed to a product.
type TouchKind string

// The kinds of touch.
const (
	TouchClick TouchKind = "click" // opened the product from content
	TouchCart  TouchKind = "cart"  // put it into the cart from content
	TouchLink  TouchKind = "link"  // came by the creator's link
	TouchCode  TouchKind = "code"  // typed the creator's code
)

// flagOwn marks a creator's own visit: it is kept and does not earn.
const flagOwn = "own"

// NewTouch is a click, or an addition to the cart, out of content that was shown with a valid token.
type NewTouch struct {
	Asker      account.Asker // who clicked; without a viewer nothing is recorded
	Impression id.Impression // opened and not expired: the caller sees to that
	Product    id.Product
	Brand      id.Brand // not needed: the product knows its own
	Kind       TouchKind
	At         time.Time
}

// RecordTouch stores a touch at once, in the caller's transaction. A token makes one touch of a kind with
// a product, however often it is sent; a product that its subject does not show makes none.
func RecordTouch(tx *db.Tx, n NewTouch) error {
	if n.Asker.Viewer == "" {
		return nil
	}
	c := click{viewer: n.Asker.Viewer, shown: n.Impression, product: n.Product, kind: n.Kind, at: n.At}
	_, err := recordClicks(tx, []click{c})
	return err
}

// click is a touch before its subject is looked up.
type click struct {
	viewer  id.Viewer
	shown   id.Impression
	product id.Product
	kind    TouchKind
	own     bool // the log says it is the creator's own
	kept    bool // its subject shows the product: it is a row once the transaction commits
	at      time.Time
}

// once names what may happen once: this kind of touch with this product out of this token.
func (c *click) once() string {
	var b strings.Builder
	for _, part := range []string{string(c.viewer), string(c.shown.Request), string(c.shown.Subject[:]), string(c.product), string(c.kind)} {
		b.WriteString(part)
		b.WriteByte(0)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:16])
}

// subject is what a token showed, as far as it can earn.
type subject struct {
	creator id.Creator
	account id.Account // the creator's
	brand   id.Brand
}

// recordClicks stores the clicks whose subject shows their product, marks them kept, and returns how many were new.
// Three queries and an insert, whatever their number.
func recordClicks(tx *db.Tx, clicks []click) (int64, error) {
	subjects, err := subjectsOf(tx, clicks)
	if err != nil || len(subjects) == 0 {
		return 0, err
	}
	people, err := accountsOf(tx, clicks)
	if err != nil {
		return 0, err
	}
	var fresh int64
	for chunk := range slices.Chunk(clicks, touchChunk) {
		n, err := insertTouches(tx, chunk, subjects, people)
		if err != nil {
			return 0, err
		}
		fresh += n
	}
	return fresh, nil
}

// touchChunk is how many touches one statement stores: few lengths of statement, whatever the batch.
const touchChunk = 50

func insertTouches(tx *db.Tx, clicks []click, subjects map[subjectKey]subject, people map[id.Viewer]id.Account) (int64, error) {
	var rows db.Values
	for i := range clicks {
		c := &clicks[i]
		s, ok := subjects[subjectKey{c.shown.Subject, c.product}]
		if !ok {
			continue
		}
		c.kept = true
		flag := ""
		if c.own || people[c.viewer] == s.account {
			flag = flagOwn
		}
		var t id.Touch
		rows.Row(string(t.Next(c.at)), string(c.viewer), string(s.creator), string(c.product), string(s.brand), string(c.kind),
			string(c.shown.Video()), string(c.shown.ShowcaseItem()), c.shown.Surface.String(), string(c.shown.Request), int64(c.shown.Slot), flag, db.Micros(c.at), c.once())
	}
	if rows.Empty() {
		return 0, nil
	}
	return tx.Exec(`INSERT INTO touches (id, viewer_id, creator_id, product_id, brand_id, kind, video_id, showcase_id, surface, request_id, slot, flag, at, once)
		VALUES `+rows.Text()+` ON CONFLICT (once) DO NOTHING`, rows.Args()...)
}

// subjectKey is a product shown by a subject.
type subjectKey struct {
	subject [16]byte
	product id.Product
}

// subjectsOf looks up which creator shows which product: by the tags of videos and by the shelf.
func subjectsOf(tx *db.Tx, clicks []click) (map[subjectKey]subject, error) {
	var videos []id.Video
	var items []id.Showcase
	for i := range clicks {
		if v := clicks[i].shown.Video(); v != "" {
			videos = append(videos, v)
		}
		if s := clicks[i].shown.ShowcaseItem(); s != "" {
			items = append(items, s)
		}
	}
	found := map[subjectKey]subject{}
	read := func(q string, args []any, uuid func(string) ([16]byte, error)) error {
		return each(tx, func(rows *sql.Rows) error {
			var of string
			var product id.Product
			var s subject
			if err := rows.Scan(&of, &product, &s.brand, &s.creator, &s.account); err != nil {
				return err
			}
			key, err := uuid(of)
			found[subjectKey{key, product}] = s
			return err
		}, q, args...)
	}
	if len(videos) > 0 {
		in, args := db.In(1, videos)
		if err := read(`SELECT v.id, p.product_id, p.brand_id, v.creator_id, v.account_id FROM videos v
			JOIN video_products p ON p.video_id = v.id WHERE v.id IN `+in, args, func(s string) ([16]byte, error) { return id.Video(s).UUID() }); err != nil {
			return nil, err
		}
	}
	if len(items) > 0 {
		in, args := db.In(1, items)
		if err := read(`SELECT s.id, s.product_id, s.brand_id, s.creator_id, c.account_id FROM showcase s
			JOIN creators c ON c.id = s.creator_id WHERE s.id IN `+in, args, func(s string) ([16]byte, error) { return id.Showcase(s).UUID() }); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// accountsOf returns whose viewers made the clicks, of those that have signed in.
func accountsOf(tx *db.Tx, clicks []click) (map[id.Viewer]id.Account, error) {
	viewers := make([]id.Viewer, len(clicks))
	for i := range clicks {
		viewers[i] = clicks[i].viewer
	}
	in, args := db.In(1, viewers)
	people := map[id.Viewer]id.Account{}
	return people, each(tx, func(rows *sql.Rows) error {
		var v id.Viewer
		var a id.Account
		err := rows.Scan(&v, &a)
		people[v] = a
		return err
	}, `SELECT id, account_id FROM viewers WHERE id IN `+in, args...)
}
