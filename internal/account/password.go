package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"mezzo/internal/fault"
)

// Cost is what one password hash costs: argon2id (RFC 9106) with its memory, passes and lanes.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// The costs. Standard is OWASP's first choice for argon2id; Cheap guards nothing and is for tests
// and worlds that are thrown away.
var (
	Standard = Cost{MemoryKiB: 19 * 1024, Passes: 2, Lanes: 1}
	Cheap    = Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}
)

// Bounds of passwords and of hashing.
const (
	PasswordMin  = 8   // characters
	PasswordMax  = 200 // bytes: a longer one only costs time
	hashesAtOnce = 4   // each holds its memory: at most 76 MiB at the standard cost
	hashesInLine = 128 // beyond it sign-ins are told to come back
	hashRetry    = 2 * time.Second
	saltBytes    = 16
	hashBytes    = 32
)

// hasher hashes and checks passwords, a bounded number at a time.
type hasher struct {
	cost  Cost
	slots chan struct{}
	line  chan struct{}
	dummy string // what unknown people are checked against, at the same cost
}

func newHasher(c Cost) *hasher {
	h := &hasher{
		cost:  c,
		slots: make(chan struct{}, min(hashesAtOnce, max(1, runtime.GOMAXPROCS(0)))),
		line:  make(chan struct{}, hashesInLine),
	}
	h.dummy = phc(c, make([]byte, saltBytes), make([]byte, hashBytes))
	return h
}

// key derives with a slot held; it fails when the line is full or the client has gone.
func (h *hasher) key(ctx context.Context, password, salt []byte, c Cost) ([]byte, error) {
	select {
	case h.line <- struct{}{}:
		defer func() { <-h.line }()
	default:
		return nil, fault.New(fault.Unavailable, "Too many people are signing in at this moment. Try again shortly.").After(hashRetry)
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey(password, salt, c.Passes, c.MemoryKiB, c.Lanes, hashBytes), nil
}

// hash returns the PHC string of a new password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	key, err := h.key(ctx, []byte(password), salt, h.cost)
	if err != nil {
		return "", err
	}
	return phc(h.cost, salt, key), nil
}

// check reports whether the password is that of the PHC string; an empty string is nobody's and
// takes as long.
func (h *hasher) check(ctx context.Context, stored, password string) (bool, error) {
	known := stored != ""
	if !known {
		stored = h.dummy
	}
	c, salt, want, err := parsePHC(stored)
	if err != nil {
		return false, err
	}
	got, err := h.key(ctx, []byte(password), salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// Fingerprint hashes a body that holds a password as slowly as the password itself, for
// comparing repeats of one request.
func (a *Accounts) Fingerprint(ctx context.Context, body []byte, salt string) ([32]byte, error) {
	key, err := a.hasher.key(ctx, body, append([]byte("fingerprint."), salt...), a.hasher.cost)
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(key), nil
}

// phc writes a hash as $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func phc(c Cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		c.MemoryKiB, c.Passes, c.Lanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// maxMemoryKiB bounds what a stored hash may ask for.
const maxMemoryKiB = 256 * 1024

func parsePHC(s string) (c Cost, salt, key []byte, err error) {
	bad := fmt.Errorf("account: a stored password hash cannot be read")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, nil, bad
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &c.Lanes); err != nil {
		return c, nil, nil, bad
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(key) != hashBytes || c.MemoryKiB > maxMemoryKiB || c.Passes < 1 || c.Passes > 16 || c.Lanes < 1 {
		return c, nil, nil, bad
	}
	return c, salt, key, nil
}

// outdated reports whether a stored hash was made at another cost than new ones are.
func (h *hasher) outdated(stored string) bool {
	c, _, _, err := parsePHC(stored)
	return err == nil && c != h.cost
}

func checkPassword(location, password string) error {
	switch {
	case utf8.RuneCountInString(password) < PasswordMin:
		return fault.InvalidField(location, "Choose a password of at least %d characters.", PasswordMin)
	case len(password) > PasswordMax:
		return fault.InvalidField(location, "Choose a password of at most %d bytes.", PasswordMax)
	}
	return nil
}
