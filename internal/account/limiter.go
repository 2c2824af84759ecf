package account

import (
	"sync"
	"time"

	"mezzo/internal/clock"
)

// Rate is a token bucket: Burst at once, then one more every Every.
type Rate struct {
	Burst int
	Every time.Duration
}

// limiterKeys bounds how many buckets a Limiter remembers; beyond it the least recently used
// half goes, which forgives those in it.
const limiterKeys = 100_000

// Limiter keeps a bucket per key in bounded memory.
type Limiter struct {
	clock clock.Clock
	rate  Rate
	mu    sync.Mutex
	young map[string]bucket
	old   map[string]bucket
}

type bucket struct {
	level float64 // tokens left at the moment
	at    time.Time
}

// NewLimiter returns a limiter that allows each key the rate.
func NewLimiter(c clock.Clock, rate Rate) *Limiter {
	return &Limiter{clock: c, rate: rate, young: map[string]bucket{}}
}

// Take takes one token of the key; when there is none it returns how long until there is.
func (l *Limiter) Take(key string) (wait time.Duration) { return l.TakeMany(key, 1) }

// TakeMany takes n tokens of the key, all or none; n is at most the rate's burst.
func (l *Limiter) TakeMany(key string, n int) (wait time.Duration) {
	now, want := l.clock.Now(), float64(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.at(key, now)
	if b.level < want {
		// Never 0: what lacks a hair of a token, as sums of fractions do, is not there yet.
		wait = max(1, time.Duration((want-b.level)*float64(l.rate.Every)))
	} else {
		b.level -= want
	}
	l.put(key, b)
	return wait
}

// Return gives back a token taken for something that turned out harmless.
func (l *Limiter) Return(key string) {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.at(key, now)
	b.level = min(b.level+1, float64(l.rate.Burst))
	l.put(key, b)
}

func (l *Limiter) at(key string, now time.Time) bucket {
	b, ok := l.young[key]
	if !ok {
		b, ok = l.old[key]
	}
	if !ok {
		return bucket{float64(l.rate.Burst), now}
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.level = min(b.level+float64(passed)/float64(l.rate.Every), float64(l.rate.Burst))
		b.at = now
	}
	return b
}

func (l *Limiter) put(key string, b bucket) {
	if _, ok := l.young[key]; !ok && len(l.young) >= limiterKeys/2 {
		l.old, l.young = l.young, map[string]bucket{}
	}
	l.young[key] = b
}

// Len returns how many buckets are remembered.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.young) + len(l.old)
}
