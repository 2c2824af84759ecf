package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// MaxReplay is how many messages one call sends again.
const MaxReplay = 1000

// Delivery is one message to one webhook, and what became of it.
type Delivery struct {
	Message   id.Message      `json:"message_id" doc:"The header webhook-id: the same at every attempt"`
	Type      string          `json:"type"`
	State     string          `json:"state" enum:"waiting,delivered,failed,held" doc:"held: it came while the webhook was not active"`
	Attempts  int64           `json:"attempts"`
	NextAt    *time.Time      `json:"next_at,omitempty" doc:"Of the next attempt"`
	LastAt    *time.Time      `json:"last_at,omitempty"`
	Status    int64           `json:"last_status,omitempty" doc:"Of the last answer"`
	Error     string          `json:"last_error,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	Body      json.RawMessage `json:"body" doc:"As it is sent"`
}

// Deliveries lists what was sent to a webhook, newest first, and after the message given if any; limit at most.
func (n *Notify) Deliveries(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook, state string, after id.Message, limit int) ([]Delivery, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return nil, err
	}
	return db.Get(ctx, n.d, func(tx *db.Tx) ([]Delivery, error) {
		if _, err := webhookOf(tx, brand, hook); err != nil {
			return nil, err
		}
		return db.All(tx, func(r *sql.Rows) (d Delivery, err error) {
			var next, last, made int64
			var body string
			err = r.Scan(&d.Message, &d.Type, &d.State, &d.Attempts, &next, &last, &d.Status, &d.Error, &made, &body)
			if d.State == "waiting" {
				d.NextAt = maybe(next)
			}
			d.LastAt, d.CreatedAt, d.Body = maybe(last), db.Time(made), json.RawMessage(body)
			return d, err
		}, `SELECT m.id, m.topic, d.state, d.attempts, d.next_at, d.last_at, d.last_status, d.last_error, m.created_at, m.body
			FROM webhook_deliveries d JOIN webhook_messages m ON m.id = d.message_id
			WHERE d.webhook_id = $1 AND (CAST($2 AS TEXT) = '' OR d.state = CAST($2 AS TEXT)) AND (CAST($3 AS TEXT) = '' OR d.message_id < CAST($3 AS TEXT)) ORDER BY d.message_id DESC LIMIT $4`,
			hook, state, after, int64(limit))
	})
}

// Again sends one message anew, whatever became of it, and answers with how it stands.
func (n *Notify) Again(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook, message id.Message) (int, error) {
	if message == "" {
		return 0, fault.New(fault.Missing, "There is no such message.")
	}
	return n.resend(ctx, who, brand, hook, func(tx *db.Tx) (int64, error) {
		sent, err := tx.Exec(again+` AND message_id = $3`, hook, db.Micros(tx.Now()), message)
		if err == nil && sent == 0 {
			err = fault.New(fault.Missing, "There is no such message, or it is older than %d days.", Keep/(24*time.Hour))
		}
		return sent, err
	})
}

// Replay sends again what failed or was held since a time, at most MaxReplay of it, oldest first, and returns how
// many: call it again when that is MaxReplay.
func (n *Notify) Replay(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook, since time.Time) (int, error) {
	return n.resend(ctx, who, brand, hook, func(tx *db.Tx) (int64, error) {
		return tx.Exec(again+` AND message_id IN (SELECT d.message_id FROM webhook_deliveries d JOIN webhook_messages m ON m.id = d.message_id
			WHERE d.webhook_id = $1 AND d.state IN ('failed','held') AND m.created_at >= $3 ORDER BY d.message_id LIMIT $4)`,
			hook, db.Micros(tx.Now()), db.Micros(since), int64(MaxReplay))
	})
}

// again begins the three days anew.
const again = `UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, begun_at = $2, next_at = $2 WHERE webhook_id = $1`

func (n *Notify) resend(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook, fn func(*db.Tx) (int64, error)) (int, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return 0, err
	}
	return db.Do(ctx, n.d, func(tx *db.Tx) (int, error) {
		w, err := webhookOf(tx, brand, hook)
		if err != nil {
			return 0, err
		}
		if w.State != Active {
			return 0, fault.New(fault.Conflict, "The webhook is %s. Make it active first.", w.State).WithType("wrong_state")
		}
		sent, err := fn(tx)
		return int(sent), err
	})
}

// Test sends the webhook a message of the type webhook.test.
func (n *Notify) Test(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook) (Delivery, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return Delivery{}, err
	}
	return db.Do(ctx, n.d, func(tx *db.Tx) (Delivery, error) {
		w, err := webhookOf(tx, brand, hook)
		if err != nil {
			return Delivery{}, err
		}
		if w.State != Active {
			return Delivery{}, fault.New(fault.Conflict, "The webhook is %s. Make it active first.", w.State).WithType("wrong_state")
		}
		body, err := encode(topicTest, tx.Now(), map[string]string{"webhook_id": string(hook), "brand_id": string(brand)})
		if err != nil {
			return Delivery{}, err
		}
		message, err := put(tx, brand, fresh{topicTest, body}, []target{{id: hook, brand: brand, state: w.State}})
		at := tx.Now()
		return Delivery{Message: message, Type: topicTest, State: "waiting", NextAt: &at, CreatedAt: at, Body: json.RawMessage(body)}, err
	})
}
