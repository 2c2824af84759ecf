package stream_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

func TestMain(m *testing.M) {
	if child := children[os.Getenv(childMode)]; child != nil {
		if err := child(os.Getenv(childDir)); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// places runs the subtest on the embedded log and on an outer NATS. opt.Dir of the one and the
// server of the other outlive the log, so reopening finds what was stored.
func places(t *testing.T, run func(t *testing.T, opt stream.Options)) {
	t.Run("embedded", func(t *testing.T) {
		run(t, stream.Options{Dir: t.TempDir(), Clock: clock.System{}})
	})
	t.Run("outer", func(t *testing.T) {
		run(t, stream.Options{URL: outer(t), Clock: clock.System{}})
	})
}

// outer starts a NATS server that listens on a free port of this machine.
func outer(t testing.TB) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "outer", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, JetStreamMaxStore: 1 << 50,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the outer NATS did not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s.ClientURL()
}

func open(t testing.TB, opt stream.Options) *stream.Log {
	t.Helper()
	l, err := stream.Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func text(i int) []byte { return fmt.Appendf(nil, "record %d", i) }

// read follows from a position until n records came.
func read(t testing.TB, l *stream.Log, from stream.Position, batch, n int) []stream.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var got []stream.Record
	if n == 0 {
		return nil
	}
	err := l.Follow(ctx, from, batch, func(rs []stream.Record) error {
		if len(rs) == 0 || len(rs) > batch {
			t.Errorf("a batch of %d came, at most %d was asked for", len(rs), batch)
		}
		got = append(got, rs...)
		if len(got) >= n {
			return errEnough
		}
		return nil
	})
	if err != errEnough {
		t.Fatalf("follow ended after %d of %d records: %v", len(got), n, err)
	}
	return got
}

var errEnough = fmt.Errorf("enough")

// inOrder checks that positions and stamps rise.
func inOrder(t testing.TB, records []stream.Record) {
	t.Helper()
	for i := 1; i < len(records); i++ {
		a, b := records[i-1], records[i]
		if !a.Pos.Before(b.Pos) || b.Pos.Before(a.Pos) {
			t.Fatalf("record %d at %v does not lie behind %v", i, b.Pos, a.Pos)
		}
		if b.At.Before(a.At) {
			t.Fatalf("record %d has stamp %v, before %v", i, b.At, a.At)
		}
	}
}

func TestAppendFollow(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		l := open(t, opt)
		ctx := context.Background()
		var ends []stream.Position
		for i := range 50 {
			pos, err := l.Append(ctx, stream.KindEvent, text(3*i), text(3*i+1), text(3*i+2))
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, pos)
		}
		all := read(t, l, stream.Position{}, 7, 150)
		inOrder(t, all)
		for i, r := range all {
			if string(r.Data) != string(text(i)) || r.Kind != stream.KindEvent || r.Relay != 0 {
				t.Fatalf("record %d is %q of kind %d", i, r.Data, r.Kind)
			}
			if i%3 == 2 && r.Pos != ends[i/3] {
				t.Fatalf("record %d lies at %v, its append said %v", i, r.Pos, ends[i/3])
			}
		}
		if end, err := l.End(ctx); err != nil || end != all[149].Pos {
			t.Fatalf("end is %v (%v), the last record lies at %v", end, err, all[149].Pos)
		}
		for i := range all {
			rest := read(t, l, all[i].Pos, 64, len(all)-1-i)
			for j, r := range rest {
				if want := all[i+1+j]; r.Pos != want.Pos || !r.At.Equal(want.At) || string(r.Data) != string(want.Data) {
					t.Fatalf("from %v record %d is %+v, want %+v", all[i].Pos, j, r, want)
				}
			}
		}
	})
}

func TestConcurrentAppenders(t *testing.T) {
	places(t, func(t *testing.T, opt stream.Options) {
		l := open(t, opt)
		const writers, each = 32, 40
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					data := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(i))
					if _, err := l.Append(context.Background(), stream.KindEvent, data); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all := read(t, l, stream.Position{}, 100, writers*each)
		wg.Wait()
		inOrder(t, all)
		var next [writers]uint32
		for _, r := range all {
			w, i := binary.BigEndian.Uint32(r.Data), binary.BigEndian.Uint32(r.Data[4:])
			if i != next[w] {
				t.Fatalf("writer %d: record %d came where %d was due", w, i, next[w])
			}
			next[w]++
		}
		if s := l.Stats(); s.Records != writers*each || s.PendingBytes != 0 || s.Groups >= writers*each {
			t.Fatalf("%+v: want %d records in fewer groups and nothing pending", s, writers*each)
		}
	})
}
