package notify

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// How messages are sent, in machine time.
const (
	// sendAtOnce is how many attempts run at a time, and sendPerHook how many of them for one webhook, so that
	// one that is slow does not keep the others waiting.
	sendAtOnce  = 16
	sendPerHook = 4
	// look is how often what is due is looked for.
	look = 500 * time.Millisecond
	// pruneEvery is how often what is older than Keep is forgotten.
	pruneEvery = time.Hour
	prunePage  = 500
)

// pauses lie after the first attempt, the second and so on; the last repeats until GiveUpAfter.
var pauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour}

// pause returns how long to wait after attempt number k, which is 1 at first.
func pause(k int64) time.Duration {
	return pauses[min(int(k), len(pauses))-1]
}

// due is a delivery to be attempted.
type due struct {
	hook    id.Webhook
	message id.Message
	url     string
	secrets [][]byte
	body    string
	attempt int64
	begun   time.Time
	at      time.Time // of this attempt
	until   time.Time // from when the second secret signs no more
}

// Run tells facts on and sends what is due until ctx ends, then returns nil. One process does at a time.
func (n *Notify) Run(ctx context.Context) error {
	if n.mode == Off {
		<-ctx.Done()
		return nil
	}
	var sending sync.WaitGroup
	defer sending.Wait()
	ended := make(chan id.Webhook, sendAtOnce)
	busy, total, pruned := map[id.Webhook]int{}, 0, time.Time{}
	for ctx.Err() == nil {
		if err := n.spreadAll(ctx); err != nil {
			return err
		}
		if now := n.d.Clock().Now(); now.Sub(pruned) > pruneEvery {
			if err := n.Prune(ctx); err != nil {
				return err
			}
			pruned = now
		}
		work, err := n.claim(ctx, busy, sendAtOnce-total)
		if err != nil {
			return err
		}
		for _, w := range work {
			busy[w.hook]++
			total++
			sending.Go(func() {
				n.attempt(ctx, w)
				ended <- w.hook
			})
		}
		timer := time.NewTimer(look)
		select {
		case hook := <-ended:
			total--
			if busy[hook]--; busy[hook] == 0 {
				delete(busy, hook)
			}
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

func (n *Notify) spreadAll(ctx context.Context) error {
	for {
		found, err := n.Spread(ctx)
		if err != nil || found < spreadBatch {
			return err
		}
	}
}

// SendDue tells on what happened and attempts all that is due, one after the other, until nothing is; it returns
// how many attempts it made. Tests use it in place of Run.
func (n *Notify) SendDue(ctx context.Context) (made int, err error) {
	if err := n.spreadAll(ctx); err != nil {
		return 0, err
	}
	for {
		work, err := n.claim(ctx, nil, sendAtOnce)
		if err != nil || len(work) == 0 {
			return made, err
		}
		for _, w := range work {
			n.attempt(ctx, w)
			made++
		}
	}
}

// claim takes what is due. The next attempt is noted before this one is made: a process that dies in the middle
// has made one attempt, and the message goes out again under the same id.
func (n *Notify) claim(ctx context.Context, busy map[id.Webhook]int, most int) ([]due, error) {
	if most <= 0 {
		return nil, nil
	}
	now := n.d.Clock().Now()
	waits, err := db.Get(ctx, n.d, func(tx *db.Tx) (yes bool, err error) {
		err = tx.Row(`SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE state = 'waiting' AND next_at <= $1)`, db.Micros(now)).Scan(&yes)
		return yes, err
	})
	if err != nil || !waits {
		return nil, err
	}
	return db.Do(db.WithoutKey(ctx), n.d, func(tx *db.Tx) ([]due, error) {
		list, err := db.All(tx, scanDue, `SELECT q.webhook_id, q.message_id, w.url, w.secret, w.old_secret, w.old_until, m.body, q.attempts, q.begun_at FROM (
				SELECT webhook_id, message_id, attempts, begun_at, next_at, ROW_NUMBER() OVER (PARTITION BY webhook_id ORDER BY next_at, message_id) AS place
				FROM webhook_deliveries WHERE state = 'waiting' AND next_at <= $1) AS q
			JOIN webhooks w ON w.id = q.webhook_id JOIN webhook_messages m ON m.id = q.message_id
			WHERE q.place <= $2 ORDER BY q.next_at, q.message_id LIMIT $3`, db.Micros(tx.Now()), int64(sendPerHook), int64(4*sendAtOnce))
		if err != nil {
			return nil, err
		}
		var taken []due
		load := map[id.Webhook]int{}
		for _, w := range list {
			if len(taken) == most || busy[w.hook]+load[w.hook] >= sendPerHook {
				continue
			}
			load[w.hook]++
			w.attempt++
			if w.at = tx.Now(); !w.at.Before(w.until) {
				w.secrets = w.secrets[:1]
			}
			if _, err := tx.Exec(`UPDATE webhook_deliveries SET attempts = $3, next_at = $4, last_at = $5, last_status = 0, last_error = 'It was not heard of again.'
				WHERE webhook_id = $1 AND message_id = $2`, w.hook, w.message, w.attempt, db.Micros(w.at.Add(pause(w.attempt))), db.Micros(w.at)); err != nil {
				return nil, err
			}
			taken = append(taken, w)
		}
		return taken, nil
	})
}

func scanDue(r *sql.Rows) (w due, err error) {
	var secret, old []byte
	var until, begun int64
	err = r.Scan(&w.hook, &w.message, &w.url, &secret, &old, &until, &w.body, &w.attempt, &begun)
	w.secrets, w.begun, w.until = [][]byte{secret, old}, db.Time(begun), db.Time(until)
	return w, err
}

// attempt sends a message once and notes what became of it.
func (n *Notify) attempt(ctx context.Context, w due) {
	body := []byte(w.body)
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "Mezzo-Webhooks/1")
	header.Set(headerID, string(w.message))
	header.Set(headerTimestamp, strconv.FormatInt(w.at.Unix(), 10))
	header.Set(headerSignature, signature(w.secrets, string(w.message), w.at, body))
	o := n.carrier.send(ctx, w.url, header, body)
	if ctx.Err() != nil && o.why != "" {
		return // this process stops: the next tries at the time that was noted
	}
	keep, done := context.WithTimeout(context.WithoutCancel(ctx), db.WaitLimit)
	defer done()
	if err := n.settle(keep, w, o); err != nil {
		n.log.Warn("what became of a webhook's message was not stored; it will be sent again", "webhook", w.hook, "message", w.message, "error", err)
	}
}

// settle stores the outcome of an attempt, and disables a webhook that has accepted nothing for GiveUpAfter.
func (n *Notify) settle(ctx context.Context, w due, o outcome) error {
	return n.d.Write(ctx, func(tx *db.Tx) error {
		now := db.Micros(tx.Now())
		if o.why == "" {
			if _, err := tx.Exec(`UPDATE webhook_deliveries SET state = 'delivered', last_status = $3, last_error = '' WHERE webhook_id = $1 AND message_id = $2`,
				w.hook, w.message, int64(o.status)); err != nil {
				return err
			}
			_, err := tx.Exec(`UPDATE webhooks SET failing_since = 0, last_success_at = $2 WHERE id = $1`, w.hook, now)
			return err
		}
		next := w.at.Add(max(pause(w.attempt), o.wait))
		state := "waiting"
		if next.Sub(w.begun) > GiveUpAfter {
			state = "failed"
		}
		if _, err := tx.Exec(`UPDATE webhook_deliveries SET state = $3, next_at = $4, last_status = $5, last_error = $6 WHERE webhook_id = $1 AND message_id = $2 AND state = 'waiting'`,
			w.hook, w.message, state, db.Micros(next), int64(o.status), o.why); err != nil {
			return err
		}
		var success int64
		err := tx.Row(`UPDATE webhooks SET failing_since = CASE WHEN failing_since = 0 THEN $2 ELSE failing_since END WHERE id = $1 RETURNING last_success_at`,
			w.hook, db.Micros(w.at)).Scan(&success)
		switch {
		case err == sql.ErrNoRows:
			return nil // it was deleted meanwhile
		case err != nil:
			return err
		case o.gone:
			return disable(tx, w.hook, o.why)
		case state == "failed" && success < db.Micros(w.begun):
			return disable(tx, w.hook, fmt.Sprintf("It accepted nothing for %d days. %s", GiveUpAfter/(24*time.Hour), o.why))
		}
		return nil
	})
}

// disable stops sending to a webhook; its brand's pages say so.
func disable(tx *db.Tx, hook id.Webhook, why string) error {
	n, err := tx.Exec(`UPDATE webhooks SET state = 'disabled', reason = $2, changed_at = $3, version = version + 1 WHERE id = $1 AND state = 'active'`,
		hook, why, db.Micros(tx.Now()))
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.Exec(`UPDATE webhook_deliveries SET state = 'held' WHERE webhook_id = $1 AND state = 'waiting'`, hook)
	return err
}

// Prune forgets messages older than Keep, with what became of them.
func (n *Notify) Prune(ctx context.Context) error {
	for ctx.Err() == nil {
		gone, err := db.Do(db.WithoutKey(ctx), n.d, func(tx *db.Tx) (int, error) {
			old, err := db.All(tx, func(r *sql.Rows) (m id.Message, err error) { return m, r.Scan(&m) },
				`SELECT id FROM webhook_messages WHERE created_at < $1 ORDER BY created_at LIMIT $2`, db.Micros(tx.Now().Add(-Keep)), int64(prunePage))
			if err != nil || len(old) == 0 {
				return 0, err
			}
			in, args := db.In(1, old)
			if _, err := tx.Exec(`DELETE FROM webhook_deliveries WHERE message_id IN `+in, args...); err != nil {
				return 0, err
			}
			_, err = tx.Exec(`DELETE FROM webhook_messages WHERE id IN `+in, args...)
			return len(old), err
		})
		if err != nil || gone < prunePage {
			return err
		}
		_ = clock.Rest(ctx, nil, time.Millisecond)
	}
	return nil
}
