package media

import (
	"encoding/binary"
	"errors"
	"io"
)

// Bounds on what is read of a file nobody has vouched for.
const (
	maxTopBoxes   = 4096     // boxes at the top of a file; a fragmented one may have many
	maxChildren   = 4096     // boxes inside one box
	maxIndexBytes = 12 << 20 // the index (moov): ten minutes at 240 frames/s need about 4 MiB
	maxTracks     = 32       // tracks in one file; phones write up to eight
)

var errBroken = errors.New("a box is larger than what holds it")

// box is one piece of an MP4 file (ISO/IEC 14496-12 §4.2): a four-letter kind and its content.
type box struct {
	kind string
	raw  []byte // with its header
	body []byte // without
}

// nextBox takes the first box off b. An empty b, or the four zero bytes that QuickTime
// ends a list with, gives ok=false without an error.
func nextBox(b []byte) (first box, rest []byte, ok bool, err error) {
	if len(b) < 8 {
		return box{}, nil, false, nil
	}
	size := uint64(binary.BigEndian.Uint32(b))
	head := uint64(8)
	switch {
	case size == 0:
		size = uint64(len(b))
	case size == 1:
		if len(b) < 16 {
			return box{}, nil, false, errBroken
		}
		size, head = binary.BigEndian.Uint64(b[8:]), 16
	}
	if size < head || size > uint64(len(b)) {
		return box{}, nil, false, errBroken
	}
	return box{kind: string(b[4:8]), raw: b[:size], body: b[head:size]}, b[size:], true, nil
}

// children returns the boxes inside b, in order.
func children(b []byte) ([]box, error) {
	var all []box
	for {
		first, rest, ok, err := nextBox(b)
		if err != nil {
			return nil, err
		}
		if !ok {
			return all, nil
		}
		if len(all) == maxChildren {
			return nil, errBroken
		}
		all = append(all, first)
		b = rest
	}
}

// child returns the first box of the kind among all; ok is false when there is none.
func child(all []box, kind string) (box, bool) {
	for _, b := range all {
		if b.kind == kind {
			return b, true
		}
	}
	return box{}, false
}

// topBox is a box at the top of a file, whose content stays in the file.
type topBox struct {
	kind  string
	start int64 // of its header
	head  int64 // bytes of header
	size  int64 // with its header, as it says; may run past the end of a file cut short
}

func (t topBox) end() int64 { return t.start + t.size }

// scanTop lists the boxes at the top of a file of size bytes, reading only their headers.
// A last box that runs past the end is listed with the size it claims.
func scanTop(r io.ReadSeeker, size int64) ([]topBox, error) {
	var all []topBox
	var head [16]byte
	for at := int64(0); at+8 <= size; {
		if len(all) == maxTopBoxes {
			return all, nil
		}
		if err := readAt(r, at, head[:8]); err != nil {
			return nil, err
		}
		b := topBox{kind: string(head[4:8]), start: at, head: 8, size: int64(binary.BigEndian.Uint32(head[:]))}
		switch b.size {
		case 0:
			b.size = size - at
		case 1:
			if at+16 > size {
				return all, nil
			}
			if err := readAt(r, at, head[:]); err != nil {
				return nil, err
			}
			large := binary.BigEndian.Uint64(head[8:])
			if large > 1<<62 {
				return nil, errBroken
			}
			b.head, b.size = 16, int64(large)
		}
		if b.size < b.head || !printable(b.kind) {
			if len(all) == 0 {
				return nil, errBroken
			}
			return all, nil // rubbish after the last box: players ignore it, and so do we
		}
		all = append(all, b)
		at = b.end()
	}
	return all, nil
}

// printable reports whether a kind could be one: letters, digits, spaces, or QuickTime's ©.
func printable(kind string) bool {
	for i := range len(kind) {
		if c := kind[i]; (c < 0x20 || c > 0x7e) && c != 0xa9 {
			return false
		}
	}
	return true
}

func readAt(r io.ReadSeeker, at int64, into []byte) error {
	if _, err := r.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.ReadFull(r, into)
	return err
}

// appendBox writes a box of the kind around the parts.
func appendBox(to []byte, kind string, parts ...[]byte) []byte {
	size := 8
	for _, p := range parts {
		size += len(p)
	}
	to = binary.BigEndian.AppendUint32(to, uint32(size))
	to = append(to, kind...)
	for _, p := range parts {
		to = append(to, p...)
	}
	return to
}
