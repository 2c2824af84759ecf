package insight

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/metric"
)

// Cut is why a stream ended. In each case the way back is to ask again with the last id received.
type Cut string

// The reasons.
const (
	CutSlow     Cut = "slow_reader" // news waited too long to be read
	CutRenew    Cut = "renew"       // the stream is old: who may read what is looked at again
	CutStopping Cut = "stopping"    // this node stops
)

// cutWords say what a reader may do.
var cutWords = map[Cut]string{
	CutSlow:     "This stream was not read for too long. Come back with the last id: what changed since is sent, the newest state only.",
	CutRenew:    "This stream has lasted long enough. Come back with the last id to go on.",
	CutStopping: "This server is stopping. Come back with the last id; another or the next one goes on.",
}

// FrameKind is what a frame tells.
type FrameKind string

// The frames: first a snapshot, or a change for those who came back in time; then changes, and beats when
// there is no news; a cut is the last.
const (
	FrameSnapshot FrameKind = "snapshot"
	FrameChange   FrameKind = "change"
	FrameBeat     FrameKind = "beat"
	FrameCut      FrameKind = "cut"
)

// Frame is one message to a subscriber.
type Frame struct {
	Kind  FrameKind
	ID    string // for Last-Event-ID
	AsOf  time.Time
	LagMS int64
	Items []json.RawMessage // Figures, or House
	Cut   Cut
	Says  string // of a cut: what happened and what to do

	born  time.Time // about when the oldest event in it was acknowledged; zero when time alone passed
	fresh *Freshnesses
}

// Sent says that the frame has left: how long its events took is noted.
func (f Frame) Sent(at time.Time) {
	if !f.born.IsZero() {
		f.fresh.Note(Pushed, at.Sub(f.born))
	}
}

// Subscriber is one open stream. One goroutine reads it with Next.
type Subscriber struct {
	hub    *Hub
	asker  string
	topics []Topic
	set    string // names the topics, for resuming
	wake   chan struct{}

	// Guarded by hub.mu.
	first   bool // nothing was sent yet
	whole   bool // the first frame is a snapshot
	pending map[Topic]struct{}
	since   time.Time // since when something waits to be read; zero: nothing
	born    time.Time
	beat    bool
	sent    time.Time
	begun   time.Time
	why     Cut
	cutAt   time.Time
	gone    chan struct{} // closed when even the cut was not read
	closed  bool
}

// Subscribe opens a stream of the topics, resuming at the id a client received last. Errors are those of
// Numbers; Invalid: too many topics; Limited: too many streams.
func (i *Insight) Subscribe(ctx context.Context, who account.Asker, topics []Topic, lastID string) (*Subscriber, error) {
	topics = distinct(topics)
	if len(topics) == 0 || len(topics) > MaxTopics {
		return nil, fault.InvalidField("query.entities", "Follow between 1 and %d entities on one stream.", MaxTopics)
	}
	var entities []metric.Entity
	for _, t := range topics {
		if t.Entity.IsZero() {
			if _, err := i.House(ctx, who); err != nil {
				return nil, err
			}
			continue
		}
		entities = append(entities, t.Entity)
	}
	if err := i.allow(ctx, who, entities...); err != nil {
		return nil, err
	}
	return i.hub.subscribe(holder(who), topics, lastID)
}

// holder is whose streams are counted together: a person's or a brand's, however many tokens they made.
func holder(who account.Asker) string {
	if who.Account != "" {
		return string(who.Account)
	}
	return string(who.TokenBrand)
}

func distinct(topics []Topic) (out []Topic) {
	seen := map[Topic]bool{}
	for _, t := range topics {
		if !seen[t] {
			seen[t], out = true, append(out, t)
		}
	}
	return out
}

func (h *Hub) subscribe(asker string, topics []Topic, lastID string) (*Subscriber, error) {
	now := h.i.clock.Now()
	s := &Subscriber{hub: h, asker: asker, topics: topics, set: setOf(topics), wake: make(chan struct{}, 1),
		gone: make(chan struct{}), first: true, whole: true, pending: map[Topic]struct{}{}, sent: now, begun: now}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.topics)+len(topics) > maxFollowed {
		h.forget() // nobody is turned away for what nobody follows
	}
	switch {
	case h.stopped:
		return nil, fault.New(fault.Unavailable, "This server is stopping. Try again in a moment.").After(time.Second)
	case len(h.subs) >= MaxSubscribers || len(h.topics)+len(topics) > maxFollowed:
		return nil, fault.New(fault.Unavailable, "Too many dashboards are open here. Try again in a while; the plain numbers are there meanwhile.").After(10 * time.Second)
	case h.ofAsker[asker] >= MaxOfAsker:
		return nil, fault.New(fault.Limited, "You have %d streams open. Close some of them first.", MaxOfAsker).After(10 * time.Second)
	}
	turn, resumes := s.resume(lastID)
	h.turn++ // what is read below is news to who comes back
	for _, t := range topics {
		f := h.topics[t]
		if f == nil {
			f, resumes = &followed{subs: map[*Subscriber]struct{}{}}, false
			h.topics[t] = f
		}
		if len(f.subs) == 0 { // nobody has looked at it meanwhile
			h.renew(t, f, now)
		}
		f.subs[s] = struct{}{}
		if f.changed > turn {
			s.pending[t] = struct{}{}
		}
	}
	s.whole = !resumes
	h.subs[s] = struct{}{}
	h.ofAsker[asker]++
	return s, nil
}

// resume reads the id received last: the turn it stands for, and whether it is of this hub and of the
// same topics.
func (s *Subscriber) resume(lastID string) (turn uint64, ok bool) {
	parts := strings.Split(lastID, ".")
	if len(parts) != 3 || parts[0] != s.hub.epoch || parts[2] != s.set {
		return 0, false
	}
	turn, err := strconv.ParseUint(parts[1], 10, 64)
	return turn, err == nil && turn <= s.hub.turn
}

func setOf(topics []Topic) string {
	sum := fnv.New64a()
	for _, t := range topics {
		fmt.Fprintf(sum, "%s@%s,", t.Entity, t.Window)
	}
	return strconv.FormatUint(sum.Sum64(), 36)
}

// put says that a topic has news. The caller holds hub.mu, as for all that follow.
func (s *Subscriber) put(t Topic, now, born time.Time, event bool) {
	s.pending[t] = struct{}{}
	if event && (s.born.IsZero() || born.Before(s.born)) {
		s.born = born
	}
	s.ring(now)
}

func (s *Subscriber) ring(now time.Time) {
	if s.since.IsZero() {
		s.since = now
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// check ends a stream that is not read or has grown old, and lets it hear from us when there is no news.
func (s *Subscriber) check(now time.Time) {
	switch {
	case s.why != "":
		if !s.cutAt.IsZero() && now.Sub(s.cutAt) > SlowAfter {
			s.cutAt = time.Time{}
			close(s.gone)
		}
	case !s.since.IsZero() && now.Sub(s.since) > SlowAfter:
		s.cut(CutSlow)
	case now.Sub(s.begun) > StreamLife:
		s.cut(CutRenew)
	case s.since.IsZero() && now.Sub(s.sent) >= BeatEvery:
		s.beat = true
		s.ring(now)
	}
}

func (s *Subscriber) cut(why Cut) {
	if s.why == "" {
		s.why, s.cutAt = why, s.hub.i.clock.Now()
		s.ring(s.hub.i.clock.Now())
	}
}

// Next waits for the next frame. After a cut there is none; the error is ctx's.
func (s *Subscriber) Next(ctx context.Context) (Frame, error) {
	for {
		if f, ok := s.take(); ok {
			return f, nil
		}
		select {
		case <-ctx.Done():
			return Frame{}, ctx.Err()
		case <-s.wake:
		}
	}
}

// Gone is closed when a stream was cut and even that was not read: whoever still writes to its reader
// may stop.
func (s *Subscriber) Gone() <-chan struct{} { return s.gone }

// take makes a frame of what waits.
func (s *Subscriber) take() (Frame, bool) {
	h := s.hub
	now, stamp := h.i.clock.Now(), h.i.source.Stamp()
	h.mu.Lock()
	defer h.mu.Unlock()
	f := Frame{ID: h.mark(s.set), AsOf: stamp, LagMS: h.i.lag(stamp), born: s.born, fresh: h.i.fresh}
	switch {
	case s.why != "":
		return Frame{Kind: FrameCut, AsOf: stamp, Cut: s.why, Says: cutWords[s.why]}, true
	case s.first && s.whole:
		f.Kind, f.born = FrameSnapshot, time.Time{}
		for _, t := range s.topics {
			f.Items = append(f.Items, h.topics[t].body)
		}
	case len(s.pending) > 0:
		f.Kind = FrameChange
		for _, t := range s.topics {
			if _, ok := s.pending[t]; ok {
				f.Items = append(f.Items, h.topics[t].body)
			}
		}
		if s.first {
			f.born = time.Time{} // it was away: that is not the counting's time
		}
	case s.first, s.beat:
		f.Kind, f.born = FrameBeat, time.Time{}
	default:
		return Frame{}, false
	}
	s.first, s.beat, s.since, s.born, s.sent = false, false, time.Time{}, time.Time{}, now
	clear(s.pending)
	return f, true
}

// Close ends the stream; it may be closed again.
func (s *Subscriber) Close() {
	h := s.hub
	now := h.i.clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	delete(h.subs, s)
	if h.ofAsker[s.asker]--; h.ofAsker[s.asker] <= 0 {
		delete(h.ofAsker, s.asker)
	}
	for _, t := range s.topics {
		f := h.topics[t]
		delete(f.subs, s)
		if len(f.subs) == 0 {
			f.left = now
		}
	}
}
