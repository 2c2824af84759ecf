// Package order owns the way from cart to delivery: what is bought, at which price, from whom, and where it stands.
package order

import (
	"context"
	"log/slog"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Limits of buying.
const (
	// MaxCartLines is how many different variants one cart may hold.
	MaxCartLines = 50
	// MaxQuantity is how many units of one variant one cart may hold.
	MaxQuantity = 20
	// ReserveFor is how long a checkout holds its stock.
	ReserveFor = 10 * time.Minute
	// TouchWait is how long paying waits for the touch follower to reach the order's horizon.
	TouchWait = 250 * time.Millisecond
	// PaymentPatience is how long a started charge may stay without an answer before the sweep asks.
	PaymentPatience = 30 * time.Second
	// SweepBatch is how many due rows a sweep takes at once.
	SweepBatch = 200
)

// Defaults that flags change.
const (
	// DefaultFee is the platform fee on goods after brand vouchers.
	DefaultFee money.Bps = 600
	// DefaultHoldDays is the hold of a part that no program asks for.
	DefaultHoldDays = 15
)

// Log is what an order needs of the event log: how far it reached when the order was placed,
// and whether the touch follower has read that far.
type Log interface {
	// Horizon returns the log's end as text.
	Horizon(ctx context.Context) (string, error)
	// Reached waits until the touches before the horizon are rows, at most d; it reports whether they are.
	Reached(ctx context.Context, horizon string, d time.Duration) bool
}

// Options are the operator's terms.
type Options struct {
	Fee      money.Bps // platform fee
	HoldDays int64     // hold where no program says
	Reserve  Reserve   // kept back of brands that have no terms of their own
}

// Orders is the room: its methods are what people do.
type Orders struct {
	db       *db.DB
	clock    clock.Clock
	keys     *id.Keyring
	provider Provider
	log      Log
	options  Options
	together int // how many due parts are released in one transaction
	logger   *slog.Logger
	// guesses at codes, of one shopper and of one address
	guesses, guessesFrom *account.Limiter
}

// Parts are the neighbours an order needs.
type Parts struct {
	DB       *db.DB
	Keys     *id.Keyring
	Accounts *account.Accounts
	Provider Provider
	Log      Log
	Logger   *slog.Logger
}

// New joins the room to its neighbours.
func New(p Parts, o Options) *Orders {
	return &Orders{db: p.DB, clock: p.DB.Clock(), keys: p.Keys,
		provider: p.Provider, log: p.Log, options: o, together: ReleaseBatch, logger: p.Logger,
		guesses: account.NewLimiter(p.DB.Clock(), guessesOfOne), guessesFrom: account.NewLimiter(p.DB.Clock(), guessesOfAddress)}
}

// owns reports whether the asker is the viewer or the account a cart or order belongs to.
func owns(who account.Asker, viewer id.Viewer, acc id.Account) bool {
	return (viewer != "" && who.Viewer == viewer) || (acc != "" && who.Account == acc)
}

// missing is the answer for what is not there and for what is somebody else's, alike.
func missing(what string) error {
	return fault.New(fault.Missing, "There is no such %s, or it is not yours to see.", what)
}
