package catalog_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"

	"pgregory.net/rapid"
)

var ctx = context.Background()

// shop is a brand's catalogue laid down in SQL, for tests of what stands below the uses.
type shop struct {
	d        *db.DB
	brand    id.Brand
	product  id.Product
	variants []id.Variant
}

func newShop(t testing.TB, d *db.DB, onHand ...int64) shop {
	t.Helper()
	now := d.Clock().Now()
	s := shop{d: d}
	s.brand, s.product = s.brand.Next(now), s.product.Next(now)
	write(t, d, func(tx *db.Tx) error {
		s.variants = nil
		exec := func(q string, args ...any) {
			if _, err := tx.Exec(q, args...); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
		at := db.Micros(now)
		exec(`INSERT INTO brands (id, name, slug, country, currency, created_at) VALUES ($1, 'Kiln', $2, 'DE', 'EUR', $3)`, string(s.brand), string(s.brand), at)
		exec(`INSERT INTO products (id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1, $2, 'Cup', 'Holds tea.', 'home', 'EUR', $3, $3)`, string(s.product), string(s.brand), at)
		for i, n := range onHand {
			var v id.Variant
			v = v.Next(now)
			exec(`INSERT INTO variants (id, product_id, brand_id, sku, title, position, price_minor, currency, created_at, updated_at) VALUES ($1, $2, $3, $4, $4, $5, 1999, 'EUR', $6, $6)`,
				string(v), string(s.product), string(s.brand), fmt.Sprintf("size %d", i), int64(i), at)
			exec(`INSERT INTO stock (variant_id, brand_id, on_hand, updated_at) VALUES ($1, $2, $3, $4)`, string(v), string(s.brand), n, at)
			s.variants = append(s.variants, v)
		}
		return nil
	})
	return s
}

func write(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func newOrder(d *db.DB) id.Order { var o id.Order; return o.Next(d.Clock().Now()) }

func (s shop) level(t testing.TB, i int) (onHand, reserved int64) {
	t.Helper()
	err := s.d.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT on_hand, reserved FROM stock WHERE variant_id = $1`, string(s.variants[i])).Scan(&onHand, &reserved)
	})
	if err != nil {
		t.Fatal(err)
	}
	return onHand, reserved
}

func TestRace96ShoppersFor10Units(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		s := newShop(t, d, 10)
		var wg sync.WaitGroup
		errs := make([]error, 96)
		for i := range errs {
			wg.Go(func() {
				order := newOrder(d)
				errs[i] = d.Write(ctx, func(tx *db.Tx) error {
					return catalog.Reserve(tx, order, []catalog.Item{{Variant: s.variants[0], Quantity: 1}}, c.Now().Add(time.Minute))
				})
				if errs[i] == nil {
					errs[i] = d.Write(ctx, func(tx *db.Tx) error { return catalog.Sell(tx, order) })
				}
			})
		}
		wg.Wait()
		sold := 0
		for _, err := range errs {
			if err == nil {
				sold++
			} else if f := asFault(t, err); f.Type != catalog.OutOfStock || !strings.Contains(f.Detail, "Cup (size 0) is sold out") {
				t.Fatalf("a loser was told %v", err)
			}
		}
		if sold != 10 {
			t.Fatalf("%d orders got one of 10 units", sold)
		}
		if onHand, reserved := s.level(t, 0); onHand != 0 || reserved != 0 {
			t.Fatalf("left on hand %d, reserved %d", onHand, reserved)
		}
	})
}

func asFault(t testing.TB, err error) *fault.Fault {
	t.Helper()
	f, ok := err.(*fault.Fault)
	if !ok {
		t.Fatalf("not a fault: %v", err)
	}
	return f
}

// TestCrossedOrders reserves the same two variants in opposite order at once: sorted rows cannot deadlock.
func TestCrossedOrders(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		s := newShop(t, d, 1000, 1000)
		a, b := catalog.Item{Variant: s.variants[0], Quantity: 1}, catalog.Item{Variant: s.variants[1], Quantity: 1}
		var wg sync.WaitGroup
		for i := range 40 {
			items := []catalog.Item{a, b}
			if i%2 == 1 {
				items = []catalog.Item{b, a}
			}
			wg.Go(func() {
				if err := d.Write(ctx, func(tx *db.Tx) error { return catalog.Reserve(tx, newOrder(d), items, c.Now()) }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestLinesOfOneVariantAreMerged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		s := newShop(t, d, 5, 5)
		two := []catalog.Item{{Variant: s.variants[0], Quantity: 3}, {Variant: s.variants[1], Quantity: 5}, {Variant: s.variants[0], Quantity: 3}}
		err := d.Write(ctx, func(tx *db.Tx) error { return catalog.Reserve(tx, newOrder(d), two, c.Now()) })
		f := asFault(t, err)
		if f.Kind != fault.Conflict || f.Type != catalog.OutOfStock || !strings.Contains(f.Detail, "Cup (size 0) has only 5 left") || strings.Contains(f.Detail, "size 1") {
			t.Fatalf("got %v", err)
		}
		for i := range s.variants {
			if _, reserved := s.level(t, i); reserved != 0 {
				t.Fatalf("a refused order keeps %d of variant %d", reserved, i)
			}
		}
	})
}

// TestStockMachine drives reservations at random and checks after each step that no unit is lost,
// made or promised twice.
func TestStockMachine(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		rapid.Check(t, func(rt *rapid.T) { runStockMachine(rt, t, d) })
	})
}

func runStockMachine(rt *rapid.T, t *testing.T, d *db.DB) {
	initial := []int64{rapid.Int64Range(0, 6).Draw(rt, "a"), rapid.Int64Range(0, 6).Draw(rt, "b")}
	s := newShop(t, d, initial...)
	held, sold := map[id.Order][]int64{}, map[id.Order][]int64{}
	left := append([]int64(nil), initial...) // not sold
	free := append([]int64(nil), initial...) // not sold and not held
	pick := func(from map[id.Order][]int64) id.Order {
		orders := []id.Order{newOrder(d)} // one that holds nothing
		for o := range from {
			orders = append(orders, o)
		}
		return orders[rapid.IntRange(0, len(orders)-1).Draw(rt, "order")]
	}
	rt.Repeat(map[string]func(*rapid.T){
		"reserve": func(rt *rapid.T) {
			q := []int64{rapid.Int64Range(0, 4).Draw(rt, "qa"), rapid.Int64Range(1, 4).Draw(rt, "qb")}
			var items []catalog.Item
			for i, n := range q {
				if n > 0 {
					items = append(items, catalog.Item{Variant: s.variants[i], Quantity: n})
				}
			}
			order := newOrder(d)
			err := d.Write(ctx, func(tx *db.Tx) error { return catalog.Reserve(tx, order, items, tx.Now().Add(time.Minute)) })
			if fits := q[0] <= free[0] && q[1] <= free[1]; fits != (err == nil) {
				rt.Fatalf("%v of %v: %v", q, free, err)
			}
			if err == nil {
				held[order] = q
				free[0], free[1] = free[0]-q[0], free[1]-q[1]
			}
		},
		"sell": func(rt *rapid.T) {
			order := pick(held)
			err := d.Write(ctx, func(tx *db.Tx) error { return catalog.Sell(tx, order) })
			if (held[order] == nil) != fault.Is(err, fault.Conflict) {
				rt.Fatalf("sell %v: %v", held[order], err)
			}
			if q := held[order]; q != nil {
				sold[order] = q
				left[0], left[1] = left[0]-q[0], left[1]-q[1]
				delete(held, order)
			}
		},
		"release": func(rt *rapid.T) {
			order := pick(held)
			state := rapid.SampledFrom([]catalog.ReservationState{catalog.Released, catalog.Expired}).Draw(rt, "state")
			for range 2 { // it is harmless to repeat
				write(t, d, func(tx *db.Tx) error { return catalog.Release(tx, order, state) })
			}
			if q := held[order]; q != nil {
				free[0], free[1] = free[0]+q[0], free[1]+q[1]
				delete(held, order)
			}
		},
		"restock": func(rt *rapid.T) {
			order := pick(sold)
			i := rapid.IntRange(0, 1).Draw(rt, "variant")
			for range 2 {
				write(t, d, func(tx *db.Tx) error { return catalog.Restock(tx, order, s.variants[i:i+1]) })
			}
			if q := sold[order]; q != nil {
				free[i], left[i] = free[i]+q[i], left[i]+q[i]
				q[i] = 0
			}
		},
		"": func(rt *rapid.T) {
			for i := range s.variants {
				onHand, reserved := s.level(t, i)
				if onHand != left[i] || onHand-reserved != free[i] || reserved != s.live(t, i) || reserved < 0 || onHand < reserved {
					rt.Fatalf("variant %d: on hand %d, reserved %d, live reservations %d; expected %d, %d", i, onHand, reserved, s.live(t, i), left[i], left[i]-free[i])
				}
			}
		},
	})
}

func (s shop) live(t testing.TB, i int) (sum int64) {
	t.Helper()
	err := s.d.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM reservations WHERE variant_id = $1 AND state = 'held'`, string(s.variants[i])).Scan(&sum)
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
