package sim

import (
	"math"
	"slices"
)

// viewer is somebody who watches.
type viewer struct {
	id     [16]byte
	taste  vector
	budget float64 // by how much dearer things may be than for others
	follow []int   // creators, ascending
}

// newViewer draws a viewer: Dirichlet(0.1) over the categories, projected, with noise; follows by
// followers and taste.
func (w *World) newViewer(k int) viewer {
	d := roll(w.Seed, forViewer, uint64(k))
	v := viewer{id: d.id(), budget: math.Exp(budgetSpread * d.gauss())}
	sum, shares := 0.0, [categories]float64{}
	for c := range w.Kinds {
		shares[c] = d.gamma(0.1)
		sum += shares[c]
	}
	var taste vector
	for c, s := range shares {
		for n := range taste {
			taste[n] += s / sum * w.kinds[c][n]
		}
	}
	taste = taste.scaled(1)
	for n := range taste {
		taste[n] += tasteNoise / 4 * d.gauss()
	}
	v.taste = taste.scaled(tasteScale)
	v.follow = w.followed(k, &v)
	return v
}

// followed draws whom a viewer follows, without repeats: as likely as followers × e^(taste).
func (w *World) followed(k int, v *viewer) []int {
	d := roll(w.Seed, forFollows, uint64(k))
	n := min(int(followsMean*d.exponential()), len(w.creators)/3)
	type pull struct {
		creator int
		by      float64
	}
	var fits [categories]float64
	for c := range fits {
		fits[c] = tasteScale * v.taste.dot(&w.kinds[c])
	}
	pulls := make([]pull, len(w.creators))
	for c := range w.creators {
		o := &w.creators[c]
		pulls[c] = pull{c, math.Log(o.followers) + (fits[o.kinds[0]]+fits[o.kinds[1]])/2 + d.gumbel()}
	}
	slices.SortFunc(pulls, func(a, b pull) int {
		if a.by > b.by {
			return -1
		}
		return 1
	})
	list := make([]int, 0, n)
	for _, p := range pulls[:n] {
		list = append(list, p.creator)
	}
	slices.Sort(list)
	return list
}

// truth is what a viewer really does with a video, as probabilities, and the mean part watched.
type truth struct {
	watch, skip, click, buy, refund, like, hide float64
	logit                                       float64 // of the part watched, its noise left out
}

// watchNoise is the standard deviation of the part watched, in logits.
const watchNoise = 1.0

// truth returns what the equations of the world say of a viewer and a video.
func (w *World) truth(v *viewer, i *item) truth {
	fit := v.taste.dot(&i.place)
	bond := 0.0
	if _, follows := slices.BinarySearch(v.follow, i.creator); follows && !w.Plain {
		bond = 0.3 * math.Pow(w.creators[i.creator].followers/3_000, -0.27) // the larger, the more passive
	}
	t := truth{logit: 0.3 + 0.8*fit + 0.5*i.craft}
	t.watch = sigmoid(t.logit / math.Sqrt(1+math.Pi/8*watchNoise*watchNoise))
	t.skip = normalBelow((math.Log(2/(i.seconds-2)) - t.logit) / watchNoise)
	t.click = sigmoid(-3.6 + 0.7*fit + 0.4*i.craft + 0.3*i.trust + bond)
	t.buy = sigmoid(-3.4 + 0.6*fit + 0.35*i.trust - 0.2*math.Log(i.price/(3_000*v.budget)))
	t.refund = sigmoid(-2.1 - 0.4*i.trust)
	t.like = sigmoid(-3.3 + 0.7*fit + 0.5*i.craft + bond)
	t.hide = sigmoid(-5.5 - 0.6*fit - 0.3*i.trust)
	return t
}

// normalBelow returns the chance that a standard normal number lies below x.
func normalBelow(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// response is what a viewer did with a video.
type response struct {
	watched           float64 // seconds
	click, like, hide bool
	buy, refund       bool
	after             int64 // microseconds from the click to the order
	back              int64 // microseconds from the order to the refund
}

// respond throws the dice of a viewer and a video: the same whatever brought them together, but for
// seeing it a second time.
func (w *World) respond(viewer, item, time int, t *truth) response {
	i := &w.items[item]
	d := roll(w.Seed, forResponse, uint64(viewer), uint64(item), uint64(time))
	var r response
	r.watched = sigmoid(t.logit+watchNoise*d.gauss()) * i.seconds
	r.click, r.like, r.hide = d.float() < t.click, d.float() < t.like, d.float() < t.hide
	r.buy, r.refund = d.float() < t.buy, d.float() < t.refund
	// 35 % of orders come within an hour, half within a day, the rest within a month.
	hours, u := 0.0, d.float()
	switch {
	case u < 0.35:
		hours = d.float()
	case u < 0.5:
		hours = 1 + 23*d.float()
	default:
		hours = min(24+240*d.exponential(), 720)
	}
	r.after = int64(hours / 24 * float64(day))
	r.back = int64((5 + 6*d.float()) * float64(day))
	return r
}
