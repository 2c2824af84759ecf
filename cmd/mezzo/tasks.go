package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"mezzo/internal/clock"
)

// A task that fails is begun again after a pause that grows between these.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 10 * time.Second
)

// tasks are what runs beside the requests for as long as the server does: followers, relay, jobs,
// sweeps. A failing one is logged and begun again; a panic ends the program, as it should.
type tasks struct {
	log  *slog.Logger
	ctx  context.Context
	end  context.CancelFunc
	done sync.WaitGroup
}

func newTasks(log *slog.Logger) *tasks {
	t := &tasks{log: log}
	t.ctx, t.end = context.WithCancel(context.Background())
	return t
}

// run keeps fn running under the name until the server stops or fn returns nil.
func (t *tasks) run(name string, fn func(context.Context) error) {
	t.done.Go(func() {
		pause := firstPause
		for {
			begun := time.Now()
			err := fn(t.ctx)
			if t.ctx.Err() != nil || err == nil {
				return
			}
			if time.Since(begun) > maxPause {
				pause = firstPause
			}
			t.log.Error("a task failed and will be begun again", "task", name, "pause", pause, "error", err)
			if clock.Rest(t.ctx, nil, pause) != nil {
				return
			}
			pause = min(2*pause, maxPause)
		}
	})
}

// stop ends all tasks and waits for them until ctx ends.
func (t *tasks) stop(ctx context.Context) error {
	t.end()
	ended := make(chan struct{})
	go func() {
		t.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errors.New("some tasks did not end in time")
	}
}

// every returns a task that runs fn at once and then again after each pause, in machine time.
func every(pause time.Duration, fn func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			if err := fn(ctx); err != nil {
				return err
			}
			if err := clock.Rest(ctx, nil, pause); err != nil {
				return err
			}
		}
	}
}

// leased returns a task that runs fn on one node at a time: the one that holds the lease of the
// name. When the lease is lost fn's context ends; when the node dies another takes over after ttl.
func (s *server) leased(name string, ttl time.Duration, fn func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			ok, err := s.stores.db.Lease(ctx, name, s.name, ttl)
			if err != nil {
				return err
			}
			if ok {
				if err := s.hold(ctx, name, ttl, fn); err != nil {
					return err
				}
			}
			if err := clock.Rest(ctx, nil, ttl/3); err != nil {
				return err
			}
		}
	}
}

// hold runs fn while the lease can be prolonged; nil says that it was lost.
func (s *server) hold(ctx context.Context, name string, ttl time.Duration, fn func(context.Context) error) error {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- fn(within) }()
	release := func() error {
		free, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		return s.stores.db.Release(free, name, s.name)
	}
	for {
		select {
		case err := <-ended:
			return errors.Join(err, release())
		case <-time.After(ttl / 3):
			ok, err := s.stores.db.Lease(ctx, name, s.name, ttl)
			if err == nil && ok {
				continue
			}
			cancel()
			<-ended
			if ctx.Err() != nil { // nothing was lost: this node stops, and lets another go on at once
				err = errors.Join(err, release())
			}
			return err
		}
	}
}
