package rank

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// servedOf are the pages of a log with where they stand in it.
func servedOf(t *testing.T, log []stream.Record) (pages []event.Served, at []int) {
	t.Helper()
	for k, r := range log {
		if r.Kind != event.KindServed {
			continue
		}
		var s event.Served
		if err := s.Decode(r.Data); err != nil {
			t.Fatal(err)
		}
		pages, at = append(pages, s), append(at, k)
	}
	return pages, at
}

// A page is drawn again, to the byte, from a snapshot and the log before it alone; whatever is changed
// in its record is named.
func TestAPageIsDrawnAgain(t *testing.T) {
	m := newMill(t, 5, 30, 10, 120)
	m.run(60)
	state, err := m.fold.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	from := len(m.log)
	v := m.viewers[3]
	skip := map[[16]byte]bool{}
	for k, video := range m.videos {
		skip[bare(video)] = k%3 == 0
	}
	ask := Request{ID: m.uuid(), Viewer: bare(v), Surface: id.SurfaceCategory, Category: slugs[3%len(slugs)], Personal: true, Way: 7, Offset: 12, N: 6,
		Skip: func(u [16]byte) bool { return skip[u] }}
	m.run(20)
	m.flush()
	page := m.fold.Page(ask)
	logged := event.Served{Request: id.Request("").From(ask.ID), Viewer: v, At: m.now}
	page.Record(&ask, &logged)
	if len(logged.Slots) == 0 || len(logged.Skipped) == 0 {
		t.Fatalf("%d slots, %d refused: this page proves nothing", len(logged.Slots), len(logged.Skipped))
	}
	logged.Slots = logged.Slots[:len(logged.Slots)-1] // one was spare
	logged.Slots[0].Kind = event.SlotWithheld

	f, err := New(Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Restore(state); err != nil {
		t.Fatal(err)
	}
	if err := f.Apply(m.log[from:]); err != nil {
		t.Fatal(err)
	}
	again, err := f.Again(&logged)
	if err != nil {
		t.Fatal(err)
	}
	brief := logged
	brief.Slots = slices.Clone(logged.Slots)
	brief.Brief()
	if len(brief.Candidates) != len(brief.Slots) || brief.Count() != len(logged.Candidates) {
		t.Fatalf("%d of %d candidates are left for %d slots", len(brief.Candidates), brief.Count(), len(brief.Slots))
	}
	differs(t, logged, again)
	differs(t, brief, again)
	if elsewhere := logged; true {
		elsewhere.Position = stream.Position{}.String()
		if _, err := m.fold.Again(&elsewhere); err == nil && elsewhere.Position != logged.Position {
			t.Error("a fold elsewhere drew it")
		}
	}
}

// differs holds that a record is the same as what was drawn again, and that whatever is changed in it is named.
func differs(t *testing.T, logged, again event.Served) {
	t.Helper()
	if found := Differences(&logged, &again); found != nil {
		t.Fatalf("drawn again it differs in %v", found)
	}
	for what, change := range map[string]func(s *event.Served){
		"candidates":  func(s *event.Served) { s.Candidates[0], s.Candidates[1] = s.Candidates[1], s.Candidates[0] },
		"sources":     func(s *event.Served) { s.Sources[2] ^= 1 },
		"filters":     func(s *event.Served) { s.Skipped = append(s.Skipped, uuid.New()) },
		"predictions": func(s *event.Served) { s.Sum[3]++ },
		"slot 1":      func(s *event.Served) { s.Slots[0].Propensity *= 0.99 },
		"slot 3":      func(s *event.Served) { s.Slots[2].Candidate++ },
		"seed":        func(s *event.Served) { s.Seed++ },
		"policy":      func(s *event.Served) { s.PolicyVersion++ },
		"request":     func(s *event.Served) { s.At = s.At.Add(time.Second) },
	} {
		false := logged
		false.Candidates, false.Sources = slices.Clone(logged.Candidates), slices.Clone(logged.Sources)
		false.Skipped, false.Slots = slices.Clone(logged.Skipped), slices.Clone(logged.Slots)
		change(&false)
		if found := Differences(&false, &again); !slices.Contains(found, what) {
			t.Errorf("with another %s: %v", what, found)
		}
	}
}

// rounds is how long a mill runs: a third of it where the tests are short, as under the race detector.
func rounds(n int) int {
	if testing.Short() {
		return n / 3
	}
	return n
}

// One page in a hundred is logged with all its predictions, and can be drawn again without any fold.
func TestAPageInFullIsItsOwnProof(t *testing.T) {
	m := newMill(t, 6, 30, 10, 120)
	m.run(rounds(400))
	pages, _ := servedOf(t, m.log)
	value, full := Value(), 0
	for k := range pages {
		s := &pages[k]
		if len(s.Detail) == 0 {
			if _, err := Redraw(s, &value); err == nil {
				t.Fatal("drawn from nothing")
			}
			continue
		}
		full++
		if !TrueDetail(s) {
			t.Error("the sum is not that of the detail")
		}
		drawn, err := Redraw(s, &value)
		if err != nil {
			t.Fatal(err)
		}
		if found := SlotDifferences(s.Slots, drawn); found != nil {
			t.Errorf("page %d differs in %v", k, found)
		}
		other := value
		other.Temperature = 5
		_, control, err := Details(s)
		if err != nil {
			t.Fatal(err)
		}
		// Of a page drawn by chance alone the temperature is no part.
		if drawn, _ := Redraw(s, &other); (SlotDifferences(s.Slots, drawn) == nil) != control {
			t.Errorf("page %d, by chance %v: another policy draws the same: %v", k, control, !control)
		}
	}
	if full == 0 || full > len(pages)/10 {
		t.Errorf("%d of %d pages are in full", full, len(pages))
	}
}

func weights(t *testing.T, name string, change func(*Policy)) json.RawMessage {
	t.Helper()
	p := Value()
	p.Name = name
	change(&p)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A split is obeyed whole, at one position, or not at all; it outlives a snapshot.
func TestASplitIsObeyedWhole(t *testing.T) {
	m := newMill(t, 7, 4, 4, 40)
	bold := id.Policy("").From([16]byte{6: 0x70, 8: 0x80, 15: 9})
	value, even := id.Policy("").From([16]byte{15: 3}), id.Policy("").From([16]byte{15: 1})
	split := func(shares ...event.PolicyShare) map[string]int {
		m.fact(event.PolicySplit{Number: 1, Policies: shares})
		m.flush()
		state, err := m.fold.AppendState(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.fold.Restore(state); err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for range 4_000 {
			page := m.fold.Page(Request{ID: m.uuid(), Viewer: m.uuid(), Surface: id.SurfaceHome, N: 2})
			got[page.Name]++
			if page.Uniform != (page.Name == Uniform) || page.Uniform && len(page.Slots)+len(page.Candidates) > 0 {
				t.Fatalf("%+v", page)
			}
		}
		return got
	}
	near := func(got map[string]int, name string, want int) {
		t.Helper()
		if d := got[name] - want; d < -200 || d > 200 {
			t.Errorf("%s has %d of 4,000 pages, not about %d", name, got[name], want)
		}
	}
	uniform := event.PolicyShare{Policy: even, Name: Uniform, Version: 1, Share: 1000}
	got := split(event.PolicyShare{Policy: value, Name: "value", Version: 1, Share: 3000, Weights: weights(t, "value", func(*Policy) {})},
		uniform, event.PolicyShare{Policy: bold, Name: "bold", Version: 4, Share: 6000, Weights: weights(t, "bold", func(p *Policy) { p.Stages[0] = 50 })})
	near(got, "value", 1200)
	near(got, "bold", 2400)
	near(got, Uniform, 400)
	if first := m.fold.policies[0]; first.policy.Name != "bold" || first.number != 4 || first.policy.Stages[0] != 50 {
		t.Errorf("stages go by %+v", first)
	}
	for what, shares := range map[string][]event.PolicyShare{
		"not the whole": {uniform},
		"bad weights":   {uniform, {Policy: bold, Name: "bold", Share: 9000, Weights: json.RawMessage(strings.Replace(string(weights(t, "bold", func(*Policy) {})), `"watch":2`, `"watch":-2`, 1))}},
		"below nothing": {uniform, {Policy: bold, Name: "bold", Share: -1000, Weights: weights(t, "bold", func(*Policy) {})}, {Policy: value, Name: "value", Share: 10_000, Weights: weights(t, "value", func(*Policy) {})}},
		"empty":         nil,
	} {
		if got := split(shares...); got["bold"] < 2000 {
			t.Errorf("%s was obeyed: %v", what, got)
		}
	}
	uniform.Share = 10_000
	if got := split(uniform); got[Uniform] != 4_000 {
		t.Errorf("the control alone: %v", got)
	}
}

// After a reset a viewer's pages are those of somebody new who follows the same; others' are as they were.
func TestAResetIsANewBeginning(t *testing.T) {
	m := newMill(t, 8, 20, 8, 120)
	m.fact(event.CreatorFollowed{Creator: m.creators[1], Viewer: m.viewers[2]})
	m.run(80)
	u := bare(m.viewers[2])
	if d := m.fold.viewers.at(m.fold.viewerOf[u]); d.deedAt == 0 || d.shown == 0 {
		t.Fatal("this viewer did nothing")
	}
	other := *m.fold.viewers.at(m.fold.viewerOf[bare(m.viewers[5])])
	m.fact(event.ViewerReset{Viewer: m.viewers[2]})
	m.flush()
	v := m.fold.viewers.at(m.fold.viewerOf[u])
	fresh := viewer{id: u, taste: v.taste, follows: v.follows}
	if *v != fresh || v.taste.sum != 0 {
		t.Errorf("something is left: %+v", v)
	}
	if whom := m.fold.followed(v); len(whom) != 1 {
		t.Errorf("they follow %v", whom)
	}
	if *m.fold.viewers.at(m.fold.viewerOf[bare(m.viewers[5])]) != other {
		t.Error("somebody else was changed")
	}
	m.fact(event.ViewerReset{Viewer: m.viewer()}) // of somebody unknown: nothing
	m.flush()
	m.run(10)
}
