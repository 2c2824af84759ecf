package sim

import "math"

// creator is somebody who makes videos. How many follow them is known to the world and to the policy
// that goes by it; the ranking has no place for it.
type creator struct {
	id           [16]byte
	name         string
	followers    float64
	craft, trust float64
	kinds        [2]int // categories they post in; both may be the same
}

// newCreator draws a creator: followers log-normal with median 3,000 and σ 2, at most 5 M; craft and trust
// standard normal with their correlations to the logarithm of the followers.
func (w *World) newCreator(k int) creator {
	d := roll(w.Seed, forCreator, uint64(k))
	size := d.gauss()
	for 3_000*math.Exp(2*size) > 5e6 {
		size = d.gauss()
	}
	tied := func(r float64) float64 { return r*size + math.Sqrt(1-r*r)*d.gauss() }
	c := creator{id: d.id(), followers: math.Ceil(3_000 * math.Exp(2*size))}
	c.craft, c.trust = tied(0.2), tied(w.TrustFollowers)
	c.kinds = [2]int{d.below(w.Kinds), d.below(w.Kinds)}
	if d.float() < 0.5 {
		c.kinds[1] = c.kinds[0]
	}
	return c
}

// item is a video of one product.
type item struct {
	id, product  [16]byte
	creator      int
	kind         int
	at           int64 // when it is posted, microseconds from the beginning
	craft, trust float64
	price        float64 // minor units
	seconds      float64
	place        vector
}

// post makes everything a creator will post: some days' worth is there at the beginning, so that the
// world does not start empty.
func (w *World) post(k int) {
	c := &w.creators[k]
	d := roll(w.Seed, forItem, uint64(k))
	from, every := -4.0, postsEvery
	next := func() float64 { return every * d.exponential() }
	if g := k - w.Creators; g >= 0 {
		from = w.Guests[g].From
		if w.Guests[g].Every > 0 {
			every = w.Guests[g].Every
		}
		next = func() float64 { return every }
	} else {
		from += next()
	}
	for at := from; at < float64(w.Days); at += next() {
		i := w.newItem(k, c, max(int64(at*float64(day)), 0), &d)
		if g := k - w.Creators; g >= 0 && w.Guests[g].Price > 0 {
			i.price = w.Guests[g].Price
		}
		w.items = append(w.items, i)
	}
}

func (w *World) newItem(k int, c *creator, at int64, d *dice) item {
	i := item{id: d.id(), product: d.id(), creator: k, kind: c.kinds[d.below(2)], at: at}
	i.craft, i.trust = c.craft+itemSpread*d.gauss(), c.trust+itemSpread*d.gauss()
	i.price = math.Round(min(max(priceMedian*math.Exp(priceSpread*d.gauss()), 200), 100_000))
	i.seconds = math.Round(min(max(17*math.Exp(0.6*d.gauss()), 5), 180))
	place := w.kinds[i.kind]
	for n := range place {
		place[n] += 0.15 * d.gauss()
	}
	i.place = place.scaled(tasteScale)
	return i
}
