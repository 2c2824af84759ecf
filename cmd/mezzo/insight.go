package main

import (
	"context"
	"errors"
	"time"

	"mezzo/internal/insight"

	"github.com/prometheus/client_golang/prometheus"
)

// furnishInsight joins the numbers to those who may read them.
func (s *server) furnishInsight() {
	log := s.log.With("room", "insight")
	source := numbers{Fold: s.folds.keeper.Fold(), keeper: s.folds.keeper, warn: func(err error) { log.Warn("a series is told without its past", "error", err) }}
	s.rooms.insight = insight.New(insight.Options{DB: s.stores.db, Source: source, Clock: s.stores.clock, House: s.machine, Observe: s.meters.freshness()})
	s.rooms.affiliate.Attach(s.rooms.insight)
	s.visible.Store(s.rooms.insight.Freshnesses())
	s.meters.watchInsight(s)
}

// observeFolds passes on what the keepers measure, and how soon events are to be read to those who tell people.
func (s *server) observeFolds(to func(kind string, seconds float64)) func(kind string, seconds float64) {
	return func(kind string, seconds float64) {
		to(kind, seconds)
		if fresh := s.visible.Load(); fresh != nil && kind == "visible" {
			fresh.Note(insight.Visible, time.Duration(seconds*float64(time.Second)))
		}
	}
}

// machine is what this node counts of itself.
func (s *server) machine() insight.Machine {
	ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
	defer cancel()
	k := s.folds.keeper.Fold().Stats()
	told := s.stores.log.Stats()
	m := insight.Machine{Records: told.Records, Applied: k.Records, Lag: s.folds.keeper.Lag(), Flagged: k.Flagged, Late: k.Late, Repeats: k.Repeats, Lost: k.Lost,
		Entities: k.Entities, Horizon: s.folds.seen.Stats().Horizon, Ahead: s.stores.log.Ahead(), Doubted: s.stores.machine.Doubted()}
	if size, err := s.stores.log.Size(ctx); err == nil { // the figure is left out when the log does not say
		m.LogBytes = size
	}
	return m
}

// live keeps dashboards moving until the server begins to stop: their streams end before the drain.
func (s *server) live(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := s.rooms.insight.Run(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// freshness is how long events take from their acknowledgement to people.
func (m *meters) freshness() func(insight.Freshness, float64) {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "mezzo_freshness_seconds",
		Help:    "Time from the acknowledgement of events: visible, until dashboards can read them; ranked, until the next page of feed goes by them; pushed, until open dashboards have been sent them.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, .75, 1, 2.5, 5, 10},
	}, []string{"until"})
	m.registry.MustRegister(h)
	return func(kind insight.Freshness, seconds float64) { h.WithLabelValues(string(kind)).Observe(seconds) }
}

// watchInsight shows what the numbers leave out, and who watches them.
func (m *meters) watchInsight(s *server) {
	stats := s.folds.keeper.Fold().Stats
	m.gauge("mezzo_dashboards_open", "Streams of live numbers being read.", func() float64 { return float64(s.rooms.insight.Subscribers()) })
	m.gauge("mezzo_dedupe_horizon_seconds", "How far back a repeated event is recognised.", func() float64 {
		since := s.folds.seen.Stats().Horizon
		if since.IsZero() {
			return 0
		}
		return s.stores.clock.Now().Sub(since).Seconds()
	})
	m.counter("mezzo_events_flagged_total", "Events of robots, of tokens that are not the sender's, and of clients who cannot know.", func() float64 { return float64(stats().Flagged) })
	m.counter("mezzo_events_late_total", "Events that happened before repeats are known: counted as late alone.", func() float64 { return float64(stats().Late) })
	m.counter("mezzo_events_repeated_total", "Events told before, and dropped.", func() float64 { return float64(stats().Repeats) })
	m.counter("mezzo_events_lost_total", "Events that clients numbered and never sent.", func() float64 { return float64(stats().Lost) })
}
