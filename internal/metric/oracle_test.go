package metric_test

import (
	"fmt"
	"math"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// The oracle counts again, from all that was logged, with sets of distinct ids and no rings, sketches or
// decay: it keeps every single thing that counted, and adds up those whose time lies in a window. Of package
// metric it uses the names of things only.
type oracle struct {
	world  *world
	now    int64                   // log time in seconds
	known  map[metric.Entity]int64 // when something was heard of it last
	told   map[[2]string]bool      // owner, event
	once   map[string]bool         // token, what
	watch  map[string]int64
	shown  map[string]impressed // by token
	clicks map[string]*click
	visits map[[2]string]*visit
	joined map[id.Viewer]id.Viewer
	facts  map[int64]bool
	orders map[id.Order]*paid
	happen []happening
	seen   []sight
	sold   []sale
}

// happening is n of something that happened to an entity at a second.
type happening struct {
	entity metric.Entity
	what   string // a count's name, or "currency/name"
	second int64
	n      int64
}

type sight struct {
	entity metric.Entity
	viewer string
	second int64
}

type sale struct {
	entity metric.Entity
	micros int64
	units  int64
}

// impressed is an impression and the product that it showed, where it named one.
type impressed struct {
	second  int64
	product id.Product
}

type click struct {
	second              int64
	product             id.Product
	used, bought, shown bool
}

type visit struct {
	second  int64
	used    bool
	targets []metric.Entity
}

type paid struct {
	second, micros int64
	viewer         id.Viewer
	currency       money.Currency
	waiting        map[id.Line]event.SaleLine
	counted        map[metric.Entity]bool
}

func newOracle(w *world) *oracle {
	return &oracle{world: w, known: map[metric.Entity]int64{}, told: map[[2]string]bool{}, once: map[string]bool{}, watch: map[string]int64{}, shown: map[string]impressed{},
		clicks: map[string]*click{}, visits: map[[2]string]*visit{}, joined: map[id.Viewer]id.Viewer{}, facts: map[int64]bool{}, orders: map[id.Order]*paid{}}
}

func (o *oracle) count(list []metric.Entity, what string, second, n int64) {
	for _, e := range list {
		o.happen = append(o.happen, happening{e, what, second, n})
		o.known[e] = o.now
	}
}

// aside counts for those of whom anything was heard within 29 days.
func (o *oracle) aside(list []metric.Entity, what string) {
	for _, e := range list {
		if heard, ok := o.known[e]; ok && o.now-heard <= 29*86400 {
			o.count([]metric.Entity{e}, what, o.now, 1)
		}
	}
}

func (o *oracle) first(token, what string) bool {
	key := token + " " + what
	before := o.once[key]
	o.once[key] = true
	return !before
}

// open reports whether a person may do another of these off the product's page on the day: 24 count.
func (o *oracle) open(e *event.Event, person id.Viewer, stamp time.Time) bool {
	if e.Product == "" {
		return true
	}
	for n := range 24 {
		if o.first(string(person)+" "+string(e.Product)+" "+stamp.UTC().Format(time.DateOnly), fmt.Sprint(e.Type, n)) {
			return true
		}
	}
	return false
}

func (o *oracle) person(v id.Viewer) id.Viewer {
	if into, ok := o.joined[v]; ok {
		return into
	}
	return v
}

func inProducts(list []id.Product, p id.Product) bool {
	for _, q := range list {
		if p == q {
			return true
		}
	}
	return false
}

// watched are the entities that showing a token's content counts for.
func (o *oracle) watched(e *event.Event) (all []metric.Entity) {
	if e.Shown.SubjectKind == id.SubjectRoom {
		all = append(all, metric.OfRoom(e.Room), metric.OfCreator(e.Creator))
		if e.Product != "" {
			all = append(all, metric.OfProduct(e.Product), metric.OfBrand(e.Brand), metric.OfCreatorProduct(e.Creator, e.Product))
		}
		return all
	}
	v := o.world.videos[e.Video]
	all = append(all, metric.OfVideo(e.Video), metric.OfCreator(v.creator))
	brands := map[id.Brand]bool{}
	for _, p := range v.products {
		all = append(all, metric.OfProduct(p), metric.OfCreatorProduct(v.creator, p), metric.OfVideoProduct(e.Video, p))
		brands[o.world.brandOf[p]] = true
	}
	for b := range brands {
		all = append(all, metric.OfBrand(b))
	}
	return all
}

// opened are the entities that opening a product counts for.
func (o *oracle) opened(e *event.Event, product id.Product, content bool) (all []metric.Entity) {
	brand := o.world.brandOf[product]
	all = append(all, metric.OfProduct(product), metric.OfBrand(brand))
	for _, p := range o.world.programs {
		if p.Brand == brand && p.AllProducts || inProducts(p.Products, product) {
			all = append(all, metric.OfProgram(p.Program))
		}
	}
	if content {
		all = append(all, metric.OfCreator(e.Creator), metric.OfCreatorProduct(e.Creator, product))
		if e.Shown.SubjectKind == id.SubjectRoom {
			all = append(all, metric.OfRoom(e.Room))
		} else {
			all = append(all, metric.OfVideo(e.Video), metric.OfVideoProduct(e.Video, product))
		}
	}
	return all
}

// led are the entities that an impression counted for which a click followed: a room that showed another
// product, or none, showed itself.
func (o *oracle) led(e *event.Event, clicked, showed id.Product) []metric.Entity {
	if e.Shown.SubjectKind == id.SubjectRoom && clicked != showed {
		return []metric.Entity{metric.OfRoom(e.Room), metric.OfCreator(e.Creator)}
	}
	return o.opened(e, clicked, true)
}

// offers reports whether a sale of the line won by a click may count for the entity: a program that does not
// cover the product did not count the click.
func (o *oracle) offers(e metric.Entity, l *event.SaleLine) bool {
	if e.Kind != metric.Program {
		return true
	}
	for _, p := range o.world.programs {
		if metric.OfProgram(p.Program) == e {
			return p.AllProducts && p.Brand == l.Brand || inProducts(p.Products, l.Product)
		}
	}
	return false
}

func (o *oracle) event(e *event.Event, stamp time.Time) {
	o.now = stamp.Unix()
	at := e.At
	if at.After(stamp) {
		at = stamp
	}
	second := at.Unix()
	claimed := []metric.Entity{metric.OfVideo(e.Video), metric.OfRoom(e.Room), metric.OfCreator(e.Creator), metric.OfProduct(e.Product), metric.OfBrand(e.Brand)}
	owner := string(e.Viewer)
	if e.Namespace != "" {
		owner = string(e.Anonymous[:])
		claimed = []metric.Entity{metric.OfBrandSite(e.Brand), metric.OfProductSite(e.Product)}
	}
	if e.Flags.Has(event.Late) || stamp.Sub(at) > 72*time.Hour+10*time.Minute {
		o.aside(claimed, "late")
		return
	}
	if key := [2]string{owner, e.ID.String()}; o.told[key] {
		return
	} else {
		o.told[key] = true
	}
	const uncounted = event.Forged | event.Foreign | event.Bot | event.Late | event.ClientPurchase
	if e.Flags&uncounted != 0 {
		o.aside(claimed, "flagged")
		return
	}
	if e.Flags&event.Own != 0 {
		o.aside(claimed, "own")
		return
	}
	if e.Namespace != "" {
		o.site(e, owner, second)
		return
	}
	o.shopper(e, at, stamp)
}

// tokenOf names an impression token.
func tokenOf(request id.Request, slot uint8) string { return string(request) + string(rune(slot)) }

// shopper counts an event of a viewer that counts.
func (o *oracle) shopper(e *event.Event, at, stamp time.Time) {
	second, token, viewer := at.Unix(), tokenOf(e.Shown.Request, e.Shown.Slot), o.person(e.Viewer)
	has := e.Shown.SubjectKind != 0
	good := has && e.Flags&event.Expired == 0
	// What a token did is known for a day and a quarter of an hour: one that a clock turned back lets live longer
	// allows nothing then.
	forgotten := stamp.Sub(e.Shown.Issued) > 24*time.Hour+15*time.Minute
	switch e.Type {
	case event.Impression, event.View, event.Watch:
		if good && !forgotten {
			o.watching(e, at)
		}
	case event.ProductClick:
		if !has || !o.first(token, "click") {
			return
		}
		all := o.opened(e, e.Product, good)
		o.count(all, "clicks", second, 1)
		o.viewed(all, viewer, second)
		if !good {
			return
		}
		c := &click{second: second, product: e.Product}
		if i, ok := o.shown[token]; ok && !forgotten {
			c.shown = true
			o.count(o.led(e, e.Product, i.product), "clicks of impressions", i.second, 1)
		}
		o.clicks[token] = c
	case event.ProductView:
		if has && !o.first(token, "visit of "+string(e.Product)) || !has && !o.open(e, viewer, stamp) {
			return
		}
		all := o.opened(e, e.Product, good)
		o.count(all, "visits", second, 1)
		o.viewed(all, viewer, second)
		key := [2]string{string(viewer), string(e.Product)}
		if old := o.visits[key]; old == nil || old.second <= second {
			o.visits[key] = &visit{second: second, targets: all}
		}
	case event.AddToCart:
		if has && !o.first(token, "cart of "+string(e.Product)) || !has && !o.open(e, viewer, stamp) {
			return
		}
		o.count(o.opened(e, e.Product, good), "carts", second, 1)
	}
}

// watching counts what was done with content under a good token.
func (o *oracle) watching(e *event.Event, at time.Time) {
	second, token := at.Unix(), tokenOf(e.Shown.Request, e.Shown.Slot)
	all := o.watched(e)
	switch e.Type {
	case event.Impression:
		if !o.first(token, "impression") {
			return
		}
		o.shown[token] = impressed{second, e.Product}
		o.count(all, "impressions", second, 1)
		if c := o.clicks[token]; c != nil && !c.shown {
			c.shown = true
			o.count(o.led(e, c.product, e.Product), "clicks of impressions", second, 1)
		}
	case event.View:
		if !o.first(token, "view") {
			return
		}
		o.count(all, "views", second, 1)
		for _, t := range all {
			if t.Kind == metric.Video || t.Kind == metric.Room || t.Kind == metric.Creator {
				o.seen = append(o.seen, sight{t, string(o.person(e.Viewer)), second})
			}
		}
	case event.Watch:
		most := at.Sub(e.Shown.Issued).Milliseconds()
		if e.Shown.SubjectKind == id.SubjectVideo {
			most = min(most, 3*o.world.videos[e.Video].duration)
		}
		counted := max(0, min(e.WatchMS, most-o.watch[token]))
		if o.watch[token] += counted; counted > 0 {
			o.count(all, "watch", second, counted)
		}
	}
}

func (o *oracle) viewed(all []metric.Entity, viewer id.Viewer, second int64) {
	for _, t := range all {
		if t.Kind != metric.Video && t.Kind != metric.Room && t.Kind != metric.Creator {
			o.seen = append(o.seen, sight{t, string(viewer), second})
		}
	}
}

func (o *oracle) site(e *event.Event, owner string, second int64) {
	all := []metric.Entity{metric.OfBrandSite(e.Brand), metric.OfProductSite(e.Product)}
	names := map[event.Type]string{event.View: "views", event.ProductClick: "clicks", event.ProductView: "visits", event.AddToCart: "carts"}
	name, ok := names[e.Type]
	if !ok {
		return
	}
	o.count(all, name, second, 1)
	if e.Type != event.AddToCart {
		for _, t := range all {
			o.seen = append(o.seen, sight{t, owner, second})
		}
	}
}

// owed are the entities that a sale of the line counts for.
func owed(l *event.SaleLine, goods bool) (all []metric.Entity) {
	if goods {
		all = append(all, metric.OfProduct(l.Product), metric.OfBrand(l.Brand))
	}
	if l.Creator != "" {
		all = append(all, metric.OfCreator(l.Creator), metric.OfCreatorProduct(l.Creator, l.Product), metric.OfProgram(l.Program))
	}
	if l.Touch != nil && l.Touch.Video != "" {
		all = append(all, metric.OfVideo(l.Touch.Video), metric.OfVideoProduct(l.Touch.Video, l.Product))
	}
	if l.Touch != nil && l.Touch.Room != "" {
		all = append(all, metric.OfRoom(l.Touch.Room))
	}
	return all
}

func (o *oracle) fact(seq int64, b event.Body, at, stamp time.Time) {
	if o.facts[seq] {
		return
	}
	o.facts[seq] = true
	o.now = stamp.Unix()
	if at.After(stamp) {
		at = stamp
	}
	switch b := b.(type) {
	case event.OrderPaid:
		p := &paid{at.Unix(), at.UnixMicro(), o.person(b.Viewer), b.Currency, map[id.Line]event.SaleLine{}, map[metric.Entity]bool{}}
		o.orders[b.Order] = p
		for _, l := range b.Lines {
			o.sell(p, &l, owed(&l, true))
			o.clicked(&l)
			if v := o.visits[[2]string{string(p.viewer), string(l.Product)}]; v != nil && !v.used && v.second <= p.second && p.second-v.second <= 8*86400 {
				v.used = true
				o.count(v.targets, "orders of visits", v.second, 1)
			}
			if l.Waiting {
				p.waiting[l.Line] = l
			}
		}
	case event.OrderCancelled:
		if p := o.orders[b.Order]; p != nil {
			p.waiting = nil
			o.back(p, b.Lines, at.Unix())
		}
	case event.OrderRefunded:
		o.back(o.orders[b.Order], b.Lines, at.Unix())
	case event.DisputeLost:
		o.back(o.orders[b.Order], b.Lines, at.Unix())
	case event.CommissionCreated:
		if p := o.orders[b.Order]; b.Touch != nil {
			if l, ok := p.waiting[b.Line]; ok {
				delete(p.waiting, b.Line)
				l.Creator, l.Program, l.Touch = b.Creator, b.Program, b.Touch
				o.sell(p, &l, owed(&l, false))
				o.clicked(&l)
			}
		}
		o.commission(&b.CommissionState, "commission", b.EarnedAt, 1)
	case event.CommissionReleased:
		o.commission(&b.CommissionState, "settled", b.ClickedAt, 1)
	case event.CommissionReversed:
		o.commission(&b.CommissionState, "commission", b.EarnedAt, -1)
		if b.Released {
			o.commission(&b.CommissionState, "settled", b.ClickedAt, -1)
		}
	case event.ViewerJoined:
		if into := o.person(b.Into); into != b.Viewer {
			o.joined[b.Viewer] = into
		}
	case event.ViewerErased:
		delete(o.joined, b.Viewer)
		for v, into := range o.joined {
			if into == b.Viewer {
				delete(o.joined, v)
			}
		}
	}
}

func (o *oracle) sell(p *paid, l *event.SaleLine, all []metric.Entity) {
	cur := string(p.currency) + "/"
	for _, e := range all {
		if !p.counted[e] {
			p.counted[e] = true
			o.count([]metric.Entity{e}, "orders", p.second, 1)
			o.count([]metric.Entity{e}, cur+"orders", p.second, 1)
		}
	}
	o.count(all, "sku orders", p.second, 1)
	o.count(all, "units", p.second, l.Quantity)
	o.count(all, "net units", p.second, l.Quantity)
	o.count(all, cur+"gmv", p.second, l.GMV)
	o.count(all, cur+"net", p.second, l.GMV)
	for _, e := range all {
		o.sold = append(o.sold, sale{e, p.micros, l.Quantity})
	}
}

func (o *oracle) clicked(l *event.SaleLine) {
	if l.Touch == nil || l.Touch.Request == "" || l.Touch.Link != "" {
		return
	}
	if o.now-l.Touch.At.Unix() > 29*86400 { // in no window any more
		for _, e := range owed(l, true) {
			if o.offers(e, l) { // a program that does not cover the product did not count the click, however old
				o.count([]metric.Entity{e}, "orders of clicks", l.Touch.At.Unix(), 1)
			}
		}
		return
	}
	c := o.clicks[tokenOf(l.Touch.Request, l.Touch.Slot)]
	if c == nil {
		return
	}
	content, goods := !c.used, !c.bought && c.product == l.Product
	c.used = true
	c.bought = c.bought || goods
	for _, e := range owed(l, true) {
		isContent := e.Kind == metric.Video || e.Kind == metric.Room || e.Kind == metric.Creator
		if o.offers(e, l) && (isContent && content || !isContent && goods) {
			o.count([]metric.Entity{e}, "orders of clicks", c.second, 1)
		}
	}
}

func (o *oracle) back(p *paid, lines []event.SaleLine, at int64) {
	cur := string(p.currency) + "/"
	for _, l := range lines {
		all := owed(&l, true)
		o.count(all, "refunds", at, 1)
		o.count(all, "units back", at, l.Quantity)
		o.count(all, cur+"refunded", at, l.GMV)
		o.count(all, "net units", p.second, -l.Quantity)
		o.count(all, cur+"net", p.second, -l.GMV)
		for _, e := range all {
			o.sold = append(o.sold, sale{e, p.micros, -l.Quantity})
		}
	}
}

func (o *oracle) commission(c *event.CommissionState, what string, at time.Time, sign int64) {
	l := event.SaleLine{Product: c.Product, Brand: c.Brand, Creator: c.Creator, Program: c.Program, Touch: &event.SaleTouch{Video: c.Video, Room: c.Room}}
	o.count(owed(&l, true), string(c.Amount.Currency)+"/"+what, at.Unix(), sign*c.Amount.Minor)
}

// window sums what happened to an entity in [from, until).
func (o *oracle) window(e metric.Entity, from, until int64) map[string]int64 {
	sums := map[string]int64{}
	for _, h := range o.happen {
		if h.entity == e && h.second >= from && h.second < until {
			sums[h.what] += h.n
		}
	}
	return sums
}

func (o *oracle) uniques(e metric.Entity, from, until int64) int64 {
	people := map[string]bool{}
	for _, s := range o.seen {
		if s.entity == e && s.second >= from && s.second < until {
			people[s.viewer] = true
		}
	}
	return int64(len(people))
}

// velocity is units an hour, each worth half after every half-life.
func (o *oracle) velocity(e metric.Entity, now time.Time, halfLife time.Duration) float64 {
	var sum float64
	for _, s := range o.sold {
		if s.entity == e {
			sum += float64(s.units) * math.Exp2(-float64(now.UnixMicro()-s.micros)/float64(halfLife.Microseconds()))
		}
	}
	return sum * math.Ln2 / halfLife.Hours()
}

// told of counts, by the oracle's names.
func countsByName(c *metric.Counts) map[string]int64 {
	return map[string]int64{"impressions": c.Impressions, "views": c.Views, "watch": c.WatchMS, "clicks": c.ProductClicks, "visits": c.ProductViews,
		"carts": c.AddToCarts, "orders": c.Orders, "sku orders": c.SKUOrders, "units": c.Units, "net units": c.NetUnits, "refunds": c.Refunds,
		"units back": c.UnitsBack, "clicks of impressions": c.ClicksOfImpressions, "orders of clicks": c.OrdersOfClicks,
		"orders of visits": c.OrdersOfVisits, "late": c.Late, "flagged": c.Flagged, "own": c.Own}
}

func moneyByName(list []metric.Money) map[string]int64 {
	sums := map[string]int64{}
	for _, m := range list {
		cur := string(m.Currency) + "/"
		sums[cur+"orders"], sums[cur+"gmv"], sums[cur+"refunded"] = m.Orders, m.GMV, m.Refunded
		sums[cur+"net"], sums[cur+"commission"], sums[cur+"settled"] = m.Net, m.Commission, m.Settled
	}
	return sums
}
