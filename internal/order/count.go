package order

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// BrandCounts returns how many paid parts of a brand's stand in each state.
func (o *Orders) BrandCounts(ctx context.Context, who account.Asker, brand id.Brand) (map[State]int64, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (map[State]int64, error) {
		return counted(tx, func(s string) State { return State(s) },
			`SELECT state, COUNT(*) FROM order_parts WHERE brand_id = $1 AND paid_at > 0 GROUP BY state`, string(brand))
	})
}

// UnitsSold returns how many units of each of a brand's products were bought and neither cancelled nor refunded.
func (o *Orders) UnitsSold(ctx context.Context, who account.Asker, brand id.Brand) (map[id.Product]int64, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (map[id.Product]int64, error) {
		return counted(tx, func(s string) id.Product { return id.Product(s) },
			`SELECT l.product_id, CAST(SUM(l.quantity - l.back_quantity) AS BIGINT) FROM order_lines l JOIN order_parts p ON p.id = l.part_id
			WHERE p.brand_id = $1 AND p.paid_at > 0 AND p.state <> 'cancelled' GROUP BY l.product_id`, string(brand))
	})
}

func counted[K comparable](tx *db.Tx, key func(string) K, q string, args ...any) (map[K]int64, error) {
	type row struct {
		key string
		n   int64
	}
	rows, err := db.All(tx, func(r *sql.Rows) (row, error) {
		var x row
		err := r.Scan(&x.key, &x.n)
		return x, err
	}, q, args...)
	counts := make(map[K]int64, len(rows))
	for _, x := range rows {
		counts[key(x.key)] = x.n
	}
	return counts, err
}

// Find returns the orders whose id ends with, or whose buyer's address or brand's name holds, what the
// operator looks for; newest first.
func (o *Orders) Find(ctx context.Context, who account.Asker, q string, after id.Order, limit int) ([]Order, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	like := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(q)))
	return o.list(ctx, after, limit, `SELECT o.id FROM orders o WHERE (LOWER(o.id) LIKE $1 ESCAPE '\' OR LOWER(o.email) LIKE $2 ESCAPE '\'
		OR EXISTS (SELECT 1 FROM order_parts p JOIN brands b ON b.id = p.brand_id WHERE p.order_id = o.id AND LOWER(b.name) LIKE $2 ESCAPE '\'))
		AND ($3 = '' OR o.id < $3) ORDER BY o.id DESC LIMIT $4`,
		func(full Order) Order { full.Asker = AsOperator; return full }, "%"+like, "%"+like+"%")
}

// BrandRefunds returns those of the refunds that are a brand's, without their lines.
func (o *Orders) BrandRefunds(ctx context.Context, who account.Asker, brand id.Brand, refunds []id.Refund) ([]Refund, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil || len(refunds) == 0 {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Refund, error) {
		in, args := db.In(2, refunds)
		return db.All(tx, scanRefund, `SELECT `+refundColumns+` FROM refunds r WHERE r.brand_id = $1 AND r.id IN `+in, append([]any{string(brand)}, args...)...)
	})
}

// Sold is what a line of an order is of, as its brand reads it beside what the line moved.
type Sold struct {
	Line     id.Line
	Title    string
	Variant  string
	Quantity int64
}

// BrandLines returns what lines of a brand are of; those that are not its own are left out.
func (o *Orders) BrandLines(ctx context.Context, who account.Asker, brand id.Brand, lines []id.Line) ([]Sold, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil || len(lines) == 0 {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Sold, error) {
		in, args := db.In(2, lines)
		return db.All(tx, func(r *sql.Rows) (s Sold, err error) {
			return s, r.Scan(&s.Line, &s.Title, &s.Variant, &s.Quantity)
		}, `SELECT id, title, variant_title, quantity FROM order_lines WHERE brand_id = $1 AND id IN `+in, append([]any{string(brand)}, args...)...)
	})
}

// Release is money of a brand that becomes available at a moment.
type Release struct {
	At     time.Time
	Amount money.Amount
	Parts  int64
}

// NextRelease returns what of a brand is released next: everything due on the same day as the first of it,
// before a reserve is kept back. Zero when nothing that has arrived is held.
func (o *Orders) NextRelease(ctx context.Context, who account.Asker, brand id.Brand) (Release, error) {
	if err := who.OfBrand(brand, account.MoneyRead); err != nil {
		return Release{}, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (Release, error) {
		list, err := db.All(tx, func(r *sql.Rows) (Release, error) {
			var x Release
			var at int64
			err := r.Scan(&at, &x.Amount.Minor, &x.Amount.Currency)
			x.At = db.Time(at)
			return x, err
		}, `SELECT release_at, brand_pending_minor, currency FROM order_parts WHERE brand_id = $1 AND state = 'delivered' ORDER BY release_at LIMIT $2`, brand, int64(SweepBatch))
		var next Release
		for _, x := range list {
			switch {
			case next.Parts == 0:
				next = x
			case x.At.After(next.At.Add(24*time.Hour)) || x.Amount.Currency != next.Amount.Currency:
				continue
			default:
				next.Amount.Minor += x.Amount.Minor
			}
			next.Parts++
		}
		return next, err
	})
}
