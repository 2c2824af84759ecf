package clock

import "time"

// Stopwatch measures how long something takes, by the machine's counter: a clock that is set or turned meanwhile
// does not change what it tells.
type Stopwatch struct{ begun time.Time }

// StartWatch starts a stopwatch; it may be read as often as one likes.
func StartWatch() Stopwatch { return Stopwatch{time.Now()} }

// Passed returns the time since it was started.
func (s Stopwatch) Passed() time.Duration { return time.Since(s.begun) }
