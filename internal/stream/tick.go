package stream

import (
	"context"
	"time"
)

// TickEvery is the clock time between two ticks in the log.
const TickEvery = time.Second

// RunTicks appends a tick at each full second of clock time until ctx ends, so that folds, whose
// only clock is the append stamp, see time pass when nothing happens. The caller runs it on one
// node at a time. A tick that cannot be appended is left out, and a clock that jumps makes one
// tick, not one for each second it leapt over: the stamp says what time it is.
func (l *Log) RunTicks(ctx context.Context) error {
	for {
		now := l.clock.Now()
		timer := l.clock.NewTimer(now.Truncate(TickEvery).Add(TickEvery).Sub(now))
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-l.life.Done():
			timer.Stop()
			return closed()
		}
		if _, err := l.Append(ctx, KindTick, nil); err != nil && ctx.Err() == nil {
			l.log.Warn("a tick was not appended to the log", "err", err)
		}
	}
}
