package db

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"mezzo/internal/fault"
)

// KeyLife is how long the first answer to a request with an Idempotency-Key is kept.
const KeyLife = 30 * 24 * time.Hour

// Key is a client's Idempotency-Key: who asks, what for, the key itself and a hash of the body.
type Key struct {
	Actor string
	Route string
	Value string
	Hash  [32]byte
}

// Redacted is implemented by answers that hold a secret: what it returns is stored in their stead,
// and decoded for a repeat of the request.
type Redacted interface{ Redacted() any }

type keyed struct{}

// keyUse is a key on its way through one request: the first Do takes it.
type keyUse struct {
	key      Key
	taken    atomic.Bool
	replayed atomic.Bool
}

// WithKey returns a context under which the first Do stores its answer with its effect, or returns
// the answer stored for the same key.
func WithKey(ctx context.Context, k Key) context.Context {
	return context.WithValue(ctx, keyed{}, &keyUse{key: k})
}

// WithoutKey returns a context under which Do takes no key.
func WithoutKey(ctx context.Context) context.Context {
	return context.WithValue(ctx, keyed{}, (*keyUse)(nil))
}

// Replayed reports whether a Do under the context returned an answer stored before.
func Replayed(ctx context.Context) bool {
	use, _ := ctx.Value(keyed{}).(*keyUse)
	return use != nil && use.replayed.Load()
}

// Do is a Write that returns a value and obeys the Idempotency-Key in ctx, if any: the answer is
// stored in the same transaction, a repeat gets it without running fn, and the same key with
// another body is fault.Invalid. An error of fn stores nothing and leaves the key free.
func Do[T any](ctx context.Context, d *DB, fn func(tx *Tx) (T, error)) (T, error) {
	var out, none T
	use, _ := ctx.Value(keyed{}).(*keyUse)
	if use == nil || !use.taken.CompareAndSwap(false, true) {
		err := d.Write(ctx, func(tx *Tx) error {
			v, err := fn(tx)
			out = v
			return err
		})
		if err != nil {
			return none, err
		}
		return out, nil
	}
	replayed := false
	err := d.Write(ctx, func(tx *Tx) error {
		stored, err := claim(tx, use.key)
		if err != nil {
			return err
		}
		if replayed = stored != ""; replayed {
			out = none
			if err := json.Unmarshal([]byte(stored), &out); err != nil {
				return fmt.Errorf("db: decode the answer stored for a key: %w", err)
			}
			return nil
		}
		v, err := fn(tx)
		if err != nil {
			return err
		}
		out = v
		return keepAnswer(tx, use.key, v)
	})
	if err != nil {
		use.taken.Store(false)
		return none, err
	}
	use.replayed.Store(replayed)
	return out, nil
}

const insertKey = `INSERT INTO idempotency (actor, route, key, hash, answer, created_at) VALUES ($1, $2, $3, $4, $5, $6)`

// claim takes the key, or returns the answer stored for it. On PostgreSQL a second request with
// the same key waits here until the first has committed or failed; SQLite has one writer, and the key is
// taken with its answer.
func claim(tx *Tx, k Key) (stored string, err error) {
	hash := hex.EncodeToString(k.Hash[:])
	if tx.Engine() != SQLite {
		n, err := tx.Exec(insertKey+` ON CONFLICT DO NOTHING`, k.Actor, k.Route, k.Value, hash, "", Micros(tx.Now()))
		if err != nil || n == 1 {
			return "", err
		}
	}
	var before string
	err = tx.Row(`SELECT hash, answer FROM idempotency WHERE actor = $1 AND route = $2 AND key = $3`,
		k.Actor, k.Route, k.Value).Scan(&before, &stored)
	if tx.Engine() == SQLite && errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if before != hash {
		return "", errKeyReused()
	}
	return stored, nil
}

func keepAnswer(tx *Tx, k Key, v any) error {
	if r, ok := v.(Redacted); ok {
		v = r.Redacted()
	}
	answer, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("db: encode the answer for a key: %w", err)
	}
	if tx.Engine() == SQLite {
		_, err = tx.Exec(insertKey, k.Actor, k.Route, k.Value, hex.EncodeToString(k.Hash[:]), string(answer), Micros(tx.Now()))
	} else {
		_, err = tx.Exec(`UPDATE idempotency SET answer = $1 WHERE actor = $2 AND route = $3 AND key = $4`, string(answer), k.Actor, k.Route, k.Value)
	}
	return err
}

// pruneBatch is how many rows one pruning transaction deletes, so that others get their turn.
const pruneBatch = 500

// PruneIdempotency forgets the answers older than KeyLife and returns how many.
func (d *DB) PruneIdempotency(ctx context.Context) (int64, error) {
	return d.prune(ctx, `DELETE FROM idempotency WHERE (actor, route, key) IN (
		SELECT actor, route, key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)`,
		Micros(d.clock.Now().Add(-KeyLife)))
}

// prune runs a DELETE of rows before $1, at most $2 at once, until none is left.
func (d *DB) prune(ctx context.Context, q string, before int64) (total int64, err error) {
	for {
		var n int64
		err := d.Write(ctx, func(tx *Tx) error {
			var err error
			n, err = tx.Exec(q, before, int64(pruneBatch))
			return err
		})
		total += n
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}

// Answered returns the answer stored for the Idempotency-Key in ctx, if there is one: for work in
// several steps, of which only the last is a Do. The same key with another body is fault.Invalid.
func Answered[T any](ctx context.Context, d *DB) (answer T, ok bool, err error) {
	use, _ := ctx.Value(keyed{}).(*keyUse)
	if use == nil {
		return answer, false, nil
	}
	err = d.Read(ctx, func(tx *Tx) error {
		var hash, stored string
		err := tx.Row(`SELECT hash, answer FROM idempotency WHERE actor = $1 AND route = $2 AND key = $3`,
			use.key.Actor, use.key.Route, use.key.Value).Scan(&hash, &stored)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if hash != hex.EncodeToString(use.key.Hash[:]) {
			return errKeyReused()
		}
		ok = true
		return json.Unmarshal([]byte(stored), &answer)
	})
	if ok && err == nil {
		use.taken.Store(true)
		use.replayed.Store(true)
	}
	return answer, ok, err
}

func errKeyReused() error {
	return fault.New(fault.Invalid, "This Idempotency-Key was used for a request with another body. "+
		"Use a new key for a new request, or repeat the first one unchanged.").WithType("idempotency_key_reused")
}
