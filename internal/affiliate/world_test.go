package affiliate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

var ctx = context.Background()

const day = 24 * time.Hour

// world is a brand with products, creators who show them in videos, and a shopper.
type world struct {
	t        testing.TB
	d        *db.DB
	c        *clock.Turned
	brand    id.Brand
	owner    account.Asker
	products []id.Product
	creators []account.Asker
	videos   []id.Video // of the creator with the same index, tagging every product
	viewer   id.Viewer
}

func newWorldOf(t testing.TB, d *db.DB, creators, products int) *world {
	return newWorld(t, d, d.Clock().(*clock.Turned), creators, products)
}

func newWorld(t testing.TB, d *db.DB, c *clock.Turned, creators, products int) *world {
	w := &world{t: t, d: d, c: c}
	w.brand = w.brand.Next(c.Now())
	w.viewer = w.viewer.Next(c.Now())
	w.exec(`INSERT INTO brands (id, name, slug, country, currency, created_at) VALUES ($1, 'Kiln', $2, 'DE', 'EUR', $3)`, w.brand, w.brand, c.Now())
	w.owner = w.person("owner@kiln.example")
	w.exec(`INSERT INTO brand_members (brand_id, account_id, role, created_at) VALUES ($1, $2, 'owner', $3)`, w.brand, w.owner.Account, c.Now())
	w.owner.Brands = map[id.Brand]account.Role{w.brand: account.Owner}
	for i := range products {
		var p id.Product
		p = p.Next(c.Now())
		w.exec(`INSERT INTO products (id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1, $2, $3, '', 'home', 'EUR', $4, $4)`,
			p, w.brand, fmt.Sprintf("Cup %d", i), c.Now())
		w.products = append(w.products, p)
	}
	for i := range creators {
		who := w.person(fmt.Sprintf("creator%d@example.com", i))
		var cr id.Creator
		who.Creator = cr.Next(c.Now())
		w.exec(`INSERT INTO creators (id, account_id, handle, display_name, created_at) VALUES ($1, $2, $3, $3, $4)`, who.Creator, who.Account, fmt.Sprintf("creator%d", i), c.Now())
		w.creators = append(w.creators, who)
		w.videos = append(w.videos, w.video(who))
	}
	return w
}

func (w *world) exec(q string, args ...any) {
	w.t.Helper()
	for i, a := range args {
		switch v := a.(type) {
		case time.Time:
			args[i] = db.Micros(v)
		case fmt.Stringer:
			args[i] = v.String()
		}
	}
	w.write(func(tx *db.Tx) error { _, err := tx.Exec(q, args...); return err })
}

func (w *world) write(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.d.Write(ctx, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person(email string) account.Asker {
	w.t.Helper()
	var a id.Account
	var v id.Viewer
	who := account.Asker{Account: a.Next(w.c.Now()), Viewer: v.Next(w.c.Now())}
	w.exec(`INSERT INTO accounts (id, email, email_key, display_name, password_hash, created_at) VALUES ($1, $2, $2, 'x', '', $3)`, who.Account, email, w.c.Now())
	w.exec(`INSERT INTO viewers (id, account_id, joined_at) VALUES ($1, $2, $3)`, who.Viewer, who.Account, w.c.Now())
	return who
}

func (w *world) video(who account.Asker) id.Video {
	w.t.Helper()
	var v id.Video
	v = v.Next(w.c.Now())
	w.exec(`INSERT INTO videos (id, creator_id, account_id, state, created_at) VALUES ($1, $2, $3, 'ready', $4)`, v, who.Creator, who.Account, w.c.Now())
	for i, p := range w.products {
		w.exec(`INSERT INTO video_products (video_id, product_id, brand_id, position) VALUES ($1, $2, $3, `+fmt.Sprint(i)+`)`, v, p, w.brand)
	}
	return v
}

// shelve puts a product on a creator's shelf in SQL.
func (w *world) shelve(creator, product int) {
	w.t.Helper()
	var s id.Showcase
	w.exec(`INSERT INTO showcase (id, creator_id, product_id, brand_id, accepted_at) VALUES ($1, $2, $3, $4, $5)`,
		s.Next(w.c.Now()), w.creators[creator].Creator, w.products[product], w.brand, w.c.Now())
}

// program opens a program for anyone in SQL, over all products.
func (w *world) program(rate money.Bps, windowHours int64) id.Program {
	w.t.Helper()
	var p id.Program
	p = p.Next(w.c.Now())
	w.exec(fmt.Sprintf(`INSERT INTO programs (id, brand_id, kind, name, commission_bps, window_hours, hold_days, all_products, currency, created_at, updated_at)
		VALUES ($1, $2, 'open', 'All', %d, %d, 15, 1, 'EUR', $3, $3)`, rate, windowHours), p, w.brand, w.c.Now())
	w.exec(fmt.Sprintf(`INSERT INTO program_terms (program_id, from_at, commission_bps, window_hours) VALUES ($1, $2, %d, %d)`, rate, windowHours), p, w.c.Now())
	return p
}

// shown is a token's content for a video of the creator, fresh each time.
func (w *world) shown(creator int) id.Impression {
	u, err := w.videos[creator].UUID()
	if err != nil {
		w.t.Fatal(err)
	}
	var r id.Request
	return id.Impression{Request: r.Next(w.c.Now()), Subject: u, SubjectKind: id.SubjectVideo, Surface: id.SurfaceHome, Slot: 3, Issued: w.c.Now()}
}

// click records a touch of the viewer with a creator's video, a moment later than anything before.
func (w *world) click(viewer id.Viewer, creator, product int) {
	w.t.Helper()
	w.c.Advance(time.Microsecond)
	n := affiliate.NewTouch{Asker: account.Asker{Viewer: viewer}, Impression: w.shown(creator), Product: w.products[product], Kind: affiliate.TouchClick, At: w.c.Now()}
	w.write(func(tx *db.Tx) error { return affiliate.RecordTouch(tx, n) })
}

// sale is an order of one line for each product named, placed and paid now.
func (w *world) sale(products ...int) affiliate.Sale {
	var o id.Order
	var part id.Part
	s := affiliate.Sale{Order: o.Next(w.c.Now()), Viewer: w.viewer, Email: "shopper@example.com", PlacedAt: w.c.Now(), At: w.c.Now(), CaughtUp: true}
	part = part.Next(w.c.Now())
	for _, p := range products {
		var l id.Line
		s.Lines = append(s.Lines, affiliate.SaleLine{Line: l.Next(w.c.Now()), Part: part, Brand: w.brand, Product: w.products[p], Base: money.Of(1999, "EUR")})
	}
	return s
}

// decide decides a sale and returns the decisions in the order of its lines.
func (w *world) decide(s affiliate.Sale) []affiliate.Decision {
	w.t.Helper()
	var got map[id.Line]affiliate.Decision
	w.write(func(tx *db.Tx) (err error) { got, err = affiliate.Decide(tx, s); return err })
	list := make([]affiliate.Decision, len(s.Lines))
	for i, l := range s.Lines {
		list[i] = got[l.Line]
	}
	return list
}
