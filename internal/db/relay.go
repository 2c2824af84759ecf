package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mezzo/internal/clock"
)

const (
	// RelayLease is how long the relay of a process that died keeps the others out.
	RelayLease = 15 * time.Second
	// RelayBatch is how many facts the relay numbers and publishes at once.
	RelayBatch = 500
	// RelayBytes is how much text one publication may hold, a single longer fact excepted.
	RelayBytes = 256 << 10
	// RelayPoll is how often the relay looks for facts committed by other processes.
	RelayPoll = 250 * time.Millisecond
	// OutboxLife is how long delivered facts are kept, so that a log restored from an older
	// backup can be filled up again.
	OutboxLife = 7 * 24 * time.Hour

	relayName       = "relay"
	relayPruneEvery = time.Hour
	relayRest       = 5 * time.Second // the longest rest between tries that fail
)

// Fact is something that a committed transaction made true. Seq is contiguous from 1.
type Fact struct {
	Seq   int64           `json:"seq"`
	Topic string          `json:"topic"`
	Body  json.RawMessage `json:"body"`
	At    time.Time       `json:"at"` // when the transaction that made it true began
}

// Sink is where facts go: the durable log.
type Sink interface {
	// LastRelay returns the highest Seq in the log, 0 when there is none.
	LastRelay(ctx context.Context) (int64, error)
	// AppendRelay stores facts of consecutive Seq and returns when they are on disk.
	AppendRelay(ctx context.Context, facts []Fact) error
}

// errLeaseLost says that another process relays now.
var errLeaseLost = errors.New("db: the lease of the relay was lost")

// RunRelay publishes the outbox to sink in the order of its numbers until ctx ends, then returns nil.
// Of many processes only the one that holds the lease publishes; the others wait for it.
// holder names this process and no other. A fact may be published twice under the same Seq
// when a process dies at the wrong instant; never under another, and none is left out.
func (d *DB) RunRelay(ctx context.Context, holder string, sink Sink) error {
	if holder == "" {
		return errors.New("db: the relay needs a name for this process")
	}
	rest := RelayPoll
	for ctx.Err() == nil {
		ok, err := d.Lease(ctx, relayName, holder, RelayLease)
		if ok {
			r := relay{d: d, holder: holder, sink: sink, renewed: d.clock.Now()}
			err = r.run(ctx)
		}
		if err == nil {
			rest = RelayPoll
		} else if ctx.Err() == nil {
			d.log.Warn("the relay of facts stopped and will try again", "error", err, "in", rest)
			rest = min(2*rest, relayRest)
		}
		_ = clock.Rest(ctx, nil, rest)
	}
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), RetryAfter)
	defer cancel()
	if err := d.Release(free, relayName, holder); err != nil {
		d.log.Debug("the lease of the relay was not given back", "error", err)
	}
	return nil
}

// relay is one tenure of the lease.
type relay struct {
	d       *DB
	holder  string
	sink    Sink
	last    int64 // the highest Seq known to be in the sink
	renewed time.Time
	pruned  time.Time
}

func (r *relay) run(ctx context.Context) (err error) {
	if r.last, err = r.sink.LastRelay(ctx); err != nil {
		return fmt.Errorf("db: ask the log for the last fact: %w", err)
	}
	if err := r.number(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		ring := r.d.facts.next()
		sent, err := r.publish(ctx)
		if err != nil {
			return err
		}
		fresh, err := r.unnumbered(ctx)
		if err != nil {
			return err
		}
		now := r.d.clock.Now()
		if fresh || now.Sub(r.renewed) >= RelayLease/3 {
			if err := r.number(ctx); err != nil {
				return err
			}
		}
		if !fresh && !sent {
			if now.Sub(r.pruned) >= relayPruneEvery {
				r.pruned = now
				if _, err := r.d.PruneOutbox(ctx); err != nil {
					return err
				}
			}
			_ = clock.Rest(ctx, ring, RelayPoll)
		}
	}
	return nil
}

func (r *relay) unnumbered(ctx context.Context) (bool, error) {
	return Get(ctx, r.d, func(tx *Tx) (yes bool, err error) {
		err = tx.Row(`SELECT EXISTS (SELECT 1 FROM outbox WHERE relay_seq IS NULL)`).Scan(&yes)
		return yes, err
	})
}

// number gives the next numbers to committed rows that have none, in one transaction that also
// prolongs the lease: whoever lost it numbers nothing. It notes what the sink is known to hold.
// A row's id says nothing about when its transaction commits, so no id is ever remembered.
func (r *relay) number(ctx context.Context) error {
	var at time.Time
	err := r.d.Write(ctx, func(tx *Tx) error {
		at = tx.Now()
		held, err := tx.Exec(`UPDATE leases SET until_at = $1 WHERE name = $2 AND holder = $3`,
			Micros(tx.Now().Add(RelayLease)), relayName, r.holder)
		if err != nil {
			return err
		}
		if held == 0 {
			return errLeaseLost
		}
		var numbered int64
		err = tx.Row(`UPDATE relay SET delivered = $1,
			numbered = CASE WHEN numbered < $1 THEN $1 ELSE numbered END
			WHERE one = 1 RETURNING numbered`, r.last).Scan(&numbered)
		if err != nil {
			return err
		}
		n, err := tx.Exec(`UPDATE outbox SET relay_seq = CAST($1 AS BIGINT) + fresh.place FROM (
			SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place FROM (
				SELECT id FROM outbox WHERE relay_seq IS NULL ORDER BY id LIMIT $2) AS first) AS fresh
			WHERE outbox.id = fresh.id`, numbered, int64(RelayBatch))
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.Exec(`UPDATE relay SET numbered = numbered + $1 WHERE one = 1`, n)
		return err
	})
	if err == nil {
		r.renewed = at
	}
	return err
}

// publish sends the numbered facts that follow the last one in the sink, at most one batch.
func (r *relay) publish(ctx context.Context) (sent bool, err error) {
	facts, err := Get(ctx, r.d, func(tx *Tx) ([]Fact, error) {
		return tx.Facts(r.last, RelayBatch)
	})
	if err != nil || len(facts) == 0 {
		return false, err
	}
	if facts[0].Seq != r.last+1 {
		r.d.log.Error("facts that the log never held are gone from the outbox",
			"from", r.last+1, "to", facts[0].Seq-1)
	}
	for len(facts) > 0 {
		n := cut(facts)
		send, cancel := context.WithTimeout(ctx, RelayLease)
		err := r.sink.AppendRelay(send, facts[:n])
		cancel()
		if err != nil {
			return true, fmt.Errorf("db: publish facts %d to %d: %w", facts[0].Seq, facts[n-1].Seq, err)
		}
		r.last = facts[n-1].Seq
		facts = facts[n:]
	}
	return true, nil
}

// cut returns how many of the first facts, of consecutive numbers, make one publication.
func cut(facts []Fact) int {
	size := 0
	for i, f := range facts {
		size += len(f.Body) + len(f.Topic)
		if i > 0 && (size > RelayBytes || f.Seq != facts[i-1].Seq+1) {
			return i
		}
	}
	return len(facts)
}

func scanFact(rows *sql.Rows) (f Fact, err error) {
	var body string
	var at int64
	err = rows.Scan(&f.Seq, &f.Topic, &body, &at)
	f.Body, f.At = json.RawMessage(body), Time(at)
	return f, err
}

// Facts returns the numbered facts after the number, in order, at most limit: for those who tell them on within
// their own transaction. They are kept for OutboxLife at least.
func (t *Tx) Facts(after int64, limit int) ([]Fact, error) {
	return All(t, scanFact, `SELECT relay_seq, topic, body, created_at FROM outbox WHERE relay_seq > $1 ORDER BY relay_seq LIMIT $2`, after, int64(limit))
}

// PruneOutbox forgets delivered facts older than OutboxLife and returns how many.
func (d *DB) PruneOutbox(ctx context.Context) (int64, error) {
	return d.prune(ctx, `DELETE FROM outbox WHERE created_at < $1 AND id IN (
		SELECT id FROM outbox WHERE relay_seq <= (SELECT delivered FROM relay) ORDER BY relay_seq LIMIT $2)`,
		Micros(d.clock.Now().Add(-OutboxLife)))
}

// OutboxState says how far the relay has come.
type OutboxState struct {
	Waiting   int64     // facts committed and not known to be delivered
	Oldest    time.Time // when the oldest of them was made, zero when there is none
	Delivered int64     // the highest Seq known to be in the log
}

// Outbox returns how far the relay has come.
func (d *DB) Outbox(ctx context.Context) (OutboxState, error) {
	return Get(ctx, d, func(tx *Tx) (s OutboxState, err error) {
		if err := tx.Row(`SELECT delivered FROM relay`).Scan(&s.Delivered); err != nil {
			return s, err
		}
		var numbered, oldest, fresh int64
		err = tx.Row(`SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM outbox WHERE relay_seq > $1`, s.Delivered).Scan(&numbered, &oldest)
		if err != nil {
			return s, err
		}
		var first int64
		err = tx.Row(`SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM outbox WHERE relay_seq IS NULL`).Scan(&fresh, &first)
		if oldest == 0 || (first != 0 && first < oldest) {
			oldest = first
		}
		s.Waiting, s.Oldest = numbered+fresh, Time(oldest)
		return s, err
	})
}
