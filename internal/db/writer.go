package db

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
)

const (
	// MaxGroup is how many bodies one SQLite commit may hold.
	MaxGroup = 60
	// GroupTime is how long a group takes further bodies in, in the machine's time: all its callers
	// wait for its commit.
	GroupTime = 50 * time.Millisecond
	// MaxWaiting is how many bodies may wait for the SQLite writer.
	MaxWaiting = 4096
)

// body is one caller's transaction on its way through the writer.
type body struct {
	ctx     context.Context
	fn      func(*Tx) error
	stage   atomic.Int32
	err     error
	final   bool // err stands even if the group's commit is lost
	broken  bool // a statement of it failed
	panicky any  // what fn panicked with
	gone    bool // fn ended its goroutine
	facts   bool
	jobs    bool
	done    chan struct{}
}

const (
	stageWaiting = iota
	stageStarted
	stageAbandoned
)

func (b *body) begin() bool { return b.stage.CompareAndSwap(stageWaiting, stageStarted) }

// writer owns the one connection that changes a SQLite file.
// Waiting bodies share a commit, and so its fsync; what one of them did is undone without the others' harm.
type writer struct {
	d      *DB
	c      *conn
	after  func() // called after each commit
	queue  chan *body
	ended  chan struct{}
	mu     sync.RWMutex // held to send on queue, and to close it
	closed bool

	// The rest is the writing goroutine's own.
	open    bool    // a transaction is open
	careful int     // so many groups more give each body a savepoint
	running *body   // whose fn is being run
	group   []*body // begun and not answered
	again   []*body // to be run by themselves, after their group was lost
}

func startWriter(d *DB, c *conn, after func()) *writer {
	w := &writer{d: d, c: c, after: after, queue: make(chan *body, MaxWaiting), ended: make(chan struct{})}
	go w.supervise()
	return w
}

// write hands fn to the writer and waits for its commit.
func (w *writer) write(ctx context.Context, fn func(*Tx) error) error {
	if w.stopping() {
		return fault.New(fault.Unavailable, sayClosed).After(RetryAfter)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b := &body{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.submit(b); err != nil {
		return err
	}
	limit := time.NewTimer(WaitLimit)
	defer limit.Stop()
	select {
	case <-b.done:
	case <-ctx.Done():
		if b.stage.CompareAndSwap(stageWaiting, stageAbandoned) {
			return ctx.Err()
		}
		<-b.done
	case <-limit.C:
		if b.stage.CompareAndSwap(stageWaiting, stageAbandoned) {
			return fault.New(fault.Unavailable, sayBusy).After(RetryAfter)
		}
		<-b.done
	}
	if b.panicky != nil {
		panic(b.panicky)
	}
	if b.gone {
		runtime.Goexit()
	}
	return b.err
}

func (w *writer) submit(b *body) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return fault.New(fault.Unavailable, sayClosed).After(RetryAfter)
	}
	select {
	case w.queue <- b:
		return nil
	default:
		return fault.New(fault.Unavailable, sayBusy).After(RetryAfter)
	}
}

// stop lets the group under way end, turns the others away and closes the connection.
func (w *writer) stop() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.ended
}

// supervise keeps serving even when a body ends the goroutine it runs on
// (runtime.Goexit, as t.FailNow does): what it did is undone, its caller ends in its place.
func (w *writer) supervise() {
	defer close(w.ended)
	defer w.c.close()
	for {
		whole := make(chan bool)
		go func() {
			ok := false
			defer func() { whole <- ok }()
			w.serve()
			ok = true
		}()
		if <-whole {
			return
		}
		w.running.gone, w.running.final = true, true
		w.lose()
	}
}

func (w *writer) serve() {
	for {
		for len(w.again) > 0 {
			b := w.again[0]
			w.again = w.again[1:]
			w.d.stats.alone.Add(1)
			w.alone(b)
		}
		first, open := <-w.queue
		if !open {
			return
		}
		if w.stopping() {
			if first.begin() {
				first.err = fault.New(fault.Unavailable, sayClosed).After(RetryAfter)
				close(first.done)
			}
			continue
		}
		if len(w.queue) == 0 {
			runtime.Gosched() // let callers just answered come back with more
		}
		if len(w.queue) == 0 {
			if first.begin() {
				w.alone(first)
			}
			continue
		}
		w.together(first)
	}
}

func (w *writer) stopping() bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.closed
}

// together runs first and those who wait behind it in one transaction, and answers them all
// after its commit: even a refusal may rest on what an earlier body of the group did.
func (w *writer) together(first *body) {
	began := clock.StartWatch()
	if err := w.c.command("BEGIN IMMEDIATE"); err != nil {
		if first.begin() {
			w.group = append(w.group, first)
			w.refuse(err)
		}
		return
	}
	w.open = true
	w.careful = max(0, w.careful-1)
	full := time.NewTimer(GroupTime)
	defer full.Stop()
	for b, more := first, true; more; b, more = w.take(full.C) {
		if b.begin() {
			w.group = append(w.group, b)
			if !w.nested(b) {
				w.lose()
				return
			}
		}
		if len(w.group) >= MaxGroup {
			break
		}
	}
	w.finish(began)
}

// take returns the next waiting body, if there is one and the group is not full in time.
func (w *writer) take(full <-chan time.Time) (*body, bool) {
	select {
	case <-full:
		return nil, false
	default:
	}
	select {
	case b, open := <-w.queue:
		return b, open
	default:
		return nil, false
	}
}

// carefulFor is how many groups give each body a savepoint after one was lost for want of it.
const carefulFor = 64

// nested runs one body of a group; false means that the whole transaction is lost. Most bodies succeed, and most
// that fail have changed nothing yet, so a group does without savepoints, each of which costs two statements and
// copies of the pages its body changes. When one fails that has changed something, the group is lost,
// its bodies are run by themselves, and the next groups are careful.
func (w *writer) nested(b *body) bool {
	if w.careful > 0 {
		return w.saved(b)
	}
	w.c.wrote = false
	w.call(b)
	if b.err == nil || !b.broken && !w.c.wrote {
		return true
	}
	w.careful = carefulFor
	return false
}

// saved runs one body in its savepoint.
func (w *writer) saved(b *body) bool {
	if err := w.c.command("SAVEPOINT body"); err != nil {
		return false
	}
	w.call(b)
	if b.err != nil {
		if err := w.c.command("ROLLBACK TO body"); err != nil {
			return false
		}
	}
	return w.c.command("RELEASE body") == nil
}

// alone runs one body in a transaction of its own.
func (w *writer) alone(b *body) {
	began := clock.StartWatch()
	w.group = append(w.group[:0], b)
	if err := w.c.command("BEGIN IMMEDIATE"); err != nil {
		w.refuse(err)
		return
	}
	w.open = true
	w.call(b)
	if b.err != nil {
		b.final = true
		w.lose()
		return
	}
	w.finish(began)
}

// finish commits the group and answers it.
func (w *writer) finish(began clock.Stopwatch) {
	ready := clock.StartWatch()
	if err := w.c.command("COMMIT"); err != nil {
		w.d.log.Error("a commit failed", "bodies", len(w.group), "error", err)
		if len(w.group) == 1 {
			w.group[0].err, w.group[0].final = unavailable(err, sayFailed), true
		}
		w.lose()
		return
	}
	w.open = false
	w.d.stats.committed(len(w.group), began.Passed(), ready.Passed())
	facts, jobs := false, false
	for _, b := range w.group {
		if b.err == nil {
			facts, jobs = facts || b.facts, jobs || b.jobs
		}
	}
	w.d.announce(facts, jobs)
	w.after()
	w.answer(w.group)
}

// lose rolls the transaction back. Bodies whose outcome is final are answered;
// the others are run again one by one.
func (w *writer) lose() {
	if w.open {
		// After an interrupt SQLite has rolled back by itself and says that there is nothing to do.
		if err := w.c.command("ROLLBACK"); err != nil {
			w.d.log.Debug("nothing was left to roll back", "error", err)
		}
		w.open = false
	}
	group := w.group
	w.group = nil
	for _, b := range group {
		if b.final {
			w.answer([]*body{b})
		} else {
			w.again = append(w.again, b)
		}
	}
}

// refuse answers the group when no transaction could be begun.
func (w *writer) refuse(err error) {
	w.d.log.Error("a transaction could not be begun", "error", err)
	for _, b := range w.group {
		b.err = unavailable(err, sayFailed)
	}
	w.answer(w.group)
}

func (w *writer) answer(group []*body) {
	for i, b := range group {
		if b.err != nil {
			w.d.stats.failed.Add(1)
		}
		group[i] = nil
		close(b.done)
	}
	w.group = w.group[:0]
}

var errPanicked = errors.New("db: the body panicked")

// call runs a body's fn within its bound of time and notes its outcome.
func (w *writer) call(b *body) {
	w.d.stats.bodies.Add(1)
	ctx, cancel := context.WithTimeout(context.WithValue(context.WithoutCancel(b.ctx), inside{}, true), BodyLimit)
	tx := &Tx{ctx: ctx, d: w.d, run: w.c, now: w.d.clock.Now(), fault: faultOf(ctx)}
	release := w.c.watch(ctx)
	w.running = b
	b.err, b.panicky = errPanicked, nil
	defer func() {
		slow := ctx.Err() != nil
		release()
		cancel()
		if tx.rows != nil {
			tx.rows.Close()
		}
		if b.err == nil && tx.lost != nil {
			b.err = tx.lost // a body that swallows a failed statement has failed
		}
		b.broken = tx.lost != nil
		tx.lost = errEnded
		b.facts, b.jobs = tx.emitted, tx.queued
		if v := recover(); v != nil {
			w.d.log.Error("the body of a transaction panicked", "panic", v, "stack", string(debug.Stack()))
			b.panicky = v
		} else if slow {
			b.err, b.final = unavailable(context.DeadlineExceeded, saySlow), true
		}
	}()
	if b.err = b.fn(tx); b.err == nil && tx.lost == nil {
		if tx.rows != nil {
			tx.rows.Close()
		}
		b.err = tx.tell()
	}
}
