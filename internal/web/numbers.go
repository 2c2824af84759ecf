package web

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/insight"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// early is below how many a rate is called so.
const early = 30

// Share writes a share in percent with as many figures as help: "5.1 %", "0.34 %", "62 %".
func Share(v float64) string {
	places := 1
	switch {
	case v >= 0.1:
		places = 0
	case v > 0 && v < 0.01:
		places = 2
	}
	return strconv.FormatFloat(100*v, 'f', places, 64) + " %"
}

// Hourly writes a velocity: "3.2 / h".
func Hourly(v float64) string {
	if v >= 100 {
		return Count(int64(math.Round(v))) + " / h"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " / h"
}

// behind says of when numbers are: "18:42:07, 0.4 s behind".
func behind(l Live) string {
	if l.AsOf.IsZero() {
		return "nothing counted yet"
	}
	return stamp(l.AsOf, "15:04:05") + ", " + strconv.FormatFloat(float64(l.LagMS)/1000, 'f', 1, 64) + " s behind"
}

// short is the name of a number in the middle of a line.
func short(key string) string {
	name := insight.Defined(key).Name
	if name == strings.ToUpper(name) || strings.Contains(name, "GPM") || strings.Contains(name, "GMV") {
		return name
	}
	return strings.ToLower(name)
}

// cellsOf writes the numbers of the keys.
func cellsOf(f insight.Figures, keys ...string) []Cell {
	list := make([]Cell, len(keys))
	for i, key := range keys {
		list[i] = cellOf(f, key)
	}
	return list
}

func cellOf(f insight.Figures, key string) Cell {
	c := Cell{Of: f.Entity, Key: key, Field: key, Value: "–"}
	counts := map[string]int64{"impressions": f.Impressions, "views": f.Views, "uniques": f.Uniques, "product_clicks": f.Clicks, "product_views": f.Visits,
		"add_to_carts": f.Carts, "orders": f.Orders, "sku_orders": f.SKUOrders, "units": f.Units, "refunds": f.Refunds}
	amounts := map[string]*money.Amount{"gmv": f.GMV, "net_gmv": f.NetGMV, "commission": f.Commission, "aov": f.AOV, "gpm": f.GPM, "show_gpm": f.ShowGPM, "epc": f.EPC}
	bases := map[string]int64{"ctr": f.N.CTR, "ctor": f.N.CTOR, "cvr": f.N.CVR, "aov": f.N.AOV, "gpm": f.N.GPM, "show_gpm": f.N.ShowGPM, "epc": f.N.EPC,
		"refund_rate": f.N.RefundRate}
	n, based := bases[key]
	if based {
		c.Range, c.Early = "n = "+Count(n), n < early
	}
	if count, ok := counts[key]; ok {
		c.As, c.Raw, c.Value = "count", strconv.FormatInt(count, 10), Count(count)
	} else if a, ok := amounts[key]; ok {
		c.As = "money"
		if a != nil {
			c.Raw, c.Value = strconv.FormatInt(a.Minor, 10)+" "+string(a.Currency), Money(*a)
		}
	}
	switch key {
	case "epc":
		if f.EPC != nil && f.EPC.IsZero() && f.Commission != nil && f.Commission.Minor > 0 {
			c.Range += ", none of the commission is settled yet"
		}
	case "ctr":
		c.share(f.CTR, f.Intervals.CTR, n)
	case "ctor":
		c.share(f.CTOR, f.Intervals.CTOR, n)
	case "cvr":
		c.share(f.CVR, f.Intervals.CVR, n)
	case "refund_rate":
		c.share(f.RefundRate, f.Intervals.RefundRate, n)
	case "velocity":
		c.As, c.Field, c.Raw, c.Value = "hourly", "velocity.units_per_hour_1h", strconv.FormatFloat(f.Velocity.Hour, 'f', 2, 64), Hourly(f.Velocity.Hour)
		c.Range = "5 min " + Hourly(f.Velocity.FiveMinutes) + ", 24 h " + Hourly(f.Velocity.Day)
	case "watch_seconds":
		c.As, c.Raw, c.Value = "time", strconv.FormatFloat(f.WatchSeconds, 'f', 0, 64), Length(time.Duration(f.WatchSeconds)*time.Second)
	case "orders":
		c.Range = CountOf(f.SKUOrders, "SKU order", "") + ", " + CountOf(f.Units, "unit", "")
	case "gmv":
		if f.NetGMV != nil {
			c.Range = "net " + Money(*f.NetGMV)
		}
	}
	return c
}

func (c *Cell) share(v *float64, within *insight.Interval, n int64) {
	c.As, c.Range, c.Early = "share", "n = "+Count(n), n < early
	if v == nil {
		return
	}
	c.Raw, c.Value = strconv.FormatFloat(*v, 'f', 6, 64), Share(*v)
	if within != nil {
		c.Range = strings.TrimSuffix(Share(within[0]), " %") + "–" + Share(within[1]) + ", n = " + Count(n)
	}
}

// houseCells writes how the machine does.
func houseCells(h insight.House) []Cell {
	of := insight.HouseName
	ms := func(key, field string, v *float64) Cell {
		c := Cell{Of: of, Key: key, Field: field, As: "ms", Value: "–", Range: "half are faster"}
		if strings.HasSuffix(field, "p99_ms") {
			c.Range = "99 of 100 are faster"
		}
		if v != nil {
			c.Raw, c.Value = strconv.FormatFloat(*v, 'f', 2, 64), Millis(*v)
		}
		return c
	}
	count := func(key, field string, n int64, says string) Cell {
		return Cell{Of: of, Key: key, Field: field, As: "count", Raw: strconv.FormatInt(n, 10), Value: Count(n), Range: says}
	}
	lag, clock := float64(h.LagMS), "of the clock"
	if h.Doubted > 0 {
		clock = "clock leapt " + agoWords(time.Duration(h.Doubted)*time.Second) + " ahead: not followed yet"
	}
	return []Cell{
		{Of: of, Key: "ingest", Field: "ingest", As: "persec", Raw: strconv.FormatFloat(h.Ingest, 'f', 2, 64), Value: PerSecond(h.Ingest), Range: "last 10 s"},
		{Of: of, Key: "lag", Field: "lag_ms", As: "ms", Raw: strconv.FormatInt(h.LagMS, 10), Value: Millis(lag), Range: "now"},
		ms("fresh_visible", "fresh_visible.p50_ms", h.Visible.P50MS), ms("fresh_visible", "fresh_visible.p99_ms", h.Visible.P99MS),
		ms("fresh_ranked", "fresh_ranked.p50_ms", h.Ranked.P50MS), ms("fresh_ranked", "fresh_ranked.p99_ms", h.Ranked.P99MS),
		ms("fresh_pushed", "fresh_pushed.p50_ms", h.Pushed.P50MS), ms("fresh_pushed", "fresh_pushed.p99_ms", h.Pushed.P99MS),
		count("flagged", "flagged", h.Flagged, "since the counting began"), count("late", "late", h.Late, "since the counting began"),
		count("lost", "lost", h.Lost, "since the counting began"), count("repeats", "repeats", h.Repeats, "since the counting began"),
		{Of: of, Key: "log_size", Field: "log_bytes", As: "bytes", Raw: strconv.FormatInt(h.LogBytes, 10), Value: Bytes(h.LogBytes), Range: "kept now"},
		{Of: of, Key: "dedupe_horizon", Field: "dedupe_horizon_seconds", As: "span", Raw: strconv.FormatInt(h.Horizon, 10), Value: agoWords(time.Duration(h.Horizon) * time.Second), Range: "back"},
		{Of: of, Key: "log_ahead", Field: "log_ahead_seconds", As: "span", Raw: strconv.FormatInt(h.Ahead, 10), Value: agoWords(time.Duration(h.Ahead) * time.Second), Range: clock},
		count("subscribers", "subscribers", h.Subscribers, "now"),
	}
}

// Millis writes milliseconds: "42 ms", "1.2 s".
func Millis(ms float64) string {
	switch {
	case ms >= 1000:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
	case ms >= 10:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
}

// PerSecond writes a rate: "12.5 / s".
func PerSecond(v float64) string {
	if v >= 100 {
		return Count(int64(math.Round(v))) + " / s"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " / s"
}

// Bytes writes a size: "4.2 MB".
func Bytes(n int64) string {
	for _, u := range []struct {
		of   int64
		name string
	}{{1e9, " GB"}, {1e6, " MB"}, {1e3, " kB"}} {
		if n >= u.of {
			return strconv.FormatFloat(float64(n)/float64(u.of), 'f', 1, 64) + u.name
		}
	}
	return Count(n) + " B"
}

// funnelOf is what an entity's impressions led to.
func funnelOf(f insight.Figures) []FunnelStep {
	return []FunnelStep{{"Impressions", f.Impressions, "impressions"}, {"Views", f.Views, "views"}, {"Product clicks", f.Clicks, "product_clicks"},
		{"In the bag", f.Carts, "add_to_carts"}, {"Orders", f.Orders, "orders"}}
}

// plotPath draws buckets into a hundred by a hundred, from zero up; "" with fewer than two.
func plotPath(points []PlotPoint) string {
	if len(points) < 2 {
		return ""
	}
	most := int64(1)
	for _, p := range points {
		most = max(most, p.Value)
	}
	var b strings.Builder
	for i, p := range points {
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0])
		b.WriteString(strconv.FormatFloat(100*float64(i)/float64(len(points)-1), 'f', 1, 64) + " ")
		b.WriteString(strconv.FormatFloat(98-96*float64(max(0, p.Value))/float64(most), 'f', 1, 64))
	}
	return b.String()
}

// plotWords is the finding of a chart, for those who do not see it.
func plotWords(p Plot) string {
	if len(p.Points) == 0 {
		return p.Title
	}
	top, sum := p.Points[0], int64(0)
	for _, x := range p.Points {
		sum += x.Value
		if x.Value > top.Value {
			top = x
		}
	}
	if sum == 0 {
		return p.Title + ": nothing yet"
	}
	return p.Title + ": most at " + DayTime(top.At) + " with " + top.Text
}

// filled are the buckets with something in them, newest first.
func filled(points []PlotPoint) (out []PlotPoint) {
	for i := len(points) - 1; i >= 0; i-- {
		if points[i].Value != 0 {
			out = append(out, points[i])
		}
	}
	return out
}

// windows are those a page offers, with the grain of their charts.
var windows = [...]struct {
	window metric.Window
	text   string
	grain  string
}{{metric.Hour, "1 hour", "minute"}, {metric.Day, "24 hours", "hour"}, {metric.Week, "7 days", "hour"}, {metric.FourWeeks, "28 days", "day"}}

// window is what the page shows: what was asked for, else a day.
func (v *visit) window() metric.Window {
	for _, w := range windows {
		if w.window.String() == v.text("window") {
			return w.window
		}
	}
	return metric.Day
}

// windowWords is a window as its tab calls it: "24 hours".
func windowWords(w metric.Window) string {
	for _, x := range windows {
		if x.window == w {
			return x.text
		}
	}
	return ""
}

// window is the one shown, as its tab calls it.
func (l Live) window() string {
	for _, t := range l.Tabs {
		if t.Here {
			return t.Text
		}
	}
	return ""
}

// live makes a page follow the numbers of entities; house follows the machine too.
func (v *visit) live(w metric.Window, entities ...string) Live {
	l := Live{Stream: "/api/v1/metrics/stream?" + url.Values{"window": {w.String()}, "entities": {strings.Join(entities, ",")}}.Encode()}
	for _, x := range windows {
		to := v.r.URL.Path
		if x.window != metric.Day {
			to += "?window=" + x.window.String()
		}
		l.Tabs = append(l.Tabs, Tab{Text: x.text, URL: to, Here: x.window == w})
	}
	return l
}

// plot reads the chart of one number.
func (v *visit) plot(e metric.Entity, w metric.Window, field, title string) (Plot, error) {
	kind, key, _ := strings.Cut(e.String(), ":")
	p := Plot{Of: e.String(), Path: "/api/v1/metrics/" + kind + "/" + key + "/series", Field: field, As: "count", Window: w.String(), Title: title}
	span := insight.Span{From: v.now.Add(-w.Span())}
	for _, x := range windows {
		if x.window == w {
			span.Grain = x.grain
		}
	}
	s, err := v.site.Insight.Series(v.ctx(), v.who, e, span)
	if err != nil {
		return p, err
	}
	if field == "gmv" {
		p.As = "money"
	}
	for _, x := range s.Points {
		point := PlotPoint{At: x.Start}
		switch {
		case field == "views":
			point.Value, point.Text = x.Views, Count(x.Views)
		case x.GMV != nil:
			point.Value, point.Text = x.GMV.Minor, Money(*x.GMV)
		}
		p.Points = append(p.Points, point)
	}
	return p, nil
}
