package event

import (
	"encoding/json"
	"fmt"
	"time"
)

// Fact is one thing the business did, written to the outbox by the transaction that did it
// and relayed into the log. Seq is contiguous: a fold drops a number it has seen.
type Fact struct {
	Seq   int64
	Topic string
	Body  json.RawMessage
	At    time.Time // when it was done, to the microsecond
}

// The numbers of a fact's fields in the log. Only ever add at the end.
const (
	factSeq = iota + 1
	factTopic
	factBody
	factAt
)

// AppendEncode appends the fact's binary form to dst. An error when its topic or body is
// missing or over its limit, or the body is not JSON.
func (f *Fact) AppendEncode(dst []byte) ([]byte, error) {
	switch {
	case f.Seq < 0:
		return dst, fmt.Errorf("event: fact number %d", f.Seq)
	case f.Topic == "" || len(f.Topic) > MaxTopic:
		return dst, fmt.Errorf("event: a fact's topic has %d bytes, not 1 to %d", len(f.Topic), MaxTopic)
	case len(f.Body) > MaxFactBody:
		return dst, fmt.Errorf("event: the fact %s has %d bytes, over %d", f.Topic, len(f.Body), MaxFactBody)
	case !json.Valid(f.Body):
		return dst, fmt.Errorf("event: the fact %s is not JSON", f.Topic)
	}
	w := newWriter(dst)
	w.uint(factSeq, uint64(f.Seq))
	w.text(factTopic, f.Topic)
	w.bytes(factBody, f.Body)
	w.time(factAt, f.At)
	return w.b, nil
}

// Decode reads a binary form into f. Body is a slice of data. It never panics.
func (f *Fact) Decode(data []byte) error {
	*f = Fact{}
	r := newReader(data)
	for r.next() {
		switch r.number {
		case factSeq:
			f.Seq = int64(r.uint(1<<63 - 1))
		case factTopic:
			f.Topic = string(r.bytes(MaxTopic))
		case factBody:
			f.Body = r.bytes(MaxFactBody)
		case factAt:
			f.At = r.time()
		}
	}
	if r.err == nil && (f.Topic == "" || len(f.Body) == 0) {
		return fmt.Errorf("event: a fact without topic or body")
	}
	return r.err
}

// Body is what a fact says; its Topic names it in the log and to webhooks.
type Body interface{ Topic() string }

// Read returns the body of a fact as B; an error when it is another topic's or not readable.
func Read[B Body](f Fact) (B, error) {
	var b B
	if err := json.Unmarshal(f.Body, &b); err != nil {
		return b, fmt.Errorf("event: the fact %d %s: %w", f.Seq, f.Topic, err)
	}
	if b.Topic() != f.Topic {
		return b, fmt.Errorf("event: the fact %d is %s, not %s", f.Seq, f.Topic, b.Topic())
	}
	return b, nil
}

// emitter is a transaction with an outbox: *db.Tx.
type emitter interface {
	Emit(topic string, body any) error
}

// Emit writes the fact to the outbox of the transaction: event.Emit(tx, event.OrderPlaced{…}).
func Emit(tx emitter, b Body) error { return tx.Emit(b.Topic(), b) }
