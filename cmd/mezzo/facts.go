package main

import (
	"context"
	"fmt"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/stream"
)

// factLog is the outbox's way into the log of events.
type factLog struct{ log *stream.Log }

// LastRelay returns the number of the last fact in the log, 0 when there is none.
func (f factLog) LastRelay(ctx context.Context) (int64, error) { return f.log.LastRelay(ctx) }

// AppendRelay appends facts of consecutive numbers and returns once they are on disk.
func (f factLog) AppendRelay(ctx context.Context, facts []db.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	records := make([][]byte, len(facts))
	for i, row := range facts {
		fact := event.Fact{Seq: row.Seq, Topic: row.Topic, Body: row.Body, At: row.At}
		var err error
		if records[i], err = fact.AppendEncode(nil); err != nil {
			return fmt.Errorf("fact %d: %w", row.Seq, err)
		}
	}
	return f.log.AppendRelay(ctx, facts[0].Seq, stream.KindFact, records)
}
