package rank

import (
	"math"
	"testing"
)

// A policy differs from itself in nothing; one that wants something else shows something else, and more of it.
func TestAPreviewShowsTheDifference(t *testing.T) {
	m := newMill(t, 12, 30, 10, 120)
	if p := m.fold.Preview(Value(), 100); p.Requests != 0 || p.Slots != 0 || p.Differ != 0 {
		t.Errorf("of nothing: %+v", p)
	}
	m.run(rounds(200))
	m.flush()
	same := m.fold.Preview(Value(), 100)
	if same.Requests != 100 || same.Slots < 700 || same.Differ != 0 || same.Now.Watch != same.Then.Watch || same.Now.Before != same.Then.After {
		t.Errorf("against itself: %+v", same)
	}
	whole := 0.0
	for _, part := range same.Now.Stages {
		whole += part.Share
	}
	if math.Abs(whole-1) > 1e-9 || same.Now.Creators == 0 || same.Now.TopTenth <= 0 {
		t.Errorf("the parts: %+v", same.Now)
	}
	watch := Value()
	watch.Name, watch.Watch, watch.Sale, watch.ReturnCost, watch.Engage, watch.Negative, watch.Temperature = "watch", 50, 0, 0, 0, 0, 0.02
	other := m.fold.Preview(watch, 100)
	if other.Differ < 0.2 || other.Then.After <= other.Now.After {
		t.Errorf("a policy that wants watching: %v differ, worth by its own weights %v, then %v", other.Differ, other.Now.After, other.Then.After)
	}
	// Looking changes nothing.
	if before, after := sum(t, m.fold), m.fold.Preview(watch, 10); after.Requests != 10 || sum(t, m.fold) != before {
		t.Error("a preview changed the fold")
	}
}

// Where a video stands is what its steps and its served places say.
func TestADistributionIsWhatWasDecided(t *testing.T) {
	m := newMill(t, 13, 30, 10, 24)
	m.run(rounds(250))
	m.flush()
	decided := 0
	for _, v := range m.videos {
		d, ok := m.fold.Distribution(bare(v))
		if !ok {
			t.Fatal("unknown")
		}
		if d.Stages != 4 || d.Stage < 1 || d.Stage > 5 || d.Budget < 200 || d.Category == "" || !d.Active {
			t.Errorf("%+v", d)
		}
		if d.Now.Chance < 0 || d.Now.Chance > 1 || d.Viewpoint.Evidence.Impressions > float64(d.Served) || d.Viewpoint.Price == 0 {
			t.Errorf("now %+v, %+v", d.Now, d.Viewpoint)
		}
		decided += len(d.Steps)
	}
	if decided == 0 {
		t.Error("nothing was decided: this proves nothing")
	}
	if _, ok := m.fold.Distribution(m.uuid()); ok {
		t.Error("a video nobody knows stands somewhere")
	}
	if q, n := m.fold.Quality(); n == 0 || q[Watch].N == 0 {
		t.Errorf("quality of %d: %+v", n, q)
	}
}
