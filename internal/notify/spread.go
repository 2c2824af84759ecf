package notify

import (
	"context"
	"encoding/json"
	"slices"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
)

// spreadBatch is how many facts are told on in one transaction.
const spreadBatch = 200

// Spread makes messages of the facts that came since the last time: for each webhook that asks for them, in
// the transaction that notes how far it has come, so that none is left out and none made twice. It returns
// how many facts it looked at; a full batch means that there may be more.
func (n *Notify) Spread(ctx context.Context) (int, error) {
	return db.Do(db.WithoutKey(ctx), n.d, func(tx *db.Tx) (int, error) {
		var last int64
		if err := tx.Row(`SELECT relay_seq FROM webhook_position WHERE one = 1`).Scan(&last); err != nil {
			return 0, err
		}
		facts, err := tx.Facts(last, spreadBatch)
		if err != nil || len(facts) == 0 {
			return 0, err
		}
		found := facts[len(facts)-1].Seq
		moved, err := tx.Exec(`UPDATE webhook_position SET relay_seq = $1 WHERE one = 1 AND relay_seq = $2`, found, last)
		if err != nil || moved == 0 {
			return 0, err // another process was here first
		}
		told := map[id.Brand][]fresh{}
		for _, f := range facts {
			if err := n.note(told, f); err != nil {
				n.log.Error("a fact cannot be read and no brand is told of it", "fact", f.Seq, "topic", f.Topic, "error", err)
			}
		}
		return len(facts), tell(tx, told)
	})
}

// fresh is a message to be.
type fresh struct{ topic, body string }

func (n *Notify) note(told map[id.Brand][]fresh, f db.Fact) error {
	t, known := tellings[f.Topic]
	if !known || t.read == nil {
		return nil
	}
	parts, err := t.read(event.Fact{Seq: f.Seq, Topic: f.Topic, Body: f.Body, At: f.At})
	if err != nil {
		return err
	}
	for brand, data := range parts {
		body, err := encode(f.Topic, f.At, data)
		if err != nil {
			return err
		}
		told[brand] = append(told[brand], fresh{f.Topic, body})
	}
	return nil
}

// target is a webhook that messages may be for.
type target struct {
	id     id.Webhook
	brand  id.Brand
	topics []string
	state  State
}

func (t target) wants(topic string) bool {
	return topic == topicTest || len(t.topics) == 0 || slices.Contains(t.topics, topic)
}

// tell stores the messages that some webhook asks for, and a delivery for each: held where the webhook is not
// active.
func tell(tx *db.Tx, told map[id.Brand][]fresh) error {
	if len(told) == 0 {
		return nil
	}
	brands := make([]id.Brand, 0, len(told))
	for brand := range told {
		brands = append(brands, brand)
	}
	slices.Sort(brands)
	targets, err := targetsOf(tx, brands)
	if err != nil {
		return err
	}
	for _, brand := range brands {
		for _, m := range told[brand] {
			var to []target
			for _, t := range targets[brand] {
				if t.wants(m.topic) {
					to = append(to, t)
				}
			}
			if _, err := put(tx, brand, m, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// put stores one message for some webhooks.
func put(tx *db.Tx, brand id.Brand, m fresh, to []target) (id.Message, error) {
	if len(to) == 0 {
		return "", nil
	}
	message := id.Message("").Next(tx.Now())
	if _, err := tx.Exec(`INSERT INTO webhook_messages (id, brand_id, topic, body, created_at) VALUES ($1, $2, $3, $4, $5)`,
		message, brand, m.topic, m.body, db.Micros(tx.Now())); err != nil {
		return "", err
	}
	for _, t := range to {
		state := "waiting"
		if t.state != Active {
			state = "held"
		}
		if _, err := tx.Exec(`INSERT INTO webhook_deliveries (webhook_id, message_id, state, begun_at, next_at) VALUES ($1, $2, $3, $4, $4)`,
			t.id, message, state, db.Micros(tx.Now())); err != nil {
			return "", err
		}
	}
	return message, nil
}

func targetsOf(tx *db.Tx, brands []id.Brand) (map[id.Brand][]target, error) {
	in, args := db.In(1, brands)
	rows, err := tx.Query(`SELECT id, brand_id, topics, state FROM webhooks WHERE brand_id IN `+in+` ORDER BY id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.Brand][]target{}
	for rows.Next() {
		var t target
		var text string
		if err := rows.Scan(&t.id, &t.brand, &text, &t.state); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &t.topics); err != nil {
			return nil, err
		}
		out[t.brand] = append(out[t.brand], t)
	}
	return out, rows.Err()
}
