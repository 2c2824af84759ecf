package stream

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"
)

// A message of the log is one frame, all numbers little-endian:
//
//	version  1 byte   frameVersion
//	stamp    8 bytes  microseconds since 1970, set by the appender
//	relay    8 bytes  outbox number of the first record, 0 when the records did not come from there
//	count    4 bytes  records that follow
//	records           each: kind (1 byte, never 0), length (uvarint), bytes
//	crc32c   4 bytes  of everything before
//
// A frame on the fact subject with no records is a mark: it only says that the next outbox
// number is relay. It keeps the number alive when everything older is trimmed.
const (
	frameVersion = 1
	frameHead    = 1 + 8 + 8 + 4
	frameTail    = 4

	// MaxMessage is the most bytes one message of the log holds.
	MaxMessage = 512 << 10
	// MaxRecord is the most bytes one record holds.
	MaxRecord = MaxMessage - frameHead - frameTail - 1 - binary.MaxVarintLen32
)

// ErrCorrupt says that a stored message is not what an appender wrote: its checksum, framing
// or place is wrong. A follower stops there; it never skips.
var ErrCorrupt = errors.New("stream: a stored message is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Record is one thing that was appended.
type Record struct {
	Pos   Position  // just after this record
	At    time.Time // append stamp, UTC, monotone in the log
	Kind  byte
	Data  []byte
	Relay int64 // outbox number, or 0
}

// recordSize returns the bytes a record takes in a frame.
func recordSize(data []byte) int {
	n := 2 + len(data)
	for l := len(data); l >= 0x80; l >>= 7 {
		n++
	}
	return n
}

// appendRecord adds one record to a frame under construction.
func appendRecord(b []byte, kind byte, data []byte) []byte {
	b = append(b, kind)
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

// seal fills the head of a frame whose records stand after frameHead bytes of room
// and adds the checksum.
func seal(b []byte, stamp, relay int64, count int) []byte {
	b[0] = frameVersion
	binary.LittleEndian.PutUint64(b[1:], uint64(stamp))
	binary.LittleEndian.PutUint64(b[9:], uint64(relay))
	binary.LittleEndian.PutUint32(b[17:], uint32(count))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// frame is a checked message: head and checksum are right, body holds count whole records.
type frame struct {
	stamp, relay int64
	count        int
	body         []byte
}

// lastRelay returns the outbox number this frame ends with.
func (f frame) lastRelay() int64 { return f.relay + int64(f.count) - 1 }

// openFrame checks a whole message. Its error is ErrCorrupt.
func openFrame(b []byte) (frame, error) {
	if len(b) < frameHead+frameTail || b[0] != frameVersion {
		return frame{}, ErrCorrupt
	}
	end := len(b) - frameTail
	if crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return frame{}, ErrCorrupt
	}
	f := frame{
		stamp: int64(binary.LittleEndian.Uint64(b[1:])),
		relay: int64(binary.LittleEndian.Uint64(b[9:])),
		count: int(binary.LittleEndian.Uint32(b[17:])),
		body:  b[frameHead:end:end],
	}
	if f.stamp < 0 || f.relay < 0 || f.relay > math.MaxInt64-int64(f.count) {
		return frame{}, ErrCorrupt
	}
	rest := f.body
	for range f.count {
		var ok bool
		if _, _, rest, ok = cut(rest); !ok {
			return frame{}, ErrCorrupt
		}
	}
	if len(rest) != 0 {
		return frame{}, ErrCorrupt
	}
	return f, nil
}

// cut takes the first record off the body of a frame.
func cut(body []byte) (kind byte, data, rest []byte, ok bool) {
	if len(body) < 2 || body[0] == 0 {
		return 0, nil, nil, false
	}
	size, n := binary.Uvarint(body[1:])
	if n <= 0 || size > uint64(len(body)-1-n) {
		return 0, nil, nil, false
	}
	from, to := 1+n, 1+n+int(size)
	return body[0], body[from:to:to], body[to:], true
}
