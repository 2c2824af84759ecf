package stream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// surplusShare is the part of MaxBytes, in percent, that Surplus leaves in the log. What lies
// above is room for bursts and for a trimmer that comes late.
const surplusShare = 75

// Oldest returns the position just before the oldest kept record: where a follower starts that
// has nothing older. It is the zero Position until the log is trimmed for the first time.
func (l *Log) Oldest(ctx context.Context) (Position, error) {
	sp, err := l.span(ctx)
	if err != nil || sp.first <= 1 {
		return Position{}, err
	}
	return Position{seq: sp.first}, nil
}

// Size returns how many bytes of the log are kept.
func (l *Log) Size(ctx context.Context) (int64, error) {
	sp, err := l.span(ctx)
	return int64(sp.bytes), err
}

// Trim drops messages that lie wholly before the position. Nothing else ever drops anything:
// the caller makes sure that snapshots, rollups and cold files have passed it. The last message
// always stays, since it knows the last stamp, and so does the last outbox number. Trimming again,
// or before what is kept, does nothing.
func (l *Log) Trim(ctx context.Context, before Position) (err error) {
	sp, err := l.span(ctx)
	if err != nil {
		return err
	}
	keep := min(before.start(), sp.last)
	if keep <= sp.first {
		return nil
	}
	err = l.keepRelay(ctx, keep)
	if isFull(err) {
		// Not even the mark fits. The bound is lifted for it until the purge has made room; should
		// this process die in between, the next Open sets it again.
		if err = l.ensure(ctx, l.opt.MaxBytes+2*int64(l.opt.MaxPendingBytes)); err == nil {
			err = l.keepRelay(ctx, keep)
		}
		defer func() { err = errors.Join(err, l.ensure(ctx, l.opt.MaxBytes)) }()
	}
	if err != nil {
		return err
	}
	st, err := l.js.Stream(ctx, l.part.name)
	if err == nil {
		err = st.Purge(ctx, jetstream.WithPurgeSequence(keep))
	}
	if err != nil {
		return l.ended(err)
	}
	return nil
}

// keepRelay writes a mark when the message with the last outbox number is about to be trimmed.
func (l *Log) keepRelay(ctx context.Context, keep uint64) error {
	m := &l.part.relay
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		if err := l.findRelay(ctx); err != nil {
			return err
		}
		if m.seq == 0 || m.seq >= keep {
			return nil
		}
		err := l.publishRelay(ctx, m.last+1, KindFact, nil)
		if !errors.Is(err, errRelayMoved) {
			return err
		}
	}
}

// Surplus returns the position before which the log holds more than its bounds want: older than
// MaxAge, or what it takes to come back under three quarters of MaxBytes. The caller trims up to
// it as far as nothing unread is lost.
func (l *Log) Surplus(ctx context.Context) (Position, error) {
	sp, err := l.span(ctx)
	if err != nil || sp.msgs == 0 {
		return Position{}, err
	}
	cut := sp.first
	if most := uint64(l.opt.MaxBytes) / 100 * surplusShare; sp.bytes > most {
		// Messages differ in size; the share of bytes is taken as the share of messages, and the
		// next call sees what is left.
		over := float64(sp.bytes-most) / float64(sp.bytes)
		cut += uint64(over*float64(sp.msgs)) + 1
	}
	old, err := l.firstSince(ctx, sp, l.clock.Now().Add(-l.opt.MaxAge).UnixMicro())
	if err != nil {
		return Position{}, err
	}
	if cut = min(max(cut, old), sp.last); cut <= 1 {
		return Position{}, nil
	}
	return Position{seq: cut}, nil
}

// Since returns a place before every kept record that was appended at a moment or after: where somebody begins
// who looks for one.
func (l *Log) Since(ctx context.Context, moment time.Time) (Position, error) {
	sp, err := l.span(ctx)
	if err != nil || sp.msgs == 0 {
		return Position{}, err
	}
	seq, err := l.firstSince(ctx, sp, moment.UnixMicro())
	if err != nil {
		return Position{}, err
	}
	return Position{seq: seq}, nil
}

// firstSince returns the first message whose stamp is not before the moment, by halving: stamps
// rise with the sequence.
func (l *Log) firstSince(ctx context.Context, sp span, moment int64) (uint64, error) {
	low, high := sp.first, sp.last+1
	for low < high {
		middle := low + (high-low)/2
		f, err := l.frameAt(ctx, middle)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			low = middle + 1 // trimmed a moment ago
			continue
		}
		if err != nil {
			return 0, err
		}
		if f.stamp < moment {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}
