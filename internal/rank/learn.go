package rank

import (
	"math"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// believed is how much a viewer's doings move what others see: a part that grows with what they were
// shown, so that fresh accounts by the hundred move little.
func believed(v *viewer) float32 { return float32(v.shown+1) / float32(v.shown+trustAfter) }

// trustAfter is after how many impressions a viewer is believed about half, and no stranger any more.
const trustAfter = 10

// What strangers together may say of a video: as much as strangersLeast viewers who are believed, and beyond
// that a part of what those said who are no strangers. Who floods a video with fresh accounts gains by the
// first few alone.
const (
	strangersLeast = 3.0
	strangersPart  = 0.1
)

// believe returns how much an impression of a video counts, and notes what of it is a stranger's.
func (i *item) believe(v *viewer) float32 {
	weight := believed(v)
	if v.shown < trustAfter {
		weight = min(weight, max(strangersLeast+strangersPart*(i.shown-i.strange)-i.strange, 0))
		i.strange += weight
	}
	i.shown += weight
	return weight
}

// Weights with which a deed moves tastes.
const (
	likedWatch = 1.0
	likedClick = 2.0
	likedBuy   = 4.0
	watchedFor = 0.7 // the percentile from which a video was watched well
)

// viewerNumber returns the number of a viewer, a new one for somebody new.
func (f *Fold) viewerNumber(u [16]byte) uint32 {
	n, known := f.viewerOf[u]
	if known {
		return n
	}
	var v *viewer
	if last := len(f.freed) - 1; last >= 0 {
		n = f.freed[last]
		f.freed = f.freed[:last]
		v = f.viewers.at(n)
		*v = viewer{}
	} else {
		n, v = f.viewers.add()
	}
	var centre [Dim]float32
	v.id, v.taste = u, newVector(idSeed(u), &centre)
	f.viewerOf[u] = n
	return n
}

// idSeed is a number that depends on an id alone.
func idSeed(u [16]byte) uint64 {
	h := uint64(0)
	for k := 0; k < 16; k += 8 {
		part := uint64(0)
		for i := range 8 {
			part = part<<8 | uint64(u[k+i])
		}
		h = mix(h ^ part)
	}
	return h
}

// happened takes in an event that counts.
func (f *Fold) happened(k *known) {
	e := &k.event
	i, ok := f.itemOf[e.Subject]
	if !ok {
		return
	}
	if e.Type == event.Impression {
		f.shown(k, i)
		return
	}
	at, answered := f.openOf[k.key]
	if !answered {
		f.elsewhere(e, i)
		return
	}
	o := f.opens.far(at)
	switch e.Type {
	case event.View:
		o.viewed = 1
	case event.Watch:
		o.watched += uint32(min(k.watched, math.MaxInt32))
		f.watch(o)
	case event.ProductClick:
		f.click(o)
	case event.AddToCart:
		f.viewers.at(o.viewer).do(o.item, f.seconds(), o.situation, didCart)
	case event.Like, event.Comment, event.Share, event.Follow:
		f.engage(o)
	case event.Hide, event.Report:
		f.refuse(o)
	}
}

// elsewhere takes in what a viewer does with content that was not dealt to them by the feed, or so late
// that its impression is closed: it says something of the viewer, and nothing of the video.
func (f *Fold) elsewhere(e *event.Bare, i uint32) {
	what := uint64(0)
	switch e.Type {
	case event.ProductClick:
		what = didClick
	case event.AddToCart:
		what = didCart
	case event.Like:
		what = didEngage
	case event.Hide, event.Report:
		what = didRefuse
	}
	if what == 0 {
		return
	}
	v := f.viewers.at(f.viewerNumber(e.Viewer))
	v.do(i, f.seconds(), f.situation(v, f.remember(v), i, uint8(e.Surface), 0, 0).Pack(), what)
	if what != didRefuse {
		v.lean(f.items.at(i).facts.Category, leanEngage, 1)
	}
}

// dealtBy reports whether a surface is one whose places the ranking deals: only what it chose itself
// says something about a video, since nobody else could send it an audience there.
func dealtBy(s id.Surface) bool { return s == id.SurfaceHome || s == id.SurfaceCategory }

// shown takes in an impression. What is predicted of it now is what it will be judged by. Yeses are
// learned as they come; the nos when the viewer has gone on by two, or at its closing.
func (f *Fold) shown(k *known, i uint32) {
	e, n := &k.event, f.viewerNumber(k.event.Viewer)
	v, it := f.viewers.at(n), f.items.at(i)
	v.note(i)
	if !dealtBy(e.Surface) {
		return
	}
	o := open{key: k.key, at: f.stamp, viewer: n, item: i}
	s := f.situation(v, f.remember(v), i, uint8(e.Surface), 0, e.Slot)
	o.situation = s.Pack()
	terms := f.termsOf(it, v, &s)
	for h, s := range scores(terms) {
		o.logits[h] = float32(s.Mean)
	}
	o.weight = it.believe(v)
	f.creators.at(it.facts.Creator).expose(f.seconds(), 1)
	v.shown++
	v.recent[v.recentAt%uint32(len(v.recent))] = i + 1
	v.recentAt++
	number := f.opens.n
	f.openOf[o.key] = number
	_, at := f.opens.add()
	*at = o
	if w := v.waiting[0]; w > f.opens.first {
		f.resolve(f.opens.far(w - 1))
	}
	v.waiting = [2]uint64{v.waiting[1], number + 1}
}

// perImpression are the heads that learn from every impression.
var perImpression = [...]Head{Watch, Click, Engage, Negative}

// resolve learns what has not happened: the viewer went on.
func (f *Fold) resolve(o *open) {
	if o.gone != 0 {
		return
	}
	if o.learned&(1<<Watch) == 0 {
		f.watch(o) // half of those who watched nothing watched no more than this
	}
	if o.learned&(1<<Negative) == 0 && o.viewed == 0 && o.acted == 0 && o.watched < 2_000 {
		f.raise(o, Negative, 0.2)
	}
	for _, h := range perImpression {
		if o.learned&(1<<h) == 0 {
			f.raise(o, h, 0)
		}
	}
	if o.learned&leaned == 0 {
		o.learned |= leaned
		it := f.items.at(o.item)
		f.viewers.at(o.viewer).lean(it.facts.Category, o.label[Watch]-it.watchMean(), 1)
	}
}

// leaned is the bit of open.learned that says that its viewer's leaning took it in.
const leaned = 1 << 31

// termsOf returns the terms of an impression; they are good until the next call.
func (f *Fold) termsOf(it *item, v *viewer, s *Situation) []Term {
	f.scratch = f.weights.terms(f.scratch[:0], &it.facts, s, &it.cell, &f.creators.at(it.facts.Creator).cell, &v.cell, float64(it.shown), recordWorth)
	return f.scratch
}

// recordWorth is how many impressions a creator's learned weight is worth: the same whatever the
// policy, since what is learned is shared by all policies.
const recordWorth = 200

// raise learns that a label of an impression is y by now: anew, or how much higher it became.
func (f *Fold) raise(o *open, h Head, y float32) {
	s := Unpack(o.situation)
	terms := f.termsOf(f.items.at(o.item), f.viewers.at(o.viewer), &s)
	if o.learned&(1<<h) == 0 {
		o.learned |= 1 << h
		learn(h, base[h], terms, float64(y), float64(o.weight))
	} else if y != o.label[h] {
		relabel(h, base[h], terms, float64(y-o.label[h]), float64(o.weight))
	}
	o.label[h] = y
}

// watch takes in that a video was watched longer.
func (f *Fold) watch(o *open) {
	it, v := f.items.at(o.item), f.viewers.at(o.viewer)
	before := o.label[Watch]
	y := float32(f.durations.Percentile(time.Duration(it.facts.Seconds*float32(time.Second)), time.Duration(o.watched)*time.Millisecond))
	f.raise(o, Watch, y)
	it.watch += o.weight * (y - before)
	if before < watchedFor && y >= watchedFor {
		v.do(o.item, f.seconds(), o.situation, didWatch)
		f.liked(o, likedWatch)
	}
}

// click takes in that the product was opened: a yes for the click, and a no for the order until it comes.
func (f *Fold) click(o *open) {
	it, v := f.items.at(o.item), f.viewers.at(o.viewer)
	f.raise(o, Click, 1)
	it.click(f.seconds(), o.weight)
	v.do(o.item, f.seconds(), o.situation, didClick)
	s := Unpack(o.situation)
	learn(Buy, base[Buy], f.termsOf(it, v, &s), 0, 1)
	if pair := pairOf(o.viewer, o.item); len(f.trials) < mostTrials {
		if _, twice := f.trialOf[pair]; !twice {
			f.trialOf[pair] = f.trialed + len(f.trials)
			f.trials = append(f.trials, trial{at: f.stamp, viewer: o.viewer, item: o.item, logit: o.logits[Buy]})
		}
	}
	o.acted = 1
	v.lean(it.facts.Category, leanClick, 0)
	f.liked(o, likedClick)
}

// engage takes in a like, comment, share or a follow from the video, which is one of these and no more.
func (f *Fold) engage(o *open) {
	if o.label[Engage] > 0 {
		return
	}
	f.raise(o, Engage, 1)
	o.acted = 1
	v := f.viewers.at(o.viewer)
	v.do(o.item, f.seconds(), o.situation, didEngage)
	v.lean(f.items.at(o.item).facts.Category, leanEngage, 0)
	f.liked(o, likedWatch)
}

// refuse takes in that a viewer does not want to see this.
func (f *Fold) refuse(o *open) {
	f.raise(o, Negative, 1)
	o.acted = 1
	v := f.viewers.at(o.viewer)
	v.do(o.item, f.seconds(), o.situation, didRefuse)
	v.lean(f.items.at(o.item).facts.Category, leanRefuse, 0)
}

// liked moves tastes: the video against what the viewer was shown lately and did nothing with, and
// others at random; and notes what was watched together.
func (f *Fold) liked(o *open, weight float32) {
	it, v := f.items.at(o.item), f.viewers.at(o.viewer)
	r := seeded(f.step, uint64(o.item))
	var items [Negatives + 1]*Vector
	items[0] = &it.taste
	n := 1
	for _, other := range v.recent {
		if other != 0 && other-1 != o.item && n <= Negatives/4 && v.find(other-1) == nil {
			items[n] = &f.items.at(other - 1).taste
			n++
		}
	}
	for tries := 0; n < len(items) && tries < 2*Negatives && f.items.n > 1; tries++ {
		if j := uint32(r.below(f.items.n)); j != o.item && v.find(j) == nil {
			items[n] = &f.items.at(j).taste
			n++
		}
	}
	if o.weight > 0 {
		prefer(&v.taste, items[:n], weight*o.weight)
	}
	f.assign(o.item)
	f.join(v, o.item, o.weight)
}

// joinWithin is how long ago something may have been watched to be watched together.
const joinWithin = 3600

// join notes that a video was watched with the last ones, by how much the viewer is believed: fresh accounts by the
// hundred tie no video to one that many watch. The weakest of eight makes room.
func (f *Fold) join(v *viewer, i uint32, by float32) {
	if by <= 0 {
		return
	}
	now := f.seconds()
	for k := uint32(1); k <= 5; k++ {
		d := &v.deeds[(v.deedAt-k)%deeds]
		if d.item == 0 || d.item-1 == i || d.at+joinWithin < now || d.what&(didWatch|didClick|didEngage|didBuy) == 0 {
			continue
		}
		f.items.at(i).join(d.item, by)
		f.items.at(d.item-1).join(i+1, by)
	}
}

func (i *item) join(other uint32, by float32) {
	least := 0
	for k := range i.together {
		t := &i.together[k]
		t.weight *= 0.995
		if t.item == other {
			t.weight += by
			return
		}
		if t.weight < i.together[least].weight {
			least = k
		}
	}
	if i.together[least].weight < 0.5 {
		i.together[least] = together{other, by}
	} else {
		i.together[least].weight -= 0.25 * by // what stands there must lose its place by being missed
	}
}

// memory is what a viewer's last deeds say, brought together once for a page or an event.
type memory struct {
	categories [3]uint32 // of the last three, number + 1
	creators   [deeds]uint32
	pasts      [deeds]Past
	together   [80]together // of the last ten
	n, m       int
}

// remember returns what a viewer's last deeds say; nil for nobody.
func (f *Fold) remember(v *viewer) *memory {
	if v == nil {
		return nil
	}
	var g memory
	for k := uint32(1); k <= deeds; k++ {
		d := &v.deeds[(v.deedAt-k)%deeds]
		if d.item == 0 {
			break
		}
		other := f.items.look(d.item - 1)
		if k <= 3 {
			g.categories[k-1] = uint32(other.facts.Category) + 1
		}
		g.creators[g.n], g.pasts[g.n] = other.facts.Creator, past(d.what)
		g.n++
		for t := range other.together {
			if k <= 10 && other.together[t].item != 0 {
				g.together[g.m] = other.together[t]
				g.m++
			}
		}
	}
	return &g
}

// situation returns what is true of a viewer and a video at the fold's moment; v and g are nil for a
// page that does not go by the viewer.
func (f *Fold) situation(v *viewer, g *memory, i uint32, surface, device, slot uint8) Situation {
	it := f.items.look(i)
	s := Situation{Leaning: leanMiddle, Hours: uint8(f.stamp / (4 * 3_600_000_000) % 6), Device: device, Surface: surface}
	if slot > 0 {
		s.Slot = doubling(uint64(slot - 1))
	}
	if age := f.stamp/1e6 - it.facts.Created; age > 0 {
		s.Age = doubling(uint64(age / 3600))
	}
	if v == nil {
		return s
	}
	s.Spend, s.Visits = doubling(uint64(v.orders)), doubling(uint64(v.shown))
	s.Fit = uint8(min(max((dot(&v.taste, &it.taste)+2)*2.5, 0), 15))
	s.Taste = uint8(v.likes(0))
	for k := range v.leanings {
		l := &v.leanings[k]
		if l.category != uint32(it.facts.Category)+1 {
			continue
		}
		if l.value() > 0 {
			s.Affinity = uint8(min(k+1, 15))
		}
		s.Leaning = l.step()
		break
	}
	for _, c := range g.categories {
		if c == uint32(it.facts.Category)+1 {
			s.Streak++
		}
	}
	for k := range g.n {
		if g.creators[k] == it.facts.Creator {
			s.Past |= g.pasts[k]
		}
	}
	strongest := float32(0)
	for k := range g.m {
		if g.together[k].item == i+1 {
			strongest = max(strongest, g.together[k].weight)
		}
	}
	s.Together = min(doubling(uint64(strongest)), 3)
	return s
}

// past returns a deed as the viewer's past with its creator.
func past(what uint64) Past {
	var p Past
	if what&didWatch != 0 {
		p |= PastWatched
	}
	if what&didClick != 0 {
		p |= PastClicked
	}
	if what&didBuy != 0 && what&didReturn == 0 {
		p |= PastBought // and kept
	}
	if what&didReturn != 0 {
		p |= PastReturned
	}
	return p
}
