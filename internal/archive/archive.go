package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"mezzo/internal/blob"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/stream"
)

// How the archive is kept; times but Span are the machine's.
const (
	// Span is the log time a file holds at most.
	Span = time.Hour
	// DefaultDays is how long files are kept: the longest window of the numbers, the time events may come late,
	// and some margin, so that the numbers can be made again from records alone.
	DefaultDays = 35

	followBatch = 2000
	lookEvery   = 10 * time.Second
	pruneEvery  = time.Hour
	lease       = 30 * time.Second
	leaseName   = "archive"
)

var (
	errOver  = errors.New("archive: the hour is over")
	errOpen  = errors.New("archive: the hour is not over yet")
	errMoved = errors.New("archive: another process has written this file")
)

// Log is what the archive needs of the event log: *stream.Log.
type Log interface {
	Follow(ctx context.Context, from stream.Position, batch int, fn func([]stream.Record) error) error
	Oldest(ctx context.Context) (stream.Position, error)
	End(ctx context.Context) (stream.Position, error)
}

// Options say what is archived, and where.
type Options struct {
	Log    Log
	DB     *db.DB // of the catalogue
	Blobs  blob.Store
	Days   int    // how long files are kept; 0: DefaultDays
	Holder string // this process, in leases
	Clock  clock.Clock
	Logger *slog.Logger
	// Step is told the name of each step that a crash could fall on. For proofs.
	Step func(name string)

	FileRows  int           // rows of a file at most; 0: two million
	LookEvery time.Duration // between two looks whether an hour is over; 0: ten seconds
}

// Archive writes the files.
type Archive struct {
	opt   Options
	hurry chan struct{}

	mu   sync.Mutex
	end  stream.Position // verified files hold everything before it
	next time.Time       // stamp of the first record behind it, zero while not known
}

// New returns an archive that Run sets to work.
func New(opt Options) *Archive {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Step == nil {
		opt.Step = func(string) {}
	}
	if opt.Days == 0 {
		opt.Days = DefaultDays
	}
	if opt.FileRows == 0 {
		opt.FileRows = fileRows
	}
	if opt.LookEvery == 0 {
		opt.LookEvery = lookEvery
	}
	return &Archive{opt: opt, hurry: make(chan struct{}, 1)}
}

// Verified returns the position before which every record is in a file that was read back. The log may be
// trimmed up to there.
func (a *Archive) Verified() stream.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.end
}

// Hurry asks for a file of what there is now, before its hour is over: the log is full.
func (a *Archive) Hurry() {
	select {
	case a.hurry <- struct{}{}:
	default:
	}
}

// Run writes a file of each hour of the log once it is over, and lets go of files that are too old, until ctx
// ends; one process at a time does.
func (a *Archive) Run(ctx context.Context) error {
	defer a.release(ctx)
	hurry := false
	var pruned time.Time
	for ctx.Err() == nil {
		ok, err := a.opt.DB.Lease(ctx, leaseName, a.opt.Holder, lease)
		if err == nil && ok {
			err = a.Catch(ctx, hurry)
		} else if err == nil {
			_, err = a.last(ctx) // another process writes: see how far
		}
		if now := a.opt.Clock.Now(); ok && err == nil && now.Sub(pruned) >= pruneEvery {
			pruned = now
			err = a.prune(ctx, now.Add(-time.Duration(a.opt.Days)*24*time.Hour))
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, errMoved) {
			a.opt.Logger.Warn("records wait to be archived; the log keeps them until they are", "error", err)
		}
		hurry = a.rest(ctx)
	}
	return ctx.Err()
}

func (a *Archive) rest(ctx context.Context) (hurry bool) {
	t := time.NewTimer(a.opt.LookEvery)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-a.hurry:
		return true
	}
	return false
}

func (a *Archive) release(ctx context.Context) {
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := a.opt.DB.Release(free, leaseName, a.opt.Holder); err != nil {
		a.opt.Logger.Warn("the lease on the archive runs out by itself", "error", err)
	}
}

// Catch writes files until the hour of the next record is not over; with hurry, until the end of the log.
func (a *Archive) Catch(ctx context.Context, hurry bool) error {
	for ctx.Err() == nil {
		last, err := a.last(ctx)
		if err != nil {
			return err
		}
		end, err := a.opt.Log.End(ctx)
		if err != nil {
			return err
		}
		from, err := a.from(ctx, last)
		if err != nil {
			return err
		}
		if !from.Before(end) || !hurry && !a.over(end) {
			return nil
		}
		err = a.file(ctx, last.Number+1, from, end, hurry)
		if errors.Is(err, errOpen) {
			return nil
		}
		if err != nil {
			return err
		}
		if ok, err := a.opt.DB.Lease(ctx, leaseName, a.opt.Holder, lease); err != nil || !ok {
			return errors.Join(err, errMoved)
		}
	}
	return ctx.Err()
}

// from returns where the next file begins: where the last ended, or at the oldest record when the log has
// gone on without the archive.
func (a *Archive) from(ctx context.Context, last File) (stream.Position, error) {
	oldest, err := a.opt.Log.Oldest(ctx)
	if err != nil || last.Number > 0 && !last.To.Before(oldest) {
		return last.To, err
	}
	if last.Number > 0 {
		a.opt.Logger.Warn("records are missing from the archive: the log was trimmed while nothing was archived", "from", last.To, "to", oldest)
	}
	return oldest, nil
}

// over reports whether the hour of the next record may be over, as far as that is known without reading it.
func (a *Archive) over(end stream.Position) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	stamp := end.Stamp()
	return a.next.IsZero() || stamp.IsZero() || !stamp.Before(a.next.Truncate(Span).Add(Span))
}

// file writes the next file, reads it back and enters it in the catalogue. A crash before that leaves at most
// bytes that nothing names, and the same bytes are written again.
func (a *Archive) file(ctx context.Context, number int64, from, end stream.Position, hurry bool) error {
	to, err := a.opt.Blobs.Create(ctx, Ext, 0)
	if err != nil {
		return err
	}
	defer to.Close()
	w := newWriter(to, from)
	if err := a.fill(ctx, w, end, hurry); err != nil {
		return err
	}
	if err := w.close(); err != nil {
		return fmt.Errorf("archive: a file cannot be written: %w", err)
	}
	a.opt.Step("archive written")
	f := w.File
	f.Number = number
	if f.Blob, f.Bytes, err = to.Commit(); err != nil {
		return fmt.Errorf("archive: a file cannot be kept: %w", err)
	}
	a.opt.Step("archive committed")
	if err := f.Verify(ctx, a.opt.Blobs); err != nil {
		return errors.Join(err, a.opt.Blobs.Delete(ctx, f.Blob))
	}
	a.opt.Step("archive verified")
	if err := a.enter(ctx, f); err != nil {
		return err
	}
	a.opt.Step("archive catalogued")
	a.moveTo(f.To)
	a.opt.Logger.Info("records were archived", "file", f.Number, "records", f.Records, "bytes", f.Bytes, "from", f.First, "to", f.Last)
	return nil
}

func (a *Archive) moveTo(end stream.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end != end {
		a.end, a.next = end, time.Time{}
	}
}

// fill writes the records of one hour, or as many as a file holds. errOpen says that the log ended before the
// hour did.
func (a *Archive) fill(ctx context.Context, w *writer, end stream.Position, hurry bool) error {
	var until time.Time
	err := a.opt.Log.Follow(ctx, w.From, min(followBatch, a.opt.FileRows), func(records []stream.Record) error {
		if until.IsZero() {
			until = records[0].At.Truncate(Span).Add(Span)
			a.mu.Lock()
			a.next = records[0].At
			a.mu.Unlock()
		}
		n := 0
		for n < len(records) && records[n].At.Before(until) && int(w.Records)+n < a.opt.FileRows {
			n++
		}
		if err := w.write(records[:n]); err != nil {
			return err
		}
		switch {
		case n < len(records) || int(w.Records) == a.opt.FileRows:
			return errOver
		case w.To.Before(end):
			return nil
		case hurry:
			return errOver
		}
		return errOpen
	})
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}
