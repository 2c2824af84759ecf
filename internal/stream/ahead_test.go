package stream_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

// set is a machine's clock that anybody may set.
type set struct {
	clock.System
	off atomic.Int64
}

func (s *set) Now() time.Time { return s.System.Now().Add(time.Duration(s.off.Load())) }

// A clock that is set back is seen: the stamps go on from where they were, and how far they are ahead is told, by
// the log that was open then and by one that is opened later.
func TestTheLogTellsHowFarItIsAheadOfTheClock(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		ctx, c := context.Background(), &set{}
		opt.Clock = c
		l := open(t, opt)
		first, err := l.Append(ctx, stream.KindEvent, text(1))
		if err != nil || l.Ahead() != 0 {
			t.Fatalf("%v, %s ahead", err, l.Ahead())
		}
		c.off.Store(-int64(3 * time.Hour))
		second, err := l.Append(ctx, stream.KindEvent, text(2))
		if err != nil || second.Stamp().Sub(first.Stamp()) != time.Microsecond {
			t.Fatalf("%v: %s after %s", err, second.Stamp(), first.Stamp())
		}
		expect := func(l *stream.Log) {
			t.Helper()
			if ahead := l.Ahead(); ahead < 3*time.Hour-time.Minute || ahead > 3*time.Hour {
				t.Errorf("it is %s ahead, not three hours", ahead)
			}
		}
		expect(l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		expect(open(t, opt))
	})
}
