package payment

import (
	"context"
	"database/sql"
	"errors"
	"hash/fnv"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// The kinds of what the sandbox tells by itself. A word names its object and says nothing about it: whoever
// hears it asks the sandbox.
const (
	HookCharge        = "charge.settled"
	HookDisputeOpened = "dispute.opened"
	HookDisputeClosed = "dispute.closed"
	HookPayout        = "payout.changed"
)

// SlowFor is how long a charge by MethodSlow takes.
const SlowFor = time.Minute

// hooksGiveUp is after how many tries a word that nobody takes is dropped.
const hooksGiveUp = 20

// Hook is one word of the sandbox's.
type Hook struct {
	ID     string
	Kind   string
	Object string // the key of a charge or a payout, the name of a dispute
}

// Fate is what a network makes of a word: how often it arrives and how late. Zero times: it is lost.
type Fate struct {
	Times int64
	After time.Duration
}

// Network decides over words. Between words that come late, others overtake them.
type Network func(Hook) Fate

// Calm lets every word through, once and at once.
func Calm(Hook) Fate { return Fate{Times: 1} }

// Unruly loses a fifth of the words, tells a third twice or three times, and keeps half for up to ten
// minutes, by what each word is: the same word always fares the same.
func Unruly(h Hook) Fate {
	f := fnv.New32a()
	_, _ = f.Write([]byte(h.Kind + h.Object)) // which never fails
	n := f.Sum32()
	if n%5 == 0 {
		return Fate{}
	}
	fate := Fate{Times: 1 + int64(n/5%3)}
	if n/15%2 == 0 {
		fate.After = time.Duration(n/30%600) * time.Second
	}
	return fate
}

// Over makes the sandbox's words travel by a network.
func (s *Sandbox) Over(n Network) *Sandbox { return &Sandbox{db: s.db, network: n} }

// tell puts a word on its way, in the transaction of what it tells of.
func (s *Sandbox) tell(tx *db.Tx, kind, object string) error {
	network := s.network
	if network == nil {
		network = Calm
	}
	h := Hook{ID: string(id.Event("").Next(tx.Now())), Kind: kind, Object: object}
	fate := network(h)
	if fate.Times <= 0 {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO sandbox_hooks(id, kind, object, due_at, left_times, created_at) VALUES ($1,$2,$3,$4,$5,$6)`,
		h.ID, kind, object, db.Micros(tx.Now().Add(fate.After)), fate.Times, db.Micros(tx.Now()))
	return err
}

// Deliver lets time pass at the sandbox and hands what is due to whoever hears it. A word not taken comes
// again, later each time.
func (s *Sandbox) Deliver(ctx context.Context, to func(context.Context, Hook) error) error {
	ctx = db.WithoutKey(ctx)
	err := errors.Join(s.settleSlow(ctx), s.decideLate(ctx), s.tellPayouts(ctx))
	list, e := db.Get(ctx, s.db, func(tx *db.Tx) ([]Hook, error) {
		return db.All(tx, func(r *sql.Rows) (h Hook, err error) { return h, r.Scan(&h.ID, &h.Kind, &h.Object) },
			`SELECT id, kind, object FROM sandbox_hooks WHERE left_times > 0 AND due_at <= $1 ORDER BY due_at, id LIMIT 100`, db.Micros(s.db.Clock().Now()))
	})
	err = errors.Join(err, e)
	for _, h := range list {
		if to(ctx, h) == nil {
			err = errors.Join(err, s.db.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE sandbox_hooks SET left_times = left_times - 1 WHERE id = $1`, h.ID)
				return err
			}))
			continue
		}
		err = errors.Join(err, s.db.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE sandbox_hooks SET tries = tries + 1, due_at = CAST($1 AS BIGINT) + (tries + 1) * (tries + 1) * CAST($2 AS BIGINT),
				left_times = CASE WHEN tries >= $3 THEN 0 ELSE left_times END WHERE id = $4`, db.Micros(s.db.Clock().Now()), (10 * time.Second).Microseconds(), hooksGiveUp, h.ID)
			return err
		}))
	}
	return err
}

// Hear returns who takes the sandbox's words for the orders, and for payouts where there are any: each word
// ends in the command that a client's return and the sweep end in, after asking the sandbox how it stands.
func (s *Sandbox) Hear(orders *order.Orders, payouts func(ctx context.Context, key string) error) func(context.Context, Hook) error {
	return func(ctx context.Context, h Hook) error {
		switch h.Kind {
		case HookCharge:
			charge, err := s.Status(ctx, id.Payment(h.Object))
			if err != nil || charge.State == order.ChargeAction || charge.State == order.ChargePending || charge.State == order.ChargeNone {
				return err
			}
			_, err = orders.Settle(ctx, id.Payment(h.Object), charge)
			return err
		case HookDisputeOpened, HookDisputeClosed:
			return orders.Disputed(ctx, h.Object)
		case HookPayout:
			if payouts != nil {
				return payouts(ctx, h.Object)
			}
			return nil
		}
		return fault.New(fault.Invalid, "The sandbox says nothing of the kind %.40q.", h.Kind)
	}
}

// settleSlow ends the charges whose bank took its time.
func (s *Sandbox) settleSlow(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		keys, err := db.All(tx, func(r *sql.Rows) (k string, err error) { return k, r.Scan(&k) },
			`UPDATE sandbox_charges SET state = 'succeeded', updated_at = $1 WHERE state = 'requires_action' AND succeeds_at > 0 AND succeeds_at <= $1 RETURNING key`, db.Micros(tx.Now()))
		for _, k := range keys {
			if err == nil {
				err = s.tell(tx, HookCharge, k)
			}
		}
		return err
	})
}

// tellPayouts says of payouts that have come to where they were going, or back.
func (s *Sandbox) tellPayouts(ctx context.Context) error {
	keys, err := db.Get(ctx, s.db, func(tx *db.Tx) ([]string, error) {
		return db.All(tx, func(r *sql.Rows) (k string, err error) { return k, r.Scan(&k) },
			`SELECT key FROM sandbox_payouts WHERE state IN ('pending','paid') AND due_at > 0 AND due_at <= $1 ORDER BY key LIMIT 100`, db.Micros(s.db.Clock().Now()))
	})
	for _, k := range keys {
		if err == nil {
			err = s.db.Write(ctx, func(tx *db.Tx) error {
				if _, err := paid(tx, k); err != nil {
					return err
				}
				return s.tell(tx, HookPayout, k)
			})
		}
	}
	return err
}
