package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// Options say which world is made. Everything random in it comes from the seed.
type Options struct {
	Seed  uint64
	Scale float64 // 1 is 50,000 viewers, 5,000 creators, 40 impressions a viewer and day; stage budgets shrink alike
	Days  int

	// TrustFollowers is the correlation of a creator's trust with the logarithm of their followers.
	TrustFollowers float64

	// What follows is for worlds made for one question; 0 and nil leave it as Scale says.
	Viewers, Creators int
	Kinds             int     // categories that are posted in and liked
	Traffic           float64 // impressions a viewer and day
	Budgets           float64 // stage budgets, as a part of production's
	Guests            []Guest // creators with given traits, beside the others
	Plain             bool    // followers of a creator do as everybody does
	Swap              [2]int  // two creators who exchange all they post; followers stay where they are
}

// Guest is a creator whose traits are given.
type Guest struct {
	Name         string
	Followers    float64
	Craft, Trust float64
	From         float64 // day of their first video
	Every        float64 // days between two; 0: 2, as others in the mean
	Price        float64 // of everything they show, minor units; 0: as others
}

// The world's sizes at scale 1, and what does not shrink.
const (
	fullViewers  = 50_000
	fullCreators = 5_000
	fullTraffic  = 40.0
	tasteDim     = 16
	categories   = 24
	tasteScale   = 1.4  // length of a taste and of a video: u·x is at most 2, near 1.4 in the own category
	tasteNoise   = 0.35 // of a taste beside its categories, each direction
	followsMean  = 30
	postsEvery   = 2.0 // days between two videos of a creator, in the mean
	itemSpread   = 0.7 // of craft and trust within a creator
	priceMedian  = 4_000.0
	priceSpread  = 0.8
	budgetSpread = 0.5
	commission   = 0.10
	trustTied    = -0.15    // correlation of trust with the logarithm of followers
	livingLine   = 50_000.0 // minor units in 30 days at scale 1
)

// begins is when every world begins.
func begins() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }

// World is a seeded world before anybody was shown anything. It does not change while it is run.
type World struct {
	Options
	kinds    [categories]vector
	creators []creator
	items    []item
	viewers  []viewer
	itemOf   map[[16]byte]int
	prologue []stream.Record // catalogue-free beginning of the log: who follows whom
}

type vector [tasteDim]float64

func (v *vector) dot(o *vector) float64 {
	s := 0.0
	for k := range v {
		s += v[k] * o[k]
	}
	return s
}

// scaled returns the vector with a given length.
func (v *vector) scaled(to float64) vector {
	n := math.Sqrt(v.dot(v))
	var o vector
	for k := range v {
		o[k] = v[k] * to / max(n, 1e-9)
	}
	return o
}

// What dice are thrown for.
const (
	forKinds uint64 = iota + 1
	forCreator
	forItem
	forViewer
	forFollows
	forSession
	forResponse
	forPage
	forEvent
)

// NewWorld makes a world.
func NewWorld(o Options) (*World, error) {
	if !(o.Scale > 0 && o.Scale <= 1) || o.Days < 1 {
		return nil, fmt.Errorf("a world has a scale in (0, 1] and at least one day; this one has %v and %d", o.Scale, o.Days)
	}
	if o.Viewers == 0 {
		o.Viewers = max(int(math.Round(fullViewers*o.Scale)), 20)
	}
	if o.Creators == 0 {
		o.Creators = max(int(math.Round(fullCreators*o.Scale)), 5)
	}
	if o.Kinds == 0 {
		o.Kinds = categories
	}
	if o.Traffic == 0 {
		o.Traffic = fullTraffic * o.Scale
	}
	if o.Budgets == 0 {
		o.Budgets = o.Scale
	}
	w := &World{Options: o, itemOf: map[[16]byte]int{}}
	for k := range w.kinds {
		d := roll(o.Seed, forKinds, uint64(k))
		var v vector
		for i := range v {
			v[i] = d.gauss()
		}
		w.kinds[k] = v.scaled(1)
	}
	w.populate()
	return w, w.tell()
}

// populate makes the people and everything they will post, the earliest first.
func (w *World) populate() {
	for k := range w.Creators {
		w.creators = append(w.creators, w.newCreator(k))
	}
	for k, g := range w.Guests {
		c := w.newCreator(w.Creators + k)
		c.name, c.followers, c.craft, c.trust = g.Name, g.Followers, g.Craft, g.Trust
		w.creators = append(w.creators, c)
	}
	for k := range w.creators {
		w.post(k)
	}
	for k := range w.items {
		switch i := &w.items[k]; {
		case w.Swap[0] == w.Swap[1]:
		case i.creator == w.Swap[0]:
			i.creator = w.Swap[1]
		case i.creator == w.Swap[1]:
			i.creator = w.Swap[0]
		}
	}
	slices.SortStableFunc(w.items, func(a, b item) int { return int(a.at - b.at) })
	for i := range w.items {
		w.itemOf[w.items[i].id] = i
	}
	for k := range w.Viewers {
		w.viewers = append(w.viewers, w.newViewer(k))
	}
}

// end is when a world ends, in microseconds from its beginning.
func (w *World) end() int64 { return int64(w.Days) * day }

const day = int64(24 * time.Hour / time.Microsecond)

// slug is a category's name: 24 in six branches.
func slug(category int) string { return fmt.Sprintf("branch%d.kind%d", category/4, category%4) }

// Impressions returns about how many impressions a run of the world has.
func (w *World) Impressions() float64 { return float64(w.Viewers) * w.Traffic * float64(w.Days) }

func creatorID(u [16]byte) id.Creator { return id.Creator("").From(u) }
