package insight

import (
	"testing"
	"time"
)

// The machine's rates are remembered by the second, so that a chart of them begins with what was, and no longer
// than the chart shows.
func TestRatesOfTheLastMinutesAreRemembered(t *testing.T) {
	now, m := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Machine{}
	h := &houseMeter{read: func() Machine { return m }, fresh: newFreshnesses(nil, nil)}
	for n := range 2 * ratesHeld {
		h.tick(now)
		h.tick(now.Add(time.Millisecond)) // somebody looks in between
		now = now.Add(rateStep)
		if m.Records += 50; n == 0 && len(h.rates) != 0 {
			t.Error("a rate is told of one sample")
		}
	}
	if len(h.rates) != ratesHeld {
		t.Fatalf("%d rates are held", len(h.rates))
	}
	for i, r := range h.rates {
		if want := now.Add(time.Duration(i-ratesHeld) * rateStep); !r.At.Equal(want) || r.Ingest != 50 {
			t.Fatalf("rate %d is %v at %v, not 50 at %v", i, r.Ingest, r.At, want)
		}
	}
}
