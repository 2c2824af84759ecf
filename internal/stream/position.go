package stream

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Position is a boundary in the log: just after one record and just before the next.
// It is opaque: nobody does arithmetic on it. The zero Position is the beginning.
//
// It names the next record to read (the message's sequence and the record's index in it)
// and carries the highest stamp seen before it, so that a follower that resumes here goes on
// with the same monotone stamps as one that never stopped. Every boundary inside the log of one
// writer has exactly one Position, so == works; with several writers on one outer NATS, whose
// clocks may differ, compare with Before instead.
type Position struct {
	seq   uint64 // message of the next record; 0 and 1 both start at the first message
	index uint32 // index of the next record in that message
	stamp int64  // microseconds: the floor of every later stamp
}

// ErrPosition says that a text is not a position.
var ErrPosition = errors.New("stream: this is not a log position")

// Before reports whether p lies earlier in the log than q.
func (p Position) Before(q Position) bool {
	if ps, qs := max(p.seq, 1), max(q.seq, 1); ps != qs {
		return ps < qs
	}
	return p.index < q.index
}

// IsZero reports whether p is the beginning of the log.
func (p Position) IsZero() bool { return p == Position{} }

// Stamp returns the highest append stamp before the position, to the microsecond; zero where it is not known:
// at the beginning, and just before the oldest kept record.
func (p Position) Stamp() time.Time {
	if p.stamp == 0 {
		return time.Time{}
	}
	return time.UnixMicro(p.stamp).UTC()
}

// String returns the position as URL-safe text; ParsePosition reads it back.
func (p Position) String() string {
	b := strconv.AppendUint(nil, p.seq, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(p.index), 10)
	b = append(b, '.')
	return string(strconv.AppendInt(b, p.stamp, 10))
}

// ParsePosition reads what String wrote; the error is ErrPosition.
func ParsePosition(s string) (Position, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return Position{}, ErrPosition
	}
	seq, err1 := strconv.ParseUint(parts[0], 10, 63)
	index, err2 := strconv.ParseUint(parts[1], 10, 32)
	stamp, err3 := strconv.ParseUint(parts[2], 10, 63)
	p := Position{seq: seq, index: uint32(index), stamp: int64(stamp)}
	if err1 != nil || err2 != nil || err3 != nil || p.String() != s {
		return Position{}, ErrPosition
	}
	return p, nil
}

// MarshalText writes the position as String does, so that snapshots can hold it.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote; the error is ErrPosition.
func (p *Position) UnmarshalText(text []byte) error {
	q, err := ParsePosition(string(text))
	if err == nil {
		*p = q
	}
	return err
}

// after returns the boundary behind record index (counted from 0) of a message of count records.
// The one behind the last record belongs to the next message.
func after(seq uint64, index, count int, stamp int64) Position {
	if index+1 >= count {
		return Position{seq: seq + 1, stamp: stamp}
	}
	return Position{seq: seq, index: uint32(min(index+1, math.MaxUint32)), stamp: stamp}
}

// start returns the message sequence a reader at p begins with.
func (p Position) start() uint64 { return max(p.seq, 1) }
