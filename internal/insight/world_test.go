package insight_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/metric"
)

var ctx = context.Background()

// counted is a source whose numbers a test sets.
type counted struct {
	mu       sync.Mutex
	clock    clock.Clock
	readings map[metric.Entity]metric.Reading
	versions map[metric.Entity]uint64
	points   []metric.Point
	reads    int
}

func (c *counted) Read(e metric.Entity, w metric.Window) (metric.Reading, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	r, ok := c.readings[e]
	r.Window, r.AsOf = w, c.clock.Now()
	return r, ok
}

func (c *counted) Version(e metric.Entity) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions[e]
}

func (c *counted) Stamp() time.Time { return c.clock.Now() }

func (c *counted) Series(_ metric.Entity, _ metric.Grain, from, to time.Time) (out []metric.Point) {
	for _, p := range c.points {
		if !p.Start.Before(from) && p.Start.Before(to) {
			out = append(out, p)
		}
	}
	return out
}

func (c *counted) Members(metric.Entity, metric.Kind, int) []metric.Entity { return nil }

// set changes an entity's numbers, as an event does.
func (c *counted) set(e metric.Entity, change func(*metric.Reading)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.readings[e]
	change(&r)
	c.readings[e] = r
	c.versions[e]++
}

// fade changes what is read without an event, as time does.
func (c *counted) fade(e metric.Entity, change func(*metric.Reading)) {
	c.set(e, change)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[e]--
}

// world is two brands and two creators, each with one of everything that has numbers.
type world struct {
	t        *testing.T
	d        *db.DB
	c        *clock.Turned
	source   *counted
	insight  *insight.Insight
	measured []float64

	brand, rivalBrand     id.Brand
	product, rivalProduct id.Product
	program               id.Program
	creator, rival        id.Creator
	video, rivalVideo     id.Video
	maker, other, owner   account.Asker
	operator, token       account.Asker
}

func newWorld(t *testing.T, d *db.DB, c *clock.Turned) *world {
	t.Helper()
	w := &world{t: t, d: d, c: c, source: &counted{clock: c, readings: map[metric.Entity]metric.Reading{}, versions: map[metric.Entity]uint64{}}}
	w.insight = insight.New(insight.Options{DB: d, Source: w.source, Clock: c, House: func() insight.Machine { return insight.Machine{Records: 7} },
		Observe: func(_ insight.Freshness, s float64) { w.measured = append(w.measured, s) }})
	now := c.Now()
	w.brand, w.rivalBrand = w.brand.Next(now), w.brand.Next(now)
	w.product, w.rivalProduct = w.product.Next(now), w.product.Next(now)
	w.program, w.creator, w.rival = w.program.Next(now), w.creator.Next(now), w.creator.Next(now)
	w.video, w.rivalVideo = w.video.Next(now), w.video.Next(now)
	for i, of := range []struct {
		brand   id.Brand
		product id.Product
		creator id.Creator
		video   id.Video
	}{{w.brand, w.product, w.creator, w.video}, {w.rivalBrand, w.rivalProduct, w.rival, w.rivalVideo}} {
		var acc id.Account
		acc = acc.Next(now)
		w.exec(`INSERT INTO brands (id, name, slug, country, currency, created_at) VALUES ($1, 'Kiln', $2, 'DE', 'EUR', 1)`, string(of.brand), string(of.brand))
		w.exec(`INSERT INTO products (id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1, $2, 'Cup', '', 'home', 'EUR', 1, 1)`, string(of.product), string(of.brand))
		w.exec(`INSERT INTO accounts (id, email, email_key, password_hash, display_name, created_at) VALUES ($1, $2, $2, '', 'Somebody', 1)`, string(acc), fmt.Sprintf("p%d@example.com", i))
		w.exec(`INSERT INTO creators (id, account_id, handle, display_name, created_at) VALUES ($1, $2, $3, $3, 1)`, string(of.creator), string(acc), fmt.Sprintf("creator%d", i))
		w.exec(`INSERT INTO videos (id, creator_id, account_id, state, created_at) VALUES ($1, $2, $3, 'ready', 1)`, string(of.video), string(of.creator), string(acc))
	}
	w.exec(`INSERT INTO programs (id, brand_id, kind, name, commission_bps, window_hours, hold_days, all_products, currency, created_at, updated_at) VALUES ($1, $2, 'open', 'Autumn', 1500, 336, 15, 1, 'EUR', 1, 1)`, string(w.program), string(w.brand))
	w.maker = account.Asker{Account: "acc_maker", Creator: w.creator}
	w.other = account.Asker{Account: "acc_other", Creator: w.rival, Brands: map[id.Brand]account.Role{w.rivalBrand: account.Owner}}
	w.owner = account.Asker{Account: "acc_owner", Brands: map[id.Brand]account.Role{w.brand: account.Staff}}
	w.operator = account.Asker{Account: "acc_operator", Operator: true}
	w.token = account.Asker{Token: "tok_brand", TokenBrand: w.brand, Scopes: account.Scopes{account.MetricsRead: true}}
	return w
}

func (w *world) exec(q string, args ...any) {
	w.t.Helper()
	if err := w.d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q, args...); return err }); err != nil {
		w.t.Fatalf("%s: %v", q, err)
	}
}

func small(t *testing.T) *world {
	t.Helper()
	d, c := dbtest.SQLite(t)
	return newWorld(t, d, c)
}
