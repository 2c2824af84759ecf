package insight_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"mezzo/internal/fault"
	"mezzo/internal/insight"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

func sold(r *metric.Reading) {
	r.Counts = metric.Counts{Impressions: 3000, Views: 2000, WatchMS: 1500, ProductClicks: 300, Orders: 3, SKUOrders: 4, Units: 5, Refunds: 1, Late: 2, Flagged: 6}
	r.Money = []metric.Money{{Currency: "USD", Orders: 2, GMV: 10001, Refunded: 500, Net: 9501, Commission: 1500, Settled: 1000}, {Currency: "EUR", Orders: 1, GMV: 700, Net: 700}}
	r.CTR, r.Uniques = metric.Rate{Value: 0.1, Low: 0.09, High: 0.11, Hits: 300, N: 3000}, 17
	r.RefundRate = metric.Rate{Value: 0.25, Low: 0.2, High: 0.31, Hits: 1, N: 4}
}

// The fields are those of the contract, whatever else there is.
func TestNumbersHaveTheContractsFields(t *testing.T) {
	w := small(t)
	e := metric.OfProduct(w.product)
	w.source.set(e, sold)
	w.c.Advance(time.Second)
	n, err := w.insight.Numbers(ctx, w.owner, e, metric.Week)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.Fields("as_of lag_ms impressions views watch_seconds uniques product_clicks product_views add_to_carts orders sku_orders units gmv net_gmv refunds commission ctr ctor cvr aov gpm epc velocity intervals") {
		if _, ok := got[field]; !ok {
			t.Errorf("%s is missing in %s", field, b)
		}
	}
	want := `"watch_seconds":1.5,"uniques":17,"product_clicks":300,"product_views":0,"add_to_carts":0,"orders":3,"sku_orders":4,"units":5,` +
		`"gmv":{"amount":10001,"currency":"USD"},"net_gmv":{"amount":9501,"currency":"USD"},"refunds":1,"refunded":{"amount":500,"currency":"USD"},"commission":{"amount":1500,"currency":"USD"},` +
		`"ctr":0.1,"ctor":null,"cvr":null,"aov":{"amount":5001,"currency":"USD"},"gpm":{"amount":5001,"currency":"USD"},"show_gpm":{"amount":3334,"currency":"USD"},"epc":{"amount":3,"currency":"USD"},"refund_rate":0.25,` +
		`"velocity":{"units_per_hour_5m":0,"units_per_hour_1h":0,"units_per_hour_24h":0},"intervals":{"ctr":[0.09,0.11],"ctor":null,"cvr":null,"refund_rate":[0.2,0.31]},`
	if !strings.Contains(string(b), want) {
		t.Errorf("got %s\nwant %s", b, want)
	}
	if n.Window != "7d" || n.Late != 2 || n.Flagged != 6 || len(n.Currencies) != 2 || n.Currencies[1].GMV != money.Of(700, "EUR") {
		t.Errorf("got %s", b)
	}
}

func TestSeriesHaveNoGaps(t *testing.T) {
	w := small(t)
	now := w.c.Now().Truncate(time.Hour)
	at := func(h int, orders int64, c money.Currency) metric.Point {
		p := metric.Point{Start: now.Add(time.Duration(h) * time.Hour), Counts: metric.Counts{Orders: orders}}
		if c != "" {
			p.Money = []metric.Money{{Currency: c, Orders: orders, GMV: 100 * orders}}
		}
		return p
	}
	w.source.points = []metric.Point{at(-5, 1, "EUR"), at(-3, 0, ""), at(-2, 2, "USD"), at(-1, 2, "EUR")}
	s, err := w.insight.Series(ctx, w.owner, metric.OfProduct(w.product), insight.Span{From: now.Add(-6 * time.Hour), To: now, Grain: "hour"})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Points) != 6 || s.Currency != "EUR" || !s.Points[0].Start.Equal(now.Add(-6*time.Hour)) || s.Points[5].GMV.Minor != 200 || s.Points[4].GMV != nil || s.Points[4].Orders != 2 {
		t.Errorf("got %+v", s)
	}
	for i, p := range s.Points {
		if want := s.From.Add(time.Duration(i) * time.Hour); !p.Start.Equal(want) {
			t.Errorf("point %d begins at %v, want %v", i, p.Start, want)
		}
	}
}

func TestSeriesAreBounded(t *testing.T) {
	w := small(t)
	now, hour := w.c.Now(), time.Hour
	for _, try := range []struct {
		span   insight.Span
		grain  string
		points int // 0: refused
	}{
		{insight.Span{}, "day", 29},
		{insight.Span{Grain: "minute"}, "minute", 60},
		{insight.Span{Grain: "hour"}, "hour", 24},
		{insight.Span{From: now.Add(-hour / 2)}, "minute", 30},
		{insight.Span{From: now.Add(-2 * hour)}, "hour", 2},
		{insight.Span{From: now.Add(-24 * hour)}, "hour", 24},
		{insight.Span{From: now.Add(-30 * 24 * hour)}, "day", 31},
		{insight.Span{From: now.Add(-2 * hour), Grain: "minute"}, "", 0},
		{insight.Span{From: now.Add(-3 * hour), To: now.Add(-2 * hour), Grain: "minute"}, "", 0},
		{insight.Span{From: now.Add(-29 * 24 * hour), Grain: "hour"}, "", 0},
		{insight.Span{From: now.Add(-500 * 24 * hour), Grain: "day"}, "", 0},
		{insight.Span{From: now.Add(-89 * 24 * hour), To: now.Add(-88 * 24 * hour), Grain: "hour"}, "hour", 24},
		{insight.Span{From: now.Add(-92 * 24 * hour), To: now.Add(-91 * 24 * hour), Grain: "hour"}, "", 0}, // kept for 90 days: zeros would say that nothing happened
		{insight.Span{From: now.Add(-92 * 24 * hour), To: now.Add(-91 * 24 * hour)}, "day", 2},
		{insight.Span{From: now, To: now.Add(-hour), Grain: "hour"}, "", 0},
		{insight.Span{From: now, To: now}, "", 0},
		{insight.Span{From: time.Time{}.Add(hour), To: now, Grain: "minute"}, "", 0},
		{insight.Span{Grain: "week"}, "", 0},
	} {
		s, err := w.insight.Series(ctx, w.owner, metric.OfProduct(w.product), try.span)
		switch {
		case try.points == 0 && !fault.Is(err, fault.Invalid):
			t.Errorf("%+v: %v, want it refused", try.span, err)
		case try.points > 0 && (err != nil || s.Grain != try.grain || len(s.Points) != try.points):
			t.Errorf("%+v: %d points by the %s, %v", try.span, len(s.Points), s.Grain, err)
		}
	}
}

// Every number has a definition, and no definition is of nothing.
func TestEveryNumberIsDefined(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range insight.Definitions() {
		if seen[d.Key] || d.Name == "" || !strings.HasSuffix(d.Means, ".") {
			t.Errorf("%q is defined badly: %+v", d.Key, d)
		}
		seen[d.Key] = true
	}
	b, err := json.Marshal(insight.Figures{})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for f := range fields {
		switch f {
		case "entity", "window", "intervals", "n", "currencies":
		default:
			if !seen[f] {
				t.Errorf("%s has no definition", f)
			}
		}
	}
}

// The document says of each number what pages say of it.
func TestTheDocumentSaysTheSame(t *testing.T) {
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range insight.Definitions() {
		if line := "| `" + d.Key + "` | " + d.Name + " | " + d.Text() + " |"; !strings.Contains(string(doc), line) {
			t.Errorf("docs/metrics.md lacks the line\n%s", line)
		}
	}
}
