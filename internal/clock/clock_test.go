package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"mezzo/internal/clock"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 5, 4, 12, 0, 0, 123456789, time.UTC)

// rang returns when a timer fired, and whether it did.
func rang(t clock.Timer) (time.Time, bool) {
	select {
	case at := <-t.C():
		return at, true
	default:
		return time.Time{}, false
	}
}

func TestTimesAreKeptToTheMicrosecondInUTC(t *testing.T) {
	local := start.In(time.FixedZone("east", 3*3600))
	for name, c := range map[string]clock.Clock{
		"system": clock.System{}, "manual": clock.NewManual(local), "sandbox": clock.NewSandbox(time.Hour),
	} {
		now := c.Now()
		if now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
			t.Errorf("%s: %v", name, now)
		}
	}
	if got := clock.NewManual(local).Now(); !got.Equal(start.Truncate(time.Microsecond)) {
		t.Errorf("a manual clock set to %v shows %v", start, got)
	}
}

func TestManualStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewManual(start)
		was, timer := c.Now(), c.NewTimer(time.Nanosecond)
		time.AfterFunc(time.Hour, func() {})
		<-time.NewTimer(2 * time.Hour).C
		if !c.Now().Equal(was) {
			t.Errorf("it moved from %v to %v by itself", was, c.Now())
		}
		if _, fired := rang(timer); fired {
			t.Error("its timer fired by itself")
		}
	})
}

func TestTimersFireInOrderWhenDue(t *testing.T) {
	c := clock.NewManual(start)
	late, soon := c.NewTimer(2*time.Minute), c.NewTimer(time.Minute)
	if c.Waiting() != 2 {
		t.Fatalf("%d timers wait, want 2", c.Waiting())
	}
	c.Advance(time.Minute - time.Microsecond)
	if _, fired := rang(soon); fired {
		t.Error("a microsecond early")
	}
	c.Advance(time.Microsecond)
	if at, fired := rang(soon); !fired || !at.Equal(c.Now()) {
		t.Errorf("at its moment: %v, %v", at, fired)
	}
	if _, fired := rang(late); fired {
		t.Error("the later one fired with the earlier")
	}
	c.Advance(-time.Hour)
	if c.Offset() != time.Minute {
		t.Errorf("time ran back: the offset is %v", c.Offset())
	}
	c.Advance(time.Hour)
	if _, fired := rang(late); !fired || c.Waiting() != 0 {
		t.Errorf("fired %v, %d wait", fired, c.Waiting())
	}
}

func TestStop(t *testing.T) {
	c := clock.NewManual(start)
	stopped, other := c.NewTimer(time.Minute), c.NewTimer(time.Minute)
	if !stopped.Stop() {
		t.Error("Stop says it was too late")
	}
	if stopped.Stop() {
		t.Error("Stop stopped it twice")
	}
	c.Advance(time.Hour)
	if _, fired := rang(stopped); fired {
		t.Error("it fired all the same")
	}
	if _, fired := rang(other); !fired || other.Stop() {
		t.Error("its neighbour should have fired, and be past stopping")
	}
	if at, fired := rang(c.NewTimer(0)); !fired || !at.Equal(c.Now()) {
		t.Error("a timer of no time fires at once")
	}
}

func TestSandboxRunsWithTheMachineAndCanBeTurned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewSandbox(24 * time.Hour)
		if ahead := c.Now().Sub(clock.System{}.Now()); ahead != 24*time.Hour {
			t.Errorf("it is %v ahead", ahead)
		}
		begun := time.Now()
		alone := c.NewTimer(10 * time.Second)
		<-alone.C()
		if waited := time.Since(begun); waited < 10*time.Second || waited > 11*time.Second {
			t.Errorf("ten seconds took %v", waited)
		}
		// Half the wait is turned away; the machine's time has to reach only the other half.
		begun = time.Now()
		half := c.NewTimer(10 * time.Second)
		c.Advance(5 * time.Second)
		<-half.C()
		if waited := time.Since(begun); waited < 5*time.Second || waited > 6*time.Second {
			t.Errorf("five seconds were left, and took %v", waited)
		}
	})
}

// A wait that is not a whole number of microseconds ends although the clock shows none of its rest.
func TestSandboxTimerOfAnyLengthFires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewSandbox(0)
		for _, d := range []time.Duration{1, 500, 999, 1001, 1_000_000_001} {
			<-c.NewTimer(d).C()
		}
		if c.Waiting() != 0 {
			t.Errorf("%d timers were left", c.Waiting())
		}
	})
}

func TestSystemTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		<-clock.System{}.NewTimer(time.Minute).C()
		if time.Since(begun) != time.Minute {
			t.Errorf("a minute took %v", time.Since(begun))
		}
		if timer := (clock.System{}).NewTimer(time.Minute); !timer.Stop() {
			t.Error("Stop says it was too late")
		}
	})
}

// However a manual clock is turned, each timer fires exactly once, never early, at the first turn
// that reaches it.
func TestTurningFiresEachTimerOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock.NewManual(start)
		type waiting struct {
			timer clock.Timer
			due   time.Time
			fired bool
		}
		var all []*waiting
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			d := time.Duration(rapid.IntRange(0, 1000).Draw(t, "ms")) * time.Millisecond
			if rapid.Bool().Draw(t, "timer") {
				all = append(all, &waiting{timer: c.NewTimer(d), due: c.Now().Add(d)})
			} else {
				c.Advance(d)
			}
			left := 0
			for _, w := range all {
				at, fired := rang(w.timer)
				if fired && (w.fired || at.Before(w.due)) {
					t.Fatalf("due %v, fired at %v, before: %v", w.due, at, w.fired)
				}
				w.fired = w.fired || fired
				if w.fired == w.due.After(c.Now()) {
					t.Fatalf("it is %v: a timer due %v has fired: %v", c.Now(), w.due, w.fired)
				}
				if !w.fired {
					left++
				}
			}
			if c.Waiting() != left {
				t.Fatalf("%d wait, the clock says %d", left, c.Waiting())
			}
		}
	})
}
