package stream_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
	"mezzo/internal/stream"
)

// gated is a clock that holds up the appender until the gate opens.
type gated struct {
	clock.Clock
	gate chan struct{}
}

func (g gated) Now() time.Time {
	<-g.gate
	return g.Clock.Now()
}

func TestBackPressure(t *testing.T) {
	g := gated{clock.System{}, make(chan struct{})}
	l := open(t, stream.Options{Dir: t.TempDir(), Clock: g, MaxPendingBytes: 10_000})
	ctx := context.Background()
	var waiting sync.WaitGroup
	fits := 0
	for l.Stats().PendingBytes+1003 <= 10_000 {
		before := l.Stats().PendingBytes
		waiting.Go(func() {
			if _, err := l.Append(ctx, 1, make([]byte, 1000)); err != nil {
				t.Errorf("an append that was admitted: %v", err)
			}
		})
		fits++
		wait(t, func() bool { return l.Stats().PendingBytes > before })
	}
	_, err := l.Append(ctx, 1, make([]byte, 1000))
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
		t.Errorf("with %d bytes waiting: %v", l.Stats().PendingBytes, err)
	}
	if err := l.AppendRelay(ctx, 1, stream.KindFact, [][]byte{make([]byte, 1000)}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("relaying with %d bytes waiting: %v", l.Stats().PendingBytes, err)
	}
	if _, err := l.Append(ctx, 1, make([]byte, 10_001)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("more at once than may ever wait: %v", err)
	}
	impatient, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := l.Append(impatient, 1, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that is gone: %v", err)
	}
	close(g.gate)
	waiting.Wait()
	if _, err := l.Append(ctx, 2, make([]byte, 1000)); err != nil {
		t.Errorf("after the disk has caught up: %v", err)
	}
	all := read(t, l, stream.Position{}, 100, fits+1)
	if s := l.Stats(); len(all) != fits+1 || s.Refused != 2 || s.PendingBytes != 0 {
		t.Errorf("%d records for %d appends, %+v", len(all), fits+1, s)
	}
}

// wait spins until the condition holds.
func wait(t testing.TB, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("waited too long")
		}
	}
}

func TestSizes(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		l := open(t, opt)
		ctx := context.Background()
		for name, c := range map[string]struct {
			kind    byte
			records [][]byte
			want    fault.Kind
		}{
			"no kind":    {0, [][]byte{nil}, fault.Invalid},
			"no records": {1, nil, fault.Invalid},
			"too large":  {1, [][]byte{make([]byte, stream.MaxRecord+1)}, fault.TooLarge},
		} {
			if _, err := l.Append(ctx, c.kind, c.records...); !fault.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
			if err := l.AppendRelay(ctx, 1, c.kind, c.records); !fault.Is(err, c.want) {
				t.Errorf("%s, relayed: %v", name, err)
			}
		}
		largest := make([]byte, stream.MaxRecord)
		largest[len(largest)-1] = 7
		pos, err := l.Append(ctx, 1, nil, largest, []byte{}, largest, text(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.AppendRelay(ctx, 1, 2, [][]byte{largest, text(2), largest}); err != nil {
			t.Fatal(err)
		}
		all := read(t, l, stream.Position{}, 100, 8)
		inOrder(t, all)
		for i, size := range []int{0, len(largest), 0, len(largest), len(text(1)), len(largest), len(text(2)), len(largest)} {
			if len(all[i].Data) != size || size == len(largest) && all[i].Data[size-1] != 7 {
				t.Errorf("record %d has %d bytes, want %d", i, len(all[i].Data), size)
			}
		}
		if all[4].Pos != pos || all[7].Relay != 3 {
			t.Errorf("%v, want %v; number %d", all[4].Pos, pos, all[7].Relay)
		}
	})
}

// fill appends records of each size until the log refuses, and returns how many it took.
func fill(t *testing.T, l *stream.Log, sizes ...int) int {
	t.Helper()
	n := 0
	for _, size := range sizes {
		for {
			if _, err := l.Append(context.Background(), 1, make([]byte, size)); err == nil {
				n++
			} else if fault.Is(err, fault.Unavailable) {
				break
			} else {
				t.Fatal(err)
			}
		}
	}
	return n
}

// The hard bound refuses, keeps everything, and trimming makes room again.
func TestFullUntilTrimmed(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		opt.MaxBytes = 1 << 20
		l := open(t, opt)
		ctx := context.Background()
		if err := l.AppendRelay(ctx, 1, stream.KindFact, [][]byte{text(1), text(2)}); err != nil {
			t.Fatal(err)
		}
		all := read(t, l, stream.Position{}, 100, 2+fill(t, l, 50_000, 5000, 500, 50, 5))
		surplus, err := l.Surplus(ctx)
		if err != nil || !all[0].Pos.Before(surplus) || !surplus.Before(all[len(all)-1].Pos) {
			t.Fatalf("surplus is %v, %v", surplus, err)
		}
		middle := all[len(all)/2].Pos
		for range 2 {
			if err := l.Trim(ctx, middle); err != nil {
				t.Fatal(err)
			}
		}
		if n := fill(t, l, 50_000); n < 2 || n > 20 {
			t.Fatalf("after trimming %d appends fitted", n)
		}
		if err := l.Trim(ctx, middle); err != nil {
			t.Fatal(err)
		}
		for _, p := range []stream.Position{{}, all[0].Pos} {
			err := l.Follow(ctx, p, 1, func([]stream.Record) error { return nil })
			if !errors.Is(err, stream.ErrTrimmed) {
				t.Errorf("following from %v after trimming: %v", p, err)
			}
		}
		oldest, err := l.Oldest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for name, from := range map[string]stream.Position{"oldest": oldest, "trimmed to": middle} {
			if got := read(t, l, from, 1, 1)[0]; got.Pos != all[len(all)/2+1].Pos {
				t.Errorf("%s: the next record lies at %v", name, got.Pos)
			}
		}
		if last, err := l.LastRelay(ctx); err != nil || last != 2 {
			t.Errorf("after the facts were trimmed the last outbox number is %d, %v", last, err)
		}
		end, err := l.End(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Trim(ctx, end); err != nil {
			t.Fatal(err)
		}
		if err := l.AppendRelay(ctx, 2, stream.KindFact, [][]byte{text(2), text(3)}); err != nil {
			t.Error(err)
		}
		if got := read(t, l, end, 10, 1)[0]; got.Relay != 3 || string(got.Data) != string(text(3)) {
			t.Errorf("after the mark came %q with number %d", got.Data, got.Relay)
		}
	})
}

func TestTrimToTheEndKeepsStampAndNumber(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		c := clock.NewManual(time.Unix(2_000_000_000, 0))
		opt.Clock = c
		ctx := context.Background()
		l := open(t, opt)
		if oldest, err := l.Oldest(ctx); err != nil || !oldest.IsZero() {
			t.Fatalf("an empty log begins at %v, %v", oldest, err)
		}
		if err := l.AppendRelay(ctx, 1, stream.KindFact, [][]byte{text(1)}); err != nil {
			t.Fatal(err)
		}
		pos, err := l.Append(ctx, 1, text(2))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Trim(ctx, pos); err != nil {
			t.Fatal(err)
		}
		l.Close()
		opt.Clock = clock.NewManual(time.Unix(1_000_000_000, 0))
		l = open(t, opt)
		if err := l.AppendRelay(ctx, 2, stream.KindFact, [][]byte{text(3)}); err != nil {
			t.Fatal(err)
		}
		got := read(t, l, pos, 10, 1)[0]
		if got.Relay != 2 || !got.At.After(c.Now()) {
			t.Errorf("number %d at %v, want 2 after %v", got.Relay, got.At, c.Now())
		}
	})
}

func TestSurplusByAge(t *testing.T) {
	c := clock.NewManual(time.Unix(2_000_000_000, 0))
	l := open(t, stream.Options{Dir: t.TempDir(), Clock: c, MaxAge: time.Hour})
	ctx := context.Background()
	if p, err := l.Surplus(ctx); err != nil || !p.IsZero() {
		t.Fatalf("surplus of an empty log: %v, %v", p, err)
	}
	var ends []stream.Position
	for range 12 {
		pos, err := l.Append(ctx, 1, text(1))
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, pos)
		c.Advance(10 * time.Minute)
	}
	// Now two hours have passed; the records of the first hour are 120 to 70 minutes old.
	p, err := l.Surplus(ctx)
	if err != nil || p.Before(ends[5]) || ends[5].Before(p) {
		t.Fatalf("surplus ends at %v (%v), the last record too old at %v", p, err, ends[5])
	}
	if err := l.Trim(ctx, p); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, p, 100, 6); got[5].Pos != ends[11] {
		t.Errorf("the kept records end at %v, want %v", got[5].Pos, ends[11])
	}
}

func TestForeignPositionsAreRefused(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		l := open(t, opt)
		ctx := context.Background()
		if _, err := l.Append(ctx, 1, text(1), text(2)); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"3.0.0", "1.2.0", "1.7.0"} {
			p, err := stream.ParsePosition(s)
			if err != nil {
				t.Fatal(err)
			}
			err = l.Follow(ctx, p, 1, func(rs []stream.Record) error { return fmt.Errorf("a record came: %+v", rs) })
			if !errors.Is(err, stream.ErrBeyond) {
				t.Errorf("from %s: %v", s, err)
			}
		}
	})
}
