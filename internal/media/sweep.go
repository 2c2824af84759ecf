package media

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Sweep finishes uploads whose last byte came just before a crash, forgets those that were left
// unfinished or unused, tells of videos whose job was given up, and removes bytes that nothing
// needs any more; a sweep looks at two hundred for each reason. Nodes that share a database may sweep at once; each looks after its own folder.
func (m *Media) Sweep(ctx context.Context) error {
	var all []error
	for _, step := range []func(context.Context) error{m.finishArrived, m.forgetOld, m.tellGivenUp, m.sweepFolder, m.sweepFiles} {
		if err := step(ctx); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

func (m *Media) uploads(ctx context.Context, where string, args ...any) ([]Upload, error) {
	return db.Get(ctx, m.DB, func(tx *db.Tx) ([]Upload, error) {
		return db.All(tx, func(rows *sql.Rows) (Upload, error) { return scanUpload(rows) },
			`SELECT `+uploadColumns+` FROM uploads WHERE `+where+` ORDER BY created_at LIMIT 200`, args...)
	})
}

func (m *Media) finishArrived(ctx context.Context) error {
	open, err := m.uploads(ctx, `state = 'receiving'`)
	if err != nil {
		return err
	}
	for _, u := range open {
		if m.arrived(u) {
			if err := m.finish(ctx, u.ID); err != nil && !fault.Is(err, fault.Invalid) {
				return err
			}
		}
	}
	return nil
}

// forgetOld deletes the rows of uploads whose time is over; their bytes go with sweepFolder.
func (m *Media) forgetOld(ctx context.Context) error {
	return m.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`DELETE FROM uploads WHERE video_id = '' AND id IN (SELECT id FROM uploads WHERE video_id = ''
			AND (state = 'receiving' AND created_at <= $1 OR state IN ('finished','refused') AND finished_at <= $2) LIMIT 200)`,
			db.Micros(tx.Now().Add(-UnfinishedLife)), db.Micros(tx.Now().Add(-UnclaimedLife)))
		return err
	})
}

// tellGivenUp fails the videos whose job ended without telling: it crashed the process each time.
func (m *Media) tellGivenUp(ctx context.Context) error {
	lost, err := m.uploads(ctx, `state = 'claimed' AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = job_id AND state IN ('waiting','running'))`)
	if err != nil {
		return err
	}
	for _, u := range lost {
		if err := m.DB.Write(ctx, func(tx *db.Tx) error { return m.failed(tx, u, givenUp) }); err != nil {
			return err
		}
	}
	return nil
}

// sweepFolder removes the bytes of uploads and work that no row needs.
func (m *Media) sweepFolder(ctx context.Context) error {
	kept, err := db.Get(ctx, m.DB, func(tx *db.Tx) (map[string]bool, error) {
		names, err := db.All(tx, scanName, `SELECT id FROM uploads WHERE state IN ('receiving','finished','claimed')`)
		kept := make(map[string]bool, len(names))
		for _, name := range names {
			kept[name] = true
		}
		return kept, err
	})
	if err != nil {
		return err
	}
	for _, folder := range []string{m.Dir, m.workDir()} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, e := range entries {
			upload := strings.TrimSuffix(e.Name(), ".info")
			if kept[upload] || !id.Upload(upload).Valid() || m.young(id.Upload(upload)) {
				continue
			}
			if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// young reports whether an upload was begun after the rows were read, going by the time in its id.
func (m *Media) young(upload id.Upload) bool {
	u, err := upload.UUID()
	if err != nil {
		return true
	}
	ms := int64(0)
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	return m.DB.Clock().Now().Sub(time.UnixMilli(ms)) < time.Minute
}

func (m *Media) sweepFiles(ctx context.Context) error {
	for {
		n, err := m.removeUnnamed(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}
