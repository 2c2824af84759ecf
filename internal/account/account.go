package account

import (
	"log/slog"
	"net/netip"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// SessionLife is how long a sign-in lasts.
const SessionLife = 30 * 24 * time.Hour

// Options say how people are let in.
type Options struct {
	Log       *slog.Logger
	Passwords Cost                  // of new hashes; the zero value is Standard
	Unlimited bool                  // no limits on sign-in and sign-up: for the demo and load tests on loopback
	Trusted   func(netip.Addr) bool // addresses that may sign up as often as they like; nil: none
	Demo      bool                  // every new account and its brands are marked as made up, for ever
}

// Accounts are the people of a Mezzo and what they may do.
type Accounts struct {
	d        *db.DB
	clock    clock.Clock
	keys     *id.Keyring
	log      *slog.Logger
	hasher   *hasher
	cache    *cache
	attempts *attempts
	demo     bool
	erasers  []Eraser
	exports  []export
}

// New returns the accounts kept in d, whose viewer tokens keys sign.
func New(d *db.DB, keys *id.Keyring, o Options) *Accounts {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Passwords == (Cost{}) {
		o.Passwords = Standard
	}
	life := SharedCacheLife
	if d.Engine() == db.SQLite {
		life = SoleCacheLife
	}
	a := &Accounts{
		d: d, clock: d.Clock(), keys: keys, log: o.Log,
		hasher: newHasher(o.Passwords),
		cache:  newCache(d.Clock(), life),
		demo:   o.Demo,
	}
	if !o.Unlimited {
		a.attempts = newAttempts(d.Clock(), o.Trusted)
	}
	return a
}
