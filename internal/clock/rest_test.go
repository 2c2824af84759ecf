package clock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"mezzo/internal/clock"
)

func TestRestEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := clock.Rest(ctx, nil, time.Millisecond); err != nil {
		t.Errorf("after its time: %v", err)
	}
	rung := make(chan struct{})
	close(rung)
	if err := clock.Rest(ctx, rung, time.Hour); err != nil {
		t.Errorf("by the ring: %v", err)
	}
	cancel()
	if err := clock.Rest(ctx, nil, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("by the context: %v", err)
	}
}
