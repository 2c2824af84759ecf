package id

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"math"
	"strings"
	"sync"
	"time"
)

// tokenText spells tokens; strict, so that one token has one spelling.
var tokenText = base64.RawURLEncoding.Strict()

// KeyBytes is the length of a signing key's secret.
const KeyBytes = 32

// macBytes is the length of the truncated HMAC-SHA256 that a token carries.
const macBytes = 16

// tailLength is the length as text of the key number and the MAC behind a signed message.
const tailLength = ((1+macBytes)*8 + 5) / 6

// Errors of tokens. Both mean: treat what it says as not said.
var (
	ErrForged  = errors.New("token was not made here, or not for this viewer")
	ErrExpired = errors.New("token is too old")
)

// Key is one signing secret with the number that tokens name it by.
type Key struct {
	Number uint8
	Secret [KeyBytes]byte
}

// Keyring signs with its newest key and verifies with its newest two,
// so that keys can be turned without breaking tokens already handed out.
type Keyring struct {
	mu     sync.RWMutex
	keys   []keyState // newest first, at most two
	coming []keyState // at most one: it opens already and signs soon
}

type keyState struct {
	number uint8
	macs   *sync.Pool
}

// NewKeyring returns a ring of the keys, newest first; only the first two count.
func NewKeyring(newestFirst ...Key) *Keyring {
	r := &Keyring{}
	r.Replace(newestFirst...)
	return r
}

// Replace puts other keys in force, newest first; only the first two count.
func (r *Keyring) Replace(newestFirst ...Key) { r.Announce(nil, newestFirst...) }

// Announce is Replace with a key that is about to come into force: tokens signed with it open already,
// for another node may have begun a moment ago, and none is signed with it here. nil: no key is coming.
func (r *Keyring) Announce(coming *Key, newestFirst ...Key) {
	if len(newestFirst) > 2 {
		newestFirst = newestFirst[:2]
	}
	states := make([]keyState, 0, 2)
	for _, k := range newestFirst {
		states = append(states, newState(k))
	}
	var announced []keyState
	if coming != nil {
		announced = append(announced, newState(*coming))
	}
	r.mu.Lock()
	r.keys, r.coming = states, announced
	r.mu.Unlock()
}

func newState(k Key) keyState {
	secret := k.Secret
	return keyState{k.Number, &sync.Pool{New: func() any { return &scratch{hash: hmac.New(sha256.New, secret[:])} }}}
}

func (r *Keyring) newest() (keyState, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.keys) == 0 {
		return keyState{}, false
	}
	return r.keys[0], true
}

func (r *Keyring) numbered(n uint8) (keyState, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, list := range [...][]keyState{r.keys, r.coming} {
		for _, k := range list {
			if k.number == n {
				return k, true
			}
		}
	}
	return keyState{}, false
}

// scratch is what one MAC needs; it is kept because hash.Hash would move it to the heap each time.
type scratch struct {
	hash hash.Hash
	in   [192]byte
	sum  [sha256.Size]byte
}

// mac is HMAC-SHA256 (RFC 2104) over purpose, 0, message, 0, bound; truncated to macBytes.
func (k keyState) mac(purpose string, message []byte, bound string) [macBytes]byte {
	s := k.macs.Get().(*scratch)
	defer k.macs.Put(s)
	s.hash.Reset()
	b := append(s.in[:0], purpose...)
	b = append(b, 0)
	b = append(b, message...)
	b = append(b, 0)
	b = append(b, bound...)
	s.hash.Write(b)
	return [macBytes]byte(s.hash.Sum(s.sum[:0])[:macBytes])
}

// Sign returns "<message>.<key and mac>" for a message without dots (an id), for one purpose
// ("viewer", "order"): a token of one purpose never passes for another's.
func (r *Keyring) Sign(purpose, message string) string {
	k, ok := r.newest()
	if !ok {
		panic("id: keyring is empty")
	}
	mac := k.mac(purpose, []byte(message), "")
	return message + "." + tokenText.EncodeToString(append([]byte{k.number}, mac[:]...))
}

// Open returns the message of a token made by Sign for the same purpose, or ErrForged.
func (r *Keyring) Open(purpose, token string) (string, error) {
	message, tail, ok := strings.Cut(token, ".")
	if !ok || len(tail) != tailLength || len(message) > 128 {
		return "", ErrForged
	}
	raw, err := tokenText.DecodeString(tail)
	if err != nil || len(raw) != 1+macBytes {
		return "", ErrForged
	}
	k, ok := r.numbered(raw[0])
	if !ok {
		return "", ErrForged
	}
	mac := k.mac(purpose, []byte(message), "")
	if !hmac.Equal(mac[:], raw[1:]) {
		return "", ErrForged
	}
	return message, nil
}

// Fresh reports whether a token made by Sign names the key that signs now.
func (r *Keyring) Fresh(token string) bool {
	_, tail, _ := strings.Cut(token, ".")
	raw, err := tokenText.DecodeString(tail)
	k, ok := r.newest()
	return err == nil && ok && len(raw) > 0 && raw[0] == k.number
}

// Surface is where content was shown.
type Surface uint8

// The surfaces; their numbers are part of the token and of the log and never change.
const (
	SurfaceUnknown Surface = iota
	SurfaceHome
	SurfaceFollowing
	SurfaceCategory
	SurfaceCreator
	SurfaceShowcase
	SurfaceSearch
	SurfaceShared
	SurfaceProduct
	SurfaceRoom
	SurfaceEmbed
)

var surfaceNames = [...]string{"unknown", "home", "following", "category", "creator", "showcase", "search", "shared", "product", "room", "embed"}

// String returns the surface's name as events and answers spell it.
func (s Surface) String() string {
	if int(s) < len(surfaceNames) {
		return surfaceNames[s]
	}
	return surfaceNames[0]
}

// SubjectKind says what an impression shows.
type SubjectKind uint8

// The kinds of subject; their numbers are part of the token and never change.
const (
	SubjectVideo    SubjectKind = 1
	SubjectShowcase SubjectKind = 2 // a product on a creator's shelf: the row names both
	SubjectRoom     SubjectKind = 3
	SubjectLink     SubjectKind = 4
)

// Impression is what an impression token says: this subject was handed to this viewer here.
type Impression struct {
	Request     Request // the answer it was part of
	Subject     [16]byte
	SubjectKind SubjectKind
	Surface     Surface
	Slot        uint8 // 1 is the first
	Exploration bool
	Propensity  float32 // 0 < p ≤ 1 in sampled slates; 0 elsewhere, meaning none
	Issued      time.Time
}

// Video returns the id of the video shown, "" when the subject is something else.
func (i Impression) Video() Video {
	if i.SubjectKind != SubjectVideo {
		return ""
	}
	return FromUUID[videoKind](i.Subject)
}

// ShowcaseItem returns the id of the shelf item shown, "" when the subject is something else.
func (i Impression) ShowcaseItem() Showcase {
	if i.SubjectKind != SubjectShowcase {
		return ""
	}
	return FromUUID[showcaseKind](i.Subject)
}

// Room returns the id of the room shown, "" when the subject is something else.
func (i Impression) Room() Room {
	if i.SubjectKind != SubjectRoom {
		return ""
	}
	return FromUUID[roomKind](i.Subject)
}

// Link returns the id of the link followed, "" when the subject is something else.
func (i Impression) Link() Link {
	if i.SubjectKind != SubjectLink {
		return ""
	}
	return FromUUID[linkKind](i.Subject)
}

// ImpressionLife is how long a token may earn ranking weight and touches.
const ImpressionLife = 24 * time.Hour

// impressionBytes is the fixed length of a token before base64: version and key (1+1),
// issued seconds (4), surface, slot, subject kind with the exploration bit (3), subject (16),
// request (16), propensity (4), mac (16).
const impressionBytes = 2 + 4 + 3 + 16 + 16 + 4 + macBytes

// ImpressionTokenLength is the length of an impression token as text.
const ImpressionTokenLength = (impressionBytes*8 + 5) / 6

const impressionVersion = 1

// SignImpression returns the token for the viewer, who is bound by the MAC and not named in it.
func (r *Keyring) SignImpression(viewer Viewer, i Impression) string {
	k, ok := r.newest()
	if !ok {
		panic("id: keyring is empty")
	}
	var b [impressionBytes]byte
	b[0], b[1] = impressionVersion, k.number
	binary.BigEndian.PutUint32(b[2:], uint32(i.Issued.Unix()))
	b[6], b[7], b[8] = byte(i.Surface), i.Slot, byte(i.SubjectKind)
	if i.Exploration {
		b[8] |= 0x80
	}
	copy(b[9:25], i.Subject[:])
	if u, err := i.Request.UUID(); err == nil {
		copy(b[25:41], u[:])
	}
	binary.BigEndian.PutUint32(b[41:], math.Float32bits(i.Propensity))
	mac := k.mac("impression", b[:45], string(viewer))
	copy(b[45:], mac[:])
	return tokenText.EncodeToString(b[:])
}

// OpenImpression reads a token handed to the viewer. ErrForged: not ours, or another viewer's.
// ErrExpired comes with the impression filled in: it still counts as product behaviour.
func (r *Keyring) OpenImpression(viewer Viewer, token string, now time.Time) (Impression, error) {
	var b [impressionBytes]byte
	if len(token) != ImpressionTokenLength {
		return Impression{}, ErrForged
	}
	if n, err := tokenText.Decode(b[:], []byte(token)); err != nil || n != impressionBytes || b[0] != impressionVersion {
		return Impression{}, ErrForged
	}
	k, ok := r.numbered(b[1])
	if !ok {
		return Impression{}, ErrForged
	}
	mac := k.mac("impression", b[:45], string(viewer))
	if !hmac.Equal(mac[:], b[45:]) {
		return Impression{}, ErrForged
	}
	i := Impression{
		Issued:      time.Unix(int64(binary.BigEndian.Uint32(b[2:])), 0).UTC(),
		Surface:     Surface(b[6]),
		Slot:        b[7],
		SubjectKind: SubjectKind(b[8] &^ 0x80),
		Exploration: b[8]&0x80 != 0,
		Subject:     [16]byte(b[9:25]),
		Request:     FromUUID[requestKind]([16]byte(b[25:41])),
		Propensity:  math.Float32frombits(binary.BigEndian.Uint32(b[41:])),
	}
	if now.Sub(i.Issued) > ImpressionLife {
		return i, ErrExpired
	}
	return i, nil
}
