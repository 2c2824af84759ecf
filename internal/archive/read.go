package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"mezzo/internal/blob"
	"mezzo/internal/db"
	"mezzo/internal/stream"
)

// Reader reads what was archived.
type Reader struct {
	DB    *db.DB
	Blobs blob.Store
}

// Oldest returns the position just before the oldest record from which the files go on without a gap to the
// newest, and its stamp; ok is false when there are no files.
func (r Reader) Oldest(ctx context.Context) (pos stream.Position, at time.Time, ok bool, err error) {
	files, err := r.unbroken(ctx)
	if err != nil || len(files) == 0 {
		return pos, at, false, err
	}
	return files[0].From, files[0].First, true, nil
}

// unbroken returns the newest files that go on from each other without a gap.
func (r Reader) unbroken(ctx context.Context) ([]File, error) {
	files, err := Files(ctx, r.DB)
	for i := len(files) - 1; i > 0; i-- {
		if files[i-1].To != files[i].From {
			return files[i:], err
		}
	}
	return files, err
}

// Replay calls fn with the archived records behind from, in order and without a gap, and returns the position
// behind the last. The error says which file is missing or damaged.
func (r Reader) Replay(ctx context.Context, from stream.Position, batch int, fn func([]stream.Record) error) (stream.Position, error) {
	files, err := r.unbroken(ctx)
	if err != nil {
		return from, err
	}
	at := from
	for _, f := range files {
		if !at.Before(f.To) {
			continue
		}
		if at.Before(f.From) {
			return at, fmt.Errorf("archive: the records between %v and %v are not in its files", at, f.From)
		}
		if err := f.read(ctx, r.Blobs, batch, func(records []stream.Record) error {
			for len(records) > 0 && !at.Before(records[0].Pos) {
				records = records[1:]
			}
			if len(records) == 0 {
				return nil
			}
			at = records[len(records)-1].Pos
			return fn(records)
		}); err != nil {
			return at, err
		}
		if at != f.To {
			return at, fmt.Errorf("archive: file %d (%s) ends at %v, not at %v", f.Number, f.Blob, at, f.To)
		}
	}
	return at, nil
}

// errDone says that everything asked for was read.
var errDone = errors.New("archive: done")

// Each calls fn with every record stamped in [from, to) that is still held anywhere, in order: in the files, and
// behind them in the log up to where it ends now. Ticks are left out.
func (r Reader) Each(ctx context.Context, log Log, from, to time.Time, fn func([]stream.Record) error) error {
	within := func(records []stream.Record) error {
		kept := records[:0:0]
		for _, rec := range records {
			if rec.Kind != stream.KindTick && !rec.At.Before(from) && rec.At.Before(to) {
				kept = append(kept, rec)
			}
		}
		if len(kept) > 0 {
			if err := fn(kept); err != nil {
				return err
			}
		}
		if !records[len(records)-1].At.Before(to) {
			return errDone
		}
		return nil
	}
	var at stream.Position
	for again := false; ; again = true {
		moved, err := r.eachFiled(ctx, &at, from, within)
		if err != nil {
			return done(err)
		}
		// What is in no file is in the log, unless a file was written and the log trimmed meanwhile: then it
		// is looked for in the files again. A gap that no file fills was never archived.
		if err = eachLogged(ctx, log, &at, again && !moved, within); !errors.Is(err, stream.ErrTrimmed) {
			return done(err)
		}
	}
}

// eachFiled reads the files behind at and moves it on; moved says that there were any.
func (r Reader) eachFiled(ctx context.Context, at *stream.Position, from time.Time, fn func([]stream.Record) error) (moved bool, err error) {
	files, err := Files(ctx, r.DB)
	if err != nil {
		return false, err
	}
	for _, f := range files {
		if !at.Before(f.To) {
			continue
		}
		begun := *at
		*at, moved = f.To, true
		if f.Last.Before(from) {
			continue
		}
		if err := f.read(ctx, r.Blobs, readRows, func(records []stream.Record) error {
			for len(records) > 0 && !begun.Before(records[0].Pos) {
				records = records[1:]
			}
			if len(records) == 0 {
				return nil
			}
			return fn(records)
		}); err != nil {
			return moved, err
		}
	}
	return moved, nil
}

func done(err error) error {
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// eachLogged reads the log from at to its end and moves at on. stream.ErrTrimmed says that the log begins
// behind at by now; with gap it is read from where it begins.
func eachLogged(ctx context.Context, log Log, at *stream.Position, gap bool, fn func([]stream.Record) error) error {
	oldest, err := log.Oldest(ctx)
	if err != nil {
		return err
	}
	end, err := log.End(ctx)
	if err != nil {
		return err
	}
	if at.Before(oldest) {
		if !gap {
			return stream.ErrTrimmed
		}
		*at = oldest
	}
	if !at.Before(end) {
		return nil
	}
	return log.Follow(ctx, *at, followBatch, func(records []stream.Record) error {
		last := len(records) - 1
		for last >= 0 && end.Before(records[last].Pos) {
			last--
		}
		if last >= 0 {
			*at = records[last].Pos
			if err := fn(records[:last+1]); err != nil {
				return err
			}
		}
		if !records[len(records)-1].Pos.Before(end) {
			return errDone
		}
		return nil
	})
}

// Export writes records in a form for others.
type Export interface {
	Write(records []stream.Record) error
	Close() error // writes what is left; it does not close what it writes to
}

// JSONLines returns an export of one JSON object a line.
func JSONLines(to io.Writer) Export { return jsonLines{json.NewEncoder(to)} }

type jsonLines struct{ to *json.Encoder }

// Write implements Export.
func (j jsonLines) Write(records []stream.Record) error {
	for _, r := range records {
		if err := j.to.Encode(rowOf(r)); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Export.
func (j jsonLines) Close() error { return nil }

// Parquet returns an export with the columns of the archive's own files.
func Parquet(to io.Writer) Export {
	return &parquetExport{newWriter(to, stream.Position{})}
}

type parquetExport struct{ *writer }

// Write implements Export.
func (p *parquetExport) Write(records []stream.Record) error { return p.write(records) }

// Close implements Export.
func (p *parquetExport) Close() error { return p.close() }
