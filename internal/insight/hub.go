package insight

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"strconv"
	"sync"
	"time"

	"mezzo/internal/metric"
)

// The pace of live numbers.
const (
	// HubEvery is how often the hub looks for what has changed: a change waits at most so long.
	HubEvery = 250 * time.Millisecond
	// SlideEvery is how often numbers are read again without an event: windows slide and velocity fades.
	SlideEvery = 5 * time.Second
	// BeatEvery is after how long without news a subscriber is told how far the counting is.
	BeatEvery = 5 * time.Second
	// SlowAfter is how long news may wait for a subscriber who does not read before it is cut.
	SlowAfter = 10 * time.Second
	// StreamLife is how long one stream lasts; who comes back is asked again who they are.
	StreamLife = 15 * time.Minute
	// resumeWithin is how long what nobody follows is kept for those who come back.
	resumeWithin = time.Minute
)

// The bounds of live numbers, on one node.
const (
	// MaxSubscribers is how many streams are open at once.
	MaxSubscribers = 2000
	// MaxOfAsker is how many of them one person, or one brand by its tokens, may have: tabs of a browser.
	MaxOfAsker = 16
	// MaxTopics is how many entities one stream may follow.
	MaxTopics = 100
	// maxFollowed is how many entities all streams may follow together.
	maxFollowed = 20_000
)

// Topic is what a subscriber follows: an entity in a window, or, with no entity, the machine itself.
type Topic struct {
	Entity metric.Entity
	Window metric.Window
}

// Hub looks at what is followed and gives each subscriber what has changed, newest state only: a slow
// reader gets fewer, never older numbers. Numbers are read and written once for all who follow them.
type Hub struct {
	i     *Insight
	epoch string // of this process: what another one sent cannot be resumed here

	mu      sync.Mutex
	turn    uint64
	looked  time.Time // when the last turn began
	stopped bool
	topics  map[Topic]*followed
	subs    map[*Subscriber]struct{}
	ofAsker map[string]int
}

// followed is one topic with its newest state.
type followed struct {
	subs    map[*Subscriber]struct{}
	version uint64
	body    []byte    // as it is sent
	read    time.Time // when
	changed uint64    // the turn
	left    time.Time // when the last one who followed it left
}

func newHub(i *Insight) *Hub {
	return &Hub{i: i, epoch: rand.Text()[:8], topics: map[Topic]*followed{}, subs: map[*Subscriber]struct{}{}, ofAsker: map[string]int{}}
}

// Subscribers returns how many streams are open.
func (h *Hub) Subscribers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs)
}

// run turns until ctx ends, then sends everybody away.
func (h *Hub) run(ctx context.Context) error {
	h.restart()
	for {
		t := h.i.clock.NewTimer(HubEvery)
		select {
		case <-ctx.Done():
			t.Stop()
			h.stop()
			return ctx.Err()
		case <-t.C():
			h.look(h.i.clock.Now())
		}
	}
}

func (h *Hub) restart() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = false
}

// stop sends everybody away: they come back to this node or another.
func (h *Hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for s := range h.subs {
		s.cut(CutStopping)
	}
}

// look is one turn: what changed is read once and put before those who follow it.
func (h *Hub) look(now time.Time) {
	h.i.house.tick(now)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn++
	// The oldest event that may have changed something since the last look was acknowledged this long
	// before it: what took the slowest way to be countable then was not to be seen yet.
	born := now
	if !h.looked.IsZero() {
		born = h.looked.Add(-h.i.fresh.Slack())
	}
	for topic, f := range h.topics {
		if len(f.subs) == 0 {
			if now.Sub(f.left) > resumeWithin {
				delete(h.topics, topic)
			}
			continue
		}
		news, event := h.renew(topic, f, now)
		if !news {
			continue
		}
		for s := range f.subs {
			s.put(topic, now, born, event)
		}
	}
	h.looked = now
	for s := range h.subs {
		s.check(now)
	}
}

// forget drops every topic that nobody follows now. Who comes back to one gets a snapshot. The caller
// holds the lock.
func (h *Hub) forget() {
	maps.DeleteFunc(h.topics, func(_ Topic, f *followed) bool { return len(f.subs) == 0 })
}

// renew reads a topic when it may have changed; news says that it reads otherwise than before, event
// that something happened rather than that time passed.
func (h *Hub) renew(topic Topic, f *followed, now time.Time) (news, event bool) {
	if topic.Entity.IsZero() {
		if now.Sub(f.read) < rateStep {
			return false, false
		}
		f.read = now
		body, err := json.Marshal(h.i.house.now(now, len(h.subs)))
		if err != nil || bytes.Equal(body, f.body) {
			return false, false
		}
		f.body, f.changed = body, h.turn
		return true, false
	}
	version := h.i.source.Version(topic.Entity)
	event = version != f.version
	slides := SlideEvery
	if topic.Window == metric.Minute {
		slides = topic.Window.Bucket()
	}
	if !event && f.body != nil && now.Sub(f.read) < slides {
		return false, false
	}
	f.version, f.read = version, now
	figures, _ := h.i.figures(topic.Entity, topic.Window)
	body, err := json.Marshal(figures)
	if err != nil || bytes.Equal(body, f.body) { // an infinite rate cannot be written, and none is made
		return false, false
	}
	f.body, f.changed = body, h.turn
	return true, event
}

// mark names a state of the hub for those who come back: the process, the turn, and what was followed.
func (h *Hub) mark(of string) string {
	return h.epoch + "." + strconv.FormatUint(h.turn, 10) + "." + of
}
