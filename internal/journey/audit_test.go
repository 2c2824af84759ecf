package journey

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/program"
	"mezzo/internal/stream"
)

// ranked returns the request of a page that the ranking drew for somebody new. One viewer in a hundred
// belongs to the control, so it asks until one does not.
func (m *market) ranked() (request string) {
	m.t.Helper()
	m.eventually("a page is drawn by the ranking", func() (bool, error) {
		shopper, err := m.nobody.NewViewer(m.ctx)
		if err != nil {
			return false, err
		}
		page, err := shopper.GetFeed(m.ctx, "")
		if err != nil || page.Policy.Name != "value" || len(page.Items) == 0 {
			return false, err
		}
		m.tap(shopper, page.Items[0])
		request = page.Request
		return true, nil
	})
	return request
}

// forge appends a page to the log of a stopped program, which it would not have drawn so, and returns its request.
func forge(t *testing.T, data, request string) string {
	t.Helper()
	log, err := stream.Open(t.Context(), stream.Options{Dir: filepath.Join(data, "stream"), Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var s event.Served
	err = log.Follow(t.Context(), stream.Position{}, 1000, func(records []stream.Record) error {
		for _, r := range records {
			if r.Kind == event.KindServed && s.Decode(r.Data) == nil && string(s.Request) == request {
				return errEnd
			}
		}
		return nil
	})
	if !errors.Is(err, errEnd) {
		t.Fatal(err)
	}
	s.Request = id.Request("").Next(s.At)
	s.Slots[0].Propensity /= 2
	record, err := s.AppendEncode(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), event.KindServed, record); err != nil {
		t.Fatal(err)
	}
	return string(s.Request)
}

// A page that was served is drawn again by command to the byte: by the server that runs, from the beginning of the
// log and from a kept snapshot, and from the data when it has stopped. One that was put into the log by hand is not
// what would have been drawn, and the command says so and fails.
func TestAPageIsAuditedByCommand(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		m := open(t, o, 1000)
		m.post()
		first := m.ranked()
		audit := func(request string, exit int, says string, args ...string) {
			t.Helper()
			output, got := program.Run(t, append([]string{"audit", "rank", "--request", request}, args...)...)
			if got != exit || !strings.Contains(output, says) {
				t.Errorf("exit %d, not %d; or it does not say %q:\n%s", got, exit, says, output)
			}
		}
		server := []string{"--server", m.program.URL, "--token", m.operator.Token}
		const same = "replay   the same to the byte, from "
		audit(first, 0, same+"the beginning of the log", server...)
		audit(first, 1, "There is nothing here for you", "--server", m.program.URL, "--token", m.owner.Token)
		audit("nonsense", 2, "--request", server...)
		audit(first, 2, "--token", "--server", m.program.URL)
		data := []string{"--data", m.program.Data}
		if o.Database != "" {
			data = append(data, "--database", o.Database)
		}
		audit(first, 1, "in use", data...)
		m.program.Stop() // keeps a snapshot
		m.program.Restart()
		second := m.ranked()
		audit(second, 0, same+"a snapshot at ", server...)
		m.program.Stop()
		audit(second, 0, same+"a snapshot at ", data...)
		audit(string(id.Request("").Next(clock.System{}.Now())), 1, "The log holds no page of this request", data...)
		audit(forge(t, m.program.Data, second), 1, "DIFFERS in ", data...)
	})
}
