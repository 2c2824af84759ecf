package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"mezzo/internal/blob"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/stream"
)

// stores are the open data folder and everything kept in it or beside it.
type stores struct {
	folder  *folder
	machine *clock.Watched
	clock   clock.Clock
	db      *db.DB
	log     *stream.Log
	blobs   *blob.Disk
}

// openStores opens them in order; an error leaves nothing open.
func openStores(ctx context.Context, f storeFlags, turnable bool, log *slog.Logger) (*stores, error) {
	dir, err := openFolder(f.Data)
	if err != nil {
		return nil, err
	}
	s := &stores{folder: dir, machine: clock.NewWatched()}
	if err := s.open(ctx, f, turnable, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openKept opens the stores of a shop that was begun before, for a command that looks at it.
func openKept(ctx context.Context, f storeFlags, log *slog.Logger) (*stores, error) {
	if err := needShop(f); err != nil {
		return nil, err
	}
	return openStores(ctx, f, true, log)
}

func (s *stores) open(ctx context.Context, f storeFlags, turnable bool, log *slog.Logger) error {
	err := beginInThePast(s.folder, f.past)
	if err != nil {
		return fmt.Errorf("the clock of the new folder cannot be set: %w", err)
	}
	if s.clock, err = openClock(s.folder, turnable, s.machine); err != nil {
		return err
	}
	s.db, err = db.Open(ctx, db.Options{URL: f.Database, Dir: s.folder.path, Clock: s.clock, Log: log.With("room", "db")})
	if err != nil {
		return fmt.Errorf("the database did not open: %w", err)
	}
	s.log, err = stream.Open(ctx, stream.Options{
		Dir: s.folder.file(streamName), URL: f.Nats,
		MaxBytes: int64(f.StreamMaxBytes), MaxAge: f.StreamMaxAge,
		Clock: s.clock, Log: log.With("room", "stream"),
	})
	if err != nil {
		return fmt.Errorf("the log of events did not open: %w", err)
	}
	if s.blobs, err = blob.OpenDisk(s.folder.file(blobsName)); err != nil {
		return fmt.Errorf("the folder of media did not open: %w", err)
	}
	return nil
}

// Close closes what is open, the folder last: whoever waits for it finds everything on disk.
func (s *stores) Close() error {
	var errs []error
	if s.blobs != nil {
		errs = append(errs, s.blobs.Close())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(append(errs, s.folder.Close())...)
}

// watch adds the stores to what must hold before this node takes requests.
func (s *stores) watch(h *health) {
	h.add("database", s.db.Ping)
	h.add("stream", func(ctx context.Context) error {
		_, err := s.log.End(ctx)
		return err
	})
}

type migrateCommand struct{ storeFlags }

// Run opens the database, which brings its schema up to date, and closes it again.
func (c *migrateCommand) Run(ctx context.Context, log *slog.Logger) error {
	s, err := openDatabase(ctx, c.storeFlags, log)
	if err != nil {
		return err
	}
	log.Info("the schema is up to date", "engine", s.db.Engine())
	return s.Close()
}

// openDatabase opens the folder and the database in it or beside it, and nothing else.
func openDatabase(ctx context.Context, f storeFlags, log *slog.Logger) (*stores, error) {
	dir, err := openFolder(f.Data)
	if err != nil {
		return nil, err
	}
	s := &stores{folder: dir, machine: clock.NewWatched()}
	if s.clock, err = openClock(dir, true, s.machine); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.db, err = db.Open(ctx, db.Options{URL: f.Database, Dir: dir.path, Clock: s.clock, Log: log}); err != nil {
		return nil, errors.Join(fmt.Errorf("the database did not open: %w", err), s.Close())
	}
	return s, nil
}
