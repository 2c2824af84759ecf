package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"mezzo/internal/clock"
)

const (
	// pullMessages is how many messages are asked for at once: 500 replays 20 kB messages about
	// twenty times faster than 5,000 does.
	pullMessages = 500
	// pullBytes bounds what is buffered ahead of a slow follower.
	pullBytes = 8 << 20
	// pullHeartbeat is how soon a consumer that went silent is noticed (twice this).
	pullHeartbeat = 5 * time.Second
	// consumerIdle is when the server forgets a consumer whose process is gone.
	consumerIdle = time.Minute
	// ahead is how many messages are checked before the follower asks for them.
	ahead = 8
	// followPause lies between two attempts to go on after the server went away.
	followPause = 50 * time.Millisecond
)

// message is one stored message on its way to a follower.
type message struct {
	seq uint64
	frame
}

// Follow calls fn with the records after from, in order, at most batch at a time, and goes on
// with live ones as they come. Nothing is skipped or repeated within one call, whatever happens to
// the connection. fn must not keep the slice; it may keep the Data of a record, and then keeps the
// whole message alive. A fold takes the Pos of the last record it applied as its position.
//
// Follow returns fn's error as it is; ctx's error when that ends; ErrTrimmed or ErrBeyond when
// from is not in the log; ErrCorrupt at a damaged message; fault.Unavailable when the log closes.
func (l *Log) Follow(ctx context.Context, from Position, batch int, fn func([]Record) error) error {
	if batch < 1 {
		return errors.New("stream: a batch holds at least one record")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(l.life, func() { cancel(closed()) })()
	messages := make(chan message, ahead)
	var broken error // why the messages ended; read once they have
	go func() {
		defer close(messages)
		broken = l.pump(ctx, from.start(), messages)
	}()
	err := deliver(ctx, from, batch, messages, fn)
	cancel(err)
	for range messages {
	}
	if err == nil {
		err = broken
	}
	return err
}

// deliver turns messages into batches. It waits for the first record of a batch and then takes
// what is there. It returns nil when the messages end.
func deliver(ctx context.Context, from Position, batch int, messages <-chan message, fn func([]Record) error) error {
	skip, floor := int(from.index), from.stamp
	records := make([]Record, 0, min(batch, 4096))
	flush := func() error {
		if len(records) == 0 {
			return nil
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		err := fn(records)
		clear(records)
		records = records[:0]
		return err
	}
	for {
		var m message
		more := true
		select {
		case m, more = <-messages:
		default:
			if err := flush(); err != nil {
				return err
			}
			select {
			case m, more = <-messages:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if !more {
			return flush()
		}
		if skip > 0 && skip >= m.count {
			return fmt.Errorf("%w: no record %d in message %d", ErrBeyond, skip, m.seq)
		}
		floor = max(floor, m.stamp)
		at, rest := time.UnixMicro(floor).UTC(), m.body
		for i := range m.count {
			var r Record
			r.Kind, r.Data, rest, _ = cut(rest)
			if i < skip {
				continue
			}
			r.At, r.Pos = at, after(m.seq, i, m.count, floor)
			if m.relay != 0 {
				r.Relay = m.relay + int64(i)
			}
			if records = append(records, r); len(records) == batch {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		skip = 0
	}
}

// pump sends the stored messages from next on, in order and without holes, until ctx ends or an
// error that cannot be mended. It outlives consumers and connections.
func (l *Log) pump(ctx context.Context, next uint64, out chan<- message) error {
	for {
		err := l.reachable(ctx, next)
		if err == nil {
			next, err = l.pull(ctx, next, out)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, ErrTrimmed) || errors.Is(err, ErrBeyond) || errors.Is(err, ErrCorrupt) {
			return err
		}
		l.log.Warn("following the log is tried again", "err", err)
		_ = clock.Rest(ctx, nil, followPause)
	}
}

// reachable checks that message next is kept, or will be the next to come.
func (l *Log) reachable(ctx context.Context, next uint64) error {
	sp, err := l.span(ctx)
	if err != nil {
		return err
	}
	if next < sp.first {
		return fmt.Errorf("%w: it begins at message %d, not %d", ErrTrimmed, sp.first, next)
	}
	if next > sp.last+1 {
		return fmt.Errorf("%w: it ends with message %d, not %d", ErrBeyond, sp.last, next)
	}
	if next <= sp.last {
		_, err = l.frameAt(ctx, next)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return l.missing(ctx, next)
		}
	}
	return err
}

// missing tells a message that was trimmed a moment ago from one that is lost.
func (l *Log) missing(ctx context.Context, seq uint64) error {
	sp, err := l.span(ctx)
	if err != nil {
		return err
	}
	if seq < sp.first {
		return fmt.Errorf("%w: it begins at message %d, not %d", ErrTrimmed, sp.first, seq)
	}
	return fmt.Errorf("%w: message %d of %s is missing", ErrCorrupt, seq, l.part.name)
}

// pull reads through one consumer and returns the next message wanted when that ends.
//
// A consumer lives in the server's memory, so each reconnection asks for a new one.
func (l *Log) pull(ctx context.Context, next uint64, out chan<- message) (uint64, error) {
	ctx, cancel := l.reconnects.context(ctx)
	defer cancel()
	c, err := l.js.CreateConsumer(ctx, l.part.name, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: next,
		AckPolicy: jetstream.AckNonePolicy, MaxDeliver: 1, MemoryStorage: true, Replicas: 1,
		InactiveThreshold: consumerIdle,
	})
	if err != nil {
		return next, err
	}
	defer l.forget(c.CachedInfo().Name)
	it, err := c.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes),
		jetstream.PullHeartbeat(pullHeartbeat))
	if err != nil {
		return next, err
	}
	defer it.Stop()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return next, err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return next, err
		}
		seq := meta.Sequence.Stream
		if seq < next {
			continue
		}
		if seq > next {
			return next, fmt.Errorf("stream: message %d came where %d was due", seq, next)
		}
		f, err := openFrame(msg.Data())
		if err != nil {
			return next, fmt.Errorf("%w (message %d of %s)", err, seq, l.part.name)
		}
		select {
		case out <- message{seq, f}:
			next++
		case <-ctx.Done():
			return next, ctx.Err()
		}
	}
}

// forget removes a consumer; if that fails the server forgets it after consumerIdle.
func (l *Log) forget(name string) {
	ctx, cancel := context.WithTimeout(l.life, time.Second)
	defer cancel()
	if err := l.js.DeleteConsumer(ctx, l.part.name, name); err != nil {
		l.log.Debug("a consumer of the log was not removed", "err", err)
	}
}

// broadcast tells any number of listeners that something happened.
type broadcast struct {
	mu      sync.Mutex
	waiting map[*context.CancelFunc]struct{}
}

// context returns one that ends with ctx or at the next call of next.
func (b *broadcast) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[*context.CancelFunc]struct{}{}
	}
	b.waiting[&cancel] = struct{}{}
	return ctx, func() {
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting, &cancel)
	}
}

func (b *broadcast) next() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for cancel := range b.waiting {
		(*cancel)()
	}
	clear(b.waiting)
}
