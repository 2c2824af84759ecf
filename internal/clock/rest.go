package clock

import (
	"context"
	"time"
)

// Rest waits for the ring, which may be nil, or for d of the machine's time, and returns ctx's
// error when that ends first. It is for rests between tries and between looks at what other
// processes do: they go on whatever the clock of the house says. What the house's clock decides
// waits on a Timer.
func Rest(ctx context.Context, ring <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-ring:
	case <-t.C:
	}
	return nil
}
