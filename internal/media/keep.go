package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
)

// FileGrace is how long a blob that nothing names is kept since it was last stored: longer than
// any job takes from storing a blob to naming it.
const FileGrace = 24 * time.Hour

// touch says that the blob of the name is about to be stored and named. It is Unavailable while
// an equal blob is being removed.
func touch(tx *db.Tx, name string) error {
	n, err := tx.Exec(`INSERT INTO media_files (name, state, touched_at) VALUES ($1, 'kept', $2)
		ON CONFLICT (name) DO UPDATE SET touched_at = excluded.touched_at WHERE media_files.state = 'kept'`, name, db.Micros(tx.Now()))
	if err == nil && n == 0 {
		err = fault.New(fault.Unavailable, "This file is being removed right now. Try again in a moment.").After(5 * time.Second)
	}
	return err
}

// keepBytes stores content as a blob and returns its name.
func (m *Media) keepBytes(ctx context.Context, content []byte, ext string) (string, error) {
	sum := sha256.Sum256(content)
	return m.keep(ctx, sum[:], ext, func() (string, error) {
		name, _, err := m.Blobs.Put(ctx, bytes.NewReader(content), ext)
		return name, err
	})
}

// keepFile stores a file of ours as a blob and returns its name; the file is gone afterwards
// if it could be moved.
func (m *Media) keepFile(ctx context.Context, path, ext string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("media: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("media: %w", err)
	}
	return m.keep(ctx, sum.Sum(nil), ext, func() (string, error) {
		if mover, ok := m.Blobs.(interface {
			Import(ctx context.Context, path, ext string) (string, int64, error)
		}); ok {
			name, _, err := mover.Import(ctx, path, ext)
			return name, err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return "", fmt.Errorf("media: %w", err)
		}
		name, _, err := m.Blobs.Put(ctx, f, ext)
		return name, err
	})
}

// keep notes the name a blob will have, then stores it: so that there is no blob without a row.
func (m *Media) keep(ctx context.Context, sum []byte, ext string, put func() (string, error)) (string, error) {
	name := hex.EncodeToString(sum) + "." + ext
	if err := m.DB.Write(ctx, func(tx *db.Tx) error { return touch(tx, name) }); err != nil {
		return "", err
	}
	stored, err := put()
	if err == nil && stored != name {
		err = fmt.Errorf("media: the blob %s was stored as %s", name, stored)
	}
	return name, err
}

// removeUnnamed removes up to a hundred blobs that nothing names any more and returns how many.
// Between its two transactions nobody can begin to name them: touch refuses.
func (m *Media) removeUnnamed(ctx context.Context) (int, error) {
	names, err := db.Do(db.WithoutKey(ctx), m.DB, func(tx *db.Tx) ([]string, error) {
		return db.All(tx, scanName, `UPDATE media_files SET state = 'leaving' WHERE name IN (
			SELECT f.name FROM media_files f WHERE (f.state = 'leaving' OR f.touched_at < $1)
			AND NOT EXISTS (SELECT 1 FROM renditions WHERE name = f.name)
			AND NOT EXISTS (SELECT 1 FROM images WHERE large = f.name)
			AND NOT EXISTS (SELECT 1 FROM images WHERE small = f.name) LIMIT 100)
			AND (state = 'leaving' OR touched_at < $1) RETURNING name`, db.Micros(tx.Now().Add(-FileGrace)))
	})
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if err := m.Blobs.Delete(ctx, name); err != nil {
			return 0, err
		}
		err := m.DB.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM media_files WHERE name = $1 AND state = 'leaving'`, name)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return len(names), nil
}
