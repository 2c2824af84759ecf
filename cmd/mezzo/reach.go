package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"mezzo/internal/rank"
	"mezzo/internal/reach"
	"mezzo/internal/seen"
	"mezzo/internal/stream"
)

// furnishReach opens the room of the ranking's policies, and writes down the one a new Mezzo begins with.
func (s *server) furnishReach(ctx context.Context) error {
	if err := reach.Declare(ctx, s.stores.db); err != nil {
		return err
	}
	s.rooms.reach = reach.New(s.stores.db, reach.Options{Log: s.stores.log, Snapshot: s.stores.rankedBefore,
		Ranking: func() (reach.Ranking, bool) { return s.folds.rank.Fold(), s.folds.rank.Ready() }})
	s.rooms.accounts.OnErase(reach.Erase)
	s.rooms.accounts.OnExport("reach_disputes", reach.Export)
	return nil
}

// rankedBefore opens the newest kept snapshot of the ranking at or before a place of the log, in a fold beside the
// one that runs: it reads that one's files and writes its own to a folder that close removes. Where none is kept
// from before, and the log still holds everything, it is the fold of the empty log.
func (s *stores) rankedBefore(at stream.Position) (f *rank.Fold, from stream.Position, build string, done func() error, err error) {
	dir := s.folder.file(foldsName)
	aside, err := os.MkdirTemp(s.folder.path, tempPattern)
	if err != nil {
		return nil, from, "", nil, err
	}
	told, err := seen.Open(seen.Options{Dir: aside, Origin: filepath.Join(dir, rankSeenName)})
	if err != nil {
		return nil, from, "", nil, errors.Join(err, os.RemoveAll(aside))
	}
	done = func() error { return errors.Join(told.Close(), os.RemoveAll(aside)) }
	f, kept, err := rank.OpenBefore(filepath.Join(dir, rankName), at, rank.Options{Seen: told})
	if errors.Is(err, rank.ErrNoSnapshot) {
		ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
		defer cancel()
		if oldest, wrong := s.log.Oldest(ctx); wrong == nil && oldest.IsZero() {
			f, err = rank.New(rank.Options{Seen: told})
			kept.Build = version
		}
	}
	if err != nil {
		return nil, from, "", nil, errors.Join(err, done())
	}
	return f, kept.Position, kept.Build, done, nil
}
