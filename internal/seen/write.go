package seen

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
)

// target is where a file grows: its blocks from the front, its header last.
type target interface {
	io.Writer
	io.WriterAt
}

// writeBuffer is the most that is gathered before it is written. A file of few records gets by with less: clearing
// a whole buffer for each took an eighth of the ranking's time where the log was slow.
const writeBuffer = 256 << 10

// writer writes one file. Its records come in the order of their keys.
type writer struct {
	head
	to     target
	buf    *bufio.Writer
	block  []byte
	marks  []uint64
	filter filter
}

// newWriter begins a file of at most so many records. The header says what the caller put into h.
func newWriter(to target, h head, most int) (*writer, error) {
	buffer := min(writeBuffer, 2*blockBytes+most*h.kind.width())
	w := &writer{head: h, to: to, buf: bufio.NewWriterSize(to, buffer), block: make([]byte, 0, blockBytes)}
	w.filter = newFilter(most)
	w.count, w.blocks, w.body = 0, 0, 0
	_, err := w.buf.Write(make([]byte, blockBytes))
	return w, err
}

func (w *writer) add(record []byte) error {
	if len(w.block) == 0 {
		w.marks = append(w.marks, high(record))
	}
	if w.count == 0 {
		copy(w.min[:], record)
	}
	copy(w.max[:], record)
	p := probeOf(record)
	w.filter.add(&p)
	w.block = append(w.block, record...)
	if w.count++; len(w.block)+len(record) > blockRoom {
		return w.endBlock()
	}
	return nil
}

func (w *writer) endBlock() error {
	n := len(w.block)
	b := w.block[:blockBytes]
	clear(b[n:])
	binary.LittleEndian.PutUint32(b[blockRoom:], crc32.Checksum(b[:blockRoom], castagnoli))
	w.body = crc32.Update(w.body, castagnoli, b)
	w.blocks++
	w.block = w.block[:0]
	_, err := w.buf.Write(b)
	return err
}

// finish writes what follows the blocks, then the header, and returns the run, whose src is not
// yet set. It returns nil when there was no record.
func (w *writer) finish() (*run, error) {
	if w.count == 0 {
		return nil, nil
	}
	if len(w.block) > 0 {
		if err := w.endBlock(); err != nil {
			return nil, err
		}
	}
	fences := make([]byte, 0, 8*len(w.marks))
	for _, m := range w.marks {
		fences = binary.LittleEndian.AppendUint64(fences, m)
	}
	filterPart := w.filter.appendTo(nil)
	w.head.filter = len(w.filter) / blockWords
	w.fences, w.filterSum = crc32.Checksum(fences, castagnoli), crc32.Checksum(filterPart, castagnoli)
	for _, part := range [][]byte{fences, filterPart} {
		if _, err := w.buf.Write(part); err != nil {
			return nil, err
		}
	}
	if err := w.buf.Flush(); err != nil {
		return nil, err
	}
	if _, err := w.to.WriteAt(w.head.block(), 0); err != nil {
		return nil, err
	}
	return &run{head: w.head, marks: w.marks, filter: w.filter}, nil
}

// writeSegment writes the records of one epoch, which come in the order they were added.
func writeSegment(to target, h head, data []byte) (*run, error) {
	width := h.kind.width()
	type entry struct {
		high uint64
		at   int
	}
	order := make([]entry, len(data)/width)
	for i := range order {
		order[i] = entry{high(data[i*width:]), i * width}
	}
	slices.SortFunc(order, func(a, b entry) int {
		switch {
		case a.high < b.high:
			return -1
		case a.high > b.high:
			return 1
		}
		return compare(data[a.at:], data[b.at:])
	})
	w, err := newWriter(to, h, len(order))
	if err != nil {
		return nil, err
	}
	for _, e := range order {
		if err := w.add(data[e.at : e.at+width]); err != nil {
			return nil, err
		}
	}
	return w.finish()
}

// mergeRuns writes the runs, oldest first, as one. Of records with one key the newest counts, and
// tokens issued before the stamp (in seconds) are left out: they can do nothing any more.
func mergeRuns(to target, h head, runs []*run, issuedFrom int64) (*run, error) {
	most := 0
	in := make([]*reader, len(runs))
	heads := make([][]byte, len(runs))
	var err error
	for i, r := range runs {
		most += r.count
		in[i] = newReader(r)
		if heads[i], err = in[i].next(); err != nil {
			return nil, err
		}
	}
	w, err := newWriter(to, h, most)
	if err != nil {
		return nil, err
	}
	for {
		least := -1
		for i, r := range heads {
			if r != nil && (least < 0 || compare(r, heads[least]) <= 0) {
				least = i // of equal keys the newest
			}
		}
		if least < 0 {
			return w.finish()
		}
		record := heads[least]
		if h.kind != kindTokens || int64(token(record).issued()) >= issuedFrom {
			if err := w.add(record); err != nil {
				return nil, err
			}
		}
		for i, r := range heads {
			if i != least && r != nil && compare(r, record) == 0 {
				if heads[i], err = in[i].next(); err != nil {
					return nil, err
				}
			}
		}
		if heads[least], err = in[least].next(); err != nil {
			return nil, err
		}
	}
}
