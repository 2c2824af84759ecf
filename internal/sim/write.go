package sim

import (
	"embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strconv"
)

//go:embed report.html
var pages embed.FS

// The files of a report.
const (
	FileJSON = "simulation.json"
	FileCSV  = "simulation.csv"
	FileHTML = "simulation.html"
)

// Write puts a report into a folder, which is made when it is not there: whole as JSON, every seed's
// measures as CSV, and as one page with pictures that needs nothing else.
func (r *Report) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("the folder of the report: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, FileJSON), append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := r.table(filepath.Join(folder, FileCSV)); err != nil {
		return err
	}
	return r.page(filepath.Join(folder, FileHTML))
}

// table writes a line for every policy, seed and measure.
func (r *Report) table(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := csv.NewWriter(f)
	rows := [][]string{{"policy", "seed", "measure", "value"}}
	float := func(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }
	for _, p := range r.Policies {
		for seed, m := range p.Seeds {
			for _, measure := range measured() {
				rows = append(rows, []string{p.Name, strconv.Itoa(seed + 1), measure, float(m[measure])})
			}
			for _, head := range heads() {
				rows = append(rows, []string{p.Name, strconv.Itoa(seed + 1), "calibration_" + head, float(m["calibration_"+head])})
			}
		}
	}
	for _, race := range r.Races {
		for _, one := range race.Runs {
			for k, racer := range racers() {
				rows = append(rows,
					[]string{race.Policy, strconv.FormatUint(one.Seed, 10), "race_days_to_100_orders_" + racer.Name, float(one.Days[k])},
					[]string{race.Policy, strconv.FormatUint(one.Seed, 10), "race_orders_" + racer.Name, strconv.Itoa(one.Orders[k])})
			}
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return f.Close()
}

// row is a line of the page's tables.
type row struct {
	Name  string
	Cells []string
}

// page is what the report's page is made of.
type page struct {
	*Report
	Bars, Lines, RaceLines []template.HTML
	Head                   []string
	Rows, Differences      []row
	RaceRows, GapRows      []row
	CalibrationRows        []row
}

func (r *Report) page(name string) error {
	t, err := template.New("report.html").Funcs(template.FuncMap{"percent": func(v float64) string { return number(100*v) + " %" }}).ParseFS(pages, "report.html")
	if err != nil {
		return err
	}
	p := page{Report: r}
	p.figures()
	p.pictures()
	p.race()
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.Execute(f, p); err != nil {
		return err
	}
	return f.Close()
}

// words says what a measure is, and whether it is shown in hundreds of minor units or per cent.
func words(measure string) (text string, by float64) {
	switch measure {
	case GMV:
		return "GMV net of refunds, per 1,000 impressions (expected)", 0.01
	case GMVHappened:
		return "the same, as it happened", 0.01
	case Utility:
		return "Viewers' utility per 1,000 impressions", 0.01
	case UtilWatch:
		return "– of it watching", 0.01
	case UtilSurplus:
		return "– of it purchases beyond their price", 0.01
	case UtilAnnoyed:
		return "– less skips, hides and returns", 0.01
	case Gini:
		return "Gini of creators' income", 1
	case Top:
		return "Income of the top 1 % of creators, %", 100
	case Middle:
		return "Income of the middle (40th to 90th percentile), %", 100
	case Living:
		return "Creators above the living line, %", 100
	case Followers:
		return "Exposure follows followers, given true worth (partial rank correlation)", 1
	case FollowRaw:
		return "Exposure with followers (rank correlation)", 1
	case Merit:
		return "Exposure follows true worth (rank correlation)", 1
	case ClickRate:
		return "Clicks of impressions, %", 100
	case OrderRate:
		return "Orders of clicks, %", 100
	case RefundRate:
		return "Refunds of orders, %", 100
	}
	return measure, 1
}

// scaleOf returns by what a measure is multiplied to be shown: money in major units, parts in per cent.
func scaleOf(measure string) float64 {
	_, by := words(measure)
	return by
}

// figure writes an interval in the unit of its measure.
func figure(i Interval, by float64) string {
	return fmt.Sprintf("%s (%s to %s)", number(i.Mean*by), number(i.Low*by), number(i.High*by))
}

// figures fills the tables.
func (p *page) figures() {
	for _, one := range p.Policies {
		p.Head = append(p.Head, one.Name)
	}
	for _, m := range measured() {
		text, by := words(m)
		line, differences := row{Name: text}, row{Name: text}
		for _, one := range p.Policies {
			line.Cells = append(line.Cells, figure(one.Measures[m], by))
			if d, ok := p.pair(one.Name, m); ok {
				differences.Cells = append(differences.Cells, figure(d, by))
			}
		}
		p.Rows = append(p.Rows, line)
		if len(differences.Cells) > 0 {
			p.Differences = append(p.Differences, differences)
		}
	}
	for _, head := range heads() {
		if i, ok := p.Calibration[head]; ok && i.N > 0 {
			p.CalibrationRows = append(p.CalibrationRows, row{head, []string{figure(i, 1)}})
		}
	}
}

// pictures draws what the policies did.
func (p *page) pictures() {
	for _, m := range []string{GMV, Utility, Gini, Top, Middle, Merit} {
		text, by := words(m)
		var values []Interval
		for _, one := range p.Policies {
			i := one.Measures[m]
			values = append(values, Interval{i.Mean * by, i.Low * by, i.High * by, i.N})
		}
		p.Bars = append(p.Bars, bars(text, p.Head, values))
	}
	size := chart{title: "Exposure against followers", x: "tenths of creators, fewest followers first", y: "part of all impressions", even: true}
	worth := chart{title: "Exposure against true worth", x: "tenths of creators, least worth first", y: "part of all impressions", even: true}
	lorenz := chart{title: "Creators' income (Lorenz curve)", x: "part of creators, poorest first", y: "part of income"}
	daily := chart{title: "GMV per 1,000 impressions by day", x: "day", y: "major units"}
	for _, one := range p.Policies {
		size.lines = append(size.lines, line{one.Name, 1, 1, one.BySize})
		worth.lines = append(worth.lines, line{one.Name, 1, 1, one.ByWorth})
		lorenz.lines = append(lorenz.lines, line{one.Name, 0, 0.02, one.Lorenz})
		money := make([]float64, len(one.Daily))
		for k := range money {
			money[k] = one.Daily[k] / 100
		}
		daily.lines = append(daily.lines, line{one.Name, float64(p.From + 1), 1, money})
	}
	tied := chart{title: "value: exposure where trust falls with followers, and where it comes with them", x: "tenths of creators, fewest followers first", y: "part of all impressions", even: true}
	for k, name := range []string{"trust falls", "trust comes"} {
		tied.lines = append(tied.lines, line{fmt.Sprintf("%s (%+.2f)", name, p.Tied.Correlations[k]), 1, 1, p.Tied.BySize[k]})
	}
	for _, c := range []chart{size, worth, lorenz, daily, tied} {
		p.Lines = append(p.Lines, c.SVG())
	}
}

// race draws the race and fills its tables.
func (p *page) race() {
	for _, race := range p.Races {
		c := chart{title: race.Policy + ": orders of the two creators (mean)", x: "days since both came", y: "orders"}
		for k, racer := range racers() {
			sum := []float64{0}
			for half := range 2 * raceDays {
				total := 0.0
				for _, one := range race.Runs {
					total += float64(one.Curve[k][half]) / float64(len(race.Runs))
				}
				sum = append(sum, total)
			}
			c.lines = append(c.lines, line{fmt.Sprintf("%s: %.0f followers, trust %+.1f", racer.Name, racer.Followers, racer.Trust), 0, 0.5, sum})
		}
		p.RaceLines = append(p.RaceLines, c.SVG())
		p.RaceRows = append(p.RaceRows, row{race.Policy, []string{
			fmt.Sprintf("%s (%s to %s)", span(race.Days[1]), span(race.Days[0]), span(race.Days[2])), fmt.Sprintf("%.0f against %.0f", race.Orders[0], race.Orders[1]),
			number(100*race.Wins) + " %", number(100*race.Killed) + " %",
		}})
	}
	share := chart{title: "value: the small creator's part of both creators' orders, by how much more they are trusted", x: "gap of trust, craft equal", y: "part of orders"}
	one := line{name: "15,000 followers against 1,000,000"}
	for k, g := range p.Gaps {
		p.GapRows = append(p.GapRows, row{fmt.Sprintf("%+.2f", g.Trust), []string{figure(g.Share, 100)}})
		if k == 0 {
			one.from = g.Trust
		} else {
			one.step = g.Trust - p.Gaps[k-1].Trust
		}
		one.y = append(one.y, g.Share.Mean)
	}
	if len(one.y) > 1 {
		share.lines = []line{one}
		p.RaceLines = append(p.RaceLines, share.SVG())
	}
}
