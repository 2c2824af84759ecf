package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/archive"
	"mezzo/internal/event"
	"mezzo/internal/metric"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/sample"
	"mezzo/internal/stream"
)

// checkBatch is how many records of the log are read at a time.
const checkBatch = 1000

// proof is one thing `mezzo check` proves of what is kept: it says what it looked at, and every
// break it found.
type proof struct {
	name  string
	prove func(context.Context, *stores) (said string, breaks []string, err error)
}

// proofs are run in this order.
func proofs() []proof {
	return []proof{
		{"log", proveLog},
		{"outbox", proveOutbox},
		{"books", proveBooks},
		{"decisions", proveDecisions},
		{"samples", proveSamples},
		{"numbers", proveNumbers},
		{"archive", proveArchive},
	}
}

type checkCommand struct{ storeFlags }

// Run proves what is kept and names each break on a line of its own; one break or more is an error.
// The server must not run on the same folder: a running one answers GET /api/v1/ledger/check.
func (c *checkCommand) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	s, err := openKept(ctx, c.storeFlags, log)
	if err != nil {
		return err
	}
	broken, begun := 0, time.Now()
	for _, p := range proofs() {
		since := time.Now()
		said, breaks, err := p.prove(ctx, s)
		if err != nil {
			return errors.Join(fmt.Errorf("%s could not be checked: %w", p.name, err), s.Close())
		}
		if len(breaks) == 0 {
			fmt.Fprintf(out, "holds   %s: %s, in %.1f s\n", p.name, said, time.Since(since).Seconds())
		}
		for _, b := range breaks {
			fmt.Fprintf(out, "BROKEN  %s: %s\n", p.name, b)
		}
		broken += len(breaks)
	}
	if broken > 0 {
		return errors.Join(fmt.Errorf("%d breaks were found in %.1f s; keep a copy of the data before anything else is done with it", broken, time.Since(begun).Seconds()), s.Close())
	}
	fmt.Fprintf(out, "Everything holds. It took %.1f s.\n", time.Since(begun).Seconds())
	return s.Close()
}

// errRead says that the log was read to its end.
var errRead = errors.New("read to the end")

// proveLog reads the whole log: every record can be read, no stamp runs back, and the facts in
// it are numbered without a gap.
func proveLog(ctx context.Context, s *stores) (string, []string, error) {
	from, err := s.log.Oldest(ctx)
	if err != nil {
		return "", nil, err
	}
	// A tick of our own marks the end: there is always a record to stop at.
	end, err := s.log.Append(ctx, stream.KindTick, nil)
	if err != nil {
		return "", nil, err
	}
	r := logReader{end: end}
	if err = s.log.Follow(ctx, from, checkBatch, r.read); errors.Is(err, stream.ErrCorrupt) {
		return "", append(r.breaks, err.Error()), nil
	}
	if !errors.Is(err, errRead) {
		return "", nil, err
	}
	return fmt.Sprintf("%d events and %d facts read", r.events, r.facts), r.breaks, nil
}

// logReader counts records and notes what is wrong with them.
type logReader struct {
	end           stream.Position
	last          stream.Record
	relay         int64
	events, facts int
	breaks        []string
}

func (r *logReader) read(records []stream.Record) error {
	for _, rec := range records {
		if rec.At.Before(r.last.At) {
			r.breaks = append(r.breaks, fmt.Sprintf("the stamp at %v runs back by %v", rec.Pos, r.last.At.Sub(rec.At)))
		}
		switch rec.Kind {
		case stream.KindEvent:
			r.events++
			r.note(rec, new(event.Event).Decode(rec.Data))
		case stream.KindFact:
			r.facts++
			var f event.Fact
			r.note(rec, f.Decode(rec.Data))
			if f.Seq != rec.Relay || r.relay != 0 && f.Seq != r.relay+1 {
				r.breaks = append(r.breaks, fmt.Sprintf("fact %d at %v follows fact %d", f.Seq, rec.Pos, r.relay))
			}
			r.relay = f.Seq
		}
		r.last = rec
		if !rec.Pos.Before(r.end) {
			return errRead
		}
	}
	return nil
}

func (r *logReader) note(rec stream.Record, err error) {
	if err != nil {
		r.breaks = append(r.breaks, fmt.Sprintf("the record at %v cannot be read: %v", rec.Pos, err))
	}
}

// proveOutbox compares what the database believes delivered with what the log holds.
func proveOutbox(ctx context.Context, s *stores) (string, []string, error) {
	state, err := s.db.Outbox(ctx)
	if err != nil {
		return "", nil, err
	}
	last, err := s.log.LastRelay(ctx)
	if err != nil {
		return "", nil, err
	}
	if state.Delivered > last {
		return "", []string{fmt.Sprintf("the database has delivered facts up to %d and the log ends at %d: the log is older than the database; restore both from one backup", state.Delivered, last)}, nil
	}
	return fmt.Sprintf("facts up to %d are in the log, %d wait for the next start", last, state.Waiting), nil, nil
}

// proveBooks checks the books in one snapshot of them, and orders, receipts and stock against them.
func proveBooks(ctx context.Context, s *stores) (string, []string, error) {
	orders := order.New(order.Parts{DB: s.db, Provider: payment.NewSandbox(s.db)}, order.Options{})
	r, err := orders.Check(ctx)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("balanced; %d transfers, %d entries and %d seals checked, orders and stock against them", r.CheckedTransfers, r.CheckedEntries, r.CheckedSeals), r.Problems, nil
}

// proveNumbers restores the kept snapshots of the numbers, follows the log to its end, and compares the hours and
// days in the database.
func proveNumbers(ctx context.Context, s *stores) (string, []string, error) {
	options, done, err := beside(s, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", nil, err
	}
	p, err := metric.Prove(ctx, options)
	return fmt.Sprintf("%d snapshots restored, %d records of the log behind them, %d hours and days compared", p.Snapshots, p.Records, p.Rows), p.Breaks, errors.Join(err, done())
}

// proveArchive reads every file of the archive and looks for gaps between them.
func proveArchive(ctx context.Context, s *stores) (string, []string, error) {
	files, err := archive.Files(ctx, s.db)
	if err != nil {
		return "", nil, err
	}
	oldest, err := s.log.Oldest(ctx)
	if err != nil {
		return "", nil, err
	}
	var breaks []string
	var records int64
	for i, f := range files {
		if err := f.Verify(ctx, s.blobs); err != nil {
			breaks = append(breaks, err.Error())
		}
		if i > 0 && files[i-1].To != f.From {
			breaks = append(breaks, fmt.Sprintf("the records between %v and %v are in no file", files[i-1].To, f.From))
		}
		records += f.Records
	}
	if n := len(files); n > 0 && files[n-1].To.Before(oldest) {
		breaks = append(breaks, fmt.Sprintf("the records between %v and %v are neither in a file nor in the log", files[n-1].To, oldest))
	}
	return fmt.Sprintf("%d files hold %d records without a gap", len(files), records), breaks, nil
}

// proveDecisions makes every decision on who earns again, by the version of the rule that made it, and holds
// the programs' budgets against the book.
func proveDecisions(ctx context.Context, s *stores) (string, []string, error) {
	breaks, decided, err := affiliate.New(s.db).Check(ctx)
	return fmt.Sprintf("%d decisions made again from their receipts, and every budget is what the book says", decided), breaks, err
}

// proveSamples holds free samples against the book, the stock and their programs.
func proveSamples(ctx context.Context, s *stores) (string, []string, error) {
	breaks, looked, err := sample.New(s.db).Check(ctx)
	return fmt.Sprintf("%d samples, their units and charges", looked), breaks, err
}
