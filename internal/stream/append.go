package stream

import (
	"context"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
)

// How groups grow under load.
const (
	gatherFrom = 4                // callers in a group from which on the next is left open for others
	gatherFor  = time.Millisecond // and for how long
)

// group is one message in the making and the callers that wait for it.
type group struct {
	subject string
	buf     []byte // room for the head, then records
	count   int
	callers int    // whose records it holds; a caller may be in several
	relay   int64  // outbox number of the first record, 0 when none
	expect  uint64 // relayed groups: sequence the last message on the fact subject must have

	done  chan struct{} // closed when the fate is known
	seq   uint64        // set before done closes
	stamp int64
	err   error
}

// appender owns publishing to one partition: callers put records into groups, one goroutine
// publishes one group at a time. What arrives while a group is being synced makes up the next,
// so groups grow with the load and a lone caller waits for nobody. Where many callers shared a
// group, the next is left open a moment longer: on a fast disk each would else hold a few
// records only, and a message costs far more than a record.
type appender struct {
	l    *Log
	part *part

	mu      sync.Mutex
	wake    sync.Cond
	queue   []*group
	spare   []byte // one buffer kept for the next group
	pending int    // bytes of groups whose fate is not known
	closed  bool
	stats   Stats
	acked   Position // end of what was acknowledged to this process

	stamp   int64 // last stamp given; only the publishing goroutine uses it
	stopped chan struct{}
}

func newAppender(l *Log, last Position) *appender {
	a := &appender{l: l, part: l.part, stamp: last.stamp, acked: last, stopped: make(chan struct{})}
	a.wake.L = &a.mu
	go a.run()
	return a
}

// Append adds the records, in order, and returns the position just after the last of them once
// all are on disk. Others' records may lie between them only where more than MaxMessage bytes
// are appended at once.
//
// A fault.Unavailable says when to try again; nothing waits then. If it comes from the store and
// not from back-pressure, some of the records may have been stored all the same (their
// acknowledgement was lost), and so may all of them when ctx ends first: the caller repeats with
// the same event ids, and folds drop what they have seen. fault.TooLarge and fault.Invalid
// appended nothing.
func (l *Log) Append(ctx context.Context, kind byte, records ...[]byte) (Position, error) {
	if err := check(kind, records); err != nil {
		return Position{}, err
	}
	if err := ctx.Err(); err != nil {
		return Position{}, err
	}
	tickets, err := l.part.app.enqueue(kind, records)
	if err != nil {
		return Position{}, err
	}
	var pos Position
	for _, t := range tickets {
		if pos, err = t.wait(ctx); err != nil {
			return Position{}, err
		}
	}
	return pos, nil
}

func check(kind byte, records [][]byte) error {
	if kind == 0 || len(records) == 0 {
		return fault.New(fault.Invalid, "There is nothing to append: give a kind above 0 and at least one record.")
	}
	for _, r := range records {
		if len(r) > MaxRecord {
			return fault.New(fault.TooLarge, "A record of %d bytes is over the limit of %d.", len(r), MaxRecord)
		}
	}
	return nil
}

// ticket is a caller's place in a group.
type ticket struct {
	group *group
	index int // of the caller's last record in the group
}

func (t ticket) wait(ctx context.Context) (Position, error) {
	select {
	case <-t.group.done:
	case <-ctx.Done():
		return Position{}, ctx.Err()
	}
	if t.group.err != nil {
		return Position{}, t.group.err
	}
	return after(t.group.seq, t.index, t.group.count, t.group.stamp), nil
}

// enqueue puts the records into open groups: all of them or, under back-pressure, none.
func (a *appender) enqueue(kind byte, records [][]byte) ([]ticket, error) {
	size := 0
	for _, r := range records {
		size += recordSize(r)
	}
	subject := a.part.events
	if kind == KindTick {
		subject = a.part.ticks
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.admit(size); err != nil {
		return nil, err
	}
	a.pending += size
	var tickets []ticket
	for i, r := range records {
		g := a.open(subject, recordSize(r))
		g.buf = appendRecord(g.buf, kind, r)
		g.count++
		if i == 0 || tickets[len(tickets)-1].group != g {
			g.callers++
			tickets = append(tickets, ticket{group: g})
		}
		tickets[len(tickets)-1].index = g.count - 1
	}
	a.wake.Signal()
	return tickets, nil
}

// admit refuses what would let more wait than is allowed. The caller holds mu.
func (a *appender) admit(size int) error {
	if a.closed {
		return closed()
	}
	if limit := a.l.opt.MaxPendingBytes; size > limit {
		return fault.New(fault.TooLarge, "%d bytes at once are over the limit of %d. Append them in parts.", size, limit)
	} else if a.pending+size > limit {
		a.stats.Refused++
		return fault.New(fault.Unavailable,
			"Too many events are waiting for the disk. Send the same events again in a moment.").After(retryAfter)
	}
	return nil
}

// open returns the group that takes the next record of size bytes. The caller holds mu.
func (a *appender) open(subject string, size int) *group {
	if n := len(a.queue); n > 0 {
		g := a.queue[n-1]
		if g.relay == 0 && len(g.buf)+size+frameTail <= MaxMessage {
			if g.subject == a.part.ticks {
				g.subject = subject
			}
			return g
		}
	}
	return a.push(&group{subject: subject})
}

// push adds an empty group to the queue. The caller holds mu.
func (a *appender) push(g *group) *group {
	g.buf, a.spare = a.spare, nil
	if g.buf == nil {
		g.buf = make([]byte, 0, 4<<10)
	}
	g.buf = g.buf[:frameHead]
	g.done = make(chan struct{})
	a.queue = append(a.queue, g)
	return g
}

// run publishes groups in order until the appender is stopped and nothing waits.
func (a *appender) run() {
	defer close(a.stopped)
	callers := 0
	for {
		if callers >= gatherFrom {
			_ = clock.Rest(a.l.life, nil, gatherFor)
		}
		g := a.take()
		if g == nil {
			return
		}
		callers = g.callers
		records := len(g.buf) - frameHead
		began := clock.StartWatch()
		a.publish(g)
		a.settle(g, records, began.Passed())
	}
}

func (a *appender) take() *group {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) == 0 {
		if a.closed {
			return nil
		}
		a.wake.Wait()
	}
	g := a.queue[0]
	a.queue[0] = nil
	a.queue = a.queue[1:]
	return g
}

// settle records what became of the group and tells its callers.
func (a *appender) settle(g *group, records int, took time.Duration) {
	a.mu.Lock()
	a.pending -= records
	if a.spare == nil {
		a.spare = g.buf[:0]
	}
	g.buf = nil
	if g.err == nil {
		a.stats.Records += int64(g.count)
		a.stats.Groups++
		a.stats.LastSync = took
		a.acked = Position{seq: g.seq + 1, stamp: g.stamp}
	} else {
		a.stats.Failed++
	}
	a.mu.Unlock()
	close(g.done)
}

func (a *appender) snapshot() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.stats
	s.PendingBytes = a.pending
	return s
}

// stop refuses new records, publishes what waits and returns when that is settled.
func (a *appender) stop() {
	a.mu.Lock()
	a.closed = true
	a.wake.Broadcast()
	a.mu.Unlock()
	<-a.stopped
}

func (a *appender) stopping() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}
