package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"mezzo/internal/blob"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// Path is where blobs are served from: Path and a blob's name.
const Path = "/media/"

// URL returns where a blob is served from; "" for no blob.
func URL(name string) string {
	if name == "" {
		return ""
	}
	return Path + name
}

// Sink is told how a video comes along, each time inside the transaction that makes it so.
// content implements it.
type Sink interface {
	// MediaReady says that the video can be played.
	MediaReady(tx *db.Tx, video id.Video, r Result) error
	// MediaFailed says that it never will be, with a sentence for its creator.
	MediaFailed(tx *db.Tx, video id.Video, reason string) error
	// MediaProgress says how far it has come, 0–100 percent.
	MediaProgress(tx *db.Tx, video id.Video, percent int) error
}

// Options say what media works with.
type Options struct {
	DB    *db.DB
	Blobs blob.Store
	// Dir is a folder of media's own for uploads in progress and for work, best on the file
	// system of the blobs: what is done is moved there without being copied.
	Dir  string
	Sink Sink
	Tool *Tool        // ffmpeg, nil when there is none: see FindTool
	Log  *slog.Logger // nil: nothing is logged
	// KeepSmall publishes what is already small enough as it is, without other renditions:
	// the demo's clips are made that way.
	KeepSmall bool
	// Encoders is how many videos are transcoded at once; 0 means one.
	Encoders int
	// Refuse answers a request with an error as the API does. Required for Handler and ServeBlob.
	Refuse func(http.ResponseWriter, *http.Request, error)
}

// Media takes uploads and pictures in, makes them playable and serves them.
type Media struct {
	Options
	up       *handler.UnroutedHandler
	encoding chan struct{} // a place for each video being transcoded
	painting chan struct{} // a place for each picture being decoded
}

// paintersAtOnce bounds how many pictures are decoded at once: a large one takes 200 MB.
const paintersAtOnce = 2

// New returns a Media that works in o.Dir, which is made when it is not there.
func New(o Options) (*Media, error) {
	if o.DB == nil || o.Blobs == nil || o.Sink == nil || o.Dir == "" || o.Refuse == nil {
		return nil, errors.New("media: a database, blobs, a sink, a folder and a way to refuse are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	o.Dir = dir
	m := &Media{Options: o, encoding: make(chan struct{}, max(1, o.Encoders)), painting: make(chan struct{}, paintersAtOnce)}
	if err := os.MkdirAll(m.workDir(), 0o700); err != nil {
		return nil, fmt.Errorf("media: the folder of uploads cannot be made: %w", err)
	}
	if m.up, err = m.library(); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	return m, nil
}

func (m *Media) workDir() string { return filepath.Join(m.Dir, "work") }

// Handlers returns what the jobs of media are run by: db.NewWorker takes it.
func (m *Media) Handlers() map[string]func(context.Context, *db.JobRun) error {
	return map[string]func(context.Context, *db.JobRun) error{processJob: m.process}
}

// SweepEvery is how often Run looks for what is left over.
const SweepEvery = 10 * time.Minute

// Run sweeps every SweepEvery of the house's clock until ctx ends.
func (m *Media) Run(ctx context.Context) error {
	for {
		if err := m.Sweep(ctx); err != nil && ctx.Err() == nil {
			m.Log.Warn("uploads could not be swept", "error", err)
		}
		t := m.DB.Clock().NewTimer(SweepEvery)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C():
		}
	}
}
