package journey

import (
	"errors"
	"path/filepath"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/event"
	"mezzo/internal/stream"
)

var errEnd = errors.New("read to the end")

// logged counts how often each event id stands in the log of a stopped program.
func logged(t *testing.T, data string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, e := range eventsIn(t, data) {
		counts[e.ID.String()]++
	}
	return counts
}

// eventsIn reads the log of a stopped program.
func eventsIn(t *testing.T, data string) []event.Event {
	t.Helper()
	log, err := stream.Open(t.Context(), stream.Options{Dir: filepath.Join(data, "stream"), Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	from, err := log.Oldest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end, err := log.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var events []event.Event
	err = log.Follow(t.Context(), from, 1000, func(records []stream.Record) error {
		for _, r := range records {
			if r.Kind == stream.KindEvent {
				var e event.Event
				if err := e.Decode(r.Data); err != nil {
					return err
				}
				events = append(events, e)
			}
			if !r.Pos.Before(end) {
				return errEnd
			}
		}
		return nil
	})
	if !errors.Is(err, errEnd) {
		t.Fatal(err)
	}
	return events
}
