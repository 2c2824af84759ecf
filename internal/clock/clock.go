// Package clock tells the time, so that tests, simulation and the sandbox can turn it by hand.
package clock

import (
	"sort"
	"sync"
	"time"
)

// Clock is the only source of time for the rest of the house. Times are UTC.
type Clock interface {
	// Now returns the current time, truncated to microseconds (what both databases keep).
	Now() time.Time
	// NewTimer returns a timer that fires once, d from now on this clock.
	NewTimer(d time.Duration) Timer
}

// Timer fires once on the clock that made it.
type Timer interface {
	// C delivers the time at which the timer fired.
	C() <-chan time.Time
	// Stop prevents the timer from firing; it reports whether it did.
	Stop() bool
}

// System is the machine's clock.
type System struct{}

// Now returns the machine's time in UTC, to the microsecond.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// NewTimer returns a timer of the machine's clock.
func (System) NewTimer(d time.Duration) Timer { return systemTimer{time.NewTimer(d)} }

type systemTimer struct{ t *time.Timer }

func (s systemTimer) C() <-chan time.Time { return s.t.C }
func (s systemTimer) Stop() bool          { return s.t.Stop() }

// Turned is a clock that runs on from a time that can be moved forward by hand:
// a Manual one stands still between turns, a sandbox one keeps ticking with the machine.
// Turning fires every timer whose moment has passed, in order.
type Turned struct {
	mu      sync.Mutex
	base    func() time.Time
	offset  time.Duration
	waiting []*turnedTimer
	ticks   bool
}

// NewManual returns a clock that stands at start until Advance moves it.
func NewManual(start time.Time) *Turned {
	start = start.UTC().Truncate(time.Microsecond)
	return &Turned{base: func() time.Time { return start }}
}

// NewSandbox returns a clock that runs with the machine, offset ahead of it.
func NewSandbox(offset time.Duration) *Turned { return SandboxOf(System{}, offset) }

// SandboxOf is NewSandbox upon another clock of the machine.
func SandboxOf(machine Clock, offset time.Duration) *Turned {
	return &Turned{base: machine.Now, offset: offset, ticks: true}
}

// Now returns the turned time.
func (t *Turned) Now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now()
}

func (t *Turned) now() time.Time { return t.base().Add(t.offset) }

// Offset returns how far ahead of its base the clock has been turned.
func (t *Turned) Offset() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.offset
}

// Advance turns the clock forward by d (a negative d is ignored: time never runs back)
// and fires the timers that are due.
func (t *Turned) Advance(d time.Duration) {
	if d < 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offset += d
	t.fire()
	if t.ticks {
		for _, w := range t.waiting {
			w.arm()
		}
	}
}

func (t *Turned) fire() {
	now := t.now()
	sort.SliceStable(t.waiting, func(i, j int) bool { return t.waiting[i].at.Before(t.waiting[j].at) })
	due := 0
	for due < len(t.waiting) && !t.waiting[due].at.After(now) {
		t.waiting[due].ring(now)
		due++
	}
	t.waiting = append([]*turnedTimer(nil), t.waiting[due:]...)
}

// NewTimer returns a timer on the turned clock. On a sandbox clock it also fires
// when the machine's time alone reaches it.
func (t *Turned) NewTimer(d time.Duration) Timer {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &turnedTimer{clock: t, at: t.now().Add(d), c: make(chan time.Time, 1)}
	if d <= 0 {
		w.ring(t.now())
		return w
	}
	t.waiting = append(t.waiting, w)
	if t.ticks {
		w.arm()
	}
	return w
}

// Waiting returns how many timers have not fired: a test waits on it before it turns the clock.
func (t *Turned) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

type turnedTimer struct {
	clock *Turned
	at    time.Time
	c     chan time.Time
	real  *time.Timer
	rang  bool
}

// arm wakes the timer when the machine's time alone will have reached it. The machine's clock
// may be stepped, and is read to the microsecond, so that waking early is possible: it arms again.
func (w *turnedTimer) arm() {
	if w.real != nil {
		w.real.Stop()
	}
	w.real = time.AfterFunc(max(w.at.Sub(w.clock.now()), time.Microsecond), func() {
		w.clock.mu.Lock()
		defer w.clock.mu.Unlock()
		w.clock.fire()
		if !w.rang {
			w.arm()
		}
	})
}

func (w *turnedTimer) ring(now time.Time) {
	w.rang = true
	if w.real != nil {
		w.real.Stop()
	}
	w.c <- now
}

func (w *turnedTimer) C() <-chan time.Time { return w.c }

func (w *turnedTimer) Stop() bool {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	if w.rang {
		return false
	}
	w.rang = true
	if w.real != nil {
		w.real.Stop()
	}
	for i, other := range w.clock.waiting {
		if other == w {
			w.clock.waiting = append(w.clock.waiting[:i:i], w.clock.waiting[i+1:]...)
			break
		}
	}
	return true
}
