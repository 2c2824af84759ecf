package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/id"
)

const (
	// WorkerJobs is how many jobs a worker runs at once unless told otherwise.
	WorkerJobs = 4
	// StopGrace is how long running jobs may go on after the worker was told to stop.
	StopGrace = 10 * time.Second
	// workerPoll is how often a worker looks for jobs of other processes, in the machine's time.
	workerPoll = time.Second
)

// Handler does the work of one kind of job. It may be called again for the same job after an
// error or a crash, so what it does must bear repetition; JobRun.Finish helps.
type Handler = func(ctx context.Context, run *JobRun) error

// Worker runs the jobs of the kinds it has handlers for.
type Worker struct {
	d        *DB
	handlers map[string]Handler
	holder   string
	limit    int
	kinds    []any  // the kinds, as arguments $1…$n of the statements
	claimSQL string // then holder, lease, now, limit
	nextSQL  string // then holder
}

// NewWorker returns a worker for the kinds that have a handler. Run starts it.
func (d *DB) NewWorker(handlers map[string]func(context.Context, *JobRun) error) *Worker {
	w := &Worker{d: d, handlers: handlers, holder: rand.Text(), limit: WorkerJobs}
	var marks []string
	for kind := range handlers {
		w.kinds = append(w.kinds, kind)
		marks = append(marks, fmt.Sprintf("$%d", len(w.kinds)))
	}
	in, n := strings.Join(marks, ", "), len(w.kinds)
	w.claimSQL = fmt.Sprintf(`UPDATE jobs SET state = 'running', attempts = attempts + 1, holder = $%[2]d, lease_until = $%[3]d
		WHERE state = 'waiting' AND id IN (SELECT id FROM jobs
			WHERE state = 'waiting' AND run_at <= $%[4]d AND kind IN (%[1]s) ORDER BY run_at, id LIMIT $%[5]d)
		RETURNING id, kind, body, attempts`, in, n+1, n+2, n+3, n+4)
	w.nextSQL = fmt.Sprintf(`SELECT COALESCE(MIN(due), 0) FROM (
		SELECT MIN(run_at) AS due FROM jobs WHERE state = 'waiting' AND kind IN (%[1]s)
		UNION ALL SELECT MIN(lease_until) FROM jobs WHERE state = 'running' AND holder <> $%[2]d) AS ahead`, in, n+1)
	return w
}

// Concurrency sets how many jobs run at once and returns the worker. It is called before Run.
func (w *Worker) Concurrency(n int) *Worker {
	w.limit = max(1, n)
	return w
}

// JobRun is one attempt at a job.
type JobRun struct {
	ID      id.Job
	Kind    string
	Body    json.RawMessage
	Attempt int // 1 is the first

	worker   *Worker
	finished atomic.Bool
}

// Decode reads the job's body into v.
func (r *JobRun) Decode(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return GiveUp(fmt.Errorf("db: decode the job %s: %w", r.Kind, err))
	}
	return nil
}

const ownedSQL = ` WHERE id = $1 AND state = 'running' AND holder = $2 AND attempts = $3`

// update changes the job while this attempt owns it; false says that it no longer does.
func (r *JobRun) update(tx *Tx, set string, args ...any) (bool, error) {
	n, err := tx.Exec(`UPDATE jobs SET `+set+ownedSQL, append([]any{r.ID, r.worker.holder, int64(r.Attempt)}, args...)...)
	return n == 1, err
}

// Progress notes how far the job has come, 0–100 percent.
func (r *JobRun) Progress(ctx context.Context, percent int) error {
	return r.worker.d.Write(WithoutKey(ctx), func(tx *Tx) error {
		_, err := r.update(tx, `progress = $4`, int64(min(max(percent, 0), 100)))
		return err
	})
}

// errNotOwned says that another worker took the job over, so this attempt must not take effect.
var errNotOwned = errors.New("db: the job was taken over by another worker")

// Finish marks the job done in the transaction of its effect, which then happens exactly once:
// a later attempt finds the job done, and one that lost it is rolled back.
func (r *JobRun) Finish(tx *Tx) error {
	owned, err := r.update(tx, `state = 'done', progress = 100, error = '', ended_at = $4`, Micros(tx.Now()))
	if err == nil && !owned {
		err = errNotOwned
	}
	r.finished.Store(err == nil)
	return err
}

// gaveUp marks an error after which another attempt would be in vain.
type gaveUp struct{ error }

func (g gaveUp) Unwrap() error { return g.error }

// GiveUp returns err marked so that the job has failed without further attempts.
func GiveUp(err error) error { return gaveUp{err} }

// Run runs jobs until ctx ends. Then it takes no more, gives those running StopGrace to end,
// and puts the rest back. It returns nil.
func (w *Worker) Run(ctx context.Context) error {
	if len(w.handlers) == 0 {
		<-ctx.Done()
		return nil
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan struct{}, w.limit)
	busy := 0
	for ctx.Err() == nil {
		ring := w.d.jobs.next()
		if busy < w.limit {
			runs, err := w.claim(ctx, w.limit-busy)
			if err != nil && ctx.Err() == nil {
				w.d.log.Warn("jobs could not be claimed", "error", err)
			}
			for _, r := range runs {
				busy++
				go func() {
					defer func() { ended <- struct{}{} }()
					w.do(work, r)
				}()
			}
		}
		busy -= w.wait(ctx, ring, ended, busy < w.limit)
	}
	grace := time.NewTimer(StopGrace)
	defer grace.Stop()
	for busy > 0 {
		select {
		case <-ended:
			busy--
		case <-grace.C:
			stop()
		}
	}
	return nil
}

// wait returns when there may be something to do, and how many jobs ended.
func (w *Worker) wait(ctx context.Context, ring <-chan struct{}, ended <-chan struct{}, free bool) int {
	poll := time.NewTimer(workerPoll)
	defer poll.Stop()
	var due <-chan time.Time
	if !free {
		ring = nil
	} else if at, err := w.next(ctx); err == nil && !at.IsZero() {
		t := w.timer(at)
		defer t.Stop()
		due = t.C()
	}
	select {
	case <-ended:
		return 1
	case <-ctx.Done():
	case <-ring:
	case <-poll.C:
	case <-due:
	}
	return 0
}

func (w *Worker) timer(at time.Time) clock.Timer {
	return w.d.clock.NewTimer(at.Sub(w.d.clock.Now()))
}

// RunDue runs the jobs that are due now, one after the other, until none is left,
// and returns how many. Tests and the simulation use it in place of Run.
func (w *Worker) RunDue(ctx context.Context) (n int, err error) {
	for len(w.handlers) > 0 {
		runs, err := w.claim(ctx, 1)
		if err != nil || len(runs) == 0 {
			return n, err
		}
		w.do(ctx, runs[0])
		n++
	}
	return n, nil
}

// claim takes up to limit due jobs. Of two workers who meet on PostgreSQL the second finds
// the rows changed and takes none of them.
func (w *Worker) claim(ctx context.Context, limit int) ([]*JobRun, error) {
	return Do(WithoutKey(ctx), w.d, func(tx *Tx) ([]*JobRun, error) {
		// A process that died gave no answer: its jobs wait again, or have been tried too often.
		_, err := tx.Exec(`UPDATE jobs SET error = 'the process that ran it stopped', holder = '', run_at = CAST($2 AS BIGINT),
			state = CASE WHEN attempts >= $1 THEN 'failed' ELSE 'waiting' END,
			ended_at = CASE WHEN attempts >= $1 THEN CAST($2 AS BIGINT) ELSE 0 END
			WHERE state = 'running' AND lease_until <= $2`, int64(JobAttempts), Micros(tx.Now()))
		if err != nil {
			return nil, err
		}
		return All(tx, func(rows *sql.Rows) (*JobRun, error) {
			r := &JobRun{worker: w}
			var body string
			err := rows.Scan(&r.ID, &r.Kind, &body, &r.Attempt)
			r.Body = json.RawMessage(body)
			return r, err
		}, w.claimSQL, w.args(w.holder, Micros(tx.Now().Add(JobLease)), Micros(tx.Now()), int64(limit))...)
	})
}

func (w *Worker) args(more ...any) []any {
	return append(append(make([]any, 0, len(w.kinds)+len(more)), w.kinds...), more...)
}

// next returns when the next job is due or another worker's lease ends; zero when there is none.
func (w *Worker) next(ctx context.Context) (time.Time, error) {
	return Get(ctx, w.d, func(tx *Tx) (time.Time, error) {
		var at int64
		err := tx.Row(w.nextSQL, w.args(w.holder)...).Scan(&at)
		return Time(at), err
	})
}

// do runs one attempt, keeps its lease while it lasts, and stores the outcome.
func (w *Worker) do(ctx context.Context, r *JobRun) {
	work, cancel := context.WithCancel(ctx)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		w.renew(work, cancel, r)
	}()
	err := w.call(work, r)
	cancel()
	<-renewing
	stopped := ctx.Err() != nil
	if r.finished.Load() && err == nil {
		return // its own transaction said so
	}
	keep, done := context.WithTimeout(context.WithoutCancel(ctx), WaitLimit)
	defer done()
	if err := w.store(keep, r, err, stopped); err != nil {
		w.d.log.Error("the outcome of a job was not stored; it will be run again", "job", r.ID, "kind", r.Kind, "error", err)
	}
}

// call runs the handler; a panic is an error.
func (w *Worker) call(ctx context.Context, r *JobRun) (err error) {
	defer func() {
		if v := recover(); v != nil {
			w.d.log.Error("a job panicked", "job", r.ID, "kind", r.Kind, "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("it panicked: %v", v)
		}
	}()
	return w.handlers[r.Kind](ctx, r)
}

// renew prolongs the lease until ctx ends, and ends the work when the lease was lost.
func (w *Worker) renew(ctx context.Context, cancel context.CancelFunc, r *JobRun) {
	for {
		t := w.d.clock.NewTimer(JobLease / 3)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C():
		}
		owned := true
		err := w.d.Write(WithoutKey(ctx), func(tx *Tx) error {
			var err error
			owned, err = r.update(tx, `lease_until = $4`, Micros(tx.Now().Add(JobLease)))
			return err
		})
		if err == nil && !owned && !r.finished.Load() {
			w.d.log.Warn("a job was taken over by another worker", "job", r.ID, "kind", r.Kind)
			cancel()
			return
		}
	}
}

// store notes the outcome of an attempt: done, to be tried again later, or failed. An attempt that
// ended with an error because the worker stopped does not count.
func (w *Worker) store(ctx context.Context, r *JobRun, outcome error, stopped bool) error {
	return w.d.Write(WithoutKey(ctx), func(tx *Tx) error {
		now := Micros(tx.Now())
		var err error
		switch {
		case outcome == nil:
			_, err = r.update(tx, `state = 'done', progress = 100, error = '', ended_at = $4`, now)
		case errors.Is(outcome, errNotOwned):
		case stopped:
			_, err = r.update(tx, `state = 'waiting', attempts = attempts - 1, holder = '', run_at = $4`, now)
		case errors.As(outcome, new(gaveUp)) || r.Attempt >= JobAttempts:
			_, err = r.update(tx, `state = 'failed', error = $5, ended_at = $4`, now, clip(outcome.Error()))
		default:
			_, err = r.update(tx, `state = 'waiting', holder = '', error = $5, run_at = $4`,
				Micros(tx.Now().Add(backoff(r.Attempt))), clip(outcome.Error()))
		}
		return err
	})
}

func clip(s string) string {
	if len(s) > jobErrorBytes {
		s = s[:jobErrorBytes]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}
