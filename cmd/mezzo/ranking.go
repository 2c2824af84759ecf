package main

import (
	"time"

	"mezzo/internal/insight"
	"mezzo/internal/rank"

	"github.com/prometheus/client_golang/prometheus"
)

// observeRank passes on what the keeper of the ranking measures, and how soon events change the next page to
// those who tell people.
func (s *server) observeRank(to func(kind string, seconds float64)) func(kind string, seconds float64) {
	return func(kind string, seconds float64) {
		to(kind, seconds)
		if fresh := s.visible.Load(); fresh != nil && kind == "visible" {
			fresh.Note(insight.Ranked, time.Duration(seconds*float64(time.Second)))
		}
	}
}

// rank returns where the times of the ranking go.
func (m *meters) rank() func(kind string, seconds float64) {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "mezzo_rank_seconds",
		Help:    "Time things took in the ranking: visible, from an acknowledged event until the next page knows it; applied, the same from its stamp, before the disk; learn, a batch of the log; pause, for which a snapshot held the writer up; snapshot, the whole of one.",
		Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .02, .035, .05, .075, .1, .15, .25, .5, 1, 2.5, 10},
	}, []string{"what"})
	m.registry.MustRegister(h)
	return func(kind string, seconds float64) { h.WithLabelValues(kind).Observe(seconds) }
}

// watchRank shows how far the ranking has come, what it holds, and how good its predictions are.
func (m *meters) watchRank(k *rank.Keeper) {
	m.gauge("mezzo_rank_lag_seconds", "How far the ranking is behind the clock; up to a second when it has caught up.", func() float64 { return k.Lag().Seconds() })
	m.gauge("mezzo_rank_ready", "1 while pages are drawn by the ranking, 0 while they are drawn without it.", func() float64 {
		if k.Ready() {
			return 1
		}
		return 0
	})
	stats := k.Fold().Stats
	m.gauge("mezzo_rank_videos", "Videos the ranking knows.", func() float64 { return float64(stats().Videos) })
	m.gauge("mezzo_rank_viewers", "Viewers the ranking knows.", func() float64 { return float64(stats().Viewers) })
	m.gauge("mezzo_rank_memory_bytes", "Memory of the ranking's numbers, beside the heap.", func() float64 { return float64(stats().Bytes) })
	m.counter("mezzo_rank_learned_total", "Events the ranking has learned from, since the beginning of the log.", func() float64 { return float64(stats().Learned) })
	for h := range rank.Heads {
		head := prometheus.Labels{"head": h.String()}
		for name, of := range map[string]struct {
			help string
			of   func(rank.Report) float64
		}{
			"mezzo_rank_calibration_error":  {"Mean distance of predictions from what happened, as they were made, by head.", func(r rank.Report) float64 { return r.ECE }},
			"mezzo_rank_auc":                {"Chance that the higher of two labels had the higher prediction, by head.", func(r rank.Report) float64 { return r.AUC }},
			"mezzo_rank_log_loss":           {"Mean log loss of the predictions as they were made, in nats, by head.", func(r rank.Report) float64 { return r.LogLoss }},
			"mezzo_rank_judged":             {"Predictions those figures go by, older ones counting less, by head.", func(r rank.Report) float64 { return r.N }},
			"mezzo_rank_normalised_entropy": {"Log loss of the predictions against always saying the rate, by head; better below 1.", func(r rank.Report) float64 { return r.NormalisedEntropy }},
		} {
			m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: of.help, ConstLabels: head}, func() float64 { return of.of(k.Fold().Report()[h.String()]) }))
		}
	}
}
