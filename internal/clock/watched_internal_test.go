package clock

import (
	"testing"
	"time"
)

// machine is a wall clock that anybody may set, and a counter that nobody does.
type machine struct {
	wall   time.Time
	passed time.Duration
}

func (m *machine) pass(d time.Duration) { m.wall, m.passed = m.wall.Add(d), m.passed+d }

// A clock that leaps ahead is not followed until it has stayed there for JumpHold; put right within that time it
// was never followed at all. It never stands still meanwhile.
func TestWatchedHoldsALeapAhead(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	begin := func() (*machine, *Watched) {
		m := &machine{wall: noon, passed: 5 * time.Second}
		return m, newWatched(func() (time.Time, time.Duration) { return m.wall, m.passed })
	}
	expect := func(w *Watched, now time.Time, doubted time.Duration) {
		t.Helper()
		if got := w.Now(); !got.Equal(now) || w.Doubted() != doubted {
			t.Errorf("it is %s, %s doubted, not %s and %s", got, w.Doubted(), now, doubted)
		}
	}
	const year = 365 * 24 * time.Hour

	m, w := begin()
	m.pass(time.Hour)
	expect(w, noon.Add(time.Hour), 0)
	m.wall = m.wall.Add(LeastJump) // what a time service corrects is followed
	expect(w, noon.Add(time.Hour+LeastJump), 0)
	right := m.wall
	m.wall = m.wall.Add(year)
	expect(w, right, year)
	m.pass(JumpHold - time.Second)
	expect(w, right.Add(JumpHold-time.Second), year)
	m.wall = m.wall.Add(-year) // put right
	expect(w, m.wall, 0)
	m.wall = m.wall.Add(-time.Hour) // set back is followed
	expect(w, m.wall, 0)
	m.pass(JumpHold * 2)
	expect(w, m.wall, 0)

	m, w = begin()
	m.pass(time.Minute)
	m.wall = m.wall.Add(8 * time.Hour) // the machine slept
	expect(w, noon.Add(time.Minute), 8*time.Hour)
	m.pass(JumpHold)
	expect(w, noon.Add(time.Minute+8*time.Hour+JumpHold), 0)
	m.pass(time.Second)
	expect(w, m.wall, 0)

	m, w = begin() // slow corrections add up to no leap
	for range 1000 {
		m.pass(time.Minute)
		m.wall = m.wall.Add(time.Second)
		expect(w, m.wall, 0)
	}
}
