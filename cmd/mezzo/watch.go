package main

import (
	"context"
	"time"

	"mezzo/internal/stream"
)

// clockLook lies between two looks at the machine's clock, and logAhead is how far the log may be ahead of it
// before that is told: a time service sets a clock back by less.
const (
	clockLook = 10 * time.Second
	logAhead  = time.Minute
)

// watchClock tells the operator when the machine's clock cannot be right: when it leapt ahead, when it is behind
// what is in the log, and when the log was last written so long ago that the clock may have leapt while nothing ran.
func (s *server) watchClock() func(context.Context) error {
	log := s.log.With("room", "clock")
	if end, err := s.stores.log.End(context.Background()); err == nil && !end.Stamp().IsZero() {
		if away := s.stores.clock.Now().Sub(end.Stamp()); away > stream.DefaultMaxAge {
			log.Warn("the log was written last long ago: if this machine was not off since, its clock is wrong. Stop, set it and start again, before what comes now is stamped by it",
				"last", end.Stamp(), "ago", away.Round(time.Second).String())
		}
	}
	var doubted, behind bool
	return every(clockLook, func(context.Context) error {
		leap, ahead := s.stores.machine.Doubted(), s.stores.log.Ahead()
		switch {
		case leap > 0 && !doubted:
			log.Warn("the machine's clock leapt ahead and is not followed: set it right now; if it is right, it is followed in a quarter of an hour, or restart to follow it at once", "leap", leap.Round(time.Second).String())
		case leap == 0 && doubted:
			log.Info("the machine's clock is followed again")
		}
		switch {
		case ahead > logAhead && !behind:
			log.Warn("the log is ahead of the machine's clock: if the clock is behind, set it; if the log is, it waits until the clock has caught up, and what happens meanwhile is counted as of the log's time", "ahead", ahead.Round(time.Second).String())
		case ahead <= logAhead && behind:
			log.Info("the machine's clock has caught up with the log")
		}
		doubted, behind = leap > 0, ahead > logAhead
		return nil
	})
}

// watchClock shows how far clock and log are apart.
func (m *meters) watchClock(s *stores) {
	m.gauge("mezzo_clock_doubted_seconds", "By how much the machine's clock leapt ahead and is not followed yet; 0 when it did not.", func() float64 { return s.machine.Doubted().Seconds() })
	m.gauge("mezzo_log_ahead_seconds", "How far the log's last stamp is ahead of the clock, which was set back; 0 when it is not.", func() float64 { return s.log.Ahead().Seconds() })
}
