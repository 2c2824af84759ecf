package media

import (
	"context"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// AddVideo takes a video in that is sent whole, by browsers without scripts, and looks into it as
// into a finished resumable upload. Unauthorized, Forbidden: who may not; TooLarge, Invalid: what
// cannot be used; Limited: more than an account may have open or send within a day.
func (m *Media) AddVideo(ctx context.Context, who account.Asker, filename string, size int64, r io.Reader) (id.Upload, error) {
	if err := who.SignedIn(); err != nil {
		return "", err
	}
	if err := who.May(account.ContentWrite); err != nil {
		return "", err
	}
	if size <= 0 {
		return "", fault.InvalidField("body.file", "Choose a video file first.")
	}
	if size > MaxUploadBytes {
		return "", fault.New(fault.TooLarge, "A video may have %s at most.", megabytes(MaxUploadBytes))
	}
	if name := []rune(filename); len(name) > filenameRunes {
		filename = string(name[:filenameRunes])
	}
	if !utf8.ValidString(filename) {
		filename = ""
	}
	u, err := db.Do(db.WithoutKey(ctx), m.DB, func(tx *db.Tx) (Upload, error) { return begin(tx, who.Account, size, filename) })
	if err != nil {
		return "", err
	}
	if err := m.write(u, r); err != nil {
		return "", err
	}
	return u.ID, m.finish(ctx, u.ID)
}

// write keeps the bytes of an upload where resumable ones are kept.
func (m *Media) write(u Upload, r io.Reader) error {
	f, err := os.OpenFile(m.path(u.ID), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, u.Size+1))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && n != u.Size {
		err = fault.New(fault.Malformed, "The video did not arrive whole. Send it again.")
	}
	if err != nil {
		m.removeUpload(u.ID)
	}
	return err
}
