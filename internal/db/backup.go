package db

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrNoBackup is returned by Backup on PostgreSQL, which brings its own tools.
var ErrNoBackup = errors.New("a PostgreSQL database is backed up by pg_dump or by its archived log")

// Backup writes a copy of the SQLite database, as of one moment and without gaps, to a file that
// must not exist yet. Others read and write meanwhile.
func (d *DB) Backup(ctx context.Context, file string) error {
	s, ok := d.store.(*lite)
	if !ok {
		return ErrNoBackup
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("db: the backup's file %s exists already; choose another name", file)
	}
	if _, err := s.copying.ExecContext(ctx, "VACUUM INTO $1", file); err != nil {
		return fmt.Errorf("db: copy the database to %s: %w", file, errors.Join(err, os.Remove(file)))
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
}
