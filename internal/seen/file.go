package seen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
)

// A file holds the records of consecutive epochs, sorted by key, and is never changed. Numbers
// are little-endian, except within keys:
//
//	header   one block: magic, version, kind, level, count, span of epochs and of stamps, smallest
//	         and largest key, how long the rest is, a checksum of each part and of the header
//	blocks   records, as many as fit, zeros, and in the last 4 bytes the block's CRC-32C
//	fences   for each block the first 8 bytes of its first key
//	filter   of all keys
//
// Its name has the kind, the epochs and the header's checksum.
const (
	blockBytes = 4096
	blockRoom  = blockBytes - 4
	magic      = "mezseen\x1a"
	version    = 1
	headBytes  = 124
)

// ErrFile is wrapped by every error about a file that is missing, torn, damaged or not one of
// ours. What was seen cannot be told without it: the caller goes back to an older snapshot.
var ErrFile = errors.New("seen: a file of what was counted cannot be used")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type kind uint8

const (
	kindIDs    kind = 1
	kindTokens kind = 2
)

func (k kind) String() string {
	if k == kindTokens {
		return "tokens"
	}
	return "ids"
}

// width is the bytes of a record: a key, or a key and what its token has used up.
func (k kind) width() int {
	if k == kindTokens {
		return tokenBytes
	}
	return KeyBytes
}

func (k kind) inBlock() int { return blockRoom / k.width() }

// head is what a file says of itself.
type head struct {
	kind        kind
	level       uint8
	first, last uint64 // epochs
	from, to    int64  // stamps, microseconds
	count       int
	min, max    Key
	blocks      int
	filter      int    // blocks of the filter
	body        uint32 // checksums
	fences      uint32
	filterSum   uint32
	sum         uint32 // of the header
}

func (h *head) name() string {
	return fmt.Sprintf("%s-%d-%d-%08x.seen", h.kind, h.first, h.last, h.sum)
}

func (h *head) size() int64 {
	return blockBytes + int64(h.blocks)*(blockBytes+8) + int64(h.filter)*filterBlock
}

// block returns the header's block and notes its checksum.
func (h *head) block() []byte {
	b := make([]byte, 0, blockBytes)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = append(b, byte(h.kind), h.level)
	for _, n := range []uint64{h.first, h.last, uint64(h.from), uint64(h.to), uint64(h.count)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = append(append(b, h.min[:]...), h.max[:]...)
	for _, n := range []uint64{uint64(h.blocks), uint64(h.filter)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	for _, n := range []uint32{h.body, h.fences, h.filterSum} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	b = append(b, make([]byte, headBytes-4-len(b))...)
	h.sum = crc32.Checksum(b, castagnoli)
	b = binary.LittleEndian.AppendUint32(b, h.sum)
	return append(b, make([]byte, blockBytes-len(b))...)
}

// readHead reads a header's block of a file that is size bytes long.
func readHead(b []byte, size int64) (h head, err error) {
	if len(b) < headBytes || string(b[:len(magic)]) != magic {
		return h, errors.New("it is not a file of Mezzo's")
	}
	if crc32.Checksum(b[:headBytes-4], castagnoli) != binary.LittleEndian.Uint32(b[headBytes-4:]) {
		return h, errors.New("its header is damaged")
	}
	h.sum = binary.LittleEndian.Uint32(b[headBytes-4:])
	b = b[len(magic):]
	if v := binary.LittleEndian.Uint16(b); v != version {
		return h, fmt.Errorf("it is of version %d, this program reads %d", v, version)
	}
	h.kind, h.level, b = kind(b[2]), b[3], b[4:]
	next := func() uint64 {
		n := binary.LittleEndian.Uint64(b)
		b = b[8:]
		return n
	}
	h.first, h.last, h.from, h.to = next(), next(), int64(next()), int64(next())
	count := next()
	b = b[copy(h.min[:], b):]
	b = b[copy(h.max[:], b):]
	blocks, filterLen := next(), next()
	h.body, h.fences, h.filterSum = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	most := uint64(size)
	if h.kind != kindIDs && h.kind != kindTokens || count == 0 || count > most || blocks > most || filterLen == 0 || filterLen > most {
		return h, errors.New("its header makes no sense")
	}
	h.count, h.blocks, h.filter = int(count), int(blocks), int(filterLen)
	if per := h.kind.inBlock(); h.blocks != (h.count+per-1)/per || h.size() != size {
		return h, fmt.Errorf("it is %d bytes long and not the %d its header says: it was torn", size, h.size())
	}
	return h, nil
}

// run is an open file, or its image in memory.
type run struct {
	head
	marks  []uint64 // the fences
	filter filter
	src    io.ReaderAt
	file   *os.File // nil: src is the image
	image  []byte

	damaged func() // told of damage found; nil for images
}

func (r *run) close() {
	if r.file != nil {
		r.file.Close()
	}
}

// openRun reads all of a file but its blocks, each of which is verified whenever it is read.
func openRun(from io.ReaderAt, size int64) (*run, error) {
	if size < blockBytes {
		return nil, errors.New("it is shorter than a header: it was torn")
	}
	b := make([]byte, blockBytes)
	if _, err := from.ReadAt(b, 0); err != nil {
		return nil, err
	}
	h, err := readHead(b, size)
	if err != nil {
		return nil, err
	}
	rest := make([]byte, int64(h.blocks)*8+int64(h.filter)*filterBlock)
	if _, err := from.ReadAt(rest, size-int64(len(rest))); err != nil && err != io.EOF {
		return nil, err
	}
	fences, filterPart := rest[:h.blocks*8], rest[h.blocks*8:]
	if crc32.Checksum(fences, castagnoli) != h.fences || crc32.Checksum(filterPart, castagnoli) != h.filterSum {
		return nil, errors.New("its index is damaged")
	}
	r := &run{head: h, filter: readFilter(filterPart), marks: make([]uint64, h.blocks), src: from}
	for i := range r.marks {
		r.marks[i] = binary.LittleEndian.Uint64(fences[8*i:])
	}
	return r, nil
}

// readBlocks reads and verifies blocks from the first on into b, whose length says how many.
func (r *run) readBlocks(b []byte, first int) error {
	if _, err := r.src.ReadAt(b, blockBytes*int64(first+1)); err != nil {
		return r.found(err)
	}
	for i := 0; i < len(b); i += blockBytes {
		block := b[i : i+blockBytes]
		if crc32.Checksum(block[:blockRoom], castagnoli) != binary.LittleEndian.Uint32(block[blockRoom:]) {
			return r.found(fmt.Errorf("block %d is damaged", first+i/blockBytes))
		}
	}
	return nil
}

// found makes damage known and returns it as an error.
func (r *run) found(err error) error {
	if r.damaged != nil {
		r.damaged()
	}
	return fmt.Errorf("%w: %s: %w", ErrFile, r.name(), err)
}

// recordsIn is how many records block i holds.
func (r *run) recordsIn(i int) int { return min(r.kind.inBlock(), r.count-i*r.kind.inBlock()) }

// find confirms on disk what the filter held possible. It returns a slice of scratch, one block
// long, or nil.
func (r *run) find(key []byte, scratch []byte) ([]byte, error) {
	want := high(key)
	i, found := slices.BinarySearch(r.marks, want)
	if !found {
		i--
	} else {
		for i+1 < len(r.marks) && r.marks[i+1] == want {
			i++
		}
	}
	for ; i >= 0; i-- {
		if err := r.readBlocks(scratch, i); err != nil {
			return nil, err
		}
		if record := search(scratch, key, r.recordsIn(i), r.kind.width()); record != nil {
			return record, nil
		}
		if r.marks[i] != want { // otherwise the block before may end in the same 8 bytes
			break
		}
	}
	return nil, nil
}

// search finds a key among n sorted records.
func search(block, key []byte, n, width int) []byte {
	lo, hi := 0, n
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch r := block[mid*width : (mid+1)*width]; compare(r, key) {
		case 0:
			return r
		case -1:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return nil
}

func compare(a, b []byte) int {
	x, y := high(a), high(b)
	if x == y {
		x, y = low(a), low(b)
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// verify reads the whole file: every block's checksum, the order of the keys, and the checksum of
// all.
func (r *run) verify() error {
	in := newReader(r)
	var last Key
	for n := 0; ; n++ {
		record, err := in.next()
		if err != nil {
			return err
		}
		if record == nil {
			break
		}
		if n > 0 && compare(record, last[:]) <= 0 {
			return r.found(errors.New("its keys are out of order"))
		}
		copy(last[:], record)
	}
	if in.sum != r.body {
		return r.found(errors.New("its checksum is wrong"))
	}
	return nil
}

// reader yields a file's records in order, reading many blocks at once.
type reader struct {
	run   *run
	buf   []byte
	block int // the next to read
	rest  []byte
	left  []byte // blocks read and not begun
	sum   uint32
}

const readAhead = 64 // blocks

func newReader(r *run) *reader {
	return &reader{run: r, buf: make([]byte, min(readAhead, r.blocks)*blockBytes)}
}

// next returns the next record, valid until the call after, or nil at the end.
func (in *reader) next() ([]byte, error) {
	width := in.run.kind.width()
	if len(in.rest) == 0 {
		if len(in.left) == 0 {
			n := min(readAhead, in.run.blocks-in.block)
			if n == 0 {
				return nil, nil
			}
			in.left = in.buf[:n*blockBytes]
			if err := in.run.readBlocks(in.left, in.block); err != nil {
				return nil, err
			}
			in.sum = crc32.Update(in.sum, castagnoli, in.left)
			in.block += n
		}
		at := in.block - len(in.left)/blockBytes
		in.rest = in.left[:in.run.recordsIn(at)*width]
		in.left = in.left[blockBytes:]
	}
	record := in.rest[:width]
	in.rest = in.rest[width:]
	return record, nil
}
