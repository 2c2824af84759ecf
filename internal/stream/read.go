package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// span is what a partition holds.
type span struct {
	first, last uint64 // sequences; an empty log has first = last + 1
	msgs, bytes uint64
}

func (l *Log) span(ctx context.Context) (span, error) {
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	st, err := l.js.Stream(ctx, l.part.name)
	if err != nil {
		return span{}, l.ended(err)
	}
	s := st.CachedInfo().State
	sp := span{first: s.FirstSeq, last: s.LastSeq, msgs: s.Msgs, bytes: s.Bytes}
	if s.Msgs == 0 {
		sp.first = s.LastSeq + 1
	}
	return sp, nil
}

// frameAt reads one stored message.
func (l *Log) frameAt(ctx context.Context, seq uint64) (frame, error) {
	return l.get(ctx, func(s jetstream.Stream) (*jetstream.RawStreamMsg, error) { return s.GetMsg(ctx, seq) })
}

func (l *Log) get(ctx context.Context, read func(jetstream.Stream) (*jetstream.RawStreamMsg, error)) (frame, error) {
	st, err := l.js.Stream(ctx, l.part.name)
	if err != nil {
		return frame{}, l.ended(err)
	}
	msg, err := read(st)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return frame{}, err
	} else if err != nil {
		return frame{}, l.ended(err)
	}
	f, err := openFrame(msg.Data)
	if err != nil {
		return frame{}, fmt.Errorf("%w (message %d of %s)", err, msg.Sequence, l.part.name)
	}
	return f, nil
}

// lastStored returns the end of the log as it is stored.
func (l *Log) lastStored(ctx context.Context) (Position, error) {
	var missed uint64
	for {
		sp, err := l.span(ctx)
		if err != nil || sp.last == 0 {
			return Position{}, err
		}
		if sp.msgs == 0 {
			return Position{seq: sp.last + 1}, nil
		}
		f, err := l.frameAt(ctx, sp.last)
		if errors.Is(err, jetstream.ErrMsgNotFound) && ctx.Err() == nil {
			// An outer server may be behind itself; the one in this process is not.
			if l.server != nil && missed == sp.last {
				return Position{}, fmt.Errorf("%w: message %d of %s, its last, is missing", ErrCorrupt, sp.last, l.part.name)
			}
			missed = sp.last
			continue // trimmed between the two questions
		}
		if err != nil {
			return Position{}, err
		}
		return Position{seq: sp.last + 1, stamp: f.stamp}, nil
	}
}

// End returns the position just after everything acknowledged so far. With an outer NATS it asks
// the server, since other nodes append as well.
func (l *Log) End(ctx context.Context) (Position, error) {
	if l.server == nil {
		return l.lastStored(ctx)
	}
	a := l.part.app
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return Position{}, closed()
	}
	return a.acked, nil
}

// ended turns an error of the client into what callers are told.
func (l *Log) ended(err error) error {
	if l.life.Err() != nil {
		return closed()
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return unavailable(err)
}
