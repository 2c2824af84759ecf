package media

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// maxChunks bounds the chunks of all tracks of one file together; a chunk usually holds
// half a second, at the least a frame: ten minutes at 240 frames/s are 144,000.
const maxChunks = 1 << 18

// chunk is a run of samples of one track that lie together in the file.
type chunk struct {
	track, index int
	from, size   int64
}

var (
	errTables  = errors.New("the tables of its samples contradict each other")
	errCut     = errors.New("its samples lie beyond the end of the file")
	errOverlap = errors.New("two of its samples share the same bytes")
	errMany    = errors.New("it has too many chunks")
)

// table returns the entries of a table box after its version, flags and count,
// when there are as many as it says, each width bytes.
func (t *track) table(kind string, width int) (entries []byte, n int, err error) {
	b, ok := child(t.tables, kind)
	if !ok || len(b.body) < 8 {
		return nil, 0, errTables
	}
	count := uint64(binary.BigEndian.Uint32(b.body[4:]))
	if count*uint64(width) > uint64(len(b.body)-8) {
		return nil, 0, errTables
	}
	return b.body[8 : 8+int(count)*width], int(count), nil
}

// timing returns the number of samples and their time in the track's units
// (stts, ISO/IEC 14496-12 §8.6.1.2).
func (t *track) timing() (samples, units uint64, err error) {
	entries, n, err := t.table("stts", 8)
	if err != nil {
		return 0, 0, err
	}
	for i := range n {
		count := uint64(binary.BigEndian.Uint32(entries[8*i:]))
		delta := uint64(binary.BigEndian.Uint32(entries[8*i+4:]))
		samples += count
		units += count * delta
		if samples > 1<<32 || units > 1<<62 {
			return 0, 0, errTables
		}
	}
	return samples, units, nil
}

// sizes returns a function from the first samples on: the bytes of the next n samples
// (stsz and stz2, ISO/IEC 14496-12 §8.7.3), and the number of all.
func (t *track) sizes() (next func(n uint64) (int64, bool), total uint64, err error) {
	width, same := uint64(32), uint64(0) // bits a sample; the size of every sample when not 0
	b, ok := child(t.tables, "stsz")
	if ok && len(b.body) >= 12 {
		same = uint64(binary.BigEndian.Uint32(b.body[4:]))
	} else if b, ok = child(t.tables, "stz2"); ok && len(b.body) >= 12 {
		width = uint64(b.body[7])
	} else {
		return nil, 0, errTables
	}
	total = uint64(binary.BigEndian.Uint32(b.body[8:]))
	entries := b.body[12:]
	if same == 0 && total*width > uint64(len(entries))*8 {
		return nil, 0, errTables
	}
	var sizeOf func(i uint64) int64
	switch width {
	case 32:
		sizeOf = func(i uint64) int64 { return int64(binary.BigEndian.Uint32(entries[4*i:])) }
	case 16:
		sizeOf = func(i uint64) int64 { return int64(binary.BigEndian.Uint16(entries[2*i:])) }
	case 8:
		sizeOf = func(i uint64) int64 { return int64(entries[i]) }
	case 4:
		sizeOf = func(i uint64) int64 { return int64(entries[i/2] >> (4 * (1 - i%2)) & 15) }
	default:
		return nil, 0, errTables
	}
	at := uint64(0)
	return func(n uint64) (int64, bool) {
		if n > total-at {
			return 0, false
		}
		if same != 0 {
			at += n
			return int64(n * same), n*same < 1<<48
		}
		sum := int64(0)
		for end := at + n; at < end; at++ {
			sum += sizeOf(at)
		}
		return sum, true
	}, total, nil
}

// offsets returns where each chunk of the track begins, from stco or co64.
func (t *track) offsets() (at func(i int) int64, n int, err error) {
	if entries, n, err := t.table("stco", 4); err == nil {
		return func(i int) int64 { return int64(binary.BigEndian.Uint32(entries[4*i:])) }, n, nil
	}
	entries, n, err := t.table("co64", 8)
	if err != nil {
		return nil, 0, err
	}
	return func(i int) int64 {
		if v := binary.BigEndian.Uint64(entries[8*i:]); v < 1<<62 {
			return int64(v)
		}
		return 1 << 62
	}, n, nil
}

// appendChunks adds the track's chunks to all, checked to lie within size bytes of file.
func (t *track) appendChunks(all []chunk, number int, size int64) ([]chunk, error) {
	offset, n, err := t.offsets()
	if err != nil {
		return nil, err
	}
	if len(all)+n > maxChunks {
		return nil, errMany
	}
	next, total, err := t.sizes()
	if err != nil {
		return nil, err
	}
	runs, runCount, err := t.table("stsc", 12)
	if err != nil {
		return nil, err
	}
	run, perChunk, seen := 0, uint64(0), uint64(0)
	for i := range n {
		for run < runCount && uint64(binary.BigEndian.Uint32(runs[12*run:])) == uint64(i)+1 {
			perChunk = uint64(binary.BigEndian.Uint32(runs[12*run+4:]))
			run++
		}
		bytes, ok := next(perChunk)
		if !ok || perChunk == 0 {
			return nil, errTables
		}
		seen += perChunk
		c := chunk{track: number, index: i, from: offset(i), size: bytes}
		if c.from+c.size > size {
			return nil, errCut
		}
		all = append(all, c)
	}
	if seen != total {
		return nil, errTables
	}
	return all, nil
}

// layout returns the chunks of the tracks in the order in which they lie in the file,
// none sharing bytes with another: so their sum is never more than the file.
func layout(tracks []track, size int64) ([]chunk, error) {
	var all []chunk
	var err error
	for i := range tracks {
		if all, err = tracks[i].appendChunks(all, i, size); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b chunk) int { // an empty chunk comes before what begins there
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.size, b.size))
	})
	for i := 1; i < len(all); i++ {
		if all[i-1].from+all[i-1].size > all[i].from {
			return nil, errOverlap
		}
	}
	return all, nil
}
