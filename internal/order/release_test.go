package order

import (
	"testing"
	"time"
)

// Each of the three terms decides once.
func TestReleaseAt(t *testing.T) {
	day := 24 * time.Hour
	sent := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, x := range map[string]struct {
		delivered time.Duration // after it was sent
		hold      int64
		window    time.Duration
		proven    bool
		want      time.Duration // after it was sent
	}{
		"the hold":                             {3 * day, 30, 14 * day, false, 33 * day},
		"the time to return":                   {3 * day, 0, 14 * day, false, 17 * day},
		"sent, where only the brand says so":   {0, 0, 2 * day, false, 14 * day},
		"the same, proven":                     {0, 0, 2 * day, true, 2 * day},
		"delivered late, with a short window":  {20 * day, 1, 2 * day, false, 22 * day},
		"nothing to wait for but the delivery": {20 * day, 0, 0, false, 20 * day},
	} {
		if got := releaseAt(sent, sent.Add(x.delivered), x.hold, x.window, x.proven); !got.Equal(sent.Add(x.want)) {
			t.Errorf("%s: %s after it was sent, want %s", name, got.Sub(sent), x.want)
		}
	}
}
