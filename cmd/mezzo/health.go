package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// checkLimit is how long one readiness check may take.
const checkLimit = 2 * time.Second

// check is one thing that must hold before this node should get requests.
type check struct {
	name string
	hold func(context.Context) error
}

// health answers whether the process lives and whether it is ready.
type health struct {
	log      *slog.Logger
	mu       sync.Mutex
	checks   []check
	stopping bool
}

// add names one more thing that must hold: a store that answers, a fold that has caught up.
func (h *health) add(name string, hold func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, check{name, hold})
}

// stop makes the node unready for good, so that load balancers look elsewhere while it drains.
func (h *health) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// verdict is the answer of one check. Reasons are for the log: they may name hosts and paths.
type verdict struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	err  error
}

// ask runs every check at once and reports whether all hold.
func (h *health) ask(ctx context.Context) ([]verdict, bool) {
	h.mu.Lock()
	checks, stopping := h.checks, h.stopping
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	verdicts := make([]verdict, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			err := c.hold(ctx)
			verdicts[i] = verdict{c.name, err == nil, err}
		})
	}
	all.Wait()
	ready := !stopping
	for _, v := range verdicts {
		ready = ready && v.OK
	}
	return append(verdicts, verdict{Name: "running", OK: !stopping}), ready
}

// live answers GET /healthz: the process runs and can answer.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n"))
}

// ready answers GET /readyz: 200 when every check holds, else 503 and which one does not.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	verdicts, ready := h.ask(r.Context())
	status := http.StatusOK
	if !ready {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
		for _, v := range verdicts {
			if v.err != nil {
				h.log.Warn("not ready", "check", v.Name, "error", v.err)
			}
		}
	}
	answer(w, status, struct {
		Ready  bool      `json:"ready"`
		Checks []verdict `json:"checks"`
	}{ready, verdicts})
}

// answer writes a JSON answer that nobody may keep.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
