package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"mezzo/internal/client"
)

// maxSamples bounds the latencies one client keeps of each step; beyond it later ones are not kept.
const maxSamples = 2_000_000

// patience bounds one request of a load.
const patience = 30 * time.Second

// hurry is how long a client waits after a failure, so that a broken server is not stormed.
const hurry = 20 * time.Millisecond

// newHTTP returns a client that keeps as many connections open as there are clients.
func newHTTP(clients int) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		MaxIdleConns: clients, MaxIdleConnsPerHost: clients, IdleConnTimeout: time.Minute, DisableCompression: true,
	}}
}

// tally is what one client measured.
type tally struct {
	counting bool // past the warm-up
	done     int  // what is counted: events, orders
	all      int  // the same with those of the warm-up
	steps    map[string][]time.Duration
	errors   map[string]int
}

// took notes how long a step of the name took.
func (t *tally) took(step string, d time.Duration) {
	if t.counting && len(t.steps[step]) < maxSamples {
		t.steps[step] = append(t.steps[step], d)
	}
}

// count adds n to what was done.
func (t *tally) count(n int) {
	if t.counting {
		t.done += n
	}
}

// failed notes a failure by its kind; failures of the warm-up count too.
func (t *tally) failed(err error) {
	kind := "no answer"
	var p *client.Problem
	switch {
	case errors.As(err, &p):
		kind = fmt.Sprintf("%d %s", p.Status, p.Type)
	case errors.Is(err, context.DeadlineExceeded):
		kind = "timeout"
	}
	t.errors[kind]++
}

// run lets each client do its work again and again until the time is over, and adds up what they
// measured. One round of work measures its own steps.
func run(ctx context.Context, o Options, work func(ctx context.Context, client int, t *tally) error) (*tally, time.Duration) {
	begin := time.Now().Add(warmUp)
	end := begin.Add(time.Duration(o.Seconds) * time.Second)
	all := make([]*tally, o.Clients)
	var clients sync.WaitGroup
	for i := range all {
		t := &tally{steps: map[string][]time.Duration{}, errors: map[string]int{}}
		all[i] = t
		clients.Go(func() {
			for ctx.Err() == nil {
				now := time.Now()
				if !now.Before(end) {
					return
				}
				t.counting = !now.Before(begin)
				if err := work(ctx, i, t); err != nil && ctx.Err() == nil {
					t.failed(err)
					<-time.After(hurry)
				}
			}
		})
	}
	clients.Wait()
	took := time.Since(begin) // what was under way at the end has been waited for, and is counted
	return sum(all), took
}

// sum adds up what clients measured.
func sum(all []*tally) *tally {
	sum := &tally{steps: map[string][]time.Duration{}, errors: map[string]int{}}
	for _, t := range all {
		sum.done += t.done
		sum.all += t.all
		for step, list := range t.steps {
			sum.steps[step] = append(sum.steps[step], list...)
		}
		for kind, n := range t.errors {
			sum.errors[kind] += n
		}
	}
	return sum
}

// latency sums up durations, which it sorts.
func latency(step string, list []time.Duration) Latency {
	slices.Sort(list)
	at := func(p float64) float64 {
		if len(list) == 0 {
			return 0
		}
		return float64(list[min(int(p*float64(len(list))), len(list)-1)].Microseconds()) / 1000
	}
	return Latency{Step: step, Count: len(list), P50: at(0.50), P95: at(0.95), P99: at(0.99), Max: at(1)}
}
