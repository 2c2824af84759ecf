package metric

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/money"
	"mezzo/internal/stream"
)

// countColumns and moneyColumns are in the order of countsOf and moneyOf.
const (
	countColumns = `impressions, views, watch_ms, product_clicks, product_views, add_to_carts, orders, sku_orders, units, net_units,
		refunds, units_back, clicks_of_impressions, orders_of_clicks, orders_of_visits, late, flagged, own, uniques`
	moneyColumns = `orders, gmv_minor, refunded_minor, net_minor, commission_minor, settled_minor`
)

func countsOf(p *Point) []*int64 {
	c := &p.Counts
	return []*int64{&c.Impressions, &c.Views, &c.WatchMS, &c.ProductClicks, &c.ProductViews, &c.AddToCarts, &c.Orders, &c.SKUOrders, &c.Units, &c.NetUnits,
		&c.Refunds, &c.UnitsBack, &c.ClicksOfImpressions, &c.OrdersOfClicks, &c.OrdersOfVisits, &c.Late, &c.Flagged, &c.Own, &p.Uniques}
}

func moneyOf(m *Money) []*int64 {
	return []*int64{&m.Orders, &m.GMV, &m.Refunded, &m.Net, &m.Commission, &m.Settled}
}

// load reads the position the rows stand at, or stores the beginning of the log.
func (p *past) load(ctx context.Context) error {
	type place struct {
		text string
		mark int64
	}
	at, err := db.Do(db.WithoutKey(ctx), p.d, func(tx *db.Tx) (at place, err error) {
		const read = `SELECT position, updated_at FROM follower_positions WHERE name = $1`
		err = tx.Row(read, rowsName).Scan(&at.text, &at.mark)
		if !errors.Is(err, sql.ErrNoRows) {
			return at, err
		}
		if _, err = tx.Exec(`INSERT INTO follower_positions (name, position, updated_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`,
			rowsName, stream.Position{}.String(), db.Micros(tx.Now())); err == nil {
			err = tx.Row(read, rowsName).Scan(&at.text, &at.mark)
		}
		return at, err
	})
	if err != nil {
		return err
	}
	pos, err := stream.ParsePosition(at.text)
	if err == nil {
		p.mark = at.mark
		p.moveTo(pos)
	}
	return err
}

// put writes absolute rows, ahead of the position they will stand at.
func (p *past) put(ctx context.Context, stored stream.Position, rows []Row) error {
	mark, err := db.Do(db.WithoutKey(ctx), p.d, func(tx *db.Tx) (int64, error) {
		mark, err := p.hold(tx, stored, stored)
		if err == nil {
			err = putRows(tx, rows, false)
		}
		return mark, err
	})
	if err == nil {
		p.mark = mark
	}
	return err
}

// hold moves the position in SQL on from the one this process knows, and returns the mark of its doing so: if
// position or mark are others', somebody else has written since, and what this process holds may be older.
func (p *past) hold(tx *db.Tx, stored, pos stream.Position) (mark int64, err error) {
	mark = max(p.mark+1, db.Micros(tx.Now()))
	n, err := tx.Exec(`UPDATE follower_positions SET position = $1, updated_at = $2 WHERE name = $3 AND position = $4 AND updated_at = $5`,
		pos.String(), mark, rowsName, stored.String(), p.mark)
	if err == nil && n == 0 {
		err = errMoved
	}
	return mark, err
}

// commit writes the last rows, what is added, and the position all of them stand at, in one transaction.
func (p *past) commit(ctx context.Context, stored, pos stream.Position, rows, add []Row, step func(string)) error {
	mark, err := db.Do(db.WithoutKey(ctx), p.d, func(tx *db.Tx) (int64, error) {
		mark, err := p.hold(tx, stored, pos)
		if err != nil {
			return 0, err
		}
		if err := errors.Join(putRows(tx, rows, false), putRows(tx, addedUp(add), true)); err != nil {
			return 0, err
		}
		step("rollup written")
		return mark, nil
	})
	if err == nil {
		p.mark = mark
		p.moveTo(pos)
	}
	return err
}

// addedUp joins the rows of one bucket: a statement of PostgreSQL writes to each row once.
func addedUp(add []Row) (out []Row) {
	at := map[bucket]int{}
	for i := range add {
		key := bucket{add[i].Entity, add[i].Grain, add[i].Start.Unix()}
		j, met := at[key]
		if !met {
			at[key] = len(out)
			out = append(out, add[i])
			out[len(out)-1].Money = slices.Clone(add[i].Money)
			continue
		}
		out[j].plus(&add[i])
	}
	return out
}

// rowsPerStatement keeps statements few and their parameters below what engines take.
const rowsPerStatement = 32

// putRows writes rows over those that are there, or adds them to those.
func putRows(tx *db.Tx, rows []Row, add bool) error {
	var counts, moneys db.Values
	n, m := 0, 0
	flush := func(table, key, columns string, v *db.Values) error {
		if v.Empty() {
			return nil
		}
		_, err := tx.Exec(upsert(table, key, columns, add, v.Text()), v.Args()...)
		*v = db.Values{}
		return err
	}
	for i := range rows {
		r := &rows[i]
		args := []any{r.Entity.String(), int64(r.Grain), db.Micros(r.Start)}
		for _, v := range countsOf(&r.Point) {
			args = append(args, *v)
		}
		counts.Row(args...)
		if n++; n%rowsPerStatement == 0 {
			if err := flush("metric_rows", "entity, grain, start_at", countColumns, &counts); err != nil {
				return err
			}
		}
		for j := range r.Money {
			args := []any{r.Entity.String(), int64(r.Grain), db.Micros(r.Start), string(r.Money[j].Currency)}
			for _, v := range moneyOf(&r.Money[j]) {
				args = append(args, *v)
			}
			moneys.Row(args...)
			if m++; m%rowsPerStatement == 0 {
				if err := flush("metric_money", "entity, grain, start_at, currency", moneyColumns, &moneys); err != nil {
					return err
				}
			}
		}
	}
	return errors.Join(flush("metric_rows", "entity, grain, start_at", countColumns, &counts),
		flush("metric_money", "entity, grain, start_at, currency", moneyColumns, &moneys))
}

// upsert returns the statement that writes rows over those with the same key, or adds to them.
func upsert(table, key, columns string, add bool, values string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s, %s) VALUES %s ON CONFLICT (%s) DO UPDATE SET ", table, key, columns, values, key)
	for i, c := range strings.FieldsFunc(columns, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		if i > 0 {
			b.WriteString(", ")
		}
		if add {
			fmt.Fprintf(&b, "%s = %s.%s + excluded.%s", c, table, c, c)
		} else {
			fmt.Fprintf(&b, "%s = excluded.%s", c, c)
		}
	}
	return b.String()
}

// series returns the rows of an entity that begin in [from, to), oldest first.
func (p *past) series(ctx context.Context, e Entity, grain Grain, from, to time.Time) ([]Point, error) {
	var points []Point
	err := p.d.Read(ctx, func(tx *db.Tx) error {
		var err error
		points, err = pointsOf(tx, e, grain, from, to)
		return err
	})
	return points, err
}

func pointsOf(tx *db.Tx, e Entity, grain Grain, from, to time.Time) ([]Point, error) {
	args := []any{e.String(), int64(grain), db.Micros(from), db.Micros(to)}
	points, err := db.All(tx, func(rows *sql.Rows) (p Point, err error) {
		var start int64
		to := []any{&start}
		for _, v := range countsOf(&p) {
			to = append(to, v)
		}
		err = rows.Scan(to...)
		p.Start = db.Time(start)
		return p, err
	}, `SELECT start_at, `+countColumns+` FROM metric_rows WHERE entity = $1 AND grain = $2 AND start_at >= $3 AND start_at < $4 ORDER BY start_at`, args...)
	if err != nil {
		return nil, err
	}
	i := 0
	_, err = db.All(tx, func(rows *sql.Rows) (m Money, err error) {
		var start int64
		var currency string
		to := []any{&start, &currency}
		for _, v := range moneyOf(&m) {
			to = append(to, v)
		}
		if err := rows.Scan(to...); err != nil {
			return m, err
		}
		m.Currency = money.Currency(currency)
		for i < len(points) && points[i].Start.Before(db.Time(start)) {
			i++
		}
		if i == len(points) || !points[i].Start.Equal(db.Time(start)) {
			return m, fmt.Errorf("metric: %s has money at %v and no counts", e, db.Time(start))
		}
		points[i].Money = append(points[i].Money, m)
		return m, nil
	}, `SELECT start_at, currency, `+moneyColumns+` FROM metric_money WHERE entity = $1 AND grain = $2 AND start_at >= $3 AND start_at < $4
		ORDER BY start_at, orders DESC, currency`, args...)
	return points, err
}

// prune deletes the hours that begin before the moment, a day of them at a time.
func (p *past) prune(ctx context.Context, before time.Time) error {
	for ctx.Err() == nil {
		more, err := db.Do(db.WithoutKey(ctx), p.d, func(tx *db.Tx) (bool, error) {
			var first sql.NullInt64
			if err := tx.Row(`SELECT MIN(start_at) FROM metric_rows WHERE grain = $1`, int64(GrainHour)).Scan(&first); err != nil {
				return false, err
			}
			if !first.Valid || first.Int64 >= db.Micros(before) {
				return false, nil
			}
			until := min(first.Int64+pruneStep.Microseconds(), db.Micros(before))
			for _, table := range []string{"metric_rows", "metric_money"} {
				if _, err := tx.Exec(`DELETE FROM `+table+` WHERE grain = $1 AND start_at < $2`, int64(GrainHour), until); err != nil {
					return false, err
				}
			}
			return true, nil
		})
		if err != nil || !more {
			return err
		}
	}
	return ctx.Err()
}
