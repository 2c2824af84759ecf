package db

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Emit writes a fact to the outbox: it becomes known, through the relay, exactly when the
// transaction commits. body is encoded as JSON.
func (t *Tx) Emit(topic string, body any) error {
	if topic == "" {
		return errors.New("db: a fact needs a topic")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("db: encode the fact %s: %w", topic, err)
	}
	if _, err := t.Exec(`INSERT INTO outbox (topic, body, created_at) VALUES ($1, $2, $3)`,
		topic, string(text), Micros(t.now)); err != nil {
		return err
	}
	t.emitted = true
	return nil
}
