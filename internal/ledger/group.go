package ledger

import (
	"context"
	"fmt"
	"sync"

	"mezzo/internal/db"
)

// Groups posts what many callers bring in few transactions: what comes while one group is committed
// makes up the next. In a group every account with a limit is moved once, by the net of all of it,
// in order of names, and one commit is waited for by all. It is for postings that are a fact by themselves
// (bulk releases, payout runs); what belongs to other rows of a caller's transaction goes through Post there.
type Groups struct {
	d *db.DB

	mu      sync.Mutex
	queue   []*asked
	running bool // somebody commits groups
}

// asked is what one caller wants posted.
type asked struct {
	transfers []Transfer
	posted    Posted
	err       error
	done      chan struct{}
}

// NewGroups returns a door to the book of d that groups what comes through it.
func NewGroups(d *db.DB) *Groups { return &Groups{d: d} }

// Post is the function Post in a transaction of its own, which others share: all of the caller's transfers
// are posted or none, and what is wrong with one caller's is no other's harm. When ctx ends first the outcome
// is not known; the same transfers posted again are passed over or entered, as it may be.
func (g *Groups) Post(ctx context.Context, transfers ...Transfer) (Posted, error) {
	if err := postable(transfers); err != nil {
		return Posted{}, err
	}
	if len(transfers) == 0 {
		return Posted{}, nil
	}
	a := &asked{transfers: transfers, done: make(chan struct{})}
	g.mu.Lock()
	g.queue = append(g.queue, a)
	if !g.running {
		g.running = true
		go g.run(db.WithoutKey(context.WithoutCancel(ctx)))
	}
	g.mu.Unlock()
	select {
	case <-a.done:
		return a.posted, a.err
	case <-ctx.Done():
		return Posted{}, ctx.Err()
	}
}

// run commits groups until nobody waits.
func (g *Groups) run(ctx context.Context) {
	for {
		group := g.take()
		if group == nil {
			return
		}
		g.together(ctx, group)
		for _, a := range group {
			close(a.done)
		}
	}
}

// take returns the callers of the next group: at most MaxTransfers, and at least one caller.
func (g *Groups) take() []*asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, transfers := 0, 0
	for n < len(g.queue) && transfers+len(g.queue[n].transfers) <= MaxTransfers {
		transfers += len(g.queue[n].transfers)
		n++
	}
	if n == 0 {
		g.running = false
		return nil
	}
	group := g.queue[:n:n]
	g.queue = g.queue[n:]
	return group
}

// together posts a group in one transaction. Where that fails, each caller's transfers go in by themselves,
// so that everybody is told of their own.
func (g *Groups) together(ctx context.Context, group []*asked) {
	var all []Transfer
	for _, a := range group {
		all = append(all, a.transfers...)
	}
	fresh, err := db.Do(ctx, g.d, func(tx *db.Tx) (map[string]bool, error) { return enter(tx, all) })
	if err != nil && len(group) > 1 {
		for _, a := range group {
			g.together(ctx, []*asked{a})
		}
		return
	}
	for _, a := range group {
		if a.err = err; err == nil {
			a.posted = countFresh(a.transfers, fresh)
		}
	}
}

// countFresh says how many of the transfers were new, taking those out of fresh: a key that two callers
// bring at once is new to the first.
func countFresh(transfers []Transfer, fresh map[string]bool) (p Posted) {
	for _, t := range transfers {
		if fresh[t.Key] {
			p.New++
			delete(fresh, t.Key)
		} else {
			p.Replayed++
		}
	}
	return p
}

// postable refuses more than may be posted at once, and reversals, which Reverse alone makes.
func postable(transfers []Transfer) error {
	if len(transfers) > MaxTransfers {
		return fmt.Errorf("ledger: %d transfers at once, over %d", len(transfers), MaxTransfers)
	}
	for _, t := range transfers {
		if t.Kind == KindReversal {
			return fmt.Errorf("ledger: %s: a transfer is taken back by Reverse", t.Key)
		}
	}
	return nil
}
