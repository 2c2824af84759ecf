package rank

import (
	"math"

	"mezzo/internal/event"
)

// item is a video: what the catalogue says, what was learned and what it did. It holds no pointer and
// no padding, and with its place in the index stays under 400 bytes.
type item struct {
	id    [16]byte
	facts Facts
	taste Vector
	cell  Cell
	// What it did: impressions that were seen, the sum of their watch percentiles, clicks, orders; and
	// clicks that are not yet old enough to have become orders, by three speeds.
	shown, watch, clicks, orders float32
	young                        [delays]float32
	youngAt                      uint32 // seconds since 1970
	served                       uint32 // slots it was given, seen or not: what budgets count
	decided                      uint32 // number of its last verdict + 1, 0 for none
	activeAt, testingAt          uint32 // its place in its category's lists + 1, 0 when it is not there
	cluster, clusterAt           uint32 // the same in the inverted file; cluster + 1
	stage                        uint8  // 0 before the first impression counts as stage 1; past the last it is open
	extended, stopped            uint8
	state                        uint8
	together                     [8]together
	products                     [6]uint32 // that it shows, number + 1
	awaits                       uint32    // the decision it waits for: its tier + 1
	strange                      float32   // the part of shown that is of strangers
	_                            [4]uint8  // to whole eights
}

// State bits of an item.
const (
	stateReady   uint8 = 1 << iota // it may be shown as far as its creator goes
	stateLimited                   // it is limited or removed
	stateSold                      // what it shows cannot be bought
)

// together is a video that was watched with another, and how strongly.
type together struct {
	item   uint32 // number + 1
	weight float32
}

// delays are the speeds at which clicks become orders: 35 % within an hour, half within a day, the rest
// within a month (Chapelle 2014), as three exponentials.
const delays = 3

var (
	delayPart  = [delays]float64{0.35, 0.15, 0.5}
	delayHours = [delays]float64{0.4, 8, 240}
)

// age brings the young clicks of an item to a moment.
func (i *item) age(now uint32) {
	if now <= i.youngAt {
		return
	}
	hours := float64(now-i.youngAt) / 3600
	for k := range i.young {
		i.young[k] *= float32(math.Exp(-hours / delayHours[k]))
	}
	i.youngAt = now
}

// click counts a click, by how much its viewer is believed.
func (i *item) click(now uint32, weight float32) {
	i.age(now)
	i.clicks += weight
	for k := range i.young {
		i.young[k] += weight
	}
}

// clicked returns the clicks that had time to become orders at a moment.
func (i *item) clicked(now uint32) float64 {
	left := float64(i.clicks)
	hours := float64(max(now, i.youngAt)-i.youngAt) / 3600
	for k := range i.young {
		left -= delayPart[k] * float64(i.young[k]) * math.Exp(-hours/delayHours[k])
	}
	return max(left, 0)
}

// watchMean returns the watch percentile of a video's impressions, as if it had five in the middle before.
func (i *item) watchMean() float32 { return (i.watch + 2.5) / (i.shown + 5) }

// evidence returns what the item did until a moment.
func (i *item) evidence(now uint32) Evidence {
	return Evidence{float64(i.shown), float64(i.watch), float64(i.clicks), i.clicked(now), float64(i.orders)}
}

// verdict is a step as it is kept: one for each decision, linked to the one before.
type verdict struct {
	at, before, shown, orders                        uint32 // before: number + 1 of the item's verdict before
	click, watch, better, bar, chance, promote, stop float32
	stage, decision                                  uint16
}

// deeds is how many of a viewer's own deeds are remembered. A click is remembered for as long as its order
// may come and come back, whatever else is done meanwhile: clickKept seconds, up to clicksKept of them.
const (
	deeds      = 32
	clicksKept = 24
	clickKept  = 45 * 24 * 3600
)

// deed is what a viewer did with a video: what, when, and in which situation, so that an order that
// comes days later is learned where its click was.
type deed struct {
	item uint32 // number + 1
	at   uint32 // seconds since 1970
	what uint64 // a packed situation, and above it what was done
}

// What a deed may hold, above the 54 bits of its situation.
const (
	didWatch uint64 = 1 << (iota + 54)
	didClick
	didBuy
	didReturn
	didEngage
	didCart
	didRefuse
	didCount      // the order counts: its click did, and it did not come back
	didLearn      // the weights learned it: it came within the week that is predicted
	situationBits = 1<<54 - 1
)

// viewer is a person who watches: a taste, the last deeds, and what was seen. With its place in the
// index it stays under 2,048 bytes.
type viewer struct {
	id       [16]byte
	taste    Vector
	cell     Cell
	deeds    [deeds]deed
	deedAt   uint32 // where the next deed goes
	shown    uint32
	orders   uint32
	leanings [leanings]leaning // the most liked category first
	recent   [8]uint32         // videos shown last, number + 1
	recentAt uint32
	waiting  [2]uint64 // the last two impressions, counted from the first ever opened, + 1
	seenIn   uint32    // how many were noted in the newer filter
	follows  uint32    // the first of whom they follow, + 1
	seen     [2][seenWords]uint64
}

// leanings is to how many categories a viewer's leaning is remembered; the least known makes room.
const leanings = 16

// leaning is what a viewer's impressions in a category say of it: how much better than others they watched
// what they were shown there, and what they did besides.
type leaning struct {
	category uint32  // number + 1
	n        float32 // impressions, older ones fading
	sum      float32 // of watch percentiles beyond those of the videos, and of what deeds add
}

// What moves a leaning. A leaning is sum/(n+leaningDoubt): with a spread of 0.29 of a percentile about its mean
// and some 0.15 between the categories of a person, nothing counts as much as four impressions
// (0.29²/0.15²).
const (
	leaningDoubt = 4.0
	leaningKeep  = 0.98 // what is left at each further impression: some 50 count
	leanClick    = 0.4
	leanEngage   = 0.3
	leanBuy      = 0.5
	leanRefuse   = -0.5
	leanWidth    = 0.03 // a step of Situation.Leaning
	leanMiddle   = 8
	leanSteps    = 4   // for which a slope is learned
	leanLogits   = 4.0 // what a leaning adds to a taste: 0.2 of a percentile more makes three watched well of ten five
)

// value returns how far the viewer leans to the category, in parts of a watch percentile.
func (l *leaning) value() float32 { return l.sum / (l.n + leaningDoubt) }

// step returns the leaning in 16 steps.
func (l *leaning) step() uint8 {
	return uint8(min(max(math.Round(float64(l.value()/leanWidth))+leanMiddle, 0), 15))
}

const (
	seenWords = 64  // 512 bytes
	seenMost  = 400 // noted in a filter before it becomes the older one: about one in 60 is mistaken
)

// note remembers that a video was seen, in one of two filters that take turns.
func (v *viewer) note(item uint32) {
	if v.seenIn >= seenMost {
		v.seen[1], v.seen[0], v.seenIn = v.seen[0], [seenWords]uint64{}, 0
	}
	h := mix(uint64(item) + 1)
	for k := range uint(4) {
		bit := (h >> (16 * k)) % (seenWords * 64)
		v.seen[0][bit/64] |= 1 << (bit % 64)
	}
	v.seenIn++
}

// saw reports whether a video was noted. Rarely it says so of one that was not.
func (v *viewer) saw(item uint32) bool {
	h := mix(uint64(item) + 1)
	in := [2]bool{true, true}
	for k := range uint(4) {
		bit := (h >> (16 * k)) % (seenWords * 64)
		for f := range in {
			in[f] = in[f] && v.seen[f][bit/64]&(1<<(bit%64)) != 0
		}
	}
	return in[0] || in[1]
}

// find returns the newest deed with a video, nil when there is none.
func (v *viewer) find(item uint32) *deed {
	for k := uint32(1); k <= deeds; k++ {
		if d := &v.deeds[(v.deedAt-k)%deeds]; d.item == item+1 {
			return d
		}
	}
	return nil
}

// do notes a deed, with the newest one of that video where there is one.
func (v *viewer) do(item, at uint32, situation uint64, what uint64) {
	d := v.find(item)
	if d == nil {
		d = v.room(at)
		*d = deed{item: item + 1, what: situation}
	}
	if d.what&didClick == 0 || what&didClick != 0 {
		d.at = at // of what was clicked, the last click's: its order is counted from there
	}
	if what&didClick != 0 && d.what&didClick == 0 {
		d.what = d.what&^situationBits | situation // the click's own: its order comes later
	}
	d.what |= what
}

// room returns where a new deed goes, as the newest: in the place of the oldest that need not be kept.
func (v *viewer) room(now uint32) *deed {
	first := v.deedAt
	v.deedAt++
	keep := func(d *deed) bool { return d.item != 0 && d.what&didClick != 0 && d.at+clickKept > now }
	kept := 0
	for k := range v.deeds {
		if keep(&v.deeds[k]) {
			kept++
		}
	}
	for k := uint32(0); kept <= clicksKept && k < deeds; k++ {
		if keep(&v.deeds[(first+k)%deeds]) {
			continue
		}
		for ; k > 0; k-- { // those before it close up
			v.deeds[(first+k)%deeds] = v.deeds[(first+k-1)%deeds]
		}
		break
	}
	return &v.deeds[first%deeds]
}

// lean takes in what an impression in a category says: by so much more or less than others.
func (v *viewer) lean(category uint16, by, n float32) {
	at, least := -1, 0
	for k := range v.leanings {
		l := &v.leanings[k]
		if l.category == uint32(category)+1 {
			at = k
			break
		}
		if l.n <= v.leanings[least].n {
			least = k
		}
	}
	if at < 0 {
		at = least
		v.leanings[at] = leaning{category: uint32(category) + 1}
	}
	l := &v.leanings[at]
	if n > 0 {
		l.n, l.sum = leaningKeep*l.n, leaningKeep*l.sum
	}
	l.n, l.sum = l.n+n, l.sum+by
	v.place(at)
}

// place moves a leaning to its place by value; what is empty stands last.
func (v *viewer) place(at int) {
	before := func(a, b *leaning) bool {
		return a.category != 0 && (b.category == 0 || a.value() > b.value())
	}
	for ; at > 0 && before(&v.leanings[at], &v.leanings[at-1]); at-- {
		v.leanings[at], v.leanings[at-1] = v.leanings[at-1], v.leanings[at]
	}
	for ; at+1 < len(v.leanings) && before(&v.leanings[at+1], &v.leanings[at]); at++ {
		v.leanings[at], v.leanings[at+1] = v.leanings[at+1], v.leanings[at]
	}
}

// likes returns the category a viewer leans to in the k-th place, as its number + 1; 0 when there is none.
func (v *viewer) likes(k int) uint32 {
	if l := &v.leanings[k]; l.value() > 0 {
		return l.category
	}
	return 0
}

// creator is who made videos: a weight that fades, what was shown of them lately, and their newest
// videos. How many people like them is not here.
type creator struct {
	id        [16]byte
	cell      Cell
	exposure  float32 // impressions, with a half-life of a week
	exposedAt uint32
	newest    [8]uint32 // videos, number + 1
	newestAt  uint32
}

const exposureHours = 7 * 24

// expose brings a creator's exposure to a moment and adds to it.
func (c *creator) expose(now uint32, by float32) {
	if now > c.exposedAt {
		c.exposure *= float32(math.Exp2(-float64(now-c.exposedAt) / 3600 / exposureHours))
		c.exposedAt = now
	}
	c.exposure += by
}

// record returns what the newest other videos of a video's creator did, so that it tells of what they do
// now. Clicks count as they are for the video itself, once they had time to become orders: otherwise
// whoever is new would have the record of somebody whose clicks never buy.
func (f *Fold) record(own uint32, now uint32) Record {
	var r Record
	for _, n := range f.creators.at(f.items.at(own).facts.Creator).newest {
		if n == 0 || n-1 == own {
			continue
		}
		e := f.items.at(n - 1).evidence(now)
		r.Watch.Y, r.Watch.N = r.Watch.Y+e.Watch, r.Watch.N+e.Impressions
		r.Click.Y, r.Click.N = r.Click.Y+e.Clicks, r.Click.N+e.Impressions
		r.Buy.Y, r.Buy.N = r.Buy.Y+e.Orders, r.Buy.N+max(e.Clicked, e.Orders)
	}
	return r
}

// product is what is sold.
type product struct {
	id                      [16]byte
	brand                   uint32
	price                   float32 // minor units
	category                uint16
	off                     uint16  // why it cannot be bought: bit 0 inactive or sold out, bit 1 limited or removed
	orders, units, returned float32 // orders that count and were kept; what came back
	value                   float32 // of those orders, minor units
}

// goods returns what is expected of a sale: price and quantity shrunk to one piece, returns shrunk to
// 12 % as worth ten orders.
func (p *product) goods() Goods {
	order := float64(p.price) * float64(p.units+2) / float64(p.orders+2)
	if p.orders >= 1 {
		// What orders brought says more than the cheapest variant, the more of them there are.
		order = (2*order + float64(p.value)) / (2 + float64(p.orders))
	}
	return Goods{order, min((float64(p.returned)+1.2)/(float64(p.orders+p.returned)+10), 1)}
}

// mostUnits is how many pieces of an order say what the next one will bring.
const mostUnits = 5

// sold takes a line of an order into what is expected of the next (by 1), or out of it as a return (by -1).
func (p *product) sold(line *event.SaleLine, by float32) {
	n := max(float32(line.Quantity), 1)
	units := min(n, mostUnits)
	p.orders = max(p.orders+by, 0)
	p.units = max(p.units+by*units, 0)
	p.value = max(p.value+by*float32(line.GMV)*units/n, 0)
	if by < 0 {
		p.returned++
	}
}
