package stream_test

import (
	"context"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
	"mezzo/internal/stream"
)

func facts(first int64, n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = relayed(first + int64(i))
	}
	return all
}

// verifyFacts checks that the log holds exactly the facts 1 to last, in order.
func verifyFacts(t rapid.TB, l *stream.Log, last int64) {
	t.Helper()
	if got, err := l.LastRelay(context.Background()); err != nil || got != last {
		t.Fatalf("the last outbox number is %d, %v; want %d", got, err, last)
	}
	end, err := l.End(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if last == 0 {
		return
	}
	n := int64(0)
	err = l.Follow(context.Background(), stream.Position{}, 10, func(rs []stream.Record) error {
		for _, r := range rs {
			if n++; r.Relay != n || string(r.Data) != string(relayed(n)) || r.Kind != stream.KindFact {
				t.Fatalf("fact %q has number %d where %d was due", r.Data, r.Relay, n)
			}
		}
		if !rs[len(rs)-1].Pos.Before(end) {
			return errEnough
		}
		return nil
	})
	if err != errEnough || n != last {
		t.Fatalf("%d facts, want %d: %v", n, last, err)
	}
}

func TestRelayNumbers(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		ctx := context.Background()
		l := open(t, opt)
		verifyFacts(t, l, 0)
		for _, c := range []struct {
			first int64
			n     int
			want  fault.Kind
			last  int64
		}{
			{2, 1, fault.Conflict, 0}, // a gap at the beginning
			{0, 1, fault.Invalid, 0},
			{1, 3, "", 3},
			{1, 3, "", 3}, // all seen
			{2, 4, "", 5}, // two seen
			{7, 1, fault.Conflict, 5},
			{6, 1, "", 6},
		} {
			if err := l.AppendRelay(ctx, c.first, stream.KindFact, facts(c.first, c.n)); fault.KindOf(err) != c.want {
				t.Fatalf("%d facts from %d: %v", c.n, c.first, err)
			}
			verifyFacts(t, l, c.last)
		}
		l.Close()
		l = open(t, opt)
		verifyFacts(t, l, 6)
		if err := l.AppendRelay(ctx, 4, stream.KindFact, facts(4, 5)); err != nil {
			t.Fatal(err)
		}
		verifyFacts(t, l, 8)
	})
}

// Whatever a relay repeats or leaves out, the log holds 1, 2, 3, … once each.
func TestRelayNeverSkipsOrRepeats(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := open(t, stream.Options{Dir: t.TempDir(), Clock: clock.System{}})
		defer l.Close()
		last := int64(0)
		for _, step := range rapid.SliceOfN(rapid.IntRange(-5, 3), 1, 8).Draw(rt, "from after last") {
			first, n := max(1, last+1+int64(step)), rapid.IntRange(1, 6).Draw(rt, "count")
			err := l.AppendRelay(context.Background(), first, stream.KindFact, facts(first, n))
			if gap := first > last+1; gap != fault.Is(err, fault.Conflict) || !gap && err != nil {
				rt.Fatalf("%d from %d after %d: %v", n, first, last, err)
			}
			if err == nil {
				last = max(last, first+int64(n)-1)
			}
		}
		verifyFacts(rt, l, last)
	})
}

// Two relays whose lease overlaps write each number once.
func TestTwoRelays(t *testing.T) {
	url := outer(t)
	const upTo = 150
	var wg sync.WaitGroup
	var logs [2]*stream.Log
	for i := range logs {
		logs[i] = open(t, stream.Options{URL: url, Clock: clock.System{}})
	}
	for i, l := range logs {
		wg.Go(func() {
			for next := int64(1); next <= upTo; {
				n := min(3+i, int(upTo-next+1))
				if err := l.AppendRelay(context.Background(), next, stream.KindFact, facts(next, n)); err != nil {
					t.Error(err)
					return
				}
				next += int64(n)
			}
		})
	}
	wg.Wait()
	for _, l := range logs {
		verifyFacts(t, l, upTo)
	}
}
