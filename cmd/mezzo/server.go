package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"mezzo/internal/archive"
	"mezzo/internal/insight"
	"mezzo/internal/metric"
	"mezzo/internal/rank"
)

// Limits of one connection and of all of them. Answers have no time limit here: streams take as long as
// they take, and each route bounds its own.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	// bodyPatience is how long a body may take to come, besides what its length takes at slowestBody
	// bytes a second: a bad line is waited for, somebody who holds connections open is not.
	bodyPatience   = time.Minute
	slowestBody    = 4 << 10
	maxHeaderBytes = 32 << 10
	maxConnections = 20_000
	// closeLimit is how long what runs beside the requests may take to end, after the drain.
	closeLimit = 10 * time.Second
	// readyEvery is how often a starting server asks itself whether it is ready, to say so.
	readyEvery = 50 * time.Millisecond
)

// server is the running program: stores open, tasks running, requests answered.
type server struct {
	conf   serveFlags
	name   string // of this process, in leases
	log    *slog.Logger
	begun  time.Time
	url    string // what people type
	local  string // where this machine reaches it
	stores *stores
	health *health
	meters *meters
	tasks  *tasks
	folds  *folds
	// visible is told how soon events were to be read, once there is somebody to tell.
	visible atomic.Pointer[insight.Freshnesses]
	rooms   rooms

	http        *http.Server
	connections atomic.Int64
	// stopping is closed when the server begins to stop: streams to clients end then, so that
	// the drain waits for nothing but requests.
	stopping chan struct{}
	failed   chan error
}

// start opens everything and answers requests from when it returns. An error leaves nothing open.
func start(ctx context.Context, conf serveFlags, log *slog.Logger) (*server, error) {
	boundMemory(conf.Memory, log)
	s := &server{
		conf: conf, log: log, begun: time.Now(), meters: newMeters(), health: &health{log: log},
		stopping: make(chan struct{}), failed: make(chan error, 1),
	}
	var err error
	if s.stores, err = openStores(ctx, conf.storeFlags, conf.SandboxClock, log); err != nil {
		return nil, err
	}
	s.tasks = newTasks(log)
	if s.name, err = s.stores.folder.node(); err != nil {
		return nil, errors.Join(err, s.closeStores())
	}
	if s.folds, err = openFolds(s.stores, metric.KeeperOptions{Holder: s.name, Observe: s.observeFolds(s.meters.folds().observe), Logger: log.With("room", "metric")},
		rank.KeeperOptions{Observe: s.observeRank(s.meters.rank()), Logger: log.With("room", "rank")}); err != nil {
		return nil, errors.Join(err, s.closeStores())
	}
	if conf.ArchiveDays > 0 {
		s.folds.archive = archive.New(archive.Options{Log: s.stores.log, DB: s.stores.db, Blobs: s.stores.blobs, Days: conf.ArchiveDays,
			Holder: s.name, Clock: s.stores.clock, Logger: log.With("room", "archive")})
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.closeStores())
	}
	s.log.Info("listening", "url", s.local, "public", s.url, "data", s.stores.folder.path, "engine", s.stores.db.Engine(), "version", version)
	s.tasks.run("say ready", s.sayReady)
	return s, nil
}

// open furnishes the rooms and begins to answer, with the stores open.
func (s *server) open(ctx context.Context) error {
	s.stores.watch(s.health)
	s.meters.watch(s.stores.db, s.stores.log)
	s.meters.watchFolds(s.folds)
	s.meters.watchClock(s.stores)
	s.meters.watchRank(s.folds.rank)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.conf.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another address with --addr", s.conf.Addr, err)
	}
	if err := s.furnish(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := s.serveProfiles(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	s.local = reachable(listener.Addr())
	s.url = strings.TrimSuffix(s.conf.PublicURL, "/")
	if s.url == "" {
		s.url = s.local
	}
	mux := http.NewServeMux()
	s.routes(mux)
	s.http = s.newHTTP(impatient(bodyPatience, s.recovered(s.meters.count(mux))))
	go func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the listener on %s failed: %w", s.conf.Addr, err)
		}
	}()
	return nil
}

// routes are what the program itself answers; everything else is the rooms'.
func (s *server) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", s.health.live)
	mux.HandleFunc("GET /readyz", s.health.ready)
	mux.Handle("GET /metrics", s.meters.handler())
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, thisBuild()) })
	if s.conf.status != nil {
		mux.HandleFunc("GET /api/v1/demo", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.conf.status()) })
	}
	mux.Handle("/", s.rooms.api)
}

func (s *server) newHTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // clients' mistakes
		ConnState:         s.bound,
	}
}

// bound closes connections beyond the most this process holds at once.
func (s *server) bound(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if s.connections.Add(1) > maxConnections {
			c.Close()
		}
	case http.StateHijacked, http.StateClosed:
		s.connections.Add(-1)
	}
}

// impatient bounds the time in which a request's body must have come. Routes that read for longer, as
// uploads in pieces do, set their own deadlines later.
func impatient(patience time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			until := time.Now().Add(patience + time.Duration(max(r.ContentLength, 0)/slowestBody)*time.Second)
			_ = http.NewResponseController(w).SetReadDeadline(until) // a writer without a connection has nobody to wait for
		}
		next.ServeHTTP(w, r)
	})
}

// recovered answers 500 for a handler that panics, and keeps the stack for the log.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.log.Error("a handler panicked", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusInternalServerError)
			w.Write([]byte(`{"type":"/problems/internal","title":"Internal error","status":500,"detail":"Something went wrong here. It was noted; please try again."}`))
		}()
		next.ServeHTTP(w, r)
	})
}

// sayReady logs the moment at which every check first holds.
func (s *server) sayReady(ctx context.Context) error {
	for {
		if _, ready := s.health.ask(ctx); ready {
			s.log.Info("ready", "url", s.local, "after", time.Since(s.begun).Round(time.Millisecond).String())
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(readyEvery):
		}
	}
}

// wait serves until ctx ends or the server fails, then closes it.
func (s *server) wait(ctx context.Context) error {
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-s.failed:
	}
	return errors.Join(failure, s.Close())
}

// Close stops in the order in which nothing acknowledged is lost: no new requests, those under way
// finish within the drain, then followers and jobs, then the stores. It ends in bounded time.
func (s *server) Close() error {
	s.log.Info("stopping", "drain", s.conf.drain().String())
	s.health.stop()
	close(s.stopping)
	ctx, cancel := context.WithTimeout(context.Background(), s.conf.drain())
	defer cancel()
	var errs []error
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off: they did not finish within the drain", "error", err)
		errs = append(errs, s.http.Close())
	}
	err := errors.Join(append(errs, s.closeStores())...)
	s.log.Info("stopped", "clean", err == nil)
	return err
}

// closeStores ends the tasks, then closes what they stand on.
func (s *server) closeStores() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	return errors.Join(s.tasks.stop(ctx), s.folds.Close(), s.stores.Close())
}

type serveCommand struct{ serveFlags }

// Validate also keeps an unlimited server from being reached by others.
func (c *serveCommand) Validate() error {
	if c.NoLimits && !loopback(c.Addr) {
		return fmt.Errorf("--no-limits needs an --addr that only this machine reaches, such as 127.0.0.1:8080")
	}
	c.takeSecrets()
	return c.serveFlags.Validate()
}

// Run serves until a signal.
func (c *serveCommand) Run(ctx context.Context, log *slog.Logger) error {
	s, err := start(ctx, c.serveFlags, log)
	if err != nil {
		return err
	}
	return s.wait(ctx)
}
