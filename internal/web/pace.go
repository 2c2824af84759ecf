package web

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// rankViews is how many views a video needs to be called the best or the worst.
const rankViews = 100

// sums writes what nothing was sold for as nothing in the currency, rather than as unknown.
func sums(f *insight.Figures, c money.Currency) {
	for _, a := range []**money.Amount{&f.GMV, &f.NetGMV, &f.Commission} {
		if *a == nil && c != "" {
			none := zero(c)
			*a = &none
		}
	}
}

// currency is the one a creator earns in; "" when that is not known.
func (v *visit) currency() money.Currency {
	earned, err := v.site.Affiliate.Earnings(v.ctx(), v.who)
	if err != nil {
		return "" // the page stands without it
	}
	return earned.Pending.Currency
}

// looksAt is how many of the newest videos the studio's first page compares.
const looksAt = 100

// studioNumbers fills in what the creator's videos do.
func (v *visit) studioNumbers(page *StudioPage) error {
	if v.site.Insight == nil {
		return nil
	}
	w, creator := v.window(), metric.OfCreator(v.who.Creator)
	n, err := v.site.Insight.Numbers(v.ctx(), v.who, creator, w)
	if err != nil {
		return err
	}
	followed := []string{creator.String()}
	if page.Best != nil {
		best, err := v.numbersOf(page.Best.Of, w)
		if err != nil {
			return err
		}
		followed = append(followed, page.Best.Of)
		page.Best.Window = windowWords(w)
		page.Best.Funnel, page.Best.Cells = funnelOf(best.Figures), cellsOf(best.Figures, "ctor", "gpm")
	}
	page.Live = v.live(w, followed...)
	page.Live.AsOf, page.Live.LagMS = n.AsOf, n.LagMS
	page.Nothing = n.Impressions == 0
	sums(&n.Figures, page.Today.Currency)
	page.Now = cellsOf(n.Figures, "views", "uniques", "product_clicks", "orders", "gmv", "commission", "ctr", "ctor", "gpm", "epc", "velocity", "watch_seconds")
	p, err := v.plot(creator, w, "views", "Views")
	if err != nil {
		return err
	}
	page.Plot = &p
	videos, err := v.site.Content.ByCreator(v.ctx(), v.who, v.who.Creator, "", looksAt)
	if err != nil {
		return err
	}
	if page.Ranks, err = v.rank(videos, w); err != nil {
		return err
	}
	page.Alerts, err = v.videoAlerts(videos)
	return err
}

func (v *visit) numbersOf(entity string, w metric.Window) (insight.Numbers, error) {
	e, err := insight.Entity(entity)
	if err != nil {
		return insight.Numbers{}, err
	}
	return v.site.Insight.Numbers(v.ctx(), v.who, e, w)
}

// rank picks the best and the worst of the videos that were seen enough.
func (v *visit) rank(videos []content.Card, w metric.Window) ([]VideoRank, error) {
	var list []ranked
	for _, c := range videos {
		n, err := v.numbersOf(metric.OfVideo(c.ID).String(), w)
		if err != nil {
			return nil, err
		}
		list = append(list, ranked{c, n.Figures})
	}
	return bestAndWorst(list), nil
}

// ranked is a video with its numbers.
type ranked struct {
	content.Card
	insight.Figures
}

// per returns what a thousand views sold.
func (r *ranked) per() int64 {
	if r.GPM == nil {
		return 0
	}
	return r.GPM.Minor
}

func bestAndWorst(list []ranked) []VideoRank {
	list = slices.DeleteFunc(list, func(r ranked) bool { return r.Views < rankViews })
	if len(list) < 2 {
		return nil
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].per() > list[j].per() })
	var out []VideoRank
	for i, head := range map[int]string{0: "Best", len(list) - 1: "Worst"} {
		r := list[i]
		out = append(out, VideoRank{Head: head, URL: "/studio/videos/" + string(r.ID), Poster: r.Poster, Title: captionOr(r.Caption), Cells: cellsOf(r.Figures, "gpm", "views", "orders")})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Head < out[j].Head })
	return out
}

// videoAlerts says which videos sell much faster or slower than before.
func (v *visit) videoAlerts(videos []content.Card) ([]Alert, error) {
	since := map[metric.Entity]float64{}
	names := map[metric.Entity][2]string{}
	for _, c := range videos {
		e := metric.OfVideo(c.ID)
		since[e] = v.now.Sub(c.CreatedAt).Hours()
		names[e] = [2]string{captionOr(c.Caption), "/studio/videos/" + string(c.ID)}
	}
	return v.alerts(since, names)
}

// alerts compares the paces of entities with what they were; names are title and address.
func (v *visit) alerts(since map[metric.Entity]float64, names map[metric.Entity][2]string) ([]Alert, error) {
	paces, err := v.site.Insight.Pace(v.ctx(), v.who, since)
	if err != nil {
		return nil, err
	}
	var list []Alert
	for e, p := range paces {
		if !p.Faster && !p.Slower {
			continue
		}
		a := Alert{Faster: p.Faster, Title: names[e][0], URL: names[e][1], Text: "sells " + paceWords(p.Times) + " in the day before."}
		a.Why = CountOf(p.Now.Orders, "order", "") + " in the last hour, " + Count(p.Before.Orders) + " in the " + strconv.FormatFloat(p.Before.Hours, 'f', 0, 64) +
			" hours before. With 95 % confidence that is " + factor(p.Low) + " to " + factor(p.High) + " times as many an hour, n = " + Count(p.N) +
			" (Clopper and Pearson, 1934, on the test of Przyborowski and Wilenski, 1940). It is said from a change of two times on, with ten orders or more."
		list = append(list, a)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].URL+list[i].Title > list[j].URL+list[j].Title })
	return list, nil
}

func paceWords(times float64) string {
	switch {
	case math.IsInf(times, 1):
		return "fast, after nothing at all"
	case times >= 1:
		return factor(times) + " times as fast as"
	case times == 0:
		return "nothing any more, unlike"
	}
	return "at " + strconv.FormatFloat(100*times, 'f', 0, 64) + " % of the pace"
}

func factor(v float64) string {
	if math.IsInf(v, 1) {
		return "any number of"
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// countVideos fills in what each video of the list does.
func (v *visit) countVideos(page *VideosPage) error {
	if v.site.Insight == nil {
		return nil
	}
	var followed []string
	earned := v.currency()
	for i := range page.Videos {
		r := &page.Videos[i]
		if r.State != string(content.Ready) {
			continue
		}
		e := metric.OfVideo(id.Video(r.ID))
		n, err := v.numbersOf(e.String(), metric.FourWeeks)
		if err != nil {
			return err
		}
		p, err := v.plot(e, metric.Day, "views", "Views")
		if err != nil {
			return err
		}
		sums(&n.Figures, earned)
		r.Cells, r.Spark, r.Numbers = cellsOf(n.Figures, "impressions", "views", "product_clicks", "orders", "gmv"), p.Points, "/studio/videos/"+r.ID
		followed = append(followed, e.String())
		page.Live.AsOf, page.Live.LagMS = n.AsOf, n.LagMS
	}
	if len(followed) > 0 {
		live := v.live(metric.FourWeeks, followed...)
		page.Live.Stream = live.Stream
	}
	return nil
}

// videoNumbers shows what one of the creator's videos does.
func (s *Site) videoNumbers(v *visit) error {
	video := id.Video(v.r.PathValue("video"))
	card, err := s.Content.Video(v.ctx(), v.who, video)
	if err != nil {
		return err
	}
	if s.Insight == nil || card.Creator != v.who.Creator {
		return missing()
	}
	w, e := v.window(), metric.OfVideo(video)
	n, err := s.Insight.Numbers(v.ctx(), v.who, e, w)
	if err != nil {
		return err
	}
	sums(&n.Figures, v.currency())
	page := VideoPage{Caption: captionOr(card.Caption), URL: "/v/" + string(video), Poster: card.Poster, Length: time.Duration(card.DurationMS) * time.Millisecond,
		Live: v.live(w, e.String()), Of: e.String(), Funnel: funnelOf(n.Figures), Nothing: n.Impressions == 0,
		Cells: cellsOf(n.Figures, "ctr", "ctor", "gpm", "epc", "gmv", "velocity", "uniques", "watch_seconds", "commission", "refunds")}
	page.Live.AsOf, page.Live.LagMS = n.AsOf, n.LagMS
	if page.Plot, err = v.plot(e, w, "views", "Views"); err != nil {
		return err
	}
	if page.Alerts, err = v.videoAlerts([]content.Card{card}); err != nil {
		return err
	}
	rows, err := s.Insight.Rows(v.ctx(), v.who, e, metric.Product, w, rowsOf)
	if err != nil {
		return err
	}
	if page.Goods, err = v.productTable("By product", v.currency(), rows); err != nil {
		return err
	}
	if page.Reach, err = v.reached(video); err != nil {
		return err
	}
	page.Chrome = v.chrome("Numbers", Studio, "videos")
	page.Chrome.Back, page.Chrome.Live = "/studio/videos", true
	return v.show(200, VideoNumbers(page))
}

// rowsOf is how many creators, videos and products a dashboard lists.
const rowsOf = 10

var sellerHeads = []TableCell{{Text: "Product clicks", Num: true}, {Text: "SKU orders", Num: true}, {Text: "GMV", Num: true}, {Text: "Commission", Num: true}, {Text: "CTOR", Num: true}}

// sellerTable lists rows under the names they have; those without a name are left out. Nothing sold is
// written in the currency.
func sellerTable(label, first string, c money.Currency, rows []insight.Row, name func(insight.Row) (text, url string)) Table {
	none := "–"
	if c != "" {
		none = Money(zero(c))
	}
	t := Table{Label: label, Heads: append([]TableCell{{Text: first}}, sellerHeads...)}
	for _, r := range rows {
		text, url := name(r)
		if text == "" {
			continue
		}
		row := []TableCell{{Text: text, URL: url}, {Text: Count(r.Clicks), Num: true}, {Text: Count(r.SKUOrders), Num: true},
			{Text: none, Num: true}, {Text: none, Num: true}, {Text: "–", Num: true}}
		if r.GMV != nil {
			row[3].Text, row[4].Text = Money(*r.GMV), Money(*r.Commission)
		}
		if r.CTOR != nil {
			row[5].Text, row[5].Sub = Share(*r.CTOR), strings.TrimSuffix(Share(r.Interval[0]), " %")+"–"+Share(r.Interval[1])+", n = "+Count(r.N)
			if r.N < early {
				row[5].Tone = "faint"
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (v *visit) productTable(label string, c money.Currency, rows []insight.Row) (Table, error) {
	var ids []id.Product
	for _, r := range rows {
		ids = append(ids, r.Product)
	}
	found, err := v.productsOf(ids)
	return sellerTable(label, "Product", c, rows, func(r insight.Row) (string, string) {
		return found[r.Product].Title, "/products/" + string(r.Product)
	}), err
}

// brandNumbers fills in what the brand sells, and who and what sells it.
func (v *visit) brandNumbers(page *BrandPage) error {
	if v.site.Insight == nil {
		return nil
	}
	w, e := v.window(), metric.OfBrand(v.brand.ID)
	n, err := v.site.Insight.Numbers(v.ctx(), v.who, e, w)
	if err != nil {
		return err
	}
	page.Live = v.live(w, e.String())
	page.Live.AsOf, page.Live.LagMS = n.AsOf, n.LagMS
	sums(&n.Figures, v.brand.Currency)
	sold := cellOf(n.Figures, "gmv")
	page.Sold, page.Nothing = &sold, n.Impressions == 0 && n.Orders == 0
	page.Cells = cellsOf(n.Figures, "orders", "aov", "ctr", "ctor", "cvr", "gpm", "velocity", "refunds", "commission", "uniques")
	p, err := v.plot(e, w, "gmv", "GMV")
	if err != nil {
		return err
	}
	page.Plot = &p
	if page.Sellers, err = v.sellers(e, w); err != nil {
		return err
	}
	page.Alerts, err = v.alerts(map[metric.Entity]float64{e: v.now.Sub(v.brand.CreatedAt).Hours()}, map[metric.Entity][2]string{e: {v.brand.Name, ""}})
	return err
}

// sellers are a brand's creators, videos and products, those that sell most first.
func (v *visit) sellers(brand metric.Entity, w metric.Window) ([]Table, error) {
	var tables []Table
	add := func(t Table) {
		if len(t.Rows) > 0 {
			tables = append(tables, t)
		}
	}
	creators, err := v.site.Insight.Rows(v.ctx(), v.who, brand, metric.Creator, w, rowsOf)
	if err != nil {
		return nil, err
	}
	var ids []id.Creator
	for _, r := range creators {
		ids = append(ids, r.Creator)
	}
	names, err := v.creatorNames(ids)
	if err != nil {
		return nil, err
	}
	add(sellerTable("Who sold it", "Creator", v.brand.Currency, creators, func(r insight.Row) (string, string) { return names[r.Creator], "" }))
	videos, err := v.site.Insight.Rows(v.ctx(), v.who, brand, metric.Video, w, rowsOf)
	if err != nil {
		return nil, err
	}
	films, err := v.films(videos)
	if err != nil {
		return nil, err
	}
	add(sellerTable("Which video sold it", "Video", v.brand.Currency, videos, func(r insight.Row) (string, string) {
		if c, ok := films[r.Video]; ok {
			return captionOr(c.Caption), "/v/" + string(r.Video)
		}
		return "", ""
	}))
	products, err := v.site.Insight.Rows(v.ctx(), v.who, brand, metric.Product, w, rowsOf)
	if err != nil {
		return nil, err
	}
	t, err := v.productTable("What was sold", v.brand.Currency, products)
	add(t)
	return tables, err
}

// films are the videos of rows that may be shown to the asker.
func (v *visit) films(rows []insight.Row) (map[id.Video]content.Card, error) {
	var ids []id.Video
	for _, r := range rows {
		ids = append(ids, r.Video)
	}
	found := map[id.Video]content.Card{}
	if len(ids) == 0 {
		return found, nil
	}
	cards, err := db.Get(v.ctx(), v.site.DB, func(tx *db.Tx) ([]content.Card, error) { return content.Cards(tx, v.who, ids) })
	for _, c := range cards {
		found[c.ID] = c
	}
	return found, err
}

// ratesText writes rates for a chart: each with its Unix second.
func ratesText(rates []insight.Rate) string {
	var b strings.Builder
	for i, r := range rates {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d:%g", r.At.Unix(), r.Ingest)
	}
	return b.String()
}

// houseNumbers fills in how the machine does.
func (v *visit) houseNumbers(page *OperatorPage) error {
	if v.site.Insight == nil {
		return nil
	}
	h, err := v.site.Insight.House(v.ctx(), v.who)
	if err != nil {
		return err
	}
	page.Live = v.live(metric.Day, insight.HouseName)
	page.Live.Tabs, page.Live.AsOf, page.Live.LagMS = nil, h.AsOf, h.LagMS
	page.Cells = houseCells(h)
	rates, err := v.site.Insight.Rates(v.who)
	if err != nil {
		return err
	}
	page.Plot = &Plot{Of: insight.HouseName, Field: "ingest", As: "persec", Title: "Events acknowledged per second", Past: ratesText(rates)}
	return nil
}
