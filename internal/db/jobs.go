package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// JobState is where a job stands.
type JobState string

// The states of a job. Done and failed are final.
const (
	JobWaiting JobState = "waiting"
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobFailed  JobState = "failed"
)

const (
	// JobAttempts is how often a job is tried before it has failed.
	JobAttempts = 12
	// JobLease is how long the jobs of a process that died stay its own.
	JobLease = 60 * time.Second
	// JobLife is how long ended jobs are kept.
	JobLife = 14 * 24 * time.Hour
	// jobErrorBytes bounds the error text that is kept.
	jobErrorBytes = 2000

	backoffFirst = 5 * time.Second
	backoffMost  = time.Hour
)

// Job is a job as it stands.
type Job struct {
	ID       id.Job
	Kind     string
	State    JobState
	Attempts int
	RunAt    time.Time // when it is tried next, while it waits
	Progress int       // 0–100
	Error    string    // of the last attempt, for the operator
	Created  time.Time
	Ended    time.Time // zero until it is done or failed
}

// Enqueue adds a job to be run once at or after at (the zero time means at once),
// exactly when the transaction commits. body is encoded as JSON.
func (t *Tx) Enqueue(kind string, body any, at time.Time) (id.Job, error) {
	if kind == "" {
		return "", errors.New("db: a job needs a kind")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("db: encode the job %s: %w", kind, err)
	}
	if at.IsZero() {
		at = t.now
	}
	job := id.Job("").Next(t.now)
	_, err = t.Exec(`INSERT INTO jobs (id, kind, body, state, run_at, created_at) VALUES ($1, $2, $3, 'waiting', $4, $5)`,
		job, kind, string(text), Micros(at), Micros(t.now))
	if err != nil {
		return "", err
	}
	t.queued = true
	return job, nil
}

// Job returns a job as it stands; fault.Missing when there is none, or no longer.
// Who may see it is the caller's to know.
func (d *DB) Job(ctx context.Context, job id.Job) (Job, error) {
	return Get(ctx, d, func(tx *Tx) (j Job, err error) {
		var run, created, ended int64
		err = tx.Row(`SELECT id, kind, state, attempts, run_at, progress, error, created_at, ended_at FROM jobs WHERE id = $1`, job).
			Scan(&j.ID, &j.Kind, &j.State, &j.Attempts, &run, &j.Progress, &j.Error, &created, &ended)
		if errors.Is(err, sql.ErrNoRows) {
			return j, fault.New(fault.Missing, "There is no such job, or it ended more than %d days ago.", JobLife/(24*time.Hour))
		}
		j.RunAt, j.Created, j.Ended = Time(run), Time(created), Time(ended)
		return j, err
	})
}

// PruneJobs forgets the jobs that ended more than JobLife ago and returns how many.
func (d *DB) PruneJobs(ctx context.Context) (int64, error) {
	return d.prune(ctx, `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs
		WHERE state IN ('done', 'failed') AND ended_at < $1 ORDER BY ended_at LIMIT $2)`,
		Micros(d.clock.Now().Add(-JobLife)))
}

// backoff is how long a job rests after its attempt number n failed: doubling, with a limit.
func backoff(n int) time.Duration {
	pause := backoffFirst
	for ; n > 1 && pause < backoffMost; n-- {
		pause *= 2
	}
	return min(pause, backoffMost)
}
