package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a Watched clock.
const (
	// LeastJump is by how much the machine's clock must leap ahead at once to be doubted: less is a
	// correction that a time service makes.
	LeastJump = 2 * time.Minute
	// JumpHold is how long a leap ahead is doubted. A clock set wrong is put right within it, or was right:
	// the machine had slept, or its clock had been behind since it started.
	JumpHold = 15 * time.Minute
)

// Watched is the machine's clock under watch. What is stamped in the log can not be taken back: a clock that
// leaps a year ahead and is put right would leave everything told since too late to count. So a leap ahead of more
// than LeastJump is held for JumpHold: Now goes on at the pace of the machine's counter, which nobody sets. A
// clock that is put right within that time was never followed, one that stays is believed after it.
//
// A clock that is set back is followed at once. At start there is nothing to compare with.
type Watched struct {
	read  func() (wall time.Time, passed time.Duration)
	begun time.Time // wall time when passed was 0, by the clock as it is believed
	drift atomic.Int64
	held  atomic.Int64 // the leap that is doubted, 0 when none is

	mu    sync.Mutex
	since time.Duration // of passed, when the leap was seen first
}

// NewWatched returns the machine's clock under watch.
func NewWatched() *Watched {
	start := time.Now()
	return newWatched(func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(start)
	})
}

// newWatched takes the readings of wall clock and counter.
func newWatched(read func() (time.Time, time.Duration)) *Watched {
	wall, passed := read()
	return &Watched{read: read, begun: wall.Add(-passed)}
}

// Now returns the machine's time in UTC, to the microsecond, or what it would be without the leap that is doubted.
func (w *Watched) Now() time.Time {
	wall, passed := w.read()
	drift := wall.Sub(w.begun) - passed
	leap := drift - time.Duration(w.drift.Load())
	switch {
	case leap > LeastJump:
		wall = w.doubt(wall, drift, passed)
	case leap < -time.Second || leap > time.Second || w.held.Load() != 0:
		w.believe(drift)
	}
	return wall.UTC().Truncate(time.Microsecond)
}

// doubt returns the time without the leap until it has been held for long enough.
func (w *Watched) doubt(wall time.Time, drift, passed time.Duration) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := time.Duration(w.drift.Load())
	if w.held.Load() == 0 {
		w.since = passed
	}
	if passed-w.since >= JumpHold {
		w.drift.Store(int64(drift))
		w.held.Store(0)
		return wall
	}
	w.held.Store(int64(drift - before))
	return w.begun.Add(passed + before)
}

func (w *Watched) believe(drift time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drift.Store(int64(drift))
	w.held.Store(0)
}

// Doubted returns by how much the machine's clock leapt ahead of what Now tells; 0 when they agree.
func (w *Watched) Doubted() time.Duration {
	w.Now()
	return time.Duration(w.held.Load())
}

// NewTimer returns a timer of the machine's counter, which a clock that is set does not move.
func (w *Watched) NewTimer(d time.Duration) Timer { return systemTimer{time.NewTimer(d)} }
