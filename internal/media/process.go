package media

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

const processJob = "media.process"

// How often a job is tried: by itself, and with a tool that fails.
const (
	toolAttempts = 3
	givenUp      = "This video could not be made playable: something on our side kept failing. Upload it again."
)

// processBody is what a job of processing needs to know.
type processBody struct {
	Upload id.Upload `json:"upload"`
	Video  id.Video  `json:"video"`
}

// Process has a finished upload of the owner made into a video, with a picture of theirs as its
// poster if one is given: a job that begins when the transaction commits, and tells Sink.
// Missing: the upload or the picture is not theirs; Conflict: the upload is not whole or was used;
// Invalid: it was refused.
func (m *Media) Process(tx *db.Tx, owner id.Account, video id.Video, upload id.Upload, poster id.Image) error {
	u, err := GetUpload(tx, owner, upload)
	if err != nil {
		return err
	}
	switch u.State {
	case Receiving:
		return fault.New(fault.Conflict, "This upload has not arrived whole. Ask with HEAD how far it came, send the rest, then post the video.")
	case Refused:
		return fault.InvalidField("body.upload_id", "%s", u.Reason)
	case Claimed, Done:
		return fault.New(fault.Conflict, "This upload was already used for a video. Upload the file again to post it once more.")
	}
	if poster != "" {
		if _, err := OwnImage(tx, owner, poster); err != nil {
			return err
		}
	}
	job, err := tx.Enqueue(processJob, processBody{upload, video}, time.Time{})
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE uploads SET state = 'claimed', video_id = $2, poster_image_id = $3, job_id = $4 WHERE id = $1 AND state = 'finished'`,
		upload, video, poster, job)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "This upload was used for another video a moment ago.")
	}
	return err
}

// process is one attempt at making a video of an upload. What it stores before its last transaction
// is found again or swept; the last transaction makes the video ready and the job done at once.
func (m *Media) process(ctx context.Context, run *db.JobRun) error {
	var body processBody
	if err := run.Decode(&body); err != nil {
		return err
	}
	u, err := m.claimed(ctx, body)
	if err != nil {
		return err
	}
	if u.ID == "" { // forgotten, or made by an attempt before
		return m.DB.Write(ctx, run.Finish)
	}
	w := &work{m: m, run: run, upload: u, source: m.path(u.ID), folder: filepath.Join(m.workDir(), string(u.ID)), told: -1}
	result, err := w.make(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.Is(err, fault.Invalid):
		err = m.fail(ctx, run, u, told(err))
	case err != nil && run.Attempt < db.JobAttempts:
		return err
	case err != nil:
		m.Log.Error("a video was given up", "video", u.Video, "upload", u.ID, "error", err)
		err = m.fail(ctx, run, u, givenUp)
	default:
		err = m.publish(ctx, run, u, result)
	}
	if err == nil {
		m.removeUpload(u.ID)
		m.removeWork(w.folder)
	}
	return err
}

// claimed returns the upload of a job, zero when there is nothing left to do for it.
func (m *Media) claimed(ctx context.Context, body processBody) (Upload, error) {
	return db.Get(ctx, m.DB, func(tx *db.Tx) (Upload, error) {
		all, err := db.All(tx, func(rows *sql.Rows) (Upload, error) { return scanUpload(rows) },
			`SELECT `+uploadColumns+` FROM uploads WHERE id = $1 AND video_id = $2 AND state = 'claimed'`, body.Upload, body.Video)
		if err != nil || len(all) == 0 {
			return Upload{}, err
		}
		return all[0], nil
	})
}

// settleUpload ends an upload's row, unless the video was forgotten meanwhile.
func settleUpload(tx *db.Tx, u Upload, state UploadState, reason string) (ours bool, err error) {
	n, err := tx.Exec(`UPDATE uploads SET state = $2, reason = $3 WHERE id = $1 AND state = 'claimed'`, u.ID, string(state), reason)
	return n == 1, err
}

func (m *Media) publish(ctx context.Context, run *db.JobRun, u Upload, result made) error {
	return m.DB.Write(ctx, func(tx *db.Tx) error {
		if err := run.Finish(tx); err != nil {
			return err
		}
		ours, err := settleUpload(tx, u, Done, "")
		if err != nil || !ours {
			return err
		}
		for _, r := range result.renditions {
			if err := touch(tx, r.Name); err != nil {
				return err
			}
			if err := add(tx, u.Video, r); err != nil {
				return err
			}
		}
		return m.Sink.MediaReady(tx, u.Video, result.Result)
	})
}

func (m *Media) fail(ctx context.Context, run *db.JobRun, u Upload, reason string) error {
	return m.DB.Write(ctx, func(tx *db.Tx) error {
		if err := run.Finish(tx); err != nil {
			return err
		}
		return m.failed(tx, u, reason)
	})
}

func (m *Media) failed(tx *db.Tx, u Upload, reason string) error {
	ours, err := settleUpload(tx, u, Refused, reason)
	if err != nil || !ours {
		return err
	}
	return m.Sink.MediaFailed(tx, u.Video, reason)
}

func (m *Media) removeWork(folder string) {
	if err := os.RemoveAll(folder); err != nil {
		m.Log.Warn("a work folder could not be removed", "folder", folder, "error", err)
	}
}

// made is a result with everything that has to be noted for it.
type made struct {
	Result
	renditions []Rendition
}

// work is one attempt at a video.
type work struct {
	m      *Media
	run    *db.JobRun
	upload Upload
	source string // the file as it was sent
	folder string // for what is made of it
	told   int    // percent last reported
	lasts  int64  // ms, of the first rendition made
}

// make makes the renditions that are wanted of the source and stores them as blobs.
func (w *work) make(ctx context.Context) (made, error) {
	info := w.upload.Info
	if _, err := os.Stat(w.source); errors.Is(err, os.ErrNotExist) {
		return made{}, fault.New(fault.Invalid, "The uploaded file is gone, so the video could not be made. Upload it again.")
	}
	if err := os.MkdirAll(w.folder, 0o700); err != nil {
		return made{}, fmt.Errorf("media: %w", err)
	}
	var out made
	wanted := w.m.wanted(info)
	if info.PlaysAsIs() {
		r, err := w.original(ctx)
		if err != nil {
			return made{}, err
		}
		out.renditions = append(out.renditions, r)
		w.progress(ctx, 10)
	}
	if len(wanted) > 0 {
		encoded, err := w.encode(ctx, wanted)
		switch {
		case err == nil:
			out.renditions = append(out.renditions, encoded...)
		case !info.PlaysAsIs() || w.run.Attempt < toolAttempts || ctx.Err() != nil:
			return made{}, w.verdict(err)
		default: // what was sent can be played, so it is published without smaller renditions
			w.m.Log.Warn("a video is published without smaller renditions", "video", w.upload.Video, "error", err)
		}
	}
	out.Sources = out.renditions[:len(out.renditions):len(out.renditions)]
	if err := w.describe(&out); err != nil {
		return made{}, err
	}
	return out, w.poster(ctx, &out)
}

// verdict says of a tool's failure whether another attempt makes sense.
func (w *work) verdict(err error) error {
	if w.run.Attempt < toolAttempts {
		return err
	}
	return fault.Wrap(fault.Invalid, err, "This video could not be read to its end. Save it as an MP4 with H.264 video and AAC sound, then upload it again.")
}

// describe says how long and how large the video is that was made.
func (w *work) describe(out *made) error {
	if len(out.Sources) == 0 {
		return errors.New("media: nothing was made of a video")
	}
	out.DurationMS = w.lasts
	out.Width, out.Height = out.Sources[0].Width, out.Sources[0].Height
	return nil
}

// progress tells how far the video has come, in steps that are worth a write.
func (w *work) progress(ctx context.Context, percent int) {
	if percent < w.told+10 {
		return
	}
	w.told = percent
	err := w.m.DB.Write(ctx, func(tx *db.Tx) error { return w.m.Sink.MediaProgress(tx, w.upload.Video, percent) })
	if err = errors.Join(err, w.run.Progress(ctx, percent)); err != nil && ctx.Err() == nil {
		w.m.Log.Warn("progress of a video was not noted", "video", w.upload.Video, "error", err)
	}
}
