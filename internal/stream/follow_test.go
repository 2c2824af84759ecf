package stream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
	"mezzo/internal/stream"
)

// Somebody who writes nonsense into the log, or takes a message out of it, is found out.
func TestDamageStopsAFollower(t *testing.T) {
	for name, damage := range map[string]func(jetstream.JetStream) error{
		"foreign message": func(js jetstream.JetStream) error {
			_, err := js.Publish(context.Background(), "mezzo.0.event", []byte("hello"))
			return err
		},
		"missing message": func(js jetstream.JetStream) error {
			s, err := js.Stream(context.Background(), "MEZZO_0")
			if err == nil {
				_, err = js.Publish(context.Background(), "mezzo.0.event", []byte("hello"))
			}
			if err == nil {
				err = s.DeleteMsg(context.Background(), s.CachedInfo().State.LastSeq+1)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := outer(t)
			l := open(t, stream.Options{URL: url, Clock: clock.System{}})
			ctx := context.Background()
			if _, err := l.Append(ctx, 1, text(1), text(2)); err != nil {
				t.Fatal(err)
			}
			nc, err := nats.Connect(url)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			js, err := jetstream.New(nc)
			if err == nil {
				err = damage(js)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(ctx, 1, text(3)); err != nil {
				t.Fatal(err)
			}
			n := 0
			err = l.Follow(ctx, stream.Position{}, 1, func([]stream.Record) error { n++; return nil })
			if !errors.Is(err, stream.ErrCorrupt) || n != 2 {
				t.Errorf("after %d records: %v; want ErrCorrupt after 2", n, err)
			}
		})
	}
}

// Appenders and followers outlive a restart of the outer server; nothing acknowledged is lost and
// nothing comes twice.
// A log whose last message was cut off after it was acknowledged does not open as if it had never been, and
// says what is wrong with it.
func TestACutLogSaysSo(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	l, err := stream.Open(ctx, stream.Options{Dir: dir, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := l.Append(ctx, 1, text(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "MEZZO_0", "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%d blocks: %v", len(blocks), err)
	}
	was, err := os.Stat(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(blocks[0], was.Size()-1); err != nil {
		t.Fatal(err)
	}
	l, err = stream.Open(ctx, stream.Options{Dir: dir, Clock: clock.System{}})
	if err == nil {
		l.Close()
	}
	if !errors.Is(err, stream.ErrCorrupt) {
		t.Errorf("a log without its end opened with %v; want ErrCorrupt", err)
	}
}

func TestOuterRestart(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	run := func() *server.Server {
		s, err := server.NewServer(&server.Options{ServerName: "outer", Host: "127.0.0.1", Port: port,
			NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir, SyncAlways: true, JetStreamMaxStore: 1 << 50})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("the outer NATS did not start")
		}
		return s
	}
	s := run()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	l := open(t, stream.Options{URL: s.ClientURL(), Clock: clock.System{}})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const upTo = 400
	var acked atomic.Int64
	appended := make(chan error, 1)
	go func() {
		for i := range upTo {
			if _, err := l.Append(ctx, 1, []byte(strconv.Itoa(i))); err != nil {
				appended <- err
				return
			}
			acked.Add(1)
		}
		appended <- nil
	}()
	var seen atomic.Int64
	followed := make(chan error, 1)
	go func() {
		followed <- l.Follow(ctx, stream.Position{}, 7, func(rs []stream.Record) error {
			for _, r := range rs {
				if want := seen.Add(1) - 1; string(r.Data) != strconv.FormatInt(want, 10) {
					return fmt.Errorf("record %q came where %d was due", r.Data, want)
				}
			}
			if seen.Load() == upTo {
				return errEnough
			}
			return nil
		})
	}()
	for _, after := range []int64{50, 200} {
		wait(t, func() bool { return acked.Load() >= after && seen.Load() >= after })
		s.Shutdown()
		s.WaitForShutdown()
		s = run()
	}
	if err := <-appended; err != nil {
		t.Fatalf("after %d: %v", acked.Load(), err)
	}
	if err := <-followed; err != errEnough {
		t.Fatalf("after %d: %v", seen.Load(), err)
	}
}

// A follower whose consumer the server forgets, again and again, goes on where it was.
func TestForgottenConsumer(t *testing.T) {
	url := outer(t)
	l := open(t, stream.Options{URL: url, Clock: clock.System{}})
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	forget := func() error {
		s, err := js.Stream(ctx, "MEZZO_0")
		if err != nil {
			return err
		}
		names := s.ConsumerNames(ctx)
		for name := range names.Name() {
			if err := s.DeleteConsumer(ctx, name); err != nil {
				return err
			}
		}
		return names.Err()
	}
	if _, err := l.Append(ctx, 1, text(0)); err != nil {
		t.Fatal(err)
	}
	n := 0
	err = l.Follow(ctx, stream.Position{}, 1, func(rs []stream.Record) error {
		if string(rs[0].Data) != string(text(n)) {
			return fmt.Errorf("record %q came where %d was due", rs[0].Data, n)
		}
		if n++; n == 30 {
			return errEnough
		}
		if n%10 == 5 {
			if err := forget(); err != nil {
				return err
			}
		}
		_, err := l.Append(ctx, 1, text(n))
		return err
	})
	if err != errEnough {
		t.Fatalf("after %d: %v", n, err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// Two nodes whose clocks differ append to one outer log: every follower sees the same rising
// stamps, wherever it starts.
func TestSkewedWriters(t *testing.T) {
	url := outer(t)
	start := time.Unix(2_000_000_000, 0)
	fast := open(t, stream.Options{URL: url, Clock: clock.NewManual(start.Add(time.Minute))})
	slow := open(t, stream.Options{URL: url, Clock: clock.NewManual(start)})
	for i := range 10 {
		for _, l := range []*stream.Log{fast, slow} {
			if _, err := l.Append(context.Background(), 1, text(i), text(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := read(t, fast, stream.Position{}, 3, 40)
	inOrder(t, all)
	for i := range all {
		for j, r := range read(t, slow, all[i].Pos, 5, 39-i) {
			if want := all[i+1+j]; r.Pos != want.Pos || !r.At.Equal(want.At) {
				t.Fatalf("from %v record %d is at %v, %v; want %v, %v", all[i].Pos, j, r.Pos, r.At, want.Pos, want.At)
			}
		}
	}
	a, errA := fast.End(context.Background())
	b, errB := slow.End(context.Background())
	if errA != nil || errB != nil || a != b || a.Before(all[39].Pos) || all[39].Pos.Before(a) {
		t.Errorf("ends %v, %v (%v, %v), want %v", a, b, errA, errB, all[39].Pos)
	}
}

// Stamps rise by at least a microsecond a group, whatever the clock does, over a restart too.
func TestStampsRise(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		start := time.Unix(2_000_000_000, 0)
		for i := range 3 {
			opt.Clock = clock.NewManual(start.Add(-time.Duration(i) * time.Hour))
			l := open(t, opt)
			for range 3 {
				if _, err := l.Append(context.Background(), 1, text(1)); err != nil {
					t.Fatal(err)
				}
			}
			l.Close()
		}
		for i, r := range read(t, open(t, opt), stream.Position{}, 100, 9) {
			if want := start.Add(time.Duration(i) * time.Microsecond); !r.At.Equal(want) {
				t.Errorf("record %d has stamp %v, want %v", i, r.At, want)
			}
		}
	})
}

func TestFollowEnds(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		l := open(t, opt)
		if _, err := l.Append(context.Background(), 1, text(1), text(2)); err != nil {
			t.Fatal(err)
		}
		if err := l.Follow(context.Background(), stream.Position{}, 0, nil); err == nil {
			t.Error("a batch of nothing was accepted")
		}
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		err := l.Follow(ctx, stream.Position{}, 1, func([]stream.Record) error {
			n++
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) || n != 1 {
			t.Errorf("cancelled in the first of two batches: %d batches, %v", n, err)
		}
		closing := make(chan struct{})
		ended := make(chan error)
		go func() {
			ended <- l.Follow(context.Background(), stream.Position{}, 2, func([]stream.Record) error {
				close(closing)
				return nil
			})
		}()
		<-closing
		l.Close()
		l.Close()
		if err := <-ended; !fault.Is(err, fault.Unavailable) {
			t.Errorf("following a log that closes: %v", err)
		}
		_, appendErr := l.Append(context.Background(), 1, text(1))
		_, relayErr := l.LastRelay(context.Background())
		_, endErr := l.End(context.Background())
		_, oldestErr := l.Oldest(context.Background())
		for what, err := range map[string]error{"append": appendErr, "last relay": relayErr, "end": endErr, "oldest": oldestErr,
			"relay":  l.AppendRelay(context.Background(), 1, 2, [][]byte{text(1)}),
			"follow": l.Follow(context.Background(), stream.Position{}, 1, func([]stream.Record) error { return nil })} {
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s on a closed log: %v", what, err)
			}
		}
	})
}

// Close waits for what was accepted.
func TestCloseFinishes(t *testing.T) {
	dir := t.TempDir()
	g := gated{clock.System{}, make(chan struct{})}
	l := open(t, stream.Options{Dir: dir, Clock: g})
	results := make(chan error)
	for i := range 10 {
		go func() {
			_, err := l.Append(context.Background(), 1, text(i))
			results <- err
		}()
	}
	const head = 2 // a record is its kind, its length and its bytes
	wait(t, func() bool { return l.Stats().PendingBytes == 10*(head+len(text(0))) })
	go close(g.gate)
	l.Close()
	for range 10 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	read(t, open(t, stream.Options{Dir: dir, Clock: clock.System{}}), stream.Position{}, 10, 10)
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	l := open(t, stream.Options{Dir: dir, Clock: clock.System{}})
	if second, err := stream.Open(context.Background(), stream.Options{Dir: dir, Clock: clock.System{}}); err == nil {
		second.Close()
		t.Fatal("the folder was opened twice")
	}
	l.Close()
	open(t, stream.Options{Dir: dir, Clock: clock.System{}})
	for name, opt := range map[string]stream.Options{
		"nothing":  {Clock: clock.System{}},
		"no clock": {Dir: t.TempDir()},
		"no NATS":  {URL: fmt.Sprintf("nats://127.0.0.1:%d", freePort(t)), Clock: clock.System{}},
	} {
		if l, err := stream.Open(context.Background(), opt); err == nil {
			l.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

func TestTicks(t *testing.T) {
	c := clock.NewManual(time.Unix(2_000_000_000, 0).Add(300 * time.Millisecond))
	l := open(t, stream.Options{Dir: t.TempDir(), Clock: c})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- l.RunTicks(ctx) }()
	for i, step := range []time.Duration{700 * time.Millisecond, time.Second, time.Hour, time.Second} {
		wait(t, func() bool { return c.Waiting() == 1 && l.Stats().Records == int64(i) })
		c.Advance(step)
	}
	want := []int64{1, 2, 3602, 3603}
	for i, r := range read(t, l, stream.Position{}, 100, len(want)) {
		if r.Kind != stream.KindTick || len(r.Data) != 0 || r.At.UnixMicro() != (2_000_000_000+want[i])*1e6 {
			t.Errorf("tick %d: %+v", i, r)
		}
	}
	wait(t, func() bool { return c.Waiting() == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if c.Waiting() != 0 {
		t.Error("the ticker left a timer behind")
	}
}
