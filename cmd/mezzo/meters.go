package main

import (
	"context"
	"io"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/feed"
	"mezzo/internal/stream"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// meters are the program's own figures, in a registry of its own.
type meters struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	running  prometheus.Gauge
	answered sync.Map // by answerKind: what observe would look up by its labels each time
}

// answerKind names what is counted of a request; answerMeters count it.
type (
	answerKind struct {
		route  string
		status int
	}
	answerMeters struct {
		requests prometheus.Counter
		seconds  prometheus.Observer
	}
)

func newMeters() *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mezzo_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "mezzo_http_request_seconds", Help: "Time from the request's head to the end of the answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "mezzo_http_requests_running", Help: "Requests being answered, streams included.",
		}),
	}
	b := thisBuild()
	m.registry.MustRegister(m.requests, m.seconds, m.running,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mezzo_build_info", Help: "1, labelled with the program's version.",
			ConstLabels: prometheus.Labels{"version": b.Version, "go": b.Go},
		}, func() float64 { return 1 }))
	return m
}

// counter and gauge add a figure that somebody else keeps.
func (m *meters) counter(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

func (m *meters) gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// watch shows the stores' own counts.
func (m *meters) watch(d *db.DB, l *stream.Log) {
	m.counter("mezzo_db_commits_total", "Commits of the database.", func() float64 { return float64(d.Stats().Groups) })
	m.counter("mezzo_db_transactions_total", "Transactions run, failed ones included.", func() float64 { return float64(d.Stats().Bodies) })
	m.counter("mezzo_db_transactions_failed_total", "Transactions whose error rolled them back.", func() float64 { return float64(d.Stats().Failed) })
	m.counter("mezzo_db_commit_seconds_total", "Time spent in commits.", func() float64 { return d.Stats().CommitTime.Seconds() })
	m.gauge("mezzo_db_transactions_waiting", "Transactions waiting for their turn.", func() float64 { return float64(d.Stats().Waiting) })
	m.gauge("mezzo_outbox_waiting", "Facts committed and not yet in the log.", func() float64 { return m.waiting(d, l) })
	m.counter("mezzo_stream_records_total", "Records acknowledged by the log.", func() float64 { return float64(l.Stats().Records) })
	m.counter("mezzo_stream_messages_total", "Messages those records were grouped into.", func() float64 { return float64(l.Stats().Groups) })
	m.counter("mezzo_stream_refused_total", "Appends refused because too much was waiting.", func() float64 { return float64(l.Stats().Refused) })
	m.gauge("mezzo_stream_pending_bytes", "Bytes waiting for the disk.", func() float64 { return float64(l.Stats().PendingBytes) })
	m.gauge("mezzo_stream_sync_seconds", "Time the last message took to disk.", func() float64 { return l.Stats().LastSync.Seconds() })
}

// told shows what became of the events told, by viewers and under write keys.
func (m *meters) told(f *feed.Feed) {
	for verdict, read := range map[string]func(feed.Stats) int64{
		"accepted":  func(s feed.Stats) int64 { return s.Accepted },
		"duplicate": func(s feed.Stats) int64 { return s.Duplicates },
		"rejected":  func(s feed.Stats) int64 { return s.Rejected },
		"denied":    func(s feed.Stats) int64 { return s.Denied },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "mezzo_events_told_total", Help: "Events told, by what became of them: on disk, known already, unreadable, without consent.",
			ConstLabels: prometheus.Labels{"verdict": verdict},
		}, func() float64 { return float64(read(f.Stats())) }))
	}
}

// waiting returns how many committed facts are not in the log; NaN when a store does not say. The
// database notes deliveries now and then only, so the log is asked how far they have come since.
func (m *meters) waiting(d *db.DB, l *stream.Log) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
	defer cancel()
	state, err := d.Outbox(ctx)
	last, other := l.LastRelay(ctx)
	if err != nil || other != nil {
		return math.NaN()
	}
	return float64(max(0, state.Waiting-max(0, last-state.Delivered)))
}

// handler answers GET /metrics.
func (m *meters) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// observe adds one answered request by the pattern of its route, which is bounded, never by its path.
func (m *meters) observe(route string, status int, seconds float64) {
	if route == "" {
		route = "none"
	}
	of, ok := m.answered.Load(answerKind{route, status})
	if !ok {
		of, _ = m.answered.LoadOrStore(answerKind{route, status}, answerMeters{m.requests.WithLabelValues(route, strconv.Itoa(status)), m.seconds.WithLabelValues(route)})
	}
	meters := of.(answerMeters)
	meters.requests.Inc()
	meters.seconds.Observe(seconds)
}

// count observes the requests to the program's own routes; the rooms behind "/" observe theirs.
func (m *meters) count(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.running.Inc()
		defer m.running.Dec()
		begun := time.Now()
		seen := &statusSeen{ResponseWriter: w, status: http.StatusOK}
		mux.ServeHTTP(seen, r)
		if r.Pattern != "/" { // set by the mux on this very request
			m.observe(r.Pattern, seen.status, time.Since(begun).Seconds())
		}
	})
}

// statusSeen remembers the status of an answer.
type statusSeen struct {
	http.ResponseWriter
	status int
	sent   bool
}

// WriteHeader notes the first final status.
func (s *statusSeen) WriteHeader(status int) {
	if !s.sent && status >= 200 {
		s.status, s.sent = status, true
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write sends 200 when nothing was sent before, as the standard writer does.
func (s *statusSeen) Write(b []byte) (int, error) {
	s.sent = true
	return s.ResponseWriter.Write(b)
}

// ReadFrom keeps the kernel's way of sending files open to what serves media.
func (s *statusSeen) ReadFrom(r io.Reader) (int64, error) {
	s.sent = true
	return io.Copy(s.ResponseWriter, r)
}

// Flush sends what is written so far: server-sent events wait for nobody.
func (s *statusSeen) Flush() {
	s.sent = true
	http.NewResponseController(s.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (s *statusSeen) Unwrap() http.ResponseWriter { return s.ResponseWriter }
