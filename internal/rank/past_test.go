package rank

import (
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// dealt shows a viewer a page, of which they see the first place, and returns where it came from.
func (m *mill) dealt(v id.Viewer) (request id.Request, video [16]byte) {
	page, request := m.page(v, 1)
	if len(page.Slots) == 0 {
		m.t.Fatal("an empty page")
	}
	video = page.Candidates[page.Slots[0].Candidate].Video
	m.tell(v, request, 0, video, event.Impression, 0, 0)
	return request, video
}

// What a viewer did with a creator before is a feature of that creator's other videos, for this viewer alone.
func TestAViewersOwnPastIsAFeature(t *testing.T) {
	m := newMill(t, 61, 2, 2, 12)
	m.click = 0
	v := m.viewers[0]
	m.dealt(m.viewers[1])
	request, video := m.dealt(v)
	m.flush()
	f := m.fold
	creator := f.items.at(f.itemOf[video]).facts.Creator
	past := func(of id.Viewer, same bool) (Past, []Term) {
		t.Helper()
		for i := range uint32(f.items.n) {
			it := f.items.at(i)
			if it.id == video || (it.facts.Creator == creator) != same {
				continue
			}
			var viewer *viewer
			if n, known := f.viewerOf[bare(of)]; known {
				viewer = f.viewers.at(n)
			}
			s := f.situation(viewer, f.remember(viewer), i, 1, 0, 1)
			return s.Past, append([]Term(nil), f.termsOf(it, f.viewers.at(f.viewerOf[bare(v)]), &s)...)
		}
		t.Fatal("there is no such video")
		return 0, nil
	}
	before, without := past(v, true)
	for _, step := range []struct {
		do   func()
		want Past
	}{
		{func() { m.tell(v, request, 0, video, event.Watch, time.Minute, 0) }, PastWatched},
		{func() { m.tell(v, request, 0, video, event.ProductClick, 0, 0) }, PastWatched | PastClicked},
		{func() { m.buy(v, video) }, PastWatched | PastClicked | PastBought},
	} {
		step.do()
		m.flush()
		if is, _ := past(v, true); before != 0 || is != step.want {
			t.Errorf("the past with the creator is %b, want %b; it was %b", is, step.want, before)
		}
	}
	if other, _ := past(v, false); other != 0 {
		t.Errorf("the past with another creator is %b", other)
	}
	if stranger, _ := past(m.viewers[1], true); stranger != 0 {
		t.Errorf("somebody else's past with the creator is %b", stranger)
	}
	_, with := past(v, true)
	differ := 0
	for k := range with {
		if k >= len(without) || with[k].cell != without[k].cell {
			differ++
		}
	}
	if differ < 2 { // alone, and with the branch
		t.Errorf("%d terms go by the past", differ)
	}
}

// An impression closes ten minutes of log time after it was shown: until then an answer counts, and from then on it
// says nothing of the video. What was not answered was declined.
func TestImpressionsCloseAfterTenMinutes(t *testing.T) {
	m := newMill(t, 62, 3, 2, 12)
	m.click = 0
	f := m.fold
	for _, late := range []bool{false, true} {
		settled := f.settled
		v := m.viewer()
		request, video := m.dealt(v)
		m.flush()
		it := f.items.at(f.itemOf[video])
		clicks := it.clicks
		wait := closeAfter - time.Second
		if late {
			wait = closeAfter
		}
		m.tick(wait)
		m.flush()
		if closed := f.settled - settled; (closed == 1) != late {
			t.Errorf("after %v %d impressions are closed", wait, closed)
		}
		m.tell(v, request, 0, video, event.ProductClick, 0, 0)
		m.flush()
		if counted := it.clicks > clicks; counted == late {
			t.Errorf("a click after %v counted: %v", wait, counted)
		}
		m.tick(2 * time.Second) // the first one closes too
		m.flush()
	}
	if n := f.Report()["click"].N; n != 2 {
		t.Errorf("%v impressions were judged", n)
	}
}
