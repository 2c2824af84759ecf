package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// ErrNewer is returned by Open when the database was written by a newer program.
var ErrNewer = errors.New("the database was written by a newer version of mezzo")

// migrate brings the schema up to date. Nodes of one PostgreSQL take turns.
func migrate(ctx context.Context, e Engine, pool *sql.DB) error {
	files, err := Migrations(e)
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
		goose.WithAllowOutofOrder(true)} // rooms number theirs by themselves: a lower one may come later
	dialect := goose.DialectSQLite3
	if e == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, pool, files, options...)
	if err != nil {
		return fmt.Errorf("db: read the migrations: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	at, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("db: read the schema's version: %w", err)
	}
	if at > newest {
		return fmt.Errorf("%w: its schema is version %d and this program knows up to %d; start the newer mezzo, or restore the backup made before the upgrade", ErrNewer, at, newest)
	}
	if at == newest {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("db: bring the schema from version %d to %d: %w", at, newest, err)
	}
	return nil
}
