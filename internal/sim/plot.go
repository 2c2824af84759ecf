package sim

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// line is a series of a chart; its points stand at x = From, From+Step, ….
type line struct {
	name       string
	from, step float64
	y          []float64
}

// chart is a picture of lines.
type chart struct {
	title, x, y string
	lines       []line
	ticks       []string // of the x axis, evenly from its first to its last point; none: numbers
	even        bool     // a dotted line at 1/10: what everybody alike would have
}

// Sizes of a chart, in the units of its view box.
const (
	chartWide, chartHigh = 560.0, 300.0
	chartLeft, chartTop  = 62.0, 34.0
	chartRight           = 14.0
	chartFoot            = 62.0
)

// colour returns the class of the k-th series; the page's style gives it its colour by day and night.
func colour(k int) string { return "c" + strconv.Itoa(k%6) }

// bounds returns the extent of a chart's points.
func (c *chart) bounds() (x0, x1, y0, y1 float64) {
	x0, x1, y1 = math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, l := range c.lines {
		for k, y := range l.y {
			x := l.from + float64(k)*l.step
			x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
		}
	}
	if !(x1 > x0) {
		x0, x1 = x0-0.5, x0+0.5
	}
	if !(y1 > y0) {
		y1 = y0 + 1
	}
	return x0, x1, y0, y1 + 0.05*(y1-y0)
}

// steps returns about five round numbers from lo to hi.
func steps(lo, hi float64) []float64 {
	raw := (hi - lo) / 4
	if !(raw > 0) || math.IsInf(raw, 0) {
		return []float64{lo}
	}
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, by := range []float64{1, 2, 5, 10} {
		if by*unit >= raw {
			unit *= by
			break
		}
	}
	var list []float64
	for v := math.Ceil(lo/unit) * unit; v <= hi+1e-9*unit; v += unit {
		list = append(list, v)
	}
	return list
}

// number writes a figure short.
func number(v float64) string {
	if math.Abs(v) < 1e-9 { // and never a zero with a sign
		v = 0
	}
	if math.Abs(v) >= 10_000 {
		return strconv.FormatFloat(math.Round(v/100)/10, 'f', -1, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// SVG draws a chart; every picture has its title and its series in words.
func (c *chart) SVG() template.HTML {
	var b strings.Builder
	x0, x1, y0, y1 := c.bounds()
	px := func(x float64) float64 { return chartLeft + (x-x0)/(x1-x0)*(chartWide-chartLeft-chartRight) }
	py := func(y float64) float64 { return chartHigh - chartFoot - (y-y0)/(y1-y0)*(chartHigh-chartFoot-chartTop) }
	open(&b, c.title)
	for _, y := range steps(y0, y1) {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, chartLeft, chartWide-chartRight, py(y), py(y), chartLeft-6, py(y)+4, number(y))
	}
	if c.ticks == nil {
		for _, x := range steps(x0, x1) {
			fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, px(x), chartHigh-chartFoot+16, number(x))
		}
	}
	for k, tick := range c.ticks {
		x := x0 + (x1-x0)*float64(k)/float64(max(len(c.ticks)-1, 1))
		fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, px(x), chartHigh-chartFoot+16, html.EscapeString(tick))
	}
	if c.even {
		fmt.Fprintf(&b, `<line class="even" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, chartLeft, chartWide-chartRight, py(0.1), py(0.1))
	}
	for k, l := range c.lines {
		var points []string
		for n, y := range l.y {
			points = append(points, fmt.Sprintf("%.1f,%.1f", px(l.from+float64(n)*l.step), py(y)))
		}
		fmt.Fprintf(&b, `<polyline class="line %s" points="%s"/>`, colour(k), strings.Join(points, " "))
	}
	fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, (chartLeft+chartWide-chartRight)/2, chartHigh-chartFoot+32, html.EscapeString(c.x))
	fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%.1f" text-anchor="start">%s</text>`, 4.0, chartTop-4, html.EscapeString(c.y))
	names := make([]string, len(c.lines))
	for k := range c.lines {
		names[k] = c.lines[k].name
	}
	legend(&b, names)
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func open(b *strings.Builder, title string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %v %v" role="img" aria-label="%s"><text class="name" x="4" y="16">%s</text>`, chartWide, chartHigh, html.EscapeString(title), html.EscapeString(title))
}

// legend names the series below the picture.
func legend(b *strings.Builder, names []string) {
	at := 4.0
	for k, name := range names {
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%.1f" width="10" height="10"/><text class="tick" x="%.1f" y="%.1f">%s</text>`, colour(k), at, chartHigh-16, at+14, chartHigh-7, html.EscapeString(name))
		at += 26 + 6.6*float64(len([]rune(name)))
	}
}

// bars draws a measure of every policy with its interval.
func bars(title string, names []string, values []Interval) template.HTML {
	var b strings.Builder
	lo, hi := 0.0, 0.0
	for _, v := range values {
		lo, hi = min(lo, v.Low), max(hi, v.High)
	}
	if hi <= lo {
		hi = lo + 1
	}
	hi += 0.05 * (hi - lo)
	py := func(y float64) float64 { return chartHigh - chartFoot - (y-lo)/(hi-lo)*(chartHigh-chartFoot-chartTop) }
	open(&b, title)
	for _, y := range steps(lo, hi) {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, chartLeft, chartWide-chartRight, py(y), py(y), chartLeft-6, py(y)+4, number(y))
	}
	wide := (chartWide - chartLeft - chartRight) / float64(max(len(values), 1))
	for k, v := range values {
		x := chartLeft + wide*(float64(k)+0.2)
		top, foot := py(max(v.Mean, 0)), py(min(v.Mean, 0))
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, colour(k), x, top, 0.6*wide, max(foot-top, 0.5))
		middle := x + 0.3*wide
		fmt.Fprintf(&b, `<line class="whisker" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, middle, middle, py(v.Low), py(v.High), middle, chartHigh-chartFoot+16, number(v.Mean))
	}
	legend(&b, names)
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}
