package stream_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

// eventSize is about what an encoded event takes.
const eventSize = 200

func events(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = make([]byte, eventSize)
		for j := range all[i] {
			all[i][j] = byte(i * j)
		}
	}
	return all
}

// BenchmarkAppend appends from 64 goroutines, as many events at once as the name says; every
// append is on disk when it returns.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name    string
		callers int
		events  int
	}{{"100events/64callers", 64, 100}, {"50events/16callers", 16, 50}, {"1event/64callers", 64, 1}, {"1event/1caller", 1, 1}} {
		b.Run(c.name, func(b *testing.B) {
			l := open(b, stream.Options{Dir: b.TempDir(), Clock: clock.System{}, MaxPendingBytes: 64 << 20})
			records := events(c.events)
			b.SetBytes(int64(c.events * eventSize))
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range c.callers {
				wg.Go(func() {
					for i := w; i < b.N; i += c.callers {
						if _, err := l.Append(context.Background(), stream.KindEvent, records...); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			s := l.Stats()
			b.ReportMetric(float64(s.Records)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(s.Groups)/b.Elapsed().Seconds(), "groups/s")
		})
	}
}

// BenchmarkPlainJetStream is the yardstick: the same 64 callers and payloads, each append one
// message of its own on the same sort of server.
func BenchmarkPlainJetStream(b *testing.B) {
	const callers, each = 64, 100
	nc, err := nats.Connect(outer(b))
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "PLAIN", Subjects: []string{"plain"}}); err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, each*eventSize)
	b.SetBytes(int64(len(payload)))
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range callers {
		wg.Go(func() {
			for i := w; i < b.N; i += callers {
				if _, err := js.Publish(ctx, "plain", payload); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)*each/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkFollow replays a log of 100-event groups.
func BenchmarkFollow(b *testing.B) {
	const groups, each = 4000, 100
	l := open(b, stream.Options{Dir: b.TempDir(), Clock: clock.System{}, MaxPendingBytes: 64 << 20})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			records := events(each)
			for range groups / 8 {
				if _, err := l.Append(context.Background(), stream.KindEvent, records...); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for b.Loop() {
		n := 0
		err := l.Follow(context.Background(), stream.Position{}, 500, func(rs []stream.Record) error {
			if n += len(rs); n >= groups*each {
				return errEnough
			}
			return nil
		})
		if err != errEnough {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*groups*each/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLive measures from calling Append to the record reaching a follower.
func BenchmarkLive(b *testing.B) {
	l := open(b, stream.Options{Dir: b.TempDir(), Clock: clock.System{}})
	ctx, cancel := context.WithCancel(context.Background())
	seen := make(chan time.Time)
	done := make(chan error, 1)
	go func() {
		done <- l.Follow(ctx, stream.Position{}, 100, func(rs []stream.Record) error {
			for range rs {
				seen <- time.Now()
			}
			return nil
		})
	}()
	var fromAck time.Duration
	for b.Loop() {
		if _, err := l.Append(ctx, stream.KindEvent, make([]byte, eventSize)); err != nil {
			b.Fatal(err)
		}
		acked := time.Now()
		fromAck += (<-seen).Sub(acked)
	}
	cancel()
	<-done
	b.ReportMetric(float64(fromAck.Nanoseconds())/float64(b.N), "ns-after-ack")
}
