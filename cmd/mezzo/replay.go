package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"mezzo/internal/archive"
	"mezzo/internal/metric"
	"mezzo/internal/seen"
)

// beside makes a fold beside the kept ones: it reads their files and writes its own to a folder that is
// removed by done.
func beside(s *stores, log *slog.Logger) (options metric.KeeperOptions, done func() error, err error) {
	dir := s.folder.file(foldsName)
	aside, err := os.MkdirTemp(s.folder.path, tempPattern)
	if err != nil {
		return options, nil, err
	}
	told, err := seen.Open(seen.Options{Dir: aside, Origin: filepath.Join(dir, seenName)})
	if err != nil {
		return options, nil, errors.Join(err, os.RemoveAll(aside))
	}
	options = metric.KeeperOptions{Fold: metric.New(metric.Options{Seen: told}), Log: s.log, DB: s.db, Dir: filepath.Join(dir, metricName),
		Cold: archive.Reader{DB: s.db, Blobs: s.blobs}, Build: version, Clock: s.clock, Logger: log}
	return options, func() error { return errors.Join(told.Close(), os.RemoveAll(aside)) }, nil
}

type replayCommand struct {
	storeFlags
	Beginning bool `help:"From the first record there ever was instead of from the snapshot before the newest; the log and the archive must still hold it."`
}

// Run makes the numbers again from a kept snapshot and the log, or from the beginning, and compares them with
// the newest snapshot; a difference is an error. The server must not run on the same folder.
func (c *replayCommand) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	s, err := openKept(ctx, c.storeFlags, log)
	if err != nil {
		return err
	}
	options, done, err := beside(s, log)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	r, err := metric.Replay(ctx, options, c.Beginning)
	if err = errors.Join(err, done(), s.Close()); err != nil {
		return err
	}
	from := "the beginning"
	if r.Snapshot != "" {
		from = r.Snapshot
	}
	rate := 0.0
	if r.Took > 0 {
		rate = float64(r.Records) / r.Took.Seconds()
	}
	fmt.Fprintf(out, "from      %s\nrecords   %d in %v, %.0f a second\nkept      %s\nreplayed  %s\n", from, r.Records, r.Took, rate, r.Want, r.Sum)
	if !r.Equal() {
		return errors.New("the numbers made again differ from those that were kept; keep a copy of the data before anything else is done with it")
	}
	fmt.Fprintln(out, "The same numbers.")
	return nil
}
