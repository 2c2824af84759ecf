package db

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"mezzo/internal/fault"
)

// What one fact may hold at most, in bytes: what package event can encode into the log. A longer
// one, once committed, would stand in the relay's way for ever.
const (
	MaxFact  = 256 << 10
	MaxTopic = 64
)

// Emit tells a fact: it becomes known, through the relay, exactly when the transaction commits. body is
// encoded as JSON; over MaxFact it is refused as TooLarge, and the transaction should fail with it. The
// transaction's facts enter the outbox together, in the order they were told, when its body has returned.
func (t *Tx) Emit(topic string, body any) error {
	if t.reading {
		return errors.New("db: a Read changes nothing, so it has nothing to tell")
	}
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
	t.told = append(t.told, topic, string(text))
	t.emitted = true
	return nil
}

// factsAtOnce is how many facts one statement writes at most.
const factsAtOnce = 16

// tell writes the facts that the body told. Its rows must be closed.
func (t *Tx) tell() error {
	for some := range slices.Chunk(t.told, 2*factsAtOnce) {
		var rows Values
		for i := 0; i < len(some); i += 2 {
			rows.Row(some[i], some[i+1], Micros(t.now))
		}
		if _, err := t.Exec(`INSERT INTO outbox (topic, body, created_at) VALUES `+rows.Text(), rows.Args()...); err != nil {
			return err
		}
	}
	t.told = nil
	return nil
}
