package seen

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// KeyBytes is the length of a Key.
const KeyBytes = 16

// Key names one event of one owner, or one impression token, in 128 bits. It is a hash: nobody
// can read a viewer from it, and among 10¹⁰ keys two are the same with a chance below 10⁻¹⁸.
type Key [KeyBytes]byte

// The first byte of what is hashed, so that keys of one kind are never keys of another.
const (
	ofEvent   = 1
	ofToken   = 2
	ofSession = 3
)

// KeyOf returns the key of an event: owner is the UUID of the viewer, or what stands for the write
// key and its anonymous id.
func KeyOf(owner [16]byte, event uuid.UUID) Key {
	var b [33]byte
	b[0] = ofEvent
	copy(b[1:], owner[:])
	copy(b[17:], event[:])
	return hashed(b[:])
}

// TokenOf returns the key of an impression token: one slot of one answer to one viewer.
func TokenOf(request [16]byte, slot uint8, viewer [16]byte) Key {
	var b [34]byte
	b[0], b[1] = ofToken, slot
	copy(b[2:], request[:])
	copy(b[18:], viewer[:])
	return hashed(b[:])
}

func sessionOf(session uuid.UUID) Key {
	var b [17]byte
	b[0] = ofSession
	copy(b[1:], session[:])
	return hashed(b[:])
}

// hashed is SHA-256 cut to 128 bits: clients choose event ids, and must not be able to choose
// where they fall.
func hashed(b []byte) Key {
	sum := sha256.Sum256(b)
	return Key(sum[:KeyBytes])
}

// high is what keys are sorted and found by; low is what filters take.
func high(record []byte) uint64 { return binary.BigEndian.Uint64(record) }
func low(record []byte) uint64  { return binary.BigEndian.Uint64(record[8:]) }

func sameKey(a, b []byte) bool { return bytes.Equal(a[:KeyBytes], b[:KeyBytes]) }
