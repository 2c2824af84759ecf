package db

import (
	"encoding/json"
	"errors"
	"fmt"

	"mezzo/internal/fault"
)

// What one fact may hold at most, in bytes: what package event can encode into the log. A longer
// one, once committed, would stand in the relay's way for ever.
const (
	MaxFact  = 256 << 10
	MaxTopic = 64
)

// Emit writes a fact to the outbox: it becomes known, through the relay, exactly when the
// transaction commits. body is encoded as JSON; over MaxFact it is refused as TooLarge, and the
// transaction should fail with it.
func (t *Tx) Emit(topic string, body any) error {
	if topic == "" || len(topic) > MaxTopic {
		return errors.New("db: a fact needs a topic of at most 64 bytes")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("db: encode the fact %s: %w", topic, err)
	}
	if len(text) > MaxFact {
		return fault.Wrap(fault.TooLarge, fmt.Errorf("db: the fact %s has %d bytes, over %d", topic, len(text), MaxFact),
			"This is more than can be recorded at once. Do it in several smaller parts.")
	}
	if _, err := t.Exec(`INSERT INTO outbox (topic, body, created_at) VALUES ($1, $2, $3)`,
		topic, string(text), Micros(t.now)); err != nil {
		return err
	}
	t.emitted = true
	return nil
}
