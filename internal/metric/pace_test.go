package metric_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// heard is what a keeper logs.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(b)
}
func (h *heard) String() string { h.mu.Lock(); defer h.mu.Unlock(); return h.text.String() }

// Log time may run ahead of the machine's, as where a past is made up by turning the clock: the rows are written
// before what they have not yet leaves the rings, however seldom they are written by the machine's time.
func TestRowsFollowLogTime(t *testing.T) {
	const step, visits = 50 * time.Hour, 20 // from one visit to the next, far longer than hours are held apart
	d, c := dbtest.SQLite(t)
	begun := c.Now()
	log, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	good := id.Product("").Next(begun)
	var last stream.Position
	for range visits {
		e := event.Event{ID: uuid.New(), Type: event.ProductView, Viewer: id.Viewer("").Next(c.Now()), Product: good, At: c.Now(), Received: c.Now()}
		data, err := e.AppendEncode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if last, err = log.Append(t.Context(), stream.KindEvent, data); err != nil {
			t.Fatal(err)
		}
		c.Advance(step)
	}
	said := &heard{}
	k := metric.NewKeeper(metric.KeeperOptions{Fold: metric.New(metric.Options{}), Log: log, DB: d, Dir: t.TempDir(), Holder: "one", Clock: c,
		Logger: slog.New(slog.NewTextHandler(said, nil)), RollupEvery: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	within, done := context.WithTimeout(ctx, time.Minute)
	defer done()
	if err := k.Reached(within, last); err != nil {
		t.Fatal(err)
	}
	points, err := k.Series(t.Context(), metric.OfProduct(good), metric.GrainHour, begun, c.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range points {
		if p.ProductViews != 1 || !p.Start.Equal(begun.Add(time.Duration(i)*step).Truncate(time.Hour)) {
			t.Errorf("the hour of visit %d is %v with %d", i, p.Start, p.ProductViews)
		}
	}
	if len(points) != visits || strings.Contains(said.String(), "level=ERROR") {
		t.Errorf("%d of %d hours are known; it said:\n%s", len(points), visits, said)
	}
}
