package feed

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// Bounds of what a feed keeps in memory.
const (
	// SeenMost is how many events are known to be repeats at least; twice as many at most.
	SeenMost = 1 << 17
	// PoolMost is how many videos are drawn from: about 100 bytes each.
	PoolMost = 1 << 20
	// ThingsMost is how many videos, shelf items and products are known without asking SQL.
	ThingsMost = 1 << 15
)

// Options of a feed.
type Options struct {
	Log *slog.Logger
	// Rank draws the pages of surfaces that are drawn; nil: all of them are drawn evenly.
	Rank Ranker
	// Random gives the keys and seeds of pages; nil: the machine's own randomness. Simulations
	// and tests give what can be repeated.
	Random func() uint64
}

// Log is what the feed needs of the event log: *stream.Log, or one that also measures.
type Log interface {
	Append(ctx context.Context, kind byte, records ...[]byte) (stream.Position, error)
	Follow(ctx context.Context, from stream.Position, batch int, fn func([]stream.Record) error) error
	End(ctx context.Context) (stream.Position, error)
}

// Feed is the room. It is made once and used by many goroutines.
type Feed struct {
	db     *db.DB
	stream Log
	keys   *id.Keyring
	clock  clock.Clock
	log    *slog.Logger
	things *things
	seen   *recent[told, struct{}]
	work   sync.Pool // of *work

	shelf    *shelf
	tellings sync.Pool // of *telling
	counts   struct{ accepted, duplicates, rejected, denied atomic.Int64 }

	random func() uint64
	rank   Ranker

	pool       *pool
	refreshing sync.Mutex // held by who brings SQL's word into the pool
}

// New returns the room. keys sign and open impression tokens; the events and the pages served go
// into log.
func New(d *db.DB, log Log, keys *id.Keyring, o Options) *Feed {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Random == nil {
		o.Random = rand.Uint64
	}
	return &Feed{
		db: d, stream: log, keys: keys, clock: d.Clock(), log: o.Log,
		things: newThings(d), seen: newRecent[told, struct{}](SeenMost),
		work:  sync.Pool{New: func() any { return &work{} }},
		shelf: newShelf(d), tellings: sync.Pool{New: func() any { return &telling{} }},
		random: o.Random, rank: o.Rank, pool: newPool(),
	}
}
