package insight_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/metric"
)

// run lets the hub turn; each turn is one step of the clock.
func (w *world) run() {
	w.t.Helper()
	within, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.insight.Run(within) }()
	w.idle()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.t.Errorf("the hub ended with %v", err)
		}
	})
}

// idle waits until the hub waits for its next turn.
func (w *world) idle() {
	w.t.Helper()
	end := time.After(10 * time.Second)
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	for w.c.Waiting() == 0 {
		select {
		case <-tick.C:
		case <-end:
			w.t.Fatal("the hub does not turn")
		}
	}
}

// turn passes time, turn by turn.
func (w *world) turn(d time.Duration) {
	w.t.Helper()
	for ; d > 0; d -= insight.HubEvery {
		w.c.Advance(insight.HubEvery)
		w.idle()
	}
}

func (w *world) follow(lastID string, entities ...metric.Entity) *insight.Subscriber {
	w.t.Helper()
	var topics []insight.Topic
	for _, e := range entities {
		topics = append(topics, insight.Topic{Entity: e, Window: metric.Day})
	}
	s, err := w.insight.Subscribe(ctx, w.operator, topics, lastID)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

// next returns the frame that waits; nothing waits long here, for the clock stands.
func (w *world) next(s *insight.Subscriber, kind insight.FrameKind) (insight.Frame, []insight.Figures) {
	w.t.Helper()
	within, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	f, err := s.Next(within)
	if err != nil {
		w.t.Fatalf("no frame came: %v", err)
	}
	if f.Kind != kind {
		w.t.Fatalf("a %s came, want a %s: %s", f.Kind, kind, f.Items)
	}
	items := make([]insight.Figures, len(f.Items))
	for i, item := range f.Items {
		if err := json.Unmarshal(item, &items[i]); err != nil {
			w.t.Fatal(err)
		}
	}
	return f, items
}

// none checks that nothing waits.
func (w *world) none(s *insight.Subscriber) {
	w.t.Helper()
	within, cancel := context.WithCancel(ctx)
	cancel()
	if f, err := s.Next(within); err == nil {
		w.t.Fatalf("a %s came out of nothing: %s", f.Kind, f.Items)
	}
}

func views(n int64) func(*metric.Reading) { return func(r *metric.Reading) { r.Views = n } }

func TestChangesAreSentOnceAndConflated(t *testing.T) {
	w := small(t)
	w.run()
	video, brand := metric.OfVideo(w.video), metric.OfBrand(w.brand)
	w.source.set(video, views(1))
	s := w.follow("", video, brand)
	_, items := w.next(s, insight.FrameSnapshot)
	if len(items) != 2 || items[0].Entity != video.String() || items[0].Views != 1 || items[1].Views != 0 {
		t.Fatalf("the snapshot: %+v", items)
	}
	w.turn(time.Second)
	w.none(s)
	for n := range int64(5) {
		w.source.set(video, views(2+n))
		w.turn(insight.HubEvery)
	}
	if _, items = w.next(s, insight.FrameChange); len(items) != 1 || items[0].Views != 6 {
		t.Fatalf("five changes came as %+v", items)
	}
	w.none(s)
	w.source.set(video, views(6)) // something happened that these numbers do not show
	w.turn(insight.HubEvery)
	w.none(s)
	w.source.fade(video, func(r *metric.Reading) { r.Velocity.Hour = 3 })
	w.turn(insight.SlideEvery)
	if _, items = w.next(s, insight.FrameChange); items[0].Velocity.Hour != 3 {
		t.Fatalf("a velocity that fades came as %+v", items)
	}
}

func TestNumbersAreReadOnceForAll(t *testing.T) {
	w := small(t)
	w.run()
	video := metric.OfVideo(w.video)
	var all []*insight.Subscriber
	for range insight.MaxOfAsker {
		all = append(all, w.follow("", video))
	}
	w.source.mu.Lock()
	w.source.reads = 0
	w.source.mu.Unlock()
	w.source.set(video, views(1))
	w.turn(insight.HubEvery)
	for _, s := range all {
		w.next(s, insight.FrameSnapshot)
	}
	if w.source.reads != 1 {
		t.Errorf("%d reads for %d subscribers", w.source.reads, len(all))
	}
}

func TestStreamsResume(t *testing.T) {
	w := small(t)
	w.run()
	video, brand := metric.OfVideo(w.video), metric.OfBrand(w.brand)
	first := w.follow("", video, brand)
	had, _ := w.next(first, insight.FrameSnapshot)
	first.Close()
	first.Close() // twice is once

	back := w.follow(had.ID, video, brand)
	w.next(back, insight.FrameBeat) // nothing was missed
	back.Close()
	w.source.set(video, views(9))
	back = w.follow(had.ID, video, brand)
	got, items := w.next(back, insight.FrameChange)
	if len(items) != 1 || items[0].Views != 9 {
		t.Fatalf("who came back got %+v", items)
	}
	got.Sent(w.c.Now())
	if len(w.measured) != 0 {
		t.Error("the time somebody was away counts as the time of the counting")
	}
	back.Close()
	for name, last := range map[string]string{"of other entities": strings.TrimSuffix(had.ID, had.ID[strings.LastIndexByte(had.ID, '.'):]) + ".x",
		"of another process": "ABCDEFGH" + had.ID[8:], "of the time to come": had.ID[:9] + "99999" + had.ID[strings.LastIndexByte(had.ID, '.'):], "nonsense": "..", "nothing": ""} {
		s := w.follow(last, video, brand)
		if _, items := w.next(s, insight.FrameSnapshot); len(items) != 2 {
			t.Errorf("an id %s: %+v", name, items)
		}
		s.Close()
	}
	w.c.Advance(2 * time.Minute)
	w.idle() // nobody followed it: forgotten
	s := w.follow(got.ID, video, brand)
	w.next(s, insight.FrameSnapshot)
}

func TestSlowReadersAreCut(t *testing.T) {
	w := small(t)
	w.run()
	video := metric.OfVideo(w.video)
	slow, quick := w.follow("", video), w.follow("", video)
	had, _ := w.next(slow, insight.FrameSnapshot)
	w.next(quick, insight.FrameSnapshot)
	w.source.set(video, views(1))
	w.turn(insight.HubEvery)
	w.next(quick, insight.FrameChange)
	w.turn(insight.SlowAfter / 2)
	w.next(quick, insight.FrameBeat)
	w.turn(insight.SlowAfter/2 + insight.HubEvery)
	cut, _ := w.next(slow, insight.FrameCut)
	if cut.Cut != insight.CutSlow || cut.Says == "" {
		t.Fatalf("the cut says %q %q", cut.Cut, cut.Says)
	}
	w.next(quick, insight.FrameBeat)
	slow.Close()
	back := w.follow(had.ID, video)
	if _, items := w.next(back, insight.FrameChange); items[0].Views != 1 {
		t.Errorf("the way back leads to %+v", items)
	}
}

func TestStreamsEnd(t *testing.T) {
	w := small(t)
	within, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.insight.Run(within) }()
	w.idle()
	video := metric.OfVideo(w.video)
	old := w.follow("", video)
	w.next(old, insight.FrameSnapshot)
	for range insight.StreamLife / insight.BeatEvery {
		w.c.Advance(insight.BeatEvery)
		w.idle()
		w.next(old, insight.FrameBeat)
	}
	w.turn(insight.HubEvery)
	if f, _ := w.next(old, insight.FrameCut); f.Cut != insight.CutRenew {
		t.Errorf("an old stream was cut with %q", f.Cut)
	}
	open := w.follow("", video)
	w.next(open, insight.FrameSnapshot)
	cancel()
	<-done
	if f, _ := w.next(open, insight.FrameCut); f.Cut != insight.CutStopping {
		t.Errorf("a stopping server cut with %q", f.Cut)
	}
	if _, err := w.insight.Subscribe(ctx, w.operator, []insight.Topic{{Entity: video}}, ""); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a stopping server took a stream: %v", err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	w := small(t)
	w.run()
	video := metric.OfVideo(w.video)
	many := make([]insight.Topic, insight.MaxTopics+1)
	for i := range many {
		many[i] = insight.Topic{Entity: metric.OfVideo(w.video.Next(w.c.Now()))}
	}
	if _, err := w.insight.Subscribe(ctx, w.operator, many, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("%d entities: %v", len(many), err)
	}
	if _, err := w.insight.Subscribe(ctx, w.operator, nil, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("no entity: %v", err)
	}
	same := slices.Repeat([]insight.Topic{{Entity: video}}, insight.MaxTopics+1)
	s, err := w.insight.Subscribe(ctx, w.operator, same, "")
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := w.next(s, insight.FrameSnapshot); len(f.Items) != 1 {
		t.Errorf("one entity %d times makes %d items", len(same), len(f.Items))
	}
	for range insight.MaxOfAsker - 1 {
		w.follow("", video)
	}
	if _, err := w.insight.Subscribe(ctx, w.operator, []insight.Topic{{Entity: video}}, ""); !fault.Is(err, fault.Limited) {
		t.Errorf("stream %d of one asker: %v", insight.MaxOfAsker+1, err)
	}
	s.Close()
	w.follow("", video)
}

// TestTokensMakeNoMoreStreams opens streams of one person, and of one brand, with token after token.
func TestTokensMakeNoMoreStreams(t *testing.T) {
	w := small(t)
	w.run()
	of := func(a account.Asker, n int) account.Asker {
		a.Token, a.Scopes = id.Token(fmt.Sprintf("tok_%d", n)), account.Scopes{account.MetricsRead: true}
		return a
	}
	for name, who := range map[string]account.Asker{"person": w.owner, "brand": w.token} {
		topic := []insight.Topic{{Entity: metric.OfBrand(w.brand), Window: metric.Day}}
		for n := range insight.MaxOfAsker {
			s, err := w.insight.Subscribe(ctx, of(who, n), topic, "")
			if err != nil {
				t.Fatalf("%s, stream %d: %v", name, n+1, err)
			}
			t.Cleanup(s.Close)
		}
		if s, err := w.insight.Subscribe(ctx, of(who, insight.MaxOfAsker), topic, ""); !fault.Is(err, fault.Limited) {
			s.Close()
			t.Errorf("one %s with another token opened stream %d: %v", name, insight.MaxOfAsker+1, err)
		}
	}
}

// TestWhatNobodyFollowsKeepsNobodyOut looks at very many things one after the other, each only once.
func TestWhatNobodyFollowsKeepsNobodyOut(t *testing.T) {
	w := small(t)
	w.run()
	const products = 4100 // in each of the five windows: more than all streams may follow together
	var mine []metric.Entity
	if err := w.d.Write(ctx, func(tx *db.Tx) error {
		for range products {
			p := id.Product("").Next(w.c.Now())
			mine = append(mine, metric.OfProduct(p))
			if _, err := tx.Exec(`INSERT INTO products (id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1, $2, 'Cup', '', 'home', 'EUR', 1, 1)`, string(p), string(w.rivalBrand)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, window := range metric.Windows {
		for some := range slices.Chunk(mine, insight.MaxTopics) {
			var topics []insight.Topic
			for _, e := range some {
				topics = append(topics, insight.Topic{Entity: e, Window: window})
			}
			s, err := w.insight.Subscribe(ctx, w.other, topics, "")
			if err != nil {
				t.Fatalf("a stream alone: %v", err)
			}
			s.Close()
		}
	}
	s, err := w.insight.Subscribe(ctx, w.owner, []insight.Topic{{Entity: metric.OfBrand(w.brand), Window: metric.Day}}, "")
	if err != nil {
		t.Fatalf("nobody follows anything, and yet: %v", err)
	}
	s.Close()
}

func TestFreshnessIsMeasuredFromTheAcknowledgement(t *testing.T) {
	w := small(t)
	w.run()
	video := metric.OfVideo(w.video)
	s := w.follow("", video)
	w.next(s, insight.FrameSnapshot)
	w.insight.Freshnesses().Note(insight.Visible, 40*time.Millisecond)
	w.turn(time.Second)
	w.source.set(video, views(1))
	w.turn(insight.HubEvery)
	f, _ := w.next(s, insight.FrameChange)
	w.measured = nil
	f.Sent(w.c.Now())
	// It happened after the look before, and what became countable then was 40 ms old at most.
	if want := (insight.HubEvery + 40*time.Millisecond).Seconds(); len(w.measured) != 1 || w.measured[0] != want {
		t.Errorf("measured %v, want %v", w.measured, want)
	}
	w.source.fade(video, views(0))
	w.turn(insight.SlideEvery)
	f, _ = w.next(s, insight.FrameChange)
	f.Sent(w.c.Now())
	if len(w.measured) != 1 {
		t.Error("what time alone changed counts as an event")
	}
}

func TestTheMachineIsFollowed(t *testing.T) {
	w := small(t)
	w.run()
	s, err := w.insight.Subscribe(ctx, w.operator, []insight.Topic{{}}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for open, kind := range []insight.FrameKind{insight.FrameSnapshot, insight.FrameChange} {
		f, _ := w.next(s, kind)
		var h insight.House
		if err := json.Unmarshal(f.Items[0], &h); err != nil || h.Entity != insight.HouseName || h.Subscribers != int64(open) {
			t.Errorf("%s: %s, %v", kind, f.Items[0], err)
		}
		w.turn(time.Second)
	}
}
