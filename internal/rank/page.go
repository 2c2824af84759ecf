package rank

import (
	"strings"

	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// Request asks for a page.
type Request struct {
	ID       [16]byte // of the request: with the policy it seeds everything drawn
	Viewer   [16]byte
	Surface  id.Surface
	Category string // slug, of SurfaceCategory
	Personal bool   // may the page go by what the viewer did?
	Device   uint8  // as event.Agent
	Way      uint64 // the viewer's way through the feed: where its reserved places lie
	Offset   int    // places of the way before this page
	N        int    // places wanted
	// Skip reports videos that must not be candidates: served in this session, hidden or reported by this
	// viewer, or not for showing by what the caller knows. It must not call the fold. nil skips none.
	Skip func(video [16]byte) bool
}

// Source is a set of ways by which a video became a candidate.
type Source uint16

// The sources; their bits are part of the log and never change.
const (
	FromTaste    Source = 1 << iota // near the viewer's taste
	FromTogether                    // watched together with what the viewer watched
	FromBest                        // among the best of a category
	FromIntent                      // shows what the viewer lately looked at to buy, or the like
	FromFollowed                    // of a creator whom the viewer follows
	FromTests                       // being tested
	FromChance                      // drawn among everything
	FromAgain                       // seen before; nothing unseen is left
)

// Chosen is a candidate as a page knew it.
type Chosen struct {
	Video    [16]byte
	Sources  Source
	Category string // slug
	Worth    Worth
	Odds     [Heads]float64 // calibrated probability of each head
	Stage    int
	Testing  bool
	Because  [16]byte // the video that the viewer watched or opened and that brought it; zero: none did
}

// Page is a drawn page with all that it takes to draw it again.
type Page struct {
	Position   stream.Position // the whole page was read at it
	Policy     [16]byte
	Name       string
	Version    uint32
	Seed       uint64
	Control    bool
	Uniform    bool // the viewer belongs to the control policy: the caller draws evenly, nothing is here
	Candidates []Chosen
	Slots      []Slot
	Skipped    [][16]byte // videos that came up and Skip refused, in the order they came up

	hash  uint64      // of the policy
	known []Candidate // the candidates as the draw knew them
}

// Page draws a page at one position of the log. An empty catalogue gives an empty page; a viewer who has
// seen everything sees things again.
func (f *Fold) Page(r Request) Page {
	f.mu.RLock()
	defer f.mu.RUnlock()
	in := f.assigned(r.Viewer)
	seed := seeded(idSeed(r.ID), in.hash)
	page := Page{Position: f.position, Policy: in.id, Name: in.policy.Name, Version: in.number, Seed: uint64(seed), hash: in.hash}
	if in.chance {
		page.Uniform = true
		return page
	}
	chance := seeded(idSeed(r.ID), 0x636f6e74726f6c)
	page.Control = chance.float() < in.policy.Control
	g := f.gather(&r, seed)
	page.Skipped = g.skipped
	if len(g.list) == 0 {
		return page
	}
	d := Draw{Policy: &in.policy, Seed: uint64(seed), Way: r.Way, Offset: r.Offset, Home: r.Surface == id.SurfaceHome, Control: page.Control}
	d.Candidates, page.Candidates = f.value(&r, g, &in.policy)
	page.known = d.Candidates
	page.Slots = d.Slate(r.N)
	return page
}

// assigned returns the policy of a viewer: policies side by side split the viewers by hash.
func (f *Fold) assigned(viewer [16]byte) *inForce {
	at := uint32(mix(idSeed(viewer)^0x706f6c696379) % 10_000)
	for k := range f.policies {
		if at < f.policies[k].share {
			return &f.policies[k]
		}
		at -= f.policies[k].share
	}
	return &f.policies[0]
}

// value predicts and prices what was gathered.
func (f *Fold) value(r *Request, g *gathering, p *Policy) ([]Candidate, []Chosen) {
	candidates, chosen := make([]Candidate, len(g.list)), make([]Chosen, len(g.list))
	memory := f.remember(g.viewer)
	var cell *Cell
	if g.viewer != nil {
		cell = &g.viewer.cell
	}
	terms := make([]Term, 0, MaxTerms)
	for k, from := range g.list {
		it := f.items.look(from.item)
		made := f.creators.look(it.facts.Creator)
		s := f.situation(g.viewer, memory, from.item, uint8(r.Surface), r.Device, 0)
		terms = f.weights.terms(terms[:0], &it.facts, &s, &it.cell, &made.cell, cell, float64(it.shown), recordWorth)
		of := scores(terms)
		for h := range Heads {
			of[h].Mean = f.calibrate[h].Logit(of[h].Mean)
		}
		var goods Goods
		if it.facts.Product != 0 {
			goods = f.products.look(it.facts.Product - 1).goods()
		}
		w := p.Worth(float64(it.facts.Seconds), &of, goods)
		testing := it.testingAt != 0
		candidates[k] = Candidate{
			Item: from.item, Creator: it.facts.Creator, Product: it.facts.Product, Category: uint32(it.facts.Category),
			Value: w.Total, SD: w.SD, Exposure: float64(made.exposure), Testing: testing, Followed: from.sources == FromFollowed, Need: w.SD,
		}
		chosen[k] = Chosen{Video: it.id, Sources: from.sources, Category: f.categories[it.facts.Category].name, Worth: w, Stage: int(it.stage), Testing: testing}
		for h := range Heads {
			chosen[k].Odds[h] = of[h].P()
		}
		if from.because != 0 {
			chosen[k].Because = f.items.look(from.because - 1).id
		}
	}
	return candidates, chosen
}

// within reports which categories a slug means: itself and its branches; nil for all.
func (f *Fold) within(slug string) []bool {
	if slug == "" {
		return nil
	}
	in := make([]bool, len(f.categories))
	for k := range f.categories {
		name := f.categories[k].name
		in[k] = name == slug || strings.HasPrefix(name, slug+".")
	}
	return in
}
