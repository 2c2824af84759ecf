package insight

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// MaxRows is how many rows one answer may have.
const MaxRows = 100

// maxPairs is how many pairs of a brand are added up: those that sell best.
const maxPairs = 2000

// Row is what one creator, video or product did for a brand, or one product for a video. Only what can be
// added up over products is here: an order of two products is one order, and two SKU orders.
type Row struct {
	Entity     string        `json:"entity"`
	Clicks     int64         `json:"product_clicks"`
	SKUOrders  int64         `json:"sku_orders"`
	Units      int64         `json:"units"`
	GMV        *money.Amount `json:"gmv" doc:"In the main currency of the row; null before the first sale"`
	Commission *money.Amount `json:"commission"`
	CTOR       *float64      `json:"ctor" doc:"Orders per product click, by click cohort"`
	Interval   *Interval     `json:"ctor_interval"`
	N          int64         `json:"n" doc:"Clicks that ctor stands on"`
	Video      id.Video      `json:"-"`
	Creator    id.Creator    `json:"-"`
	Product    id.Product    `json:"-"`

	hits int64
}

// Rows returns who and what sold in a brand's or a video's numbers, best first: a brand's by creator, video
// or product, a video's by product. Errors are those of Numbers; Invalid: it has no such rows.
func (i *Insight) Rows(ctx context.Context, who account.Asker, of metric.Entity, by metric.Kind, w metric.Window, most int) ([]Row, error) {
	pairs, ok := map[[2]metric.Kind]metric.Kind{
		{metric.Brand, metric.Product}: metric.Product, {metric.Brand, metric.Creator}: metric.CreatorProduct,
		{metric.Brand, metric.Video}: metric.VideoProduct, {metric.Video, metric.Product}: metric.VideoProduct,
	}[[2]metric.Kind{of.Kind, by}]
	if !ok {
		return nil, fault.InvalidField("query.by", "A brand is told by creator, video or product; a video by product.")
	}
	if err := i.allow(ctx, who, of); err != nil {
		return nil, err
	}
	members := i.source.Members(of, pairs, maxPairs)
	rows := map[metric.Entity]*Row{}
	var order []metric.Entity
	for _, e := range members {
		r, ok := i.source.Read(e, w)
		if !ok || r.ProductClicks == 0 && r.SKUOrders == 0 && r.Refunds == 0 {
			continue
		}
		to := metric.Entity{Kind: by, A: e.A}
		if of.Kind == metric.Video {
			to.A = e.B
		}
		if rows[to] == nil {
			rows[to] = &Row{Entity: to.String()}
			order = append(order, to)
		}
		rows[to].add(r)
	}
	slices.SortFunc(order, func(a, b metric.Entity) int {
		x, y := rows[a], rows[b]
		return cmp.Or(cmp.Compare(y.worth(), x.worth()), cmp.Compare(y.Clicks, x.Clicks), bytes.Compare(b.A[:], a.A[:]))
	})
	out := make([]Row, 0, min(most, len(order)))
	for _, e := range order[:cap(out)] {
		row := rows[e]
		row.CTOR, row.Interval = rateOf(metric.RateOf(row.hits, row.N))
		switch by {
		case metric.Creator:
			row.Creator = row.Creator.From(e.A)
		case metric.Video:
			row.Video = row.Video.From(e.A)
		default:
			row.Product = row.Product.From(e.A)
		}
		out = append(out, *row)
	}
	return out, nil
}

func (r *Row) worth() int64 {
	if r.GMV == nil {
		return 0
	}
	return r.GMV.Minor
}

// add adds a pair's numbers. Of a second currency only the counts are added: amounts never meet.
func (r *Row) add(x metric.Reading) {
	r.Clicks, r.SKUOrders, r.Units = r.Clicks+x.ProductClicks, r.SKUOrders+x.SKUOrders, r.Units+x.Units
	r.hits, r.N = r.hits+x.CTOR.Hits, r.N+x.CTOR.N
	for _, m := range x.Money {
		if r.GMV == nil {
			r.GMV, r.Commission = &money.Amount{Currency: m.Currency}, &money.Amount{Currency: m.Currency}
		}
		if r.GMV.Currency == m.Currency {
			r.GMV.Minor, r.Commission.Minor = r.GMV.Minor+m.GMV, r.Commission.Minor+m.Commission
		}
	}
}

// Pace compares the last hour's orders of an entity with those of the day before it, as far as the entity
// is known: since is when it began. Errors are those of Numbers.
func (i *Insight) Pace(ctx context.Context, who account.Asker, since map[metric.Entity]float64) (map[metric.Entity]Pace, error) {
	entities := make([]metric.Entity, 0, len(since))
	for e := range since {
		entities = append(entities, e)
	}
	if err := i.allow(ctx, who, entities...); err != nil {
		return nil, err
	}
	out := map[metric.Entity]Pace{}
	for e, hours := range since {
		day, ok := i.source.Read(e, metric.Day)
		if !ok || day.Orders < alertOrders {
			continue // too few to say anything, whatever the last hour was
		}
		hour, _ := i.source.Read(e, metric.Hour)
		p := Pace{Now: Sales{Orders: hour.Orders, Hours: 1}, Before: Sales{Orders: max(0, day.Orders-hour.Orders), Hours: min(23, hours-1)}}
		p.Change = Compared(p.Now, p.Before)
		out[e] = p
	}
	return out, nil
}

// Pace is how sales run now and ran before.
type Pace struct {
	Now, Before Sales
	Change
}
