package seen

import (
	"encoding/binary"
	"math"
	"time"
)

// Once is a thing an impression token allows once.
type Once uint8

// What a token allows once. Numbers from 5 to 15 are free for a fold's own use; none beyond 15.
const (
	OnceImpression Once = iota
	OnceView
	OnceLike
	OnceHide
	OnceClick
)

const mostOnce = 16

// Ahead is how far the clocks of those who issue tokens, log and tell times may lie apart.
const Ahead = 5 * time.Minute

// A token's record: its key, when it was issued and when its impression happened in Unix seconds
// (0: none), milliseconds of watch time counted, a bit for each Once, two bytes unused.
const tokenBytes = KeyBytes + 16

type token []byte

func (t token) issued() uint32 { return binary.LittleEndian.Uint32(t[16:]) }
func (t token) first() uint32  { return binary.LittleEndian.Uint32(t[20:]) }
func (t token) watch() uint32  { return binary.LittleEndian.Uint32(t[24:]) }
func (t token) bits() uint16   { return binary.LittleEndian.Uint16(t[28:]) }

func (t token) setIssued(n uint32) { binary.LittleEndian.PutUint32(t[16:], n) }
func (t token) setFirst(n uint32)  { binary.LittleEndian.PutUint32(t[20:], n) }
func (t token) setWatch(n uint32)  { binary.LittleEndian.PutUint32(t[24:], n) }
func (t token) setBits(n uint16)   { binary.LittleEndian.PutUint16(t[28:], n) }

// TokenHorizon returns the moment before which tokens were issued that may have been forgotten:
// they have run out, or made room for newer ones. Such a token allows nothing any more.
func (s *Seen) TokenHorizon() time.Time { return time.UnixMicro(s.tokenHorizon()).UTC() }

func (s *Seen) tokenHorizon() int64 {
	horizon := s.stamp - s.opt.TokenLife.Microseconds()
	if s.tokens.floor != 0 {
		horizon = max(horizon, s.tokens.floor+Ahead.Microseconds())
	}
	return horizon
}

// Once reports whether this is the first time that the token, issued then, does what: the second
// is not counted, whatever its event's id. It is false for a token from before TokenHorizon.
func (s *Seen) Once(key Key, issued time.Time, what Once) (first bool, err error) {
	if what >= mostOnce {
		return false, nil
	}
	err = s.change(key, issued, func(t token) bool {
		bits := t.bits()
		first = bits&(1<<what) == 0
		t.setBits(bits | 1<<what)
		return first
	})
	return first, err
}

// Watch returns how much of addMS counts of a token's watch time told at a moment: all that counts
// is no more than the time passed since the token was issued, nor than mostMS (0: not known). The
// moment is not taken to be later than the log's.
func (s *Seen) Watch(key Key, issued, at time.Time, addMS, mostMS int64) (counted int64, err error) {
	passed := at.UnixMicro()
	if s.stamp != 0 {
		passed = min(passed, s.stamp)
	}
	most := min((passed-issued.UnixMicro())/1000, math.MaxUint32)
	if mostMS > 0 {
		most = min(most, mostMS)
	}
	if addMS <= 0 || most <= 0 {
		return 0, nil
	}
	err = s.change(key, issued, func(t token) bool {
		had := int64(t.watch())
		counted = max(0, min(addMS, most-had))
		t.setWatch(uint32(had + counted))
		return counted > 0
	})
	return counted, err
}

// SetFirst notes when the token's impression happened, to the second. The first word stands.
func (s *Seen) SetFirst(key Key, issued, at time.Time) error {
	return s.change(key, issued, func(t token) bool {
		if t.first() != 0 {
			return false
		}
		t.setFirst(max(1, seconds(at)))
		return true
	})
}

// FirstAt returns when the token's impression happened; ok is false when none was noted.
func (s *Seen) FirstAt(key Key, issued time.Time) (at time.Time, ok bool, err error) {
	if issued.UnixMicro() < s.tokenHorizon() {
		return time.Time{}, false, nil
	}
	t, _, err := s.tokens.find(key[:])
	if err != nil || t == nil || token(t).first() == 0 {
		return time.Time{}, false, err
	}
	return time.Unix(int64(token(t).first()), 0).UTC(), true, nil
}

// change lets fn change what is kept of a token; fn reports whether it did. Nothing is changed
// with an error, and the call may then be made again.
func (s *Seen) change(key Key, issued time.Time, fn func(token) bool) error {
	if issued.UnixMicro() < s.tokenHorizon() {
		return nil
	}
	if s.tokens.full() {
		if err := s.close(); err != nil {
			return err
		}
	}
	record, slot, err := s.tokens.find(key[:])
	if err != nil {
		return err
	}
	if record != nil && s.tokens.memory.inOpen(slot) {
		fn(record)
		return nil
	}
	var t [tokenBytes]byte
	if record != nil {
		copy(t[:], record)
	} else {
		copy(t[:], key[:])
		token(t[:]).setIssued(seconds(issued))
	}
	if fn(t[:]) {
		s.put(&s.tokens, t[:], slot)
	}
	return nil
}

// seconds is a moment in Unix seconds, within 32 bits.
func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }
