package account

import (
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/id"
)

// How long an answer of Authenticate is believed without SQL. A change made through these Accounts
// is seen at once; one made on another node of a cluster within SharedCacheLife. SQLite has one
// process, so there its answers may live longer.
const (
	SharedCacheLife = 2 * time.Second
	SoleCacheLife   = 5 * time.Minute
	cacheSize       = 50_000 // secrets; beyond it the older half is forgotten
)

// cache remembers who a secret belongs to.
type cache struct {
	clock clock.Clock
	life  time.Duration
	mu    sync.Mutex
	turn  uint64 // counts what was forgotten: an answer read before that is not kept
	young map[string]known
	old   map[string]known
}

type known struct {
	who   Asker
	until time.Time
}

func newCache(c clock.Clock, life time.Duration) *cache {
	return &cache{clock: c, life: life, young: map[string]known{}}
}

func (c *cache) get(hash string) (who Asker, ok bool, turn uint64) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.young[hash]
	if !ok {
		k, ok = c.old[hash]
	}
	if !ok || !now.Before(k.until) {
		return Asker{}, false, c.turn
	}
	return k.who, true, c.turn
}

// put keeps an answer that was read after turn, but no longer than until.
func (c *cache) put(hash string, who Asker, until time.Time, turn uint64) {
	if end := c.clock.Now().Add(c.life); until.IsZero() || end.Before(until) {
		until = end
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if turn != c.turn {
		return
	}
	if len(c.young) >= cacheSize/2 {
		c.old, c.young = c.young, map[string]known{}
	}
	c.young[hash] = known{who, until}
}

// forget drops the answers that match.
func (c *cache) forget(match func(hash string, who Asker) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	for _, m := range []map[string]known{c.young, c.old} {
		for hash, k := range m {
			if match(hash, k.who) {
				delete(m, hash)
			}
		}
	}
}

// Forget makes the next request of the account look it up again: call it after changing what it
// is or may do by other means than these Accounts.
func (a *Accounts) Forget(person id.Account) {
	a.cache.forget(func(_ string, who Asker) bool { return who.Account == person })
}
