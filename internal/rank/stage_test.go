package rank

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/event"
)

// kitchen is a category as the literature describes one: 2 % clicks, 3 % of them buy, 40.00 each.
func kitchen() Category {
	return Category{Watch: Beta{10, 10}, Click: Beta{1.2, 58.8}, Buy: Beta{1.5, 48.5}, Margin: 4_000}
}

func TestJudge(t *testing.T) {
	p := Value()
	for _, c := range []struct {
		name  string
		stage int
		more  bool
		e     Evidence
		want  Decision
	}{
		{"nobody looks", 1, false, Evidence{Impressions: 200, Watch: 40}, Stop},
		{"three times the clicks", 1, false, Evidence{Impressions: 200, Watch: 100, Clicks: 12}, Promote},
		{"watched well", 1, false, Evidence{Impressions: 200, Watch: 140, Clicks: 4}, Promote},
		{"a little below the middle", 1, false, Evidence{Impressions: 200, Watch: 94, Clicks: 2}, Extend},
		{"the same after its second budget", 1, true, Evidence{Impressions: 200, Watch: 94, Clicks: 2}, Stop},
		{"clicks and nobody buys", 4, false, Evidence{Impressions: 25_000, Watch: 12_500, Clicks: 750, Clicked: 700, Orders: 2}, Stop},
		{"clicks and they buy", 4, false, Evidence{Impressions: 25_000, Watch: 13_000, Clicks: 1_000, Clicked: 950, Orders: 45}, Promote},
	} {
		got := p.Judge(c.stage, c.more, c.e, kitchen(), Record{})
		if got.Decision != c.want {
			t.Errorf("%s: %v at a chance of %.3f, want %v", c.name, got.Decision, got.Chance, c.want)
		}
		if words := got.Words("Kitchen", 4); !strings.Contains(words, "Kitchen") || !strings.HasSuffix(words, ".") {
			t.Errorf("%s: %q", c.name, words)
		}
	}
}

// However long a creator's record, it is worth no more than 200 impressions: after 1,000 of its own a
// video that nobody wants is stopped all the same.
func TestARecordHelpsAndNeverCarries(t *testing.T) {
	p := Value()
	great := Record{Watch: Count{8_000_000, 10_000_000}, Click: Count{800_000, 10_000_000}, Buy: Count{80_000, 800_000}}
	none, with := p.Judge(1, false, Evidence{Impressions: 200, Watch: 96, Clicks: 3}, kitchen(), Record{}), p.Judge(1, false, Evidence{Impressions: 200, Watch: 96, Clicks: 3}, kitchen(), great)
	if with.Chance <= none.Chance {
		t.Errorf("a record does not help: %v against %v", with.Chance, none.Chance)
	}
	if s := p.Judge(2, false, Evidence{Impressions: 1_000, Watch: 300, Clicks: 2, Clicked: 2}, kitchen(), great); s.Decision == Promote {
		t.Errorf("a record carries: %+v", s)
	}
	if s := p.Judge(3, false, Evidence{Impressions: 5_000, Watch: 1_500, Clicks: 10, Clicked: 10}, kitchen(), great); s.Decision != Stop {
		t.Errorf("a record carries: %+v", s)
	}
	huge := Record{Watch: Count{8e9, 1e10}, Click: Count{8e8, 1e10}, Buy: Count{8e7, 8e8}}
	a, b := p.Judge(1, false, Evidence{Impressions: 200, Watch: 96, Clicks: 3}, kitchen(), great), p.Judge(1, false, Evidence{Impressions: 200, Watch: 96, Clicks: 3}, kitchen(), huge)
	if math.Abs(a.Chance-b.Chance) > 1e-3 {
		t.Errorf("a thousand times the record changes the chance from %v to %v", a.Chance, b.Chance)
	}
}

func TestJudgeLikesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Value()
		stage := rapid.IntRange(1, 4).Draw(t, "stage")
		n := rapid.Float64Range(50, 1e6).Draw(t, "impressions")
		e := Evidence{Impressions: n, Watch: n * rapid.Float64Range(0, 0.9).Draw(t, "watch"), Clicks: n * rapid.Float64Range(0, 0.2).Draw(t, "click")}
		more := e
		more.Watch += n * 0.05
		a, b := p.Judge(stage, false, e, kitchen(), Record{}), p.Judge(stage, false, more, kitchen(), Record{})
		if !(a.Chance >= 0 && b.Chance <= 1) || b.Chance < a.Chance-0.02 {
			t.Fatalf("watched longer and less likely: %v, then %v", a.Chance, b.Chance)
		}
	})
}

func TestBudgets(t *testing.T) {
	p := Value()
	for _, c := range []struct {
		stage, want int
		more        bool
	}{{1, 200, false}, {1, 400, true}, {2, 1_000, false}, {2, 1_800, true}, {4, 25_000, false}, {9, 25_000, false}, {0, 200, false}} {
		if got := p.Budget(c.stage, c.more); got != c.want {
			t.Errorf("stage %d extended %v: %d, want %d", c.stage, c.more, got, c.want)
		}
	}
}

func TestBetaIsTheTextbooks(t *testing.T) {
	for _, c := range []struct{ a, b, x, want float64 }{
		{1, 1, 0.3, 0.3}, {2, 2, 0.5, 0.5}, {2, 3, 0.4, 0.5248}, {0.5, 0.5, 0.25, 1.0 / 3}, {5, 1, 0.9, 0.59049}, {1, 30, 0.05, 1 - math.Pow(0.95, 30)},
	} {
		if got := (Beta{c.a, c.b}).Below(c.x); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("I_%v(%v,%v) = %.10f, want %.10f", c.x, c.a, c.b, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		b := Beta{rapid.Float64Range(0.5, 5_000).Draw(t, "a"), rapid.Float64Range(0.5, 5_000).Draw(t, "b")}
		q := rapid.Float64Range(0.001, 0.999).Draw(t, "q")
		if got := b.Below(b.Quantile(q)); math.Abs(got-q) > 1e-6 {
			t.Fatalf("%v: below its quantile %v lies %v", b, q, got)
		}
	})
}

// A group drawn from a known belief gives the belief back.
func TestFitBetaFindsWhatMadeTheGroup(t *testing.T) {
	r := seeded(4)
	var group []Count
	for range 3_000 {
		// A rate from Beta(2, 48) as the second smallest of 49 uniform numbers.
		least, second := 1.0, 1.0
		for range 49 {
			if u := r.float(); u < least {
				least, second = u, least
			} else if u < second {
				second = u
			}
		}
		y := 0.0
		for range 500 {
			if r.float() < second {
				y++
			}
		}
		group = append(group, Count{y, 500})
	}
	b := FitBeta(group, 0.5)
	if math.Abs(b.Mean()-0.04) > 0.003 || b.A+b.B < 40 || b.A+b.B > 60 {
		t.Errorf("%+v, made by {2 48}", b)
	}
	if e := FitBeta(nil, 0.02); math.Abs(e.Mean()-0.02) > 1e-12 {
		t.Errorf("of nothing: %+v", e)
	}
}

// What a newcomer's other videos did until today counts with the time their clicks had to become orders: a
// creator whose clicks are minutes old has no record of failing to sell. Weights of half-believed viewers
// leave nothing over either, and the video's own doing is never in its record.
func TestARecordWaitsForOrders(t *testing.T) {
	m := newMill(t, 61, 30, 1, 2)
	m.click = 0
	for u := range m.viewers {
		v := m.viewers[u]
		page, request := m.page(v, 2)
		for k, s := range page.Slots {
			video := page.Candidates[s.Candidate].Video
			m.tell(v, request, k, video, event.Impression, 0, 0)
			m.tell(v, request, k, video, event.ProductClick, 0, 0)
		}
	}
	m.flush()
	m.tick(11 * time.Minute)
	own, other := m.fold.itemOf[bare(m.videos[0])], m.fold.items.at(m.fold.itemOf[bare(m.videos[1])])
	r := m.fold.record(own, m.fold.seconds())
	if r.Click.Y != float64(other.clicks) || r.Click.N != float64(other.shown) {
		t.Errorf("the record %+v is not what the other video did: %v clicks of %v", r, other.clicks, other.shown)
	}
	if r.Buy.N > 0.3*r.Click.Y {
		t.Errorf("eleven minutes after %v clicks %v count as decided", r.Click.Y, r.Buy.N)
	}
	m.tick(40 * 24 * time.Hour)
	if r = m.fold.record(own, m.fold.seconds()); r.Buy.N < 0.97*r.Click.Y {
		t.Errorf("after forty days %v of %v clicks are decided", r.Buy.N, r.Click.Y)
	}
}
