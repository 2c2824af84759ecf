package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

type handlers = map[string]func(context.Context, *db.JobRun) error

func enqueue(t testing.TB, d *db.DB, body any, at time.Time) id.Job {
	t.Helper()
	job, err := db.Do(t.Context(), d, func(tx *db.Tx) (id.Job, error) { return tx.Enqueue("test", body, at) })
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func jobOf(t testing.TB, d *db.DB, id id.Job) db.Job {
	t.Helper()
	j, err := d.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func startWorker(t testing.TB, w *db.Worker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the worker: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestJobRunsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		var ran sync.Map
		var count atomic.Int64
		work := handlers{"test": func(ctx context.Context, r *db.JobRun) error {
			if _, again := ran.LoadOrStore(r.ID, true); again {
				t.Errorf("job %s ran again", r.ID)
			}
			var n int
			if err := r.Decode(&n); err != nil {
				return err
			}
			count.Add(int64(n))
			return r.Progress(ctx, 50)
		}}
		for range 3 { // three workers at once
			startWorker(t, d.NewWorker(work))
		}
		var jobs []id.Job
		for range 30 {
			jobs = append(jobs, enqueue(t, d, 2, time.Time{}))
		}
		waitFor(t, "all jobs are done", func() bool {
			for _, j := range jobs {
				if jobOf(t, d, j).State != db.JobDone {
					return false
				}
			}
			return true
		})
		if j := jobOf(t, d, jobs[0]); count.Load() != 60 || j.Attempts != 1 || j.Progress != 100 || !j.Ended.Equal(dbtest.Start) {
			t.Errorf("they added up to %d; the first is %+v", count.Load(), j)
		}
		c.Advance(db.JobLife + 1e9)
		if n, err := d.PruneJobs(t.Context()); n != 30 || err != nil {
			t.Errorf("pruned %d, %v", n, err)
		}
		if _, err := d.Job(t.Context(), jobs[0]); !fault.Is(err, fault.Missing) {
			t.Errorf("a forgotten job gives %v", err)
		}
	})
}

func TestJobWaitsForItsTime(t *testing.T) {
	d, c := dbtest.SQLite(t)
	ran := make(chan time.Time, 1)
	startWorker(t, d.NewWorker(handlers{"test": func(context.Context, *db.JobRun) error {
		ran <- c.Now()
		return nil
	}}))
	due := dbtest.Start.Add(time.Hour)
	job := enqueue(t, d, nil, due)
	waitFor(t, "the worker waits for the clock", func() bool { return c.Waiting() > 0 })
	if s := jobOf(t, d, job).State; s != db.JobWaiting {
		t.Errorf("before its time it is %s", s)
	}
	c.Advance(time.Hour)
	if at := <-ran; !at.Equal(due) {
		t.Errorf("it ran at %v", at)
	}
}

func TestJobIsTriedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		tries := 0
		w := d.NewWorker(handlers{"test": func(_ context.Context, r *db.JobRun) error {
			tries++
			switch r.Attempt {
			case 1:
				return errors.New("not yet")
			case 2:
				panic("oh no")
			}
			return nil
		}})
		job := enqueue(t, d, nil, time.Time{})
		due := func(want int) {
			t.Helper()
			if n, err := w.RunDue(t.Context()); n != want || err != nil {
				t.Errorf("%d jobs ran, %v", n, err)
			}
		}
		due(1)
		if j := jobOf(t, d, job); j.State != db.JobWaiting || j.Error != "not yet" || !j.RunAt.After(c.Now()) {
			t.Errorf("after an error it is %+v", j)
		}
		due(0)
		c.Advance(5 * time.Second)
		due(1)
		if j := jobOf(t, d, job); j.State != db.JobWaiting || !strings.Contains(j.Error, "oh no") {
			t.Errorf("after a panic it is %+v", j)
		}
		c.Advance(5 * time.Second)
		due(0)
		c.Advance(5 * time.Second)
		due(1)
		if j := jobOf(t, d, job); j.State != db.JobDone || j.Error != "" || tries != 3 {
			t.Errorf("in the end it is %+v", j)
		}
	})
}

func TestJobFailsInTheEnd(t *testing.T) {
	d, c := dbtest.SQLite(t)
	give := false
	w := d.NewWorker(handlers{"test": func(context.Context, *db.JobRun) error {
		if give {
			return db.GiveUp(errors.New("never"))
		}
		return errors.New("no")
	}})
	job := enqueue(t, d, nil, time.Time{})
	total := 0
	for range 2 * db.JobAttempts {
		n, err := w.RunDue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		total += n
		c.Advance(2 * time.Hour)
	}
	if j := jobOf(t, d, job); j.State != db.JobFailed || total != db.JobAttempts {
		t.Errorf("after %d attempts it is %+v", total, j)
	}
	give = true
	job = enqueue(t, d, nil, time.Time{})
	if _, err := w.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j := jobOf(t, d, job); j.State != db.JobFailed || j.Attempts != 1 || j.Error != "never" {
		t.Errorf("given up, it is %+v", j)
	}
}

// A process that dies leaves its jobs to others once its lease has ended, and whatever it still
// does afterwards takes no effect.
func TestJobOfADeadProcess(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		table(t, d)
		started, free := make(chan struct{}), make(chan struct{})
		late := make(chan error, 1)
		dead := d.NewWorker(handlers{"test": func(ctx context.Context, r *db.JobRun) error {
			close(started)
			<-free
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				if err := add(tx, "effect", 1); err != nil {
					return err
				}
				return r.Finish(tx)
			})
			late <- err
			return err
		}})
		job := enqueue(t, d, nil, time.Time{})
		go dead.RunDue(context.Background())
		<-started
		// The dead do not prolong their lease: it ends while nobody turns the clock for them.
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE jobs SET lease_until = $1`, db.Micros(tx.Now()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		next := d.NewWorker(handlers{"test": func(_ context.Context, r *db.JobRun) error {
			if r.Attempt != 2 {
				t.Errorf("it is attempt %d", r.Attempt)
			}
			return d.Write(context.Background(), func(tx *db.Tx) error {
				if err := add(tx, "effect", 1); err != nil {
					return err
				}
				return r.Finish(tx)
			})
		}})
		if n, err := next.RunDue(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d jobs ran, %v", n, err)
		}
		close(free)
		if err := <-late; err == nil {
			t.Error("the late attempt took effect")
		}
		if n := number(t, d, "effect"); n != 1 {
			t.Errorf("the job had its effect %d times", n)
		}
		if j := jobOf(t, d, job); j.State != db.JobDone || j.Attempts != 2 {
			t.Errorf("it is %+v", j)
		}
	})
}

func TestLeaseOfARunningJobIsKept(t *testing.T) {
	d, c := dbtest.SQLite(t)
	started, free := make(chan struct{}), make(chan struct{})
	slow := d.NewWorker(handlers{"test": func(context.Context, *db.JobRun) error {
		close(started)
		<-free
		return nil
	}})
	job := enqueue(t, d, nil, time.Time{})
	stop := startWorker(t, slow)
	<-started
	lease := func() (until int64) {
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Row(`SELECT lease_until FROM jobs`).Scan(&until)
		})
		if err != nil {
			t.Fatal(err)
		}
		return until
	}
	for range 6 {
		before := lease()
		waitFor(t, "the renewal waits for the clock", func() bool { return c.Waiting() > 0 })
		c.Advance(db.JobLease / 3)
		waitFor(t, "the lease is prolonged", func() bool { return lease() > before })
	}
	close(free)
	stop()
	if j := jobOf(t, d, job); j.State != db.JobDone || j.Attempts != 1 {
		t.Errorf("it is %+v", j)
	}
}

func TestWorkerStopsGracefully(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	started, free := make(chan struct{}, 2), make(chan struct{})
	w := d.NewWorker(handlers{"test": func(context.Context, *db.JobRun) error {
		started <- struct{}{}
		<-free
		return nil
	}}).Concurrency(1)
	first := enqueue(t, d, nil, time.Time{})
	second := enqueue(t, d, nil, dbtest.Start)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	<-started
	cancel()
	close(free)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	a, b := jobOf(t, d, first), jobOf(t, d, second)
	if a.State == db.JobWaiting {
		a, b = b, a
	}
	if a.State != db.JobDone || b.State != db.JobWaiting || b.Attempts != 0 {
		t.Errorf("the running one is %+v, the other %+v", a, b)
	}
}
