package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/stream"
)

const fileColumns = `number, from_position, to_position, first_at, last_at, records, events, facts, bytes, sum, blob`

func scanFile(row interface{ Scan(...any) error }) (f File, err error) {
	var from, to, sum string
	var first, last int64
	if err := row.Scan(&f.Number, &from, &to, &first, &last, &f.Records, &f.Events, &f.Facts, &f.Bytes, &sum, &f.Blob); err != nil {
		return f, err
	}
	var errs [3]error
	f.From, errs[0] = stream.ParsePosition(from)
	f.To, errs[1] = stream.ParsePosition(to)
	f.Sum, errs[2] = strconv.ParseUint(sum, 16, 64)
	f.First, f.Last = db.Time(first), db.Time(last)
	return f, errors.Join(errs[:]...)
}

// last returns the newest file of the catalogue, the zero File when there is none, and notes where it ends.
func (a *Archive) last(ctx context.Context) (File, error) {
	f, err := db.Get(ctx, a.opt.DB, func(tx *db.Tx) (File, error) {
		f, err := scanFile(tx.Row(`SELECT ` + fileColumns + ` FROM archive_files ORDER BY number DESC LIMIT 1`))
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return f, err
	})
	if err == nil {
		a.moveTo(f.To)
	}
	return f, err
}

// enter adds a verified file to the catalogue, behind the one it goes on from.
func (a *Archive) enter(ctx context.Context, f File) error {
	err := a.opt.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO archive_files (`+fileColumns+`, verified_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`,
			f.Number, f.From.String(), f.To.String(), db.Micros(f.First), db.Micros(f.Last), f.Records, f.Events, f.Facts, f.Bytes,
			fmt.Sprintf("%016x", f.Sum), f.Blob, db.Micros(tx.Now()))
		return err
	})
	if db.IsUnique(err) {
		return errMoved
	}
	return err
}

// Files returns the catalogue, oldest first, without what is being deleted.
func Files(ctx context.Context, d *db.DB) ([]File, error) {
	return db.Get(ctx, d, func(tx *db.Tx) ([]File, error) {
		return db.All(tx, func(rows *sql.Rows) (File, error) { return scanFile(rows) },
			`SELECT `+fileColumns+` FROM archive_files WHERE going = 0 ORDER BY number`)
	})
}

// prune lets go of the files whose last record is older than the moment, but for the newest, which says where the
// next begins. A crash between the steps is made good the next time.
func (a *Archive) prune(ctx context.Context, before time.Time) error {
	type going struct {
		number int64
		blob   string
	}
	gone, err := db.Do(db.WithoutKey(ctx), a.opt.DB, func(tx *db.Tx) ([]going, error) {
		if _, err := tx.Exec(`UPDATE archive_files SET going = 1 WHERE last_at < $1 AND number < (SELECT MAX(number) FROM archive_files)`, db.Micros(before)); err != nil {
			return nil, err
		}
		return db.All(tx, func(rows *sql.Rows) (g going, err error) {
			err = rows.Scan(&g.number, &g.blob)
			return g, err
		}, `SELECT number, blob FROM archive_files WHERE going = 1 ORDER BY number`)
	})
	if err != nil {
		return err
	}
	for _, g := range gone {
		if err := a.opt.Blobs.Delete(ctx, g.blob); err != nil {
			return err
		}
		a.opt.Step("archive deleted")
		if err := a.opt.DB.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM archive_files WHERE number = $1`, g.number)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
