package rank

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// A viewer's leanings stay in order and within what is remembered, whatever they do, and fade towards what
// they did last.
func TestLeaningsStayInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v viewer
		deeds := rapid.IntRange(1, 200).Draw(t, "deeds")
		for range deeds {
			v.lean(rapid.Uint16Range(0, 40).Draw(t, "category"), float32(rapid.Float64Range(-0.5, 0.5).Draw(t, "by")), float32(rapid.IntRange(0, 1).Draw(t, "n")))
			there := map[uint32]bool{}
			for k := range v.leanings {
				l := &v.leanings[k]
				switch {
				case l.category == 0:
					if l.n != 0 || l.sum != 0 {
						t.Fatalf("an empty place holds %+v", *l)
					}
				case there[l.category]:
					t.Fatalf("category %d is there twice", l.category)
				case k > 0 && v.leanings[k-1].category == 0:
					t.Fatal("an empty place stands before one that is taken")
				case k > 0 && v.leanings[k-1].value() < l.value():
					t.Fatalf("%v stands before %v", v.leanings[k-1], *l)
				case l.n > 1/(1-leaningKeep)+1 || l.step() > 15:
					t.Fatalf("%+v counts more than is remembered", *l)
				}
				there[l.category] = true
			}
		}
	})
}

// Who is known best is not pushed out by a crowd of categories that were met once.
func TestTheBestKnownLeaningsAreKept(t *testing.T) {
	var v viewer
	for range 10 {
		v.lean(1, 0.3, 1)
		v.lean(2, -0.3, 1)
	}
	for k := range uint16(100) {
		v.lean(10+k, 0.1, 1)
	}
	known := map[uint32]float32{}
	for _, l := range v.leanings {
		known[l.category] = l.value()
	}
	if known[2] < 0.15 || known[3] > -0.15 || v.likes(0) != 2 {
		t.Errorf("what was liked ten times %v, disliked ten times %v, first is %d", known[2], known[3], v.likes(0))
	}
	for range 60 { // they changed
		v.lean(1, -0.3, 1)
	}
	if v.likes(0) == 2 {
		t.Error("what is disliked by now is still liked best")
	}
}

// What somebody likes shows in how long they watch, though they skip much of it and watch much else to its
// end, and click nothing: six pages tell it.
func TestAFewPagesTellWhatSomebodyLikes(t *testing.T) {
	m := newMill(t, 11, 40, 24, 240)
	m.run(6)
	dice := seeded(12)
	page := func(v id.Viewer, likes int) (share float64) {
		page, request := m.page(v, 8)
		for k, slot := range page.Slots {
			video := page.Candidates[slot.Candidate].Video
			m.now = m.now.Add(time.Second)
			m.tell(v, request, k, video, event.Impression, 0, 0)
			whole := 0.35
			if m.category[video] == likes {
				share += 1 / float64(len(page.Slots))
				whole = 0.65
			}
			watched := time.Second
			if dice.float() < whole {
				watched = 20 * time.Second
			}
			m.tell(v, request, k, video, event.Watch, watched, 0)
		}
		m.tick(time.Minute)
		return share
	}
	share, people := 0.0, 24
	for k := range people {
		v := m.viewer()
		for range 6 {
			page(v, k%len(slugs))
		}
		for range 4 {
			share += page(v, k%len(slugs)) / float64(4*people)
		}
	}
	if t.Logf("%.2f", share); share < 0.5 {
		t.Errorf("after six pages %.2f of the next four are of the category that each watches longest; chance gives 0.25", share)
	}
}
