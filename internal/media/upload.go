package media

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Bounds on the uploads of one account, and how long they wait.
const (
	OpenUploads    = 8              // at once, unfinished
	UploadsPerDay  = 10_000_000_000 // bytes announced within 24 hours
	UnfinishedLife = 24 * time.Hour // since it was begun (API.md §5)
	UnclaimedLife  = 7 * 24 * time.Hour
)

// UploadState is where an upload stands.
type UploadState string

// The states of an upload. Refused and done are final.
const (
	Receiving UploadState = "receiving" // some of it may have arrived
	Finished  UploadState = "finished"  // whole, looked into, and good for a video
	Refused   UploadState = "refused"   // of no use; the reason says why
	Claimed   UploadState = "claimed"   // being made into a video
	Done      UploadState = "done"      // was made into a video
)

// Upload is something an account sends, by pieces.
type Upload struct {
	ID       id.Upload   `json:"id"`
	Account  id.Account  `json:"-"`
	State    UploadState `json:"state"`
	Size     int64       `json:"size"` // bytes announced
	Filename string      `json:"filename"`
	Info     Info        `json:"info"`
	Reason   string      `json:"reason,omitempty"`
	Video    id.Video    `json:"video_id,omitempty"`
	Poster   id.Image    `json:"-"`
	Job      id.Job      `json:"-"`
	Created  time.Time   `json:"created_at"`
	Finished time.Time   `json:"finished_at"`
}

const uploadColumns = `id, account_id, state, size, filename, info, reason, video_id, poster_image_id, job_id, created_at, finished_at`

func scanUpload(row interface{ Scan(...any) error }) (u Upload, err error) {
	var info string
	var created, finished int64
	err = row.Scan(&u.ID, &u.Account, &u.State, &u.Size, &u.Filename, &info, &u.Reason, &u.Video, &u.Poster, &u.Job, &created, &finished)
	if err != nil {
		return u, err
	}
	u.Created, u.Finished = db.Time(created), db.Time(finished)
	if info != "" {
		err = json.Unmarshal([]byte(info), &u.Info)
	}
	return u, err
}

func scanName(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) }

func noUpload() error {
	return fault.New(fault.Missing, "There is no such upload of yours, or it was not finished within %d hours. Begin a new one with POST /uploads.", UnfinishedLife/time.Hour)
}

// GetUpload returns an upload of the account's own; Missing when it is somebody else's or gone.
func GetUpload(tx *db.Tx, owner id.Account, upload id.Upload) (Upload, error) {
	u, err := scanUpload(tx.Row(`SELECT `+uploadColumns+` FROM uploads WHERE id = $1 AND account_id = $2`, upload, owner))
	if errors.Is(err, sql.ErrNoRows) {
		return u, noUpload()
	}
	return u, err
}

// begin adds a row for an upload that its account may make. Limited: too many at once or in a day.
func begin(tx *db.Tx, owner id.Account, size int64, filename string) (Upload, error) {
	u := Upload{Account: owner, State: Receiving, Size: size, Filename: filename, Created: tx.Now()}
	u.ID = u.ID.Next(tx.Now())
	var open int
	var bytes int64
	err := tx.Row(`SELECT COUNT(CASE WHEN state = 'receiving' THEN 1 END), CAST(COALESCE(SUM(size), 0) AS BIGINT)
		FROM uploads WHERE account_id = $1 AND created_at > $2`, owner, db.Micros(tx.Now().Add(-UnfinishedLife))).Scan(&open, &bytes)
	switch {
	case err != nil:
		return u, err
	case open >= OpenUploads:
		return u, fault.New(fault.Limited, "You have %d uploads unfinished. Finish or delete one of them first.", open).After(time.Minute)
	case bytes+size > UploadsPerDay:
		return u, fault.New(fault.Limited, "You have sent %s within a day, which is the most there is room for. Go on tomorrow.", megabytes(bytes)).After(time.Hour)
	}
	_, err = tx.Exec(`INSERT INTO uploads (id, account_id, state, size, filename, created_at) VALUES ($1, $2, 'receiving', $3, $4, $5)`,
		u.ID, owner, size, filename, db.Micros(tx.Now()))
	return u, err
}

// path returns where the bytes of an upload are.
func (m *Media) path(upload id.Upload) string { return filepath.Join(m.Dir, string(upload)) }

// arrived reports whether every byte of the upload is here.
func (m *Media) arrived(u Upload) bool {
	info, err := os.Stat(m.path(u.ID))
	return err == nil && info.Mode().IsRegular() && info.Size() == u.Size
}

// finish looks into an upload whose last byte has arrived, and notes what it is. An Invalid fault
// is the reason why it was refused; its bytes are gone then.
func (m *Media) finish(ctx context.Context, upload id.Upload) error {
	info, refusal := m.inspect(ctx, m.path(upload))
	if refusal != nil && !fault.Is(refusal, fault.Invalid) {
		return refusal
	}
	state, reason := Finished, ""
	if refusal != nil {
		state, reason = Refused, told(refusal)
	}
	text, err := json.Marshal(info)
	if err != nil {
		return err
	}
	err = m.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE uploads SET state = $2, info = $3, reason = $4, finished_at = $5 WHERE id = $1 AND state = 'receiving'`,
			upload, string(state), string(text), reason, db.Micros(tx.Now()))
		if err != nil || n == 1 {
			return err
		}
		var known int // looked into twice at once, or deleted meanwhile
		err = tx.Row(`SELECT COUNT(*) FROM uploads WHERE id = $1`, upload).Scan(&known)
		if err == nil && known == 0 {
			err = noUpload()
		}
		return err
	})
	if err != nil {
		return err
	}
	if refusal != nil {
		m.removeUpload(upload)
	}
	return refusal
}

// inspect makes the bytes durable and says what they are, and whether they can be used.
func (m *Media) inspect(ctx context.Context, path string) (Info, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return Info{}, fmt.Errorf("media: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return Info{}, fmt.Errorf("media: %w", err)
	}
	info, err := Probe(f)
	if err != nil {
		return info, err
	}
	if m.Tool != nil && !info.PlaysAsIs() {
		if info, err = m.Tool.Inspect(ctx, path, info); err != nil {
			return info, err
		}
	}
	return info, info.Accept(m.Tool != nil)
}

// told is the sentence of a fault, without its kind and cause.
func told(err error) string {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f.Detail
	}
	return "This video could not be used."
}

// removeUpload removes the bytes of an upload; what cannot be removed is left to the sweep.
func (m *Media) removeUpload(upload id.Upload) {
	for _, path := range []string{m.path(upload) + ".info", m.path(upload)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			m.Log.Warn("an upload could not be removed", "upload", upload, "error", err)
		}
	}
}
