package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"mezzo/internal/archive"
	"mezzo/internal/metric"
	"mezzo/internal/rank"
	"mezzo/internal/seen"
	"mezzo/internal/stream"

	"github.com/prometheus/client_golang/prometheus"
)

// Names of the folds' folders within the data folder.
const (
	foldsName    = "folds"
	seenName     = "seen"
	metricName   = "metric"
	rankName     = "rank"
	rankSeenName = "rankseen"
)

// folds are what this node makes of the log.
type folds struct {
	keeper  *metric.Keeper
	seen    *seen.Seen
	rank    *rank.Keeper
	dealt   *seen.Seen       // what the ranking has counted already
	archive *archive.Archive // nil: none is kept
}

// openFolds opens what the folds keep on disk. They know nothing until their keepers run.
func openFolds(s *stores, options metric.KeeperOptions, ranking rank.KeeperOptions) (*folds, error) {
	dir := s.folder.file(foldsName)
	told, err := seen.Open(seen.Options{Dir: filepath.Join(dir, seenName)})
	if err != nil {
		return nil, fmt.Errorf("what was counted already cannot be read: %w", err)
	}
	options.Fold = metric.New(metric.Options{Seen: told})
	options.Log, options.DB, options.Dir = s.log, s.db, filepath.Join(dir, metricName)
	options.Cold = archive.Reader{DB: s.db, Blobs: s.blobs}
	options.Build, options.Clock = version, s.clock
	f := &folds{keeper: metric.NewKeeper(options), seen: told}
	if f.dealt, err = seen.Open(seen.Options{Dir: filepath.Join(dir, rankSeenName)}); err != nil {
		return nil, errors.Join(fmt.Errorf("what the ranking has counted cannot be read: %w", err), told.Close())
	}
	ranking.Dir, ranking.Log, ranking.Cold, ranking.Build, ranking.Clock = filepath.Join(dir, rankName), s.log, options.Cold, version, s.clock
	if ranking.Fold, err = rank.New(rank.Options{Seen: f.dealt}); err != nil {
		return nil, errors.Join(err, told.Close(), f.dealt.Close())
	}
	f.rank = rank.NewKeeper(ranking)
	return f, nil
}

// Close keeps a last snapshot and lets go of the files. The keepers must have ended.
func (f *folds) Close() error {
	if f == nil {
		return nil
	}
	return errors.Join(f.keeper.Close(), f.rank.Close(), f.seen.Close(), f.dealt.Close())
}

// caughtUp holds once the fold has read what was in the log when it was loaded; what came since is followed live.
func (f *folds) caughtUp(context.Context) error {
	if !f.keeper.Caught() {
		return errors.New("the numbers are still being read from the log")
	}
	return nil
}

// ranked holds once the ranking has read what was in the log when it was loaded. Until then, and while it is far
// behind, pages are drawn without it and say so.
func (f *folds) ranked(context.Context) error {
	if !f.rank.Caught() {
		return errors.New("the ranking is still being read from the log")
	}
	return nil
}

// numbers are what the fold knows, with the past that SQL keeps.
type numbers struct {
	*metric.Fold
	keeper *metric.Keeper
	warn   func(error)
}

// seriesLimit is how long a series may take to read.
const seriesLimit = 5 * time.Second

// Series returns the buckets with something in them that begin in [from, to), oldest first. When SQL does not
// answer it is what the fold knows.
func (n numbers) Series(e metric.Entity, g metric.Grain, from, to time.Time) []metric.Point {
	ctx, cancel := context.WithTimeout(context.Background(), seriesLimit)
	defer cancel()
	points, err := n.keeper.Series(ctx, e, g, from, to)
	if err != nil {
		n.warn(err)
		return n.Fold.Series(e, g, from, to)
	}
	return points
}

// heardLog tells the keepers of each acknowledgement, so that the way from there into the numbers and the next page is measured.
type heardLog struct {
	*stream.Log
	keeper *metric.Keeper
	rank   *rank.Keeper
}

// Append appends as the log does.
func (l heardLog) Append(ctx context.Context, kind byte, records ...[]byte) (stream.Position, error) {
	pos, err := l.Log.Append(ctx, kind, records...)
	if err == nil && kind == stream.KindEvent {
		l.keeper.Acknowledged(pos)
		l.rank.Acknowledged(pos)
	}
	return pos, err
}

// foldMeters are the figures of the folds.
type foldMeters struct{ seconds *prometheus.HistogramVec }

func (m *meters) folds() foldMeters {
	f := foldMeters{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "mezzo_fold_seconds",
		Help:    "Time things took in folds: visible, an acknowledged event into the numbers; applied, the same from its stamp, before the disk; pause, for which a snapshot held the writer up; snapshot, rollup and evict, the whole of each.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"what"})}
	m.registry.MustRegister(f.seconds)
	return f
}

func (f foldMeters) observe(kind string, seconds float64) {
	f.seconds.WithLabelValues(kind).Observe(seconds)
}

// watchFolds shows how far the folds have come.
func (m *meters) watchFolds(f *folds) {
	m.gauge("mezzo_fold_lag_seconds", "How far the numbers are behind the clock; up to a second when they have caught up.", func() float64 { return f.keeper.Lag().Seconds() })
	m.counter("mezzo_fold_records_total", "Records of the log in the numbers, since the beginning of the log.", func() float64 { return float64(f.keeper.Fold().Stats().Records) })
	m.gauge("mezzo_fold_entities", "Things that numbers are held of in memory.", func() float64 { return float64(f.keeper.Fold().Stats().Entities) })
	held := func(what, help string, read func(metric.Stats) int64) {
		m.gauge("mezzo_fold_"+what, help, func() float64 { return float64(read(f.keeper.Fold().Stats())) })
	}
	held("products", "Products of which the numbers know the brand.", func(s metric.Stats) int64 { return s.Products })
	held("videos", "Videos of which the numbers know what they show.", func(s metric.Stats) int64 { return s.Videos })
	held("programs", "Programs of which the numbers know what they cover.", func(s metric.Stats) int64 { return s.Programs })
	held("joins", "Viewers known as another browser of a person.", func(s metric.Stats) int64 { return s.Joins })
	m.counter("mezzo_fold_unlisted_total", "Products, videos, programs and what belongs to them that were told of beyond what the numbers know at most.", func() float64 { return float64(f.keeper.Fold().Stats().Unlisted) })
}
