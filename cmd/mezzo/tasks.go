package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
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
			select {
			case <-t.ctx.Done():
				return
			case <-time.After(pause):
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
