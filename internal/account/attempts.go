package account

import (
	"net/netip"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
)

// Limits on trying. A right password gives its try back, so people who sign in often are not held
// up; addresses count by /64 for IPv6, which is what one household has.
const (
	triesBurst   = 10              // of one e-mail from one address
	triesEvery   = 1 * time.Minute // then one more
	addressBurst = 100             // of any e-mail from one address: lists of stolen passwords
	addressEvery = 10 * time.Second
	personBurst  = 500 // of one e-mail from anywhere: many addresses guessing at one person
	personEvery  = 20 * time.Second
	upsBurst     = 20 // new accounts from one address
	upsEvery     = 5 * time.Minute
)

// attempts bounds signing in and up.
type attempts struct {
	tries, address, person, ups *Limiter
	trusted                     func(netip.Addr) bool // not held up in signing up; may be nil
}

func newAttempts(c clock.Clock, trusted func(netip.Addr) bool) *attempts {
	return &attempts{
		trusted: trusted,
		tries:   NewLimiter(c, Rate{triesBurst, triesEvery}),
		address: NewLimiter(c, Rate{addressBurst, addressEvery}),
		person:  NewLimiter(c, Rate{personBurst, personEvery}),
		ups:     NewLimiter(c, Rate{upsBurst, upsEvery}),
	}
}

// signIn takes a try; nil attempts are unlimited.
func (t *attempts) signIn(from netip.Addr, email string) error {
	if t == nil {
		return nil
	}
	wait := t.tries.Take(AddressKey(from) + " " + email)
	if wait == 0 {
		wait = t.address.Take(AddressKey(from))
	}
	if wait == 0 {
		wait = t.person.Take(email)
	}
	if wait > 0 {
		return fault.New(fault.Limited, "Too many tries to sign in. Wait a little, then try again.").After(wait)
	}
	return nil
}

// forgive gives back the try of somebody who knew the password.
func (t *attempts) forgive(from netip.Addr, email string) {
	if t != nil {
		t.tries.Return(AddressKey(from) + " " + email)
		t.address.Return(AddressKey(from))
		t.person.Return(email)
	}
}

func (t *attempts) signUp(from netip.Addr) error {
	if t == nil || t.trusted != nil && t.trusted(from) {
		return nil
	}
	if wait := t.ups.Take(AddressKey(from)); wait > 0 {
		return fault.New(fault.Limited, "Too many new accounts come from this address. Wait a little, then try again.").After(wait)
	}
	return nil
}

// AddressKey returns what limits know a client's address by: IPv4 whole, IPv6 by its /64.
func AddressKey(a netip.Addr) string { return prefix(a, 32, 64) }

// Truncate returns an address as it may be kept: IPv4 by /24, IPv6 by /48; "" when unknown.
func Truncate(a netip.Addr) string { return prefix(a, 24, 48) }

func prefix(a netip.Addr, v4, v6 int) string {
	if !a.IsValid() {
		return ""
	}
	bits := v6
	if a.Is4() {
		bits = v4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.Addr().String()
}
