package rank

import (
	"slices"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// askedMost is how many of the last requests are remembered for previews.
const askedMost = 256

// ask remembers a request for a page.
func (f *Fold) ask(s *event.Served) {
	r, err := requestOf(s)
	if err != nil || (s.Surface == id.SurfaceCategory && s.Category == "") {
		return
	}
	if r.N == 0 {
		r.N = len(s.Slots)
	}
	f.asked[f.askedN%askedMost] = r
	f.askedN++
}

// Part is a share of something with what it is of.
type Part struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
}

// Exposure is what a policy shows on a sample of pages and what is expected of it, per impression.
type Exposure struct {
	Policy     string  `json:"policy"`
	Stages     []Part  `json:"stages"`     // 1 is the first; one more than there are: open
	Categories []Part  `json:"categories"` // by their first word, the largest first
	Testing    float64 `json:"testing"`    // part of the slots with videos that are being tested
	Creators   int     `json:"creators"`   // how many are on the sample's pages
	TopTenth   float64 `json:"top_tenth"`  // part of the slots of the tenth of them who are shown most
	Watch      float64 `json:"watch"`      // expected percentile of the time watched
	Click      float64 `json:"click"`      // expected clicks
	Order      float64 `json:"order"`      // expected orders
	Engage     float64 `json:"engage"`
	Negative   float64 `json:"negative"`
	Sales      float64 `json:"sales"`  // expected worth of orders after returns, minor units
	Before     float64 `json:"before"` // expected worth by the weights in force, minor units
	After      float64 `json:"after"`  // by the weights tried, minor units
}

// Preview is what another policy would have shown on the last requests, as the fold knows viewers and
// videos now.
type Preview struct {
	Requests int      `json:"requests"`
	Slots    int      `json:"slots"`
	Differ   float64  `json:"differ"` // part of the slots that would show another video
	Now      Exposure `json:"now"`
	Then     Exposure `json:"then"`
}

// Preview draws up to most of the last requests with the policy that each viewer has and with another, from the
// same candidates and the same random numbers: a policy differs from itself in nothing. It reads page by
// page, so that the writer waits for none of it longer than for a page.
func (f *Fold) Preview(p Policy, most int) Preview {
	now, then := exposing{}, exposing{}
	var found Preview
	for _, r := range f.Lately(most) {
		f.previewOne(r, &p, &found, &now, &then)
	}
	if found.Slots > 0 {
		found.Differ /= float64(found.Slots)
	}
	found.Now, found.Then = now.exposure(), then.exposure()
	found.Then.Policy = p.Name
	return found
}

// Lately returns up to most of the last requests that the log told of since this process began to listen, the newest
// first.
func (f *Fold) Lately(most int) []Request {
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := make([]Request, 0, min(most, askedMost))
	for k := 1; k <= min(f.askedN, askedMost) && len(list) < most; k++ {
		list = append(list, f.asked[(f.askedN-k)%askedMost])
	}
	return list
}

func (f *Fold) previewOne(r Request, p *Policy, found *Preview, now, then *exposing) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	in := f.assigned(r.Viewer)
	if in.chance {
		in = &f.policies[0]
	}
	seed := seeded(idSeed(r.ID), in.hash)
	g := f.gather(&r, seed)
	if len(g.list) == 0 {
		return
	}
	draw := func(by *Policy) ([]Candidate, []Chosen, []Slot) {
		d := Draw{Policy: by, Seed: uint64(seed), Way: r.Way, Offset: r.Offset, Home: r.Surface == id.SurfaceHome}
		candidates, chosen := f.value(&r, g, by)
		d.Candidates = candidates
		return candidates, chosen, d.Slate(r.N)
	}
	candidates, old, before := draw(&in.policy)
	_, tried, after := draw(p)
	found.Requests++
	found.Slots += len(after)
	for k, slot := range after {
		if k >= len(before) || before[k].Candidate != slot.Candidate {
			found.Differ++
		}
	}
	stages := len(f.policies[0].policy.Stages)
	for _, of := range []struct {
		into  *exposing
		slots []Slot
	}{{now, before}, {then, after}} {
		of.into.policy = in.policy.Name
		for _, slot := range of.slots {
			k := slot.Candidate
			of.into.add(f, candidates[k], &old[k], min(old[k].Stage, stages+1))
			of.into.before += old[k].Worth.Total
			of.into.after += tried[k].Worth.Total
		}
	}
}

// exposing adds up an exposure.
type exposing struct {
	policy                                                      string
	n, testing                                                  float64
	stages                                                      [MaxStages + 2]float64
	categories                                                  map[string]float64
	creators                                                    map[uint32]float64
	watch, click, order, engage, negative, sales, before, after float64
}

func (e *exposing) add(f *Fold, c Candidate, of *Chosen, stage int) {
	if e.creators == nil {
		e.categories, e.creators = map[string]float64{}, map[uint32]float64{}
	}
	e.n++
	e.stages[min(max(stage, 1), MaxStages+1)]++
	e.creators[c.Creator]++
	e.categories[f.categories[f.categories[c.Category].top].name]++
	if of.Testing {
		e.testing++
	}
	e.watch += of.Odds[Watch]
	e.click += of.Odds[Click]
	e.engage += of.Odds[Engage]
	e.negative += of.Odds[Negative]
	e.order += of.Odds[Click] * of.Odds[Buy]
	if c.Product != 0 {
		g := f.products.at(c.Product - 1).goods()
		e.sales += of.Odds[Click] * of.Odds[Buy] * g.Order * (1 - g.Return)
	}
}

func (e *exposing) exposure() Exposure {
	x := Exposure{Policy: e.policy, Stages: []Part{}, Categories: []Part{}, Creators: len(e.creators)}
	if e.n == 0 {
		return x
	}
	for stage, n := range e.stages {
		if n > 0 {
			x.Stages = append(x.Stages, Part{Name: string(rune('0' + stage)), Share: n / e.n})
		}
	}
	for name, n := range e.categories {
		x.Categories = append(x.Categories, Part{name, n / e.n})
	}
	slices.SortFunc(x.Categories, func(a, b Part) int {
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		case a.Name < b.Name:
			return -1
		}
		return 1
	})
	shown := make([]float64, 0, len(e.creators))
	for _, n := range e.creators {
		shown = append(shown, n)
	}
	slices.Sort(shown)
	slices.Reverse(shown)
	for _, n := range shown[:(len(shown)+9)/10] {
		x.TopTenth += n / e.n
	}
	x.Testing, x.Watch, x.Click, x.Order = e.testing/e.n, e.watch/e.n, e.click/e.n, e.order/e.n
	x.Engage, x.Negative, x.Sales, x.Before, x.After = e.engage/e.n, e.negative/e.n, e.sales/e.n, e.before/e.n, e.after/e.n
	return x
}
