package main

import (
	"context"
	"errors"
	"time"

	"mezzo/internal/stream"
)

const (
	trimEvery = 15 * time.Second
	trimLease = 60 * time.Second
	// archiveReader is the reader that can hurry.
	archiveReader = "archive"
)

// reader is somebody who still needs the log from a position on. The zero Position stands for all of it.
type reader struct {
	name string
	at   func(context.Context) (stream.Position, error)
}

// readers are those behind whom alone the log is trimmed.
func (s *server) readers() []reader {
	now := func(at func() stream.Position) func(context.Context) (stream.Position, error) {
		return func(context.Context) (stream.Position, error) { return at(), nil }
	}
	all := []reader{
		{"touches", s.rooms.affiliate.Stored},
		{"metric", now(s.folds.keeper.Safe)},
		{"rank", now(s.folds.rank.Safe)},
	}
	if s.folds.archive != nil {
		all = append(all, reader{archiveReader, now(s.folds.archive.Verified)})
	}
	return all
}

// trim lets go of what the log holds beyond its bounds, as far as no reader needs it any more. It returns
// who held it up, "" when nobody did.
func trim(ctx context.Context, log *stream.Log, readers []reader) (held string, err error) {
	surplus, err := log.Surplus(ctx)
	if err != nil || surplus.IsZero() {
		return "", err
	}
	until := surplus
	for _, r := range readers {
		at, err := r.at(ctx)
		if err != nil {
			return "", err
		}
		if at.Before(until) {
			until, held = at, r.name
		}
	}
	if until.IsZero() {
		return held, nil
	}
	return held, log.Trim(ctx, until)
}

// trimLog trims now and then. What is in the way is asked to hurry, and named when the log is in danger of
// becoming full.
func (s *server) trimLog(ctx context.Context) error {
	held, err := trim(ctx, s.stores.log, s.readers())
	if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		s.log.Warn("the log could not be trimmed and will be tried again", "error", err)
		return nil
	}
	if held == "" {
		return nil
	}
	s.log.Info("the log holds more than its bounds want: it is still being read", "by", held)
	if held == archiveReader {
		s.folds.archive.Hurry()
	}
	return nil
}
