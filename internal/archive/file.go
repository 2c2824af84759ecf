package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"mezzo/internal/blob"
	"mezzo/internal/stream"
)

const (
	// Ext is the extension of the files.
	Ext = "parquet"
	// fileRows is how many rows a file holds at most, and groupRows a row group of it: what a reader of one
	// column takes at once, and what the writer holds in memory.
	fileRows  = 2_000_000
	groupRows = 50_000
	groupData = 48 << 20 // bytes of records in a row group at most
	readRows  = 1000
)

// File is one file of the archive, as the catalogue knows it.
type File struct {
	Number   int64           // counts up without a gap
	From, To stream.Position // it holds the records between, all of them
	First    time.Time       // stamp of its first record
	Last     time.Time       // of its last
	Records  int64
	Events   int64 // of them
	Facts    int64
	Bytes    int64  // of the file
	Sum      uint64 // of the records, in order
	Blob     string // its name
}

// counted sums records in their order.
type counted struct {
	File
	sum hash.Hash64
}

func newCounted(from stream.Position) *counted {
	return &counted{File: File{From: from, To: from}, sum: crc64.New(crc64.MakeTable(crc64.ECMA))}
}

// add counts a record: everything of it is in the sum, its place too.
func (c *counted) add(r stream.Record) {
	if c.Records == 0 {
		c.First = r.At
	}
	c.To, c.Last = r.Pos, r.At
	c.Records++
	switch r.Kind {
	case stream.KindEvent:
		c.Events++
	case stream.KindFact:
		c.Facts++
	}
	head := binary.LittleEndian.AppendUint64(nil, uint64(r.At.UnixMicro()))
	head = binary.LittleEndian.AppendUint64(head, uint64(r.Relay))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(r.Data)))
	head = append(head, r.Kind)
	c.sum.Write(append(head, r.Pos.String()...))
	c.sum.Write(r.Data)
	c.Sum = c.sum.Sum64()
}

// writer makes one file of records.
type writer struct {
	*counted
	to    io.Writer
	rows  *parquet.GenericWriter[Row]
	group int
	data  int
}

// newWriter returns a writer of rows to a file. The bytes depend on the rows alone.
func newWriter(to io.Writer, from stream.Position) *writer {
	return &writer{counted: newCounted(from), to: to, rows: parquet.NewGenericWriter[Row](to,
		parquet.CreatedBy("mezzo", "1", "0"), parquet.KeyValueMetadata("mezzo.from", from.String()))}
}

// write adds records.
func (w *writer) write(records []stream.Record) error {
	rows := make([]Row, len(records))
	for i, r := range records {
		rows[i] = rowOf(r)
		w.add(r)
		w.group++
		w.data += len(r.Data)
	}
	if _, err := w.rows.Write(rows); err != nil {
		return err
	}
	if w.group >= groupRows || w.data >= groupData {
		w.group, w.data = 0, 0
		return w.rows.Flush()
	}
	return nil
}

func (w *writer) close() error { return w.rows.Close() }

// read calls fn with the records of a file, in order; their Data is fn's to keep.
func (f File) read(ctx context.Context, blobs blob.Store, batch int, fn func([]stream.Record) error) error {
	return f.readRows(ctx, blobs, batch, func(rows []Row) error {
		records := make([]stream.Record, len(rows))
		for i := range rows {
			var err error
			if records[i], err = rows[i].record(); err != nil {
				return err
			}
		}
		return fn(records)
	})
}

// readerAt reads a blob at places.
type readerAt struct{ blob.File }

// ReadAt reads as io.ReaderAt says, for one caller at a time.
func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	if at, ok := r.File.(io.ReaderAt); ok {
		return at.ReadAt(p, off)
	}
	if _, err := r.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(r.File, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

func (f File) readRows(ctx context.Context, blobs blob.Store, batch int, fn func([]Row) error) (err error) {
	defer func() {
		if p := recover(); p != nil { // the reader panics on some damaged files
			err = fmt.Errorf("archive: file %d (%s) is damaged: %v", f.Number, f.Blob, p)
		}
	}()
	file, err := blobs.Open(ctx, f.Blob)
	if err != nil {
		return fmt.Errorf("archive: file %d (%s) cannot be read: %w", f.Number, f.Blob, err)
	}
	defer file.Close()
	opened, err := parquet.OpenFile(readerAt{file}, file.Size(), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("archive: file %d (%s) is damaged: %w", f.Number, f.Blob, err)
	}
	r := parquet.NewGenericReader[Row](opened)
	defer r.Close()
	for {
		rows := make([]Row, min(batch, readRows))
		n, err := r.Read(rows)
		for i := range rows[:n] {
			rows[i].Data = append([]byte(nil), rows[i].Data...)
		}
		if n > 0 {
			if err := fn(rows[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("archive: file %d (%s) is damaged: %w", f.Number, f.Blob, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Verify reads the file in whole and compares it with what the catalogue says of it.
func (f File) Verify(ctx context.Context, blobs blob.Store) error {
	got := newCounted(f.From)
	if err := f.read(ctx, blobs, readRows, func(records []stream.Record) error {
		for _, r := range records {
			got.add(r)
		}
		return nil
	}); err != nil {
		return err
	}
	if got.Records != f.Records || got.Sum != f.Sum || got.To != f.To {
		return fmt.Errorf("archive: file %d (%s) holds %d records to %v with sum %016x, it was written with %d to %v and %016x",
			f.Number, f.Blob, got.Records, got.To, got.Sum, f.Records, f.To, f.Sum)
	}
	return nil
}
