package stream

import (
	"context"
	"errors"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"mezzo/internal/fault"
)

// relayMark remembers the last outbox number in the log and the message that holds it.
type relayMark struct {
	mu    sync.Mutex // held over a whole AppendRelay: relaying is one row of numbers
	known bool
	last  int64
	seq   uint64
}

// LastRelay returns the last outbox number found in the log, 0 when there is none.
func (l *Log) LastRelay(ctx context.Context) (int64, error) {
	m := &l.part.relay
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := l.findRelay(ctx); err != nil {
		return 0, err
	}
	return m.last, nil
}

// AppendRelay appends records numbered firstSeq, firstSeq+1, … and returns once they are on disk.
// Numbers the log already holds are dropped, so a relay that crashed before it noted what it had
// published can simply go on; a number that would leave a gap is refused with fault.Conflict, and
// the relay asks LastRelay where to go on. fault.Unavailable as in Append: what was stored is
// dropped when it is repeated. Two relays at once cannot write one number twice: each message
// names the one it follows.
func (l *Log) AppendRelay(ctx context.Context, firstSeq int64, kind byte, records [][]byte) error {
	if err := check(kind, records); err != nil {
		return err
	}
	if firstSeq < 1 {
		return fault.New(fault.Invalid, "Outbox numbers begin with 1, not %d.", firstSeq)
	}
	m := &l.part.relay
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		if !m.known {
			if err := l.findRelay(ctx); err != nil {
				return err
			}
		}
		if firstSeq > m.last+1 {
			return fault.New(fault.Conflict, "Outbox number %d would leave a gap: the log ends with %d.", firstSeq, m.last)
		}
		seen := min(m.last+1-firstSeq, int64(len(records)))
		firstSeq, records = firstSeq+seen, records[seen:]
		if len(records) == 0 {
			return nil
		}
		n := fitting(records)
		err := l.publishRelay(ctx, firstSeq, kind, records[:n])
		if errors.Is(err, errRelayMoved) {
			m.known = false // another relay was faster; look again at what is new
			continue
		}
		if err != nil {
			m.known = false
			return err
		}
	}
}

// fitting returns how many of the records fit into one message.
func fitting(records [][]byte) int {
	size := frameHead + frameTail
	for i, r := range records {
		if size += recordSize(r); size > MaxMessage {
			return i
		}
	}
	return len(records)
}

// publishRelay stores one message of relayed records and moves the mark. No records make a mark
// message. The caller holds the mark.
func (l *Log) publishRelay(ctx context.Context, first int64, kind byte, records [][]byte) error {
	m, a := &l.part.relay, l.part.app
	g, err := a.enqueueRelay(m.seq, first, kind, records)
	if err != nil {
		return err
	}
	select {
	case <-g.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if g.err != nil {
		return g.err
	}
	m.last, m.seq = first+int64(len(records))-1, g.seq
	return nil
}

// enqueueRelay queues a group of its own for relayed records.
func (a *appender) enqueueRelay(expect uint64, first int64, kind byte, records [][]byte) (*group, error) {
	size := 0
	for _, r := range records {
		size += recordSize(r)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.admit(size); err != nil {
		return nil, err
	}
	a.pending += size
	g := a.push(&group{subject: a.part.facts, relay: first, expect: expect})
	for _, r := range records {
		g.buf = appendRecord(g.buf, kind, r)
		g.count++
	}
	a.wake.Signal()
	return g, nil
}

// findRelay reads the mark from the log. The caller holds it.
func (l *Log) findRelay(ctx context.Context) error {
	m := &l.part.relay
	var seq uint64
	f, err := l.get(ctx, func(s jetstream.Stream) (*jetstream.RawStreamMsg, error) {
		msg, err := s.GetLastMsgForSubject(ctx, l.part.facts)
		if err == nil {
			seq = msg.Sequence
		}
		return msg, err
	})
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		m.known, m.last, m.seq = true, 0, 0
	case err != nil:
		m.known = false
		return err
	case f.relay == 0:
		m.known = false
		return ErrCorrupt
	default:
		m.known, m.last, m.seq = true, f.lastRelay(), seq
	}
	return nil
}
