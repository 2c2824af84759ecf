package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"mezzo/internal/archive"
)

type exportCommand struct {
	Events exportEventsCommand `cmd:"" help:"Write what happened, from the archive and the log, as JSON lines or Parquet."`
}

type exportEventsCommand struct {
	storeFlags
	From   string `placeholder:"TIME" help:"The first moment wanted, such as 2026-03-01 or 2026-03-01T10:00:00Z. Default: everything held."`
	To     string `placeholder:"TIME" help:"The moment before which records are wanted. Default: now."`
	Format string `enum:"auto,jsonl,parquet" default:"auto" help:"jsonl, parquet, or auto: by the ending of the file's name, JSON lines where that says nothing."`
	Out    string `default:"-" placeholder:"FILE" help:"Where to write; - is standard output. A file appears whole or not at all."`

	from, to time.Time
}

// Validate reads the times.
func (c *exportEventsCommand) Validate() (err error) {
	if err := c.storeFlags.Validate(); err != nil {
		return err
	}
	if c.from, err = moment("--from", c.From, time.Time{}); err != nil {
		return err
	}
	c.to, err = moment("--to", c.To, time.UnixMicro(math.MaxInt64/2))
	if err == nil && !c.from.Before(c.to) {
		err = fmt.Errorf("--from must be before --to")
	}
	return err
}

// moment reads a day or a moment of UTC.
func moment(flag, text string, unsaid time.Time) (time.Time, error) {
	if text == "" {
		return unsaid, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return unsaid, fmt.Errorf("%s %q is not a moment such as 2026-03-01 or 2026-03-01T10:00:00Z", flag, text)
}

// Run writes the records in the order of the log. The server must not run on the same folder.
func (c *exportEventsCommand) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	s, err := openKept(ctx, c.storeFlags, log)
	if err != nil {
		return err
	}
	if c.Out == "-" {
		return errors.Join(c.write(ctx, s, out), s.Close())
	}
	file, err := os.CreateTemp(filepath.Dir(c.Out), tempPattern)
	if err != nil {
		return errors.Join(fmt.Errorf("%s cannot be written: %w", c.Out, err), s.Close())
	}
	defer os.Remove(file.Name()) // gone already when all went well
	err = errors.Join(c.write(ctx, s, file), file.Sync(), file.Close(), s.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), c.Out)
}

func (c *exportEventsCommand) write(ctx context.Context, s *stores, to io.Writer) error {
	buffer := bufio.NewWriterSize(to, 1<<20)
	form := archive.JSONLines(buffer)
	if c.Format == "parquet" || c.Format == "auto" && filepath.Ext(c.Out) == "."+archive.Ext {
		form = archive.Parquet(buffer)
	}
	reader := archive.Reader{DB: s.db, Blobs: s.blobs}
	err := reader.Each(ctx, s.log, c.from, c.to, form.Write)
	return errors.Join(err, form.Close(), buffer.Flush())
}
